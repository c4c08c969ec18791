"""Reads of an array by other programs; besides the program itself only numpy and scipy are used.

The unknowns are the word-line nodes, row by row, then the bit-line nodes. Output currents are the sensed ones.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.problem import Array, ReadProblem, problem, vectors
from benchmarks.task import Task


def nodal_matrix(given: ReadProblem, conductance: Array | None = None) -> Any:
    """Assemble Kirchhoff's equations as one sparse matrix, all entries at once."""
    from scipy.sparse import coo_matrix

    cells = given.conductance if conductance is None else conductance
    word = np.arange(cells.size).reshape(cells.shape)
    bit = word + cells.size
    one = np.concatenate([word[:, :-1].ravel(), bit[:-1].ravel(), word.ravel()])
    two = np.concatenate([word[:, 1:].ravel(), bit[1:].ravel(), bit.ravel()])
    metal = 1 / given.segment
    wires = np.full(one.size - cells.size, metal)
    value = np.concatenate([wires, cells.ravel()])
    ends = np.concatenate([word[:, 0], bit[-1]])
    return coo_matrix((
        np.concatenate([value, value, -value, -value, np.full(ends.size, metal)]),
        (np.concatenate([one, two, one, two, ends]), np.concatenate([one, two, two, one, ends])),
    )).tocsc()  # fmt: skip


def drive(given: ReadProblem, many: Array) -> Array:
    """Return the currents injected by the sources, shape ``(unknowns, vectors)``."""
    rows, columns = given.conductance.shape
    sources = np.zeros((2, rows, columns, len(many)))
    sources[0, :, 0] = many.T / given.segment
    return sources.reshape(-1, len(many))


def sensed(given: ReadProblem, potential: Array) -> Array:
    """Return the output currents, shape ``(..., columns)``, of a solution of shape ``(unknowns, ...)``."""
    rows, columns = given.conductance.shape
    grid = potential.reshape(2, rows, columns, *potential.shape[1:])
    return np.moveaxis(grid[1, -1], 0, -1) / given.segment


def spsolve(size: int, regime: str = "easy") -> Task:
    """scipy's sparse direct solve with its defaults (SuperLU, COLAMD), matrix assembly included."""
    from scipy.sparse.linalg import spsolve

    def work(given: ReadProblem) -> Array:
        return sensed(given, spsolve(nodal_matrix(given), drive(given, given.voltage[None])[:, 0]))

    given, small = problem(size, regime), problem(4, regime)
    return Task(lambda: work(given), warm=lambda: work(small))


def splu(size: int, count: int) -> Task:
    """One SuperLU factorisation, then many right-hand sides."""
    from scipy.sparse.linalg import splu

    def work(given: ReadProblem, many: Array) -> Array:
        return sensed(given, splu(nodal_matrix(given)).solve(drive(given, many)))

    given, small = problem(size), problem(4)
    return Task(lambda: work(given, vectors(size, count)), warm=lambda: work(small, vectors(4, count)))


def cholmod(size: int, count: int, again: bool = False) -> Task:
    """CHOLMOD, supernodal: order, factor and solve; with `again` only solve. The matrix is assembled before."""
    from scipy.sparse import tril

    kvxopt, solver = import_module("kvxopt"), import_module("kvxopt.cholmod")
    solver.options["supernodal"] = 2

    def prepare(lines: int) -> tuple[ReadProblem, Any, Any, Any]:
        given = problem(lines)
        lower = tril(nodal_matrix(given), format="coo")
        matrix = kvxopt.spmatrix(
            kvxopt.matrix(lower.data),
            kvxopt.matrix(lower.row.astype(np.int64)),
            kvxopt.matrix(lower.col.astype(np.int64)),
            lower.shape,
        )
        many = given.voltage[None] if count == 1 else vectors(lines, count)
        known = factor(matrix) if again else None
        return given, matrix, np.asfortranarray(drive(given, many)), known

    def factor(matrix: Any) -> Any:
        known = solver.symbolic(matrix)
        solver.numeric(matrix, known)
        return known

    def work(given: ReadProblem, matrix: Any, right: Array, known: Any) -> Array:
        known = factor(matrix) if known is None else known
        solution = kvxopt.matrix(right)
        solver.solve(known, solution)
        potential = np.array(solution)
        return sensed(given, potential[:, 0] if count == 1 else potential)

    full, small = prepare(size), prepare(4)
    return Task(lambda: work(*full), warm=lambda: work(*small))


def badcrossbar(size: int) -> Task:
    """badcrossbar's own solver, output currents only."""
    peer = import_module("badcrossbar")

    def work(given: ReadProblem) -> Array:
        found = peer.compute(
            given.voltage[:, None], 1 / given.conductance, r_i=given.segment, node_voltages=False, all_currents=False
        )
        return np.asarray(found.currents.output).ravel()

    given, small = problem(size), problem(4)
    return Task(lambda: work(given), warm=lambda: work(small))


def crosssim(size: int, tolerance: float) -> Task:
    """CrossSim's iterative array solver, as its cores call it: conductances and wires in units of the largest cell."""
    from types import SimpleNamespace

    array_class = import_module("simulator.circuits.array.NonInterleaved_InputSource").NonInterleaved_InputSource_Array

    def work(given: ReadProblem) -> Array:
        unit = float(given.conductance.max())
        wires = given.segment * unit
        parasitics = SimpleNamespace(
            Rp_row_norm=wires, Rp_col_norm=wires, Rp_row_terminal_norm=0.0, Rp_col_terminal_norm=0.0
        )
        simulation = SimpleNamespace(
            fast_matmul=False, Niters_max_parasitics=20000, Verr_th_mvm=tolerance, hide_convergence_msg=True,
            Verr_matmul_criterion="max_max", relaxation_gamma=1.0,
        )  # fmt: skip
        array = SimpleNamespace(parasitics=parasitics)
        solver = array_class(SimpleNamespace(xbar=SimpleNamespace(array=array), simulation=simulation))
        return unit * solver.iterative_solve(given.conductance.T / unit, given.voltage)

    given, small = problem(size), problem(4)
    return Task(lambda: work(given), warm=lambda: work(small))
