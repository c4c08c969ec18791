"""The linear solver for cells with gates: GMRES on the bit lines, preconditioned by exact solves of all lines.

A transistor's current depends on its gate, whose potential is fixed: its transconductance ``m`` makes the linear
system unsymmetric, ``[A + g, -(g + m); -g, B + g + m]``.
"""

from __future__ import annotations

import numpy as np

from crossbar.circuit.linear import Potentials
from crossbar.circuit.lines import Ladders, factor_lines
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError, InputError

__all__ = ["solve_gated"]


def solve_gated(
    ladders: Ladders,
    sides: dict[str, Array],
    g: Array,
    m: Array,
    load: tuple[Array | None, Array | None],
    into: tuple[Array, Array],
    rtol: float,
) -> Potentials:
    """Solve a crossbar of cells with conductance `g` and transconductance `m`, injected with currents `into`."""
    from scipy.sparse.linalg import LinearOperator, gmres

    from crossbar.circuit.line_solves import bit_sweep, word_sweep

    if ladders.shorts or ladders.branched is not None:
        given = "bridges between lines, or ideal metal from uneven wires to a second terminal"
        raise InputError("wires", given, "none of these for cells with transistors", "cells without a gate")
    lines = factor_lines(g, ladders, load[0], m if load[1] is None else m + load[1])
    (cw, zw), (cb, zb) = lines.word, lines.bit
    zw = cw * zw[0] if isinstance(zw, tuple) else zw
    zb = cb * zb[0][:, None] if isinstance(zb, tuple) else zb
    cw, zw, cb, zb = (np.ascontiguousarray(a[ladders.padding :]) for a in (cw, zw, cb, zb))
    word, far_word = ladders.word.ends(sides["word_left"], sides["word_right"])
    bit, far_bit = ladders.bit.ends(sides["bit_bottom"], sides["bit_top"])
    bu, bv = into[0].copy(), into[1].copy()
    bu[:, -1] += ladders.word.far * far_word[0]
    bv[0] += ladders.bit.far * far_bit[0]
    from_word = np.cumprod(cw, axis=1) * word[0][:, None]
    from_bit = np.cumprod(cb[::-1], axis=0)[::-1] * bit[0]
    u, v = np.empty(ladders.shape), np.empty(ladders.shape)

    def around(potential: Array, bu: Array | float, bv: Array | float, feed: bool) -> Array:
        """Return the bit-line potentials that follow from the word-line potentials that follow from `potential`."""
        word_sweep(cw, zw, (g + m) * potential + bu, u)
        if feed:
            u[...] += from_word
        bit_sweep(cb, zb, g * u + bv, v)
        return v + from_bit if feed else v

    count = 0

    def counted(_: float) -> None:
        nonlocal count
        count += 1

    size = u.size
    operator = LinearOperator(
        (size, size), lambda x: x - around(x.reshape(ladders.shape), 0.0, 0.0, False).ravel(), dtype=float
    )
    first = around(np.zeros(ladders.shape), bu, bv, True)
    found, _ = gmres(
        operator, first.ravel(), rtol=rtol, atol=0.0, restart=40, maxiter=50, callback=counted, callback_type="pr_norm"
    )
    grid = found.reshape(ladders.shape)
    after = around(grid, bu, bv, True)
    miss = np.abs(after - grid)
    residual = float(miss.max() / max(np.abs(after).max(), np.abs(u).max(), 1e-300))
    allowed = max(1e-9, 10.0 * rtol)
    if not residual <= allowed:
        raise ConvergenceError(
            f"solve: GMRES left a relative residual of {residual:.1e}; allowed: {allowed:g}", residual
        )
    around(after, bu, bv, True)
    return Potentials(
        np.empty((1, 0)), u[None].copy(), after[None], count, residual, float((miss * (g + m)).sum(axis=0).max()),
        residual, np.full(1, residual),
    )  # fmt: skip
