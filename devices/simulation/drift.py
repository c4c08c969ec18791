"""Estimate of how far the states have drifted from the exact ones, the errors of all steps together; compiled code.

An error that a step makes grows or shrinks with the law's derivative, ``de/dt = (df/dx) e``; that of a state at rest at
a bound vanishes. What grows is a distance in time as well: where a state runs away, an early error changes the moment
at which it does. So the distance from the exact curve is the smaller of the error, as a share of the state's span, and
of the time in which the state moves by it, as a share of the duration.
"""

from __future__ import annotations

from devices.common.jit import jit

__all__ = ["LARGEST_DRIFT", "restart_drift", "tighter", "track_drift"]

#: Largest distance from the exact curve, as a multiple of the tolerance.
LARGEST_DRIFT = 100.0

#: Unit of rounding; largest eighth of an exponent of growth within a step.
_ROUNDING, _MOST_GROWTH = 1.1e-16, 100.0
#: Factor on the tolerance of a repeated run: the least, the largest, and that after a run whose states are far off; and
#: how far below the allowed distance it aims.
_LEAST_FACTOR, _LARGEST_FACTOR, _FACTOR_WHEN_LOST, _AIM = 1e-4, 0.1, 0.01, 0.3


@jit(inline=True)
def restart_drift(work):
    """Set the estimate to zero."""
    work.worst[0] = 0.0
    for r in range(work.drift.size):
        work.drift[r] = 0.0


@jit(inline=True)
def track_drift(t, h, error, locking, duration, allowed, width, lower, upper, work):
    """Add a step from time `t`, between ``work.start_law`` and ``work.end_law``, with this error of its own.

    Distances up to the share `allowed` are not compared. A state that comes to rest at a bound at which its law
    vanishes can only have done so by an error, of `locking` of its span; at the tightest tolerance, where `allowed` is
    negative, it is locked.
    """
    for r in range(lower.size):
        row = (1 + r) * width
        span = upper[r] - lower[r]
        grown = work.drift[r]
        if work.pinned[r]:
            grown = 0.0 if work.start_law[row] != 0.0 or allowed < 0.0 else max(grown, locking * span)
        exponent = 0.5 * h * (work.start_law[row + 2 + r] + work.end_law[row + 2 + r])
        eighth = min(0.125 * abs(exponent), _MOST_GROWTH)
        growth = 1.0 + eighth + 0.5 * eighth * eighth  # its eighth power is within a hundredth of exp(exponent) up to 2
        growth *= growth
        growth *= growth
        growth *= growth
        grown = grown * growth if exponent > 0.0 else grown / growth
        grown += error * span + _ROUNDING * abs(work.end_states[r])
        work.drift[r] = grown
        if grown > abs(allowed) * span:
            away = grown / max(span, abs(work.end_law[row]) * duration)
            if away > work.worst[0]:
                work.worst[0], work.worst[1], work.worst[2] = away, t + h, r


@jit(inline=True)
def tighter(tolerance, asked, work):
    """Return the tolerance of the next run if the one `asked` for is to be met."""
    if work.worst[0] > 1.0:  # errors have grown so far that the estimate tells no more than this
        return tolerance * _FACTOR_WHEN_LOST
    factor = _AIM * LARGEST_DRIFT * asked / work.worst[0]
    return tolerance * min(max(factor, _LEAST_FACTOR), _LARGEST_FACTOR)
