"""The crossbar: cells, the wires between them, and its exact solution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from crossbar.bias import Bias
from crossbar.circuit.cell_array import CellArray, state_bounds
from crossbar.circuit.operating import solve_bias
from crossbar.circuit.reading import Reader, readout_of
from crossbar.drive import split_gate
from crossbar.ohmic import OhmicCells
from crossbar.readout import Readout
from crossbar.solution import Solution
from crossbar.wires import Wires
from devices.cells.protocol import Cell
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array, number
from devices.waveforms import Waveform

if TYPE_CHECKING:
    from crossbar.array_trace import ArrayTrace
    from crossbar.gradient import BiasGradient, ReadGradient
    from crossbar.simulation import Probes

__all__ = ["Crossbar"]


class Crossbar:
    """An immutable array of cells between resistive word lines and bit lines.

    In a read, source ``i`` drives word line ``i`` from its left end, bit line ``j`` ends in a sense amplifier at
    virtual ground below its last row, and the other ends are open; `solve` takes any other `Bias`. Where all wires are
    ideal and cells ohmic, the read is ``voltage @ conductance``.

    Parameters
    ----------
    cells : array_like or Device or Series
        Ohmic cells: their conductances [S], shape ``(rows, columns)``, each >= 0; 0 is an open cell, infinity
        a shorted one; copied. Or an ensemble of devices of shape ``(rows, columns)``, each at its starting state, top
        electrode on the word line.
    wires : Wires, optional
        The metal; ideal by default.
    gates : {"rows", "columns"}, optional
        Which way the gate lines of cells with a transistor run.

    Raises
    ------
    InputError
        If a conductance is negative or not a number (the cell is named), the cells are not 2-D, or the wires do not
        fit them.

    Examples
    --------
    >>> array = Crossbar([[1e-4, 2e-5], [5e-5, 1e-5]], Wires(word_line=1.0, bit_line=1.0))
    >>> array.shape
    (2, 2)
    """

    __slots__ = ("_cells", "_gates", "_reader", "_wires")

    def __init__(
        self, cells: ArrayLike | Cell, wires: Wires | None = None, *, gates: Literal["rows", "columns"] = "rows"
    ) -> None:
        if wires is None:
            wires = Wires()
        if not isinstance(wires, Wires):
            raise InputError("wires", repr(wires), "a Wires object", "Wires(word_line=1.0, bit_line=1.0)")
        # An isinstance check of the protocol would take longer than a small read.
        ensemble = cast("Cell", cells) if hasattr(cells, "parameter_rows") else OhmicCells(cells)
        shape = ensemble.shape
        if len(shape) != 2 or 0 in shape:
            fix = "one state or parameter of shape (rows, columns)"
            raise InputError("cells", f"devices of shape {shape}", "an ensemble of shape (rows, columns)", fix)
        choice("gates", gates, ("rows", "columns"))
        self._gates = gates
        self._wires = wires.checked(*shape)
        self._cells = ensemble
        self._reader = None
        if isinstance(ensemble, OhmicCells):
            self._reader = Reader(ensemble.writeable, self._wires, ensemble.shorted)

    @property
    def ohmic(self) -> bool:
        """Whether the cells are conductances."""
        return self._reader is not None

    @property
    def conductance(self) -> Array:
        """Cell conductances of ohmic cells [S], shape ``(rows, columns)``, read-only."""
        if not isinstance(self._cells, OhmicCells):
            raise InputError(
                "conductance", "cells with a current law", "ohmic cells", "cells.conductance(voltage) at a read voltage"
            )
        return self._cells.conductance

    @property
    def cells(self) -> Cell:
        """The devices, where the cells are not ohmic."""
        if self.ohmic:
            raise InputError("cells", "ohmic cells", "cells with a current law", "conductance")
        return self._cells

    @property
    def wires(self) -> Wires:
        """The metal."""
        return self._wires

    @property
    def gates(self) -> Literal["rows", "columns"]:
        """Which way gate lines run."""
        return self._gates

    @property
    def rows(self) -> int:
        """Number of word lines."""
        return self.shape[0]

    @property
    def columns(self) -> int:
        """Number of bit lines."""
        return self.shape[1]

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, columns)``."""
        rows, columns = self._cells.shape
        return rows, columns

    def __reduce__(self) -> tuple:
        return _crossbar, (self._cells, self._wires, self._gates)

    def __repr__(self) -> str:
        return f"Crossbar({self.rows} x {self.columns} cells {self._cells}, {self._wires})"

    def read(
        self,
        voltage: ArrayLike,
        *,
        nodes: bool = False,
        rtol: float | None = None,
        backward: bool = False,
        gate: ArrayLike | None = None,
    ) -> Readout:
        """Apply read voltages and return the sensed currents with the exact IR drop.

        Each vector of an ohmic array is solved by conjugate gradients preconditioned by the lines, unless there are so
        many that one transfer matrix takes fewer operations (or there is one already, and no node voltages are wanted).
        Cells with a current law are solved by Newton's method.

        Parameters
        ----------
        voltage : array_like
            Source voltages [V], shape ``(..., rows)``.
        nodes : bool, optional
            Return node voltages and cell currents too.
        rtol : float, optional
            Largest residual of a line relative to its cell currents, 1e-14 to 1: 1e-12 for ohmic cells, 1e-10 for
            others.
        backward : bool, optional
            Drive the bit lines from their bottom ends, shape ``(..., columns)``, and sense the word lines on the left.
        gate : array_like, optional
            Potentials of the gate lines of cells with a transistor [V], see `solve`.

        Returns
        -------
        Readout
            Currents [A], shape ``(..., columns)``, or ``(..., rows)`` of a backward read.

        Raises
        ------
        InputError
            If the voltages are not finite or do not fit the lines.
        ConvergenceError
            If the iteration does not reach `rtol`.

        Notes
        -----
        Rounding of the node voltages is larger in the currents by the largest sum of ``R G`` over the cells of a line,
        with ``R`` the resistance from there to its terminal. Where that would be more than 1e-10 of a current, or cells
        or shorts have no resistance, the currents follow from a star-mesh elimination, which subtracts nothing: in 1000
        random arrays of ``r G`` from 1e-12 to 1e12 they are exact to 2e-14. It takes time as ``rows * columns`` times
        the square of the smaller side, and is used up to some 10 s; beyond that `residual` tells. Of a read through
        the transfer matrix the residual is the relative disagreement of the two methods, or the bound of the
        elimination.

        Examples
        --------
        >>> Crossbar([[1e-4, 2e-5], [5e-5, 1e-5]]).read([0.2, 0.1]).current
        array([2.5e-05, 5.0e-06])
        """
        lines = self.columns if backward else self.rows
        given = finite_array("voltage", voltage, unit="V", shape=("...", lines)).copy()
        rtol = self._tolerance(rtol)
        if self._reader is not None and gate is None:
            return self._reader.read(given, rtol, backward=backward, nodes=nodes)
        solution = self.solve((Bias.backward if backward else Bias.read)(given), gate=gate, rtol=rtol)
        return readout_of(solution, given, backward=backward, nodes=nodes)

    def solve(
        self, bias: Bias, *, gate: ArrayLike | None = None, bulk: float = 0.0, rtol: float | None = None
    ) -> Solution:
        """Return all node voltages and currents for given potentials at the terminals of all four sides.

        Parameters
        ----------
        bias : Bias
            Potentials of the terminals, for one vector or many; those left out float.
        gate : array_like, optional
            Potentials of the gate lines [V], shape ``(..., rows)`` or ``(..., columns)`` as they run: needed by, and
            only allowed for, cells with a transistor.
        bulk : float, optional
            Potential of the bulk of the transistors [V].
        rtol : float, optional
            As in `read`.

        Returns
        -------
        Solution
            Potentials, currents, power and residuals; grids have shape ``(..., rows, columns)``.

        Raises
        ------
        InputError
            If a side does not fit, a gate line is not connected, or a part of the array floats (it is named).
        ConvergenceError
            If the solution does not reach `rtol`; it names the cells that are worst.

        Examples
        --------
        >>> array = Crossbar([[1e-4, 1e-4], [1e-4, 1e-4]])
        >>> from crossbar import FLOATING
        >>> sneak = array.solve(Bias(word_left=[0.3, FLOATING], bit_bottom=[0.0, FLOATING]))
        >>> sneak.terminal_current["bit_bottom"].round(12)
        array([-4.e-05,  0.e+00])
        """
        if not isinstance(bias, Bias):
            raise InputError("bias", type(bias).__name__, "a Bias", "Bias(word_left=voltage, bit_bottom=0.0)")
        rtol = self._tolerance(rtol)
        vectors, sides = bias.resolve(*self.shape)
        control, batch = self._control(gate, bulk, vectors)
        if batch != vectors:
            whole = {name: np.broadcast_to(s.reshape(*vectors, -1), (*batch, s.shape[-1])) for name, s in sides.items()}
            sides = {name: np.ascontiguousarray(s).reshape(-1, s.shape[-1]) for name, s in whole.items()}
        return solve_bias(self._reader or self.cell_array(), self._wires, (batch, sides), control, rtol)

    def simulate(
        self,
        bias: Bias,
        *,
        duration: float | None = None,
        times: int | ArrayLike = 501,
        probes: Probes = "none",
        gate: ArrayLike | Waveform | Sequence[float | Waveform] | None = None,
        bulk: float = 0.0,
        tolerance: float = 1e-6,
        step: float | None = None,
        max_steps: int = 100_000,
    ) -> ArrayTrace:
        """Integrate the array over time: wires, capacitances and moving states, in one adaptive implicit method.

        It starts from the solution with all states at their start and the terminals at their first potentials. A part
        that capacitance alone holds, such as a floating line of open cells, starts without charge, at 0 V.

        Parameters
        ----------
        bias : Bias
            Numbers or waveforms for each terminal; a waveform holds its last value when it is over.
        duration : float, optional
            Length [s]; that of the longest waveform where not given.
        times : int or array_like, optional
            Number of evenly spaced samples (corners of waveforms are added), or the sample times [s], rising.
        probes : {"none", "all"} or sequence of tuple of int, optional
            Cells whose voltages, currents and states are kept, as ``(row, column)``; terminals always are.
        gate : optional
            As in `solve`; a waveform for all gate lines, or a list with a number or a waveform for each.
        bulk : optional
            As in `solve`, constant.
        tolerance : float, optional
            Largest error of one step, of potentials relative to the largest one at the terminals and of states relative
            to the span between their bounds, 1e-12 to 0.1.
        step : float, optional
            Fixed step [s] in place of error control, to measure the order of convergence.
        max_steps : int, optional
            Most steps, taken or repeated.

        Returns
        -------
        ArrayTrace
            Samples, energies and the final states. An interrupt ends it early and returns what was computed, marked
            incomplete.

        Raises
        ------
        InputError
            As in `solve`, though a part with capacitance may float, and for times that do not rise or lie outside the
            duration, shorts of 0 ohm, or cells of infinite conductance.
        ConvergenceError
            If the end is not reached; it has the trace up to there in its attribute ``partial``.
        """
        from crossbar.simulation import simulate_crossbar

        if any(short.resistance == 0.0 for short in self._wires.shorts):
            allowed = "> 0 ohm in a transient, where its current follows from potentials"
            raise InputError("wires", "a short of 0 ohm", allowed, "Short(..., resistance=1e-3)")
        if isinstance(self._cells, OhmicCells) and self._cells.shorted:
            raise InputError("cells", "an infinite conductance", "finite ones in a transient", "1e3 [S]")
        numbers, waveforms = split_gate(gate, self.gate_lines)
        return simulate_crossbar(
            self, bias, duration=duration, times=times, probes=probes, tolerance=tolerance, step=step,
            max_steps=max_steps, control=self.control(numbers, bulk), gates=waveforms,
        )  # fmt: skip

    @property
    def has_transfer(self) -> bool:
        """Whether the transfer matrix has been computed, because reads were so many or `transfer` was called."""
        return self._reader is not None and self._reader.has_transfer

    def transfer(self) -> Array:
        """Return the exact transfer matrix ``T`` [S], shape ``(rows, columns)``: ``current = voltage @ T``.

        It is computed once, by block elimination, and is read-only; broken or uneven wires are read source by source
        instead, with the accuracy of `read`. Cells far better than metal, and shorts, take a star-mesh elimination. One
        entry is the current into a sense amplifier for one volt at a source while all other sources are at 0 V. A
        backward read has the transposed matrix, by reciprocity.

        Returns
        -------
        numpy.ndarray
            The transfer conductances [S].

        Raises
        ------
        InputError
            If the cells are not ohmic: then a read is not linear.

        Examples
        --------
        >>> Crossbar([[1e-3]], Wires(word_line=250.0, bit_line=250.0)).transfer()
        array([[0.00066667]])
        """
        if self._reader is None:
            raise InputError("transfer", "cells with a current law", "ohmic cells", "read(), one vector at a time")
        return self._reader.transfer()

    def read_gradient(
        self,
        voltage: ArrayLike,
        current_gradient: ArrayLike,
        *,
        backward: bool = False,
        rtol: float | None = None,
    ) -> ReadGradient:
        r"""Return the exact gradient of a number that depends on the currents of a read.

        The adjoint is the same array with its sources at 0 V and the sense amplifiers driven with
        :math:`-\partial L/\partial I`. With voltages w over the cells and currents i along the metal of the read, and
        those of the adjoint (with a tilde), reciprocity gives for every vector

        .. math:: \frac{\partial L}{\partial G_{ij}} = w_{ij} \tilde w_{ij}, \quad
                  \frac{\partial L}{\partial R} = -i \tilde i, \quad
                  \frac{\partial L}{\partial V_i} = \tilde\imath_i

        with the current that source i delivers in the adjoint. So all derivatives together cost one more solution
        with the same factors, and those of metal without resistance exist too.

        Parameters
        ----------
        voltage : array_like
            Source voltages [V], shape ``(..., rows)``, as in `read`.
        current_gradient : array_like
            Derivatives of the number L with respect to the currents [L per A], shape ``(..., columns)``.
        backward : bool, optional
            The gradient of a backward read; the two shapes change places.
        rtol : float, optional
            As in `read`.

        Returns
        -------
        ReadGradient
            Derivatives with respect to voltages, of their shape, and with respect to conductances and resistances,
            summed over all vectors.

        Raises
        ------
        InputError
            As in `read`, if the two batches differ in shape, and for cells with a transistor.
        ConvergenceError
            As in `read`.

        Notes
        -----
        S. W. Director and R. A. Rohrer, IEEE Trans. Circuit Theory 16, 318 (1969), doi 10.1109/TCT.1969.1082967.
        Both the read and the adjoint are solved here, with the factors that the array keeps.
        The currents of ohmic cells are linear in the voltages, so that a batch acts through the matrix
        ``voltage.T @ current_gradient`` alone: at most ``min(rows, columns)`` pairs of vectors are solved, however
        large it is. Cells with a current law are replaced by their small-signal conductances, vector by vector.

        Examples
        --------
        The loss is the square of one current:

        >>> array = Crossbar([[1e-3]], Wires(word_line=250.0, bit_line=250.0))
        >>> current = array.read([0.3]).current
        >>> found = array.read_gradient([0.3], 2 * current)
        >>> bool(np.isclose(found.voltage[0], 2 * current[0] * array.transfer()[0, 0]))
        True
        """
        from crossbar.gradient import read_gradient

        return read_gradient(self, voltage, current_gradient, backward=backward, rtol=self._tolerance(rtol))

    def bias_gradient(
        self, bias: Bias, current_gradient: Mapping[str, ArrayLike], *, rtol: float | None = None
    ) -> BiasGradient:
        """Return the exact gradient of a number that depends on the currents of the terminals under any bias.

        Parameters
        ----------
        bias : Bias
            Potentials of the terminals, as in `solve`.
        current_gradient : dict of str to array_like
            For some of the sides, the derivatives with respect to the current from each terminal into the array
            (`Solution.terminal_current`) [L per A], shape ``(..., lines)``. It is 0 for other sides, and what is given
            for a floating terminal does not count: its current is always 0.
        rtol : float, optional
            As in `solve`.

        Returns
        -------
        BiasGradient
            Derivatives with respect to the potentials of all terminals, and with respect to conductances and
            resistances, summed over all vectors.

        Raises
        ------
        InputError
            As in `solve`, if a gradient does not fit its side, and for cells with a transistor.
        ConvergenceError
            As in `solve`.

        Notes
        -----
        The terminals of the adjoint have the potentials `current_gradient`; all else is as in `read_gradient`.

        Examples
        --------
        >>> array = Crossbar([[1e-4, 2e-5]], Wires(word_line=2.0))
        >>> found = array.bias_gradient(Bias.both_ends([0.2]), {"bit_bottom": [-1.0, 0.0], "bit_top": [-1.0, 0.0]})
        >>> sorted(found.potential)
        ['bit_bottom', 'bit_top', 'word_left', 'word_right']
        """
        from crossbar.gradient import bias_gradient

        return bias_gradient(self, bias, current_gradient, rtol=self._tolerance(rtol))

    def _tolerance(self, rtol: float | None) -> float:
        if rtol is None:
            return 1e-12 if self.ohmic else 1e-10
        return number("rtol", rtol, minimum=1e-14, maximum=1.0)

    def with_state(self, state: ArrayLike) -> Crossbar:
        """Return the same array with its devices started from other states, shape ``(rows, columns, states)``."""
        return Crossbar(self.cells.with_start(state), self._wires, gates=self._gates)

    @property
    def gate_lines(self) -> int:
        """Number of gate lines, one for each row or column."""
        return self.rows if self._gates == "rows" else self.columns

    def control(self, gate: ArrayLike | None, bulk: float = 0.0) -> Array | None:
        """Return the potentials of further terminals of every cell [V], shape ``(cells, controls)``, if it has any."""
        control, batch = self._control(gate, bulk, ())
        if batch:
            raise InputError("gate", f"a batch of shape {batch}", "one potential for each gate line here", "gate[0]")
        return None if control is None else control[0]

    def _control(self, gate: ArrayLike | None, bulk: float, batch: tuple[int, ...]) -> tuple:
        """Return the potentials of further terminals of every cell, ``(vectors, cells, controls)``, and the batch."""
        names = self._cells.control_names
        lines = self.gate_lines
        if not names:
            if gate is not None:
                raise InputError("gate", "potentials of gate lines", "none: these cells have no gate", "leave it out")
            return None, batch
        if gate is None:
            raise InputError(
                "gate",
                f"nothing, which leaves gate lines 0 to {lines - 1} unconnected",
                f"potentials of shape (..., {lines}) [V]",
                "gate=1.0 to open all transistors",
            )
        given = finite_array("gate", gate, unit="V")
        given = finite_array("gate", given, shape=("...", lines)) if given.ndim else np.full(lines, given)
        try:
            batch = np.broadcast_shapes(batch, given.shape[:-1])
        except ValueError:
            raise InputError(
                "gate", f"a batch of shape {given.shape[:-1]}", f"one that broadcasts with {batch}"
            ) from None
        grid = given[..., :, None] if self._gates == "rows" else given[..., None, :]
        potentials = {"gate": grid, "bulk": np.asarray(number("bulk", bulk, unit="V"))}
        shape = (*batch, *self.shape)
        stack = np.stack([np.broadcast_to(potentials[choice("control", n, potentials)], shape) for n in names], axis=-1)
        return np.ascontiguousarray(stack.reshape(-1, self.rows * self.columns, len(names))), batch

    def cell_array(self) -> CellArray:
        """Return the cells as the compiled loops take them, each at its starting state."""
        return CellArray.of(self._cells)

    def state_bounds(self) -> tuple[Array, Array]:
        """Return the lower and upper bounds of the states, each of shape ``(cells, states)``."""
        return state_bounds(self._cells)

    def conducting(self) -> Array:
        """Return the cells' conductances, or ones for cells with a current law: which of them join their lines."""
        return self.conductance if self.ohmic else np.ones(self.shape)


def _crossbar(cells: ArrayLike | Cell, wires: Wires, gates: Literal["rows", "columns"]) -> Crossbar:
    return Crossbar(cells, wires, gates=gates)
