"""Crossbars of extreme resistances, with shorts and opens, against exact rational arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossbar import FLOATING, Bias, Crossbar, Short, Wires
from devices import InputError
from tests.exact.random_circuits import measure
from tests.exact.rational import solve_exactly


@pytest.mark.parametrize("block", range(10))
def test_random_circuits_against_exact_arithmetic(block):
    """r G from 1e-12 to 1e12, G from 1e-18 to 1e6 S, zeros and infinities, every kind of bias."""
    solved = 0
    for k in range(10 * block, 10 * block + 10):
        found = measure(np.random.default_rng([20, k]))
        if found.refused:
            continue
        solved += 1
        assert found.potentials <= 1e-12
        assert found.shorts <= 1e-10
        assert found.ampere[0] <= 10.0 * found.ampere[1]
        for way, error in found.currents.items():
            said = found.said.get(way, 0.0)
            assert error <= 1e-10 or error <= said <= 1e-3, (k, way, error, said)
            assert error <= 10.0 * said + 1e-13, (k, way, error, said)
    assert solved >= 7


def series(*ohms: float) -> float:
    return 1.0 / sum(ohms)


@pytest.mark.parametrize("resistance", [0.0, 1e-12, 1.0, 1e12])
@pytest.mark.parametrize("cell", [1e-18, 1e-12, 1e-6, 1e6])
def test_the_current_of_a_short_is_what_flows_through_it(cell, resistance):
    """One driven word line, one sensed bit line; the current takes the short between the two word lines."""
    wires = Wires(driver=1.0, shorts=(Short("word", 0, 0, resistance),))
    array = Crossbar([[0.0], [cell]], wires)
    found = array.solve(Bias(word_left=[0.3, FLOATING], bit_bottom=0.0))
    current = 0.3 * series(1.0, resistance, 1.0 / cell)
    assert_allclose(found.short_current, [current], rtol=1e-13)
    assert_allclose(found.terminal_current["word_left"], [current, 0.0], rtol=1e-13)
    assert_allclose(found.terminal_current["bit_bottom"], [-current], rtol=1e-13)
    assert_allclose(found.wire_power, current**2 * (1.0 + resistance), rtol=1e-12)


@pytest.mark.parametrize("ratio", [1e-12, 1.0, 1e4, 1e8, 1e10, 1e12])
def test_currents_keep_their_digits_where_metal_is_far_worse_than_cells(ratio):
    cells = 1e-3 * np.random.default_rng(0).uniform(1.0, 2.0, (4, 3))
    array = Crossbar(cells, Wires(ratio / 1e-3, ratio / 1e-3))
    volts = np.array([0.3, 0.1, 0.2, 0.25])
    sides = {"word_left": volts, "word_right": [np.nan] * 4, "bit_top": [np.nan] * 3, "bit_bottom": [0.0] * 3}
    _, exact = solve_exactly(array, sides)
    sensed = [float(exact["bit", 4, j]) for j in range(3)]
    solution = array.solve(Bias.read(volts))
    assert_allclose(
        solution.cell_current, [[float(exact["cell", i, j]) for j in range(3)] for i in range(4)], rtol=1e-12
    )
    assert_allclose(solution.terminal_current["bit_bottom"], -np.array(sensed), rtol=1e-13)
    for nodes in (False, True):
        assert_allclose(array.read(volts, nodes=nodes).current, sensed, rtol=1e-13)
    assert_allclose(volts @ array.transfer(), sensed, rtol=1e-13)
    assert solution.residual <= 1e-12


def test_shorted_cells_join_their_lines():
    array = Crossbar([[np.inf, 1e-4], [1e-4, np.inf]], Wires(10.0, 20.0))
    found = array.solve(Bias.read([0.3, 0.1]))
    near = Crossbar([[1e9, 1e-4], [1e-4, 1e9]], Wires(10.0, 20.0)).solve(Bias.read([0.3, 0.1]))
    assert_allclose(found.cell_current, near.cell_current, rtol=1e-7)
    assert_allclose(found.word_line_voltage - found.bit_line_voltage, found.cell_voltage)
    assert found.cell_voltage[0, 0] == found.cell_voltage[1, 1] == 0.0
    assert_allclose(array.read([0.3, 0.1]).current, -found.terminal_current["bit_bottom"], rtol=1e-12)
    assert_allclose(found.power, found.wire_power + found.cell_power, rtol=1e-12)
    with pytest.raises(InputError, match=r"another potential than .*ideal metal between"):
        Crossbar([[np.inf]]).solve(Bias.read([0.1]))


def test_ideal_metal_from_uneven_wires_to_a_second_terminal():
    uneven = np.zeros((3, 2))
    uneven[1, 0] = 5.0
    cells, both = [[1e-5, 2e-5], [3e-5, 4e-5]], Bias(word_left=[0.3, 0.1], bit_top=0.0, bit_bottom=0.0)
    found = Crossbar(cells, Wires(word_line=2.0, bit_line=uneven)).solve(both)
    assert_allclose(found.terminal_current["bit_bottom"][0], -2.999580077984859e-06, rtol=1e-3)
    near = Crossbar(cells, Wires(word_line=2.0, bit_line=uneven + 1e-9)).solve(both)
    for side in ("word_left", "bit_top", "bit_bottom"):
        assert_allclose(found.terminal_current[side], near.terminal_current[side], rtol=1e-8)


def test_shorts_hold_islands_and_loops_of_them_have_a_current():
    shorts = tuple(Short("word", line, cell, 0.0) for line in (0, 1) for cell in (0, 1))
    array = Crossbar([[1e-5, 0.0], [0.0, 0.0], [0.0, 2e-5]], Wires(word_line=[0.0, 0.0, 0.0], shorts=shorts))
    found = array.solve(Bias(word_left=[0.1, FLOATING, FLOATING], bit_bottom=0.0))
    assert_allclose(found.terminal_current["word_left"], [3e-6, 0.0, 0.0], rtol=1e-14)
    assert_allclose(found.short_current[:2].sum(), 2e-6, rtol=1e-13)
    with pytest.raises(InputError, match=r"word line 1 at column 0.* have no path"):
        Crossbar([[1e-5], [0.0]], Wires(shorts=(Short("word", 0, 0, np.inf),))).solve(
            Bias(word_left=[0.1, FLOATING], bit_bottom=0.0)
        )


@pytest.mark.parametrize("seed", range(24))
def test_the_residual_of_arrays_too_large_to_eliminate_tells_the_error(seed, monkeypatch):
    """With the limits of the eliminations at zero, the iterations are all there is, and say what they lost."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(k) for k in rng.integers(2, 20, 2))
    spread = rng.choice([0.3, 2.0, 5.0])
    cells = 10.0 ** rng.uniform(-4 - spread, -4, shape)
    ohms = 10.0 ** (rng.uniform(-2, 12) + 4)
    wires = Wires(*(ohms * rng.uniform(0.5, 2.0, 2)), driver=ohms * rng.integers(0, 2), sense=ohms * rng.integers(0, 2))
    array, volts = Crossbar(cells, wires), rng.uniform(0.1, 0.5, shape[0])
    for bias in (Bias.read(volts), Bias.both_ends(volts)):
        exact = array.solve(bias)
        with monkeypatch.context() as limits:
            limits.setattr("crossbar.circuit.reading.LIMIT", 0.0)
            found = Crossbar(cells, wires).solve(bias, rtol=1e-10)
        for name, axis in (("word_line_current", 1), ("bit_line_current", 0)):
            largest = np.maximum(np.abs(getattr(exact, name)).max(axis), np.abs(exact.cell_current).max(axis))
            wrong = np.abs(getattr(found, name) - getattr(exact, name)).max(axis)
            scale = np.where(largest > 1e-12 * largest.max(), largest, largest.max())
            assert (wrong / scale).max() <= 10.0 * found.residual + 1e-13
