"""The nonlinear solver: Newton's method on a crossbar of cells with any current law, each step one linear crossbar.

A cell with current ``I(w)`` at voltage ``w`` is replaced by its tangent: a conductance ``g = dI/dw`` with a current
source ``I - g w`` beside it. The linear solver returns node voltages and the cell currents ``J`` that obey Kirchhoff's
law with them, so what is left is ``F = I(w) - J`` [A] at each cell, and a solution is where that vanishes.

Steps are damped by a line search. Along a step ``dw`` the sum of ``F dw`` over the cells is the slope of the network's
co-content (Millar 1951), a convex function for monotone cells; it is zero at the best length, and the search brackets
that zero with evaluations of the cells alone. For monotone two-terminal cells this converges from anywhere.

Cells with gates have an unsymmetric linear crossbar, see `crossbar.circuit.gated`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossbar.circuit.cell_array import CellArray
from crossbar.circuit.gated import solve_gated
from crossbar.circuit.linear import solve_lines
from crossbar.circuit.lines import Ladders, factor_lines
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError

__all__ = ["NonlinearSolution", "Problem", "solve_cells"]

_MOST_STEPS = 60
_WEAK_LINE = 1e-6  # lines with less than this share of the largest current count as having that share
_LEAST_CURRENT = 1e-16  # [A]; some 600 electrons a second: lines with less count as having that
_ROUNDING = 1e-15  # relative error of a potential by rounding
_FIRST_TOLERANCE = 1e-4  # tolerance of the first linear solution, far from the answer
_LEAST_CONDUCTANCE = 1e-14  # share of the largest small-signal conductance that every cell keeps in the linear steps


class Problem(NamedTuple):
    """One vector for a crossbar of nonlinear cells.

    Parameters
    ----------
    cells : CellArray
        The cells.
    ladders : Ladders
        The lines.
    sides : dict of str to numpy.ndarray
        Potentials of the terminals of each side [V], shape ``(1, lines)``; `nan` where it floats.
    load : tuple of numpy.ndarray, optional
        Conductance from the nodes of word lines and of bit lines to ground [S], shape ``(rows, columns)`` each.
    """

    cells: CellArray
    ladders: Ladders
    sides: dict[str, Array]
    load: tuple[Array | None, Array | None] = (None, None)

    def scaled(self, share: float) -> Problem:
        """Return the problem with all potentials scaled."""
        sides = {name: share * potential for name, potential in self.sides.items()}
        return self._replace(cells=self.cells._replace(control=share * self.cells.control), sides=sides)


class NonlinearSolution(NamedTuple):
    """Node voltages [V] and cell currents [A], shape ``(rows, columns)``, effort, residuals, and currents of shorts."""

    word_line_voltage: Array
    bit_line_voltage: Array
    cell_current: Array
    newton_steps: int
    iterations: int
    residual: float
    kcl_error: float
    short_current: Array


def solve_cells(problem: Problem, *, rtol: float, start: tuple[Array, Array] | None = None) -> NonlinearSolution:
    """Solve a crossbar of nonlinear cells for one vector of terminal potentials.

    Parameters
    ----------
    problem : Problem
        Cells, lines and potentials.
    rtol : float
        Largest sum of ``|I - J|`` over the cells of a line, relative to the sum of ``|J|``.
    start : tuple of numpy.ndarray, optional
        Node voltages to start from [V], near the answer; the cells are first linearised there, or at rest.

    Returns
    -------
    NonlinearSolution
        The solution.

    Raises
    ------
    ConvergenceError
        If the residual does not fall below `rtol`, also not with the potentials raised step by step from zero.
    """
    counts = [0, 0]
    try:
        found = _newton(problem, rtol, start, counts)
    except ConvergenceError:
        found = _by_ramp(problem, rtol, counts)
    return found._replace(newton_steps=counts[0], iterations=counts[1])


def _by_ramp(problem: Problem, rtol: float, counts: list[int]) -> NonlinearSolution:
    """Raise all potentials from zero, each solution the start of the next."""
    reached, stride = 0.0, 0.25
    start = None
    while True:
        share = min(1.0, reached + stride)
        try:
            found = _newton(problem.scaled(share), rtol, start, counts)
        except ConvergenceError:
            stride *= 0.25
            if stride < 1e-4:
                raise
            continue
        if share == 1.0:
            return found
        reached, stride = share, 2.0 * stride
        start = found.word_line_voltage, found.bit_line_voltage


class _Point(NamedTuple):
    """Node voltages, the cell currents ``J`` that obey Kirchhoff's law with them, and its residuals."""

    u: Array
    v: Array
    J: Array
    iterations: int = 0
    residual: float = 0.0
    kcl_error: float = 0.0
    bridges: Array = np.zeros(0)  # currents of the shorts

    def toward(self, other: _Point, share: float) -> _Point:
        """Return the point this share of the way to another, which obeys Kirchhoff's law as they do."""
        if share == 1.0:
            return other
        u, v, J = (a + share * (b - a) for a, b in zip(self[:3], other[:3], strict=True))
        bridges = self.bridges + share * (other.bridges - self.bridges)
        return _Point(u, v, J, other.iterations, other.residual, other.kcl_error, bridges)


def _newton(problem: Problem, rtol: float, start: tuple[Array, Array] | None, counts: list[int]) -> NonlinearSolution:
    """Iterate from `start`; `counts` gets Newton steps and iterations, those of failures too."""
    cells, shape = problem.cells, problem.ladders.shape
    u, v = start if start is not None else (np.zeros(shape), np.zeros(shape))
    tightest = min(1e-12, 1e-2 * rtol)
    # From a start that is near the answer the first step may be the last.
    at = _solve_tangents(problem, u, v, cells.at(u, v), _FIRST_TOLERANCE if start is None else tightest)
    law = cells.at(at.u, at.v)
    steps, best = 1, np.inf
    counts[0] += 1
    counts[1] += at.iterations
    gates = float(np.abs(cells.control).max(initial=0.0))
    while True:
        residual = _relative_mismatch(law[0] - at.J, at.J, _ROUNDING * law[1] * (np.abs(at.u) + np.abs(at.v) + gates))
        best = min(best, residual + at.residual)
        if residual + at.residual <= rtol:
            worst = _kcl_error(law[0] - at.J) + at.kcl_error
            found = (counts[0], counts[1], residual + at.residual, worst, at.bridges)
            return NonlinearSolution(at.u, at.v, law[0], *found)
        if steps == _MOST_STEPS or not np.isfinite(residual):
            raise _failure(law[0] - at.J, best, steps, rtol)
        # The residual of a linear system that rounding leaves is part of the sum above, and an error only if too large.
        # A Newton step squares the mismatch; to solve its linear system much better than that would gain nothing.
        tolerance = min(max(1e-2 * min(residual, 1.0) ** 2, tightest), _FIRST_TOLERANCE)
        full = _solve_tangents(problem, at.u, at.v, law, tolerance)
        at, law = _line_search(cells, at, law, full)
        steps += 1
        counts[0] += 1
        counts[1] += full.iterations


def _solve_tangents(problem: Problem, u: Array, v: Array, law: tuple[Array, Array, Array], tolerance: float) -> _Point:
    """Solve the crossbar of the cells' tangents at ``u, v``, where they obey `law`."""
    current, g, m = law
    g = np.maximum(g, max(_LEAST_CONDUCTANCE * g.max(), 1e-30))
    fixed = current - g * (u - v) + m * v
    if not m.any():
        factors = factor_lines(g, problem.ladders, *problem.load)
        into = (-fixed[None], fixed[None])
        found = solve_lines(factors, problem.sides, rtol=tolerance, nodes=True, injected=into, accept=_FIRST_TOLERANCE)
    else:
        found = solve_gated(problem.ladders, problem.sides, g, m, problem.load, (-fixed, fixed), tolerance)
    u, v = found.word_line_voltage[0], found.bit_line_voltage[0]
    bridges = np.zeros(0) if found.short_current is None else found.short_current[0]
    return _Point(u, v, g * (u - v) - m * v + fixed, found.iterations, found.residual, found.kcl_error, bridges)


def _line_search(cells: CellArray, at: _Point, law: tuple, full: _Point) -> tuple[_Point, tuple]:
    """Return the point along a Newton step to go on from, and the cells' law there.

    That is its end, if it halves the mismatch of currents or if the slope of the co-content has not turned and
    grown there. Cells with gates have no co-content; for them the mismatch has to fall.
    """
    dw = (full.u - full.v) - (at.u - at.v)
    before = float(np.abs(law[0] - at.J).sum())

    def evaluate(share: float) -> tuple[_Point, tuple, float]:
        point = at.toward(full, share)
        there = cells.at(point.u, point.v)
        return point, there, float(np.vdot(there[0] - point.J, dw))

    below = float(np.vdot(law[0] - at.J, dw))
    enough = 0.5 * abs(below)
    point, there, above = evaluate(1.0)
    after = float(np.abs(there[0] - point.J).sum())
    if after <= 0.5 * before:
        return point, there
    if law[2].any() or there[2].any():
        share = 1.0
        while not after <= (1.0 - 0.1 * share) * before and share > 1e-4:
            share *= 0.5
            point, there, _ = evaluate(share)
            after = float(np.abs(there[0] - point.J).sum())
        return point, there
    if abs(above) <= enough or below >= 0.0:
        return point, there
    low, high = 0.0, 1.0
    for _ in range(40):
        share = 0.5 * (low + high)
        if below < above < 1e3 * abs(below):
            secant = low - below * (high - low) / (above - below)
            share = min(max(secant, 0.9 * low + 0.1 * high), 0.1 * low + 0.9 * high)
        point, there, slope = evaluate(share)
        if abs(slope) <= enough:
            break
        if slope < 0.0:
            low, below = share, slope
        else:
            high, above = share, slope
    return point, there


def _relative_mismatch(F: Array, J: Array, noise: Array) -> float:
    """Return the largest mismatch of a line relative to its cell currents, beyond that by rounding of potentials."""
    worst = 0.0
    wrong, flow = np.maximum(np.abs(F) - noise, 0.0), np.abs(J)
    for axis in (0, 1):
        lines = flow.sum(axis=axis)
        least = max(_WEAK_LINE * lines.max(), _LEAST_CURRENT)
        worst = max(worst, float((wrong.sum(axis=axis) / np.maximum(lines, least)).max()))
    return worst if np.isfinite(wrong).all() else np.inf


def _kcl_error(F: Array) -> float:
    """Return the largest sum of the mismatches `F` along a line [A]."""
    return float(max(np.abs(F.sum(axis=0)).max(), np.abs(F.sum(axis=1)).max()))


def _failure(F: Array, best: float, steps: int, rtol: float) -> ConvergenceError:
    """Return the error that names the cells of the largest mismatch."""
    columns = F.shape[1]
    ranked = np.argsort(-np.abs(F).ravel())[:3]
    named = ", ".join(f"cell ({k // columns}, {k % columns}) by {np.abs(F).flat[k]:.1e} A" for k in ranked)
    return ConvergenceError(
        f"solve: relative mismatch of currents {best:.1e} after {steps} Newton steps; allowed: {rtol:g}; worst: "
        f"{named}; try: a lower voltage, a larger rtol, or simulate(), which follows the cells in time",
        best,
    )
