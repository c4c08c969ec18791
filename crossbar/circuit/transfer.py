"""The transfer matrix of an ohmic crossbar by exact block elimination.

Ohmic cells make the read linear, ``current = voltage @ T``. The bit lines are eliminated one after another from
the open end of the word lines. Everything right of column ``j`` is a conductance matrix ``H`` between the word
lines; a segment in series turns it into ``H (I + r H)^-1`` and carries the sense currents ``Q @ u`` along as
``Q (I + r H)^-1``. Then bit line ``j`` adds its own conductances and its row of ``Q``. At the drivers ``Q`` is ``T^T``.

Only conductances between word lines are kept, all positive. The leak of a word line to ground follows from
current conservation: all that flows into the eliminated part leaves through the sense amplifiers, so the leak is the
sum of the columns of ``Q``. No two nearly equal numbers are subtracted, so good metal costs no accuracy.

Work, with the blocks of the smaller side ``m`` and ``n`` steps: ``m^3 n`` for Cholesky factors and inverses and
``m^2 n^2`` to carry ``Q``, nearly all of it BLAS-3.
"""

from __future__ import annotations

import numpy as np

from crossbar.wires import Wires
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError

__all__ = ["operations", "transfer_error", "transfer_matrix"]


def operations(rows: int, columns: int) -> float:
    """Return the floating-point operations of `transfer_matrix`, counted as multiplications and additions."""
    m, n = min(rows, columns), max(rows, columns)
    return float(m * m * n) * (m + n)


def transfer_matrix(conductance: Array, wires: Wires) -> Array:
    """Return the exact transfer matrix ``T`` [S] of a crossbar: ``current = voltage @ T``.

    Parameters
    ----------
    conductance : numpy.ndarray
        Cell conductances [S], shape ``(rows, columns)``.
    wires : Wires
        Line resistances.

    Returns
    -------
    numpy.ndarray
        Transfer conductances from each source to each sense amplifier [S], shape ``(rows, columns)``.

    Raises
    ------
    ConvergenceError
        If conductances or resistances are so large that their products overflow.

    Notes
    -----
    The network is reciprocal: driven from its sense amplifiers and sensed at its drivers it has the transposed
    matrix. So the longer side can always be the one that is stepped along.
    """
    rows, columns = conductance.shape
    transfer = (
        _along_rows(conductance, wires) if columns < rows else np.ascontiguousarray(_eliminate(conductance, wires))
    )
    if not np.isfinite(transfer).all():
        raise ConvergenceError("transfer: the elimination overflowed; allowed: cells and wires of finite products")
    return transfer


def transfer_error(conductance: Array, wires: Wires, transfer: Array) -> float:
    """Return the largest relative difference of an element of `transfer` when the other lines are eliminated.

    The order of all operations is another one then, so that the difference is that of their rounding.
    """
    rows, columns = conductance.shape
    other = _eliminate(conductance, wires) if columns < rows else _along_rows(conductance, wires)
    wrong = np.abs(other - transfer)
    share = np.divide(wrong, np.abs(transfer), out=np.zeros_like(wrong), where=wrong > 0.0)
    return float(share.max()) + rows * float(np.finfo(float).eps)


def _along_rows(conductance: Array, wires: Wires) -> Array:
    turned = Wires(wires.bit_line, wires.word_line, wires.sense, wires.driver)
    return np.ascontiguousarray(_eliminate(conductance[::-1, ::-1].T, turned)[::-1, ::-1].T)


def _eliminate(conductance: Array, wires: Wires) -> Array:
    from scipy.linalg.blas import dsymm
    from scipy.linalg.lapack import dpotrf, dpotri

    from crossbar.circuit import elimination
    from crossbar.circuit.line_solves import factor_bit_lines

    rows, columns = conductance.shape
    lines = np.ascontiguousarray(conductance.T)
    factors = np.empty((rows, columns))
    r_bit = (np.full(rows, wires.bit_line),)
    r_bit[0][-1] = wires.bit_line_end
    factor_bit_lines(np.ascontiguousarray(conductance), r_bit, factors, r_bit)
    factors = np.ascontiguousarray(factors.T)
    H = np.zeros((rows, rows))
    M = np.zeros((rows, rows))
    T = np.zeros((rows, columns), order="F")
    for j in range(columns - 1, -1, -1):
        elimination.add_bit_line(H, lines[j], factors[j], wires.bit_line, wires.bit_line_end, T[:, j])
        r = wires.word_line if j else wires.word_line_end
        if r == 0.0:
            continue
        elimination.series_matrix(H, T[:, j:].sum(axis=1), r, M)
        # The lower triangle of the C-ordered M is the upper one of its transpose, which LAPACK wants.
        factor, _ = dpotrf(M.T, lower=0, clean=0, overwrite_a=1)
        inverse, _ = dpotri(factor, lower=0, overwrite_c=1)
        T[:, j:] = dsymm(1.0, inverse, T[:, j:], lower=0)
        if j:
            elimination.conductance_between(inverse.T, r, H)
    return T
