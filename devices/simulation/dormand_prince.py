"""An explicit step: the Runge-Kutta method of order 5 of Dormand and Prince, in compiled code.

Embedded order 4 (E. Hairer, S. P. Norsett and G. Wanner, Solving Ordinary Differential Equations I, 2nd ed., Springer
1993, section II.5). Its later stages use rates only; the last one is the first of the next step. The Jacobian at both
ends gives second derivatives, and with them a polynomial of degree 5 within the step.
"""

from __future__ import annotations

import math

import numpy as np

from devices.common.jit import jit
from devices.simulation.workspace import EDGE_OFFSET, finish_step, inward, released_at_end, slope, voltage

__all__ = ["ERROR_SAFETY", "STABILITY_LIMIT", "explicit_step"]

#: Largest product of step length and relaxation rate of a state for which the method is stable.
STABILITY_LIMIT = 3.0

#: Factor on the embedded error, which may show as little as a hundredth of the change at a steep front inside a step.
ERROR_SAFETY = 10.0
_TIMES = np.array([0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0 - EDGE_OFFSET])
_A = np.zeros((7, 6))
_A[1, :1] = 1 / 5
_A[2, :2] = 3 / 40, 9 / 40
_A[3, :3] = 44 / 45, -56 / 15, 32 / 9
_A[4, :4] = 19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729
_A[5, :5] = 9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656
_A[6] = 35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84
_ERROR = np.array([71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
#: Difference of two values in the middle of the step, one of order 4 (L. F. Shampine, Math. Comput. 46, 135 (1986)) and
#: that of the interpolation, which is the more accurate: of the stages, and of the second derivatives at both ends. It
#: counts as an error by a tenth.
_SHAMPINE = np.array([
    6025192743 / 60171106304, 0.0, 51252292925 / 130801643196, -2691868925 / 90256659456,
    187940372067 / 3189068634112, -1776094331 / 39487288512, 11237099 / 470086768,
])  # fmt: skip
_MIDDLE = 0.1 * (_SHAMPINE - 0.5 * np.append(_A[6], 0.0) - 5 / 32 * np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0]))
_BENDS = -0.1 / 64


@jit(inline=True)
def explicit_step(kernel, segment, t, h, x, p, lower, upper, work):
    """Step from `x` at `t`, where ``work.start_law`` and ``work.slopes[0]`` were evaluated.

    Fills ``work.end_states``, ``work.end_law``, ``work.slopes[1]``, ``work.curve`` and ``work.doubt``.
    Returns the largest embedded error over the states, each as a share of its span, times a safety factor. It is not
    finite where a state is not, and 1 where a held state was let go and held again in between.
    """
    n = lower.size
    released = False
    width = 2 + x.size
    stages = work.stages
    for r in range(n):
        stages[0, r] = 0.0 if work.pinned[r] else work.start_law[(1 + r) * width]
    v = 0.0
    for s in range(1, 6):
        for r in range(n):
            moved = 0.0
            for k in range(s):
                moved += _A[s, k] * stages[k, r]
            work.local[r] = min(max(x[r] + h * moved, lower[r]), upper[r])
        v = voltage(segment, t + _TIMES[s] * h)
        kernel(v, work.local, p, work.rates)
        for r in range(n):
            stages[s, r] = 0.0 if work.pinned[r] else work.rates[r]
            released = released or (work.pinned[r] and inward(work.rates[r], x[r], lower[r]))
    for r in range(n):
        moved = 0.0
        for k in range(6):
            moved += _A[6, k] * stages[k, r]
        work.end_states[r] = x[r] + h * moved
    finish_step(kernel, v, p, lower, upper, work)
    error = 1.0 if released and not released_at_end(x, lower, work) else 0.0
    work.slopes[1] = slope(segment, t + h)
    work.doubt[0] = 0.0
    for r in range(n):
        stages[6, r] = 0.0 if work.pinned[r] else work.end_law[(1 + r) * width]
    for r in range(n):
        row = (1 + r) * width
        moved = work.end_states[r] - x[r]
        start, end = work.start_law[row + 1] * work.slopes[0], work.end_law[row + 1] * work.slopes[1]
        for c in range(n):
            start += work.start_law[row + 2 + c] * stages[0, c]
            end += work.end_law[row + 2 + c] * stages[6, c]
        if work.pinned[r]:
            start, end = 0.0, 0.0
        missed, middle = 0.0, h * _BENDS * (start + end)
        for k in range(7):
            missed += _ERROR[k] * stages[k, r]
            middle += _MIDDLE[k] * stages[k, r]
        share = h / (upper[r] - lower[r])
        work.doubt[0] = max(work.doubt[0], share * abs(middle))
        share *= ERROR_SAFETY * abs(missed)
        error = share if share > error or not math.isfinite(share) else error
        bend = h * stages[0, r] - moved
        twist = moved - h * stages[6, r] - bend
        work.curve[0, r], work.curve[1, r] = bend, twist
        work.curve[2, r] = 0.5 * h * h * start + bend - twist
        work.curve[3, r] = 0.5 * h * h * end + bend + 2.0 * twist - work.curve[2, r]
    return error
