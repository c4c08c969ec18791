"""`Mapping`: the protocol by which weights become conductances, and column currents become products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import integer, number

__all__ = ["REVIEW", "Layout", "Mapping", "MappingScheme", "check_limits"]

#: A review of mappings, as a source.
REVIEW = "T. P. Xiao et al., Appl. Phys. Rev. 7, 031301 (2020), doi 10.1063/1.5143815"


@dataclass(frozen=True)
class Layout:
    """How the cells of a weight lie on arrays.

    Parameters
    ----------
    columns_per_output : int, optional
        Columns that stand for one output, on all arrays together.
    arrays : int, optional
        Arrays to which these columns are dealt in turn: with two, the even ones and the odd ones.
    lines_per_input : int, optional
        Word lines of one input: with two, the first is driven with the input x and the second with -x.
    zero : {"none", "digital", "reference column"}, optional
        What is subtracted from each column: nothing; the current of cells of weight zero, computed from the sum of the
        inputs; or that of reference columns of such cells, of which each array has its own.
    """

    columns_per_output: int = 1
    arrays: int = 1
    lines_per_input: int = 1
    zero: Literal["none", "digital", "reference column"] = "none"

    @classmethod
    def of(cls, scheme: MappingScheme | Mapping) -> Layout:
        """Return the layout of a scheme or mapping: its own, or neighbouring columns of one array without one."""
        own = getattr(scheme, "layout", None)  # of a class a property
        return own if isinstance(own, Layout) else cls(scheme.columns_per_output)

    @property
    def columns(self) -> int:
        """Columns of one output on one array."""
        return self.columns_per_output // self.arrays

    @property
    def references(self) -> int:
        """Reference columns of one array."""
        return self.columns if self.zero == "reference column" else 0

    @property
    def pairs(self) -> bool:
        """Whether neighbouring columns of an array may be subtracted before they are converted."""
        return self.arrays == 1 and self.zero == "none" and self.columns_per_output % 2 == 0

    def block(self, tile: tuple[int, int]) -> tuple[int, int]:
        """Return the inputs and outputs that fit on an array of `tile` rows and columns.

        Raises
        ------
        InputError
            If the array is too small for one weight.
        """
        integer("tile rows", tile[0], minimum=self.lines_per_input)
        least = self.columns + self.references
        fix = f"{'a pair of' if least == 2 else least} columns for each weight"
        columns = integer("tile columns", tile[1], minimum=least, fix=fix)
        return tile[0] // self.lines_per_input, (columns - self.references) // self.columns


class Mapping(Protocol):
    """A mapping with its scale: the arithmetic between a matrix of weights and the cells that stand for it.

    A mapping may have ``layout``, as its scheme. One whose layout subtracts a zero also has ``zero``, the conductances
    of a weight of zero [S], shape ``(columns_per_output,)``; one that clips weights has ``clipped(weights)``, their
    number.

    Attributes
    ----------
    columns_per_output : int
        Columns that stand for one output.
    """

    @property
    def columns_per_output(self) -> int:
        """Columns that stand for one output."""

    def conductances(self, weights: ArrayLike) -> Array:
        """Return the conductances [S] of weights, shape ``(rows, outputs)``.

        They have the shape ``(rows * lines_per_input, outputs * columns_per_output)``.

        Raises
        ------
        InputError
            If a weight needs a conductance outside the window.
        """

    def weights(self, currents: ArrayLike) -> Array:
        """Return the weights that columns stand for, given as currents of 1 V or as conductances [S].

        Shape ``(..., outputs * columns_per_output)`` becomes ``(..., outputs)``. It is linear: column currents of a
        read, divided by the read voltage and less those of weights of zero where the layout says so, give the
        products of the inputs and the weights.
        """


class MappingScheme(Protocol):
    """Makes a `Mapping` for a matrix: a class such as `DifferentialPairs`, or an object with options of its own.

    A scheme may have ``layout``, a `Layout`; without one, its columns are neighbours on one array. It may have
    ``scale_per``: with "tile" or "column" it is fitted to the part of a matrix on each tile, with "matrix" or without
    it to the whole.
    """

    @property
    def columns_per_output(self) -> int:
        """Columns that stand for one output."""

    def fit(self, weights: ArrayLike, conductance_limits: tuple[float, float]) -> Mapping:
        """Return the mapping that brings `weights` into the conductance window ``(g_min, g_max)`` [S]."""


def check_limits(limits: tuple[float, float]) -> tuple[float, float]:
    """Return conductance limits ``(g_min, g_max)`` [S] with ``0 <= g_min < g_max``, or raise `InputError`."""
    if not isinstance(limits, tuple) or len(limits) != 2:
        raise InputError("conductance_limits", repr(limits), "(g_min, g_max) [S]", "device.conductance_limits(0.3)")
    low = number("conductance_limits[0]", limits[0], unit="S", minimum=0.0)
    return low, number("conductance_limits[1]", limits[1], unit="S", minimum=low, open_minimum=True)


def within_window(
    conductances: Array, limits: tuple[float, float], weights: Array, scale: float | Array, fix: str
) -> Array:
    """Return conductances [S] with rounding at the upper limit removed, or raise `InputError` beyond the limits."""
    low, high = limits
    slack = 1e-12 * high
    if conductances.size and (conductances.max() > high + slack or conductances.min() < low - slack):
        given = f"{np.abs(weights).max():g} at {np.max(scale):g} S per unit"
        raise InputError("weights", given, f"at most {high:g} S", fix)
    return np.clip(conductances, low, high)
