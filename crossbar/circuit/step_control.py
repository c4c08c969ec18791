"""Compiled control of the steps of a transient: how long the next one is, and whether the last one counts."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from devices.common.jit import jit

__all__ = ["DONE", "FULL", "PAUSED", "RUNNING", "TOO_MANY_STEPS", "TOO_SMALL", "Verdict", "judge", "plan"]

#: States of a run.
RUNNING, DONE, FULL, PAUSED, TOO_MANY_STEPS, TOO_SMALL = 0, 1, 2, 3, 4, 5
#: Times closer than this share of the whole count as equal.
RESOLUTION = 4.0 * float(np.finfo(np.float64).eps)
#: Longest step as a share of an interval between corners.
_MAX_STEP_SHARE = 0.25
#: Shortest step as a share of the resolution. Shorter steps than that add up: a state may run away within it.
_SHORTEST_STEP = 1e-14
#: Most tries that end a step at an event.
_MAX_EVENTS = 30


class Verdict(NamedTuple):
    """The largest error of a step, relative to what it is measured by, its kind and place, and the share at an event.

    Parameters
    ----------
    error : float
        Not finite where the solution is not.
    kind : int
        Of the quantity: 0 a word-line potential, 1 a bit-line potential, 2 a state, 3 the current of a line.
    worst : int
        The number of the cell, of the state among all cells' states, or of the line.
    share : float
        Share of the step at which a state has met its bound or left it, 1 where none has.
    """

    error: float
    kind: int
    worst: int
    share: float


@jit
def plan(circuit, work, progress):
    """Set the length of the next step; return `DONE` at the end, or why there is none."""
    now = progress[0]
    span = circuit.corners[-1]
    tiny = RESOLUTION * span
    if now.length > 0.0:  # the same step again, shorter
        return RUNNING if now.taken + now.rejected < circuit.max_steps else TOO_MANY_STEPS
    while now.interval < circuit.corners.size - 1 and now.t >= circuit.corners[now.interval + 1] - tiny:
        now.interval += 1
        now.entered = 0
    if now.interval >= circuit.corners.size - 1:
        return DONE
    if now.taken + now.rejected >= circuit.max_steps:
        return TOO_MANY_STEPS
    begin, stop = circuit.corners[now.interval], circuit.corners[now.interval + 1]
    length = circuit.fixed
    if circuit.fixed == 0.0:
        if now.entered == 0:
            now.next = max(min(now.next, circuit.restart), 1e3 * tiny)
        now.next = min(now.next, circuit.longest, _MAX_STEP_SHARE * (stop - begin))
        length = now.next
    now.cut = now.t + length >= stop - tiny
    now.length = stop - now.t if now.cut else length
    now.events = 0
    return RUNNING


@jit
def judge(circuit, work, progress, verdict):
    """Take the step or repeat it shorter; return `TOO_SMALL` where it would be too short."""
    now = progress[0]
    span = circuit.corners[-1]
    tiny = RESOLUTION * span
    length = now.length
    now.error, now.kind, now.worst = verdict.error, verdict.kind, verdict.worst
    if circuit.fixed == 0.0:
        finite = math.isfinite(verdict.error)
        # A step that is too rough may show events that do not happen.
        smooth = verdict.error <= circuit.tolerance
        if verdict.share < 1.0 and smooth and now.events < _MAX_EVENTS and length > 1e2 * tiny:
            now.rejected += 1
            now.events += 1
            now.length = max(verdict.share * length, 1e2 * tiny)
            return RUNNING
        if not smooth:
            now.rejected += 1
            shrink = 0.9 * (circuit.tolerance / verdict.error) ** 0.25 if finite else 0.1
            now.next = length * max(0.1, shrink)
            now.length = 0.0
            return TOO_SMALL if now.next < _SHORTEST_STEP * tiny else RUNNING
    now.taken += 1
    now.last_start, now.last_length = now.t, length
    if now.cut and now.events == 0:
        now.t, now.carry = circuit.corners[now.interval + 1], 0.0
    else:
        moved, before = length + now.carry, now.t
        now.t += moved
        now.carry = moved - (now.t - before)
    now.length, now.gauss = 0.0, 0
    if circuit.fixed == 0.0 and now.events == 0:
        grown = 5.0 * length
        if verdict.error > 0.0:
            grown = length * min(5.0, 0.9 * (circuit.tolerance / verdict.error) ** 0.25)
        now.next = max(now.next, grown) if now.cut and grown > length else grown
    _copy(work.now, work.start)
    _copy(work.end, work.now)
    work.law[:] = work.law_end
    for line in range(work.line_now.size):
        work.line_peak[line] = max(work.line_peak[line], abs(work.line_now[line]))
    return RUNNING


@jit
def _copy(one, other):
    other.u[:] = one.u
    other.v[:] = one.v
    other.x[:] = one.x
