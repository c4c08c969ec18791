"""Parts that all methods of the stepper share: workspace, waveform, and interpolation within a step; compiled code.

Compiled functions in this and the other modules of the stepper allocate nothing and keep no arrays, so that numba can
compile them into their callers without reference counts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.common.arrays import Array
from devices.common.jit import jit

__all__ = ["EDGE_OFFSET", "Workspace", "finish_step", "interpolate", "inward", "new_workspace", "released_at_end",
           "slope", "voltage"]  # fmt: skip

#: Stages of the method that has the most.
_MAX_STAGES = 7
#: Laws at the end of a step, or at the start of a segment of the waveform, are evaluated this share of it inside: where
#: a law jumps or bends at just that voltage, its value and derivatives are those on the inner side.
EDGE_OFFSET = 1e-14


class Workspace(NamedTuple):
    """Arrays that a step works on, allocated once for many cells; `inputs` are n states, then voltages of controls."""

    pinned: NDArray[np.bool_]  # (n,), states held at a bound
    start_law: Array  # output of the kernel at the start of the step
    end_law: Array  # output of the kernel at the end of the step
    end_states: Array  # (inputs,), at the end of the step; states may lie outside their bounds
    local: Array  # (inputs,), of a stage, or inside the step
    beyond: Array  # (n,), how far a stage lies outside the bounds
    rates: Array  # (n,), of a stage
    stages: Array  # (stages, n)
    curve: Array  # (4, n), departure of the interpolation from a straight line
    doubt: Array  # (1,), error of a step as a share of the span, by its interpolation; valid if the law has no jump
    slopes: Array  # (2,), of the voltage at the start and at the end of the step [V/s]
    drift: Array  # (n,), estimate of how far each state is from the exact one
    worst: Array  # (3,), largest distance from the exact curve, its time and state; see devices.simulation.drift
    matrix: Array  # (n, n)
    pivots: NDArray[np.int64]  # (n,)


@jit
def new_workspace(states, controls):
    """Return the workspace for cells with these numbers of states and controls."""
    inputs = states + controls
    n_outputs = (1 + states) * (2 + inputs)
    return Workspace(
        np.zeros(states, np.bool_),
        np.empty(n_outputs),
        np.empty(n_outputs),
        np.empty(inputs),
        np.empty(inputs),
        np.zeros(states),
        np.empty(states),
        np.empty((_MAX_STAGES, states)),
        np.zeros((4, states)),
        np.zeros(1),
        np.empty(2),
        np.empty(states),
        np.empty(3),
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
    """Return the slope of the voltage of a waveform's segment at a time [V/s]."""
    value = segment[2]
    if segment[3] != 0.0:
        value += segment[3] * segment[4] * math.cos(segment[4] * (t - segment[0]) + segment[5])
    return value


@jit(inline=True)
def finish_step(kernel, v, p, lower, upper, work):
    """Evaluate the law at the end of a step, its states clipped to their bounds."""
    for r in range(lower.size):
        work.local[r] = min(max(work.end_states[r], lower[r]), upper[r])
    kernel(v, work.local, p, work.end_law)


@jit(inline=True)
def inward(rate, x, lower):
    """Return whether a rate points inward from the bound at which a state is held."""
    return rate > 0.0 if x <= lower else rate < 0.0


@jit(inline=True)
def released_at_end(x, lower, work):
    """Return whether a held state is free at the end of a step, which is an event."""
    for r in range(lower.size):
        if work.pinned[r] and inward(work.end_law[(1 + r) * (2 + x.size)], x[r], lower[r]):
            return True
    return False


@jit(inline=True)
def interpolate(share, x, work):
    """Write the states at this share of the last step, which started from `x`, to ``work.local``."""
    rest = 1.0 - share
    for r in range(work.rates.size):
        curved = work.curve[2, r] + share * work.curve[3, r]
        curved = work.curve[0, r] + share * (work.curve[1, r] + rest * curved)
        work.local[r] = x[r] + share * (work.end_states[r] - x[r] + rest * curved)
