"""The compiled measure of a residual: that of each bit line, relative to the currents which flow in it."""

from __future__ import annotations

import numpy as np

from crossbar.circuit.line_solves import bit_z
from crossbar.circuit.row_operations import add_product, collect_magnitudes, fill, largest
from devices.common.jit import jit

__all__ = ["raise_scale", "raise_scale_by_solution", "worst_ratio"]

_WEAK_LINE = 1e-12  # squared: a bit line whose currents are below a millionth of the largest counts as that millionth


@jit(contract=True)
def raise_scale(scale, t, cb, zb, q):
    """Raise `scale`, by bit line, to ``|y| . |y|/D`` of the currents `t` as if all flowed the same way."""
    rows = t.shape[0]
    energy = np.zeros(q.size)
    fill(q, 0.0)
    for i in range(rows):
        collect_magnitudes(q, cb[max(i - 1, 0)], t[i])
        add_product(energy, cb[i], bit_z(zb, i), q, q)
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
