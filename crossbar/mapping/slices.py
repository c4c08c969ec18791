"""Bit slices: an integer weight as several cells, each with a few of its bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from crossbar.mapping.base import Layout, check_limits
from crossbar.mapping.offset import OffsetCells
from crossbar.mapping.pairs import Arrangement, DifferentialPairs, pair_layout
from crossbar.mapping.scaling import ScalePer, check_scaling, count_beyond, largest_weight
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array, integer, number
from devices.sources import Citation

__all__ = ["SliceMapping", "SlicedCells"]

Signs = Literal["interleaved", "separate", "cancelling", "digital", "reference column"]

_SIGNS = ("interleaved", "separate", "cancelling", "digital", "reference column")


@dataclass(frozen=True)
class SlicedCells:
    r"""Integers q of a step, cut into slices of a few bits; a `Mapping`.

    Parameters
    ----------
    cells : DifferentialPairs or OffsetCells
        The mapping of the digits of one slice.
    bits, bits_per_cell : int
        Bits of the magnitude of q, and of each slice.
    step : float or numpy.ndarray
        Weight of one unit, one for all or of shape ``(outputs,)``.
    clip : bool, optional
        Whether larger weights are clipped; they are refused where not.
    """

    cells: DifferentialPairs | OffsetCells
    bits: int
    bits_per_cell: int
    step: float | Array
    clip: bool = False

    @property
    def slices(self) -> int:
        """Number of slices."""
        return -(-(self.bits + self._offset) // self.bits_per_cell)

    @property
    def layout(self) -> Layout:
        """The layout of the cells of a weight."""
        return replace(self.cells.layout, columns_per_output=self.columns_per_output)

    @property
    def columns_per_output(self) -> int:
        """Columns that stand for one output."""
        return self.slices * self.cells.columns_per_output

    @property
    def unit(self) -> float:
        """Conductance of the smallest digit [S]; an ADC with this step times the read voltage loses nothing."""
        return float(self.cells.scale)

    @property
    def zero(self) -> Array:
        """Conductances of a weight of zero [S], shape ``(columns_per_output,)``."""
        return self.conductances(np.zeros((1, np.size(self.step))))[0, : self.columns_per_output]

    def conductances(self, weights: ArrayLike) -> Array:
        """Return conductances [S], of the columns of an output the slice of the lowest bits first.

        Raises
        ------
        InputError
            If an integer has more than `bits`.
        """
        w = finite_array("weights", weights, shape=("rows", "columns"))
        largest = 2**self.bits - 1
        whole = np.rint(w / self.step)
        if self.clip:
            whole = np.clip(whole, -largest, largest)
        elif whole.size and np.abs(whole).max() > largest:
            given = f"{np.abs(whole).max():g} steps"
            raise InputError("weights", given, f"at most {largest} steps", "more bits, or a larger step")
        if self._offset:
            digits = self._digits(whole + 2.0**self.bits)
        else:
            digits = np.sign(whole)[..., None] * self._digits(np.abs(whole))
        return self.cells.conductances(digits.reshape(w.shape[0], -1))

    def weights(self, currents: ArrayLike) -> Array:
        """Return the weights, shape ``(..., outputs)``, of currents of 1 V; the slices are shifted and added."""
        digits = self.cells.weights(currents)
        shifts = 2.0 ** (self.bits_per_cell * np.arange(self.slices))
        return (digits.reshape(*digits.shape[:-1], -1, self.slices) @ shifts) * self.step

    def clipped(self, weights: ArrayLike) -> int:
        """Return the number of weights that are clipped."""
        return count_beyond(weights, self.step * (2**self.bits - 1.0)) if self.clip else 0

    @property
    def _offset(self) -> int:
        """One where the sign is a bit more."""
        return int(isinstance(self.cells, OffsetCells))

    def _digits(self, whole: Array) -> Array:
        """Return the digits of whole numbers >= 0, lowest first, along a further axis."""
        shifts = self.bits_per_cell * np.arange(self.slices)
        return ((whole.astype(np.int64)[..., None] >> shifts) & (2**self.bits_per_cell - 1)).astype(float)


@dataclass(frozen=True)
class SliceMapping:
    r"""Weights as integers whose bits are spread over several cells, shifted and added digitally; a `MappingScheme`.

    .. math:: w = \Delta q, \quad |q| = \sum_{d=0}^{n-1} 2^{kd} q_d, \quad 0 \le q_d < 2^k, \quad
              G_d = g_\min + \frac{g_\max - g_\min}{2^k - 1} q_d

    for slices of k bits, each on a cell with :math:`2^k` levels. Integers of at most `bits` bits have the step Δ = 1,
    so that their products are exact; other weights are rounded to multiples of
    :math:`\Delta = |w|_p / (2^b - 1)`, with :math:`|w|_p` the percentile p of the absolute weights of the matrix, tile
    or column.

    Parameters
    ----------
    bits : int, optional
        Bits b of the magnitude, from 1 to 48; the sign is apart.
    bits_per_cell : int, optional
        Bits k of each slice, from 1 to 12.
    signs : {"interleaved", "separate", "cancelling", "digital", "reference column"}, optional
        Each slice as differential pairs, arranged as in `PairMapping`; or the slices of :math:`q + 2^b`, one bit more,
        less those of zero, which are subtracted as in `OffsetMapping`.
    step : float, optional
        Weight Δ of one unit, where it is not to follow from the weights.
    scale_per : {"matrix", "tile", "column"}, optional
        Whether all weights of the matrix share a step, those of each tile, or those of each column of a tile.
    percentile : float, optional
        Percentile of absolute weights that takes the largest integer [%]; larger ones are clipped and counted, see
        `Clipped`.

    Raises
    ------
    InputError
        If an option is unknown or out of its range.

    Notes
    -----
    A. Shafiee et al., ISCA 2016, 14, doi 10.1109/ISCA.2016.12 (ISAAC), slice weights and inputs; `BitSerial` does the
    latter. An ADC whose step is ``mapping.unit * read_voltage`` loses nothing of a slice.
    """

    bits: int = 8
    bits_per_cell: int = 2
    signs: Signs = "interleaved"
    step: float | None = None
    scale_per: ScalePer = "matrix"
    percentile: float = 100.0

    def __post_init__(self) -> None:
        integer("bits", self.bits, minimum=1, maximum=48)
        integer("bits_per_cell", self.bits_per_cell, minimum=1, maximum=12)
        choice("signs", self.signs, _SIGNS)
        if self.step is not None:
            number("step", self.step, minimum=0.0, open_minimum=True)
        check_scaling(self.scale_per, self.percentile)

    @property
    def layout(self) -> Layout:
        """The layout of the cells of a weight."""
        if self.signs in ("digital", "reference column"):
            slices = -(-(self.bits + 1) // self.bits_per_cell)
            return Layout(slices, zero="digital" if self.signs == "digital" else "reference column")
        one = pair_layout(cast("Arrangement", self.signs))
        slices = -(-self.bits // self.bits_per_cell)
        return replace(one, columns_per_output=slices * one.columns_per_output)

    @property
    def columns_per_output(self) -> int:
        """Columns that stand for one output."""
        return self.layout.columns_per_output

    def cited(self) -> tuple[Citation, ...]:
        """Return its source; see `devices.citations`."""
        return (Citation("A. Shafiee et al., ISCA 2016, 14, doi 10.1109/ISCA.2016.12", ("SliceMapping",), "recalled"),)

    def fit(self, weights: ArrayLike, conductance_limits: tuple[float, float]) -> SlicedCells:
        """Return the mapping whose largest integer stands for the percentile of absolute weights."""
        low, high = check_limits(conductance_limits)
        w, largest = finite_array("weights", weights), 2**self.bits - 1
        step: float | Array = 1.0
        if self.step is not None:
            step = self.step
        elif self.percentile < 100.0 or (w != np.rint(w)).any() or np.abs(w).max(initial=0.0) > largest:
            step = largest_weight(w, self.scale_per, self.percentile) / largest
        unit = (high - low) / (2**self.bits_per_cell - 1)
        cells: DifferentialPairs | OffsetCells
        if self.signs == "digital" or self.signs == "reference column":
            cells = OffsetCells((low, high), low, unit, self.signs)
        else:
            cells = DifferentialPairs((low, high), unit, self.signs)
        return SlicedCells(cells, self.bits, self.bits_per_cell, step, self.percentile < 100.0)
