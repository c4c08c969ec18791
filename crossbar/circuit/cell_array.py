"""The cells of an array as the compiled loops take them: row by row, whatever their law."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from devices.cells.protocol import Cell
from devices.common.arrays import Array

__all__ = ["CellArray", "state_bounds"]


class CellArray(NamedTuple):
    """Cells of one kind, ready for the compiled loops: row by row, one row of states and of controls for each.

    Parameters
    ----------
    kernel : object
        Compiled current law, of `devices` kernels' signature.
    state : numpy.ndarray
        States, shape ``(cells, states)``.
    parameters : numpy.ndarray
        One row for each cell, or one for all.
    control : numpy.ndarray
        Potentials of gates and the like [V], shape ``(cells, controls)``.
    """

    kernel: Any
    state: Array
    parameters: Array
    control: Array

    @classmethod
    def of(cls, cells: Cell) -> CellArray:
        """Return cells of shape ``(rows, columns)``, each at its starting state, without potentials of gates."""
        count = math.prod(cells.shape)
        start = np.array(cells.start, dtype=float).reshape(count, -1)
        return cls(cells.kernel, start, cells.parameter_rows(cells.shape), np.empty((count, 0)))

    def at(self, u: Array, v: Array) -> tuple[Array, Array, Array]:
        """Return current [A], di/d(u - v) [S] and the sum of di/dcontrol [S] of the cells between `u` and `v` [V]."""
        from crossbar.circuit.ports import ports

        current, conductance, trans = (np.empty(u.size) for _ in range(3))
        ports(
            self.kernel, self.state.shape[1], np.ascontiguousarray(u).ravel(), np.ascontiguousarray(v).ravel(),
            self.state, self.parameters, self.control, current, conductance, trans,
        )  # fmt: skip
        return current.reshape(u.shape), conductance.reshape(u.shape), trans.reshape(u.shape)


def state_bounds(cells: Cell) -> tuple[Array, Array]:
    """Return the lower and upper bounds of the states, each of shape ``(cells, states)``."""
    lower, upper = cells.bounds()
    count, states = math.prod(cells.shape), lower.shape[-1]
    lower, upper = (np.array(np.broadcast_to(b, (*cells.shape, states))) for b in (lower, upper))
    return lower.reshape(count, states), upper.reshape(count, states)
