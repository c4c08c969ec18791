"""The signature of kernels, and their evaluation for many cells."""

from __future__ import annotations

from numba import types

from devices.common.jit import jit

__all__ = ["KERNEL_SIGNATURE", "evaluate_many"]

_VECTOR = types.Array(types.float64, 1, "C")
#: evaluate(v, x, p, out)
KERNEL_SIGNATURE = types.void(types.float64, _VECTOR, _VECTOR, _VECTOR)


@jit
def evaluate_many(kernel, v, x, p, out):
    """Fill ``out (cells, entries)`` for ``v (cells,)``; `x` and `p` have one row for each cell, or one for all."""
    x_many = x.shape[0] > 1
    p_many = p.shape[0] > 1
    for k in range(v.shape[0]):
        kernel(v[k], x[k if x_many else 0], p[k if p_many else 0], out[k])
