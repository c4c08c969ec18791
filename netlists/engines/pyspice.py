"""A device or an array as a PySpice ``Circuit`` or ``SubCircuit``, and runs in PySpice's shared library.

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
import re
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Bias, Crossbar
from devices import Device, InputError, SimulatorError, SimulatorNotFoundError, Waveform
from netlists.analyses import AC, Analysis, DCSweep, Noise, Transient, sources_of
from netlists.arrays import crossbar_circuit
from netlists.circuit import Capacitor, Circuit, Resistor, VoltageSource, device_circuit
from netlists.dialects.checks import check_circuit, check_foreign, check_name
from netlists.dialects.ngspice import (
    NgspiceOptions,
    analysis_lines,
    clamp_rate,
    instance_current,
    source_text,
    subcircuit_values,
    write_subcircuit,
)
from netlists.dialects.text import one_line
from netlists.engines import pyspice_worker
from netlists.engines.folders import run_folder
from netlists.engines.messages import Printed
from netlists.engines.ngspice import INSTALL, check_start, complaints, named_currents
from netlists.engines.process import check_timeout, run_process
from netlists.engines.pyspice_checks import Origin, check_connected, check_held
from netlists.engines.waves import Waves

__all__ = ["pyspice_subcircuit", "run_pyspice", "to_pyspice"]


def to_pyspice(
    subject: Device | Crossbar | Circuit,
    stimulus: Waveform | Bias | ArrayLike | None = None,
    *,
    options: NgspiceOptions | None = None,
    ports: Sequence[str] = (),
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
    ports : sequence of str, optional
        Sides of an array whose floating terminals end in elements of yours, as in `crossbar_circuit`.

    Returns
    -------
    PySpice.Spice.Netlist.Circuit
        The circuit, with the nets and elements of `device_circuit` or `crossbar_circuit`. Its ``simulator()``, and
        `run_pyspice`, raise `InputError` with the name of the net where a port has no further element, an element
        connects a net that is not in the circuit, or a net is connected once.

    Raises
    ------
    SimulatorNotFoundError
        If PySpice or the ngspice library is not installed; names the command that installs it.
    InputError
        If subject, stimulus and ports do not fit.

    Examples
    --------
    >>> from crossbar import Bias, Crossbar, Wires
    >>> from devices import Sine, device
    >>> from netlists import OperatingPoint
    >>> circuit = to_pyspice(device("linear_ion_drift"), Sine(amplitude=1.0, frequency=1.0))
    >>> analysis = circuit.simulator().transient(step_time=1e-3, end_time=1.0, max_time=1e-3)
    >>> len(analysis["te"]) > 1000
    True

    A bit line that ends in an amplifier with a feedback of 10 kohm:

    >>> array = Crossbar([[1e-4]], Wires(bit_line=5.0, sense=50.0))
    >>> circuit = to_pyspice(array, Bias(word_left=0.3), ports=["bit_bottom"])
    >>> _ = circuit.VCVS("amp", "out", circuit.gnd, circuit.gnd, "g0", voltage_gain=1e9)
    >>> _ = circuit.R("f", "g0", "out", 10e3)
    >>> round(float(run_pyspice(circuit, OperatingPoint())["v(out)"][0]), 6)  # -0.3 V * 10000 / 10055
    -0.298359
    """
    _load_library()
    circuit = subject if isinstance(subject, Circuit) else _circuit_of(subject, stimulus, ports)
    if isinstance(subject, Circuit) and ports:
        raise InputError("ports", repr(ports), "none for a Circuit, which has its own", "crossbar_circuit(..., ports=)")
    return _as_pyspice(circuit, options or NgspiceOptions.suited(circuit))


def pyspice_subcircuit(
    subject: Crossbar | Circuit, name: str = "array", *, ports: Sequence[str] = ("word_left", "bit_bottom")
) -> Any:
    """Return an array as a PySpice subcircuit, whose nodes are the terminals of its lines.

    Each node lies behind all of its line: segments, and the resistance of driver or sense amplifier. Instances of it
    are ``circuit.X(name, "array", *nets)``, with a net for each of `SubCircuit.external_nodes`.

    Parameters
    ----------
    subject : Crossbar or Circuit
        The array, at rest, its states held and all other terminals floating. For anything else the circuit of
        `crossbar_circuit`: one with a duration has states that move, one with sources keeps them inside.
    name : str, optional
        Name of the subcircuit.
    ports : sequence of str, optional
        Sides that are nodes, in this order, as in `crossbar_circuit`; cells with a gate need "gate" and "bulk" too.

    Returns
    -------
    PySpice.Spice.Netlist.SubCircuit
        For ``circuit.subcircuit(...)``. Tolerances are those of the circuit around it.

    Raises
    ------
    InputError
        If the ports do not fit the array, or there are none.

    Examples
    --------
    >>> from PySpice.Spice.Netlist import Circuit as PySpiceCircuit
    >>> from crossbar import Crossbar, Wires
    >>> from netlists import OperatingPoint
    >>> circuit = PySpiceCircuit("two arrays in series")
    >>> circuit.subcircuit(pyspice_subcircuit(Crossbar([[1e-3]], Wires(driver=500.0))))
    >>> _ = circuit.X("a", "array", "left", "middle"), circuit.X("b", "array", "middle", circuit.gnd)
    >>> _ = circuit.V("in", "left", circuit.gnd, 1.0)
    >>> round(float(run_pyspice(circuit, OperatingPoint())["v(middle)"][0]), 12)
    0.5
    """
    _load_library()
    circuit = subject if isinstance(subject, Circuit) else crossbar_circuit(subject, Bias(), ports=ports)
    check_name(name)
    if not circuit.ports:
        raise InputError("ports", "none", "a side of the array at least", 'ports=["word_left", "bit_bottom"]')
    check_circuit(circuit, ignores_case=True, part=True)
    check_foreign(circuit, "PySpice")
    circuit = circuit.flat()
    names = {definition.name: f"{name}_{definition.name}" for definition in circuit.subcircuits}
    result = _subcircuit_class()(name, *circuit.ports)
    result.definitions = _definitions(circuit, names)
    result.memductance_origin = Origin.of(circuit, "")
    _add_elements(result, circuit, names)
    return result


def _as_pyspice(circuit: Circuit, options: NgspiceOptions) -> Any:
    """Return a circuit as one of PySpice; ports may wait."""
    check_circuit(circuit, ignores_case=True, part=True)
    check_foreign(circuit, "PySpice")
    circuit = circuit.flat()
    names = {definition.name: definition.name for definition in circuit.subcircuits}
    text = [_definitions(circuit, names), *(f".options {name}={value}\n" for name, value in options.items())]
    if circuit.observed and not isinstance(circuit.analysis, AC | Noise):
        text.append(f".save all {' '.join(map(instance_current, circuit.observed))}\n")
    result = _circuit_class()(one_line(circuit.title))
    result.raw_spice = "".join(text)
    result.memductance_origin = Origin.of(circuit, result.raw_spice)
    _add_elements(result, circuit, names)
    return result


@cache
def _circuit_class() -> Any:
    """Return the class of PySpice's circuits, with a check before each simulation."""
    from PySpice.Spice.Netlist import Circuit as PySpiceCircuit

    class CheckedCircuit(PySpiceCircuit):
        """A circuit of PySpice that is not simulated with a net that floats."""

        def simulator(self, *args: Any, **kwargs: Any) -> Any:
            check_connected(self)
            return super().simulator(*args, **kwargs)

    return CheckedCircuit


@cache
def _subcircuit_class() -> Any:
    """Return the class of PySpice's subcircuits, with the definitions of devices before them."""
    from PySpice.Spice.Netlist import SubCircuit

    class SubCircuitWithDefinitions(SubCircuit):
        """A subcircuit of PySpice after the definitions that it uses; ngspice hardly takes nested ones."""

        definitions = ""

        def __str__(self) -> str:
            return f"{self.definitions}{super().__str__()}"

    return SubCircuitWithDefinitions


def _definitions(circuit: Circuit, names: Mapping[str, str]) -> str:
    """Return the definitions of devices as text, each under the name that `names` gives for its own."""
    texts = []
    for definition in circuit.subcircuits:
        text = write_subcircuit(definition, clamp_rate(circuit))
        renamed = rf"\1 {names[definition.name]}"
        texts.append(re.sub(rf"^(\.subckt|\.ends) {definition.name}\b", renamed, text, flags=re.MULTILINE))
    return "".join(texts)


def _add_elements(result: Any, circuit: Circuit, names: Mapping[str, str]) -> None:
    """Put the elements of a circuit without blocks into a netlist of PySpice."""
    for element in circuit.elements:
        name = element.name[1:]
        if isinstance(element, Resistor):
            result.R(name, element.plus, element.minus, float(element.resistance))
        elif isinstance(element, Capacitor):
            result.C(name, element.plus, element.minus, float(element.capacitance))
        elif isinstance(element, VoltageSource):
            result.V(name, element.plus, element.minus, raw_spice=source_text(element.value))
        else:
            result.X(name, names[element.subcircuit], *element.nets, **subcircuit_values(element.values))


def _circuit_of(subject: Any, stimulus: Any, ports: Sequence[str]) -> Circuit:
    if isinstance(subject, Crossbar):
        return crossbar_circuit(subject, Bias() if stimulus is None and ports else stimulus, ports=ports)
    if ports:
        raise InputError("ports", repr(ports), "none for a device", "a Crossbar of one cell")
    return device_circuit(subject, stimulus)


def run_pyspice(
    circuit: Any,
    analysis: Analysis | Mapping[str, slice] | None = None,
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
    analysis : OperatingPoint, Transient, DCSweep, AC, Noise or mapping of str to slice, optional
        The analysis, for a circuit of PySpice; a `Circuit` has its own. A mapping ``{"Vin": slice(0, 1, 0.1)}`` is a
        `DCSweep`.
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
        If a circuit of PySpice comes without an analysis, has a net that floats, has no such source, or
        has states that move while the analysis is no `Transient`.
    SimulatorNotFoundError
        If PySpice or the ngspice library is not installed.
    SimulatorError
        If ngspice refuses the circuit, does not converge, crashes or takes too long; with its own message and the path
        of the netlist.

    Examples
    --------
    >>> from crossbar import Crossbar, Wires
    >>> from netlists import OperatingPoint
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
        check_circuit(circuit, ignores_case=True)
        check_foreign(circuit, "PySpice")
        circuit = _as_pyspice(circuit, options or NgspiceOptions.suited(circuit))
    elif options is not None:
        raise InputError("options", type(options).__name__, "None for a circuit of PySpice's", "its own .options")
    if isinstance(analysis, Mapping):
        analysis = DCSweep(analysis)
    if not isinstance(analysis, Analysis):
        allowed = "an OperatingPoint, a Transient, a DCSweep, an AC, a Noise or values of a source"
        raise InputError("analysis", analysis, allowed, "Transient(duration, step)")
    check_connected(circuit)
    if not isinstance(analysis, Transient):
        check_held(circuit)
    text = _text(circuit, analysis)
    with run_folder("pyspice", "circuit.cir", text, keep) as folder:
        started = time.perf_counter()
        result = folder / "circuit.npz"
        try:
            printed = run_process(
                "PySpice",
                [sys.executable, "-P", str(Path(pyspice_worker.__file__)), library, "circuit.cir", result.name],
                folder,
                environment=os.environ,
                timeout=limit,
                complaints=complaints,
                install=INSTALL,
            )
        except SimulatorError as error:
            raise (_not_loaded(error.message) if "cannot load library" in error.message else error) from None
        if reason := Printed("", printed.text).reason(complaints):
            raise printed.failure(f"PySpice: {reason}")
        check_start("PySpice", printed.whole, own)
        with np.load(result) as found:
            version = f"PySpice {_pyspice_version()} (shared), ngspice {found['version']}"
            vectors = {name.lower(): found[name] for name in found.files if name != "version"}
        if isinstance(analysis, AC | Noise):  # in which ngspice gives currents of instances at rest
            vectors = {name: vector for name, vector in vectors.items() if "@" not in name}
        waves = Waves(vectors, version, time.perf_counter() - started)
    return named_currents(waves, own.flat()).renamed(own.paths()) if isinstance(own, Circuit) else waves


def _text(circuit: Any, analysis: Analysis) -> str:
    """Return the netlist that PySpice writes of its circuit, with an analysis."""
    from PySpice.Spice.NgSpice.Simulation import NgSpiceCircuitSimulator

    names = {str(name).lower() for name in circuit.element_names}
    for name in sources_of(analysis):
        if name is not None and str(name).lower() not in names | {"temp"}:
            raise InputError("analysis", f"{type(analysis).__name__} with source {name!r}", "a source of the circuit")
    if isinstance(analysis, Noise):
        nets = {str(node.name).lower() for node in circuit.nodes}
        if str(analysis.output).lower() not in nets - {"0", "gnd"}:
            raise InputError("output", repr(analysis.output), "a net of the circuit outside subcircuits")
    text = str(NgSpiceCircuitSimulator(circuit, pipe=False))
    if isinstance(analysis, AC | Noise) and analysis.source is not None:
        text = _with_small_sine(text, analysis.source)
    return text.removesuffix("\n").removesuffix(".end") + "\n".join([*analysis_lines(analysis), ".end", ""])


def _with_small_sine(text: str, source: str) -> str:
    """Return a netlist in which one source has an amplitude of 1 V for small sines.

    Raises
    ------
    InputError
        If a source has an amplitude already.
    """
    lines, depth = text.splitlines(), 0
    for k, line in enumerate(lines):
        words = line.split()
        first = words[0].lower() if words else ""
        depth += {".subckt": 1, ".ends": -1}.get(first, 0)
        if first[:1] in ("v", "i") and any(word.lower() == "ac" for word in words[3:]):
            given = f"a source, while {words[0]} has an amplitude of its own"
            raise InputError("analysis", given, "None, for amplitudes that the circuit has", "AC(None, ...)")
        if not depth and first == source.lower():
            value = words[3:]
            bare = value and not re.match(r"dc$|pwl|sin|pulse|exp|sffm|am", value[0], re.IGNORECASE)
            lines[k] = " ".join([*words[:3], "AC 1", *(["DC"] if bare else []), *value])
    return "\n".join([*lines, ""])


@cache
def _pyspice_version() -> str:
    return importlib.metadata.version("PySpice")


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
