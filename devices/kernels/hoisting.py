"""Parameter-only subexpressions of a model's laws, precomputed per cell instead of at every call of the kernel."""

from __future__ import annotations

from collections.abc import Iterable

import sympy

__all__ = ["Hoisted"]


class Hoisted:
    """Parameter-only constants of a model, collected from the laws that it is called with.

    Products are not collected, and a quotient by a parameter stays one: ``x / a`` is 1 at ``x = a``, to the digit, and
    nothing overflows that did not in the law as it was written.

    Parameters
    ----------
    parameters : iterable of sympy.Symbol
        Symbols that are the same at every evaluation.

    Attributes
    ----------
    constants : dict of sympy.Expr to sympy.Symbol
        Expressions of parameters, with the symbols that replace them in the laws.

    Examples
    --------
    >>> a, b, v = sympy.symbols("a b v")
    >>> hoisted = Hoisted([a, b])
    >>> hoisted(v * sympy.exp(a / b) + a)
    _s0*v + a
    >>> hoisted.constants
    {exp(a/b): _s0}
    """

    def __init__(self, parameters: Iterable[sympy.Symbol]) -> None:
        self.constants: dict[sympy.Expr, sympy.Symbol] = {}
        self._parameters = frozenset(parameters)
        self._seen: dict[sympy.Basic, sympy.Basic] = {}

    def __call__(self, law: sympy.Basic) -> sympy.Basic:
        """Return a law with symbols in place of its largest subexpressions of parameters alone."""
        if law not in self._seen:
            self._seen[law] = self._replaced(law)
        return self._seen[law]

    def _replaced(self, law: sympy.Basic) -> sympy.Basic:
        if law.is_Atom or not law.free_symbols & self._parameters:
            return law
        if law.free_symbols <= self._parameters and isinstance(law, sympy.Expr) and not _is_reciprocal(law):
            return self._named(law)
        return law.func(*map(self, law.args))

    def _named(self, part: sympy.Expr) -> sympy.Expr:
        if part.is_Atom or (-part).is_Atom:
            return part
        return self.constants.setdefault(part, sympy.Symbol(f"_s{len(self.constants)}", real=True))


def _is_reciprocal(law: sympy.Expr) -> bool:
    return law.is_Pow and law.exp == -1
