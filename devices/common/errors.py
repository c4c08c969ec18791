"""The exceptions of memductance: one small tree, shared by all four packages.

Every message is one line: the argument, the value given, the values allowed, and a value or call to try instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = [
    "ConvergenceError",
    "InputError",
    "MemductanceError",
    "SimulatorConvergenceError",
    "SimulatorError",
    "SimulatorNotFoundError",
    "SimulatorTimeoutError",
    "SimulatorVersionError",
    "shortened",
]


class MemductanceError(Exception):
    """Base of every exception that memductance raises on purpose."""


class InputError(MemductanceError, ValueError):
    """An invalid argument of a public function or option.

    Parameters
    ----------
    argument : str
        Name of the argument, as the caller wrote it.
    given : object
        The value given, or a short description of it.
    allowed : str
        The values allowed, with their unit.
    fix : str, optional
        A value or a call to try instead.
    """

    def __init__(self, argument: str, given: object, allowed: str, fix: str = "") -> None:
        self.argument = argument
        self.given = given
        self.allowed = allowed
        self.fix = fix
        message = f"{argument}: got {given}; allowed: {allowed}"
        super().__init__(f"{message}; try: {fix}" if fix else message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.argument, self.given, self.allowed, self.fix)


def shortened(text: str) -> str:
    """Return a text on one line of at most 70 characters, for messages."""
    line = " ".join(text.split())
    return line if len(line) <= 70 else line[:67] + "..."


class ConvergenceError(MemductanceError, RuntimeError):
    """An iteration did not reach its tolerance.

    Parameters
    ----------
    message : str
        The iteration that did not converge, where it stopped, and a remedy.
    residual : float
        Best residual reached, in the unit that the message names.
    partial : object, optional
        The result up to there, such as a trace.
    """

    def __init__(self, message: str, residual: float = float("nan"), partial: Any = None) -> None:
        self.residual = residual
        self.partial = partial
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.residual, self.partial)


class SimulatorError(MemductanceError, RuntimeError):
    """An external simulator failed, crashed or gave an invalid answer; the message quotes its output.

    Parameters
    ----------
    message : str
        The failure, in one line.
    netlist : path, optional
        The netlist that was run, kept for inspection; part of the message.
    """

    def __init__(self, message: str, netlist: Path | None = None) -> None:
        self.message = message
        self.netlist = netlist
        super().__init__(message if netlist is None else f"{message}; netlist: {netlist}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.netlist)


class SimulatorNotFoundError(SimulatorError):
    """An external simulator is not installed; the message says what to install."""


class SimulatorVersionError(SimulatorError):
    """An external simulator is too old; the message says which versions are supported."""


class SimulatorTimeoutError(SimulatorError):
    """An external simulator took longer than its time limit."""


class SimulatorConvergenceError(SimulatorError):
    """An external simulator read the circuit and did not find its solution: a singular matrix, no convergence."""
