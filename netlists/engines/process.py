"""A simulator in a process of its own, so that its crash, hang or memory leak does not affect this one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from devices.common.errors import SimulatorConvergenceError, SimulatorError, SimulatorTimeoutError
from devices.common.validation import number

__all__ = ["check_timeout", "failure", "run_process"]

_LONGEST = 1e6  # [s]; the system counts milliseconds in 31 bits

#: Messages of simulators that have read a circuit and do not find its solution; "out of range" is of an iteration.
_UNSOLVED = re.compile(
    r"singular matrix|timestep too small|no convergence|iteration limit|stepping failed|failed to converge"
    r"|Factorization failed|out of range for",
    re.IGNORECASE,
)


def run_process(
    name: str,
    command: list[str],
    folder: Path,
    *,
    environment: Mapping[str, str],
    timeout: float,
    message: Callable[[str], str],
    install: str,
) -> str:
    """Run a simulator and return its output.

    Parameters
    ----------
    name : str
        Name of the simulator in messages.
    command : list of str
        Path of the program, and its arguments.
    folder : pathlib.Path
        Working folder.
    environment : mapping of str to str
        Environment of the process.
    timeout : float
        Longest run [s]; then the process and its children are killed.
    message : callable
        Picks one line for an error message from the output.
    install : str
        Command that installs it.

    Raises
    ------
    SimulatorTimeoutError
        If it takes too long.
    SimulatorConvergenceError
        If it does not find a solution.
    SimulatorError
        If it does not start, refuses its input or crashes; with its own message.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except (OSError, MemoryError) as error:
        why = getattr(error, "strerror", "no memory")
        raise SimulatorError(f"{name}: {command[0]} does not start ({why}); to install: {install}") from None
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise SimulatorTimeoutError(
            f"{name}: no result within {timeout:g} s; try a larger timeout, a smaller circuit or a larger reltol"
        ) from None
    except BaseException:
        _kill(process)
        raise
    if process.returncode:
        how = f"killed by signal {-process.returncode}" if process.returncode < 0 else f"exit {process.returncode}"
        raise failure(f"{name} ({how}): {message(output)}", output)
    return output


def check_timeout(timeout: float) -> float:
    """Return a time limit [s], or raise `InputError` where the system cannot wait for so long."""
    return number("timeout", timeout, unit="s", minimum=0.0, maximum=_LONGEST, open_minimum=True)


def failure(message: str, output: str) -> SimulatorError:
    """Return the error for a failed run: `SimulatorConvergenceError` where the output tells of no solution."""
    return (SimulatorConvergenceError if _UNSOLVED.search(output) else SimulatorError)(message)


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill the process with all its children, and wait until it is gone."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
    with suppress(subprocess.TimeoutExpired):  # a child that left the group may hold on to the pipe
        process.communicate(timeout=1.0)
