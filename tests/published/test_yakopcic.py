"""Yakopcic's model: reference values, and the published properties of its damping."""

import numpy as np
import pytest

from devices import Constant, device, simulate


def test_current_and_rate_match_the_reference_values(evidence):
    cell = device("yakopcic", "knowm_a")
    reached = cell.current(0.5, [1.0])
    evidence.figure(cell, "current at 0.5 V, x = 1", reached, 4.250443e-3, rel=2e-7, unit="A")
    for x in (0.0, 0.1, 0.29999):
        reached = cell.rates(0.5, [x])[0]
        evidence.figure(cell, f"dx/dt at 0.5 V, x = {x:g}", reached, 1900.84, rel=2e-6, unit="1/s")


def test_damping_is_continuous_with_a_kink_and_ends_the_motion():
    cell = device("yakopcic", "knowm_a")
    h = 1e-7
    for volts, x, slopes in ((0.5, 0.3, (0.0, -1 - 1 / 0.7)), (-0.5, 0.5, (5 + 1 / 0.5, 0.0))):
        middle, below, above = (float(cell.rates(volts, [x + d])[0]) for d in (0.0, -h, h))
        size = abs(float(cell.rates(volts, [0.0 if volts > 0 else 1.0])[0]))
        assert middle == pytest.approx(np.sign(volts) * size, rel=1e-12)
        sign = np.sign(volts) * size
        assert (middle - below) / h / sign == pytest.approx(slopes[0], abs=1e-5)
        assert (above - middle) / h / sign == pytest.approx(slopes[1], abs=1e-5)
    assert cell.rates(0.5, [1.0])[0] == 0.0
    assert cell.rates(-0.5, [0.0])[0] == 0.0


def test_no_current_at_zero_state_and_no_motion_between_thresholds(evidence):
    cell = device("yakopcic", "knowm_a")
    largest = np.abs(cell.current(np.linspace(-1, 1, 21), [0.0])).max()
    evidence.figure(cell, "largest current at x = 0", largest, 0.0, abs=0.0, unit="A", source="i is proportional to x")
    assert (cell.rates(np.linspace(-0.15, 0.16, 32), [0.4]) == 0.0).all()


def test_undamped_growth_is_linear_in_time(evidence):
    cell = device("yakopcic", "knowm_a", x=0.0)
    rate = 4000 * (np.exp(0.5) - np.exp(0.16))
    other = device("yakopcic", "knowm_b")
    wanted = 4000 * (np.exp(0.8) - np.exp(0.65))
    reached = other.rates(0.8, [0.1])[0]
    evidence.figure(other, "dx/dt at 0.8 V, x = 0.1", reached, wanted, rel=1e-12, unit="1/s", source="closed form")
    trace = simulate(cell, Constant(0.5, 0.29 / rate), samples=5)
    np.testing.assert_allclose(trace.state[:, 0], rate * trace.time, atol=1e-12)


def test_eta_reverses_the_direction():
    along, against = device("yakopcic", "jo"), device("yakopcic", "jo", eta=-1.0)
    assert along.rates(3.0, [0.1])[0] == pytest.approx(0.005 * (np.exp(3.0) - np.exp(1.5)), rel=1e-12)
    # Shrinking at x = 0.8 > 1 - x_n is undamped.
    assert against.rates(3.0, [0.8])[0] == pytest.approx(-0.005 * (np.exp(3.0) - np.exp(1.5)), rel=1e-12)


def test_the_conductance_does_not_vanish_at_zero_volts():
    table = device("yakopcic", "jo").evaluate(0.0, [0.5])
    assert table[0, 1] == pytest.approx(3.7e-7 * 0.5 * 0.7, rel=1e-14)
