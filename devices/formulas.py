"""Laws in readable form: the current as a letter, no numerical safeguards, names for long repeated parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter

__all__ = ["CURRENT", "PositiveFirst", "formula", "readable"]

#: Length of LaTeX above which a sum is broken into lines.
_WIDE = 240
#: Number of operations above which repeated parts of a law get names of their own.
_LONG = 50
#: Number of operations up to which a repeated part gets no name.
_SHORT = 4
#: Smallest cap on an exponent that is taken for a safeguard against overflow.
_OVERFLOW_CAP = 5
#: Largest threshold of a branch that is taken for a series near a removable singularity.
_SERIES_LIMIT = sympy.Rational(1, 100)


class _Letter(sympy.Symbol):
    """A symbol that is printed last in a product."""

    def sort_key(self, order: str | None = None) -> Any:
        return sympy.Symbol("~" + self.name).sort_key(order)


#: Symbol for the current where a state law contains the current law.
CURRENT = _Letter("i", real=True)


def readable(laws: Sequence[sympy.Expr]) -> tuple[list[sympy.Expr], list[tuple[sympy.Symbol, sympy.Expr]]]:
    """Return laws in readable form, and the parts that were given names.

    The first law is the current; where the others contain it, they have the symbol `CURRENT`. Caps on exponents that
    only prevent an overflow, and series near removable singularities, are left out.

    Parameters
    ----------
    laws : sequence of sympy.Expr
        The current law and further ones.

    Returns
    -------
    tuple of list
        The laws, and the named parts, each after those that it contains.
    """
    current, *others = laws
    shown = [
        _without_safeguards(law)
        for law in (current, *(o.xreplace({-current: -CURRENT}).subs(current, CURRENT) for o in others))
    ]
    taken = [symbol for law in laws for symbol in law.free_symbols]
    names = sympy.numbered_symbols("u_", start=1, exclude=taken, real=True)
    named: list[tuple[sympy.Symbol, sympy.Expr]] = []
    for k, law in enumerate(shown):
        if law.count_ops() > _LONG:
            parts, shown[k] = _with_named_parts(law, names)
            named += parts
    return shown, named


def _with_named_parts(
    law: sympy.Expr, names: Iterator[sympy.Symbol]
) -> tuple[list[tuple[sympy.Symbol, sympy.Expr]], sympy.Expr]:
    """Return the long parts that a law repeats, with names, and the law written with these names."""
    found, (rest,) = sympy.cse(law, order="canonical")
    short: dict[sympy.Symbol, sympy.Expr] = {}
    kept: list[tuple[sympy.Symbol, sympy.Expr]] = []
    for symbol, part in found:
        part = part.xreplace(short)
        if part.count_ops() <= _SHORT:
            short[symbol] = part
        else:
            short[symbol] = next(names)
            kept.append((short[symbol], part))
    return kept, rest.xreplace(short)


def _without_safeguards(law: sympy.Expr) -> sympy.Expr:
    law = law.replace(lambda part: isinstance(part, sympy.Piecewise) and _is_series(part), _away_from_singularity)
    return law.replace(lambda part: isinstance(part, sympy.exp), lambda part: sympy.exp(_uncapped(part.args[0])))


def _is_series(part: sympy.Piecewise) -> bool:
    condition = part.args[0][1]
    sides = [side for side in condition.args if side.is_Number] if condition.is_Relational else []
    return any(0 < abs(side) <= _SERIES_LIMIT for side in sides)


def _away_from_singularity(part: sympy.Piecewise) -> sympy.Expr:
    clamps = (sympy.Min, sympy.Max)
    return part.args[-1][0].replace(
        lambda e: isinstance(e, clamps), lambda e: e.func(*(a for a in e.args if not a.is_Number))
    )


def _uncapped(exponent: sympy.Expr) -> sympy.Expr:
    if not isinstance(exponent, sympy.Min):
        return exponent
    return sympy.Min(*(a for a in exponent.args if not (a.is_Number and a >= _OVERFLOW_CAP)))


def _is_step(part: sympy.Expr) -> bool:
    """Return whether an expression is 0 on one side of a threshold and 1 on the other."""
    if not isinstance(part, sympy.Piecewise) or len(part.args) != 2 or not part.args[0][1].is_Relational:
        return False
    return {value for value, _ in part.args} == {0, 1}


class PositiveFirst:
    """A mixin for SymPy printers that puts the positive terms of a sum first."""

    def _as_ordered_terms(self, expr: sympy.Expr, order: str | None = None) -> list[sympy.Expr]:
        terms = super()._as_ordered_terms(expr, order=order)  # type: ignore[misc]
        return sorted(terms, key=lambda term: bool(term.could_extract_minus_sign()))


class _Printer(PositiveFirst, LatexPrinter):
    """LaTeX with steps as functions, short fractions as decimals, and the voltage first in conditions."""

    def _print_ExpBase(self, expr: sympy.Expr, exp: str | None = None) -> str:
        argument = self._print(expr.args[0])
        if len(argument) <= 24 and r"\frac" not in argument:
            return str(super()._print_ExpBase(expr, exp))
        text = rf"\exp\left({argument}\right)"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"

    def _print_Mul(self, expr: sympy.Expr) -> str:
        number, rest = expr.as_coeff_Mul()
        if number.is_Rational and number.q % 5 == 0 and 10**4 % number.q == 0:
            expr = sympy.Mul(sympy.Float(number), rest)
        return str(super()._print_Mul(expr))

    def _needs_mul_brackets(self, expr: sympy.Expr, first: bool = False, last: bool = False) -> bool:
        return not _is_step(expr) and bool(super()._needs_mul_brackets(expr, first, last))

    def _print_Piecewise(self, expr: sympy.Piecewise) -> str:
        if _is_step(expr):
            (value, condition), _ = expr.args
            beyond = condition.gts - condition.lts
            return rf"\,\mathrm{{step}}\left({self._print(beyond if value == 1 else -beyond)}\right)"
        rows = [rf"{self._print(value)} & \text{{if }} {self._print(c)}" for value, c in expr.args[:-1]]
        last, c = expr.args[-1]
        where = r"\text{otherwise}" if c is sympy.true else rf"\text{{if }} {self._print(c)}"
        rows.append(f"{self._print(last)} & {where}")
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"

    def _print_Relational(self, expr: sympy.core.relational.Relational) -> str:
        voltage = sympy.Symbol("v", real=True)
        if expr.rhs.has(voltage) and not expr.lhs.has(voltage):
            expr = expr.reversed
        return str(super()._print_Relational(expr))


def formula(law: sympy.Expr, names: Mapping[sympy.Symbol, str]) -> str:
    """Return `law` as LaTeX; a long sum has a line for each term.

    Parameters
    ----------
    law : sympy.Expr
        The expression.
    names : mapping of sympy.Symbol to str
        LaTeX of symbols that are not printed by their name.

    Returns
    -------
    str
        LaTeX without delimiters.
    """
    settings: dict[str, Any] = {"symbol_names": dict(names), "ln_notation": True}
    printer = _Printer(settings)
    text = str(printer.doprint(law))
    if not law.is_Add or len(text) <= _WIDE:
        return text
    terms = [str(printer.doprint(term)) for term in printer._as_ordered_terms(law)]
    lines = [terms[0], *(term if term.startswith("-") else f"+ {term}" for term in terms[1:])]
    return r"\begin{aligned} & " + r" \\ & ".join(lines) + r" \end{aligned}"
