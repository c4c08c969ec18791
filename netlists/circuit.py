"""The circuit of a device or an array, described without reference to any simulator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from numpy.typing import ArrayLike

from crossbar import Crossbar
from devices import Device, DeviceModel, InputError, ParameterSet, Waveform
from devices.validation import finite_array

__all__ = [
    "Circuit",
    "Element",
    "Instance",
    "OperatingPoint",
    "Resistor",
    "Subcircuit",
    "Transient",
    "VoltageSource",
    "crossbar_circuit",
    "device_circuit",
]

GROUND = "0"
_SMALLEST = 1e-300  # [S]; a smaller conductance has no resistance that a double can hold, and counts as open


@dataclass(frozen=True, slots=True)
class Resistor:
    """A resistance [ohm] from net `plus` to net `minus`."""

    name: str
    plus: str
    minus: str
    resistance: float


@dataclass(frozen=True, slots=True)
class VoltageSource:
    """A source that holds net `plus` above net `minus` by a constant [V] or by a waveform."""

    name: str
    plus: str
    minus: str
    value: float | Waveform


@dataclass(frozen=True)
class Subcircuit:
    """The definition of a device: its model with one published parameter set as the defaults."""

    model: DeviceModel
    parameter_set: ParameterSet

    @property
    def name(self) -> str:
        """Name of the subcircuit: the model's."""
        return self.model.name

    @property
    def probes(self) -> tuple[str, ...]:
        """Output terminals that show each state, normalised to its span: ``xsv``, or one for each of several."""
        states = self.model.states
        return ("xsv",) if len(states) == 1 else tuple(f"xsv_{s.name}" for s in states)


@dataclass(frozen=True)
class Instance:
    """A device in a circuit: nets for the terminals and the state probes, values that differ from the defaults."""

    name: str
    nets: tuple[str, ...]
    subcircuit: str
    values: Mapping[str, float]


Element = Resistor | VoltageSource | Instance


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
    elements : tuple of Resistor, VoltageSource or Instance
        In the order in which they are written.
    analysis : OperatingPoint or Transient
        What to compute.
    subcircuits : tuple of Subcircuit, optional
        One for each kind of device.
    merged : mapping of str to str, optional
        Nets that zero resistance makes one: the name that vanished, and the name that stayed.
    """

    title: str
    elements: tuple[Element, ...]
    analysis: OperatingPoint | Transient
    subcircuits: tuple[Subcircuit, ...] = ()
    merged: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

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
        For an ensemble, or for something that is no waveform.
    """
    if not isinstance(device, Device):
        raise InputError("device", type(device).__name__, "a Device", "devices.device('vteam')")
    if device.shape:
        raise InputError("device", f"an ensemble of shape {device.shape}", "one device", "one cell at a time")
    if not isinstance(waveform, Waveform):
        raise InputError("waveform", type(waveform).__name__, "a Waveform", "devices.Sine(amplitude=1, frequency=1)")
    definition = Subcircuit(device.model, device.parameter_set)
    usual = {**device.parameter_set.values, **device.parameter_set.initial}
    given = {name: float(value) for name, value in {**device.parameters, **device.initial}.items()}
    values = MappingProxyType({name: value for name, value in given.items() if value != usual[name]})
    return Circuit(
        title=f"{device.model.name} under {type(waveform).__name__}",
        elements=(
            VoltageSource("Vin", "te", GROUND, waveform),
            Instance("Xdut", ("te", GROUND, *definition.probes), definition.name, values),
        ),
        analysis=Transient(waveform.duration, _longest_step(waveform) if step is None else step),
        subcircuits=(definition,),
    )


def _longest_step(waveform: Waveform) -> float:
    fastest = float(waveform.segments[:, 4].max())
    period = 2 * math.pi / fastest if fastest > 0 else math.inf
    return min(waveform.duration, period) / 4000


def crossbar_circuit(crossbar: Crossbar, voltage: ArrayLike) -> Circuit:
    """Return an array of resistors with its wires, drivers and sense amplifiers.

    On word line i, ``Vin{i}`` drives net ``s{i}``, then come ``Rd{i}`` (the driver), net ``d{i}`` and, for each
    column j, segment ``Rw{i}_{j}`` and net ``w{i}_{j}``. Cell ``R{i}_{j}`` leads to net ``b{i}_{j}``. Down bit line
    j, segment ``Rb{i}_{j}`` follows net ``b{i}_{j}``; after the last come net ``e{j}``, ``Rs{j}`` (the sense
    amplifier), net ``g{j}`` and ``Vs{j}``, a source of 0 V to ground that reads the current. A zero resistance
    merges its nets, and an open cell is left out.

    Parameters
    ----------
    crossbar : Crossbar
        Cells and wires.
    voltage : array_like
        Source voltages [V], shape ``(rows,)``.

    Returns
    -------
    Circuit
        The circuit with an `OperatingPoint`.

    Raises
    ------
    InputError
        If the voltages are not finite or do not fit the rows.
    """
    if not isinstance(crossbar, Crossbar):
        raise InputError("crossbar", type(crossbar).__name__, "a Crossbar", "crossbar.Crossbar(conductance)")
    drive = finite_array("voltage", voltage, unit="V", shape=(crossbar.rows,))
    wires = crossbar.wires
    if not wires.simple:
        raise InputError(
            "crossbar", "wires that differ along or between lines", "equal wires", "Wires of plain numbers"
        )
    driver, word_line, bit_line, sense = (
        float(r) for r in (wires.driver, wires.word_line, wires.bit_line, wires.sense)
    )
    rows, columns = range(crossbar.rows), range(crossbar.columns)
    merged: dict[str, str] = {}
    word_lines: list[Element] = []
    for i in rows:
        nets = [f"s{i}", f"d{i}", *(f"w{i}_{j}" for j in columns)]
        parts = [(f"Rd{i}", driver), *((f"Rw{i}_{j}", word_line) for j in columns)]
        resistors, joined = _chain(nets, parts, keep=f"w{i}_0")
        merged |= joined
        source = VoltageSource(f"Vin{i}", merged.get(f"s{i}", f"s{i}"), GROUND, float(drive[i]))
        word_lines += [source, *resistors]
    bit_lines: list[Element] = []
    for j in columns:
        nets = [*(f"b{i}_{j}" for i in rows), f"e{j}", f"g{j}"]
        parts = [*((f"Rb{i}_{j}", bit_line) for i in rows), (f"Rs{j}", sense)]
        resistors, joined = _chain(nets, parts, keep=f"b0_{j}")
        merged |= joined
        bit_lines += [*resistors, VoltageSource(f"Vs{j}", merged.get(f"g{j}", f"g{j}"), GROUND, 0.0)]
    cells: list[Element] = []
    for i in rows:
        for j in columns:
            conductance = float(crossbar.conductance[i, j])
            if conductance >= _SMALLEST:
                word, bit = (merged.get(net, net) for net in (f"w{i}_{j}", f"b{i}_{j}"))
                cells.append(Resistor(f"R{i}_{j}", word, bit, 1.0 / conductance))
    return Circuit(
        title=f"crossbar of {crossbar.rows} word lines and {crossbar.columns} bit lines",
        elements=(*word_lines, *cells, *bit_lines),
        analysis=OperatingPoint(),
        merged=MappingProxyType(merged),
    )


def _chain(
    nets: Sequence[str], parts: Sequence[tuple[str, float]], *, keep: str
) -> tuple[list[Element], dict[str, str]]:
    """Resistors in series between `nets`, and the nets that zero resistance merged.

    A merged net has the name `keep` where that is part of it, else the name of its first net.
    """
    groups = [[nets[0]]]
    between: list[tuple[str, float]] = []
    for (name, resistance), net in zip(parts, nets[1:], strict=True):
        if resistance > 0.0:
            between.append((name, resistance))
            groups.append([net])
        else:
            groups[-1].append(net)
    names = [keep if keep in group else group[0] for group in groups]
    merged = {net: name for group, name in zip(groups, names, strict=True) for net in group if net != name}
    resistors: list[Element] = [
        Resistor(name, plus, minus, resistance)
        for (name, resistance), plus, minus in zip(between, names[:-1], names[1:], strict=True)
    ]
    return resistors, merged
