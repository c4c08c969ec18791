"""The exceptions of memductance: one small tree, shared by all four packages.

Every message is one line that names the argument, what was given, what is allowed and what to try.
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
]


class MemductanceError(Exception):
    """Base of every exception that memductance raises on purpose."""


class InputError(MemductanceError, ValueError):
    """A bad argument, refused at the public boundary.

    Parameters
    ----------
    argument : str
        Name of the argument, as the caller wrote it.
    given : object
        What was given, already shortened to a phrase or a value.
    allowed : str
        What is allowed, with its unit.
    fix : str, optional
        What to try.
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


class ConvergenceError(MemductanceError, RuntimeError):
    """An iteration did not reach its tolerance.

    Parameters
    ----------
    message : str
        What did not converge, where it stopped and what to try.
    residual : float
        Best residual reached, in the unit that the message names.
    partial : object, optional
        What was computed up to there, such as a trace.
    """

    def __init__(self, message: str, residual: float = float("nan"), partial: Any = None) -> None:
        self.residual = residual
        self.partial = partial
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.residual, self.partial)


class SimulatorError(MemductanceError, RuntimeError):
    """An external simulator failed, crashed or answered nonsense; carries its own words.

    Parameters
    ----------
    message : str
        What happened, in one line.
    netlist : path, optional
        The netlist that was run, kept for a look at it; part of the message.
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
    """An external simulator is too old; the message says which versions are taken."""


class SimulatorTimeoutError(SimulatorError):
    """An external simulator took longer than it was given."""


class SimulatorConvergenceError(SimulatorError):
    """An external simulator read the circuit and did not find its solution: a singular matrix, no convergence."""
