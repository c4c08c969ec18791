"""Programming by equal pulses for ensembles of devices, with cycle-to-cycle noise; see `PulseUpdate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.cells.device import Device
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import generator
from devices.common.validation import finite_array, integer, number
from devices.pulse_update import CycleNoise, PulseDirection, PulseUpdate
from devices.registry import models

if TYPE_CHECKING:
    from devices.waveforms import Pulses

__all__ = ["apply_pulses", "pulse_train"]

_MAX_PULSES = 10**7


def _pulse_update(device: Device) -> PulseUpdate:
    model = device.model if isinstance(device, Device) else None
    if model is None or model.pulse_update is None:
        given = type(device).__name__ if model is None else model.name
        known = ", ".join(n for n, m in models().items() if m.pulse_update)
        raise InputError("device", given, f"a device whose model has a pulse_update: {known}", "simulate(device, ...)")
    return model.pulse_update


def _drive_voltage(device: Device, direction: PulseDirection) -> Array:
    """Return a voltage between the thresholds of a direction, where the rate does not depend on it [V]."""
    above = device.parameters[direction.above]
    return direction.sign * (0.5 * (above + device.parameters[direction.below]) if direction.below else above + 1.0)


def apply_pulses(
    device: Device,
    state: ArrayLike,
    pulses: ArrayLike,
    seed: int | np.random.Generator | None = None,
    *,
    c2c: CycleNoise | None = None,
) -> Array:
    """Return the states after programming pulses of nominal width.

    Parameters
    ----------
    device : Device
        Of a model with a `PulseUpdate`, such as ``linear_step_synapse``, ``neurosim_synapse`` or ``pcm``; one device,
        or an ensemble, for example with a spread of its steps.
    state : array_like
        States before, shape ``(..., states)``, within their bounds.
    pulses : array_like of int
        Number of pulses for each cell; positive ones potentiate (for ``pcm``: SET), negative ones depress (RESET).
        Shape broadcasts against the ensemble and ``state.shape[:-1]``.
    seed : int or numpy.random.Generator, optional
        Seed or generator of the noise; needed with `c2c`.
    c2c : CycleNoise, optional
        Cycle-to-cycle noise; none where not given. `CycleNoise.published` has that of the parameter set.

    Returns
    -------
    numpy.ndarray
        States after, shape ``(..., states)``.

    Raises
    ------
    InputError
        For a device whose model has no `PulseUpdate`, numbers that are not whole, a state out of its bounds, shapes
        that do not broadcast, or noise without a seed.

    Examples
    --------
    >>> from devices import device
    >>> apply_pulses(device("linear_step_synapse", "reram_array_om"), [0.0], 1)
    array([0.0949])
    """
    update = _pulse_update(device)
    names = device.state_names
    given = finite_array("state", state, shape=("...", len(names)))
    counts = np.asarray(pulses)
    if counts.dtype.kind not in "iu":
        raise InputError("pulses", f"{counts.dtype} numbers", "whole numbers of pulses", "pulses.astype(int)")
    most = np.abs(counts.astype(float)).max(initial=0.0)
    if most > _MAX_PULSES:
        raise InputError("pulses", f"{most:g}", f"{_MAX_PULSES:g} in one call at most")
    if c2c is not None and seed is None:
        raise InputError("seed", "None", "a seed or a generator for the noise", "seed=1")
    try:
        shape = np.broadcast_shapes(device.shape, given.shape[:-1], counts.shape)
    except ValueError:
        shapes = f"pulses {counts.shape}, state {given.shape[:-1]} and device {device.shape}"
        raise InputError("pulses", shapes, "shapes that broadcast") from None
    lower, upper = (np.broadcast_to(bound, (*shape, len(names))) for bound in device.bounds())
    after = np.array(np.broadcast_to(given, (*shape, len(names))))
    if ((after < lower) | (after > upper)).any():
        raise InputError("state", "a state out of its bounds", "states within their bounds", "numpy.clip")
    counts = np.broadcast_to(counts, shape)
    rng = generator(seed) if c2c is not None and seed is not None else None
    for direction, count in ((update.up, np.maximum(counts, 0)), (update.down, np.maximum(-counts.astype(int), 0))):
        if count.any():
            _apply_direction(device, update, direction, after, count, lower[..., 0], upper[..., 0], c2c, rng)
    if update.clock:
        after[..., names.index(update.clock)][counts != 0] = 0.0
    return after


def _apply_direction(
    device: Device, update: PulseUpdate, direction: PulseDirection, state: Array, counts: NDArray[np.int64],
    lower: Array, upper: Array, c2c: CycleNoise | None, rng: np.random.Generator | None,
) -> None:  # fmt: skip
    """Apply pulses of one direction to the first state in place."""
    voltage, width = _drive_voltage(device, direction), device.parameters[direction.width]
    step = device.parameters[direction.step] if direction.step else np.float64(1.0)

    def increment(pulses: ArrayLike = 1.0) -> Array:
        """Return the change of the first state by `pulses` pulses, without bounds and noise."""
        row = device.evaluate(voltage, state)[..., 1, :]
        rate, slope = row[..., 0], row[..., 2]
        duration = np.asarray(pulses) * width
        if not update.affine:
            return rate * duration
        exponent = slope * duration
        small = np.abs(exponent) < 1e-12
        return rate * duration * np.where(small, 1.0, np.expm1(exponent) / np.where(small, 1.0, exponent))

    w = state[..., 0]
    if update.affine and (c2c is None or c2c.kind == "accumulated"):
        moved = increment(counts)
        if c2c is not None and rng is not None:
            moved = moved + c2c.std * step * np.sqrt(counts) * rng.standard_normal(w.shape)
        w[...] = np.where(counts > 0, np.clip(w + moved, lower, upper), w)
        return
    for k in range(int(counts.max())):
        before = w.copy()
        moved = increment()
        if c2c is not None and rng is not None:
            drawn = rng.standard_normal(w.shape)
            if c2c.kind == "multiplicative":
                moved = moved * (1.0 + c2c.std * drawn)
            else:
                growth = c2c.slope * w
                moved = moved + (c2c.std * step + growth) * drawn
        w[...] = np.where(counts > k, np.clip(w + moved, lower, upper), w)
        if c2c is None and (w == before).all():
            return


def pulse_train(device: Device, pulses: int, *, amplitude: float | None = None, rest: float = 1.0) -> Pulses:
    """Return a train of trapezoidal pulses, each beyond the threshold for exactly the nominal width.

    Parameters
    ----------
    device : Device
        As for `apply_pulses`, with one threshold and width for all its cells.
    pulses : int
        Number of pulses; a negative number depresses. Not zero.
    amplitude : float, optional
        Height without its sign [V]; the peak of the parameter set's typical loop where not given, or the middle
        between the thresholds of a direction that has two.
    rest : float, optional
        Time between pulses, in nominal widths.

    Returns
    -------
    Pulses
        The waveform.

    Raises
    ------
    InputError
        For a device whose model has no `PulseUpdate`, thresholds that differ between cells, or a height that does not
        pass the threshold.
    """
    from devices.waveforms import Pulses

    update = _pulse_update(device)
    count = integer("pulses", pulses)
    if count == 0:
        raise InputError("pulses", 0, "a number other than 0")
    direction = update.up if count > 0 else update.down
    names = [name for name in (direction.above, direction.below, direction.width) if name]
    if any(np.ptp(device.parameters[name]) > 0 for name in names):
        raise InputError("device", f"an ensemble with a spread of {', '.join(names)}", "one value for all cells")
    threshold, width = (float(device.parameters[name].flat[0]) for name in (direction.above, direction.width))
    default = (
        float(np.abs(_drive_voltage(device, direction)).flat[0])
        if direction.below
        else device.parameter_set.loop_voltage
    )
    limit = float(device.parameters[direction.below].flat[0]) if direction.below else None
    height = number("amplitude", default if amplitude is None else amplitude, unit="V", minimum=threshold,
                    maximum=limit, open_minimum=True)  # fmt: skip
    number("rest", rest, minimum=0.1)
    edge = width / 100
    flat = width - 2 * edge * (1 - threshold / height)
    return Pulses(direction.sign * height, flat, flat + 2 * edge + rest * width, count=abs(count), edge=edge)
