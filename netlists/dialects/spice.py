"""`Spice`: a circuit as a netlist of SPICE, with a method for each statement in which dialects differ.

A state is the charge on a capacitor of 1 F, normalised to its span: ``dy/dt = f(v, x) / (upper - lower)`` is the
current into it. The laws see the clipped state. Beyond a bound, a current proportional to the excess brings the
node back at ``xsv_rate``, far faster than anything else; where the law points outward the node rests just
beyond the bound, and when the law turns inward it returns at once, without a jump and without wind-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import sympy

from devices import DeviceModel, InputError, State, Waveform
from devices.common.validation import choice, number
from netlists.analyses import AC, Analysis, DCSweep, Noise, OperatingPoint, Transient
from netlists.circuit import Block, Capacitor, Circuit, Element, Resistor, Subcircuit, VoltageSource
from netlists.dialects.checks import check_circuit, check_foreign, check_name
from netlists.dialects.expressions import number_text
from netlists.dialects.held import held_nets
from netlists.dialects.text import device_notes, one_line, wrapped
from netlists.dialects.waveforms import as_points, as_sine

__all__ = ["Spice", "SpiceOptions", "clamp_rate"]

_RATE_BY_DURATION = 1e8  # return from beyond a bound takes this fraction of the run


@dataclass(frozen=True, kw_only=True)
class SpiceOptions:
    """Tolerances of a SPICE; the defaults are for reference runs, far tighter than those of SPICE.

    Parameters
    ----------
    reltol : float, optional
        Relative tolerance of Newton's iteration, and error of a step as a fraction of a state's span.
    abstol : float, optional
        Absolute tolerance of currents [A].
    vntol : float, optional
        Absolute tolerance of voltages [V].
    chgtol : float, optional
        Charge [C] below which a capacitor's error counts as absolute: 1, the span of a state.
    trtol : float, optional
        Factor by which SPICE takes its own estimate of a step's error to be too large.
    gmin : float, optional
        Conductance that SPICE may add across junctions [S].
    method : {"trap", "gear"}, optional
        Integration method, of order 2 both.
    """

    reltol: float = 1e-12
    abstol: float = 1e-18
    vntol: float = 1e-12
    chgtol: float = 1.0
    trtol: float = 1.0
    gmin: float = 1e-18
    method: Literal["trap", "gear"] = "trap"

    def __post_init__(self) -> None:
        for name in ("reltol", "abstol", "vntol", "chgtol", "trtol", "gmin"):
            number(name, getattr(self, name), minimum=0.0, open_minimum=True)
        choice("method", self.method, ("trap", "gear"))

    @classmethod
    def suited(cls, circuit: Circuit) -> Self:
        """Return the options with which a circuit is run where none are given.

        These are the defaults; in transients of arrays, `reltol` is 1e-9, and `chgtol` the charge of the smallest
        capacitor at 1 V, in blocks too, or that of a foreign subcircuit.
        """
        parts = circuit.parts
        if not isinstance(circuit.analysis, Transient) or len(parts) <= 2:
            return cls()
        charges = [*(e.capacitance for e in parts if isinstance(e, Capacitor)), *(d.charge for d in circuit.foreign)]
        return cls(reltol=1e-9, chgtol=min(charges, default=1.0))

    def items(self) -> list[tuple[str, str]]:
        """Return names and values as text, in a fixed order."""
        names = ("reltol", "abstol", "vntol", "chgtol", "trtol", "gmin")
        return [*((name, number_text(getattr(self, name))) for name in names), ("method", self.method)]


def clamp_rate(circuit: Circuit) -> float:
    """Return the rate of return from beyond a state's bound that suits the circuit's time scale [1/s]."""
    return _RATE_BY_DURATION / circuit.analysis.duration if isinstance(circuit.analysis, Transient) else 1e12


class Spice:
    """A dialect of SPICE; a subclass for each simulator replaces the statements that it writes differently."""

    #: Name in the header.
    name: ClassVar[str]
    #: Reserved names of its expressions, in lower case.
    taken: ClassVar[frozenset[str]]

    def expression(self, law: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> str:
        """Return a law, given the text of each symbol."""
        raise NotImplementedError

    def circuit(self, circuit: Circuit, options: Any, version: str) -> str:
        """Return the netlist, with a final line end."""
        check_circuit(circuit, ignores_case=True)
        check_foreign(circuit, self.name)
        tolerances = self.suited(circuit) if options is None else options
        lines = [self.comment(circuit.title), self.comment(f"dialect {self.name}; written by memductance {version}")]
        lines += [self.comment(f"net {gone} is net {kept}") for gone, kept in circuit.merged.items()]
        for definition in circuit.subcircuits:
            lines += self.subcircuit(definition, clamp_rate(circuit))
        for foreign in circuit.foreign:
            lines += foreign.lines
        for block in circuit.blocks:
            lines += self.block(block)
        driven = circuit.analysis.source if isinstance(circuit.analysis, AC | Noise) else None
        lines += (self.small_sine(e) if e.name == driven else self.element(e) for e in circuit.elements)
        lines += [f".ic v({net})=0" for net in held_nets(circuit)]
        lines += [*self.observed(circuit), *self.options(tolerances), *self.analysis(circuit), *self.measures(circuit)]
        return "\n".join([*lines, ".end", ""])

    def suited(self, circuit: Circuit) -> Any:
        """Return the tolerances for a circuit where none are given."""
        raise NotImplementedError

    def subcircuit(self, definition: Subcircuit, rate: float) -> list[str]:
        """Lines of a device, with its header."""
        model, given = definition.model, definition.parameter_set
        te, be = model.terminals
        controls = [control.name for control in model.controls]
        for name in (model.name, te, be, *controls):
            check_name(name)
        inner = () if model.unknown is None else (model.unknown,)
        written = [self.safe(q.name).lower() for q in (*model.parameters, *model.states, *inner)] + ["xsv_rate"]
        for name in written:
            if written.count(name) > 1:
                raise InputError("name", repr(name), f"names that differ in {self.name}", "rename it in the model")
        names = {q.symbol: self.reference(q.name) for q in model.parameters}
        names[model.voltage] = f"v({te},{be})"
        names |= {control.symbol: f"v({control.name},{be})" for control in model.controls}
        if definition.held:
            names |= {state.symbol: self.reference(state.name) for state in model.states}
        moving = [] if definition.held else list(zip(model.states, definition.probes, model.rates, strict=True))
        for state, probe, _ in moving:
            low, span = self._span(state, in_law=True)
            names[state.symbol] = f"({low} + {span}*v({probe}))" if span else f"v({probe})"
        names |= {unknown.symbol: f"v(in_{unknown.name})" for unknown in inner}
        laws = [model.current, *(u.residual for u in inner), *(law for _, _, law in moving)]
        body, laws, symbols = self.shared(model, laws, names)
        names |= symbols
        texts = [self.expression(law, names) for law in laws]
        body.append(self.source_of("i", te, be, "I", texts.pop(0)))
        body += [self.source_of(f"in_{u.name}", "0", f"in_{u.name}", "I", texts.pop(0)) for u in inner]
        for (state, probe, _), moved in zip(moving, texts, strict=True):
            node = probe.replace("xsv", "state", 1)
            _, span = self._span(state, in_law=True)
            low, bare_span = self._span(state, in_law=False)
            start = f"({self.safe(state.name)} - {low})/{bare_span}" if bare_span else self.safe(state.name)
            into = f"({moved})/{span}" if span else moved
            back = f"{self.reference('xsv_rate')}*(v({probe}) - v({node}))"
            body += [
                self.source_of(node, "0", node, "I", f"{into} + {back}"),
                *self.charged(node, start),
                self.source_of(probe, probe, "0", "V", f"min(max(v({node}),0),1)"),
            ]
        values = [f"{n}={v}" for n, v in self.values({**given.values, **given.initial}).items()]
        notes = device_notes(model, given)
        notes += [f"{self.safe(q.name)} [{q.unit}]: {q.meaning}" for q in model.parameters]
        notes += [f"{self.safe(q.name)} [{q.unit}]: start of the state, {q.meaning}" for q in model.states]
        if moving:
            values.append(f"xsv_rate={number_text(rate)}")
            notes.append("xsv_rate [1/s]: return from beyond a bound, far above 1 / (shortest time of interest)")
            notes.append(
                f"{', '.join(definition.probes)} [V]: output, position of the state between its bounds, 0 to 1"
            )
        return [
            *map(self.comment, notes),
            f".subckt {' '.join([model.name, te, be, *controls, *definition.probes])} PARAMS:",
            *self.wrapped(values),
            *body,
            f".ends {model.name}",
        ]

    def shared(
        self, model: DeviceModel, laws: list[sympy.Expr], names: Mapping[sympy.Symbol, str]
    ) -> tuple[list[str], list[sympy.Expr], dict[sympy.Symbol, str]]:
        """Nodes for common subexpressions: their lines, the laws with their symbols, and the text of each symbol."""
        return [], laws, {}

    def block(self, block: Block) -> list[str]:
        """Lines of a part of the circuit."""
        return [
            *(self.comment(f"in {block.name}, net {gone} is net {kept}") for gone, kept in block.merged.items()),
            f".subckt {block.name}",
            *self.wrapped(block.ports),
            *map(self.element, block.elements),
            f".ends {block.name}",
        ]

    def element(self, element: Element) -> str:
        """Line, or lines, of an element."""
        if isinstance(element, Resistor):
            return f"{element.name} {element.plus} {element.minus} {number_text(element.resistance)}"
        if isinstance(element, Capacitor):
            return f"{element.name} {element.plus} {element.minus} {number_text(element.capacitance)}"
        if isinstance(element, VoltageSource):
            return f"{element.name} {element.plus} {element.minus} {self.source(element.value)}"
        values = [f"{name}={value}" for name, value in self.values(element.values).items()]
        if values and self.instance_word:
            values.insert(0, self.instance_word)
        if len(element.nets) > 8:
            return "\n".join([element.name, *self.wrapped([*element.nets, element.subcircuit]), *self.wrapped(values)])
        return "\n".join([f"{element.name} {' '.join(element.nets)} {element.subcircuit}", *self.wrapped(values)])

    def small_sine(self, source: Any) -> str:
        """Line of a voltage source that has an amplitude of 1 V in an analysis of small sines."""
        value, head = self.source(source.value), f"{source.name} {source.plus} {source.minus}"
        return f"{head} AC 1 {value}" if isinstance(source.value, Waveform) else f"{head} {value} AC 1"

    def source(self, value: float | Waveform) -> str:
        """Value of a voltage source: a constant, a sine, or straight lines.

        Raises
        ------
        InputError
            If the waveform has more than one segment and one of them is no straight line.
        """
        if not isinstance(value, Waveform):
            return f"DC {number_text(value)}"
        sine = as_sine(value)
        if sine is not None:
            numbers = (sine.offset, sine.amplitude, sine.frequency, 0.0, 0.0, sine.phase)
            return f"{self.sine}({' '.join(map(number_text, numbers))})"
        pairs = [f"{number_text(t)} {number_text(v)}" for t, v in zip(*as_points(value), strict=True)]
        return self.points(pairs)

    # Statements in which dialects differ, as ngspice has them.
    #: The word for a sine.
    sine = "SIN"
    #: Word before the parameters of an instance.
    instance_word = ""
    #: Most sources of a sweep.
    most_swept = 2

    def points(self, pairs: list[str]) -> str:
        """Return straight lines through points, each as its time and its voltage."""
        return "\n".join(["PWL(", *self.wrapped(pairs), "+ )"])

    def reference(self, name: str) -> str:
        """Return a parameter as expressions refer to it."""
        return f"{{{self.safe(name)}}}"

    def source_of(self, name: str, plus: str, minus: str, kind: str, law: str) -> str:
        """Return the line of a behavioural source, of a current or a voltage."""
        return f"B{name} {plus} {minus} {kind} = {law}"

    def charged(self, node: str, start: str) -> list[str]:
        """Lines of the capacitor of 1 F that holds a state, and of its start."""
        return [f"C{node} {node} 0 1", f".ic v({node})={{{start}}}"]

    def observed(self, circuit: Circuit) -> list[str]:
        """Lines that ask for the currents of instances, where the simulator gives them."""
        return []

    def options(self, options: Any) -> list[str]:
        """Lines of the tolerances."""
        return [f".options {name}={value}" for name, value in options.items()]

    def analysis(self, circuit: Circuit) -> list[str]:
        """Lines of the analysis."""
        return self.analysis_lines(circuit.analysis, circuit.net)

    def analysis_lines(self, analysis: Analysis, net: Callable[[str], str] = str) -> list[str]:
        """Lines of an analysis, given the net that each net is part of."""
        if isinstance(analysis, OperatingPoint):
            return [".op"]
        if isinstance(analysis, Transient):
            step, stop = number_text(analysis.step), number_text(analysis.duration)
            return [f".tran {step} {stop} 0 {step}"]
        if isinstance(analysis, DCSweep):
            if len(analysis.sources) > self.most_swept:
                given = f"a sweep of {len(analysis.sources)} sources"
                raise InputError("analysis", given, f"{self.most_swept} sources at most in {self.name}")
            return [f".dc {' '.join(self.swept(analysis, name) for name in analysis.sources)}"]
        if isinstance(analysis, AC):
            return [f".ac {self.frequencies(analysis)}"]
        return [
            *self.temperature(analysis.temperature - 273.15),
            f".noise v({net(analysis.output)}) {analysis.source} {self.frequencies(analysis)}",
        ]

    def swept(self, sweep: DCSweep, source: str) -> str:
        """Return the source of a sweep with its first value, last value and step."""
        values = sweep.sources[source]
        return " ".join([source, *map(number_text, (values.start, values.stop, values.step))])

    def frequencies(self, analysis: AC | Noise) -> str:
        """Return the kind and the number of the frequencies, the first and the last one."""
        return f"dec {analysis.points} {number_text(analysis.start)} {number_text(analysis.stop)}"

    def temperature(self, celsius: float) -> list[str]:
        """Lines that set the temperature of resistors [degrees Celsius]."""
        return [f".options temp={number_text(round(celsius, 9))}"]

    def measures(self, circuit: Circuit) -> list[str]:
        """Lines that report the currents of the measured sources."""
        raise NotImplementedError

    def extremes(self, circuit: Circuit, word: str) -> Iterator[str]:
        """Yield lines that report the largest and the smallest current of each measured source over time."""
        for source in circuit.measured:
            for kind in ("max", "min"):
                yield f"{word} tran {kind}_{source.lower()} {kind} i({source.lower()})"

    # Text.

    def safe(self, name: str) -> str:
        """Return the name of a parameter; a reserved name of the dialect gets a ``_`` at its end."""
        return f"{name}_" if name.lower() in self.taken else name

    def values(self, values: Mapping[str, float]) -> dict[str, str]:
        """Return parameters' names as the dialect takes them, and values as text."""
        return {self.safe(name): number_text(value) for name, value in values.items()}

    def comment(self, text: str) -> str:
        """One comment line with any text."""
        return f"* {one_line(text)}"

    def wrapped(self, items: Iterable[str]) -> list[str]:
        """Continuation lines that hold `items`."""
        return wrapped(items, "+ ")

    def _span(self, state: State, *, in_law: bool) -> tuple[str, str]:
        """Lower bound and span of a state as text; no span where the state runs from 0 to 1."""
        if (state.lower, state.upper) == (0.0, 1.0):
            return "0", ""

        def text(bound: float | str) -> str:
            if isinstance(bound, str):
                return self.reference(bound) if in_law else self.safe(bound)
            return self.expression(sympy.Float(bound), {}) if in_law else number_text(bound)

        low, high = text(state.lower), text(state.upper)
        return low, f"({high} - {low})"
