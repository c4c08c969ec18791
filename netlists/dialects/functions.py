"""Rules that make functions of the dialects of others out of operations of ngspice."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from devices.common.errors import InputError
from netlists.dialects.formula import Formula, Formulas

__all__ = [
    "Rule",
    "above_half",
    "absolute_power",
    "angle",
    "c_power",
    "choice",
    "compared",
    "copied_sign",
    "decibels",
    "endless",
    "half_step",
    "hspice_power",
    "hypotenuse",
    "limited",
    "many",
    "middle",
    "ngspice_signed_power",
    "not_above_half",
    "odd",
    "plain",
    "ramp",
    "real_power",
    "remainder",
    "rounded",
    "signed_power",
    "square",
    "step",
    "table",
    "truncated",
    "whole_part_power",
    "with_sign",
]

Rule = Callable[..., Formula]  # of Formulas and the arguments


def plain(operation: str) -> Rule:
    """Return the rule of a function that ngspice has."""
    return lambda f, *parts: f.make(operation, *parts)


def choice(f: Formulas, condition: Formula, one: Formula, other: Formula) -> Formula:
    """Return one of two values, by a condition."""
    return f.make("?", condition, one, other)


def _less(f: Formulas, a: Formula, b: Formula) -> Formula:
    return f.make("<", a, b)


# Powers.


def absolute_power(f: Formulas, a: Formula, b: Formula) -> Formula:
    """Return a power of the absolute value."""
    return f.make("pow", a, b)


def signed_power(f: Formulas, a: Formula, b: Formula) -> Formula:
    """Return a power of the absolute value, with the sign of the base."""
    return f.make("*", f.make("sgn", a), f.make("pow", a, b))


def ngspice_signed_power(f: Formulas, a: Formula, b: Formula) -> Formula:
    """Return ngspice's ``pwr``, which is 1 for two zeros."""
    size = f.make("pow", a, b)
    return choice(f, _less(f, a, f.number(0)), f.make("neg", size), size)


def _whole_power(f: Formulas, a: Formula, n: float) -> Formula:
    """Return a power with a whole exponent."""
    if n < 0:
        return f.make("/", f.number(1), _whole_power(f, a, -n))
    if n in (0, 1):
        return a if n else f.number(1)
    if n % 2 == 0:
        return f.make("pow", a, f.number(n))
    return f.make("*", a, f.make("pow", a, f.number(n - 1)))


def real_power(f: Formulas, a: Formula, b: Formula) -> Formula:
    """Return the real part of a power."""
    if b.is_number and b.value == math.floor(b.value):
        return _whole_power(f, a, b.value)
    absolute = f.make("pow", a, b)
    turned = f.make("cos", f.make("*", f.number(math.pi), b))
    return choice(f, _less(f, a, f.number(0)), f.make("*", absolute, turned), absolute)


def hspice_power(f: Formulas, a: Formula, b: Formula) -> Formula:
    """Return ``a**b`` of HSPICE: with the whole part of the exponent where the base is negative."""
    below = _less(f, a, f.number(0))
    return choice(f, below, real_power(f, a, truncated(f, b)), f.make("pow", a, b))


def whole_part_power(f: Formulas, a: Formula, b: Formula) -> Formula:
    """Return a power with the whole part of the exponent, HSPICE's ``pow``."""
    return real_power(f, a, truncated(f, b))


def c_power(f: Formulas, a: Formula, b: Formula) -> Formula:
    """Return the power of C, which a negative base has for whole exponents only."""
    if a.is_number and b.is_number and a.value < 0 and b.value != math.floor(b.value):
        raise InputError("expression", f"pow({a.value:g}, {b.value:g})", "a real power")
    return real_power(f, a, b)


# Other functions.


def truncated(f: Formulas, x: Formula) -> Formula:
    """Return a value without its digits after the point."""
    return f.make("*", f.make("sgn", x), f.make("floor", f.make("abs", x)))


def rounded(f: Formulas, x: Formula) -> Formula:
    """Return the nearest whole number, the farther one from 0 of two."""
    half = f.make("+", f.make("abs", x), f.number(0.5))
    return f.make("*", f.make("sgn", x), f.make("floor", half))


def step(f: Formulas, x: Formula) -> Formula:
    """Return 1 above 0, else 0."""
    return choice(f, f.make(">", x, f.number(0)), f.number(1), f.number(0))


def half_step(f: Formulas, x: Formula) -> Formula:
    """Return ngspice's ``u``."""
    half = f.make("+", f.make("sgn", x), f.number(1))
    return f.make("*", half, f.number(0.5))


def ramp(f: Formulas, x: Formula) -> Formula:
    """Return a value above 0, else 0."""
    return f.make("max", x, f.number(0))


def middle(f: Formulas, x: Formula, low: Formula, high: Formula) -> Formula:
    """Return the middle one of three values."""
    return f.make("max", f.make("min", low, high), f.make("min", x, f.make("max", low, high)))


def limited(f: Formulas, x: Formula, low: Formula, high: Formula) -> Formula:
    """Return a value not below one bound, else not above another."""
    upper = choice(f, f.make(">", x, high), high, x)
    return choice(f, _less(f, x, low), low, upper)


def above_half(f: Formulas, x: Formula) -> Formula:
    """Return 1 above one half, else 0."""
    return choice(f, f.make(">", x, f.number(0.5)), f.number(1), f.number(0))


def not_above_half(f: Formulas, x: Formula) -> Formula:
    """Return 0 above one half, else 1."""
    return choice(f, f.make(">", x, f.number(0.5)), f.number(0), f.number(1))


def square(f: Formulas, x: Formula) -> Formula:
    """Return the square."""
    return _whole_power(f, x, 2)


def hypotenuse(f: Formulas, x: Formula, y: Formula) -> Formula:
    """Return the root of the sum of two squares."""
    return f.make("sqrt", f.make("+", square(f, x), square(f, y)))


def angle(f: Formulas, y: Formula, x: Formula) -> Formula:
    """Return ``atan2(y, x)``, without a division by zero in the branch that is not taken."""
    zero, one = f.number(0), f.number(1)
    flat = f.make(">=", f.make("abs", x), f.make("abs", y))
    below = choice(f, flat, choice(f, f.make("==", x, zero), one, x), one)
    beside = choice(f, flat, one, y)
    turn = choice(f, _less(f, y, zero), f.number(-math.pi), f.number(math.pi))
    first = f.make("+", f.make("atan", f.make("/", y, below)), choice(f, _less(f, x, zero), turn, zero))
    right = choice(f, _less(f, y, zero), f.number(-math.pi / 2), f.number(math.pi / 2))
    return choice(f, flat, first, f.make("-", right, f.make("atan", f.make("/", x, beside))))


def remainder(f: Formulas, x: Formula, y: Formula) -> Formula:
    """Return the remainder of a division, with the sign of the dividend."""
    if x.is_number and y.is_number and y.value:
        return f.number(math.fmod(x.value, y.value))
    return f.make("-", x, f.make("*", y, truncated(f, f.make("/", x, y))))


def with_sign(f: Formulas, x: Formula, y: Formula) -> Formula:
    """Return the absolute value of x with the sign of y, 0 included."""
    return f.make("*", f.make("sgn", y), f.make("abs", x))


def copied_sign(f: Formulas, x: Formula, y: Formula) -> Formula:
    """Return the absolute value of x, negative where y is."""
    size = f.make("abs", x)
    return choice(f, _less(f, y, f.number(0)), f.make("neg", size), size)


def odd(operation: str) -> Rule:
    """Return the rule of a function of the absolute value, with the sign of the argument, as HSPICE has it."""
    return lambda f, x: f.make("*", f.make("sgn", x), f.make(operation, f.make("abs", x)))


def decibels(f: Formulas, x: Formula) -> Formula:
    """Return 20 log10 of the absolute value."""
    return f.make("*", f.number(20), f.make("log10", f.make("abs", x)))


def compared(operation: str) -> Rule:
    """Return the rule of ngspice's ``eq0(x)`` and its kind."""
    return lambda f, x: f.make(operation, x, f.number(0))


def many(operation: str) -> Rule:
    """Return the rule of a maximum or minimum of two or more values."""

    def rule(f: Formulas, *parts: Formula) -> Formula:
        if len(parts) < 2:
            raise InputError("expression", f"{operation} of {len(parts)} values", "2 or more")
        found = parts[0]
        for part in parts[1:]:
            found = f.make(operation, found, part)
        return found

    return rule


def table(f: Formulas, x: Formula, *points: Formula, beyond: bool = False) -> Formula:
    """Return the straight lines through points ``x1, y1, x2, y2, ...``, constant outside them, or going on `beyond`.

    Raises
    ------
    InputError
        If there is an odd number of values, or the points do not rise in x.
    """
    if len(points) % 2 or len(points) < 2:
        raise InputError("expression", f"{len(points)} values of a table", "pairs of x and y")
    pairs = list(zip(points[::2], points[1::2], strict=True))
    for (low, _), (high, _) in pairwise(pairs):
        if low.is_number and high.is_number and not low.value < high.value:
            raise InputError(
                "expression", f"a table with {low.value:g} before {high.value:g}", "x that rise", "x that rise"
            )
    if len(pairs) == 1:
        return pairs[0][1]
    pieces = [_line(f, x, *pair) for pair in pairwise(pairs)]
    bounds = [high for high, _ in pairs[1:-1]]
    if not beyond:
        pieces = [pairs[0][1], *pieces, pairs[-1][1]]
        bounds = [pairs[0][0], *bounds, pairs[-1][0]]
    return _search(f, x, pieces, bounds)


def _line(f: Formulas, x: Formula, start: tuple[Formula, Formula], stop: tuple[Formula, Formula]) -> Formula:
    share = f.make("/", f.make("-", x, start[0]), f.make("-", stop[0], start[0]))
    return f.make("+", start[1], f.make("*", f.make("-", stop[1], start[1]), share))


def _search(f: Formulas, x: Formula, pieces: Sequence[Formula], bounds: Sequence[Formula]) -> Formula:
    """Return the piece between two bounds, as a balanced tree of choices."""
    if not bounds:
        return pieces[0]
    half = len(bounds) // 2
    lower = _search(f, x, pieces[: half + 1], bounds[:half])
    upper = _search(f, x, pieces[half + 1 :], bounds[half + 1 :])
    return choice(f, f.make("<=", x, bounds[half]), lower, upper)


def endless(f: Formulas, x: Formula, *points: Formula) -> Formula:
    """Return the straight lines through points, which go on beyond them, as ngspice's ``pwl``."""
    return table(f, x, *points, beyond=True)
