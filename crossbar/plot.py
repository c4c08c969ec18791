"""Pictures of a crossbar and of its results: each draws a result, runs nothing and returns its Axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crossbar.array import Crossbar
from crossbar.bias import SIDES
from crossbar.readout import Readout
from crossbar.solution import Solution
from devices.common.errors import InputError
from devices.common.plotting import axes_or_new, scaled
from devices.common.validation import choice

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from crossbar.array_trace import ArrayTrace
    from crossbar.programming.verify import ProgramResult

__all__ = [
    "plot_cell_voltage",
    "plot_conductance",
    "plot_currents",
    "plot_ir_drop",
    "plot_programming",
    "plot_transient",
]

_WIDE = 100.0  # ratio of conductances from which the colours are logarithmic


def plot_conductance(crossbar: Crossbar, ax: Axes | None = None) -> Axes:
    """Draw the conductance of every cell as seen from above.

    Parameters
    ----------
    crossbar : Crossbar
        The array.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Word lines from top to bottom, bit lines from left to right, drivers at the left, sense amplifiers at
        the bottom. Colours are logarithmic where conductances span more than a factor of 100; open cells are
        left blank.
    """
    from matplotlib.colors import LogNorm

    factor, unit = scaled(crossbar.conductance, "S")
    cells = np.ma.masked_equal(factor * crossbar.conductance, 0.0)
    norm = LogNorm() if cells.count() and cells.max() > _WIDE * cells.min() else None
    ax = _map(cells, f"Cell conductance [{unit}]", ax, norm=norm)
    ax.set_title(f"{crossbar.rows} x {crossbar.columns} cells", pad=16)
    return ax


def plot_ir_drop(readout: Readout, ax: Axes | None = None, line: str = "word") -> Axes:
    """Draw how far the nodes of a read are from what ideal wires would give.

    Parameters
    ----------
    readout : Readout
        One read, made with ``nodes=True``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    line : {"word", "bit"}, optional
        Word lines, which lose voltage from their source on, or bit lines, which rise above ground.

    Returns
    -------
    matplotlib.axes.Axes
        The map; blue where a node is below its ideal voltage, red where it is above, the driver corner marked.

    Raises
    ------
    InputError
        If the readout has several vectors or no node voltages, or `line` is neither word nor bit.
    """
    choice("line", line, ("word", "bit"))
    _one_vector(readout)
    ideal = readout.voltage[:, None] if line == "word" else 0.0
    shift = (readout.word_line_voltage if line == "word" else readout.bit_line_voltage) - ideal
    factor, unit = scaled(shift, "V")
    shift = factor * shift
    low, high = float(shift.min(initial=0.0)), float(shift.max(initial=0.0))
    reach = max(high, -low)
    if low and high:
        style: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
    else:
        style = {"cmap": "Blues_r" if low else "Reds", "vmin": low, "vmax": high or (0.0 if low else 1.0)}
    ax = _map(shift, f"{line.capitalize()}-line node minus ideal [{unit}]", ax, **style)
    ax.set_title(f"{line.capitalize()}-line IR drop, {reach:.3g} {unit} at most" if reach else "No IR drop", pad=16)
    return ax


def plot_currents(readout: Readout, crossbar: Crossbar, ax: Axes | None = None) -> Axes:
    """Draw the bit-line currents of a read against those of ideal wires.

    Parameters
    ----------
    readout : Readout
        One read or several, of `crossbar`.
    crossbar : Crossbar
        The array that was read.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        One point for each bit line and vector, coloured by bit line; on the dashed line wires cost nothing.

    Raises
    ------
    InputError
        If the readout does not fit the crossbar.
    """
    if readout.current.shape[-1:] != (crossbar.columns,) or readout.voltage.shape[-1:] != (crossbar.rows,):
        fits = f"a readout of {crossbar.rows} voltages and {crossbar.columns} currents"
        raise InputError("readout", f"{readout.voltage.shape[-1]} and {readout.current.shape[-1]}", fits)
    factor, unit = scaled(readout.voltage @ crossbar.conductance, "A")
    ideal = factor * (readout.voltage @ crossbar.conductance).ravel()
    solved = factor * readout.current.ravel()
    ax = axes_or_new(ax)
    both = np.concatenate([ideal, solved])
    low, high = (both.min(), both.max()) if both.size else (0.0, 1.0)
    ax.plot([low, high], [low, high], color="0.4", linestyle="--", linewidth=1, label="ideal wires")
    number = np.broadcast_to(np.arange(crossbar.columns), readout.current.shape).ravel()
    dots = ax.scatter(ideal, solved, c=number, s=14, cmap="viridis", label="with wires", zorder=3)
    ax.figure.colorbar(dots, ax=ax, label="Bit line")
    ax.set_xlabel(f"Current with ideal wires [{unit}]")
    ax.set_ylabel(f"Current with wires [{unit}]")
    ax.set_title("Bit-line currents")
    ax.legend(frameon=False)
    return ax


def plot_cell_voltage(solution: Solution, ax: Axes | None = None) -> Axes:
    """Draw the voltage across every cell.

    Parameters
    ----------
    solution : Solution
        Of one vector.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Word line minus bit line; where both signs occur, blue is below zero and red above.

    Raises
    ------
    InputError
        If the solution has several vectors.
    """
    voltage = solution.cell_voltage
    if voltage.ndim != 2:
        raise InputError("solution", f"voltages of shape {voltage.shape}", "one vector", "one solve for each")
    factor, unit = scaled(voltage, "V")
    voltage = factor * voltage
    low, high = float(voltage.min()), float(voltage.max())
    reach = max(high, -low)
    style: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach} if low < 0.0 < high else {}
    ax = _map(voltage, f"Cell voltage [{unit}]", ax, sides=False, **style)
    ax.set_title(f"Cell voltage, {low:.3g} to {high:.3g} {unit}")
    return ax


def plot_transient(trace: ArrayTrace, side: str = "bit_bottom", ax: Axes | None = None) -> Axes:
    """Draw the current at every connected terminal of a side against time.

    Parameters
    ----------
    trace : ArrayTrace
        An array over time.
    side : str, optional
        One of the four sides.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        One curve for each line, coloured by its number. Currents count as positive from word-line terminals into the
        array and out of it to bit-line terminals, as in a read.

    Raises
    ------
    InputError
        If the side is none of the four, or all its terminals float.
    """
    word = choice("side", side, SIDES).startswith("word")
    connected = np.flatnonzero(~np.isnan(trace.potential[side]).all(axis=0))
    if not connected.size:
        raise InputError("side", f"{side}, whose terminals all float", "a side with connected terminals")
    current = (1.0 if word else -1.0) * trace.terminal_current[side][:, connected]
    factor, unit = scaled(current, "A")
    stretch, time_unit = scaled(trace.time, "s")
    ax = axes_or_new(ax)
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = ScalarMappable(Normalize(0, max(1, trace.potential[side].shape[1] - 1)), colormaps["viridis"])
    for colour, values in zip(colours.to_rgba(connected.astype(float)), current.T, strict=True):
        ax.plot(stretch * trace.time, factor * values, color=colour, linewidth=1)
    if connected.size > 1:
        ax.figure.colorbar(colours, ax=ax, label="Word line" if word else "Bit line")
    ax.set_xlabel(f"Time [{time_unit}]")
    ax.set_ylabel(f"Current {'into' if word else 'out of'} the array [{unit}]")
    ax.set_title(f"{'Word' if word else 'Bit'}-line terminals, {side.split('_')[1]}")
    return ax


def plot_programming(result: ProgramResult, axes: Sequence[Axes] | NDArray[Any] | None = None) -> NDArray[Any]:
    """Draw the target and the final conductances of write-verify, the error between them, and the pulses of each cell.

    Parameters
    ----------
    result : ProgramResult
        An array that was programmed.
    axes : sequence of matplotlib.axes.Axes, optional
        Four, where to draw; a new figure by default.

    Returns
    -------
    numpy.ndarray of matplotlib.axes.Axes
        Maps of the target, of the final conductances on the same colours, of their relative error (red where
        too high), and of the number of pulses.

    Raises
    ------
    InputError
        If there are not four axes.
    """
    if axes is None:
        from matplotlib import pyplot as plt

        axes = plt.subplots(1, 4, figsize=(14, 2.9), layout="constrained")[1]
    given = np.asarray(axes, dtype=object).ravel()
    if given.size != 4:
        raise InputError("axes", f"{given.size} axes", "four axes", "plt.subplots(1, 4)[1]")
    target, final, error, pulses = given
    factor, unit = scaled(np.concatenate([result.target, result.final]), "S")
    both = [factor * result.target, factor * result.final]
    limits = {"vmin": np.min(both), "vmax": np.max(both)}
    for ax, name, values in zip((target, final), ("Target", "After programming"), both, strict=True):
        _map(values, f"Conductance [{unit}]", ax, sides=False, **limits).set_title(name)
    percent = 100.0 * np.ma.masked_invalid(result.error)
    reach = float(np.abs(percent).max()) if percent.count() else 0.0
    shown = {"cmap": "RdBu_r", "vmin": -(reach or 1.0), "vmax": reach or 1.0}
    _map(percent, "Final / target - 1 [%]", error, sides=False, **shown)
    error.set_title(f"Error, {np.sqrt((percent**2).mean()) if percent.count() else 0.0:.2g} % rms")
    _map(result.pulses, "Pulses", pulses, sides=False, cmap="cividis", vmin=0).set_title(
        f"Pulses, {result.pulses.mean():.3g} per cell"
    )
    return given


def _map(values: NDArray[Any], label: str, ax: Axes | None, *, sides: bool = True, **style: Any) -> Axes:
    """Draw a map with cell (0, 0) at the top left; `sides` marks that drivers are there and senses at the bottom."""
    ax = axes_or_new(ax)
    image = ax.imshow(values, origin="upper", interpolation="nearest", **{"cmap": "viridis", **style})
    ax.set_facecolor("0.85")
    ax.figure.colorbar(image, ax=ax, label=label, shrink=min(1.0, max(0.4, values.shape[0] / values.shape[1])))
    rows, columns = values.shape
    for setter, count in ((ax.set_yticks, rows), (ax.set_xticks, columns)):
        setter(range(0, count, -(-count // 8)))
    ax.set_xlabel("Bit line (senses at the bottom)" if sides else "Bit line")
    ax.set_ylabel("Word line (drivers at the left)" if sides else "Word line")
    if not sides:
        return ax
    ax.plot([0, 0, 0.08], [0.92, 1, 1], color="black", linewidth=4, transform=ax.transAxes, clip_on=False)
    ax.text(0, 1.02, "driver corner", transform=ax.transAxes, fontsize="x-small", va="bottom")
    return ax


def _one_vector(readout: Readout) -> None:
    if readout.voltage.ndim != 1:
        raise InputError(
            "readout", f"voltages of shape {readout.voltage.shape}", "one vector", "read(voltage[0], nodes=True)"
        )
