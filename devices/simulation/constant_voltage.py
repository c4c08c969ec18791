"""States of many cells under constant voltages, one for each cell, for short pulses; compiled code."""

from __future__ import annotations

import math

import numpy as np

from devices.common.jit import jit
from devices.simulation.stepper import integrate_cell
from devices.simulation.workspace import new_workspace

__all__ = ["advance"]

#: Largest change of a state, and of the law, as a share of the span, for which one classic Runge-Kutta step (RK4) is
#: exact to about 1e-11.
_SINGLE_STEP_LIMIT = 1e-2


@jit
def advance(kernel, w, x, p, control, lower, upper, duration, tolerance):
    """Move the states `x` in place for `duration` under voltages `w`; return the first cell that failed, or -1.

    `control` has the voltages of controls above the bottom electrode; they are held constant.
    """
    states, controls = x.shape[1], control.shape[1]
    width = 2 + states + controls
    many = p.shape[0] > 1
    out = np.empty((1 + states) * width)
    local, total = np.empty(states + controls), np.empty(states)
    segments = np.zeros((1, 6))
    times = np.empty(0)
    work, signs = new_workspace(states, controls), np.zeros((2, 0))
    current, state, bound = np.empty(0), np.empty((0, states)), np.empty((states, 2))
    for k in range(w.size):
        for s in range(states):
            local[s] = x[k, s]
        for c in range(controls):
            local[states + c] = control[k, c]
        row, low, high = p[k if many else 0], lower[k], upper[k]
        kernel(w[k], local, row, out)
        change = 0.0
        for s in range(states):
            change = max(change, duration * abs(out[(1 + s) * width]) / (high[s] - low[s]))
            for r in range(states):
                change = max(
                    change, duration * abs(out[(1 + s) * width + 2 + r]) * (high[r] - low[r]) / (high[s] - low[s])
                )
        if change <= _SINGLE_STEP_LIMIT:
            for s in range(states):
                total[s] = duration / 6.0 * out[(1 + s) * width]
            for stage in range(3):
                share = 1.0 if stage == 2 else 0.5
                for s in range(states):
                    moved = x[k, s] + share * duration * out[(1 + s) * width]
                    local[s] = min(max(moved, low[s]), high[s])
                kernel(w[k], local, row, out)
                for s in range(states):
                    total[s] += duration / (6.0 if stage == 2 else 3.0) * out[(1 + s) * width]
            for s in range(states):
                x[k, s] = min(max(x[k, s] + total[s], low[s]), high[s])
            continue
        segments[0, 1] = w[k]
        status, _, _ = integrate_cell(
            kernel, kernel, signs, segments, duration, times, local, row, low, high, tolerance, 0.0, 1000000, math.inf,
            current, state, bound, work,
        )  # fmt: skip
        if status != 0:
            return k
        for s in range(states):
            x[k, s] = local[s]
    return -1
