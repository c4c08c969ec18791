"""Units of laws: terms that are added or compared have the same unit; exponents and arguments of functions have none.

Numbers in a law are dimensionless, and 0 fits any unit. A constant of nature that has a unit is a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

import sympy
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

from devices.common.errors import InputError, shortened
from devices.units import ONE, Unit

__all__ = ["require_unit", "unit_of"]

#: Functions whose value has the unit of their arguments, which must be the same.
_SAME_UNIT = (sympy.Add, sympy.Max, sympy.Min, sympy.Abs, sympy.Mod, sympy.UnevaluatedExpr)
#: Functions whose value is a pure number; their arguments must have the same unit.
_PURE_NUMBER = (sympy.sign, sympy.Heaviside, sympy.atan2)


def unit_of(law: sympy.Basic, units: Mapping[sympy.Symbol, Unit | None], label: str = "law") -> Unit | None:
    """Return the unit of an expression, or None for a zero, which fits any.

    Parameters
    ----------
    law : sympy.Basic
        The expression.
    units : mapping of sympy.Symbol to Unit
        Unit of each symbol in it; None for a symbol that is zero.
    label : str, optional
        Name of the law in error messages.

    Returns
    -------
    Unit or None
        Its unit.

    Raises
    ------
    InputError
        If terms that must have the same unit do not, or an exponent or argument has a unit.
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
            return common_unit([branch for branch, _ in part.args])
        if isinstance(part, _SAME_UNIT):
            return common_unit(part.args)
        if isinstance(part, (*_PURE_NUMBER, Relational)):
            common_unit(part.args[:1] if isinstance(part, sympy.Heaviside) else part.args)
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

    def common_unit(parts: Iterable[sympy.Basic]) -> Unit | None:
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
                    f"{shortened(str(part))} [{unit}] next to {shortened(str(first[0]))} [{first[1]}]",
                    "terms of one unit",
                    "a parameter with the unit that is missing",
                )
        return None if first is None else first[1]

    return visit(law)


def require_unit(label: str, part: sympy.Basic, unit: Unit | None, wanted: Unit, role: str) -> None:
    """Raise `InputError` unless a part of a law, named by its role, has the unit wanted; None fits any unit."""
    if unit is not None and not unit.agrees(wanted):
        allowed = "a pure number" if wanted.is_one else f"[{wanted}]"
        given = f"{shortened(str(part))} [{unit}] {role}"
        raise InputError(label, given, allowed, "a parameter with the unit that is missing")
