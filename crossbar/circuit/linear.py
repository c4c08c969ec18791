"""The linear solver: conjugate gradients preconditioned by exact solves of whole lines.

Kirchhoff's current law couples word-line potentials ``u`` and bit-line potentials ``v`` [V]:

    [  A  -G ] [u]   [sources and injected currents]
    [ -G   B ] [v] = [sources and injected currents]

with ``A = Lw + G`` one tridiagonal matrix for each word line and ``B = Lb + G`` one for each bit line. The word
lines are eliminated, the bit lines precondition. Where wires conduct far better than cells a few iterations
suffice, at a cost proportional to the number of cells; the number grows as ``lines * sqrt(r G)`` when they do not.
Merged nodes, open wires, floating ends and open cells are the same code. For the algebra see
`crossbar.circuit.line_solves` and `crossbar.circuit.conjugate_gradients`.

Vectors are solved one after another on one core, and split between cores: four arrays of one vector stay in
cache, which several vectors side by side would not (measured: 1.2 to 2 times slower at 128x128 and above).

Shorts between lines are added to the network without shorts by the Woodbury formula: one more solution for each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossbar.circuit.branches import Branches
from crossbar.circuit.frontal import solve_branches
from crossbar.circuit.lines import LineFactors, pad
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError
from devices.common.threads import cores, in_threads

__all__ = ["Potentials", "not_converged", "solve_fed", "solve_lines"]

_LEAST_WORK = 50_000  # vectors times cells below which threads cost more than they save
_ROUNDING = 1e-10  # residual at which rounding may end the response to a short, whose current reaches few lines


class Potentials(NamedTuple):
    """Currents ``(vectors, columns)`` [A], node voltages ``(vectors, rows, columns)`` [V] or empty, and quality.

    `current` is what each bit line delivers to its fed end; it holds where that is at 0 V. `own_residual` is relative
    to the currents of each line however weak it is, and `own_residuals` has it for each vector. `short_current` has
    shape ``(vectors, shorts)``. `magnitude` are the sums of the magnitudes of which the potentials consist.
    """

    current: Array
    word_line_voltage: Array
    bit_line_voltage: Array
    iterations: int
    residual: float
    kcl_error: float
    own_residual: float
    own_residuals: Array
    short_current: Array | None = None
    magnitude: tuple[Array, Array] | None = None


def solve_lines(
    factors: LineFactors,
    sides: dict[str, Array],
    *,
    rtol: float,
    nodes: bool,
    injected: tuple[Array, Array] | None = None,
    accept: float | None = None,
) -> Potentials:
    """Solve a crossbar for each of several vectors of terminal potentials.

    Parameters
    ----------
    factors : LineFactors
        The factored crossbar.
    sides : dict of str to numpy.ndarray
        Potentials of the terminals of each side [V], shape ``(vectors, lines)``; `nan` where it floats.
    rtol : float
        Largest residual of a bit line, relative to what its cells would drive into it were it grounded.
    nodes : bool
        Return node voltages too.
    injected : tuple of numpy.ndarray, optional
        Currents into the word-line nodes and into the bit-line nodes [A], shape ``(vectors, rows, columns)``.
    accept : float, optional
        Largest residual that is not an error, where rounding ends the iterations before `rtol`; by default `rtol`.

    Returns
    -------
    Potentials
        Currents, node voltages and how well they are solved.

    Raises
    ------
    ConvergenceError
        If a vector does not reach `rtol`, or `accept`.
    """
    if factors.net is not None:
        return _solve_branches(factors.net, sides, injected)
    word, far_word = factors.ladders.word.ends(sides["word_left"], sides["word_right"])
    bit, far_bit = factors.ladders.bit.ends(sides["bit_bottom"], sides["bit_top"])
    into = None
    if injected is not None or factors.ladders.word.far.any() or factors.ladders.bit.far.any():
        shape = (len(word), *factors.ladders.shape)
        into = tuple(np.zeros(shape) if injected is None else np.array(part) for part in (injected or (0, 0)))
        into[0][:, :, -1] += factors.ladders.word.far * far_word
        into[1][:, 0, :] += factors.ladders.bit.far * far_bit
    return solve_fed(factors, word, bit, rtol=rtol, nodes=nodes, injected=into, accept=accept)


def solve_fed(
    factors: LineFactors,
    word: Array,
    bit: Array,
    *,
    rtol: float,
    nodes: bool,
    injected: tuple[Array, ...] | None = None,
    accept: float | None = None,
) -> Potentials:
    """Do the same for potentials ``(vectors, lines)`` at the fed ends; the other ends float, or are `injected`."""
    solve = _with_shorts if factors.ladders.shorts else _solve
    found = solve(factors, word, bit, injected, rtol, nodes)
    allowed = rtol if accept is None else max(rtol, accept)
    if not found.residual <= allowed:
        raise not_converged(found, allowed)
    return found


def not_converged(found: Potentials, allowed: float) -> ConvergenceError:
    """Return the error for a residual above the one allowed."""
    return ConvergenceError(
        f"read: relative residual {found.residual:.1e} after {found.iterations} iterations; allowed: {allowed:g}; "
        "try: transfer(), which is exact, or a larger rtol",
        found.residual,
    )


def _solve_branches(net: Branches, sides: dict[str, Array], injected: tuple[Array, Array] | None) -> Potentials:
    into = None if injected is None else np.concatenate(injected, axis=1).reshape(len(injected[0]), -1)
    found = solve_branches(net, sides, into)
    error, wrong = found.quality()
    u, v, current = found.word_line_voltage, found.bit_line_voltage, found.current[2][:, -1]
    return Potentials(
        current, u, v, 0, float(error.max()), float(wrong.max()), float(error.max()), error, found.current[3]
    )


def _solve(
    factors: LineFactors, word: Array, bit: Array, into: tuple[Array, ...] | None, rtol: float, nodes: bool
) -> Potentials:
    from crossbar.circuit.conjugate_gradients import solve_vectors

    G = factors.conductance
    padding = factors.ladders.padding
    vectors = len(word)
    rows, columns = G.shape
    source = np.zeros((vectors, rows))  # padded, and writeable: one compiled type
    source[:, padding:] = word
    feed = np.array(bit)
    bu, bv = (pad(part, padding) for part in into) if into is not None else (np.empty((0, rows, columns)),) * 2
    current = np.empty((vectors, columns))
    report = np.zeros((vectors, 4))
    u, v = (np.empty((vectors if nodes else 0, rows, columns)) for _ in range(2))
    limit = _limit(rows, columns)

    def solve(part: slice) -> None:
        at = part if nodes else slice(0)
        given = part if into is not None else slice(0)
        solve_vectors(
            G, *factors.word, *factors.bit, tuple(factors.coarse), source[part], feed[part], bu[given], bv[given],
            rtol, limit, current[part], report[part], u[at], v[at],
        )  # fmt: skip

    threaded = vectors * G.size >= _LEAST_WORK
    in_threads(solve, vectors, threads=min(cores(), vectors) if threaded else 1)
    iterations, residual, kcl_error, own = report.max(axis=0).tolist() if vectors else (0, 0.0, 0.0, 0.0)
    if padding:
        u, v = u[:, padding:], v[:, padding:]
    return Potentials(current, u, v, int(iterations), residual, kcl_error, own, report[:, 3])


def _with_shorts(
    factors: LineFactors, word: Array, bit: Array, into: tuple[Array, ...] | None, rtol: float, nodes: bool
) -> Potentials:
    """Add conductances between neighbouring nodes: ``x = x0 - P (1/g + E' P)^-1 E' x0`` with ``P`` their responses."""
    shape = factors.ladders.shape
    given = factors.ladders.shorts
    bridges = [k for k, short in enumerate(given) if short.resistance < np.inf]
    if not bridges:
        return _solve(factors, word, bit, into, rtol, nodes)._replace(short_current=np.zeros((len(word), len(given))))
    shorts = [given[k] for k in bridges]
    kinds = np.array([short.kind == "bit" for short in shorts], dtype=np.int64)
    first = [(s.line, s.cell) if s.kind == "word" else (s.cell, s.line) for s in shorts]
    second = [(s.line + 1, s.cell) if s.kind == "word" else (s.cell, s.line + 1) for s in shorts]
    i, j = np.array(first).T
    k, m = np.array(second).T

    def across(grids: Array) -> Array:
        return grids[:, kinds, i, j] - grids[:, kinds, k, m]

    count = len(shorts)
    unit = np.zeros((2, count, *shape))
    unit[kinds, np.arange(count), i, j] = 1.0
    unit[kinds, np.arange(count), k, m] = -1.0
    no_source = np.zeros((count, word.shape[1])), np.zeros((count, bit.shape[1]))
    unbridged = _solve(factors, word, bit, into, rtol, nodes=True)
    response = _solve(factors, *no_source, (unit[0], unit[1]), rtol, nodes=True)
    grids = np.stack([unbridged.word_line_voltage, unbridged.bit_line_voltage], axis=1)
    responses = np.stack([response.word_line_voltage, response.bit_line_voltage], axis=1)
    system = np.diag([short.resistance for short in shorts]) + across(responses).T
    flow = np.linalg.solve(system, across(grids).T).T
    magnitude = np.abs(grids) + np.einsum("ks,sxij->kxij", np.abs(flow), np.abs(responses))
    grids -= np.einsum("ks,sxij->kxij", flow, responses)
    u, v = grids[:, 0], grids[:, 1]
    current = (factors.conductance[factors.ladders.padding :] * (u - v)).sum(axis=1)
    through = np.zeros((len(word), len(given)))
    through[:, bridges] = flow
    for k, short in enumerate(shorts):
        if short.kind == "bit":
            current[:, short.line] -= flow[:, k]
            current[:, short.line + 1] += flow[:, k]
    return Potentials(
        current,
        u,
        v,
        unbridged.iterations + response.iterations,
        max(unbridged.residual, response.residual if response.residual > _ROUNDING else 0.0),
        unbridged.kcl_error + float(np.abs(flow).sum(axis=1).max(initial=0.0)) * response.kcl_error,
        max(unbridged.own_residual, response.residual),
        np.maximum(unbridged.own_residuals, response.residual),
        through,
        (magnitude[:, 0], magnitude[:, 1]),
    )


def _limit(rows: int, columns: int) -> int:
    """Return the most iterations one vector may take: far above the worst wires that have been seen."""
    return 500 + 50 * (rows + columns)
