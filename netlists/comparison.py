"""`crosscheck`: one circuit in both worlds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Bias, Crossbar
from devices import Device, InputError, Waveform, simulate
from devices.validation import choice
from netlists._array_comparison import compare_read, compare_solution, compare_transient
from netlists.agreement import Agreement, Quantity
from netlists.arrays import crossbar_circuit
from netlists.circuit import Circuit, Transient, device_circuit
from netlists.engines.running import ENGINES, run_circuit
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.dialects.ngspice import NgspiceOptions
    from netlists.dialects.vacask import VacaskOptions

__all__ = ["crosscheck"]


def crosscheck(
    subject: Device | Crossbar,
    stimulus: Waveform | Bias | ArrayLike,
    *,
    gate: ArrayLike | None = None,
    bulk: float = 0.0,
    duration: float | None = None,
    engine: str = "ngspice",
    options: NgspiceOptions | VacaskOptions | None = None,
    tolerance: float | None = None,
    step: float | None = None,
    timeout: float = 120.0,
) -> Agreement:
    """Run one circuit here and in SPICE, and compare.

    A device: transients under a waveform, compared at each of the simulator's own time points; terminal voltage
    relative to its peak, current relative to its peak, states relative to their span. An array: one read or another
    operating point; currents relative to the largest one of their kind, node voltages relative to the largest
    potential of a terminal. With a waveform in its bias, or a duration, a transient: the same at 200 of the
    simulator's own time points, evenly by number, and states. Ours is evaluated at those times, so that nothing is
    interpolated.

    Parameters
    ----------
    subject : Device or Crossbar
        One device, or an array.
    stimulus : Waveform, Bias or array_like
        A waveform for a device; for an array a bias, or source voltages of a read [V], shape ``(rows,)``.
    gate, bulk : optional
        Potentials of gate lines and bulk of an array [V], see `Crossbar.solve`.
    duration : float, optional
        Length of an array's transient [s]; that of the longest waveform where not given.
    engine : {"ngspice", "pyspice", "vacask"}, optional
        ngspice in a process of its own, PySpice's shared library, or VACASK with the devices' Verilog-A modules.
    options : NgspiceOptions or VacaskOptions, optional
        Tolerances of the simulator; those suited to the circuit where not given. An operating point of cells with a
        law that does not converge is then tried with tolerances up to 1e6 times as large.
    tolerance : float, optional
        Ours: of a device's step (`devices.simulate`, 1e-11), of a residual (`Crossbar.read`, 1e-13, and
        `Crossbar.solve`, 1e-12), or of an array's step (`Crossbar.simulate`, 1e-9).
    step : float, optional
        Longest step of the simulator [s].
    timeout : float, optional
        Longest run of the simulator's process [s]; PySpice's library cannot be stopped.

    Returns
    -------
    Agreement
        The comparison.

    Raises
    ------
    InputError
        If subject and stimulus do not fit.
    ConvergenceError
        If our side does not reach its tolerance.
    SimulatorNotFoundError
        If the simulator is not installed.
    SimulatorError
        If it fails.
    """
    choice("engine", engine, ENGINES)
    compare: Callable[[Circuit, Waves], dict[str, Any]]
    if isinstance(subject, Device):
        for name, given in (("gate", gate), ("duration", duration)):
            if given is not None:
                raise InputError(name, repr(given), "None for a single device", "leave it out")
        circuit = device_circuit(subject, stimulus, step=step)  # type: ignore[arg-type]

        def compare(circuit: Circuit, waves: Waves) -> dict[str, Any]:
            return _compare_device(subject, stimulus, circuit, waves, tolerance)  # type: ignore[arg-type]

    elif isinstance(subject, Crossbar):
        circuit = crossbar_circuit(subject, stimulus, gate=gate, bulk=bulk, duration=duration, step=step)  # type: ignore[arg-type]
        terminals = {"gate": gate, "bulk": bulk}

        def compare(circuit: Circuit, waves: Waves) -> dict[str, Any]:
            if isinstance(circuit.analysis, Transient):
                return compare_transient(subject, _bias(stimulus), terminals, circuit, waves, tolerance)
            if subject.ohmic and not isinstance(stimulus, Bias):
                return compare_read(subject, stimulus, circuit, waves, tolerance)  # type: ignore[arg-type]
            return compare_solution(subject, _bias(stimulus), terminals, circuit, waves, tolerance)

    else:
        raise InputError("subject", type(subject).__name__, "a Device or a Crossbar")
    waves, chosen = run_circuit(circuit, engine, options=options, timeout=timeout)
    return Agreement(
        title=circuit.title,
        engine=waves.engine,
        engine_tolerance=", ".join(f"{name} {value}" for name, value in chosen.items()),
        engine_seconds=waves.seconds,
        **compare(circuit, waves),
    )


def _bias(stimulus: Any) -> Bias:
    return stimulus if isinstance(stimulus, Bias) else Bias.read(stimulus)


def _compare_device(
    device: Device, waveform: Waveform, circuit: Circuit, waves: Waves, tolerance: float | None
) -> dict[str, Any]:
    tolerance = 1e-11 if tolerance is None else tolerance
    assert isinstance(circuit.analysis, Transient)
    times, back = waves.samples(circuit.analysis.duration)
    simulate(device, waveform, samples=2, tolerance=tolerance)  # compiles, where that has not been done
    started = time.perf_counter()
    trace = simulate(device, waveform, samples=times, tolerance=tolerance)
    seconds = time.perf_counter() - started

    def at(k: int) -> str:
        return f"t = {times[back[k]]:.6g} s"

    peak_current, peak_voltage = float(np.abs(trace.current).max()), float(np.abs(trace.voltage).max())
    table = [
        ("current", "A", trace.current, -waves["i(vin)"], peak_current, "peak"),
        ("voltage", "V", trace.voltage, waves["v(te)"], peak_voltage, "peak"),
    ]
    lower, upper = device.bounds()
    for k, (state, probe) in enumerate(zip(device.model.states, circuit.subcircuits[0].probes, strict=True)):
        share = (trace.state[:, k] - lower[k]) / (upper[k] - lower[k])
        table.append((f"state {state.name}", "of its span", share, waves[f"v({probe})"], 1.0, "span"))
    quantities = {
        name: Quantity(name=name, unit=unit, ours=ours[back], theirs=theirs, scale=scale, scale_meaning=what, places=at)
        for name, unit, ours, theirs, scale, what in table
    }
    return {
        "quantities": quantities,
        "our_tolerance": f"step error {tolerance:g} of a state's span",
        "our_seconds": seconds,
        "axis": times[back],
        "axis_label": "time [s]",
    }
