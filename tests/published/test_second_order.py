"""Second-order Ta2O5-x: temperature in closed form, and the effect of residual heat on later pulses (shape only)."""

import numpy as np
import pytest

from devices import Constant, Pulses, device, simulate

WIDTH, VOLTS = 0.5e-6, 1.2


def test_temperature_in_closed_form(evidence):
    cell = device("second_order_ta2o5", rate=0.0)
    trace = simulate(cell, Constant(1.0, 3e-6), samples=31)
    power = 3e-4 + 7e-4 * 0.2
    wanted = 300.0 - 3e5 * power * np.expm1(-trace.time / 0.5e-6)
    np.testing.assert_allclose(trace.state[:, 1], wanted, atol=1e-9 * 1200)
    evidence.figure(
        cell, f"temperature after {trace.time[-1]:.3g} s at 1 V", trace.state[-1, 1], wanted[-1], abs=1e-9 * 1200,
        unit="K", source="closed form at constant power",
    )  # fmt: skip


def test_the_rate_follows_arrhenius(evidence):
    cell = device("second_order_ta2o5")
    rates = cell.rates(1.0, [[0.5, 300.0], [0.5, 400.0], [0.5, 500.0]])[:, 0]
    reached = np.log(rates[1] / rates[0])
    note = "published numbers were not obtained: the set gives the shape only"
    evidence.figure(
        cell,
        "ln of dw/dt at 400 K over 300 K",
        reached,
        5800 / 300 - 5800 / 400,
        rel=1e-12,
        source="Arrhenius",
        note=note,
    )
    assert np.log(rates[2] / rates[1]) == pytest.approx(5800 / 400 - 5800 / 500, rel=1e-12)


def paired(gap: float) -> float:
    """Growth by the second of two pulses divided by the growth by the first."""
    edge = 1e-9
    wave = Pulses(VOLTS, width=WIDTH, period=WIDTH + 2 * edge + gap, count=2, edge=edge)
    start, between, end = simulate(
        device("second_order_ta2o5"), wave, samples=[0.0, wave.duration / 2, wave.duration]
    ).state[:, 0]
    return float((end - between) / (between - start))


def test_a_second_pulse_soon_after_the_first_moves_more():
    ratios = [paired(gap) for gap in (0.1e-6, 0.3e-6, 1e-6, 3e-6, 10e-6)]
    assert (np.diff(ratios[:-1]) < 0).all()
    assert ratios[0] > 1.5 * ratios[-1], "residual heat, beyond what the grown filament itself adds"


def test_the_same_pulses_at_a_higher_rate_move_more():
    def grown(period: float) -> float:
        wave = Pulses(1.0, width=WIDTH, period=period, count=10, edge=1e-9)
        return float(np.ptp(simulate(device("second_order_ta2o5"), wave, samples=[0.0, wave.duration]).state[:, 0]))

    assert grown(0.6e-6) > 1.5 * grown(5e-6)


def test_without_heating_the_timing_has_no_effect():
    cell = device("second_order_ta2o5", r_th=1e-3, c_th=1e-3, rate=1e12)

    def grown(period: float) -> float:
        wave = Pulses(VOLTS, width=WIDTH, period=period, count=2, edge=1e-9)
        return float(np.ptp(simulate(cell, wave, samples=[0.0, wave.duration]).state[:, 0]))

    assert grown(0.6e-6) == pytest.approx(grown(10e-6), rel=1e-6)
