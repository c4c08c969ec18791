"""A matrix cut into tiles of a chosen size."""

from __future__ import annotations

from collections.abc import Iterator

from devices.common.validation import integer

__all__ = ["tile_slices"]


def tile_slices(shape: tuple[int, int], tile: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Cut a matrix into tiles, row by row of tiles; the last ones may be smaller.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the matrix.
    tile : tuple of int
        Largest rows and columns of a tile.

    Yields
    ------
    tuple of slice
        Rows and columns of each tile.
    """
    rows, columns = (integer(f"tile[{k}]", n, minimum=1) for k, n in enumerate(tile))
    for top in range(0, shape[0], rows):
        for left in range(0, shape[1], columns):
            yield slice(top, min(top + rows, shape[0])), slice(left, min(left + columns, shape[1]))
