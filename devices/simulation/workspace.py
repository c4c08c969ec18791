"""What all steps of a cell share, in compiled code: their memory, the waveform, and what interpolates within a step.

Compiled functions in this and the other modules of the stepper allocate nothing and keep no arrays, so they are
compiled into their callers, without reference counts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.common.jit import jit

__all__ = ["NEARLY", "Work", "inside", "memory", "slope", "voltage"]

MOST_STAGES = 7
#: Share of a step from its end, or of a stretch of the waveform from its start, at which laws are evaluated there:
#: where they jump or bend just at that voltage, they count, with their derivatives, as they are on the step's side.
NEARLY = 1e-14
Array = NDArray[np.float64]


class Work(NamedTuple):
    """Memory of a step, made once for many cells; `inputs` are n states and then voltages of further terminals."""

    pinned: NDArray[np.bool_]  # (n,), states held at a bound
    first: Array  # all that the kernel says at the start of the step
    last: Array  # and at its end
    end: Array  # (inputs,), at the end of the step; states may lie outside their bounds
    local: Array  # (inputs,), of a stage, or inside the step
    rates: Array  # (n,), of a stage
    stages: Array  # (stages, n)
    bend: Array  # (4, n), how what interpolates departs from a straight line
    rise: Array  # (2,), slopes of the voltage at the start and at the end of the step [V/s]
    matrix: Array  # (n, n)
    pivots: NDArray[np.int64]  # (n,)


@jit
def memory(states, controls):
    """Return the memory of a step for so many states, and controls after them."""
    inputs = states + controls
    said = (1 + states) * (2 + inputs)
    return Work(
        np.zeros(states, np.bool_),
        np.empty(said),
        np.empty(said),
        np.empty(inputs),
        np.empty(inputs),
        np.empty(states),
        np.empty((MOST_STAGES, states)),
        np.zeros((4, states)),
        np.empty(2),
        np.empty((states, states)),
        np.empty(states, np.int64),
    )


@jit(inline=True)
def voltage(segment, t):
    """Return the voltage of a waveform's segment at a time [V]; see `Waveform.segments`."""
    s = t - segment[0]
    value = segment[1] + segment[2] * s
    if segment[3] != 0.0:
        value += segment[3] * math.sin(segment[4] * s + segment[5])
    return value


@jit(inline=True)
def slope(segment, t):
    """Return how fast that voltage rises [V/s]."""
    value = segment[2]
    if segment[3] != 0.0:
        value += segment[3] * segment[4] * math.cos(segment[4] * (t - segment[0]) + segment[5])
    return value


@jit(inline=True)
def finish(kernel, v, p, lower, upper, work):
    """Evaluate the law at the end of a step, within the bounds."""
    for r in range(lower.size):
        work.local[r] = min(max(work.end[r], lower[r]), upper[r])
    kernel(v, work.local, p, work.last)


@jit(inline=True)
def inside(share, x, work):
    """Write the states at this share of the last step, which started from `x`, to ``work.local``."""
    rest = 1.0 - share
    for r in range(work.rates.size):
        curved = work.bend[2, r] + share * work.bend[3, r]
        curved = work.bend[0, r] + share * (work.bend[1, r] + rest * curved)
        work.local[r] = x[r] + share * (work.end[r] - x[r] + rest * curved)
