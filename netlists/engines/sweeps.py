"""A circuit at rest for many values of its sources, in one run of ngspice, which orders its matrix once.

Each source that changes becomes an ammeter in series with a source that follows a table by straight lines, and one more
source has the number of the point as its voltage. Expressions of ngspice keep 11 digits, so each table is the sum of
two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from devices import InputError
from devices.common.validation import choice
from netlists.circuit import GROUND, Circuit, Element, OperatingPoint, VoltageSource, nets_of
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.dialects.ngspice import NgspiceOptions

__all__ = ["Sweep", "prepare_sweep", "sweep_in_ngspice", "sweep_in_pyspice"]

_COUNTER = "sweep"  # the net with the number of the point as its voltage, and its source without the V


@dataclass(frozen=True)
class Sweep:
    """A circuit prepared for one run with many values of its sources.

    Parameters
    ----------
    circuit : Circuit
        The circuit as it was given.
    prepared : Circuit
        The circuit with an ammeter in place of each source that changes, and with the source of the point's number.
    tables : mapping of str to (str, str)
        For each net behind an ammeter: the net that the source leads to, and its voltage as a function of that number.
    points : int
        Number of values of each source.
    """

    circuit: Circuit
    prepared: Circuit
    tables: Mapping[str, tuple[str, str]]
    points: int


def prepare_sweep(circuit: Circuit, values: Mapping[str, Sequence[float]]) -> Sweep:
    """Return a circuit prepared for a sweep; arguments and errors are those of `netlists.run_sweep`."""
    points = _checked(circuit, values)
    elements: list[Element] = []
    tables: dict[str, tuple[str, str]] = {}
    for element in circuit.elements:
        if isinstance(element, VoltageSource) and element.name in values:
            inner = f"{_COUNTER}_{element.name.lower()}"
            elements.append(replace(element, minus=inner, value=0.0))
            tables[inner] = (element.minus, _table(values[element.name]))
        else:
            elements.append(element)
    elements.append(VoltageSource(f"V{_COUNTER}", _COUNTER, GROUND, 0.0))
    return Sweep(circuit, replace(circuit, elements=tuple(elements)), tables, points)


def sweep_in_ngspice(sweep: Sweep, *, options: NgspiceOptions | None, timeout: float) -> Waves:
    """Run a sweep in a process of ngspice."""
    from netlists.dialects.ngspice import NgspiceOptions, write_ngspice
    from netlists.engines.ngspice import named_currents, run_ngspice

    lines = [f"B{inner} {inner} {minus} V = {table}" for inner, (minus, table) in sweep.tables.items()]
    lines.append(f".dc V{_COUNTER} 0 {sweep.points - 1} 1")
    text = write_ngspice(sweep.prepared, options or NgspiceOptions.suited(sweep.circuit))
    waves = run_ngspice(re.sub(r"^\.op$", "\n".join(lines), text, count=1, flags=re.MULTILINE), timeout=timeout)
    return _without_counter(named_currents(waves, sweep.circuit), sweep)


def sweep_in_pyspice(sweep: Sweep, *, options: NgspiceOptions | None, timeout: float) -> Waves:
    """Run a sweep in PySpice's shared library."""
    from netlists.engines.ngspice import named_currents
    from netlists.engines.pyspice import run_pyspice, to_pyspice

    circuit = to_pyspice(sweep.prepared, options=options)
    for inner, (minus, table) in sweep.tables.items():
        circuit.B(inner, inner, minus, v=table)
    plan: dict[str, Any] = {f"V{_COUNTER}": slice(0, sweep.points - 1, 1)}
    return _without_counter(named_currents(run_pyspice(circuit, plan, timeout=timeout), sweep.prepared), sweep)


def _checked(circuit: Circuit, values: Mapping[str, Sequence[float]]) -> int:
    """Return the number of points."""
    if not isinstance(circuit.analysis, OperatingPoint):
        raise InputError("circuit", type(circuit.analysis).__name__, "an OperatingPoint", "leave out the waveforms")
    sources = [e.name for e in circuit.elements if isinstance(e, VoltageSource)]
    for element in circuit.elements:
        for word in (element.name.lower().removeprefix("v"), *map(str.lower, nets_of(element))):
            if word.startswith(_COUNTER):
                raise InputError("circuit", f"the name {word!r}", f"names that do not begin with {_COUNTER}", "another")
    counts = set()
    for name, given in values.items():
        choice("values", name, sources)
        if not np.isfinite(given).all():
            raise InputError("values", f"{name} with {given}", "finite voltages [V]")
        counts.add(len(given))
    if len(counts) != 1 or min(counts) < 2:
        raise InputError("values", f"{sorted(counts)} points", "as many for each source, two at least")
    return counts.pop()


def _table(values: Sequence[float]) -> str:
    """Return an expression that runs through `values` with the number of the point, to the last digit."""
    heads = [f"{v:.10e}" for v in values]
    rests = [f"{v - float(head):.10e}" for v, head in zip(values, heads, strict=True)]
    texts = [", ".join(f"{k}, {v}" for k, v in enumerate(column)) for column in (heads, rests)]
    return " + ".join(f"pwl(v({_COUNTER}), {text})" for text in texts)


def _without_counter(waves: Waves, sweep: Sweep) -> Waves:
    """Return a run without the vectors of the elements that `prepare_sweep` added."""
    tables = sweep.tables
    added = {f"{kind}({name})" for name in tables for kind in ("v", "i")} | {f"i(b{name})" for name in tables}
    added |= {f"v({_COUNTER})", f"i(v{_COUNTER})", "v(v-sweep)"}
    return replace(waves, vectors={name: v for name, v in waves.vectors.items() if name not in added})
