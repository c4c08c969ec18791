"""The solution of an ohmic array for several vectors, with a bound of the relative error of its currents."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.circuit.frontal import BranchSolution
from crossbar.circuit.linear import Potentials
from crossbar.solution import line_currents
from crossbar.wires import Wires
from devices.common.arrays import Array

__all__ = ["OhmicSolution", "by_branches", "by_lines"]


class OhmicSolution(NamedTuple):
    """The solution for several vectors, which come first in all arrays; see `crossbar.solution.Solution`.

    Parameters
    ----------
    word_line_voltage, bit_line_voltage, cell_voltage : numpy.ndarray
        Potentials and voltages [V].
    cell_current, short_current, delivered : numpy.ndarray
        Currents of cells and shorts [A], and what each bit line delivers to its bottom end where that is at 0 V.
    segment_current : tuple of numpy.ndarray, optional
        Currents along word lines and bit lines [A]; where not given, they follow from those of the cells.
    iterations : int
        Of the slowest vector.
    error, rounding, kcl_error : numpy.ndarray
        For each vector the bound of a current's error relative to the largest current of its line, the part of it that
        more iterations do not lower, and the bound of a current's error [A].
    """

    word_line_voltage: Array
    bit_line_voltage: Array
    cell_voltage: Array
    cell_current: Array
    short_current: Array
    delivered: Array
    segment_current: tuple[Array, Array] | None
    iterations: int
    error: Array
    rounding: Array
    kcl_error: Array

    def replaced(self, chosen: NDArray[np.intp], other: OhmicSolution) -> OhmicSolution:
        """Return the solution with that of the `chosen` vectors taken from another one."""
        kept: dict[str, Any] = {}
        for name, mine in self._asdict().items():
            if isinstance(mine, np.ndarray):
                kept[name] = mine.copy()
                kept[name][chosen] = getattr(other, name)
        result = self._replace(iterations=max(self.iterations, other.iterations), **kept)
        if self.segment_current is None or other.segment_current is None:
            return result
        word, bit = (flow.copy() for flow in self.segment_current)
        word[chosen], bit[chosen] = other.segment_current
        return result._replace(segment_current=(word, bit))

    def with_segments(self, wires: Wires, sides: dict[str, Array]) -> OhmicSolution:
        """Return the solution with the currents along all lines, for the potentials of the terminals."""
        u, v, cells = self.word_line_voltage, self.bit_line_voltage, self.cell_current
        return self._replace(segment_current=line_currents(wires, sides, u, v, cells, cells, self.short_current))


def by_lines(found: Potentials, conductance: Array) -> OhmicSolution:
    """Return the solution that potentials stand for."""
    from crossbar.circuit.residuals import error_bounds

    u, v = found.word_line_voltage, found.bit_line_voltage
    if not u.flags.c_contiguous:
        u, v = u.copy(), v.copy()
    size_u, size_v = (u, v) if found.magnitude is None else found.magnitude
    vectors = len(u)
    error, rounding, kcl_error = np.empty(vectors), np.empty(vectors), np.empty(vectors)
    error_bounds(conductance, u, v, size_u, size_v, found.own_residuals, error, rounding, kcl_error)
    shorts = np.zeros((vectors, 0)) if found.short_current is None else found.short_current
    w = u - v
    return OhmicSolution(
        u, v, w, conductance * w, shorts, found.current, None, found.iterations, error, rounding, kcl_error
    )  # fmt: skip


def by_branches(found: BranchSolution) -> OhmicSolution:
    """Return the solution that the currents of all branches stand for."""
    cells, word, bit, shorts = found.current
    error, kcl_error = found.quality()
    grids = found.word_line_voltage, found.bit_line_voltage, found.cell_voltage
    return OhmicSolution(*grids, cells, shorts, bit[:, -1], (word, bit), 0, error, error, kcl_error)
