"""Runs of ngspice, each in a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from devices.common.errors import (
    InputError,
    SimulatorConvergenceError,
    SimulatorError,
    SimulatorNotFoundError,
    SimulatorVersionError,
)
from netlists.circuit import Circuit, DCSweep, Transient
from netlists.engines.folders import read_result, run_folder
from netlists.engines.messages import Printed
from netlists.engines.process import check_timeout, run_process
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.dialects.ngspice import NgspiceOptions

__all__ = ["INSTALL", "check_start", "check_values", "complaints", "named_currents", "ngspice_version", "run_ngspice"]

INSTALL = "sudo apt-get install ngspice libngspice0"
OLDEST = 30  # version
#: Words of progress, which may stand in one line with an error.
_PROGRESS = re.compile(
    r"Trying gmin = *\S+|Supplies reduced to +\S+ *%?|Note: .*|Warning: [\w ]*(?:gmin|source)[\w ]*step[\w ]*"
    r"|Warning: Further gmin increment|Reference value : *[-+.\d]+(?:e[-+]\d+)?|or no active circuit available"
)
#: Lines of a report on a run, and of tables of node voltages.
_REPORT = re.compile(
    r"^(Circuit: |Doing analysis at|OP information in|binary raw file|No\. of Data|Total |DRAM|Maximum ngspice"
    r"|Current ngspice|Shared ngspice|Text \(code\)|Stack =|Library pages|Using (SPARSE|KLU)|Background thread"
    r"|Initial Transient Solution|Last Node Voltages|Node +\S*Voltage|Node +Last Voltage|[- ]*$"
    r"|\S+ {3,}[-+]?[\d.a-z]+(e[-+]\d+)?( {3,}\S+( \*)?)?$)"
)

#: Warning of ngspice that it puts a value of its own in the place of a resistance.
_CHANGED = re.compile(r"[^\n]*resist[^\n]*(too small|to+ low)[^\n]*set to[^\n]*")
_SINGULAR = re.compile(r"singular matrix: *check node +\S+")
#: Lines of elements whose current is no linear function of voltages, or of which a netlist does not tell.
_NONLINEAR = re.compile(r"^ *([^.*+\s\dRCLKVIEGFHT]|[EG].*(value|table|poly|vol|cur))", re.IGNORECASE | re.MULTILINE)


def ngspice_version() -> str:
    """Return the version of the ngspice that runs, for example ``"39"``.

    Returns
    -------
    str
        The version.

    Raises
    ------
    SimulatorNotFoundError
        If it is not installed; names the command that installs it.
    SimulatorVersionError
        If it is older than 30, which takes another syntax than our netlists have.
    SimulatorError
        If it prints no version.

    Notes
    -----
    It is the program that the environment variable MEMDUCTANCE_NGSPICE names, a path or a name on PATH; without it, the
    ``ngspice`` on PATH. The tests run with versions 39 and 44. Versions from 30 on are accepted, and every result names
    the one that ran.
    """
    program = _program()
    state = os.stat(program)
    return _version_of(program, (state.st_ino, state.st_mtime_ns, state.st_size))


@cache
def _version_of(program: str, state: tuple[int, ...]) -> str:
    """Return the version that a program prints; asked once for each state of its file."""
    found = re.search(r"ngspice-([\w.+]+)", _execute(program, ["--version"], Path(program).parent, timeout=20.0).text)
    if found is None:
        raise SimulatorError("ngspice --version: no version in its answer; is the ngspice on PATH the simulator?")
    version = found.group(1)
    if int(re.match(r"\d*", version).group() or OLDEST) < OLDEST:  # type: ignore[union-attr]
        raise SimulatorVersionError(
            f"ngspice: got version {version}; allowed: {OLDEST} or newer; to install: {INSTALL}"
        )
    return version


def _program() -> str:
    named = os.environ.get("MEMDUCTANCE_NGSPICE")
    program = shutil.which(named or "ngspice")
    if program is None and named:
        raise SimulatorNotFoundError(f"ngspice: MEMDUCTANCE_NGSPICE names {named!r}, which is no program")
    if program is None:
        raise SimulatorNotFoundError(f"ngspice: not found on PATH; to install: {INSTALL}")
    return str(Path(program).resolve())


def run_ngspice(
    netlist: str | Circuit,
    *,
    options: NgspiceOptions | None = None,
    timeout: float = 120.0,
    keep: str | os.PathLike[str] | None = None,
) -> Waves:
    """Run a netlist and return all its vectors in full double precision.

    Parameters
    ----------
    netlist : str or Circuit
        Text with one analysis, or a circuit; the currents that it observes are then ``i(name)`` of their instances.
    options : NgspiceOptions, optional
        Tolerances for a circuit; those suited to it where not given.
    timeout : float, optional
        Longest run [s]; then the process and its children are killed.
    keep : path, optional
        Folder for ``circuit.cir`` and ``circuit.raw``; without it a run that succeeds leaves no files.

    Returns
    -------
    Waves
        The vectors of the first analysis.

    Raises
    ------
    SimulatorNotFoundError
        If ngspice is not installed.
    SimulatorError
        If ngspice refuses the netlist, does not converge, crashes or takes too long, or there is no space to run in;
        with its own message and the path of the netlist. The last 20 netlists that failed are kept in the user's cache.
    """
    limit = check_timeout(timeout)
    circuit = netlist
    if isinstance(netlist, Circuit):
        from netlists.dialects.ngspice import NgspiceOptions, write_ngspice

        netlist = write_ngspice(netlist, options or NgspiceOptions.suited(netlist))
    elif options is not None:
        raise InputError("options", type(options).__name__, "None for a text, which holds its own", "leave it out")
    engine = f"ngspice {ngspice_version()}"
    with run_folder("ngspice", "circuit.cir", netlist, keep) as folder:
        raw = folder / "circuit.raw"
        raw.unlink(missing_ok=True)
        started = time.perf_counter()
        printed = _execute(_program(), ["-n", "-b", "-r", raw.name, "circuit.cir"], folder, timeout=limit)
        vectors = read_result("ngspice", raw, printed, complaints)
        check_values("ngspice", printed.whole, netlist)
        check_start("ngspice", printed.whole, circuit)
        waves = Waves(vectors, engine, time.perf_counter() - started)
    return named_currents(waves, circuit) if isinstance(circuit, Circuit) else waves


def check_start(engine: str, output: str, circuit: object) -> None:
    """Refuse a transient whose start ngspice found by a pseudo-transient, in which states do not stay.

    Raises
    ------
    SimulatorConvergenceError
        If the `output` of ngspice tells of one, and `circuit` has states that move.
    """
    if not (isinstance(circuit, Circuit) and isinstance(circuit.analysis, Transient)):
        return
    if "Transient op finished" in output and any(definition.probes for definition in circuit.subcircuits):
        reason = "no operating point to start from; it went on from a pseudo-transient, in which the states had moved"
        raise SimulatorConvergenceError(f"{engine}: {reason}")


def check_values(engine: str, output: str, netlist: str) -> None:
    """Refuse a run in which ngspice took another value than the netlist has, or returned 0 V for a net that floats.

    Raises
    ------
    SimulatorError
        If a resistance is smaller than ngspice takes: version 44 puts 1e-12 ohm in its place.
    SimulatorConvergenceError
        If the matrix of a linear netlist is singular, where ngspice goes on to a pseudo-transient.
    """
    changed = _CHANGED.search(output)
    if changed:
        raise SimulatorError(f"{engine} solved another circuit: {changed.group().strip()}; merge its nets instead")
    singular = _SINGULAR.search(output)
    if singular and "Transient op finished" in output and not _NONLINEAR.search(netlist.partition("\n")[2]):
        raise SimulatorConvergenceError(f"{engine}: {' '.join(singular.group().split())}, which floats")


def named_currents(waves: Waves, circuit: Circuit) -> Waves:
    """Return the vectors of a run of ngspice with currents under the names of their instances and sources.

    ngspice writes the current of a source in a block as ``i(v.xblock.vname)``, which becomes ``i(xblock.vname)``.
    """
    from netlists.dialects.ngspice import instance_current

    currents = {f"i({instance_current(name)})": f"i({name.lower()})" for name in circuit.observed}
    named = ((currents.get(name, name), vector) for name, vector in waves.vectors.items())
    vectors = {re.sub(r"^i\(v\.", "i(", name): vector for name, vector in named}
    if isinstance(circuit.analysis, DCSweep):
        del vectors["v(v-sweep)"]  # the values of the first source once more
    return replace(waves, vectors=vectors)


def _execute(program: str, arguments: list[str], folder: Path, timeout: float) -> Printed:
    """Run ngspice and return what it printed."""
    environment = {k: v for k, v in os.environ.items() if k != "SPICE_ASCIIRAWFILE"}
    return run_process(
        "ngspice",
        [program, *arguments],
        folder,
        environment=environment,
        timeout=timeout,
        complaints=complaints,
        install=INSTALL,
    )


def complaints(text: str) -> list[str]:
    """Return the lines of a text of ngspice that are neither its progress nor a report."""
    lines = (_PROGRESS.sub("", line).strip() for line in text.splitlines() if not _REPORT.match(line))
    return [line for line in lines if line]
