"""The nonlinear solver: Newton's method on a crossbar of cells with any current law, each step one linear crossbar.

A cell with current ``I(w)`` at voltage ``w`` is replaced by its tangent: a conductance ``g = dI/dw`` with a current
source ``I - g w`` beside it. The linear solver returns node voltages and the cell currents ``J`` that obey Kirchhoff's
law with them, so what is left is ``F = I(w) - J`` [A] at each cell, and a solution is where that vanishes.

Steps are damped by a line search. Along a step ``dw`` the sum of ``F dw`` over the cells is the slope of the network's
co-content (Millar 1951), a convex function for monotone cells; it is zero at the best length, and the search brackets
that zero with evaluations of the cells alone. For monotone two-terminal cells this converges from anywhere.

A transistor's current depends on its gate, whose potential is fixed: its transconductance ``m`` makes the linear
system unsymmetric, ``[A + g, -(g + m); -g, B + g + m]``. It is solved with GMRES on the bit lines, preconditioned by
their exact line solves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from crossbar.circuit.linear import Potentials, solve_lines
from crossbar.circuit.lines import Ladders, factor_lines
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError, InputError

__all__ = ["CellArray", "NonlinearSolution", "Problem", "solve_cells", "solve_gated"]

_MOST_STEPS = 60
_FAINT = 1e-6  # lines fainter than this share of the brightest are held to that share
_NOTHING = 1e-16  # [A]; some 600 electrons a second: lines that carry less are held to that
_ROUNDING = 1e-15
_FIRST = 1e-4  # tolerance of the first linear solution, far from the answer
_LEAST = 1e-14  # share of the largest small-signal conductance that every cell keeps in the linear steps


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

    def at(self, u: Array, v: Array) -> tuple[Array, Array, Array]:
        """Return current [A], di/d(u - v) [S] and the sum of di/dcontrol [S] of the cells between `u` and `v` [V]."""
        from crossbar.circuit.ports import ports

        current, conductance, trans = (np.empty(u.size) for _ in range(3))
        ports(
            self.kernel, self.state.shape[1], np.ascontiguousarray(u).ravel(), np.ascontiguousarray(v).ravel(),
            self.state, self.parameters, self.control, current, conductance, trans,
        )  # fmt: skip
        return current.reshape(u.shape), conductance.reshape(u.shape), trans.reshape(u.shape)


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
    """

    cells: CellArray
    ladders: Ladders
    sides: dict[str, Array]

    def scaled(self, share: float) -> Problem:
        """Return the problem with all potentials scaled."""
        sides = {name: share * potential for name, potential in self.sides.items()}
        return Problem(self.cells._replace(control=share * self.cells.control), self.ladders, sides)


class NonlinearSolution(NamedTuple):
    """Node voltages [V] and cell currents [A], shape ``(rows, columns)``, and how well they hold."""

    word_line_voltage: Array
    bit_line_voltage: Array
    cell_current: Array
    newton_steps: int
    iterations: int
    residual: float
    kcl_error: float


def solve_cells(problem: Problem, *, rtol: float, start: tuple[Array, Array] | None = None) -> NonlinearSolution:
    """Solve a crossbar of nonlinear cells for one vector of terminal potentials.

    Parameters
    ----------
    problem : Problem
        Cells, lines and potentials.
    rtol : float
        Largest sum of ``|I - J|`` over the cells of a line, relative to the sum of ``|J|``.
    start : tuple of numpy.ndarray, optional
        Node voltages to start from [V]; the cells are first linearised there, or at rest.

    Returns
    -------
    NonlinearSolution
        The solution.

    Raises
    ------
    ConvergenceError
        If the residual does not fall below `rtol`, also not with the potentials raised step by step from zero.
    """
    spent = [0, 0]
    try:
        found = _newton(problem, rtol, start, spent)
    except ConvergenceError:
        found = _by_ramp(problem, rtol, spent)
    return found._replace(newton_steps=spent[0], iterations=spent[1])


def _by_ramp(problem: Problem, rtol: float, spent: list[int]) -> NonlinearSolution:
    """Raise all potentials from zero, each solution the start of the next."""
    reached, stride = 0.0, 0.25
    start = None
    while True:
        share = min(1.0, reached + stride)
        try:
            found = _newton(problem.scaled(share), rtol, start, spent)
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
    """Node voltages, the cell currents ``J`` that obey Kirchhoff's law with them, and how well."""

    u: Array
    v: Array
    J: Array
    iterations: int = 0
    residual: float = 0.0
    kcl_error: float = 0.0

    def toward(self, other: _Point, share: float) -> _Point:
        """Return the point this share of the way to another, which obeys Kirchhoff's law as they do."""
        if share == 1.0:
            return other
        u, v, J = (a + share * (b - a) for a, b in zip(self[:3], other[:3], strict=True))
        return _Point(u, v, J, other.iterations, other.residual, other.kcl_error)


def _newton(problem: Problem, rtol: float, start: tuple[Array, Array] | None, spent: list[int]) -> NonlinearSolution:
    """Iterate from `start`; `spent` counts Newton steps and iterations, those of failures too."""
    cells, shape = problem.cells, problem.ladders.shape
    u, v = start if start is not None else (np.zeros(shape), np.zeros(shape))
    tightest = min(1e-12, 1e-2 * rtol)
    at = _tangent(problem, u, v, cells.at(u, v), _FIRST)
    law = cells.at(at.u, at.v)
    steps, best = 1, np.inf
    spent[0] += 1
    spent[1] += at.iterations
    gates = float(np.abs(cells.control).max(initial=0.0))
    while True:
        residual = _relative(law[0] - at.J, at.J, _ROUNDING * law[1] * (np.abs(at.u) + np.abs(at.v) + gates))
        best = min(best, residual + at.residual)
        if residual + at.residual <= rtol:
            worst = _worst(law[0] - at.J) + at.kcl_error
            return NonlinearSolution(at.u, at.v, law[0], spent[0], spent[1], residual + at.residual, worst)
        if steps == _MOST_STEPS or not np.isfinite(residual):
            raise _failure(law[0] - at.J, best, steps, rtol)
        # What rounding leaves of a linear system counts in the sum above, and is an error only if that is too large.
        # A Newton step squares the mismatch; to solve its linear system much better than that would gain nothing.
        aim = _tangent(problem, at.u, at.v, law, min(max(1e-2 * min(residual, 1.0) ** 2, tightest), _FIRST))
        at, law = _search(cells, at, law, aim)
        steps += 1
        spent[0] += 1
        spent[1] += aim.iterations


def _tangent(problem: Problem, u: Array, v: Array, law: tuple[Array, Array, Array], tolerance: float) -> _Point:
    """Solve the crossbar of the cells' tangents at ``u, v``, where they obey `law`."""
    current, g, m = law
    g = np.maximum(g, max(_LEAST * g.max(), 1e-30))
    fixed = current - g * (u - v) + m * v
    if not m.any():
        factors = factor_lines(g, problem.ladders)
        into = (-fixed[None], fixed[None])
        found = solve_lines(factors, problem.sides, rtol=tolerance, nodes=True, injected=into, accept=_FIRST)
    else:
        found = solve_gated(problem.ladders, problem.sides, g, m, (None, None), (-fixed, fixed), tolerance)
    u, v = found.word_line_voltage[0], found.bit_line_voltage[0]
    return _Point(u, v, g * (u - v) - m * v + fixed, found.iterations, found.residual, found.kcl_error)


def _search(cells: CellArray, at: _Point, law: tuple, aim: _Point) -> tuple[_Point, tuple]:
    """Return the point along a Newton step to go on from, and the cells' law there.

    That is the aim itself, if it halves the mismatch of currents or if the slope of the co-content has not turned and
    grown there. Cells with gates have no co-content; for them the mismatch has to fall.
    """
    dw = (aim.u - aim.v) - (at.u - at.v)
    before = float(np.abs(law[0] - at.J).sum())

    def look(share: float) -> tuple[_Point, tuple, float]:
        point = at.toward(aim, share)
        there = cells.at(point.u, point.v)
        return point, there, float(np.vdot(there[0] - point.J, dw))

    below = float(np.vdot(law[0] - at.J, dw))
    enough = 0.5 * abs(below)
    point, there, above = look(1.0)
    after = float(np.abs(there[0] - point.J).sum())
    if after <= 0.5 * before:
        return point, there
    if law[2].any() or there[2].any():
        share = 1.0
        while not after <= (1.0 - 0.1 * share) * before and share > 1e-4:
            share *= 0.5
            point, there, _ = look(share)
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
        point, there, slope = look(share)
        if abs(slope) <= enough:
            break
        if slope < 0.0:
            low, below = share, slope
        else:
            high, above = share, slope
    return point, there


def _relative(F: Array, J: Array, noise: Array) -> float:
    """Return the largest mismatch of a line relative to its cell currents, beyond what rounding of potentials makes."""
    worst = 0.0
    wrong, flow = np.maximum(np.abs(F) - noise, 0.0), np.abs(J)
    for axis in (0, 1):
        lines = flow.sum(axis=axis)
        least = max(_FAINT * lines.max(), _NOTHING)
        worst = max(worst, float((wrong.sum(axis=axis) / np.maximum(lines, least)).max()))
    return worst if np.isfinite(wrong).all() else np.inf


def _worst(F: Array) -> float:
    return float(max(np.abs(F.sum(axis=0)).max(), np.abs(F.sum(axis=1)).max()))


def _failure(F: Array, best: float, steps: int, rtol: float) -> ConvergenceError:
    columns = F.shape[1]
    ranked = np.argsort(-np.abs(F).ravel())[:3]
    named = ", ".join(f"cell ({k // columns}, {k % columns}) by {np.abs(F).flat[k]:.1e} A" for k in ranked)
    return ConvergenceError(
        f"solve: relative mismatch of currents {best:.1e} after {steps} Newton steps; allowed: {rtol:g}; worst: "
        f"{named}; try: a lower voltage, a larger rtol, or simulate(), which follows the cells in time",
        best,
    )


def solve_gated(
    ladders: Ladders,
    sides: dict[str, Array],
    g: Array,
    m: Array,
    load: tuple[Array | None, Array | None],
    into: tuple[Array, Array],
    rtol: float,
) -> Potentials:
    """Solve a crossbar of cells with conductance `g` and transconductance `m`, injected with currents `into`."""
    from scipy.sparse.linalg import LinearOperator, gmres

    from crossbar.circuit.line_solves import bit_sweep, word_sweep

    if ladders.shorts:
        raise InputError("shorts", "bridges between lines", "none for cells with transistors", "cells without a gate")
    lines = factor_lines(g, ladders, load[0], m if load[1] is None else m + load[1])
    (cw, zw), (cb, zb) = lines.word, lines.bit
    zw = cw * zw[0] if isinstance(zw, tuple) else zw
    zb = cb * zb[0][:, None] if isinstance(zb, tuple) else zb
    cw, zw, cb, zb = (np.ascontiguousarray(a[ladders.padding :]) for a in (cw, zw, cb, zb))
    word, far_word = ladders.word.ends(sides["word_left"], sides["word_right"])
    bit, far_bit = ladders.bit.ends(sides["bit_bottom"], sides["bit_top"])
    bu, bv = into[0].copy(), into[1].copy()
    bu[:, -1] += ladders.word.far * far_word[0]
    bv[0] += ladders.bit.far * far_bit[0]
    from_word = np.cumprod(cw, axis=1) * word[0][:, None]
    from_bit = np.cumprod(cb[::-1], axis=0)[::-1] * bit[0]
    u, v = np.empty(ladders.shape), np.empty(ladders.shape)

    def around(potential: Array, bu: Array | float, bv: Array | float, feed: bool) -> Array:
        """Return the bit-line potentials that follow from the word-line potentials that follow from `potential`."""
        word_sweep(cw, zw, (g + m) * potential + bu, u)
        if feed:
            u[...] += from_word
        bit_sweep(cb, zb, g * u + bv, v)
        return v + from_bit if feed else v

    count = 0

    def counted(_: float) -> None:
        nonlocal count
        count += 1

    size = u.size
    operator = LinearOperator(
        (size, size), lambda x: x - around(x.reshape(ladders.shape), 0.0, 0.0, False).ravel(), dtype=float
    )
    first = around(np.zeros(ladders.shape), bu, bv, True)
    found, _ = gmres(
        operator, first.ravel(), rtol=rtol, atol=0.0, restart=40, maxiter=50, callback=counted, callback_type="pr_norm"
    )
    grid = found.reshape(ladders.shape)
    after = around(grid, bu, bv, True)
    miss = np.abs(after - grid)
    residual = float(miss.max() / max(np.abs(after).max(), np.abs(u).max(), 1e-300))
    allowed = max(1e-9, 10.0 * rtol)
    if not residual <= allowed:
        raise ConvergenceError(
            f"solve: GMRES left a relative residual of {residual:.1e}; allowed: {allowed:g}", residual
        )
    around(after, bu, bv, True)
    return Potentials(
        np.empty((1, 0)), u[None].copy(), after[None], count, residual, float((miss * (g + m)).sum(axis=0).max())
    )
