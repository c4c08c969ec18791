"""`ArrayTrace`: the result of a simulation of an array over time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crossbar.bias import SIDES
from devices.common.arrays import Array
from devices.common.validation import choice, number

__all__ = ["ArrayTrace"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ArrayTrace:
    """A crossbar over time.

    Parameters
    ----------
    crossbar : Crossbar
        The array that was simulated.
    time : numpy.ndarray
        Sample times [s], shape ``(samples,)``.
    potential : dict of str to numpy.ndarray
        Potentials of the terminals of each side [V], shape ``(samples, lines)``; `nan` where a terminal floats.
    terminal_current : dict of str to numpy.ndarray
        Current from each terminal into the array [A], shape ``(samples, lines)``: the sum of what cells and
        capacitances of its line take, whose last part is the slope of an interpolation and less exact than the
        potentials.
    cells : tuple of tuple of int, or None
        The probed cells as ``(row, column)``; ``None`` for all of them.
    word_line_voltage, bit_line_voltage, cell_current : numpy.ndarray
        At the probed cells [V] and [A], shape ``(samples, probes)``, or ``(samples, rows, columns)`` for all.
    state : numpy.ndarray
        States of the probed cells, the shape of the currents and ``(..., states)``.
    final_state : numpy.ndarray
        States of all cells at the end, shape ``(rows, columns, states)``.
    energy : dict of str to float
        Integrals over the run [J]: ``delivered`` by the terminals, heat of ``wires`` and ``cells``, ``stored`` in
        capacitances (its change), and ``turnover``, the integral of absolute delivered power.
    steps, rejected, iterations : int
        Steps that were taken and repeated, and iterations of the linear solver in all of them.
    complete : bool
        False where an interrupt or a step that became too small ended the run early; the samples end there.
    """

    crossbar: Any
    time: Array
    potential: dict[str, Array]
    terminal_current: dict[str, Array]
    cells: tuple[tuple[int, int], ...] | None
    word_line_voltage: Array
    bit_line_voltage: Array
    cell_current: Array
    state: Array
    final_state: Array
    energy: dict[str, float] = field(repr=False)
    steps: int
    rejected: int
    iterations: int
    complete: bool = True

    @property
    def cell_voltage(self) -> Array:
        """Voltage across the probed cells [V]."""
        return self.word_line_voltage - self.bit_line_voltage

    @property
    def energy_error(self) -> float:
        """Error of the energy balance, relative to the turnover."""
        e = self.energy
        missing = e["delivered"] - e["wires"] - e["cells"] - e["stored"]
        return abs(missing) / e["turnover"] if e["turnover"] else 0.0

    def settling_time(self, side: str = "bit_bottom", *, tolerance: float = 0.01, after: float = 0.0) -> Array:
        """Return when the current of each terminal of a side has settled near its last value [s].

        Parameters
        ----------
        side : str, optional
            One of the four sides.
        tolerance : float, optional
            Largest distance from it, as a share of the largest last value of the side.
        after : float, optional
            Time from which to measure [s], such as the start of a pulse.

        Returns
        -------
        numpy.ndarray
            Seconds after `after`, shape ``(lines,)``, interpolated between samples; 0 where it was near all along.
        """
        current = self.terminal_current[choice("side", side, SIDES)]
        away = np.abs(current - current[-1]) - number("tolerance", tolerance, minimum=0.0) * np.abs(current[-1]).max()
        times = np.zeros(current.shape[1])
        for line, gap in enumerate(away.T):
            far = np.flatnonzero((gap > 0.0) & (self.time >= after))
            if far.size:
                k = far[-1]
                step = self.time[k + 1] - self.time[k]
                times[line] = self.time[k] - after + step * gap[k] / (gap[k] - gap[k + 1])
        return times

    def __repr__(self) -> str:
        rows, columns = self.crossbar.shape
        state = "" if self.complete else ", incomplete"
        last = self.time[-1] if self.time.size else 0.0
        return f"ArrayTrace({rows} x {columns} cells, {self.time.size} samples to {last:g} s{state})"
