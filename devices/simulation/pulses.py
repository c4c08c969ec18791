r"""Whole programming pulses on ensembles of pulsed synapses: closed forms, and cycle-to-cycle noise.

One pulse moves the first state by what its flow does in the nominal width. Where the flow is affine in the state that
is exact, for any number of pulses at once,

.. math:: w_n = w^* - (w^* - w_0)\, e^{-n \lambda t}, \qquad e^{-\lambda t} = 1 - \Delta w\, \gamma / w_\mathrm{bound},

and for the power step the published discrete step is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.common.errors import InputError
from devices.common.randomness import generator
from devices.common.validation import choice, finite_array, integer, number

if TYPE_CHECKING:
    from devices.cells.device import Device
    from devices.waveforms import Pulses

__all__ = ["CycleNoise", "apply_pulses", "neurosim_nonlinearity", "pulse_train"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CycleNoise:
    r"""Cycle-to-cycle noise of an update: what each pulse adds, with :math:`\xi` standard normal and white.

    ==================  =======================================================================
    multiplicative      the update times :math:`1 + \sigma \xi`
    additive            the update plus :math:`(\sigma\, \Delta + s\, w)\, \xi`
    accumulated         n pulses at once, plus :math:`\sigma\, \Delta \sqrt{n}\, \xi`, as in NeuroSim
    ==================  =======================================================================

    Parameters
    ----------
    std : float
        :math:`\sigma`, in units of the nominal step :math:`\Delta` of the direction (``dw_up``, ``dw_down``,
        ``dg_set``; for ``neurosim_synapse`` the whole window).
    kind : {"additive", "multiplicative", "accumulated"}, optional
        How it acts.
    slope : float, optional
        :math:`s`, growth of the additive noise with the state.
    """

    std: float
    kind: Literal["additive", "multiplicative", "accumulated"] = "additive"
    slope: float = 0.0

    def __post_init__(self) -> None:
        number("std", self.std, minimum=0.0)
        choice("kind", self.kind, ("additive", "multiplicative", "accumulated"))
        number("slope", self.slope)
        if self.slope and self.kind != "additive":
            raise InputError("slope", f"{self.slope:g} with kind={self.kind!r}", "0, or additive noise")

    @classmethod
    def published(cls, device: Device) -> CycleNoise:
        """Return the noise that the source of a device's parameter set gives.

        Raises
        ------
        InputError
            If it gives none.
        """
        from devices.library import pcm, pulsed

        known = {**pulsed.CYCLE_NOISE, **pcm.CYCLE_NOISE}
        key = device.model.name, device.parameter_set.name
        if key not in known:
            raise InputError("device", f"{key[0]} ({key[1]})", f"sets with noise: {sorted(known)}", "CycleNoise(std)")
        return known[key]


class _Side(NamedTuple):
    """A direction: sign of the voltage, thresholds that it lies above and (where there is one) below, width, step."""

    sign: float
    above: str
    below: str
    width: str
    step: str


class _Update(NamedTuple):
    """How whole pulses act on a model: both directions, whether the flow is affine, a clock that pulses restart."""

    up: _Side
    down: _Side
    affine: bool = True
    clock: str = ""


_MOST_PULSES = 10**7
_UPDATES = {
    "linear_step_synapse": _Update(
        _Side(1.0, "v_up", "", "t_pulse", "dw_up"), _Side(-1.0, "v_down", "", "t_pulse", "dw_down")
    ),
    "power_step_synapse": _Update(
        _Side(1.0, "v_up", "", "t_pulse", "dw_up"), _Side(-1.0, "v_down", "", "t_pulse", "dw_down"), affine=False
    ),
    "neurosim_synapse": _Update(_Side(1.0, "v_up", "", "t_up", ""), _Side(-1.0, "v_down", "", "t_down", "")),
    "pcm": _Update(
        _Side(1.0, "v_set", "v_reset", "t_set", "dg_set"), _Side(1.0, "v_reset", "", "t_reset", "dg_set"), clock="age"
    ),
}


def _update(device: Device) -> _Update:
    from devices.cells.device import Device

    name = device.model.name if isinstance(device, Device) else type(device).__name__
    if name not in _UPDATES:
        raise InputError("device", name, f"a device that counts pulses: {', '.join(_UPDATES)}", "simulate(device, ...)")
    return _UPDATES[name]


def _voltage(device: Device, side: _Side) -> Array:
    """Return a voltage at which the side is driven; the rate there does not depend on its height [V]."""
    above = device.parameters[side.above]
    return side.sign * (0.5 * (above + device.parameters[side.below]) if side.below else above + 1.0)


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
        ``linear_step_synapse``, ``power_step_synapse``, ``neurosim_synapse`` or ``pcm``; one device, or an ensemble,
        for example with a spread of its steps.
    state : array_like
        States before, shape ``(..., states)``, within their bounds.
    pulses : array_like of int
        Number of pulses for each cell; positive ones potentiate (for ``pcm``: SET), negative ones depress (RESET).
        Shape broadcasts against the ensemble and ``state.shape[:-1]``.
    seed : int or numpy.random.Generator, optional
        Where the noise comes from; needed with `c2c`.
    c2c : CycleNoise, optional
        Cycle-to-cycle noise; none where not given. `CycleNoise.published` has that of the parameter set.

    Returns
    -------
    numpy.ndarray
        States after, shape ``(..., states)``.

    Raises
    ------
    InputError
        For a device that does not count pulses, numbers that are not whole, a state out of its bounds, shapes that do
        not broadcast, or noise without a seed.

    Examples
    --------
    >>> from devices import device
    >>> apply_pulses(device("linear_step_synapse", "reram_array_om"), [0.0], 1)
    array([0.0949])
    """
    update = _update(device)
    names = device.state_names
    given = finite_array("state", state, shape=("...", len(names)))
    counts = np.asarray(pulses)
    if counts.dtype.kind not in "iu":
        raise InputError("pulses", f"{counts.dtype} numbers", "whole numbers of pulses", "pulses.astype(int)")
    most = np.abs(counts.astype(float)).max(initial=0.0)
    if most > _MOST_PULSES:
        raise InputError("pulses", f"{most:g}", f"{_MOST_PULSES:g} in one call at most")
    if c2c is not None and seed is None:
        raise InputError("seed", "None", "a seed or a generator for the noise", "seed=1")
    try:
        shape = np.broadcast_shapes(device.shape, given.shape[:-1], counts.shape)
    except ValueError:
        told = f"pulses {counts.shape}, state {given.shape[:-1]} and device {device.shape}"
        raise InputError("pulses", told, "shapes that broadcast") from None
    lower, upper = (np.broadcast_to(bound, (*shape, len(names))) for bound in device.bounds())
    after = np.array(np.broadcast_to(given, (*shape, len(names))))
    if ((after < lower) | (after > upper)).any():
        raise InputError("state", "a state out of its bounds", "states within their bounds", "numpy.clip")
    counts = np.broadcast_to(counts, shape)
    rng = generator(seed) if c2c is not None and seed is not None else None
    for side, number_of in ((update.up, np.maximum(counts, 0)), (update.down, np.maximum(-counts.astype(int), 0))):
        if number_of.any():
            _one_way(device, update, side, after, number_of, lower[..., 0], upper[..., 0], c2c, rng)
    if update.clock:
        after[..., names.index(update.clock)][counts != 0] = 0.0
    return after


def _one_way(
    device: Device, update: _Update, side: _Side, state: Array, counts: NDArray[np.int64], lower: Array, upper: Array,
    c2c: CycleNoise | None, rng: np.random.Generator | None,
) -> None:  # fmt: skip
    """Apply pulses of one direction to the first state in place."""
    voltage, width = _voltage(device, side), device.parameters[side.width]
    step = device.parameters[side.step] if side.step else np.float64(1.0)

    def increment(pulses: ArrayLike = 1.0) -> Array:
        """Move of the first state by `pulses` pulses, without bounds and noise."""
        row = device.evaluate(voltage, state)[..., 1, :]
        rate, slope = row[..., 0], row[..., 2]
        duration = np.asarray(pulses) * width
        if not update.affine:
            return rate * duration
        exponent = slope * duration
        few = np.abs(exponent) < 1e-12
        return rate * duration * np.where(few, 1.0, np.expm1(exponent) / np.where(few, 1.0, exponent))

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
    """Return a train of trapezoidal pulses that are beyond the threshold for exactly the nominal width each.

    Parameters
    ----------
    device : Device
        As for `apply_pulses`, with one threshold and width for all its cells.
    pulses : int
        How many; a negative number depresses. Not zero.
    amplitude : float, optional
        Height without its sign [V]; that of the parameter set's typical loop where not given, for SET pulses midway
        between the thresholds.
    rest : float, optional
        Time between pulses, in nominal widths.

    Returns
    -------
    Pulses
        The waveform.

    Raises
    ------
    InputError
        For a device that does not count pulses, thresholds that differ between cells, or a height that does not pass
        the threshold.
    """
    from devices.waveforms import Pulses

    update = _update(device)
    count = integer("pulses", pulses)
    if count == 0:
        raise InputError("pulses", 0, "a number other than 0")
    side = update.up if count > 0 else update.down
    names = [name for name in (side.above, side.below, side.width) if name]
    if any(np.ptp(device.parameters[name]) > 0 for name in names):
        raise InputError("device", f"an ensemble with a spread of {', '.join(names)}", "one value for all cells")
    threshold, width = (float(device.parameters[name].flat[0]) for name in (side.above, side.width))
    usual = float(np.abs(_voltage(device, side)).flat[0]) if side.below else device.parameter_set.loop_voltage
    limit = float(device.parameters[side.below].flat[0]) if side.below else None
    height = number("amplitude", usual if amplitude is None else amplitude, unit="V", minimum=threshold,
                    maximum=limit, open_minimum=True)  # fmt: skip
    number("rest", rest, minimum=0.1)
    edge = width / 100
    flat = width - 2 * edge * (1 - threshold / height)
    return Pulses(side.sign * height, flat, flat + 2 * edge + rest * width, count=abs(count), edge=edge)


@cache
def neurosim_nonlinearity(nl: float) -> float:
    r"""Return A/P_max, without its sign, of NeuroSim's conductance curve for a nonlinearity label.

    The label measures how far the normalised curve :math:`y(s) = (1 - e^{-s/a})/(1 - e^{-1/a})` leaves its chord: by
    :math:`0.07 \sqrt 2\, |NL|` at most, which is :math:`0.07\, |NL|` at right angles to it. Solved for a.

    Parameters
    ----------
    nl : float
        Label, 0.001 to 10 without its sign, which is the direction.

    Returns
    -------
    float
        A/P_max.

    Examples
    --------
    >>> round(neurosim_nonlinearity(2.4), 6)
    0.499181
    """
    import mpmath

    label = abs(number("nl", nl))
    if not 1e-3 <= label <= 10.0:
        raise InputError("nl", f"{nl:g}", "0.001 to 10, of either sign", "0.001 for next to none")
    with mpmath.workdps(30):
        wanted = mpmath.mpf("0.07") * mpmath.sqrt(2) * label

        def excess(z: mpmath.mpf) -> mpmath.mpf:
            lost = -mpmath.expm1(-z)
            return 1 / lost - 1 / z - mpmath.log(z / lost) / z - wanted

        z = mpmath.findroot(excess, (4 * wanted, 1000), solver="anderson", tol=1e-40, maxsteps=500)
        return float(1 / z)
