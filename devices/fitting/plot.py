"""Plot of a fit: measured and fitted values, with the residuals below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from devices.common.errors import InputError
from devices.common.plotting import scaled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devices.fitting.result import Fit

__all__ = ["plot_fit"]


def plot_fit(fit: Fit, axes: Sequence[Axes] | None = None) -> NDArray[Any]:
    """Plot each record of a fit in a column: measured points, fitted line, residuals below.

    A trace is drawn as a loop with its residuals against the sample; pulses against their number; retention
    against time on a logarithmic axis.

    Parameters
    ----------
    fit : Fit
        Result of a fit.
    axes : sequence of matplotlib.axes.Axes, optional
        Two axes for each record, the upper ones first; a new figure where not given.

    Returns
    -------
    numpy.ndarray
        Axes, shape ``(2, records)``.

    Raises
    ------
    InputError
        For another number of axes.
    """
    count = len(fit.measured)
    if axes is None:
        from matplotlib.pyplot import subplots

        figure, grid = subplots(
            2, count, figsize=(4.8 * count, 4.8), height_ratios=(3, 1), squeeze=False, layout="constrained"
        )
        figure.suptitle(f"{fit.model.name}: residual {100 * fit.relative_rms:.2g} % of the signal", fontsize="medium")
    else:
        grid = np.asarray(axes, dtype=object).reshape(-1)
        if grid.size != 2 * count:
            raise InputError("axes", f"{grid.size} axes", f"{2 * count}: two for each record")
        grid = grid.reshape(2, count)
    for (top, below), record, fitted in zip(grid.T, fit.measured, fit.fitted, strict=True):
        factor, unit = scaled(record.observed, record.unit)
        if record.kind == "trace":
            seconds, time_unit = scaled(float(record.time[-1]), "s")
            volts = record.waveform.at(record.time)
            x, label = seconds * record.time, f"time [{time_unit}]"
            upper, upper_label = volts, "voltage [V]"
        elif record.kind == "pulses":
            x, label = np.arange(1.0, len(record) + 1), "pulse"
            upper, upper_label = x, label
        else:
            x, label = record.time, "time [s]"
            upper, upper_label = x, label
        top.plot(upper, factor * record.observed, ".", color="0.55", ms=4, label=record.label)
        top.plot(upper, factor * fitted, color="C3", lw=1.5, label="fit")
        top.set_xlabel(upper_label)
        top.set_ylabel(f"{record.quantity} [{unit}]")
        top.legend(frameon=False)
        rest = record.observed - fitted
        small, small_unit = scaled(rest, record.unit)
        below.axhline(0, color="0.8", lw=0.8, zorder=0)
        below.plot(x, small * rest, ".", color="C3", ms=3)
        below.set_xlabel(label)
        below.set_ylabel(f"residual [{small_unit}]")
        if record.kind == "retention" and record.time[0] > 0:
            top.set_xscale("log")
            below.set_xscale("log")
    return grid
