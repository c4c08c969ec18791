"""Crossbars in exact rational arithmetic: potentials and the currents of all branches, for any resistances.

Every float is a ratio of two integers. Nodes joined by zero resistance are merged, Kirchhoff's equations of the others
are eliminated one by one, and a branch of zero resistance carries the limit of equal resistances that go to zero: the
one current that Kirchhoff's current law leaves it, unless it is part of a loop.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from crossbar import Crossbar

SIDES = ("word_left", "word_right", "bit_top", "bit_bottom")


def branches(array: Crossbar, sides: dict[str, Any]) -> dict[tuple, tuple]:
    """Return all branches that can carry a current, as ``name: (node, node, resistance)``."""
    (m, n), w = array.shape, array.wires
    found = {}

    def add(name, one, two, *ohms):
        total = math.inf if any(math.isinf(r) for r in ohms) else sum(Fraction(float(r)) for r in ohms)
        if total != math.inf:
            found[name] = (one, two, total)

    word = np.broadcast_to(w.word_line, (m, n + 1))
    bit = np.broadcast_to(w.bit_line, (m + 1, n))
    ends = {
        name: np.broadcast_to(getattr(w, name), (k,))
        for name, k in (("driver", m), ("far_driver", m), ("sense", n), ("far_sense", n))
    }
    for i in range(m):
        if not math.isnan(sides["word_left"][i]):
            add(("word", i, 0), ("word_left", i), ("w", i, 0), word[i, 0], ends["driver"][i])
        for j in range(1, n):
            add(("word", i, j), ("w", i, j - 1), ("w", i, j), word[i, j])
        if not math.isnan(sides["word_right"][i]):
            add(("word", i, n), ("w", i, n - 1), ("word_right", i), word[i, n], ends["far_driver"][i])
    for j in range(n):
        if not math.isnan(sides["bit_top"][j]):
            add(("bit", 0, j), ("bit_top", j), ("b", 0, j), bit[0, j], ends["far_sense"][j])
        for i in range(1, m):
            add(("bit", i, j), ("b", i - 1, j), ("b", i, j), bit[i, j])
        if not math.isnan(sides["bit_bottom"][j]):
            add(("bit", m, j), ("b", m - 1, j), ("bit_bottom", j), bit[m, j], ends["sense"][j])
    for i in range(m):
        for j in range(n):
            g = float(array.conductance[i, j])
            if g > 0.0:
                ohms = Fraction(0) if math.isinf(g) else 1 / Fraction(g)
                found["cell", i, j] = (("w", i, j), ("b", i, j), ohms)
    for k, s in enumerate(w.shorts):
        a, b = (
            (("w", s.line, s.cell), ("w", s.line + 1, s.cell))
            if s.kind == "word"
            else (("b", s.cell, s.line), ("b", s.cell, s.line + 1))
        )
        add(("short", k), a, b, s.resistance)
    return found


def solve_exactly(array: Crossbar, sides: dict[str, Any]) -> tuple[dict[tuple, Fraction], dict[tuple, Fraction]]:
    """Return the potentials of the nodes and the currents of the branches of a crossbar for one vector of potentials.

    Raises
    ------
    ValueError
        If a part floats, or zero resistance joins terminals of different potentials.
    """
    found = branches(array, sides)
    (m, n) = array.shape
    nodes = [(k, i, j) for j in range(n) for k in "bw" for i in range(m)]
    fixed = {(side, k): Fraction(float(v)) for side in SIDES for k, v in enumerate(sides[side]) if not math.isnan(v)}
    parent: dict[tuple, tuple] = {}

    def root(node):
        while node in parent:
            node = parent[node]
        return node

    for one, two, r in found.values():
        a, b = root(one), root(two)
        if r == 0 and a != b:
            if a in fixed and b in fixed and fixed[a] != fixed[b]:
                raise ValueError("joined")
            parent[a if b in fixed else b] = b if b in fixed else a
    potential = _eliminate([x for x in nodes if root(x) == x], fixed, [
        (root(a), root(b), 1 / r) for a, b, r in found.values() if r != 0
    ], {})  # fmt: skip
    potential = {x: potential[root(x)] for x in (*nodes, *fixed)}
    current = {name: (potential[a] - potential[b]) / r for name, (a, b, r) in found.items() if r != 0}
    brought: dict[tuple, Fraction] = {}
    for name, amount in current.items():
        one, two, _ = found[name]
        brought[one] = brought.get(one, Fraction(0)) - amount
        brought[two] = brought.get(two, Fraction(0)) + amount
    ideal = {name: (a, b) for name, (a, b, r) in found.items() if r == 0}
    inner = sorted({x for ends in ideal.values() for x in ends if x not in fixed}, key=nodes.index)
    pinned = {x: Fraction(0) for x in fixed}
    parent.clear()
    for a, b in ideal.values():
        a, b = root(a), root(b)
        if a != b:
            parent[a if b in pinned else b] = b if b in pinned else a
    pinned |= {x: Fraction(0) for x in inner if root(x) == x}
    unit = [(a, b, Fraction(1)) for a, b in ideal.values()]
    level = _eliminate([x for x in inner if x not in pinned], pinned, unit, brought)
    return potential, current | {name: level[a] - level[b] for name, (a, b) in ideal.items()}


def _eliminate(order, fixed, conductances, injected):
    """Return the potentials of all nodes, those in `order` by elimination one after another."""
    rows: dict[tuple, dict[tuple, Fraction]] = {x: {} for x in order}
    for a, b, g in conductances:
        if a != b:
            for x, y in ((a, b), (b, a)):
                if x in rows:
                    rows[x][y] = rows[x].get(y, Fraction(0)) + g
    given = {x: injected.get(x, Fraction(0)) for x in order}
    kept = []
    for x in order:
        row = rows.pop(x)
        total = sum(row.values())
        if total == 0:
            raise ValueError("floating")
        kept.append((x, row, total, given[x]))
        for a, ga in row.items():
            if a in rows:
                del rows[a][x]
                given[a] += ga * given[x] / total
                for b, gb in row.items():
                    if a != b:
                        rows[a][b] = rows[a].get(b, Fraction(0)) + ga * gb / total
    potential = dict(fixed)
    for x, row, total, now in reversed(kept):
        potential[x] = (sum(g * potential[y] for y, g in row.items()) + now) / total
    return potential
