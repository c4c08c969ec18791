"""Window functions of ionic drift: factors that bend the state law near its bounds.

Each takes the normalised state `x` in [0, 1] and the voltage `v`, whose sign is the current's sign in a
passive device, and returns a SymPy expression. ``stp(u)`` is 1 for u >= 0 and 0 otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy

from devices.parameters import Parameter

__all__ = ["WINDOWS", "Window"]

_P = Parameter("p", "1", "window exponent", lower=1.0)
_J = Parameter("j", "1", "window scale", lower=0.0, open_lower=True)


@dataclass(frozen=True)
class Window:
    """A window function: its own parameters, its expression and where it was published."""

    name: str
    parameters: tuple[Parameter, ...]
    expression: Callable[[sympy.Symbol, sympy.Symbol], sympy.Expr]
    reference: str
    remark: str


def _start(v: sympy.Symbol) -> sympy.Expr:
    """``stp(-i)``: the bound that the state comes from, 0 while it grows and 1 while it shrinks."""
    return sympy.Piecewise((0, v > 0), (1, True))


def _none(x: sympy.Symbol, v: sympy.Symbol) -> sympy.Expr:
    return sympy.Integer(1)


def _joglekar(x: sympy.Symbol, v: sympy.Symbol) -> sympy.Expr:
    return 1 - sympy.Abs(2 * x - 1) ** (2 * _P.symbol)


def _biolek(x: sympy.Symbol, v: sympy.Symbol) -> sympy.Expr:
    return 1 - sympy.Abs(x - _start(v)) ** (2 * _P.symbol)


def _prodromakis(x: sympy.Symbol, v: sympy.Symbol) -> sympy.Expr:
    return _J.symbol * (1 - ((x - sympy.Rational(1, 2)) ** 2 + sympy.Rational(3, 4)) ** _P.symbol)


def _zha(x: sympy.Symbol, v: sympy.Symbol) -> sympy.Expr:
    return _J.symbol * (1 - ((x - _start(v)) ** 2 / 4 + sympy.Rational(3, 4)) ** _P.symbol)


#: The windows by name. With ``p`` a whole number they are the published even powers.
WINDOWS: dict[str, Window] = {
    w.name: w
    for w in (
        Window("none", (), _none, "", "The state drifts at full rate up to its bound and leaves it freely."),
        Window(
            "joglekar",
            (_P,),
            _joglekar,
            "Y. N. Joglekar and S. J. Wolf, Eur. J. Phys. 30, 661 (2009), doi 10.1088/0143-0807/30/4/001",
            "Zero at both bounds: a state that reaches a bound stays there, as published.",
        ),
        Window(
            "biolek",
            (_P,),
            _biolek,
            "Z. Biolek, D. Biolek and V. Biolkova, Radioengineering 18, 210 (2009)",
            "Zero only at the bound that the state moves to; jumps with the sign of the current.",
        ),
        Window(
            "prodromakis",
            (_P, _J),
            _prodromakis,
            "T. Prodromakis et al., IEEE Trans. Electron Devices 58, 3099 (2011), doi 10.1109/TED.2011.2158004",
            "Zero at both bounds, height j (1 - (3/4)^p) at the middle.",
        ),
        Window(
            "zha",
            (_P, _J),
            _zha,
            "J. Zha, H. Huang and Y. Liu, IEEE Trans. Circuits Syst. II 63, 423 (2016), doi 10.1109/TCSII.2015.2505959",
            "Zero only at the bound that the state moves to, with a scale.",
        ),
    )
}
