"""Metastable switches (Molter and Nugent): many two-state switches, represented by their mean.

`devices.simulate_switches` draws the switches themselves.
"""

from __future__ import annotations

from devices.common.constants import BOLTZMANN_EV
from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State
from devices.special import logistic

_X = State("x", "1", "share of the switches that are on")
_PARAMETERS = (
    Parameter("tau", "s", "time scale of switching", lower=0.0, open_lower=True, latex=r"\tau"),
    Parameter("v_on", "V", "voltage at which half of the attempts switch on", latex=r"V_\mathrm{on}"),
    Parameter("v_off", "V", "magnitude of the voltage at which half switch off", latex=r"V_\mathrm{off}"),
    Parameter("u_t", "V", "thermal voltage kT/q", lower=0.0, open_lower=True, latex="u_T"),
    Parameter("r_on", "ohm", "resistance with all switches on", lower=0.0, open_lower=True, latex=r"R_\mathrm{on}"),
    Parameter("r_off", "ohm", "resistance with all switches off", lower=0.0, open_lower=True, latex=r"R_\mathrm{off}"),
)
_x = _X.symbol
_tau, _v_on, _v_off, _u_t, _r_on, _r_off = (p.symbol for p in _PARAMETERS)


MODELS = (
    DeviceModel(
        name="metastable_switch",
        title="Metastable switches, the mean of many: logistic switching probabilities, conductances in parallel",
        states=(_X,),
        parameters=_PARAMETERS,
        current=VOLTAGE * (_x / _r_on + (1 - _x) / _r_off),
        rates=((logistic((VOLTAGE - _v_on) / _u_t) * (1 - _x) - logistic(-(VOLTAGE + _v_off) / _u_t) * _x) / _tau,),
        parameter_sets=(
            ParameterSet(
                "knowm",
                {
                    "tau": 1e-4,
                    "v_on": 0.27,
                    "v_off": 0.27,
                    "u_t": BOLTZMANN_EV * 298.5,
                    "r_on": 500.0,
                    "r_off": 1500.0,
                },
                {"x": 0.5},
                "metastable switch decks of the open SPICE collection knowm/memristor-models-4-all",
                "seen",
                "u_t is kT/q at the 298.5 K given there. The start is ours.",
                loop_voltage=0.5,
                loop_frequency=1e3,
            ),
        ),
        references=(
            "M. A. Nugent and T. W. Molter, PLoS ONE 9, e85175 (2014), doi 10.1371/journal.pone.0085175 (recalled)",
        ),
        validity=(
            "The mean of independent switches, exact for any number of them; their scatter is in "
            "devices.simulate_switches. Volatile: the state relaxes at zero volts."
        ),
    ),
)
