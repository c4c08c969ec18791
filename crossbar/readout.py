"""`Readout`: the result of a read of a crossbar."""

from __future__ import annotations

from dataclasses import dataclass, field

from devices.common.arrays import Array
from devices.common.errors import InputError

__all__ = ["Readout"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Readout:
    """Currents of one read, its node voltages where they were asked for, and the residuals of the solution.

    Parameters
    ----------
    voltage : numpy.ndarray
        Applied voltages [V], shape ``(..., rows)``; of a backward read ``(..., columns)``.
    current : numpy.ndarray
        Currents into the sense amplifiers [A], shape ``(..., columns)``; of a backward read ``(..., rows)``.
    iterations : int
        Iterations of the slowest vector; 0 where nothing had to be iterated.
    newton_steps : int
        Newton steps of the slowest vector; 0 for ohmic cells.
    backward : bool
        The bit lines were driven and the word lines sensed.
    residual : float
        Bound of the error of the currents, each relative to the largest current of its line: what is left of
        Kirchhoff's current law, and rounding. A line that carries no current as far as rounding tells is compared with
        the strongest line.
    kcl_error : float
        Largest violation of Kirchhoff's current law by a line [A].
    """

    voltage: Array
    current: Array
    iterations: int = 0
    newton_steps: int = 0
    backward: bool = False
    residual: float = 0.0
    kcl_error: float = 0.0
    _nodes: tuple[Array, Array, Array, Array] | None = field(default=None, repr=False)

    def _node(self, name: str, index: int) -> Array:
        if self._nodes is None:
            raise InputError(name, "a readout without node voltages", "a readout with them", "read(..., nodes=True)")
        return self._nodes[index]

    @property
    def word_line_voltage(self) -> Array:
        """Voltage of each word-line node [V], shape ``(..., rows, columns)``; needs ``nodes=True``."""
        return self._node("word_line_voltage", 0)

    @property
    def bit_line_voltage(self) -> Array:
        """Voltage of each bit-line node [V], shape ``(..., rows, columns)``; needs ``nodes=True``."""
        return self._node("bit_line_voltage", 1)

    @property
    def cell_current(self) -> Array:
        """Current from word line to bit line through each cell [A], shape ``(..., rows, columns)``."""
        return self._node("cell_current", 2)

    @property
    def power(self) -> Array:
        """Power that the drivers deliver [W], shape ``(...)``; needs ``nodes=True``."""
        return (self.voltage * self._node("power", 3)).sum(axis=-1)
