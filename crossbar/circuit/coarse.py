"""The coarse crossbar: blocks of cells merged, for wires that conduct hardly better than cells.

Smooth errors are those of a sheet: word-line and bit-line potentials agree, and current spreads along both kinds of
lines over ``1/sqrt(r G)`` cells. Line solves alone spread it slowly. A block of cells is again a crossing: its cells
in parallel, its lines in parallel, and between the middles of neighbouring blocks their segments in series. At most 64
lines a side are left, and that crossbar is solved exactly, block column after block column.

With it 4 to 8 iterations of about twice the work suffice at any size; line solves alone take 145 for 1024 x 1024 cells
of 1 to 10 kohm on segments of 10 ohm.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices.common.arrays import Array

__all__ = ["Coarse", "coarse_crossbar", "no_coarse"]

Index = NDArray[np.int64]
_FEWEST_CELLS = 160 * 160  # below which the plain iteration is quicker
_FEWEST_ITERATIONS = 14.0  # expected ones below which the plain iteration is quicker


class Coarse(NamedTuple):
    """A coarse crossbar, ready to be solved.

    Parameters
    ----------
    top, left : numpy.ndarray
        First row and first column of each block, and the end.
    conductance : numpy.ndarray
        Of the merged cells [S], shape ``(block rows, block columns)``.
    segment : numpy.ndarray
        Between each block and the one on its left, or the drivers, of all its word lines together [S].
    bit : numpy.ndarray
        Inverse of each coarse bit line [ohm], shape ``(block columns, block rows, block rows)``.
    chain : numpy.ndarray
        Inverse of what is seen at each block column, looking right [ohm], same shape.
    """

    top: Index
    left: Index
    conductance: Array
    segment: Array
    bit: Array
    chain: Array


def no_coarse() -> Coarse:
    """Return an empty coarse crossbar, for where there is none."""
    none = np.empty(0, dtype=np.int64)
    return Coarse(none, none, np.empty((0, 0)), np.empty((0, 0)), np.empty((0, 0, 0)), np.empty((0, 0, 0)))


def coarse_crossbar(G: Array, word_load: Array, bit_load: Array, r_word: Any, r_bit: Any, padding: int) -> Coarse:
    """Return the coarse crossbar, or `no_coarse` where the plain iteration is expected to be quicker.

    Parameters
    ----------
    G : numpy.ndarray
        Cell conductances with padded rows [S], shape ``(rows, columns)``.
    word_load, bit_load : numpy.ndarray
        Conductance at each node: the cell, and what leads from there to ground or to a terminal [S].
    r_word, r_bit : numpy.ndarray or tuple of numpy.ndarray
        Resistance from each node toward the fed end of its line, as ladders have it [ohm].
    padding : int
        Number of padded rows.
    """
    rows, columns = G.shape
    from crossbar.circuit.coarse_factors import factor_coarse

    if rows * columns < _FEWEST_CELLS or min(rows, columns) < 64:
        return no_coarse()
    along = r_word[0][1:] if isinstance(r_word, tuple) else r_word[padding:, 1:]
    down = r_bit[0][padding:-1] if isinstance(r_bit, tuple) else r_bit[padding:-1]
    if not (along.min() > 0.0 and down.min() > 0.0):
        return no_coarse()
    drops = max(float(np.mean(along)) * columns**2, float(np.mean(down)) * rows**2)
    expected = 4.0 + 1.9 * np.sqrt(drops * float(np.mean(G)))
    if not np.isfinite(expected) or expected < _FEWEST_ITERATIONS:
        return no_coarse()
    top, left = _edges(rows, padding), _edges(columns, 0)
    merged = _sums(G, top, left)
    word = merged if word_load is G else _sums(word_load, top, left)
    bit = merged if bit_load is G else _sums(bit_load, top, left)
    if isinstance(r_word, tuple):
        segment = np.outer(np.diff(top), _between(r_word[0][None], left)[0])
    else:
        segment = np.add.reduceat(_between(r_word, left), top[:-1], axis=0)
    below = rows - top[::-1]
    if isinstance(r_bit, tuple):
        drop = np.outer(_between(r_bit[0][None, ::-1], below)[0, ::-1], np.diff(left))
    else:
        drop = np.add.reduceat(_between(r_bit[::-1].T, below)[:, ::-1].T, left[:-1], axis=1)
    segment, drop = np.ascontiguousarray(segment), np.ascontiguousarray(drop)
    lines, chain = (np.empty((merged.shape[1], merged.shape[0], merged.shape[0])) for _ in range(2))
    factor_coarse(merged, word, bit, segment, drop, lines, chain)
    return Coarse(top, left, merged, segment, lines, chain) if np.isfinite(chain[0]).all() else no_coarse()


def _edges(lines: int, padding: int) -> Index:
    """Return the first line of each block, and the end."""
    blocks = 32 if lines < 1024 else 64
    return np.linspace(padding, lines, min(blocks, lines - padding) + 1).astype(np.int64)


def _sums(grid: Array, top: Index, left: Index) -> Array:
    return np.add.reduceat(np.add.reduceat(grid, left[:-1], axis=1), top[:-1], axis=0)


def _between(r: Array, edges: Index) -> Array:
    """Return the conductance of each line from each block's middle to the one before, or to the terminal [S]."""
    middle = (edges[:-1] + edges[1:]) // 2
    first = r[:, edges[0]]
    inner = np.array(r[:, edges[0] :])
    inner[:, 0] = np.where(np.isinf(first), 0.0, first)
    path = np.cumsum(inner, axis=1)[:, middle - edges[0]]
    steps = np.diff(path, axis=1, prepend=0.0)
    conductance = 1.0 / np.where(steps > 0.0, steps, np.inf)
    conductance[np.isinf(first), 0] = 0.0
    return conductance
