"""Laws as LaTeX that people can read: declared symbols, ``ln``, and tall exponents beside ``exp``, not above e."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter

__all__ = ["formula"]


class _Printer(LatexPrinter):
    def _print_ExpBase(self, expr: sympy.Expr, exp: str | None = None) -> str:
        argument = self._print(expr.args[0])
        if len(argument) <= 24 and r"\frac" not in argument:
            return str(super()._print_ExpBase(expr, exp))
        text = rf"\exp\left({argument}\right)"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


def formula(law: sympy.Expr, names: Mapping[sympy.Symbol, str]) -> str:
    """Return `law` as LaTeX.

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
    return str(_Printer(settings).doprint(law))
