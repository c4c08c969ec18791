"""Laws as LaTeX that people can read: declared symbols, ``ln``, tall exponents beside ``exp`` instead of above e."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter

__all__ = ["formula"]

#: Length of LaTeX above which a sum is broken into lines.
_WIDE = 240


class _Printer(LatexPrinter):
    def _print_ExpBase(self, expr: sympy.Expr, exp: str | None = None) -> str:
        argument = self._print(expr.args[0])
        if len(argument) <= 24 and r"\frac" not in argument:
            return str(super()._print_ExpBase(expr, exp))
        text = rf"\exp\left({argument}\right)"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


def formula(law: sympy.Expr, names: Mapping[sympy.Symbol, str]) -> str:
    """Return `law` as LaTeX; a long sum has a line for each term.

    Parameters
    ----------
    law : sympy.Expr
        The expression.
    names : mapping of sympy.Symbol to str
        LaTeX of the symbols that have their own.

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
