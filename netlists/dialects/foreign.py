"""Expressions in the SPICE texts of others, read into SymPy: in the dialects of LTspice, PSpice and ngspice.

Meaning of their operators and functions:

- ``a**b`` and ``pow(a, b)`` are the real part of the power; ``pwr`` takes the absolute value of the base, ``pwrs``
  gives its sign back. ngspice takes the absolute value for ``**`` and ``pow``, and gives the sign back in ``pwr``.
  ``^`` is a power in ngspice too, and an exclusive or in LTspice and PSpice: it is refused there.
- ``u``, ``stp`` are steps, 0 at 0; ``uramp(x)`` is ``max(x, 0)``; ``limit(x, a, b)`` holds x between a and b,
  whichever is the larger; ``if(c, a, b)`` and ``c ? a : b`` choose; ``table(x, x1, y1, ...)`` and ``pwl`` run on
  straight lines between the points, and stay beyond them; ngspice's ``pwl`` goes on.
- ``log`` is the natural logarithm in LTspice and PSpice. Versions of ngspice differ: it is refused there.
- Names are the same in upper and lower case. ``1k``, ``1Meg``, ``1u`` are scaled; letters after the scale are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import sympy
from sympy.logic.boolalg import Boolean

from devices.common.errors import InputError

__all__ = ["FOREIGN_DIALECTS", "ExpressionReader", "constant", "probe_symbol"]

_SCALES = {
    "t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "mil": 25.4e-6, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "n": 1e-9, "p": 1e-12,
    "f": 1e-15,
}  # fmt: skip
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_NET = r"\s*[\w+.#-]+\s*"
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>{_NUMBER})(?P<unit>[A-Za-zµ]*)|(?P<probe>[VI]\s*\({_NET}(?:,{_NET})?\))"
    r"|(?P<name>[A-Za-z_][\w.]*)|(?P<sign>\*\*|&&|\|\||==|!=|<=|>=|[-+*/^(),<>!~&|?:]))",
    re.IGNORECASE,
)
_LEVELS = (("||", "|"), ("&&", "&"), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/"))
_RELATIONS: dict[str, Any] = {
    "<": sympy.StrictLessThan, ">": sympy.StrictGreaterThan, "<=": sympy.LessThan, ">=": sympy.GreaterThan,
    "==": sympy.Equality, "!=": sympy.Unequality,
}  # fmt: skip


def _scale(letters: str) -> float:
    letters = letters.lower()
    for name in ("meg", "mil"):
        if letters.startswith(name):
            return _SCALES[name]
    return _SCALES.get(letters[:1], 1.0)


def probe_symbol(text: str) -> sympy.Symbol:
    """Return the symbol of a voltage or current, ``V(a, b)`` or ``I(V1)``."""
    return sympy.Symbol(re.sub(r"\s", "", text).lower(), real=True)


def constant(value: float) -> Any:
    """Return a number for an expression; whole ones are exact, so that powers keep signs."""
    return sympy.Integer(int(value)) if value == int(value) and abs(value) < 1e9 else sympy.Float(value, 17)


def _power(base: Any, exponent: Any) -> Any:
    """Return the real part of a power."""
    if exponent.is_Number and exponent == int(exponent):
        return base ** int(exponent)
    if base.is_nonnegative:
        return base**exponent
    return sympy.Abs(base) ** exponent * sympy.Piecewise((sympy.cos(sympy.pi * exponent), base < 0), (1, True))


def _absolute_power(base: Any, exponent: Any) -> Any:
    return sympy.Abs(base) ** exponent


def _signed_power(base: Any, exponent: Any) -> Any:
    return sympy.sign(base) * sympy.Abs(base) ** exponent


def _step(x: Any) -> Any:
    return sympy.Piecewise((1, x > 0), (0, True))


def _lines(x: Any, points: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return the straight lines between points, each with the condition up to where it holds."""
    return [
        (start + (stop - start) * (x - low) / (high - low), x <= high)
        for (low, start), (high, stop) in pairwise(zip(points[::2], points[1::2], strict=True))
    ]


def _table(x: Any, *points: Any) -> Any:
    return sympy.Piecewise((points[1], x <= points[0]), *_lines(x, points), (points[-1], True))


def _endless_table(x: Any, *points: Any) -> Any:
    *lines, (last, _) = _lines(x, points)
    return sympy.Piecewise(*lines, (last, True))


def _median(x: Any, low: Any, high: Any) -> Any:
    return sympy.Max(sympy.Min(low, high), sympy.Min(x, sympy.Max(low, high)))


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "exp": (1, sympy.exp), "sqrt": (1, sympy.sqrt), "sin": (1, sympy.sin), "cos": (1, sympy.cos), "tan": (1, sympy.tan),
    "sinh": (1, sympy.sinh), "cosh": (1, sympy.cosh), "tanh": (1, sympy.tanh),
    "asin": (1, sympy.asin), "arcsin": (1, sympy.asin), "atan": (1, sympy.atan), "arctan": (1, sympy.atan),
    "abs": (1, sympy.Abs), "ln": (1, sympy.log), "log": (1, sympy.log),
    "log10": (1, lambda x: sympy.log(x) / sympy.log(10)), "sgn": (1, sympy.sign), "square": (1, lambda x: x**2),
    "min": (2, sympy.Min), "max": (2, sympy.Max), "pow": (2, _power), "limit": (3, _median),
    "pwr": (2, _absolute_power), "pwrs": (2, _signed_power),
    "u": (1, _step), "stp": (1, _step), "uramp": (1, lambda x: sympy.Max(x, 0)),
    "trunc": (1, lambda x: sympy.sign(x) * sympy.floor(sympy.Abs(x))),
    "int": (1, lambda x: sympy.sign(x) * sympy.floor(sympy.Abs(x))), "floor": (1, sympy.floor),
}  # fmt: skip


class _Rules(NamedTuple):
    """Meaning of operators and functions in a dialect.

    ``functions`` have a fixed number of arguments, ``tables`` any odd number from 5 on; of ``refused`` functions, there
    are the reason and a way out. ``caret`` is the power that ``^`` means, if it means one.
    """

    power: Callable[..., Any]
    caret: Callable[..., Any] | None
    functions: Mapping[str, tuple[int, Callable[..., Any]]]
    tables: Mapping[str, Callable[..., Any]]
    refused: Mapping[str, tuple[str, str]]


_LTSPICE = _Rules(_power, None, _FUNCTIONS, {"table": _table, "pwl": _table}, {})
_NGSPICE = _Rules(
    _absolute_power,
    _absolute_power,
    {**_FUNCTIONS, "pow": (2, _absolute_power), "pwr": (2, _signed_power)},
    {"table": _table, "pwl": _endless_table},
    {"log": ("'log', which ngspice's versions read differently,", "ln or log10")},
)
_RULES = {"ltspice": _LTSPICE, "pspice": _LTSPICE, "ngspice": _NGSPICE}
#: Dialects of SPICE texts that are read.
FOREIGN_DIALECTS = tuple(_RULES)
_POWERS = ("pow", "pwr", "pwrs")
_DEEPEST = 50  # brackets in brackets
_LONGEST = 1e6  # decimal digits of a power of numbers
_MEMORY = {"ddt", "sdt", "idt", "idtmod", "delay", "absdelay", "rand", "random", "white", "gauss", "time"}


@dataclass(frozen=True)
class ExpressionReader:
    """Reads the expressions of a text.

    Parameters
    ----------
    dialect : {"ltspice", "pspice", "ngspice"}
        Dialect of the text.
    names : mapping of str to sympy.Expr
        Values by name, in lower case.
    functions : mapping of str to (sequence of str, str)
        Arguments and text of each ``.func``, by name in lower case.
    inside : tuple of str, optional
        Functions in whose bodies this reads, the outermost first.
    outer : mapping of str to sympy.Expr, optional
        Names of the text itself, where this reads in the body of a function.
    """

    dialect: str
    names: Mapping[str, Any]
    functions: Mapping[str, tuple[Sequence[str], str]]
    inside: tuple[str, ...] = ()
    outer: Mapping[str, Any] | None = None

    def body(self, name: str, values: Sequence[Any]) -> Any:
        """Return the value of a ``.func``, whose arguments hide names of the text in its body only."""
        arguments, text = self.functions[name]
        outer = self.outer or self.names
        own = {**outer, **dict(zip(arguments, values, strict=True))}
        return replace(self, names=own, inside=(*self.inside, name), outer=outer).read(text)

    def read(self, text: str) -> Any:
        """Return an expression.

        Raises
        ------
        InputError
            If the text cannot be translated; names the part.
        """
        parser = _Parser(self, text)
        found = parser.choice()
        if parser.sign is not None:
            raise parser.refused(f"{parser.sign!r} after an expression")
        # SymPy may make an ITE of conditions; it is written with and, or, not.
        return _value(found).replace(sympy.ITE, lambda c, a, b: sympy.Or(sympy.And(c, a), sympy.And(sympy.Not(c), b)))


class _Parser:
    def __init__(self, reader: ExpressionReader, text: str) -> None:
        self.reader, self.rules, self.text = reader, _RULES[reader.dialect], text
        self.tokens: list[re.Match[str]] = []
        place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if found is None:
                raise self.refused(repr(text[place:].strip()[:20]))
            self.tokens.append(found)
            place = found.end()
        self.k = self.depth = 0

    def refused(self, what: str, fix: str = "") -> InputError:
        """Return the error that names a part of the text."""
        return InputError("expression", f"{what} in {self.text.strip()!r}", "expressions that can be translated", fix)

    @property
    def sign(self) -> str | None:
        """The present token as text; None at the end."""
        return self.tokens[self.k].group().strip() if self.k < len(self.tokens) else None

    def take(self, *signs: str) -> str | None:
        if (sign := self.sign) in signs:
            self.k += 1
            return sign
        return None

    def expect(self, sign: str) -> None:
        if self.take(sign) is None:
            raise self.refused(f"{self.sign or 'the end'!r} where {sign!r} belongs")

    def choice(self) -> Any:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.refused(f"more than {_DEEPEST} brackets in each other")
        found = self.alternatives()
        self.depth -= 1
        return found

    def alternatives(self) -> Any:
        condition = self.binary(0)
        if self.take("?") is None:
            return condition
        first = self.choice()
        self.expect(":")
        return sympy.Piecewise((_value(first), _truth(condition)), (_value(self.choice()), True))

    def binary(self, level: int) -> Any:
        if level == len(_LEVELS):
            return self.signed()
        left = self.binary(level + 1)
        while (sign := self.take(*_LEVELS[level])) is not None:
            left = self.joined(sign, left, self.binary(level + 1))
        return left

    def joined(self, sign: str, left: Any, right: Any) -> Any:
        if sign in ("||", "|"):
            return sympy.Or(_truth(left), _truth(right))
        if sign in ("&&", "&"):
            return sympy.And(_truth(left), _truth(right))
        left, right = _value(left), _value(right)
        if sign in _RELATIONS:
            return _RELATIONS[sign](left, right)
        return {"+": left + right, "-": left - right, "*": left * right, "/": left / right}[sign]

    def signed(self) -> Any:
        sign = self.take("-", "+", "!", "~")
        if sign is None:
            return self.power()
        inner = self.signed()
        return sympy.Not(_truth(inner)) if sign in ("!", "~") else -_value(inner) if sign == "-" else _value(inner)

    def power(self) -> Any:
        base = self.atom()
        sign = self.take("**", "^")
        if sign is None:
            return base
        power = self.rules.caret if sign == "^" else self.rules.power
        if power is None:
            raise self.refused("'^', an exclusive or in this dialect,", "** for a power, or dialect='ngspice'")
        return self.raised(power, _value(base), _value(self.signed()))

    def atom(self) -> Any:
        if self.k >= len(self.tokens):
            raise self.refused("the end where a value belongs")
        token = self.tokens[self.k]
        self.k += 1
        if token.group("number"):
            return constant(float(token.group("number")) * _scale(token.group("unit")))
        if token.group("probe"):
            return probe_symbol(token.group("probe"))
        if token.group("name"):
            name = token.group("name").lower()
            return self.called(name) if self.take("(") else self.named(name)
        if token.group().strip() != "(":
            raise self.refused(f"{token.group().strip()!r} where a value belongs")
        inner = self.choice()
        self.expect(")")
        return inner

    def named(self, name: str) -> Any:
        if name in self.reader.names:
            return self.reader.names[name]
        if name == "pi":
            return sympy.pi
        raise self.refused(f"the name {name!r}, which nothing defines,", "parameters={...: value}")

    def called(self, name: str) -> Any:
        values = []
        if self.take(")") is None:
            values.append(self.choice())
            while self.take(",") is not None:
                values.append(self.choice())
            self.expect(")")
        if name in ("if", "ternary_fcn") and len(values) == 3:
            return sympy.Piecewise((_value(values[1]), _truth(values[0])), (_value(values[2]), True))
        values = [_value(v) for v in values]
        if name in self.reader.functions:
            if len(self.reader.functions[name][0]) != len(values):
                raise self.refused(f"{name} of {len(values)} arguments")
            if name in self.reader.inside:
                raise self.refused(f"the function {name}, which calls itself,")
            return self.reader.body(name, values)
        if name in self.rules.refused:
            raise self.refused(*self.rules.refused[name])
        tables, functions = self.rules.tables, self.rules.functions
        if name in tables and len(values) >= 5 and len(values) % 2:
            return tables[name](*values)
        if name not in functions or functions[name][0] != len(values):
            why = " (of time or chance)" if name in _MEMORY else ""
            raise self.refused(f"the function {name} of {len(values)} arguments{why}")
        function = functions[name][1]
        return self.raised(function, *values) if name in _POWERS else function(*values)

    def raised(self, power: Callable[..., Any], base: Any, exponent: Any) -> Any:
        """Return a power; a power of numbers with too many digits is refused."""
        if exponent.is_number and base.is_number and not base.is_zero:
            digits = sympy.Abs(exponent * sympy.log(sympy.Abs(base), 10))
            if not digits.is_finite or digits.evalf() > _LONGEST:
                raise self.refused("a power beyond all numbers")
        return power(base, exponent)


def _is_condition(value: Any) -> bool:
    return isinstance(value, Boolean) and not isinstance(value, sympy.Expr)


def _truth(value: Any) -> Any:
    """Return a condition; a number counts as true above one half."""
    return value if _is_condition(value) else value > sympy.Rational(1, 2)


def _value(value: Any) -> Any:
    """Return a number; a condition counts as 1 or 0."""
    return sympy.Piecewise((1, value), (0, True)) if _is_condition(value) else value
