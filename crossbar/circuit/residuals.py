"""The compiled measure of a residual: that of each bit line, relative to the currents which flow in it."""

from __future__ import annotations

import numpy as np

from crossbar.circuit.line_solves import bit_z
from crossbar.circuit.lines import ROUNDINGS
from crossbar.circuit.row_operations import add_product, collect_magnitudes, fill, largest, total
from devices.common.jit import jit

__all__ = ["error_bounds", "raise_scale", "raise_scale_by_solution", "worst_ratio"]

_USUAL = 10.0  # ratio of potentials to differences up to which rounding is far below any tolerance
_EPS = 2.220446049250313e-16
_NOTHING = 1e-13  # share of the currents ``G |u|`` that rounding may leave where no current flows
_WEAK_LINE = 1e-12  # squared: a bit line whose currents are below a millionth of the largest counts as that millionth


@jit(contract=True)
def raise_scale(scale, own, t, cb, zb, q):
    """Raise `scale`, by bit line, to ``|y| . |y|/D`` of the currents `t` as if all flowed the same way.

    `own` gets that alone, without regard to other lines or to earlier currents.
    """
    rows = t.shape[0]
    energy = np.zeros(q.size)
    fill(q, 0.0)
    for i in range(rows):
        collect_magnitudes(q, cb[max(i - 1, 0)], t[i])
        add_product(energy, cb[i], bit_z(zb, i), q, q)
    for j in range(energy.size):
        own[j] = energy[j]
    _raise_to(scale, energy)


@jit(contract=True)
def raise_scale_by_solution(scale, x, cb, zb):
    """Raise `scale` to the currents reached so far: far from the drivers they start from next to nothing."""
    rows, columns = x.shape
    energy = np.zeros(columns)
    for i in range(rows):
        add_product(energy, cb[i], bit_z(zb, i), x[i], x[i])
    _raise_to(scale, energy)


@jit(contract=True)
def _raise_to(scale, energy):
    """Raise `scale` to `energy`, by bit line."""
    least = _WEAK_LINE * largest(energy)
    for j in range(scale.size):
        scale[j] = max(scale[j], energy[j], least)


@jit(contract=True)
def worst_ratio(energy, scale):
    """Return the relative residual of the worst bit line; not a number if any has overflowed."""
    worst = 0.0
    for j in range(energy.size):
        if energy[j] != 0.0:
            ratio = energy[j] / scale[j]
            if not ratio < np.inf:
                return np.nan
            worst = max(worst, ratio)
    return np.sqrt(worst)


@jit
def error_bounds(G, u, v, size_u, size_v, residual, error, rounding, ampere):
    """Write bounds of the relative error of a line's currents in each vector, its part due to rounding, and in ampere.

    Rounding of the potentials is larger in the currents of a line by the ratio of ``G (|u| + |v|)`` to ``G |u - v|``,
    each summed over its cells, and so is the `residual`. The magnitudes of the numbers whose sums the potentials are
    stand for ``|u|`` and ``|v|``. A line without a current, as far as rounding tells, is compared with the strongest
    line.
    """
    vectors, rows, columns = u.shape
    size, flow = np.empty(rows + columns), np.empty(rows + columns)
    a, b = np.empty(columns), np.empty(columns)
    for k in range(vectors):
        fill(size, 0.0)
        fill(flow, 0.0)
        for i in range(rows):
            for j in range(columns):
                a[j] = G[i, j] * (abs(size_u[k, i, j]) + abs(size_v[k, i, j]))
                b[j] = G[i, j] * abs(u[k, i, j] - v[k, i, j])
            for j in range(columns):
                size[rows + j] += a[j]
                flow[rows + j] += b[j]
            size[i], flow[i] = total(a), total(b)
        strongest = largest(flow)
        worst = ampere[k] = 0.0
        for j in range(rows + columns):
            ampere[k] = max(ampere[k], residual[k] * max(flow[j], size[j] / _USUAL) + _EPS * size[j])
            if size[j] > 0.0:
                scale = flow[j] if flow[j] > _NOTHING * size[j] else strongest
                worst = max(worst, size[j] / scale if scale > _NOTHING * size[j] else 1.0 / _NOTHING)
        rounding[k] = ROUNDINGS * worst if worst > _USUAL else 0.0
        error[k] = residual[k] * max(1.0, worst / _USUAL) + rounding[k]
