"""The statements of a subcircuit, translated for ngspice; R, C, L, V, I, X and starts are here."""

from __future__ import annotations

import re

from netlists.dialects.controlled import add_controlled, expression_after
from netlists.dialects.deck import Line, assignments, naming, split_words
from netlists.dialects.expressions import number_text
from netlists.dialects.models import add_diode, add_switch
from netlists.dialects.part import Part
from netlists.dialects.subcircuits import Scope

__all__ = ["add_statements"]

_READ = "R C L V I B D E F G H S W X"
_DEEPEST = 20  # instances in each other
_WAVES = r"(?:pulse|sin|sine|pwl|exp|sffm|am)\s*\(|(?:pulse|sin|sine|pwl|exp|sffm|am|ac|wavefile)\b"


def add_statements(part: Part) -> None:
    """Add all elements and starts of a part to its output.

    Raises
    ------
    InputError
        If a statement, or a part of one, is not understood; names the line and quotes it.
    """
    for line in part.definition.elements:
        add = {".": _add_directive, "x": _add_instance}.get(line.word[0], _add_element)
        with naming(line):
            add(part, line)


def _add_element(part: Part, line: Line) -> None:
    kind = line.word[0]
    if kind not in "rclvibdefghsw":
        raise line.refused(f"elements {kind.upper()} are not translated", f"elements {_READ}")
    words = line.rest.split(None, 2)
    if len(words) < 2 or (len(words) < 3 and kind not in "vi"):
        raise line.refused("too few words", f"{line.word} net net value")
    plus, minus, rest = (*words, "")[:3]
    for word in (line.word, plus, minus):
        if re.search(r"[(),={}'\"]", word):
            raise line.refused(f"{word!r} as a name")
    ends = part.net(plus), part.net(minus)
    if kind in "befgh":
        add_controlled(part, line, *ends, rest)
    elif kind == "d":
        add_diode(part, line, *ends, rest)
    elif kind in "sw":
        add_switch(part, line, *ends, rest)
    elif kind in "vi":
        _add_source(part, line, *ends, rest)
    elif kind == "r":
        _add_resistor(part, line, *ends, rest)
    else:
        _add_storage(part, line, *ends, rest)


def _add_source(part: Part, line: Line, plus: str, minus: str, rest: str) -> None:
    """Add a source of constant voltage or current."""
    text = re.sub(r"^dc\s*=?\s*", "", rest, flags=re.IGNORECASE).strip()
    if re.match(_WAVES, text, re.IGNORECASE):
        raise line.refused(f"{text!r}, a source that changes", "a DC value")
    words = split_words(line, text)
    if len(words) > 1:
        raise line.refused(f"{' '.join(words[1:])!r} after the value", "a DC value alone")
    value = part.number(text) if text else 0.0
    part.output.branch(part.key(line), part.name(line), plus, f"{minus} {number_text(value)}")


def _add_resistor(part: Part, line: Line, plus: str, minus: str, rest: str) -> None:
    """Add a resistor, whose resistance may be an expression of voltages and currents."""
    given = re.match(r"(?:r|value)\s*=\s*", rest, re.IGNORECASE)
    text = rest[given.end() :] if given else rest
    if re.match(r"['\"]", text) or given:
        text = expression_after(line, text)
    elif len(split_words(line, text)) != 1 or "=" in text:
        raise line.refused(f"{text!r} in place of one resistance", "R=value, or a value alone")
    law = part.law(text)
    if not law.is_number:
        if law.is_constant:
            raise line.refused(f"{text.strip()!r} is no finite number here")
        part.source(line, "I", plus, minus, part.formulas.make("/", part.voltage(plus, minus), law))
    elif law.value == 0:
        name = part.output.name("element", f"v{part.name(line)}")
        part.output.branch(part.key(line), name, plus, f"{minus} 0")
    else:
        part.output.branch(part.key(line), part.name(line), plus, f"{minus} {number_text(law.value)}")


def _add_storage(part: Part, line: Line, plus: str, minus: str, rest: str) -> None:
    """Add a capacitor or an inductor, with its start.

    One that starts with a voltage between two nets, or with a current, becomes a capacitor to ground that holds it as a
    state, and sources that couple it.
    """
    kind, output = line.word[0], part.output
    value = start = None
    for k, word in enumerate(split_words(line, rest)):
        name, sign, text = word.partition("=")
        if not sign and k == 0:
            value = word
        elif sign and name.lower() in (kind, "value") and value is None:
            value = text
        elif sign and name.lower() == "ic" and start is None:
            start = part.number(text)
        else:
            raise line.refused(f"{word!r}, which is not translated", f"{line.word} net net value IC=start")
    if value is None:
        raise line.refused("no value", f"{line.word} net net value")
    law = part.law(value)
    if not law.is_number:
        why = "is no finite number here" if law.is_constant else "is a value that depends on voltages"
        raise line.refused(f"{value!r} {why}", "a behavioural source B")
    size = number_text(law.value)
    output.capacitances.append(abs(law.value))
    if start is None:
        output.branch(part.key(line), part.name(line), plus, f"{minus} {size}")
    elif kind == "c" and "0" in (plus, minus):
        output.branch(part.key(line), part.name(line), plus, f"{minus} {size}")
        net, held = (plus, start) if minus == "0" else (minus, -start)
        output.start(net, held)
    else:
        net = part.new_net(f"state_{line.word}")
        source = output.name("element", f"b{part.name(line)}")
        output.branch(part.key(line), source, plus, f"{minus} {'V' if kind == 'c' else 'I'} = v({net})")
        rate = part.current(line.word) if kind == "c" else part.voltage(plus, minus)
        output.branch("", output.name("element", f"b{net}"), "0", f"{net} I = {rate.written()}")
        output.capacitor(net, law.value, start)


def _add_directive(part: Part, line: Line) -> None:
    if line.word == ".model" or (line.word == ".global" and set(line.rest.lower().split()) <= part.grounds):
        return
    if line.word == ".global":
        raise line.refused("a global net within a subcircuit", "the line beside the subcircuits")
    if line.word not in (".ic", ".nodeset"):
        raise line.refused("a statement that is not translated", "elements, .param, .func, .model, .ic")
    pairs = assignments(line, line.rest, "V(net)=value")
    if not pairs or any(one.name != "v" or one.arguments is None or len(one.arguments) != 1 for one in pairs):
        raise line.refused("not of V(net)=value alone", ".ic V(net)=value")
    for one in pairs:
        (word,) = one.arguments or ("",)
        value = part.number(one.value)
        if line.word == ".ic":
            part.output.start(part.connected(word), value)
        else:
            part.output.other(f"{line.word} v({part.connected(word)})={number_text(value)}")


def _add_instance(part: Part, line: Line) -> None:
    """Add all that is in a subcircuit, under the name of the instance."""
    words = split_words(line, line.rest)
    plain = [word.lower() for word in words if "=" not in word and word.lower() != "params:"]
    given = [assignments(line, word)[0] for word in words if "=" in word]
    if len(plain) < 2:
        raise line.refused("too few words", f"{line.word} net net ... subcircuit")
    *nets, name = plain
    for scope in part.scope.scopes:
        found = scope.definition.subcircuit(name)
        if found is not None:
            break
    else:
        raise line.refused(f"the subcircuit {name!r}, which is not in the text", "its .subckt beside this one")
    if len(found.ports) != len(nets):
        raise line.refused(f"{len(nets)} nets for the ports {' '.join(found.ports)}", "a net for each port")
    if part.prefix.count("/") >= _DEEPEST:
        raise line.refused(f"more than {_DEEPEST} subcircuits in each other, or one in itself")
    values = {one.name: part.number(one.value) for one in given}
    inner = Scope(found, part.scope.dialect, values, scope)
    other = sorted(set(values) - set(inner.parameters))
    if other:
        raise line.refused(f"{', '.join(other)}, no parameters of {name!r}", f"among {', '.join(inner.parameters)}")
    ports = dict(zip(found.ports, map(part.net, nets), strict=True))
    add_statements(Part(inner, part.output, ports, part.shared, f"{part.prefix}{line.word}/"))
