"""The compiled factors of the coarse crossbar: small blocks, for which threads of a BLAS library are too slow."""

from __future__ import annotations

import numpy as np

from devices.common.jit import jit


@jit(contract=True)
def _invert(matrix):
    """Invert a symmetric positive definite matrix in place, by Gauss-Jordan steps; not finite if it is not one."""
    n = matrix.shape[0]
    for k in range(n):
        pivot = matrix[k, k]
        scale = 1.0 / pivot if pivot > 0.0 else np.nan
        row = matrix[k]
        row[k] = 1.0
        for j in range(n):
            row[j] *= scale
        for i in range(n):
            if i != k:
                target = matrix[i]
                factor = target[k]
                target[k] = 0.0
                for j in range(n):
                    target[j] -= factor * row[j]


@jit(contract=True)
def _invert_line(load, drop, inverse):
    """Write the inverse of one coarse bit line with conductances `load` to ground and `drop` downward."""
    n = load.size
    c, z = np.empty(n), np.empty(n)
    h = 0.0
    for i in range(n):
        seen = load[i] + h
        z[i] = 1.0 / (seen + drop[i])
        c[i] = drop[i] * z[i]
        h = seen * c[i]
    for j in range(n):
        y = 0.0
        for i in range(n):
            y = (1.0 if i == j else 0.0) + (c[i - 1] * y if i else 0.0)
            inverse[i, j] = y
        x = 0.0
        for i in range(n - 1, -1, -1):
            x = z[i] * inverse[i, j] + c[i] * x
            inverse[i, j] = x


@jit(contract=True)
def factor_coarse(cells, word, bit, segment, drop, lines, chain):
    """Write the inverses of the coarse bit lines, and of what is seen at each block column, looking right."""
    rows, columns = cells.shape
    for k in range(columns - 1, -1, -1):
        _invert_line(np.ascontiguousarray(bit[:, k]), np.ascontiguousarray(drop[:, k]), lines[k])
        block = chain[k]
        for i in range(rows):
            for j in range(rows):
                block[i, j] = -cells[i, k] * lines[k, i, j] * cells[j, k]
                if k + 1 < columns:
                    block[i, j] -= segment[i, k + 1] * chain[k + 1, i, j] * segment[j, k + 1]
            block[i, i] += word[i, k] + segment[i, k]
            if k + 1 < columns:
                block[i, i] += segment[i, k + 1]
        _invert(block)
