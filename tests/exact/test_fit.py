"""Fits of data without noise, and closed forms of confidence intervals and retention; derivations in README.md."""

import numpy as np
import pytest
from scipy import stats

from devices import Measured, Samples, Sine, Triangle, device, fit, fit_population, simulate

TIME = np.geomspace(1.0, 1e5, 60)


def record(model, waveform, **true):
    """Return a loop without noise, and its true parameters and initial states."""
    time = np.linspace(0, waveform.duration, 161)
    trace = simulate(device(model, **true), waveform, samples=time, tolerance=1e-12)
    return Measured.trace(trace.time, trace.voltage, trace.current, waveform=waveform)


def recovers(found, true, rel=1e-6):
    assert found.converged, found.message
    assert not found.undetermined, found.message
    assert found.values == pytest.approx(true, rel=rel)


@pytest.mark.parametrize(
    ("model", "waveform", "true"),
    [
        ("resistor", Triangle(1.0, 1.0), {"r": 4321.0}),
        ("sinh_cell", Triangle(1.0, 1.0), {"g": 3e-5, "v0": 0.31}),
        ("linear_ion_drift", Sine(1.0, 2.0), {"r_off": 12e3, "mu_v": 1.4e-14}),
        ("linear_ion_drift_joglekar", Sine(1.0, 1.6), {"r_on": 150.0, "r_off": 12e3, "mu_v": 1.4e-14, "x": 0.25}),
        ("wox_scaled_decay", Sine(1.2, 0.5, cycles=2), {"delta": 1.7, "eta1": 0.006, "eta2": 3.5, "tau": 3.0}),
    ],
    ids=lambda p: p if isinstance(p, str) else "",
)
def test_noise_free_loops_recover_the_parameters(model, waveform, true):
    recovers(fit(model, record(model, waveform, **true), list(true), starts=4), true)


def test_vteam_from_a_set_and_a_reset_loop_together():
    true = {"k_off": 6e-4, "k_on": -7.0, "v_off": 0.03, "v_on": -0.25, "r_on": 70.0, "r_off": 1.3e3}
    slow, fast = Sine(0.8, 2e6), Samples([0, 2e-7, 2.1e-7, 2.2e-7, 2.3e-7], [1.0, 1.0, 0.0, -0.33, -0.28])
    records = [record("vteam", wave, **true) for wave in (slow, fast)]
    recovers(fit("vteam", records, list(true), starts=4), true)


def test_pulse_train_recovers_the_parameters():
    # Pulses potentiate, the state decays in between; the device is driven by Samples, not by Measured.pulses.
    true = {"eta1": 0.006, "eta2": 3.5, "tau": 3.0}
    cell = device("wox_scaled_decay", **true)
    amplitude, width, period, edge = np.repeat([1.2, 1.0], 15), 0.02, 0.1, 2e-4
    corners = np.array([0.0, edge, edge + width, 2 * edge + width])
    time = (corners + period * np.arange(30)[:, None]).ravel()
    wave = Samples(np.append(time, 3.0), np.append(np.outer(amplitude, [0, 1, 1, 0]).ravel(), 0.0))
    ends = np.minimum(period * np.arange(1, 31), wave.duration)
    trace = simulate(cell, wave, samples=ends, tolerance=1e-12)
    conductance = cell.current(0.4, trace.state) / 0.4
    measured = Measured.pulses(amplitude, width, conductance, period=period, edge=edge, read_voltage=0.4)
    np.testing.assert_allclose(measured.time, ends, rtol=1e-14)
    recovers(fit("wox_scaled_decay", measured, list(true), starts=4), true)


def test_retention_of_a_device_is_its_exponential_decay():
    # Without a voltage w = w0 exp(-lam t / tau), and the conductance is linear in w.
    cell = device("wox_scaled_decay", w=0.7)
    p = {n: float(v) for n, v in cell.parameters.items()}
    time, v = np.linspace(0.0, 8.0, 40), 0.3
    w = 0.7 * np.exp(-p["lam"] * time / 12.0)
    current = (1 - w) * p["alpha"] * (1 - np.exp(-p["beta"] * v)) + w * p["gamma"] * np.sinh(p["delta"] * v)
    found = fit("wox_scaled_decay", Measured.retention(time, current / v, read_voltage=v), ["tau", "w"], starts=4)
    recovers(found, {"tau": 12.0, "w": 0.7})


def test_power_law_retention():
    found = fit("power_law", Measured.retention(TIME, 2e-5 * (TIME / TIME[0]) ** -0.07))
    recovers(found, {"g0": 2e-5, "nu": 0.07}, rel=1e-9)


def test_logarithmic_retention():
    found = fit("logarithmic", Measured.retention(TIME, 2e-5 * (1 - 0.03 * np.log(TIME / 10.0))), fixed={"t0": 10.0})
    recovers(found, {"g0": 2e-5, "slope": 0.03}, rel=1e-9)


def test_stretched_exponential_retention():
    conductance = 3e-6 + 2e-5 * np.exp(-((TIME / 700.0) ** 0.55))
    found = fit("stretched_exponential", Measured.retention(TIME, conductance))
    recovers(found, {"g0": 2.3e-5, "g_end": 3e-6, "tau": 700.0, "beta": 0.55})


def test_interval_of_one_linear_parameter_equals_the_textbook_formula():
    # g0 of a law with nu held at 0 is the mean of the data: its interval is Student's.
    rng = np.random.default_rng(3)
    data = 1e-5 * (1 + 0.02 * rng.standard_normal(12))
    found = fit("power_law", Measured.retention(TIME[:12], data), ["g0"], fixed={"nu": 0.0}, confidence=0.9)
    half = stats.t.ppf(0.95, 11) * data.std(ddof=1) / np.sqrt(12)
    low, high = found.intervals["g0"]
    assert found.values["g0"] == pytest.approx(data.mean(), rel=1e-9)
    # The interval is symmetric in ln g0.
    assert np.log(high / low) == pytest.approx(2 * half / data.mean(), rel=1e-6)
    known = fit("power_law", Measured.retention(TIME[:12], data), ["g0"], fixed={"nu": 0.0}, sigma=2e-7)
    assert np.log(np.divide(*known.intervals["g0"][::-1])) == pytest.approx(
        2 * stats.norm.ppf(0.975) * 2e-7 / np.sqrt(12) / data.mean(), rel=1e-6
    )
    assert known.reduced_chi2 == pytest.approx(np.sum((data - data.mean()) ** 2) / 4e-14 / 11)


def test_covariance_of_a_straight_line_equals_the_textbook_formula():
    # G = g0 (1 - slope ln t): with a = g0, b = -g0 slope this is linear regression of G on ln t.
    rng = np.random.default_rng(4)
    x = np.log(TIME)
    data = 1e-5 * (1 - 0.04 * x) + 1e-7 * rng.standard_normal(x.size)
    bounds = {"g0": (1e-6, 1e-4), "slope": (-0.5, 0.5)}
    found = fit("logarithmic", Measured.retention(TIME, data), bounds, fixed={"t0": 1.0}, sigma=1e-7)
    b, a = np.polyfit(x, data, 1)
    assert found.values == pytest.approx({"g0": a, "slope": -b / a}, rel=1e-8)
    covariance = 1e-14 * np.linalg.inv(np.array([[x.size, x.sum()], [x.sum(), x @ x]]))
    by_line = np.array([[1.0, 0.0], [b / a**2, -1 / a]])
    expected = by_line @ covariance @ by_line.T
    half = stats.norm.ppf(0.975) * np.sqrt(np.diag(expected))
    low, high = found.intervals["slope"]
    assert (high - low) / 2 == pytest.approx(half[1], rel=1e-6)
    assert found.correlation[0, 1] == pytest.approx(expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1]), rel=1e-5)


def test_relative_weighting_weights_each_decade_equally():
    # Relative noise over four decades: the weighted fit sees the slope of the small end, the absolute one does not.
    rng = np.random.default_rng(5)
    factor = 1 + 0.01 * rng.standard_normal(TIME.size)
    measured = Measured.retention(TIME, 1e-4 * TIME**-0.8 * factor)
    widths = []
    for weighting in ("absolute", "relative"):
        found = fit("power_law", measured, {"g0": (1e-6, 1e-2), "nu": (0, 2)}, weighting=weighting, floor=1e-6)
        widths.append(np.ptp(found.intervals["nu"]))
    # Log-linear regression: standard error of nu is 0.01 / sqrt(sum (x - mean)^2).
    x = np.log(TIME)
    expected = 2 * stats.t.ppf(0.975, 58) * factor.std(ddof=2) / np.sqrt(np.sum((x - x.mean()) ** 2))
    assert widths[1] == pytest.approx(expected, rel=0.05)
    assert found.intervals["nu"][0] < 0.8 < found.intervals["nu"][1]


def test_population_of_a_lognormal_sample_equals_the_sample_statistics():
    rng = np.random.default_rng(6)
    logs = rng.multivariate_normal([np.log(1e-5), np.log(2e3)], [[0.09, 0.03], [0.03, 0.04]], size=400)
    found = fit_population({"g": np.exp(logs[:, 0]), "r": np.exp(logs[:, 1]), "v": 1 + 0.1 * rng.standard_normal(400)})
    g = found.marginals["g"]
    assert (g.kind, found.marginals["r"].kind, found.marginals["v"].kind) == ("lognormal", "lognormal", "normal")
    assert np.log(g.center) == pytest.approx(logs[:, 0].mean(), rel=1e-12)
    assert g.spread == pytest.approx(logs[:, 0].std(ddof=1), rel=1e-12)
    ends = 399 * g.spread**2 / stats.chi2.ppf([0.975, 0.025], 399)
    assert g.spread_interval == pytest.approx(np.sqrt(ends))
    assert found.correlation[0, 1] == pytest.approx(np.corrcoef(logs.T)[0, 1], rel=1e-12)
    drawn = found.draw(200_000, 1)
    again = np.log(np.stack([drawn["g"], drawn["r"]]))
    assert again.std(axis=1) == pytest.approx([m.spread for m in (g, found.marginals["r"])], rel=0.01)
    assert np.corrcoef(again)[0, 1] == pytest.approx(found.correlation[0, 1], abs=0.01)
