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

__all__ = ["Network", "check_grounded", "floating_part", "joined_terminals", "network"]

Index = NDArray[np.int64]


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


def network(conductance: Array, wires: Wires, connected: dict[str, NDArray[np.bool_]]) -> Network:
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


def check_grounded(conductance: Array, wires: Wires, connected: dict[str, NDArray[np.bool_]]) -> bool:
    """Return whether cells and wires join every node to a connected terminal, without the help of shorts.

    Raises
    ------
    InputError
        If a part of the crossbar has no path to a connected terminal, not even by shorts; it is named.
    """
    without = replace(wires, shorts=())
    if _grounded(conductance, without, connected, strict=not wires.shorts):
        return True
    return not _grounded(conductance, wires, connected, strict=True)


def _grounded(conductance: Array, wires: Wires, connected: dict[str, NDArray[np.bool_]], *, strict: bool) -> bool:
    """Return whether a path joins every node to a connected terminal; raise `InputError` if not and `strict`."""
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
    if strict and not grounded[of_nodes].all():
        raise floating_part(of_nodes, grounded, net.shape)
    return bool(grounded[of_nodes].all())


def floating_part(part: Index, grounded: NDArray[np.bool_], shape: tuple[int, int]) -> InputError:
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
