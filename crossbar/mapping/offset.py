"""Offset cells: a signed weight as one conductance less that of a weight of zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from crossbar.mapping.base import REVIEW, Layout, check_limits, within_window
from crossbar.mapping.scaling import ScalePer, check_scaling, clip_weights, count_beyond, fit_scale
from devices.common.arrays import Array
from devices.common.validation import choice, finite_array
from devices.sources import Citation

__all__ = ["OffsetCells", "OffsetMapping"]


@dataclass(frozen=True)
class OffsetCells:
    """One cell for each weight w, of conductance ``base + scale w``; a `Mapping`.

    Parameters
    ----------
    conductance_limits : tuple of float
        Smallest and largest conductance that a cell is programmed to [S].
    base : float
        Conductance of a weight of zero [S].
    scale : float or numpy.ndarray
        Conductance for each unit of weight [S], one for all or of shape ``(outputs,)``.
    subtract : {"digital", "reference column"}, optional
        How the current of a weight of zero is found; see `OffsetMapping`.
    largest : float or numpy.ndarray, optional
        Weights beyond plus and minus this are clipped; None refuses those that the window does not hold.
    """

    conductance_limits: tuple[float, float]
    base: float
    scale: float | Array
    subtract: Literal["digital", "reference column"] = "digital"
    largest: float | Array | None = None
    columns_per_output = 1

    @property
    def layout(self) -> Layout:
        """The layout of the cells of a weight."""
        return Layout(1, zero=self.subtract)

    @property
    def zero(self) -> Array:
        """Conductance of a weight of zero [S], shape ``(1,)``."""
        return np.array([self.base])

    def conductances(self, weights: ArrayLike) -> Array:
        """Return conductances [S], of the shape of `weights`, ``(rows, outputs)``.

        Raises
        ------
        InputError
            If a weight needs a conductance outside the window.
        """
        w = clip_weights(finite_array("weights", weights, shape=("rows", "columns")), self.largest)
        cells = self.base + self.scale * w
        return within_window(cells, self.conductance_limits, w, self.scale, "OffsetMapping().fit(weights, limits)")

    def weights(self, currents: ArrayLike) -> Array:
        """Return the weights of currents of 1 V, or of conductances [S], less those of a weight of zero."""
        return finite_array("currents", currents, unit="S", shape=("...", "columns")) / self.scale

    def clipped(self, weights: ArrayLike) -> int:
        """Return the number of weights that are clipped."""
        return count_beyond(weights, self.largest)


@dataclass(frozen=True)
class OffsetMapping:
    r"""One cell for each signed weight, at the middle of the window for a weight of zero; a `MappingScheme`.

    .. math:: G = g_0 + s w, \quad g_0 = \frac{g_\min + g_\max}{2}, \quad s = \frac{g_\max - g_\min}{2 |w|_p},
              \quad y = \frac{1}{s} \Big( \frac{I}{V} - Z \Big)

    with :math:`|w|_p` the percentile p of the absolute weights of the matrix, tile or column, and the offset Z.

    Parameters
    ----------
    zero : {"digital", "reference column"}, optional
        - digital: :math:`Z = g_0 \sum_i x_i` is computed, so that drift of the cells becomes an error;
        - reference column: Z is the current of one more column on each array, of cells at :math:`g_0` that drift and
          vary as the others do; it is converted as they are.
    scale_per : {"matrix", "tile", "column"}, optional
        Whether all weights of the matrix share a scale, those of each tile, or those of each column of a tile.
    percentile : float, optional
        Percentile of absolute weights that takes the upper conductance limit [%]; larger ones are clipped and counted,
        see `Clipped`.

    Raises
    ------
    InputError
        If an option is unknown, or the percentile is not between 50 and 100.

    Notes
    -----
    T. P. Xiao et al., Appl. Phys. Rev. 7, 031301 (2020), doi 10.1063/1.5143815, reviews the offset; T. Gokmen and
    Y. Vlasov, Front. Neurosci. 10, 333 (2016), doi 10.3389/fnins.2016.00333, subtract a reference array.
    """

    zero: Literal["digital", "reference column"] = "digital"
    scale_per: ScalePer = "matrix"
    percentile: float = 100.0
    columns_per_output = 1

    def __post_init__(self) -> None:
        choice("zero", self.zero, ("digital", "reference column"))
        check_scaling(self.scale_per, self.percentile)

    @property
    def layout(self) -> Layout:
        """The layout of the cells of a weight."""
        return Layout(1, zero=self.zero)

    def cited(self) -> tuple[Citation, ...]:
        """Return its source; see `devices.citations`."""
        return (Citation(REVIEW, ("OffsetMapping",), "recalled"),)

    def fit(self, weights: ArrayLike, conductance_limits: tuple[float, float]) -> OffsetCells:
        """Return the mapping that brings the percentile of absolute weights to the ends of the window."""
        low, high = check_limits(conductance_limits)
        largest, clip = fit_scale(weights, self.scale_per, self.percentile)
        return OffsetCells((low, high), 0.5 * (low + high), 0.5 * (high - low) / largest, self.zero, clip)
