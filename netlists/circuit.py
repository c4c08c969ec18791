"""The circuit of a device or an array, described without reference to any simulator."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from devices import Device, DeviceModel, InputError, ParameterSet, Waveform

__all__ = [
    "GROUND",
    "Capacitor",
    "Circuit",
    "Element",
    "Instance",
    "OperatingPoint",
    "Resistor",
    "Subcircuit",
    "Transient",
    "VoltageSource",
    "device_circuit",
    "longest_step",
]

GROUND = "0"


@dataclass(frozen=True, slots=True)
class Resistor:
    """A resistance [ohm] from net `plus` to net `minus`."""

    name: str
    plus: str
    minus: str
    resistance: float


@dataclass(frozen=True, slots=True)
class Capacitor:
    """A capacitance [F] from net `plus` to net `minus`."""

    name: str
    plus: str
    minus: str
    capacitance: float


@dataclass(frozen=True, slots=True)
class VoltageSource:
    """A source that holds net `plus` above net `minus` by a constant [V] or by a waveform."""

    name: str
    plus: str
    minus: str
    value: float | Waveform


@dataclass(frozen=True)
class Subcircuit:
    """The definition of a device: its model with one published parameter set as the defaults.

    Parameters
    ----------
    model : DeviceModel
        The equations.
    parameter_set : ParameterSet
        The defaults.
    held : bool, optional
        The states stay at their start, for an operating point; then there are no probes.
    """

    model: DeviceModel
    parameter_set: ParameterSet
    held: bool = False

    @property
    def name(self) -> str:
        """Name of the subcircuit: the model's."""
        return self.model.name

    @property
    def probes(self) -> tuple[str, ...]:
        """Output terminals that show each state, normalised to its span: ``xsv``, or one for each of several."""
        states = () if self.held else self.model.states
        return ("xsv",) if len(states) == 1 else tuple(f"xsv_{s.name}" for s in states)

    def changes(self, values: Mapping[str, float]) -> Mapping[str, float]:
        """Return those of a device's values, parameters and starts, that are not the defaults."""
        usual = {**self.parameter_set.values, **self.parameter_set.initial}
        return MappingProxyType({name: value for name, value in values.items() if value != usual[name]})


@dataclass(frozen=True)
class Instance:
    """A device in a circuit: nets of terminals, controls and state probes, and values that differ from the defaults."""

    name: str
    nets: tuple[str, ...]
    subcircuit: str
    values: Mapping[str, float]


Element = Resistor | Capacitor | VoltageSource | Instance


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Solve the circuit once, at rest."""


@dataclass(frozen=True, slots=True)
class Transient:
    """Integrate the circuit from its start.

    Parameters
    ----------
    duration : float
        Length [s].
    step : float
        Longest step [s].
    """

    duration: float
    step: float


@dataclass(frozen=True)
class Circuit:
    """Elements between nets, the definitions they use and what is to be computed.

    Parameters
    ----------
    title : str
        One line.
    elements : tuple of Resistor, Capacitor, VoltageSource or Instance
        In the order in which they are written.
    analysis : OperatingPoint or Transient
        What to compute.
    subcircuits : tuple of Subcircuit, optional
        One for each kind of device.
    merged : mapping of str to str, optional
        Nets that zero resistance makes one: the name that vanished, and the name that stayed.
    observed : tuple of str, optional
        Names of the instances whose currents are computed too.
    """

    title: str
    elements: tuple[Element, ...]
    analysis: OperatingPoint | Transient
    subcircuits: tuple[Subcircuit, ...] = ()
    merged: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    observed: tuple[str, ...] = ()

    def net(self, name: str) -> str:
        """Return the net that `name` is part of: itself, or the one that it was merged into."""
        return self.merged.get(name, name)


def device_circuit(device: Device, waveform: Waveform, *, step: float | None = None) -> Circuit:
    """Return a device between a voltage source and ground.

    ``Vin`` drives net ``te``, the top electrode of ``Xdut``, whose bottom electrode is at ground. The device's
    current is the one that leaves the source.

    Parameters
    ----------
    device : Device
        One device, no ensemble.
    waveform : Waveform
        Voltage over time.
    step : float, optional
        Longest step [s]; a 4000th of the duration, or of the period of a sine, where not given.

    Returns
    -------
    Circuit
        The circuit with a `Transient` over the waveform.

    Raises
    ------
    InputError
        For an ensemble, a device with a gate, or something that is no waveform.
    """
    if not isinstance(device, Device):
        raise InputError("device", type(device).__name__, "a Device", "devices.device('vteam')")
    if device.shape:
        raise InputError("device", f"an ensemble of shape {device.shape}", "one device", "one cell at a time")
    if device.control_names:
        gated = f"{device.model.name}, which has further terminals: {', '.join(device.control_names)}"
        raise InputError("device", gated, "a device of two terminals", "a Crossbar of one cell, with gate=...")
    if not isinstance(waveform, Waveform):
        raise InputError("waveform", type(waveform).__name__, "a Waveform", "devices.Sine(amplitude=1, frequency=1)")
    definition = Subcircuit(device.model, device.parameter_set)
    given = {name: float(value) for name, value in {**device.parameters, **device.initial}.items()}
    return Circuit(
        title=f"{device.model.name} under {type(waveform).__name__}",
        elements=(
            VoltageSource("Vin", "te", GROUND, waveform),
            Instance("Xdut", ("te", GROUND, *definition.probes), definition.name, definition.changes(given)),
        ),
        analysis=Transient(waveform.duration, longest_step([waveform], waveform.duration) if step is None else step),
        subcircuits=(definition,),
    )


def longest_step(waveforms: Iterable[Waveform], duration: float, *, steps: int = 4000) -> float:
    """Return a step that passes `steps` times into the duration, or into the period of the fastest sine [s]."""
    fastest = max((float(waveform.segments[:, 4].max()) for waveform in waveforms), default=0.0)
    period = 2 * math.pi / fastest if fastest > 0 else math.inf
    return min(duration, period) / steps
