"""The compiled sources of a transient: potentials of terminals and controls, and their slopes, at any time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.common.arrays import Array
from devices.common.jit import jit
from devices.simulation.workspace import slope, voltage

__all__ = ["Sources", "enter", "evaluate", "table_of"]


class Sources(NamedTuple):
    """Potentials over time: constants, and waveforms at some places.

    Parameters
    ----------
    segments : numpy.ndarray
        Segments of all waveforms, one after another, shape ``(segments, 6)``; see `devices.Waveform.segments`.
    first : numpy.ndarray
        First segment of each waveform, and the end.
    duration : numpy.ndarray
        Length of each waveform [s]; it holds its last value when it is over.
    place, wave : numpy.ndarray
        The places that follow a waveform, and its number.
    constant : numpy.ndarray
        Potential of each place that follows none [V], `nan` where a terminal floats.
    """

    segments: Array
    first: NDArray[np.int64]
    duration: Array
    place: NDArray[np.int64]
    wave: NDArray[np.int64]
    constant: Array


@jit
def enter(sources, t, active):
    """Write the segment of each waveform that holds at time `t` into `active`, shape ``(waveforms, 6)``."""
    for w in range(sources.duration.size):
        low, high = sources.first[w], sources.first[w + 1] - 1
        while low < high:
            middle = (low + high + 1) // 2
            if sources.segments[middle, 0] <= t:
                low = middle
            else:
                high = middle - 1
        active[w] = sources.segments[low]
        if t >= sources.duration[w]:
            active[w, 1] = voltage(sources.segments[low], sources.duration[w])
            active[w, 2] = active[w, 3] = 0.0


@jit
def evaluate(sources, active, t, value, rate):
    """Write the potential of each place [V] and its slope [V/s] at time `t`, within the `active` segments."""
    value[:] = sources.constant
    rate[:] = 0.0
    for k in range(sources.place.size):
        segment = active[sources.wave[k]]
        value[sources.place[k]] = voltage(segment, t)
        rate[sources.place[k]] = slope(segment, t)


def table_of(constant: Array, waveforms: list[tuple[NDArray[np.int64], Array, float]]) -> Sources:
    """Return the sources of these constants and waveforms: places, segments and duration of each."""
    segments = [segments for _, segments, _ in waveforms]
    places = [np.asarray(place, dtype=np.int64) for place, _, _ in waveforms]
    return Sources(
        np.concatenate([np.empty((0, 6)), *segments]),
        np.concatenate([[0], np.cumsum([len(part) for part in segments])]).astype(np.int64),
        np.array([duration for _, _, duration in waveforms], dtype=float),
        np.concatenate([np.empty(0, dtype=np.int64), *places]),
        np.repeat(np.arange(len(places)), [place.size for place in places]),
        np.ascontiguousarray(constant, dtype=float),
    )
