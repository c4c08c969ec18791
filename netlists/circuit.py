"""The circuit of a device or an array, described without reference to any simulator."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from devices import Device, DeviceModel, InputError, ParameterSet, Waveform
from devices.common.validation import number
from netlists.analyses import AC, Analysis, DCSweep, Noise, OperatingPoint, Transient

__all__ = [
    "AC",
    "GROUND",
    "Block",
    "Capacitor",
    "Circuit",
    "DCSweep",
    "Element",
    "Foreign",
    "Instance",
    "Noise",
    "OperatingPoint",
    "Resistor",
    "Subcircuit",
    "Transient",
    "VoltageSource",
    "device_circuit",
    "longest_step",
    "nets_of",
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
        Whether the states stay at their start, for an operating point; then there are no probes.
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
class Foreign:
    """The definition of a subcircuit that somebody else wrote: text of one dialect, with its parameters as numbers.

    Parameters
    ----------
    name : str
        Name that instances refer to.
    dialect : str
        The only dialect in which a circuit with it can be written.
    lines : tuple of str
        The text: of SPICE, from ``.subckt`` to ``.ends``; of VACASK, a model of a module and the line that loads it.
    charge : float, optional
        Charge [C] below which the error of its smallest capacitor counts as absolute.
    files : mapping of str to str, optional
        Files that the lines load, by name.
    """

    name: str
    dialect: str
    lines: tuple[str, ...]
    charge: float = 1.0
    files: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Instance:
    """A device or a block in a circuit, by the name of its definition.

    Of a device the nets are those of terminals, controls and state probes, and the values those that differ from the
    defaults; of a block the nets are those of its ports, and there are no values.
    """

    name: str
    nets: tuple[str, ...]
    subcircuit: str
    values: Mapping[str, float]


Element = Resistor | Capacitor | VoltageSource | Instance


def nets_of(element: Element) -> tuple[str, ...]:
    """Return the nets that an element connects."""
    return element.nets if isinstance(element, Instance) else (element.plus, element.minus)


@dataclass(frozen=True)
class Block:
    """A part of a circuit behind ports, such as an array between its terminals; an `Instance` places it.

    Parameters
    ----------
    name : str
        Name that instances refer to.
    ports : tuple of str
        Nets that an instance connects, in order.
    elements : tuple of Resistor, Capacitor, VoltageSource or Instance
        Elements of the block; instances of other blocks too. All nets but the ports and ground are internal.
    merged : mapping of str to str, optional
        Nets in the block that zero resistance makes one.
    """

    name: str
    ports: tuple[str, ...]
    elements: tuple[Element, ...]
    merged: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Circuit:
    """Elements between nets, the definitions that they use, and an analysis.

    Parameters
    ----------
    title : str
        Title in one line.
    elements : tuple of Resistor, Capacitor, VoltageSource or Instance
        In the order in which they are written.
    analysis : OperatingPoint, Transient, DCSweep, AC or Noise
        The analysis to be made.
    subcircuits : tuple of Subcircuit, optional
        One for each kind of device.
    merged : mapping of str to str, optional
        Nets that zero resistance makes one: each name that was dropped, and the name in its place.
    observed : tuple of str, optional
        Names of the instances whose currents are computed too; of those in a block ``Xblock.Xname``.
    blocks : tuple of Block, optional
        Parts of the circuit that instances place; one that holds another comes after it.
    measured : tuple of str, optional
        Names of the sources whose currents the netlist itself reports: at rest, or the largest and smallest over time.
    ports : tuple of str, optional
        Nets that wait for a further element, such as an amplifier; a netlist in which one has none is refused.
    foreign : tuple of Foreign, optional
        Subcircuits that somebody else wrote.
    floating : mapping of str to str, optional
        Nets that are left out, as they lead to nothing but a floating terminal, and what would keep each of them.
    """

    title: str
    elements: tuple[Element, ...]
    analysis: Analysis
    subcircuits: tuple[Subcircuit, ...] = ()
    merged: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    observed: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    measured: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    floating: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def parts(self) -> tuple[Element, ...]:
        """All elements, those of its blocks too, each as often as it is written."""
        return (*self.elements, *(element for block in self.blocks for element in block.elements))

    def net(self, name: str) -> str:
        """Return the net that `name` is part of: itself, or the net that it was merged into."""
        return self.merged.get(name, name)

    def paths(self) -> dict[str, str]:
        """Return the path of each net and element in a block, such as ``Xtile3.w0_1``, by its name in `flat`."""
        return dict(_paths(self.elements, {block.name: block for block in self.blocks}, "", ""))

    def enclosed(self, name: str = "array") -> Circuit:
        """Return this circuit with everything but the sources in one block: an array as a part, with its drivers.

        The ports are the nets that the sources drive, in their order, then those in `ports`; they keep their names
        outside.

        Parameters
        ----------
        name : str, optional
            Name of the block; its instance has an ``X`` before it.

        Returns
        -------
        Circuit
            With the same currents in the same sources.

        Raises
        ------
        InputError
            If there is nothing but sources, or a definition has that name already.
        """
        sources = tuple(e for e in self.elements if isinstance(e, VoltageSource))
        inside = tuple(e for e in self.elements if not isinstance(e, VoltageSource))
        if not inside:
            raise InputError("circuit", "sources only", "a circuit with something between them")
        taken = {d.name for d in self.subcircuits} | {d.name for d in self.foreign} | {b.name for b in self.blocks}
        if name in taken:
            raise InputError("name", repr(name), "a name that no definition in the circuit has", f"enclosed('{name}_')")
        driven = (net for e in sources for net in (e.plus, e.minus) if net != GROUND)
        ports = tuple(dict.fromkeys([*driven, *self.ports]))
        return replace(
            self,
            elements=(*sources, Instance(f"X{name}", ports, name, MappingProxyType({}))),
            merged=MappingProxyType({}),
            observed=tuple(f"X{name}.{inner}" for inner in self.observed),
            blocks=(*self.blocks, Block(name, ports, inside, self.merged)),
        )

    def flat(self) -> Circuit:
        """Return the same circuit without blocks.

        Element ``Rw0_1`` of block ``Xtile3`` becomes ``Rtile3_w0_1``, and its net ``w0_1`` becomes ``tile3_w0_1``.

        Returns
        -------
        Circuit
            Itself, if it has no blocks.

        Raises
        ------
        InputError
            If two elements have one name then.
        """
        if not self.blocks:
            return self
        blocks = {block.name: block for block in self.blocks}
        merged = dict(self.merged)
        elements = tuple(_flattened(self.elements, blocks, merged))
        seen: set[str] = set()
        for element in elements:
            if element.name.lower() in seen:
                raise InputError("circuit", f"two elements {element.name} once flat", "other names of blocks")
            seen.add(element.name.lower())
        return replace(
            self,
            elements=elements,
            merged=MappingProxyType(merged),
            observed=tuple(_flat_path(path) for path in self.observed),
            blocks=(),
        )


def _paths(
    elements: Iterable[Element], blocks: Mapping[str, Block], prefix: str, path: str
) -> Iterator[tuple[str, str]]:
    for element in elements:
        if isinstance(element, Instance) and element.subcircuit in blocks:
            block = blocks[element.subcircuit]
            flat, nested = f"{prefix}{element.name[1:]}_", f"{path}{element.name}."
            inner = {net for part in block.elements for net in nets_of(part)} - {GROUND, *block.ports}
            yield from ((flat + net, nested + net) for net in inner)
            yield from ((part.name[0] + flat + part.name[1:], nested + part.name) for part in block.elements)
            yield from _paths(block.elements, blocks, flat, nested)


def _flattened(elements: Iterable[Element], blocks: Mapping[str, Block], merged: dict[str, str]) -> Iterator[Element]:
    """Yield `elements` with those of their blocks, and add the nets that are merged in blocks to `merged`."""
    for element in elements:
        if not isinstance(element, Instance) or element.subcircuit not in blocks:
            yield element
            continue
        block, prefix = blocks[element.subcircuit], f"{element.name[1:]}_"
        nets = {GROUND: GROUND, **dict(zip(block.ports, element.nets, strict=True))}
        inner: dict[str, str] = dict(block.merged)
        for part in _flattened(block.elements, blocks, inner):
            name = part.name[0] + prefix + part.name[1:]
            if isinstance(part, Instance):
                yield replace(part, name=name, nets=tuple(nets.get(net, prefix + net) for net in part.nets))
            else:
                plus, minus = (nets.get(net, prefix + net) for net in (part.plus, part.minus))
                yield replace(part, name=name, plus=plus, minus=minus)
        merged |= {prefix + gone: nets.get(kept, prefix + kept) for gone, kept in inner.items()}


def _flat_path(path: str) -> str:
    *outer, name = path.split(".")
    return name[0] + "".join(f"{instance[1:]}_" for instance in outer) + name[1:]


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
        If the device is an ensemble or has a gate, or the waveform is none.
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
    if step is not None:
        number("step", step, unit="s", minimum=0.0, open_minimum=True)
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
