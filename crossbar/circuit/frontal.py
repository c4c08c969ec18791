"""The solution of an ohmic crossbar of any kind by star-mesh elimination, with the current of every branch.

It takes what the line solves cannot: conductances of any ratio, cells and shorts without resistance, lines that only
shorts hold, ideal metal between terminals. All currents keep their digits, see `crossbar.circuit.front_elimination`,
and carry a bound of their error. The nodes are eliminated line by line along the longer side, so that the front has the
width of the shorter one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossbar.bias import SIDES
from crossbar.circuit.branches import Branches, Index, components
from crossbar.circuit.islands import island_currents
from crossbar.circuit.network import floating_part, joined_terminals
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError, InputError

__all__ = ["LIMIT", "BranchSolution", "Elimination", "solve_branches", "solve_within", "transfer_by_elimination"]

#: Most operations of one solution: some ten seconds.
LIMIT = 1e10
_MOST_WEIGHTS = 1e8  # 0.8 GB
_EPS = float(np.finfo(float).eps)


class BranchSolution(NamedTuple):
    """Potentials, currents and error bounds of a solution, with the vectors in front.

    Parameters
    ----------
    word_line_voltage, bit_line_voltage : numpy.ndarray
        Node voltages [V], shape ``(vectors, rows, columns)``.
    cell_voltage : numpy.ndarray
        Voltages across the cells [V], same shape.
    current, error : tuple of numpy.ndarray
        Currents of cells, word-line segments, bit-line segments and shorts, and bounds of their errors [A].
    """

    word_line_voltage: Array
    bit_line_voltage: Array
    cell_voltage: Array
    current: tuple[Array, Array, Array, Array]
    error: tuple[Array, Array, Array, Array]

    def quality(self) -> tuple[Array, Array]:
        """Return for each vector the largest error bound of a line's currents, relative to its largest one, and in A.

        A line whose currents are all below their bounds carries none as far as rounding tells, and is compared with
        the strongest line.
        """
        (cells, word, bit, _), (cell_error, word_error, bit_error, _) = self.current, self.error
        lines = [
            np.concatenate([np.maximum(np.abs(along).max(axis=2), np.abs(across).max(axis=2)),
                            np.maximum(np.abs(down).max(axis=1), np.abs(across).max(axis=1))], axis=1)
            for along, down, across in ((word, bit, cells), (word_error, bit_error, cell_error))
        ]  # fmt: skip
        flow, wrong = lines
        scale = np.where(flow > wrong, flow, flow.max(axis=1, keepdims=True))
        share = np.divide(wrong, scale, out=np.zeros_like(wrong), where=wrong > 0.0)
        return share.max(axis=1), wrong.max(axis=1)


class Elimination:
    """The eliminated nodes of a crossbar, whose terminals are grouped where they have equal potentials.

    Parameters
    ----------
    net : Branches
        The branches.
    group : numpy.ndarray
        For each terminal and ground, the number of its group; -1 where nothing is connected.
    """

    def __init__(self, net: Branches, group: Index) -> None:
        self.net = net
        count = net.ground + 1
        ideal = np.isinf(net.conductance)
        terminals = net.nodes + np.flatnonzero(group >= 0)
        fixed = int(group.max()) + 1
        holder = count + group[group >= 0]
        piece = components(
            np.concatenate([net.one[ideal], terminals]), np.concatenate([net.two[ideal], holder]), count + fixed
        )
        self._check_joined(piece, fixed, ideal, group)
        # The number of each node: those to be eliminated in their order, then the groups of terminals.
        last = np.full(piece.max() + 1, -1)
        rank = _rank(net.shape)
        np.maximum.at(last, piece[: net.nodes], rank)
        last[piece[count:]] = 2 * net.nodes + np.arange(fixed)
        last[last < 0] = 2 * net.nodes + fixed  # terminals that float
        order = np.argsort(last, kind="stable")
        number = np.empty(order.size, dtype=np.int64)
        number[order] = np.arange(order.size)
        self.number = number[piece[:count]]
        self.nodes = int((last < 2 * net.nodes).sum())
        self.fixed = fixed
        one, two = self.number[net.one], self.number[net.two]
        self.ideal = ideal
        self.carries = np.flatnonzero((net.conductance > 0.0) & ~ideal & (one != two))
        early, late = np.minimum(one, two)[self.carries], np.maximum(one, two)[self.carries]
        self._check_grounded(early, late)
        inner = early < self.nodes
        self.sorted = np.flatnonzero(inner)[np.argsort(early[inner], kind="stable")]
        self.start = np.searchsorted(early[self.sorted], np.arange(self.nodes + 1)).astype(np.int64)
        self.other = late[self.sorted]
        self.early, self.late = early, late
        self._find_tree()
        self.sign = np.where(one[self.carries] == early, 1.0, -1.0)
        self.own, self.slot = np.empty(self.nodes, dtype=np.int64), np.empty(self.other.size, dtype=np.int64)
        from crossbar.circuit.front_elimination import front_slots

        self.width = int(front_slots(fixed, self.start, self.other, self.own, self.slot))

    @property
    def operations(self) -> float:
        """Number of multiplications and additions, roughly."""
        return float(self.nodes) * self.width**2

    def fits(self, limit: float) -> bool:
        """Whether memory suffices, and so many operations do."""
        return self.operations <= limit and float(self.nodes) * self.width <= _MOST_WEIGHTS

    @property
    def growth(self) -> float:
        """Bound of the relative error of a conductance, in units of the rounding error."""
        return 4.0 + float(np.sqrt(self.nodes))

    def eliminate(self) -> Array:
        """Eliminate the nodes and return the conductances between the groups of terminals [S]."""
        from crossbar.circuit.front_elimination import eliminate

        self.weight, self.total = np.empty((self.nodes, self.width)), np.empty(self.nodes)
        front = np.zeros((self.width, self.width))
        g = self.net.conductance[self.carries]
        eliminate(front, self.start, g[self.sorted], self.own, self.slot, self.weight, self.total)
        outer = np.flatnonzero(self.early >= self.nodes)
        a, b = self.early[outer] - self.nodes, self.late[outer] - self.nodes
        width = self.width
        np.add.at(front.ravel(), np.concatenate([a * width + b, b * width + a]), np.concatenate([g[outer], g[outer]]))
        if not (np.isfinite(front).all() and np.isfinite(self.weight).all()):
            raise ConvergenceError("solve: the elimination overflowed; allowed: cells and wires of finite products")
        return front[: self.fixed, : self.fixed]

    def solve(self, potential: Array, injected: Array | None = None) -> BranchSolution:
        """Return the solution for potentials of the groups ``(vectors, groups)`` and currents ``(vectors, nodes)``."""
        from crossbar.circuit.tree_drops import refine

        net, vectors = self.net, len(potential)
        room = np.empty((self.width, self.width))
        across, error = np.empty(self.other.size), np.empty(self.other.size)
        volts, bounds = np.zeros((vectors, net.one.size)), np.zeros((vectors, net.one.size))
        nodes = np.empty((vectors, self.nodes))
        pushed = np.zeros((vectors, self.nodes + self.fixed))
        if injected is not None:
            np.add.at(pushed.T, self.number[: net.nodes], injected.T)
        inner = self.carries[self.sorted]
        for k in range(vectors):
            refine(
                self.start, self.own, self.slot, self.weight, self.total, self.early[self.sorted], self.other,
                net.conductance[inner], self.parent, self.depth, self.branch, potential[k], pushed[k, : self.nodes],
                room, across, error, nodes[k],
            )  # fmt: skip
            volts[k, inner], bounds[k, inner] = self.sign[self.sorted] * across, error
        outer = np.flatnonzero(self.early >= self.nodes)
        at = self.carries[outer]
        a, c = self.early[outer] - self.nodes, self.late[outer] - self.nodes
        volts[:, at] = self.sign[outer] * (potential[:, a] - potential[:, c])
        g = np.where(self.ideal, 0.0, net.conductance)
        current, wrong = g * volts, g * bounds + 4.0 * _EPS * np.abs(g * volts)
        self._ideal_currents(current, wrong, injected)
        grid = np.concatenate([nodes, potential], axis=1)[:, self.number[: net.nodes]].reshape(vectors, 2, *net.shape)
        cells = volts[:, : net.nodes // 2].reshape(vectors, *net.shape)
        open_cells = (net.conductance[: net.nodes // 2] == 0.0).reshape(net.shape)
        cells = np.where(open_cells, grid[:, 0] - grid[:, 1], cells)
        return BranchSolution(grid[:, 0], grid[:, 1], cells, net.split(current), net.split(wrong))

    def _find_tree(self) -> None:
        """Find for each node the next one in a tree of the best conductors, which has its roots at the terminals."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

        root = self.nodes + self.fixed
        g = self.net.conductance[self.carries[self.sorted]]
        early, late = self.early[self.sorted], self.other
        best = np.argsort(-g, kind="stable")
        pair = early[best] * (root + 1) + late[best]
        _, first = np.unique(pair, return_index=True)  # of parallel branches the best
        kept = best[first]
        held = np.arange(self.nodes, root)
        one, two = np.concatenate([early[kept], held]), np.concatenate([late[kept], np.full(self.fixed, root)])
        cost = np.concatenate([first + 2.0, np.ones(self.fixed)])
        tree = minimum_spanning_tree(coo_matrix((cost, (one, two)), shape=(root + 1, root + 1)).tocsr())
        order, before = breadth_first_order(tree, root, directed=False)
        self.parent = before[: self.nodes].astype(np.int64)
        self.depth = np.zeros(root + 1, dtype=np.int64)
        for node in order[1:]:
            self.depth[node] = self.depth[before[node]] + 1
        a, b = np.minimum(np.arange(self.nodes), self.parent), np.maximum(np.arange(self.nodes), self.parent)
        self.branch = kept[np.searchsorted(pair[first], a * (root + 1) + b)]

    def _ideal_currents(self, current: Array, wrong: Array, injected: Array | None) -> None:
        """Write the currents of branches without resistance, and their bounds, into `current` and `wrong`."""
        at = np.flatnonzero(self.ideal)
        if not at.size:
            return
        net, count = self.net, self.net.ground + 1
        outflow, error = np.zeros((len(current), count)), np.zeros((len(current), count))
        if injected is not None:
            outflow[:, : net.nodes] = -injected
        for node, sign in ((net.one, 1.0), (net.two, -1.0)):
            np.add.at(outflow.T, node[self.carries], sign * current[:, self.carries].T)
            np.add.at(error.T, node[self.carries], wrong[:, self.carries].T)
        held = np.arange(net.nodes, count)
        current[:, at], wrong[:, at] = island_currents(net.one[at], net.two[at], held, outflow, error)

    def _check_joined(self, piece: Index, fixed: int, ideal: Array, group: Index) -> None:
        """Raise `InputError` where ideal metal joins terminals of different potentials."""
        count = self.net.ground + 1
        if np.unique(piece[count:]).size == fixed:
            return
        metal = components(self.net.one[ideal], self.net.two[ideal], count)
        seen: dict[int, int] = {}
        for k in np.flatnonzero(group >= 0):
            other = seen.setdefault(int(metal[self.net.nodes + k]), int(k))
            if group[other] != group[k]:
                raise joined_terminals(other, int(k), self.net.shape)

    def _check_grounded(self, early: Index, late: Index) -> None:
        """Raise `InputError` naming a part that nothing joins to a connected terminal."""
        part = components(early, late, int(self.number.max()) + 1)
        held = np.zeros(part.max() + 1, dtype=bool)
        held[part[self.nodes : self.nodes + self.fixed]] = True
        of_nodes = part[self.number[: self.net.nodes]]
        if not held[of_nodes].all():
            raise floating_part(of_nodes, held, self.net.shape)


def solve_branches(net: Branches, sides: dict[str, Array], injected: Array | None = None) -> BranchSolution:
    """Return the solution of a crossbar for potentials of its terminals.

    Parameters
    ----------
    net : Branches
        The branches, those to ground included.
    sides : dict of str to numpy.ndarray
        Potentials of the terminals of each side [V], shape ``(vectors, lines)``; `nan` where it floats.
    injected : numpy.ndarray, optional
        Currents into the nodes [A], shape ``(vectors, nodes)``.

    Raises
    ------
    InputError
        If a part floats, ideal metal joins terminals of different potentials, or the array is too large.
    """
    found = solve_within(LIMIT, net, sides, injected)
    if found is None:
        raise InputError(
            "cells",
            f"{net.shape[0]} x {net.shape[1]} cells with ideal metal between lines or terminals",
            f"arrays and vectors that {LIMIT:g} operations solve",
            "a resistance in place of each zero: Short(..., resistance=1e-3), Wires(far_driver=1e-3)",
        )
    return found


def solve_within(
    limit: float, net: Branches, sides: dict[str, Array], injected: Array | None = None
) -> BranchSolution | None:
    """Do the same, or return none where it would take more than a number of operations, or too much memory."""
    if 2.0 * np.prod(net.shape) * min(net.shape) ** 2 > limit:
        return None
    given = np.concatenate([*(sides[side] for side in SIDES), np.zeros((len(sides["word_left"]), 1))], axis=1)
    given[:, -1] = 0.0 if net.loaded else np.nan
    made: dict[bytes, Elimination] = {}
    parts = []
    for k, potentials in enumerate(given):
        on = np.flatnonzero(~np.isnan(potentials))
        _, first, which = np.unique(potentials[on] + 0.0, return_index=True, return_inverse=True)
        group = np.full(potentials.size, -1)
        group[on] = np.argsort(np.argsort(first))[which]  # numbered as they come
        key = group.tobytes()
        found = made.get(key) or Elimination(net, group)
        limit -= found.operations
        if limit < 0.0 or not found.fits(LIMIT):
            return None
        if key not in made:
            found.eliminate()
            made[key] = found
        values = np.sort(first)
        parts.append(found.solve(potentials[on][values][None], None if injected is None else injected[k : k + 1]))
    if len(parts) == 1:
        return parts[0]
    return BranchSolution(
        np.concatenate([part.word_line_voltage for part in parts]),
        np.concatenate([part.bit_line_voltage for part in parts]),
        np.concatenate([part.cell_voltage for part in parts]),
        _joined([part.current for part in parts]),
        _joined([part.error for part in parts]),
    )


def _joined(parts: list[tuple[Array, Array, Array, Array]]) -> tuple[Array, Array, Array, Array]:
    cells, word, bit, shorts = (np.concatenate(grids) for grids in zip(*parts, strict=True))
    return cells, word, bit, shorts


def transfer_by_elimination(net: Branches, limit: float) -> tuple[Array, float] | None:
    """Return the transfer matrix of a crossbar [S] and a bound of the relative error of its elements.

    There is none where it takes more operations than `limit`, or ideal metal joins terminals.
    """
    rows, columns = net.shape
    group = np.full(2 * (rows + columns) + 1, -1)
    group[:rows] = np.arange(rows)
    group[2 * rows + columns : -1] = rows + np.arange(columns)
    try:
        made = Elimination(net, group)
    except InputError:
        return None
    if not made.fits(limit):
        return None
    return made.eliminate()[:rows, rows:].copy(), made.growth * _EPS


def _rank(shape: tuple[int, int]) -> Index:
    """Return the place of each node in a sweep along the longer side, lines across it as a whole."""
    rows, columns = shape
    i, j = np.indices(shape)
    if columns >= rows:
        word, bit = (2 * j + 1) * rows + i, 2 * j * rows + i
    else:
        word, bit = 2 * i * columns + j, (2 * i + 1) * columns + j
    return np.concatenate([word.ravel(), bit.ravel()])
