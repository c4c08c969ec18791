"""The compiled star-mesh elimination of a network of conductances, in which nothing is subtracted.

A node whose conductances ``g_j`` to its neighbours add up to ``s`` is a star; without it the neighbours are joined by a
mesh of conductances ``g_i g_j / s``, and its potential is the mean of theirs with the weights ``w_j = g_j / s``. All
are sums and products of positive numbers, so that each conductance keeps its digits however far they lie apart, and
what is left in the end are the conductances between terminals. On the way back potentials are not computed, but
differences:

    d[k, j] = sum_m w_m d[m, j]

from those between terminals, which are exact. So the current ``g d`` of a branch keeps its digits where its potentials
differ in the last of theirs.

The nodes that are joined to an eliminated one and are not yet eliminated are the front (Irons 1970): each has a slot of
a dense matrix while it is part of it. The slots of terminals come first and are kept.
"""

from __future__ import annotations

import numpy as np

from devices.common.jit import jit

__all__ = ["differences", "eliminate", "front_slots"]

_EPS = 2.220446049250313e-16


@jit
def front_slots(fixed, start, other, own, slot):
    """Write the slot of each node, in `own`, and of each branch's later end, in `slot`; return how many are needed.

    Branches ``start[k]`` to ``start[k + 1]`` lead from node ``k`` to later nodes or, numbered from the number of nodes
    on, to one of the `fixed` terminals.
    """
    nodes = start.size - 1
    free = np.empty(nodes, dtype=np.int64)
    waiting, used = 0, fixed
    for k in range(nodes):
        own[k] = -1
    for k in range(nodes):
        if own[k] < 0:
            if waiting:
                waiting -= 1
                own[k] = free[waiting]
            else:
                own[k] = used
                used += 1
        for e in range(start[k], start[k + 1]):
            j = other[e]
            if j >= nodes:
                slot[e] = j - nodes
                continue
            if own[j] < 0:
                if waiting:
                    waiting -= 1
                    own[j] = free[waiting]
                else:
                    own[j] = used
                    used += 1
            slot[e] = own[j]
        free[waiting] = own[k]
        waiting += 1
    return used


@jit
def eliminate(front, start, g, own, slot, weight, total):
    """Eliminate all nodes: write weights and total conductance of each; `front` keeps what joins the terminals [S]."""
    width = front.shape[0]
    for k in range(start.size - 1):
        a = own[k]
        row = front[a]
        for e in range(start[k], start[k + 1]):
            row[slot[e]] += g[e]
        s = 0.0
        for j in range(width):
            s += row[j]
        total[k] = s
        w = weight[k]
        for j in range(width):
            w[j] = row[j] / s
            row[j] = 0.0
        for i in range(width):
            if w[i] > 0.0:
                conductance = s * w[i]
                target = front[i]
                for j in range(width):
                    target[j] += conductance * w[j]
                target[i] = 0.0
                target[a] = 0.0


@jit
def differences(start, own, slot, weight, total, terminal, injected, d, across, potential):
    """Write the differences of potential `across` branches [V], and the nodes' potentials [V].

    Parameters
    ----------
    start, own, slot, weight, total
        As `front_slots` and `eliminate` left them.
    terminal, injected : numpy.ndarray
        Potentials of the terminals [V] and currents into the nodes [A].
    d : numpy.ndarray
        Room for differences, shape ``(slots, slots)``.
    """
    nodes, width = weight.shape
    fixed = terminal.size
    pushed, brought = np.zeros(nodes), np.zeros(width)
    for k in range(nodes):
        a = own[k]
        now = brought[a] + injected[k]
        brought[a] = 0.0
        if now != 0.0:
            for j in range(width):
                brought[j] += weight[k, j] * now
            pushed[k] = now / total[k]
    for i in range(width):
        for j in range(width):
            d[i, j] = 0.0
    for i in range(fixed):
        for j in range(fixed):
            d[i, j] = terminal[i] - terminal[j]
    for k in range(nodes - 1, -1, -1):
        a = own[k]
        row = d[a]
        for j in range(width):
            row[j] = pushed[k]
        for m in range(width):
            w = weight[k, m]
            if w > 0.0:
                from_m = d[m]
                for j in range(width):
                    row[j] += w * from_m[j]
        for j in range(width):
            d[j, a] = -row[j]
        row[a] = 0.0
        for n in range(start[k], start[k + 1]):
            across[n] = row[slot[n]]
        nearest = 0
        for j in range(1, fixed):
            if abs(terminal[j]) + abs(row[j]) < abs(terminal[nearest]) + abs(row[nearest]):
                nearest = j
        potential[k] = terminal[nearest] + row[nearest]
