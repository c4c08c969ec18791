"""A circuit as a netlist of LTspice, after its help (LTspice XVII and 24); not run here.

It differs from ngspice: ``if()`` chooses where others have ``? :``, a sine is ``SINE``, and results are
doubles only with ``numdgt`` above 6, uncompressed only with ``plotwinsize`` 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy

from netlists.analyses import AC, DCSweep, Transient
from netlists.circuit import Circuit
from netlists.dialects.expressions import ltspice_expression, number_text
from netlists.dialects.spice import Spice, SpiceOptions
from netlists.dialects.text import package_version

__all__ = ["FUNCTIONS", "LtspiceOptions", "write_ltspice"]

#: Functions of its behavioural sources, by the help page of the B source.
FUNCTIONS = frozenset({
    "abs", "absdelay", "acos", "acosh", "arccos", "arcsin", "arctan", "asin", "asinh", "atan", "atan2", "atanh", "buf",
    "ceil", "cos", "cosh", "ddt", "delay", "exp", "floor", "hypot", "idt", "idtmod", "if", "int", "inv", "limit", "ln",
    "log", "log10", "max", "min", "pow", "pwr", "pwrs", "rand", "random", "round", "sdt", "sgn", "sin", "sinh", "sqrt",
    "table", "tan", "tanh", "u", "uramp", "white",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LtspiceOptions(SpiceOptions):  # noqa: D101 - it has that of its base
    __doc__ = SpiceOptions.__doc__

    def items(self) -> list[tuple[str, str]]:
        """Return names and values as text, in a fixed order; results in doubles, and all of them."""
        return [*super().items(), ("numdgt", "15"), ("measdgt", "15"), ("plotwinsize", "0")]


class _Ltspice(Spice):
    name = "LTspice"
    taken = FUNCTIONS | {"boltz", "e", "echarge", "false", "k", "kelvin", "pi", "planck", "q", "temp", "time", "true"}
    sine = "SINE"
    most_swept = 3

    def suited(self, circuit: Circuit) -> LtspiceOptions:
        return LtspiceOptions.suited(circuit)

    def expression(self, law: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> str:
        return ltspice_expression(law, names)

    def source_of(self, name: str, plus: str, minus: str, kind: str, law: str) -> str:
        return f"B{name} {plus} {minus} {kind}={law}"

    def measures(self, circuit: Circuit) -> list[str]:
        if isinstance(circuit.analysis, Transient):
            return list(self.extremes(circuit, ".meas"))
        if isinstance(circuit.analysis, DCSweep | AC):
            word = "ac" if isinstance(circuit.analysis, AC) else "dc"
            return [
                f".meas {word} {kind}_{source.lower()} {kind} {'mag' if word == 'ac' else ''}(i({source.lower()}))"
                for source in circuit.measured
                for kind in ("max", "min")
            ]
        return [f".meas op i_{source.lower()} param i({source.lower()})" for source in circuit.measured]

    def temperature(self, celsius: float) -> list[str]:
        return [f".temp {number_text(round(celsius, 9))}"]


_LTSPICE = _Ltspice()


def write_ltspice(circuit: Circuit, options: LtspiceOptions | None = None) -> str:
    """Return `circuit` as a netlist of LTspice: the same text for the same circuit.

    Parameters
    ----------
    circuit : Circuit
        As made by `device_circuit`, `crossbar_circuit` or `tiles_circuit`.
    options : LtspiceOptions, optional
        Tolerances; those suited to the circuit where not given.

    Returns
    -------
    str
        The netlist, ending with ``.end`` and a line end. Run it with ``LTspice -b FILE``.

    Raises
    ------
    InputError
        If a name or a number cannot be written, or a law is outside the vocabulary.
    """
    return _LTSPICE.circuit(circuit, options, package_version())
