"""Events at which a step must end: a state meets or leaves a bound, a state law jumps or bends; compiled code.

Events are numbered: switches first, then states. Each has an event function along the step, positive once it has
happened.
"""

from __future__ import annotations

from devices.common.jit import jit
from devices.simulation.workspace import interpolate, voltage

__all__ = ["hold_at_bounds", "share_before_event"]


@jit(inline=True)
def hold_at_bounds(t, x, lower, upper, bound_time, work):
    """Hold the states whose law points outward at a bound, and record when they first came to rest there.

    Where a law is zero at the bound, the slope of the voltage tells where it is about to point. Returns whether any
    state is newly held or released.
    """
    width = 2 + x.size
    changed = False
    for r in range(lower.size):
        row = (1 + r) * width
        at_lower, at_upper = x[r] <= lower[r], x[r] >= upper[r]
        held = False
        if at_lower or at_upper:
            direction = work.start_law[row] if work.start_law[row] != 0.0 else work.start_law[row + 1] * work.slopes[0]
            held = direction <= 0.0 if at_lower else direction >= 0.0
            side = 0 if at_lower else 1
            if held and bound_time[r, side] != bound_time[r, side]:
                bound_time[r, side] = t
        changed = changed or held != work.pinned[r]
        work.pinned[r] = held
    return changed


@jit(inline=True)
def _event_function(event, kernel, switch, signs, v, states, p, lower, upper, work):
    """Return an event function for these states at voltage `v`: negative before the event, positive after."""
    switches = signs.shape[1]
    if event < switches:
        switch(v, states, p, signs[1])
        return signs[1, event] if signs[0, event] < 0.0 else -signs[1, event]
    r = event - switches
    if work.pinned[r]:
        kernel(v, states, p, work.rates)
        return work.rates[r] if states[r] <= lower[r] else -work.rates[r]
    return max(lower[r] - states[r], states[r] - upper[r])


@jit(inline=True)
def _first_event(kernel, switch, signs, watched, segment, start, h, x, p, lower, upper, event_tol, work):
    """Return the first event that has happened, its event function, and a share of the step at which it has.

    That is the end, or where a state turns back that was beyond its bound within the step. The event is -1 if none has.
    A state that is beyond its bound by less than the share `event_tol` of its span is at the bound. Where none has,
    and switches are watched, their values at the end are in the second row of `signs`. The voltage is evaluated only
    where it is needed.
    """
    t = start + h
    switches = signs.shape[1]
    if watched and switches > 0:
        switch(voltage(segment, t), work.end_states, p, signs[1])
        for k in range(switches):
            if signs[0, k] * signs[1, k] < 0.0:
                return k, abs(signs[1, k]), 1.0
    for r in range(lower.size):
        if work.pinned[r] or not lower[r] <= work.end_states[r] <= upper[r]:
            past = _event_function(
                switches + r, kernel, switch, signs, voltage(segment, t), work.end_states, p, lower, upper, work
            )
            if past > (0.0 if work.pinned[r] else event_tol * (upper[r] - lower[r])):
                return switches + r, past, 1.0
        else:
            row = (1 + r) * (2 + x.size)
            first, last = work.start_law[row], work.end_law[row]
            if first * last < 0.0:
                share = first / (first - last)
                interpolate(share, x, work)
                past = max(lower[r] - work.local[r], work.local[r] - upper[r])
                if past > event_tol * (upper[r] - lower[r]):
                    return switches + r, past, share
    return -1, 0.0, 1.0


@jit(inline=True)
def share_before_event(kernel, switch, signs, watched, segment, t, h, x, p, lower, upper, event_tol, work):
    """Return the first event of the last step and the share that ends within `event_tol` before it; 1 if it has none.

    Found by regula falsi on the interpolation within the step. Switches count where they are `watched`; their values at
    the start of the step are in the first row of `signs`.
    """
    event, right, after = _first_event(
        kernel, switch, signs, watched, segment, t, h, x, p, lower, upper, event_tol, work
    )
    if event < 0:
        return event, 1.0
    switches = signs.shape[1]
    if event < switches:
        left = -abs(signs[0, event])
    else:
        left = min(_event_function(event, kernel, switch, signs, voltage(segment, t), x, p, lower, upper, work), 0.0)
    before, side = 0.0, 0
    for iteration in range(200):
        if after - before <= event_tol:
            break
        share = 0.5 * (before + after)
        if iteration % 4 < 3 and right - left > 0.0:
            share = before - (after - before) * left / (right - left)
            # A little to the far side of the root, so that it is soon enclosed.
            share += 0.25 * event_tol if share - before < after - share else -0.25 * event_tol
        interpolate(share, x, work)
        past = _event_function(
            event, kernel, switch, signs, voltage(segment, t + share * h), work.local, p, lower, upper, work
        )
        if past > 0.0:
            after, right = share, past
            left = 0.5 * left if side == 1 else left
            side = 1
        else:
            before, left = share, past
            right = 0.5 * right if side == -1 else right
            side = -1
    return event, before
