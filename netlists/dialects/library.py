"""Subcircuits of ``.lib`` and ``.sub`` files in the dialects of LTspice, PSpice and ngspice, written for ngspice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sympy

from devices.common.errors import InputError
from netlists.dialects.expressions import expression, number_text
from netlists.dialects.foreign import ExpressionReader, constant, probe_symbol

__all__ = ["Library", "read_library"]

_NET = re.compile(r"[\w+.#-]+")
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\s*=\s*(\{[^{}]*\}|'[^']*'|[^\s={}']+)")
_VALUE = re.compile(r"(?:value\s*=?|[vi]\s*=)\s*(?:\{(.*)\}|'(.*)'|(.+))\s*$", re.IGNORECASE)
_TABLE = re.compile(r"table\s*(?:\{(.*?)\}|'(.*?)')\s*=?\s*(.*)$", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """A statement with its continuation lines joined, and the number of its first line."""

    number: int
    text: str

    def refused(self, why: str, fix: str = "") -> InputError:
        """Return the error that names this line."""
        return InputError(
            "source", f"line {self.number}, {self.text[:80]!r}: {why}", "statements that can be translated", fix
        )


@dataclass(frozen=True, kw_only=True)
class Library:
    """One subcircuit of a text.

    Parameters
    ----------
    name, dialect, source : str
        Name of the subcircuit, its dialect, and its source.
    ports : tuple of str
        Ports in lower case.
    parameters : mapping of str to str
        Parameters, those of ``.param`` lines too, with their defaults as text.
    statements : tuple of Line
        Statements of the subcircuit.
    definitions : tuple of Line
        The ``.param`` lines of the text around it, which come first, and its own.
    functions : mapping of str to (sequence of str, str)
        Each ``.func``: arguments and text.
    """

    name: str
    dialect: str
    source: str
    ports: tuple[str, ...]
    parameters: Mapping[str, str]
    statements: tuple[Line, ...]
    definitions: tuple[Line, ...]
    functions: Mapping[str, tuple[Sequence[str], str]]

    @property
    def nets(self) -> list[str]:
        """All nets, ports first."""
        inner = [net for line in self.statements if line.text[0] != "." for net in line.text.lower().split()[1:3]]
        return list(dict.fromkeys([*self.ports, *inner]))

    def values(self, given: Mapping[str, float]) -> dict[str, float]:
        """Return all parameters as numbers, with some of them given.

        Raises
        ------
        InputError
            If one cannot be computed; names the line.
        """
        values = dict(given)
        for line in self.definitions:
            for name, text in _assignments(line):
                if name not in given:
                    values[name] = self._number(text, values, line)
        return values

    def _number(self, text: str, values: Mapping[str, float], line: Line) -> float:
        return _real(self._read(text, values, line), text, line)

    def _read(self, text: str, values: Mapping[str, float], line: Line) -> Any:
        names = {name: constant(value) for name, value in values.items()}
        try:
            return ExpressionReader(self.dialect, names, self.functions).read(_bare(text))
        except InputError as error:
            raise line.refused(str(error.given), error.fix) from None

    def smallest_capacitance(self, given: Mapping[str, float]) -> float:
        """Return the smallest capacitance [F]; 1 where there is none."""
        values = self.values(given)
        found = [
            self._number(re.split(r"\s+ic\s*=", _fields(line)[3], flags=re.IGNORECASE)[0], values, line)
            for line in self.statements
            if line.text[0] in "cC"
        ]
        return min(found, default=1.0)

    def written(self, given: Mapping[str, float], extra_ports: Sequence[str]) -> list[str]:
        """Return the lines of a subcircuit for ngspice, with all parameters as numbers.

        Parameters
        ----------
        given : mapping of str to float
            Parameters that are not the defaults.
        extra_ports : sequence of str
            Inner nets that become ports after the others.

        Raises
        ------
        InputError
            If a statement cannot be translated; names the line.
        """
        values = self.values(given)
        body = [text for line in self.statements for text in self._statement(line, values)]
        return [f".subckt {self.name} {' '.join((*self.ports, *extra_ports))}", *body, f".ends {self.name}"]

    def _statement(self, line: Line, values: Mapping[str, float]) -> Iterator[str]:
        kind = line.text[0].lower()
        if kind == ".":
            yield from self._initial(line, values)
            return
        if kind not in "rclvibeg":
            raise line.refused(f"elements {kind.upper()} are not translated", "R C L V I B, or E and G with VALUE")
        name, plus, minus, rest = _fields(line)
        if kind in "eg" and len(rest.split()) == 3 and _NET.fullmatch(rest.split()[0]) and "=" not in rest:
            high, low, gain = rest.split()
            rest = f"value={{({_bare(gain)})*V({high},{low})}}"
        if kind in "beg":
            held = "V" if kind == "e" or (kind == "b" and rest[0] in "vV") else "I"
            yield f"B{name} {plus} {minus} {held} = {self._law(line, rest, values)}"
            return
        plain, start = rest, None
        found = re.search(r"\s+ic\s*=\s*(\{[^{}]*\}|\S+)\s*$", rest, re.IGNORECASE)
        if found and kind == "c":
            plain, start = rest[: found.start()], found.group(1)
        plain = re.sub(r"^dc\s+", "", plain, flags=re.IGNORECASE).strip()
        law = self._read(re.sub(r"^(?:r|value)\s*=\s*", "", plain, flags=re.IGNORECASE), values, line)
        if law.free_symbols and kind != "r":
            raise line.refused("a value that depends on voltages", "a behavioural source B")
        if law.free_symbols:
            yield f"B{name} {plus} {minus} I = v({plus},{minus})/({_printed(law)})"
            return
        yield f"{name} {plus} {minus} {number_text(_real(law, plain, line))}"
        if start is not None:
            if minus != "0":
                raise line.refused("an IC between two nets", "a capacitor to ground")
            yield f".ic v({plus})={number_text(self._number(start, values, line))}"

    def _law(self, line: Line, rest: str, values: Mapping[str, float]) -> str:
        table, value = _TABLE.match(rest), _VALUE.match(rest)
        if table:
            points = re.findall(r"\(\s*([^(),]+?)\s*,\s*([^(),]+?)\s*\)", table.group(3))
            flat = ", ".join(_bare(x) for pair in points for x in pair)
            text = f"table({table.group(1) or table.group(2)}, {flat})"
        elif value:
            text = next(g for g in value.groups() if g is not None)
        else:
            raise line.refused("no VALUE, TABLE, V= or I=")
        if re.search(r"\b(?:rpar|cpar|tripdv|tripdt|laplace|freq)\b", rest, re.IGNORECASE):
            raise line.refused("an option of the dialect's own")
        law = self._read(text, values, line)
        sources = {other.text.split()[0].lower() for other in self.statements if other.text[0] in "vV"}
        for symbol in law.free_symbols:
            if symbol.name.startswith("i(") and symbol.name[2:-1] not in sources:
                raise line.refused(f"{symbol.name} of something that is no V source")
        return _printed(law)

    def _initial(self, line: Line, values: Mapping[str, float]) -> Iterator[str]:
        if not line.text.lower().startswith(".ic"):
            raise line.refused("a statement that is not translated")
        pair = re.compile(r"(v\s*\([^()]*\))\s*=\s*(\{[^{}]*\}|\S+)", re.IGNORECASE)
        if pair.sub("", line.text[3:]).strip() or not pair.search(line.text):
            raise line.refused("not of V(net)=value alone")
        for net, value in pair.findall(line.text):
            yield f".ic {probe_symbol(net).name}={number_text(self._number(value, values, line))}"


def _real(value: Any, text: str, line: Line) -> float:
    """Return the value of an expression as a float."""
    if value.free_symbols or not value.is_finite or not value.is_real:
        raise line.refused(f"{text.strip()!r} is no finite number here")
    return float(value)


def read_library(text: str, name: str, *, dialect: str, source: str) -> Library:
    """Return a subcircuit of a text.

    Raises
    ------
    InputError
        If there is no such subcircuit, or its text is broken.
    """
    outside: list[Line] = []
    inside: list[Line] = []
    head: Line | None = None
    depth = 0
    seen: list[str] = []
    for line in _lines(text, dialect):
        words = line.text.lower().split()
        if words[0] == ".subckt":
            if depth and head is not None:
                raise line.refused("a subcircuit within a subcircuit")
            depth += 1
            seen.append(words[1] if len(words) > 1 else "")
            if seen[-1] == name.lower():
                head = line
        elif words[0] == ".ends":
            depth -= 1
            if head is not None:
                break
        elif head is not None:
            inside.append(line)
        elif not depth and words[0] in (".param", ".func"):
            outside.append(line)
    if head is None:
        raise InputError("name", repr(name), f"a subcircuit of {source}: {', '.join(seen) or 'there is none'}")
    if depth:
        raise head.refused("no .ends")
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise InputError("name", repr(name), "a letter, then letters, digits and _")
    plain = re.sub(r"\s*\bparams:", " ", head.text, flags=re.IGNORECASE)
    first = _ASSIGNMENT.search(plain)
    ports = tuple((plain[: first.start()] if first else plain).lower().split()[2:])
    bad = [port for port in ports if not _NET.fullmatch(port)]
    if len(ports) < 2 or bad:
        raise head.refused(f"ports {' '.join(ports)}")
    own = Line(head.number, f".param {plain[first.start() :]}") if first else None
    lines = [*outside, *([own] if own else []), *inside]
    definitions = tuple(line for line in lines if line.text.lower().startswith(".param"))
    functions = dict(_function(line) for line in (*outside, *inside) if line.text.lower().startswith(".func"))
    return Library(
        name=name.lower(),
        dialect=dialect,
        source=source,
        ports=ports,
        parameters=MappingProxyType({name: value for line in definitions for name, value in _assignments(line)}),
        statements=tuple(line for line in inside if not line.text.lower().startswith((".param", ".func"))),
        definitions=definitions,
        functions=MappingProxyType(functions),
    )


def _lines(text: str, dialect: str) -> Iterator[Line]:
    """Yield statements without comments, with continuation lines joined."""
    number, joined = 0, ""
    for k, raw in enumerate([*text.splitlines(), "*"], start=1):
        line = re.sub(r"\s\$.*" if dialect == "ngspice" else r";.*", "", raw).strip()
        if dialect == "ngspice":
            line = re.sub(r";.*", "", line).strip()
        if line.startswith("+"):
            joined += f" {line[1:]}"
            continue
        if raw.lstrip().startswith("*") and k <= len(text.splitlines()):
            continue
        if joined:
            yield Line(number, " ".join(joined.split()))
        number, joined = k, "" if line.startswith("*") else line


def _fields(line: Line) -> tuple[str, str, str, str]:
    """Return the name, the two nets and the rest of an element."""
    parts = line.text.split(None, 3)
    if len(parts) < 4:
        raise line.refused("too few words")
    name, plus, minus, tail = parts
    for word in (name, plus, minus):
        if not _NET.fullmatch(word):
            raise line.refused(f"{word!r} as a name")
    return name.lower(), plus.lower(), minus.lower(), tail


def _assignments(line: Line) -> list[tuple[str, str]]:
    """Return names and texts of a ``.param`` line."""
    rest = _ASSIGNMENT.sub("", line.text).split(None, 1)
    if len(rest) > 1 and rest[1].strip(" ,"):
        raise line.refused(f"{rest[1].strip()!r} beside the assignments", "braces around an expression")
    return [(name.lower(), value) for name, value in _ASSIGNMENT.findall(line.text)]


def _printed(law: Any) -> str:
    """Return a law for ngspice; ``floor``, which laws of our own do not have, by a name of its text."""

    def plain(e: Any) -> str:
        return expression(e, {s: s.name for s in e.free_symbols})

    return plain(law.replace(sympy.floor, lambda e: sympy.Symbol(f"floor({plain(e)})", real=True)))


def _bare(text: str) -> str:
    """Return an expression without the braces or quotes around it."""
    text = text.strip()
    return text[1:-1] if text[:1] + text[-1:] in ("{}", "''") else text


def _function(line: Line) -> tuple[str, tuple[Sequence[str], str]]:
    found = re.fullmatch(r"\.func\s+([A-Za-z_]\w*)\s*\(([^()]*)\)\s*=?\s*(.+)", line.text, re.IGNORECASE)
    if found is None:
        raise line.refused("no .func name(arguments) {expression}")
    name, arguments, body = found.groups()
    names = [a.strip().lower() for a in arguments.split(",") if a.strip()]
    return name.lower(), (names, _bare(body))
