"""Properties of every linear array, tested with random terminals and broken wires."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from crossbar import FLOATING, Bias, Crossbar, Short, Solution, Wires
from crossbar.circuit.reference import solve_reference
from devices import InputError
from tests.properties.test_crossbar import quick

cell = st.one_of(st.just(0.0), st.floats(-7, -3).map(lambda e: 10.0**e))
ohms = st.floats(-1, 3).map(lambda e: 10.0**e)
volt = st.floats(-1, 1).map(lambda v: round(v, 6))
SIDES = ("word_left", "word_right", "bit_top", "bit_bottom")


def resistances(shape: tuple[int, ...]) -> st.SearchStrategy:
    return st.one_of(st.just(0.0), ohms, arrays(float, shape, elements=st.one_of(st.just(0.0), ohms)))


@st.composite
def circuits(draw, vectors: int = 2, faults: bool = True) -> tuple[Crossbar, Bias]:
    """Return a random array and a bias with which no part of it floats."""
    m, n = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    shorts = []
    if faults and m > 1 and draw(st.booleans()):
        shorts.append(Short("word", draw(st.integers(0, m - 2)), draw(st.integers(0, n - 1)), draw(ohms)))
    if faults and n > 1 and draw(st.booleans()):
        shorts.append(Short("bit", draw(st.integers(0, n - 2)), draw(st.integers(0, m - 1)), draw(ohms)))
    wires = Wires(
        word_line=draw(resistances((m, n + 1))),
        bit_line=draw(resistances((m + 1, n))),
        driver=draw(resistances((m,))),
        sense=draw(resistances((n,))),
        far_driver=draw(ohms),
        far_sense=draw(ohms),
        shorts=tuple(shorts),
    )
    if faults and draw(st.booleans()):
        at = draw(st.integers(0, m - 1)), draw(st.integers(0, n))
        wires = wires.with_open("word", *at, shape=(m, n))
    sides = {}
    for side, lines in zip(SIDES, (m, m, n, n), strict=True):
        potential = draw(arrays(float, (vectors, lines), elements=volt))
        floats = draw(st.one_of(st.just(np.zeros(lines, bool)), arrays(bool, (lines,))))
        sides[side] = None if draw(st.integers(0, 3)) == 0 else np.where(floats, FLOATING, potential)
    array = Crossbar(draw(arrays(float, (m, n), elements=cell)), wires)
    bias = Bias(**sides)
    try:
        array.solve(bias)
    except InputError as error:
        assert "floating part" in str(error)  # noqa: PT017 - any other refusal is a failure
        assume(False)
    return array, bias


def scale(solution: Solution) -> float:
    return max(float(np.nanmax(np.abs(p), initial=0.0)) for p in solution.potential.values()) or 1.0


@quick
@given(circuits())
def test_against_the_sparse_reference(case):
    array, bias = case
    solution = array.solve(bias)
    u, v = solve_reference(array.conductance, array.wires, bias)
    assert_allclose(solution.word_line_voltage - u, 0.0, atol=1e-11 * scale(solution))
    assert_allclose(solution.bit_line_voltage - v, 0.0, atol=1e-11 * scale(solution))


@quick
@given(circuits())
def test_kirchhoff_and_ohm_along_every_line(case):
    array, bias = case
    s = array.solve(bias)
    r_word, r_bit = array.wires.segments(*array.shape)
    word, bit = s.word_line_current, s.bit_line_current
    largest = max(np.abs(word).max(), np.abs(bit).max(), np.abs(s.cell_current).sum(axis=(1, 2)).max())
    into_word, from_bit = s.cell_current.copy(), s.cell_current.copy()
    for short in array.wires.shorts:
        a, b = (
            (s.word_line_voltage[:, short.line + k, short.cell] for k in (0, 1))
            if short.kind == "word"
            else (s.bit_line_voltage[:, short.cell, short.line + k] for k in (0, 1))
        )
        bridge = (a - b) / short.resistance
        largest = max(largest, np.abs(bridge).max())
        for k, sign in ((0, 1.0), (1, -1.0)):
            if short.kind == "word":
                into_word[:, short.line + k, short.cell] += sign * bridge
            else:
                from_bit[:, short.cell, short.line + k] -= sign * bridge
    assert_allclose(word[:, :, :-1] - word[:, :, 1:] - into_word, 0.0, atol=1e-9 * largest)
    assert_allclose(bit[:, 1:] - bit[:, :-1] - from_bit, 0.0, atol=1e-9 * largest)
    for r, flow, node, axis in ((r_word, word, s.word_line_voltage, 2), (r_bit, bit, s.bit_line_voltage, 1)):
        inner = tuple(slice(1, -1) if k == axis else slice(None) for k in range(3))
        drop = -np.diff(node, axis=axis)
        sound = np.isfinite(r[inner[1:]])
        ohm = np.where(sound, r[inner[1:]], 0.0) * flow[inner]
        assert_allclose(np.where(sound, drop - ohm, 0.0), 0.0, atol=1e-9 * scale(s))
        assert_allclose(np.where(sound, 0.0, flow[inner]), 0.0, atol=1e-9 * largest)


@quick
@given(circuits())
def test_power_that_is_delivered_becomes_heat(case):
    array, bias = case
    s = array.solve(bias)
    turnover = scale(s) * sum(np.abs(i).sum(axis=-1) for i in s.terminal_current.values())
    assert_allclose(s.power - s.wire_power - s.cell_power, 0.0, atol=1e-9 * turnover.max() + 1e-14 * scale(s) ** 2)
    assert np.all(s.wire_power >= 0.0)
    assert np.all(s.cell_power >= 0.0)
    total = sum(i.sum(axis=-1) for i in s.terminal_current.values())
    drawn = sum(np.abs(i).sum(axis=-1) for i in s.terminal_current.values())
    assert np.all(np.abs(total) <= 1e-9 * drawn + 1e-13 * scale(s))


@quick
@given(circuits(vectors=3))
def test_a_batch_equals_a_loop_over_its_vectors(case):
    array, bias = case
    together = array.solve(bias)
    for k in range(3):
        one = {side: None if getattr(bias, side) is None else getattr(bias, side)[k] for side in SIDES}
        alone = array.solve(Bias(**one))
        u, i = (grid.reshape(-1, *array.shape) for grid in (together.word_line_voltage, together.cell_current))
        if array.wires.shorts:  # a small dense system for all vectors at once
            assert_allclose(u[k % len(u)], alone.word_line_voltage, rtol=0, atol=1e-13 * scale(together))
        else:
            assert_array_equal(u[k % len(u)], alone.word_line_voltage)
            assert_array_equal(i[k % len(i)], alone.cell_current)


@quick
@given(circuits(vectors=1, faults=False), st.data())
def test_reciprocity(case, data):
    """One volt at a terminal gives the same current through another at 0 V as with the two exchanged."""
    array, bias = case
    on = [(side, k) for side in SIDES if getattr(bias, side) is not None for k in range(getattr(bias, side).shape[-1])]
    on = [(side, k) for side, k in on if not np.isnan(getattr(bias, side)[0, k])]
    (one, i), (two, j) = data.draw(st.sampled_from(on)), data.draw(st.sampled_from(on))

    def drawn(source: str, at: int, sink: str, to: int) -> float:
        sides = {s: getattr(bias, s) for s in SIDES}
        sides = {s: None if p is None else np.where(np.isnan(p), FLOATING, 0.0)[0] for s, p in sides.items()}
        sides[source][at] = 1.0
        return array.solve(Bias(**sides)).terminal_current[sink][to]

    try:
        there, back = drawn(one, i, two, j), drawn(two, j, one, i)
    except InputError as error:
        assert "ideal metal" in str(error)  # noqa: PT017 - both ends of one ideal line
        return
    assert_allclose(there, back, rtol=1e-9, atol=1e-15)


@quick
@given(circuits(vectors=1, faults=False), st.randoms(use_true_random=False))
def test_permuting_word_lines_on_ideal_bit_lines_permutes_currents(case, random):
    array, bias = case
    w = array.wires
    plain = Wires(w.word_line if isinstance(w.word_line, float) else 1.0, 0.0, 3.0, 2.0, 5.0, 4.0)
    order = random.sample(range(array.rows), array.rows)
    moved = {s: getattr(bias, s) for s in SIDES}
    for side in ("word_left", "word_right"):
        moved[side] = None if moved[side] is None else moved[side][:, order]
    try:
        here = Crossbar(array.conductance, plain).solve(bias)
    except InputError:
        assume(False)
    there = Crossbar(array.conductance[order], plain).solve(Bias(**moved))
    assert_allclose(there.word_line_voltage - here.word_line_voltage[:, order], 0.0, atol=1e-11 * scale(here))
