"""The compiled linear solver: conjugate gradients, preconditioned by exact solves of whole bit lines.

The bit-line matrices ``B = L D L^T`` (``L`` collects, ``1/D = z``, see `crossbar.circuit.line_solves`) precondition the
equations from which the word lines ``A`` have been eliminated, ``(B - G A^-1 G) v = G A^-1 source``. Conjugate
gradients run on ``L^-1 (...) L^-T``, where vectors are collected currents: the search direction ``s`` gives
``p = B^-1 s`` by a sweep, its product is ``s - L^-1 G A^-1 G p``, and only four arrays of the crossbar's size are kept.
One iteration is one `_sweep_up` (from the last row to the first, word lines solved four rows at a time while they are
in cache) and one `_sweep_down`. Where there is a coarse crossbar, `iterate_coarse` takes their place.
"""

from __future__ import annotations

import numpy as np

from crossbar.circuit.coarse_iteration import iterate_coarse
from crossbar.circuit.line_solves import bit_z, four_word_lines, word_z, z_at
from crossbar.circuit.residuals import raise_scale, raise_scale_by_solution, worst_ratio
from crossbar.circuit.row_operations import (
    add_product,
    add_scaled,
    add_to_scaled,
    collect,
    fill,
    largest,
    multiply,
    set_scaled,
    substitute,
    subtract_difference,
    total,
)
from devices.common.jit import jit

__all__ = ["solve_vectors"]


@jit(contract=True)
def _sweep_up(G, cw, zw, cb, zb, source, feed, bu, y, beta, s, t, p, b, energy):
    """``s = y + beta s``, ``p = B^-1 s``, ``t = G A^-1 (G p + bu + source)``; return ``p . (s - t)``.

    `source` and `feed` are the potentials at the fed ends, `bu` the currents into word-line nodes, or empty.
    """
    rows = G.shape[0]
    set_scaled(p, feed, 1.0)
    fill(energy, 0.0)
    work = 0.0
    for i in range(rows - 4, -1, -4):
        for a in range(3, -1, -1):
            k = i + a
            add_to_scaled(s[k], y[k], beta)
            substitute(p, cb[k], bit_z(zb, k), s[k])
            add_product(energy, cb[k], bit_z(zb, k), s[k], s[k])
            multiply(b[a], G[k], p)
            if bu.size:
                add_scaled(b[a], bu[k], 1.0)
        work += four_word_lines(
            cw[i], cw[i + 1], cw[i + 2], cw[i + 3],
            word_z(zw, i), word_z(zw, i + 1), word_z(zw, i + 2), word_z(zw, i + 3), b[0], b[1], b[2], b[3],
            G[i], G[i + 1], G[i + 2], G[i + 3], t[i], t[i + 1], t[i + 2], t[i + 3],
            source[i], source[i + 1], source[i + 2], source[i + 3],
        )  # fmt: skip
    return total(energy) - work


@jit(contract=True)
def _sweep_down(cb, zb, t, s, alpha, x, along, y, q, energy):
    """``q = L^-1 t``, ``x += along s``, ``y -= alpha (s - q)``; return ``y . y/D``, by bit line in `energy`."""
    rows = cb.shape[0]
    fill(q, 0.0)
    fill(energy, 0.0)
    for i in range(rows):
        collect(q, cb[max(i - 1, 0)], t[i])
        if along != 0.0:
            add_scaled(x[i], s[i], along)
        subtract_difference(y[i], s[i], q, alpha)
        add_product(energy, cb[i], bit_z(zb, i), y[i], y[i])
    return total(energy)


@jit(contract=True)
def _potentials(G, cw, zw, cb, zb, source, feed, bu, x, u, v):
    """Write the bit-line potentials ``v = L^-T x/D`` and the word-line potentials that follow from them."""
    rows, columns = G.shape
    p = np.empty(columns)
    b = np.empty((4, columns))
    one = np.ones(columns)
    set_scaled(p, feed, 1.0)
    for i in range(rows - 4, -1, -4):
        for a in range(3, -1, -1):
            k = i + a
            substitute(p, cb[k], bit_z(zb, k), x[k])
            set_scaled(v[k], p, 1.0)
            multiply(b[a], G[k], p)
            if bu.size:
                add_scaled(b[a], bu[k], 1.0)
        four_word_lines(
            cw[i], cw[i + 1], cw[i + 2], cw[i + 3],
            word_z(zw, i), word_z(zw, i + 1), word_z(zw, i + 2), word_z(zw, i + 3), b[0], b[1], b[2], b[3],
            one, one, one, one, u[i], u[i + 1], u[i + 2], u[i + 3],
            source[i], source[i + 1], source[i + 2], source[i + 3],
        )  # fmt: skip


@jit(contract=True)
def solve_vectors(
    G, cw, zw, cb, zb, coarse, sources, feeds, injected_u, injected_v, rtol, limit, current, report, u, v
):  # fmt: skip
    """Solve the crossbar for each row of `sources` and `feeds`, the potentials at the fed ends.

    `coarse` has the coarse crossbar; there is none where its first array is empty.
    `injected_u` and `injected_v`, currents into the nodes, and `u` and `v`, the potentials, have length 0 where there
    are none or they are not wanted. `current` gets what each bit line delivers to a fed end at 0 V.
    `report` gets, for each vector: iterations, relative residual, largest error of such a current [A], and the residual
    relative to each line's own currents however small.
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
    no_source = np.zeros(rows)
    no_feed = np.zeros(columns)
    nothing = np.empty((0, columns))
    source, feed = np.empty(rows), np.empty(columns)
    scale, own, q = np.empty(columns), np.empty(columns), np.empty(columns)
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
        size = max(largest(sources[vector]), largest(feeds[vector]))
        if size < 1e-300:
            size = 1.0
        set_scaled(source, sources[vector], 1.0 / size)
        set_scaled(feed, feeds[vector], 1.0 / size)
        if loaded:
            for i in range(rows):
                set_scaled(bu[i], injected_u[vector, i], 1.0 / size)
                set_scaled(bv[i], injected_v[vector, i], 1.0 / size)
        for i in range(rows):
            fill(x[i], 0.0)
        fill(scale, 0.0)
        iterations = 0
        before = np.inf
        while True:
            for i in range(rows):
                fill(y[i], 0.0)
            _sweep_up(G, cw, zw, cb, zb, source, feed, bu, x, 0.0, s, t, p, b, energy)
            if loaded:
                for i in range(rows):
                    add_scaled(t[i], bv[i], 1.0)
            rho = _sweep_down(cb, zb, t, s, 1.0, x, 0.0, y, p, energy)  # now p collects G u, and y = p - x
            raise_scale(scale, own, t, cb, zb, q)
            residual = worst_ratio(energy, scale)
            if residual <= rtol or not residual <= 0.5 * before or iterations >= limit:
                break
            before = residual
            if accelerated:
                iterations += iterate_coarse(
                    G, cw, zw, cb, zb, coarse, no_source, x, y, s, t, p, b, energy, scale, rtol, limit - iterations,
                    grids,
                )  # fmt: skip
                continue
            beta = 0.0
            while rho > 0.0 and iterations < limit:
                curvature = _sweep_up(G, cw, zw, cb, zb, no_source, no_feed, nothing, y, beta, s, t, p, b, energy)
                if not curvature > 0.0:
                    break
                alpha = rho / curvature
                new = _sweep_down(cb, zb, t, s, alpha, x, alpha, y, p, energy)
                iterations += 1
                beta = new / rho
                rho = new
                if iterations % 8 == 0:
                    raise_scale_by_solution(scale, x, cb, zb)
                if worst_ratio(energy, scale) <= 0.5 * rtol:
                    break
        report[vector, 0], report[vector, 1], report[vector, 3] = iterations, residual, worst_ratio(energy, own)
        if not report[vector, 3] >= residual:
            report[vector, 3] = residual
        worst = 0.0
        for j in range(columns):
            current[vector, j] = size * cb[rows - 1, j] * p[j]
            # An ideal bit line stays at its potential and takes what its cells deliver.
            if z_at(bit_z(zb, rows - 1), cb[rows - 1], j) > 0.0:
                worst = max(worst, abs(cb[rows - 1, j] * y[rows - 1, j]))
        report[vector, 2] = size * worst
        if len(u):
            for i in range(rows):
                add_scaled(x[i], y[i], 1.0)
            _potentials(G, cw, zw, cb, zb, source, feed, bu, x, u[vector], v[vector])
            for i in range(rows):
                set_scaled(u[vector, i], u[vector, i], size)
                set_scaled(v[vector, i], v[vector, i], size)
