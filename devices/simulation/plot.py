"""Plots of a `Trace`: current over voltage (the pinched loop), and a state over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from devices.common.errors import InputError
from devices.common.plotting import axes_or_new, axis_scale, scaled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devices.simulation.transient import Trace

__all__ = ["plot_loop", "plot_trace"]


def plot_loop(
    trace: Trace,
    ax: Axes | None = None,
    *,
    log: bool = False,
    floor: float = 1e-6,
    label: str = "",
    **line: Any,
) -> Axes:
    """Plot current against voltage, the pinched hysteresis loop.

    Parameters
    ----------
    trace : Trace
        Of one device; for an ensemble each cell is drawn.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure where not given. Further loops on the same axes share the units of the first.
    log : bool, optional
        Draw |I| on a logarithmic axis instead. Currents below `floor` times the peak are left out, as the loop
        runs through zero.
    floor : float, optional
        Smallest |I| drawn on the logarithmic axis, relative to the peak.
    label : str, optional
        Legend entry.
    **line
        Passed to matplotlib for the line.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    ax = axes_or_new(ax, figsize=(4.5, 3.5))
    currents = np.atleast_2d(trace.current.reshape(-1, trace.time.size))
    peak = float(np.abs(currents).max())
    factor, unit = axis_scale(ax.get_ylabel(), peak, "A")
    for k, current in enumerate(currents):
        if log:
            magnitude = np.abs(current)
            current = np.where(magnitude > floor * peak, magnitude, np.nan)
        ax.plot(trace.voltage, factor * current, label=label if k == 0 else "", **line)
    if log:
        ax.set_yscale("log")
    else:
        if len(currents) == 1:
            period = 1 / getattr(trace.waveform, "frequency", 1 / trace.time[-1])
            last = trace.time >= trace.time[-1] - period * (1 + 1e-9)
            _arrows(ax, trace.voltage[last], factor * currents[0][last])
        ax.axhline(0, color="0.8", lw=0.8, zorder=0)
        ax.axvline(0, color="0.8", lw=0.8, zorder=0)
    ax.set_xlabel("voltage [V]")
    ax.set_ylabel(f"|current| [{unit}]" if log else f"current [{unit}]")
    return ax


def plot_trace(trace: Trace, ax: Axes | None = None, *, state: str | None = None, **line: Any) -> Axes:
    """Plot a state of one device against time, with the voltage in grey on a second axis.

    Parameters
    ----------
    trace : Trace
        Of one device.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure where not given.
    state : str, optional
        Name of the state; the first one where not given.
    **line
        Passed to matplotlib for the line.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the state.

    Raises
    ------
    InputError
        For an ensemble.
    """
    if trace.device.shape:
        raise InputError("trace", f"an ensemble of shape {trace.device.shape}", "one device", "simulate one cell")
    ax = axes_or_new(ax, figsize=(4.5, 3.5))
    names = [s.name for s in trace.device.model.states]
    k = 0 if state is None else names.index(state)
    declared = trace.device.model.states[k]
    seconds, time_unit = scaled(float(trace.time[-1]), "s")
    size, unit = (1.0, "") if declared.unit == "1" else scaled(trace.state[:, k], declared.unit)
    behind = ax.twinx()
    behind.plot(seconds * trace.time, trace.voltage, color="0.7", lw=1.0)
    behind.set_ylabel("voltage [V]", color="0.5")
    ax.set_zorder(behind.get_zorder() + 1)
    ax.patch.set_visible(False)
    ax.plot(seconds * trace.time, size * trace.state[:, k], **line)
    ax.set_xlabel(f"time [{time_unit}]")
    ax.set_ylabel(f"state {declared.name}" + (f" [{unit}]" if unit else ""))
    return ax


def _arrows(ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Draw arrows along the line, in the direction of time; it is the last cycle of a loop."""
    color = ax.lines[-1].get_color()
    span = np.array([np.ptp(x) or 1.0, np.ptp(y) or 1.0])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x) / span[0], np.diff(y) / span[1]))])
    for k in np.searchsorted(along, along[-1] * np.array([0.12, 0.38, 0.62, 0.88])):
        k = int(np.clip(k, 1, x.size - 1))
        ax.annotate(
            "",
            xy=(x[k], y[k]),
            xytext=(x[k - 1], y[k - 1]),
            arrowprops={"arrowstyle": "-|>", "color": color, "mutation_scale": 14},
        )
