"""Terminals, wires and metals at the public boundary."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossbar import FLOATING, METALS, Bias, Crossbar, Short, Wires, line_resistivity
from devices import Constant, InputError, device

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
    graded = Crossbar(G, Wires(word_line=[0.0, 1.0, 1.0, 0.0]))
    with pytest.raises(InputError, match="far_driver"):
        graded.solve(Bias(word_left=0.1, word_right=0.1, bit_bottom=0.0))


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
        Short("word", 0, 0, 0.0)
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
