"""ngspice in a process of its own: a crash or a hang stays outside, results come back as full doubles."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from devices.errors import SimulatorError, SimulatorNotFoundError
from devices.validation import number

__all__ = ["INSTALL", "ngspice_path", "ngspice_version", "run_ngspice"]

#: How to get ngspice and its library.
INSTALL = "sudo apt-get install ngspice libngspice0"
#: Lines of ngspice's output that say why it failed.
_TELLING = re.compile(r"error|fail|singular|timestep|unknown|undefined|no such|can't|cannot|aborted|warning", re.I)


def ngspice_path() -> str:
    """Return the path of the ngspice program.

    Raises
    ------
    SimulatorNotFoundError
        If it is not on PATH; the message says how to install it.
    """
    path = shutil.which("ngspice")
    if path is None:
        raise SimulatorNotFoundError(f"ngspice: got no program of this name on PATH; allowed: ngspice; try: {INSTALL}")
    return path


def ngspice_version() -> str:
    """Return the version of the ngspice program, e.g. ``ngspice-39``."""
    return _version(ngspice_path())


@cache
def _version(path: str) -> str:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SimulatorError(f"ngspice: got no answer from {path} --version ({error}); try: {INSTALL}") from None
    found = re.search(r"ngspice-[\w.+-]+", done.stdout + done.stderr)
    if found is None:
        raise SimulatorError(f"ngspice: got an answer without a version from {path} --version; try: {INSTALL}")
    return found.group()


def run_ngspice(
    netlist: str, *, timeout: float = 120.0, keep: str | Path | None = None
) -> dict[str, NDArray[np.float64]]:
    """Run a netlist in batch mode and return its vectors.

    Parameters
    ----------
    netlist : str
        The netlist, with its analysis.
    timeout : float, optional
        Longest time it may take [s]; then it is killed with all that it started.
    keep : str or pathlib.Path, optional
        Folder for netlist, log and raw file; by default a temporary one that is removed whatever happens.

    Returns
    -------
    dict of str to numpy.ndarray
        Vectors by ngspice's lower-case names: ``time``, ``v(net)``, ``i(source)``.

    Raises
    ------
    SimulatorNotFoundError
        If ngspice is not installed.
    SimulatorError
        If it fails or runs out of time; the message carries ngspice's own words.
    """
    program = ngspice_path()
    number("timeout", timeout, unit="s", minimum=0.0, open_minimum=True)
    with tempfile.TemporaryDirectory(prefix="memductance-") as temporary:
        folder = Path(keep) if keep is not None else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "circuit.cir").write_text(netlist, encoding="ascii")
        raw = folder / "circuit.raw"
        raw.unlink(missing_ok=True)
        code, log = _run([program, "-n", "-b", "-r", raw.name, "circuit.cir"], folder, timeout)
        (folder / "circuit.log").write_text(log, encoding="utf-8")
        kept = f" (netlist kept in {folder})" if keep is not None else "; try: keep=DIR to keep the netlist"
        if code is None:
            raise SimulatorError(f"ngspice: no end after {timeout:g} s, stopped{kept}, or a larger timeout")
        if code != 0 or not raw.exists() or raw.stat().st_size == 0 or "simulation(s) aborted" in log:
            raise SimulatorError(f"ngspice: exit code {code}: {_words(log)}{kept}")
        return _read(raw)


def _run(command: list[str], folder: Path, timeout: float) -> tuple[int | None, str]:
    """Run a command in a process group of its own; None as code where it was stopped for time."""
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            log, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            return None, process.communicate()[0]
        except BaseException:
            _kill(process)
            raise
        return process.returncode, log


def _kill(process: subprocess.Popen[str]) -> None:
    with_group = os.getpgid(process.pid)
    os.killpg(with_group, signal.SIGKILL)


def _words(log: str) -> str:
    """The telling lines of ngspice's output, in one line."""
    lines = [" ".join(line.split()) for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line) and not line.startswith("Note")]
    return " | ".join((telling or lines or ["nothing printed"])[:4])


def _read(raw: Path) -> dict[str, NDArray[np.float64]]:
    from spicelib import RawRead

    try:
        data = RawRead(raw, dialect="ngspice", verbose=False)
        found = {
            name.lower(): np.array(data.get_trace(name).get_wave(), dtype=float) for name in data.get_trace_names()
        }
    except Exception as error:  # the reader raises whatever a cut-off file makes it stumble over
        raise SimulatorError(f"ngspice: got a raw file that cannot be read ({error})") from None
    if not all(np.isfinite(wave).all() for wave in found.values()):
        raise SimulatorError("ngspice: got numbers that are not finite")
    return found
