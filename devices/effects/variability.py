"""Variability from device to device and from cycle to cycle, and programming error."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import choice, finite_array, number
from devices.effects.base import ValueEffect
from devices.sources import Status

__all__ = ["Correlated", "Lognormal", "Normal", "ProgrammingNoise", "Spread", "Truncated"]


class Spread(ValueEffect):
    """A distribution around each value, as an increasing function of a standard normal score."""

    @abstractmethod
    def place(self, value: Array, score: Array) -> Array:
        """Return the quantile of the distribution around `value` whose standard normal score is `score`."""

    def apply(self, value: ArrayLike, seed: Seed) -> Array:
        """Return `value` with the spread, drawn anew for each entry.

        Parameters
        ----------
        value : array_like
            Conductances [S] or any other quantity.
        seed : int or numpy.random.Generator
            Seed or generator of the random numbers.

        Returns
        -------
        numpy.ndarray
            Of the same shape.
        """
        centre = finite_array("value", value)
        return self.place(centre, generator(seed).standard_normal(centre.shape))


@dataclass(frozen=True)
class Normal(Spread):
    r"""Normal spread: ``sigma z`` is added, with z standard normal.

    .. math:: x = \mu + \sigma z \quad\text{or}\quad x = \mu + \sigma |\mu| z

    Draws may change sign; `Truncated` keeps them within bounds.

    Parameters
    ----------
    sigma : float
        Standard deviation, as a share of the value, or in its unit.
    relative : bool, optional
        Whether `sigma` is a share of the value.
    """

    sigma: float
    relative: bool = True
    source: ClassVar[str] = (
        "low-resistance states of cycled HfO2 1T1R cells are normal (abstract of an endurance study of 2013)"
    )
    status: ClassVar[Status] = "seen"

    def __post_init__(self) -> None:
        number("sigma", self.sigma, minimum=0.0)

    def place(self, value: Array, score: Array) -> Array:
        """Return the quantile around `value` whose standard normal score is `score`."""
        return value + self._scale(value) * score

    def score(self, value: Array, level: float) -> Array:
        """Return the standard normal score of `level` around `value`; meaningless where there is no spread."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return (level - value) / self._scale(value)

    def _scale(self, value: Array) -> Array:
        return self.sigma * (np.abs(value) if self.relative else np.ones_like(value))


@dataclass(frozen=True)
class Lognormal(Spread):
    r"""Lognormal spread: each value is multiplied by ``exp(sigma z)`` with z standard normal.

    .. math:: G = \tilde G \, e^{\sigma z}, \qquad \mathrm{E}[G] = \tilde G \, e^{\sigma^2/2}

    High-resistance states of filamentary oxide devices are found lognormal from device to device; low-resistance
    states are closer to normal, which a lognormal of small sigma approaches.

    Parameters
    ----------
    sigma : float
        Standard deviation of ln G, at most 20.
    hold : {"median", "mean"}, optional
        Statistic that stays at the given value; for the mean the factor is ``exp(sigma z - sigma^2 / 2)``.
    """

    sigma: float
    hold: Literal["median", "mean"] = "median"
    source: ClassVar[str] = (
        "high-resistance states of cycled HfO2 1T1R cells are lognormal (abstract of an endurance study of 2013)"
    )
    status: ClassVar[Status] = "seen"

    def __post_init__(self) -> None:
        number("sigma", self.sigma, minimum=0.0, maximum=20.0)
        choice("hold", self.hold, ("median", "mean"))

    def place(self, value: Array, score: Array) -> Array:
        """Return the quantile around `value`, which is not negative, whose standard normal score is `score`."""
        centre = finite_array("value", value, minimum=0.0)
        return centre * np.exp(self.sigma * score - self._shift)

    def score(self, value: Array, level: float) -> Array:
        """Return the standard normal score of `level` around `value`; meaningless where there is no spread."""
        centre = finite_array("value", value, minimum=0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (np.log(max(level, 0.0) / centre) + self._shift) / self.sigma

    @property
    def _shift(self) -> float:
        return 0.5 * self.sigma**2 if self.hold == "mean" else 0.0


@dataclass(frozen=True)
class Truncated(Spread):
    r"""A spread truncated to bounds: its density is cut off there and normalised again.

    .. math:: F(x) = \frac{\Phi(z(x)) - \Phi(z(a))}{\Phi(z(b)) - \Phi(z(a))}, \quad a \le x \le b

    Draws come from the inverse of F, computed with logarithms of both tails: it is exact for bounds many sigma away
    too, and no draw is rejected. The mean and median change with the truncation.

    Parameters
    ----------
    spread : Normal or Lognormal
        Distribution before truncation.
    lower, upper : float, optional
        Bounds, in the unit of the value; None for no bound. A value without spread of its own (zero, where the spread
        is relative) has to lie within them.
    """

    spread: Normal | Lognormal
    lower: float | None = None
    upper: float | None = None
    source: ClassVar[str] = (
        "N. L. Johnson, S. Kotz, N. Balakrishnan, Continuous Univariate Distributions, vol. 1 (Wiley, 1994), ch. 13"
    )
    status: ClassVar[Status] = "recalled"

    def __post_init__(self) -> None:
        if not isinstance(self.spread, Normal | Lognormal):
            raise InputError("spread", repr(self.spread), "a Normal or Lognormal")
        low, high = self._bounds
        for name, bound in (("lower", self.lower), ("upper", self.upper)):
            if bound is not None:
                number(name, bound)
        if low >= high:
            raise InputError("lower, upper", f"{low:g}, {high:g}", "lower < upper")
        if isinstance(self.spread, Lognormal) and high <= 0.0:
            raise InputError("upper", f"{high:g}", "> 0, as every lognormal draw is")

    @property
    def _bounds(self) -> tuple[float, float]:
        return -np.inf if self.lower is None else self.lower, np.inf if self.upper is None else self.upper

    def place(self, value: Array, score: Array) -> Array:
        """Return the quantile of the truncated distribution around `value` whose standard normal score is `score`."""
        from scipy.special import log_ndtr, ndtri_exp

        low, high = self._bounds
        fixed = self.spread.place(value, np.ones_like(value)) == self.spread.place(value, -np.ones_like(value))
        outside = fixed & ((value < low) | (value > high))
        if outside.any():
            raise InputError("value", f"{value[outside][0]:g} without spread", f"within [{low:g}, {high:g}]")
        a = np.where(fixed, -np.inf, self.spread.score(value, low))
        b = np.where(fixed, np.inf, self.spread.score(value, high))
        # The lower tail is the accurate one: bounds that lie mostly above the centre are mirrored.
        sign = np.where(a > -b, -1.0, 1.0)
        a, b, z = np.where(sign > 0, a, -b), np.where(sign > 0, b, -a), sign * score
        left = np.logaddexp(log_ndtr(a) + log_ndtr(-z), log_ndtr(b) + log_ndtr(z))
        return np.clip(self.spread.place(value, sign * ndtri_exp(np.minimum(left, 0.0))), low, high)


@dataclass(frozen=True)
class Correlated(Spread):
    r"""A spread from cycle to cycle with memory: along the first axis the scores are an AR(1) process.

    .. math:: z_{k+1} = \rho z_k + \sqrt{1 - \rho^2}\, \epsilon_k, \quad \rho = e^{-1/n}, \quad z_0 \sim N(0, 1)

    The series is stationary from its first cycle: each cycle has exactly the distribution of `spread`, and scores k
    cycles apart have the correlation ``exp(-k / n)``. Cells, along the other axes, are independent.

    Parameters
    ----------
    spread : Spread
        Distribution in one cycle.
    cycles : float, optional
        Correlation length n [cycles].

    Examples
    --------
    Fixed device-to-device spread, then 500 cycles of each cell:

    >>> import numpy as np
    >>> cells = Lognormal(0.3).apply(np.full(64, 1e-5), seed=1)
    >>> Correlated(Lognormal(0.1)).apply(np.broadcast_to(cells, (500, 64)), seed=2).shape
    (500, 64)
    """

    spread: Spread
    cycles: float = 40.0
    source: ClassVar[str] = "IEEE Electron Device Lett. (2016), doi 10.1109/LED.2016.2553370: some 40 cycles"
    status: ClassVar[Status] = "seen"
    acts = "over cycles"

    def __post_init__(self) -> None:
        if not isinstance(self.spread, Spread) or isinstance(self.spread, Correlated):
            raise InputError("spread", repr(self.spread), "a Normal, Lognormal or Truncated")
        number("cycles", self.cycles, unit="cycles", minimum=0.0, open_minimum=True)

    def place(self, value: Array, score: Array) -> Array:
        """Return values whose scores are `score`, filtered along the first axis."""
        if not score.ndim:
            raise InputError("value", "one value", "an array whose first axis is the cycle", "np.full(cycles, value)")
        from scipy.signal import lfilter

        rho = float(np.exp(-1.0 / self.cycles))
        innovation = score * np.sqrt(-np.expm1(-2.0 / self.cycles))
        innovation[:1] = score[:1]
        return self.spread.place(value, lfilter([1.0], [1.0, -rho], innovation, axis=0))


@dataclass(frozen=True)
class ProgrammingNoise(ValueEffect):
    r"""Programming error: a normal deviation from the target whose sigma is a polynomial of the conductance.

    .. math:: G = \max(0,\; \hat G + \sigma z), \qquad \sigma = \sum_k c_k (\hat G / G_\mathrm{max})^k

    An error that would make the conductance negative leaves it at zero.

    Parameters
    ----------
    coefficients : tuple of float
        c_0, c_1, ... [S]. The default is phase-change memory, with `g_max` 25 uS.
    g_max : float, optional
        Conductance by which targets are divided [S].
    """

    coefficients: tuple[float, ...] = (0.26348e-6, 1.9650e-6, -1.1731e-6)
    g_max: float = 25e-6
    source: ClassVar[str] = (
        "S. R. Nandakumar et al., ICECS (2019), https://ieeexplore.ieee.org/document/8964852, as coded in aihwkit"
    )
    status: ClassVar[Status] = "seen"

    def __post_init__(self) -> None:
        given = finite_array("coefficients", self.coefficients, unit="S", shape=("terms",))
        object.__setattr__(self, "coefficients", tuple(given.tolist()))
        number("g_max", self.g_max, unit="S", minimum=0.0, open_minimum=True)

    @classmethod
    def absolute(cls, sigma: float) -> ProgrammingNoise:
        """Return an error of `sigma` [S] at every conductance."""
        return cls((number("sigma", sigma, unit="S", minimum=0.0),), 1.0)

    @classmethod
    def relative(cls, sigma: float) -> ProgrammingNoise:
        """Return an error of `sigma` times the conductance."""
        return cls((0.0, number("sigma", sigma, minimum=0.0)), 1.0)

    @classmethod
    def wan_2022(cls, time: Literal["1 s", "1 d", "2 d"] = "1 s") -> ProgrammingNoise:
        """Return the deviation from target of an HfOx RRAM chip at a `time` after programming.

        The polynomials are fits by aihwkit's authors to published figures, with `g_max` 40 uS, of W. Wan et al.,
        Nature 608, 504 (2022), doi 10.1038/s41586-022-04992-8.
        """
        fits = {
            "1 s": (0.348, 16.030, -43.853, 45.393, -16.815),
            "1 d": (0.701, 22.086, -50.773, 47.095, -16.458),
            "2 d": (0.782, 20.274, -43.507, 37.062, -11.934),
        }
        return cls(tuple(1e-6 * c for c in fits[choice("time", time, fits)]), 40e-6)

    def sigma(self, target: ArrayLike) -> Array:
        """Return the error's standard deviation [S] at a `target` [S]."""
        g = finite_array("target", target, unit="S", minimum=0.0) / self.g_max
        sigma = np.asarray(np.polynomial.polynomial.polyval(g, self.coefficients), dtype=np.float64)
        if (sigma < 0.0).any():
            given = f"sigma {sigma.min():g} S at a target of {(g * self.g_max).flat[sigma.argmin()]:g} S"
            raise InputError("coefficients", given, "a sigma not negative at any target", "targets up to g_max")
        return sigma

    def apply(self, value: ArrayLike, seed: Seed) -> Array:
        """Return the conductances [S] that cells are programmed to for targets `value` [S]."""
        target = finite_array("value", value, unit="S", minimum=0.0)
        error = self.sigma(target) * generator(seed).standard_normal(target.shape)
        return np.maximum(target + error, 0.0)
