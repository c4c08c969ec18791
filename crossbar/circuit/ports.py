"""The compiled loop over cells with a current law: their currents and derivatives."""

from __future__ import annotations

import numpy as np

from devices.common.jit import callback, jit
from devices.kernels.evaluate import KERNEL_SIGNATURE


@callback(KERNEL_SIGNATURE)
def ohmic(v, x, p, out):
    """Evaluate a cell without states whose only parameter is its conductance."""
    out[0] = p[0] * v
    out[1] = p[0]


@jit
def at_cell(kernel, k, u, v, x, p, control, local, out):
    """Evaluate cell `k` between ``u`` and ``v`` [V]; `local` has room for its states and controls."""
    states = x.shape[1]
    for s in range(states):
        local[s] = x[k, s]
    for c in range(control.shape[1]):
        local[states + c] = control[k, c] - v[k]
    kernel(u[k] - v[k], local, p[k if p.shape[0] > 1 else 0], out)


@jit
def ports(kernel, states, u, v, x, p, control, current, conductance, transconductance):
    """Evaluate every cell between ``u`` and ``v`` [V]: its current, di/d(u - v), and the sum of di/dcontrol.

    `x` holds a row of states for each cell, `control` a row of potentials of further terminals for each cell (no
    columns where there are none); `p` has one row for each cell, or one for all.
    """
    controls = control.shape[1]
    width = 2 + states + controls
    out = np.empty((1 + states) * width)
    local = np.empty(states + controls)
    for k in range(u.size):
        at_cell(kernel, k, u, v, x, p, control, local, out)
        current[k] = out[0]
        conductance[k] = out[1]
        total = 0.0
        for c in range(controls):
            total += out[2 + states + c]
        transconductance[k] = total
