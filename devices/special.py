r"""Functions for device laws that neither overflow nor lose digits where their textbook forms do.

A law written with them stays finite and accurate for any finite argument, in the compiled kernel and in every netlist
alike, because each dialect prints the safe form:

- ``softplus(z) = ln(1 + exp(z))``, tends to 0 as ``exp(z)`` and grows as ``z``; its slope is the logistic function.
- ``logistic(z) = 1 / (1 + exp(-z))``, tends to 0 as ``exp(z)`` and to 1.

.. math:: \mathrm{softplus}(z) = \max(z, 0) + \ln(1 + e^{-|z|}), \qquad
   \mathrm{logistic}(z) = \frac{e^{\min(z, 0)}}{1 + e^{-|z|}}
"""

from __future__ import annotations

from typing import Any

import mpmath
import sympy

__all__ = ["FUNCTIONS", "logistic", "softplus"]


class _Safe(sympy.Function):
    """A real function of one real argument, known to SymPy by its textbook form."""

    is_real = True
    nargs = 1

    @staticmethod
    def textbook(z: sympy.Expr) -> sympy.Expr:
        """Return the textbook form."""
        raise NotImplementedError

    @staticmethod
    def mpmath_value(z: Any) -> Any:
        """Return the value for an mpmath number, to the precision of mpmath's context."""
        raise NotImplementedError

    def _eval_mpmath(self) -> tuple[Any, tuple[sympy.Expr, ...]]:
        return self.mpmath_value, self.args

    def _eval_rewrite_as_exp(self, z: sympy.Expr, **_: Any) -> sympy.Expr:
        return self.textbook(z)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\left({printer._print(self.textbook(self.args[0]))}\right)"
        return text if exp is None else f"{text}^{{{exp}}}"


class softplus(_Safe):  # noqa: N801 - SymPy's functions are written in lower case
    """``ln(1 + exp(z))``."""

    is_positive = True

    @staticmethod
    def textbook(z: sympy.Expr) -> sympy.Expr:
        """Return ``ln(1 + exp(z))``."""
        return sympy.log(1 + sympy.exp(z))

    @staticmethod
    def mpmath_value(z: Any) -> Any:
        """Return the value."""
        return max(z, 0) + mpmath.log1p(mpmath.exp(-abs(z)))

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Return the slope."""
        return logistic(self.args[0])


class logistic(_Safe):  # noqa: N801
    """``1 / (1 + exp(-z))``."""

    is_positive = True

    @staticmethod
    def textbook(z: sympy.Expr) -> sympy.Expr:
        """Return ``1 / (1 + exp(-z))``."""
        return 1 / (1 + sympy.exp(-z))

    @staticmethod
    def mpmath_value(z: Any) -> Any:
        """Return the value."""
        return 1 / (1 + mpmath.exp(-z))

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Return the slope."""
        return logistic(self.args[0]) * logistic(-self.args[0])


#: Functions that a law may use: kernels have them and their derivatives.
FUNCTIONS: tuple[type[sympy.Basic], ...] = (
    sympy.Abs, sympy.Heaviside, sympy.Piecewise, sympy.sign, sympy.exp, sympy.log, softplus, logistic,
    sympy.sin, sympy.cos, sympy.tan, sympy.cot, sympy.sec, sympy.csc, sympy.sinc,
    sympy.asin, sympy.acos, sympy.atan, sympy.acot, sympy.atan2,
    sympy.sinh, sympy.cosh, sympy.tanh, sympy.coth, sympy.sech, sympy.csch,
    sympy.asinh, sympy.acosh, sympy.atanh, sympy.erf, sympy.erfc,
)  # fmt: skip
