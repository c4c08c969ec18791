"""Metastable switches: reference values of the mean, and the exact statistics of a finite number of switches."""

import numpy as np
import pytest

from devices import Constant, InputError, Pulses, Sine, device, simulate, simulate_switches

TAU, U_T = 1e-4, 1.380649e-23 / 1.602176634e-19 * 298.5


def on_off(volts: float) -> tuple[float, float]:
    """P_on and P_off as printed."""
    return 1 / (1 + np.exp(-(volts - 0.27) / U_T)), 1 - 1 / (1 + np.exp(-(volts + 0.27) / U_T))


def test_probabilities_match_the_reference_values(evidence):
    cell = device("metastable_switch")
    evidence.figure(cell, "P_on at 0.2 V", cell.rates(0.2, [0.0])[0] * TAU, 0.0617265, rel=1e-6)
    evidence.figure(cell, "P_on at 0.27 V", cell.rates(0.27, [0.0])[0] * TAU, 0.5, rel=1e-14)


def test_the_retention_time_at_zero_volts_is_1_81_s(evidence):
    up, down = on_off(0.0)
    cell = device("metastable_switch", x=0.9)
    slope = (cell.rates(0.0, [0.4]) - cell.rates(0.0, [0.6]))[0] / 0.2
    evidence.figure(cell, "time constant at 0 V over tau", 1 / (slope * TAU), 18_096, rel=1e-4)
    evidence.figure(cell, "rate at 0 V, x = 0.5", cell.rates(0.0, [0.5])[0], 0.0, abs=1e-12, unit="1/s",
                    source="it forgets towards P_on/(P_on + P_off) = 1/2")  # fmt: skip
    trace = simulate(cell, Constant(0.0, 8.0), samples=9)
    np.testing.assert_allclose(trace.state[:, 0], 0.5 + 0.4 * np.exp(-(up + down) * trace.time / TAU), atol=1e-9)


@pytest.mark.parametrize("volts", [-0.3, -0.1, 0.02, 0.2, 0.4])
def test_relaxation_at_constant_voltage(volts):
    up, down = on_off(volts)
    share, pace = up / (up + down), (up + down) / TAU
    trace = simulate(device("metastable_switch", x=0.3), Constant(volts, 3 / pace), samples=7)
    np.testing.assert_allclose(trace.state[:, 0], share + (0.3 - share) * np.exp(-pace * trace.time), atol=1e-9)


@pytest.mark.parametrize("volts", [0.0, 0.01])
def test_stationary_mean_variance_and_correlation(evidence, volts):
    n, cells = 200, 4000
    up, down = on_off(volts)
    share, pace = up / (up + down), (up + down) / TAU
    many = device("metastable_switch", x=np.full(cells, 0.5))
    later = 0.7 / pace
    x = simulate_switches(
        many, Constant(volts, 30 / pace + later), switches=n, seed=1, samples=[30 / pace, 30 / pace + later]
    ).state[..., 0]
    variance = share * (1 - share) / n
    # The kurtosis of a binomial share.
    kurtosis = 3 + (1 - 6 * share * (1 - share)) / (n * share * (1 - share))
    what = f"{n} switches at {volts:g} V, share that is on"
    for k, when in enumerate(("at rest", "later")):
        evidence.moments(many, f"{what}, {when}", x[:, k], share, variance, kurtosis)
    # Fisher's transform of a correlation is normal with variance 1/(cells - 3).
    found = np.corrcoef(x.T)[0, 1]
    error = 1 / np.sqrt(cells - 3)
    evidence.score(many, f"{what}, artanh of its correlation", np.arctanh(found), np.arctanh(np.exp(-0.7)), error)


def test_a_single_switch_under_a_moving_voltage(evidence):
    """The probability of being on follows the law of the mean, whatever the number of samples."""
    cells = 20000
    wave = Sine(0.45, 2e3, cycles=0.8)
    many = device("metastable_switch", x=np.zeros(cells))
    wanted = simulate(device("metastable_switch", x=0.0), wave, samples=[0.0, wave.duration]).state[-1, 0]
    for samples, seed in (([0.0, wave.duration], 2), (40, 3)):
        x = simulate_switches(many, wave, switches=1, seed=seed, samples=samples).state[:, -1, 0]
        assert set(np.unique(x)) == {0.0, 1.0}
        evidence.share(many, f"one switch after 0.8 of a sine, seed {seed}", x == 1.0, wanted)


def test_it_tends_to_the_mean_law_as_the_number_grows():
    wave = Sine(0.5, 1e3, cycles=2)
    mean = simulate(device("metastable_switch"), wave, samples=101).state[:, 0]
    cells = device("metastable_switch", x=np.full(50, 0.5))
    spread = [
        np.sqrt(np.mean((simulate_switches(cells, wave, switches=n, seed=4, samples=101).state[..., 0] - mean) ** 2))
        for n in (100, 10_000, 1_000_000)
    ]
    np.testing.assert_allclose(np.divide(spread[:-1], spread[1:]), 10.0, rtol=0.2)
    exact = simulate_switches(
        device("metastable_switch"), wave, switches=10**14, seed=5, samples=101, tolerance=1e-8
    ).state[:, 0]
    assert np.abs(exact - mean).max() < 2e-6


def test_trace_of_an_ensemble():
    cells = device("metastable_switch", tau=np.array([[1e-4], [1e-3]]), x=np.array([0.0, 0.5, 1.0]))
    wave = Pulses(0.4, width=1e-4, period=2e-4, count=2)
    trace = simulate_switches(cells, wave, switches=1000, seed=6, samples=21)
    assert trace.state.shape == (2, 3, trace.time.size, 1)
    np.testing.assert_array_equal(trace.state[..., 0, 0], [[0.0, 0.5, 1.0]] * 2)
    conductance = trace.state[..., 0] / 500 + (1 - trace.state[..., 0]) / 1500
    np.testing.assert_allclose(trace.current, trace.voltage * conductance, rtol=1e-12)
    again = simulate_switches(cells, wave, switches=1000, seed=np.random.default_rng(6), samples=21)
    np.testing.assert_array_equal(trace.state, again.state)
    other = simulate_switches(cells, wave, switches=1000, seed=7, samples=21)
    assert (trace.state != other.state).any()


@pytest.mark.parametrize(("change", "message"), [
    ({"device": device("yakopcic")}, "device: got yakopcic; allowed: a model with one state between 0 and 1"),
    ({"device": device("vteam")}, "device: got vteam"),
    ({"device": device("wox_plain_decay"), "waveform": Constant(-1.0, 1.0)}, "wox_plain_decay, with a rate"),
    ({"device": "mss"}, "device: got str"),
    ({"waveform": 1.0}, "waveform: got float"),
    ({"switches": 0}, "switches: got 0"),
    ({"switches": 10.0}, "switches: got 10.0"),
    ({"seed": None}, "seed: got NoneType"),
    ({"seed": -1}, "seed: got -1"),
    ({"seed": True}, "seed: got bool"),
    ({"tolerance": 0.0}, "tolerance: got 0"),
    ({"samples": [1e-3, 0.5e-3]}, "samples: got"),
])  # fmt: skip
def test_bad_input(change, message):
    arguments = {"device": device("metastable_switch"), "waveform": Constant(0.1, 1e-3), "switches": 10, "seed": 1}
    arguments |= change
    with pytest.raises(InputError, match=message):
        simulate_switches(arguments.pop("device"), arguments.pop("waveform"), **arguments)
