"""Weights to conductances and back: differential pairs, and tiles of a chosen size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.common.errors import InputError
from devices.common.validation import finite_array, integer, number

__all__ = ["DifferentialPairs", "check_limits", "tile_slices"]

Array = NDArray[np.float64]


def check_limits(limits: tuple[float, float]) -> tuple[float, float]:
    """Return conductance limits ``(g_min, g_max)`` [S] with ``0 <= g_min < g_max``, or raise `InputError`."""
    if not isinstance(limits, tuple) or len(limits) != 2:
        raise InputError("conductance_limits", repr(limits), "(g_min, g_max) [S]", "device.conductance_limits(0.3)")
    low = number("conductance_limits[0]", limits[0], unit="S", minimum=0.0)
    return low, number("conductance_limits[1]", limits[1], unit="S", minimum=low, open_minimum=True)


@dataclass(frozen=True)
class DifferentialPairs:
    r"""Signed weights as differences of two conductances in neighbouring columns.

    .. math:: G^+ = g_\min + s \max(w, 0), \quad G^- = g_\min + s \max(-w, 0), \quad
              s = \frac{g_\max - g_\min}{\max |w|}

    Columns alternate plus, minus: weight column k lies in columns 2k and 2k + 1, so that both see nearly the same
    IR drop.

    Parameters
    ----------
    conductance_limits : tuple of float
        Smallest and largest conductance that a cell is programmed to [S].
    scale : float
        Conductance for each unit of weight [S].
    """

    conductance_limits: tuple[float, float]
    scale: float

    @classmethod
    def fit(cls, weights: ArrayLike, conductance_limits: tuple[float, float]) -> DifferentialPairs:
        """Return the mapping that brings the largest absolute weight to the upper conductance limit.

        A matrix of zeros has scale ``g_max - g_min``.
        """
        low, high = check_limits(conductance_limits)
        largest = float(np.abs(finite_array("weights", weights)).max(initial=0.0))
        return cls((low, high), (high - low) / (largest or 1.0))

    def conductance(self, weights: ArrayLike) -> Array:
        """Return conductances [S], shape ``(rows, 2 columns)``, of `weights`, shape ``(rows, columns)``.

        Raises
        ------
        InputError
            If a weight needs more than the upper limit.
        """
        w = finite_array("weights", weights, shape=("rows", "columns"))
        low, high = self.conductance_limits
        pairs = low + self.scale * np.stack([np.maximum(w, 0.0), np.maximum(-w, 0.0)], axis=-1)
        if pairs.size and pairs.max() > high * (1 + 1e-12):
            given = f"{np.abs(w).max():g} at {self.scale:g} S per unit"
            raise InputError("weights", given, f"at most {high:g} S", "DifferentialPairs.fit(weights, limits)")
        return np.minimum(pairs, high).reshape(w.shape[0], -1)

    def weights(self, conductance: ArrayLike) -> Array:
        """Return the weights, shape ``(..., columns)``, that `conductance`, ``(..., 2 columns)``, stands for."""
        g = finite_array("conductance", conductance, unit="S", shape=("...", "2 columns"))
        return (g[..., 0::2] - g[..., 1::2]) / self.scale


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
