"""The direct solver of small arrays: nodes are eliminated one after another, each a star that becomes a mesh.

Kirchhoff's current law at node ``k``, ``d_k x_k = b_k + sum_j a_kj x_j``, is solved for ``x_k`` and put into the
equations of its neighbours: the conductance ``a_ik a_kj / d_k`` joins each pair of them, and ``l_k a_kj / d_k`` leads
from each to ground, where ``l_k`` is the sum of column ``k``, the conductance from node ``k`` to ground, and
``d_k = l_k + sum_i a_ik``. No number is the difference of two others, so that each conductance that results is exact
to rounding however far metal and cells lie apart (A. S. Alfa, J. Xue and Q. Ye, Accurate computation of the smallest
eigenvalue of a diagonally dominant M-matrix, Mathematics of Computation 71, 217, 2002). Cells with gates have
``a_ij`` other than ``a_ji``. The order of elimination is that of minimum degree, found once for an array.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.circuit.network import network
from crossbar.wires import Wires
from devices.common.arrays import Array
from devices.common.jit import jit

__all__ = ["Mesh", "Pivots", "assemble", "eliminate", "new_pivots", "star_mesh", "substitute_back"]

Index = NDArray[np.int64]


class Mesh(NamedTuple):
    """The nodes and wires of an array, and the order in which its nodes are eliminated.

    Parameters
    ----------
    word, bit : numpy.ndarray
        Number of each cell's node on its word line and on its bit line in that order, or ``-1 - terminal`` where ideal
        metal joins it to a terminal, shape ``(cells,)``.
    one, two : numpy.ndarray
        Nodes, or terminals, at the ends of each piece of wire; the first is a node.
    wire : numpy.ndarray
        Conductance of each piece [S].
    first, later : numpy.ndarray
        Neighbours of each node that are eliminated after it: ``later[first[k]:first[k + 1]]``, in their order.
    target, pair : numpy.ndarray
        For each pair of these neighbours, entry of ``later`` at which they are neighbours; its first pair for each
        node.
    cell : numpy.ndarray
        Entry of ``later`` at which the two nodes of each cell are neighbours, -1 where one is a terminal.
    down, up : numpy.ndarray
        Conductance of the wires at each entry of ``later`` [S].
    leak : numpy.ndarray
        Conductance of the wires from each node to terminals [S].
    """

    word: Index
    bit: Index
    one: Index
    two: Index
    wire: Array
    first: Index
    later: Index
    target: Index
    pair: Index
    cell: Index
    down: Array
    up: Array
    leak: Array


class Pivots(NamedTuple):
    """The entries of ``later`` during and after elimination, of the node into its neighbour and back, and ``1/d``."""

    down: Array
    up: Array
    leak: Array
    inverse: Array


def star_mesh(wires: Wires, connected: dict[str, NDArray[np.bool_]], shape: tuple[int, int]) -> Mesh:
    """Return the mesh of an array of this shape with some of its terminals connected."""
    cells = shape[0] * shape[1]
    net = network(np.ones(shape), wires, connected)
    merged = net.merged
    free = np.unique(merged[: 2 * cells])
    free = free[free < 2 * cells]  # the others are terminals
    number = np.full(merged.size, -1)
    number[free] = np.arange(free.size)
    one, two = merged[net.one], merged[net.two]
    linked = np.zeros((free.size, free.size), dtype=np.bool_)
    inner = (number[one] >= 0) & (number[two] >= 0) & (one != two)
    linked[number[one[inner]], number[two[inner]]] = True
    linked |= linked.T
    order = _minimum_degree(linked)
    position = np.empty(free.size, dtype=np.int64)
    position[order] = np.arange(free.size)
    at = 2 * cells - 1 - np.arange(merged.size)  # terminals
    at[free] = position
    ends = np.array([at[one], at[two]])
    ends[:, ends[0] < 0] = ends[::-1, ends[0] < 0]
    piece = (np.arange(one.size) >= cells) & (ends[0] >= 0) & (ends[0] != ends[1])
    ends, wire = np.ascontiguousarray(ends[:, piece]), net.conductance[piece]
    first, later, target, pair, entry = _structure(linked[np.ix_(order, order)])
    word, bit = at[one[:cells]], at[two[:cells]]
    cell = np.full(cells, -1)
    joined = (word >= 0) & (bit >= 0)
    cell[joined] = entry[word[joined], bit[joined]]
    down, leak = np.zeros(later.size), np.zeros(free.size)
    within = ends[1] >= 0
    np.add.at(down, entry[ends[0, within], ends[1, within]], wire[within])
    np.add.at(leak, ends[0, ~within], wire[~within])
    return Mesh(word, bit, ends[0], ends[1], wire, first, later, target, pair, cell, down, down.copy(), leak)


def new_pivots(mesh: Mesh) -> Pivots:
    """Return room for the pivots of a mesh."""
    return Pivots(*(np.empty(part.size) for part in (mesh.later, mesh.later, mesh.leak, mesh.leak)))


@jit
def _minimum_degree(linked):
    """Return the order of elimination, each time a node with the fewest neighbours; `linked` gets what fills in."""
    n = linked.shape[0]
    degree = np.zeros(n, np.int64)
    for i in range(n):
        for j in range(n):
            degree[i] += linked[i, j]
    done = np.zeros(n, np.bool_)
    order, near = np.empty(n, np.int64), np.empty(n, np.int64)
    for step in range(n):
        best = -1
        for k in range(n):
            if not done[k] and (best < 0 or degree[k] < degree[best]):
                best = k
        order[step] = best
        done[best] = True
        count = 0
        for k in range(n):
            if linked[best, k] and not done[k]:
                near[count] = k
                count += 1
        for a in range(count):
            i = near[a]
            degree[i] -= 1
            for b in range(a + 1, count):
                j = near[b]
                if not linked[i, j]:
                    linked[i, j] = linked[j, i] = True
                    degree[i] += 1
                    degree[j] += 1
    return order


@jit
def _structure(linked):
    """Return ``first``, ``later``, ``target`` and ``pair`` of a `Mesh` whose filled-in neighbours are `linked`.

    The last array has the entry of ``later`` for each pair of nodes.
    """
    n = linked.shape[0]
    entry = np.full((n, n), -1, np.int64)
    first, pair = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    for k in range(n):
        count = 0
        for j in range(k + 1, n):
            if linked[k, j]:
                entry[k, j] = entry[j, k] = first[k] + count
                count += 1
        first[k + 1] = first[k] + count
        pair[k + 1] = pair[k] + count * (count - 1) // 2
    later, target = np.empty(first[n], np.int64), np.empty(pair[n], np.int64)
    for k in range(n):
        at = first[k]
        for j in range(k + 1, n):
            if linked[k, j]:
                later[at] = j
                at += 1
        at = pair[k]
        for a in range(first[k], first[k + 1]):
            for b in range(a + 1, first[k + 1]):
                target[at] = entry[later[a], later[b]]
                at += 1
    return first, later, target, pair, entry


@jit
def assemble(mesh, port, trans, word_load, bit_load, pivots):
    """Write the conductances of the wires, and those of every cell, into the pivots before elimination.

    A cell has the conductance `port` between its nodes, and carries the current `trans` times the bit-line potential
    back; `word_load` and `bit_load` lead from each node to ground.
    """
    pivots.down[:] = mesh.down
    pivots.up[:] = mesh.up
    pivots.leak[:] = mesh.leak
    for k in range(port.size):
        one, two = mesh.word[k], mesh.bit[k]
        back = port[k] + trans[k]
        if one >= 0:
            pivots.leak[one] += word_load
            if two < 0:
                pivots.leak[one] += port[k]
        if two >= 0:
            pivots.leak[two] += bit_load
            if one < 0:
                pivots.leak[two] += back
        at = mesh.cell[k]
        if at >= 0:
            if one < two:
                pivots.down[at] += port[k]
                pivots.up[at] += back
            else:
                pivots.down[at] += back
                pivots.up[at] += port[k]


@jit
def eliminate(mesh, pivots):
    """Eliminate all nodes in place; afterwards ``up`` and ``inverse`` have been divided by the diagonal."""
    down, up, leak = pivots.down, pivots.up, pivots.leak
    for k in range(leak.size):
        begin, end = mesh.first[k], mesh.first[k + 1]
        d = leak[k]
        for a in range(begin, end):
            d += down[a]
        inverse = 1.0 / d if d != 0.0 else 0.0  # a node that is joined to nothing stays where it is
        pivots.inverse[k] = inverse
        for a in range(begin, end):
            up[a] *= inverse
            leak[mesh.later[a]] += leak[k] * up[a]
        at = mesh.pair[k]
        for a in range(begin, end):
            for b in range(a + 1, end):
                to = mesh.target[at]
                down[to] += down[b] * up[a]
                up[to] += down[a] * up[b]
                at += 1


@jit
def substitute_back(mesh, pivots, x):
    """Solve for the potentials of the nodes in place; `x` has the currents into them."""
    n = x.size
    for k in range(n):
        for a in range(mesh.first[k], mesh.first[k + 1]):
            x[mesh.later[a]] += pivots.down[a] * pivots.inverse[k] * x[k]
    for k in range(n - 1, -1, -1):
        total = pivots.inverse[k] * x[k]
        for a in range(mesh.first[k], mesh.first[k + 1]):
            total += pivots.up[a] * x[mesh.later[a]]
        x[k] = total
