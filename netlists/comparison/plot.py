"""The picture of an agreement: both solutions above, their difference below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from devices.common.errors import InputError
from devices.common.plotting import scaled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from netlists.comparison.agreement import Agreement

__all__ = ["plot_agreement"]

_FLOOR = 1e-17  # smaller differences are drawn here: doubles do not resolve them


def plot_agreement(agreement: Agreement, name: str, ax: Axes | None = None) -> Axes:
    """Draw both solutions of a quantity above, and their relative difference below."""
    from matplotlib import pyplot as plt
    from matplotlib.ticker import MaxNLocator

    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    place = ax.get_subplotspec()
    if place is None:
        raise InputError("ax", "axes outside of a grid", "axes of plt.subplots or add_subplot", "ax=None")
    grid = place.subgridspec(2, 1, height_ratios=[3, 2], hspace=0.08)
    ax.set_subplotspec(grid[0])
    below = ax.figure.add_subplot(grid[1], sharex=ax)

    quantity = agreement[name]
    largest = float(np.abs(quantity.ours).max(initial=0.0))
    factor, unit = (1.0, quantity.unit) if " " in quantity.unit else scaled(largest, quantity.unit)
    over_time = "[s]" in agreement.axis_label
    x, label = agreement.axis_of(name), agreement.axis_label
    main = next(iter(agreement.quantities))
    if over_time:
        stretch, axis_unit = scaled(float(x.max()), "s")
        x, label = stretch * x, f"time [{axis_unit}]"
    elif name != main and label != "vector":
        label = "place"
    difference = quantity.difference / (quantity.scale or 1.0)
    ours, theirs = quantity.ours, quantity.theirs
    falls = np.flatnonzero(np.diff(x) < 0) + 1  # the points of another terminal begin: lines break there
    x, difference, ours, theirs = (np.insert(y, falls, np.nan) for y in (x, difference, ours, theirs))

    line: dict[str, Any] = {"linestyle": "-", "marker": ""} if over_time else {"linestyle": "none"}
    ax.plot(x, factor * ours, **{"marker": "o", **line}, color="C0", linewidth=2.0, label="memductance")
    theirs_line: dict[str, Any] = (
        {"linestyle": "--", "marker": ""} if over_time else {"linestyle": "none", "marker": "x"}
    )
    ax.plot(x, factor * theirs, **theirs_line, color="black", linewidth=0.8, label=agreement.engine)
    ax.set_ylabel(f"{quantity.name} [{unit}]")
    worst_there = f"worst difference {quantity.worst_relative:.1e}\nof the {quantity.scale_meaning}"
    ax.set_title(worst_there, fontsize="medium")  # two lines, for the narrow columns of a report
    ax.legend(fontsize="small")
    ax.tick_params(labelbottom=False)

    seen = difference > 0.0
    below.set_yscale("log")
    below.plot(x, np.maximum(difference, _FLOOR), **{"marker": "_", **line}, color="C3", linewidth=0.7)
    worst = int(np.nanargmax(difference))
    below.plot(x[worst], max(difference[worst], _FLOOR), "o", color="C3", fillstyle="none")
    lowest = float(np.nanquantile(difference[seen], 0.02)) if seen.any() else _FLOOR
    below.set_ylim(max(lowest / 10, _FLOOR), max(10 * float(np.nanmax(difference)), 1e3 * _FLOOR))
    below.set_ylabel(f"difference\n/ {quantity.scale_meaning}")
    below.set_xlabel(label)
    if not over_time:
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
    return ax
