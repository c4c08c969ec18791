"""A crossbar as a list of branches between nodes, to find what floats and for the reference solution."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.bias import SIDES
from crossbar.wires import Wires
from devices.common.arrays import Array
from devices.common.errors import InputError

__all__ = [
    "Network",
    "check_grounded",
    "floating_part",
    "held_by_capacitance",
    "joined_terminals",
    "network",
    "surely_grounded",
]

Index = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Network(NamedTuple):
    """Branches between nodes.

    Nodes are numbered: word-line nodes row by row, bit-line nodes row by row, then the terminals of each side in the
    order of `SIDES`. ``cells`` of the branches come first, row by row, then wires.
    """

    one: Index
    two: Index
    conductance: Array
    merged: Index
    terminals: Index
    shape: tuple[int, int]


def network(conductance: Array, wires: Wires, connected: dict[str, Mask]) -> Network:
    """Return the branches of a crossbar whose terminals are connected where `connected` says so, by side.

    ``merged[node]`` is the node that represents it where zero resistance joins nodes; of a group with a terminal, the
    terminal. ``terminals`` are the nodes of connected terminals.
    """
    rows, columns = conductance.shape
    cells = rows * columns
    word = np.arange(cells).reshape(rows, columns)
    bit = cells + word
    ends = {}
    first = 2 * cells
    for side in SIDES:
        lines = rows if side.startswith("word") else columns
        ends[side] = first + np.arange(lines)
        first += lines
    r_word, r_bit = wires.segments(rows, columns)
    parts = [
        (word[:, :-1], word[:, 1:], r_word[:, 1:-1]),
        (bit[:-1], bit[1:], r_bit[1:-1]),
    ]
    for side, node, r in (
        ("word_left", word[:, 0], r_word[:, 0]),
        ("word_right", word[:, -1], r_word[:, -1]),
        ("bit_top", bit[0], r_bit[0]),
        ("bit_bottom", bit[-1], r_bit[-1]),
    ):
        on = connected[side]
        parts.append((ends[side][on], node[on], r[on]))
    for short in wires.shorts:
        a, b = (
            (word[short.line, short.cell], word[short.line + 1, short.cell])
            if short.kind == "word"
            else (bit[short.cell, short.line], bit[short.cell, short.line + 1])
        )
        parts.append((np.array([a]), np.array([b]), np.array([short.resistance])))
    one, two, r = (np.concatenate([np.ravel(part[k]) for part in parts]) for k in range(3))
    terminals = np.concatenate([ends[side][connected[side]] for side in SIDES])
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ideal = r == 0.0
    links = coo_matrix((np.ones(ideal.sum()), (one[ideal], two[ideal])), shape=(first, first))
    count, group = connected_components(links, directed=False)
    representative = np.full(count, first)
    np.minimum.at(representative, group, np.arange(first))
    representative[group[terminals]] = terminals
    kept = ~ideal & (r < np.inf)
    return Network(
        np.concatenate([word.ravel(), one[kept]]),
        np.concatenate([bit.ravel(), two[kept]]),
        np.concatenate([conductance.ravel(), 1.0 / r[kept]]),
        representative[group],
        terminals,
        (rows, columns),
    )


def name_of(node: int, shape: tuple[int, int]) -> str:
    """Return the name of a node other than a terminal, for messages."""
    rows, columns = shape
    kind, at = ("word", node) if node < rows * columns else ("bit", node - rows * columns)
    i, j = divmod(at, columns)
    return f"word line {i} at column {j}" if kind == "word" else f"bit line {j} at row {i}"


def surely_grounded(wires: Wires, connected: dict[str, Mask]) -> bool:
    """Return whether whole metal joins every node to a connected terminal, whatever the cells are."""
    metal = (wires.word_line, wires.bit_line, wires.driver, wires.sense)
    whole = not any(np.isinf(np.asarray(r)).any() for r in metal)
    return whole and all(bool(connected[side].all()) for side in ("word_left", "bit_bottom"))


def check_grounded(conductance: Array, wires: Wires, connected: dict[str, Mask], held: Array | None = None) -> bool:
    """Return whether cells and wires join every node to a connected terminal, without the help of shorts.

    Nodes where `held`, of shape ``(2, rows, columns)``, is not zero need no terminal.

    Raises
    ------
    InputError
        If a part of the crossbar has no path to a connected terminal, not even by shorts; it is named.
    """
    without = replace(wires, shorts=())
    floating, part, grounded = _floating(conductance, without, connected, held)
    if not floating.any():
        return True
    if wires.shorts:
        floating, part, grounded = _floating(conductance, wires, connected, held)
    if floating.any():
        raise floating_part(part, grounded, conductance.shape)
    return False


def held_by_capacitance(conductance: Array, wires: Wires, connected: dict[str, Mask]) -> Array | None:
    """Return which nodes of word lines and of bit lines capacitance alone holds, shape ``(2, rows, columns)``.

    Returns
    -------
    numpy.ndarray or None
        1 at nodes that no cell, wire or short joins to a terminal, 0 elsewhere; None where all are joined.

    Raises
    ------
    InputError
        If a part of the crossbar has no capacitance either; it is named.
    """
    if surely_grounded(wires, connected):
        return None
    floating, part, _ = _floating(conductance, wires, connected, None)
    if not floating.any():
        return None
    to_ground = np.empty((2, *conductance.shape))
    to_ground[0], to_ground[1] = wires.word_line_capacitance, wires.bit_line_capacitance
    joined = np.ones_like(conductance) if wires.crossing_capacitance > 0.0 else conductance
    loose, part, grounded = _floating(joined, wires, connected, to_ground)
    if loose.any():
        raise floating_part(part, grounded, conductance.shape)
    return floating.astype(float).reshape(to_ground.shape)


def _floating(
    conductance: Array, wires: Wires, connected: dict[str, Mask], held: Array | None
) -> tuple[Mask, Index, Mask]:
    """Return which nodes have no path to a connected terminal or to a node that is held.

    The other values are the part to which each node belongs, and for each part whether it has such a path.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    net = network(conductance, wires, connected)
    total = len(net.merged)
    carries = net.conductance > 0.0
    at, to = (np.concatenate([side[carries], np.arange(total)]) for side in (net.one, net.two))
    to[carries.sum() :] = net.merged
    graph = coo_matrix((np.ones(at.size), (at, to)), shape=(total, total))
    _, part = connected_components(graph, directed=False)
    grounded = np.zeros(part.max() + 1, dtype=bool)
    grounded[part[net.terminals]] = True
    of_nodes = part[: 2 * conductance.size]
    if held is not None:
        grounded[of_nodes[held.ravel() != 0.0]] = True
    return ~grounded[of_nodes], of_nodes, grounded


def floating_part(part: Index, grounded: Mask, shape: tuple[int, int]) -> InputError:
    """Return the error that names the nodes of a part without a terminal.

    Parameters
    ----------
    part : numpy.ndarray
        The number of the part to which each node belongs.
    grounded : numpy.ndarray
        For each part, whether it has a terminal.
    shape : tuple of int
        Rows and columns.
    """
    same = np.flatnonzero(part == part[np.flatnonzero(~grounded[part])[0]])
    names = ", ".join(name_of(int(n), shape) for n in same[:3])
    more = f" and {same.size - 3} more nodes" if same.size > 3 else ""
    return InputError(
        "bias",
        f"a floating part: {names}{more} have no path to a connected terminal",
        "every node joined to a terminal by cells, wires or shorts",
        "connect an end of one of these lines, or give its cells a conductance",
    )


def joined_terminals(one: int, two: int, shape: tuple[int, int]) -> InputError:
    """Return the error for ideal metal between two terminals, numbered side by side, that differ in potential."""
    rows, columns = shape
    names = [(side, k) for side in SIDES for k in range(rows if side.startswith("word") else columns)]
    (side, line), (other, to) = names[one], names[two]
    kind = side.partition("_")[0]
    if (kind, line) == (other.partition("_")[0], to):
        given = f"another potential than {other} at {kind} line {line}, which is ideal metal between them"
    else:
        given = f"at line {line} another potential than {other} at line {to}, with ideal metal between them"
    return InputError(side, given, "equal potentials, or a resistance between them", f"Wires({kind}_line=1.0)")
