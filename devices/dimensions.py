"""Units of laws: terms that are added or compared must have one unit, exponents and arguments of functions none.

Numbers in a law are dimensionless, and 0 fits any unit. A constant of nature that has a unit is a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import sympy
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from devices.common.errors import InputError
from devices.units import ONE, Unit

if TYPE_CHECKING:
    pass

__all__ = ["require_unit", "unit_of"]

#: Functions whose value has the unit of their arguments, which must agree.
_ALIKE = (sympy.Add, sympy.Max, sympy.Min, sympy.Abs, sympy.Mod, sympy.UnevaluatedExpr)
#: Functions whose value is a pure number whatever unit their arguments agree in.
_SIGNS = (sympy.sign, sympy.Heaviside, sympy.atan2)


def unit_of(law: sympy.Basic, units: Mapping[sympy.Symbol, Unit | None], label: str = "law") -> Unit | None:
    """Return the unit of an expression, or None for a zero, which fits any.

    Parameters
    ----------
    law : sympy.Basic
        The expression.
    units : mapping of sympy.Symbol to Unit
        Unit of each symbol in it; None for one that is zero.
    label : str, optional
        Names the law in an error.

    Returns
    -------
    Unit or None
        Its unit.

    Raises
    ------
    InputError
        If parts of it do not agree.
    """
    found: dict[sympy.Basic, Unit | None] = {}

    def visit(part: sympy.Basic) -> Unit | None:
        if part not in found:
            found[part] = evaluate(part)
        return found[part]

    def evaluate(part: sympy.Basic) -> Unit | None:
        if isinstance(part, sympy.Symbol):
            return units[part]
        if not part.args:
            return None if isinstance(part, sympy.Number) and (part.is_zero or part.is_infinite) else ONE
        if isinstance(part, sympy.Mul):
            product = ONE
            for factor in part.args:
                product *= visit(factor) or ONE
            return product
        if isinstance(part, sympy.Pow):
            return power(part.base, part.exp)
        if isinstance(part, sympy.Piecewise):
            for _, condition in part.args:
                visit(condition)
            return alike([branch for branch, _ in part.args])
        if isinstance(part, _ALIKE):
            return alike(part.args)
        if isinstance(part, (*_SIGNS, Relational)):
            alike(part.args[:1] if isinstance(part, sympy.Heaviside) else part.args)
            return ONE
        for argument in part.args:
            unit = visit(argument)
            if not isinstance(part, Boolean):
                require_unit(label, argument, unit, ONE, f"in {part.func.__name__}")
        return ONE

    def power(base: sympy.Expr, exponent: sympy.Expr) -> Unit | None:
        require_unit(label, exponent, visit(exponent), ONE, "as exponent")
        unit = visit(base)
        if unit is None or unit.is_one:
            return unit
        if exponent.is_Rational:
            return unit ** Fraction(int(exponent.p), int(exponent.q))
        return unit ** (Fraction(float(exponent)).limit_denominator(1000) if exponent.is_number else exponent)

    def alike(parts: Iterable[sympy.Basic]) -> Unit | None:
        first: tuple[sympy.Basic, Unit] | None = None
        for part in parts:
            unit = visit(part)
            if unit is None:
                continue
            if first is None:
                first = part, unit
            elif not unit.agrees(first[1]):
                raise InputError(
                    label,
                    f"{_short(part)} [{unit}] beside {_short(first[0])} [{first[1]}]",
                    "terms of one unit",
                    "a parameter for the scale that one of them hides",
                )
        return None if first is None else first[1]

    return visit(law)


def require_unit(label: str, part: sympy.Basic, unit: Unit | None, wanted: Unit, role: str) -> None:
    """Refuse a part of a law, named by its role, whose unit is not the one wanted; None fits any."""
    if unit is not None and not unit.agrees(wanted):
        allowed = "a pure number" if wanted.is_one else f"[{wanted}]"
        raise InputError(label, f"{_short(part)} [{unit}] {role}", allowed, "a parameter for the scale that it hides")


def _short(part: Any) -> str:
    text = " ".join(str(part).split())
    return text if len(text) <= 70 else text[:67] + "..."
