"""The value of a constant expression of Verilog-A, where it follows from parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from netlists.dialects.verilog_text import Token

__all__ = ["constant_value"]

_SCALES = {
    "T": 1e12, "G": 1e9, "M": 1e6, "K": 1e3, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15,
    "a": 1e-18,
}  # fmt: skip
#: Signs between two operands, those that bind least first.
_LEVELS: tuple[dict[str, Callable[[float, float], float]], ...] = (
    {"||": lambda a, b: float(bool(a) or bool(b))},
    {"&&": lambda a, b: float(bool(a) and bool(b))},
    {"==": lambda a, b: float(a == b), "!=": lambda a, b: float(a != b)},
    {
        "<": lambda a, b: float(a < b), ">": lambda a, b: float(a > b),
        "<=": lambda a, b: float(a <= b), ">=": lambda a, b: float(a >= b),
    },
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": lambda a, b: a / b, "%": math.fmod},
    {"**": math.pow},
)  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs, "acos": math.acos, "asin": math.asin, "atan": math.atan, "cos": math.cos, "cosh": math.cosh,
    "exp": math.exp, "floor": math.floor, "ln": math.log, "log": math.log10, "max": max, "min": min, "pow": math.pow,
    "sin": math.sin, "sinh": math.sinh, "sqrt": math.sqrt, "tan": math.tan, "tanh": math.tanh, "ceil": math.ceil,
}  # fmt: skip
_DEEPEST = 50  # brackets in each other


class _VaryingError(Exception):
    """Something that is no constant."""


def constant_value(tokens: Sequence[Token], values: Mapping[str, float]) -> float | None:
    """Return the value of an expression; None where it is not known from the `values` of names alone."""
    try:
        reader = _Reader([token.text for token in tokens], values)
        value = reader.choice()
        return float(value) if reader.at is None and math.isfinite(value) else None
    except (_VaryingError, ArithmeticError, ValueError, TypeError):
        return None


class _Reader:
    def __init__(self, words: list[str], values: Mapping[str, float]) -> None:
        self.words, self.values, self.k, self.depth = words, values, 0, 0

    @property
    def at(self) -> str | None:
        return self.words[self.k] if self.k < len(self.words) else None

    def take(self, *words: str) -> str | None:
        if (word := self.at) in words:
            self.k += 1
            return word
        return None

    def choice(self) -> float:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _VaryingError
        found = self.binary(0)
        if self.take("?"):
            one = self.choice()
            if not self.take(":"):
                raise _VaryingError
            other = self.choice()
            found = one if found else other
        self.depth -= 1
        return found

    def binary(self, level: int) -> float:
        if level == len(_LEVELS):
            return self.operand()
        left = self.binary(level + 1)
        while sign := self.take(*_LEVELS[level]):
            left = _LEVELS[level][sign](left, self.binary(level + 1))
        return left

    def operand(self) -> float:
        negative, opposite, signed = False, False, True
        while signed:
            signed = True
            if self.take("-"):
                negative = not negative
            elif self.take("!"):
                opposite = True
            elif not self.take("+"):
                signed = False
        value = self.atom()
        value = -value if negative else value
        return float(not value) if opposite else value

    def atom(self) -> float:
        word = self.at
        self.k += 1
        if word == "(":
            value = self.choice()
            if not self.take(")"):
                raise _VaryingError
            return value
        if word is None:
            raise _VaryingError
        if word[0].isdigit() or word[0] == ".":
            scale = _SCALES.get(word[-1], 1.0)
            return float(word.rstrip("".join(_SCALES)) if scale != 1.0 else word) * scale
        if word in _FUNCTIONS and self.take("("):
            given = [self.choice()]
            while self.take(","):
                given.append(self.choice())
            if not self.take(")"):
                raise _VaryingError
            return _FUNCTIONS[word](*given)
        if word not in self.values:
            raise _VaryingError
        return self.values[word]
