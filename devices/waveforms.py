"""Voltage waveforms: sine, triangle, pulses, constant and measured samples.

Each is a sequence of segments on which the voltage is a straight line plus a sine, so that value, slope and
corners are exact for the integrator and for SPICE alike.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.common.errors import InputError
from devices.common.validation import finite_array, integer, number

__all__ = ["Constant", "Pulses", "Samples", "Sine", "Triangle", "Waveform", "check_time_resolution"]

#: Most periods or pulses of one waveform, as all its corners are held in memory.
_MAX_CYCLES = 10**7
#: Shortest segment, relative to the length of the waveform.
_MIN_SEGMENT = 1e-13


def check_time_resolution(name: str, lengths: ArrayLike, duration: float) -> None:
    """Raise `InputError` for segments too short, relative to the waveform, for time steps in double precision."""
    shortest = float(np.min(lengths))
    if shortest < _MIN_SEGMENT * duration:
        raise InputError(
            name, f"{shortest:g} s for one straight part of a waveform of {duration:g} s",
            f"parts of at least {_MIN_SEGMENT:g} of the whole, as double precision resolves no shorter ones",
            "shorter rests, or one simulation for each pulse",
        )  # fmt: skip


class Waveform(ABC):
    """A voltage over time, from t = 0 to `duration`."""

    _voltages: ClassVar[tuple[str, ...]]

    @property
    @abstractmethod
    def segments(self) -> NDArray[np.float64]:
        """Segments, shape ``(segments, 6)``.

        Columns: start [s], value [V], slope [V/s], sine amplitude [V], angular frequency [rad/s] and phase
        [rad]. On a segment, with s = t - start, ``v = value + slope s + amplitude sin(frequency s + phase)``.
        """

    @property
    @abstractmethod
    def duration(self) -> float:
        """Length [s]."""

    @property
    def pieces(self) -> NDArray[np.float64]:
        """The segments, cut at extrema of the voltage so that each is monotonic; shape ``(pieces, 6)``."""
        rows = self.segments
        length = np.diff(rows[:, 0], append=self.duration)
        cut = []
        for row, end in zip(rows, length, strict=True):
            cut.append(row)
            _, _, slope, amplitude, omega, phase = row
            if abs(amplitude * omega) <= abs(slope):
                continue
            turn = math.acos(-slope / (amplitude * omega))  # where the slopes of line and sine cancel
            span = omega * end
            first = math.floor((phase - turn) / (2 * math.pi)) - 1
            turns = 2 * math.pi * np.arange(first, first + span / (2 * math.pi) + 4)
            local = np.sort(np.concatenate([turns - turn, turns + turn]) - phase)
            inner = local[(local > 1e-9 * span) & (local < (1 - 1e-9) * span)] / omega
            cut += [[row[0] + s, row[1] + slope * s, slope, amplitude, omega, phase + omega * s] for s in inner]
        return np.array(cut)

    @property
    def corners(self) -> NDArray[np.float64]:
        """Times at which segments start and end [s], shape ``(segments + 1,)``."""
        return np.append(self.segments[:, 0], self.duration)

    def scaled(self, factor: float) -> Waveform:
        """Return the same waveform with all its voltages times `factor`."""
        number("factor", factor)
        return replace(self, **{name: factor * getattr(self, name) for name in self._voltages})  # type: ignore[type-var]

    def at(self, time: ArrayLike) -> NDArray[np.float64]:
        """Voltage [V] at `time` [s], of the same shape; it holds its end values outside the duration."""
        t = np.clip(finite_array("time", time, unit="s"), 0.0, self.duration)
        rows = self.segments
        start, value, slope, amplitude, omega, phase = rows[np.searchsorted(rows[:, 0], t, side="right") - 1].T
        local = t.T - start
        return (value + slope * local + amplitude * np.sin(omega * local + phase)).T


@dataclass(frozen=True)
class Sine(Waveform):
    """``offset + amplitude sin(2 pi frequency t + phase)``.

    Parameters
    ----------
    amplitude : float
        Peak [V].
    frequency : float
        Frequency [Hz], positive.
    cycles : float, optional
        Length in periods.
    offset : float, optional
        Mean [V].
    phase : float, optional
        Phase at t = 0 [rad].
    """

    _voltages: ClassVar = ("amplitude", "offset")

    amplitude: float
    frequency: float
    cycles: float = 1.0
    offset: float = 0.0
    phase: float = 0.0

    def __post_init__(self) -> None:
        number("amplitude", self.amplitude, unit="V")
        number("frequency", self.frequency, unit="Hz", minimum=0.0, open_minimum=True)
        number("cycles", self.cycles, minimum=0.0, maximum=_MAX_CYCLES, open_minimum=True)
        number("offset", self.offset, unit="V")
        number("phase", self.phase, unit="rad")

    @property
    def segments(self) -> NDArray[np.float64]:
        """One segment."""
        return np.array([[0.0, self.offset, 0.0, self.amplitude, 2 * math.pi * self.frequency, self.phase]])

    @property
    def duration(self) -> float:
        """Length [s]."""
        return self.cycles / self.frequency


class _Polyline(Waveform):
    """A waveform through points joined by straight lines."""

    @property
    @abstractmethod
    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times [s], starting at 0 and rising, and voltages [V]."""

    @property
    def segments(self) -> NDArray[np.float64]:
        """One segment between neighbouring points."""
        time, voltage = self.points
        rows = np.zeros((time.size - 1, 6))
        rows[:, 0] = time[:-1]
        rows[:, 1] = voltage[:-1]
        rows[:, 2] = np.diff(voltage) / np.diff(time)
        return rows

    @property
    def duration(self) -> float:
        """Length [s]."""
        return float(self.points[0][-1])


@dataclass(frozen=True)
class Constant(_Polyline):
    """A constant voltage.

    Parameters
    ----------
    voltage : float
        Voltage [V].
    length : float
        Length [s], positive.
    """

    _voltages: ClassVar = ("voltage",)

    voltage: float
    length: float

    def __post_init__(self) -> None:
        number("voltage", self.voltage, unit="V")
        number("length", self.length, unit="s", minimum=0.0, open_minimum=True)

    @property
    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Start and end."""
        return np.array([0.0, self.length]), np.array([self.voltage, self.voltage])


@dataclass(frozen=True)
class Triangle(_Polyline):
    """A triangle sweep 0, +amplitude, 0, -amplitude, 0 in each period.

    Parameters
    ----------
    amplitude : float
        Peak [V]; a negative one starts downward.
    frequency : float
        Frequency [Hz], positive.
    cycles : int, optional
        Number of periods.
    """

    _voltages: ClassVar = ("amplitude",)

    amplitude: float
    frequency: float
    cycles: int = 1

    def __post_init__(self) -> None:
        number("amplitude", self.amplitude, unit="V")
        number("frequency", self.frequency, unit="Hz", minimum=0.0, open_minimum=True)
        integer("cycles", self.cycles, minimum=1, maximum=_MAX_CYCLES)

    @property
    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Start, the two peaks of each period, end."""
        quarters = np.concatenate([[0], np.arange(1, 4 * self.cycles, 2), [4 * self.cycles]])
        voltage = self.amplitude * np.concatenate([[0], np.tile([1.0, -1.0], self.cycles), [0]])
        return quarters / (4 * self.frequency), voltage


@dataclass(frozen=True)
class Pulses(_Polyline):
    """A train of equal trapezoidal pulses, each followed by a rest at the base.

    Parameters
    ----------
    amplitude : float
        Height of the flat top [V].
    width : float
        Length of the flat top [s], positive.
    period : float
        Time from pulse to pulse [s], longer than width and edges.
    count : int, optional
        Number of pulses.
    edge : float, optional
        Length of each edge [s], positive; a hundredth of the width where not given.
    base : float, optional
        Voltage between pulses [V].
    """

    _voltages: ClassVar = ("amplitude", "base")

    amplitude: float
    width: float
    period: float
    count: int = 1
    edge: float | None = None
    base: float = 0.0

    def __post_init__(self) -> None:
        number("amplitude", self.amplitude, unit="V")
        number("width", self.width, unit="s", minimum=0.0, open_minimum=True)
        number("base", self.base, unit="V")
        integer("count", self.count, minimum=1, maximum=_MAX_CYCLES)
        edge = number("edge", self._edge, unit="s", minimum=0.0, open_minimum=True)
        number("period", self.period, unit="s", minimum=self.width + 2 * edge, open_minimum=True)
        parts = [edge, self.width, self.period - self.width - 2 * edge]
        check_time_resolution("period", parts, self.count * self.period)

    @property
    def _edge(self) -> float:
        return self.width / 100 if self.edge is None else self.edge

    @property
    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Four corners of each pulse, then the end."""
        edge = self._edge
        one = np.array([0.0, edge, edge + self.width, 2 * edge + self.width])
        time = (one + self.period * np.arange(self.count)[:, None]).ravel()
        voltage = np.tile([self.base, self.amplitude, self.amplitude, self.base], self.count)
        return np.append(time, self.count * self.period), np.append(voltage, self.base)


@dataclass(frozen=True, eq=False)
class Samples(_Polyline):
    """Arbitrary samples joined by straight lines.

    Parameters
    ----------
    time : array_like
        Times [s], shape ``(n,)``, n >= 2, starting at 0 and strictly rising.
    voltage : array_like
        Voltages [V], shape ``(n,)``.
    """

    _voltages: ClassVar = ("voltage",)

    time: ArrayLike
    voltage: ArrayLike

    def __post_init__(self) -> None:
        time = finite_array("time", self.time, unit="s", shape=("n",))
        voltage = finite_array("voltage", self.voltage, unit="V", shape=(time.size,))
        if time.size < 2 or time[0] != 0.0 or (np.diff(time) <= 0).any():
            bad = "fewer than 2 samples" if time.size < 2 else f"a start at {time[0]:g} s"
            if time.size >= 2 and time[0] == 0.0:
                k = int(np.argmax(np.diff(time) <= 0))
                bad = f"{time[k + 1]:g} s after {time[k]:g} s at index {k + 1}"
            raise InputError(
                "time", bad, "at least 2 times that start at 0 and rise [s]", "sort, drop repeats, shift to 0"
            )
        object.__setattr__(self, "time", time.copy())
        object.__setattr__(self, "voltage", voltage.copy())

    @property
    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The samples."""
        return np.asarray(self.time), np.asarray(self.voltage)
