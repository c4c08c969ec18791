"""Products with the transpose of a matrix: columns are driven, rows are sensed, on the same cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crossbar.mapping.blocks import Block
from crossbar.periphery.converters import AdcRange
from crossbar.read_noise import ReadSeeds
from crossbar.tiles import Tile
from devices.common.arrays import Array

if TYPE_CHECKING:
    from crossbar.inference.matrix import AnalogMatrix

__all__ = ["calibrate_rows", "transposed_product"]

#: Columns whose factors differ by less than this share are driven in the same read.
_SAME = 1e-9


def transposed_product(matrix: AnalogMatrix, inputs: Array, seeds: ReadSeeds) -> Array:
    """Return ``inputs @ weights.T`` as the cells of a matrix give it, shape ``(..., inputs of the matrix)``."""
    rows = max(int(block.inputs.max()) for block in matrix.blocks) + 1
    products = np.zeros((*inputs.shape[:-1], rows))
    for block, tiles in matrix.tiles_of_blocks():
        for k, (drives, size) in enumerate(_reads(block, inputs * matrix.gain)):
            sums = [
                _line_sums(block, array, tile, drive, seeds.child(index).child(k))
                for array, ((index, tile), drive) in enumerate(zip(tiles, drives, strict=True))
            ]
            lines = np.sum(sums, axis=0)
            if block.layout.lines_per_input == 2:
                lines = lines[..., 0::2] - lines[..., 1::2]
            products[..., block.inputs] += size * lines
    return products


def calibrate_rows(matrix: AnalogMatrix, inputs: Array, policy: AdcRange | None) -> AnalogMatrix:
    """Return a matrix with the ranges of the ADCs of its word lines set by the products of `inputs`."""
    ranged: list[Tile] = []
    for block, tiles in matrix.tiles_of_blocks():
        reads = [drives for drives, _ in _reads(block, inputs * matrix.gain)]
        for array, (_, tile) in enumerate(tiles):
            driven = np.concatenate([_of_all_columns(tile, drives[array]) for drives in reads])
            ranged.append(tile.calibrated(driven, policy, backward=True))
    return replace(matrix, tiles=tuple(ranged))


def _reads(block: Block, inputs: Array) -> Iterator[tuple[list[Array], Array]]:
    r"""Yield the drive of the columns of each array for one read after another, and the factor of the rows' currents.

    Columns whose factors f have the same size are driven at once, with their signs, and each slice on its own. The
    largest drive of a vector is the full scale of its read: its size multiplies the result digitally. A reference
    column is driven with minus the sum of the columns of which it is subtracted.
    """
    layout, factors = block.layout, block.factors
    given = inputs[..., block.outputs]
    left = list(range(layout.columns_per_output))
    while left:
        base = np.abs(factors[:, left[0]])
        same = [k for k in left if np.allclose(np.abs(factors[:, k]), base, rtol=_SAME, atol=0.0)]
        left = [k for k in left if k not in same]
        drive = np.zeros((*given.shape, layout.columns_per_output))
        for k in same:
            drive[..., k] = given * factors[:, k]
        if layout.references:
            drive = np.concatenate([drive, -drive.sum(axis=-2, keepdims=True)], axis=-2)
        size = np.abs(drive).max(axis=(-2, -1), initial=0.0)[..., None]
        size = np.where(size > 0.0, size, 1.0)
        share = drive / size[..., None]
        yield block.deal(share.reshape(*given.shape[:-1], -1)), size


def _line_sums(block: Block, array: int, tile: Tile, drive: Array, seeds: ReadSeeds) -> Array:
    """Return the rows' currents at a read voltage of 1 V, less those of weights of zero that are computed."""
    found = tile.read_backward(_of_all_columns(tile, drive), seeds) / tile.encoding.read_voltage
    if block.layout.zero == "digital":
        zero = np.tile(block.zeros[array], block.outputs.size)
        found = found - (tile.encoding.encode(drive) @ zero)[..., None]
    return found


def _of_all_columns(tile: Tile, drive: Array) -> Array:
    """Return the drive of all columns of the matrix, of that of the columns of one array."""
    driven = np.zeros((*drive.shape[:-1], tile.columns.stop))
    driven[..., tile.columns] = drive
    return driven
