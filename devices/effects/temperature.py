"""Temperature: thermally activated rates, retention times, and the resistance of metal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.constants import BOLTZMANN_EV
from devices.common.errors import InputError
from devices.common.randomness import Seed
from devices.common.validation import finite_array, number
from devices.effects.base import ValueEffect
from devices.sources import Status

__all__ = ["ArrheniusRate", "MetalResistance"]


@dataclass(frozen=True)
class ArrheniusRate(ValueEffect):
    r"""A thermally activated rate at another temperature.

    .. math:: \frac{k(T)}{k(T_0)} = \exp\left[\frac{E_a}{k_B} \left(\frac{1}{T_0} - \frac{1}{T}\right)\right]

    Retention times shrink by the same factor: ten years at `reference` are ``retention_time(10 * 365.25 * 86400)``
    at `temperature`.

    Parameters
    ----------
    activation_energy : float
        E_a [eV].
    temperature : float
        T [K].
    reference : float, optional
        T_0, at which the given rates hold [K].
    """

    activation_energy: float
    temperature: float
    reference: float = 300.0
    source: ClassVar[str] = "S. Arrhenius, Z. Phys. Chem. 4, 226 (1889), doi 10.1515/zpch-1889-0416"
    status: ClassVar[Status] = "recalled"
    acts = "on parameters"

    def __post_init__(self) -> None:
        number("activation_energy", self.activation_energy, unit="eV", minimum=0.0)
        number("temperature", self.temperature, unit="K", minimum=0.0, open_minimum=True)
        number("reference", self.reference, unit="K", minimum=0.0, open_minimum=True)
        if abs(self._exponent) > 700.0:
            given = f"a factor of exp({self._exponent:g})"
            raise InputError("temperature", given, "a rate within the range of doubles", "temperatures closer together")

    @property
    def _exponent(self) -> float:
        return self.activation_energy / BOLTZMANN_EV * (1.0 / self.reference - 1.0 / self.temperature)

    @property
    def factor(self) -> float:
        """Rate at `temperature` over the rate at `reference`."""
        return float(np.exp(self._exponent))

    def apply(self, value: ArrayLike, seed: Seed | None = None) -> Array:
        """Return rates `value` [any unit per second] at `temperature`; no random numbers are drawn."""
        return finite_array("value", value) * self.factor

    def retention_time(self, time: ArrayLike) -> Array:
        """Return the time [s] at `temperature` of a process that takes `time` [s] at `reference`."""
        return finite_array("time", time, unit="s", minimum=0.0) / self.factor


@dataclass(frozen=True)
class MetalResistance(ValueEffect):
    r"""Resistance of metal at another temperature.

    .. math:: R(T) = R_0 \left[1 + \alpha (T - T_0)\right]

    Parameters
    ----------
    temperature : float
        T [K].
    alpha : float, optional
        Temperature coefficient [1/K].
    reference : float, optional
        T_0, at which the given resistances hold [K].
    """

    temperature: float
    alpha: float = 3.92e-3
    reference: float = 293.0
    source: ClassVar[str] = (
        "coefficient: a C++ port (bsmeele/master-thesis) of JART VCM v1b, doi 10.26165/JUELICH-DATA/LUA8QY"
    )
    status: ClassVar[Status] = "seen"
    acts = "on parameters"

    def __post_init__(self) -> None:
        number("temperature", self.temperature, unit="K", minimum=0.0, open_minimum=True)
        number("alpha", self.alpha, unit="1/K")
        number("reference", self.reference, unit="K", minimum=0.0, open_minimum=True)
        if self.factor <= 0.0:
            raise InputError("temperature", f"a factor of {self.factor:g}", "a resistance above zero", "less extreme")

    @property
    def factor(self) -> float:
        """Resistance at `temperature` over the resistance at `reference`."""
        return 1.0 + self.alpha * (self.temperature - self.reference)

    def apply(self, value: ArrayLike, seed: Seed | None = None) -> Array:
        """Return resistances `value` [ohm] at `temperature`; no random numbers are drawn."""
        return finite_array("value", value, unit="ohm") * self.factor
