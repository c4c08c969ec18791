"""A matrix cut into blocks, and their rows placed around stuck cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossbar.inference.recipe import Recipe
from crossbar.mapping.base import Layout, Mapping
from crossbar.mapping.blocks import Block
from crossbar.mapping.ordering import order_for_ir_drop, rows_around_stuck_cells
from crossbar.mapping.tiling import tile_slices
from crossbar.tiles import Tile
from devices.common.arrays import Array
from devices.common.errors import InputError

__all__ = ["around_stuck_cells", "fitted_again", "place_matrix"]

#: A cell is stuck if it follows its target by less than this share of the window.
_FOLLOWS = 0.01


def place_matrix(weights: Array, recipe: Recipe) -> tuple[Block, ...]:
    """Return the blocks of a matrix, row by row, of the size that a tile holds and in the recipe's order."""
    scheme, limits = recipe.mapping, recipe.conductance_limits
    layout = Layout.of(scheme)
    whole = scheme.fit(weights, limits) if getattr(scheme, "scale_per", "matrix") == "matrix" else None
    if whole is not None and not isinstance(getattr(whole, "layout", None), Layout):
        return _without_layout(whole, weights, recipe)
    ordered = recipe.order != "given" or recipe.remap
    blocks: list[Block] = []
    line = column = 0
    for rows, outputs in tile_slices(weights.shape, layout.block(recipe.tile)):
        of_rows, of_outputs = np.arange(weights.shape[0])[rows], np.arange(weights.shape[1])[outputs]
        if recipe.order == "ir drop":
            row_order, column_order = order_for_ir_drop(weights[rows, outputs])
            of_rows, of_outputs = of_rows[row_order], of_outputs[column_order]
        mapping = scheme.fit(weights[np.ix_(of_rows, of_outputs)], limits) if whole is None else whole
        _check_columns(mapping, layout)
        if outputs.start == 0:
            column = 0
        if not ordered:
            line = rows.start * layout.lines_per_input
        lines = slice(line, line + of_rows.size * layout.lines_per_input)
        columns = []
        for _ in range(layout.arrays):
            columns.append(slice(column, column + layout.columns * of_outputs.size + layout.references))
            column = columns[-1].stop
        line = lines.stop
        blocks.append(Block(mapping, layout, of_rows, of_outputs, lines, tuple(columns)))
    return tuple(blocks)


def _without_layout(mapping: Mapping, weights: Array, recipe: Recipe) -> tuple[Block, ...]:
    """Return a block for each row of tiles, of a mapping that is asked for the whole matrix."""
    layout = Layout.of(recipe.mapping)
    _check_columns(mapping, layout)
    inputs, outputs = layout.block(recipe.tile)
    starts = range(0, weights.shape[1], outputs)
    ends = [min(start + outputs, weights.shape[1]) for start in starts]
    columns = tuple(slice(layout.columns * a, layout.columns * b) for a, b in zip(starts, ends, strict=True))
    blocks = []
    for start in range(0, weights.shape[0], inputs):
        rows = np.arange(start, min(start + inputs, weights.shape[0]))
        lines = slice(start, start + rows.size)
        if recipe.order == "ir drop":
            rows = rows[order_for_ir_drop(weights[rows])[0]]
        blocks.append(Block(mapping, layout, rows, np.arange(weights.shape[1]), lines, columns, whole=True))
    return tuple(blocks)


def _check_columns(mapping: Mapping, layout: Layout) -> None:
    if mapping.columns_per_output != layout.columns_per_output:
        given = f"{mapping.columns_per_output} columns for each output of a scheme that says "
        allowed = "one columns_per_output of the scheme and its mapping"
        raise InputError("mapping", f"{given}{layout.columns_per_output}", allowed)


def fitted_again(
    blocks: Sequence[Block], weights: Array, recipe: Recipe, limits: tuple[float, float]
) -> tuple[Block, ...]:
    """Return the blocks, at their places, with mappings that are fitted to other weights or limits [S]."""
    scheme = recipe.mapping
    if getattr(scheme, "scale_per", "matrix") == "matrix":
        whole = scheme.fit(weights, limits)
        return tuple(replace(block, mapping=whole) for block in blocks)
    parts = (weights[np.ix_(block.inputs, block.outputs)] for block in blocks)
    return tuple(replace(b, mapping=scheme.fit(part, limits)) for b, part in zip(blocks, parts, strict=True))


def around_stuck_cells(block: Block, weights: Array, tiles: Sequence[Tile], roots: Sequence[int]) -> Block:
    """Return a block with its rows in the order in which the stuck cells of its arrays change it least.

    Each cell is programmed to both ends of the window, as a test would; a cell that does not follow is stuck.

    Parameters
    ----------
    block : Block
        The block.
    weights : numpy.ndarray
        Weights of the whole matrix.
    tiles : sequence of Tile
        Its arrays.
    roots : sequence of int
        Seeds of their cells.
    """
    stuck = []
    for tile, root in zip(tiles, roots, strict=True):
        assert tile.conductance_limits is not None
        low, high = tile.conductance_limits
        ends = [tile.program(np.full(tile.crossbar.shape, g), root).at(None).conductance for g in (low, high)]
        stuck.append(np.where(np.abs(ends[1] - ends[0]) < _FOLLOWS * (high - low), ends[0], np.nan))
    # An error of a cell counts by the weight that its column has in the output; the rows of a reference are all equal.
    reference = np.zeros(block.layout.references)
    counts = np.concatenate([np.append(part, reference) for part in block.deal(np.abs(block.factors).ravel())])
    target = np.hstack(block.conductances(weights)) * counts
    order = rows_around_stuck_cells(target, np.hstack(stuck) * counts, block.layout.lines_per_input)
    return replace(block, inputs=block.inputs[order])
