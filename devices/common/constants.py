"""Constants of nature, exact by definition of the SI (2019)."""

__all__ = ["BOLTZMANN", "BOLTZMANN_EV", "CHARGE"]

#: Boltzmann constant [J/K].
BOLTZMANN = 1.380649e-23
#: Elementary charge [C].
CHARGE = 1.602176634e-19
#: Boltzmann constant [eV/K].
BOLTZMANN_EV = BOLTZMANN / CHARGE
