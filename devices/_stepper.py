"""The time stepper of `simulate`: an adaptive, linearly implicit Runge-Kutta method in compiled code.

Method: RODAS, six stages, order 4 with an embedded order 3, L-stable and stiffly accurate (E. Hairer and
G. Wanner, Solving Ordinary Differential Equations II, 2nd ed., Springer 1996, section IV.7 and its code). Each step
solves linear systems with the exact Jacobian and needs no Newton iteration. Every cell of an ensemble has
steps of its own. A state that reaches a hard bound is located to the tolerance, held, and let go when its
law points inward again. Where a law jumps or bends, at a threshold, a step ends just beyond the crossing.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import types

__all__ = ["KERNEL_SIGNATURE", "evaluate_many", "integrate"]

_VECTOR = types.Array(types.float64, 1, "C")
#: evaluate(v, x, p, out)
KERNEL_SIGNATURE = types.void(types.float64, _VECTOR, _VECTOR, _VECTOR)

#: Status of a cell: done, or why its integration stopped.
DONE, TOO_MANY_STEPS, STEP_TOO_SMALL, NOT_FINITE = 0, 1, 2, 3

_STAGES = 6
_GAMMA = 0.25
_ALPHA = np.array([0.0, 0.386, 0.21, 0.63, 1.0, 1.0])
_D = np.array([0.25, -0.1043, 0.1035, -0.3620000000000023e-01, 0.0, 0.0])
_A = np.zeros((_STAGES, _STAGES))
_A[1, :1] = 1.544
_A[2, :2] = 0.9466785280815826, 0.2557011698983284
_A[3, :3] = 3.314825187068521, 2.896124015972201, 0.9986419139977817
_A[4, :4] = 1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950
_A[5, :5] = _A[4, :5]
_A[5, 4] = 1.0
_C = np.zeros((_STAGES, _STAGES))
_C[1, :1] = -5.6688
_C[2, :2] = -2.430093356833875, -0.2063599157091915
_C[3, :3] = -0.1073529058151375, -9.594562251023355, -20.47028614809616
_C[4, :4] = 7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160
_C[5, :5] = 8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054


@numba.njit(cache=True, nogil=True, error_model="numpy")
def evaluate_many(kernel, v, x, p, out):
    """Fill ``out (cells, entries)`` for ``v (cells,)``; `x` and `p` have one row for each cell, or one for all."""
    x_many = x.shape[0] > 1
    p_many = p.shape[0] > 1
    for k in range(v.shape[0]):
        kernel(v[k], x[k if x_many else 0], p[k if p_many else 0], out[k])


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _voltage(segment, t):
    angle = segment[4] * (t - segment[0]) + segment[5]
    value = segment[1] + segment[2] * (t - segment[0]) + segment[3] * math.sin(angle)
    slope = segment[2] + segment[3] * segment[4] * math.cos(angle)
    return value, slope


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _factor(matrix, pivots):
    """LU with partial pivoting, in place."""
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
        for r in range(k + 1, n):
            matrix[r, k] /= matrix[k, k]
            for c in range(k + 1, n):
                matrix[r, c] -= matrix[r, k] * matrix[k, c]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _solve(matrix, pivots, b):
    """Solve with the factors of `_factor`, in place."""
    n = matrix.shape[0]
    for k in range(n):
        b[k], b[pivots[k]] = b[pivots[k]], b[k]
        for r in range(k + 1, n):
            b[r] -= matrix[r, k] * b[k]
    for k in range(n - 1, -1, -1):
        for c in range(k + 1, n):
            b[k] -= matrix[k, c] * b[c]
        b[k] /= matrix[k, k]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _step(kernel, segment, t, h, x, p, lower, upper, pinned, work, matrix, pivots, stages, local, out):
    """One step from `x` at `t`; leaves the new state in ``local`` and returns the error and whether all is finite.

    The error is the largest embedded error over the states, each as a fraction of its span.
    """
    n = x.shape[0]
    width = n + 2
    value, slope = _voltage(segment, t)
    kernel(value, x, p, out)
    for r in range(n):
        for c in range(n):
            matrix[r, c] = 0.0 if pinned[r] else -out[(1 + r) * width + 2 + c]
        matrix[r, r] += 1.0 / (h * _GAMMA)
        work[r] = 0.0 if pinned[r] else out[(1 + r) * width + 1] * slope
    _factor(matrix, pivots)
    for s in range(_STAGES):
        if s > 0:
            for r in range(n):
                moved = x[r]
                for k in range(s):
                    moved += _A[s, k] * stages[k, r]
                local[r] = min(max(moved, lower[r]), upper[r])
            value, slope = _voltage(segment, t + _ALPHA[s] * h)
            kernel(value, local, p, out)
        for r in range(n):
            total = 0.0 if pinned[r] else out[(1 + r) * width] + h * _D[s] * work[r]
            for k in range(s):
                total += _C[s, k] / h * stages[k, r]
            stages[s, r] = total
        _solve(matrix, pivots, stages[s])
    error = 0.0
    finite = True
    for r in range(n):
        moved = x[r] + stages[5, r]
        for k in range(5):
            moved += _A[5, k] * stages[k, r]
        local[r] = moved
        finite = finite and math.isfinite(moved)
        error = max(error, abs(stages[5, r]) / (upper[r] - lower[r]))
    return error, finite


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _integrate_cell(
    kernel,
    switch,
    switches,
    segments,
    duration,
    times,
    x,
    p,
    lower,
    upper,
    tolerance,
    fixed,
    max_steps,
    voltage,
    current,
    state,
    bound_time,
):
    n = x.shape[0]
    width = n + 2
    out = np.zeros((1 + n) * width)  # rows of inputs that no law moves stay zero
    work = np.empty(n)
    local = np.empty(n)
    matrix = np.empty((n, n))
    pivots = np.empty(n, np.int64)
    stages = np.empty((_STAGES, n))
    pinned = np.zeros(n, np.bool_)
    signs = np.zeros((2, switches))  # of the switches, at both ends of a step
    steps = 0
    sample = 0
    t = 0.0
    h_next = fixed if fixed > 0.0 else duration * 1e-6
    tiny = 4.0 * np.finfo(np.float64).eps * duration
    for g in range(segments.shape[0]):
        segment = segments[g]
        end = segments[g + 1, 0] if g + 1 < segments.shape[0] else duration
        longest = (end - segment[0]) / 4.0
        if segment[4] > 0.0:
            longest = min(longest, math.pi / (16.0 * segment[4]))
        while True:
            while sample < times.shape[0] and times[sample] <= t + 0.5 * tiny:
                voltage[sample], _ = _voltage(segment, t)
                kernel(voltage[sample], x, p, out)
                if not math.isfinite(out[0]):
                    return NOT_FINITE, t, steps
                current[sample] = out[0]
                state[sample] = x
                sample += 1
            if t >= end - tiny:
                t = end
                break
            if steps >= max_steps:
                return TOO_MANY_STEPS, t, steps
            value, _ = _voltage(segment, t)
            if switches > 0:
                switch(value, x, p, signs[0])
            kernel(value, x, p, out)
            for r in range(n):
                rate = out[(1 + r) * width]
                at_lower = x[r] <= lower[r]
                pinned[r] = (at_lower and rate <= 0.0) or (x[r] >= upper[r] and rate >= 0.0)
                if pinned[r] and math.isnan(bound_time[r, 0 if at_lower else 1]):
                    bound_time[r, 0 if at_lower else 1] = t
            stop = end if sample >= times.shape[0] else min(end, times[sample])
            h = min(h_next, longest) if fixed <= 0.0 else fixed
            cut = t + h >= stop - tiny
            if cut:
                h = stop - t
            error, finite = _step(
                kernel, segment, t, h, x, p, lower, upper, pinned, work, matrix, pivots, stages, local, out
            )
            steps += 1
            if fixed <= 0.0 and not (finite and error <= tolerance):
                h_next = h * (max(0.1, 0.9 * (tolerance / error) ** 0.25) if finite else 0.1)
                if h_next < 1e-3 * tiny:
                    return (STEP_TOO_SMALL if finite else NOT_FINITE), t, steps
                continue
            if not finite:
                return NOT_FINITE, t, steps
            # Where a state crosses its bound, a held state is let go or a law switches, end the step at that event.
            event = _locate(
                kernel,
                switch,
                signs,
                1e-3 if fixed <= 0.0 else 1e-10,
                segment,
                t,
                h,
                x,
                p,
                lower,
                upper,
                pinned,
                work,
                matrix,
                pivots,
                stages,
                local,
                out,
                tolerance,
            )
            if fixed <= 0.0:
                growth = 5.0 if error == 0.0 else min(5.0, max(0.2, 0.9 * (tolerance / error) ** 0.25))
                h_next = max(h_next, h * growth) if cut else h * growth
            t = stop if cut and event == h else t + event
            for r in range(n):
                x[r] = min(max(local[r], lower[r]), upper[r])
    return DONE, t, steps


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _beyond(kernel, segment, t, p, lower, upper, pinned, local, out, tolerance):
    """Whether the state at the end of a step lies past an event: outside a bound, or held but drawn inward."""
    n = local.shape[0]
    width = n + 2
    past = False
    any_pinned = False
    for r in range(n):
        slack = tolerance * (upper[r] - lower[r])
        if not pinned[r] and (local[r] < lower[r] - slack or local[r] > upper[r] + slack):
            past = True
        any_pinned = any_pinned or pinned[r]
    if any_pinned and not past:
        value, _ = _voltage(segment, t)
        kernel(value, local, p, out)
        for r in range(n):
            rate = out[(1 + r) * width]
            if pinned[r] and ((local[r] <= lower[r] and rate > 0.0) or (local[r] >= upper[r] and rate < 0.0)):
                past = True
    return past


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _switched(switch, signs, segment, t, p, local):
    """Whether a switch has changed its sign since the start of the step."""
    if signs.shape[1] == 0:
        return False
    value, _ = _voltage(segment, t)
    switch(value, local, p, signs[1])
    return np.any(signs[0] * signs[1] < 0.0)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _locate(
    kernel, switch, signs, fine, segment, t, h, x, p, lower, upper, pinned, work, matrix, pivots, stages, local, out,
    tolerance,
):  # fmt: skip
    """Return the length of the step up to its first event, by bisection; `local` holds the state there.

    A crossing ends on the outer side of the bound by less than the tolerance, so that the bound holds the
    state from there on; a release ends on the inner side, so that the law moves it. A step over a switch ends beyond
    it by less than the share `fine` of the step; where that leaves next to nothing of the step, a law that switches
    back and forth would stop all progress, and the whole step counts.
    """
    switched = _switched(switch, signs, segment, t + h, p, local)
    beyond = _beyond(kernel, segment, t + h, p, lower, upper, pinned, local, out, 0.0)
    if not switched and not beyond:
        return h
    before, after = 0.0, h
    within = not _beyond(kernel, segment, t + h, p, lower, upper, pinned, local, out, 0.1 * tolerance)
    for _ in range(60):
        middle = 0.5 * (before + after)
        close = within and (not switched or after - before <= fine * h)
        if close or middle <= before or middle >= after:
            break
        _step(kernel, segment, t, middle, x, p, lower, upper, pinned, work, matrix, pivots, stages, local, out)
        crossed = _switched(switch, signs, segment, t + middle, p, local)
        if crossed or _beyond(kernel, segment, t + middle, p, lower, upper, pinned, local, out, 0.0):
            after, switched = middle, crossed
            within = not _beyond(kernel, segment, t + middle, p, lower, upper, pinned, local, out, 0.1 * tolerance)
        else:
            before = middle
    if switched and after < 1e-6 * h:
        after = h
    _step(kernel, segment, t, after, x, p, lower, upper, pinned, work, matrix, pivots, stages, local, out)
    return after


@numba.njit(cache=True, nogil=True, error_model="numpy")
def integrate(
    kernel, switch, switches, segments, duration, times, start, p, lower, upper, tolerance, fixed, max_steps,
    voltage, current, state, bound_time, status, stopped, steps,
):  # fmt: skip
    """Integrate each cell (a row of `start`) over the waveform; see `devices.transient.simulate`."""
    p_many = p.shape[0] > 1
    for k in range(start.shape[0]):
        status[k], stopped[k], steps[k] = _integrate_cell(
            kernel, switch, switches, segments, duration, times, start[k].copy(), p[k if p_many else 0],
            lower[k], upper[k], tolerance, fixed, max_steps, voltage[k], current[k], state[k], bound_time[k],
        )  # fmt: skip
