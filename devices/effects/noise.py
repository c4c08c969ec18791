"""Read noise: white (thermal and shot), 1/f, and random telegraph noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.constants import BOLTZMANN, CHARGE
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import choice, finite_array, integer, number
from devices.effects.base import ValueEffect
from devices.effects.variability import Spread
from devices.sources import Status

__all__ = ["FlickerNoise", "TelegraphNoise", "WhiteNoise"]


@dataclass(frozen=True)
class WhiteNoise(ValueEffect):
    r"""White noise of the read current, as an error of the conductance that is read.

    .. math::
        S_\mathrm{thermal} = 4 k T G, \qquad S_\mathrm{shot} = 2 q |I|, \qquad
        S_\mathrm{barrier} = 2 q |I| \coth\frac{q |V|}{2 k T}

    one-sided in A²/Hz, with I = G V. The read current has the variance S B, the conductance S B / V².

    A cell has one of these, never a sum: an ohmic conductor much longer than the electrons' inelastic length has
    thermal noise only, whatever its current; a barrier has the third, which is thermal for ``q V << 2 k T`` and shot
    noise far above. The `origin` is therefore not a default.

    Parameters
    ----------
    origin : {"thermal", "shot", "barrier"}
        Kind of noise.
    voltage : float
        Read voltage [V]; in an array, that of each line takes its place.
    bandwidth : float
        Noise bandwidth B of the read [Hz]: ``1 / (2 t)`` for a current integrated over t, in an array with pulse widths
        as inputs the length of a full-scale pulse.
    temperature : float, optional
        Temperature [K].
    """

    origin: Literal["thermal", "shot", "barrier"]
    voltage: float
    bandwidth: float
    temperature: float = 300.0
    source: ClassVar[str] = (
        "H. Nyquist, Phys. Rev. 32, 110 (1928), doi 10.1103/PhysRev.32.110; W. Schottky, Ann. Phys. 362, 541 (1918), "
        "doi 10.1002/andp.19183622304; barrier: D. Rogovin, D. J. Scalapino, Ann. Phys. 86, 1 (1974)"
    )
    status: ClassVar[Status] = "recalled"
    acts = "each read"

    def __post_init__(self) -> None:
        choice("origin", self.origin, ("thermal", "shot", "barrier"))
        if number("voltage", self.voltage, unit="V") == 0.0:
            raise InputError("voltage", "0", "a read voltage that is not zero [V]")
        number("bandwidth", self.bandwidth, unit="Hz", minimum=0.0)
        number("temperature", self.temperature, unit="K", minimum=0.0, open_minimum=True)

    def density(self, conductance: ArrayLike, voltage: ArrayLike | None = None) -> Array:
        """Return the one-sided density of the current's noise [A²/Hz] at a `conductance` [S].

        `voltage` is that across the cells [V], 0 V included; the read voltage where it is not given.
        """
        g = np.abs(finite_array("conductance", conductance, unit="S"))
        v = np.abs(finite_array("voltage", self.voltage if voltage is None else voltage, unit="V"))
        thermal = 4.0 * BOLTZMANN * self.temperature * g
        if self.origin == "thermal":
            return np.broadcast_to(thermal, np.broadcast_shapes(g.shape, v.shape))
        if self.origin == "shot":
            return 2.0 * CHARGE * g * v
        x = 0.5 * CHARGE * v / (BOLTZMANN * self.temperature)
        return thermal * np.where(x > 0.0, x / np.tanh(np.where(x > 0.0, x, 1.0)), 1.0)

    def apply(self, value: ArrayLike, seed: Seed) -> Array:
        """Return the conductances [S] that a read of `value` [S] gives; they may be negative."""
        g = finite_array("value", value, unit="S")
        sigma = np.sqrt(self.density(g) * self.bandwidth) / abs(self.voltage)
        return g + sigma * generator(seed).standard_normal(g.shape)


@dataclass(frozen=True)
class FlickerNoise(ValueEffect):
    r"""1/f noise of a current or conductance, within a band.

    .. math:: S(f) = \frac{K I^2}{f}, \qquad \mathrm{Var}[I] = K I^2 \ln\frac{f_2}{f_1}

    Parameters
    ----------
    k : float
        Relative strength K, a pure number.
    f_low, f_high : float
        The band [Hz]: about one over the observation time, and the bandwidth of the read.
    """

    k: float
    f_low: float
    f_high: float
    source: ClassVar[str] = "F. N. Hooge, Phys. Lett. A 29, 139 (1969), doi 10.1016/0375-9601(69)90076-0"
    status: ClassVar[Status] = "recalled"
    acts = "each read"

    def __post_init__(self) -> None:
        number("k", self.k, minimum=0.0)
        low = number("f_low", self.f_low, unit="Hz", minimum=0.0, open_minimum=True)
        number("f_high", self.f_high, unit="Hz", minimum=low, open_minimum=True)

    @property
    def relative_variance(self) -> float:
        """Variance of the band over the squared value, K ln(f2/f1)."""
        return self.k * float(np.log(self.f_high / self.f_low))

    def density(self, value: ArrayLike, frequency: ArrayLike) -> Array:
        """Return the one-sided density [value²/Hz] at a `frequency` [Hz]: zero outside the band."""
        f = finite_array("frequency", frequency, unit="Hz", minimum=0.0)
        inside = (f >= self.f_low) & (f <= self.f_high)
        return np.square(finite_array("value", value)) * np.where(inside, self.k / np.where(inside, f, 1.0), 0.0)

    def apply(self, value: ArrayLike, seed: Seed) -> Array:
        """Return `value` with the noise of the whole band, drawn anew for each entry."""
        centre = finite_array("value", value)
        return centre * (1.0 + np.sqrt(self.relative_variance) * generator(seed).standard_normal(centre.shape))

    def series(self, value: ArrayLike, step: float, samples: int, seed: Seed) -> Array:
        """Return a time series around `value`.

        A sum of random waves at the frequencies of a window twice as long, so that the series does not close on itself.
        Each carries the exact power of its slice of the band, and the power below the slowest wave is a constant
        offset: the variance over many series is the band's.

        Parameters
        ----------
        value : array_like
            Mean currents [A] or conductances [S].
        step : float
            Time between samples [s], at most ``1 / (2 f_high)``.
        samples : int
            Number of samples.
        seed : int or numpy.random.Generator
            Seed or generator of the random numbers.

        Returns
        -------
        numpy.ndarray
            Shape ``(samples, *value.shape)``.
        """
        centre = finite_array("value", value)
        dt = number("step", step, unit="s", minimum=0.0, open_minimum=True, maximum=0.5 / self.f_high)
        count = 2 * integer("samples", samples, minimum=1)
        edges = np.clip((np.arange(count // 2 + 2) - 0.5) / (count * dt), self.f_low, self.f_high)
        power = self.k * np.diff(np.log(edges))
        shape = (power.size, *centre.shape)
        rng = generator(seed)
        waves = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
        # A pair of frequencies +-f of amplitude a/2 has the variance a²/2; the first and last are single and real.
        scale = 0.5 * np.sqrt(power)
        scale[[0, -1]] *= 2.0
        waves *= scale.reshape(-1, *(1,) * centre.ndim)
        relative = np.fft.irfft(waves, count, axis=0)[: count // 2] * count
        return centre * (1.0 + relative)


@dataclass(frozen=True)
class TelegraphNoise(ValueEffect):
    r"""Random telegraph noise: the conductance jumps between its value and a lower one.

    .. math::
        p = \frac{\tau_\mathrm{high}}{\tau_\mathrm{high} + \tau_\mathrm{low}}, \quad
        \frac{1}{\tau_0} = \frac{1}{\tau_\mathrm{high}} + \frac{1}{\tau_\mathrm{low}}, \quad
        S(f) = \frac{4 \Delta^2 p (1 - p) \tau_0}{1 + (2 \pi f \tau_0)^2}

    with the step Δ = `amplitude` times the value. The mean is ``value (1 - amplitude (1 - p))``, the variance
    ``Δ² p (1 - p)``.

    Parameters
    ----------
    amplitude : float
        Step over the value, from 0 to 1. It grows with the resistance of low-resistance states.
    tau_high, tau_low : float
        Mean times in the two states [s].
    spread : Spread, optional
        Spread of the amplitude from cell to cell; lognormal ones are reported. Draws above 1 are refused:
        ``Truncated(Lognormal(...), upper=1)`` has none.
    """

    amplitude: float
    tau_high: float
    tau_low: float
    spread: Spread | None = None
    source: ClassVar[str] = (
        "S. Machlup, J. Appl. Phys. 25, 341 (1954), doi 10.1063/1.1721637; in HfOx cells: S. Ambrogio et al., IEEE "
        "Trans. Electron Devices (2014), doi 10.1109/TED.2014.2330202"
    )
    status: ClassVar[Status] = "recalled"
    acts = "each read"

    def __post_init__(self) -> None:
        number("amplitude", self.amplitude, minimum=0.0, maximum=1.0)
        number("tau_high", self.tau_high, unit="s", minimum=0.0, open_minimum=True)
        number("tau_low", self.tau_low, unit="s", minimum=0.0, open_minimum=True)
        if self.spread is not None and not isinstance(self.spread, Spread):
            raise InputError("spread", repr(self.spread), "a spread, such as Lognormal(0.5)")

    @property
    def p_high(self) -> float:
        """Share of time in the high state."""
        return 1.0 / (1.0 + self.tau_low / self.tau_high)

    @property
    def tau(self) -> float:
        """Correlation time τ0 [s]."""
        return self.tau_low * self.p_high

    def density(self, value: ArrayLike, frequency: ArrayLike) -> Array:
        """Return the one-sided density [value²/Hz] at a `frequency` [Hz], without spread of the amplitude."""
        f = finite_array("frequency", frequency, unit="Hz", minimum=0.0)
        step = self.amplitude * finite_array("value", value)
        variance = np.square(step) * self.p_high * (1.0 - self.p_high)
        return 4.0 * variance * self.tau / (1.0 + np.square(2.0 * np.pi * f * self.tau))

    def apply(self, value: ArrayLike, seed: Seed) -> Array:
        """Return `value` with each entry in the high or low state of a read at an arbitrary moment."""
        return self.series(value, [0.0], seed)[0]

    def series(self, value: ArrayLike, time: ArrayLike, seed: Seed) -> Array:
        """Return a time series, exact at any spacing of the times.

        Over a time t the chain keeps its state with the probability ``exp(-t/τ0)`` and is otherwise drawn from its
        stationary distribution; this is its exact transition matrix.

        Parameters
        ----------
        value : array_like
            Currents [A] or conductances [S] of the high state.
        time : array_like
            Increasing times [s].
        seed : int or numpy.random.Generator
            Seed or generator of the random numbers.

        Returns
        -------
        numpy.ndarray
            Shape ``(times, *value.shape)``, stationary from the first time on.
        """
        centre = finite_array("value", value)
        t = finite_array("time", time, unit="s", shape=("times",))
        if (np.diff(t) < 0.0).any():
            raise InputError("time", "times that fall", "increasing times [s]")
        rng = generator(seed)
        amplitude = np.full(centre.shape, self.amplitude)
        if self.spread is not None:
            amplitude = self.spread.apply(amplitude, rng)
            if not ((amplitude >= 0.0) & (amplitude <= 1.0)).all():
                given = f"amplitudes from {amplitude.min():g} to {amplitude.max():g}"
                raise InputError("spread", given, "amplitudes from 0 to 1", "Truncated(spread, 0, 1)")
        fresh = rng.random((t.size, *centre.shape)) < self.p_high
        keep = np.exp(-np.diff(t, prepend=-np.inf) / self.tau).reshape(-1, *(1,) * centre.ndim)
        drawn = rng.random(fresh.shape) >= keep
        rows = np.arange(t.size).reshape(keep.shape)
        last = np.maximum.accumulate(np.where(drawn, rows, 0), axis=0)
        high = np.take_along_axis(fresh, last, axis=0)
        return centre * np.where(high, 1.0, 1.0 - amplitude)
