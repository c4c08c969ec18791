"""A device as a Verilog-A module.

A state is the charge on a node of 1 F, normalised to its span: ``ddt(y) = f(v, x) / (upper - lower)``. The laws see the
clipped state. Beyond a bound, a current proportional to the excess brings the node back at ``xsv_rate``, far faster
than anything else; where the law points outward the node rests just beyond the bound, and when the law turns inward
it returns at once, without a jump and without wind-up. In a static analysis the state is held at its start, so that a
transient begins there without initial conditions.

States that are held, for operating points alone, are parameters and have no nodes.

An internal unknown is the voltage of a node into which its residual flows. Outside the interval that encloses the root,
the node is led back to it instead, so that no iteration of a simulator evaluates the laws where they may overflow.

The current is an output variable, ``i_now``, which simulators show beside the voltages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import sympy

from devices import Device, DeviceModel, InputError, Parameter, ParameterSet, State
from devices.parameters import Unknown
from netlists.circuit import Subcircuit
from netlists.dialects.expressions import real_text, verilog_expression
from netlists.dialects.text import device_notes, one_line, package_version
from netlists.dialects.verilog_words import TAKEN

__all__ = ["CURRENT_VARIABLE", "internal_node", "verilog_name", "write_verilog_a"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_RATE = "xsv_rate"
#: The output variable that shows a device's current into its first terminal [A].
CURRENT_VARIABLE = "i_now"


def verilog_name(name: str) -> str:
    """Return the name of a parameter in Verilog-A: a reserved word gets a ``_`` at its end."""
    return f"{name}_" if name in TAKEN else name


def internal_node(state: str) -> str:
    """Return the name of the node that holds a state, from 0 to 1 V between its bounds."""
    return f"state_{state}"


def write_verilog_a(
    subject: Device | DeviceModel | Subcircuit,
    *,
    set: str | None = None,
    module: str | None = None,
    clamp_rate: float = 1e12,
) -> str:
    """Return a device as a Verilog-A module: the same text for the same device.

    Ports are the model's terminals and its controls. Parameters have their Python names; each state's name sets its
    start. All of them may be given for a single instance.

    Parameters
    ----------
    subject : Device, DeviceModel or Subcircuit
        The device. Its values are the defaults of the module; those of a parameter set for a model or a subcircuit.
    set : str, optional
        Parameter set of a model; its default set where not given.
    module : str, optional
        Name of the module; the model's where not given.
    clamp_rate : float, optional
        Default of the parameter ``xsv_rate`` [1/s]: how fast a state returns from beyond a bound; far above the
        inverse of the shortest time of interest.

    Returns
    -------
    str
        The module with its header, with a final line end. It includes the standard ``disciplines.vams`` and nothing
        else.

    Raises
    ------
    InputError
        For an ensemble, an unknown set, names that Verilog-A cannot tell apart, or a law outside the vocabulary.
    """
    model, given, values, changed = _values(subject, set)
    module = module or model.name
    te, be = model.terminals
    controls = [control.name for control in model.controls]
    inner = () if model.unknown is None else (model.unknown,)
    held = isinstance(subject, Subcircuit) and subject.held
    moving = () if held else model.states
    ports = [te, be, *controls]
    nodes = [internal_node(s.name) for s in moving] + [f"in_{u.name}" for u in inner]
    parameters = [verilog_name(q.name) for q in (*model.parameters, *model.states)]
    reals = ["v", *(f"{s.name}_share" for s in moving), *(f"{q.name}_now" for q in (*moving, *inner))]
    reals += [f"{u.name}_{end}" for u in inner for end in ("low", "high")]
    _check_names([module, *ports, *nodes, *parameters, *reals, CURRENT_VARIABLE, _RATE])

    names = {q.symbol: verilog_name(q.name) for q in model.parameters}
    names[model.voltage] = "v"
    names |= {control.symbol: f"V({control.name}, {be})" for control in model.controls}
    names |= {state.symbol: verilog_name(state.name) for state in model.states if held}
    names |= {q.symbol: f"{q.name}_now" for q in (*moving, *inner)}

    notes = [
        one_line(note)
        for note in (
            *device_notes(model, given),
            *([f"values that are not the set's: {changed}"] if changed else []),
            f"dialect Verilog-A; written by memductance {package_version()}",
        )
    ]
    clip = [line for state in moving for line in _clipped(state)]
    solve = [line for unknown in inner for line in _solved(unknown, names)]
    laws = [] if held else zip(model.states, model.rates, strict=True)
    move = [line for state, law in laws for line in _moved(state, law, names)]
    lines = [
        *(f"// {note}" for note in notes),
        '`include "disciplines.vams"',
        "",
        f"module {module}({', '.join(ports)});",
        f"    inout {', '.join(ports)};",
        f"    electrical {', '.join(ports)};",
        *(f"    electrical {node};" for node in nodes),
        *(_parameter(q.name, q.unit, q.meaning, values[q.name], _range(q)) for q in model.parameters),
        *(_parameter(q.name, q.unit, f"start of {q.meaning}", values[q.name], _between(q)) for q in model.states),
        *([_parameter(_RATE, "1/s", "return from beyond a bound", clamp_rate, "(0:inf)")] if moving else []),
        f'    (* units="A", desc="current from {te} to {be}" *) real {CURRENT_VARIABLE};',
        f"    real {', '.join(reals)};",
        "",
        "    analog begin",
        f"        v = V({te}, {be});",
        *(f"        {line}" for line in (*clip, *solve)),
        f"        {CURRENT_VARIABLE} = {_current(model, names)};",
        f"        I({te}, {be}) <+ {CURRENT_VARIABLE};",
        *(f"        {line}" for line in move),
        "    end",
        "endmodule",
        "",
    ]
    return "\n".join(lines)


def _values(
    subject: Device | DeviceModel | Subcircuit, name: str | None
) -> tuple[DeviceModel, ParameterSet, dict[str, float], str]:
    """Return model, set, values of parameters and starts, and a text of the values that differ from the set."""
    if isinstance(subject, Device | Subcircuit):
        model, given = subject.model, subject.parameter_set
        if name is not None:
            raise InputError(
                "set", repr(name), f"None for a {type(subject).__name__}, which has its set", "leave it out"
            )
    elif isinstance(subject, DeviceModel):
        model, given = subject, subject.parameter_set(name)
    else:
        raise InputError("subject", type(subject).__name__, "a Device, a DeviceModel or a Subcircuit")
    usual = {**given.values, **given.initial}
    if not isinstance(subject, Device):
        return model, given, usual, ""
    if subject.shape:
        raise InputError("subject", f"an ensemble of shape {subject.shape}", "one device", "one cell at a time")
    values = {name: float(value) for name, value in {**subject.parameters, **subject.initial}.items()}
    changed = ", ".join(f"{key} = {real_text(value)}" for key, value in values.items() if value != usual[key])
    return model, given, values, changed


def _check_names(written: list[str]) -> None:
    for name in written:
        if not _NAME.fullmatch(name) or name in TAKEN:
            raise InputError(
                "name", repr(name), "a letter, then letters, digits and _; no word of Verilog-A", "rename it"
            )
        if written.count(name) > 1:
            raise InputError("name", repr(name), "names that differ in Verilog-A", "rename it in the model")


def _parameter(name: str, unit: str, meaning: str, value: float, allowed: str) -> str:
    quoted = [one_line(text).replace("\\", "/").replace('"', "'") for text in (unit, meaning)]
    attributes = f'type="instance", units="{quoted[0]}", desc="{quoted[1]}"'
    bound = f" from {allowed}" if allowed else ""
    return f"    (* {attributes} *)\n    parameter real {verilog_name(name)} = {real_text(value)}{bound};"


def _range(parameter: Parameter) -> str:
    """Return the bounds of a parameter as Verilog-A has them; empty where there are none."""
    low, high = parameter.lower, parameter.upper
    if math.isinf(low) and math.isinf(high):
        return ""
    start = "(-inf" if math.isinf(low) else f"{'(' if parameter.open_lower else '['}{real_text(low)}"
    return f"{start}:{'inf)' if math.isinf(high) else f'{real_text(high)}]'}"


def _ends(state: State) -> tuple[str, str]:
    low, high = (verilog_name(b) if isinstance(b, str) else real_text(b) for b in (state.lower, state.upper))
    return low, high


def _between(state: State) -> str:
    low, high = _ends(state)
    return f"[{low}:{high}]"


def _span(state: State) -> tuple[str, str]:
    """Lower bound and span of a state as text; no span where the state runs from 0 to 1."""
    low, high = _ends(state)
    return (low, "") if (state.lower, state.upper) == (0.0, 1.0) else (low, f"({high} - {low})")


def _clipped(state: State) -> list[str]:
    """Lines that compute the position of a state between its bounds, and its present value."""
    low, span = _span(state)
    share = f"{state.name}_share"
    return [
        f"{share} = min(max(V({internal_node(state.name)}), 0.0), 1.0);",
        f"{state.name}_now = {f'{low} + {span}*{share}' if span else share};",
    ]


def _solved(unknown: Unknown, names: Mapping[sympy.Symbol, str]) -> list[str]:
    """Lines that solve for an internal unknown and compute its present value.

    Within its bracket that is the node's, with its slope too where the bracket closes, at 0 V. Laws go on beyond it as
    straight lines, so that an iteration that leaves it returns, also in a device that floats.
    """
    node, name = f"V(in_{unknown.name})", unknown.name
    first, second = (verilog_expression(end, names) for end in unknown.between)
    residual = verilog_expression(unknown.residual, names)
    slope = verilog_expression(sympy.diff(unknown.residual, unknown.symbol), names)
    return [
        f"{name}_low = min({first}, {second});",
        f"{name}_high = max({first}, {second});",
        f"{name}_now = {node};",
        f"if ({node} < {name}_low)",
        f"    {name}_now = {name}_low;",
        f"if ({node} > {name}_high)",
        f"    {name}_now = {name}_high;",
        f"I(in_{name}) <+ -({residual}) - ({slope})*({node} - {name}_now);",
    ]


def _current(model: DeviceModel, names: Mapping[sympy.Symbol, str]) -> str:
    """The current law; it goes on as a straight line where the internal unknown is beyond its bracket."""
    law = verilog_expression(model.current, names)
    if model.unknown is None or not (slope := sympy.diff(model.current, model.unknown.symbol)):
        return law
    beyond = f"(V(in_{model.unknown.name}) - {names[model.unknown.symbol]})"
    return f"{law} + ({verilog_expression(slope, names)})*{beyond}"


def _moved(state: State, law: sympy.Expr, names: Mapping[sympy.Symbol, str]) -> list[str]:
    """Lines of the rate of a state."""
    node, start = internal_node(state.name), verilog_name(state.name)
    low, span = _span(state)
    rate = verilog_expression(law, names)
    return [
        f"I({node}) <+ ddt(V({node}));",
        'if (analysis("static"))',
        f"    I({node}) <+ V({node}) - {f'({start} - {low})/{span}' if span else start};",
        "else",
        f"    I({node}) <+ {_RATE}*(V({node}) - {state.name}_share) - {f'({rate})/{span}' if span else f'({rate})'};",
    ]
