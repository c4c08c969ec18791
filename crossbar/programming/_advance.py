"""The compiled loop of the fast pulse: every cell's states move under its own constant voltage."""

from __future__ import annotations

import numpy as np
from numba import njit

from devices._stepper import _integrate_cell

_LITTLE = (
    1e-6  # share of its span that a state moves by at most when one explicit step is as good: error about its square
)


@njit(cache=True, nogil=True, error_model="numpy")
def advance(kernel, w, x, p, control, lower, upper, duration, tolerance):
    """Move the states `x` in place for `duration` under voltages `w`; return the first cell that failed, or -1.

    `control` has the voltages of further terminals above the bottom electrode; they are held like states at rest.
    """
    states, controls = x.shape[1], control.shape[1]
    n = states + controls
    width = n + 2
    many = p.shape[0] > 1
    out = np.empty((1 + states) * width)
    local = np.empty(n)
    low, high = np.full(n, -1e6), np.full(n, 1e6)
    segments = np.zeros((1, 6))
    times = np.array([duration])
    voltage, current, state, bound = np.empty(1), np.empty(1), np.empty((1, n)), np.empty((n, 2))
    for k in range(w.size):
        for s in range(states):
            local[s] = x[k, s]
            low[s], high[s] = lower[k, s], upper[k, s]
        for c in range(controls):
            local[states + c] = control[k, c]
        row = p[k if many else 0]
        kernel(w[k], local, row, out)
        far = 0.0
        for s in range(states):
            far = max(far, duration * abs(out[(1 + s) * width]) / (high[s] - low[s]))
        if far <= _LITTLE:
            for s in range(states):
                x[k, s] = min(max(x[k, s] + duration * out[(1 + s) * width], low[s]), high[s])
            continue
        segments[0, 1] = w[k]
        status, _, _ = _integrate_cell(
            kernel, segments, duration, times, local.copy(), row, low, high, tolerance, 0.0, 1000000,
            voltage, current, state, bound,
        )  # fmt: skip
        if status != 0:
            return k
        for s in range(states):
            x[k, s] = state[0, s]
    return -1
