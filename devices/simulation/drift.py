"""Estimate of how far the states have drifted from the exact ones, the errors of all steps together; compiled code.

An error that a step makes grows or shrinks with the law's derivative, ``de/dt = (df/dx) e``; that of a state at rest at
a bound vanishes. What grows is a distance in time as well: where a state runs away, an early error changes the moment
at which it does. So the distance from the exact curve is the smaller of the error, as a share of the state's span, and
of the time in which the state moves by it, as a share of the duration.
"""

from __future__ import annotations

from devices.common.jit import jit
from devices.simulation.dormand_prince import STABILITY_LIMIT

__all__ = ["LARGEST_DRIFT", "restart_drift", "tighter", "track_drift"]

#: Largest distance from the exact curve, as a multiple of the tolerance.
LARGEST_DRIFT = 100.0

#: Unit of rounding; share of the span within which a state may leave a bound at which its law vanishes.
_ROUNDING, _NEAR = 1.1e-16, 1e-3
#: What the explicit method carries over: its stability function.
_C3, _C4, _C5, _C6 = 1 / 6, 1 / 24, 1 / 120, 1 / 600
#: Factor on the tolerance of a repeated run: the least, the largest, and that after a run whose states are far off; and
#: how far below the allowed distance it aims.
_LEAST_FACTOR, _LARGEST_FACTOR, _FACTOR_WHEN_LOST, _AIM = 1e-4, 0.1, 0.03, 0.3


@jit(inline=True)
def restart_drift(work):
    """Set the estimate to zero."""
    work.worst[0] = 0.0
    for r in range(work.drift.size):
        work.drift[r] = 0.0


@jit(inline=True)
def track_drift(t, h, error, explicit, locking, duration, allowed, width, lower, upper, work):
    """Add a step from time `t`, between ``work.start_law`` and ``work.end_law``, with this error of its own.

    Distances up to the share `allowed` are not compared. A state that comes to rest at a bound at which its law
    vanishes can only have done so by an error, of `locking` of its span; at the tightest tolerance, where `allowed` is
    negative, it is locked. The method itself carries an error from one step to the next, by about ``exp(z)``, where
    ``z`` is the step times the law's derivative.
    """
    for r in range(lower.size):
        row = (1 + r) * width
        span = upper[r] - lower[r]
        grown = work.drift[r]
        if work.pinned[r]:
            grown = 0.0 if work.start_law[row] != 0.0 or allowed < 0.0 else max(grown, locking * span)
        z = 0.5 * h * (work.start_law[row + 2 + r] + work.end_law[row + 2 + r])
        if explicit:
            z = max(z, -STABILITY_LIMIT)
            grown *= abs(1.0 + z * (1.0 + z * (0.5 + z * (_C3 + z * (_C4 + z * (_C5 + z * _C6))))))
        elif z < -3.0:  # a bound of what Rodas4P2 carries over
            grown *= min(0.17, 10.0 / -z)
        else:
            root = 1.0 + 0.5 * abs(z) * (1.0 + 0.25 * abs(z))
            grown = grown * root * root if z > 0.0 else grown / (root * root)
        grown += error * span + _ROUNDING * abs(work.end_states[r])
        work.drift[r] = grown
        if z > 0.0 and not work.pinned[r] and work.worst[0] < 1.0:
            rate, behind = work.end_law[row], upper[r] - work.end_states[r]
            if rate > 0.0:
                behind = work.end_states[r] - lower[r]
            if behind < min(_NEAR * span, 2.0 * grown):
                rate = abs(rate)
                if abs(work.end_law[row + 2 + r] * behind - rate) <= 0.1 * rate:  # when it leaves the bound is unknown
                    work.worst[0], work.worst[1], work.worst[2] = 1.0, t + h, r
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
