"""The circuit of an array: its cells, its metal and the sources at its terminals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Bias, Crossbar, Wires
from crossbar.drive import split_bias, split_gate
from devices import Device, InputError, Series, Waveform
from devices.common.validation import choice, finite_array, number
from netlists.circuit import (
    GROUND,
    Capacitor,
    Circuit,
    Element,
    Instance,
    OperatingPoint,
    Resistor,
    Subcircuit,
    Transient,
    VoltageSource,
    longest_step,
    nets_of,
)

__all__ = ["CONTROLS", "SOURCES", "cell_instances", "crossbar_circuit"]

#: The sources at the terminals of each side, to be followed by the number of the line.
SOURCES = {"word_left": "Vin", "word_right": "Vr", "bit_top": "Vt", "bit_bottom": "Vs"}
#: Further terminals of cells that can be ports of an array.
CONTROLS = ("gate", "bulk")
_SMALLEST = 1e-300  # [S]; the resistance of a smaller conductance does not fit a double, and the cell counts as open
_FLOAT = None  # the potential of a terminal that is connected to nothing


class _Port:
    """The potential of a terminal that a further element is to drive."""


_PORT = _Port()
_Potential = float | Waveform | _Port | None


def crossbar_circuit(
    crossbar: Crossbar,
    bias: Bias | ArrayLike,
    *,
    gate: Any = None,
    bulk: float = 0.0,
    duration: float | None = None,
    step: float | None = None,
    ports: Sequence[str] = (),
) -> Circuit:
    """Return an array with its cells, its wires and the sources at its terminals.

    Along word line i, from left to right: source ``Vin{i}``, net ``s{i}``, ``Rd{i}`` (driver), net ``d{i}``; for each
    column j segment ``Rw{i}_{j}`` and net ``w{i}_{j}``; segment ``Rw{i}_{columns}``, net ``f{i}``, ``Rf{i}`` (far
    driver), net ``r{i}``, source ``Vr{i}``.
    Along bit line j, from top to bottom: source ``Vt{j}``, net ``t{j}``, ``Rt{j}`` (far sense), net ``u{j}``, segment
    ``Rbt{j}``; for each row i net ``b{i}_{j}`` and segment ``Rb{i}_{j}``; net ``e{j}``, ``Rs{j}`` (sense), net
    ``g{j}``, source ``Vs{j}``. Every source leads to ground, 0 V too, and reads the current of its terminal.

    Cell i, j leads from ``w{i}_{j}`` to ``b{i}_{j}``: resistor ``R{i}_{j}``, or device ``X{i}_{j}``, or two devices
    ``Xt{i}_{j}`` (top) and ``Xb{i}_{j}`` (bottom) with net ``m{i}_{j}`` between them. Gate lines are nets ``gate{k}``
    with sources ``Vgate{k}``, one for each row or column; the bulk is net ``bulk`` with ``Vbulk``. Shorts are
    ``Rshort{n}``, in their order. A shorted cell and a short of 0 ohm are sources of 0 V, ``V{i}_{j}`` and
    ``Vshort{n}``, left out where sources join their nets already. Capacitors are ``Cw{i}_{j}`` and ``Cb{i}_{j}`` to
    ground and ``Cx{i}_{j}`` across the cell; probes of states are nets ``xsv{i}_{j}``, ``xsvt{i}_{j}`` or
    ``xsvb{i}_{j}``, with ``_{state}`` at the end where a device has several.

    A zero resistance merges its nets. Left out are open cells, open segments, all between a floating terminal and the
    first or last cell, and the second source of a line that is one net from source to source (``Vr{i}``, ``Vt{j}``);
    and, at rest, capacitors at a net that has nothing else.
    A terminal in `ports` has no source, but all of its line: it waits at its net for an element of yours. Where two
    ports are ends of one line of ideal metal, the source of the second one (``Vr{i}``, ``Vs{j}``) joins them, at 0 V.

    Parameters
    ----------
    crossbar : Crossbar
        Cells and wires.
    bias : Bias or array_like
        Potentials of the terminals; or the source voltages of a read [V], shape ``(rows,)``.
    gate, bulk : optional
        Potentials of gate lines and bulk [V], as in `Crossbar.solve`; over time gates may have waveforms, as in
        `Crossbar.simulate`.
    duration : float, optional
        Length of a transient [s]; that of the longest waveform where not given. Without it and without waveforms, the
        circuit is an operating point.
    step : float, optional
        Longest step of a transient [s]; a 1000th of the duration, or of the period of the fastest sine, where not
        given.
    ports : sequence of str, optional
        Sides whose floating terminals end in elements of yours instead: "word_left" at nets ``s{i}``, "word_right" at
        ``r{i}``, "bit_top" at ``t{j}``, "bit_bottom" at ``g{j}``; also "gate" (``gate{k}``) and "bulk" (``bulk``).

    Returns
    -------
    Circuit
        With an `OperatingPoint`, all states held at their start; or with a `Transient`, which starts from the
        operating point with states at their start, sources at their first values and capacitors without current.

    Raises
    ------
    InputError
        If the bias or the gates do not fit the array, hold more than one vector, drive one piece of ideal metal from
        two sources, or hold a sine that ends before the transient does; or if a side of `ports` has no floating
        terminal.

    Examples
    --------
    A bit line that ends in a resistor of 1 kohm, behind its last segment of 5 ohm and a sense resistance of 50 ohm.

    >>> from dataclasses import replace
    >>> from netlists import run_ngspice
    >>> wires = Wires(bit_line=5.0, sense=50.0)
    >>> circuit = crossbar_circuit(Crossbar([[1e-4]], wires), Bias(word_left=0.3), ports=["bit_bottom"])
    >>> load = Resistor("Rload", "g0", GROUND, 1e3)
    >>> waves = run_ngspice(replace(circuit, elements=(*circuit.elements, load)))
    >>> round(float(waves["v(g0)"][0]), 9)  # 0.3 V * 1000 / 11055
    0.027137042
    """
    if not isinstance(crossbar, Crossbar):
        raise InputError("crossbar", type(crossbar).__name__, "a Crossbar", "crossbar.Crossbar(conductance)")
    if not isinstance(bias, Bias):
        bias = Bias.read(finite_array("voltage", bias, unit="V", shape=(crossbar.rows,)))
    names = _port_names(ports)
    sides = _potentials(bias, *crossbar.shape, names)
    gate, gate_waves = split_gate(gate, crossbar.gate_lines)
    waveforms = [p for side in sides.values() for p in side if isinstance(p, Waveform)] + list(gate_waves.values())
    analysis = _analysis(waveforms, duration, step)
    opened = 0.0 if "gate" in names and gate is None and not crossbar.ohmic and crossbar.cells.control_names else gate
    gates, gate_ports = _control_ports(_gates(crossbar, opened, bulk, gate_waves), names, gate, bulk)
    lines = _Lines(crossbar.wires, sides, *crossbar.shape)
    over_time = isinstance(analysis, Transient)
    cells, definitions = _cells(crossbar, lines, held=not over_time)
    elements = (*lines.word, *cells, *lines.bit, *lines.shorts(), *gates)
    return Circuit(
        title=f"crossbar of {crossbar.rows} word lines and {crossbar.columns} bit lines",
        elements=(*elements, *lines.capacitors(None if over_time else elements)),
        analysis=analysis,
        subcircuits=definitions,
        merged=MappingProxyType(lines.merged),
        observed=tuple(e.name for e in cells if isinstance(e, Instance) and not e.name.startswith("Xb")),
        ports=tuple(net for name in names for net in (lines.ports | gate_ports)[name]),
        floating=MappingProxyType(lines.floating),
    )


def cell_instances(crossbar: Crossbar) -> list[tuple[str, Device]]:
    """Return the devices in series that a cell is made of, top first, each with the letter in its instances' names."""
    cells = crossbar.cells
    if isinstance(cells, Device):
        return [("", cells)]
    if isinstance(cells, Series):
        return [("t", cells.top), ("b", cells.bottom)]
    raise InputError("cells", type(cells).__name__, "conductances, a Device or a Series of two of them")


def _potentials(bias: Bias, rows: int, columns: int, ports: Sequence[str]) -> dict[str, list[_Potential]]:
    """Return the number or waveform at each terminal of each side, or that it is a port."""
    numbers, waveforms = split_bias(bias, rows, columns, within="one circuit")
    sides: dict[str, list[_Potential]] = {}
    for side in SOURCES:
        absent = _PORT if side in ports else _FLOAT
        sides[side] = [
            waveforms[side].get(k, absent if math.isnan(v) else float(v)) for k, v in enumerate(numbers[side])
        ]
        if side in ports and _PORT not in sides[side]:
            raise InputError("ports", f"{side!r}, whose terminals all have potentials", "sides that float in the bias")
    return sides


def _port_names(ports: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the sides that are ports, each once."""
    if isinstance(ports, str) or not isinstance(ports, Sequence):
        raise InputError("ports", repr(ports), "a sequence of sides", 'ports=["bit_bottom"]')
    return tuple(dict.fromkeys(choice("ports", name, (*SOURCES, *CONTROLS)) for name in ports))


def _control_ports(
    gates: list[Element], ports: Sequence[str], gate: ArrayLike | None, bulk: object
) -> tuple[list[Element], dict[str, list[str]]]:
    """Return the sources of gates and bulk that are no ports, and the nets of those that are."""
    for name, given, default in (("gate", gate, None), ("bulk", bulk, 0.0)):
        if name in ports and given is not default and given != default:
            raise InputError(name, repr(given), "nothing for a port", f"ports without {name!r}")
    nets: dict[str, list[str]] = {name: [] for name in CONTROLS}
    kept: list[Element] = []
    for source in gates:
        name = source.name[1:].rstrip("0123456789")
        if name in ports and isinstance(source, VoltageSource):
            nets[name].append(source.plus)
        else:
            kept.append(source)
    for name in CONTROLS:
        if name in ports and not nets[name]:
            raise InputError("ports", repr(name), f"terminals of these cells, which have no {name}")
    return kept, nets


def _analysis(waveforms: list[Waveform], duration: float | None, step: float | None) -> OperatingPoint | Transient:
    if duration is None and not waveforms:
        if step is not None:
            raise InputError(
                "step", f"{step!r} for an operating point", "None", "a duration, or a Waveform in the bias"
            )
        return OperatingPoint()
    longest = max((w.duration for w in waveforms), default=0.0)
    span = longest if duration is None else number("duration", duration, unit="s", minimum=0.0, open_minimum=True)
    for waveform in waveforms:
        if waveform.segments[:, 3].any() and waveform.duration < span * (1 - 1e-12):
            given = f"{span:g} s, past the end of {waveform} at {waveform.duration:g} s"
            allowed = "sines that last as long: in SPICE they do not end"
            raise InputError("duration", given, allowed, "more cycles, or a shorter duration")
    if step is None:
        return Transient(span, longest_step(waveforms, span, steps=1000))
    return Transient(span, number("step", step, unit="s", minimum=0.0, open_minimum=True))


class _Lines:
    """Sources and resistors of all lines, and the nets that zero resistance merges."""

    def __init__(self, wires: Wires, sides: Mapping[str, Sequence[_Potential]], rows: int, columns: int) -> None:
        self.wires, self.shape = wires, (rows, columns)
        self.merged: dict[str, str] = {}
        self.tied: dict[str, str] = {}  # nets that sources of 0 V join to others, up to one that stands for all
        self.levels: dict[str, float | Waveform] = {}  # of the nets that sources hold
        self.ports: dict[str, list[str]] = {side: [] for side in SOURCES}
        self.floating: dict[str, str] = {}
        self.word: list[Element] = []
        self.bit: list[Element] = []
        segment = np.broadcast_to(wires.word_line, (rows, columns + 1))
        near, far = np.broadcast_to(wires.driver, rows), np.broadcast_to(wires.far_driver, rows)
        for i in range(rows):
            self.word += self._line(
                [f"s{i}", f"d{i}", *(f"w{i}_{j}" for j in range(columns)), f"f{i}", f"r{i}"],
                [(f"Rd{i}", near[i]), *((f"Rw{i}_{j}", r) for j, r in enumerate(segment[i])), (f"Rf{i}", far[i])],
                [(side, i, sides[side][i]) for side in ("word_left", "word_right")],
            )
        segment = np.broadcast_to(wires.bit_line, (rows + 1, columns))
        near, far = np.broadcast_to(wires.sense, columns), np.broadcast_to(wires.far_sense, columns)
        for j in range(columns):
            down = [(f"Rb{i}_{j}", r) for i, r in enumerate(segment[1:, j])]
            self.bit += self._line(
                [f"t{j}", f"u{j}", *(f"b{i}_{j}" for i in range(rows)), f"e{j}", f"g{j}"],
                [(f"Rt{j}", far[j]), (f"Rbt{j}", segment[0, j]), *down, (f"Rs{j}", near[j])],
                [(side, j, sides[side][j]) for side in ("bit_top", "bit_bottom")],
            )

    def net(self, name: str) -> str:
        """Return the net that `name` is part of."""
        return self.merged.get(name, name)

    def _line(
        self, nets: list[str], parts: list[tuple[str, float]], ends: list[tuple[str, int, _Potential]]
    ) -> list[Element]:
        """Elements from the first source to the last one, without those that lead to a floating end."""
        (first_side, line, first), (last_side, _, last) = ends
        outer = (nets[0], nets[-1])
        ports = [net for net, value in zip(outer, (first, last), strict=True) if value is _PORT]
        start, stop = 0 if first is not _FLOAT else 2, len(nets) - (0 if last is not _FLOAT else 2)
        resistors, joined = _chain(nets[start:stop], parts[start : stop - 1], keep=[*ports, nets[2]])
        self.merged |= joined
        sources: list[Element | None] = []
        for (side, _, value), net in zip(ends, outer, strict=True):
            name = f"{SOURCES[side]}{line}"
            sources.append(
                VoltageSource(name, self.net(net), GROUND, value) if isinstance(value, float | Waveform) else None
            )
            if value is _PORT:
                self.ports[side].append(net)
            if value is _FLOAT:
                gone = nets[:2] if net is nets[0] else nets[-2:]
                self.floating |= dict.fromkeys(gone, f"ports=[{side!r}]")
        if ports == list(outer) and self.net(outer[0]) == self.net(outer[1]):
            del self.merged[outer[1]]
            sources[1] = VoltageSource(f"{SOURCES[last_side]}{line}", outer[1], outer[0], 0.0)
        if None not in sources and self.net(outer[0]) == self.net(outer[1]):
            if not (first is last or first == last):
                kind = first_side.partition("_")[0]
                given = f"another potential than {last_side} at {kind} line {line}, which is ideal metal between them"
                fix = f"Wires({kind}_line=1.0)"
                raise InputError(first_side, given, "equal potentials, or a resistance along the line", fix)
            sources[1 if first_side == "word_left" else 0] = None
        return [e for e in (sources[0], *resistors, sources[1]) if e is not None]

    def shorts(self) -> list[Element]:
        """Bridges between neighbouring lines."""
        bridges: list[Element] = []
        for n, short in enumerate(self.wires.shorts):
            places = ((short.line + k, short.cell) for k in (0, 1))
            one, two = (self.net(f"w{a}_{b}" if short.kind == "word" else f"b{b}_{a}") for a, b in places)
            if short.resistance == 0.0:
                bridges += self.tie(f"Vshort{n}", one, two)
            elif short.resistance < math.inf:
                bridges.append(Resistor(f"Rshort{n}", one, two, short.resistance))
        return bridges

    def tie(self, name: str, one: str, two: str) -> list[Element]:
        """Return a source of 0 V between two nets, or nothing where sources join them already."""
        if not self.levels and not self.tied:
            for source in (*self.word, *self.bit):
                if isinstance(source, VoltageSource) and source.minus == GROUND:
                    self.levels[source.plus] = source.value
                elif isinstance(source, VoltageSource):
                    self.tied[source.plus] = source.minus
        keep, drop = self._end(one), self._end(two)
        if keep == drop:
            return []
        if keep in self.levels and drop in self.levels:
            if self.levels[keep] != self.levels[drop]:
                given = f"0 ohm between nets {one} and {two}, whose sources differ"
                raise InputError("crossbar", given, "equal potentials, or a resistance between them", "Short(..., 1.0)")
            return []
        if drop in self.levels:
            keep, drop = drop, keep
        self.tied[drop] = keep
        return [VoltageSource(name, one, two, 0.0)]

    def _end(self, net: str) -> str:
        """Return the net that stands for all that sources of 0 V join to `net`."""
        while net in self.tied:
            net = self.tied[net]
        return net

    def capacitors(self, others: Iterable[Element] | None) -> list[Element]:
        """Capacitances of the lines at each cell, and between them; at rest only at nets that `others` have too."""
        wires = self.wires
        kinds = (
            ("Cw", "w", None, wires.word_line_capacitance),
            ("Cb", "b", None, wires.bit_line_capacitance),
            ("Cx", "w", "b", wires.crossing_capacitance),
        )
        found = [
            Capacitor(f"{name}{i}_{j}", self.net(f"{a}{i}_{j}"), self.net(f"{b}{i}_{j}") if b else GROUND, capacitance)
            for name, a, b, capacitance in kinds
            if capacitance > 0.0
            for i, j in np.ndindex(self.shape)
        ]
        if others is None or not found:
            return list(found)
        held = {GROUND, *(net for element in others for net in nets_of(element))}
        return [e for e in found if e.plus in held and e.minus in held]


def _gates(crossbar: Crossbar, gate: ArrayLike | None, bulk: float, waveforms: Mapping[int, Waveform]) -> list[Element]:
    """Sources of the gate lines and of the bulk, where the cells have such terminals."""
    if gate is not None and np.ndim(gate) > 1:
        raise InputError("gate", f"a batch of shape {np.shape(gate)}", "one vector in one circuit", "one call for each")
    control = crossbar.control(gate, bulk)
    if control is None:
        return []
    of_cell = control.reshape(*crossbar.shape, -1)
    sources: list[Element] = []
    for k, name in enumerate(crossbar.cells.control_names):
        along = of_cell[:, 0, k] if crossbar.gates == "rows" else of_cell[0, :, k]
        if name == "gate":
            values = [waveforms.get(n, float(v)) for n, v in enumerate(along)]
            sources += [VoltageSource(f"Vgate{n}", f"gate{n}", GROUND, value) for n, value in enumerate(values)]
        else:
            sources.append(VoltageSource(f"V{name}", name, GROUND, float(along[0])))
    return sources


def _cells(crossbar: Crossbar, lines: _Lines, *, held: bool) -> tuple[list[Element], tuple[Subcircuit, ...]]:
    """Return the elements of all cells, and the definitions that they use."""
    rows, columns = crossbar.shape
    places = [(i, j) for i in range(rows) for j in range(columns)]
    if crossbar.ohmic:
        conductances = crossbar.conductance.ravel().tolist()
        ohmic: list[Element] = []
        for (i, j), conductance in zip(places, conductances, strict=True):
            one, two = lines.net(f"w{i}_{j}"), lines.net(f"b{i}_{j}")
            if conductance == math.inf:
                ohmic += lines.tie(f"V{i}_{j}", one, two)
            elif conductance >= _SMALLEST:
                ohmic.append(Resistor(f"R{i}_{j}", one, two, 1.0 / conductance))
        return ohmic, ()
    parts = cell_instances(crossbar)
    definitions: dict[str, Subcircuit] = {}
    for _, part in parts:
        definitions.setdefault(part.model.name, Subcircuit(part.model, part.parameter_set, held))
    kinds = []
    for letter, part in parts:
        definition = definitions[part.model.name]
        probes = [probe.replace("xsv", f"xsv{letter}", 1).partition("_") for probe in definition.probes]
        changes = _changes(definition, part, crossbar.shape)
        kinds.append((letter, definition.name, part.control_names, probes, changes))
    elements: list[Element] = []
    for cell, (i, j) in enumerate(places):
        stops = [lines.net(f"w{i}_{j}"), *([f"m{i}_{j}"] if len(parts) > 1 else []), lines.net(f"b{i}_{j}")]
        controls = {"gate": f"gate{i if crossbar.gates == 'rows' else j}"}
        for k, (letter, name, control_names, probes, changes) in enumerate(kinds):
            driven = [controls.get(control, control) for control in control_names]
            shown = [f"{probe}{i}_{j}{dash}{state}" for probe, dash, state in probes]
            nets = (stops[k], stops[k + 1], *driven, *shown)
            elements.append(Instance(f"X{letter}{i}_{j}", nets, name, changes[cell]))
    return elements, tuple(definitions.values())


def _changes(definition: Subcircuit, part: Device, shape: tuple[int, int]) -> list[Mapping[str, float]]:
    """Return the values that differ from the defaults of the definition in each cell, row by row."""
    usual = {**definition.parameter_set.values, **definition.parameter_set.initial}
    changes: list[dict[str, float]] = [{} for _ in range(math.prod(shape))]
    for name, given in {**part.parameters, **part.initial}.items():
        values = np.broadcast_to(given, shape).ravel()
        for cell in np.flatnonzero(values != usual[name]).tolist():
            changes[cell][name] = float(values[cell])
    return [MappingProxyType(found) for found in changes]


def _chain(
    nets: Sequence[str], parts: Sequence[tuple[str, float]], *, keep: Sequence[str]
) -> tuple[list[Element], dict[str, str]]:
    """Resistors in series between `nets`, and the nets that zero resistance merged; infinite ones are left out.

    A merged net has the first name of `keep` that is part of it, else the name of its first net.
    """
    groups = [[nets[0]]]
    between: list[tuple[str, float]] = []
    for (name, resistance), net in zip(parts, nets[1:], strict=True):
        if resistance > 0.0:
            between.append((name, float(resistance)))
            groups.append([net])
        else:
            groups[-1].append(net)
    names = [next((name for name in keep if name in group), group[0]) for group in groups]
    merged = {net: name for group, name in zip(groups, names, strict=True) for net in group if net != name}
    resistors: list[Element] = [
        Resistor(name, plus, minus, resistance)
        for (name, resistance), plus, minus in zip(between, names[:-1], names[1:], strict=True)
        if resistance < math.inf
    ]
    return resistors, merged
