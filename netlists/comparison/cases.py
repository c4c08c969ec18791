"""A subject under a stimulus, prepared for both worlds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Bias, Crossbar
from devices import Device, InputError, Waveform
from devices.common.arrays import Array
from devices.common.validation import finite_array
from netlists.arrays import SOURCES, crossbar_circuit
from netlists.circuit import Circuit, Transient, VoltageSource, device_circuit
from netlists.comparison.array import compare_read, compare_solution, compare_transient, compare_vectors
from netlists.comparison.device import compare_device
from netlists.engines.running import run_circuit
from netlists.engines.sweeps import run_sweep
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.comparison.external import External
    from netlists.dialects.ngspice import NgspiceOptions
    from netlists.dialects.vacask import VacaskOptions

__all__ = ["Case", "case_of"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One circuit for both worlds.

    Parameters
    ----------
    title : str
        What is compared.
    circuit : Circuit
        The circuit.
    tolerance : float
        Ours, where none is given.
    run : callable
        Runs a circuit in an engine, given its name, options or None, and a timeout; returns vectors and options.
    compare : callable
        Solves ours with a tolerance, and returns what `Agreement` needs of a circuit's vectors.
    """

    title: str
    circuit: Circuit
    tolerance: float
    run: Callable[[Circuit, str, Any, float], tuple[Waves, Any]]
    compare: Callable[[Circuit, Waves, float], dict[str, Any]]

    @property
    def corners(self) -> Array:
        """Times at which a source bends [s]."""
        waves = [e.value for e in self.circuit.elements if isinstance(e, VoltageSource)]
        times = [w.corners for w in waves if isinstance(w, Waveform)]
        return np.unique(np.concatenate(times)) if times else np.array([])


def case_of(
    subject: Device | Crossbar,
    stimulus: Any,
    *,
    gate: ArrayLike | None,
    bulk: float,
    duration: float | None,
    step: float | None,
    against: External | None,
) -> Case:
    """Return the case of a device or an array; the arguments are those of `crosscheck`."""
    if isinstance(subject, Device):
        for name, given in (("gate", gate), ("duration", duration)):
            if given is not None:
                raise InputError(name, repr(given), "None for a single device", "leave it out")
        return _device_case(subject, stimulus, step, against)
    if not isinstance(subject, Crossbar):
        raise InputError("subject", type(subject).__name__, "a Device or a Crossbar")
    if against is not None:
        raise InputError("against", type(against).__name__, "None for an array", "a single Device")
    if not isinstance(stimulus, Bias) and np.ndim(stimulus) == 2 and duration is None:
        return _vectors_case(subject, stimulus, {"gate": gate, "bulk": bulk})
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
    return Case(title=circuit.title, circuit=circuit, tolerance=usual, run=_run, compare=compare)


def _vectors_case(crossbar: Crossbar, voltage: ArrayLike, terminals: dict[str, Any]) -> Case:
    """Return the case of many vectors in one run."""
    volts = finite_array("voltage", voltage, unit="V", shape=("vectors", crossbar.rows))
    if len(volts) < 2:
        raise InputError("voltage", f"shape {volts.shape}", "two vectors at least", "voltage[0]")
    circuit = crossbar_circuit(crossbar, volts[0], **terminals)
    values = {f"{SOURCES['word_left']}{i}": volts[:, i].tolist() for i in range(crossbar.rows)}

    def run(circuit: Circuit, engine: str, options: Any, timeout: float) -> tuple[Waves, Any]:
        from netlists.dialects.ngspice import NgspiceOptions

        if engine == "vacask":
            raise InputError("engine", "'vacask' for many vectors", "'ngspice' or 'pyspice'", "one vector at a time")
        if not isinstance(options, NgspiceOptions | None):
            raise InputError("options", type(options).__name__, f"NgspiceOptions for engine={engine!r}")
        chosen = options or NgspiceOptions.suited(circuit)
        return run_sweep(circuit, values, engine, options=chosen, timeout=timeout), chosen

    def compare(circuit: Circuit, waves: Waves, tolerance: float) -> dict[str, Any]:
        return compare_vectors(crossbar, volts, terminals, circuit, waves, tolerance)

    title = f"{circuit.title}, {len(volts)} vectors"
    return Case(title=title, circuit=circuit, tolerance=1e-12, run=run, compare=compare)


def _device_case(device: Device, waveform: Waveform, step: float | None, against: External | None) -> Case:
    circuit = device_circuit(device, waveform, step=step)
    if against is not None:
        return against.case(device, waveform, circuit)
    names = [state.name for state in device.model.states]

    def compare(circuit: Circuit, waves: Waves, tolerance: float) -> dict[str, Any]:
        probes = circuit.subcircuits[0].probes
        shares = {name: waves[f"v({probe})"] for name, probe in zip(names, probes, strict=True)}
        return compare_device(device, waveform, waves, shares, tolerance)

    return Case(title=circuit.title, circuit=circuit, tolerance=1e-11, run=_run, compare=compare)


def _run(
    circuit: Circuit, engine: str, options: NgspiceOptions | VacaskOptions | None, timeout: float
) -> tuple[Waves, NgspiceOptions | VacaskOptions]:
    return run_circuit(circuit, engine, options=options, timeout=timeout)
