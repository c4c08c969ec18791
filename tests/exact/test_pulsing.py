"""Counted pulses compared with closed forms, with pulses over time and in an array; statistics of their noise."""

import numpy as np
import pytest

from crossbar import Crossbar, Programmer, Pulse
from devices import Constant, CycleNoise, InputError, apply_pulses, device, parameter_sets, pulse_train, simulate

AFFINE = [(m, s) for m in ("linear_step_synapse", "neurosim_synapse") for s in parameter_sets(m)]


@pytest.mark.parametrize("pulses", [1, 7, 60, -1, -7, -60])
@pytest.mark.parametrize(("model", "name"), AFFINE)
def test_pulses_over_time_equal_counted_pulses(model, name, pulses):
    lower, upper = (float(b[0]) for b in device(model, name).bounds())
    start = lower + 0.45 * (upper - lower)
    cell = device(model, name, **{device(model, name).state_names[0]: start})
    trace = simulate(cell, pulse_train(cell, pulses), samples=2, tolerance=1e-13)
    counted = apply_pulses(cell, cell.start, pulses)
    assert abs(trace.state[-1, 0] - counted[0]) < 1e-9 * (upper - lower)
    assert abs(counted[0] - start) > 1e-4 * (upper - lower)


@pytest.mark.parametrize("gamma", [0.0, 1e-9, 1e-4, 0.01, 0.3, 1.0])
def test_a_pulse_of_nominal_width_is_one_published_step(gamma):
    cell = device("linear_step_synapse", dw_up=0.05, dw_down=0.03, gamma_up=gamma, gamma_down=gamma, w=0.2)
    for volts, wanted in (
        (1.0, 0.2 + 0.05 * (1 - gamma * 0.2 / 1.1724)),
        (-1.0, 0.2 - 0.03 * (1 + gamma * 0.2 / 0.8276)),
    ):
        state = simulate(cell, Constant(volts, 1e-6), samples=2, tolerance=1e-13).state[-1, 0]
        assert state == pytest.approx(wanted, abs=1e-10)
        assert apply_pulses(cell, [0.2], int(volts))[0] == pytest.approx(wanted, abs=1e-15)


def test_the_rate_is_continuous_where_its_series_expansion_begins():
    below, above = (
        device("linear_step_synapse", dw_up=1e-3, w_max=1.0, gamma_up=g).rates(1.0, [0.0])[0]
        for g in (1 - 1e-14, 1 + 1e-14)
    )
    assert below == pytest.approx(above, rel=1e-12)
    assert below == pytest.approx(-np.log1p(-1e-3) / 1e-6, rel=1e-12)


def test_soft_bounds_in_closed_form(evidence):
    n = np.arange(0, 400)
    cell = device("linear_step_synapse", "reram_gong")
    for pulses, start, wanted in (
        (399, -0.4, 1.25 - (1.25 + 0.4) * (1 - 0.002 / 1.25) ** 399),
        (-399, 0.4, -0.75 + (0.75 + 0.4) * (1 - 0.002 / 0.75) ** 399),
    ):
        reached = apply_pulses(cell, [start], pulses)[0]
        evidence.figure(cell, f"w after {pulses:+d} pulses from {start:g}", reached, wanted, abs=1e-13,
                        source="soft bounds in closed form")  # fmt: skip
    after = apply_pulses(cell, [[-0.4]] * 400, n)[:, 0]
    np.testing.assert_allclose(after, 1.25 - (1.25 + 0.4) * (1 - 0.002 / 1.25) ** n, atol=1e-13)
    after = apply_pulses(device("linear_step_synapse", "reram_gong"), [[0.4]] * 400, -n)[:, 0]
    np.testing.assert_allclose(after, -0.75 + (0.75 + 0.4) * (1 - 0.002 / 0.75) ** n, atol=1e-13)


def test_equal_steps_stop_at_the_bounds():
    cell = device("linear_step_synapse", gamma_up=0.0, gamma_down=0.0, dw_up=0.1, dw_down=0.1)
    after = apply_pulses(cell, [[0.0]] * 5, [3, 11, 12, -8, -9])[:, 0]
    np.testing.assert_allclose(after, [0.3, 1.1, 1.1724, -0.8, -0.8276], rtol=1e-14)


def test_power_step_as_counted_pulses_and_over_time(evidence):
    """Counted pulses take the published steps; over time, the flow increases u^-1 by dw/range in each pulse."""
    cell = device("power_step_synapse", w=-0.8)
    u, share = 0.9, 0.01 / 2
    for n in (1, 50):
        discrete = u
        for _ in range(n):
            discrete -= share * discrete**2
        reached = apply_pulses(cell, [-0.8], n)[0]
        evidence.figure(
            cell,
            f"w after {n} pulses from -0.8",
            reached,
            1 - 2 * discrete,
            abs=1e-14,
            source="the published recursion",
        )
        flow = 1 - 2 / (1 / u + n * share)
        assert simulate(cell, pulse_train(cell, n), samples=2, tolerance=1e-13).state[-1, 0] == pytest.approx(
            flow, abs=1e-9
        )
    step, flow = (1 - 2 * (u - share * u**2)), 1 - 2 / (1 / u + share)
    assert step - flow == pytest.approx(2 * 0.01**2 * u**3 / (2 * 2), rel=0.02), "as the model's validity says"


def test_a_programming_pulse_is_one_update_and_a_half_selected_cell_has_none():
    cell = device("linear_step_synapse", "reram_array_om", w=np.full((3, 4), -0.5))
    array = Crossbar(cell)
    programmer = Programmer(array, scheme="V/2", tolerance=1e-12)
    effect = programmer.pulse(1, 2, Pulse(1.0, 1e-6))
    assert programmer.state[1, 2, 0] == pytest.approx(apply_pulses(cell, cell.start, 1)[1, 2, 0], abs=1e-9)
    assert effect.disturb(1, 2) == 0.0


CELLS = 40_000


def test_additive_noise_is_an_autoregression(evidence):
    """With soft bounds var = (sigma dw)^2 (1 - r^2n)/(1 - r^2) with r = 1 - dw/w_max."""
    cell, n, r = device("linear_step_synapse", "reram_array_om", dw_up=0.01), 40, 0.99
    after = apply_pulses(cell, np.full((CELLS, 1), -0.5), n, 5, c2c=CycleNoise(0.8))[:, 0]
    variance = (0.8 * 0.01) ** 2 * (1 - r ** (2 * n)) / (1 - r**2)
    evidence.moments(CycleNoise, "additive, 40 pulses towards a soft bound", after, 1 - 1.5 * r**n, variance)


def test_multiplicative_noise_of_equal_steps_is_a_random_walk(evidence):
    cell = device("linear_step_synapse", gamma_up=0.0, gamma_down=0.0)
    after = apply_pulses(cell, np.zeros((CELLS, 1)), -30, 6, c2c=CycleNoise(2.0, "multiplicative"))[:, 0]
    variance = (2.0 * 0.002) ** 2 * 30
    evidence.moments(CycleNoise, "multiplicative, 30 equal steps", after, -30 * 0.002, variance)


def test_multiplicative_noise_keeps_the_mean_of_the_closed_form(evidence):
    """Of u = w* - w: E[u_n] = (1-q)^n u_0 and E[u_n^2] = ((1-q)^2 + (q sigma)^2)^n u_0^2."""
    cell = device("linear_step_synapse", "ecram_tang", dw_up=0.02)
    q, n = 0.02 * 0.1153 / 1.1724, 25
    end = 1.1724 / 0.1153
    after = apply_pulses(cell, np.full((CELLS, 1), -0.3), n, 7, c2c=CycleNoise(0.3, "multiplicative"))[:, 0]
    u0 = end + 0.3
    mean = u0 * (1 - q) ** n
    variance = u0**2 * ((1 - q) ** 2 + (0.3 * q) ** 2) ** n - mean**2
    evidence.moments(CycleNoise, "multiplicative, 25 steps that shrink", after, end - mean, variance)


def test_accumulated_noise_grows_with_the_root_of_the_number_of_pulses(evidence):
    cell = device("neurosim_synapse")
    for n, seed in ((1, 8), (9, 9)):
        noise = CycleNoise.published(cell)
        after = apply_pulses(cell, np.full((CELLS, 1), 0.4), n, seed, c2c=noise)[:, 0]
        mean = float(apply_pulses(cell, [0.4], n)[0])
        evidence.moments(CycleNoise, f"accumulated, {n} pulses of NeuroSim's set", after, mean, 0.035**2 * n)


def test_noise_of_a_set_pulse_grows_with_the_conductance(evidence):
    cell = device("pcm", "demirag")
    for g, seed in ((5e-6, 10), (9e-6, 11)):
        start = np.tile([g, 0.0], (CELLS, 1))
        after = apply_pulses(cell, start, 1, seed, c2c=CycleNoise.published(cell))[:, 0]
        mean, sigma = g + 0.892e-6 - 0.084 * g, 0.575e-6 + 0.09 * g
        evidence.moments(CycleNoise, f"additive, a SET pulse of phase change at {1e6 * g:g} uS", after, mean, sigma**2)


def test_noise_follows_the_seed_stays_inside_bounds_and_affects_only_pulsed_cells():
    cell = device("linear_step_synapse", "reram_array_hfo2", dw_up=np.array([0.1, 0.4, 0.9]))
    pulses = np.array([[5, 0, -3], [0, 2, 0]])
    noise = CycleNoise(1.0)
    first, again, other = (apply_pulses(cell, np.zeros((2, 3, 1)), pulses, seed, c2c=noise) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (np.abs(first) <= 1).all()
    assert (first[pulses == 0] == 0).all()
    assert (first[pulses != 0] != 0).all()


@pytest.mark.parametrize(("call", "match"), [
    (lambda: apply_pulses(device("vteam"), [0.0], 1), "has a pulse_update"),
    (lambda: apply_pulses(device("linear_step_synapse"), [0.0], 1.5), "pulses: got float64"),
    (lambda: apply_pulses(device("linear_step_synapse"), [9.0], 1), "state: got a state out of its bounds"),
    (lambda: apply_pulses(device("linear_step_synapse"), [[0.0]] * 3, [1, 2]), "shapes that broadcast"),
    (lambda: apply_pulses(device("linear_step_synapse"), [0.0], 1, c2c=CycleNoise(1.0)), "seed: got None"),
    (lambda: CycleNoise(-1.0), "std: got -1"),
    (lambda: CycleNoise(1.0, "pink"), "kind: got 'pink'"),
    (lambda: CycleNoise(1.0, "multiplicative", slope=0.1), "slope: got 0.1"),
    (lambda: CycleNoise.published(device("power_step_synapse")), "sets with noise"),
    (lambda: pulse_train(device("linear_step_synapse"), 0), "pulses: got 0"),
    (lambda: pulse_train(device("linear_step_synapse"), 3, amplitude=0.5), "amplitude: got 0.5"),
    (lambda: pulse_train(device("linear_step_synapse", v_up=[0.5, 0.6]), 3), "spread of v_up"),
])  # fmt: skip
def test_bad_input_is_refused(call, match):
    with pytest.raises(InputError, match=match):
        call()
