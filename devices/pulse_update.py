r"""Programming by equal pulses: `PulseUpdate`, the effect of a pulse on a model, and `CycleNoise`, its noise.

One pulse changes the first state by as much as its rate does over the nominal width. Where the rate is affine in the
state, the change by any number of pulses has an exact closed form,

.. math:: w_n = w^* - (w^* - w_0)\, e^{-n \lambda t}, \qquad e^{-\lambda t} = 1 - \Delta w\, \gamma / w_\mathrm{bound}.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from devices.common.errors import InputError
from devices.common.validation import choice, number

__all__ = ["CycleNoise", "PulseDirection", "PulseUpdate"]


@dataclass(frozen=True)
class CycleNoise:
    r"""Cycle-to-cycle noise of programming pulses, with :math:`\xi` standard normal and independent for each pulse.

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
        Form of the noise, as in the table.
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
    def published(cls, device: Any) -> CycleNoise:
        """Return the noise that the source of a device's parameter set gives.

        Parameters
        ----------
        device : Device
            The device.

        Raises
        ------
        InputError
            If the source gives none.
        """
        model, given = device.model, device.parameter_set
        if given.cycle_noise is None:
            known = [s.name for s in model.all_sets if s.cycle_noise is not None]
            named = f"{model.name} ({given.name})"
            raise InputError("device", named, f"sets with noise: {', '.join(known) or 'none'}", "CycleNoise(std)")
        return given.cycle_noise


@dataclass(frozen=True)
class PulseDirection:
    """Pulses of one direction; all but the sign are names of parameters of the model.

    Parameters
    ----------
    sign : {1.0, -1.0}
        Polarity of the voltage.
    above : str
        Threshold that the voltage's magnitude lies above [V].
    width : str
        Nominal width of a pulse [s].
    step : str, optional
        Nominal step, in whose units noise is given; 1 where not given.
    below : str, optional
        Threshold that the voltage's magnitude lies below [V], where there is one.
    """

    sign: float
    above: str
    width: str
    step: str = ""
    below: str = ""

    def __post_init__(self) -> None:
        if self.sign not in (1.0, -1.0):
            raise InputError("sign", repr(self.sign), "1.0 or -1.0")

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that it uses."""
        return tuple(name for name in (self.above, self.width, self.step, self.below) if name)


@dataclass(frozen=True)
class PulseUpdate:
    """The effect of pulses of nominal width on the first state of a model.

    Between the thresholds of a direction, the rate must not depend on the voltage.

    Parameters
    ----------
    up, down : PulseDirection
        Pulses that potentiate, and that depress.
    affine : bool, optional
        Whether the rate is affine in the state, so that any number of pulses has a closed form; else each pulse makes
        the step that the rate at its start gives.
    clock : str, optional
        A state that counts the time since the last pulse, which each pulse resets to 0.
    """

    up: PulseDirection
    down: PulseDirection
    affine: bool = True
    clock: str = ""

    def check(self, model: str, parameters: Iterable[str], states: Iterable[str]) -> None:
        """Raise `InputError` for names that the model does not have."""
        for side in ("up", "down"):
            direction = getattr(self, side)
            if not isinstance(direction, PulseDirection):
                raise InputError(f"{model}.pulse_update.{side}", repr(direction), "a PulseDirection")
            for name in direction.parameters:
                choice(f"{model}.pulse_update.{side}", name, parameters)
        if not tuple(states):
            raise InputError(f"{model}.pulse_update", "a model without states", "a model whose first state moves")
        if self.clock:
            choice(f"{model}.pulse_update.clock", self.clock, states)
