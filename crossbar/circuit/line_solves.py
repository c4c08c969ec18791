"""The compiled solution of whole lines: their factors, and potentials from injected currents.

One line is a ladder with a fed end. Node ``k`` has a conductance ``g[k]`` (its cell, and all else that leads to ground
there), and resistance ``r[k]`` leads on toward the fed end, at the last step to the terminal of potential ``E``.
Looking away from that end, the conductance seen at node ``k`` is ``h[k] = g[k] + c[k-1] h[k-1]`` with
``c = 1 / (1 + r h)``, a sum of positive terms. With ``z = r c`` the line solve is

    y[k] = b[k] + c[k-1] y[k-1]         current collected toward the fed end [A]
    x[k] = z[k] y[k] + c[k] x[k+1]      potentials back from it [V]; E stands for the x after the last

which holds for merged nodes (``r = 0``, so ``c = 1, z = 0``) and for open wires and floating ends (``r = inf``, so
``c = 0, z = 1/h``) too. No case is special. A terminal at the other end is a conductance at the last node.
Where all lines of a kind have the same ``r``, that one line of ``r`` stands for the whole array ``z``, as a tuple of
it: a fifth less to read from memory.
"""

from __future__ import annotations

import numpy as np
from numba import types

from devices.common.jit import jit, overload

__all__ = [
    "bit_sweep",
    "bit_z",
    "factor_bit_lines",
    "factor_word_lines",
    "four_word_lines",
    "largest_drop",
    "word_sweep",
    "word_z",
    "z_at",
]


def word_z(z, i):
    """Return the part of `z` that `z_at` needs for word line `i`."""


def bit_z(z, i):
    """Return the part of `z` that `z_at` needs for row `i` of the bit lines."""


def z_at(z, c, k):
    """Return ``z`` at position `k` of a word line, or of a row of the bit lines, with factors `c`."""


@overload(word_z)
def _word_z(z, i):
    return (lambda z, i: z) if isinstance(z, types.BaseTuple) else (lambda z, i: z[i])


@overload(bit_z)
def _bit_z(z, i):
    return (lambda z, i: z[0][i]) if isinstance(z, types.BaseTuple) else (lambda z, i: z[i])


@overload(z_at)
def _z_at(z, c, k):
    if isinstance(z, types.BaseTuple):
        return lambda z, c, k: z[0][k] * c[k]
    return (lambda z, c, k: z * c[k]) if isinstance(z, types.Float) else (lambda z, c, k: z[k])


def _factor_node(r, i, j, k, seen, z):
    """Return ``c`` at cell ``i, j``, position `k` of its line, and write ``z`` where it is an array."""


@overload(_factor_node)
def _factor_node_of(r, i, j, k, seen, z):
    if isinstance(r, types.BaseTuple):
        return lambda r, i, j, k, seen, z: 1.0 / (1.0 + r[0][k] * seen)

    def store(r, i, j, k, seen, z):
        c = 1.0 / (1.0 + r[i, j] * seen)
        z[i, j] = r[i, j] * c if r[i, j] < np.inf else 1.0 / seen
        return c

    return store


@jit(contract=True)
def largest_drop(G, r_word, r_bit):
    """Return the largest sum of ``G R`` over the cells of a line, ``R`` leading from there to its fed end."""
    rows, columns = G.shape
    along, drop = np.empty(columns), np.zeros(columns)
    reached = 0.0
    for j in range(columns):
        reached += r_word[j]
        along[j] = reached
    worst = 0.0
    reached = 0.0
    for i in range(rows - 1, -1, -1):
        reached += r_bit[i]
        total = 0.0
        for j in range(columns):
            total += G[i, j] * along[j]
            drop[j] += G[i, j] * reached
        worst = max(worst, total)
    for j in range(columns):
        worst = max(worst, drop[j])
    return worst


@jit(contract=True)
def factor_bit_lines(load, r, c, z):
    """Write ``c`` and ``z`` of every bit line, fed below its last row; `load` has the conductance at each node.

    Where `r` is a tuple of one line of resistances, ``z`` is not written: `z_at` makes it from them.
    """
    rows, columns = load.shape
    h = np.zeros(columns)
    for i in range(rows):
        for j in range(columns):
            seen = load[i, j] + h[j]
            c[i, j] = _factor_node(r, i, j, i, seen, z)
            h[j] = seen * c[i, j]


@jit(contract=True)
def factor_word_lines(load, r, c, z):
    """Write ``c`` and ``z`` of every word line, fed before its first column; `rows` is a multiple of four."""
    rows, columns = load.shape
    h = np.empty(4)
    for top in range(0, rows, 4):
        for a in range(4):
            h[a] = 0.0
        for k in range(columns - 1, -1, -1):
            for a in range(4):
                seen = load[top + a, k] + h[a]
                c[top + a, k] = _factor_node(r, top + a, k, k, seen, z)
                h[a] = seen * c[top + a, k]


@jit(contract=True)
def four_word_lines(c0, c1, c2, c3, z0, z1, z2, z3, b0, b1, b2, b3, g0, g1, g2, g3, t0, t1, t2, t3, e0, e1, e2, e3):
    """Solve four word lines fed by `e`, injected with `b`; write ``t = g x``, return ``b x``.

    Each line is a chain of dependent steps; four at a time hide one another's latency.
    """
    n = b0.size
    y0 = y1 = y2 = y3 = 0.0
    d0 = d1 = d2 = d3 = 0.0
    for k in range(n - 1, -1, -1):
        y0 = b0[k] + d0 * y0
        y1 = b1[k] + d1 * y1
        y2 = b2[k] + d2 * y2
        y3 = b3[k] + d3 * y3
        t0[k] = y0
        t1[k] = y1
        t2[k] = y2
        t3[k] = y3
        d0 = c0[k]
        d1 = c1[k]
        d2 = c2[k]
        d3 = c3[k]
    work0 = work1 = work2 = work3 = 0.0
    for k in range(n):
        e0 = z_at(z0, c0, k) * t0[k] + c0[k] * e0
        e1 = z_at(z1, c1, k) * t1[k] + c1[k] * e1
        e2 = z_at(z2, c2, k) * t2[k] + c2[k] * e2
        e3 = z_at(z3, c3, k) * t3[k] + c3[k] * e3
        t0[k] = g0[k] * e0
        t1[k] = g1[k] * e1
        t2[k] = g2[k] * e2
        t3[k] = g3[k] * e3
        work0 += b0[k] * e0
        work1 += b1[k] * e1
        work2 += b2[k] * e2
        work3 += b3[k] * e3
    return work0 + work1 + work2 + work3


@jit
def word_sweep(c, z, b, x):
    """Solve every word line injected with currents `b` for its potentials `x`, all terminals at 0 V."""
    rows, columns = b.shape
    for i in range(rows):
        y = 0.0
        for k in range(columns - 1, -1, -1):
            y = b[i, k] + (c[i, k + 1] * y if k + 1 < columns else 0.0)
            x[i, k] = y
        e = 0.0
        for k in range(columns):
            e = z[i, k] * x[i, k] + c[i, k] * e
            x[i, k] = e


@jit
def bit_sweep(c, z, b, x):
    """Solve every bit line injected with currents `b` for its potentials `x`, all terminals at 0 V."""
    rows, columns = b.shape
    for j in range(columns):
        x[0, j] = b[0, j]
    for i in range(1, rows):
        for j in range(columns):
            x[i, j] = b[i, j] + c[i - 1, j] * x[i - 1, j]
    for j in range(columns):
        x[rows - 1, j] = z[rows - 1, j] * x[rows - 1, j]
    for i in range(rows - 2, -1, -1):
        for j in range(columns):
            x[i, j] = z[i, j] * x[i, j] + c[i, j] * x[i + 1, j]
