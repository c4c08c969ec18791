"""Array transients compared with closed forms; derivations in CROSSBAR.md."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossbar import FLOATING, Bias, Crossbar, Short, Wires
from devices import Constant, InputError, Samples, Sine, device, simulate


def ramp(volts: float, edge: float, length: float) -> Samples:
    return Samples([0.0, edge, length], [0.0, volts, volts])


def test_one_cell_charges_its_word_line():
    """C du/dt = (E - u)/R - G u with E a ramp: u = a R' (t - T (1 - exp(-t/T))), T = C R', R' = 1/(1/R + G)."""
    R, G, C, slope = 1e4, 1e-5, 1e-11, 1e6
    array = Crossbar([[G]], Wires(driver=R, word_line_capacitance=C))
    bias = Bias(word_left=Samples([0.0, 1e-6], [0.0, 1.0]), bit_bottom=0.0)
    trace = array.simulate(bias, probes="all", tolerance=1e-9)
    share, T = 1.0 / (1.0 + R * G), C / (1.0 / R + G)
    expected = slope * share * (trace.time - T * (1.0 - np.exp(-trace.time / T)))
    assert_allclose(trace.word_line_voltage[:, 0, 0], expected, atol=1e-9)
    assert_allclose(trace.terminal_current["bit_bottom"][:, 0], -G * expected, atol=1e-9 * G)
    assert_allclose(trace.terminal_current["word_left"][:, 0], (slope * trace.time - expected) / R, atol=1e-10)
    assert trace.energy_error < 1e-8


@pytest.mark.parametrize("crossing", [False, True])
def test_the_slowest_mode_of_a_line_has_its_closed_form(crossing):
    """The smallest eigenvalue of an open RC ladder of n equal segments is 4 sin^2(pi / (4 n + 2)) / (R C)."""
    n, R, C = 6, 1e3, 1e-15
    name = "crossing_capacitance" if crossing else "word_line_capacitance"
    array = Crossbar(np.zeros((1, n)), Wires(word_line=R, **{name: C}))
    rate = 4.0 * np.sin(np.pi / (4 * n + 2)) ** 2 / (R * C)
    length = 14.0 / rate
    times = np.linspace(0.7 * length, length, 9)
    bias = Bias(word_left=ramp(1.0, 1e-3 / rate, length), bit_bottom=0.0)
    trace = array.simulate(bias, times=times, probes=[(0, n - 1)], tolerance=1e-10)
    left = np.log(1.0 - trace.word_line_voltage[:, 0])
    assert_allclose(np.diff(left) / np.diff(times), -rate, rtol=1e-4)


def test_with_ideal_wires_a_cell_equals_the_device_alone():
    cells = device("wox_scaled_decay", w=np.array([[0.3]]))
    wave = Sine(amplitude=1.2, frequency=1.0)
    trace = Crossbar(cells).simulate(Bias(word_left=wave, bit_bottom=0.0), times=41, probes="all", tolerance=1e-9)
    alone = simulate(device("wox_scaled_decay", w=0.3), wave, samples=trace.time, tolerance=1e-11)
    assert_allclose(trace.state[:, 0, 0, 0], alone.state[:, 0], atol=1e-7)
    assert_allclose(trace.cell_current[:, 0, 0], alone.current, atol=1e-6 * np.abs(alone.current).max())


def test_a_state_stops_at_its_bound_and_leaves_it_again():
    """Linear ion drift driven by a triangle stays at the bound while driven towards it, as the device alone does."""
    cells = device("linear_ion_drift", x=np.full((1, 1), 0.8))
    wave = Sine(amplitude=1.0, frequency=0.5)
    trace = Crossbar(cells).simulate(Bias(word_left=wave, bit_bottom=0.0), times=41, probes="all", tolerance=1e-7)
    alone = simulate(device("linear_ion_drift", x=0.8), wave, samples=trace.time, tolerance=1e-11)
    assert alone.state[:, 0].max() == 1.0
    assert_allclose(trace.state[:, 0, 0, 0], alone.state[:, 0], atol=2e-6)


def test_order_of_convergence_is_four():
    rng = np.random.default_rng(0)
    cells = device("wox_scaled_decay", w=rng.uniform(0.1, 0.8, (4, 5)))
    wires = Wires(20.0, 20.0, 100.0, 100.0, word_line_capacitance=1e-6, crossing_capacitance=1e-7)
    bias = Bias(word_left=[Sine(1.0, 1.0), 0.0, 0.3, 0.0], bit_bottom=0.0)
    array = Crossbar(cells, wires)
    ends = [array.simulate(bias, step=1.0 / k, times=[0.0, 1.0]).final_state for k in (20, 40, 80, 640)]
    errors = [np.abs(end - ends[-1]).max() for end in ends[:-1]]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(orders > 3.6), f"orders {orders}, errors {errors}"


def test_energy_balance_with_moving_states_and_capacitance():
    rng = np.random.default_rng(1)
    cells = device("wox_scaled_decay", w=rng.uniform(0.1, 0.8, (4, 4)))
    farads = {"word_line_capacitance": 1e-6, "bit_line_capacitance": 2e-6, "crossing_capacitance": 1e-7}
    wires = Wires(50.0, 50.0, 1e3, 1e3, **farads)
    trace = Crossbar(cells, wires).simulate(Bias(word_left=[Sine(1.0, 1.0), 0.0, 0.0, 0.5], bit_bottom=0.0))
    assert trace.energy["stored"] != 0.0
    assert trace.energy_error < 1e-6


def test_times_of_constant_drive_follow_the_decay():
    """Without voltage the WOx model with scaled decay relaxes as w0 exp(-lam t / tau)."""
    cells = device("wox_scaled_decay", w=np.full((2, 2), 0.5))
    rest = Bias(word_left=Constant(0.0, 2.0), bit_bottom=0.0)
    trace = Crossbar(cells, Wires(1.0, 1.0)).simulate(rest, times=[1.0, 2.0])
    assert trace.time[-1] == 2.0
    lam, tau = (float(cells.parameters[name]) for name in ("lam", "tau"))
    assert_allclose(trace.final_state, 0.5 * np.exp(-lam * 2.0 / tau), rtol=1e-5)


METAL = {"word_line": 2.0, "bit_line": 3.0, "driver": 50.0, "sense": 10.0}
RISE = Samples([0.0, 1e-9, 1e-6], [0.0, 1.0, 1.0])


@pytest.mark.parametrize("shape", [(3, 2), (40, 20)])
def test_a_bit_line_of_open_cells_divides_by_its_capacitances(shape):
    """Half of the rows drive a floating line through c, with g to ground at each row: half of V c / (c + g)."""
    rows, columns = shape
    conductance = np.full(shape, 1e-5)
    conductance[:, 1] = 0.0
    metal = Wires(**METAL, bit_line_capacitance=3e-16, crossing_capacitance=1e-16)
    driven = [RISE] * (rows // 2) + [0.0] * (rows - rows // 2)
    bias = Bias(word_left=driven, bit_bottom=[0.0, FLOATING, *[0.0] * (columns - 2)])
    trace = Crossbar(conductance, metal).simulate(bias, probes="all", tolerance=1e-9)
    assert (trace.bit_line_voltage[0, :, 1] == 0.0).all()
    u = trace.word_line_voltage[-1, :, 1]
    assert_allclose(trace.bit_line_voltage[-1, :, 1], 0.25 * u.mean(), rtol=1e-7)
    assert_allclose(u[: rows // 2], 1.0, atol=0.05)


@pytest.mark.parametrize(
    ("conductance", "metal", "feed"),
    [
        pytest.param(
            [[1e-5, 2e-5], [0.0, 0.0]], {"bit_line_capacitance": 1e-15}, [RISE, FLOATING], id="no capacitance"
        ),
        pytest.param([[0.0, 0.0]], {"crossing_capacitance": 1e-15}, [FLOATING], id="all floats"),
    ],
)
def test_what_nothing_holds_is_refused(conductance, metal, feed):
    sides = {"word_left": feed, "bit_bottom": 0.0 if len(feed) == 2 else [FLOATING, FLOATING]}
    with pytest.raises(InputError, match=r"a floating part: word line \d at column 0"):
        Crossbar(conductance, Wires(**METAL, **metal)).simulate(Bias(**sides), duration=1e-6)


def test_a_short_joins_two_lines_that_capacitance_holds():
    """Both settle at one potential: that of the two lines together."""
    lines = [[1e-5, 1e-5], [0.0, 0.0], [0.0, 0.0]]
    metal = Wires(**METAL, word_line_capacitance=1e-15, crossing_capacitance=1e-15, shorts=(Short("word", 1, 0, 5.0),))
    bias = Bias(word_left=[0.0, FLOATING, FLOATING], bit_bottom=[RISE, 0.0])
    trace = Crossbar(lines, metal).simulate(bias, probes="all", tolerance=1e-9)
    v = trace.bit_line_voltage[-1, 1:, :].mean()
    assert_allclose(trace.word_line_voltage[-1, 1:, :], 0.5 * v, rtol=1e-6)
