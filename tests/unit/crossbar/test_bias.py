"""Terminals, wires and metals at the public boundary."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossbar import FLOATING, METALS, Bias, Crossbar, Programmer, Short, Wires, line_resistivity
from devices import Constant, InputError, Pulses, Series, device

G = np.full((2, 3), 1e-4)


@pytest.mark.parametrize(
    ("bias", "words"),
    [
        (Bias(word_left=[1.0, 2.0, 3.0], bit_bottom=0.0), ["word_left", "shape (3,)", "2 word lines"]),
        (Bias(word_left=np.inf, bit_bottom=0.0), ["word_left", "inf", "FLOATING"]),
        (Bias(word_left="high", bit_bottom=0.0), ["word_left", "'high'"]),
        (Bias(word_left=Constant(1.0, 1.0), bit_bottom=0.0), ["word_left", "a waveform", "simulate()"]),
        (Bias(word_left=np.ones((2, 2)), bit_bottom=np.ones((3, 3))), ["batches that broadcast"]),
        (Bias(), ["a floating part", "word line 0 at column 0"]),
        (Bias(word_left=FLOATING, bit_top=FLOATING), ["a floating part"]),
    ],
)
def test_bad_terminals_are_named(bias, words):
    with pytest.raises(InputError) as error:
        Crossbar(G).solve(bias)
    assert all(word in str(error.value) for word in words), error.value


def test_a_floating_part_is_named():
    cells = G.copy()
    cells[1] = 0.0
    with pytest.raises(InputError, match=r"word line 1 at column 0, word line 1 at column 1.* have no path"):
        Crossbar(cells, Wires(1.0, 1.0)).solve(Bias(word_left=[0.2, FLOATING], bit_bottom=0.0))
    broken = Wires(1.0, 1.0).with_open("word", 0, 2, shape=(2, 3))
    cells = G.copy()
    cells[0, 2] = 0.0
    with pytest.raises(InputError, match=r"floating part: word line 0 at column 2 have no path"):
        Crossbar(cells, broken).read([0.1, 0.1])


def test_ideal_metal_between_two_sources_must_agree():
    array = Crossbar(G)
    with pytest.raises(InputError, match="another potential than word_right at word line 1"):
        array.solve(Bias(word_left=0.1, word_right=[0.1, 0.2], bit_bottom=0.0))
    same = array.solve(Bias(word_left=0.1, word_right=0.1, bit_bottom=0.0))
    assert_allclose(same.terminal_current["word_left"], same.terminal_current["word_right"])
    with pytest.raises(InputError, match="another potential than bit_bottom at bit line 2"):
        array.solve(Bias(word_left=0.1, bit_top=[0.0, FLOATING, 0.1], bit_bottom=0.0))


@pytest.mark.parametrize(
    ("wires", "words"),
    [
        (Wires(word_line=[1.0, 2.0]), ["word_line", "(2,)", "(2, 4)"]),
        (Wires(bit_line=np.ones((2, 3))), ["bit_line", "(3, 3)"]),
        (Wires(sense=[1.0]), ["sense"]),
        (Wires(shorts=(Short("word", 1, 0, 1.0),)), ["shorts", "line below 1"]),
    ],
)
def test_wires_must_fit_the_cells(wires, words):
    if words == ["sense"]:
        Crossbar(G, wires)  # one value for all lines broadcasts
        return
    with pytest.raises(InputError) as error:
        Crossbar(G, wires)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("name", ["word_line_capacitance", "bit_line_capacitance", "crossing_capacitance"])
def test_negative_capacitance_is_refused(name):
    with pytest.raises(InputError, match=f"{name}: got -1e-15"):
        Wires(**{name: -1e-15})


def test_bad_faults_are_refused():
    with pytest.raises(InputError, match="resistance"):
        Short("word", 0, 0, -1.0)
    with pytest.raises(InputError, match="kind"):
        Short("gate", 0, 0, 1.0)
    with pytest.raises(InputError, match="segment"):
        Wires(1.0).with_open("bit", 0, 5, shape=(2, 3))


def test_wires_compare_print_and_pickle():
    graded = Wires(word_line=[1.0, 2.0, 3.0, 4.0], sense=5.0)
    assert graded == Wires(word_line=[1.0, 2.0, 3.0, 4.0], sense=5.0)
    assert graded != Wires(word_line=1.0, sense=5.0)
    assert hash(graded) == hash(pickle.loads(pickle.dumps(graded)))
    assert repr(graded) == "Wires(word_line=<(4,) of 1 to 4>, sense=5.0)"
    cells = device("wox_scaled_decay", w=np.full((2, 3), 0.5))
    array = pickle.loads(pickle.dumps(Crossbar(cells, graded, gates="columns")))
    assert array.wires == graded
    assert array.gates == "columns"
    assert_allclose(array.cells.start, cells.start)


def test_resistivity_rises_as_lines_narrow():
    wide = line_resistivity("Cu", 1e-3, 1e-3)
    assert_allclose(wide, METALS["Cu"].resistivity, rtol=1e-3)
    widths = np.logspace(-9, -5, 30)
    rho = np.array([line_resistivity("Cu", w, 2 * w) for w in widths])
    assert np.all(np.diff(rho) < 0.0)
    assert line_resistivity("Ru", 1e-9, 1e-9) < line_resistivity("Cu", 1e-9, 1e-9)
    assert line_resistivity("Cu", 20e-9, 20e-9, specularity=1.0, reflection=0.0) == METALS["Cu"].resistivity
    a = 39.9e-9 / 4e-9 * 0.3 / 0.7  # one value of the closed form, worked out by hand
    expected = 1.678e-8 / (1 - 1.5 * a + 3 * a**2 - 3 * a**3 * np.log(1 + 1 / a))
    assert_allclose(line_resistivity("Cu", 4e-9, 4e-9, specularity=1.0), expected, rtol=1e-9)


def test_products_of_resistivity_and_path_have_the_published_ratios():
    """Gall 2016, abstract: narrow lines of Rh, Ir, Ni conduct 2.1, 1.8, 1.6 times as well as those of Cu."""
    product = {name: m.resistivity * m.mean_free_path for name, m in METALS.items()}
    for name, ratio in {"Rh": 2.1, "Ir": 1.8, "Ni": 1.6}.items():
        assert abs(product["Cu"] / product[name] - ratio) < 0.06
    for name in ("Mo", "Co", "Ru"):
        assert 0.7 < product["Cu"] / product[name] < 1.4


def test_segments_follow_from_geometry():
    wires = Wires.from_geometry(100e-9, 50e-9, 20e-9, 1e-7, driver=10.0)
    assert_allclose([wires.word_line, wires.bit_line, wires.driver], [10.0, 10.0, 10.0])
    with pytest.raises(InputError, match="pitch"):
        Wires.from_geometry(10e-9, 50e-9, 20e-9, 1e-7)
    with pytest.raises(InputError, match="metal"):
        Wires.from_geometry(100e-9, 50e-9, 20e-9, "copper")


@pytest.mark.parametrize("cells", ["ohmic", "laws"])
def test_reads_of_bridged_lines_are_their_terminals_currents(cells):
    shorts = (Short("bit", 0, 1, 1.0), Short("word", 1, 2, 5.0))
    wires = Wires(1.0, 1.0, driver=100.0, sense=100.0, shorts=shorts)
    if cells == "ohmic":
        array = Crossbar(np.random.default_rng(0).uniform(1e-5, 1e-3, (3, 4)), wires)
    else:
        array = Crossbar(device("wox_scaled_decay", w=np.random.default_rng(0).uniform(0, 1, (3, 4))), wires)
    volts = np.array([0.3, 0.1, 0.2])
    solved = array.solve(Bias.read(volts))
    read = array.read(volts, nodes=True)
    assert_allclose(read.current, -solved.terminal_current["bit_bottom"], rtol=1e-10)
    assert_allclose(read.power, solved.power, rtol=1e-10)
    assert_allclose(solved.power, solved.wire_power + solved.cell_power, rtol=1e-9)
    back = array.solve(Bias.backward([0.1, 0.2, 0.3, 0.4]))
    sensed = array.read([0.1, 0.2, 0.3, 0.4], backward=True, nodes=True)
    assert_allclose(sensed.current, -back.terminal_current["word_left"], rtol=1e-10)
    assert_allclose(sensed.power, back.power, rtol=1e-10)
    if cells == "ohmic":
        assert_allclose(volts @ array.transfer(), read.current, rtol=1e-10)
    else:
        alone = array.solve(Bias.read([0.3, 0.0, 0.0])).terminal_current["bit_bottom"]
        assert Programmer(array).sense(0, 1, 0.3) == pytest.approx(-alone[1] / 0.3, rel=1e-8)


def test_gates_in_batches():
    cell = Series(device("resistor", r=np.full((2, 3), 1e4)), device("ekv_transistor"))
    array = Crossbar(cell, Wires(5.0, 5.0, 100.0, 100.0))
    gates = np.array([[1.0, 2.0], [1.5, 0.8], [2.0, 1.0], [1.0, 1.0]])
    volts = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.1]])
    both = array.solve(Bias.read(volts[:, None, :]), gate=gates)
    assert both.cell_current.shape == (3, 4, 2, 3)
    one = array.solve(Bias.read(volts[2]), gate=gates[1])
    assert_allclose(both.cell_current[2, 1], one.cell_current, rtol=1e-12)
    with pytest.raises(InputError, match=r"^gate: got a batch of shape \(2,\)"):
        array.solve(Bias.read(volts), gate=gates[:2])
    with pytest.raises(InputError, match=r"^gate: got a batch of shape \(4,\)"):
        array.simulate(Bias.read([Pulses(0.1, 1e-6, 2e-6), 0.0]), gate=gates)


def test_currents_at_both_ends_of_a_good_line_keep_their_digits():
    cells = np.random.default_rng(0).uniform(1e-6, 2e-6, (3, 3))
    exact = Crossbar(cells, Wires()).solve(Bias.both_ends([0.3, 0.3, 0.3])).terminal_current
    found = Crossbar(cells, Wires(1e-9, 1e-9)).solve(Bias.both_ends([0.3, 0.3, 0.3])).terminal_current
    for ends in (("word_left", "word_right"), ("bit_top", "bit_bottom")):
        total = sum(found[end] for end in ends)
        assert_allclose(total, sum(exact[end] for end in ends), rtol=1e-12)
        places = np.array([0.75, 0.5, 0.25])  # a cell's current divides as the resistances to both terminals
        near = (0.3 * cells * places).sum(axis=1) if "word" in ends[0] else -(0.3 * cells.T * places).sum(axis=1)
        assert_allclose(found[ends[0]], near, rtol=1e-11)


def test_solutions_do_not_follow_their_input():
    volts = np.array([1.0])
    array = Crossbar([[1e-3]], Wires(1.0, 1.0))
    solution, read = array.solve(Bias.read(volts)), array.read(volts, nodes=True)
    before = float(solution.power), float(read.power)
    volts[:] = 5.0
    assert (float(solution.power), float(read.power)) == before
    w = np.array([[0.3]])
    cells = Crossbar(device("wox_scaled_decay", w=w))
    current = cells.read([0.1]).current
    w[:] = 0.9
    assert_allclose(cells.read([0.1]).current, current, rtol=0)


def test_far_beyond_its_range_a_law_is_climbed_to_step_by_step():
    array = Crossbar(device("exponential_selector", i0=np.full((3, 3), 1e-6), v0=0.25), Wires(5.0, 5.0, 100.0, 100.0))
    low, high = (array.read([v, 0.0, 0.0]) for v in (1.0, 60.0))
    assert high.residual <= 1e-10
    assert high.newton_steps > low.newton_steps


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: Bias(word_left="1.5").resolve(1, 1), r"^word_left: got '1.5'"),
        (lambda: Bias(word_left=True).resolve(1, 1), r"^word_left: got True"),
        (lambda: Bias(word_left=[1j]).resolve(1, 1), r"^word_left: got \[1j\]"),
        (lambda: Wires(word_line=["a"]), r"^word_line: got list that is not numeric"),
        (lambda: Wires(word_line=[]), r"^word_line: got an empty array"),
        (lambda: Wires(word_line=[[1.0], [1.0, 2.0]]), r"^word_line: got list that is not numeric"),
        (lambda: Wires(shorts=Short("word", 0, 0, 1.0)), r"^shorts: got Short"),
        (lambda: Wires().with_open("word", 0, 0, shape=3), r"^shape: got 3"),
    ],
)
def test_what_is_no_number_is_refused(call, match):
    with pytest.raises(InputError, match=match):
        call()


def test_shorts_may_come_from_a_generator_and_zero_has_one_sign():
    assert len(Wires(word_line=1.0, shorts=(s for s in [Short("word", 0, 0, 1.0)])).shorts) == 1
    assert hash(Wires(0.0)) == hash(Wires(-0.0))
