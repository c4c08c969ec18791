"""A simulator in a process of its own, so that its crash, hang or memory leak does not affect this one."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from devices.common.errors import SimulatorError, SimulatorTimeoutError
from devices.common.validation import number
from netlists.engines.messages import Printed

__all__ = ["check_timeout", "run_process"]

_LONGEST = 1e6  # [s]; the system counts milliseconds in 31 bits


def run_process(
    name: str,
    command: list[str],
    folder: Path,
    *,
    environment: Mapping[str, str],
    timeout: float,
    complaints: Callable[[str], Iterable[str]],
    install: str,
) -> Printed:
    """Run a simulator and return what it printed.

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
    complaints : callable
        Picks the lines of a text that give the reason for a failure.
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
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except (OSError, MemoryError) as error:
        why = getattr(error, "strerror", "no memory")
        raise SimulatorError(f"{name}: {command[0]} does not start ({why}); to install: {install}") from None
    try:
        text, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        reason = _kill(process).reason(complaints)
        fix = "try a larger timeout, a smaller circuit or a larger reltol"
        raise SimulatorTimeoutError(
            f"{name}: no result within {timeout:g} s; {fix}" + (f"; until then: {reason}" if reason else "")
        ) from None
    except BaseException:
        _kill(process)
        raise
    printed = Printed(errors, text)
    if process.returncode:
        how = f"killed by signal {-process.returncode}" if process.returncode < 0 else f"exit {process.returncode}"
        raise printed.failure(f"{name} ({how}): {printed.reason(complaints) or 'no message'}")
    return printed


def check_timeout(timeout: float) -> float:
    """Return a time limit [s], or raise `InputError` where the system cannot wait for so long."""
    return number("timeout", timeout, unit="s", minimum=0.0, maximum=_LONGEST, open_minimum=True)


def _kill(process: subprocess.Popen[str]) -> Printed:
    """Kill the process with all its children, wait until it is gone, and return what it had printed."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
    with suppress(subprocess.TimeoutExpired):  # a child that left the group may hold on to the pipe
        text, errors = process.communicate(timeout=1.0)
        return Printed(errors, text)
    return Printed("", "")
