"""A linearly implicit step, for stiff laws: RODAS, in compiled code.

Six stages, order 4 with an embedded order 3, L-stable and stiffly accurate, and an interpolation of order 3 within the
step (E. Hairer and G. Wanner, Solving Ordinary Differential Equations II, 2nd ed., Springer 1996, section IV.7 and its
code). A step solves linear systems with the exact Jacobian at its start and needs no Newton iteration; its later stages
use rates only.
"""

from __future__ import annotations

import math

import numpy as np

from devices.common.jit import jit
from devices.simulation.workspace import EDGE_OFFSET, finish_step, slope, voltage

__all__ = ["ALPHA", "DENSE", "GAMMA", "STAGES", "A", "C", "D", "factor", "implicit_step", "solve"]

STAGES = 6
GAMMA = 0.25
ALPHA = np.array([0.0, 0.386, 0.21, 0.63, 1.0, 1.0])
D = np.array([0.25, -0.1043, 0.1035, -0.3620000000000023e-01, 0.0, 0.0])
A = np.zeros((STAGES, STAGES))
A[1, :1] = 1.544
A[2, :2] = 0.9466785280815826, 0.2557011698983284
A[3, :3] = 3.314825187068521, 2.896124015972201, 0.9986419139977817
A[4, :4] = 1.221224509226641, 6.019134481288629, 12.53708333932087, -0.6878860361058950
A[5, :5] = A[4, :5]
A[5, 4] = 1.0
C = np.zeros((STAGES, STAGES))
C[1, :1] = -5.6688
C[2, :2] = -2.430093356833875, -0.2063599157091915
C[3, :3] = -0.1073529058151375, -9.594562251023355, -20.47028614809616
C[4, :4] = 7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160
C[5, :5] = 8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054
#: Coefficients of the interpolation (dense output).
DENSE = np.array(
    [
        [10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662],
        [-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872],
    ]
)


@jit(inline=True)
def factor(matrix, pivots):
    """Factorise in place by LU with partial pivoting; the diagonal has reciprocals."""
    n = matrix.shape[0]
    for k in range(n):
        best = k
        for r in range(k + 1, n):
            if abs(matrix[r, k]) > abs(matrix[best, k]):
                best = r
        pivots[k] = best
        if best != k:
            for c in range(n):
                matrix[k, c], matrix[best, c] = matrix[best, c], matrix[k, c]
        matrix[k, k] = 1.0 / matrix[k, k]
        for r in range(k + 1, n):
            matrix[r, k] *= matrix[k, k]
            for c in range(k + 1, n):
                matrix[r, c] -= matrix[r, k] * matrix[k, c]


@jit(inline=True)
def solve(matrix, pivots, b):
    """Solve in place with the factors of `factor`."""
    n = matrix.shape[0]
    for k in range(n - 1):
        b[k], b[pivots[k]] = b[pivots[k]], b[k]
        for r in range(k + 1, n):
            b[r] -= matrix[r, k] * b[k]
    for k in range(n - 1, -1, -1):
        for c in range(k + 1, n):
            b[k] -= matrix[k, c] * b[c]
        b[k] *= matrix[k, k]


@jit(inline=True)
def implicit_step(kernel, segment, t, h, x, p, lower, upper, work):
    """Step from `x` at `t`, where ``work.start_law`` and ``work.slopes[0]`` were evaluated.

    Fills ``work.end_states``, ``work.end_law``, ``work.slopes[1]`` and ``work.curve``.
    Returns the largest embedded error over the states, each as a share of its span; not finite where a state is not.
    """
    n = lower.size
    width = 2 + x.size
    stages, matrix = work.stages, work.matrix
    over_h = 1.0 / h
    work.slopes[1] = slope(segment, t + h)
    for r in range(n):
        for c in range(n):
            matrix[r, c] = 0.0 if work.pinned[r] else -work.start_law[(1 + r) * width + 2 + c]
        matrix[r, r] += over_h / GAMMA
    factor(matrix, work.pivots)
    for s in range(STAGES):
        for r in range(n):
            moved, past = x[r], 0.0
            for k in range(s):
                moved += A[s, k] * stages[k, r]
                past += C[s, k] * stages[k, r]
            work.local[r] = min(max(moved, lower[r]), upper[r])
            stages[s, r] = past * over_h
        if s > 0:
            kernel(voltage(segment, t + ALPHA[s] * h), work.local, p, work.rates)
        for r in range(n):
            if not work.pinned[r]:
                row = (1 + r) * width
                rate = work.rates[r] if s > 0 else work.start_law[row]
                stages[s, r] += rate + h * D[s] * work.slopes[0] * work.start_law[row + 1]
        solve(matrix, work.pivots, stages[s])
    error = 0.0
    for r in range(n):
        moved, bend, twist = x[r] + stages[5, r], 0.0, 0.0
        for k in range(5):
            moved += A[5, k] * stages[k, r]
            bend += DENSE[0, k] * stages[k, r]
            twist += DENSE[1, k] * stages[k, r]
        work.end_states[r] = moved
        work.curve[0, r], work.curve[1, r], work.curve[2, r], work.curve[3, r] = bend, twist, 0.0, 0.0
        share = abs(stages[5, r]) / (upper[r] - lower[r])
        error = share if share > error or not math.isfinite(moved) else error
    finish_step(kernel, voltage(segment, t + (1.0 - EDGE_OFFSET) * h), p, lower, upper, work)
    return error
