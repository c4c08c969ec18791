"""Symbols to Python text: the functions of a model's kernels, with its exact Jacobian.

The kernel of a model with n states and m controls is ``evaluate(v, x, p, out)``; ``x`` has the states and then the
controls, ``out`` (length (1+n)(2+n+m)) gets rows for the current and for each state's rate, and columns value, d/dv and
the derivatives by the entries of ``x``. An ``out`` of length n gets the rates alone. ``p`` has the parameters and then
the constants that hang on them alone, from a kernel of their own. Two devices in series have a kernel of the same kind,
made of theirs.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import sympy
from sympy.printing.pycode import PythonCodePrinter

from devices._settled import Settled
from devices.special import logistic, softplus

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = ["ModelText", "model_text", "series_source"]


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
    """Derivative with ``b**n / b`` gathered to ``b**(n - 1)``, which is finite at b = 0 for n >= 1.

    A jump adds nothing: beside it a step is flat, and the stepper ends a step where it is.
    """
    slope = sympy.diff(law, variable).replace(sympy.DiracDelta, lambda *_: sympy.Integer(0))
    return sympy.powsimp(slope, combine="exp")


def _module(what: str, body: list[str]) -> str:
    """Return the text of a module with one function, ``evaluate(v, x, p, out)``."""
    return "\n".join([f'"""{what}"""', *_IMPORTS, *_decorated("evaluate"), *body, ""])


_IMPORTS = (
    "import math",
    "import numpy as np",
    "from devices._elementary import cosh as _cosh, power as _power, sinh as _sinh",
    "from devices._stepper import KERNEL_SIGNATURE",
    "from devices.common.jit import callback, jit",
    "",
    "",
)


def _decorated(name: str) -> list[str]:
    return ["@callback(KERNEL_SIGNATURE)", f"def {name}(v, _x, _p, _out):"]


class ModelText(NamedTuple):
    """What is compiled for a model: modules with one function each, ``evaluate(v, x, p, out)``."""

    kernel: str
    switches: str
    constants: str  # what hangs on parameters alone; says too how many numbers that are
    law: list[str]  # the lines of the kernel's function, for two devices in series
    settled: int  # how many constants the law takes after its parameters


@cache
def model_text(model: DeviceModel) -> ModelText:
    """Return the text of all that is compiled for a model, derived from its declaration."""
    settled = Settled(p.symbol for p in model.parameters)
    variables = [model.voltage, *(s.symbol for s in (*model.states, *model.controls))]
    entries = [e for law in (model.current, *model.rates) for e in (law, *_derivatives(model, law, variables))]
    root = _root(model, settled)
    law = [*root]
    if model.states:
        rates = _assigned([settled(rate) for rate in model.rates], _outputs(len(model.states)))
        law += [f"    if _out.size == {len(model.states)}:", *(f"    {line}" for line in rates), "        return"]
    law += _assigned([settled(e) for e in entries], _outputs(len(entries)))
    switches = [*root, *_assigned([settled(s) for s in model.switches], _outputs(len(model.switches)))]
    states = [f"    {s.name} = _x[{k}]" for k, s in enumerate((*model.states, *model.controls))]
    parameters = [f"    {p.name} = _p[{k}]" for k, p in enumerate(model.parameters)]
    count = len(settled.constants)
    named = [f"    {c} = _p[{len(parameters) + k}]" for k, c in enumerate(settled.constants.values())]
    constants = [*parameters, *_assigned(list(settled.constants), _outputs(count))] or ["    pass"]
    derived = f"of {model.name}, derived from its declaration; made anew when that changes."
    law = [*states, *parameters, *named, *law]
    return ModelText(
        _module(f"Kernel {derived}", law),
        _module(f"Where the state laws jump or bend {derived}", [*states, *parameters, *named, *switches]),
        _module(f"What hangs on parameters alone {derived}", [*constants, "", "", f"COUNT = {count}"]),
        law,
        count,
    )


def _outputs(count: int) -> list[str]:
    return [f"_out[{k}]" for k in range(count)]


def _derivatives(model: DeviceModel, law: sympy.Expr, variables: list[sympy.Symbol]) -> list[sympy.Expr]:
    """Return total derivatives of a law; along an unknown ``y`` it moves by ``dy = -(dr/dx) / (dr/dy) dx``."""
    direct = [_derivative(law, s) for s in variables]
    if model.unknown is None or model.unknown.symbol not in law.free_symbols:
        return direct
    y, residual = model.unknown.symbol, model.unknown.residual
    share = _derivative(law, y) / _derivative(residual, y)
    return [d - share * _derivative(residual, s) for d, s in zip(direct, variables, strict=True)]


def _root(model: DeviceModel, settled: Settled) -> list[str]:
    """Return the lines that solve for the unknown, where there is one."""
    if model.unknown is None:
        return []
    y, residual = model.unknown.symbol, model.unknown.residual
    root = [line.replace("$y", y.name) for line in _ROOT.splitlines()]
    at = next(k for k, line in enumerate(root) if line.strip() == "$residual")
    both = [settled(residual), settled(_derivative(residual, y))]
    inside = [f"    {line}" for line in _assigned(both, ["_r", "_slope"], "_u")]
    ends = _assigned([settled(end) for end in model.unknown.between], ["_low", "_high"], "_b")
    return [*ends, *root[:at], *inside, *root[at + 1 :]]


def _assigned(entries: list[sympy.Expr], targets: list[str], prefix: str = "_c") -> list[str]:
    """Return lines that assign expressions to targets, common parts first."""
    shared, reduced = sympy.cse(entries, symbols=sympy.numbered_symbols(prefix))
    printer = _KernelPrinter({"fully_qualified_modules": True, "standard": "python3"})
    pairs = [*shared, *zip(targets, reduced, strict=True)]
    return [f"    {name} = {printer.doprint(value)}" for name, value in pairs]


#: The root of a residual that changes sign once between two ends; the sign at the first end tells which way. Where two
#: steps of Newton's method have not halved the bracket it is cut in the middle, so that the end is always reached.
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
        _aim = $y - _r/_slope if _slope != 0.0 else math.inf
        _lazy = False
        if _k % 3 == 0:
            _lazy = abs(_high - _low) > 0.5*_width
            _width = abs(_high - _low)
        if _lazy or not (min(_low, _high) < _aim < max(_low, _high)):
            _aim = 0.5*(_low + _high)
        if abs(_aim - $y) <= 2e-16*abs($y) or _aim == _low or _aim == _high:
            break
        $y = _aim"""


def series_source(top: DeviceModel, bottom: DeviceModel) -> str:
    """Return the Python text of the kernel of two devices in series, the node between them eliminated.

    The voltage ``w`` across the bottom device solves ``i_bottom(w) = i_top(v - w)``. Both currents rise with their
    voltages, so the root lies between 0 and ``v``: Newton's method on the logarithms of the currents, which takes
    exponentials in one step, kept inside a shrinking bracket. Derivatives follow from the implicit function theorem.

    Parameters
    ----------
    top, bottom : DeviceModel
        The declarations; only the bottom one may have controls.

    Returns
    -------
    str
        A module with one function, ``evaluate(v, x, p, out)``; `x` has the top's states, the bottom's and its controls.
    """
    n, m, c = len(top.states), len(bottom.states), len(bottom.controls)
    sizes = f"n, m, c, k = {n}, {m}, {c}, {len(top.parameters) + model_text(top).settled}"
    parts = []
    for name, model in (("top", top), ("bottom", bottom)):
        parts += ["@jit", f"def {name}(v, _x, _p, _out):", *model_text(model).law, "", ""]
    return "\n".join(
        [
            f'"""Kernel of {top.name} and {bottom.name} in series, derived from their declarations."""',
            *_IMPORTS,
            *parts,
            *_decorated("evaluate"),
            f"    {sizes}",
            *_SERIES.splitlines(),
            "",
        ]
    )


_SERIES = """\
    a = np.empty((1 + n) * (2 + n))
    b = np.empty((1 + m) * (2 + m + c))
    xa, xb, pa, pb = _x[:n], _x[n:], _p[:k], _p[k:]
    low, high = min(v, 0.0), max(v, 0.0)
    w = 0.5 * v
    for _ in range(200):
        top(v - w, xa, pa, a)
        bottom(w, xb, pb, b)
        above = b[0] - a[0]
        if above == 0.0:
            break
        if above > 0.0:
            high = w
        else:
            low = w
        step = -above / (a[1] + b[1]) if a[1] + b[1] > 0.0 else math.inf
        if a[0] * b[0] > 0.0:
            slope = b[1] / b[0] + a[1] / a[0]
            if slope != 0.0:
                step = -math.log(b[0] / a[0]) / slope
        aim = w + step
        if not (low < aim < high):
            aim = 0.5 * (low + high)
        if abs(aim - w) <= 4e-16 * abs(v) or aim == low or aim == high:
            break
        w = aim
    if _out.size == n + m:
        for r in range(n):
            _out[r] = a[(1 + r) * (2 + n)]
        for r in range(m):
            _out[n + r] = b[(1 + r) * (2 + m + c)]
        return
    total = a[1] + b[1]
    by_v = a[1] / total if total > 0.0 else 0.0
    width, wa, wb = 2 + n + m + c, 2 + n, 2 + m + c
    _out[0] = b[0] if abs(b[1]) < abs(a[1]) else a[0]
    _out[1] = b[1] * by_v
    for j in range(n):
        _out[2 + j] = b[1] * a[2 + j] / total if total > 0.0 else 0.0
    for j in range(m + c):
        _out[2 + n + j] = by_v * b[2 + j]
    for r in range(n):
        _out[(1 + r) * width] = a[(1 + r) * wa]
        slope = a[(1 + r) * wa + 1]
        _out[(1 + r) * width + 1] = slope * (1.0 - by_v)
        for j in range(n):
            moved = a[2 + j] / total if total > 0.0 else 0.0
            _out[(1 + r) * width + 2 + j] = a[(1 + r) * wa + 2 + j] - slope * moved
        for j in range(m + c):
            moved = -b[2 + j] / total if total > 0.0 else 0.0
            _out[(1 + r) * width + 2 + n + j] = -slope * moved
    for r in range(m):
        row = (1 + n + r) * width
        _out[row] = b[(1 + r) * wb]
        slope = b[(1 + r) * wb + 1]
        _out[row + 1] = slope * by_v
        for j in range(n):
            moved = a[2 + j] / total if total > 0.0 else 0.0
            _out[row + 2 + j] = slope * moved
        for j in range(m + c):
            moved = -b[2 + j] / total if total > 0.0 else 0.0
            _out[row + 2 + n + j] = b[(1 + r) * wb + 2 + j] + slope * moved
"""
