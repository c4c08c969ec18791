"""Symbols to machine code: one kernel per model, with its exact Jacobian, cached on disk.

The kernel of a model with n states is ``evaluate(v, x, p, out)``; it fills ``out`` (length (1+n)(2+n)) with
rows for the current and for each state's rate, and columns value, d/dv, d/dx_0 ... d/dx_(n-1). The Python
text is generated once per set of equations and kept in the user's cache folder (or in the folder that the
environment variable MEMDUCTANCE_CACHE_DIR names), where numba keeps its machine code too.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sympy
from sympy.printing.pycode import PythonCodePrinter

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = ["cache_folder", "kernel", "kernel_source"]

#: Raise when the generated text changes for the same equations.
_GENERATION = 2


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

    def _print_Integer(self, expr: sympy.Integer) -> str:
        return f"{int(expr)}.0"

    def _print_Rational(self, expr: sympy.Rational) -> str:
        return repr(float(expr))

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:
        base, exponent = expr.args
        if exponent.is_Integer and 2 <= int(exponent) <= 4:
            return "(" + "*".join([self.parenthesize(base, 50)] * int(exponent)) + ")"
        return str(super()._print_Pow(expr, rational=rational))


def _derivative(law: sympy.Expr, variable: sympy.Symbol) -> sympy.Expr:
    """Derivative with ``b**n / b`` gathered to ``b**(n - 1)``, which is finite at b = 0 for n >= 1."""
    return sympy.powsimp(sympy.diff(law, variable), combine="exp")


def kernel_source(model: DeviceModel) -> str:
    """Return the Python text of the kernel of `model`.

    Parameters
    ----------
    model : DeviceModel
        The declaration.

    Returns
    -------
    str
        A module with one function, ``evaluate(v, x, p, out)``.
    """
    variables = [model.voltage, *(s.symbol for s in model.states)]
    entries = [e for law in (model.current, *model.rates) for e in (law, *(_derivative(law, s) for s in variables))]
    shared, reduced = sympy.cse(entries, symbols=sympy.numbered_symbols("_c"))
    printer = _KernelPrinter({"fully_qualified_modules": True, "standard": "python3"})
    body = [f"    {s.name} = _x[{k}]" for k, s in enumerate(model.states)]
    body += [f"    {p.name} = _p[{k}]" for k, p in enumerate(model.parameters)]
    body += [f"    {name} = {printer.doprint(value)}" for name, value in shared]
    body += [f"    _out[{k}] = {printer.doprint(value)}" for k, value in enumerate(reduced)]
    return "\n".join(
        [
            f'"""Kernel of {model.name}, derived from its declaration; made anew when that changes."""',
            "import math",
            "import numba",
            "from devices._stepper import KERNEL_SIGNATURE",
            "",
            "",
            "@numba.cfunc(KERNEL_SIGNATURE, cache=True, error_model='numpy')",
            "def evaluate(v, _x, _p, _out):",
            *body,
            "",
        ]
    )


def cache_folder() -> Path:
    """Return the folder for compiled kernels, made if it is missing.

    Returns
    -------
    pathlib.Path
        The folder that MEMDUCTANCE_CACHE_DIR names, else the user's cache folder, else (where neither can
        be written) a temporary folder of this process, so that work goes on without a cache.
    """
    from platformdirs import user_cache_path

    named = os.environ.get("MEMDUCTANCE_CACHE_DIR")
    folder = (Path(named) if named else user_cache_path("memductance")) / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return _temporary_folder()


@cache
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="memductance-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def kernel(model: DeviceModel) -> Any:
    """Return the compiled kernel of `model`, from the cache where it is there."""
    name = f"{model.name}_{model.digest}_{_GENERATION}"
    file = cache_folder() / f"{name}.py"
    if not file.exists():
        with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".tmp", delete=False) as unfinished:
            unfinished.write(kernel_source(model))
        os.replace(unfinished.name, file)
    spec = importlib.util.spec_from_file_location(f"_memductance_kernel_{name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.evaluate
