"""The analyses of a circuit: operating point, sweep, transient, response to small sines, and noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from devices import InputError
from devices.common.arrays import Array
from devices.common.validation import integer, number

__all__ = ["AC", "Analysis", "DCSweep", "Noise", "OperatingPoint", "Transient", "sources_of"]


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """An analysis that solves the circuit once, at rest."""


@dataclass(frozen=True, slots=True)
class Transient:
    """An analysis that integrates the circuit from its start.

    Parameters
    ----------
    duration : float
        Length [s].
    step : float
        Longest step [s].
    """

    duration: float
    step: float


@dataclass(frozen=True)
class DCSweep:
    """An analysis that solves the circuit at rest for a grid of values of its sources.

    Parameters
    ----------
    sources : mapping of str to slice
        First value, last value and step [V] of each source by its name, ``slice(0.0, 1.0, 0.1)``: both ends belong to
        the sweep. Of several sources the first one changes at each point, the next one after each run of the first.

    Raises
    ------
    InputError
        If a value is not finite, or the steps do not lead from the first value to the last one.

    Examples
    --------
    >>> sweep = DCSweep({"Vin0": slice(0.0, 1.0, 0.25), "Vin1": slice(0.0, 0.2, 0.1)})
    >>> sweep.shape
    (3, 5)
    """

    sources: Mapping[str, slice]

    def __post_init__(self) -> None:
        fix = "{'Vin0': slice(0.0, 1.0, 0.1)}"
        if not isinstance(self.sources, Mapping) or not self.sources:
            raise InputError("sources", repr(self.sources), "slices by names of sources", fix)
        for name, values in self.sources.items():
            if not isinstance(values, slice):
                raise InputError("sources", f"{name} over {values!r}", "a slice: first value, last value, step", fix)
            for word in ("start", "stop", "step"):
                number(f"{word} of {name}", getattr(values, word), unit="V")
            if values.step == 0.0 or (values.stop - values.start) * values.step < 0.0:
                given = f"{name} from {values.start:g} to {values.stop:g} V in steps of {values.step:g} V"
                raise InputError("sources", given, "steps that lead from the first value to the last one", fix)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each source, the one that changes fastest last: ``vector.reshape(sweep.shape)``."""
        return tuple(len(self.values(name)) for name in reversed(list(self.sources)))

    def values(self, name: str) -> Array:
        """Return the values of one source [V]."""
        given = self.sources[name]
        steps = math.floor((given.stop - given.start) / given.step * (1 + 1e-9) + 1e-9)
        return np.asarray(given.start + given.step * np.arange(steps + 1))


@dataclass(frozen=True, slots=True)
class AC:
    """The response of a circuit to a small sine of 1 V at one source, linear around the operating point.

    States of devices are held, as in an operating point. The vectors are complex: potentials [V] and currents [A] for
    1 V; those of another amplitude are in proportion.

    Parameters
    ----------
    source : str or None
        Name of the source. ``None`` for a circuit of PySpice whose sources have their amplitudes in it.
    start, stop : float
        First and last frequency [Hz].
    points : int, optional
        Number of frequencies in each decade, from `start` on: the last one is `stop` where whole steps lead to it.

    Raises
    ------
    InputError
        If the frequencies are not positive or not in order.
    """

    source: str | None
    start: float
    stop: float
    points: int = 10

    def __post_init__(self) -> None:
        _check_frequencies(self.start, self.stop, self.points)

    @property
    def frequencies(self) -> Array:
        """The frequencies [Hz]: ``start * 10**(k / points)`` up to `stop`."""
        return _frequencies(self.start, self.stop, self.points)


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of a circuit at one net, linear around the operating point.

    Resistors have thermal noise, of density 4 k T R [V^2/Hz]; so have ohmic cells and wires. Devices with a law,
    capacitors and ideal amplifiers have none in a simulator; see `devices.WhiteNoise` for that of devices.

    Parameters
    ----------
    output : str
        Net whose voltage is observed, against ground.
    source : str
        Name of the source to which the noise is referred.
    start, stop : float
        First and last frequency [Hz].
    points : int, optional
        Number of frequencies in each decade, from `start` on: the last one is `stop` where whole steps lead to it.
    temperature : float, optional
        Temperature of resistors [K]; 300.15 K, which is 27 degrees Celsius, is that of SPICE.

    Raises
    ------
    InputError
        If the frequencies are not positive or not in order.

    Notes
    -----
    The vectors are ``frequency`` [Hz], ``onoise_spectrum``, the density at the output, and ``inoise_spectrum``, that
    density divided by the gain from the source, both [V/sqrt(Hz)].
    """

    output: str
    source: str
    start: float
    stop: float
    points: int = 10
    temperature: float = 300.15

    def __post_init__(self) -> None:
        _check_frequencies(self.start, self.stop, self.points)
        number("temperature", self.temperature, unit="K", minimum=0.0, open_minimum=True)

    @property
    def frequencies(self) -> Array:
        """The frequencies [Hz]: ``start * 10**(k / points)`` up to `stop`."""
        return _frequencies(self.start, self.stop, self.points)


Analysis = OperatingPoint | Transient | DCSweep | AC | Noise


def sources_of(analysis: Analysis) -> tuple[str | None, ...]:
    """Return the names of the sources that an analysis changes."""
    if isinstance(analysis, DCSweep):
        return tuple(analysis.sources)
    return (analysis.source,) if isinstance(analysis, AC | Noise) else ()


def _check_frequencies(start: float, stop: float, points: int) -> None:
    number("start", start, unit="Hz", minimum=0.0, open_minimum=True)
    number("stop", stop, unit="Hz", minimum=start)
    integer("points", points, minimum=1)


def _frequencies(start: float, stop: float, points: int) -> Array:
    steps = math.floor(math.log10(stop / start) * points + 1e-9)
    return np.asarray(start * 10.0 ** (np.arange(steps + 1) / points))
