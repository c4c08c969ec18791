"""A device or an array as a PySpice ``Circuit``, and runs in PySpice's shared library.

This module and its worker are the only ones that import PySpice, inside their functions. PySpice 1.5 (2021) does not
run as it is on a system of today; `to_pyspice` prepares it, so that ``to_pyspice(...).simulator()`` works:

- It loads ``libngspice.so``; Debian's runtime package has only ``libngspice.so.0``. The library is found by
  `ctypes.util.find_library` and given to PySpice before its first use. NGSPICE_LIBRARY_PATH still takes precedence.
- It logs "Unsupported Ngspice version" for every version above 34. The results are right; the line is dropped.
- It is older than Python 3.12 and its import warns there of escape sequences; these warnings are suppressed.
- Its subprocess mode cannot read the output of ngspice 39, so the shared mode is the one to use. That one keeps
  one library for the whole process, which runs one circuit at a time, cannot be stopped, and grows with each run
  (about 3 MiB for an array of 24x24). `run_pyspice` therefore gives each run a process of its own (`pyspice_worker`),
  with a timeout, safe in threads; that costs 0.2 s.
- Where ngspice refuses a circuit, PySpice logs it and runs the circuit before it once more. Its errors carry no
  reason. `run_pyspice` raises the messages of ngspice from the log; after ``simulator()``, read the log.
"""

from __future__ import annotations

import ctypes.util
import importlib
import importlib.metadata
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Bias, Crossbar
from devices import Device, InputError, SimulatorError, SimulatorNotFoundError, Waveform
from netlists.arrays import crossbar_circuit
from netlists.circuit import Capacitor, Circuit, OperatingPoint, Resistor, Transient, VoltageSource, device_circuit
from netlists.dialects.checks import check_circuit
from netlists.dialects.ngspice import (
    NgspiceOptions,
    clamp_rate,
    instance_current,
    source_text,
    subcircuit_values,
    write_subcircuit,
)
from netlists.dialects.text import one_line
from netlists.engines import pyspice_worker
from netlists.engines.folders import run_folder
from netlists.engines.ngspice import INSTALL, PROGRESS, check_start, named_currents
from netlists.engines.process import check_timeout, failure, run_process
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
        The subject; a `Circuit` holds its stimulus.
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
    _load_library()
    circuit = subject if isinstance(subject, Circuit) else _circuit_of(subject, stimulus)
    return _as_pyspice(circuit, options or NgspiceOptions.suited(circuit))


def _as_pyspice(circuit: Circuit, options: NgspiceOptions) -> Any:
    """Return a circuit as one of PySpice."""
    from PySpice.Spice.Netlist import Circuit as PySpiceCircuit

    check_circuit(circuit, ignores_case=True)
    circuit = circuit.flat()
    result = PySpiceCircuit(one_line(circuit.title))
    text = [write_subcircuit(definition, clamp_rate(circuit)) for definition in circuit.subcircuits]
    text += [f".options {name}={value}\n" for name, value in options.items()]
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


def _circuit_of(subject: Any, stimulus: Any) -> Circuit:
    if isinstance(subject, Crossbar):
        return crossbar_circuit(subject, stimulus)
    return device_circuit(subject, stimulus)


def run_pyspice(
    circuit: Any,
    analysis: OperatingPoint | Transient | Mapping[str, slice] | None = None,
    *,
    options: NgspiceOptions | None = None,
    timeout: float = 120.0,
    keep: str | os.PathLike[str] | None = None,
) -> Waves:
    """Run a circuit in PySpice's shared library, in a process that can be stopped, and return all its vectors.

    Parameters
    ----------
    circuit : Circuit or PySpice.Spice.Netlist.Circuit
        As made by `device_circuit` or `crossbar_circuit`; or a circuit of PySpice, such as `to_pyspice` makes, with
        further elements.
    analysis : OperatingPoint, Transient or mapping of str to slice, optional
        The analysis, for a circuit of PySpice; a `Circuit` has its own. The values of a source by its name,
        ``{"Vin": slice(0, 1, 0.1)}``, are a dc sweep with both ends.
    options : NgspiceOptions, optional
        Tolerances of a `Circuit`; those suited to it where not given.
    timeout : float, optional
        Longest run [s]; then the process is killed.
    keep : path, optional
        Folder for ``circuit.cir``; without it a run that succeeds leaves no files.

    Returns
    -------
    Waves
        The same vectors under the same names as from `run_ngspice`.

    Raises
    ------
    InputError
        If a circuit of PySpice comes without an analysis.
    SimulatorNotFoundError
        If PySpice or the ngspice library is not installed.
    SimulatorError
        If ngspice refuses the circuit, does not converge, crashes or takes too long; with its own message and the path
        of the netlist.

    Examples
    --------
    >>> from crossbar import Crossbar, Wires
    >>> from netlists.circuit import OperatingPoint
    >>> circuit = to_pyspice(Crossbar([[1e-3]], Wires(driver=500.0)), [1.0])
    >>> _ = circuit.R("load", "w0_0", circuit.gnd, 1e3)  # 1 V through 500 ohm into two times 1 kohm
    >>> float(run_pyspice(circuit, OperatingPoint())["v(w0_0)"][0])
    0.5
    """
    limit = check_timeout(timeout)
    library = find_library()
    own = circuit
    if isinstance(circuit, Circuit):
        analysis = circuit.analysis
        circuit = _as_pyspice(circuit, options or NgspiceOptions.suited(circuit))
    elif options is not None:
        raise InputError("options", type(options).__name__, "None for a circuit of PySpice's", "its own .options")
    if not isinstance(analysis, OperatingPoint | Transient | Mapping):
        allowed = "an OperatingPoint, a Transient or values of a source"
        raise InputError("analysis", analysis, allowed, "Transient(duration, step)")
    text = _text(circuit, analysis)
    with run_folder("pyspice", "circuit.cir", text, keep) as folder:
        started = time.perf_counter()
        result = folder / "circuit.npz"
        try:
            output = run_process(
                "PySpice",
                [sys.executable, "-P", str(Path(pyspice_worker.__file__)), library, "circuit.cir", result.name],
                folder,
                environment=os.environ,
                timeout=limit,
                message=_message,
                install=INSTALL,
            )
        except SimulatorError as error:
            raise (_not_loaded(error.message) if "cannot load library" in error.message else error) from None
        if _message(output):
            raise failure(f"PySpice: {_message(output)}", output)
        check_start("PySpice", output, own)
        with np.load(result) as found:
            version = f"PySpice {_pyspice_version()} (shared), ngspice {found['version']}"
            vectors = {name.lower(): found[name] for name in found.files if name != "version"}
        waves = Waves(vectors, version, time.perf_counter() - started)
    return named_currents(waves, own.flat()) if isinstance(own, Circuit) else waves


def _text(circuit: Any, analysis: OperatingPoint | Transient | Mapping[str, slice]) -> str:
    """Return the netlist that PySpice writes of its circuit with an analysis."""
    from PySpice.Spice.NgSpice.Simulation import NgSpiceCircuitSimulator

    simulation = NgSpiceCircuitSimulator(circuit, pipe=False)
    if isinstance(analysis, Transient):
        simulation.transient(analysis.step, analysis.duration, max_time=analysis.step)
    elif isinstance(analysis, OperatingPoint):
        simulation.operating_point()
    else:
        simulation.dc(**analysis)
    return str(simulation)


@cache
def _pyspice_version() -> str:
    return importlib.metadata.version("PySpice")


def _message(output: str) -> str:
    """Return the error messages of ngspice in one line of at most 500 characters."""
    lines = (" ".join(line.split()) for line in output.splitlines() if not PROGRESS.search(line))
    return " | ".join(line for line in lines if line)[:500]


def find_library() -> str:
    """Return the name of the ngspice library for PySpice to load; empty where NGSPICE_LIBRARY_PATH names it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            importlib.import_module("PySpice.Spice.NgSpice.Shared")
        except ImportError as error:
            raise SimulatorNotFoundError(f"PySpice: {error}; to install: pip install PySpice") from error
    if "NGSPICE_LIBRARY_PATH" in os.environ:
        return ""
    found = ctypes.util.find_library("ngspice")
    if found is None:
        raise SimulatorNotFoundError(f"PySpice: no ngspice library on this system; to install: {INSTALL}")
    return found


def _load_library() -> None:
    """Load the library into this process, for ``circuit.simulator()``."""
    found = find_library()
    from PySpice.Spice.NgSpice.Shared import NgSpiceShared

    if found and not NgSpiceShared._instances:
        NgSpiceShared.LIBRARY_PATH = found
    with _log_messages() as messages:
        try:
            NgSpiceShared.new_instance()
        except Exception as error:
            reason = " | ".join([str(error), *messages])
            raise _not_loaded(f"cannot load {NgSpiceShared.LIBRARY_PATH} ({reason})") from error


def _not_loaded(reason: str) -> SimulatorNotFoundError:
    return SimulatorNotFoundError(f"PySpice: {reason}; to install: {INSTALL}")


@contextmanager
def _log_messages() -> Iterator[list[str]]:
    """Collect the log messages of PySpice instead of printing them."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger = logging.getLogger("PySpice")
    handler, propagate = Collector(logging.WARNING), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield messages
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
