"""The time stepper of `simulate`, in compiled code: every cell of an ensemble takes steps of its own.

A step is explicit where that is stable, else implicit (dormand_prince.py, rodas.py), and as long as its error allows.
Steps end at the corners of the waveform and where its voltage turns, so that the voltage is monotonic within each and
no threshold is missed; samples are interpolated. At an event (events.py), a state at its bound or a law that jumps or
bends, a step ends just before it, a very short Euler step crosses it, and the next step starts without history.
"""

from __future__ import annotations

import math

import numpy as np

from devices.common.jit import jit
from devices.simulation.dormand_prince import ERROR_SAFETY, STABILITY_LIMIT, explicit_step
from devices.simulation.drift import LARGEST_DRIFT, restart_drift, tighter, track_drift
from devices.simulation.events import hold_at_bounds, share_before_event
from devices.simulation.rodas import implicit_step
from devices.simulation.sliding import attracting_surface, law_jumps, slide
from devices.simulation.workspace import EDGE_OFFSET, interpolate, new_workspace, slope, voltage

__all__ = ["integrate", "integrate_cell"]

#: Status of a cell: done, or the reason why its integration stopped.
DONE, TOO_MANY_STEPS, STEP_TOO_SMALL, NOT_FINITE, NOT_MET = 0, 1, 2, 3, 4

#: Times that differ by less than this share of the duration count as equal.
_TIME_RESOLUTION = 4.0 * float(np.finfo(np.float64).eps)
#: Most trial steps that are shortened to end one step before an event, and with an error that is too large.
_MAX_EVENT_TRIALS, _MAX_ROUGH_TRIALS = 20, 3
#: Longest step as a share of a segment, in which the voltage is monotonic; shorter while a state is held, as a state
#: that does not move has no error to control the step.
_MAX_STEP_SHARE, _MAX_STEP_SHARE_HELD = 1.0 / 8.0, 1.0 / 16.0
#: A law that switches back and forth makes steps end after less than this share of their length; after so many in a
#: row, one step ignores the switches.
_SHORT_STEP_SHARE, _MAX_SHORT_STEPS = 1e-6, 4
#: After so many explicit steps in a row, each about as long as the one before, at more than this product of step and
#: relaxation rate, stiffness limits them: steps are then implicit down to a lower product.
_STIFF_STEPS, _STIFF_PRODUCT, _IMPLICIT_PRODUCT = 8, 0.3, 0.1
#: After so many steps in a row that are shorter than this share of the segment, a surface that attracts the state is
#: looked for; as where a law jumps.
_TINY_STEPS, _TINY_STEP = 16, 1e-3
#: Shortest step as a share of the resolution of time. Shorter steps than the resolution add up: a state may run away
#: within it.
_SHORTEST_STEP = 1e-16
#: Tightest tolerance of a run that is repeated because errors grow.
_TIGHTEST = 1e-14


@jit(inline=True)
def _first_step(x, lower, upper, tolerance, resolution, work):
    """Return the length of a step without history, from the first two derivatives of the states.

    It is at least `resolution`, also where they are not finite, so that the step reports this.
    """
    width = 2 + x.size
    n = lower.size
    share = tolerance**0.2
    length = math.inf
    for r in range(n):
        if work.pinned[r]:
            continue
        row = (1 + r) * width
        second = work.start_law[row + 1] * work.slopes[0]
        for c in range(n):
            if not work.pinned[c]:
                second += work.start_law[row + 2 + c] * work.start_law[(1 + c) * width]
        change = share * (upper[r] - lower[r])
        length = min(length, change / abs(work.start_law[row]), math.sqrt(2.0 * change * share / abs(second)))
    return length if length > resolution else resolution


@jit(inline=True)
def _max_step_share(pinned):
    """Return the longest step as a share of a segment."""
    for held in pinned:
        if held:
            return _MAX_STEP_SHARE_HELD
    return _MAX_STEP_SHARE


@jit(inline=True)
def _step(kernel, segment, t, h, x, p, lower, upper, explicit_limit, work):
    """Step explicitly where that is stable, else implicitly; return the error, the order at which it grows, and more.

    The last is the product of step length and fastest relaxation rate, at most `explicit_limit` of an explicit step.
    """
    n = lower.size
    fastest = 0.0
    for r in range(n):
        total = 0.0
        for c in range(n):
            total += abs(work.start_law[(1 + r) * (2 + x.size) + 2 + c]) * (upper[c] - lower[c])
        if not work.pinned[r]:
            fastest = max(fastest, total / (upper[r] - lower[r]))
    if h * fastest <= explicit_limit:
        return explicit_step(kernel, segment, t, h, x, p, lower, upper, work), 5, h * fastest
    return implicit_step(kernel, segment, t, h, x, p, lower, upper, work), 4, h * fastest


@jit(inline=True)
def _growth(error, order, tolerance):
    """Return the length of the next step, as a multiple of that of a step with this error."""
    if not math.isfinite(error):
        return 0.1
    if error <= 1e-4 * tolerance:
        return 5.0
    return min(5.0, max(0.1, 0.8 * (tolerance / error) ** (1.0 / order)))


@jit(inline=True)
def _step_to_event(
    kernel, switch, signs, watched, segment, t, h, x, p, lower, upper, explicit_limit, most, resolution, event_tol, work
):
    """Step by `h`, or to just before the first event within it; return length, error, order, product, trials.

    A step whose error is above `most` is to be made shorter, and may show events that do not happen. It is shortened to
    one a few times, as what the error comes from may be the event: a law that changes, or a bound, if it is nearer than
    the end of a step shortened for its error. A law that changes at the very start counts only where the step is as
    short as the resolution of time. A search without a result has an error above `most`.
    """
    length, trials = h, 0
    while length > 0.0:
        error, order, product = _step(kernel, segment, t, length, x, p, lower, upper, explicit_limit, work)
        trials += 1
        if not math.isfinite(error):
            return length, error, order, product, trials
        event, share = share_before_event(
            kernel, switch, signs, watched, segment, t, length, x, p, lower, upper, event_tol, work
        )
        if share == 1.0:
            return length, max(error, work.doubt[0]), order, product, trials
        if trials == _MAX_EVENT_TRIALS:
            return length, max(error, 2.0 * most) if most < math.inf else error, order, product, trials
        if error > most:
            at_start = share == 0.0 and event < signs.shape[1] and length <= 2.0 * resolution
            longest = 0.0 if share == 0.0 or trials >= _MAX_ROUGH_TRIALS else 1.0
            if event >= signs.shape[1]:
                longest *= _growth(error, order, most)
            if share >= longest and not at_start:
                return length, error, order, product, trials
        length *= share
    return 0.0, 0.0, 5, 0.0, trials  # the event is at the start


@jit(inline=True)
def _cross_event(kernel, segment, t, h, x, p, lower, upper, work):
    """Cross an event at `t` by one Euler step, so short that the law before the event may be used throughout."""
    width = 2 + x.size
    for r in range(lower.size):
        if not work.pinned[r]:
            x[r] = min(max(x[r] + h * work.start_law[(1 + r) * width], lower[r]), upper[r])
    kernel(voltage(segment, t + h), x, p, work.start_law)
    work.slopes[0] = slope(segment, t + h)


@jit(inline=True)
def _update_switches(switch, signs, evaluated, segment, t, x, p):
    """Evaluate the switches at the start of a step; return whether any has changed its sign since the last, or is 0.

    Where they are `evaluated`, the search for events has done this at the end of the step before.
    """
    changed = False
    if signs.shape[1] > 0:
        if not evaluated:
            switch(voltage(segment, t), x, p, signs[1])
        for k in range(signs.shape[1]):
            changed = changed or (signs[0, k] != 0.0 and signs[0, k] * signs[1, k] <= 0.0)
            signs[0, k] = signs[1, k]
    return changed


@jit(inline=True)
def _write_samples(kernel, segment, sample, times, until, t, h, x, p, lower, upper, current, state, work):
    """Write the samples up to time `until`, from within the last step; return the next one, or -1 if not finite."""
    while sample < times.size and times[sample] <= until:
        interpolate(min(1.0, (times[sample] - t) / h), x, work)
        for r in range(lower.size):
            work.local[r] = min(max(work.local[r], lower[r]), upper[r])
            state[sample, r] = work.local[r]
        kernel(voltage(segment, times[sample]), work.local, p, work.start_law)
        current[sample] = work.start_law[0]
        if not math.isfinite(current[sample]):
            return -1
        sample += 1
    return sample


@jit(inline=True)
def integrate_cell(
    kernel, switch, signs, segments, duration, times, x, p, lower, upper, tolerance, fixed, max_steps, allowed,
    current, state, bound_time, work,
):  # fmt: skip
    """Integrate one cell over the waveform; return its status, the time when it stopped, and how many steps it tried.

    Distances from the exact curve above the share `allowed` are recorded (drift.py). `x` holds the states, which are
    changed in place, and then the voltages of controls, which stay.
    """
    n = lower.size
    resolution = _TIME_RESOLUTION * duration
    for c in range(x.size):
        work.local[c] = work.end_states[c] = x[c]
    for r in range(n):
        for k in range(4):
            work.curve[k, r] = 0.0
    most = math.inf if fixed > 0.0 else tolerance
    restart_drift(work)
    steps, short_steps, stiff_steps, t, carry, next_length = 0, 0, 0, 0.0, 0.0, 0.0
    rejected = False
    sliding, tiny_steps = -1, 0  # the switch along whose surface the state moves
    sample = _write_samples(kernel, segments[0], 0, times, 0.0, 0.0, 1.0, x, p, lower, upper, current, state, work)
    for g in range(segments.shape[0]):
        segment = segments[g]
        end = segments[g + 1, 0] if g + 1 < segments.shape[0] else duration
        kernel(voltage(segment, t + EDGE_OFFSET * (end - t)), x, p, work.start_law)
        work.slopes[0] = slope(segment, t)
        _update_switches(switch, signs, False, segment, t, x, p)
        hold_at_bounds(t, x, lower, upper, bound_time, work)
        next_length = max(next_length, _first_step(x, lower, upper, tolerance, resolution, work))
        while t < end - resolution:
            if sample < 0:
                return NOT_FINITE, t, steps
            if steps >= max_steps:
                return TOO_MANY_STEPS, t, steps
            full = fixed if fixed > 0.0 else min(next_length, _max_step_share(work.pinned) * (end - segment[0]))
            to_end = t + full >= end - resolution
            if to_end:
                full = end - t
            event_tol, watched = 0.1 * tolerance, short_steps < _MAX_SHORT_STEPS
            if full > resolution:
                event_tol = max(event_tol, resolution / full)
            if sliding >= 0:
                h, error, goes_on = slide(
                    kernel, switch, sliding, signs, segment, t, full, end, x, p, lower, upper, tolerance, work
                )
                steps += 1
                if h > 0.0 and error > tolerance:
                    next_length = 0.5 * h
                    continue
                later = end if to_end and h == full else t + h
                if h > 0.0:
                    sample = _write_samples(
                        kernel, segment, sample, times, later + 0.5 * resolution, t, h, x, p, lower, upper, current,
                        state, work,
                    )  # fmt: skip
                    x[0], work.drift[0] = work.end_states[0], error * (upper[0] - lower[0])
                    next_length = 2.0 * h
                t, carry = later, 0.0
                if not goes_on:
                    sliding = -1
                    kernel(voltage(segment, t + EDGE_OFFSET * (end - t)), x, p, work.start_law)
                    work.slopes[0] = slope(segment, t)
                    _update_switches(switch, signs, False, segment, t, x, p)
                    hold_at_bounds(t, x, lower, upper, bound_time, work)
                    next_length = _first_step(x, lower, upper, tolerance, resolution, work)
                continue
            explicit_limit = STABILITY_LIMIT if stiff_steps < _STIFF_STEPS else _IMPLICIT_PRODUCT
            h, error, order, product, trials = _step_to_event(
                kernel, switch, signs, watched, segment, t, full, x, p, lower, upper, explicit_limit, most, resolution,
                event_tol, work,
            )  # fmt: skip
            steps += max(trials, 1)
            factor = _growth(error, order, tolerance)
            if not (error <= tolerance or (fixed > 0.0 and math.isfinite(error))):
                rejected, next_length = True, factor * h
                if fixed > 0.0 or not next_length >= _SHORTEST_STEP * resolution:
                    return (STEP_TOO_SMALL if math.isfinite(error) else NOT_FINITE), t, steps
                continue
            if rejected:  # where a law changes fast, a step that is longer again would be rejected again
                rejected, factor = False, min(factor, 1.0)
            at_event = h < full
            crossing = min(event_tol * full, end - t - h) if at_event else 0.0
            before = x[0] if n == 1 else 0.0
            moved = h + crossing + carry
            later = end if to_end and not at_event else t + moved
            carry = 0.0 if to_end and not at_event else moved - (later - t)
            if order == 4:
                stiff_steps = max(stiff_steps, _STIFF_STEPS)
            else:
                stiff_steps = stiff_steps + 1 if product > _STIFF_PRODUCT and 0.9 < factor < 1.15 else 0
            if h > 0.0:
                made = (1.0 / ERROR_SAFETY) * error if order == 5 else error
                track_drift(t, h, made, order == 5, 0.1 * tolerance, duration, allowed, 2 + x.size, lower, upper, work)
                until = later + 0.5 * resolution
                sample = _write_samples(
                    kernel, segment, sample, times, until, t, h, x, p, lower, upper, current, state, work
                )
                for r in range(n):
                    x[r] = min(max(work.end_states[r], lower[r]), upper[r])
                for k in range(work.start_law.size):
                    work.start_law[k] = work.end_law[k]
                work.slopes[0] = work.slopes[1]
            jumped = False
            if at_event:
                rate = work.start_law[2 + x.size] if n == 1 else 0.0
                _cross_event(kernel, segment, t + h, crossing, x, p, lower, upper, work)
                jumped = n == 1 and law_jumps(rate, work.start_law[2 + x.size])
            t = later
            switched = _update_switches(switch, signs, watched and not at_event, segment, t, x, p)
            if switched and not at_event:  # exactly at the zero of a switch: what follows has the law beyond
                kernel(voltage(segment, t + EDGE_OFFSET * (end - t)), x, p, work.start_law)
            tiny_steps = tiny_steps + 1 if h < _TINY_STEP * (end - segment[0]) else 0
            if jumped or (n == 1 and tiny_steps % _TINY_STEPS == _TINY_STEPS - 1):
                k, found = attracting_surface(
                    kernel, switch, signs, segment, t, end, x, before, p, lower, upper, tolerance, work
                )
                if k >= 0:
                    sliding, x[0], tiny_steps = k, found, 0
            short_steps = short_steps + 1 if h < _SHORT_STEP_SHARE * full else (short_steps if switched else 0)
            if hold_at_bounds(t, x, lower, upper, bound_time, work) or switched:
                next_length = _first_step(x, lower, upper, tolerance, resolution, work)
            elif h > 0.0:
                next_length = max(next_length, factor * h) if to_end and not at_event else factor * h
    return (NOT_FINITE if sample < 0 else DONE), t, steps


@jit
def integrate(
    kernel, switch, switches, segments, duration, times, start, p, lower, upper, tolerance, fixed, max_steps,
    current, state, bound_time, status, stopped, steps, drift, drifted,
):  # fmt: skip
    """Integrate each cell (a row of `start`) over the waveform; see `devices.simulation.transient.simulate`.

    A run whose errors grow to more than `LARGEST_DRIFT` times the tolerance is repeated at a tighter one.
    """
    p_many = p.shape[0] > 1
    work = new_workspace(start.shape[1], 0)
    signs = np.zeros((2, switches))
    x = np.empty(start.shape[1])
    for k in range(start.shape[0]):
        used, steps[k] = tolerance, 0
        while True:
            allowed = math.inf if fixed > 0.0 else LARGEST_DRIFT * tolerance
            x[:] = start[k]
            bound_time[k] = math.nan
            status[k], stopped[k], more = integrate_cell(
                kernel, switch, signs, segments, duration, times, x, p[k if p_many else 0], lower[k], upper[k],
                used, fixed, max_steps - steps[k], allowed if used > _TIGHTEST else -allowed,
                current[k], state[k], bound_time[k], work,
            )  # fmt: skip
            steps[k] += more
            drift[k] = work.worst[0]
            if status[k] != DONE or drift[k] <= allowed:
                break
            if used <= _TIGHTEST:
                status[k], stopped[k], drifted[k] = NOT_MET, work.worst[1], int(work.worst[2])
                for m in range(times.size):
                    if times[m] >= stopped[k]:
                        current[k, m], state[k, m] = math.nan, math.nan
                break
            used = max(_TIGHTEST, tighter(used, tolerance, work))
