"""Common subexpressions of the laws of a device, to be computed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sympy

__all__ = ["share_subexpressions"]


def share_subexpressions(
    laws: Sequence[sympy.Expr], least: int
) -> tuple[list[tuple[sympy.Symbol, sympy.Expr]], list[sympy.Expr]]:
    """Take the most costly common subexpressions out of `laws`.

    Parameters
    ----------
    laws : sequence of sympy.Expr
        The expressions.
    least : int
        Fewest operations that a subexpression must save to be taken out: (times it occurs - 1) * (its operations).

    Returns
    -------
    parts : list of (sympy.Symbol, sympy.Expr)
        The subexpressions with their symbols, each after those that it contains.
    laws : list of sympy.Expr
        The expressions in terms of these symbols.
    """
    found, reduced = sympy.cse(list(laws), symbols=sympy.numbered_symbols("shared", cls=sympy.Dummy, real=True))
    taken: set[sympy.Symbol] = set()
    while True:
        inlined: dict[sympy.Symbol, sympy.Expr] = {}
        parts: list[tuple[sympy.Symbol, sympy.Expr]] = []
        for symbol, part in found:
            if symbol in taken:
                parts.append((symbol, part.xreplace(inlined)))
            else:
                inlined[symbol] = part.xreplace(inlined)
        left = [law.xreplace(inlined) for law in reduced]
        nodes = (node for e in (*(part for _, part in parts), *left) for node in sympy.preorder_traversal(e))
        times = Counter(nodes)
        gains = {symbol: (times[part] - 1) * part.count_ops() for symbol, part in inlined.items()}
        best = max(gains, key=gains.__getitem__, default=None)
        if best is None or gains[best] < least:
            return parts, left
        taken.add(best)
