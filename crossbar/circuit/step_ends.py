"""The compiled end of a transient step: its solution, its largest error, and the first event within it.

Errors are measured in potentials relative to the largest at the terminals, in states relative to the spans of their
bounds, and in the current that each line takes from its terminals relative to the largest that it has taken so far.
The last needs potentials far more exact than the first where a small resistance ties a line to its source.

There are two errors of a step: the embedded one of the method at its end, and the correction that one more linear
solution makes to the interpolation inside it. The first is blind to what has settled within the step and to
algebraic equations, which it solves at its end whatever lies between; the second is not.
"""

from __future__ import annotations

import math

from crossbar.circuit.cell_steps import evaluate_cells
from crossbar.circuit.rodas import DENSE, GAMMA, STAGES, A
from crossbar.circuit.sources import evaluate
from crossbar.circuit.step_control import Verdict
from devices.common.jit import jit

__all__ = ["CHECKED", "check", "finish"]

#: Share of a step at which its interpolation is checked: where that of an algebraic equation is worst.
CHECKED = 0.25

#: Error of a potential by rounding, as a share of the scale of potentials.
_ROUNDING = 16.0 * 2.2e-16
#: Lines that take less than this share of the largest current of a line count as taking that.
_WEAK_LINE = 1e-6
#: Errors below this share of the largest current of a line are not resolved.
_RESOLVED = 1e-13
#: A step ends at a bound where it is past it by this share of the tolerance.
_AIM = 0.5


@jit
def finish(kernel, circuit, work, t, h):
    """Write the end of a step and its interpolation; return its `Verdict` so far, see `check`."""
    now, end, inc = work.now, work.end, work.increments
    move, bend, twist = work.move, work.bend, work.twist
    finite = True
    for k in range(now.u.size):
        u, v, c, d, e, f = inc.u[5, k], inc.v[5, k], 0.0, 0.0, 0.0, 0.0
        for q in range(5):
            u += A[5, q] * inc.u[q, k]
            v += A[5, q] * inc.v[q, k]
            c += DENSE[0, q] * inc.u[q, k]
            d += DENSE[1, q] * inc.u[q, k]
            e += DENSE[0, q] * inc.v[q, k]
            f += DENSE[1, q] * inc.v[q, k]
        move.u[k], move.v[k], bend.u[k], twist.u[k], bend.v[k], twist.v[k] = u, v, c, d, e, f
        end.u[k], end.v[k] = now.u[k] + u, now.v[k] + v
        finite = finite and math.isfinite(u) and math.isfinite(v)
        for r in range(now.x.shape[1]):
            x, c, d = inc.x[5, k, r], 0.0, 0.0
            for q in range(5):
                x += A[5, q] * inc.x[q, k, r]
                c += DENSE[0, q] * inc.x[q, k, r]
                d += DENSE[1, q] * inc.x[q, k, r]
            move.x[k, r], bend.x[k, r], twist.x[k, r] = x, c, d
            end.x[k, r] = now.x[k, r] + x
            finite = finite and math.isfinite(x)
    if not finite:
        return Verdict(math.inf, 0, 0, 1.0)
    event = 1.0 if circuit.fixed > 0.0 else _first_bound(circuit, work)
    for k in range(now.u.size):
        for r in range(now.x.shape[1]):
            end.x[k, r] = min(max(end.x[k, r], circuit.lower[k, r]), circuit.upper[k, r])
    if circuit.controls.place.size:
        evaluate(circuit.controls, work.control_active, t + h, work.control_flat, work.control_scratch)
    evaluate_cells(kernel, end.u, end.v, end.x, circuit.parameters, work.control, work.law_end)
    if circuit.fixed > 0.0:
        return Verdict(0.0, 0, 0, 1.0)
    if event == 1.0:
        event = _first_release(circuit, work, h)
    _write_currents(circuit, work, h)
    error, kind, worst = _largest_error(circuit, work, h, STAGES - 1)
    return Verdict(error, kind, worst, event)


@jit
def check(circuit, work, h, verdict):
    """Return the verdict with the error that the correction inside the step shows."""
    error, kind, worst = _largest_error(circuit, work, h, STAGES)
    if error <= verdict.error:
        return verdict
    return Verdict(error, kind, worst, verdict.share)


@jit
def _largest_error(circuit, work, h, row):
    """Return the largest error that a row of increments stands for, its kind and its place; see `Verdict`."""
    inc = work.increments
    states = work.now.x.shape[1]
    error, kind, worst = _worst_line(circuit, work, h, row)
    for k in range(work.now.u.size):
        for wrong, what in ((abs(inc.u[row, k]) / circuit.volts, 0), (abs(inc.v[row, k]) / circuit.volts, 1)):
            if not wrong <= error:
                error, kind, worst = wrong, what, k
        for r in range(states):
            wrong = abs(inc.x[row, k, r]) / (circuit.upper[k, r] - circuit.lower[k, r])
            if not wrong <= error:
                error, kind, worst = wrong, 2, k * states + r
    return (error if math.isfinite(error) else math.inf), kind, worst


@jit
def _first_bound(circuit, work):
    """Return the share of the step at which the first state has passed its bound by half the tolerance, or 1."""
    now, end, move, bend, twist = work.now, work.end, work.move, work.bend, work.twist
    first = 1.0
    for k in range(now.u.size):
        for r in range(now.x.shape[1]):
            low, high = circuit.lower[k, r], circuit.upper[k, r]
            span = high - low
            allowed = circuit.tolerance * span
            if work.cells.pinned[k, r] or low - allowed <= end.x[k, r] <= high + allowed:
                continue
            sign = 1.0 if end.x[k, r] > high else -1.0
            mark = sign * (high if sign > 0.0 else low) + _AIM * allowed
            before, after = 0.0, first
            a, b, c, d = now.x[k, r], move.x[k, r], bend.x[k, r], twist.x[k, r]
            if sign * (a + after * (b + (1.0 - after) * (c + after * d))) <= mark:
                continue  # it passes after another event
            for _ in range(60):
                if after - before <= 1e-3 * _AIM * circuit.tolerance * after:
                    break
                share = 0.5 * (before + after)
                if sign * (a + share * (b + (1.0 - share) * (c + share * d))) > mark:
                    after = share
                else:
                    before = share
            first = after
    return first


@jit
def _first_release(circuit, work, h):
    """Return the share of the step at which to end it, as a state held at a bound has turned inward within it, or 1.

    Its rate is followed by a straight line from the start to the end of the step; what it has missed by moving too
    late grows as the square of the time since it turned.
    """
    states = work.now.x.shape[1]
    width = work.law.shape[1] // (1 + states)
    first = 1.0
    for k in range(work.now.u.size):
        for r in range(states):
            if not work.cells.pinned[k, r]:
                continue
            sign = 1.0 if work.now.x[k, r] <= circuit.lower[k, r] else -1.0
            before, after = sign * work.law[k, (1 + r) * width], sign * work.law_end[k, (1 + r) * width]
            if after <= 0.0:
                continue
            turned = before / (before - after)
            missed = 0.5 * h * (1.0 - turned) * after / (circuit.upper[k, r] - circuit.lower[k, r])
            if missed > circuit.tolerance:
                first = min(first, turned + (1.0 - turned) * math.sqrt(_AIM * circuit.tolerance / missed))
    return first


@jit
def _write_currents(circuit, work, h):
    """Write the current of each line at the end of the step."""
    rows, columns = circuit.rows, circuit.columns
    word, bit, cross = circuit.capacitance[0], circuit.capacitance[1], circuit.capacitance[2]
    move, bend, twist = work.move, work.bend, work.twist
    work.line_now[:] = 0.0
    for i in range(rows):
        for j in range(columns):
            k = i * columns + j
            rise = (move.u[k] - bend.u[k] - twist.u[k]) / h
            lift = (move.v[k] - bend.v[k] - twist.v[k]) / h
            between = work.law_end[k, 0] + cross * (rise - lift)
            work.line_now[i] += between + word * rise
            work.line_now[rows + j] += between - bit * lift


@jit
def _worst_line(circuit, work, h, row):
    """Return the largest relative error of the current of a line with terminals; see `_largest_error`.

    What a capacitance carries is known from the slope of its potential, to ``C/(h gamma)`` times the error of that, and
    from Kirchhoff's current law, to the error of the currents that reach it; samples have the better of both.
    """
    inc, controls = work.increments, work.control.shape[1]
    states = work.now.x.shape[1]
    rows, columns = circuit.rows, circuit.columns
    over = 1.0 / (GAMMA * h)
    word, bit, cross = over * circuit.capacitance[0], over * circuit.capacitance[1], over * circuit.capacitance[2]
    rounding = _ROUNDING * circuit.volts
    work.line_error[:] = 0.0
    work.line_carried[:] = 0.0
    work.line_noise[:] = 0.0
    for i in range(rows):
        for j in range(columns):
            k = i * columns + j
            W, V = inc.u[row, k], inc.v[row, k]
            law = work.law[k]
            wrong, steep = law[1] * (W - V), abs(law[1])
            for c in range(controls):
                wrong -= law[2 + states + c] * V
                steep += abs(law[2 + states + c])
            for r in range(states):
                wrong += law[2 + r] * inc.x[row, k, r]
            left, right = circuit.word_wire[i, j], circuit.word_wire[i, j + 1]
            above, below = circuit.bit_wire[j, i], circuit.bit_wire[j, i + 1]
            before = inc.u[row, k - 1] if j > 0 else 0.0
            after = inc.u[row, k + 1] if j < columns - 1 else 0.0
            over_it = inc.v[row, k - columns] if i > 0 else 0.0
            under_it = inc.v[row, k + columns] if i < rows - 1 else 0.0
            by_word = left * (W - before) + right * (W - after) + wrong
            by_bit = above * (V - over_it) + below * (V - under_it) - wrong
            work.line_error[i] += wrong
            work.line_error[rows + j] += wrong
            crossing = _smaller(_smaller(cross * (W - V), by_word), by_bit)
            work.line_carried[i] += _smaller(abs(word * W) + crossing, by_word)
            work.line_carried[rows + j] += _smaller(abs(bit * V) + crossing, by_bit)
            work.line_noise[i] += rounding * (steep + _smaller(word + cross, left + right + steep))
            work.line_noise[rows + j] += rounding * (steep + _smaller(bit + cross, above + below + steep))
    least = max(_WEAK_LINE, _RESOLVED / circuit.tolerance)
    top = 0.0
    for line in range(rows + columns):
        top = max(top, work.line_peak[line], abs(work.line_now[line]))
    error, worst = 0.0, 0
    for line in range(rows + columns):
        fed = circuit.fed_word[line] if line < rows else circuit.fed_bit[line - rows]
        wrong = abs(work.line_error[line]) + work.line_carried[line] - work.line_noise[line]
        if fed and not wrong <= 0.0 and top > 0.0:
            share = wrong / max(work.line_peak[line], abs(work.line_now[line]), least * top)
            if not share <= error:
                error, worst = share, line
    return error, 3, worst


@jit
def _smaller(one, other):
    """Return the smaller absolute value; the first where the other is not a number, as along ideal metal."""
    one, other = abs(one), abs(other)
    return other if other < one else one
