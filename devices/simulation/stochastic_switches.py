"""`simulate_switches`: a device made of a finite number of random two-state switches, of which its law is the mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from devices.cells.device import Device
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError, InputError
from devices.common.validation import integer, number
from devices.simulation.transient import Trace, sample_times
from devices.waveforms import Waveform

__all__ = ["simulate_switches"]

#: Most parts of one sampling interval in which the voltage is taken as constant.
_MAX_SUBSTEPS = 4096


def simulate_switches(
    device: Device,
    waveform: Waveform,
    *,
    switches: int,
    seed: int | np.random.Generator | np.random.SeedSequence,
    samples: int | ArrayLike = 2001,
    tolerance: float = 1e-6,
) -> Trace:
    r"""Simulate a device that is made of `switches` independent two-state switches.

    The state ``x`` is the share of switches that are on. Each turns on at the rate ``a(v)`` and off at the rate
    ``c(v)``, so that the mean obeys the device's own law, which must be of the form

    .. math:: \dot x = a(v)\,(1 - x) - c(v)\,x

    From one sample to the next, a switch that is off turns on with the probability that the law gives for a start at 0,
    and one that is on stays on with the probability for a start at 1; both numbers are binomial. The steps are exact in
    distribution, whatever their length, up to the `tolerance` of these two probabilities.

    Parameters
    ----------
    device : Device
        One device or an ensemble, of a model with one state between 0 and 1 and a law that is linear in it, such as
        ``metastable_switch``. It starts with the number of switches on that is nearest to its start.
    waveform : Waveform
        Voltage over time.
    switches : int
        Switches in each device, 1 to 1e15.
    seed : int, numpy.random.Generator or numpy.random.SeedSequence
        Seed or generator of the random numbers.
    samples : int or array_like, optional
        Number of evenly spaced samples (the waveform's corners are added), or the sample times [s], rising.
    tolerance : float, optional
        Largest error of a probability of switching between two samples.

    Returns
    -------
    Trace
        Voltage, current and state at the samples. A finite number of switches never rests at a bound: `bound_time`
        is NaN; `steps` is the number of intervals in which the voltage was taken as constant.

    Raises
    ------
    InputError
        For a model of another form, rates that turn negative, or an argument out of its bounds.
    ConvergenceError
        If the voltage moves too much between two samples for the tolerance.

    References
    ----------
    M. A. Nugent and T. W. Molter, PLoS ONE 9, e85175 (2014), doi 10.1371/journal.pone.0085175.
    """
    _check_form(device)
    if not isinstance(waveform, Waveform):
        raise InputError("waveform", type(waveform).__name__, "a Waveform", "devices.Sine(amplitude=1, frequency=1)")
    count = integer("switches", switches, minimum=1, maximum=10**15)
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        integer("seed", seed, minimum=0)
    elif not isinstance(seed, np.random.Generator | np.random.SeedSequence):
        raise InputError("seed", type(seed).__name__, "a whole number or a numpy Generator", "seed=1")
    number("tolerance", tolerance, minimum=1e-10, maximum=1e-2)
    times = sample_times(waveform, samples)
    grid = np.union1d(times, waveform.corners)
    grid = np.union1d([0.0], grid[grid <= times[-1]])
    turn_on, stay_on, substeps = _probabilities(device, waveform, grid, tolerance)

    rng = np.random.default_rng(seed)
    on = np.rint(count * device.start[..., 0]).astype(np.int64)
    state = np.empty((grid.size, *device.shape))
    state[0] = on / count
    for k in range(grid.size - 1):
        on = rng.binomial(on, stay_on[k]) + rng.binomial(count - on, turn_on[k])
        state[k + 1] = on / count
    x = np.moveaxis(state[np.isin(grid, times)], 0, -1)
    voltage = waveform.at(times)
    return Trace(
        device,
        waveform,
        times,
        voltage,
        _along_time(device, voltage, x),
        x[..., None],
        np.full((*device.shape, 1, 2), np.nan),
        np.full(device.shape, (grid.size - 1) * substeps),
    )


def _check_form(device: Any) -> None:
    if not isinstance(device, Device):
        raise InputError("device", type(device).__name__, "a Device", "devices.device('metastable_switch')")
    model = device.model
    allowed = "a model with one state between 0 and 1 and a law that is linear in it"
    fix = "device('metastable_switch')"
    if len(model.states) != 1 or model.unknown is not None or model.controls:
        raise InputError("device", model.name, allowed, fix)
    (state,) = model.states
    curved = model.rates[0].diff(state.symbol, 2).expand() != 0
    if (state.lower, state.upper) != (0.0, 1.0) or curved:
        raise InputError("device", model.name, allowed, fix)


def _along_time(device: Device, voltage: Array, x: Array) -> Array:
    """Return the current [A] for states ``(..., samples)``; time goes in front of the ensemble for the evaluation."""
    volts = voltage.reshape(-1, *[1] * len(device.shape))
    return np.moveaxis(device.current(volts, np.moveaxis(x, -1, 0)[..., None]), 0, -1)


def _rates(device: Device, voltage: Array) -> tuple[Array, Array]:
    """Return the rates of turning on and off [1/s] at voltages ``(n,)``, each of shape ``(n, ...)``."""
    volts = voltage.reshape(-1, *[1] * len(device.shape))
    up = device.rates(volts, [0.0])[..., 0]
    down = -device.rates(volts, [1.0])[..., 0]
    if min(up.min(), down.min()) < 0.0:
        given = f"{device.model.name}, with a rate of {min(up.min(), down.min()):.3g} /s"
        raise InputError("device", given, "rates of switching that are not negative at any voltage of the waveform")
    return up, down


def _probabilities(device: Device, waveform: Waveform, grid: Array, tolerance: float) -> tuple[Array, Array, int]:
    """Return the probabilities of turning on and of staying on in each interval, and the substeps they took."""
    substeps = 1
    turn_on, stay_on = _with_substeps(device, waveform, grid, substeps)
    while True:
        substeps *= 2
        finer = _with_substeps(device, waveform, grid, substeps)
        # The error falls fourfold with each halving, so that the error of the finer one is a third of the difference.
        error = max(
            float(np.abs(new - old).max(initial=0.0)) for new, old in zip(finer, (turn_on, stay_on), strict=True)
        )
        turn_on, stay_on = finer
        if error / 3.0 <= tolerance:
            return np.clip(turn_on, 0.0, 1.0), np.clip(stay_on, 0.0, 1.0), substeps
        if substeps >= _MAX_SUBSTEPS:
            raise ConvergenceError(
                f"{device.model.name}: the voltage moves too much between two samples: probabilities are known to "
                f"{error / 3.0:.2g} after {substeps} substeps; try more samples or a larger tolerance",
                error / 3.0,
            )


def _with_substeps(device: Device, waveform: Waveform, grid: Array, substeps: int) -> tuple[Array, Array]:
    """Return these probabilities with the voltage of each substep constant, at its value in the middle."""
    length = np.diff(grid)
    step = (length / substeps).reshape(-1, *[1] * len(device.shape))
    turn_on = np.zeros((length.size, *device.shape))
    stay_on = np.ones_like(turn_on)
    for k in range(substeps):
        up, down = _rates(device, waveform.at(grid[:-1] + (k + 0.5) / substeps * length))
        total = up + down
        kept = np.exp(-total * step)
        with np.errstate(invalid="ignore", divide="ignore"):
            gained = np.where(total > 0.0, up / total, 0.0) * -np.expm1(-total * step)
        turn_on = gained + kept * turn_on
        stay_on = gained + kept * stay_on
    return turn_on, stay_on
