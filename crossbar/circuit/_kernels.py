"""The compiled loops of the linear solver: line factors, line solves and conjugate gradients.

One line is a ladder with a fed end. Node ``k`` has a conductance ``g[k]`` (its cell, and whatever else hangs there),
and resistance ``r[k]`` leads on toward the fed end, at the last step to the terminal of potential ``E``. Looking away
from that end, the conductance seen at node ``k`` is ``h[k] = g[k] + c[k-1] h[k-1]`` with ``c = 1 / (1 + r h)``, a sum
of positive terms. With ``z = r c`` the line solve is

    y[k] = b[k] + c[k-1] y[k-1]         current collected toward the fed end [A]
    x[k] = z[k] y[k] + c[k] x[k+1]      potentials back from it [V]; E stands for the x after the last

which holds for merged nodes (``r = 0``, so ``c = 1, z = 0``) and for open wires and floating ends (``r = inf``, so
``c = 0, z = 1/h``) too. No case is special. A terminal at the other end is a conductance at the last node.
Where all lines of a kind have the same ``r``, that one line of ``r`` stands for the whole array ``z``, as a tuple of
it: a fifth less to read from memory.

The bit-line matrices ``B = L D L^T`` (``L`` collects, ``1/D = z``) precondition the equations from which the
word lines ``A`` have been eliminated, ``(B - G A^-1 G) v = G A^-1 source``. Conjugate gradients run on
``L^-1 (...) L^-T``, where vectors are collected currents: the search direction ``s`` gives ``p = B^-1 s`` by a sweep,
the product is ``s - L^-1 G A^-1 G p``, and only four arrays of the crossbar's size are kept. One iteration is one
`_descend` (sweep up the rows, word lines solved four rows at a time while they are in cache) and one `_ascend`.

With a coarse crossbar (see `crossbar.circuit.coarse`) the preconditioner smooths with ``B^-1``, corrects with the
coarse solution ``e``, and smooths again. What the first smoothing leaves of a residual ``L y`` is ``t = G A^-1 G B^-1
L y`` itself, so the whole is ``B^-1 (L y + w)`` with ``w = t + G A^-1 G e``: no product with ``B`` is needed, and
ideal metal stays exact.
"""

from __future__ import annotations

import numpy as np
from numba import types

from devices.common.jit import jit, overload

_FAINT = 1e-12  # squared: a bit line fainter than a millionth of the brightest is held to that millionth


def _line(z, i):
    """Return what `_reach` needs for word line `i`; `_level` does for row `i` of the bit lines."""


def _level(z, i): ...


def _reach(z, c, k):
    """Return ``z`` at position `k` of a line or level with factors `c`."""


@overload(_line)
def _line_of(z, i):
    return (lambda z, i: z) if isinstance(z, types.BaseTuple) else (lambda z, i: z[i])


@overload(_level)
def _level_of(z, i):
    return (lambda z, i: z[0][i]) if isinstance(z, types.BaseTuple) else (lambda z, i: z[i])


@overload(_reach)
def _reach_of(z, c, k):
    if isinstance(z, types.BaseTuple):
        return lambda z, c, k: z[0][k] * c[k]
    return (lambda z, c, k: z * c[k]) if isinstance(z, types.Float) else (lambda z, c, k: z[k])


def _pass(r, i, j, k, seen, z):
    """Return ``c`` at cell ``i, j``, position `k` of its line, and write ``z`` where it is an array."""


@overload(_pass)
def _pass_of(r, i, j, k, seen, z):
    if isinstance(r, types.BaseTuple):
        return lambda r, i, j, k, seen, z: 1.0 / (1.0 + r[0][k] * seen)

    def store(r, i, j, k, seen, z):
        c = 1.0 / (1.0 + r[i, j] * seen)
        z[i, j] = r[i, j] * c if r[i, j] < np.inf else 1.0 / seen
        return c

    return store


@jit(contract=True)
def factor_bit_lines(load, r, c, z):
    """Write ``c`` and ``z`` of every bit line, fed below its last row; `load` has the conductance at each node.

    Where `r` is a tuple of one line of resistances, ``z`` is not written: `_reach` makes it from them.
    """
    rows, columns = load.shape
    h = np.zeros(columns)
    for i in range(rows):
        for j in range(columns):
            seen = load[i, j] + h[j]
            c[i, j] = _pass(r, i, j, i, seen, z)
            h[j] = seen * c[i, j]


@jit(contract=True)
def factor_word_lines(load, r, c, z):
    """Write ``c`` and ``z`` of every word line, fed before its first column; `rows` is a multiple of four."""
    rows, columns = load.shape
    h = np.empty(4)
    for top in range(0, rows, 4):
        _fill(h, 0.0)
        for k in range(columns - 1, -1, -1):
            for a in range(4):
                seen = load[top + a, k] + h[a]
                c[top + a, k] = _pass(r, top + a, k, k, seen, z)
                h[a] = seen * c[top + a, k]


# Row operations: few arrays in each loop, so that it can be vectorised; plain loops compile faster than expressions.


@jit(contract=True)
def _fill(a, value):
    for j in range(a.size):
        a[j] = value


@jit(contract=True)
def _total(a):
    total = 0.0
    for j in range(a.size):
        total += a[j]
    return total


@jit(contract=True)
def _largest(a):
    largest = 0.0
    for j in range(a.size):
        largest = max(largest, abs(a[j]))
    return largest


@jit(contract=True)
def _scale(target, source, factor):
    for j in range(target.size):
        target[j] = factor * source[j]


@jit(contract=True)
def _direct(s, y, beta):
    for j in range(s.size):
        s[j] = y[j] + beta * s[j]


@jit(contract=True)
def _potential(p, c, z, s):
    for j in range(p.size):
        p[j] = _reach(z, c, j) * s[j] + c[j] * p[j]


@jit(contract=True)
def _multiply(b, g, p):
    for j in range(b.size):
        b[j] = g[j] * p[j]


@jit(contract=True)
def _add_product(energy, c, z, a, b):
    for j in range(energy.size):
        energy[j] += _reach(z, c, j) * a[j] * b[j]


@jit(contract=True)
def _collect(q, c, t):
    for j in range(q.size):
        q[j] = t[j] + c[j] * q[j]


@jit(contract=True)
def _collect_size(q, c, t):
    for j in range(q.size):
        q[j] = abs(t[j]) + c[j] * q[j]


@jit(contract=True)
def _advance(x, s, alpha):
    for j in range(x.size):
        x[j] += alpha * s[j]


@jit(contract=True)
def _reduce(y, s, q, alpha):
    for j in range(y.size):
        y[j] -= alpha * (s[j] - q[j])


@jit(contract=True)
def _word_lines(c0, c1, c2, c3, z0, z1, z2, z3, b0, b1, b2, b3, g0, g1, g2, g3, t0, t1, t2, t3, e0, e1, e2, e3):
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
        e0 = _reach(z0, c0, k) * t0[k] + c0[k] * e0
        e1 = _reach(z1, c1, k) * t1[k] + c1[k] * e1
        e2 = _reach(z2, c2, k) * t2[k] + c2[k] * e2
        e3 = _reach(z3, c3, k) * t3[k] + c3[k] * e3
        t0[k] = g0[k] * e0
        t1[k] = g1[k] * e1
        t2[k] = g2[k] * e2
        t3[k] = g3[k] * e3
        work0 += b0[k] * e0
        work1 += b1[k] * e1
        work2 += b2[k] * e2
        work3 += b3[k] * e3
    return work0 + work1 + work2 + work3


@jit(contract=True)
def _descend(G, cw, zw, cb, zb, source, feed, bu, y, beta, s, t, p, b, energy):
    """``s = y + beta s``, ``p = B^-1 s``, ``t = G A^-1 (G p + bu + source)``; return ``p . (s - t)``.

    `source` and `feed` are the potentials at the fed ends, `bu` the currents into word-line nodes, or empty.
    """
    rows = G.shape[0]
    _scale(p, feed, 1.0)
    _fill(energy, 0.0)
    work = 0.0
    for i in range(rows - 4, -1, -4):
        for a in range(3, -1, -1):
            k = i + a
            _direct(s[k], y[k], beta)
            _potential(p, cb[k], _level(zb, k), s[k])
            _add_product(energy, cb[k], _level(zb, k), s[k], s[k])
            _multiply(b[a], G[k], p)
            if bu.size:
                _advance(b[a], bu[k], 1.0)
        work += _word_lines(
            cw[i], cw[i + 1], cw[i + 2], cw[i + 3],
            _line(zw, i), _line(zw, i + 1), _line(zw, i + 2), _line(zw, i + 3), b[0], b[1], b[2], b[3],
            G[i], G[i + 1], G[i + 2], G[i + 3], t[i], t[i + 1], t[i + 2], t[i + 3],
            source[i], source[i + 1], source[i + 2], source[i + 3],
        )  # fmt: skip
    return _total(energy) - work


@jit(contract=True)
def _ascend(cb, zb, t, s, alpha, x, along, y, q, energy):
    """``q = L^-1 t``, ``x += along s``, ``y -= alpha (s - q)``; return ``y . y/D``, by bit line in `energy`."""
    rows = cb.shape[0]
    _fill(q, 0.0)
    _fill(energy, 0.0)
    for i in range(rows):
        _collect(q, cb[max(i - 1, 0)], t[i])
        if along != 0.0:
            _advance(x[i], s[i], along)
        _reduce(y[i], s[i], q, alpha)
        _add_product(energy, cb[i], _level(zb, i), y[i], y[i])
    return _total(energy)


@jit(contract=True)
def _brighten(scale, t, cb, zb, q):
    """Raise `scale`, by bit line, to ``|y| . |y|/D`` of the currents `t` as if all flowed the same way."""
    rows = t.shape[0]
    energy = np.zeros(q.size)
    _fill(q, 0.0)
    for i in range(rows):
        _collect_size(q, cb[max(i - 1, 0)], t[i])
        _add_product(energy, cb[i], _level(zb, i), q, q)
    _raise_to(scale, energy)


@jit(contract=True)
def _brighten_by_solution(scale, x, cb, zb):
    """Raise `scale` to the currents reached so far: far from the drivers they start from next to nothing."""
    rows, columns = x.shape
    energy = np.zeros(columns)
    for i in range(rows):
        _add_product(energy, cb[i], _level(zb, i), x[i], x[i])
    _raise_to(scale, energy)


@jit(contract=True)
def _raise_to(scale, energy):
    faintest = _FAINT * _largest(energy)
    for j in range(scale.size):
        scale[j] = max(scale[j], energy[j], faintest)


@jit(contract=True)
def _relative(energy, scale):
    """Return the residual of the worst bit line; not a number if any has overflowed."""
    worst = 0.0
    for j in range(energy.size):
        if energy[j] != 0.0:
            ratio = energy[j] / scale[j]
            if not ratio < np.inf:
                return np.nan
            worst = max(worst, ratio)
    return np.sqrt(worst)


@jit(contract=True)
def _potentials(G, cw, zw, cb, zb, source, feed, bu, x, u, v):
    """Write the bit-line potentials ``v = L^-T x/D`` and the word-line potentials that follow from them."""
    rows, columns = G.shape
    p = np.empty(columns)
    b = np.empty((4, columns))
    one = np.ones(columns)
    _scale(p, feed, 1.0)
    for i in range(rows - 4, -1, -4):
        for a in range(3, -1, -1):
            k = i + a
            _potential(p, cb[k], _level(zb, k), x[k])
            _scale(v[k], p, 1.0)
            _multiply(b[a], G[k], p)
            if bu.size:
                _advance(b[a], bu[k], 1.0)
        _word_lines(
            cw[i], cw[i + 1], cw[i + 2], cw[i + 3],
            _line(zw, i), _line(zw, i + 1), _line(zw, i + 2), _line(zw, i + 3), b[0], b[1], b[2], b[3],
            one, one, one, one, u[i], u[i + 1], u[i + 2], u[i + 3],
            source[i], source[i + 1], source[i + 2], source[i + 3],
        )  # fmt: skip


@jit(contract=True)
def _restrict(t, top, left, coarse):
    """Write the sums of `t` over blocks of rows from `top` on and columns from `left` on."""
    coarse[:] = 0.0
    for block in range(top.size - 1):
        for i in range(top[block], top[block + 1]):
            for k in range(left.size - 1):
                total = 0.0
                for j in range(left[k], left[k + 1]):
                    total += t[i, j]
                coarse[block, k] += total


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
        _apply(bit[k], load, into)
        for i in range(rows):
            e[i, k] = into[i]
            load[i] = G[i, k] * into[i]
            if k + 1 < columns:
                load[i] += g[i, k + 1] * u[i, k + 1]
        _apply(chain[k], load, into)
        for i in range(rows):
            u[i, k] = into[i]
    for k in range(columns):
        if k:
            for i in range(rows):
                load[i] = g[i, k] * u[i, k - 1]
            _apply(chain[k], load, into)
            for i in range(rows):
                u[i, k] += into[i]
        for i in range(rows):
            load[i] = G[i, k] * u[i, k]
        _apply(bit[k], load, into)
        for i in range(rows):
            e[i, k] += into[i]


@jit(contract=True)
def _apply(symmetric, x, result):
    _fill(result, 0.0)
    for k in range(x.size):
        _advance(result, symmetric[k], x[k])


@jit(contract=True)
def _correct(G, cw, zw, cb, zb, silent, top, left, e, y, t, w, b, q, energy):
    """``w = L^-1 (t + G A^-1 G e)`` with the coarse `e` spread over its blocks; return ``y . (y + w)/D``."""
    rows, columns = G.shape
    spread = np.zeros(columns)
    out = np.empty((4, columns))
    _fill(q, 0.0)
    _fill(energy, 0.0)
    block = -1
    for i in range(0, rows, 4):
        for a in range(4):
            if block + 1 < top.size - 1 and i + a >= top[block + 1]:
                block += 1
                for k in range(left.size - 1):
                    for j in range(left[k], left[k + 1]):
                        spread[j] = e[block, k]
            _multiply(b[a], G[i + a], spread)
        _word_lines(
            cw[i], cw[i + 1], cw[i + 2], cw[i + 3],
            _line(zw, i), _line(zw, i + 1), _line(zw, i + 2), _line(zw, i + 3), b[0], b[1], b[2], b[3],
            G[i], G[i + 1], G[i + 2], G[i + 3], out[0], out[1], out[2], out[3],
            silent[i], silent[i + 1], silent[i + 2], silent[i + 3],
        )  # fmt: skip
        for a in range(4):
            k = i + a
            _advance(out[a], t[k], 1.0)
            _collect(q, cb[max(k - 1, 0)], out[a])
            _scale(w[k], q, 1.0)
            _add_product(energy, cb[k], _level(zb, k), y[k], w[k])
            _add_product(energy, cb[k], _level(zb, k), y[k], y[k])
    return _total(energy)


@jit(contract=True)
def _turn(s, q, y, w, collected, beta):
    for j in range(s.size):
        fresh = y[j] + w[j]
        s[j] = fresh + beta * s[j]
        q[j] = fresh - collected[j] + beta * q[j]


@jit(contract=True)
def _descend_coarse(G, cw, zw, cb, zb, silent, y, t, p, b, energy):
    """``t += G A^-1 G B^-1 L y``, which is all of it where `t` starts as zero."""
    rows = G.shape[0]
    out = np.empty_like(b)
    _fill(p, 0.0)
    for i in range(rows - 4, -1, -4):
        for a in range(3, -1, -1):
            k = i + a
            _potential(p, cb[k], _level(zb, k), y[k])
            _multiply(b[a], G[k], p)
        _word_lines(
            cw[i], cw[i + 1], cw[i + 2], cw[i + 3],
            _line(zw, i), _line(zw, i + 1), _line(zw, i + 2), _line(zw, i + 3), b[0], b[1], b[2], b[3],
            G[i], G[i + 1], G[i + 2], G[i + 3], out[0], out[1], out[2], out[3],
            silent[i], silent[i + 1], silent[i + 2], silent[i + 3],
        )  # fmt: skip
        for a in range(4):
            _advance(t[i + a], out[a], 1.0)


@jit(contract=True)
def _iterate_coarse(G, cw, zw, cb, zb, coarse, silent, x, y, s, t, p, b, energy, scale, rtol, limit, grids):
    """Improve `x` by conjugate gradients with the coarse crossbar until the residual `y` is small; return the count."""
    rows = G.shape[0]
    top, left, G_coarse, g_coarse, bit, chain = coarse
    q, w, right, u, e = grids
    rho = 0.0
    for i in range(rows):
        _fill(s[i], 0.0)
        _fill(q[i], 0.0)
    for iterations in range(1, limit + 1):
        for i in range(rows):
            _fill(t[i], 0.0)
        _descend_coarse(G, cw, zw, cb, zb, silent, y, t, p, b, energy)
        _restrict(t, top, left, right)
        _solve_coarse(G_coarse, g_coarse, bit, chain, right, u, e)
        new = _correct(G, cw, zw, cb, zb, silent, top, left, e, y, t, w, b, p, energy)
        if not new > 0.0:
            return iterations
        beta = new / rho if rho > 0.0 else 0.0
        rho = new
        _descend_coarse(G, cw, zw, cb, zb, silent, w, t, p, b, energy)
        _fill(p, 0.0)
        _fill(energy, 0.0)
        for i in range(rows):
            _collect(p, cb[max(i - 1, 0)], t[i])
            _turn(s[i], q[i], y[i], w[i], p, beta)
            _add_product(energy, cb[i], _level(zb, i), s[i], q[i])
        curvature = _total(energy)
        if not curvature > 0.0:
            return iterations
        alpha = rho / curvature
        _fill(energy, 0.0)
        for i in range(rows):
            _advance(x[i], s[i], alpha)
            _advance(y[i], q[i], -alpha)
            _add_product(energy, cb[i], _level(zb, i), y[i], y[i])
        _brighten_by_solution(scale, x, cb, zb)
        if _relative(energy, scale) <= 0.5 * rtol:
            return iterations
    return limit


@jit(contract=True)
def solve_vectors(
    G, cw, zw, cb, zb, coarse, sources, feeds, injected_u, injected_v, rtol, limit, current, report, u, v
):  # fmt: skip
    """Solve the crossbar for each row of `sources` and `feeds`, the potentials at the fed ends.

    `coarse` has the coarse crossbar; there is none where its first array is empty.

    `injected_u` and `injected_v`, currents into the nodes, and `u` and `v`, the potentials, have length 0 where there
    are none or they are not wanted. `current` gets what each bit line delivers to a fed end at 0 V.
    `report` gets, for each vector: iterations, relative residual and largest error of such a current [A].
    The residual is that of the potentials themselves: conjugate gradients start again from it until it holds.
    """
    rows, columns = G.shape
    x = np.empty((rows, columns))
    y = np.empty((rows, columns))
    s = np.zeros((rows, columns))
    t = np.empty((rows, columns))
    p = np.empty(columns)
    b = np.empty((4, columns))
    energy = np.empty(columns)
    silent = np.zeros(rows)
    still = np.zeros(columns)
    nothing = np.empty((0, columns))
    source, feed = np.empty(rows), np.empty(columns)
    scale, q = np.empty(columns), np.empty(columns)
    loaded = len(injected_u) > 0
    accelerated = coarse[0].size > 0
    height = rows if accelerated else 0
    blocks = coarse[2].shape
    grids = (
        np.empty((height, columns)), np.empty((height, columns)), np.empty(blocks), np.empty(blocks), np.empty(blocks)
    )  # fmt: skip
    bu = np.empty((rows if loaded else 0, columns))
    bv = np.empty((rows if loaded else 0, columns))
    for vector in range(sources.shape[0]):
        size = max(_largest(sources[vector]), _largest(feeds[vector]))
        if size < 1e-300:
            size = 1.0
        _scale(source, sources[vector], 1.0 / size)
        _scale(feed, feeds[vector], 1.0 / size)
        if loaded:
            for i in range(rows):
                _scale(bu[i], injected_u[vector, i], 1.0 / size)
                _scale(bv[i], injected_v[vector, i], 1.0 / size)
        for i in range(rows):
            _fill(x[i], 0.0)
        _fill(scale, 0.0)
        iterations = 0
        before = np.inf
        while True:
            for i in range(rows):
                _fill(y[i], 0.0)
            _descend(G, cw, zw, cb, zb, source, feed, bu, x, 0.0, s, t, p, b, energy)
            if loaded:
                for i in range(rows):
                    _advance(t[i], bv[i], 1.0)
            rho = _ascend(cb, zb, t, s, 1.0, x, 0.0, y, p, energy)  # now p collects G u, and y = p - x
            _brighten(scale, t, cb, zb, q)
            residual = _relative(energy, scale)
            if residual <= rtol or not residual <= 0.5 * before or iterations >= limit:
                break
            before = residual
            if accelerated:
                iterations += _iterate_coarse(
                    G, cw, zw, cb, zb, coarse, silent, x, y, s, t, p, b, energy, scale, rtol, limit - iterations, grids
                )
                continue
            beta = 0.0
            while rho > 0.0 and iterations < limit:
                curvature = _descend(G, cw, zw, cb, zb, silent, still, nothing, y, beta, s, t, p, b, energy)
                if not curvature > 0.0:
                    break
                alpha = rho / curvature
                new = _ascend(cb, zb, t, s, alpha, x, alpha, y, p, energy)
                iterations += 1
                beta = new / rho
                rho = new
                if iterations % 8 == 0:
                    _brighten_by_solution(scale, x, cb, zb)
                if _relative(energy, scale) <= 0.5 * rtol:
                    break
        report[vector, 0], report[vector, 1] = iterations, residual
        worst = 0.0
        for j in range(columns):
            current[vector, j] = size * cb[rows - 1, j] * p[j]
            if (
                _reach(_level(zb, rows - 1), cb[rows - 1], j) > 0.0
            ):  # an ideal bit line stays at its potential and takes what its cells deliver
                worst = max(worst, abs(cb[rows - 1, j] * y[rows - 1, j]))
        report[vector, 2] = size * worst
        if len(u):
            for i in range(rows):
                _advance(x[i], y[i], 1.0)
            _potentials(G, cw, zw, cb, zb, source, feed, bu, x, u[vector], v[vector])
            for i in range(rows):
                _scale(u[vector, i], u[vector, i], size)
                _scale(v[vector, i], v[vector, i], size)
