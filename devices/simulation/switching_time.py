"""`switching_time`: time that a constant voltage takes to move a state to a value, from picoseconds to years."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.cells.device import Device
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array, number
from devices.simulation.transient import simulate
from devices.waveforms import Constant

__all__ = ["switching_time"]

#: End of the first time window as a share of `longest`; each window ends at a thousand times the end of the one before.
_FIRST_WINDOW, _WINDOW_GROWTH = 1e-24, 1e3


@dataclass(frozen=True, eq=False)
class _StoppingDevice(Device):
    """A device whose state comes to rest at its target, so that the stepper locates the arrival as it does at a bound.

    `stops` holds the lower and upper bounds of all states, shape ``(2, *shape, states)``.
    """

    stops: Array

    def bounds(self) -> tuple[Array, Array]:
        return self.stops[0], self.stops[1]


def switching_time(
    device: Device,
    voltage: ArrayLike,
    *,
    stop: float,
    state: str | None = None,
    longest: float = 1e9,
    tolerance: float = 1e-9,
) -> Array:
    r"""Return the time that a constant voltage takes to move a state from its start to `stop`.

    .. math:: t_\mathrm{s}(V) = \min\{t : x(t) = x_\mathrm{stop}\}, \qquad \dot x = f(V, x; p), \quad x(0) = x_0

    The state is integrated over time windows, each a thousand times as long as all before it, and the stepper of
    `simulate` locates the arrival as it does at a hard bound: one call covers picoseconds and years. At 0 V the result
    is the retention time of a state.

    Parameters
    ----------
    device : Device
        One device or an ensemble. ``device(name, x=...)`` sets the start of a state.
    voltage : array_like
        Voltages [V], switched on at once, any shape.
    stop : float
        Value of the state that counts as switched, within its bounds [state unit].
    state : str, optional
        Name of the state; the first one where not given.
    longest : float, optional
        Longest time that is searched [s].
    tolerance : float, optional
        As in `simulate`.

    Returns
    -------
    numpy.ndarray
        Times [s], shape ``(*voltage.shape, *device.shape)``; inf where the state does not get there within `longest`,
        as below a threshold.

    Raises
    ------
    InputError
        For an unknown state, or a stop out of its bounds or at the start.
    ConvergenceError
        See `simulate`.

    Examples
    --------
    VTEAM from one bound to the other takes (x_off - x_on) / (k_off (V/v_off - 1)^alpha_off), and below its threshold
    it never switches.

    >>> from devices import device
    >>> below, above = switching_time(device("vteam"), [0.01, 1.0], stop=3e-9)
    >>> float(below), round(1e9 * float(above), 5)
    (inf, 122.44898)
    """
    volts = finite_array("voltage", voltage, unit="V")
    names = device.state_names
    if not names:
        raise InputError("device", f"{device.model.name}, without states", "a device that can switch")
    k = names.index(choice("state", names[0] if state is None else state, names))
    unit = device.model.states[k].unit
    number("longest", longest, unit="s", minimum=0.0, open_minimum=True)
    lower, upper = device.bounds()
    target = number("stop", stop, unit=unit, minimum=float(lower[..., k].max()), maximum=float(upper[..., k].min()))
    start = device.start[..., k]
    if (start == target).any():
        raise InputError("stop", f"{target:g}, where {names[k]} starts", f"another value [{unit}]", f"{names[k]}=...")
    rising = start < target
    upper[..., k] = np.where(rising, target, upper[..., k])
    lower[..., k] = np.where(rising, lower[..., k], target)
    stops = np.stack([lower, upper])
    times = np.empty((*volts.shape, *device.shape))
    for at in np.ndindex(volts.shape):
        times[at] = _arrival_times(device, float(volts[at]), stops, k, rising, longest, tolerance)
    return times


def _arrival_times(
    device: Device,
    volts: float,
    stops: Array,
    k: int,
    rising: NDArray[np.bool_],
    longest: float,
    tolerance: float,
) -> Array:
    """Return the time at which state `k` of each cell arrives at its stop [s]."""
    found = np.full(device.shape, np.inf)
    begin, end, state = 0.0, _FIRST_WINDOW * longest, device.start
    while begin < longest and np.isinf(found).any():
        initial = {name: state[..., j] for j, name in enumerate(device.state_names)}
        here = _StoppingDevice(device.model, device.parameters, initial, device.parameter_set, stops)
        trace = simulate(here, Constant(volts, end - begin), samples=[0.0, end - begin], tolerance=tolerance)
        arrived = np.where(rising, trace.bound_time[..., k, 1], trace.bound_time[..., k, 0])
        found = np.where(np.isinf(found) & np.isfinite(arrived), begin + arrived, found)
        state = trace.state[..., -1, :]
        begin, end = end, min(_WINDOW_GROWTH * end, longest)
    return found
