"""The compiled part of a transient step in each cell: its states are eliminated, then recovered.

With voltage ``w`` across a cell and states ``x``, one stage of a linearly implicit step solves

    (1/(h gamma) - f_x) X - f_w W - f_c C = R        for each cell's states
    g W + i_x X + m C                                is its current

where ``X, W, C`` are the stage's increments of states, voltage and of the voltages of further terminals. Eliminating
``X`` leaves a conductance ``g + i_x S^-1 f_w`` and a current ``i_x S^-1 R`` at the cell's port.
"""

from __future__ import annotations

import numpy as np

from crossbar.circuit.ports import at_cell
from devices.common.jit import jit
from devices.simulation.rodas import factor, solve


@jit
def linearise(kernel, u, v, x, p, control, lower, upper, h_gamma, pinned, conductance, trans, i_x, matrix, pivots, f_w):
    """Eliminate every cell's states at the start of a step.

    Writes the port's `conductance` and its response `trans` to the potential of further terminals, the factors
    (`matrix`, `pivots`) of each cell's states, their derivatives ``i_x`` of the current, and ``f_w`` with the responses
    to voltage and to further terminals. States at a bound that their law drives outward are `pinned`.
    """
    states, controls = x.shape[1], control.shape[1]
    width = 2 + states + controls
    out = np.empty((1 + states) * width)
    local = np.empty(states + controls)
    solved = np.empty(states)
    for k in range(u.size):
        at_cell(kernel, k, u, v, x, p, control, local, out)
        total = 0.0
        for c in range(controls):
            total += out[2 + states + c]
        for r in range(states):
            rate = out[(1 + r) * width]
            pinned[k, r] = (x[k, r] <= lower[k, r] and rate <= 0.0) or (x[k, r] >= upper[k, r] and rate >= 0.0)
            i_x[k, r] = out[2 + r]
            held = pinned[k, r]
            to_control = 0.0
            for c in range(controls):
                to_control += out[(1 + r) * width + 2 + states + c]
            f_w[k, r, 0] = 0.0 if held else out[(1 + r) * width + 1]
            f_w[k, r, 1] = 0.0 if held else to_control
            for c in range(states):
                matrix[k, r, c] = 0.0 if held else -out[(1 + r) * width + 2 + c]
            matrix[k, r, r] += 1.0 / h_gamma
        factor(matrix[k], pivots[k])
        conductance[k] = out[1]
        trans[k] = total
        for side in range(2):
            for r in range(states):
                solved[r] = f_w[k, r, side]
            solve(matrix[k], pivots[k], solved)
            extra = 0.0
            for r in range(states):
                extra += i_x[k, r] * solved[r]
            if side == 0:
                conductance[k] += extra
            else:
                trans[k] += extra


@jit
def load_stage(kernel, u, v, x, p, control, pinned, history, i_x, matrix, pivots, rest, current, pushed):
    """Evaluate a stage: the cells' `current`, and ``i_x S^-1 R`` in `pushed`; ``S^-1 R`` itself goes to `rest`."""
    states, controls = x.shape[1], control.shape[1]
    width = 2 + states + controls
    out = np.empty((1 + states) * width)
    local = np.empty(states + controls)
    for k in range(u.size):
        at_cell(kernel, k, u, v, x, p, control, local, out)
        current[k] = out[0]
        for r in range(states):
            rest[k, r] = history[k, r] + (0.0 if pinned[k, r] else out[(1 + r) * width])
        solve(matrix[k], pivots[k], rest[k])
        total = 0.0
        for r in range(states):
            total += i_x[k, r] * rest[k, r]
        pushed[k] = total


@jit
def recover(W, V, f_w, matrix, pivots, rest, X):
    """Write the increments ``X`` of the states that follow from ``W`` of the port and ``V`` of the bit line."""
    states = X.shape[1]
    solved = np.empty(states)
    for k in range(W.size):
        for r in range(states):
            solved[r] = f_w[k, r, 0] * W[k] - f_w[k, r, 1] * V[k]
        solve(matrix[k], pivots[k], solved)
        for r in range(states):
            X[k, r] = rest[k, r] + solved[r]


@jit
def overshoot(kernel, u, v, x, p, control, lower, upper, pinned, h):
    """Return how far the worst state lies outside its bounds, or a pinned one would have moved inward, in spans."""
    states, controls = x.shape[1], control.shape[1]
    width = 2 + states + controls
    out = np.empty((1 + states) * width)
    local = np.empty(states + controls)
    worst = 0.0
    for k in range(u.size):
        held = False
        for r in range(states):
            span = upper[k, r] - lower[k, r]
            if not pinned[k, r]:
                worst = max(worst, (lower[k, r] - x[k, r]) / span, (x[k, r] - upper[k, r]) / span)
            held = held or pinned[k, r]
        if held:
            at_cell(kernel, k, u, v, x, p, control, local, out)
            for r in range(states):
                if pinned[k, r]:
                    rate = out[(1 + r) * width]
                    inward = rate if x[k, r] <= lower[k, r] else -rate
                    worst = max(worst, 0.5 * h * inward / (upper[k, r] - lower[k, r]))
    return worst
