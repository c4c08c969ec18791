"""The picture of an agreement: both sides on one axis, their difference on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devices.plot import scaled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from netlists.agreement import Agreement

__all__ = ["plot_agreement"]

_FLOOR = 1e-16  # smaller differences are drawn here: doubles do not resolve them


def plot_agreement(agreement: Agreement, ax: Axes | None = None) -> Axes:
    """Draw the main quantity of both sides and, on the right axis, their relative difference."""
    from matplotlib import pyplot as plt
    from matplotlib.ticker import MaxNLocator

    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    quantity = next(iter(agreement.quantities.values()))
    factor, unit = scaled(float(np.abs(quantity.ours).max()), quantity.unit)
    over_time = "[s]" in agreement.axis_label
    stretch, axis_label = 1.0, agreement.axis_label
    if over_time:
        stretch, axis_unit = scaled(float(agreement.axis.max()), "s")
        axis_label = f"time [{axis_unit}]"
    x = stretch * agreement.axis
    difference = quantity.difference / (quantity.scale or 1.0)
    ours, theirs = quantity.ours, quantity.theirs
    falls = np.flatnonzero(np.diff(x) < 0) + 1  # the points of another terminal begin: lines break there
    x, difference, ours, theirs = (np.insert(y, falls, np.nan) for y in (x, difference, ours, theirs))

    right = ax.twinx()
    right.set_yscale("log")
    right.plot(
        x,
        np.maximum(difference, _FLOOR),
        color="C3",
        alpha=0.6,
        linewidth=0.6,
        marker="" if over_time else "_",
        linestyle="-" if over_time else "none",
        zorder=1,
    )
    right.set_ylim(_FLOOR, 1.0)
    right.set_ylabel(f"|difference| / {quantity.scale_meaning}", color="C3")
    right.tick_params(axis="y", colors="C3")
    ax.set_zorder(right.get_zorder() + 1)
    ax.patch.set_visible(False)

    if over_time:
        ax.plot(x, factor * ours, color="C0", linewidth=2.0, label="memductance")
        ax.plot(x, factor * theirs, color="black", linewidth=0.8, linestyle="--", label=agreement.engine)
    else:
        ax.plot(x, factor * ours, "o", color="C0", label="memductance")
        ax.plot(x, factor * theirs, "x", color="black", label=agreement.engine)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel(axis_label)
    ax.set_ylabel(f"{quantity.name} [{unit}]")
    ax.set_title(f"worst difference {quantity.worst_relative:.1e}", fontsize="medium")
    ax.legend(fontsize="small")
    return ax
