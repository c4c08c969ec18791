"""`Parser`: an expression of a foreign text, read token by token into a formula."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from devices.common.errors import InputError
from netlists.dialects.formula import Formula
from netlists.dialects.functions import remainder, truncated

if TYPE_CHECKING:
    from netlists.dialects.foreign import ExpressionReader

__all__ = ["Parser", "has_probe", "identifiers"]

_SCALES = {
    "t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "mil": 25.4e-6, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9,
    "p": 1e-12, "f": 1e-15,
}  # fmt: skip
_MORE_SCALES = {"hspice": {"x": 1e6, "a": 1e-18}, "xyce": {"x": 1e6}}
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_NET = r"\s*[^\s(),={}'\"]+\s*"
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>{_NUMBER})(?P<unit>[A-Za-zµμΩΩ]*)|(?P<probe>\b[VI]\s*\({_NET}(?:,{_NET})?\))"
    r"|(?P<name>[A-Za-z_][\w.]*)|(?P<sign>\*\*|&&|\|\||==|!=|<>|<=|>=|[-+*/%\\^(){},<>!~&|?:'\"]))",
    re.IGNORECASE,
)
_PROBE = re.compile(rf"\b[VI]\s*\({_NET}(?:,{_NET})?\)", re.IGNORECASE)
_CLOSING = {"(": ")", "{": "}", "'": "'", '"': '"'}
_DEEPEST = 100  # brackets and functions in each other
_INTEGRALS = ("sdt", "idt", "integral")
_MEMORY = {
    "ddt", "idtmod", "delay", "absdelay", "rand", "random", "white", "gauss", "agauss", "unif", "aunif", "mc", "flat",
}  # fmt: skip


def has_probe(text: str) -> bool:
    """Return whether voltages or currents stand in a text."""
    return _PROBE.search(text) is not None


def identifiers(text: str) -> set[str]:
    """Return the names in a text, in lower case."""
    return {name.lower() for name in re.findall(r"(?<![\w.])[A-Za-z_]\w*", text)}


class Parser:
    """Reads one expression, by the meaning of a reader's dialect."""

    def __init__(self, reader: ExpressionReader, text: str) -> None:
        self.reader, self.f, self.meaning, self.text = reader, reader.formulas, reader.meaning, text
        self.tokens: list[re.Match[str]] = []
        place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if found is None:
                raise self.refused(repr(text[place:].strip()[:20]))
            self.tokens.append(found)
            place = found.end()
        self.k, self.depth = 0, reader.depth

    def refused(self, what: str, fix: str = "") -> InputError:
        """Return the error that names a part of the text."""
        text = self.text.strip()
        shown = text if len(text) <= 100 else f"{text[:97]}..."
        return InputError("expression", f"{what} in {shown!r}", "expressions that can be translated", fix)

    @property
    def sign(self) -> str | None:
        """The present token as text; None at the end."""
        return self.tokens[self.k].group().strip() if self.k < len(self.tokens) else None

    def _take(self, *signs: str) -> str | None:
        if (sign := self.sign) in signs:
            self.k += 1
            return sign
        return None

    def _expect(self, sign: str) -> None:
        if self._take(sign) is None:
            if sign == ")" and self.sign is None and self.reader.may_end_open:
                return
            raise self.refused(f"{self.sign or 'the end'!r} where {sign!r} belongs")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.refused(f"more than {_DEEPEST} brackets or functions in each other")

    def choice(self, first: bool = True) -> Formula:
        """Read ``condition ? value : condition ? value : value``, `first` after a bracket or comma."""
        self._deeper()
        chosen: list[tuple[Formula, Formula]] = []
        found = self._binary(first)
        while self._take("?") is not None:
            start = self.k
            chosen.append((self.meaning.truth(self.f, found), self.choice(first=False)))
            if self.meaning.tight_minus and self._is_nested(start):
                raise self.refused(
                    "a choice between ? and :, which ngspice reads otherwise here,", "brackets around it"
                )
            self._expect(":")
            found = self._binary(first=False)
        for condition, value in reversed(chosen):
            found = self.f.make("?", condition, value, found)
        self.depth -= 1
        return found

    def _is_nested(self, start: int) -> bool:
        """Return whether a ``?`` outside brackets stands between a place and the present one."""
        depth = 0
        for token in self.tokens[start : self.k]:
            depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(token.group().strip(), 0)
            if depth == 0 and token.group().strip() == "?":
                return True
        return False

    def _binary(self, first: bool) -> Formula:
        """Read operands and the operators between them."""
        levels = self.meaning.levels
        values, signs, seen = [self._operand(first)], list[str](), set[str]()
        while self.sign in levels:
            sign = str(self._take(str(self.sign)))
            seen.add(sign[0])
            while signs and levels[signs[-1]] >= levels[sign]:
                right = values.pop()
                values.append(self._joined(signs.pop(), values.pop(), right))
            signs.append(sign)
            values.append(self._operand())
        if {"&", "|"} <= seen and self.reader.dialect in ("ltspice", "pspice"):
            raise self.refused("& and | in a row, whose order is not documented,", "brackets around one of them")
        while signs:
            right = values.pop()
            values.append(self._joined(signs.pop(), values.pop(), right))
        return values[0]

    def _joined(self, sign: str, left: Formula, right: Formula) -> Formula:
        f, truth = self.f, self.meaning.truth
        if sign in ("||", "|", "&&", "&"):
            return f.make(sign[0] * 2, truth(f, left), truth(f, right))
        if sign in ("%", "\\"):
            if (self.reader.is_law and self.reader.dialect != "ltspice") or (
                sign == "\\" and self.reader.dialect != "ngspice"
            ):
                raise self.refused(f"{sign!r}")
            return remainder(f, left, right) if sign == "%" else truncated(f, f.make("/", left, right))
        return f.make("!=" if sign == "<>" else sign, left, right)

    def _operand(self, first: bool = False) -> Formula:
        """Read signs, a value, and powers of it."""
        signs: list[str] = []
        while (sign := self._take("-", "+", "!", "~")) is not None:
            signs.append(sign)
        is_literal = self.k < len(self.tokens) and self.tokens[self.k].group("number")
        found = self._atom()
        if self.meaning.tight_minus and not first and signs == ["-"] and not is_literal and self.sign in ("^", "**"):
            raise self.refused("a minus before a power, which ngspice does not read here,", "brackets")
        if self.meaning.tight_minus and len(signs) > 1:
            raise self.refused(f"{' '.join(signs)!r}, signs in a row,", "brackets")
        if self.meaning.tight_minus and (not first or signs == ["!"]):
            found, signs = self._signed(signs, found), []
        powers = 0
        while (sign := self._take("**", "^")) is not None:
            power = self.meaning.caret if sign == "^" else self.meaning.power
            if power is None:
                raise self.refused("'^', an exclusive or in this dialect,", "** for a power, or dialect='ngspice'")
            powers += 1
            if powers > 1 and not self.meaning.chains:
                raise self.refused("powers in a row, whose order is not documented,", "brackets around one of them")
            exponent = self._exponent()
            is_odd = exponent.is_number and exponent.value % 2 == 1
            if "-" in signs and self.meaning.minus_is_open and not is_odd:
                raise self.refused("a minus before a power, whose order is not documented,", "brackets")
            found = power(self.f, found, exponent)
        return self._signed(signs, found)

    def _exponent(self) -> Formula:
        """Read an exponent, which may have a sign."""
        if self.sign not in ("-", "+", "!", "~"):
            return self._atom()
        if self.meaning.tight_minus or not self.meaning.chains:
            signs = []
            while (sign := self._take("-", "+", "!", "~")) is not None:
                signs.append(sign)
            return self._signed(signs, self._atom())
        self._deeper()
        found = self._operand()
        self.depth -= 1
        return found

    def _signed(self, signs: Sequence[str], found: Formula) -> Formula:
        for sign in reversed(signs):
            if sign in ("!", "~"):
                found = self.f.make("!", self.meaning.truth(self.f, found))
            elif sign == "-":
                found = self.f.make("neg", found)
        return found

    def _atom(self) -> Formula:
        if self.k >= len(self.tokens):
            raise self.refused("the end where a value belongs")
        token = self.tokens[self.k]
        self.k += 1
        if token.group("number"):
            return self._literal(token.group("number"), token.group("unit"))
        if token.group("probe"):
            return self._probed(token.group("probe"))
        if token.group("name"):
            name = token.group("name").lower()
            return self._called(name) if self._take("(") else self._named(name)
        sign = token.group().strip()
        if sign not in _CLOSING:
            raise self.refused(f"{sign!r} where a value belongs")
        inner = self.choice()
        self._expect(_CLOSING[sign])
        return inner

    def _literal(self, digits: str, unit: str) -> Formula:
        letters, dialect = unit.lower(), self.reader.dialect
        scales = {**_SCALES, **_MORE_SCALES.get(dialect, {})}
        if letters.startswith("mil") and dialect == "ngspice" and not self.reader.is_law:
            raise self.refused(f"'{digits}{unit}', which ngspice reads as {digits}m here,", "25.4u")
        scale = next((scales[name] for name in ("meg", "mil") if letters.startswith(name)), None)
        value = float(digits) * (scales.get(letters[:1], 1.0) if scale is None else scale)
        if not math.isfinite(value):
            raise self.refused(f"'{digits}{unit}', which is no finite number,")
        return self.f.number(value)

    def _probed(self, text: str) -> Formula:
        kind, names = text[0].lower(), [n.strip().lower() for n in text[text.index("(") + 1 : -1].split(",")]
        if (kind == "v" and "v" in self.reader.functions) or (kind == "i" and "i" in self.reader.functions):
            raise self.refused(f"{text!r}, which is a probe and a function,", "another name for the function")
        if self.reader.probe is None:
            return self.f.probe(f"{kind}({','.join(names)})")
        return self.reader.probe(kind, names)

    def _named(self, name: str) -> Formula:
        if name in self.reader.values:
            return self.reader.values[name]
        if name == "time" and self.reader.is_law:
            return self.f.probe("time")
        if name in self.meaning.constants:
            return self.f.number(self.meaning.constants[name])
        raise self.refused(f"the name {name!r}, which nothing defines,", "a .param that defines it")

    def _called(self, name: str) -> Formula:
        values: list[Formula] = []
        if self._take(")") is None:
            values.append(self.choice())
            while self._take(",") is not None:
                values.append(self.choice())
            self._expect(")")
        reader, meaning, f = replace(self.reader, depth=self.depth), self.meaning, self.f
        if name in reader.functions:
            if len(reader.functions[name].arguments) != len(values):
                raise self.refused(f"{name} of {len(values)} arguments")
            if name in reader.inside:
                raise self.refused(f"the function {name}, which calls itself,")
            return reader.call(name, values)
        if name in meaning.refused:
            raise self.refused(*meaning.refused[name])
        if name in _INTEGRALS and reader.integral is not None:
            return self._integral(name, values)
        if name in meaning.lists and len(values) > 1:
            return meaning.lists[name](f, *values)
        if name not in meaning.functions or meaning.functions[name][0] != len(values):
            why = " (of time or chance)" if name in _MEMORY or name in _INTEGRALS else ""
            fix = "a charge or flux as a state" if name == "ddt" else ""
            raise self.refused(f"the function {name} of {len(values)} arguments{why}", fix)
        if name in ("if", "ternary_fcn"):
            values[0] = meaning.truth(f, values[0])
        return meaning.functions[name][1](f, *values)

    def _integral(self, name: str, values: Sequence[Formula]) -> Formula:
        assert self.reader.integral is not None
        if len(values) == 3:
            raise self.refused(f"{name} with a condition that resets it", "a capacitor and a source in its place")
        if len(values) not in (1, 2):
            raise self.refused(f"{name} of {len(values)} arguments")
        start = values[1] if len(values) == 2 else self.f.number(0)
        if not start.is_number:
            raise self.refused(f"{name} whose start is no number", "a number, or a parameter")
        return self.reader.integral(values[0], start)
