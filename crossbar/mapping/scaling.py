"""The largest weights that a mapping brings to the ends of the conductance window."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array, number

__all__ = ["ScalePer", "check_scaling", "clip_weights", "count_beyond", "fit_scale", "largest_weight"]

#: Which weights share a scale.
ScalePer = Literal["matrix", "tile", "column"]

#: Least largest weight: the conductance for a unit of weight must be a number.
_LEAST = 1e-290


def check_scaling(scale_per: str, percentile: float) -> None:
    """Raise `InputError` unless both are options of a scale."""
    choice("scale_per", scale_per, ("matrix", "tile", "column"))
    number("percentile", percentile, unit="%", minimum=50.0, maximum=100.0)


def largest_weight(weights: ArrayLike, scale_per: ScalePer = "matrix", percentile: float = 100.0) -> float | Array:
    """Return the percentile of absolute weights, a number, or one for each column of a matrix.

    A column of zeros has that of all columns, and a matrix of zeros 1.

    Raises
    ------
    InputError
        If it is so small that a scale would be no number.
    """
    size = np.abs(finite_array("weights", weights))
    if not size.size:
        return 1.0
    found = np.percentile(size, percentile, axis=0 if scale_per == "column" else None)
    # A percentile of many zeros is zero where the matrix is not.
    found = np.where(found > 0.0, found, np.max(size, axis=0) if scale_per == "column" else np.max(size))
    found = np.where(found > 0.0, found, float(found.max()) or 1.0)
    if found.min() < _LEAST:
        allowed = f"zeros, or a largest weight of {_LEAST:g} at least"
        raise InputError("weights", f"{found.min():g} at most", allowed, "weights in another unit")
    return found if scale_per == "column" else float(found)


def fit_scale(weights: ArrayLike, scale_per: ScalePer, percentile: float) -> tuple[float | Array, float | Array | None]:
    """Return the weight at an end of the window, see `largest_weight`, and that beyond which others are clipped.

    The second is None where the first is the largest weight of all.
    """
    largest = largest_weight(weights, scale_per, percentile)
    return largest, largest if percentile < 100.0 else None


def clip_weights(weights: Array, largest: float | Array | None) -> Array:
    """Return weights clipped to plus and minus `largest`; None clips none."""
    return weights if largest is None else np.clip(weights, -np.asarray(largest), largest)


def count_beyond(weights: ArrayLike, largest: float | Array | None) -> int:
    """Return the number of weights beyond plus or minus `largest` by more than rounding."""
    if largest is None:
        return 0
    return int(np.count_nonzero(np.abs(np.asarray(weights)) > np.asarray(largest) * (1 + 1e-12)))
