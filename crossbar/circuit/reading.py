"""Reads of an array: by iteration, or through its transfer matrix where that takes fewer operations."""

from __future__ import annotations

import numpy as np

from crossbar.bias import SIDES
from crossbar.circuit.linear import Potentials, solve_fed
from crossbar.circuit.lines import LineFactors, factor_lines, ladders
from crossbar.circuit.transfer import operations, transfer_matrix
from crossbar.readout import Readout
from crossbar.solution import Solution, line_totals
from crossbar.wires import Wires
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError

__all__ = ["Reader", "readout_of"]

_CELL_STEP = 40.0  # one cell in one iteration takes the time of about forty operations of the elimination
_FEWEST_VECTORS = 8  # below which the transfer matrix is never cheaper


class Reader:
    """Reads an array of ohmic cells; keeps the factors of its lines and its transfer matrix once they are made.

    Parameters
    ----------
    conductance : numpy.ndarray
        Cell conductances [S], shape ``(rows, columns)``, writeable.
    wires : Wires
        The metal.
    """

    __slots__ = ("_factors", "_transfer", "_transfer_error", "conductance", "wires")

    def __init__(self, conductance: Array, wires: Wires) -> None:
        self.conductance = conductance
        self.wires = wires
        self._factors: LineFactors | None = None
        self._transfer: Array | None = None
        self._transfer_error = 0.0

    def read(self, voltage: Array, rtol: float, *, backward: bool, nodes: bool) -> Readout:
        """Return the readout for source voltages `voltage` [V], shape ``(..., lines)``; see `Crossbar.read`."""
        vectors = np.ascontiguousarray(voltage.reshape(-1, voltage.shape[-1]))
        transfer = None if nodes else self._cheaper_transfer(vectors, rtol, backward)
        iterations, grids = 0, None
        if transfer is not None:
            current = vectors @ (transfer.T if backward else transfer)
            residual = self._transfer_error
            kcl_error = residual * float(np.abs(current).max(initial=0.0))
        else:
            found = self._iterate(vectors, rtol, backward, nodes)
            current, iterations, residual, kcl_error = found.current, found.iterations, found.residual, found.kcl_error
            if nodes:
                shape = (*voltage.shape[:-1], *self.conductance.shape)
                u, v = found.word_line_voltage.reshape(shape), found.bit_line_voltage.reshape(shape)
                cell_current = self.conductance * (u - v)
                word, bit = line_totals(self.wires, u, v, cell_current)
                grids = (u, v, cell_current, -bit if backward else word)
        return Readout(
            voltage=voltage,
            current=current.reshape(*voltage.shape[:-1], current.shape[-1]),
            iterations=iterations,
            residual=residual,
            kcl_error=kcl_error,
            backward=backward,
            _nodes=grids,
        )

    def factors(self) -> LineFactors:
        """Return the factors of all lines with the terminals of a read connected, made once."""
        if self._factors is None:
            rows, columns = self.conductance.shape
            on = {side: np.ones(rows if side.startswith("word") else columns, dtype=bool) for side in SIDES}
            on["word_right"][:] = on["bit_top"][:] = False
            self._factors = factor_lines(self.conductance, ladders(self.wires, on, self.conductance))
        return self._factors

    def transfer(self) -> Array:
        """Return the transfer matrix [S], shape ``(rows, columns)``, made once; see `Crossbar.transfer`."""
        if self._transfer is None:
            if self.wires.simple:
                transfer = transfer_matrix(self.conductance, self.wires)
                self._transfer_error = self._disagreement(transfer)
            else:
                found = self._iterate(np.eye(self.conductance.shape[0]), 1e-13, backward=False)
                transfer, self._transfer_error = found.current, found.residual
            transfer.setflags(write=False)
            self._transfer = transfer
        return self._transfer

    def _iterate(self, vectors: Array, rtol: float, backward: bool, nodes: bool = False) -> Potentials:
        """Solve the array for each of `vectors`."""
        rows, columns = self.conductance.shape
        word = np.zeros((len(vectors), rows)) if backward else vectors
        bit = vectors if backward else np.zeros((len(vectors), columns))
        found = solve_fed(self.factors(), word, bit, rtol=rtol, nodes=nodes or backward)
        if backward:
            u, v = found.word_line_voltage, found.bit_line_voltage
            return found._replace(current=-line_totals(self.wires, u, v, self.conductance * (u - v))[0])
        return found

    def _cheaper_transfer(self, vectors: Array, rtol: float, backward: bool) -> Array | None:
        """Return the transfer matrix if it exists, or takes fewer operations than solving all `vectors`."""
        if self._transfer is None:
            if len(vectors) < _FEWEST_VECTORS:
                return None
            rows, columns = self.conductance.shape
            first = self._iterate(vectors[:1], rtol, backward)
            steps = first.iterations + 2
            iterating = _CELL_STEP * len(vectors) * self.conductance.size * steps
            eliminating = operations(rows, columns) if self.wires.simple else rows * self.conductance.size * steps
            if iterating <= eliminating:
                return None
        return self.transfer()

    def _disagreement(self, transfer: Array) -> float:
        """Return the relative difference between `transfer` and an iterative read, all sources at one volt."""
        try:
            probe = self._iterate(np.ones((1, self.conductance.shape[0])), 1e-12, backward=False)
        except ConvergenceError as error:
            return error.residual
        largest = float(np.abs(probe.current).max())
        return float(np.abs(transfer.sum(axis=0) - probe.current).max()) / largest if largest else 0.0


def readout_of(solution: Solution, voltage: Array, *, backward: bool, nodes: bool) -> Readout:
    """Return the readout that a `solution` for source voltages `voltage` [V] stands for."""
    ends = ("word_left", "bit_bottom") if backward else ("bit_bottom", "word_left")
    sensed, sent = (solution.terminal_current[side] for side in ends)
    grids = (solution.word_line_voltage, solution.bit_line_voltage, solution.cell_current, sent)
    return Readout(
        voltage=voltage,
        current=-sensed,
        iterations=solution.iterations,
        newton_steps=solution.newton_steps,
        residual=solution.residual,
        kcl_error=solution.kcl_error,
        backward=backward,
        _nodes=grids if nodes else None,
    )
