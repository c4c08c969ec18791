"""TEAM and VTEAM: rates of the code defaults, both resistance laws, and the double-exponential windows."""

import numpy as np
import pytest

from devices import Constant, device, simulate

LAWS = ["team", "team_exponential", "team_kvatinsky", "team_exponential_kvatinsky"]


@pytest.mark.parametrize("name", ["team", "team_exponential"])
def test_rate_at_1_mA_matches_the_reference_value(evidence, name):
    cell = device(name, r_on=100.0, r_off=200e3)
    state = np.array([[0.5e-9], [2e-9]])
    volts = 1e-3 / cell.current(1.0, state)
    resistance = 1.0 / cell.current(1.0, state)
    np.testing.assert_allclose(cell.current(1e-3 * resistance, state), 1e-3, rtol=1e-14)
    for x, reached in zip(state[:, 0], cell.rates(volts, state)[:, 0], strict=True):
        evidence.figure(cell, f"dx/dt at 1 mA, x = {1e9 * x:g} nm", reached, 3.64608e-10, rel=2e-6, unit="m/s")


def test_resistance_laws(evidence):
    for name, middle in (("team", 0.5 * (50 + 1e3)), ("team_exponential", np.sqrt(50 * 1e3))):
        cell = device(name, r_on=50.0, r_off=1e3)
        resistance = 1.0 / cell.current(1.0, [[0.0], [1.5e-9], [3e-9]])
        np.testing.assert_allclose(resistance, [50.0, middle, 1e3], rtol=1e-14)
    linear, exponential = device("vteam"), device("vteam_exponential")
    middle = 1 / exponential.current(1.0, [1.5e-9])
    evidence.figure(
        exponential, "resistance half way", middle, np.sqrt(50 * 1e3), rel=1e-14, unit="ohm",
        source="geometric mean, as e^lambda = r_off/r_on",
    )  # fmt: skip
    assert linear.rates(1.0, [1e-9]) == exponential.rates(1.0, [1e-9])


@pytest.mark.parametrize("name", LAWS)
def test_nothing_moves_between_the_thresholds(name):
    cell = device(name)
    state = np.linspace(0, 3e-9, 7)[:, None]
    resistance = 1.0 / cell.current(1.0, state)
    assert (cell.rates(114.9e-6 * resistance, state) == 0.0).all()
    assert (cell.rates(-8.8e-6 * resistance, state) == 0.0).all()
    assert (cell.rates(116e-6 * resistance, state)[:-1] > 0.0).all()
    assert (cell.rates(-9e-6 * resistance, state)[1:] < 0.0).all()


def test_windows_close_as_printed():
    """exp(-exp((x - a_off)/w_c)) for off, exp(-exp((a_on - x)/w_c)) for on; 1/e at their edges."""
    plain = device("team_exponential")
    edges = {"a_off": 1.2e-9, "a_on": 1.0e-9, "w_c": 0.5e-9}
    windowed = device("team_exponential_kvatinsky", **edges)
    x = np.linspace(0.2e-9, 2.8e-9, 14)[:, None]
    for volts, argument in ((1.0, (x - 1.2e-9) / 0.5e-9), (-1.0, (1.0e-9 - x) / 0.5e-9)):
        want = plain.rates(volts, x) * np.exp(-np.exp(argument))
        np.testing.assert_allclose(windowed.rates(volts, x), want, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["team_kvatinsky", "team_exponential_kvatinsky"])
def test_a_window_far_outside_is_a_subnormal_number(evidence, name):
    """Biolek et al., IEEE Access 9, 30247 (2021), warn of its underflow."""
    fast = {"k_off": 1e30, "r_off": 101.0, "r_on": 100.0}
    x = [[1.2e-9 + 6.6 * 0.1e-9]]
    cell = device(name, a_off=1.2e-9, w_c=0.1e-9, **fast)
    share = cell.rates(1.0, x) / device(name.removesuffix("_kvatinsky"), **fast).rates(1.0, x)
    evidence.figure(
        cell, "window exp(-exp(6.6))", share, 5.7e-320, rel=0.01, source="Biolek et al. 2021, two digits",
        note="5.65e-320, a subnormal double; from 7 on the exponent is held and the window is 0",
    )  # fmt: skip


@pytest.mark.parametrize("w_c", [1e-15, 1.07e-12, 107e-12, 1e-6])
def test_windows_stay_finite_whatever_their_width(w_c):
    cell = device("team_kvatinsky", w_c=w_c)
    table = cell.evaluate(np.array([-3.0, 3.0])[:, None], np.linspace(0, 3e-9, 31)[None, :, None])
    assert np.isfinite(table).all()


def test_windows_of_the_technion_code_hold_the_state_between_them():
    cell = device("team_exponential_kvatinsky", a_off=1.2e-9, a_on=2.0e-9, x=1.6e-9)
    for volts in (5.0, -5.0):
        assert abs(float(simulate(cell, Constant(volts, 1e-3)).state[-1, 0]) - 1.6e-9) < 0.1e-9


def test_linear_team_turns_on_at_the_time_of_the_closed_form():
    """With alpha_on = 1 and i far above the threshold, dx/dt = -c / R(x); the time is the integral of R dx / c."""
    cell = device("team", alpha_on=1.0, i_on=-1e-15, k_on=-1e-16, x=3e-9)
    speed = 1e-16 * 1.0 / 1e-15
    wanted = 3e-9 * (1e3**2 - 50.0**2) / (2 * 950.0 * speed)
    trace = simulate(cell, Constant(-1.0, 1.1 * wanted))
    assert trace.bound_time[0, 0] == pytest.approx(wanted, rel=1e-7)
