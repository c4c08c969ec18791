"""Compiled conjugate gradients with the coarse crossbar, see `crossbar.circuit.coarse`.

The preconditioner smooths with ``B^-1``, corrects with the coarse solution ``e``, and smooths again. What the first
smoothing leaves of a residual ``L y`` is ``t = G A^-1 G B^-1 L y`` itself, so the whole is ``B^-1 (L y + w)`` with
``w = t + G A^-1 G e``: no product with ``B`` is needed, and ideal metal stays exact. Letters are those of
`crossbar.circuit.conjugate_gradients`.
"""

from __future__ import annotations

import numpy as np

from crossbar.circuit.line_solves import bit_z, four_word_lines, word_z
from crossbar.circuit.residuals import raise_scale_by_solution, worst_ratio
from crossbar.circuit.row_operations import (
    add_product,
    add_scaled,
    collect,
    fill,
    multiply,
    set_scaled,
    substitute,
    total,
)
from devices.common.jit import jit

__all__ = ["iterate_coarse"]


@jit(contract=True)
def _restrict(t, top, left, coarse):
    """Write the sums of `t` over blocks of rows from `top` on and columns from `left` on."""
    coarse[:] = 0.0
    for block in range(top.size - 1):
        for i in range(top[block], top[block + 1]):
            for k in range(left.size - 1):
                row = 0.0
                for j in range(left[k], left[k + 1]):
                    row += t[i, j]
                coarse[block, k] += row


@jit(contract=True)
def _solve_coarse(G, g, bit, chain, right, u, e):
    """Solve the coarse crossbar for its bit-line potentials `e`, injected with `right` at the bit-line nodes.

    `bit` has the inverse of each bit line, `chain` the inverses of the word-line blocks, eliminated from the right, and
    `g` the conductances to the block on the left.
    """
    rows, columns = G.shape
    load = np.empty(rows)
    into = np.empty(rows)
    for k in range(columns - 1, -1, -1):
        for i in range(rows):
            load[i] = right[i, k]
        _multiply_symmetric(bit[k], load, into)
        for i in range(rows):
            e[i, k] = into[i]
            load[i] = G[i, k] * into[i]
            if k + 1 < columns:
                load[i] += g[i, k + 1] * u[i, k + 1]
        _multiply_symmetric(chain[k], load, into)
        for i in range(rows):
            u[i, k] = into[i]
    for k in range(columns):
        if k:
            for i in range(rows):
                load[i] = g[i, k] * u[i, k - 1]
            _multiply_symmetric(chain[k], load, into)
            for i in range(rows):
                u[i, k] += into[i]
        for i in range(rows):
            load[i] = G[i, k] * u[i, k]
        _multiply_symmetric(bit[k], load, into)
        for i in range(rows):
            e[i, k] += into[i]


@jit(contract=True)
def _multiply_symmetric(symmetric, x, result):
    """``result = symmetric @ x``."""
    fill(result, 0.0)
    for k in range(x.size):
        add_scaled(result, symmetric[k], x[k])


@jit(contract=True)
def _correct(G, cw, zw, cb, zb, no_source, top, left, e, y, t, w, b, q, energy):
    """``w = L^-1 (t + G A^-1 G e)`` with the coarse `e` spread over its blocks; return ``y . (y + w)/D``."""
    rows, columns = G.shape
    spread = np.zeros(columns)
    out = np.empty((4, columns))
    fill(q, 0.0)
    fill(energy, 0.0)
    block = -1
    for i in range(0, rows, 4):
        for a in range(4):
            if block + 1 < top.size - 1 and i + a >= top[block + 1]:
                block += 1
                for k in range(left.size - 1):
                    for j in range(left[k], left[k + 1]):
                        spread[j] = e[block, k]
            multiply(b[a], G[i + a], spread)
        four_word_lines(
            cw[i], cw[i + 1], cw[i + 2], cw[i + 3],
            word_z(zw, i), word_z(zw, i + 1), word_z(zw, i + 2), word_z(zw, i + 3), b[0], b[1], b[2], b[3],
            G[i], G[i + 1], G[i + 2], G[i + 3], out[0], out[1], out[2], out[3],
            no_source[i], no_source[i + 1], no_source[i + 2], no_source[i + 3],
        )  # fmt: skip
        for a in range(4):
            k = i + a
            add_scaled(out[a], t[k], 1.0)
            collect(q, cb[max(k - 1, 0)], out[a])
            set_scaled(w[k], q, 1.0)
            add_product(energy, cb[k], bit_z(zb, k), y[k], w[k])
            add_product(energy, cb[k], bit_z(zb, k), y[k], y[k])
    return total(energy)


@jit(contract=True)
def _next_direction(s, q, y, w, collected, beta):
    """``s = y + w + beta s``, and ``q``, the product of the equations' matrix with it."""
    for j in range(s.size):
        fresh = y[j] + w[j]
        s[j] = fresh + beta * s[j]
        q[j] = fresh - collected[j] + beta * q[j]


@jit(contract=True)
def _smooth(G, cw, zw, cb, zb, no_source, y, t, p, b, energy):
    """``t += G A^-1 G B^-1 L y``, which is all of it where `t` starts as zero."""
    rows = G.shape[0]
    out = np.empty_like(b)
    fill(p, 0.0)
    for i in range(rows - 4, -1, -4):
        for a in range(3, -1, -1):
            k = i + a
            substitute(p, cb[k], bit_z(zb, k), y[k])
            multiply(b[a], G[k], p)
        four_word_lines(
            cw[i], cw[i + 1], cw[i + 2], cw[i + 3],
            word_z(zw, i), word_z(zw, i + 1), word_z(zw, i + 2), word_z(zw, i + 3), b[0], b[1], b[2], b[3],
            G[i], G[i + 1], G[i + 2], G[i + 3], out[0], out[1], out[2], out[3],
            no_source[i], no_source[i + 1], no_source[i + 2], no_source[i + 3],
        )  # fmt: skip
        for a in range(4):
            add_scaled(t[i + a], out[a], 1.0)


@jit(contract=True)
def iterate_coarse(G, cw, zw, cb, zb, coarse, no_source, x, y, s, t, p, b, energy, scale, rtol, limit, grids):
    """Improve `x` by conjugate gradients with the coarse crossbar until the residual `y` is small; return the count."""
    rows = G.shape[0]
    top, left, G_coarse, g_coarse, bit, chain = coarse
    q, w, right, u, e = grids
    rho = 0.0
    for i in range(rows):
        fill(s[i], 0.0)
        fill(q[i], 0.0)
    for iterations in range(1, limit + 1):
        for i in range(rows):
            fill(t[i], 0.0)
        _smooth(G, cw, zw, cb, zb, no_source, y, t, p, b, energy)
        _restrict(t, top, left, right)
        _solve_coarse(G_coarse, g_coarse, bit, chain, right, u, e)
        new = _correct(G, cw, zw, cb, zb, no_source, top, left, e, y, t, w, b, p, energy)
        if not new > 0.0:
            return iterations
        beta = new / rho if rho > 0.0 else 0.0
        rho = new
        _smooth(G, cw, zw, cb, zb, no_source, w, t, p, b, energy)
        fill(p, 0.0)
        fill(energy, 0.0)
        for i in range(rows):
            collect(p, cb[max(i - 1, 0)], t[i])
            _next_direction(s[i], q[i], y[i], w[i], p, beta)
            add_product(energy, cb[i], bit_z(zb, i), s[i], q[i])
        curvature = total(energy)
        if not curvature > 0.0:
            return iterations
        alpha = rho / curvature
        fill(energy, 0.0)
        for i in range(rows):
            add_scaled(x[i], s[i], alpha)
            add_scaled(y[i], q[i], -alpha)
            add_product(energy, cb[i], bit_z(zb, i), y[i], y[i])
        raise_scale_by_solution(scale, x, cb, zb)
        if worst_ratio(energy, scale) <= 0.5 * rtol:
            return iterations
    return limit
