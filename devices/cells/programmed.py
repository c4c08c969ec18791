"""Cells in the states that have given conductances: the inverse of a static conductance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from devices.cells.device import Device
from devices.cells.protocol import state_corners
from devices.cells.series import Series
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import finite_array, read_voltage

__all__ = ["conductance_window", "programmed_cells"]

#: Halvings of the way between two corners: as far as a double tells shares of it apart.
_HALVINGS = 80


def conductance_window(cell: Device | Series, voltage: float, controls: ArrayLike | None = None) -> tuple[float, float]:
    """Return the smallest and the largest static conductance i/v [S] between the bounds of the states.

    Parameters
    ----------
    cell : Device or Series
        One cell, or an ensemble: then the window that every cell can reach.
    voltage : float
        Read voltage [V], not zero.
    controls : array_like, optional
        Voltages of further terminals above the bottom electrode [V], where there are any.

    Returns
    -------
    tuple of float
        Taken at the corners of the state space, where the extremes of a current lie that is monotonic in each state.
    """
    found, _ = _corners(cell, read_voltage(voltage), controls)
    return float(found.min(axis=0).max()), float(found.max(axis=0).min())


def programmed_cells(
    cell: Device | Series, conductance: ArrayLike, voltage: float, controls: ArrayLike | None = None
) -> Device | Series:
    r"""Return cells in states in which their static conductances at a read voltage are given ones.

    .. math:: i(v, x) / v = G, \qquad x = x_- + s\,(x_+ - x_-), \quad 0 \le s \le 1

    The states lie on the straight line between the corners of the state space with the least and with the largest
    conductance; of a cell with one state, between its bounds.

    Parameters
    ----------
    cell : Device or Series
        One cell, or an ensemble that broadcasts to the shape of `conductance`.
    conductance : array_like
        Static conductances [S].
    voltage : float
        Read voltage [V], not zero.
    controls : array_like, optional
        Voltages of further terminals above the bottom electrode [V], where there are any.

    Returns
    -------
    Device or Series
        An ensemble of the shape of `conductance`.

    Raises
    ------
    InputError
        If the cell has no states, or a conductance is none that it can reach.

    Examples
    --------
    >>> from devices import device
    >>> cells = programmed_cells(device("vteam"), [[2e-3, 5e-3]], 0.1)
    >>> cells.conductance(0.1).round(9).tolist()
    [[0.002, 0.005]]
    """
    volts = read_voltage(voltage)
    target = finite_array("conductance", conductance, unit="S")
    found, corners = _corners(cell, volts, controls)
    least, most = found.argmin(axis=0), found.argmax(axis=0)
    low, high = (np.take_along_axis(found, at[None], axis=0)[0] for at in (least, most))
    try:
        outside = (target < low * (1.0 - 1e-9)) | (target > high * (1.0 + 1e-9))
    except ValueError:
        given = f"shape {target.shape} for cells of shape {cell.shape}"
        raise InputError("conductance", given, "shapes that broadcast") from None
    if outside.any():
        given = f"{target.flat[np.flatnonzero(outside)[0]]:g} S"
        allowed = f"{float(low.max()):g} to {float(high.min()):g} S, what the cell reaches at {volts:g} V"
        raise InputError("conductance", given, allowed, "numpy.clip(conductance, *conductance_window(cell, voltage))")
    shape = (*outside.shape, corners.shape[-1])
    start, end = (
        np.broadcast_to(np.take_along_axis(corners, at[None, ..., None], axis=0)[0], shape) for at in (least, most)
    )
    lowest, highest = np.minimum(start, end), np.maximum(start, end)

    def on_the_way(share: Array) -> Array:
        return np.clip(start + share[..., None] * (end - start), lowest, highest)

    below, above = np.zeros(outside.shape), np.ones(outside.shape)
    for _ in range(_HALVINGS):
        middle = 0.5 * (below + above)
        reached = cell.current(volts, on_the_way(middle), controls) / volts
        below, above = np.where(reached < target, middle, below), np.where(reached < target, above, middle)
    return cell.with_start(on_the_way(0.5 * (below + above)))


def _corners(cell: Device | Series, volts: float, controls: ArrayLike | None) -> tuple[Array, Array]:
    """Return the static conductances [S] at the corners of the state space, and these, stacked along a first axis."""
    if not isinstance(cell, Device | Series):
        raise InputError("cell", type(cell).__name__, "a Device or a Series", "device('vteam')")
    if not cell.state_names:
        raise InputError("cell", "cells without states", "cells with a state that sets the conductance")
    corners = np.stack(list(state_corners(*cell.bounds())))
    return np.stack([cell.current(volts, corner, controls) / volts for corner in corners]), corners
