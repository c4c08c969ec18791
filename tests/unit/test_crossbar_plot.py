"""What the pictures are handed, not how they look."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import LogNorm
from numpy.testing import assert_allclose

from crossbar import Crossbar, Wires, plot_conductance, plot_currents, plot_ir_drop
from devices.errors import InputError


@pytest.fixture(autouse=True)
def canvas():
    with mpl.rc_context({"backend": "Agg"}):
        yield
        plt.close("all")


@pytest.fixture
def array():
    return Crossbar(np.random.default_rng(0).uniform(1e-5, 9e-5, (5, 7)), Wires(10.0, 10.0))


def picture(ax) -> np.ma.MaskedArray:
    return ax.images[0].get_array()


def label(ax) -> str:
    return ax.images[0].colorbar.ax.get_ylabel()


def test_conductance_map_shows_every_cell_from_the_driver_corner(array):
    _, ax = plt.subplots()
    assert plot_conductance(array, ax=ax) is ax
    assert_allclose(picture(ax), array.conductance * 1e6)
    assert "[\N{GREEK SMALL LETTER MU}S]" in label(ax)
    assert not isinstance(ax.images[0].norm, LogNorm)
    bottom, top = ax.get_ylim()
    assert bottom > top  # row 0 at the top
    assert "driver corner" in [text.get_text() for text in ax.texts]


def test_conductance_map_turns_logarithmic_and_leaves_open_cells_blank():
    ax = plot_conductance(Crossbar([[1e-6, 1e-3], [0.0, 1e-4]]))
    assert isinstance(ax.images[0].norm, LogNorm)
    assert picture(ax).mask.tolist() == [[False, False], [True, False]]
    plot_conductance(Crossbar(np.zeros((2, 2)))).figure.canvas.draw()


@pytest.mark.parametrize("line", ["word", "bit"])
def test_ir_drop_is_the_difference_from_ideal(array, line):
    V = np.full(5, 0.5)
    readout = array.read(V, nodes=True)
    ax = plot_ir_drop(readout, line=line)
    expected = readout.word_line_voltage - 0.5 if line == "word" else readout.bit_line_voltage
    assert_allclose(picture(ax), expected * 1e3)
    assert label(ax) == f"{line.capitalize()}-line node minus ideal [mV]"
    low, high = ax.images[0].get_clim()
    assert (high == 0.0) if line == "word" else (low == 0.0)


def test_ir_drop_of_both_signs_is_centred(array):
    low, high = plot_ir_drop(array.read([0.5, -0.5, 0.1, 0.2, 0.3], nodes=True)).images[0].get_clim()
    assert low == -high < 0


def test_ir_drop_of_ideal_wires_is_none():
    ax = plot_ir_drop(Crossbar([[1e-4]]).read([0.1], nodes=True))
    assert ax.get_title() == "No IR drop"
    ax.figure.canvas.draw()


def test_ir_drop_wants_one_vector_with_nodes(array):
    with pytest.raises(InputError, match="one vector"):
        plot_ir_drop(array.read(np.zeros((2, 5)), nodes=True))
    with pytest.raises(InputError, match="nodes=True"):
        plot_ir_drop(array.read(np.zeros(5)))
    with pytest.raises(InputError, match="bit, word"):
        plot_ir_drop(array.read(np.zeros(5), nodes=True), line="sense")


def test_currents_are_drawn_against_ideal_ones(array):
    V = np.random.default_rng(1).uniform(0, 0.5, (3, 5))
    readout = array.read(V)
    ax = plot_currents(readout, array)
    assert_allclose(
        ax.collections[0].get_offsets(),
        1e6 * np.column_stack([(V @ array.conductance).ravel(), readout.current.ravel()]),
    )
    assert ax.get_xlabel() == "Current with ideal wires [\N{GREEK SMALL LETTER MU}A]"
    with pytest.raises(InputError, match="readout"):
        plot_currents(readout, Crossbar(np.zeros((5, 6))))
