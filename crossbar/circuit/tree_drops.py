"""The compiled refinement of a solution that is held as voltage drops along a tree of the best conductors.

The difference of potential across any branch is a sum of drops along the tree, through branches which all conduct
better than it does. So it obeys Kirchhoff's voltage law however small it is, and its rounding disturbs the branch no
more than the rounding of the currents in its path. What Kirchhoff's current law misses at the nodes is injected, and
the drops which that causes are added, until they no longer change.
"""

from __future__ import annotations

import numpy as np

from crossbar.circuit.front_elimination import differences
from devices.common.jit import jit

__all__ = ["refine"]

_ROUNDING = 4.0 * 2.220446049250313e-16
_MOST_ROUNDS = 6


@jit
def _along_tree(early, late, parent, depth, drop, terminal, across, size):
    """Write the differences of potential across branches, and the sums of the magnitudes they consist of [V]."""
    nodes = parent.size
    for n in range(early.size):
        i, j = early[n], late[n]
        up = down = magnitude = 0.0
        while i != j:
            if i >= nodes and j >= nodes:
                up += terminal[i - nodes] - terminal[j - nodes]
                magnitude += abs(terminal[i - nodes] - terminal[j - nodes])
                break
            if j >= nodes or (i < nodes and depth[i] >= depth[j]):
                up += drop[i]
                magnitude += abs(drop[i])
                i = parent[i]
            else:
                down += drop[j]
                magnitude += abs(drop[j])
                j = parent[j]
        across[n] = up - down
        size[n] = magnitude


@jit
def _excess(early, late, g, across, size, injected, excess, noise):
    """Write the current that each node has in excess [A], and the rounding of the currents there [A]."""
    nodes = excess.size
    for k in range(nodes):
        excess[k] = injected[k]
        noise[k] = _ROUNDING * abs(injected[k])
    for n in range(early.size):
        current, wrong = g[n] * across[n], _ROUNDING * g[n] * size[n]
        excess[early[n]] -= current
        noise[early[n]] += wrong
        if late[n] < nodes:
            excess[late[n]] += current
            noise[late[n]] += wrong


@jit
def refine(
    start, own, slot, weight, total, early, late, g, parent, depth, branch, terminal, injected, d, across, error,
    potential,
):  # fmt: skip
    """Solve for one vector: write `across` and `error` of branches, and the potentials of the nodes [V].

    The error is estimated: what the rounding of the currents causes when it is injected, with signs that alternate in
    two irregular ways.

    Parameters
    ----------
    start, own, slot, weight, total
        As `front_slots` and `eliminate` left them.
    early, late, g : numpy.ndarray
        The two nodes of each branch, in the order of elimination, and its conductance [S].
    parent, depth, branch : numpy.ndarray
        For each node the next one in the tree, the number of steps to a terminal, and the branch to the next one.
    terminal, injected : numpy.ndarray
        Potentials of the terminals [V] and currents into the nodes [A].
    d : numpy.ndarray
        Room, as in `differences`.
    """
    nodes = parent.size
    drop, moved = np.empty(nodes), np.empty(nodes)
    zero, excess, noise = np.zeros(terminal.size), np.empty(nodes), np.empty(nodes)
    size, probe = np.empty(across.size), np.empty(across.size)
    differences(start, own, slot, weight, total, terminal, injected, d, across, potential)
    for k in range(nodes):
        drop[k] = across[branch[k]] if early[branch[k]] == k else -across[branch[k]]
    for _ in range(_MOST_ROUNDS):
        _along_tree(early, late, parent, depth, drop, terminal, across, size)
        _excess(early, late, g, across, size, injected, excess, noise)
        differences(start, own, slot, weight, total, zero, excess, d, probe, moved)
        done = True
        for k in range(nodes):
            change = probe[branch[k]] if early[branch[k]] == k else -probe[branch[k]]
            drop[k] += change
            potential[k] += moved[k]
            done = done and abs(change) <= 1e-10 * abs(drop[k])
        if done:
            break
    _along_tree(early, late, parent, depth, drop, terminal, across, size)
    for n in range(early.size):
        error[n] = _ROUNDING * size[n]
    _excess(early, late, g, across, size, injected, excess, noise)
    for factor in (40503, 30103):
        for k in range(nodes):
            excess[k] = noise[k] if ((k + 1) * factor >> 7) % 2 else -noise[k]
        differences(start, own, slot, weight, total, zero, excess, d, probe, moved)
        for n in range(early.size):
            error[n] = max(error[n], 2.0 * abs(probe[n]))
