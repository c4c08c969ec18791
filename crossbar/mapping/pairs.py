"""Differential pairs: a signed weight as the difference of two conductances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from crossbar.mapping.base import REVIEW, Layout, check_limits, within_window
from crossbar.mapping.scaling import ScalePer, check_scaling, clip_weights, count_beyond, fit_scale, largest_weight
from devices.common.arrays import Array
from devices.common.validation import choice, finite_array
from devices.sources import Citation

__all__ = ["Arrangement", "DifferentialPairs", "PairMapping", "pair_layout"]

Arrangement = Literal["interleaved", "separate", "cancelling"]

_LAYOUTS = {
    "interleaved": Layout(2),
    "separate": Layout(2, arrays=2),
    "cancelling": Layout(1, lines_per_input=2),
}


def pair_layout(arrangement: Arrangement) -> Layout:
    """Return the layout of an arrangement of pairs, or raise `InputError`."""
    return _LAYOUTS[choice("arrangement", arrangement, _LAYOUTS)]


@dataclass(frozen=True)
class DifferentialPairs:
    r"""Signed weights as differences of two conductances; a `Mapping`, and as a class the scheme that is the default.

    .. math:: G^+ = g_\min + s \max(w, 0), \quad G^- = g_\min + s \max(-w, 0), \quad
              s = \frac{g_\max - g_\min}{\max |w|}

    Columns alternate plus, minus: weight column k lies in columns 2k and 2k + 1, so that both see nearly the same
    IR drop. `PairMapping` has the other arrangements.

    Parameters
    ----------
    conductance_limits : tuple of float
        Smallest and largest conductance that a cell is programmed to [S].
    scale : float or numpy.ndarray
        Conductance for each unit of weight [S], one for all or of shape ``(outputs,)``.
    arrangement : {"interleaved", "separate", "cancelling"}, optional
        Where both cells of a pair lie; see `PairMapping`.
    largest : float or numpy.ndarray, optional
        Weights beyond plus and minus this are clipped; None refuses those that the window does not hold.
    """

    conductance_limits: tuple[float, float]
    scale: float | Array
    arrangement: Arrangement = "interleaved"
    largest: float | Array | None = None
    columns_per_output = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns_per_output", self.layout.columns_per_output)

    @property
    def layout(self) -> Layout:
        """The layout of the cells of a weight."""
        return pair_layout(self.arrangement)

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
        return cls((low, high), (high - low) / largest_weight(weights))

    def conductances(self, weights: ArrayLike) -> Array:
        """Return conductances [S] of `weights`, shape ``(rows, outputs)``.

        Their shape is ``(rows, 2 outputs)``, plus and minus alternating, or ``(2 rows, outputs)`` of pairs that cancel
        in the column, whose word lines alternate.

        Raises
        ------
        InputError
            If a weight needs more than the upper limit.
        """
        w = clip_weights(finite_array("weights", weights, shape=("rows", "columns")), self.largest)
        axis = 1 if self.arrangement == "cancelling" else -1
        signed = np.stack([np.maximum(w, 0.0), np.maximum(-w, 0.0)], axis=-1)
        pairs = self.conductance_limits[0] + np.asarray(self.scale)[..., None] * signed
        inside = within_window(pairs, self.conductance_limits, w, self.scale, "DifferentialPairs.fit(weights, limits)")
        if self.arrangement == "cancelling":
            return np.moveaxis(inside, -1, axis).reshape(2 * w.shape[0], w.shape[1])
        return inside.reshape(w.shape[0], -1)

    def conductance(self, weights: ArrayLike) -> Array:
        """Return `conductances`; another name of that method."""
        return self.conductances(weights)

    def weights(self, currents: ArrayLike) -> Array:
        """Return the weights, shape ``(..., outputs)``, of currents of 1 V or conductances [S].

        The currents have the shape ``(..., 2 outputs)``, or ``(..., outputs)`` of pairs that cancel in the column.
        """
        if self.arrangement == "cancelling":
            return finite_array("currents", currents, unit="S", shape=("...", "columns")) / self.scale
        g = finite_array("currents", currents, unit="S", shape=("...", "2 columns"))
        return (g[..., 0::2] - g[..., 1::2]) / self.scale

    def clipped(self, weights: ArrayLike) -> int:
        """Return the number of weights that are clipped."""
        return count_beyond(weights, self.largest)


@dataclass(frozen=True)
class PairMapping:
    r"""Differential pairs, with a choice of where both cells of a pair lie and of their scale; a `MappingScheme`.

    .. math:: y = \sum_i x_i (G_i^+ - G_i^-) / s, \quad s = \frac{g_\max - g_\min}{|w|_p}

    with :math:`|w|_p` the percentile p of the absolute weights of the matrix, tile or column.

    Parameters
    ----------
    arrangement : {"interleaved", "separate", "cancelling"}, optional
        - interleaved: in neighbouring columns of one array, whose currents are subtracted after conversion, or before
          by ``Recipe(subtract="before")``;
        - separate: at the same place of two arrays of their own;
        - cancelling: in neighbouring rows of one column, driven with x and -x, whose currents cancel on the bit line:
          one conversion for each output.
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
    T. P. Xiao et al., Appl. Phys. Rev. 7, 031301 (2020), doi 10.1063/1.5143815, reviews the arrangements.
    """

    arrangement: Arrangement = "interleaved"
    scale_per: ScalePer = "matrix"
    percentile: float = 100.0

    def __post_init__(self) -> None:
        pair_layout(self.arrangement)
        check_scaling(self.scale_per, self.percentile)

    @property
    def layout(self) -> Layout:
        """The layout of the cells of a weight."""
        return pair_layout(self.arrangement)

    @property
    def columns_per_output(self) -> int:
        """Columns that stand for one output."""
        return self.layout.columns_per_output

    def cited(self) -> tuple[Citation, ...]:
        """Return its source; see `devices.citations`."""
        return (Citation(REVIEW, ("PairMapping",), "recalled"),)

    def fit(self, weights: ArrayLike, conductance_limits: tuple[float, float]) -> DifferentialPairs:
        """Return the mapping that brings the percentile of absolute weights to the upper conductance limit."""
        low, high = check_limits(conductance_limits)
        largest, clip = fit_scale(weights, self.scale_per, self.percentile)
        return DifferentialPairs((low, high), (high - low) / largest, self.arrangement, clip)
