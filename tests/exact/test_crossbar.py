"""Reads of crossbars compared with closed forms; derivations in CROSSBAR.md."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossbar import Crossbar, Wires

RTOL = 1e-12


def both(array: Crossbar, voltage: np.ndarray) -> list[np.ndarray]:
    """Return the currents by the iterative read and by the transfer matrix."""
    return [array.read(voltage).current, voltage @ array.transfer()]


@pytest.mark.parametrize("wires", [Wires(*w) for w in product((0.0, 3.0), (0.0, 5.0), (0.0, 70.0), (0.0, 110.0))])
def test_one_cell_is_a_series_circuit(wires):
    series = wires.word_line + wires.driver + 1 / 2e-3 + wires.bit_line + wires.sense
    for current in both(Crossbar([[2e-3]], wires), np.array([0.3])):
        assert_allclose(current, [0.3 / series], rtol=1e-15)


def test_ideal_wires_are_a_matrix_product():
    rng = np.random.default_rng(1)
    G = rng.uniform(0, 1e-3, (6, 9))
    V = rng.normal(size=6)
    for current in both(Crossbar(G), V):
        assert_allclose(current, V @ G, rtol=RTOL)


def test_merged_word_lines_share_their_driver():
    rng = np.random.default_rng(2)
    G, V = rng.uniform(0, 1e-2, (5, 8)), rng.uniform(0, 1, 5)
    for current in both(Crossbar(G, Wires(driver=200.0)), V):
        assert_allclose(current, V / (1 + 200 * G.sum(axis=1)) @ G, rtol=RTOL)


def test_merged_bit_lines_share_their_sense_resistance():
    rng = np.random.default_rng(3)
    G, V = rng.uniform(0, 1e-2, (5, 8)), rng.uniform(0, 1, 5)
    for current in both(Crossbar(G, Wires(sense=200.0)), V):
        assert_allclose(current, V @ G / (1 + 200 * G.sum(axis=0)), rtol=RTOL)


def test_uniform_cells_between_merged_lines():
    G, d, s, rows, columns = 1e-3, 30.0, 70.0, 7, 4
    x = G * 0.4 / (1 + G * (d * columns + s * rows))
    array = Crossbar(np.full((rows, columns), G), Wires(driver=d, sense=s))
    for current in both(array, np.full(rows, 0.4)):
        assert_allclose(current, rows * x, rtol=RTOL)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_one_word_line_is_a_ladder(n):
    G, a, b, s = 1e-3, 20.0, 5.0, 15.0
    g = 1 / (1 / G + b + s)
    t = 2 * np.arcsinh(np.sqrt(a * g) / 2)
    u = 0.7 * np.cosh((n - np.arange(n) - 0.5) * t) / np.cosh((n + 0.5) * t)
    array = Crossbar(np.full((1, n), G), Wires(word_line=a, bit_line=b, sense=s))
    for current in both(array, np.array([0.7])):
        assert_allclose(current, g * u, rtol=RTOL)
    assert_allclose(array.read([0.7], nodes=True).word_line_voltage[0], u, rtol=RTOL)


def column_current(g: float, r: float, rows: int, voltage: float) -> float:
    t = 2 * np.arcsinh(np.sqrt(r * g) / 2)
    return g * voltage * np.sinh(rows * t) / (2 * np.sinh(t / 2) * np.cosh((rows + 0.5) * t))


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_one_bit_line_is_a_ladder(n):
    G, a, b, d = 1e-3, 5.0, 20.0, 15.0
    array = Crossbar(np.full((n, 1), G), Wires(word_line=a, bit_line=b, driver=d))
    for current in both(array, np.full(n, 0.7)):
        assert_allclose(current, column_current(1 / (1 / G + a + d), b, n, 0.7), rtol=RTOL)


def test_bit_lines_between_ideal_word_lines_are_independent_ladders():
    cells = np.array([1e-3, 1e-4, 2e-2])
    array = Crossbar(np.tile(cells, (12, 1)), Wires(bit_line=8.0))
    for current in both(array, np.full(12, 0.2)):
        assert_allclose(current, [column_current(g, 8.0, 12, 0.2) for g in cells], rtol=RTOL)


@pytest.mark.parametrize(("a", "d"), [(0.0, 50.0), (4.0, 0.0), (4.0, 50.0)])
def test_a_uniform_square_array_is_symmetric(a, d):
    readout = Crossbar(np.full((9, 9), 3e-4), Wires(a, a, d, d)).read(np.full(9, 0.5), nodes=True)
    mirrored = 0.5 - readout.bit_line_voltage[::-1, ::-1].T
    assert_allclose(readout.word_line_voltage, mirrored, rtol=1e-11)


def rational_currents(G, wires, V):
    """Solve a crossbar in rational arithmetic: merge nodes, assemble the equations, eliminate."""
    rows, columns = len(G), len(G[0])
    a, b, d, s = (Fraction(w) for w in wires)
    edges = []
    for i in range(rows):
        edges.append((("source", i), ("driver", i), d))
        for j in range(columns):
            edges.append((("w", i, j - 1) if j else ("driver", i), ("w", i, j), a))
            edges.append((("b", i, j), ("b", i + 1, j) if i < rows - 1 else ("sense", j), b))
            if G[i][j]:
                edges.append((("w", i, j), ("b", i, j), 1 / G[i][j]))
    edges += [(("sense", j), "ground", s) for j in range(columns)]
    parent: dict = {}

    def root(node):
        while parent.get(node, node) != node:
            node = parent[node]
        return node

    fixed = {"ground": Fraction(0)} | {("source", i): V[i] for i in range(rows)}
    for one, two, r in edges:
        if r == 0:
            x, y = root(one), root(two)
            if x != y:
                keep, drop = (x, y) if x in fixed else (y, x)
                parent[drop] = keep
    nodes = sorted({root(n) for e in edges for n in e[:2]} - set(fixed), key=str)
    at = {n: k for k, n in enumerate(nodes)}
    system = [[Fraction(0)] * (len(nodes) + 1) for _ in nodes]
    for one, two, r in edges:
        x, y = root(one), root(two)
        if r == 0 or x == y:
            continue
        for p, q in ((x, y), (y, x)):
            if p in at:
                system[at[p]][at[p]] += 1 / r
                if q in at:
                    system[at[p]][at[q]] -= 1 / r
                else:
                    system[at[p]][-1] += fixed[q] / r
    for k in range(len(nodes)):
        pivot = system[k][k]
        system[k] = [e / pivot for e in system[k]]
        for m in range(len(nodes)):
            if m != k and system[m][k]:
                factor = system[m][k]
                system[m] = [e - factor * f for e, f in zip(system[m], system[k], strict=True)]
    potential = fixed | {n: system[k][-1] for n, k in at.items()}
    return [
        sum(G[i][j] * (potential[root(("w", i, j))] - potential[root(("b", i, j))]) for i in range(rows))
        for j in range(columns)
    ]


@pytest.mark.parametrize("wires", list(product((0, 2), (0, 3), (0, 40), (0, 60))))
@pytest.mark.parametrize("shape", [(2, 3), (3, 2)])
def test_small_arrays_in_exact_arithmetic(shape, wires):
    rng = np.random.default_rng(sum(wires))
    G = [[Fraction(int(g), 10**9) for g in row] for row in 10 ** rng.uniform(0, 6, shape)]
    G[1][1] = Fraction(0)
    V = [Fraction(int(v), 64) for v in rng.integers(-64, 65, shape[0])]
    exact = np.array([float(i) for i in rational_currents(G, wires, V)])
    array = Crossbar(np.array(G, dtype=float), Wires(*map(float, wires)))
    for current in both(array, np.array(V, dtype=float)):
        assert_allclose(current, exact, rtol=1e-12, atol=1e-13 * np.abs(exact).max())
