"""What of a law hangs on parameters alone: worked out once for each cell, not at every evaluation of the kernel."""

from __future__ import annotations

from collections.abc import Iterable

import sympy

__all__ = ["Settled"]


class Settled:
    """Constants of the cells of a model, gathered from the laws that it is called with.

    Products are not gathered, and a quotient by a parameter stays one: ``x / a`` is 1 at ``x = a``, to the digit, and
    nothing overflows that did not in the law as it was written.

    Parameters
    ----------
    parameters : iterable of sympy.Symbol
        What is the same at every evaluation.

    Attributes
    ----------
    constants : dict of sympy.Expr to sympy.Symbol
        Expressions of parameters, with the names that took their places in the laws.

    Examples
    --------
    >>> a, b, v = sympy.symbols("a b v")
    >>> settled = Settled([a, b])
    >>> settled(v * sympy.exp(a / b) + a)
    _s0*v + a
    >>> settled.constants
    {exp(a/b): _s0}
    """

    def __init__(self, parameters: Iterable[sympy.Symbol]) -> None:
        self.constants: dict[sympy.Expr, sympy.Symbol] = {}
        self._parameters = frozenset(parameters)
        self._seen: dict[sympy.Basic, sympy.Basic] = {}

    def __call__(self, law: sympy.Basic) -> sympy.Basic:
        """Return a law with names in place of the largest subexpressions that hang on parameters alone."""
        if law not in self._seen:
            self._seen[law] = self._replaced(law)
        return self._seen[law]

    def _replaced(self, law: sympy.Basic) -> sympy.Basic:
        if law.is_Atom or not law.free_symbols & self._parameters:
            return law
        if law.free_symbols <= self._parameters and isinstance(law, sympy.Expr) and not _reciprocal(law):
            return self._named(law)
        return law.func(*map(self, law.args))

    def _named(self, part: sympy.Expr) -> sympy.Expr:
        if part.is_Atom or (-part).is_Atom:
            return part
        return self.constants.setdefault(part, sympy.Symbol(f"_s{len(self.constants)}", real=True))


def _reciprocal(law: sympy.Expr) -> bool:
    return law.is_Pow and law.exp == -1
