"""Selectors, the transistor and devices in series compared with closed forms; derivations in README.md."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose
from scipy.special import lambertw

from devices import InputError, Series, Sine, device, simulate


def test_currents_without_memory(evidence):
    for name, volts, wanted in (("resistor", 0.4, 4e-4), ("sinh_cell", 1.0, 6.822479e-5)):
        cell = device(name)
        evidence.figure(cell, f"current at {volts:g} V", cell.current(volts), wanted, rel=1e-7, unit="A")


def test_two_resistors_divide_the_voltage():
    pair = Series(device("resistor", r=1e3), device("resistor", r=3e3))
    assert_allclose(pair.evaluate([0.4, -2.0])[..., 0, :], [[1e-4, 1 / 4e3], [-5e-4, 1 / 4e3]], rtol=1e-15)


@pytest.mark.parametrize("top", [True, False])
def test_a_resistor_and_an_exponential_against_lambert(top):
    """Far above v0, sinh is half an exponential: v = R i + v0 ln(2 i / i0) has i = v0/R W(R i0 / (2 v0) exp(v/v0))."""
    R, i0, v0 = 1e4, 1e-14, 0.05
    parts = [device("resistor", r=R), device("exponential_selector", i0=i0, v0=v0)]
    pair = Series(*(parts if top else parts[::-1]))
    volts = np.array([1.0, 1.5, 3.0, 10.0])
    exact = v0 / R * lambertw(0.5 * R * i0 / v0 * np.exp(volts / v0)).real
    assert_allclose(pair.current(volts), exact, rtol=1e-12)
    assert_allclose(pair.current(-volts), -exact, rtol=1e-12)
    assert_allclose(pair.evaluate(volts)[:, 0, 1], 1.0 / (R + v0 / exact), rtol=1e-10)


def test_a_series_with_an_open_device_is_open():
    pair = Series(device("sinh_cell", g=0.0), device("resistor"))
    assert_allclose(pair.evaluate(1.0)[0], [0.0, 0.0])
    assert_allclose(Series(device("resistor"), device("sinh_cell", g=0.0)).evaluate(-1.0)[0], [0.0, 0.0])
    both = Series(device("sinh_cell", g=0.0), device("exponential_selector", i0=0.0))
    assert_allclose(both.evaluate([0.0, 1.0])[:, 0], 0.0)


@pytest.mark.parametrize(
    ("pair", "held"),
    [
        (Series(device("exponential_selector"), device("wox_scaled_decay", w=0.5)), None),
        (Series(device("threshold_switch", x=0.4), device("vteam", x=1e-9)), None),
        (Series(device("wox_scaled_decay", w=0.4), device("ekv_transistor")), np.array([1.2, -0.1])),
        (Series(device("linear_ion_drift", x=0.3), device("ekv_transistor")), np.array([0.2, 0.0])),
    ],
    ids=["1S1R exponential", "1S1R threshold", "1T1R on", "1T1R off"],
)
def test_derivatives_of_pairs_agree_with_finite_differences(pair, held):
    start = pair.start
    n = start.size
    lower, upper = pair.bounds()
    for volts in (-1.3, 0.6, 1.7):
        table = pair.evaluate(volts, controls=held)
        columns = [
            (pair.evaluate(volts + 1e-6, controls=held) - pair.evaluate(volts - 1e-6, controls=held))[:, 0] / 2e-6
        ]
        for k in range(n):
            step = 1e-6 * (upper - lower)[k] * np.eye(n)[k]
            change = pair.evaluate(volts, start + step, held) - pair.evaluate(volts, start - step, held)
            columns.append(change[:, 0] / (2 * step[k]))
        for k in range(0 if held is None else 2):
            step = 1e-6 * np.eye(2)[k]
            change = pair.evaluate(volts, controls=held + step) - pair.evaluate(volts, controls=held - step)
            columns.append(change[:, 0] / 2e-6)
        numeric = np.array(columns).T
        size = np.abs(table[:, 1:]).max(axis=1, keepdims=True)
        assert np.all(np.abs(table[:, 1:] - numeric) <= 1e-6 * size + 1e-4 * np.abs(numeric))


def test_the_transistor_in_its_limits(evidence):
    cell = device("ekv_transistor")
    beta, vt0, n, ut = (float(cell.parameters[name]) for name in ("beta", "vt0", "slope", "ut"))
    # Weak inversion: i = 2 n beta ut^2 exp((vg - vt0)/(n ut)) (1 - exp(-v/ut)).
    weak = 2 * n * beta * ut**2 * np.exp((0.05 - vt0) / (n * ut)) * (1 - np.exp(-0.1 / ut))
    reached = cell.current(0.1, controls=[0.05, 0.0])
    evidence.figure(
        cell,
        "current 0.3 V below threshold, at 0.1 V",
        reached,
        weak,
        rel=2e-2,
        unit="A",
        source="limit of weak inversion",
    )
    # Strong inversion, saturated: i = beta (vg - vt0)^2 / (2 n); and linear at small v: beta (vg - vt0) v.
    strong, reached = beta * (2.0 - vt0) ** 2 / (2 * n), cell.current(3.0, controls=[2.0, 0.0])
    evidence.figure(
        cell,
        "saturated current at a gate of 2 V",
        reached,
        strong,
        rel=1e-2,
        unit="A",
        source="limit of strong inversion",
    )
    assert_allclose(cell.evaluate(0.0, controls=[2.0, 0.0])[0, 1], beta * (2.0 - vt0), rtol=1e-2)


def test_exchanging_drain_and_source_reverses_the_current():
    cell = device("ekv_transistor")
    volts = np.linspace(-1.5, 1.5, 7)
    there = cell.current(volts, controls=[1.2, -0.3])
    swapped = np.stack([1.2 - volts, -0.3 - volts], axis=-1)
    assert_allclose(cell.current(-volts, controls=swapped), -there, rtol=1e-12, atol=1e-20)


def test_an_exponential_selector_has_its_published_selectivity(evidence):
    cell = device("exponential_selector")
    reached = cell.current(2.0) / cell.current(1.0)
    note = "the set's voltages have four digits"
    evidence.figure(cell, "selectivity at 2 V", reached, 1e4, rel=0.01, source="published selectivity", note=note)
    assert_allclose(cell.current(2.0), 1e-4, rtol=0.02)


def test_a_threshold_switch_closes_and_opens_at_the_exact_times(evidence):
    cell = device("threshold_switch")
    trace = simulate(cell, Sine(0.6, 1e5, cycles=0.5), samples=2001)
    x = trace.state[:, 0]
    closing, closed = trace.time[np.argmax(x > 1e-3)], trace.time[np.argmax(x >= 1.0)]
    note = "measured along a sine of 0.6 V, between thresholds of finite width"
    source = "published time"
    evidence.figure(cell, "time to close", closed - closing, 75e-9, rel=0.1, unit="s", source=source, note=note)
    assert abs(float(trace.voltage[np.argmax(x > 1e-3)]) - 0.3) < 0.01
    opening = trace.time[len(x) - np.argmax(x[::-1] >= 1.0) - 1]
    opened = trace.time[-1] if x[-1] > 0 else trace.time[np.argmax((x <= 0.0) & (trace.time > opening))]
    assert abs(float(np.interp(opening, trace.time, trace.voltage)) - 0.1) < 0.02
    evidence.figure(cell, "time to open", opened - opening, 250e-9, rel=0.2, unit="s", source=source, note=note)
    leak = float(device("threshold_switch", x=0.0).current(0.1))
    assert_allclose(leak, 1e-14)
    reached = device("threshold_switch", x=1.0).current(0.1) / leak
    evidence.figure(cell, "closed over open", reached, 1e10, rel=1e-7, source="published selectivity")


def test_series_of_devices_can_be_ensembles_with_new_initial_states():
    w = np.linspace(0.1, 0.9, 6).reshape(2, 3)
    pair = Series(device("exponential_selector"), device("wox_scaled_decay", w=w))
    assert pair.shape == (2, 3)
    assert pair.state_names == ("bottom.w",)
    again = pickle.loads(pickle.dumps(pair.with_start(np.full((2, 3, 1), 0.5))))
    assert_allclose(again.start, 0.5)
    assert_allclose(again.current(2.0), Series(pair.top, device("wox_scaled_decay", w=0.5)).current(2.0))
    assert pair.current(2.0).shape == (2, 3)


def test_invalid_series_are_refused():
    transistor = device("ekv_transistor")
    with pytest.raises(InputError, match="bottom: got ekv_transistor and ekv_transistor, which both have a gate"):
        Series(device("ekv_transistor"), device("ekv_transistor"))
    with pytest.raises(InputError, match="bottom: got float"):
        Series(device("resistor"), 1.0)
    with pytest.raises(InputError, match="broadcast"):
        Series(device("resistor", r=np.ones(2)), device("resistor", r=np.ones(3)))
    with pytest.raises(InputError, match="controls: got none; allowed: voltages of gate, bulk"):
        transistor.current(1.0)
    with pytest.raises(InputError, match="ekv_transistor, with gate, bulk"):
        simulate(transistor, Sine(1.0, 1.0))


@pytest.mark.parametrize(("gate", "volts"), [(-3.0, 1.0), (-1.0, 0.5), (0.2, 0.1), (0.35, 1e-3), (200.0, 100.0)])
def test_the_transistor_is_exact_from_far_below_to_far_above_threshold(gate, volts):
    """Compared with the textbook form in thirty digits; exp((200 V - vt0) / (2 n ut)) overflows in double precision."""
    cell = device("ekv_transistor")
    point = {p.symbol: sympy.Rational(float(cell.parameters[p.name])) for p in cell.model.parameters}
    point |= {cell.model.voltage: sympy.Rational(volts)}
    point |= {c.symbol: sympy.Rational(v) for c, v in zip(cell.model.controls, (gate, 0.0), strict=True)}
    wanted = float(sympy.N(cell.model.current.rewrite(sympy.exp).subs(point), 30))
    table = cell.evaluate(volts, np.empty(0), [gate, 0.0])
    assert table[0, 0] == pytest.approx(wanted, rel=2e-14)
    slope = cell.model.current.rewrite(sympy.exp).diff(cell.model.voltage)
    assert table[0, 1] == pytest.approx(float(sympy.N(slope.subs(point), 30)), rel=2e-13)
