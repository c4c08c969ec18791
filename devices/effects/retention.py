"""Retention: drift, broadening and relaxation of programmed conductances over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import finite_array, number
from devices.effects.base import ValueEffect
from devices.effects.variability import Spread
from devices.sources import Status

__all__ = ["Forgetting", "LogBroadening", "PowerLawDrift"]


@dataclass(frozen=True)
class PowerLawDrift(ValueEffect):
    r"""Power-law drift, as the structural relaxation of phase-change cells.

    .. math:: G(t) = G_0 \left(\frac{t}{t_0}\right)^{-\nu}

    Where ν differs from cell to cell, the mean over cells is not the drift at the mean ν: for a normal spread s of ν,
    ``E[(t/t0)^-ν] = (t/t0)^-E[ν] exp(s² ln²(t/t0) / 2)``. The same seed gives the same ν at another time.

    Parameters
    ----------
    time : float
        Time since programming [s], at least `t0`.
    nu : float
        Exponent.
    t0 : float, optional
        Time since programming at which the conductance is the given one [s].
    spread : Spread, optional
        Spread of ν from cell to cell, such as ``Normal(0.01, relative=False)``. Negative draws rise with time.
    """

    time: float
    nu: float
    t0: float = 1.0
    spread: Spread | None = None
    source: ClassVar[str] = (
        "S. R. Nandakumar et al., ICECS (2019), https://ieeexplore.ieee.org/document/8964852, as coded in aihwkit"
    )
    status: ClassVar[Status] = "seen"

    def __post_init__(self) -> None:
        t0 = number("t0", self.t0, unit="s", minimum=0.0, open_minimum=True)
        number("time", self.time, unit="s", minimum=t0, fix="time counted from programming, not from t0")
        number("nu", self.nu)
        if self.spread is not None and not isinstance(self.spread, Spread):
            raise InputError("spread", repr(self.spread), "a spread, such as Normal(0.01, relative=False)")

    def apply(self, value: ArrayLike, seed: Seed) -> Array:
        """Return conductances [S] at the time t that are `value` [S] at the time t0."""
        g = finite_array("value", value, unit="S")
        nu = np.full(g.shape, self.nu)
        if self.spread is not None:
            nu = self.spread.apply(nu, seed)
        with np.errstate(over="ignore"):
            drifted = g * np.exp(-nu * np.log(self.time / self.t0))
        if not np.isfinite(drifted).all():
            raise InputError(
                "nu", f"down to {nu.min():g} at {self.time:g} s", "exponents with which no double overflows"
            )
        return drifted


@dataclass(frozen=True)
class LogBroadening(ValueEffect):
    r"""A distribution whose mean and width grow with the logarithm of time.

    .. math:: G(t) = \max\left(0,\; G_0 + m \ln\frac{t}{t_0} + \left(s_0 + s_1 \ln\frac{t}{t_0}\right) z\right)

    The defaults are CMO/HfOx filamentary cells, with t0 = 1 s, as in aihwkit, where both are independent of the
    conductance. A draw that would be negative is zero. The same seed gives the same z at another time.

    Parameters
    ----------
    time : float
        Time since programming [s], at least `t0`.
    mean_slope : float, optional
        m [S].
    sigma : float, optional
        s_0, the width at `t0` [S].
    sigma_slope : float, optional
        s_1 [S].
    t0 : float, optional
        Reference time [s].
    """

    time: float
    mean_slope: float = -0.08900206e-6
    sigma: float = 0.41183342e-6
    sigma_slope: float = 0.04201137e-6
    t0: float = 1.0
    source: ClassVar[str] = "aihwkit, ReRamCMONoiseModel, fitted to cells of D. F. Falcone et al. (in review there)"
    status: ClassVar[Status] = "seen"

    def __post_init__(self) -> None:
        t0 = number("t0", self.t0, unit="s", minimum=0.0, open_minimum=True)
        number("time", self.time, unit="s", minimum=t0)
        number("mean_slope", self.mean_slope, unit="S")
        number("sigma", self.sigma, unit="S", minimum=0.0)
        number("sigma_slope", self.sigma_slope, unit="S", minimum=0.0)

    def apply(self, value: ArrayLike, seed: Seed) -> Array:
        """Return conductances [S] at the time t that are `value` [S] when programmed."""
        g = finite_array("value", value, unit="S", minimum=0.0)
        logarithm = np.log(self.time / self.t0)
        width = self.sigma + self.sigma_slope * logarithm
        return np.maximum(g + self.mean_slope * logarithm + width * generator(seed).standard_normal(g.shape), 0.0)


@dataclass(frozen=True)
class Forgetting(ValueEffect):
    r"""Exponential or stretched-exponential relaxation to a value at rest.

    .. math:: x(t) = x_\infty + (x_0 - x_\infty) \, e^{-(t/\tau)^\beta}

    For the state or conductance of diffusive cells: β = 1 is the decay of the WOx model between pulses (τ there is the
    set's ``tau``, or ``tau / lam`` where decay is scaled); β < 1 is the passage from short-term to long-term memory
    found in WOx. The paper's τ and β were not obtained: those given here are the caller's.

    Parameters
    ----------
    time : float
        Time since the last pulse [s].
    tau : float
        Time constant τ [s].
    beta : float, optional
        Exponent β, above 0 and at most 1.
    rest : float, optional
        Value at rest x_∞, in the unit of the value.
    """

    time: float
    tau: float
    beta: float = 1.0
    rest: float = 0.0
    source: ClassVar[str] = (
        "T. Chang, S.-H. Jo, W. Lu, Appl. Phys. A 102, 857 (2011); stretched: ACS Nano 5, 7669 (2011)"
    )
    status: ClassVar[Status] = "recalled"

    def __post_init__(self) -> None:
        number("time", self.time, unit="s", minimum=0.0)
        number("tau", self.tau, unit="s", minimum=0.0, open_minimum=True)
        number("beta", self.beta, minimum=0.0, maximum=1.0, open_minimum=True)
        number("rest", self.rest)

    def apply(self, value: ArrayLike, seed: Seed | None = None) -> Array:
        """Return `value` relaxed for the time t; no random numbers are drawn."""
        start = finite_array("value", value)
        return self.rest + (start - self.rest) * np.exp(-((self.time / self.tau) ** self.beta))
