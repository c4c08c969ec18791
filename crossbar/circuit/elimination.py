"""The compiled loops of the block elimination, between the dense products of `crossbar.circuit.transfer`."""

from __future__ import annotations

import numpy as np

from devices.common.jit import jit


@jit(contract=True)
def add_bit_line(H, g, c, r, R, weight):
    """Add to `H` the conductance that one bit line puts between the word lines, and write its `weight` into it.

    `H[l, i]` for ``i < l`` is the conductance between word lines. With word lines at potentials ``u`` the bit line
    delivers ``weight @ u`` to its sense amplifier.
    """
    rows = g.size
    z = np.empty(rows)
    share = np.empty(rows)
    fed = 0.0
    passed = 1.0
    for k in range(rows - 1, -1, -1):
        fed = c[k] * ((R if k == rows - 1 else r) + c[k] * fed)
        z[k] = fed
        passed *= c[k]
        weight[k] = g[k] * passed
    for k in range(rows):
        row = H[k]
        gain = z[k] * g[k]
        for i in range(k):
            row[i] += share[i] * gain
        for i in range(k):
            share[i] *= c[k]
        share[k] = g[k] * c[k]


@jit(contract=True)
def series_matrix(H, leak, r, M):
    """Write ``I + r H`` into the lower triangle of `M`; `leak` is the conductance of each word line to ground."""
    rows = leak.size
    total = leak.copy()
    for k in range(rows):
        row = H[k]
        add = 0.0
        for i in range(k):
            add += row[i]
        total[k] += add
        for i in range(k):
            total[i] += row[i]
    for k in range(rows):
        row = H[k]
        into = M[k]
        for i in range(k):
            into[i] = -r * row[i]
        into[k] = 1.0 + r * total[k]


@jit(contract=True)
def conductance_between(inverse, r, H):
    """Write into `H` what a segment in series leaves: ``(I - (I + r H)^-1) / r`` off its diagonal."""
    rows = H.shape[0]
    scale = 1.0 / r
    for k in range(rows):
        row = H[k]
        taken = inverse[k]
        for i in range(k):
            row[i] = scale * taken[i]
