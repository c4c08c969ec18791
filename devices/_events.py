"""Where a step must end early: a state at its bound, a held state let go, a law that jumps or bends; compiled code."""

from __future__ import annotations

from numba import njit

from devices._work import OPTIONS, inside, voltage

__all__ = ["first_event"]


@njit(**OPTIONS)
def _past(kernel, switch, signs, v, p, lower, upper, slack, states, work):
    """Whether an event lies between the start of the step and these states at voltage `v`.

    A state is farther outside its bounds than `slack`, as a share of its span; a held one is drawn inward; or a
    switch has another sign than in the first row of `signs`, the start of the step.
    """
    held = False
    for r in range(lower.size):
        room = slack * (upper[r] - lower[r])
        if work.pinned[r]:
            held = True
        elif states[r] < lower[r] - room or states[r] > upper[r] + room:
            return True
    if signs.shape[1] > 0:
        switch(v, states, p, signs[1])
        for k in range(signs.shape[1]):
            if signs[0, k] * signs[1, k] < 0.0:
                return True
    if held:
        kernel(v, states, p, work.rates)
        for r in range(lower.size):
            inward = work.rates[r] if states[r] <= lower[r] else -work.rates[r]
            if work.pinned[r] and inward > 0.0:
                return True
    return False


@njit(**OPTIONS)
def first_event(kernel, switch, signs, segment, t, h, x, p, lower, upper, tolerance, work):
    """Return the share of the last step at which it should end, just past its first event, or 0 if it has none.

    The share is 1 where the step does end there: with no state more than about a tenth of the tolerance outside its
    bounds, and switches that have turned within the last tenth of the tolerance of the step. Else it is found by
    bisection of what the step interpolates.
    """
    end = voltage(segment, t + h)
    if not _past(kernel, switch, signs, end, p, lower, upper, 0.0, work.end, work):
        return 0.0
    fine = 0.1 * tolerance
    before, after = 0.0, 1.0
    share = 1.0 - fine
    slack = fine
    while after - before > 0.5 * fine:
        inside(share, x, work)
        v = voltage(segment, t + share * h)
        if _past(kernel, switch, signs, v, p, lower, upper, slack, work.local, work):
            after = share
        elif share == 1.0 - fine:
            return 1.0
        else:
            before = share
        share = 0.5 * (before + after)
        slack = 0.5 * fine
    return after
