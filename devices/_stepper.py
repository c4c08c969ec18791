"""The time stepper of `simulate`, in compiled code: every cell of an ensemble takes steps of its own.

Steps are those of `devices._rodas`, each as long as its error allows. They end at the corners of the waveform and where
its voltage turns, so that the voltage is monotonic within each; samples are interpolated. A state that reaches a hard
bound is located to the tolerance, held, and let go when its law points inward again. Where a law jumps or bends, at a
threshold, a step ends just beyond the crossing, and the next one begins anew.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numba import njit, types

from devices._dormand_prince import REACH, explicit_step
from devices._events import first_event
from devices._rodas import implicit_step
from devices._work import OPTIONS, inside, memory, slope, voltage

__all__ = ["KERNEL_SIGNATURE", "evaluate_many", "integrate", "integrate_cell"]

_VECTOR = types.Array(types.float64, 1, "C")
#: evaluate(v, x, p, out)
KERNEL_SIGNATURE = types.void(types.float64, _VECTOR, _VECTOR, _VECTOR)

#: Status of a cell: done, or why its integration stopped.
DONE, TOO_MANY_STEPS, STEP_TOO_SMALL, NOT_FINITE = 0, 1, 2, 3

_TINY = 4.0 * float(np.finfo(np.float64).eps)  # share of the duration below which times are the same
_LITTLE = 1e-6  # share of a step; a law that switches back and forth leaves less, again and again
_TRIES = 20  # to end a step at an event


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate_many(kernel, v, x, p, out):
    """Fill ``out (cells, entries)`` for ``v (cells,)``; `x` and `p` have one row for each cell, or one for all."""
    x_many = x.shape[0] > 1
    p_many = p.shape[0] > 1
    for k in range(v.shape[0]):
        kernel(v[k], x[k if x_many else 0], p[k if p_many else 0], out[k])


@njit(**OPTIONS)
def _hold(t, x, lower, upper, bound_time, work):
    """Mark the states that their law presses against a bound, and since when they rest there."""
    width = 2 + x.size
    for r in range(lower.size):
        rate = work.first[(1 + r) * width]
        at_lower = x[r] <= lower[r]
        work.pinned[r] = (at_lower and rate <= 0.0) or (x[r] >= upper[r] and rate >= 0.0)
        side = 0 if at_lower else 1
        if work.pinned[r] and math.isnan(bound_time[r, side]):
            bound_time[r, side] = t


@njit(**OPTIONS)
def _beginning(segment, t, x, lower, upper, tolerance, work):
    """Return the length of a step that starts without a past, from the first two derivatives of the states."""
    width = 2 + x.size
    n = lower.size
    rise = slope(segment, t)
    little = tolerance**0.2
    length = math.inf
    for r in range(n):
        if work.pinned[r]:
            continue
        row = (1 + r) * width
        bend = work.first[row + 1] * rise
        for c in range(n):
            if not work.pinned[c]:
                bend += work.first[row + 2 + c] * work.first[(1 + c) * width]
        room = little * (upper[r] - lower[r])
        length = min(length, room / abs(work.first[row]), math.sqrt(2.0 * room * little / abs(bend)))
    return length


@njit(**OPTIONS)
def _step(kernel, segment, t, h, x, p, lower, upper, work):
    """Step explicitly where that is stable, else implicitly; return the error and its power of the step's length."""
    n = lower.size
    fastest = 0.0
    for r in range(n):
        total = 0.0
        for c in range(n):
            total += abs(work.first[(1 + r) * (2 + x.size) + 2 + c]) * (upper[c] - lower[c])
        if not work.pinned[r]:
            fastest = max(fastest, total / (upper[r] - lower[r]))
    if h * fastest <= REACH:
        return explicit_step(kernel, segment, t, h, x, p, lower, upper, work), 5
    return implicit_step(kernel, segment, t, h, x, p, lower, upper, work), 4


@njit(**OPTIONS)
def _step_to_event(kernel, switch, signs, segment, t, h, x, p, lower, upper, tolerance, patient, work):
    """Step by `h`, or up to the first event before; return length, error, its order, whether an event ends it, and the tries.

    An impatient step goes over events that leave next to nothing of it: a law that switches back and forth would stop
    all progress.
    """
    length, tries = h, 0
    while True:
        error, order = _step(kernel, segment, t, length, x, p, lower, upper, work)
        tries += 1
        if not math.isfinite(error):
            return length, error, order, False, tries
        share = first_event(kernel, switch, signs, segment, t, length, x, p, lower, upper, tolerance, work)
        if share == 0.0 or share == 1.0:
            return length, error, order, share == 1.0, tries
        if tries >= _TRIES or (share * length < _LITTLE * h and not patient):
            error, order = _step(kernel, segment, t, h, x, p, lower, upper, work)
            return h, error, order, False, tries + 1
        length *= share


@njit(**OPTIONS)
def integrate_cell(
    kernel, switch, signs, segments, duration, times, x, p, lower, upper, tolerance, fixed, max_steps,
    current, state, bound_time, work,
):  # fmt: skip
    """Move one cell through the waveform; return its status, when it stopped, and how many steps it tried.

    `x` holds the states, which end where they stop, and then voltages of further terminals, which stay.
    """
    n = lower.size
    out = work.first
    for c in range(n, x.size):
        work.local[c] = x[c]
    tiny = _TINY * duration
    t, longer = 0.0, 0.0
    steps, sample, small = 0, 0, 0
    if times[0] <= 0.5 * tiny:
        kernel(voltage(segments[0], 0.0), x, p, out)
        if not math.isfinite(out[0]):
            return NOT_FINITE, t, steps
        current[0] = out[0]
        for r in range(n):
            state[0, r] = x[r]
        sample = 1
    for g in range(segments.shape[0]):
        segment = segments[g]
        end = segments[g + 1, 0] if g + 1 < segments.shape[0] else duration
        longest = 0.5 * (end - segment[0])
        corner, event, moved = True, False, True
        while t < end - tiny:
            if moved:
                v = voltage(segment, t)
                if corner:
                    kernel(v, x, p, out)
                if signs.shape[1] > 0:
                    switch(v, x, p, signs[0])
                _hold(t, x, lower, upper, bound_time, work)
                if corner or event:
                    fresh = _beginning(segment, t, x, lower, upper, tolerance, work)
                    longer = fresh if event else max(longer, fresh)
            whole = fixed if fixed > 0.0 else min(longer, longest)
            if t + whole >= end - tiny:
                whole = end - t
            if steps >= max_steps:
                return TOO_MANY_STEPS, t, steps
            h, error, order, event, tries = _step_to_event(
                kernel, switch, signs, segment, t, whole, x, p, lower, upper, tolerance, small < 4, work
            )
            steps += tries
            moved = error <= tolerance or (fixed > 0.0 and math.isfinite(error))
            factor = 0.1
            if math.isfinite(error):
                factor = min(5.0, max(0.1, 0.9 * (tolerance / max(error, 1e-9 * tolerance)) ** (1.0 / order)))
            if not moved:
                longer = h * factor
                if fixed > 0.0 or longer < 1e-3 * tiny:
                    return (STEP_TOO_SMALL if math.isfinite(error) else NOT_FINITE), t, steps
                continue
            corner = False
            small = small + 1 if h < _LITTLE * whole else 0
            cut = h < whole or t + h >= end - tiny
            longer = max(longer, h * factor) if cut else h * factor
            later = end if h == whole and cut else t + h
            while sample < times.size and times[sample] <= later + 0.5 * tiny:
                inside(min(1.0, (times[sample] - t) / h), x, work)
                for r in range(n):
                    work.local[r] = min(max(work.local[r], lower[r]), upper[r])
                    state[sample, r] = work.local[r]
                kernel(voltage(segment, times[sample]), work.local, p, out)
                if not math.isfinite(out[0]):
                    return NOT_FINITE, t, steps
                current[sample] = out[0]
                sample += 1
            for r in range(n):
                x[r] = min(max(work.end[r], lower[r]), upper[r])
            for k in range(out.size):
                out[k] = work.last[k]
            t = later
    return DONE, t, steps


@njit(cache=True, nogil=True, error_model="numpy")
def integrate(
    kernel, switch, switches, segments, duration, times, start, p, lower, upper, tolerance, fixed, max_steps,
    current, state, bound_time, status, stopped, steps,
):  # fmt: skip
    """Integrate each cell (a row of `start`) over the waveform; see `devices.transient.simulate`."""
    p_many = p.shape[0] > 1
    work = memory(start.shape[1], 0)
    signs = np.zeros((2, switches))
    x = np.empty(start.shape[1])
    for k in range(start.shape[0]):
        x[:] = start[k]
        status[k], stopped[k], steps[k] = integrate_cell(
            kernel, switch, signs, segments, duration, times, x, p[k if p_many else 0], lower[k], upper[k],
            tolerance, fixed, max_steps, current[k], state[k], bound_time[k], work,
        )  # fmt: skip
