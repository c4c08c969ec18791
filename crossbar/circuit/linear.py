"""The linear read: conjugate gradients preconditioned by exact solves of whole lines.

Kirchhoff's current law couples word-line potentials ``u`` and bit-line potentials ``v`` [V]:

    [  A  -G ] [u]   [source]
    [ -G   B ] [v] = [  0   ]

with ``A = Lw + G`` one tridiagonal matrix for each word line and ``B = Lb + G`` one for each bit line. The word
lines are eliminated, the bit lines precondition. Where wires conduct far better than cells a few iterations
suffice, at a cost proportional to the number of cells; the number grows as ``lines * sqrt(r G)`` when they do not.
Merged nodes (zero resistance) and open cells are the same code. See `crossbar.circuit._kernels` for the algebra.

A coarse level, for wires that do not conduct far better than cells, would act on the residual ``y`` between the two
sweeps of an iteration in `read_vectors`: now the next direction is ``y + beta s``.

Vectors are solved one after another on one core, and split between cores: four arrays of one vector stay in
cache, which several vectors side by side would not (measured: 1.2 to 2 times slower at 128x128 and above).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.wires import Wires
from devices.errors import ConvergenceError
from devices.threads import cores, in_threads

__all__ = ["LineFactors", "Solution", "factor_lines", "solve_lines"]

Array = NDArray[np.float64]
_WORTH_A_THREAD = 50_000  # vectors times cells below which a thread costs more than it saves


class LineFactors(NamedTuple):
    """Factors of every line of a crossbar, reused by all its reads.

    Rows are padded with open cells at the open end of the bit lines to a multiple of four.
    """

    conductance: Array
    word: Array
    bit: Array
    resistance: tuple[float, float, float, float]
    padding: int


class Solution(NamedTuple):
    """Currents ``(vectors, columns)`` [A], node voltages ``(vectors, rows, columns)`` [V] or empty, and quality."""

    current: Array
    word_line_voltage: Array
    bit_line_voltage: Array
    iterations: int
    residual: float
    kcl_error: float


def factor_lines(conductance: Array, wires: Wires) -> LineFactors:
    """Factor the word lines and the bit lines of a crossbar.

    Parameters
    ----------
    conductance : numpy.ndarray
        Cell conductances [S], shape ``(rows, columns)``.
    wires : Wires
        Line resistances.

    Returns
    -------
    LineFactors
        The factors, two arrays of the size of the crossbar.
    """
    from crossbar.circuit._kernels import factor_bit_lines, factor_word_lines

    padding = -conductance.shape[0] % 4
    padded = _padded(conductance, 0, padding)
    resistance = (wires.word_line, wires.word_line_end, wires.bit_line, wires.bit_line_end)
    word = factor_word_lines(padded, *resistance[:2])
    bit = factor_bit_lines(padded, *resistance[2:])
    return LineFactors(padded, word, bit, resistance, padding)


def solve_lines(factors: LineFactors, voltage: Array, *, rtol: float, nodes: bool) -> Solution:
    """Read a crossbar with each of several voltage vectors.

    Parameters
    ----------
    factors : LineFactors
        The factored crossbar.
    voltage : numpy.ndarray
        Source voltages [V], shape ``(vectors, rows)``.
    rtol : float
        Largest residual of a bit line, relative to what its cells would drive into it were it grounded.
    nodes : bool
        Return node voltages too.

    Returns
    -------
    Solution
        Currents, node voltages and how well they are solved.

    Raises
    ------
    ConvergenceError
        If a vector does not reach `rtol`.
    """
    from crossbar.circuit._kernels import read_vectors

    G, word, bit, resistance, padding = factors
    vectors = len(voltage)
    rows, columns = G.shape
    source = _padded(voltage if voltage.flags.writeable else voltage.copy(), 1, padding)  # one compiled type
    current = np.empty((vectors, columns))
    report = np.zeros((vectors, 3))
    u, v = (np.empty((vectors if nodes else 0, rows, columns)) for _ in range(2))
    limit = _limit(rows, columns)

    def solve(part: slice) -> None:
        where = part if nodes else slice(0)
        read_vectors(
            G, word, bit, resistance, source[part], rtol, limit, current[part], report[part], u[where], v[where]
        )

    worth_it = vectors * G.size >= _WORTH_A_THREAD
    in_threads(solve, vectors, threads=min(cores(), vectors) if worth_it else 1)
    iterations, residual, kcl_error = report.max(axis=0) if vectors else (0, 0.0, 0.0)
    if not residual <= rtol:
        raise ConvergenceError(
            f"read: relative residual {residual:.1e} after {iterations:.0f} iterations; allowed: {rtol:g}; "
            "try: transfer(), which is exact, or a larger rtol",
            float(residual),
        )
    return Solution(current, u[:, padding:], v[:, padding:], int(iterations), float(residual), float(kcl_error))


def _limit(rows: int, columns: int) -> int:
    """Return the most iterations one vector may take: far above the worst wires that have been seen."""
    return 500 + 50 * (rows + columns)


def _padded(array: Array, axis: int, padding: int) -> Array:
    """Return `array` with `padding` zeros before its first entry along `axis`; itself where there are none."""
    if not padding:
        return array
    shape = list(array.shape)
    shape[axis] += padding
    result = np.zeros(shape)
    result[(slice(None),) * axis + (slice(padding, None),)] = array
    return result
