"""Axes for plots, and SI prefixes that suit the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes_or_new", "axis_scale", "scaled"]

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


def scaled(values: ArrayLike, unit: str) -> tuple[float, str]:
    """Return the factor and the prefixed unit that bring the largest absolute value between 1 and 1000.

    Parameters
    ----------
    values : array_like
        Values in `unit`, or their peak alone.
    unit : str
        SI unit without prefix.

    Returns
    -------
    tuple of (float, str)
        Multiply values by the first, label the axis with the second.
    """
    peak = float(np.abs(values).max(initial=0.0))
    power = 0 if peak <= 0 or not np.isfinite(peak) else int(np.clip(3 * np.floor(np.log10(peak) / 3), -15, 9))
    return 10.0**-power, _PREFIXES[power] + unit


def axis_scale(label: str, values: ArrayLike, unit: str) -> tuple[float, str]:
    """Return the factor and the prefixed unit of an axis: those of its label if it has them, else from the values."""
    for power, prefix in _PREFIXES.items():
        if label.endswith(f"[{prefix}{unit}]"):
            return 10.0**-power, prefix + unit
    return scaled(values, unit)


def axes_or_new(ax: Axes | None, **figure: Any) -> Axes:
    """Return the axes given, or those of a new figure, made with these options of matplotlib."""
    if ax is not None:
        return ax
    from matplotlib.pyplot import subplots

    return subplots(layout="constrained", **figure)[1]
