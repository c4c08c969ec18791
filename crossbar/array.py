"""The crossbar: cells, the wires between them, and the exact read."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.circuit.linear import LineFactors, factor_lines, solve_lines
from crossbar.circuit.transfer import operations, transfer_matrix
from crossbar.readout import Readout
from crossbar.wires import Wires
from devices.errors import ConvergenceError, InputError
from devices.validation import finite_array, number

__all__ = ["Crossbar"]

Array = NDArray[np.float64]
_CELL_STEP = 40.0  # one cell in one iteration takes the time of about forty operations of the elimination
_MANY = 8  # vectors below which the transfer matrix is never cheaper


class Crossbar:
    """An immutable array of ohmic cells between resistive word lines and bit lines.

    Source ``i`` drives word line ``i`` from its column-0 side; bit line ``j`` ends in a sense amplifier at
    virtual ground below its last row. The other ends are open. Where all wires are ideal the read is
    ``voltage @ conductance``.

    Parameters
    ----------
    conductance : array_like
        Cell conductances [S], shape ``(rows, columns)``, each >= 0; 0 is an open cell. Copied.
    wires : Wires, optional
        Line, driver and sense resistances [ohm]; ideal by default.

    Raises
    ------
    InputError
        If a conductance is negative or not finite (the cell is named), or the array is not 2-D.

    Examples
    --------
    >>> array = Crossbar([[1e-4, 2e-5], [5e-5, 1e-5]], Wires(word_line=1.0, bit_line=1.0))
    >>> array.shape
    (2, 2)
    """

    __slots__ = ("_cells", "_conductance", "_factors", "_transfer", "_transfer_error", "_wires")

    def __init__(self, conductance: ArrayLike, wires: Wires | None = None) -> None:
        given = finite_array("conductance", conductance, unit="S", shape=("rows", "columns"), minimum=0.0)
        if wires is None:
            wires = Wires()
        if not isinstance(wires, Wires):
            raise InputError("wires", repr(wires), "a Wires object", "Wires(word_line=1.0, bit_line=1.0)")
        self._cells = given.copy()
        self._conductance = self._cells.view()
        self._conductance.setflags(write=False)
        self._wires = wires
        self._factors: LineFactors | None = None
        self._transfer: Array | None = None
        self._transfer_error = 0.0

    @property
    def conductance(self) -> Array:
        """Cell conductances [S], shape ``(rows, columns)``, read-only."""
        return self._conductance

    @property
    def wires(self) -> Wires:
        """Line, driver and sense resistances [ohm]."""
        return self._wires

    @property
    def rows(self) -> int:
        """Number of word lines."""
        return self._conductance.shape[0]

    @property
    def columns(self) -> int:
        """Number of bit lines."""
        return self._conductance.shape[1]

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, columns)``."""
        return self.rows, self.columns

    def __reduce__(self) -> tuple:
        return Crossbar, (self._conductance, self._wires)

    def __repr__(self) -> str:
        low, high = self._conductance.min(), self._conductance.max()
        return f"Crossbar({self.rows} x {self.columns} cells of {low:.3g} to {high:.3g} S, {self._wires})"

    def read(self, voltage: ArrayLike, *, nodes: bool = False, rtol: float = 1e-12) -> Readout:
        """Apply word-line voltages and return the bit-line currents with the exact IR drop.

        Each vector is solved by conjugate gradients preconditioned by the lines, unless there are so many that
        one transfer matrix takes fewer operations (or there is one already, and no node voltages are wanted).

        Parameters
        ----------
        voltage : array_like
            Source voltages [V], shape ``(..., rows)``.
        nodes : bool, optional
            Return node voltages and cell currents too.
        rtol : float, optional
            Largest residual of a bit line relative to its cell currents, 1e-14 to 1.

        Returns
        -------
        Readout
            Currents [A], shape ``(..., columns)``.

        Raises
        ------
        InputError
            If the voltages are not finite or do not fit the rows.
        ConvergenceError
            If the iteration does not reach `rtol`.

        Notes
        -----
        The relative error of the currents is some 1e-15 times the largest ``1 + r G``, with ``r`` a segment and ``G`` a
        cell: full accuracy wherever cells conduct worse than metal. `transfer` keeps its digits beyond that too.

        Examples
        --------
        >>> Crossbar([[1e-4, 2e-5], [5e-5, 1e-5]]).read([0.2, 0.1]).current
        array([2.5e-05, 5.0e-06])
        """
        given = finite_array("voltage", voltage, unit="V", shape=("...", self.rows))
        rtol = number("rtol", rtol, minimum=1e-14, maximum=1.0)
        vectors = given.reshape(-1, self.rows)
        if not nodes:
            transfer = self._cheaper_transfer(vectors, rtol)
            if transfer is not None:
                current = (vectors @ transfer).reshape(*given.shape[:-1], self.columns)
                error = self._transfer_error
                return Readout(
                    voltage=given,
                    current=current,
                    residual=error,
                    kcl_error=error * float(np.abs(current).max(initial=0.0)),
                )
        solution = solve_lines(self._lines(), vectors, rtol=rtol, nodes=nodes)
        stack = None
        if nodes:
            grid = (*given.shape[:-1], *self.shape)
            u, v = solution.word_line_voltage.reshape(grid), solution.bit_line_voltage.reshape(grid)
            stack = (u, v, self._conductance * (u - v))
        return Readout(
            voltage=given,
            current=solution.current.reshape(*given.shape[:-1], self.columns),
            iterations=solution.iterations,
            residual=solution.residual,
            kcl_error=solution.kcl_error,
            _nodes=stack,
        )

    def transfer(self) -> Array:
        """Return the exact transfer matrix ``T`` [S], shape ``(rows, columns)``: ``current = voltage @ T``.

        It is computed once, by block elimination, and is read-only. One entry is the current into a sense
        amplifier for one volt at a source while all other sources are at 0 V.

        Returns
        -------
        numpy.ndarray
            The transfer conductances [S].

        Examples
        --------
        >>> Crossbar([[1e-3]], Wires(word_line=250.0, bit_line=250.0)).transfer()
        array([[0.00066667]])
        """
        if self._transfer is None:
            transfer = transfer_matrix(self._cells, self._wires)
            transfer.setflags(write=False)
            self._transfer_error = self._disagreement(transfer)
            self._transfer = transfer
        return self._transfer

    def _lines(self) -> LineFactors:
        if self._factors is None:
            self._factors = factor_lines(self._cells, self._wires)
        return self._factors

    def _cheaper_transfer(self, vectors: Array, rtol: float) -> Array | None:
        """Return the transfer matrix if it exists, or takes fewer operations than solving all `vectors`."""
        if self._transfer is None:
            if len(vectors) < _MANY:
                return None
            first = solve_lines(self._lines(), vectors[:1], rtol=rtol, nodes=False)
            iterating = _CELL_STEP * len(vectors) * self._conductance.size * (first.iterations + 2)
            if iterating <= operations(*self.shape):
                return None
        return self.transfer()

    def _disagreement(self, transfer: Array) -> float:
        """Return the relative difference between `transfer` and an iterative read, all sources at one volt."""
        try:
            probe = solve_lines(self._lines(), np.ones((1, self.rows)), rtol=1e-12, nodes=False)
        except ConvergenceError as error:
            return error.residual
        largest = float(np.abs(probe.current).max())
        return float(np.abs(transfer.sum(axis=0) - probe.current).max()) / largest if largest else 0.0
