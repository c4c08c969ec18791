"""Differential pairs: a signed weight as the difference of two conductances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from crossbar.mapping.base import check_limits
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import finite_array

__all__ = ["DifferentialPairs"]

#: Least largest weight: the conductance for a unit of weight must be a number.
_LEAST = 1e-290


@dataclass(frozen=True)
class DifferentialPairs:
    r"""Signed weights as differences of two conductances in neighbouring columns; a `Mapping`.

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

    columns_per_output: ClassVar[int] = 2

    conductance_limits: tuple[float, float]
    scale: float

    @classmethod
    def fit(cls, weights: ArrayLike, conductance_limits: tuple[float, float]) -> DifferentialPairs:
        """Return the mapping that brings the largest absolute weight to the upper conductance limit.

        A matrix of zeros has scale ``g_max - g_min``.

        Raises
        ------
        InputError
            If all weights are so small that the scale would be no number.
        """
        low, high = check_limits(conductance_limits)
        largest = float(np.abs(finite_array("weights", weights)).max(initial=0.0))
        if 0.0 < largest < _LEAST:
            allowed = f"zeros, or a largest weight of {_LEAST:g} at least"
            raise InputError("weights", f"{largest:g} at most", allowed, "weights in another unit")
        return cls((low, high), (high - low) / (largest or 1.0))

    def conductances(self, weights: ArrayLike) -> Array:
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

    def conductance(self, weights: ArrayLike) -> Array:
        """Return `conductances`; another name of that method."""
        return self.conductances(weights)

    def weights(self, currents: ArrayLike) -> Array:
        """Return the weights, ``(..., columns)``, of currents of 1 V or conductances [S], ``(..., 2 columns)``."""
        g = finite_array("currents", currents, unit="S", shape=("...", "2 columns"))
        return (g[..., 0::2] - g[..., 1::2]) / self.scale
