"""Units as products of powers of the SI base units, read from text such as ``"m^2/(V s)"``.

A unit also has a factor: 1 for the coherent units (A, V, ohm, ...), 1e-9 for nm. Where units must agree, so must their
factors, because a law computes with plain numbers. An exponent may be a symbol, as in ``a**p * b**-p``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import sympy

from devices.common.errors import InputError

__all__ = ["ONE", "Unit", "factor", "parse_unit"]

_BASES = ("kg", "m", "s", "A", "K", "mol", "cd")
#: Units as powers of kg, m, s, A, K, so that models load without pint, which is imported for all other units.
_COHERENT = {
    "1": (),
    "kg": (1,),
    "m": (0, 1),
    "s": (0, 0, 1),
    "A": (0, 0, 0, 1),
    "K": (0, 0, 0, 0, 1),
    "Hz": (0, 0, -1),
    "C": (0, 0, 1, 1),
    "J": (1, 2, -2),
    "W": (1, 2, -3),
    "V": (1, 2, -3, -1),
    "ohm": (1, 2, -3, -2),
    "S": (-1, -2, 3, 2),
    "F": (-1, -2, 4, 2),
    "H": (1, 2, -2, -2),
    "Wb": (1, 2, -2, -1),
}
_TOKEN = re.compile(r"\s*(\*\*|[*/^()·]|[+-]?\d+(?:\.\d+)?|[^\W\d]\w*|%|.)")


@dataclass(frozen=True)
class Unit:
    """A product of powers of the base units, times a factor.

    Parameters
    ----------
    powers : tuple
        Exponents of kg, m, s, A, K, mol, cd: fractions, or SymPy expressions.
    log_factor : float or sympy.Expr
        Natural logarithm of the factor over the coherent SI unit.
    """

    powers: tuple[Any, ...] = (Fraction(0),) * len(_BASES)
    log_factor: Any = 0.0

    def __mul__(self, other: Unit) -> Unit:
        powers = tuple(a + b for a, b in zip(self.powers, other.powers, strict=True))
        return Unit(powers, self.log_factor + other.log_factor)

    def __pow__(self, exponent: Any) -> Unit:
        return Unit(tuple(p * exponent if p else p for p in self.powers), self.log_factor * exponent)

    def __truediv__(self, other: Unit) -> Unit:
        return self * other ** Fraction(-1)

    @property
    def is_one(self) -> bool:
        """Whether this is the unit of a pure number."""
        return not any(_nonzero(p) for p in self.powers) and not _nonzero(self.log_factor, 1e-9)

    def agrees(self, other: Unit) -> bool:
        """Whether both are the same unit."""
        return self is other or (self / other).is_one

    def __str__(self) -> str:
        open_powers = {str(s) for p in self.powers for s in getattr(p, "free_symbols", ())}
        if open_powers and not self.is_one:
            return "a unit to the power of " + ", ".join(sorted(open_powers))
        for text in (t for t in _COHERENT if t != "Hz"):
            if self.agrees(parse_unit(text)):
                return text
        # In V, A, m, s, K, which are usual in this field: 1 kg = 1 V A s^3 / m^2.
        kg, m, s, ampere, *others = self.powers
        numerator: list[str] = []
        denominator: list[str] = []
        powers = (kg, ampere + kg, m - 2 * kg, s + 3 * kg, *others)
        for name, power in zip(("V", "A", "m", "s", *_BASES[4:]), powers, strict=True):
            if power:
                size = abs(power)
                exponent = "" if size == 1 else f"^{size}" if size.denominator == 1 else f"^({size})"
                (numerator if power > 0 else denominator).append(name + exponent)
        text = " ".join(numerator) or "1"
        if denominator:
            text += "/" + (denominator[0] if len(denominator) == 1 else f"({' '.join(denominator)})")
        return f"{math.exp(self.log_factor):g} {text}" if _nonzero(self.log_factor, 1e-9) else text


#: The unit of a pure number.
ONE = Unit()


def _nonzero(power: Any, tolerance: float = 0.0) -> bool:
    if isinstance(power, sympy.Basic):
        power = sympy.simplify(power)
        return bool(power.free_symbols) or abs(float(power)) > tolerance
    return abs(power) > tolerance


@cache
def parse_unit(text: str) -> Unit:
    """Return the unit that `text` names, such as ``"m^2/(V s)"``.

    Parameters
    ----------
    text : str
        Symbols of units with ``/``, ``^`` and spaces, read from left to right; ``"1"`` for a pure number.

    Returns
    -------
    Unit
        The unit.

    Raises
    ------
    ValueError
        If the text is not such a product, or pint does not know a symbol in it.
    """
    tokens = _TOKEN.findall(text)
    unit, rest = _parse_product(tokens)
    if rest or not tokens:
        raise ValueError(f"{rest[0]!r} is out of place" if rest else "empty")
    return unit


def _parse_product(tokens: list[str]) -> tuple[Unit, list[str]]:
    unit, tokens = _parse_power(tokens)
    while tokens and tokens[0] != ")":
        sign = -1 if tokens[0] == "/" else 1
        if tokens[0] in ("/", "*", "·"):
            tokens = tokens[1:]
        factor, tokens = _parse_power(tokens)
        unit = unit * factor ** Fraction(sign)
    return unit, tokens


def _parse_power(tokens: list[str]) -> tuple[Unit, list[str]]:
    if not tokens:
        raise ValueError("the text ends early")
    head, tokens = tokens[0], tokens[1:]
    if head == "(":
        unit, tokens = _parse_product(tokens)
        if not tokens:
            raise ValueError("a parenthesis is not closed")
        tokens = tokens[1:]
    else:
        unit = _symbol(head)
    if tokens and tokens[0] in ("^", "**"):
        if len(tokens) < 2 or not re.fullmatch(r"[+-]?\d+(\.\d+)?", tokens[1]):
            raise ValueError("an exponent is not a number")
        unit, tokens = unit ** Fraction(tokens[1]), tokens[2:]
    return unit, tokens


def factor(name: str, unit: str, si: str) -> float:
    """Return the factor that converts a value from `unit` to `si`.

    Parameters
    ----------
    name : str
        Name of the value, for the message.
    unit : str
        Unit as commonly written: ``"uA"``, ``"kOhm"``, ``"m/s"``; ``"1"`` for a pure number.
    si : str
        Unit wanted.

    Returns
    -------
    float
        The factor.

    Raises
    ------
    InputError
        If the unit is unknown or has another dimension.
    """
    if unit == si:
        return 1.0
    import pint

    registry = _registry()
    try:
        given = registry.Quantity(1.0, re.sub(r"[Oo]hms?\b|Ω|Ω", "ohm", unit.strip()) if unit.strip() != "1" else "")
    except (pint.errors.PintError, ValueError, TypeError, AttributeError, SyntaxError):
        raise InputError(f"units[{name!r}]", repr(unit), f"a unit that converts to {si}", f"{si!r}") from None
    base = "" if si == "1" else si
    try:
        if registry.Quantity(0.0, given.units).to(base).magnitude != 0.0:
            raise InputError(f"units[{name!r}]", repr(unit), f"a unit in proportion to {si}", f"{si!r}")
        return float(given.to(base).magnitude)
    except pint.errors.PintError:
        dimension = str(given.dimensionality)
        raise InputError(
            f"units[{name!r}]", f"{unit!r}, of dimension {dimension}", f"a unit that converts to {si}"
        ) from None


def _symbol(name: str) -> Unit:
    if name in _COHERENT:
        powers = _COHERENT[name]
        return Unit(tuple(map(Fraction, (*powers, *(0,) * (len(_BASES) - len(powers))))))
    if not re.fullmatch(r"[^\W\d]\w*|%", name):
        raise ValueError(f"{name!r} is no unit")
    import pint

    registry = _registry()
    try:
        given = registry.parse_units(name)
        factor, base = registry.get_base_units(given)
        proportional = registry.Quantity(0, given).to_base_units().magnitude == 0
    except (pint.PintError, AttributeError, TypeError, ValueError):
        raise ValueError(f"pint does not know {name!r}") from None
    if not proportional:
        raise ValueError(f"{name!r} has an offset or is logarithmic")
    exponents = {b: Fraction(p).limit_denominator(1000) for b, p in base._units.items()}
    found = {registry.get_symbol(b): p for b, p in exponents.items() if not registry.parse_units(b).dimensionless}
    if not set(found) <= set(_BASES):
        raise ValueError(f"{name!r} is no unit of the SI")
    return Unit(tuple(found.get(b, Fraction(0)) for b in _BASES), math.log(factor))


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)
