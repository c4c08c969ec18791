"""All branches of a crossbar, those of zero resistance included, and the pieces that zero resistance merges."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.bias import SIDES
from crossbar.wires import Wires
from devices.common.arrays import Array

__all__ = ["Branches", "branches", "components"]

Index = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Branches(NamedTuple):
    """Branches between nodes: cells row by row, segments of word lines, segments of bit lines, shorts, loads.

    Nodes are numbered: word-line nodes row by row, bit-line nodes row by row, then the terminals of each side in the
    order of `SIDES`, then ground.

    Parameters
    ----------
    one, two : numpy.ndarray
        The nodes of each branch, in the direction in which its current counts.
    conductance : numpy.ndarray
        Of each branch [S]: 0 where it is open or its terminal floats, infinite where it merges its nodes.
    shape : tuple of int
        Rows and columns.
    shorts : int
        Number of shorts.
    """

    one: Index
    two: Index
    conductance: Array
    shape: tuple[int, int]
    shorts: int

    @property
    def nodes(self) -> int:
        """Number of nodes other than terminals and ground."""
        return 2 * self.shape[0] * self.shape[1]

    @property
    def ground(self) -> int:
        """The number of the ground node."""
        return self.nodes + 2 * sum(self.shape)

    @property
    def loaded(self) -> bool:
        """Whether a branch leads to ground."""
        return bool(self.two[-1] == self.ground)

    def split(self, values: Array) -> tuple[Array, Array, Array, Array]:
        """Return values ``(..., branches)`` of cells, word-line segments, bit-line segments and shorts, as grids."""
        rows, columns = self.shape
        parts = np.split(
            values, np.cumsum([rows * columns, rows * (columns + 1), (rows + 1) * columns, self.shorts]), axis=-1
        )
        shapes = ((rows, columns), (rows, columns + 1), (rows + 1, columns))
        grids = [part.reshape(*values.shape[:-1], *shape) for part, shape in zip(parts[:3], shapes, strict=True)]
        return grids[0], grids[1], grids[2], parts[3]


def branches(
    conductance: Array, wires: Wires, connected: dict[str, Mask], load: tuple[Array | None, Array | None] = (None, None)
) -> Branches:
    """Return the branches of a crossbar whose terminals are connected where `connected` says so, by side.

    `load` are the conductances from the nodes of word lines and of bit lines to ground [S], shape ``(rows, columns)``.
    """
    rows, columns = conductance.shape
    cells = rows * columns
    word = np.arange(cells).reshape(rows, columns)
    bit = cells + word
    ends, first = {}, 2 * cells
    for side in SIDES:
        ends[side] = first + np.arange(rows if side.startswith("word") else columns)
        first = ends[side][-1] + 1
    along = np.concatenate([ends["word_left"][:, None], word, ends["word_right"][:, None]], axis=1)
    down = np.concatenate([ends["bit_top"][None], bit, ends["bit_bottom"][None]], axis=0)
    pairs = [
        ((word[s.line, s.cell], word[s.line + 1, s.cell]) if s.kind == "word" else
         (bit[s.cell, s.line], bit[s.cell, s.line + 1])) for s in wires.shorts
    ]  # fmt: skip
    shorts = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    r_word, r_bit = wires.segments(rows, columns)
    with np.errstate(divide="ignore", over="ignore"):
        g_word, g_bit = 1.0 / r_word, 1.0 / r_bit
        g_short = 1.0 / np.array([short.resistance for short in wires.shorts])
    for side, end in (("word_left", g_word[:, 0]), ("word_right", g_word[:, -1]), ("bit_top", g_bit[0]),
                      ("bit_bottom", g_bit[-1])):  # fmt: skip
        end[~connected[side]] = 0.0
    loaded = [(node, extra) for node, extra in zip((word, bit), load, strict=True) if extra is not None]
    ground = np.full(2 * cells, first)
    return Branches(
        np.concatenate([word.ravel(), along[:, :-1].ravel(), down[:-1].ravel(), shorts[:, 0],
                        *(node.ravel() for node, _ in loaded)]),
        np.concatenate([bit.ravel(), along[:, 1:].ravel(), down[1:].ravel(), shorts[:, 1],
                        ground[: len(loaded) * cells]]),
        np.concatenate([conductance.ravel(), g_word.ravel(), g_bit.ravel(), g_short,
                        *(extra.ravel() for _, extra in loaded)]),
        (rows, columns),
        len(shorts),
    )  # fmt: skip


def components(one: Index, two: Index, nodes: int) -> Index:
    """Return a number for each node that is the same where branches join nodes."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(one.size, dtype=np.int8), (one, two)), shape=(nodes, nodes))
    return connected_components(graph, directed=False)[1].astype(np.int64)
