"""`Case`: one circuit as plain data, from which the subject and its stimulus are made again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crossbar.bias import SIDES
from devices import InputError
from netlists.circuit import Resistor, VoltageSource

if TYPE_CHECKING:
    from crossbar import Bias, Wires
    from devices import Device, Waveform
    from netlists.circuit import Circuit
    from netlists.comparison.agreement import Agreement

__all__ = ["FLOATS", "OPEN", "Built", "Case", "terminals", "waveform"]

#: In place of the potential of a terminal that is connected to nothing.
FLOATS = "floating"
#: In place of the resistance of a broken segment.
OPEN = "open"
#: Fields of `Wires` with a value for each segment or line: along rows, along columns.
_PER_SEGMENT = ("word_line", "bit_line")
_PER_ROW = ("driver", "far_driver")
_PER_COLUMN = ("sense", "far_sense")


class Built(NamedTuple):
    """A device or an array, its stimulus and further arguments, as `netlists.crosscheck` takes them."""

    subject: Any
    stimulus: Any
    arguments: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One circuit of a campaign, in numbers, texts, lists and mappings only, as JSON has them.

    Parameters
    ----------
    number : int
        Number in the campaign.
    options : mapping of str to str
        Option that was drawn on each axis, for tables.
    conductance : list, optional
        Conductances of ohmic cells [S], a list for each row.
    parts : list, optional
        Otherwise the devices in series of a cell, top first: ``model``, ``set``, and ``values`` that differ from the
        set, a number or a list for each row.
    shape : tuple of int, optional
        Rows and columns; ``None`` for a single device between a source and ground.
    wires : mapping, optional
        Fields of `crossbar.Wires`, ``"open"`` for a broken segment.
    voltage : list, optional
        Source voltages of a read [V].
    bias : mapping, optional
        Otherwise, for each side, the potential of each terminal: a number [V], ``"floating"`` or a waveform.
    waveform : mapping, optional
        Waveform of a single device: ``kind`` and the fields of that class of waveform.
    gates, gate, bulk : optional
        Direction of gate lines, and the potentials of gate lines and bulk [V].
    duration : float, optional
        Length of a transient without waveforms [s].
    step : float, optional
        Longest step of the simulator [s].
    tolerance : float, optional
        Our tolerance, as in `netlists.crosscheck`.
    """

    number: int
    options: Mapping[str, str] = field(default_factory=dict)
    conductance: list[list[float]] | None = None
    parts: list[dict[str, Any]] = field(default_factory=list)
    shape: tuple[int, int] | None = None
    wires: Mapping[str, Any] = field(default_factory=dict)
    voltage: list[float] | None = None
    bias: Mapping[str, list[Any]] | None = None
    waveform: Mapping[str, Any] | None = None
    gates: str = "rows"
    gate: list[float] | None = None
    bulk: float = 0.0
    duration: float | None = None
    step: float | None = None
    tolerance: float | None = None

    def to_json(self) -> str:
        """Return the case as JSON."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Case:
        """Return the case that `to_json` wrote."""
        data = json.loads(text)
        shape = data.pop("shape")
        return cls(**data, shape=None if shape is None else (shape[0], shape[1]))

    @property
    def transient(self) -> bool:
        """True for a transient."""
        return self.duration is not None or any(isinstance(p, Mapping) for p in self.potentials) or not self.shape

    @property
    def potentials(self) -> list[Any]:
        """Potentials and waveforms of all terminals."""
        return [p for side in (self.bias or {}).values() for p in side]

    @property
    def rounding(self) -> float:
        """Rounding error of the current through the smallest resistance of the metal [A]."""
        circuit = self.circuit()
        smallest = min((e.resistance for e in circuit.elements if isinstance(e, Resistor)), default=math.inf)
        sources = [e.value for e in circuit.elements if isinstance(e, VoltageSource)]
        levels = [v if isinstance(v, float) else float(np.abs(v.at(v.corners)).max()) for v in sources]
        return float(np.finfo(float).eps * max(map(abs, levels), default=0.0) / smallest)

    def build(self) -> Built:
        """Return the device or the array, its stimulus, and the further arguments of `netlists.crosscheck`."""
        given = {"step": self.step, "tolerance": self.tolerance, "duration": self.duration}
        arguments: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if self.shape is None:
            assert self.waveform is not None
            return Built(_device(self.parts[0], None), waveform(self.waveform), arguments)
        from crossbar import Crossbar

        if self.gate is not None:
            arguments |= {"gate": self.gate, "bulk": self.bulk}
        stimulus: Any = self.voltage if self.bias is None else terminals(self.bias)
        return Built(Crossbar(self._cells(), self._metal(), gates=self.gates), stimulus, arguments)  # type: ignore[arg-type]

    def circuit(self) -> Circuit:
        """Return the circuit that engines run."""
        from netlists.arrays import crossbar_circuit
        from netlists.circuit import device_circuit

        subject, stimulus, arguments = self.build()
        arguments.pop("tolerance", None)
        return (device_circuit if self.shape is None else crossbar_circuit)(subject, stimulus, **arguments)

    def crosscheck(self, *, engine: str = "ngspice", timeout: float = 120.0, limits: bool = False) -> Agreement:
        """Run the case here and in a simulator, for `timeout` [s] at most, and compare: see `netlists.crosscheck`."""
        from netlists.comparison.crosscheck import crosscheck

        subject, stimulus, arguments = self.build()
        return crosscheck(subject, stimulus, engine=engine, timeout=timeout, limits=limits, **arguments)

    def write(self, folder: Path) -> Path:
        """Write the case and its netlist for each simulator into a folder, which is made, and return it."""
        from netlists.dialects.catalogue import write_netlist

        folder.mkdir(parents=True, exist_ok=True)
        (folder / "case.json").write_text(self.to_json() + "\n", encoding="utf-8")
        circuit = self.circuit()
        for dialect in ("ngspice", "vacask"):
            for name, text in write_netlist(circuit, dialect).items():
                (folder / name).write_text(text, encoding="utf-8")
        return folder

    def select(self, rows: Sequence[int], columns: Sequence[int]) -> Case:
        """Return the same array with only these rows and columns, without the segments between them and the others."""
        assert self.shape is not None
        count = self.shape
        by_row, by_column = {k: n for n, k in enumerate(rows)}, {k: n for n, k in enumerate(columns)}

        def grid(values: Any) -> Any:
            return [[values[i][j] for j in columns] for i in rows] if isinstance(values, list) else values

        wires = dict(self.wires)
        for name in _PER_SEGMENT:
            if isinstance(wires.get(name), list):
                along = [*columns, count[1]] if name == "word_line" else columns
                across = rows if name == "word_line" else [*rows, count[0]]
                wires[name] = [[wires[name][i][j] for j in along] for i in across]
        for names, kept in ((_PER_ROW, rows), (_PER_COLUMN, columns)):
            for name in names:
                if isinstance(wires.get(name), list):
                    wires[name] = [wires[name][k] for k in kept]
        shorts = []
        for short in wires.pop("shorts", []):
            lines, cells = (by_row, by_column) if short["kind"] == "word" else (by_column, by_row)
            if {short["line"], short["line"] + 1} <= lines.keys() and short["cell"] in cells:
                shorts.append({**short, "line": lines[short["line"]], "cell": cells[short["cell"]]})
        if shorts:
            wires["shorts"] = shorts
        kept_of = {side: rows if side.startswith("word") else columns for side in SIDES}
        gate_lines = rows if self.gates == "rows" else columns
        return replace(
            self,
            shape=(len(rows), len(columns)),
            conductance=grid(self.conductance),
            parts=[{**p, "values": {n: grid(v) for n, v in p["values"].items()}} for p in self.parts],
            wires=wires,
            voltage=None if self.voltage is None else [self.voltage[i] for i in rows],
            bias=None if self.bias is None else {s: [p[k] for k in kept_of[s]] for s, p in self.bias.items()},
            gate=None if self.gate is None else [self.gate[k] for k in gate_lines],
        )

    def _cells(self) -> Any:
        if self.conductance is not None:
            return np.array(self.conductance)
        from devices import Series

        cells = [_device(part, self.shape) for part in self.parts]
        return cells[0] if len(cells) == 1 else Series(*cells)

    def _metal(self) -> Wires:
        from crossbar import Short, Wires

        def resistance(value: Any) -> Any:
            return [resistance(v) for v in value] if isinstance(value, list) else math.inf if value == OPEN else value

        shorts = tuple(Short(**short) for short in self.wires.get("shorts", ()))
        return Wires(**{n: resistance(v) for n, v in self.wires.items() if n != "shorts"}, shorts=shorts)


def _device(part: Mapping[str, Any], shape: tuple[int, int] | None) -> Device:
    from devices import device

    values = {name: np.array(value) for name, value in part["values"].items()}
    found = device(part["model"], part["set"], **values)
    if shape is None or found.shape == shape:
        return found
    first = found.model.parameters[0].name  # an ensemble of equal devices needs one value for each
    return device(part["model"], part["set"], **{**values, first: np.full(shape, found.parameters[first])})


def terminals(sides: Mapping[str, list[Any]]) -> Bias:
    """Return the bias that a case describes."""
    from crossbar import FLOATING, Bias

    made: dict[str, Waveform] = {}  # equal waveforms are one: both ends of an ideal line may have it

    def potential(given: Any) -> Any:
        if isinstance(given, Mapping):
            return made.setdefault(json.dumps(given), waveform(given))
        return FLOATING if given == FLOATS else given

    return Bias(**{side: [potential(p) for p in given] for side, given in sides.items()})


def waveform(given: Mapping[str, Any]) -> Waveform:
    """Return the waveform that a case describes."""
    import devices

    fields = dict(given)
    kind = fields.pop("kind")
    if kind not in ("Constant", "Pulses", "Samples", "Sine", "Triangle"):
        raise InputError("waveform", repr(kind), "Constant, Pulses, Samples, Sine or Triangle")
    return getattr(devices, kind)(**fields)
