"""Write-verify: pulses and reads in turn until every cell shows its target conductance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.array import Crossbar
from crossbar.programming.programmer import Programmer, Pulse
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import finite_array, integer, number

__all__ = ["ProgramResult", "Ramp", "write_verify"]


@dataclass(frozen=True, slots=True)
class Ramp:
    """A train of pulses that grow by equal steps (incremental step pulse programming).

    Parameters
    ----------
    start, stop : float
        Voltage of the first pulse, and the voltage that no pulse exceeds [V]; same sign.
    step : float
        By how much the next pulse is larger [V], >= 0.
    width : float
        Length of each pulse [s].
    """

    start: float
    stop: float
    step: float
    width: float

    def __post_init__(self) -> None:
        number("start", self.start, unit="V")
        number("stop", self.stop, unit="V")
        number("step", self.step, unit="V", minimum=0.0)
        number("width", self.width, unit="s", minimum=0.0, open_minimum=True)
        if self.start * self.stop <= 0.0 or abs(self.stop) < abs(self.start):
            raise InputError("stop", f"{self.stop:g} V from {self.start:g} V", "the same sign, not smaller [V]")

    def pulse(self, number_of: int) -> Pulse:
        """Return the pulse after `number_of` others."""
        size = min(abs(self.start) + number_of * self.step, abs(self.stop))
        return Pulse(float(np.copysign(size, self.start)), self.width)


@dataclass(frozen=True, eq=False, kw_only=True)
class ProgramResult:
    """Result of write-verify; grids have shape ``(rows, columns)``.

    Parameters
    ----------
    crossbar : Crossbar
        The array as it is after programming.
    target : numpy.ndarray
        Target conductances [S].
    sensed : numpy.ndarray
        Conductances that a read of each cell showed when its own pulses were over [S].
    final : numpy.ndarray
        The same after all cells were programmed [S], disturbed by their pulses.
    pulses : numpy.ndarray
        Pulses that each cell was given.
    converged : numpy.ndarray
        Cells that met the tolerance when their own pulses were over.
    tolerance : float
        Allowed relative error.
    largest_disturb : float
        Largest move of a state by one pulse meant for another cell, as a share of its span.
    complete : bool
        False where an interrupt ended it early.
    """

    crossbar: Crossbar
    target: Array
    sensed: Array
    final: Array
    pulses: NDArray[np.int64]
    converged: NDArray[np.bool_]
    tolerance: float
    largest_disturb: float
    complete: bool

    @property
    def error(self) -> Array:
        """Relative error of the final conductances."""
        return self.final / self.target - 1.0

    @property
    def disturb(self) -> Array:
        """Relative change of each cell's conductance by the pulses of the cells after it."""
        return self.final / self.sensed - 1.0

    def summary(self) -> dict[str, Any]:
        """Return the figures that matter, ready for a table."""
        done, seen = self.pulses > 0, ~np.isnan(self.sensed)
        return {
            "cells": int(self.target.size),
            "cells verified": int(seen.sum()),
            "converged": int(self.converged.sum()),
            "pulses per cell": float(self.pulses.mean()),
            "most pulses": int(self.pulses.max()),
            "rms error when verified": _rms((self.sensed / self.target - 1.0)[seen]),
            "rms final error": _rms(self.error),
            "worst final error": float(np.abs(self.error).max()),
            "rms disturb": _rms(self.disturb[done & seen]),
            "largest move by one pulse": self.largest_disturb,
        }

    def __repr__(self) -> str:
        s = self.summary()
        return (
            f"ProgramResult({s['converged']} of {s['cells']} cells within {self.tolerance:g}, "
            f"{s['pulses per cell']:.1f} pulses per cell, final error {s['rms final error']:.2%} rms)"
        )


def write_verify(
    programmer: Programmer,
    target: ArrayLike,
    *,
    set_ramp: Ramp,
    reset_ramp: Ramp,
    read_voltage: float,
    tolerance: float = 0.05,
    max_pulses: int = 50,
    passes: int = 1,
    progress: bool = False,
) -> ProgramResult:
    """Program every cell to a conductance, one after another, row by row.

    Each cell is read; while it is off its target by more than the tolerance it is given a pulse of the ramp that
    moves it there, and read again. A ramp starts anew when the direction turns.

    Parameters
    ----------
    programmer : Programmer
        The array, with its scheme; it is left as programmed.
    target : array_like
        Conductances [S] that a read should show, shape ``(rows, columns)``.
    set_ramp, reset_ramp : Ramp
        Pulses that raise and that lower the conductance.
    read_voltage : float
        Voltage of the verifying reads [V].
    tolerance : float, optional
        Allowed relative error, > 0.
    max_pulses : int, optional
        Most pulses for each cell in each pass, at least 1.
    passes : int, optional
        How often to go through the array, at least 1: a second pass corrects cells that pulses disturbed.
    progress : bool, optional
        Show a bar.

    Returns
    -------
    ProgramResult
        Conductances, pulses and errors. Cells that ran out of pulses are marked as not converged. An interrupt ends it
        early and returns what was reached.

    Raises
    ------
    InputError
        If a target lies outside what its cell can reach (the cell and its range are named), or for a budget of zero.
    """
    if not isinstance(programmer, Programmer):
        raise InputError("programmer", repr(programmer), "a Programmer", "Programmer(crossbar, scheme='V/2')")
    for name, ramp in (("set_ramp", set_ramp), ("reset_ramp", reset_ramp)):
        if not isinstance(ramp, Ramp):
            raise InputError(name, repr(ramp), "a Ramp", "Ramp(start=1.0, stop=2.0, step=0.1, width=1e-6)")
    shape = programmer.crossbar.shape
    wanted = finite_array("target", target, unit="S", shape=shape, minimum=0.0).copy()
    low, high = programmer.window(number("read_voltage", read_voltage, unit="V"))
    outside = np.argwhere((wanted < low) | (wanted > high))
    if outside.size:
        i, j = (int(k) for k in outside[0])
        raise InputError(
            "target",
            f"{wanted[i, j]:.4g} S for cell ({i}, {j})",
            f"{low[i, j]:.4g} to {high[i, j]:.4g} S",
            "numpy.clip",
        )
    tolerance = number("tolerance", tolerance, minimum=0.0, open_minimum=True)
    integer("max_pulses", max_pulses, minimum=1)
    integer("passes", passes, minimum=1)
    sensed = np.full(shape, np.nan)
    pulses = np.zeros(shape, dtype=np.int64)
    converged = np.zeros(shape, dtype=bool)
    largest = 0.0
    complete = True
    try:
        for i, j in _cells(shape, passes, progress):
            direction, run = 0, 0
            for used in range(max_pulses + 1):
                sensed[i, j] = programmer.sense(i, j, read_voltage)
                off = sensed[i, j] / wanted[i, j] - 1.0
                converged[i, j] = abs(off) <= tolerance
                if converged[i, j] or used == max_pulses:
                    break
                needed = 1 if off < 0.0 else -1
                run = run + 1 if needed == direction else 0
                direction = needed
                ramp = set_ramp if needed > 0 else reset_ramp
                effect = programmer.pulse(i, j, ramp.pulse(run))
                largest = max(largest, effect.disturb(i, j))
                pulses[i, j] += 1
    except KeyboardInterrupt:
        complete = False
    final = programmer.sense_all(read_voltage)
    return ProgramResult(
        crossbar=programmer.array,
        target=wanted,
        sensed=sensed,
        final=final,
        pulses=pulses,
        converged=converged,
        tolerance=tolerance,
        largest_disturb=largest,
        complete=complete,
    )


def _rms(values: Array) -> float:
    """Return the root of the mean square, 0 of nothing."""
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0


def _cells(shape: tuple[int, int], passes: int, progress: bool) -> Iterator[tuple[int, int]]:
    from tqdm import tqdm

    every = [(i, j) for _ in range(passes) for i in range(shape[0]) for j in range(shape[1])]
    yield from tqdm(every, desc="write-verify", unit="cell", disable=not progress)
