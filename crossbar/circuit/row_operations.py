"""Compiled operations on one row of the crossbar, the inner loops of its linear solver.

Few arrays in each loop, so that it can be vectorised; plain loops compile faster than expressions.
"""

from __future__ import annotations

from crossbar.circuit.line_solves import z_at
from devices.common.jit import jit

__all__ = [
    "add_product",
    "add_scaled",
    "add_to_scaled",
    "collect",
    "collect_magnitudes",
    "fill",
    "largest",
    "multiply",
    "set_scaled",
    "substitute",
    "subtract_difference",
    "total",
]


@jit(contract=True)
def fill(a, value):
    """``a = value``."""
    for j in range(a.size):
        a[j] = value


@jit(contract=True)
def total(a):
    """Return the sum of `a`."""
    found = 0.0
    for j in range(a.size):
        found += a[j]
    return found


@jit(contract=True)
def largest(a):
    """Return the largest magnitude in `a`."""
    found = 0.0
    for j in range(a.size):
        found = max(found, abs(a[j]))
    return found


@jit(contract=True)
def set_scaled(target, source, factor):
    """``target = factor source``."""
    for j in range(target.size):
        target[j] = factor * source[j]


@jit(contract=True)
def add_to_scaled(s, y, beta):
    """``s = y + beta s``."""
    for j in range(s.size):
        s[j] = y[j] + beta * s[j]


@jit(contract=True)
def multiply(b, g, p):
    """``b = g p``."""
    for j in range(b.size):
        b[j] = g[j] * p[j]


@jit(contract=True)
def add_scaled(x, s, alpha):
    """``x += alpha s``."""
    for j in range(x.size):
        x[j] += alpha * s[j]


@jit(contract=True)
def subtract_difference(y, s, q, alpha):
    """``y -= alpha (s - q)``."""
    for j in range(y.size):
        y[j] -= alpha * (s[j] - q[j])


@jit(contract=True)
def substitute(p, c, z, s):
    """``p = z s + c p``: potentials of the bit lines, one row farther from their fed ends."""
    for j in range(p.size):
        p[j] = z_at(z, c, j) * s[j] + c[j] * p[j]


@jit(contract=True)
def collect(q, c, t):
    """``q = t + c q``: currents of the bit lines, one row nearer to their fed ends."""
    for j in range(q.size):
        q[j] = t[j] + c[j] * q[j]


@jit(contract=True)
def collect_magnitudes(q, c, t):
    """``q = |t| + c q``."""
    for j in range(q.size):
        q[j] = abs(t[j]) + c[j] * q[j]


@jit(contract=True)
def add_product(energy, c, z, a, b):
    """``energy += z a b``."""
    for j in range(energy.size):
        energy[j] += z_at(z, c, j) * a[j] * b[j]
