"""`Programmer`: pulses on single cells of an array, and their effect on all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from crossbar.array import Crossbar
from crossbar.bias import Bias
from crossbar.circuit.lines import Ladders, connected_sides, ladders
from crossbar.circuit.nonlinear import NonlinearSolution, Problem, solve_cells
from crossbar.programming.schemes import Scheme, scheme_named
from crossbar.solution import line_totals
from devices.cells.protocol import state_corners
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError, InputError
from devices.common.validation import choice, integer, number, read_voltage
from devices.waveforms import Pulses

__all__ = ["Programmer", "Pulse", "PulseEffect"]

_KEPT = 8  # latest solutions of pulses and reads, each a start for the next of its kind


@dataclass(frozen=True, slots=True)
class Pulse:
    """A rectangular programming pulse.

    Parameters
    ----------
    voltage : float
        Height above the grounded bit line [V]; its sign says which way the state moves.
    width : float
        Length of the flat top [s].
    """

    voltage: float
    width: float

    def __post_init__(self) -> None:
        number("voltage", self.voltage, unit="V")
        number("width", self.width, unit="s", minimum=0.0, open_minimum=True)


class PulseEffect(NamedTuple):
    """Effect of a pulse: voltages across the cells at its start [V], and how far each state moved, in spans."""

    cell_voltage: Array
    moved: Array

    def disturb(self, row: int, column: int) -> float:
        """Return the largest move of a state of any other cell, as a share of its span."""
        others = np.abs(self.moved).max(axis=-1)
        others[row, column] = 0.0
        return float(others.max())


class Programmer:
    """A crossbar of devices under programming pulses; it keeps the states that the pulses leave behind.

    Parameters
    ----------
    crossbar : Crossbar
        Array of devices with states; it is not changed.
    scheme : str or Scheme, optional
        Potentials of the lines that are not selected: ``"V/2"``, ``"V/3"``, ``"floating"``, ``"1T1R"``.
    method : {"fast", "exact"}, optional
        ``"exact"`` integrates the whole array through the pulse and its edges: wires, capacitances and states
        together. ``"fast"`` solves the array once, when the pulse begins, and moves every cell's states under the
        voltage that it then has: no edges, no capacitance, no change of voltages while the states move.
    edge : float, optional
        Length of each edge of an exact pulse [s]; a hundredth of its width where not given.
    gate_on, gate_off : float, optional
        Potentials of the selected and of all other gate lines [V], for cells with a transistor.
    tolerance : float, optional
        Largest error of a step in time, as in `Crossbar.simulate`.

    Raises
    ------
    InputError
        For cells without states, or a scheme that does not fit them.
    """

    def __init__(
        self,
        crossbar: Crossbar,
        *,
        scheme: str | Scheme = "V/2",
        method: Literal["fast", "exact"] = "fast",
        edge: float | None = None,
        gate_on: float = 2.0,
        gate_off: float = 0.0,
        tolerance: float = 1e-6,
    ) -> None:
        if not isinstance(crossbar, Crossbar) or crossbar.ohmic or not crossbar.cells.state_names:
            raise InputError("crossbar", repr(crossbar), "a Crossbar of devices with states", "Crossbar(device(...))")
        gated = bool(crossbar.cells.control_names)
        self.scheme = scheme_named(scheme, gates=crossbar.gates if gated else None)
        if self.scheme.gated != gated:
            fits = "'1T1R' for cells with a transistor, another one for cells without"
            raise InputError("scheme", self.scheme.name, fits)
        self.crossbar = crossbar
        self._shape = crossbar.shape
        self.method = choice("method", method, ("fast", "exact"))
        self.edge = None if edge is None else number("edge", edge, unit="s", minimum=0.0, open_minimum=True)
        self.gate_on, self.gate_off = number("gate_on", gate_on, unit="V"), number("gate_off", gate_off, unit="V")
        self.tolerance = number("tolerance", tolerance, minimum=1e-12, maximum=1e-1)
        self.pulses = 0
        self._cells = crossbar.cell_array()
        self._lower, self._upper = crossbar.state_bounds()
        self._ladders: dict[bytes, Ladders] = {}
        self._latest: dict[tuple, tuple[Array, Array]] = {}  # potentials of the latest solution of a kind

    @property
    def state(self) -> Array:
        """States of all cells now, shape ``(rows, columns, states)``."""
        return self._cells.state.reshape(*self._shape, -1).copy()

    @property
    def array(self) -> Crossbar:
        """The crossbar with its cells as they are now."""
        return self.crossbar.with_state(self.state)

    def conductance(self, voltage: float) -> Array:
        """Return the static conductance of every cell by itself at `voltage` [S], shape ``(rows, columns)``."""
        return self._alone(self._cells.state, read_voltage(voltage))

    def window(self, voltage: float) -> tuple[Array, Array]:
        """Return the smallest and the largest conductance of every cell at `voltage` [S], at the states' bounds."""
        volts = read_voltage(voltage)
        found = [self._alone(corner, volts) for corner in state_corners(self._lower, self._upper)]
        return np.min(found, axis=0), np.max(found, axis=0)

    def pulse(self, row: int, column: int, pulse: Pulse) -> PulseEffect:
        """Apply a pulse to one cell, and to all others what the scheme lets through.

        Parameters
        ----------
        row, column : int
            The cell.
        pulse : Pulse
            The pulse.

        Returns
        -------
        PulseEffect
            Voltages across all cells, and how far their states moved.
        """
        self._check(row, column)
        if not isinstance(pulse, Pulse):
            raise InputError("pulse", repr(pulse), "a Pulse", "Pulse(voltage=1.0, width=1e-6)")
        before = self._cells.state
        shape = self._shape
        control = self._control(row, column)
        if self.method == "fast":
            bias = self.scheme.bias(shape, row, column, pulse.voltage)
            found = self._solve(bias, control, ("pulse", row, column, pulse.voltage > 0.0))
            voltage = found.word_line_voltage - found.bit_line_voltage
            after = self._advance(voltage, found.bit_line_voltage, control, pulse.width)
        else:
            edge = pulse.width / 100 if self.edge is None else self.edge
            wave = Pulses(pulse.voltage, pulse.width, (pulse.width + 2 * edge) * (1 + 1e-9), edge=edge)
            trace = self.array.simulate(
                self.scheme.bias(shape, row, column, wave), times=[edge], probes="all", tolerance=self.tolerance,
                gate=self._gates(row, column),
            )  # fmt: skip
            if not trace.complete:
                raise KeyboardInterrupt  # the array is left as it was before the pulse
            voltage = trace.cell_voltage[0]
            after = trace.final_state.reshape(before.shape)
        self._cells = self._cells._replace(state=after)
        self.pulses += 1
        moved = (after - before) / (self._upper - self._lower)
        return PulseEffect(voltage, moved.reshape(*shape, -1))

    def sense(self, row: int, column: int, voltage: float) -> float:
        """Return the conductance [S] that a read of one cell shows: its row at `voltage`, all other lines at ground."""
        self._check(row, column)
        return float(self._sense_row(row, column, read_voltage(voltage))[column])

    def sense_all(self, voltage: float) -> Array:
        """Return the conductances [S] that reads of all cells show one by one, shape ``(rows, columns)``; see `sense`.

        Cells of a row whose reads are alike are read together.
        """
        volts = read_voltage(voltage)
        rows, columns = self._shape
        if self.scheme.gated and self.crossbar.gates == "columns":
            return np.array([[self._sense_row(i, j, volts)[j] for j in range(columns)] for i in range(rows)])
        return np.array([self._sense_row(i, 0, volts) for i in range(rows)])

    def _sense_row(self, row: int, column: int, volts: float) -> Array:
        """Return the currents of all columns over the voltage [S], with the gates of a read of this cell."""
        words = np.zeros(self.crossbar.rows)
        words[row] = volts
        gate = column if self.scheme.gated and self.crossbar.gates == "columns" else 0
        found = self._solve(Bias.read(words), self._control(row, column), ("read", row, gate, volts))
        grids = (found.word_line_voltage, found.bit_line_voltage, found.cell_current, found.short_current)
        return np.asarray(line_totals(self.crossbar.wires, *grids)[1]) / volts

    def _check(self, row: int, column: int) -> None:
        integer("row", row, minimum=0, maximum=self.crossbar.rows - 1)
        integer("column", column, minimum=0, maximum=self.crossbar.columns - 1)

    def _gates(self, row: int, column: int) -> Array | None:
        if not self.scheme.gated:
            return None
        along_rows = self.crossbar.gates == "rows"
        gates = np.full(self.crossbar.rows if along_rows else self.crossbar.columns, self.gate_off)
        gates[row if along_rows else column] = self.gate_on
        return gates

    def _control(self, row: int, column: int) -> Array | None:
        return self.crossbar.control(self._gates(row, column))

    def _solve(self, bias: Bias, control: Array | None, kind: tuple) -> NonlinearSolution:
        """Solve the array as it is now, from the latest solution of this kind on."""
        _, sides = bias.resolve(*self._shape)
        connected = connected_sides({name: side[0] for name, side in sides.items()})
        key = b"".join(mask.tobytes() for mask in connected.values())
        if key not in self._ladders:
            self._ladders[key] = ladders(self.crossbar.wires, connected, self.crossbar.conducting())
        cells = self._cells if control is None else self._cells._replace(control=control)
        found = solve_cells(Problem(cells, self._ladders[key], sides), rtol=1e-9, start=self._latest.get(kind))
        while len(self._latest) >= _KEPT:
            del self._latest[next(iter(self._latest))]
        self._latest[kind] = found.word_line_voltage, found.bit_line_voltage
        return found

    def _advance(self, voltage: Array, bit: Array, control: Array | None, duration: float) -> Array:
        from devices.simulation.constant_voltage import advance

        count = voltage.size
        above = np.empty((count, 0)) if control is None else control - bit.reshape(count, 1)
        after = self._cells.state.copy()
        failed = advance(
            self._cells.kernel, voltage.ravel(), after, self._cells.parameters, above, self._lower, self._upper,
            duration, self.tolerance,
        )  # fmt: skip
        if failed >= 0:
            row, column = divmod(int(failed), self.crossbar.columns)
            raise ConvergenceError(
                f"pulse: cell ({row}, {column}) could not be integrated at {voltage.flat[failed]:.4g} V; allowed: a "
                "voltage at which the model stays finite; try: a lower voltage",
                float("nan"),
            )
        return after

    def _alone(self, state: Array, voltage: float) -> Array:
        cells = self._cells._replace(state=np.ascontiguousarray(state))
        if self.scheme.gated:
            gates = np.full(
                self.crossbar.rows if self.crossbar.gates == "rows" else self.crossbar.columns, self.gate_on
            )
            control = self.crossbar.control(gates)
            assert control is not None, "cells of a gated scheme have gates"
            cells = cells._replace(control=control)
        shape = self._shape
        return cells.at(np.full(shape, voltage), np.zeros(shape))[0] / voltage
