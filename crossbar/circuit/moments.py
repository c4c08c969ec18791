"""Compiled moments of a transient: the circuit at the samples, and where energies are summed within each step.

They are interpolated within the last step. The interpolation has the order of the error that controls the steps, so
that samples do not set steps. Energies are sums over two points of each step (Gauss and Legendre, order 4).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.circuit.ports import at_cell
from crossbar.circuit.sources import evaluate
from devices.common.arrays import Array
from devices.common.jit import jit

__all__ = ["Moments", "fill", "new_moments"]

#: Where energies are summed: shares of a step on both sides of its middle.
_GAUSS = 0.5 / math.sqrt(3.0)
_MEMORY = 4_000_000  # numbers that are kept before they are taken


class Moments(NamedTuple):
    """Moments of a run, until they are taken.

    Parameters
    ----------
    written : numpy.ndarray
        How many there are, shape ``(1,)``.
    weight : numpy.ndarray
        Length for which each counts in energies [s], 0 for a sample.
    potential : numpy.ndarray
        Of the terminals [V], shape ``(moments, terminals)``.
    u, v, current, leaves, arrives : numpy.ndarray
        Potentials of the nodes [V], and currents of the cells, out of the word-line nodes and into the bit-line nodes,
        those of capacitances included [A], shape ``(moments, cells)``.
    x : numpy.ndarray
        States, shape ``(moments, cells, states)``.
    """

    written: NDArray[np.int64]
    weight: Array
    potential: Array
    u: Array
    v: Array
    current: Array
    leaves: Array
    arrives: Array
    x: Array


def new_moments(terminals: int, cells: int, states: int) -> Moments:
    """Return room for moments."""
    room = int(np.clip(_MEMORY // ((5 + states) * cells + terminals), 4, 512))

    def grid() -> Array:
        return np.empty((room, cells))

    written, states_of = np.zeros(1, dtype=np.int64), np.empty((room, cells, states))
    head = (written, np.empty(room), np.empty((room, terminals)))
    return Moments(*head, grid(), grid(), grid(), grid(), grid(), states_of)


@jit
def fill(kernel, circuit, work, progress, moments):
    """Write the moments of the last step that have not been written; return whether room ran out."""
    now = progress[0]
    if now.taken == 0:
        return False
    room = moments.weight.size
    begin, length = now.last_start, now.last_length
    while now.gauss < 2:
        if moments.written[0] == room:
            return True
        share = 0.5 + (_GAUSS if now.gauss else -_GAUSS)
        _write(kernel, circuit, work, begin + share * length, share, length, 0.5 * length, moments)
        now.gauss += 1
    while now.sample < circuit.times.size and circuit.times[now.sample] <= now.t * (1.0 + 1e-14):
        if moments.written[0] == room:
            return True
        t = circuit.times[now.sample]
        _write(kernel, circuit, work, t, min(1.0, (t - begin) / length), length, 0.0, moments)
        now.sample += 1
    return False


@jit
def _write(kernel, circuit, work, t, share, h, weight, moments):
    """Write the moment at time `t`, this share of the last step."""
    row = moments.written[0]
    moments.written[0] = row + 1
    moments.weight[row] = weight
    evaluate(circuit.terminals, work.active, t, moments.potential[row], work.scratch)
    if circuit.controls.place.size:
        evaluate(circuit.controls, work.control_active, t, work.control_flat, work.control_scratch)
    u, v, x = moments.u[row], moments.v[row], moments.x[row]
    word, bit, cross = circuit.capacitance[0], circuit.capacitance[1], circuit.capacitance[2]
    rest = 1.0 - share
    by_bend, by_twist = rest - share, share * (2.0 * rest - share)
    a, b, c, d = work.start, work.move, work.bend, work.twist
    for k in range(u.size):
        u[k] = a.u[k] + share * (b.u[k] + rest * (c.u[k] + share * d.u[k]))
        v[k] = a.v[k] + share * (b.v[k] + rest * (c.v[k] + share * d.v[k]))
        for r in range(x.shape[1]):
            between = a.x[k, r] + share * (b.x[k, r] + rest * (c.x[k, r] + share * d.x[k, r]))
            x[k, r] = min(max(between, circuit.lower[k, r]), circuit.upper[k, r])
    for k in range(u.size):
        at_cell(kernel, k, u, v, x, circuit.parameters, work.control, work.local, work.law_moment)
        current = work.law_moment[0]
        rise = (b.u[k] + by_bend * c.u[k] + by_twist * d.u[k]) / h
        lift = (b.v[k] + by_bend * c.v[k] + by_twist * d.v[k]) / h
        between = current + cross * (rise - lift)
        moments.current[row, k] = current
        moments.leaves[row, k] = between + word * rise
        moments.arrives[row, k] = between - bit * lift
