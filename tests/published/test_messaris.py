"""Messaris' data-driven model compared with its closed form at constant voltage, computed by log-sum-exp."""

import numpy as np
import pytest

from devices import Constant, device, simulate


def rise(t, start, bound, k, s):
    """ln(e^{k r} + e^{-k s t} (e^{k R0} - e^{k r})) / k, for a start below the bound."""
    decay = np.log(-np.expm1(-k * s * t), where=t > 0, out=np.full_like(t, -np.inf))
    return np.logaddexp(k * bound + decay, k * start - k * s * t) / k


@pytest.mark.parametrize("volts", [0.4, 0.8, 1.5])
def test_rise_at_constant_voltage(evidence, volts):
    k, s = 5.11e-4, 743.47 * np.expm1(6.51 * volts)
    trace = simulate(device("messaris", r=1300.0), Constant(volts, 3 / (k * s)), samples=41)
    wanted = rise(trace.time, 1300.0, 16719.0, k, s)
    np.testing.assert_allclose(trace.state[:, 0], wanted, rtol=2e-8)
    for place in (1, 20, 40):
        evidence.figure(
            device("messaris"), f"resistance at {volts:g} V after {trace.time[place]:.3g} s", trace.state[place, 0],
            wanted[place], rel=2e-8, unit="ohm", source="closed form at constant voltage",
        )  # fmt: skip


@pytest.mark.parametrize("volts", [-0.8, -1.0])
def test_fall_at_constant_voltage(volts):
    """The same law with the resistance and its bound mirrored."""
    k, s = 1.17e-3, 68012.28374 * np.expm1(0.31645 * abs(volts))
    bound = 29304.82557 + 23692.77225 * volts
    start = 16e3
    assert bound > 1280.0
    trace = simulate(device("messaris", r=start), Constant(volts, 1 / (k * s)), samples=41)
    np.testing.assert_allclose(trace.state[:, 0], -rise(trace.time, -start, -bound, k, s), rtol=1e-7)


def test_the_state_tends_to_its_bound_and_does_not_move_beyond_it(evidence):
    trace = simulate(device("messaris"), Constant(1.5, 1.0), samples=3)
    evidence.figure(device("messaris"), "resistance after 1 s at 1.5 V", trace.state[-1, 0], 16719.0, rel=1e-9,
                    unit="ohm", source="it tends to its bound")  # fmt: skip
    assert device("messaris").rates(1.0, [16900.0])[0] == 0.0
    assert device("messaris").rates(-0.5, [16e3])[0] == 0.0, "the bound at -0.5 V is 17.5 kohm"


def test_resistances_of_megohms_do_not_overflow():
    cell = device("messaris", r_off=2e6)  # exp(k R) overflows from 1.4 Mohm on
    assert np.isfinite(cell.evaluate(np.array([-2.0, 2.0])[:, None], np.array([[1.5e3], [2e6]]))).all()


def test_current():
    cell = device("messaris")
    np.testing.assert_allclose(cell.current([1.0, -1.0], [5e3]), [0.24 / 5e3 * np.sinh(3), -0.24 / 5e3 * np.sinh(3)])
    assert cell.evaluate(0.0, [5e3])[0, 1] == pytest.approx(0.24 * 3 / 5e3, rel=1e-14)
