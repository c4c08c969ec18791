"""Compiled moments of a transient: the circuit at the samples, and where energies are summed within each step.

They are interpolated within the last step. The interpolation has the order of the error that controls the steps, so
that samples do not set steps. Energies are sums over two points of each step (Gauss and Legendre, order 4).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.circuit.rodas import GAMMA, STAGES
from devices.common.arrays import Array
from devices.common.jit import jit

__all__ = ["NONE", "NO_ROOM", "WANTED", "Moments", "due", "new_moments", "write"]

#: Whether a moment is still to be written.
NONE, WANTED, NO_ROOM = 0, 1, 2

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
def due(circuit, progress, moments):
    """Return time and weight of the next moment of the last step, and one of `NONE`, `WANTED` and `NO_ROOM`."""
    now = progress[0]
    if now.taken == 0:
        return 0.0, 0.0, NONE
    t, weight = 0.0, 0.0
    if now.gauss < 2:
        t = now.last_start + (0.5 + (_GAUSS if now.gauss else -_GAUSS)) * now.last_length
        weight = 0.5 * now.last_length
    elif now.sample < circuit.times.size and circuit.times[now.sample] <= now.t * (1.0 + 1e-14):
        t = circuit.times[now.sample]
    else:
        return 0.0, 0.0, NONE
    if moments.written[0] == moments.weight.size:
        return t, weight, NO_ROOM
    if now.gauss < 2:
        now.gauss += 1
    else:
        now.sample += 1
    return t, weight, WANTED


@jit
def write(circuit, work, h, weight, moments):
    """Write the moment at which the cells have been evaluated; a sample with the correction of its interpolation.

    It makes potentials and slopes obey Kirchhoff's current law together: nodes that wires charge far faster than a step
    follow from the slopes of the others, and slopes of nodes that are charged slowly follow from the potentials.
    """
    row = moments.written[0]
    moments.written[0] = row + 1
    moments.weight[row] = weight
    moments.potential[row] = work.target
    at, past, inc, law = work.at, work.past, work.increments, work.law_stage
    states, controls = at.x.shape[1], work.control.shape[1]
    over = 1.0 / (GAMMA * h)
    word, bit, cross = over * circuit.capacitance[0], over * circuit.capacitance[1], over * circuit.capacitance[2]
    for k in range(at.u.size):
        W = V = 0.0
        current = law[k, 0]
        if weight == 0.0:
            W, V = inc.u[STAGES, k], inc.v[STAGES, k]
            current += law[k, 1] * (W - V)
            for r in range(states):
                current += law[k, 2 + r] * inc.x[STAGES, k, r]
            for c in range(controls):
                current -= law[k, 2 + states + c] * V
        for r in range(states):
            x = at.x[k, r] + (inc.x[STAGES, k, r] if weight == 0.0 else 0.0)
            moments.x[row, k, r] = min(max(x, circuit.lower[k, r]), circuit.upper[k, r])
        between = current - work.crossing[k] + cross * (W - V)
        moments.u[row, k], moments.v[row, k] = at.u[k] + W, at.v[k] + V
        moments.current[row, k] = current
        moments.leaves[row, k] = between - past.u[k] + word * W
        moments.arrives[row, k] = between + past.v[k] - bit * V
