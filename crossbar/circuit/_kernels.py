"""The compiled loops of the linear read: line factors, line solves and conjugate gradients.

Everything that one kernel calls is in this file, so that numba's cache on disk sees every change.

One line is a ladder: cell ``k`` meets conductance ``G[k]``, and resistance ``r`` leads on to the next cell
toward the fed end (``R`` at the last step). Looking away from that end, the conductance seen at cell ``k`` is
``h[k] = G[k] + c[k-1] h[k-1]`` with ``c[k] = 1 / (1 + r h[k])``, a sum of positive terms. The line solve is

    y[k] = b[k] + c[k-1] y[k-1]         current collected toward the fed end [A]
    x[k] = c[k] (r y[k] + x[k+1])       potentials back from it [V]

which holds for ``r = 0`` too: then ``c = 1`` and the line is one node. No case is special.

The bit-line matrices ``B = L D L^T`` (``L`` collects, ``1/D = r c``) precondition the equations from which the
word lines ``A`` have been eliminated, ``(B - G A^-1 G) v = G A^-1 source``. Conjugate gradients run on
``L^-1 (...) L^-T``, where vectors are collected currents: the search direction ``s`` gives ``p = B^-1 s`` by a sweep,
the product is ``s - L^-1 G A^-1 G p``, and only four arrays of the crossbar's size are kept. One iteration is one
`_descend` (sweep up the rows, word lines solved four rows at a time while they are in cache) and one `_ascend`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
_FAINT = 1e-12  # squared: a bit line fainter than a millionth of the brightest is held to that millionth


@njit(**_options)
def factor_bit_lines(G, r, R):
    """Return ``c`` of every bit line, fed below its last row."""
    rows, columns = G.shape
    c = np.empty_like(G)
    h = np.zeros(columns)
    for i in range(rows):
        step = R if i == rows - 1 else r
        for j in range(columns):
            seen = G[i, j] + h[j]
            c[i, j] = 1.0 / (1.0 + step * seen)
            h[j] = seen * c[i, j]
    return c


@njit(**_options)
def factor_word_lines(G, r, R):
    """Return ``c`` of every word line, fed before its first column; `rows` is a multiple of four."""
    rows, columns = G.shape
    c = np.empty_like(G)
    h = np.empty(4)
    for top in range(0, rows, 4):
        _fill(h, 0.0)
        for k in range(columns - 1, -1, -1):
            step = R if k == 0 else r
            for a in range(4):
                seen = G[top + a, k] + h[a]
                c[top + a, k] = 1.0 / (1.0 + step * seen)
                h[a] = seen * c[top + a, k]
    return c


# Row operations: few arrays in each loop, so that the compiler can prove it may vectorise them. Plain loops compile
# several times faster than array expressions.


@njit(**_options)
def _fill(a, value):
    for j in range(a.size):
        a[j] = value


@njit(**_options)
def _total(a):
    total = 0.0
    for j in range(a.size):
        total += a[j]
    return total


@njit(**_options)
def _largest(a):
    largest = 0.0
    for j in range(a.size):
        largest = max(largest, abs(a[j]))
    return largest


@njit(**_options)
def _scale(target, source, factor):
    for j in range(target.size):
        target[j] = factor * source[j]


@njit(**_options)
def _direct(s, y, beta):
    for j in range(s.size):
        s[j] = y[j] + beta * s[j]


@njit(**_options)
def _potential(p, c, s, r):
    for j in range(p.size):
        p[j] = c[j] * (r * s[j] + p[j])


@njit(**_options)
def _multiply(b, g, p):
    for j in range(b.size):
        b[j] = g[j] * p[j]


@njit(**_options)
def _add_energy(energy, c, s, r):
    for j in range(energy.size):
        energy[j] += r * c[j] * s[j] * s[j]


@njit(**_options)
def _collect(q, c, t):
    for j in range(q.size):
        q[j] = t[j] + c[j] * q[j]


@njit(**_options)
def _collect_size(q, c, t):
    for j in range(q.size):
        q[j] = abs(t[j]) + c[j] * q[j]


@njit(**_options)
def _advance(x, s, alpha):
    for j in range(x.size):
        x[j] += alpha * s[j]


@njit(**_options)
def _reduce(y, s, q, alpha):
    for j in range(y.size):
        y[j] -= alpha * (s[j] - q[j])


@njit(**_options)
def _word_lines(c0, c1, c2, c3, b0, b1, b2, b3, g0, g1, g2, g3, t0, t1, t2, t3, r, R, e0, e1, e2, e3):
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
    step = R
    for k in range(n):
        e0 = c0[k] * (step * t0[k] + e0)
        e1 = c1[k] * (step * t1[k] + e1)
        e2 = c2[k] * (step * t2[k] + e2)
        e3 = c3[k] * (step * t3[k] + e3)
        t0[k] = g0[k] * e0
        t1[k] = g1[k] * e1
        t2[k] = g2[k] * e2
        t3[k] = g3[k] * e3
        work0 += b0[k] * e0
        work1 += b1[k] * e1
        work2 += b2[k] * e2
        work3 += b3[k] * e3
        step = r
    return work0 + work1 + work2 + work3


@njit(**_options)
def _descend(G, word, bit, r, source, y, beta, s, t, p, b, energy):
    """``s = y + beta s``, ``p = B^-1 s``, ``t = G A^-1 (G p + source)``; return ``p . (s - t)``."""
    rows = G.shape[0]
    r_word, R_word, r_bit, R_bit = r
    _fill(p, 0.0)
    _fill(energy, 0.0)
    work = 0.0
    for i in range(rows - 4, -1, -4):
        for a in range(3, -1, -1):
            k = i + a
            step = R_bit if k == rows - 1 else r_bit
            _direct(s[k], y[k], beta)
            _potential(p, bit[k], s[k], step)
            _add_energy(energy, bit[k], s[k], step)
            _multiply(b[a], G[k], p)
        work += _word_lines(
            word[i], word[i + 1], word[i + 2], word[i + 3], b[0], b[1], b[2], b[3],
            G[i], G[i + 1], G[i + 2], G[i + 3], t[i], t[i + 1], t[i + 2], t[i + 3],
            r_word, R_word, source[i], source[i + 1], source[i + 2], source[i + 3],
        )  # fmt: skip
    return _total(energy) - work


@njit(**_options)
def _ascend(bit, r, t, s, alpha, x, along, y, q, energy):
    """``q = L^-1 t``, ``x += along s``, ``y -= alpha (s - q)``; return ``y . y/D``, by bit line in `energy`."""
    rows = bit.shape[0]
    _fill(q, 0.0)
    _fill(energy, 0.0)
    for i in range(rows):
        _collect(q, bit[max(i - 1, 0)], t[i])
        if along != 0.0:
            _advance(x[i], s[i], along)
        _reduce(y[i], s[i], q, alpha)
        _add_energy(energy, bit[i], y[i], r[3] if i == rows - 1 else r[2])
    return _total(energy)


@njit(**_options)
def _brighten(scale, t, bit, r, q):
    """Raise `scale`, by bit line, to ``|y| . |y|/D`` of the currents `t` as if all flowed the same way."""
    rows = t.shape[0]
    energy = np.zeros(q.size)
    _fill(q, 0.0)
    for i in range(rows):
        _collect_size(q, bit[max(i - 1, 0)], t[i])
        _add_energy(energy, bit[i], q, r[3] if i == rows - 1 else r[2])
    _raise_to(scale, energy)


@njit(**_options)
def _brighten_by_solution(scale, x, bit, r):
    """Raise `scale` to the currents reached so far: far from the drivers they start from next to nothing."""
    rows, columns = x.shape
    energy = np.zeros(columns)
    for i in range(rows):
        _add_energy(energy, bit[i], x[i], r[3] if i == rows - 1 else r[2])
    _raise_to(scale, energy)


@njit(**_options)
def _raise_to(scale, energy):
    faintest = _FAINT * _largest(energy)
    for j in range(scale.size):
        scale[j] = max(scale[j], energy[j], faintest)


@njit(**_options)
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


@njit(**_options)
def _potentials(G, word, bit, r, source, x, u, v):
    """Write the bit-line potentials ``v = L^-T x/D`` and the word-line potentials that follow from them."""
    rows, columns = G.shape
    p = np.zeros(columns)
    b = np.empty((4, columns))
    one = np.ones(columns)
    for i in range(rows - 4, -1, -4):
        for a in range(3, -1, -1):
            k = i + a
            _potential(p, bit[k], x[k], r[3] if k == rows - 1 else r[2])
            _scale(v[k], p, 1.0)
            _multiply(b[a], G[k], p)
        _word_lines(
            word[i], word[i + 1], word[i + 2], word[i + 3], b[0], b[1], b[2], b[3],
            one, one, one, one, u[i], u[i + 1], u[i + 2], u[i + 3],
            r[0], r[1], source[i], source[i + 1], source[i + 2], source[i + 3],
        )  # fmt: skip


@njit(**_options)
def read_vectors(G, word, bit, r, voltage, rtol, limit, current, report, u, v):
    """Solve the crossbar for each row of `voltage`; `u` and `v` have length 0 where they are not wanted.

    `report` gets, for each vector: iterations, relative residual and largest error of a sense current [A].
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
    source = np.empty(rows)
    scale = np.empty(columns)
    q = np.empty(columns)
    for vector in range(voltage.shape[0]):
        size = _largest(voltage[vector])
        if size < 1e-300:
            size = 1.0
        _scale(source, voltage[vector], 1.0 / size)
        for i in range(rows):
            _fill(x[i], 0.0)
        _fill(scale, 0.0)
        iterations = 0
        before = np.inf
        while True:
            for i in range(rows):
                _fill(y[i], 0.0)
            _descend(G, word, bit, r, source, x, 0.0, s, t, p, b, energy)
            rho = _ascend(bit, r, t, s, 1.0, x, 0.0, y, p, energy)  # now p collects G u, and y = p - x
            _brighten(scale, t, bit, r, q)
            residual = _relative(energy, scale)
            if residual <= rtol or not residual <= 0.5 * before or iterations >= limit:
                break
            before = residual
            beta = 0.0
            while rho > 0.0 and iterations < limit:
                curvature = _descend(G, word, bit, r, silent, y, beta, s, t, p, b, energy)
                if not curvature > 0.0:
                    break
                alpha = rho / curvature
                new = _ascend(bit, r, t, s, alpha, x, alpha, y, p, energy)
                iterations += 1
                beta = new / rho
                rho = new
                if iterations % 8 == 0:
                    _brighten_by_solution(scale, x, bit, r)
                if _relative(energy, scale) <= 0.5 * rtol:
                    break
        report[vector, 0] = iterations
        report[vector, 1] = residual
        worst = 0.0
        for j in range(columns):
            current[vector, j] = size * bit[rows - 1, j] * p[j]
            if r[3] > 0.0:  # an ideal bit line stays at 0 V and takes whatever its cells deliver
                worst = max(worst, abs(bit[rows - 1, j] * y[rows - 1, j]))
        report[vector, 2] = size * worst
        if len(u):
            for i in range(rows):
                _advance(x[i], y[i], 1.0)
            _potentials(G, word, bit, r, source, x, u[vector], v[vector])
            for i in range(rows):
                _scale(u[vector, i], u[vector, i], size)
                _scale(v[vector, i], v[vector, i], size)


@njit(**_options)
def add_bit_line(H, g, c, r, R, weight):
    """Add to `H` the conductance that one bit line puts between the word lines, and write its `weight` into it.

    `H[l, i]` for ``i < l`` is the conductance between word lines. With word lines at potentials ``u`` the bit line
    delivers ``weight @ u`` to its sense amplifier.
    """
    rows = g.size
    z = np.empty(rows)
    share = np.empty(rows)
    fed = 0.0
    passed = 1.0
    for k in range(rows - 1, -1, -1):
        fed = c[k] * ((R if k == rows - 1 else r) + c[k] * fed)
        z[k] = fed
        passed *= c[k]
        weight[k] = g[k] * passed
    for k in range(rows):
        row = H[k]
        gain = z[k] * g[k]
        for i in range(k):
            row[i] += share[i] * gain
        for i in range(k):
            share[i] *= c[k]
        share[k] = g[k] * c[k]


@njit(**_options)
def series_matrix(H, leak, r, M):
    """Write ``I + r H`` into the lower triangle of `M`; `leak` is the conductance of each word line to ground."""
    rows = leak.size
    total = leak.copy()
    for k in range(rows):
        row = H[k]
        add = 0.0
        for i in range(k):
            add += row[i]
        total[k] += add
        for i in range(k):
            total[i] += row[i]
    for k in range(rows):
        row = H[k]
        into = M[k]
        for i in range(k):
            into[i] = -r * row[i]
        into[k] = 1.0 + r * total[k]


@njit(**_options)
def conductance_between(inverse, r, H):
    """Write into `H` what a segment in series leaves: ``(I - (I + r H)^-1) / r`` off its diagonal."""
    rows = H.shape[0]
    scale = 1.0 / r
    for k in range(rows):
        row = H[k]
        taken = inverse[k]
        for i in range(k):
            row[i] = scale * taken[i]
