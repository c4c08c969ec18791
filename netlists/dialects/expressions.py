"""SymPy expressions as text: one printer, and a subclass for each dialect.

ngspice 39 differs from mathematics:

- A literal in a behavioural source keeps 11 digits. A number that needs more is written as a sum of two, which
  ngspice folds into one double. Parameters, in braces, keep 16: right to a unit or two in the last place, so no
  law should ask whether a parameter equals a number.
- ``a**b``, ``a^b`` and ``pow(a, b)`` take the absolute value of the base. Small whole powers are written as
  products; a base that may be negative gets its sign back by ``cos(pi b)``, which is 1 or -1 for whole b.
- ``u(0)`` is 1/2; a step is written as a condition, 0 at 0, as our own kernels have it.
- ``max`` and ``min`` take two arguments; more are nested.

Xyce and LTspice differ from ngspice, by their reference guide and help:

- Their literals keep all digits.
- Xyce has ``&``, ``|`` and ``~`` between conditions.
- LTspice has ``if(condition,a,b)``, ``&``, ``|`` and ``inv()``, and no ``==``: equality is two inequalities.

Verilog-A differs from SPICE:

- A literal without point or exponent is an integer, and integers divide as integers: every number is written as a
  real, with as many digits as make the same double.
- There is no ``sgn`` and no step: both are written as conditions. ``pow`` is the one of C, right for any base.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import sympy
from sympy.logic.boolalg import BooleanFalse, BooleanTrue

from devices.common.errors import InputError
from devices.special import logistic, softplus

__all__ = [
    "expression",
    "ltspice_expression",
    "ngspice_literal",
    "number_text",
    "real_text",
    "verilog_expression",
    "xyce_expression",
]

_SUM, _PRODUCT, _ATOM = 1, 2, 3
_FUNCTIONS = {
    sympy.exp: "exp", sympy.log: "ln", sympy.sinh: "sinh", sympy.cosh: "cosh", sympy.tanh: "tanh",
    sympy.sin: "sin", sympy.cos: "cos", sympy.tan: "tan", sympy.atan: "atan", sympy.asin: "asin",
    sympy.Abs: "abs",
}  # fmt: skip
_RELATIONS = {
    sympy.StrictGreaterThan: ">", sympy.GreaterThan: ">=", sympy.StrictLessThan: "<",
    sympy.LessThan: "<=", sympy.Equality: "==", sympy.Unequality: "!=",
}  # fmt: skip


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same double, without a needless ``.0``."""
    return repr(float(value) + 0.0).removesuffix(".0")


def ngspice_literal(value: float) -> str:
    """Return a number that is not negative for a behavioural source of ngspice, with all its digits."""
    if float(f"{value:.10e}") == value:
        return number_text(value)
    head = f"{value:.10e}"
    rest = Decimal(value) - Decimal(head)
    return f"({head} {'-' if rest < 0 else '+'} {abs(rest):.10e})"


def real_text(value: float) -> str:
    """Return the shortest text that reads back as the same double and as no integer."""
    return repr(float(value) + 0.0)


def expression(law: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> str:
    """Return `law` as the right-hand side of a behavioural source.

    Parameters
    ----------
    law : sympy.Basic
        Expression in the vocabulary of device models: sums, products, powers, the elementary functions, Abs,
        sign, Max, Min, Heaviside and Piecewise with relational conditions.
    names : mapping of sympy.Symbol to str
        Text for each symbol: a parameter in braces, a voltage.

    Returns
    -------
    str
        The text.

    Raises
    ------
    InputError
        For anything outside the vocabulary.
    """
    return _NgspicePrinter(names).text(law)


def xyce_expression(law: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> str:
    """Return `law` as the expression of a B source of Xyce; arguments and errors as of `expression`."""
    return _XycePrinter(names).text(law)


def ltspice_expression(law: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> str:
    """Return `law` as the right-hand side of a B source of LTspice; arguments and errors as of `expression`."""
    return _LtspicePrinter(names).text(law)


def verilog_expression(law: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> str:
    """Return `law` as an expression of Verilog-A; arguments and errors are those of `expression`."""
    return _VerilogPrinter(names).text(law)


class _Printer:
    """Writes expressions; subclasses write numbers, signs and powers other than small whole ones."""

    ZERO, ONE, TWO = "0", "1", "2"
    AND, OR = "&&", "||"

    def __init__(self, names: Mapping[sympy.Symbol, str]) -> None:
        self.names = names

    def text(self, e: sympy.Basic, level: int = _SUM) -> str:
        """Text of `e`, in parentheses where it binds less tightly than `level` asks for."""
        text, own = self._write(e)
        return text if own >= level else f"({text})"

    def _write(self, e: sympy.Basic) -> tuple[str, int]:
        if isinstance(e, sympy.Symbol) and e in self.names:
            return self.names[e], _ATOM
        if isinstance(e, sympy.Number | sympy.NumberSymbol) and e.is_finite:
            return self._number(float(e))
        for kind, writer in self._WRITERS:
            if isinstance(e, kind):
                return getattr(self, writer)(e)
        for kind, name in _FUNCTIONS.items():
            if isinstance(e, kind):
                return f"{name}({self.text(e.args[0])})", _ATOM
        for kind, sign in _RELATIONS.items():
            if isinstance(e, kind):
                return self._relation(self.text(e.args[0]), sign, self.text(e.args[1])), _ATOM
        allowed = "+ - * / **, exp log sqrt sinh cosh tanh Abs sign Max Min Heaviside Piecewise"
        raise InputError("expression", f"{type(e).__name__} in {e}", allowed, "write it with these")

    def _number(self, value: float) -> tuple[str, int]:
        text = self._literal(abs(value))
        return (f"-{text}", _SUM) if value < 0 else (text, _ATOM)

    def _literal(self, value: float) -> str:
        """Text of a number that is not negative."""
        raise NotImplementedError

    def _sign(self, e: sympy.sign) -> tuple[str, int]:
        raise NotImplementedError

    def _whole_power(self, base: sympy.Expr, n: int) -> tuple[str, int]:
        """Text of a power with a whole exponent above 3."""
        raise NotImplementedError

    def _any_power(self, base: sympy.Expr, exponent: sympy.Expr) -> tuple[str, int]:
        raise NotImplementedError

    def _choice(self, condition: str, this: str, that: str) -> str:
        """Text of one of two values."""
        return f"({condition} ? {this} : {that})"

    def _relation(self, one: str, sign: str, other: str) -> str:
        return f"({one} {sign} {other})"

    def _sum(self, e: sympy.Add) -> tuple[str, int]:
        terms = sorted(e.as_ordered_terms(), key=lambda term: term.could_extract_minus_sign())
        text = self.text(terms[0])
        for term in terms[1:]:
            text += (
                f" - {self.text(-term, _PRODUCT)}"
                if term.could_extract_minus_sign()
                else f" + {self.text(term, _PRODUCT)}"
            )
        return text, _SUM

    def _product(self, e: sympy.Mul) -> tuple[str, int]:
        if e.args[0].is_Number and e.args[0] < 0:
            return f"-{self.text(-e, _PRODUCT)}", _SUM
        above, below = [], []
        for factor in e.as_ordered_factors():
            base, exponent = factor.as_base_exp()
            if factor.is_Pow and exponent.could_extract_minus_sign():
                below.append(sympy.Pow(base, -exponent))
            else:
                above.append(self.text(factor, _PRODUCT))
        top = "*".join(above) or self.ONE
        if not below:
            return top, _PRODUCT
        if len(below) == 1:
            return f"{top}/{self.text(below[0], _ATOM)}", _PRODUCT
        return f"{top}/({'*'.join(self.text(b, _PRODUCT) for b in below)})", _PRODUCT

    def _power(self, e: sympy.Pow) -> tuple[str, int]:
        base, exponent = e.args
        if exponent.could_extract_minus_sign():
            return f"{self.ONE}/{self.text(sympy.Pow(base, -exponent), _ATOM)}", _PRODUCT
        if exponent == sympy.Rational(1, 2):
            return f"sqrt({self.text(base)})", _ATOM
        if not exponent.is_Integer:
            return self._any_power(base, exponent)
        if int(exponent) <= 3:
            return "*".join([self.text(base, _ATOM)] * int(exponent)), _PRODUCT
        return self._whole_power(base, int(exponent))

    def _extreme(self, e: sympy.Basic) -> tuple[str, int]:
        name = "max" if isinstance(e, sympy.Max) else "min"
        texts = [self.text(a) for a in sorted(e.args, key=sympy.default_sort_key)]
        nested = texts.pop()
        while texts:
            nested = f"{name}({texts.pop()},{nested})"
        return nested, _ATOM

    def _step(self, e: sympy.Heaviside) -> tuple[str, int]:
        return self._choice(self._relation(self.text(e.args[0]), ">", self.ZERO), self.ONE, self.ZERO), _ATOM

    def _softplus(self, e: softplus) -> tuple[str, int]:
        z = self.text(e.args[0])
        q = f"exp(-abs({z}))"
        # The area tangent in place of ln(1 + q) has all digits.
        return f"(max({z},{self.ZERO}) + {self.TWO}*atanh({q}/({self.TWO} + {q})))", _ATOM

    def _logistic(self, e: logistic) -> tuple[str, int]:
        z = self.text(e.args[0])
        return f"(exp(min({z},{self.ZERO}))/({self.ONE} + exp(-abs({z}))))", _ATOM

    def _pieces(self, e: sympy.Piecewise) -> tuple[str, int]:
        last, otherwise = e.args[-1]
        if otherwise != sympy.true:
            raise InputError("expression", f"{e}", "a Piecewise whose last condition is True", "add (0, True)")
        text = self.text(last, _ATOM)
        for value, condition in reversed(e.args[:-1]):
            text = self._choice(self.text(condition), self.text(value, _ATOM), text)
        return text, _ATOM

    def _join(self, e: sympy.Basic) -> tuple[str, int]:
        sign = self.AND if isinstance(e, sympy.And) else self.OR
        return f"({f' {sign} '.join(self.text(a) for a in sorted(e.args, key=sympy.default_sort_key))})", _ATOM

    def _not(self, e: sympy.Not) -> tuple[str, int]:
        return f"(!{self.text(e.args[0], _ATOM)})", _ATOM

    def _truth(self, e: sympy.Basic) -> tuple[str, int]:
        return ("1" if e == sympy.true else "0"), _ATOM

    _WRITERS: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (sympy.Add, "_sum"),
        (sympy.Mul, "_product"),
        (sympy.Pow, "_power"),
        ((sympy.Max, sympy.Min), "_extreme"),
        (sympy.Heaviside, "_step"),
        (sympy.sign, "_sign"),
        (sympy.Piecewise, "_pieces"),
        (softplus, "_softplus"),
        (logistic, "_logistic"),
        ((sympy.And, sympy.Or), "_join"),
        (sympy.Not, "_not"),
        ((BooleanTrue, BooleanFalse), "_truth"),
    )


class _SpicePrinter(_Printer):
    """Writes expressions for SPICE: powers are those of absolute values, times the sign."""

    def _literal(self, value: float) -> str:
        return number_text(value)

    def _sign(self, e: sympy.sign) -> tuple[str, int]:
        return f"sgn({self.text(e.args[0])})", _ATOM

    def _whole_power(self, base: sympy.Expr, n: int) -> tuple[str, int]:
        plain = self.text(base)
        if n % 2:
            return f"{self.text(base, _ATOM)}*pow(abs({plain}),{n - 1})", _PRODUCT
        return f"pow(abs({plain}),{n})", _ATOM

    def _any_power(self, base: sympy.Expr, exponent: sympy.Expr) -> tuple[str, int]:
        plain, power = self.text(base), self.text(exponent)
        if base.is_nonnegative:
            return f"pow({plain},{power})", _ATOM
        if exponent.is_Number:
            return f"pow(abs({plain}),{power})", _ATOM
        turn = self.text(sympy.pi * exponent)
        sign = self._choice(self._relation(plain, "<", "0"), f"cos({turn})", "1")
        return f"pow(abs({plain}),{power})*{sign}", _PRODUCT


class _NgspicePrinter(_SpicePrinter):
    def _literal(self, value: float) -> str:
        return ngspice_literal(value)


class _XycePrinter(_SpicePrinter):
    AND, OR = "&", "|"

    def _not(self, e: sympy.Not) -> tuple[str, int]:
        return f"(~{self.text(e.args[0], _ATOM)})", _ATOM


class _LtspicePrinter(_SpicePrinter):
    AND, OR = "&", "|"

    def _choice(self, condition: str, this: str, that: str) -> str:
        return f"if({condition},{this},{that})"

    def _relation(self, one: str, sign: str, other: str) -> str:
        if sign == "==":
            return f"(({one} >= {other}) & ({one} <= {other}))"
        if sign == "!=":
            return f"(({one} > {other}) | ({one} < {other}))"
        return f"({one} {sign} {other})"

    def _not(self, e: sympy.Not) -> tuple[str, int]:
        return f"inv({self.text(e.args[0])})", _ATOM


class _VerilogPrinter(_Printer):
    ZERO, ONE, TWO = "0.0", "1.0", "2.0"

    def _literal(self, value: float) -> str:
        return real_text(value)

    def _sign(self, e: sympy.sign) -> tuple[str, int]:
        z = self.text(e.args[0])
        return f"(({z} > 0.0) ? 1.0 : (({z} < 0.0) ? -1.0 : 0.0))", _ATOM

    def _whole_power(self, base: sympy.Expr, n: int) -> tuple[str, int]:
        return f"pow({self.text(base)},{n}.0)", _ATOM

    def _any_power(self, base: sympy.Expr, exponent: sympy.Expr) -> tuple[str, int]:
        return f"pow({self.text(base)},{self.text(exponent)})", _ATOM
