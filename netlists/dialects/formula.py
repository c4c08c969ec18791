"""`Formula`: an expression of a foreign text in operations that ngspice has, folded where it is constant.

Equal formulas of one `Formulas` are one object, so that functions that call each other twice stay small; the text of a
formula, in which nothing is shared, has a largest size. Operations on numbers are computed in double precision; one
without a finite result remains, and is refused when it is written: a branch that is never taken may hold it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from devices.common.errors import InputError
from netlists.dialects.expressions import ngspice_literal

__all__ = ["CONDITIONS", "Formula", "Formulas"]

_SUM, _PRODUCT, _ATOM = 1, 2, 3
_LONG, _SHARED = 400, 40  # operations of a formula that is shortened, and those that a part must save
_MANY = 5_000  # different parts of a formula that is shortened
_LONGEST = 20_000  # operations in the text of a formula
_DEEPEST = 1_000  # brackets in each other in that text; ngspice reads about 2000
_MOST = 200_000  # operations of all formulas
#: Operations whose result is 1 or 0.
CONDITIONS = frozenset({"<", ">", "<=", ">=", "==", "!=", "&&", "||", "!"})
_FOLDS: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "neg": lambda a: -a, "pow": lambda a, b: abs(a) ** b,
    "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "!": lambda a: a == 0,
    "&&": lambda a, b: a != 0 and b != 0, "||": lambda a, b: a != 0 or b != 0,
    "exp": math.exp, "ln": math.log, "log10": math.log10, "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos,
    "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan, "sinh": math.sinh, "cosh": math.cosh,
    "tanh": math.tanh, "asinh": math.asinh, "acosh": math.acosh, "atanh": math.atanh, "abs": abs,
    "sgn": lambda a: (a > 0) - (a < 0), "floor": math.floor, "ceil": math.ceil, "nint": round,
    "min": min, "max": max,
}  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class Formula:
    """A number, a probe, or an operation on formulas.

    Parameters
    ----------
    operation : str
        ``"number"``, ``"probe"``, or an operation of ngspice; ``"?"`` chooses; ``"pow"`` is that of an absolute value.
    parts : tuple of Formula
        What it operates on.
    value : float
        Value of a number.
    text : str
        Text of a probe.
    size : int
        Number of operations in its text.
    """

    operation: str
    parts: tuple[Formula, ...] = ()
    value: float = 0.0
    text: str = ""
    size: int = 1

    @property
    def is_number(self) -> bool:
        """Whether it is one number."""
        return self.operation == "number"

    @property
    def is_constant(self) -> bool:
        """Whether there are no probes in it; one that is no number has no finite value."""
        return not self.probes

    @property
    def probes(self) -> list[str]:
        """Texts of the probes in it."""
        return [part.text for part in _within(self) if part.operation == "probe"]

    def written(self) -> str:
        """Return it as ngspice reads it, in a line of a behavioural source.

        Raises
        ------
        InputError
            If it is too long, or a part of it has no finite value.
        """
        if self.size > _LONGEST:
            raise InputError(
                "expression", f"one of {self.size} operations when its functions are written out",
                f"<= {_LONGEST}", "nets that hold parts of it",
            )  # fmt: skip
        texts: dict[int, tuple[str, int]] = {}
        for part in _within(self):
            texts[id(part)] = _text(part, [texts[id(p)] for p in part.parts])
        text, depth, deepest = texts[id(self)][0], 0, 0
        for character in text:
            depth += (character == "(") - (character == ")")
            deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            raise InputError("expression", f"{deepest} brackets in each other", f"<= {_DEEPEST}", "a table, or nets")
        return text


@dataclass(eq=False)
class Formulas:
    """Makes formulas, each once."""

    known: dict[tuple[object, ...], Formula] = field(default_factory=dict)

    def number(self, value: float) -> Formula:
        """Return a number."""
        return self._one(Formula("number", value=value + 0.0))

    def probe(self, text: str) -> Formula:
        """Return a voltage or current with its text in ngspice."""
        return self._one(Formula("probe", text=text))

    def make(self, operation: str, *parts: Formula) -> Formula:
        """Return an operation on formulas, computed where all are numbers."""
        if operation == "?" and parts[0].is_number:
            return parts[1] if parts[0].value else parts[2]
        if operation in _FOLDS and all(part.is_number for part in parts):
            try:
                value = float(_FOLDS[operation](*(part.value for part in parts)))
            except (ArithmeticError, ValueError):
                value = math.nan
            if math.isfinite(value):
                return self.number(value)
        if operation == "neg" and parts[0].operation == "neg":
            return parts[0].parts[0]
        if operation == "!" and parts[0].operation == "!" and parts[0].parts[0].operation in CONDITIONS:
            return parts[0].parts[0]
        size = min(1 + sum(part.size for part in parts), 10**12)
        return self._one(Formula(operation, parts, size=size))

    def shortened(self, formula: Formula, named: Callable[[Formula], Formula]) -> Formula:
        """Return a long formula with the parts that it holds more than once replaced by what `named` makes of them.

        Only parts that are computed in any case are taken out: those of one branch of a choice alone are not.
        """
        order = _within(formula) if formula.size >= _LONG else []
        if not 0 < len(order) <= _MANY:
            return formula
        uses = Counter(id(part) for whole in order for part in whole.parts)
        sure = _sure(order)
        made: dict[int, Formula] = {}
        for whole in order:
            one = self.make(whole.operation, *(made[id(part)] for part in whole.parts)) if whole.parts else whole
            may_be = whole is not formula and one.parts and id(whole) in sure and whole.operation not in CONDITIONS
            made[id(whole)] = named(one) if may_be and (uses[id(whole)] - 1) * one.size >= _SHARED else one
        return made[id(formula)]

    def at(self, formula: Formula, values: Mapping[str, float]) -> Formula:
        """Return a formula with values for the texts of its probes."""
        made: dict[int, Formula] = {}
        for whole in _within(formula):
            if whole.operation == "probe":
                made[id(whole)] = self.number(values.get(whole.text, 0.0))
            else:
                parts = (made[id(part)] for part in whole.parts)
                made[id(whole)] = self.make(whole.operation, *parts) if whole.parts else whole
        return made[id(formula)]

    def _one(self, made: Formula) -> Formula:
        key = (made.operation, tuple(map(id, made.parts)), made.value, made.text)
        if len(self.known) >= _MOST and key not in self.known:
            raise InputError("expression", f"more than {_MOST} operations", f"<= {_MOST}", "functions that call fewer")
        return self.known.setdefault(key, made)


def _within(formula: Formula) -> list[Formula]:
    """Return all different parts of a formula and itself, each after its own parts."""
    order: list[Formula] = []
    seen: set[int] = set()
    waiting: list[tuple[Formula, bool]] = [(formula, False)]
    while waiting:
        part, done = waiting.pop()
        if done:
            order.append(part)
        elif id(part) not in seen:
            seen.add(id(part))
            waiting.append((part, True))
            waiting.extend((p, False) for p in part.parts)
    return order


def _sure(order: list[Formula]) -> set[int]:
    """Return the parts that are computed whatever the last formula of an order chooses, as their ids."""
    bits: dict[int, int] = {}
    for k, whole in enumerate(order):
        inner = [bits[id(part)] for part in whole.parts]
        if whole.operation == "?":
            inner = [inner[0], inner[1] & inner[2]]
        bits[id(whole)] = reduce(or_, inner, 1 << k)
    return {id(part) for k, part in enumerate(order) if bits[id(order[-1])] >> k & 1}


def _text(formula: Formula, parts: list[tuple[str, int]]) -> tuple[str, int]:
    """Return the text of a formula and how tightly it binds, given those of its parts."""

    def inner(k: int, level: int) -> str:
        text, own = parts[k]
        return text if own >= level else f"({text})"

    operation = formula.operation
    if operation == "number":
        text = ngspice_literal(abs(formula.value))
        return (f"-{text}", _SUM) if formula.value < 0 else (text, _ATOM)
    if operation == "probe":
        return formula.text, _ATOM
    if all(part.is_number for part in formula.parts):
        raise InputError("expression", f"{_plain(formula)}, which is no finite number here", "finite values")
    if operation in ("+", "-"):
        return f"{inner(0, _SUM)} {operation} {inner(1, _PRODUCT)}", _SUM
    if operation in ("*", "/"):
        return f"{inner(0, _PRODUCT)}{operation}{inner(1, _ATOM)}", _PRODUCT
    if operation == "neg":
        return f"-{inner(0, _PRODUCT)}", _SUM
    if operation == "?":
        return f"({inner(0, _ATOM)} ? {inner(1, _ATOM)} : {inner(2, _ATOM)})", _ATOM
    if operation == "!":
        return f"(!{inner(0, _ATOM)})", _ATOM
    if operation in CONDITIONS:
        return f"({inner(0, _ATOM)} {operation} {inner(1, _ATOM)})", _ATOM
    if operation == "pow":
        base, exponent = formula.parts
        if exponent.is_number and exponent.value == 2 and base.operation == "probe":
            return f"{base.text}*{base.text}", _PRODUCT
        return f"pow(abs({inner(0, _SUM)}),{inner(1, _SUM)})", _ATOM
    return f"{operation}({','.join(text for text, _ in parts)})", _ATOM


def _plain(formula: Formula) -> str:
    """Return an operation on numbers for a message."""
    values = [f"{part.value:g}" for part in formula.parts]
    if len(values) == 2 and not formula.operation.isalpha():
        return f"{values[0]} {formula.operation} {values[1]}"
    return f"{formula.operation}({', '.join(values)})"
