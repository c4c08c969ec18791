"""Phase-change memory cells: programming error, drift and read noise from one set of fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.randomness import Seed, generator
from devices.common.validation import finite_array, number
from devices.effects.base import ValueEffect
from devices.effects.variability import ProgrammingNoise
from devices.sources import Status

__all__ = ["PcmCells"]

#: Lower limit of conductances in logarithms, as a share of g_max.
_MIN_SHARE = 1e-7


@dataclass(frozen=True)
class PcmCells(ValueEffect):
    r"""Phase-change memory cells, read some time after programming.

    With the target's share :math:`g = \hat G / G_\mathrm{max}` and conductances in uS,

    .. math::
        G_p &= \max(0, \hat G + (0.26348 + 1.9650 g - 1.1731 g^2) z_1) \\
        \nu &= |\mu_\nu + \sigma_\nu z_2|, \quad \mu_\nu = [-0.0155 \ln g + 0.0244]_{0.049}^{0.1}, \quad
               \sigma_\nu = [-0.0125 \ln g - 0.0059]_{0.008}^{0.045} \\
        G_d &= G_p (t/t_0)^{-\nu} \\
        G &= \max(0, G_d (1 + Q \sqrt{\ln((t + t_r)/(2 t_r))}\, z_3)), \quad
             Q = \min(0.0088 / g_p^{0.65}, 0.2)

    ν follows the target, Q the programmed conductance. The time t counts from programming: aihwkit's ``t_inference``
    is ``t - t0``. The same seed gives the same cells (z_1, z_2) and the same z_3 at another time.

    Parameters
    ----------
    time : float, optional
        Time since programming [s], at least `t0`.
    g_max : float, optional
        Largest conductance [S]. The programming error scales with it; the fits are for 25 uS.
    t0 : float, optional
        Time since programming of the first read [s].
    t_read : float, optional
        Duration of a read [s].
    programming_scale, drift_scale, read_scale : float, optional
        Factors on the programming error, on ν, and on the read noise; 0 switches one off.
    """

    time: float = 20.0
    g_max: float = 25e-6
    t0: float = 20.0
    t_read: float = 250e-9
    programming_scale: float = 1.0
    drift_scale: float = 1.0
    read_scale: float = 1.0
    source: ClassVar[str] = (
        "aihwkit, PCMLikeNoiseModel, after S. R. Nandakumar et al., ICECS (2019), "
        "https://ieeexplore.ieee.org/document/8964852, and V. Joshi et al., Nature Commun. 11, 2473 (2020), "
        "doi 10.1038/s41467-020-16108-9"
    )
    status: ClassVar[Status] = "seen"

    def __post_init__(self) -> None:
        t0 = number("t0", self.t0, unit="s", minimum=0.0, open_minimum=True)
        number("time", self.time, unit="s", minimum=t0, fix="time counted from programming: t_inference + t0")
        number("g_max", self.g_max, unit="S", minimum=0.0, open_minimum=True)
        number("t_read", self.t_read, unit="s", minimum=0.0, maximum=t0, open_minimum=True)
        for name in ("programming_scale", "drift_scale", "read_scale"):
            number(name, getattr(self, name), minimum=0.0)

    @property
    def programming(self) -> ProgrammingNoise:
        """The programming error as an effect of its own."""
        scale = self.programming_scale * self.g_max / 25e-6
        return ProgrammingNoise(tuple(scale * c for c in ProgrammingNoise().coefficients), self.g_max)

    def nu_mean(self, target: ArrayLike) -> Array:
        """Return the exponent's mean at a `target` [S], before `drift_scale`."""
        return np.clip(-0.0155 * np.log(self._share(target)) + 0.0244, 0.049, 0.1)

    def nu_sigma(self, target: ArrayLike) -> Array:
        """Return the exponent's standard deviation at a `target` [S], before `drift_scale`."""
        return np.clip(-0.0125 * np.log(self._share(target)) - 0.0059, 0.008, 0.045)

    def read_sigma(self, programmed: ArrayLike) -> Array:
        """Return the relative read noise at the time t of cells `programmed` to this conductance [S]."""
        share = finite_array("programmed", programmed, unit="S", minimum=0.0) / self.g_max
        q = np.minimum(0.0088 / np.maximum(share**0.65, 1e-3), 0.2)
        return self.read_scale * q * np.sqrt(np.log((self.time + self.t_read) / (2.0 * self.t_read)))

    def exponents(self, target: ArrayLike, seed: Seed) -> Array:
        """Return an exponent ν for each `target` [S]."""
        mean, sigma = self.nu_mean(target), self.nu_sigma(target)
        return self.drift_scale * np.abs(mean + sigma * generator(seed).standard_normal(mean.shape))

    def apply(self, value: ArrayLike, seed: Seed) -> Array:
        """Return the conductances [S] read at the time t for targets `value` [S]."""
        target = finite_array("value", value, unit="S", minimum=0.0, maximum=self.g_max)
        rng = generator(seed)
        programmed = self.programming.apply(target, rng)
        drifted = programmed * np.exp(-self.exponents(target, rng) * np.log(self.time / self.t0))
        noise = self.read_sigma(programmed) * rng.standard_normal(target.shape)
        return np.maximum(drifted * (1.0 + noise), 0.0)

    def _share(self, target: ArrayLike) -> Array:
        return np.maximum(finite_array("target", target, unit="S", minimum=0.0) / self.g_max, _MIN_SHARE)
