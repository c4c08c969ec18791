"""The units of a declaration, checked: what a law adds, compares and exponentiates must agree in its units.

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
from devices.units import ONE, Unit, parse_unit

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = ["check_units", "unit_of"]

#: Functions whose value has the unit of their arguments, which must agree.
_ALIKE = (sympy.Add, sympy.Max, sympy.Min, sympy.Abs, sympy.Mod, sympy.UnevaluatedExpr)
#: Functions whose value is a pure number whatever unit their arguments agree in.
_SIGNS = (sympy.sign, sympy.Heaviside, sympy.atan2)


def check_units(model: DeviceModel) -> None:
    """Refuse a declaration whose laws do not have their units.

    The current is in A, a rate in its state's unit per second, a bound in its state's unit. Terms of a sum and
    arguments of a maximum, minimum or comparison have one unit; exponents and arguments of other functions are pure
    numbers. An internal unknown's residual has one unit throughout, and its bracket the unknown's.

    Parameters
    ----------
    model : DeviceModel
        The declaration.

    Raises
    ------
    InputError
        That names the model, the law, the term and both units; or the quantity whose unit is not known.
    """
    volts = (model.voltage, *(c.symbol for c in model.controls))
    units = dict.fromkeys(volts, parse_unit("V"))
    inner = () if model.unknown is None else (model.unknown,)
    for quantity in (*model.states, *model.parameters, *inner):
        try:
            units[quantity.symbol] = parse_unit(quantity.unit)
        except ValueError as error:
            raise InputError(
                f"{model.name}.{quantity.name}", f"unit {quantity.unit!r}: {error}", "SI units", "unit='m^2/(V s)'"
            ) from None
    letters: dict[sympy.Symbol, Unit | None] = {}
    for part in model.parts:
        letters[part.letter] = unit_of(part.law, {**units, **letters}, f"{model.name}.{part.letter}")
    known = {**units, **letters}
    current, rates, residual = model.written
    for state, rate in zip(model.states, rates, strict=True):
        for bound in model.bounds(state):
            if isinstance(bound, sympy.Symbol):
                _require(f"{model.name}.{state.name}", bound, units[bound], units[state.symbol], "as bound")
        label = f"{model.name}.{state.name}"
        _require(label, rate, unit_of(rate, known, label), units[state.symbol] / parse_unit("s"), "as rate")
    label = f"{model.name}.current"
    _require(label, current, unit_of(current, known, label), parse_unit("A"), "as current")
    for u in inner:
        if residual is not None:
            unit_of(residual, known, f"{model.name}.{u.name}")
        for end in u.between:
            label = f"{model.name}.{u.name}.between"
            _require(label, end, unit_of(end, units, label), units[u.symbol], "as end of the bracket")


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
                _require(label, argument, unit, ONE, f"in {part.func.__name__}")
        return ONE

    def power(base: sympy.Expr, exponent: sympy.Expr) -> Unit | None:
        _require(label, exponent, visit(exponent), ONE, "as exponent")
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


def _require(label: str, part: sympy.Basic, unit: Unit | None, wanted: Unit, role: str) -> None:
    if unit is not None and not unit.agrees(wanted):
        allowed = "a pure number" if wanted.is_one else f"[{wanted}]"
        raise InputError(label, f"{_short(part)} [{unit}] {role}", allowed, "a parameter for the scale that it hides")


def _short(part: Any) -> str:
    text = " ".join(str(part).split())
    return text if len(text) <= 70 else text[:67] + "..."
