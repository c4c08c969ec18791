"""Reads and solutions of ohmic arrays: by iteration, through the transfer matrix, or branch by branch.

Conjugate gradients are the quickest for a few vectors, the transfer matrix for many. Rounding of potentials is larger
in currents where cells conduct better than metal, where a line carries far less than others, or where its cells are
nearly at one potential; a bound of that is computed, and where it is not small the potentials are refined, or the
currents of all branches found without differences, see `crossbar.circuit.frontal`.
"""

from __future__ import annotations

import numpy as np

from crossbar.bias import SIDES
from crossbar.circuit.branches import Branches, branches
from crossbar.circuit.frontal import LIMIT, solve_branches, solve_within, transfer_by_elimination
from crossbar.circuit.linear import Potentials, not_converged, solve_fed, solve_lines
from crossbar.circuit.lines import (
    ROUNDINGS,
    LineFactors,
    Mask,
    check_joined,
    connected_sides,
    factor_lines,
    ladders,
    line_drops,
)
from crossbar.circuit.ohmic_solution import OhmicSolution, by_branches, by_lines
from crossbar.circuit.transfer import operations, transfer_error, transfer_matrix
from crossbar.readout import Readout
from crossbar.solution import Solution, line_totals
from crossbar.wires import Wires
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError

__all__ = ["Reader", "readout_of"]

_CELL_STEP = 40.0  # one cell in one iteration takes the time of about forty operations of the elimination
_FEWEST_VECTORS = 8  # below which the transfer matrix is never cheaper
_ACCURATE = 1e-10  # bound of a current's relative error above which a better method is taken
_TIGHTEST = 1e-15  # residual that iterations may reach
_SMALL_DROPS = 100.0  # relative drops up to which a residual stands for an error
_MOST_BLOCKS = 1e11  # operations of a block elimination in place of a read, some seconds
_QUICK = 2e8  # operations of an elimination that takes no longer than an iteration with shorts


class Reader:
    """Reads an array of ohmic cells; keeps the factors of its lines and its transfer matrix once they are made.

    Parameters
    ----------
    conductance : numpy.ndarray
        Cell conductances [S], shape ``(rows, columns)``, writeable.
    wires : Wires
        The metal.
    shorted : bool
        Whether a conductance is infinite.
    """

    __slots__ = (
        "_drops", "_factors", "_growth", "_hard", "_shorted", "_transfer", "_transfer_error", "_untransferable",
        "conductance", "wires",
    )  # fmt: skip

    def __init__(self, conductance: Array, wires: Wires, shorted: bool) -> None:
        self.conductance = conductance
        self.wires = wires
        self._shorted = shorted
        self._factors: LineFactors | None = None
        self._drops, self._growth = 0.0, 1.0
        self._hard = False  # whether iteration would lose digits, because cells conduct far better than metal, or fail
        self._transfer: Array | None = None
        self._transfer_error = 0.0
        self._untransferable = False

    def read(self, voltage: Array, rtol: float, *, backward: bool, nodes: bool) -> Readout:
        """Return the readout for source voltages `voltage` [V], shape ``(..., lines)``; see `Crossbar.read`."""
        vectors = np.ascontiguousarray(voltage.reshape(-1, voltage.shape[-1]))
        if not len(vectors):
            return self._nothing(voltage, backward, nodes)
        self.factors()
        transfer = None if nodes else self._better_transfer(vectors, rtol, backward)
        iterations, grids = 0, None
        if transfer is not None:
            matrix = transfer.T if backward else transfer
            current = vectors @ matrix
            residual = self._transfer_error
            if self._hard:
                residual *= _cancelled(np.abs(vectors) @ np.abs(matrix), current)
            kcl_error = residual * float(np.abs(current).max(initial=0.0))
        elif nodes or self._hard:
            current, found, sent = self._solve_read(vectors, rtol, backward)
            iterations = found.iterations
            residual, kcl_error = float(found.error.max()), float(found.kcl_error.max())
            shape = (*voltage.shape[:-1], *self.conductance.shape)
            u, v = found.word_line_voltage.reshape(shape), found.bit_line_voltage.reshape(shape)
            grids = (u, v, found.cell_current.reshape(shape), sent.reshape(voltage.shape))
        else:
            solved = self._iterate(vectors, rtol, backward)
            current, iterations, kcl_error = solved.current, solved.iterations, solved.kcl_error
            residual = solved.own_residual * self._growth + ROUNDINGS * max(0.0, self._drops - _SMALL_DROPS)
        return Readout(
            voltage=voltage,
            current=current.reshape(*voltage.shape[:-1], current.shape[-1]),
            iterations=iterations,
            residual=residual,
            kcl_error=kcl_error,
            backward=backward,
            _nodes=grids if nodes else None,
        )

    def solve(self, sides: dict[str, Array], rtol: float) -> OhmicSolution:
        """Return the solution for potentials ``(vectors, lines)`` of which the same ones float in all vectors."""
        on, G = connected_sides({name: side[0] for name, side in sides.items()}), self.conductance
        if on["word_left"].all() and on["bit_bottom"].all() and not (on["word_right"].any() or on["bit_top"].any()):
            return self._solve(self.factors(), sides, rtol, as_read=True)
        factors = factor_lines(G, ladders(self.wires, on, G, self._shorted))
        if factors.net is None:
            check_joined(factors.ladders, sides)
        return self._solve(factors, sides, rtol, as_read=False)

    def _solve(self, factors: LineFactors, sides: dict[str, Array], rtol: float, *, as_read: bool) -> OhmicSolution:
        """Do that with the factors for these sides, connected as for a read or not."""
        if factors.net is not None:
            return by_branches(solve_branches(factors.net, sides))
        exact = solve_within(_QUICK, self._branches(sides), sides) if self.wires.shorts else None
        if exact is not None:
            return by_branches(exact)
        G = self.conductance
        if as_read:
            word, bit = sides["word_left"], sides["bit_bottom"]
            potentials = solve_fed(factors, word, bit, rtol=rtol, nodes=True, accept=np.inf)
        else:
            potentials = solve_lines(factors, sides, rtol=rtol, nodes=True, accept=np.inf)
        found = by_lines(potentials, G)
        allowed = max(_ACCURATE, rtol)
        if (found.error <= allowed).all() and potentials.residual <= rtol:
            return found
        loose = np.flatnonzero((found.error > allowed) & (found.rounding <= allowed))
        if loose.size:
            part = {name: side[loose] for name, side in sides.items()}
            tight = solve_lines(factors, part, rtol=_TIGHTEST, nodes=True, accept=np.inf)
            found = found.replaced(loose, by_lines(tight, G))
        wrong = np.flatnonzero(~(found.error <= allowed))
        if wrong.size:
            part = {name: side[wrong] for name, side in sides.items()}
            exact = solve_within(LIMIT, self._branches(part), part)
            if exact is not None:
                return found.with_segments(self.wires, sides).replaced(wrong, by_branches(exact))
        if not potentials.residual <= rtol:
            raise not_converged(potentials, rtol)
        return found

    def _branches(self, sides: dict[str, Array]) -> Branches:
        on = connected_sides({name: side[0] for name, side in sides.items()})
        return branches(self.conductance, self.wires, on)

    def factors(self) -> LineFactors:
        """Return the factors of all lines with the terminals of a read connected, made once."""
        if self._factors is None:
            rows, columns = self.conductance.shape
            on = _of_read(rows, columns)
            self._factors = factor_lines(self.conductance, ladders(self.wires, on, self.conductance, self._shorted))
            self._drops = line_drops(self._factors) if self._factors.net is None else np.inf
            self._growth = float(np.sqrt(1.0 + self._drops / _SMALL_DROPS))
            self._hard = not ROUNDINGS * self._drops <= _ACCURATE or bool(self.wires.shorts)
        return self._factors

    @property
    def has_transfer(self) -> bool:
        """Whether the transfer matrix has been made."""
        return self._transfer is not None

    def transfer(self) -> Array:
        """Return the transfer matrix [S], shape ``(rows, columns)``, made once; see `Crossbar.transfer`."""
        if self._transfer is None:
            self.factors()
            transfer = self._exact_transfer(LIMIT) if self._hard else None
            if transfer is None and self.wires.simple and not self._shorted:
                transfer = transfer_matrix(self.conductance, self.wires)
                if self._hard:
                    self._transfer_error = transfer_error(self.conductance, self.wires, transfer)
                else:
                    self._transfer_error = self._disagreement(transfer)
            elif transfer is None:
                transfer, found, _ = self._solve_read(np.eye(self.conductance.shape[0]), _TIGHTEST, False)
                self._transfer_error = float(found.error.max())
            transfer.setflags(write=False)
            self._transfer = transfer
        return self._transfer

    def _solve_read(self, vectors: Array, rtol: float, backward: bool) -> tuple[Array, OhmicSolution, Array]:
        """Return what a read senses [A], its solution, and what it drives into the array [A]."""
        rows, columns = self.conductance.shape
        grounded = np.zeros((len(vectors), rows if backward else columns))
        word, bit = (grounded, vectors) if backward else (vectors, grounded)
        open_word, open_bit = np.full(word.shape, np.nan), np.full(bit.shape, np.nan)
        sides = {"word_left": word, "word_right": open_word, "bit_top": open_bit, "bit_bottom": bit}
        found = self._solve(self.factors(), sides, rtol, as_read=True)
        if found.segment_current is not None:
            sent, received = found.segment_current[0][..., 0], found.segment_current[1][:, -1]
        else:
            u, v = found.word_line_voltage, found.bit_line_voltage
            sent, received = line_totals(self.wires, u, v, found.cell_current, found.short_current)
        return (-sent, found, -received) if backward else (found.delivered, found, sent)

    def _nothing(self, voltage: Array, backward: bool, nodes: bool) -> Readout:
        """Return the readout of no vectors."""
        rows, columns = self.conductance.shape
        lead = voltage.shape[:-1]
        grid = np.zeros((*lead, rows, columns))
        current = np.zeros((*lead, rows if backward else columns))
        grids = (grid, grid, grid, voltage.copy()) if nodes else None
        return Readout(voltage=voltage, current=current, backward=backward, _nodes=grids)

    def _iterate(self, vectors: Array, rtol: float, backward: bool) -> Potentials:
        """Solve the array for each of `vectors`."""
        rows, columns = self.conductance.shape
        word = np.zeros((len(vectors), rows)) if backward else vectors
        bit = vectors if backward else np.zeros((len(vectors), columns))
        wanted = max(rtol / self._growth, min(rtol, _TIGHTEST))
        found = solve_fed(self.factors(), word, bit, rtol=wanted, nodes=backward, accept=rtol)
        if backward:
            u, v = found.word_line_voltage, found.bit_line_voltage
            return found._replace(current=-line_totals(self.wires, u, v, self.conductance * (u - v))[0])
        return found

    def _better_transfer(self, vectors: Array, rtol: float, backward: bool) -> Array | None:
        """Return the transfer matrix if it exists, is more exact, or takes fewer operations than solving."""
        if self._transfer is None:
            if self._hard:
                exact = self._exact_transfer(LIMIT if not self.wires.shorts else _QUICK)
                blocks = self.wires.simple and not self._shorted and operations(*self.conductance.shape) <= _MOST_BLOCKS
                return self.transfer() if exact is None and blocks else exact
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

    def _exact_transfer(self, limit: float) -> Array | None:
        """Return the transfer matrix by star-mesh elimination if that takes fewer operations than `limit`."""
        if self._transfer is None and not self._untransferable:
            net = branches(self.conductance, self.wires, _of_read(*self.conductance.shape))
            found = transfer_by_elimination(net, limit)
            if found is None:
                self._untransferable = True
                return None
            self._transfer, self._transfer_error = found
            self._transfer.setflags(write=False)
        return self._transfer

    def _disagreement(self, transfer: Array) -> float:
        """Return the relative difference between `transfer` and an iterative read, all sources at one volt."""
        try:
            probe = self._iterate(np.ones((1, self.conductance.shape[0])), 1e-12, backward=False)
        except ConvergenceError as error:
            return error.residual
        largest = float(np.abs(probe.current).max())
        return float(np.abs(transfer.sum(axis=0) - probe.current).max()) / largest if largest else 0.0


def _of_read(rows: int, columns: int) -> dict[str, Mask]:
    """Return which terminals a read connects, by side."""
    on = {side: np.ones(rows if side.startswith("word") else columns, dtype=bool) for side in SIDES}
    on["word_right"][:] = on["bit_top"][:] = False
    return on


def _cancelled(size: Array, current: Array) -> float:
    """Return the largest ratio of the sum of a current's parts without sign, `size`, to the current."""
    magnitude = np.abs(current)
    strongest = magnitude.max(axis=-1, initial=0.0, keepdims=True)
    scale = np.where(magnitude > 1e-13 * size, magnitude, strongest)
    return float(np.divide(size, scale, out=np.zeros_like(size), where=size > 0.0).max(initial=0.0))


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
