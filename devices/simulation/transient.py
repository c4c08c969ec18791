"""Transients of one device or an ensemble under a voltage waveform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.cells.device import Device
from devices.cells.series import Series
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError, InputError
from devices.common.threads import cores, run_chunked
from devices.common.validation import finite_array, integer, number
from devices.simulation.drift import LARGEST_DRIFT
from devices.waveforms import Waveform, check_time_resolution

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Trace", "simulate"]


@dataclass(frozen=True, eq=False)
class Trace:
    """Result of `simulate`; the times are shared by all cells, everything else has the ensemble's shape in front.

    Attributes
    ----------
    device : Device
        Simulated device or ensemble.
    waveform : Waveform
        Applied voltage.
    time : numpy.ndarray
        Sample times [s], shape ``(samples,)``.
    voltage : numpy.ndarray
        Voltage [V], shape ``(samples,)``.
    current : numpy.ndarray
        Current [A], shape ``(..., samples)``.
    state : numpy.ndarray
        States, shape ``(..., samples, states)``.
    bound_time : numpy.ndarray
        Times at which each state first came to rest at its lower and at its upper bound [s], shape
        ``(..., states, 2)``; NaN where it never did.
    steps : numpy.ndarray
        Steps tried for each cell, shape ``(...)``.
    """

    device: Device
    waveform: Waveform
    time: Array
    voltage: Array
    current: Array
    state: Array
    bound_time: Array
    steps: NDArray[np.int64]

    def plot(self, ax: Axes | None = None, **options: Any) -> Any:
        """Draw the pinched loop; see `devices.simulation.plot.plot_loop`."""
        from devices.simulation.plot import plot_loop

        return plot_loop(self, ax=ax, **options)

    def __repr__(self) -> str:
        span = f"{self.time[0]:g} to {self.time[-1]:g} s"
        return f"Trace({self.device!r}, {self.time.size} samples, {span}, peak {np.abs(self.current).max():.4g} A)"


def simulate(
    device: Device,
    waveform: Waveform,
    *,
    samples: int | ArrayLike = 2001,
    tolerance: float = 1e-9,
    step: float | None = None,
    max_steps: int = 1_000_000,
) -> Trace:
    r"""Integrate a device, or each cell of an ensemble, under a voltage waveform.

    .. math:: \dot x = f(v(t), x; p), \qquad x_\mathrm{lower} \le x \le x_\mathrm{upper}

    Steps are adaptive: explicit (Dormand and Prince, order 5) where accuracy limits them, else L-stable with the exact
    Jacobian (Rodas4P2, order 4), so that rates may span many decades. Each cell has its own steps; they end at the
    waveform's corners, where the voltage turns, where a state meets or leaves a bound, and where a state law jumps or
    bends, as at a threshold; a state that its threshold stops follows the threshold. Samples are interpolated within
    steps. Ctrl-C interrupts it within a fraction of a second.

    Parameters
    ----------
    device : Device
        One device or an ensemble.
    waveform : Waveform
        Voltage over time.
    samples : int or array_like, optional
        Number of evenly spaced samples (the waveform's corners are added), or the sample times [s],
        rising, within the waveform.
    tolerance : float, optional
        Largest error of one step, as a fraction of the span between a state's bounds. States lie within two hundred
        times this of the exact curve, in shares of their spans and of the duration, at every tolerance from 1e-11 to
        1e-3 (docs/tolerances.md): where a state runs away, the error is that of the moment at which it does. Where the
        errors of steps grow too far, the cell is run again at a tighter tolerance.
    step : float, optional
        Fixed step [s] instead of error control, to measure the order of convergence.
    max_steps : int, optional
        Steps allowed for each cell.

    Returns
    -------
    Trace
        Voltage, current and states at the samples.

    Raises
    ------
    InputError
        For an argument out of its bounds.
    ConvergenceError
        If a cell does not reach the end, or if rounding alone puts a state farther from the exact curve than the
        tolerance allows; names the cell, the time and the reason. Its `partial` is the trace, with NaN after the time
        at which a cell stopped.
    """
    from devices.kernels.compile import kernel, switch_kernel
    from devices.simulation import stepper

    if not isinstance(device, Device):
        what = "a Device" + (", or a crossbar of such cells" if isinstance(device, Series) else "")
        raise InputError("device", type(device).__name__, what, "devices.device(name)")
    if not isinstance(waveform, Waveform):
        raise InputError("waveform", type(waveform).__name__, "a Waveform", "devices.Sine(amplitude=1, frequency=1)")
    if device.control_names:
        names = ", ".join(device.control_names)
        raise InputError("device", f"{device.model.name}, with {names}", "two terminals", "a crossbar with gate lines")
    times = sample_times(waveform, samples)
    number("tolerance", tolerance, minimum=1e-14, maximum=1e-2)
    fixed = 0.0 if step is None else number("step", step, unit="s", minimum=0.0, open_minimum=True)
    integer("max_steps", max_steps, minimum=1, maximum=10**15)

    shape, n = device.shape, len(device.model.states)
    cells = int(np.prod(shape))
    start = device.start.reshape(cells, n)
    lower, upper = (b.reshape(cells, n) for b in device.bounds())
    table = device.parameter_rows(shape)
    current = np.full((cells, times.size), np.nan)
    state = np.full((cells, times.size, n), np.nan)
    bound_time = np.full((cells, n, 2), np.nan)
    status, steps = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    stopped, drift, drifted = np.zeros(cells), np.zeros(cells), np.zeros(cells, np.int64)
    compiled, switches = kernel(device.model), len(device.model.switches)
    switch = switch_kernel(device.model) if switches else compiled

    pieces = waveform.pieces
    check_time_resolution("waveform", np.diff(pieces[:, 0], append=waveform.duration), waveform.duration)

    def integrate(rows: slice) -> None:
        stepper.integrate(
            compiled,
            switch,
            switches,
            pieces,
            waveform.duration,
            times,
            start[rows],
            table[rows] if table.shape[0] > 1 else table,
            lower[rows],
            upper[rows],
            tolerance,
            fixed,
            max_steps,
            current[rows],
            state[rows],
            bound_time[rows],
            status[rows],
            stopped[rows],
            steps[rows],
            drift[rows],
            drifted[rows],
        )

    run_chunked(integrate, cells, threads=min(cores(), cells // 64))
    trace = Trace(
        device,
        waveform,
        times,
        waveform.at(times),
        current.reshape(*shape, times.size),
        state.reshape(*shape, times.size, n),
        bound_time.reshape(*shape, n, 2),
        steps.reshape(shape),
    )
    _raise_failures(trace, status, stopped, drift, drifted, max_steps, tolerance)
    return trace


def sample_times(waveform: Waveform, samples: int | ArrayLike) -> Array:
    """Return the sample times [s] for the argument `samples` of `simulate`."""
    if isinstance(samples, int | np.integer):
        count = integer("samples", samples, minimum=2, maximum=10**8)
        return np.union1d(np.linspace(0.0, waveform.duration, count), waveform.corners)
    times = finite_array("samples", samples, unit="s", shape=("n",), minimum=0.0, maximum=waveform.duration)
    if (np.diff(times) <= 0).any():
        raise InputError("samples", "times that do not rise", "strictly rising times [s]", "numpy.unique(samples)")
    return times


def _raise_failures(
    trace: Trace,
    status: NDArray[np.int64],
    stopped: Array,
    drift: Array,
    drifted: NDArray[np.int64],
    max_steps: int,
    tolerance: float,
) -> None:
    """Raise `ConvergenceError` for the first cell whose status is not 0."""
    device = trace.device
    failed = np.flatnonzero(status)
    if failed.size == 0:
        return
    k = int(failed[0])
    reasons = {
        1: f"used its {max_steps} steps; try a larger max_steps or tolerance",
        2: "needs a step below the resolution of time; check the parameters' units, or try a larger tolerance",
        3: "gave a number that is not finite; check the voltage against the model's range of validity",
    }
    reason = reasons.get(int(status[k])) or _drifted(trace, int(drifted[k]), float(drift[k]), tolerance)
    where = (
        f"cell {tuple(int(i) for i in np.unravel_index(k, device.shape))} of {device.shape} " if device.shape else ""
    )
    more = f" ({failed.size} cells in all)" if failed.size > 1 else ""
    raise ConvergenceError(
        f"{device.model.name}: {where}stopped at {stopped[k]:.6g} s: {reason}{more}", float(stopped[k]), trace
    )


def _drifted(trace: Trace, state: int, drift: float, tolerance: float) -> str:
    """Return the reason of a cell that stopped because errors grow."""
    name, allowed = trace.device.state_names[state], LARGEST_DRIFT * tolerance
    return (
        f"errors grow: even with steps as exact as numbers are, {name} is {drift:.1g} of its span away from the exact "
        f"curve, where the tolerance {tolerance:g} allows {allowed:.1g}, and rounding decides what follows; try a "
        "larger tolerance, or a shorter or faster waveform"
    )
