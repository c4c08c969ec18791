"""PySpice: a device or an array as a PySpice ``Circuit``, and runs in PySpice's shared library.

The only module that imports PySpice, and it does so inside its functions. PySpice 1.5 (2021) meets some obstacles
on a system of today; `to_pyspice` clears them, so that ``to_pyspice(...).simulator()`` works as it is:

- It loads ``libngspice.so``; Debian's runtime package has only ``libngspice.so.0``. The library is found by
  `ctypes.util.find_library` and given to PySpice before its first use. NGSPICE_LIBRARY_PATH still has the last word.
- It logs "Unsupported Ngspice version" for every version above 34. The results are right; the line is dropped.
- It stems from before Python 3.12 and warns on import there of its own escape sequences; that is contained.
- Its subprocess mode cannot read the output of ngspice 39, so the shared mode is the one to use. That one keeps
  one library for the whole process, which runs one circuit at a time, cannot be stopped by a timeout, and grows with
  each run (about 3 MiB for an array of 24x24). For campaigns use the process engine, `run_ngspice`.
- Where ngspice refuses a circuit, PySpice logs it and runs the circuit before it once more. Its failures carry no
  reason. `run_pyspice` takes ngspice's words from the log and raises them; who calls ``simulator()`` reads the log.
"""

from __future__ import annotations

import ctypes.util
import logging
import os
import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Bias, Crossbar
from devices import Device, SimulatorError, SimulatorNotFoundError, Waveform
from netlists.arrays import crossbar_circuit
from netlists.circuit import Capacitor, Circuit, Resistor, Transient, VoltageSource, device_circuit
from netlists.dialects.ngspice import (
    NgspiceOptions,
    clamp_rate,
    instance_current,
    source_text,
    subcircuit_values,
    write_subcircuit,
)
from netlists.engines.ngspice import CHATTER, INSTALL
from netlists.engines.waves import Waves

__all__ = ["run_pyspice", "to_pyspice"]


def to_pyspice(
    subject: Device | Crossbar | Circuit,
    stimulus: Waveform | Bias | ArrayLike | None = None,
    *,
    options: NgspiceOptions | None = None,
) -> Any:
    """Return a device or an array as a PySpice circuit, ready to be extended and run.

    Resistors, sources and the device are PySpice elements; the device's definition and the tolerances are raw
    SPICE text. For a transient, PySpice's own ``transient(step_time, end_time, max_time=...)`` is right, without
    ``use_initial_condition``.

    Parameters
    ----------
    subject : Device, Crossbar or Circuit
        What to build; a `Circuit` brings its stimulus with it.
    stimulus : Waveform or array_like, optional
        A waveform for a device; a `Bias`, or source voltages [V] of shape ``(rows,)``, for an array.
    options : NgspiceOptions, optional
        Tolerances.

    Returns
    -------
    PySpice.Spice.Netlist.Circuit
        The circuit, with the nets and elements of `device_circuit` or `crossbar_circuit`.

    Raises
    ------
    SimulatorNotFoundError
        If PySpice or the ngspice library is not installed; names the command that installs it.
    InputError
        If subject and stimulus do not fit.

    Examples
    --------
    >>> from devices import Sine, device
    >>> circuit = to_pyspice(device("linear_ion_drift"), Sine(amplitude=1.0, frequency=1.0))
    >>> analysis = circuit.simulator().transient(step_time=1e-3, end_time=1.0, max_time=1e-3)
    >>> len(analysis["te"]) > 1000
    True
    """
    _library()
    from PySpice.Spice.Netlist import Circuit as PySpiceCircuit

    circuit = subject if isinstance(subject, Circuit) else _neutral(subject, stimulus)
    result = PySpiceCircuit(circuit.title)
    text = [write_subcircuit(definition, clamp_rate(circuit)) for definition in circuit.subcircuits]
    text += [f".options {name}={value}\n" for name, value in (options or NgspiceOptions()).items()]
    if circuit.observed:
        text.append(f".save all {' '.join(map(instance_current, circuit.observed))}\n")
    result.raw_spice = "".join(text)
    for element in circuit.elements:
        name = element.name[1:]
        if isinstance(element, Resistor):
            result.R(name, element.plus, element.minus, float(element.resistance))
        elif isinstance(element, Capacitor):
            result.C(name, element.plus, element.minus, float(element.capacitance))
        elif isinstance(element, VoltageSource):
            result.V(name, element.plus, element.minus, raw_spice=source_text(element.value))
        else:
            result.X(name, element.subcircuit, *element.nets, **subcircuit_values(element.values))
    return result


def _neutral(subject: Any, stimulus: Any) -> Circuit:
    if isinstance(subject, Crossbar):
        return crossbar_circuit(subject, stimulus)
    return device_circuit(subject, stimulus)


def run_pyspice(circuit: Circuit, *, options: NgspiceOptions | None = None, timeout: float = 120.0) -> Waves:
    """Run a circuit in PySpice's shared library and return all its vectors.

    Parameters
    ----------
    circuit : Circuit
        As made by `device_circuit` or `crossbar_circuit`.
    options : NgspiceOptions, optional
        Tolerances.

    Returns
    -------
    Waves
        The same vectors under the same names as from `run_ngspice`.

    Raises
    ------
    SimulatorNotFoundError
        If PySpice or the ngspice library is not installed.
    SimulatorError
        If ngspice refuses the circuit or does not converge; in its own words.
    """
    shared = _library()
    started = time.perf_counter()
    plan = circuit.analysis
    with _quiet() as said:
        simulator = to_pyspice(circuit, options=options).simulator(simulator="ngspice-shared")
        try:
            if isinstance(plan, Transient):
                analysis = simulator.transient(plan.step, plan.duration, max_time=plan.step)
            else:
                analysis = simulator.operating_point()
        except (NameError, RuntimeError, ValueError, KeyError, IndexError) as error:
            raise SimulatorError(f"PySpice: {_words(said) or f'{type(error).__name__} {error}'}") from error
    if _words(said):
        raise SimulatorError(f"PySpice: {_words(said)}")
    vectors = {f"v({name})": np.array(v, dtype=float) for name, v in analysis.nodes.items()}
    branches = {**analysis.branches, **analysis.internal_parameters}
    currents = {instance_current(name): name for name in circuit.observed}
    vectors |= {f"i({currents.get(name, name)})": np.array(v, dtype=float) for name, v in branches.items()}
    if isinstance(plan, Transient):
        vectors["time"] = np.array(analysis.time, dtype=float)
    version = f"PySpice (shared), ngspice {shared.ngspice_version}"
    return Waves({name.lower(): v for name, v in vectors.items()}, version, time.perf_counter() - started)


def _words(said: list[str]) -> str:
    """Return what ngspice complained of, in one line of at most 500 characters."""
    lines = (" ".join(line.split()) for line in said if not re.search(CHATTER, line))
    return " | ".join(line for line in lines if line)[:500]


def _library() -> Any:
    """PySpice's one ngspice library, loaded on first use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from PySpice.Spice.NgSpice.Shared import NgSpiceShared
        except ImportError as error:
            raise SimulatorNotFoundError(f"PySpice: {error}; to install: pip install PySpice") from error
    if "NGSPICE_LIBRARY_PATH" not in os.environ and not NgSpiceShared._instances:
        found = ctypes.util.find_library("ngspice")
        if found is None:
            raise SimulatorNotFoundError(f"PySpice: no ngspice library on this system; to install: {INSTALL}")
        NgSpiceShared.LIBRARY_PATH = found
    with _quiet() as said:
        try:
            return NgSpiceShared.new_instance()
        except Exception as error:
            words = " | ".join([str(error), *said])
            raise SimulatorNotFoundError(
                f"PySpice: cannot load {NgSpiceShared.LIBRARY_PATH} ({words}); to install: {INSTALL}"
            ) from error


@contextmanager
def _quiet() -> Iterator[list[str]]:
    """Collect what PySpice logs instead of printing it."""
    said: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger = logging.getLogger("PySpice")
    handler, propagate = Collector(logging.WARNING), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
