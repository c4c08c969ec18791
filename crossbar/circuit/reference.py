"""The whole nodal matrix, assembled plainly and solved by a sparse LU: the oracle of the fast solvers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.wires import Wires

__all__ = ["branches", "nodal_system", "solve_reference"]

Array = NDArray[np.float64]


def _numbering(rows: int, columns: int, wires: Wires) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return the node of each word-line and bit-line crossing, and how many of them are unknown.

    Unknown nodes come first; then one known node per source, then ground. Where a segment has no
    resistance its line is one node, and where its end has none either the line is its terminal.
    """
    row = np.arange(rows)[:, None]
    column = np.arange(columns)[None, :]
    word_size = (columns if wires.word_line else 1) if wires.word_line_end else 0
    bit_size = (rows if wires.bit_line else 1) if wires.bit_line_end else 0
    count = rows * word_size + columns * bit_size
    word = row * word_size + (column if wires.word_line else 0) if word_size else count + row
    if bit_size:
        bit = rows * word_size + column + (row * columns if wires.bit_line else 0)
    else:
        bit = np.full((1, 1), count + rows)
    shape = (rows, columns)
    return np.broadcast_to(word, shape), np.broadcast_to(bit, shape), count


def branches(conductance: Array, wires: Wires) -> tuple[NDArray[np.int64], NDArray[np.int64], Array, int]:
    """Return every resistive branch of a crossbar: its two nodes, its conductance [S], and the unknown nodes.

    Nodes from ``unknowns`` on are the sources, and the last is ground.
    """
    rows, columns = conductance.shape
    word, bit, unknowns = _numbering(rows, columns, wires)
    parts: list[tuple] = [(word, bit, conductance)]
    if wires.word_line:
        parts.append((word[:, :-1], word[:, 1:], 1.0 / wires.word_line))
    if wires.bit_line:
        parts.append((bit[:-1], bit[1:], 1.0 / wires.bit_line))
    if wires.word_line_end:
        parts.append((unknowns + np.arange(rows), word[:, 0], 1.0 / wires.word_line_end))
    if wires.bit_line_end:
        parts.append((bit[-1], np.full(columns, unknowns + rows), 1.0 / wires.bit_line_end))
    one = np.concatenate([a.ravel() for a, _, _ in parts])
    two = np.concatenate([b.ravel() for _, b, _ in parts])
    value = np.concatenate([np.broadcast_to(g, a.shape).ravel() for a, _, g in parts])
    return one, two, value, unknowns


def nodal_system(conductance: Array, wires: Wires) -> tuple:
    """Assemble Kirchhoff's equations ``matrix @ unknown = drive @ voltage`` of a crossbar.

    Parameters
    ----------
    conductance : numpy.ndarray
        Cell conductances [S], shape ``(rows, columns)``.
    wires : Wires
        Line resistances.

    Returns
    -------
    matrix : scipy.sparse.csc_matrix
        Symmetric positive definite nodal conductances [S], shape ``(unknowns, unknowns)``.
    drive : scipy.sparse.csc_matrix
        Conductances from the sources [S], shape ``(unknowns, rows)``.
    """
    from scipy.sparse import coo_matrix

    one, two, value, unknowns = branches(conductance, wires)
    ground = unknowns + conductance.shape[0]
    at = np.concatenate([one, two, one, two])
    to = np.concatenate([one, two, two, one])
    laplacian = coo_matrix((np.concatenate([value, value, -value, -value]), (at, to)), shape=(ground + 1,) * 2)
    laplacian = laplacian.tocsc()
    return laplacian[:unknowns, :unknowns], -laplacian[:unknowns, unknowns:ground]


def solve_reference(conductance: Array, wires: Wires, voltage: Array) -> tuple[Array, Array, Array]:
    """Read a crossbar by one sparse LU factorisation of all its nodes.

    Iterative refinement makes up for rounding in the matrix: its residuals are sums of branch currents in
    extended precision, where the machine has one.

    Parameters
    ----------
    conductance : numpy.ndarray
        Cell conductances [S], shape ``(rows, columns)``.
    wires : Wires
        Line resistances.
    voltage : numpy.ndarray
        Source voltages [V], shape ``(vectors, rows)``.

    Returns
    -------
    current : numpy.ndarray
        Bit-line currents [A], shape ``(vectors, columns)``.
    word_line_voltage, bit_line_voltage : numpy.ndarray
        Node voltages [V], shape ``(vectors, rows, columns)``.
    """
    from scipy.sparse.linalg import splu

    rows, columns = conductance.shape
    one, two, value, unknowns = branches(conductance, wires)
    potential = np.zeros((unknowns + rows + 1, len(voltage)), dtype=np.longdouble)
    potential[unknowns:-1] = voltage.T
    if unknowns:
        matrix, drive = nodal_system(conductance, wires)
        factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        potential[:unknowns] = factor.solve(drive @ voltage.T)
        for _ in range(3):
            flow = value[:, None] * (potential[one] - potential[two])
            excess = np.zeros_like(potential)
            np.add.at(excess, two, flow)
            np.subtract.at(excess, one, flow)
            potential[:unknowns] += factor.solve(excess[:unknowns].astype(float))
    word, bit, _ = _numbering(rows, columns, wires)
    u = np.moveaxis(potential[word], -1, 0)
    v = np.moveaxis(np.broadcast_to(potential[bit], (rows, columns, len(voltage))), -1, 0)
    current = np.einsum("ij,kij->kj", conductance, u - v)
    return current.astype(float), u.astype(float), v.astype(float)
