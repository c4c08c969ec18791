"""The compiled part of a transient step in each cell: its states are eliminated, then recovered.

With voltage ``w`` across a cell and states ``x``, one stage of a linearly implicit step solves

    (1/(h gamma) - f_x) X - f_w W - f_c C = R        for each cell's states
    g W + i_x X + m C                                is its current

where ``X, W, C`` are the stage's increments of states, voltage and of the voltages of further terminals. Eliminating
``X`` leaves a conductance ``g + i_x S^-1 f_w`` and a current ``i_x S^-1 R`` at the cell's port.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.circuit.ports import at_cell
from devices.common.arrays import Array
from devices.common.jit import jit
from devices.simulation.rodas import factor, solve

__all__ = ["Linearised", "evaluate_cells", "linearise", "load_stage", "new_linearised", "recover"]


class Linearised(NamedTuple):
    """The cells at the start of a step, their states eliminated.

    Parameters
    ----------
    pinned : numpy.ndarray
        States that their law holds at a bound, shape ``(cells, states)``.
    conductance, trans : numpy.ndarray
        Of the port, and its response to the potential of further terminals [S], shape ``(cells,)``.
    current_by_state : numpy.ndarray
        Derivatives ``i_x`` of the current.
    matrix, pivots : numpy.ndarray
        Factors of each cell's states.
    rate_by_voltage : numpy.ndarray
        Derivatives ``f_w`` of the rates by the voltage, and their sum over further terminals.
    current_drift, rate_drift : numpy.ndarray
        Changes of current and rates with time that the slopes of controls make.
    """

    pinned: NDArray[np.bool_]
    conductance: Array
    trans: Array
    current_by_state: Array
    matrix: Array
    pivots: NDArray[np.int64]
    rate_by_voltage: Array
    current_drift: Array
    rate_drift: Array


def new_linearised(cells: int, states: int) -> Linearised:
    """Return room for so many cells and states of each."""
    return Linearised(
        np.zeros((cells, states), dtype=np.bool_),
        np.empty(cells),
        np.empty(cells),
        np.empty((cells, states)),
        np.empty((cells, states, states)),
        np.empty((cells, states), dtype=np.int64),
        np.empty((cells, states, 2)),
        np.zeros(cells),
        np.zeros((cells, states)),
    )


@jit
def evaluate_cells(kernel, u, v, x, p, control, law):
    """Write the output of the kernel for every cell into `law`, a row for each."""
    local = np.empty(x.shape[1] + control.shape[1])
    for k in range(u.size):
        at_cell(kernel, k, u, v, x, p, control, local, law[k])


@jit
def linearise(law, x, lower, upper, control_slope, h_gamma, cells):
    """Eliminate every cell's states at the start of a step, where the cells obey `law`.

    States at a bound that their law drives outward are pinned.
    """
    states, controls = x.shape[1], control_slope.shape[1]
    width = 2 + states + controls
    solved = np.empty(states)
    for k in range(x.shape[0]):
        out, matrix = law[k], cells.matrix[k]
        total = drift = 0.0
        for c in range(controls):
            total += out[2 + states + c]
            drift += out[2 + states + c] * control_slope[k, c]
        cells.current_drift[k] = drift
        for r in range(states):
            row = (1 + r) * width
            rate = out[row]
            pinned = (x[k, r] <= lower[k, r] and rate <= 0.0) or (x[k, r] >= upper[k, r] and rate >= 0.0)
            cells.pinned[k, r] = pinned
            cells.current_by_state[k, r] = out[2 + r]
            to_control = drift = 0.0
            for c in range(controls):
                to_control += out[row + 2 + states + c]
                drift += out[row + 2 + states + c] * control_slope[k, c]
            cells.rate_by_voltage[k, r, 0] = 0.0 if pinned else out[row + 1]
            cells.rate_by_voltage[k, r, 1] = 0.0 if pinned else to_control
            cells.rate_drift[k, r] = 0.0 if pinned else drift
            for c in range(states):
                matrix[r, c] = 0.0 if pinned else -out[row + 2 + c]
            matrix[r, r] += 1.0 / h_gamma
        factor(matrix, cells.pivots[k])
        cells.conductance[k] = out[1]
        cells.trans[k] = total
        for side in range(2):
            for r in range(states):
                solved[r] = cells.rate_by_voltage[k, r, side]
            solve(matrix, cells.pivots[k], solved)
            extra = 0.0
            for r in range(states):
                extra += cells.current_by_state[k, r] * solved[r]
            if side == 0:
                cells.conductance[k] += extra
            else:
                cells.trans[k] += extra


@jit
def load_stage(law, past, h_d, cells, rest, flow):
    """Write each cell's current in a stage, with that which its states push, into `flow`, ``S^-1 R`` into `rest`.

    `law` is that of the stage, `past` the sums over the earlier stages' increments of states, and ``h_d`` multiplies
    what changes with time.
    """
    states = past.shape[1]
    width = law.shape[1] // (1 + states)
    for k in range(law.shape[0]):
        total = law[k, 0] + h_d * cells.current_drift[k]
        for r in range(states):
            rate = 0.0 if cells.pinned[k, r] else law[k, (1 + r) * width]
            rest[k, r] = past[k, r] + rate + h_d * cells.rate_drift[k, r]
        solve(cells.matrix[k], cells.pivots[k], rest[k])
        for r in range(states):
            total += cells.current_by_state[k, r] * rest[k, r]
        flow[k] = total


@jit
def recover(W, V, cells, rest, X):
    """Write the increments ``X`` of the states that follow from ``W`` of the word lines and ``V`` of the bit lines."""
    states = X.shape[1]
    solved = np.empty(states)
    for k in range(W.size):
        across = W[k] - V[k]
        for r in range(states):
            solved[r] = cells.rate_by_voltage[k, r, 0] * across - cells.rate_by_voltage[k, r, 1] * V[k]
        solve(cells.matrix[k], cells.pivots[k], solved)
        for r in range(states):
            X[k, r] = rest[k, r] + solved[r]
