"""Currents of branches without resistance: by Kirchhoff's current law, since their nodes are at one potential.

A node that only one such branch joins to the others passes through it what its other branches bring. Such nodes are
taken off one after another, those that know it best first; in a tree of branches no more is needed.
What is left are loops, and paths from one terminal to another, whose currents no law determines: they are those of
equal resistances in place of the zeros, however small.
"""

from __future__ import annotations

import heapq

import numpy as np

from crossbar.circuit.branches import Index
from devices.common.arrays import Array

__all__ = ["island_currents"]


def island_currents(one: Index, two: Index, held: Index, outflow: Array, error: Array) -> tuple[Array, Array]:
    """Return the currents [A] from `one` to `two` of branches without resistance, and bounds of their errors [A].

    Parameters
    ----------
    one, two : numpy.ndarray
        Nodes of the branches.
    held : numpy.ndarray
        The nodes that are terminals, which give any current.
    outflow, error : numpy.ndarray
        Current out of each node by its other branches, and the bound of its error [A], shape ``(vectors, nodes)``.
    """
    count, nodes = one.size, outflow.shape[1]
    flow, bound = np.zeros((len(outflow), count)), np.zeros((len(outflow), count))
    q, dq = outflow.copy(), error.copy()
    joined: dict[int, set[int]] = {}
    for k in range(count):
        joined.setdefault(int(one[k]), set()).add(k)
        joined.setdefault(int(two[k]), set()).add(k)
    fixed = np.zeros(nodes, dtype=bool)
    fixed[held] = True
    leaves = [(float(dq[:, x].max()), x) for x, found in joined.items() if len(found) == 1 and not fixed[x]]
    heapq.heapify(leaves)
    left = np.ones(count, dtype=bool)
    while leaves:
        _, node = heapq.heappop(leaves)
        if len(joined[node]) != 1:
            continue
        k = joined[node].pop()
        other = int(two[k]) if one[k] == node else int(one[k])
        flow[:, k] = q[:, node] if two[k] == node else -q[:, node]
        bound[:, k] = dq[:, node]
        q[:, other] += q[:, node]
        dq[:, other] += dq[:, node]
        left[k] = False
        joined[other].discard(k)
        if len(joined[other]) == 1 and not fixed[other]:
            heapq.heappush(leaves, (float(dq[:, other].max()), other))
    rest = np.flatnonzero(left)
    if rest.size:
        flow[:, rest], bound[:, rest] = _equal_resistances(one[rest], two[rest], fixed, q, dq)
    return flow, bound


def _equal_resistances(one: Index, two: Index, fixed: Array, q: Array, dq: Array) -> tuple[Array, Array]:
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import splu

    from crossbar.circuit.branches import components

    part = components(one, two, q.shape[1])
    used = np.unique(np.concatenate([one, two]))
    pinned = fixed.copy()
    for number in np.unique(part[used]):
        inside = used[part[used] == number]
        if not fixed[inside].any():
            pinned[inside[0]] = True
    free = used[~pinned[used]]
    at = np.full(q.shape[1], -1)
    at[free] = np.arange(free.size)
    x = np.zeros_like(q)
    if free.size:
        a, b = at[np.concatenate([one, two])], at[np.concatenate([two, one])]
        diagonal = a >= 0
        off = diagonal & (b >= 0)
        entries = np.concatenate([np.ones(diagonal.sum()), -np.ones(off.sum())])
        places = np.concatenate([a[diagonal], a[off]]), np.concatenate([a[diagonal], b[off]])
        matrix = coo_matrix((entries, places), shape=(free.size, free.size)).tocsc()
        x[:, free] = splu(matrix).solve(-q[:, free].T).T
    scale = np.zeros_like(q)
    np.add.at(scale.T, part[used], (np.abs(dq[:, used]) + 1e-15 * np.abs(q[:, used])).T)
    return x[:, one] - x[:, two], scale[:, part[one]]
