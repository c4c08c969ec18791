"""Elements with a ``.model``: diodes D, and switches S and W that a voltage or a current closes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from netlists.dialects.deck import Line, assignments, naming, split_words
from netlists.dialects.expressions import number_text
from netlists.dialects.formula import Formula
from netlists.dialects.part import Part

__all__ = ["add_diode", "add_switch"]

_DIODE = {
    "is", "rs", "n", "tt", "cjo", "cj0", "vj", "m", "eg", "xti", "fc", "bv", "ibv", "tnom", "kf", "af", "level",
}  # fmt: skip
_IDEAL_DIODE = {"ron", "roff", "vfwd", "vrev", "rrev"}


def add_diode(part: Part, line: Line, plus: str, minus: str, rest: str) -> None:
    """Add a diode of SPICE's model, or LTspice's of straight lines.

    Raises
    ------
    InputError
        If it has parameters of another model; names them.
    """
    words = split_words(line, rest)
    area = [word for word in words[1:] if re.fullmatch(r"area=.*|[\d.].*", word, re.IGNORECASE)]
    if not words or len(words) - 1 != len(area) or len(area) > 1:
        raise line.refused(f"{rest!r} in place of a model and an area", "the name of a .model")
    model, kind, values = _model(part, line, words[0], ("d",))
    scale = part.number(area[0].split("=")[-1]) if area else 1.0
    if set(values) & _IDEAL_DIODE and part.scope.dialect == "ltspice":
        _check(model, values, _IDEAL_DIODE)
        law = part.formulas.make("*", part.formulas.number(scale), _straight(part, part.voltage(plus, minus), values))
        part.source(line, "I", plus, minus, law)
        return
    _check(model, values, _DIODE)
    if values.get("level", 1.0) != 1.0:
        raise model.refused("a diode of another level than 1", "level=1")
    name = part.output.name("element", f"m_{part.key(line)}")
    shown = " ".join(f"{key}={number_text(value)}" for key, value in values.items() if key != "level")
    part.output.other(f".model {name} {kind}({shown})")
    part.output.branch(part.key(line), part.name(line), plus, f"{minus} {name} area={number_text(scale)}")


def _straight(part: Part, v: Formula, values: Mapping[str, float]) -> Formula:
    """Return the current of LTspice's diode of straight lines: ``roff`` below ``vfwd``, ``ron`` above."""
    f = part.formulas
    ron, roff, forward = values.get("ron", 1.0), values.get("roff", 1e12), values.get("vfwd", 0.0)

    def line(resistance: float, bend: float) -> Formula:
        above = f.make("/", f.make("-", v, f.number(bend)), f.number(resistance))
        return f.make("+", above, f.number(bend / roff))

    law = f.make("?", f.make(">", v, f.number(forward)), line(ron, forward), f.make("/", v, f.number(roff)))
    if "vrev" in values:
        back = -values["vrev"]
        law = f.make("?", f.make("<", v, f.number(back)), line(values.get("rrev", ron), back), law)
    return law


def add_switch(part: Part, line: Line, plus: str, minus: str, rest: str) -> None:
    """Add a switch: SPICE's with a hysteresis, or PSpice's whose resistance changes smoothly.

    Raises
    ------
    InputError
        If it has parameters of another model; names them.
    """
    words, letter = split_words(line, rest), line.word[0]
    f = part.formulas
    if letter == "s":
        if words and words[0].startswith("("):
            words = [*split_words(line, words[0][1:-1]), *words[1:]]
        if len(words) not in (3, 4):
            raise line.refused(f"{rest!r} in place of two nets and a model", "the name of a .model")
        nets = [part.connected(word) for word in words[:2]]
        control, words = part.voltage(*nets), words[2:]
        own, smooth = {"vt", "vh", "ron", "roff"}, {"von", "voff", "ron", "roff"}
        on, off, kind = "von", "voff", "sw"
        shown = " ".join(nets)
    else:
        if len(words) not in (2, 3) or words[0].lower() not in part.elements:
            raise line.refused(f"{rest!r} in place of a source and a model", "an element here and a .model")
        control, shown = part.current(words[0].lower()), ""
        words = words[1:]
        own, smooth = {"it", "ih", "ron", "roff"}, {"ion", "ioff", "ron", "roff"}
        on, off, kind = "ion", "ioff", "csw"
        shown = control.text[2:-1]
    state = words[1].lower() if len(words) > 1 else ""
    if state not in ("", "on", "off"):
        raise line.refused(f"{state!r} after the model", "ON or OFF")
    kinds = ("sw", "vswitch") if letter == "s" else ("csw", "iswitch")
    model, _, values = _model(part, line, words[0], kinds)
    if on in values or off in values:
        _check(model, values, smooth)
        high, low = values.get(on, 1.0 if letter == "s" else 1e-3), values.get(off, 0.0)
        law = _smooth(part, model, control, (high, low), values.get("ron", 1.0), values.get("roff", 1e6))
        part.source(line, "I", plus, minus, f.make("/", part.voltage(plus, minus), law))
        return
    _check(model, values, own)
    if min(values.get("vh", 0.0), values.get("ih", 0.0)) < 0:
        raise model.refused(
            "a negative hysteresis, a smooth switch whose law is not documented", "VSWITCH with Von, Voff"
        )
    name = part.output.name("element", f"m_{part.key(line)}")
    defaults = {"ron": 1.0, "roff": 1e12 if part.scope.dialect in ("ngspice", "ltspice") else 1e6}
    texts = " ".join(f"{key}={number_text(value)}" for key, value in {**defaults, **values}.items())
    part.output.other(f".model {name} {kind}({texts})")
    part.output.branch(part.key(line), part.name(line), plus, f"{minus} {shown} {name} {state or 'off'}")


def _smooth(part: Part, model: Line, control: Formula, ends: tuple[float, float], r_on: float, r_off: float) -> Formula:
    """Return the resistance of PSpice's switch: a cubic of the control in its logarithm between on and off.

    With the middle Lm of the logarithms, Lr = ln(r_on/r_off), and the control c from the middle of its span d:
    R = exp(Lm + 3 Lr c / (2 d) - 2 Lr c^3 / d^3) (PSpice Reference Guide, voltage-controlled switch).
    """
    f, (high, low) = part.formulas, ends
    if high == low or r_on <= 0 or r_off <= 0:
        raise model.refused("a switch without a span, or without a resistance", "Von and Voff that differ")
    span, middle = high - low, (high + low) / 2
    share = f.make("/", f.make("-", control, f.number(middle)), f.number(span))
    held = f.make("max", f.number(-0.5), f.make("min", f.number(0.5), share))
    ratio = math.log(r_on / r_off)
    cube = f.make("*", held, f.make("pow", held, f.number(2)))
    bend = f.make("-", f.make("*", f.number(1.5 * ratio), held), f.make("*", f.number(2 * ratio), cube))
    return f.make("exp", f.make("+", f.number(math.log(math.sqrt(r_on * r_off))), bend))


def _model(part: Part, line: Line, name: str, kinds: tuple[str, ...]) -> tuple[Line, str, dict[str, float]]:
    """Return the line of a model, its kind, and its parameters."""
    for scope in part.scope.scopes:
        found = scope.definition.models.get(name.lower())
        if found is not None:
            break
    else:
        raise line.refused(f"the model {name!r}, which is not in the text", "its .model line beside the subcircuit")
    shape = re.fullmatch(r"\S+\s+(\w+)\s*(?:\((.*)\)|(.*))", found.rest)
    if shape is None or shape.group(1).lower() not in kinds:
        raise found.refused(f"no model of {' or '.join(kinds).upper()}")
    text = shape.group(2) if shape.group(2) is not None else shape.group(3)
    given = assignments(found, text, "the parameters of the model")
    with naming(found):
        return found, shape.group(1).lower(), {one.name: part.number(one.value) for one in given}


def _check(model: Line, values: Mapping[str, float], known: set[str]) -> None:
    other = [name for name in values if name not in known]
    if other:
        raise model.refused(f"the parameters {', '.join(other)}, which are not translated", ", ".join(sorted(known)))
