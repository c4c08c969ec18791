"""The neutral circuit as an ngspice netlist.

A state is the charge on a capacitor of 1 F, normalised to its span: ``dy/dt = f(v, x) / (upper - lower)`` is the
current into it. The laws see the clipped state. Beyond a bound, a current proportional to the excess brings the
node back at ``xsv_rate``, far faster than anything else; where the law points outward the node rests a hair
beyond the bound, and when the law turns inward it returns with it, without a jump and without wind-up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import sympy

from devices import InputError, State, Waveform
from devices.validation import choice, number
from netlists.circuit import Capacitor, Circuit, Element, Resistor, Subcircuit, Transient, VoltageSource
from netlists.dialects._expressions import expression, number_text
from netlists.dialects._text import device_notes, one_line, wrapped
from netlists.dialects._text import package_version as _version

__all__ = [
    "NgspiceOptions",
    "instance_current",
    "source_text",
    "subcircuit_values",
    "write_ngspice",
    "write_subcircuit",
]

#: Names that ngspice's parameter evaluator keeps for its own functions and constants.
_TAKEN = frozenset({
    "abs", "acos", "acosh", "agauss", "arctan", "asin", "asinh", "atan", "atanh", "aunif", "ceil", "cos", "cosh",
    "e", "exp", "floor", "gauss", "hertz", "int", "limit", "ln", "log", "log10", "max", "min", "nint", "pi", "pow",
    "pwl", "pwr", "sgn", "sin", "sinh", "sqr", "sqrt", "tan", "tanh", "temper", "ternary_fcn", "time", "unif",
})  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RATE_BY_DURATION = 1e8  # return from beyond a bound takes this fraction of the run


@dataclass(frozen=True, kw_only=True)
class NgspiceOptions:
    """Tolerances of ngspice; the defaults are for reference runs, far tighter than its own.

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
        Factor by which ngspice takes its own estimate of a step's error to be too large.
    gmin : float, optional
        Conductance that ngspice may add across junctions [S].
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
    def suited(cls, circuit: Circuit) -> NgspiceOptions:
        """Return the options that `netlists.crosscheck` takes for a circuit.

        The defaults; for transients of arrays with a `reltol` of 1e-9, and a `chgtol` of the charge of the smallest
        capacitor at 1 V.
        """
        if not isinstance(circuit.analysis, Transient) or len(circuit.elements) <= 2:
            return cls()
        smallest = min((e.capacitance for e in circuit.elements if isinstance(e, Capacitor)), default=1.0)
        return cls(reltol=1e-9, chgtol=smallest)

    def loosened(self, factor: float) -> NgspiceOptions:
        """Return these options with tolerances of Newton's iteration that are `factor` times as large.

        Where a line hangs on little but selectors, voltages are known to rounding divided by their conductance, and
        no iteration comes closer.
        """
        return replace(self, reltol=factor * self.reltol, abstol=factor * self.abstol, vntol=factor * self.vntol)

    def items(self) -> list[tuple[str, str]]:
        """Return names and values as text, in a fixed order."""
        names = ("reltol", "abstol", "vntol", "chgtol", "trtol", "gmin")
        return [*((name, number_text(getattr(self, name))) for name in names), ("method", self.method)]


def write_ngspice(circuit: Circuit, options: NgspiceOptions | None = None) -> str:
    """Return `circuit` as an ngspice netlist: the same text for the same circuit.

    Parameters
    ----------
    circuit : Circuit
        As made by `device_circuit` or `crossbar_circuit`.
    options : NgspiceOptions, optional
        Tolerances.

    Returns
    -------
    str
        The netlist, ending with ``.end`` and a line end. Run it with ``ngspice -b -r out.raw``.

    Raises
    ------
    InputError
        If a model's name cannot be a subcircuit's, or a law is outside the vocabulary.
    """
    lines = [_comment(circuit.title), _comment(f"dialect ngspice; written by memductance {_version()}")]
    lines += [_comment(f"net {gone} is net {kept}") for gone, kept in circuit.merged.items()]
    for definition in circuit.subcircuits:
        lines += write_subcircuit(definition, clamp_rate(circuit)).splitlines()
    lines += [_element(e) for e in circuit.elements]
    if circuit.observed:
        lines += [".save all", *_wrapped(map(instance_current, circuit.observed))]
    lines += [f".options {name}={value}" for name, value in (options or NgspiceOptions()).items()]
    if isinstance(circuit.analysis, Transient):
        step, stop = number_text(circuit.analysis.step), number_text(circuit.analysis.duration)
        lines.append(f".tran {step} {stop} 0 {step}")
    else:
        lines.append(".op")
    return "\n".join([*lines, ".end", ""])


def clamp_rate(circuit: Circuit) -> float:
    """Return the rate of return from beyond a state's bound that suits the circuit's time scale [1/s]."""
    return _RATE_BY_DURATION / circuit.analysis.duration if isinstance(circuit.analysis, Transient) else 1e12


def write_subcircuit(definition: Subcircuit, clamp_rate: float = 1e12) -> str:
    """Return a device as a subcircuit, with its source, parameter set and equations as comments.

    Terminals are the model's, its controls, then one output for each state: its position between its bounds, 0 to 1 V,
    buffered, so that it may be probed or loaded. Parameters have their Python names; each state's name sets
    its start. The subcircuit is for transients: they start from ``.ic``, without ``uic``. With states that are held,
    it is for operating points, and has neither state nodes nor outputs.

    Parameters
    ----------
    definition : Subcircuit
        Model and default values.
    clamp_rate : float, optional
        Default of the parameter ``xsv_rate`` [1/s]: how fast a state returns from beyond a bound; far above the
        inverse of the shortest time of interest.

    Returns
    -------
    str
        Lines from the first comment to ``.ends``, with a final line end.

    Raises
    ------
    InputError
        If the model's name cannot be a subcircuit's, or a law is outside the vocabulary.
    """
    model, given = definition.model, definition.parameter_set
    te, be = model.terminals
    controls = [control.name for control in model.controls]
    for name in (model.name, te, be, *controls):
        if not _NAME.fullmatch(name):
            raise InputError("name", repr(name), "a letter, then letters, digits and _", "rename it in the model")
    inner = () if model.unknown is None else (model.unknown,)
    written = [_safe(q.name).lower() for q in (*model.parameters, *model.states, *inner)] + ["xsv_rate"]
    for name in written:
        if written.count(name) > 1:
            raise InputError("name", repr(name), "names that differ in ngspice", "rename it in the model")
    names = {q.symbol: f"{{{_safe(q.name)}}}" for q in model.parameters}
    names[model.voltage] = f"v({te},{be})"
    names |= {control.symbol: f"v({control.name},{be})" for control in model.controls}
    if definition.held:
        names |= {state.symbol: f"{{{_safe(state.name)}}}" for state in model.states}
    moving = [] if definition.held else list(zip(model.states, definition.probes, model.written.rates, strict=True))
    for state, probe, _ in moving:
        low, span = _span(state, braces=True)
        names[state.symbol] = f"({low} + {span}*v({probe}))" if span else f"v({probe})"
    names |= {unknown.symbol: f"v(in_{unknown.name})" for unknown in inner}
    body, fast = [], {model.voltage, *(q.symbol for q in (*model.controls, *inner))}
    for part in model.parts:
        text, node = expression(part.law, names), f"part_{part.letter.name}"
        names[part.letter] = f"({text})"
        if fast & part.law.free_symbols:  # a node of its own, 0 at first
            fast.add(part.letter)
            names[part.letter] = f"v({node})"
            body.append(f"B{node} {node} 0 V = {text}")
    body += [f"Bi {te} {be} I = {expression(model.written.current, names)}"]
    body += [f"Bin_{u.name} 0 in_{u.name} I = {expression(model.written.residual, names)}" for u in inner]
    for state, probe, law in moving:
        node = probe.replace("xsv", "state", 1)
        _, span = _span(state, braces=True)
        rate = expression(law, names)
        low, bare_span = _span(state, braces=False)
        start = f"({_safe(state.name)} - {low})/{bare_span}" if bare_span else _safe(state.name)
        body += [
            f"B{node} 0 {node} I = {f'({rate})/{span}' if span else rate} + {{xsv_rate}}*(v({probe}) - v({node}))",
            f"C{node} {node} 0 1",
            f"B{probe} {probe} 0 V = min(max(v({node}),0),1)",
            f".ic v({node})={{{start}}}",
        ]
    values = [f"{n}={v}" for n, v in subcircuit_values({**given.values, **given.initial}).items()]
    notes = device_notes(model, given)
    notes += [f"{_safe(q.name)} [{q.unit}]: {q.meaning}" for q in model.parameters]
    notes += [f"{_safe(q.name)} [{q.unit}]: start of the state, {q.meaning}" for q in model.states]
    if moving:
        values.append(f"xsv_rate={number_text(clamp_rate)}")
        notes.append("xsv_rate [1/s]: return from beyond a bound, far above 1 / (shortest time of interest)")
        notes.append(f"{', '.join(definition.probes)} [V]: output, position of the state between its bounds, 0 to 1")
    lines = [
        *map(_comment, notes),
        f".subckt {' '.join([model.name, te, be, *controls, *definition.probes])} PARAMS:",
        *_wrapped(values),
        *body,
        f".ends {model.name}",
    ]
    return "\n".join([*lines, ""])


def subcircuit_values(values: Mapping[str, float]) -> dict[str, str]:
    """Return parameter names as ngspice takes them, and values as text.

    A name that ngspice keeps for a function of its own gets a ``_`` at its end.
    """
    return {_safe(name): number_text(value) for name, value in values.items()}


def instance_current(name: str) -> str:
    """Return what ngspice calls the current into the first terminal of a device of ours."""
    return f"@b.{name.lower()}.bi[i]"


def source_text(value: float | Waveform) -> str:
    """Return the value of a voltage source: a constant, a ``SIN`` or a ``PWL``.

    Raises
    ------
    InputError
        If the waveform has more than one segment and one of them is no straight line.
    """
    if not isinstance(value, Waveform):
        return f"DC {number_text(value)}"
    rows = value.segments
    if len(rows) == 1 and rows[0, 2] == 0.0 and rows[0, 3] != 0.0:
        _, offset, _, amplitude, omega, phase = rows[0]
        numbers = (offset, amplitude, omega / (2 * math.pi), 0.0, 0.0, math.degrees(phase))
        return f"SIN({' '.join(map(number_text, numbers))})"
    if rows[:, 3].any():
        raise InputError("waveform", type(value).__name__, "one sine, or straight lines", "Samples(time, voltage)")
    time = value.corners
    voltage = np.append(rows[:, 1], value.at(value.duration))
    pairs = [f"{number_text(t)} {number_text(v)}" for t, v in zip(time, voltage, strict=True)]
    return "\n".join(["PWL(", *_wrapped(pairs), "+ )"])


def _element(element: Element) -> str:
    if isinstance(element, Resistor):
        return f"{element.name} {element.plus} {element.minus} {number_text(element.resistance)}"
    if isinstance(element, Capacitor):
        return f"{element.name} {element.plus} {element.minus} {number_text(element.capacitance)}"
    if isinstance(element, VoltageSource):
        return f"{element.name} {element.plus} {element.minus} {source_text(element.value)}"
    values = [f"{name}={value}" for name, value in subcircuit_values(element.values).items()]
    return "\n".join([f"{element.name} {' '.join(element.nets)} {element.subcircuit}", *_wrapped(values)])


def _span(state: State, *, braces: bool) -> tuple[str, str]:
    """Lower bound and span of a state as text; no span where the state runs from 0 to 1."""
    if (state.lower, state.upper) == (0.0, 1.0):
        return "0", ""

    def text(bound: float | str) -> str:
        if not isinstance(bound, str):
            return expression(sympy.Float(bound), {}) if braces else number_text(bound)
        return f"{{{_safe(bound)}}}" if braces else _safe(bound)

    low, high = text(state.lower), text(state.upper)
    return low, f"({high} - {low})"


def _safe(name: str) -> str:
    return f"{name}_" if name.lower() in _TAKEN else name


def _comment(text: str) -> str:
    """One comment line, whatever the text holds."""
    return f"* {one_line(text)}"


def _wrapped(items: Iterable[str]) -> list[str]:
    """Continuation lines that hold `items`."""
    return wrapped(items, "+ ")
