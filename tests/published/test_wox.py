"""Michigan WOx with the decay outside the rate: its own closed forms."""

import numpy as np
import pytest

from devices import Constant, device, simulate


@pytest.mark.parametrize("volts", [0.0, 0.3, 0.5, -0.2])
def test_growth_and_forgetting_are_exponential(volts):
    cell = device("wox_plain_decay", w=0.4)
    asymptote = 10.0 * 0.018 * np.sinh(4.0 * volts)
    wanted = asymptote + (0.4 - asymptote) * np.exp(-np.linspace(0, 6.0, 13) / 10.0)
    trace = simulate(cell, Constant(volts, 6.0), samples=13)
    np.testing.assert_allclose(trace.state[:, 0], np.maximum(wanted, 0.0), atol=1e-9)


def test_forgetting_takes_tau_itself_and_not_tau_over_lam():
    left = {name: simulate(device(name, w=0.5), Constant(0.0, 10.0), samples=2).state[-1, 0] / 0.5
            for name in ("wox_plain_decay", "wox_scaled_decay")}  # fmt: skip
    assert left["wox_plain_decay"] == pytest.approx(np.exp(-1.0), abs=1e-8)
    assert left["wox_scaled_decay"] == pytest.approx(np.exp(-4.5), abs=1e-8)


@pytest.mark.parametrize(("volts", "wanted"), [(0.3, 0.18 * np.sinh(1.2)), (1.0, 1.0), (-1.0, 0.0)])
def test_steady_state_is_clipped(volts, wanted):
    trace = simulate(device("wox_plain_decay", w=0.5), Constant(volts, 300.0), samples=2)
    assert trace.state[-1, 0] == pytest.approx(wanted, abs=1e-9)


def test_both_forms_have_the_same_current_and_growth():
    plain, scaled = device("wox_plain_decay"), device("wox_scaled_decay")
    volts = np.linspace(-1, 1, 9)
    np.testing.assert_array_equal(plain.current(volts, [0.3]), scaled.current(volts, [0.3]))
    np.testing.assert_allclose(plain.rates(volts, [0.0]), scaled.rates(volts, [0.0]), rtol=1e-14)
    assert plain.rates(1.0, [0.0])[0] == pytest.approx(0.491219, rel=1e-6)
