"""`prepare_comparison`: a device or an array under a stimulus, ready to be solved here and in a simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Bias, Crossbar
from devices import Device, InputError, Series, Waveform
from devices.common.validation import finite_array
from netlists.arrays import SOURCES, cell_instances, crossbar_circuit
from netlists.circuit import Circuit, Transient, device_circuit
from netlists.comparison.array import compare_read, compare_solution, compare_transient, compare_vectors
from netlists.comparison.comparison import Comparison
from netlists.comparison.device import compare_device
from netlists.engines.catalogue import find_engine, vector_engines
from netlists.engines.running import run_circuit, run_sweep
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.comparison.counterpart import Counterpart
    from netlists.dialects.ngspice import NgspiceOptions
    from netlists.dialects.vacask import VacaskOptions

__all__ = ["prepare_comparison"]


def prepare_comparison(
    subject: Device | Series | Crossbar,
    stimulus: Any,
    *,
    gate: ArrayLike | None,
    bulk: float,
    duration: float | None,
    step: float | None,
    against: Counterpart | Mapping[str, Counterpart] | None,
) -> Comparison:
    """Return the comparison of a device or an array; the arguments are those of `crosscheck`."""
    if isinstance(subject, Device):
        for name, given in (("gate", gate), ("duration", duration)):
            if given is not None:
                raise InputError(name, repr(given), "None for a single device", "leave it out")
        return _of_device(subject, stimulus, step, against)
    if isinstance(subject, Series):
        if not isinstance(stimulus, Waveform):
            raise InputError("stimulus", type(stimulus).__name__, "a Waveform for one cell", "Sine(1.0, 1e3)")
        subject, stimulus = one_cell(subject), Bias(word_left=[stimulus], bit_bottom=0.0)
    if not isinstance(subject, Crossbar):
        raise InputError("subject", type(subject).__name__, "a Device, a Series or a Crossbar")
    if against is not None:
        return _against(subject, stimulus, {"gate": gate, "bulk": bulk}, duration, step, against)
    if not isinstance(stimulus, Bias) and np.ndim(stimulus) == 2 and duration is None:
        return _of_vectors(subject, stimulus, {"gate": gate, "bulk": bulk})
    circuit = crossbar_circuit(subject, stimulus, gate=gate, bulk=bulk, duration=duration, step=step)
    bias = stimulus if isinstance(stimulus, Bias) else Bias.read(stimulus)
    terminals = {"gate": gate, "bulk": bulk}
    over_time = isinstance(circuit.analysis, Transient)
    read = not over_time and subject.ohmic and not isinstance(stimulus, Bias)

    def compare(circuit: Circuit, waves: Waves, tolerance: float) -> dict[str, Any]:
        if read:
            return compare_read(subject, stimulus, circuit, waves, tolerance)
        kind = compare_transient if over_time else compare_solution
        return kind(subject, bias, terminals, circuit, waves, tolerance)

    usual = 1e-9 if over_time else 1e-13 if read else 1e-12
    return Comparison(title=circuit.title, circuit=circuit, tolerance=usual, run=_run, compare=compare)


def one_cell(cell: Series) -> Crossbar:
    """Return two devices in series as an array of one cell."""
    if cell.shape:
        raise InputError("subject", f"an ensemble of shape {cell.shape}", "one cell", "a Crossbar of the ensemble")
    top, bottom = (
        replace(part, parameters={name: np.full((1, 1), value) for name, value in part.parameters.items()})
        for part in (cell.top, cell.bottom)
    )
    return Crossbar(Series(top, bottom))


def _against(
    crossbar: Crossbar,
    stimulus: Any,
    terminals: dict[str, Any],
    duration: float | None,
    step: float | None,
    against: Counterpart | Mapping[str, Counterpart],
) -> Comparison:
    """Return the comparison of an array with external subcircuits in place of its devices."""
    from netlists.comparison.placed import externals_of, place_externals, shares_of_states

    externals = externals_of(crossbar, against)
    bias = stimulus if isinstance(stimulus, Bias) else Bias.read(stimulus)
    ours = crossbar_circuit(crossbar, bias, **terminals, duration=duration, step=step)
    circuit = place_externals(ours, crossbar, externals)
    unknown = {
        name
        for letter, part in cell_instances(crossbar)
        if part.model.name in externals
        for state in part.state_names
        if state not in externals[part.model.name].states
        for name in [{"": "", "t": "top.", "b": "bottom."}[letter] + state]
    }

    def compare(circuit: Circuit, waves: Waves, tolerance: float) -> dict[str, Any]:
        shares = shares_of_states(waves, circuit, crossbar, externals)
        return compare_transient(crossbar, bias, terminals, circuit, shares, tolerance, unknown)

    names = ", ".join(one.title for one in externals.values())
    return Comparison(
        title=f"{circuit.title}, against {names}", circuit=circuit, tolerance=1e-9, run=_run, compare=compare
    )


def _of_vectors(crossbar: Crossbar, voltage: ArrayLike, terminals: dict[str, Any]) -> Comparison:
    """Return the comparison of many vectors in one run."""
    volts = finite_array("voltage", voltage, unit="V", shape=("vectors", crossbar.rows))
    if len(volts) < 2:
        raise InputError("voltage", f"shape {volts.shape}", "two vectors at least", "voltage[0]")
    circuit = crossbar_circuit(crossbar, volts[0], **terminals)
    values = {f"{SOURCES['word_left']}{i}": volts[:, i].tolist() for i in range(crossbar.rows)}

    def run(circuit: Circuit, engine: str, options: Any, timeout: float) -> tuple[Waves, Any]:
        simulator = find_engine(engine)
        if simulator.vectors is None:
            allowed = " or ".join(map(repr, vector_engines()))
            raise InputError("engine", f"{engine!r} for many vectors", allowed, "one vector at a time")
        simulator.check_options(options)
        chosen: Any = options or simulator.options.suited(circuit)
        return run_sweep(circuit, values, engine, options=chosen, timeout=timeout), chosen

    def compare(circuit: Circuit, waves: Waves, tolerance: float) -> dict[str, Any]:
        return compare_vectors(crossbar, volts, terminals, circuit, waves, tolerance)

    title = f"{circuit.title}, {len(volts)} vectors"
    return Comparison(title=title, circuit=circuit, tolerance=1e-12, run=run, compare=compare)


def _of_device(
    device: Device, waveform: Waveform, step: float | None, against: Counterpart | Mapping[str, Counterpart] | None
) -> Comparison:
    circuit = device_circuit(device, waveform, step=step)
    if isinstance(against, Mapping):
        if list(against) != [device.model.name]:
            raise InputError("against", f"subcircuits for {', '.join(against)}", f"one for {device.model.name}")
        against = against[device.model.name]
    if against is not None:
        return against.comparison(device, waveform, circuit)
    names = [state.name for state in device.model.states]

    def compare(circuit: Circuit, waves: Waves, tolerance: float) -> dict[str, Any]:
        probes = circuit.subcircuits[0].probes
        shares = {name: waves[f"v({probe})"] for name, probe in zip(names, probes, strict=True)}
        return compare_device(device, waveform, waves, shares, tolerance)

    return Comparison(title=circuit.title, circuit=circuit, tolerance=1e-11, run=_run, compare=compare)


def _run(
    circuit: Circuit, engine: str, options: NgspiceOptions | VacaskOptions | None, timeout: float
) -> tuple[Waves, NgspiceOptions | VacaskOptions]:
    return run_circuit(circuit, engine, options=options, timeout=timeout)
