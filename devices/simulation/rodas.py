"""A linearly implicit step, for stiff laws: Rodas4P2, in compiled code.

Six stages, order 4 with an embedded order 3, L-stable and stiffly accurate, and an interpolation of order 3 within the
step. Its coefficients keep the order where a fast state follows a slow one or the voltage, at which those of RODAS fall
to order 2 (G. Steinebach, Improvement of Rosenbrock-Wanner method RODASP, in Progress in Differential-Algebraic
Equations II, Springer 2020, doi 10.1007/978-3-030-53905-4_6; RODAS: E. Hairer and G. Wanner, Solving Ordinary
Differential Equations II, 2nd ed., Springer 1996, section IV.7). A step solves linear systems with the exact Jacobian
at its start and needs no Newton iteration; its later stages use rates only.
"""

from __future__ import annotations

import math

import numpy as np

from devices.common.jit import jit
from devices.simulation.workspace import EDGE_OFFSET, finish_step, interpolate, inward, released_at_end, slope, voltage

__all__ = ["ALPHA", "DENSE", "GAMMA", "STAGES", "A", "C", "D", "factor", "implicit_step", "solve"]

STAGES = 6
GAMMA = 0.25
ALPHA = np.array([0.0, 0.75, 0.321448134013046, 0.519745732277726, 1.0, 1.0])
D = np.array([0.25, -0.5, -0.189532918363016, 0.085612108792769, 0.0, 0.0])
A = np.zeros((STAGES, STAGES))
A[1, :1] = 3.0
A[2, :2] = 0.906377755268814, -0.189707390391685
A[3, :3] = 3.758617027739064, 1.161741776019525, -0.849258085312803
A[4, :4] = 7.089566927282776, 4.573591406461604, -8.423496976860259, -0.959280113459775
A[5, :5] = A[4, :5]
A[5, 4] = 1.0
C = np.zeros((STAGES, STAGES))
C[1, :1] = -12.0
C[2, :2] = -6.354581592719008, 0.338972550544623
C[3, :3] = -8.575016317114033, -7.606483992117508, 12.22499765012482
C[4, :4] = -5.888975457523102, -8.157396617841821, 24.805546872612922, 12.790401512796979
C[5, :5] = -4.408651676063871, -6.692003137674639, 24.625568527593117, 16.627521966636085, -5.714285714285718
#: Coefficients of the interpolation (dense output).
DENSE = np.array(
    [
        [-5.323528268423303, -10.042123754867493, 17.175254928256965, -5.079931171878093, -0.016185991706112],
        [6.984505741529879, 6.914061169603662, -0.849178943070653, 18.104410789349338, -3.516963011559032],
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
def _check_middle(kernel, v, h, x, p, lower, upper, work):
    """Write the error of the interpolation in the middle of the step, at voltage `v`, to ``work.doubt``.

    It is what one iteration with the factors of the step would change, for the slope there to be the rate.
    """
    interpolate(0.5, x, work)
    for r in range(lower.size):
        work.local[r] = min(max(work.local[r], lower[r]), upper[r])
    kernel(v, work.local, p, work.rates)
    for r in range(lower.size):
        moved = work.end_states[r] - x[r] + 0.25 * work.curve[1, r]
        work.rates[r] = 0.0 if work.pinned[r] else work.rates[r] - moved / h
    solve(work.matrix, work.pivots, work.rates)
    work.doubt[0] = 0.0
    for r in range(lower.size):
        work.doubt[0] = max(work.doubt[0], abs(work.rates[r]) / (upper[r] - lower[r]))


@jit(inline=True)
def implicit_step(kernel, segment, t, h, x, p, lower, upper, work):
    """Step from `x` at `t`, where ``work.start_law`` and ``work.slopes[0]`` were evaluated.

    Fills ``work.end_states``, ``work.end_law``, ``work.slopes[1]`` and ``work.curve``. A law is continued beyond the
    bounds of the states by its Jacobian, as stages may lie there where the end does not. Returns the largest embedded
    error over the states, each as a share of its span; not finite where a state is not, and at least 1 where a held
    state was let go and held again in between.
    """
    n = lower.size
    width = 2 + x.size
    stages, matrix = work.stages, work.matrix
    over_h = 1.0 / h
    released = False
    work.slopes[1] = slope(segment, t + h)
    for r in range(n):
        for c in range(n):
            held = work.pinned[r] or work.pinned[c]
            matrix[r, c] = 0.0 if held else -work.start_law[(1 + r) * width + 2 + c]
        matrix[r, r] += over_h / GAMMA
    factor(matrix, work.pivots)
    for s in range(STAGES):
        outside = False
        for r in range(n):
            moved, past = x[r], 0.0
            for k in range(s):
                moved += A[s, k] * stages[k, r]
                past += C[s, k] * stages[k, r]
            work.local[r] = min(max(moved, lower[r]), upper[r])
            work.beyond[r] = moved - work.local[r]
            outside = outside or work.beyond[r] != 0.0
            stages[s, r] = past * over_h
        if s > 0:
            kernel(voltage(segment, t + ALPHA[s] * h), work.local, p, work.rates)
        for r in range(n):
            if not work.pinned[r]:
                row = (1 + r) * width
                rate = work.rates[r] if s > 0 else work.start_law[row]
                if outside:
                    for c in range(n):
                        rate += work.start_law[row + 2 + c] * work.beyond[c]
                stages[s, r] += rate + h * D[s] * work.slopes[0] * work.start_law[row + 1]
            elif s > 0:
                released = released or inward(work.rates[r], x[r], lower[r])
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
    _check_middle(kernel, voltage(segment, t + 0.5 * h), h, x, p, lower, upper, work)
    return max(error, 1.0) if released and not released_at_end(x, lower, work) else error
