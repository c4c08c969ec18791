"""Properties of every passive, linear, reciprocal array, tested on random ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from crossbar import Crossbar, Wires

settings.register_profile("crossbar", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
quick = settings(settings.get_profile("crossbar"))

sizes = st.integers(1, 9)
cell = st.one_of(st.just(0.0), st.floats(-9, -3).map(lambda e: 10.0**e))
segment = st.one_of(st.just(0.0), st.floats(-2, 3).map(lambda e: 10.0**e))
wiring = st.builds(Wires, segment, segment, segment, segment)
volt = st.floats(-1, 1).map(lambda v: round(v, 6))


@st.composite
def crossbars(draw) -> Crossbar:
    shape = draw(sizes), draw(sizes)
    return Crossbar(draw(arrays(float, shape, elements=cell)), draw(wiring))


@st.composite
def driven(draw, vectors: int = 1) -> tuple[Crossbar, np.ndarray]:
    array = draw(crossbars())
    return array, draw(arrays(float, (vectors, array.rows), elements=volt))


def close(left, right, scale, rtol: float = 1e-10) -> None:
    """Compare currents, relative to `scale`."""
    assert np.all(np.abs(np.asarray(left) - right) <= rtol * np.asarray(scale) + 1e-300)


def size_of(array: Crossbar, voltage: np.ndarray) -> np.ndarray:
    """Return the largest currents possible by superposition, and at least a millionth of the largest bit line's."""
    largest = np.abs(voltage) @ array.transfer()
    return np.maximum(largest, 1e-6 * largest.max())


@quick
@given(driven(vectors=2), volt, volt)
def test_superposition(case, a, b):
    array, (one, two) = case
    whole = array.read(a * one + b * two).current
    parts = a * array.read(one).current + b * array.read(two).current
    close(whole, parts, abs(a) * size_of(array, one) + abs(b) * size_of(array, two))


@quick
@given(driven())
def test_the_transfer_matrix_gives_the_currents_of_reads(case):
    array, voltage = case
    close(array.read(voltage).current, voltage @ array.transfer(), size_of(array, voltage))


@quick
@given(crossbars())
def test_reciprocity(array):
    """Driven at its sense amplifiers and sensed at its drivers, an array has the transposed transfer matrix."""
    w = array.wires
    turned = Crossbar(array.conductance[::-1, ::-1].T, Wires(w.bit_line, w.word_line, w.sense, w.driver))
    back = turned.read(np.eye(array.columns), nodes=True).current[::-1, ::-1].T
    there = array.read(np.eye(array.rows), nodes=True).current
    close(back, there, np.maximum(there, 1e-6 * there.max()))


@quick
@given(driven(), st.randoms(use_true_random=False))
def test_permuting_lines_without_resistance_permutes_currents(case, random):
    array, voltage = case
    w = Wires(driver=array.wires.driver, sense=array.wires.sense)
    i = random.sample(range(array.rows), array.rows)
    j = random.sample(range(array.columns), array.columns)
    plain = Crossbar(array.conductance, w)
    mixed = Crossbar(array.conductance[np.ix_(i, j)], w)
    close(mixed.read(voltage[:, i]).current, plain.read(voltage).current[:, j], size_of(plain, voltage)[:, j])


@quick
@given(driven(vectors=5))
def test_a_batch_equals_a_loop_over_its_vectors(case):
    array, voltage = case
    together = array.read(voltage, nodes=True)
    for k, vector in enumerate(voltage):
        alone = array.read(vector, nodes=True)
        assert_array_equal(together.current[k], alone.current)
        assert_array_equal(together.word_line_voltage[k], alone.word_line_voltage)
        assert_array_equal(together.cell_current[k], alone.cell_current)


@quick
@given(driven())
def test_kirchhoff(case):
    array, voltage = case
    w = array.wires
    readout = array.read(voltage[0], nodes=True)
    scale = np.abs(readout.cell_current).sum() + 1e-300
    close(readout.cell_current.sum(axis=0), readout.current, scale)
    # Node by node, each equation times its segment resistance, so that it stays finite as metal becomes ideal.
    top = np.abs(voltage).max()
    u = np.column_stack([voltage[0], readout.word_line_voltage])
    onward = np.cumsum(readout.cell_current[:, ::-1], axis=1)[:, ::-1]
    drop = np.full(array.columns, w.word_line)
    drop[0] = w.word_line_end
    close(u[:, :-1] - u[:, 1:], drop * onward, top, 1e-11)
    v = np.vstack([readout.bit_line_voltage, np.zeros(array.columns)])
    drop = np.full(array.rows, w.bit_line)
    drop[-1] = w.bit_line_end
    close(v[:-1] - v[1:], drop[:, None] * np.cumsum(readout.cell_current, axis=0), top, 1e-11)


@quick
@given(driven())
def test_passivity(case):
    array, voltage = case
    readout = array.read(voltage[0], nodes=True)
    w, V = array.wires, voltage[0]
    slack = 1e-12 * np.abs(V).max()
    low, high = min(V.min(), 0.0) - slack, max(V.max(), 0.0) + slack
    for potential in (readout.word_line_voltage, readout.bit_line_voltage):
        assert np.all((potential >= low) & (potential <= high))
    driven = readout.cell_current.sum(axis=1)
    lost = (readout.cell_current * (readout.word_line_voltage - readout.bit_line_voltage)).sum()
    lost += w.driver * (driven**2).sum() + w.sense * (readout.current**2).sum()
    lost += w.word_line * (np.cumsum(readout.cell_current[:, ::-1], axis=1) ** 2).sum()
    lost += w.bit_line * (np.cumsum(readout.cell_current, axis=0) ** 2).sum()
    close(readout.power, lost, np.abs(V) @ np.abs(readout.cell_current).sum(axis=1))
    assert np.all(array.transfer() >= 0.0)


@quick
@given(driven(), st.integers(0, 80), st.sampled_from(["word_line", "bit_line", "driver", "sense"]))
def test_power_falls_with_every_resistance(case, k, name):
    """Rayleigh: at given voltages, the power of a passive network does not rise if any resistance rises."""
    array, voltage = case
    before = array.read(voltage[0], nodes=True)
    slack = 1e-10 * (np.abs(voltage[0]) @ np.abs(before.cell_current).sum(axis=1))
    cells = array.conductance.copy()
    cells.flat[k % cells.size] *= 0.5
    assert Crossbar(cells, array.wires).read(voltage[0], nodes=True).power <= before.power + slack
    w = array.wires
    longer = {n: getattr(w, n) for n in ("word_line", "bit_line", "driver", "sense")}
    longer[name] = 2 * longer[name] + 1.0
    assert Crossbar(array.conductance, Wires(**longer)).read(voltage[0], nodes=True).power <= before.power + slack


@pytest.mark.parametrize("shape", [(40, 70), (70, 40)])
def test_the_transfer_matrix_of_a_larger_array_gives_the_currents_of_reads(shape):
    rng = np.random.default_rng(5)
    array = Crossbar(10 ** rng.uniform(-9, -3, shape), Wires(3.0, 2.0, 50.0, 20.0))
    voltage = rng.normal(size=(3, shape[0]))
    close(array.read(voltage).current, voltage @ array.transfer(), size_of(array, voltage), 1e-12)
