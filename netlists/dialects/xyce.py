"""A circuit as a netlist of Xyce, after its reference guide (Xyce 7.10); not run here.

It differs from ngspice: expressions stand in braces and name parameters plainly; a capacitor's ``IC`` is
held in the operating point and may be an expression, which ``.IC`` may not; ``.tran`` has a first step in place of a
print step; an operating point that prints is a sweep of one point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sympy

from devices import Waveform
from devices.common.validation import choice, number
from netlists.analyses import AC, Noise, OperatingPoint, Transient
from netlists.circuit import Circuit, VoltageSource
from netlists.dialects.expressions import number_text, xyce_expression
from netlists.dialects.spice import Spice
from netlists.dialects.text import package_version

__all__ = ["FUNCTIONS", "XyceOptions", "write_xyce"]

#: Functions of its expressions, by the tables of the reference guide.
FUNCTIONS = frozenset({
    "abs", "acos", "acosh", "agauss", "akima", "arctan", "asin", "asinh", "atan", "atan2", "atanh", "aunif", "bli",
    "ceil", "cos", "cosh", "cubic", "db", "ddt", "ddx", "exp", "fasttable", "floor", "fmod", "gauss", "if", "img",
    "int", "limit", "ln", "log", "log10", "m", "max", "min", "nint", "ph", "pow", "pwr", "pwrs", "r", "rand", "re",
    "sdt", "sgn", "sign", "sin", "sinh", "spline", "sqrt", "stp", "table", "tablefile", "tan", "tanh", "unif", "uramp",
    "wodicka",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class XyceOptions:
    """Tolerances of Xyce.

    Parameters
    ----------
    reltol : float, optional
        Relative tolerance of Newton's iteration and of a step.
    abstol : float, optional
        Absolute tolerance of both, in the units of the unknowns, V and A.
    gmin : float, optional
        Conductance that Xyce may add across junctions [S].
    method : {"trap", "gear"}, optional
        Integration method.
    """

    reltol: float = 1e-9
    abstol: float = 1e-15
    gmin: float = 1e-18
    method: Literal["trap", "gear"] = "trap"

    def __post_init__(self) -> None:
        for name in ("reltol", "abstol", "gmin"):
            number(name, getattr(self, name), minimum=0.0, open_minimum=True)
        choice("method", self.method, ("trap", "gear"))


class _Xyce(Spice):
    name = "Xyce"
    taken = FUNCTIONS | {"e", "exp", "freq", "gmin", "hertz", "pi", "temp", "temper", "time", "vt"}
    instance_word = "params:"
    most_swept = 9

    def suited(self, circuit: Circuit) -> XyceOptions:
        return XyceOptions()

    def expression(self, law: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> str:
        return xyce_expression(law, names)

    def points(self, pairs: list[str]) -> str:
        return "\n".join(["PWL", *self.wrapped(pairs)])

    def reference(self, name: str) -> str:
        return self.safe(name)

    def source_of(self, name: str, plus: str, minus: str, kind: str, law: str) -> str:
        return f"B{name} {plus} {minus} {kind}={{{law}}}"

    def charged(self, node: str, start: str) -> list[str]:
        return [f"C{node} {node} 0 1 ic={{{start}}}"]

    def options(self, options: XyceOptions) -> list[str]:
        reltol, abstol = number_text(options.reltol), number_text(options.abstol)
        return [
            f".options timeint method={options.method} reltol={reltol} abstol={abstol}",
            *(f".options {solver} reltol={reltol} abstol={abstol}" for solver in ("nonlin", "nonlin-tran")),
            f".options device gmin={number_text(options.gmin)}",
        ]

    def analysis(self, circuit: Circuit) -> list[str]:
        if not isinstance(circuit.analysis, OperatingPoint):
            return super().analysis(circuit)
        for source in circuit.elements:
            if isinstance(source, VoltageSource) and not isinstance(source.value, Waveform):
                value = number_text(source.value)
                return [f".dc {source.name} {value} {value} 1"]
        return [".op"]

    def temperature(self, celsius: float) -> list[str]:
        return [f".options device temp={number_text(round(celsius, 9))}"]

    def measures(self, circuit: Circuit) -> list[str]:
        kind = {Transient: "tran", AC: "ac", Noise: "noise"}.get(type(circuit.analysis), "dc")
        if kind == "noise":
            return [".print noise precision=15 onoise inoise"]
        shown = [f"i({source.lower()})" for source in circuit.measured] or ["v(*)", "i(*)"]
        lines = [f".print {kind} precision=15", *self.wrapped(shown)]
        return lines + (list(self.extremes(circuit, ".measure")) if kind == "tran" else [])


_XYCE = _Xyce()


def write_xyce(circuit: Circuit, options: XyceOptions | None = None) -> str:
    """Return `circuit` as a netlist of Xyce: the same text for the same circuit.

    Parameters
    ----------
    circuit : Circuit
        As made by `device_circuit`, `crossbar_circuit` or `tiles_circuit`.
    options : XyceOptions, optional
        Tolerances.

    Returns
    -------
    str
        The netlist, ending with ``.end`` and a line end. Run it with ``Xyce FILE``.

    Raises
    ------
    InputError
        If a name or a number cannot be written, or a law is outside the vocabulary.
    """
    return _XYCE.circuit(circuit, options, package_version())
