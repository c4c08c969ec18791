"""Motion along the surface at which a law jumps, for laws that push a state towards it from both sides; compiled code.

Where a threshold stops what carries the state across it, the state follows the threshold: it moves with the surface
``s(v(t), x) = 0``, between the two laws on its sides (A. F. Filippov, Differential Equations with Discontinuous
Righthand Sides, Kluwer 1988). Crossing back and forth would need as many steps as the threshold is sharp.
"""

from __future__ import annotations

import math

from devices.common.jit import jit
from devices.simulation.workspace import finish_step, slope, voltage

__all__ = ["attracting_surface", "law_jumps", "slide"]

#: Halvings that find where a slide ends, and where the surface lies.
_HALVINGS, _ROOT_STEPS = 40, 100
#: Step of differences, as a share of the span of the state and of the segment; least distance from the surface, as a
#: share of the span, at which a law is taken to be that of its side.
_DIFFERENCE, _NEAREST = 1e-5, 1e-9
#: Least difference of the laws on both sides, as a share of the larger, for a surface to attract.
_JUMP = 0.1
#: Largest change of a law without a jump, as a multiple of what its derivative explains.
_SMOOTH = 3.0


@jit(inline=True)
def _switch_at(switch, k, signs, v, state, p, work):
    """Return switch `k` for the first state at this value."""
    work.local[0] = state
    switch(v, work.local, p, signs[1])
    return signs[1, k]


@jit(inline=True)
def _rate_at(kernel, v, state, p, work):
    """Return the rate of the first state at this value."""
    work.local[0] = state
    kernel(v, work.local, p, work.rates)
    return work.rates[0]


@jit(inline=True)
def _speed(switch, k, signs, segment, t, end, state, p, span, work):
    """Return the speed of the surface of switch `k`, by central differences."""
    step, ahead = _DIFFERENCE * span, _DIFFERENCE * (end - segment[0])
    v = voltage(segment, t)
    across = _switch_at(switch, k, signs, v, state + step, p, work)
    across -= _switch_at(switch, k, signs, v, state - step, p, work)
    change = _switch_at(switch, k, signs, voltage(segment, t + ahead), state, p, work)
    change -= _switch_at(switch, k, signs, voltage(segment, t - ahead), state, p, work)
    return -(change / ahead) / (across / step) if across != 0.0 else math.inf


@jit(inline=True)
def _attracts(kernel, switch, k, signs, segment, t, end, state, p, lower, upper, tolerance, work):
    """Return whether both laws move the state towards the surface of switch `k` at time `t`, and its speed."""
    span = upper[0] - lower[0]
    speed = _speed(switch, k, signs, segment, t, end, state, p, span, work)
    v, reach = voltage(segment, t), max(tolerance, _NEAREST) * span
    below = _rate_at(kernel, v, max(state - reach, lower[0]), p, work)
    above = _rate_at(kernel, v, min(state + reach, upper[0]), p, work)
    return below > speed > above, speed


@jit(inline=True)
def _on_surface(switch, k, signs, segment, t, guess, reach, p, lower, upper, work):
    """Return the state on the surface of switch `k` near `guess`, or one that is not finite if there is none."""
    if not math.isfinite(guess):
        return math.nan
    v = voltage(segment, t)
    low = high = min(max(guess, lower[0]), upper[0])
    at_low = at_high = 0.0
    while True:
        low, high = max(low - reach, lower[0]), min(high + reach, upper[0])
        at_low = _switch_at(switch, k, signs, v, low, p, work)
        at_high = _switch_at(switch, k, signs, v, high, p, work)
        if at_low * at_high <= 0.0:
            break
        if low <= lower[0] and high >= upper[0]:
            return math.nan
        reach *= 4.0
    for _ in range(_ROOT_STEPS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        value = _switch_at(switch, k, signs, v, middle, p, work)
        if value * at_low > 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@jit(inline=True)
def law_jumps(before, after):
    """Return whether two rates, just before and after an event, differ by more than any bend of a law can make them."""
    return abs(after - before) > _JUMP * max(abs(before), abs(after))


@jit(inline=True)
def attracting_surface(kernel, switch, signs, segment, t, end, x, before, p, lower, upper, tolerance, work):
    """Return the switch whose surface attracts the only state, which moved from `before` to `x`, and its place.

    The switch is -1 where there is none. Most of the time the law has no jump there, which costs two evaluations: what
    it changes is no more than what its derivative at `x`, in ``work.start_law``, explains.
    """
    span = upper[0] - lower[0]
    reach, v = max(tolerance, _NEAREST) * span, voltage(segment, t)
    low, high = max(min(x[0], before) - reach, lower[0]), min(max(x[0], before) + reach, upper[0])
    below, above = _rate_at(kernel, v, low, p, work), _rate_at(kernel, v, high, p, work)
    smooth = _SMOOTH * abs(work.start_law[4 + x.size]) * (high - low)
    if below - above > smooth and law_jumps(below, above):
        for k in range(signs.shape[1]):
            found = _on_surface(switch, k, signs, segment, t, 0.5 * (x[0] + before), reach, p, lower, upper, work)
            if abs(found - x[0]) <= 2.0 * abs(x[0] - before) + 4.0 * reach:
                attracts, _ = _attracts(
                    kernel, switch, k, signs, segment, t, end, found, p, lower, upper, tolerance, work
                )
                if attracts:
                    return k, found
    return -1, 0.0


@jit(inline=True)
def slide(kernel, switch, k, signs, segment, t, h, end, x, p, lower, upper, tolerance, work):
    """Step by at most `h` along the surface of switch `k`; return the length, the error, and whether the slide goes on.

    Fills ``work.end_states``, ``work.end_law``, ``work.slopes[1]`` and ``work.curve``. The error is that of the cubic
    between both ends in the middle of the step, as a share of the state's span. A length of zero: the slide has ended.
    """
    span = upper[0] - lower[0]
    reach = max(tolerance, _NEAREST) * span
    start = _speed(switch, k, signs, segment, t, end, x[0], p, span, work)
    if not math.isfinite(start):
        return 0.0, 0.0, False
    length, ends, after = h, False, 0.0
    stop, speed = x[0], start
    for halving in range(_HALVINGS):
        stop = _on_surface(switch, k, signs, segment, t + length, x[0] + start * length, reach, p, lower, upper, work)
        goes_on = False
        if math.isfinite(stop):
            goes_on, speed = _attracts(
                kernel, switch, k, signs, segment, t + length, end, stop, p, lower, upper, tolerance, work
            )
        if goes_on:
            if not ends or halving == _HALVINGS - 1:
                break
            after = length  # the slide lasts at least so long
        else:
            ends = True
            h = length
        if h - after <= 0.1 * tolerance * h:
            length = after
            break
        length = 0.5 * (after + h)
    if length <= 0.0:
        return 0.0, 0.0, False
    if ends:
        stop = _on_surface(switch, k, signs, segment, t + length, x[0] + start * length, reach, p, lower, upper, work)
        speed = _speed(switch, k, signs, segment, t + length, end, stop, p, span, work)
    if not (math.isfinite(stop) and math.isfinite(speed)):
        return 0.0, 0.0, False
    moved = stop - x[0]
    bend = length * start - moved
    twist = moved - length * speed - bend
    work.curve[0, 0], work.curve[1, 0], work.curve[2, 0], work.curve[3, 0] = bend, twist, 0.0, 0.0
    half = 0.5 * length
    middle = _on_surface(switch, k, signs, segment, t + half, x[0] + 0.5 * moved, reach, p, lower, upper, work)
    error = abs(x[0] + 0.5 * (moved + 0.5 * (bend + 0.5 * twist)) - middle) / span
    work.end_states[0] = stop
    work.slopes[1] = slope(segment, t + length)
    finish_step(kernel, voltage(segment, t + length), p, lower, upper, work)
    return length, error, not ends
