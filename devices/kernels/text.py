"""Symbols to Python text: the functions of a model's kernels, with its exact Jacobian.

The kernel of a model with n states and m controls is ``evaluate(v, x, p, out)``; ``x`` has the states and then the
controls, ``out`` (length (1+n)(2+n+m)) gets rows for the current and for each state's rate, and columns value, d/dv and
the derivatives by the entries of ``x``. An ``out`` of length n gets the rates alone. ``p`` has the parameters and then
the constants that depend on them alone, from a kernel of their own.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import sympy
from sympy.printing.pycode import PythonCodePrinter

from devices.kernels.hoisting import Hoisted
from devices.special import logistic, softplus

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = ["IMPORTS", "ModelText", "kernel_head", "model_text"]


class _KernelPrinter(PythonCodePrinter):
    """Scalar Python that numba compiles: branches for Max, Min and steps, ``math`` for the rest."""

    def _print_Max(self, expr: sympy.Max) -> str:
        return "max(" + ", ".join(self._print(a) for a in expr.args) + ")"

    def _print_Min(self, expr: sympy.Min) -> str:
        return "min(" + ", ".join(self._print(a) for a in expr.args) + ")"

    def _print_Heaviside(self, expr: sympy.Heaviside) -> str:
        return f"(1.0 if {self._print(expr.args[0])} > 0.0 else 0.0)"

    def _print_sign(self, expr: sympy.sign) -> str:
        argument = self._print(expr.args[0])
        return f"(1.0 if {argument} > 0.0 else (-1.0 if {argument} < 0.0 else 0.0))"

    def _print_softplus(self, expr: softplus) -> str:
        argument = self._print(expr.args[0])
        return f"(max({argument}, 0.0) + math.log1p(math.exp(-abs({argument}))))"

    def _print_logistic(self, expr: logistic) -> str:
        argument = self._print(expr.args[0])
        return f"(math.exp(min({argument}, 0.0))/(1.0 + math.exp(-abs({argument}))))"

    def _print_log(self, expr: sympy.log) -> str:
        rest = expr.args[0] - 1
        if expr.args[0].is_Add and not rest.is_Add:
            return f"math.log1p({self._print(rest)})"
        return f"math.log({self._print(expr.args[0])})"

    def _print_sinh(self, expr: sympy.sinh) -> str:
        return f"_sinh({self._print(expr.args[0])})"

    def _print_cosh(self, expr: sympy.cosh) -> str:
        return f"_cosh({self._print(expr.args[0])})"

    def _print_Integer(self, expr: sympy.Integer) -> str:
        return f"{int(expr)}.0"

    def _print_Rational(self, expr: sympy.Rational) -> str:
        return repr(float(expr))

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:
        base, exponent = expr.args
        if exponent.is_Integer and 2 <= int(exponent) <= 4:
            return "(" + "*".join([self.parenthesize(base, 50)] * int(exponent)) + ")"
        if not exponent.is_number:
            return f"_power({self._print(base)}, {self._print(exponent)})"
        return str(super()._print_Pow(expr, rational=rational))


def _derivative(law: sympy.Expr, variable: sympy.Symbol) -> sympy.Expr:
    """Return the derivative with ``b**n / b`` combined to ``b**(n - 1)``, which is finite at b = 0 for n >= 1.

    The derivative of a step function is 0: the stepper ends a time step where the function jumps.
    """
    slope = sympy.diff(law, variable).replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
    return sympy.powsimp(slope, combine="exp")


def _module(title: str, body: list[str]) -> str:
    """Return the text of a module with one function, ``evaluate(v, x, p, out)``."""
    return "\n".join([f'"""{title}"""', *IMPORTS, *kernel_head("evaluate"), *body, ""])


IMPORTS = (
    "import math",
    "import numpy as np",
    "from devices.kernels.elementary import cosh as _cosh, power as _power, sinh as _sinh",
    "from devices.kernels.evaluate import KERNEL_SIGNATURE",
    "from devices.common.jit import callback, jit",
    "",
    "",
)


def kernel_head(name: str) -> list[str]:
    """Return the first lines of a kernel."""
    return ["@callback(KERNEL_SIGNATURE)", f"def {name}(v, _x, _p, _out):"]


class ModelText(NamedTuple):
    """Texts that are compiled for a model: modules with one function each, ``evaluate(v, x, p, out)``."""

    kernel: str
    switches: str
    constants: str  # the parameter-only constants, and their number
    law: list[str]  # the lines of the kernel's function, for two devices in series
    hoisted: int  # number of constants that follow the parameters in ``p``


@cache
def model_text(model: DeviceModel) -> ModelText:
    """Return the text of all that is compiled for a model, derived from its declaration."""
    hoisted = Hoisted(p.symbol for p in model.parameters)
    variables = [model.voltage, *(s.symbol for s in (*model.states, *model.controls))]
    entries = [e for law in (model.current, *model.rates) for e in (law, *_derivatives(model, law, variables))]
    root = _root(model, hoisted)
    law = [*root]
    if model.states:
        rates = _assignments([hoisted(rate) for rate in model.rates], _outputs(len(model.states)))
        law += [f"    if _out.size == {len(model.states)}:", *(f"    {line}" for line in rates), "        return"]
    law += _assignments([hoisted(e) for e in entries], _outputs(len(entries)))
    switches = [*root, *_assignments([hoisted(s) for s in model.switches], _outputs(len(model.switches)))]
    states = [f"    {s.name} = _x[{k}]" for k, s in enumerate((*model.states, *model.controls))]
    parameters = [f"    {p.name} = _p[{k}]" for k, p in enumerate(model.parameters)]
    count = len(hoisted.constants)
    named = [f"    {c} = _p[{len(parameters) + k}]" for k, c in enumerate(hoisted.constants.values())]
    constants = [*parameters, *_assignments(list(hoisted.constants), _outputs(count))] or ["    pass"]
    derived = f"of {model.name}, derived from its declaration; made anew when that changes."
    law = [*states, *parameters, *named, *law]
    return ModelText(
        _module(f"Kernel {derived}", law),
        _module(f"Where the state laws jump or bend {derived}", [*states, *parameters, *named, *switches]),
        _module(f"Parameter-only constants {derived}", [*constants, "", "", f"COUNT = {count}"]),
        law,
        count,
    )


def _outputs(count: int) -> list[str]:
    return [f"_out[{k}]" for k in range(count)]


def _derivatives(model: DeviceModel, law: sympy.Expr, variables: list[sympy.Symbol]) -> list[sympy.Expr]:
    """Return total derivatives of a law; an unknown ``y`` changes by ``dy = -(dr/dx) / (dr/dy) dx``."""
    direct = [_derivative(law, s) for s in variables]
    if model.unknown is None or model.unknown.symbol not in law.free_symbols:
        return direct
    y, residual = model.unknown.symbol, model.unknown.residual
    share = _derivative(law, y) / _derivative(residual, y)
    return [d - share * _derivative(residual, s) for d, s in zip(direct, variables, strict=True)]


def _root(model: DeviceModel, hoisted: Hoisted) -> list[str]:
    """Return the lines that solve for the unknown, if there is one."""
    if model.unknown is None:
        return []
    y, residual = model.unknown.symbol, model.unknown.residual
    root = [line.replace("$y", y.name) for line in _ROOT.splitlines()]
    at = next(k for k, line in enumerate(root) if line.strip() == "$residual")
    both = [hoisted(residual), hoisted(_derivative(residual, y))]
    inside = [f"    {line}" for line in _assignments(both, ["_r", "_slope"], "_u")]
    ends = _assignments([hoisted(end) for end in model.unknown.between], ["_low", "_high"], "_b")
    return [*ends, *root[:at], *inside, *root[at + 1 :]]


def _assignments(entries: list[sympy.Expr], targets: list[str], prefix: str = "_c") -> list[str]:
    """Return lines that assign expressions to targets, with common subexpressions first."""
    shared, reduced = sympy.cse(entries, symbols=sympy.numbered_symbols(prefix))
    printer = _KernelPrinter({"fully_qualified_modules": True, "standard": "python3"})
    pairs = [*shared, *zip(targets, reduced, strict=True)]
    return [f"    {name} = {printer.doprint(value)}" for name, value in pairs]


#: Newton's method inside a bracket, for a residual that changes sign once between two ends; its sign at the first end
#: gives the direction. Where three steps have not halved the bracket it is bisected, so that the iteration converges.
_ROOT = """\
    _rising, _width = 0.0, math.inf
    $y = _low
    for _k in range(200):
        $residual
        if _r == 0.0:
            break
        if _k == 0:
            _rising = -1.0 if _r > 0.0 else 1.0
            $y = 0.5*(_low + _high)
            if $y == _low or $y == _high:
                break
            continue
        if _r*_rising > 0.0:
            _high = $y
        else:
            _low = $y
        _candidate = $y - _r/_slope if _slope != 0.0 else math.inf
        _slow = False
        if _k % 3 == 0:
            _slow = abs(_high - _low) > 0.5*_width
            _width = abs(_high - _low)
        if _slow or not (min(_low, _high) < _candidate < max(_low, _high)):
            _candidate = 0.5*(_low + _high)
        if abs(_candidate - $y) <= 2e-16*abs($y) or _candidate == _low or _candidate == _high:
            break
        $y = _candidate"""
