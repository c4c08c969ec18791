"""Units as products of powers of the SI base units, read from text such as ``"m^2/(V s)"``.

A unit also has a factor: 1 for the coherent units (A, V, ohm, ...), 1e-9 for nm. Where units must agree, so must their
factors, because a law computes with plain numbers. An exponent may be a symbol, as in ``a**p * b**-p``.

A text is read by a closed grammar: names of a fixed list with prefixes of the SI, powers that are numbers, products and
quotients. Nothing in it is evaluated, and pint, which knows the sizes of units, gets names of its own alone: it would
read bytes in ``A/B``, and compute ``9**9**9``.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import sympy

from devices.common.errors import InputError, shortened

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
_EXPONENT = re.compile(r"[+-]?\d{1,3}(\.\d{1,6})?")
#: Longest text of a unit, and largest exponent.
_LONGEST, _LARGEST_EXPONENT = 100, 30
#: Symbols of units, and the names by which pint knows them.
_SYMBOLS = {
    "V": "volt", "A": "ampere", "ohm": "ohm", "Ohm": "ohm", "Ω": "ohm", "\u2126": "ohm", "S": "siemens", "F": "farad",
    "H": "henry", "C": "coulomb", "J": "joule", "W": "watt", "Hz": "hertz", "s": "second", "m": "meter", "g": "gram",
    "K": "kelvin", "T": "tesla", "Wb": "weber", "N": "newton", "Pa": "pascal", "mol": "mole", "cd": "candela",
    "eV": "electron_volt", "rad": "radian", "Å": "angstrom", "min": "minute", "h": "hour", "d": "day",
}  # fmt: skip
_PREFIXES = {
    "f": "femto", "p": "pico", "n": "nano", "u": "micro", "µ": "micro", "μ": "micro", "m": "milli", "c": "centi",
    "d": "deci", "k": "kilo", "M": "mega", "G": "giga", "T": "tera", "P": "peta", "a": "atto",
}  # fmt: skip
#: Units that take no prefix.
_WITHOUT_PREFIX = {"min", "h", "d", "Å", "rad"}
#: Words for units, in lower case and without a plural's s.
_WORDS = {
    "volt": "volt", "ampere": "ampere", "amp": "ampere", "ohm": "ohm", "siemen": "siemens", "farad": "farad",
    "henry": "henry", "coulomb": "coulomb", "joule": "joule", "watt": "watt", "hertz": "hertz", "second": "second",
    "sec": "second", "meter": "meter", "metre": "meter", "gram": "gram", "kelvin": "kelvin", "tesla": "tesla",
    "weber": "weber", "newton": "newton", "pascal": "pascal", "mole": "mole", "candela": "candela",
    "electronvolt": "electron_volt", "angstrom": "angstrom", "minute": "minute", "hour": "hour", "hr": "hour",
    "day": "day",
}  # fmt: skip


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
        If the text is not such a product of known units.
    """
    unit = ONE
    for name, power in _terms(text).items():
        unit = unit * _symbol(name) ** power
    return unit


def _terms(text: str) -> dict[str, Fraction]:
    """Return the exponents of the units that a text is a product of, by their symbols or names."""
    if len(text) > _LONGEST:
        raise ValueError(f"{len(text)} letters")
    tokens = _TOKEN.findall(text)
    if not tokens:
        raise ValueError("empty")
    if tokens == ["%"]:
        return {"percent": Fraction(1)}
    terms, rest = _parse_product(tokens)
    if rest:
        raise ValueError(f"{rest[0]!r} is out of place")
    return terms


def _parse_product(tokens: list[str]) -> tuple[dict[str, Fraction], list[str]]:
    terms, tokens = _parse_power(tokens)
    while tokens and tokens[0] != ")":
        sign = -1 if tokens[0] == "/" else 1
        if tokens[0] in ("/", "*", "·"):
            tokens = tokens[1:]
        more, tokens = _parse_power(tokens)
        for name, power in more.items():
            terms[name] = terms.get(name, Fraction(0)) + sign * power
    return terms, tokens


def _parse_power(tokens: list[str]) -> tuple[dict[str, Fraction], list[str]]:
    if not tokens:
        raise ValueError("the text ends early")
    head, tokens = tokens[0], tokens[1:]
    if head == "(":
        terms, tokens = _parse_product(tokens)
        if not tokens:
            raise ValueError("a parenthesis is not closed")
        tokens = tokens[1:]
    else:
        terms = {} if head == "1" else {_known(head): Fraction(1)}
    if tokens and tokens[0] in ("^", "**"):
        if len(tokens) < 2 or not _EXPONENT.fullmatch(tokens[1]) or abs(float(tokens[1])) > _LARGEST_EXPONENT:
            raise ValueError("an exponent is not a small number")
        exponent, tokens = Fraction(tokens[1]), tokens[2:]
        terms = {name: power * exponent for name, power in terms.items()}
    return terms, tokens


@cache
def _known(name: str) -> str:
    """Return a unit as it is looked up: a coherent unit's symbol, or the name by which pint knows it.

    Raises
    ------
    ValueError
        If it is no unit of the list.
    """
    if name in _COHERENT:
        return name
    if name in _SYMBOLS:
        return _SYMBOLS[name]
    for prefix, word in _PREFIXES.items():
        base = name.removeprefix(prefix)
        if base != name and base in _SYMBOLS and base not in _WITHOUT_PREFIX:
            return word + _SYMBOLS[base]
    word = name.lower()
    for prefix in ("", *_PREFIXES.values()):
        base = word.removeprefix(prefix)
        if prefix and base == word:
            continue
        for one in (base, base.removesuffix("s")):
            if one in _WORDS:
                return prefix + _WORDS[one]
    raise ValueError(f"{name!r} is no unit")


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
    try:
        given = _quantity(_terms(unit.strip()))
    except ValueError as error:
        allowed = f"a unit that converts to {si}, written with symbols of the SI"
        raise InputError(f"units[{name!r}]", f"{shortened(repr(unit))} ({error})", allowed, f"{si!r}") from None
    import pint

    base = _quantity(_terms(si)).units
    try:
        return float(given.to(base).magnitude)
    except pint.errors.PintError:
        dimension = str(given.dimensionality)
        raise InputError(
            f"units[{name!r}]", f"{unit!r}, of dimension {dimension}", f"a unit that converts to {si}"
        ) from None


def _quantity(terms: dict[str, Fraction]) -> Any:
    """Return one of a unit, as pint has it, of the exponents of its parts."""
    import pint

    names = {_SYMBOLS.get(name, "kilogram" if name == "kg" else name): power for name, power in terms.items()}
    whole = {n: int(p) if p.denominator == 1 else float(p) for n, p in names.items() if n != "1"}
    registry = _registry()
    return registry.Quantity(1.0, registry.Unit(pint.util.UnitsContainer(whole)))


@cache
def _symbol(name: str) -> Unit:
    """Return a unit that `_known` has looked up."""
    if name in _COHERENT:
        powers = _COHERENT[name]
        return Unit(tuple(map(Fraction, (*powers, *(0,) * (len(_BASES) - len(powers))))))
    registry = _registry()
    factor, base = registry.get_base_units(registry.Unit(name))
    exponents = {b: Fraction(p).limit_denominator(1000) for b, p in base._units.items()}
    found = {registry.get_symbol(b): p for b, p in exponents.items() if not registry.Unit(b).dimensionless}
    return Unit(tuple(found.get(b, Fraction(0)) for b in _BASES), math.log(factor))


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)
