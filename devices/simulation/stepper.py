"""The time stepper of `simulate`, in compiled code: every cell of an ensemble takes steps of its own.

A step is explicit where that is stable, else implicit (dormand_prince.py, rodas.py), and as long as its error allows.
Steps end at the corners of the waveform and where its voltage turns, so that the voltage is monotonic within each and
crosses no threshold unseen; samples are interpolated. At an event (events.py), a state at its bound or a law that jumps
or bends, a step ends just before, a hop goes over it, and the next step begins anew.
"""

from __future__ import annotations

import math

import numpy as np

from devices.common.jit import jit
from devices.simulation.dormand_prince import REACH, explicit_step
from devices.simulation.events import hold, until_event
from devices.simulation.rodas import implicit_step
from devices.simulation.workspace import NEARLY, inside, memory, slope, voltage

__all__ = ["integrate", "integrate_cell"]

#: Status of a cell: done, or why its integration stopped.
DONE, TOO_MANY_STEPS, STEP_TOO_SMALL, NOT_FINITE = 0, 1, 2, 3

_TINY = 4.0 * float(np.finfo(np.float64).eps)  # share of the duration below which times are the same
_TRIES = 20  # to end a step at an event
#: Longest step as a share of the time in which the voltage goes one way, so that no stretch of it is passed unseen; and
#: while a state is held, as nothing moves by which an error would show.
_LONGEST, _LONGEST_HELD = 1.0 / 8.0, 1.0 / 16.0
#: A law that switches back and forth leaves less than this share of a step; after so many of them one goes over it.
_LITTLE, _PATIENCE = 1e-6, 4


@jit(inline=True)
def _beginning(x, lower, upper, tolerance, tiny, work):
    """Return the length of a step that starts without a past, from the first two derivatives of the states.

    It is at least `tiny`, also where they are not finite, so that the step finds this.
    """
    width = 2 + x.size
    n = lower.size
    little = tolerance**0.2
    length = math.inf
    for r in range(n):
        if work.pinned[r]:
            continue
        row = (1 + r) * width
        bend = work.first[row + 1] * work.rise[0]
        for c in range(n):
            if not work.pinned[c]:
                bend += work.first[row + 2 + c] * work.first[(1 + c) * width]
        room = little * (upper[r] - lower[r])
        length = min(length, room / abs(work.first[row]), math.sqrt(2.0 * room * little / abs(bend)))
    return length if length > tiny else tiny


@jit(inline=True)
def _longest(pinned):
    """Return the longest step as a share of a segment."""
    for held in pinned:
        if held:
            return _LONGEST_HELD
    return _LONGEST


@jit(inline=True)
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


@jit(inline=True)
def _step_to_event(kernel, switch, signs, watched, segment, t, h, x, p, lower, upper, fine, work):
    """Step by `h`, or to just before the first event on the way; return length, error, its order, and the tries."""
    length, tries = h, 0
    while length > 0.0:
        error, order = _step(kernel, segment, t, length, x, p, lower, upper, work)
        tries += 1
        if not math.isfinite(error):
            return length, error, order, tries
        share = until_event(kernel, switch, signs, watched, segment, t, length, x, p, lower, upper, fine, work)
        if share == 1.0 or tries == _TRIES:
            return length, error, order, tries
        length *= share
    return 0.0, 0.0, 5, tries  # the event is at the start


@jit(inline=True)
def _hop(kernel, segment, t, h, x, p, lower, upper, work):
    """Go over an event at `t`, by a length so short that the law before it may count until its end."""
    width = 2 + x.size
    for r in range(lower.size):
        if not work.pinned[r]:
            x[r] = min(max(x[r] + h * work.first[(1 + r) * width], lower[r]), upper[r])
    kernel(voltage(segment, t + h), x, p, work.first)
    work.rise[0] = slope(segment, t + h)


@jit(inline=True)
def _turned(switch, signs, known, segment, t, x, p):
    """Evaluate the switches at the start of a step; return whether any has turned, or come to its zero, since then.

    Where they are `known`, the look for events has evaluated them at the end of the step before.
    """
    turned = False
    if signs.shape[1] > 0:
        if not known:
            switch(voltage(segment, t), x, p, signs[1])
        for k in range(signs.shape[1]):
            turned = turned or (signs[0, k] != 0.0 and signs[0, k] * signs[1, k] <= 0.0)
            signs[0, k] = signs[1, k]
    return turned


@jit(inline=True)
def _record(kernel, segment, sample, times, until, t, h, x, p, lower, upper, current, state, work):
    """Write the samples due by `until`, from within the last step; return the next one, or -1 if it is not finite."""
    while sample < times.size and times[sample] <= until:
        inside(min(1.0, (times[sample] - t) / h), x, work)
        for r in range(lower.size):
            work.local[r] = min(max(work.local[r], lower[r]), upper[r])
            state[sample, r] = work.local[r]
        kernel(voltage(segment, times[sample]), work.local, p, work.first)
        current[sample] = work.first[0]
        if not math.isfinite(current[sample]):
            return -1
        sample += 1
    return sample


@jit(inline=True)
def integrate_cell(
    kernel, switch, signs, segments, duration, times, x, p, lower, upper, tolerance, fixed, max_steps,
    current, state, bound_time, work,
):  # fmt: skip
    """Move one cell through the waveform; return its status, when it stopped, and how many steps it tried.

    `x` holds the states, which end where they stop, and then voltages of further terminals, which stay.
    """
    n = lower.size
    tiny = _TINY * duration
    for c in range(x.size):
        work.local[c] = work.end[c] = x[c]
    for r in range(n):
        for k in range(4):
            work.bend[k, r] = 0.0
    steps, small, t, longer = 0, 0, 0.0, 0.0
    sample = _record(kernel, segments[0], 0, times, 0.0, 0.0, 1.0, x, p, lower, upper, current, state, work)
    for g in range(segments.shape[0]):
        segment = segments[g]
        end = segments[g + 1, 0] if g + 1 < segments.shape[0] else duration
        kernel(voltage(segment, t + NEARLY * (end - t)), x, p, work.first)
        work.rise[0] = slope(segment, t)
        _turned(switch, signs, False, segment, t, x, p)
        hold(t, x, lower, upper, bound_time, work)
        longer = max(longer, _beginning(x, lower, upper, tolerance, tiny, work))
        while t < end - tiny:
            if sample < 0:
                return NOT_FINITE, t, steps
            if steps >= max_steps:
                return TOO_MANY_STEPS, t, steps
            whole = fixed if fixed > 0.0 else min(longer, _longest(work.pinned) * (end - segment[0]))
            ends = t + whole >= end - tiny
            if ends:
                whole = end - t
            fine, watched = max(0.1 * tolerance, tiny / whole), small < _PATIENCE
            h, error, order, tries = _step_to_event(
                kernel, switch, signs, watched, segment, t, whole, x, p, lower, upper, fine, work
            )
            steps += max(tries, 1)
            factor = 0.1
            if math.isfinite(error):
                factor = 5.0
                if error > 1e-4 * tolerance:
                    factor = min(5.0, max(0.1, 0.8 * (tolerance / error) ** (1.0 / order)))
            if not (error <= tolerance or (fixed > 0.0 and math.isfinite(error))):
                longer = factor * h
                if fixed > 0.0 or not longer >= 1e-3 * tiny:
                    return (STEP_TOO_SMALL if math.isfinite(error) else NOT_FINITE), t, steps
                continue
            early = h < whole
            hop = min(fine * whole, end - t - h) if early else 0.0
            later = end if ends and not early else t + h + hop
            if h > 0.0:
                sample = _record(
                    kernel, segment, sample, times, later + 0.5 * tiny, t, h, x, p, lower, upper, current, state, work
                )
                for r in range(n):
                    x[r] = min(max(work.end[r], lower[r]), upper[r])
                for k in range(work.first.size):
                    work.first[k] = work.last[k]
                work.rise[0] = work.rise[1]
            if early:
                _hop(kernel, segment, t + h, hop, x, p, lower, upper, work)
            t = later
            turned = _turned(switch, signs, watched and not early, segment, t, x, p)
            if turned and not early:  # at a zero, to the digit: what follows has the law beyond
                kernel(voltage(segment, t + NEARLY * (end - t)), x, p, work.first)
            small = small + 1 if h < _LITTLE * whole else (small if turned else 0)
            if hold(t, x, lower, upper, bound_time, work) or turned:
                longer = _beginning(x, lower, upper, tolerance, tiny, work)
            elif h > 0.0:
                longer = max(longer, factor * h) if ends and not early else factor * h
    return (NOT_FINITE if sample < 0 else DONE), t, steps


@jit
def integrate(
    kernel, switch, switches, segments, duration, times, start, p, lower, upper, tolerance, fixed, max_steps,
    current, state, bound_time, status, stopped, steps,
):  # fmt: skip
    """Integrate each cell (a row of `start`) over the waveform; see `devices.simulation.transient.simulate`."""
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
