"""Phase-change memory: the drift of aihwkit's noise model, and SET pulses of the simplified Nandakumar model."""

import numpy as np
import pytest

from devices import Constant, Sine, apply_pulses, device, pulse_train, simulate

DAY = 86400.0


def exponent(g: float) -> float:
    cell = device("pcm", g=g)
    fresh, old = cell.current(0.1, [[g, 0.0], [g, 1.0]])
    return float(np.log(fresh / old))


def test_drift_exponents_match_the_reference_values(evidence):
    for g, wanted in ((0.1e-6, 0.1), (0.5e-6, 0.085036), (1.25e-6, 0.070834), (6.25e-6, 0.049), (25e-6, 0.049)):
        source = "by hand from aihwkit's noise model"
        evidence.figure(device("pcm"), f"mean nu at {1e6 * g:g} uS", exponent(g), wanted, abs=5e-7, source=source)


def test_a_day_of_drift(evidence):
    """Time starts at t0 = 20 s after programming, when the conductance is the programmed one."""
    cell = device("pcm", g=25e-6)
    trace = simulate(cell, Constant(0.1, DAY), samples=101)
    conductance = trace.current / trace.voltage
    assert conductance[0] == pytest.approx(25e-6, rel=1e-15)
    evidence.figure(
        cell, "drift to one day at 25 uS", conductance[-1] / 25e-6, 0.663524, abs=1e-6,
        source="by hand from aihwkit's noise model",
        note="nu is that of the programmed conductance; in aihwkit and `PcmCells`, of the target",
    )  # fmt: skip
    np.testing.assert_allclose(conductance, 25e-6 * (1 + trace.time / 20.0) ** -0.049, rtol=1e-8)


def test_drift_obeys_its_equation_of_motion():
    """dG/dt = -(nu/t0) G (G/g)^(1/nu), whose solution is the power law."""
    g, nu, t0 = 25e-6, 0.049, 20.0
    cell = device("pcm", g=g)
    for age in (0.0, 0.5, 5.0, 20.0):
        table = cell.evaluate(0.1, [g, age])
        conductance = table[0, 0] / 0.1
        slope = table[0, 3] / 0.1 * table[2, 0]
        assert slope == pytest.approx(-nu / t0 * conductance * (conductance / g) ** (1 / nu), rel=1e-12)


def test_set_pulses_follow_the_affine_step(evidence):
    cell = device("pcm", "demirag")
    g, path = 0.1, []
    for _ in range(20):
        g += 0.892 - 0.084 * g
        path.append(g)
    after = [apply_pulses(cell, [0.1e-6, 3.0], n)[0] * 1e6 for n in range(1, 21)]
    np.testing.assert_allclose(after, path, rtol=1e-12)
    wanted = 1e-6 * (0.892 / 0.084 - (0.892 / 0.084 - 0.1) * 0.916**20)
    reached = apply_pulses(cell, [0.1e-6, 3.0], 20)[0]
    evidence.figure(cell, "after 20 SET pulses from 0.1 uS", reached, wanted, rel=1e-12, unit="S", source="closed form")
    evidence.figure(cell, "conductance that SET tends to", cell.parameters["g_sat"], 10.6190e-6, rel=1e-5, unit="S")


def test_a_train_of_set_pulses_over_time_gives_the_same_states():
    cell = device("pcm", g=0.1e-6, age=6.0)
    trace = simulate(cell, pulse_train(cell, 12), samples=2, tolerance=1e-12)
    # The last pulse is followed by half a microsecond of drift, which leaves the programmed conductance alone.
    assert trace.state[-1, 0] == pytest.approx(apply_pulses(cell, [0.1e-6, 6.0], 12)[0], abs=1e-9 * 25e-6)
    assert trace.state[-1, 1] < 1e-8, "drift has started anew"


def test_a_reset_pulse_leaves_the_conductance_of_the_melted_state():
    cell = device("pcm")
    after = apply_pulses(cell, [8e-6, 2.0], -1)
    assert after[0] == pytest.approx(0.1e-6 + 7.9e-6 * np.exp(-10.0), rel=1e-12)
    assert after[1] == 0.0
    trace = simulate(device("pcm", g=8e-6), Constant(2.0, 50e-9), samples=2)
    assert trace.state[-1, 0] == pytest.approx(after[0], abs=1e-9 * 25e-6)


def test_reading_does_not_disturb():
    cell = device("pcm", g=5e-6)
    trace = simulate(cell, Sine(0.79, 1e6), samples=11)
    np.testing.assert_array_equal(trace.state[:, 0], 5e-6)
