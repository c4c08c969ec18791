"""What the pictures are handed, not how they look."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import LogNorm
from numpy.testing import assert_allclose

from crossbar import (
    FLOATING,
    Bias,
    Crossbar,
    Programmer,
    Ramp,
    Wires,
    plot_cell_voltage,
    plot_conductance,
    plot_currents,
    plot_ir_drop,
    plot_programming,
    plot_transient,
    write_verify,
)
from devices import Pulses, device
from devices.common.errors import InputError


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
    assert "[µS]" in label(ax)
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
    assert ax.get_xlabel() == "Current with ideal wires [µA]"
    with pytest.raises(InputError, match="readout"):
        plot_currents(readout, Crossbar(np.zeros((5, 6))))


def test_cell_voltage_is_word_line_minus_bit_line(array):
    solution = array.solve(Bias.read(np.full(5, 0.2)))
    _, ax = plt.subplots()
    assert plot_cell_voltage(solution, ax=ax) is ax
    assert_allclose(picture(ax), 1e3 * (solution.word_line_voltage - solution.bit_line_voltage))
    assert label(ax) == "Cell voltage [mV]"
    assert ax.images[0].get_clim() == (picture(ax).min(), picture(ax).max())
    assert "driver corner" not in [text.get_text() for text in ax.texts]  # a bias may drive any side
    with pytest.raises(InputError, match="one vector"):
        plot_cell_voltage(array.solve(Bias.read(np.ones((2, 5)))))


def test_cell_voltages_of_both_signs_are_centred(array):
    low, high = plot_cell_voltage(array.solve(Bias.read([0.2, -0.5, 0.1, 0.1, 0.1]))).images[0].get_clim()
    assert low == -high < 0


@pytest.fixture(scope="module")
def trace():
    wires = Wires(10.0, 10.0, crossing_capacitance=1e-15)
    words = [Pulses(0.2, 1e-9, 2e-9, edge=1e-10), 0.0, FLOATING]
    return Crossbar(np.full((3, 4), 1e-4), wires).simulate(Bias(word_left=words, bit_bottom=0.0), times=21)


def test_transient_has_the_sign_of_a_read_and_a_curve_for_each_line(trace):
    _, ax = plt.subplots()
    assert plot_transient(trace, ax=ax) is ax
    assert len(ax.lines) == 4
    for line, current in zip(ax.lines, trace.terminal_current["bit_bottom"].T, strict=True):
        assert_allclose(line.get_xdata(), 1e9 * trace.time)
        assert_allclose(line.get_ydata(), -1e6 * current)
    assert ax.get_xlabel() == "Time [ns]"
    assert ax.get_ylabel() == "Current out of the array [µA]"
    assert len({tuple(line.get_color()) for line in ax.lines}) == 4


def test_transient_of_sources_leaves_floating_lines_out(trace):
    ax = plot_transient(trace, side="word_left")
    assert_allclose([line.get_ydata() for line in ax.lines], 1e6 * trace.terminal_current["word_left"].T[:2])
    assert "into the array" in ax.get_ylabel()
    with pytest.raises(InputError, match="float"):
        plot_transient(trace, side="bit_top")
    with pytest.raises(InputError, match="bit_bottom"):
        plot_transient(trace, side="top")


def test_programming_shows_target_result_error_and_pulses():
    cell = device("wox_scaled_decay", w=np.full((2, 3), 0.2))
    target = np.array([[2e-6, 3e-6, 1e-6], [1.7e-6, 4e-6, 2e-6]])
    up, down = Ramp(2.0, 2.5, 0.1, 1e-3), Ramp(-2.0, -2.5, 0.1, 1e-3)
    programmer = Programmer(Crossbar(cell))
    result = write_verify(programmer, target, set_ramp=up, reset_ramp=down, read_voltage=0.3, max_pulses=5)
    axes = plot_programming(result)
    shown = [picture(ax) for ax in axes]
    for values, expected in zip(
        shown, (1e6 * target, 1e6 * result.final, 100 * result.error, result.pulses), strict=True
    ):
        assert_allclose(values, expected)
    assert axes[0].images[0].get_clim() == axes[1].images[0].get_clim()
    low, high = axes[2].images[0].get_clim()
    assert low == -high < 0
    _, given = plt.subplots(2, 2)
    assert all(a is b for a, b in zip(plot_programming(result, given), given.ravel(), strict=True))
    with pytest.raises(InputError, match="four axes"):
        plot_programming(result, given[0])
