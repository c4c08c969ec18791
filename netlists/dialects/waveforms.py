"""A waveform as simulators take it: one sine, or straight lines between points."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from devices import InputError, Waveform
from devices.common.arrays import Array

__all__ = ["SineTerms", "as_points", "as_sine", "check_straight"]


class SineTerms(NamedTuple):
    """Offset [V], amplitude [V], frequency [Hz] and phase [degrees] of a sine that starts at time 0."""

    offset: float
    amplitude: float
    frequency: float
    phase: float


def as_sine(waveform: Waveform) -> SineTerms | None:
    """Return the terms of a waveform that is one sine, and ``None`` for any other waveform."""
    rows = waveform.segments
    if len(rows) != 1 or rows[0, 2] != 0.0 or rows[0, 3] == 0.0:
        return None
    _, offset, _, amplitude, omega, phase = rows[0]
    return SineTerms(offset, amplitude, omega / (2 * math.pi), math.degrees(phase))


def check_straight(waveform: Waveform) -> None:
    """Raise `InputError` unless a waveform consists of straight lines."""
    if waveform.segments[:, 3].any():
        raise InputError("waveform", type(waveform).__name__, "one sine, or straight lines", "Samples(time, voltage)")


def as_points(waveform: Waveform) -> tuple[Array, Array]:
    """Return the times [s] and the voltages [V] between which a waveform is straight.

    Raises
    ------
    InputError
        If it is not straight between its corners.
    """
    check_straight(waveform)
    return waveform.corners, np.append(waveform.segments[:, 1], waveform.at(waveform.duration))
