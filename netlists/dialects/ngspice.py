"""A circuit as a netlist of ngspice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy

from devices import DeviceModel, Waveform
from netlists.analyses import AC, Analysis, DCSweep, Noise, Transient
from netlists.circuit import Circuit, Subcircuit
from netlists.dialects.expressions import expression, number_text
from netlists.dialects.spice import Spice, SpiceOptions, clamp_rate
from netlists.dialects.subexpressions import share_subexpressions
from netlists.dialects.text import package_version as _version

__all__ = [
    "NgspiceOptions",
    "analysis_lines",
    "clamp_rate",
    "instance_current",
    "source_text",
    "subcircuit_values",
    "write_ngspice",
    "write_subcircuit",
]


#: Operations that a subexpression must save to be a node: in ngspice, a node costs about as much as 40.
_LEAST_SHARED = 40


@dataclass(frozen=True, kw_only=True)
class NgspiceOptions(SpiceOptions):  # noqa: D101 - it has that of its base
    __doc__ = SpiceOptions.__doc__

    def loosened(self, factor: float) -> NgspiceOptions:
        """Return these options with tolerances of Newton's iteration that are `factor` times as large.

        Where a line is connected by little but selectors, the error of voltages is rounding divided by their
        conductance, and no iteration comes closer.
        """
        return replace(self, reltol=factor * self.reltol, abstol=factor * self.abstol, vntol=factor * self.vntol)

    def stretched(self, factor: float) -> NgspiceOptions:
        """Return the options for steps that are `factor` times as long: these, as the analysis has the longest step."""
        return self


class _Ngspice(Spice):
    name = "ngspice"
    #: Names that its parameter evaluator keeps for its own functions and constants.
    taken = frozenset({
        "abs", "acos", "acosh", "agauss", "arctan", "asin", "asinh", "atan", "atanh", "aunif", "ceil", "cos", "cosh",
        "e", "exp", "floor", "gauss", "hertz", "int", "limit", "ln", "log", "log10", "max", "min", "nint", "pi", "pow",
        "pwl", "pwr", "sgn", "sin", "sinh", "sqr", "sqrt", "tan", "tanh", "temper", "ternary_fcn", "time", "unif",
    })  # fmt: skip

    def suited(self, circuit: Circuit) -> NgspiceOptions:
        return NgspiceOptions.suited(circuit)

    def expression(self, law: sympy.Basic, names: Mapping[sympy.Symbol, str]) -> str:
        return expression(law, names)

    def shared(
        self, model: DeviceModel, laws: list[sympy.Expr], names: Mapping[sympy.Symbol, str]
    ) -> tuple[list[str], list[sympy.Expr], dict[sympy.Symbol, str]]:
        """Subexpressions as nodes that start from their values at rest: from 0 V, the laws may have no value."""
        parts, laws = share_subexpressions(laws, _LEAST_SHARED)
        called = {symbol: f"v(part{k})" for k, (symbol, _) in enumerate(parts)}
        rest: dict[sympy.Symbol, sympy.Expr] = {model.voltage: sympy.Integer(0)}
        rest |= dict.fromkeys((q.symbol for q in (*model.controls, model.unknown) if q is not None), sympy.Integer(0))
        plain = {q.symbol: self.safe(q.name) for q in (*model.parameters, *model.states)}
        lines = []
        for k, (symbol, part) in enumerate(parts):
            rest[symbol] = part.subs(rest)
            lines.append(self.source_of(f"part{k}", f"part{k}", "0", "V", self.expression(part, {**names, **called})))
            if rest[symbol].is_finite is not False and not rest[symbol].has(sympy.nan):
                lines.append(f".nodeset v(part{k})={{{self.expression(rest[symbol], plain)}}}")
        return lines, laws, called

    def observed(self, circuit: Circuit) -> list[str]:
        """Line that saves the currents of instances, beside all nodes and sources."""
        small = isinstance(circuit.analysis, AC | Noise)  # which have nodes and sources only
        if small or not circuit.observed:
            return []
        return [".save all", *self.wrapped(map(instance_current, circuit.observed))]

    def swept(self, sweep: DCSweep, source: str) -> str:
        """The source with its first value, a value a quarter of a step behind the last one, and the step.

        ngspice adds up steps, and where their sum is beyond the last value by rounding it leaves that out.
        """
        start, step = float(sweep.sources[source].start), float(sweep.sources[source].step)
        stop = start + (sweep.values(source).size - 0.75) * step
        return " ".join([source, *map(number_text, (start, stop, step))])

    def frequencies(self, analysis: AC | Noise) -> str:
        """Kind, number and ends, so that all versions take the same frequencies.

        Some spread so many whole steps evenly between the ends: the last one lies hardly beyond the last frequency. For
        no step at all they would not end.
        """
        steps = analysis.frequencies.size - 1
        if not steps:
            return f"lin 1 {number_text(analysis.start)} {number_text(analysis.start)}"
        stop = analysis.start * 10.0 ** (steps * (1.0 + 1e-14) / analysis.points)
        return f"dec {analysis.points} {number_text(analysis.start)} {number_text(stop)}"

    def measures(self, circuit: Circuit) -> list[str]:
        """Lines that run, keep all vectors in ``circuit.raw`` and print 15 digits; batch mode alone prints 7."""
        if not circuit.measured:
            return []
        if isinstance(circuit.analysis, Transient):
            prints = list(self.extremes(circuit, "meas"))
        else:
            prints = [f"print i({source.lower()})" for source in circuit.measured]
        return [".control", "set numdgt=15", "run", "write circuit.raw", *prints, "quit", ".endc"]


_NGSPICE = _Ngspice()


def write_ngspice(circuit: Circuit, options: SpiceOptions | None = None) -> str:
    """Return `circuit` as an ngspice netlist: the same text for the same circuit.

    Parameters
    ----------
    circuit : Circuit
        As made by `device_circuit`, `crossbar_circuit` or `tiles_circuit`.
    options : NgspiceOptions, optional
        Tolerances; those suited to the circuit where not given.

    Returns
    -------
    str
        The netlist, ending with ``.end`` and a line end. Run it with ``ngspice -b -r out.raw``.

    Raises
    ------
    InputError
        If a name or a number cannot be written, or a law is outside the vocabulary.
    """
    return _NGSPICE.circuit(circuit, options, _version())


def write_subcircuit(definition: Subcircuit, clamp_rate: float = 1e12) -> str:
    """Return a device as a subcircuit of ngspice, with its source, parameter set and equations as comments.

    Terminals are the model's, its controls, then one output for each state: its position between its bounds, 0 to 1 V,
    buffered, so that it may be probed or loaded. Parameters have their Python names; each state's name sets
    its start. The subcircuit is for transients: they start from ``.ic``, without ``uic``. With states that are held,
    it is for operating points, and has neither state nodes nor outputs.

    Parameters
    ----------
    definition : Subcircuit
        Model and default values.
    clamp_rate : float, optional
        Default of the parameter ``xsv_rate`` [1/s]: how fast a state returns from beyond a bound; far above the
        inverse of the shortest time of interest.

    Returns
    -------
    str
        Lines from the first comment to ``.ends``, with a final line end.

    Raises
    ------
    InputError
        If the model's name cannot be a subcircuit's, or a law is outside the vocabulary.
    """
    return "\n".join([*_NGSPICE.subcircuit(definition, clamp_rate), ""])


def subcircuit_values(values: Mapping[str, float]) -> dict[str, str]:
    """Return parameter names as ngspice takes them, and values as text.

    A name that ngspice keeps for a function of its own gets a ``_`` at its end.
    """
    return _NGSPICE.values(values)


def analysis_lines(analysis: Analysis) -> list[str]:
    """Return the lines of an analysis.

    Raises
    ------
    InputError
        If it is a sweep of more than two sources.
    """
    return _NGSPICE.analysis_lines(analysis)


def instance_current(name: str) -> str:
    """Return the name in ngspice of the current into the first terminal of a device of ours."""
    return f"@b.{name.lower()}.bi[i]"


def source_text(value: float | Waveform) -> str:
    """Return the value of a voltage source: a constant, a ``SIN`` or a ``PWL``.

    Raises
    ------
    InputError
        If the waveform has more than one segment and one of them is no straight line.
    """
    return _NGSPICE.source(value)
