"""Effects compared with the closed forms of their distributions, spectra and laws; derivations in README.md."""

import numpy as np
import pytest
from scipy import signal, stats
from scipy.special import ndtr

from devices import (
    ArrheniusRate,
    Correlated,
    FlickerNoise,
    Forgetting,
    GivenLevels,
    LogBroadening,
    Lognormal,
    MetalResistance,
    Normal,
    PcmCells,
    PowerLawDrift,
    ProgrammingNoise,
    StuckCells,
    StuckLines,
    TelegraphNoise,
    Truncated,
    UniformLevels,
    WeibullEndurance,
    WhiteNoise,
    apply_effects,
    device,
    spread_parameters,
)

AIHWKIT = "by hand from aihwkit's noise model"
LIMITS = (1e-6, 1e-4)
DAY = 86400.0
N = 200_000


# Spread


@pytest.mark.parametrize(("relative", "sigma"), [(True, 0.1), (False, 2e-6)])
def test_normal(evidence, relative, sigma):
    sample = Normal(sigma, relative).apply(np.full(N, 2e-5), seed=1)
    scale = 2e-6
    evidence.moments(Normal, "relative" if relative else "absolute", sample, 2e-5, scale**2, kurtosis=3)
    evidence.follows(Normal, "relative" if relative else "absolute", sample, stats.norm(2e-5, scale).cdf)


@pytest.mark.parametrize("hold", ["median", "mean"])
def test_lognormal(evidence, hold):
    s = 0.4
    sample = Lognormal(s, hold).apply(np.full(N, 2e-5), seed=2)
    median = 2e-5 * (np.exp(-(s**2) / 2) if hold == "mean" else 1.0)
    law = stats.lognorm(s, scale=median)
    evidence.moments(Lognormal, f"{hold} held", sample, law.mean(), law.var(), kurtosis=float(law.stats("k")) + 3)
    evidence.follows(Lognormal, f"{hold} held", sample, law.cdf)
    evidence.share(Lognormal, f"{hold} held, below its median", sample < median, 0.5)
    if hold == "mean":
        assert law.mean() == pytest.approx(2e-5)


@pytest.mark.parametrize(
    ("a", "b"), [(-1.0, 2.0), (0.5, 0.6), (-np.inf, -3.0), (4.0, np.inf), (30.0, 31.0), (-60, -40)]
)
def test_truncated_normal(evidence, a, b):
    bounds = [None if np.isinf(x) else 1.0 + 0.2 * x for x in (a, b)]
    sample = Truncated(Normal(0.2), *bounds).apply(np.ones(N), seed=3)
    law = stats.truncnorm(a, b)
    scores = (sample - 1.0) / 0.2
    assert scores.min() >= a - 1e-9
    assert scores.max() <= b + 1e-9
    evidence.follows(Truncated, f"normal within {a} to {b} sigma", scores, law.cdf)
    evidence.moments(Truncated, f"normal within {a} to {b} sigma", scores, law.mean(), law.var())


@pytest.mark.parametrize("hold", ["median", "mean"])
def test_truncated_lognormal(evidence, hold):
    s, low, high = 0.8, 1e-5, 3e-5
    spread = Lognormal(s, hold)
    sample = Truncated(spread, low, high).apply(np.full(N, 2e-5), seed=4)
    law = stats.lognorm(s, scale=2e-5 * (np.exp(-(s**2) / 2) if hold == "mean" else 1.0))
    below, above = law.cdf(low), law.cdf(high)
    evidence.follows(
        Truncated,
        f"lognormal, {hold} held",
        sample,
        lambda x: (law.cdf(np.clip(x, low, high)) - below) / (above - below),
    )


def test_truncation_far_outside_the_distribution_changes_nothing():
    given = np.full((50, 40), 2e-5)
    np.testing.assert_allclose(
        Truncated(Lognormal(0.1), 1e-7, 1e-3).apply(given, seed=5), Lognormal(0.1).apply(given, seed=5), rtol=1e-12
    )
    assert Truncated(Lognormal(0.1), 0.0, 1.0).apply([0.0, 0.5], seed=5)[0] == 0.0


@pytest.mark.parametrize("cycles", [0.5, 40.0])
def test_correlated_over_cycles(evidence, cycles):
    cells, s, memory = 40_000, 0.3, f"memory {cycles:g} cycles"
    logs = np.log(Correlated(Lognormal(s), cycles).apply(np.ones((101, cells)), seed=6)) / s
    for k in (0, 1, 100):
        evidence.moments(Correlated, f"{memory}, score in cycle {k}", logs[k], 0.0, 1.0, kurtosis=3)
        evidence.follows(Correlated, f"{memory}, score in cycle {k}", logs[k], "norm")
    for start, lag in ((0, 1), (0, 40), (50, 5)):
        expected = np.exp(-lag / cycles)
        # The mean of products of two normals of correlation r has the variance (1 + r^2) / n.
        error = np.sqrt((1 + expected**2) / cells)
        evidence.score(
            Correlated,
            f"{memory}, correlation over {lag} cycles",
            np.mean(logs[start] * logs[start + lag]),
            expected,
            error,
        )


def test_correlated_draws_keep_a_truncated_distribution(evidence):
    spread = Truncated(Normal(0.3), 0.8, 1.5)
    sample = Correlated(spread, 5.0).apply(np.ones((30, N)), seed=7)[-1]
    evidence.follows(Correlated, "truncated normal", (sample - 1) / 0.3, stats.truncnorm(-0.2 / 0.3, 0.5 / 0.3).cdf)


# Programming


@pytest.mark.parametrize(("target", "sigma"), [(25e-6, 1.05538e-6), (12.5e-6, 0.952705e-6)])
def test_programming_noise_of_phase_change_cells(evidence, target, sigma):
    reached, name = ProgrammingNoise().sigma(target), f"sigma at {1e6 * target:g} uS"
    evidence.figure(ProgrammingNoise, name, reached, sigma, rel=1e-6, unit="S", source=AIHWKIT)
    sample = ProgrammingNoise().apply(np.full(N, target), seed=8)
    evidence.moments(
        ProgrammingNoise,
        f"phase-change cells at {1e6 * target:g} uS",
        sample,
        target,
        float(ProgrammingNoise().sigma(target)) ** 2,
        kurtosis=3,
    )


def test_programming_noise_is_clipped_at_zero(evidence):
    noise = ProgrammingNoise.absolute(1e-6)
    sample = noise.apply(np.full(N, 0.5e-6), seed=9)
    evidence.share(ProgrammingNoise, "absolute, cells at zero", sample == 0.0, stats.norm.cdf(-0.5))
    evidence.follows(
        ProgrammingNoise,
        "absolute, cells above zero",
        sample[sample > 0],
        stats.truncnorm(-0.5, np.inf, 0.5e-6, 1e-6).cdf,
    )
    assert ProgrammingNoise.relative(0.05).sigma(2e-5) == pytest.approx(1e-6)
    assert noise.sigma([0.0, 2e-5]) == pytest.approx(1e-6)


@pytest.mark.parametrize(
    ("time", "at_zero", "at_full"), [("1 s", 0.348, 1.103), ("1 d", 0.701, 2.651), ("2 d", 0.782, 2.677)]
)
def test_programming_noise_of_wan_2022(evidence, time, at_zero, at_full):
    noise = ProgrammingNoise.wan_2022(time)
    for target, sigma in ((0.0, at_zero), (40e-6, at_full)):
        name = f"Wan 2022: sigma after {time} at {1e6 * target:g} uS"
        evidence.figure(
            ProgrammingNoise, name, noise.sigma(target), 1e-6 * sigma, rel=1e-9, unit="S",
            source="by hand from aihwkit's polynomials",
        )  # fmt: skip
    assert (noise.sigma(np.linspace(0, 40e-6, 1001)) > 0).all()


# Noise


def test_densities_of_white_noise(evidence):
    thermal, shot = WhiteNoise("thermal", 0.1, 1e6), WhiteNoise("shot", 0.1, 1e6)
    for noise, expected, name, source in (
        (thermal, 1.28716e-12, "thermal noise of 10 kohm at 300 K", "4 k T G"),
        (shot, 1.79007e-12, "shot noise of 10 uA", "2 q I"),
    ):
        found = np.sqrt(noise.density(1e-4))
        evidence.figure(WhiteNoise, name, found, expected, rel=3e-6, unit="A/sqrt(Hz)", source=source)


def test_barrier_noise_has_both_limits():
    for volts, origin, tolerance in ((1e-4, "thermal", 2e-6), (2.0, "shot", 1e-12)):
        limit, barrier = WhiteNoise(origin, volts, 1e6), WhiteNoise("barrier", -volts, 1e6)
        assert barrier.density(1e-5) == pytest.approx(limit.density(1e-5), rel=tolerance)


@pytest.mark.parametrize("origin", ["thermal", "shot", "barrier"])
def test_white_noise_of_a_read(evidence, origin):
    noise = WhiteNoise(origin, voltage=0.05, bandwidth=1e8)
    sample = noise.apply(np.full(N, 1e-6), seed=10)
    evidence.moments(
        WhiteNoise, f"{origin}, a read", sample, 1e-6, float(noise.density(1e-6)) * 1e8 / 0.05**2, kurtosis=3
    )


def test_flicker_noise_of_a_read(evidence):
    noise = FlickerNoise(1e-4, 1.0, 1e6)
    sample = noise.apply(np.full(N, 1e-5), seed=11)
    evidence.moments(FlickerNoise, "a read", sample, 1e-5, 1e-4 * 1e-10 * np.log(1e6), kurtosis=3)


@pytest.mark.parametrize("f_low", [1e-3, 2.0, 7.3])
def test_flicker_series_has_the_variance_of_its_band(evidence, f_low):
    noise = FlickerNoise(1e-4, f_low, 400.0)
    relative = noise.series(np.full(20_000, 1e-5), 1e-3, 256, seed=12) / 1e-5 - 1.0
    for k in (0, 100, 255):
        evidence.moments(
            FlickerNoise,
            f"series from {f_low:g} Hz, sample {k}",
            relative[k],
            0.0,
            1e-4 * np.log(400.0 / f_low),
            kurtosis=3,
        )


def test_flicker_series_has_the_spectrum_of_one_over_f(evidence):
    noise = FlickerNoise(1e-4, 0.01, 500.0)
    series = noise.series(np.full(400, 3.0), 1e-3, 4096, seed=13)
    f, measured = signal.welch(series, fs=1e3, nperseg=2048, detrend=False, axis=0)
    # The Hann window lets 1/f leak by 0.3 / k^2 at the k-th bin: under 0.2% from the 16th on.
    for k in (16, 32, 64, 128, 256, 512):
        ratio = (measured[k : 2 * k] / noise.density(3.0, f[k : 2 * k])[:, None]).mean(axis=0)
        error = ratio.std() / np.sqrt(ratio.size)
        evidence.score(
            FlickerNoise, f"spectrum over K I^2/f, {f[k]:.0f} to {f[2 * k]:.0f} Hz", ratio.mean(), 1.0, error
        )


def test_a_narrow_band_of_flicker_noise_is_one_wave():
    # 64 samples of 1 ms: waves at multiples of 1 / 128 ms. Half a spacing around the fifth is that wave alone.
    spacing, wave = 1 / 0.128, 5
    noise = FlickerNoise(1e-4, (wave - 0.45) * spacing, (wave + 0.45) * spacing)
    x = noise.series(np.ones(10), 1e-3, 64, seed=33) - 1.0
    assert x.std() > 1e-3
    np.testing.assert_allclose(x[2:] + x[:-2], 2 * np.cos(2 * np.pi * wave / 128) * x[1:-1], atol=1e-14)


def test_flicker_series_is_not_periodic():
    relative = FlickerNoise(1e-4, 1.0, 500.0).series(np.ones(20_000), 1e-3, 64, seed=14) - 1.0
    near, ends = np.mean(relative[0] * relative[1]), np.mean(relative[0] * relative[-1])
    assert ends < 0.8 * near


TELEGRAPH = TelegraphNoise(0.3, tau_high=3e-3, tau_low=1e-3)


def test_telegraph_noise_of_a_read(evidence):
    sample = TELEGRAPH.apply(np.full(N, 2.0), seed=15)
    evidence.share(TelegraphNoise, "in the high state", sample == 2.0, 0.75)
    assert set(np.unique(sample)) == {2.0, 1.4}
    p, step = 0.75, 0.6
    evidence.moments(TelegraphNoise, "a read", sample, 2.0 - step * (1 - p), step**2 * p * (1 - p))


def test_telegraph_steps_are_exact_at_any_length(evidence):
    time = np.cumsum([0.0, 1e-6, 3e-4, 1e-3, 5e-3, 1.0])
    states = TELEGRAPH.series(np.ones(N), time, seed=16) == 1.0
    p, tau = 0.75, 0.75e-3
    assert TELEGRAPH.tau == pytest.approx(tau)
    for k, dt in enumerate(np.diff(time)):
        kept = np.exp(-dt / tau)
        before, after = states[k], states[k + 1]
        evidence.share(TelegraphNoise, f"high stays high over {dt:g} s", after[before], p + (1 - p) * kept)
        evidence.share(TelegraphNoise, f"low turns high over {dt:g} s", after[~before], p * (1 - kept))


def test_telegraph_dwell_times(evidence):
    dt, tau, p = 1e-4, 0.75e-3, 0.75
    high = TELEGRAPH.series(1.0, dt * np.arange(400_000), seed=17) == 1.0
    edges = np.flatnonzero(np.diff(high.astype(int)))
    dwell, upper = np.diff(edges), high[edges[:-1] + 1]
    for name, counts, leave in (("high", dwell[upper], 1 - p), ("low", dwell[~upper], p)):
        q = leave * -np.expm1(-dt / tau)
        evidence.score(
            TelegraphNoise, f"samples in {name}", counts.mean(), 1 / q, np.sqrt((1 - q) / q**2 / counts.size)
        )
        evidence.share(TelegraphNoise, f"{name} for over 20 samples", counts > 20, (1 - q) ** 20)


def test_telegraph_spectrum(evidence):
    dt = 2e-5
    series = TELEGRAPH.series(np.full(200, 2.0), dt * np.arange(32_768), seed=18)
    f, measured = signal.welch(series, fs=1 / dt, nperseg=8192, axis=0)
    # From a quarter of the corner at 212 Hz to far above it; sampling folds less than 0.3% back below 1.5 kHz.
    for low, high in ((50, 100), (100, 200), (200, 400), (400, 800), (800, 1500)):
        inside = (f >= low) & (f < high)
        ratio = (measured[inside] / TELEGRAPH.density(2.0, f[inside])[:, None]).mean(axis=0)
        evidence.score(
            TelegraphNoise,
            f"spectrum over its closed form, {low} to {high} Hz",
            ratio.mean(),
            1.0,
            ratio.std() / np.sqrt(ratio.size),
        )


def test_telegraph_amplitudes_spread(evidence):
    noise = TelegraphNoise(0.2, 1.0, 1.0, spread=Truncated(Lognormal(0.5), 0.0, 1.0))
    sample = 1.0 - noise.apply(np.ones(N), seed=19)
    law = stats.lognorm(0.5, scale=0.2)
    evidence.follows(
        TelegraphNoise, "amplitudes from cell to cell", sample[sample > 0], lambda x: law.cdf(x) / law.cdf(1.0)
    )


# Time


def test_drift_at_the_mean_exponent(evidence):
    drifted = PowerLawDrift(time=DAY + 20.0, nu=0.049, t0=20.0).apply([25e-6], seed=0)
    name = "phase-change drift to one day at nu = 0.049"
    evidence.figure(
        PowerLawDrift, name, drifted / 25e-6, 0.663524, rel=1e-6, source=AIHWKIT,
        note="time counts from programming: a day of inference is 86420 s",
    )  # fmt: skip


def test_mean_of_drift_is_not_drift_at_the_mean(evidence):
    nu, s, t = 0.06, 0.03, 1e7
    sample = PowerLawDrift(t, nu, spread=Normal(s, relative=False)).apply(np.ones(N), seed=20)
    length = np.log(t)
    mean = t**-nu * np.exp(0.5 * (s * length) ** 2)
    evidence.score(
        PowerLawDrift,
        "mean of t^-nu over a spread of nu",
        sample.mean(),
        mean,
        mean * np.sqrt(np.expm1((s * length) ** 2) / N),
    )
    assert mean > 1.1 * t**-nu
    evidence.follows(PowerLawDrift, "exponents", (-np.log(sample) / length - nu) / s, "norm")


def test_the_same_seed_gives_the_same_exponents():
    spread = Normal(0.03, relative=False)
    early, late = (PowerLawDrift(t, 0.06, spread=spread).apply(np.ones(50), seed=3) for t in (1e2, 1e4))
    np.testing.assert_allclose(early**2, late)


@pytest.mark.parametrize("time", [1.0, DAY, 10 * 365 * DAY])
def test_logarithmic_broadening(evidence, time):
    sample = LogBroadening(time).apply(np.full(N, 40e-6), seed=21)
    mean = 40e-6 - 0.08900206e-6 * np.log(time)
    sigma = 0.41183342e-6 + 0.04201137e-6 * np.log(time)
    evidence.moments(LogBroadening, f"after {time:.3g} s", sample, mean, sigma**2, kurtosis=3)


def test_forgetting(evidence):
    times = np.array([0.0, 0.5, 10.0, 100.0])
    evidence.figure(
        Forgetting, "share left after tau", Forgetting(10.0, 10.0).apply(1.0), np.exp(-1.0), rel=1e-12,
        source="closed form",
    )  # fmt: skip
    evidence.figure(
        Forgetting, "share left after 10 tau, stretched by 0.4", Forgetting(100.0, 10.0, beta=0.4).apply(1.0),
        np.exp(-(10.0**0.4)), rel=1e-12, source="closed form",
    )  # fmt: skip
    single = [Forgetting(t, tau=10.0).apply(0.8) for t in times]
    np.testing.assert_allclose(single, 0.8 * np.exp(-times / 10.0))
    stretched = [Forgetting(t, tau=10.0, beta=0.4, rest=0.2).apply(0.8) for t in times]
    np.testing.assert_allclose(stretched, 0.2 + 0.6 * np.exp(-((times / 10.0) ** 0.4)))


def test_forgetting_equals_the_decay_of_the_wox_model(evidence):
    cell = device("wox_scaled_decay")
    tau = float(cell.parameters["tau"] / cell.parameters["lam"])
    rate = cell.rates(0.0, [0.5])[0]
    step = 1e-6 * tau
    forgotten = (Forgetting(step, tau).apply(0.5) - 0.5) / step
    evidence.figure(
        Forgetting, "rate at 0.5, tau of the WOx set over lam", forgotten, rate, rel=1e-5, unit="1/s",
        source="state law of wox_scaled_decay at 0 V",
    )  # fmt: skip


# Phase-change cells


def test_numbers_of_the_phase_change_set(evidence):
    cells = PcmCells(time=21.0)
    figures = [
        ("programming sigma at 25 uS", cells.programming.sigma(25e-6), 1.05538e-6, "S"),
        ("programming sigma at 12.5 uS", cells.programming.sigma(12.5e-6), 0.952705e-6, "S"),
        ("mean nu at 1.25 uS", cells.nu_mean(1.25e-6), 0.070834, ""),
        ("mean nu at 6.25 uS", cells.nu_mean(6.25e-6), 0.049, ""),
        ("mean nu at 25 uS", cells.nu_mean(25e-6), 0.049, ""),
        ("mean nu at 0", cells.nu_mean(0.0), 0.1, ""),
        ("sigma of nu at 0", cells.nu_sigma(0.0), 0.045, ""),
        ("sigma of nu at 25 uS", cells.nu_sigma(25e-6), 0.008, ""),
        ("read sigma over G, 1 s of inference, 25 uS", cells.read_sigma(25e-6), 0.0368689, ""),
    ]
    for name, reached, expected, unit in figures:
        evidence.figure(PcmCells, name, reached, expected, rel=5e-6, unit=unit, source=AIHWKIT)
    # Below g = (0.0088 / 0.2)^(1 / 0.65) the read noise is capped.
    low = 25e-6 * (0.0088 / 0.2) ** (1 / 0.65)
    assert cells.read_sigma(low / 2) == pytest.approx(cells.read_sigma(0.0))


def test_parts_of_the_phase_change_set(evidence):
    target = np.full(N, 12.5e-6)
    programmed = PcmCells(drift_scale=0.0, read_scale=0.0).apply(target, seed=22)
    evidence.moments(PcmCells, "programmed to 12.5 uS", programmed, 12.5e-6, (0.952705e-6) ** 2, kurtosis=3)
    read = PcmCells(time=21.0, programming_scale=0.0, drift_scale=0.0).apply(target, seed=23)
    noise = 0.0368689 * 2**0.65
    evidence.moments(PcmCells, "read after 21 s at 12.5 uS", read, 12.5e-6, (noise * 12.5e-6) ** 2, kurtosis=3)


def test_drift_of_the_phase_change_set(evidence):
    # nu = |m + s z| is a folded normal, whose moment generating function is known.
    g, time = 1e-6, 1e9
    cells = PcmCells(time, programming_scale=0.0, read_scale=0.0)
    m, s, u = float(cells.nu_mean(g)), float(cells.nu_sigma(g)), np.log(time / 20.0)

    def moment(k):
        x = -k * u
        return np.exp(0.5 * (s * x) ** 2 + m * x) * ndtr(m / s + s * x) + np.exp(0.5 * (s * x) ** 2 - m * x) * ndtr(
            -m / s + s * x
        )

    share = cells.apply(np.full(N, g), seed=24) / g
    evidence.score(
        PcmCells, "mean drift to 1e9 s at 1 uS", share.mean(), moment(1), np.sqrt((moment(2) - moment(1) ** 2) / N)
    )
    evidence.follows(PcmCells, "exponents at 1 uS", -np.log(share) / u, stats.foldnorm(m / s, scale=s).cdf)


# Temperature


def test_arrhenius(evidence):
    rate = ArrheniusRate(0.6, 350.0, 300.0)
    # 8.617333262e-5 eV/K is the CODATA value.
    expected = np.exp(0.6 / 8.617333262e-5 * (1 / 300 - 1 / 350))
    name = "rate at 350 K over 300 K, 0.6 eV"
    evidence.figure(ArrheniusRate, name, rate.apply(1.0), expected, rel=1e-8, source="closed form")
    assert rate.retention_time(1e8) * rate.apply(1.0) == pytest.approx(1e8)
    there_and_back = ArrheniusRate(0.6, 300.0, 350.0).apply(rate.apply(1.0))
    assert there_and_back == pytest.approx(1.0, rel=1e-12)


def test_metal(evidence):
    reached, name = MetalResistance(393.0).apply(719.2437), "719.2437 ohm, 100 K hotter at 3.92e-3 /K"
    evidence.figure(MetalResistance, name, reached, 719.2437 * 1.392, rel=1e-12, unit="ohm", source="closed form")


# Levels, faults, endurance


@pytest.mark.parametrize("count", [2, 5, 16])
def test_uniform_levels(evidence, count):
    low, high = LIMITS
    given = np.random.default_rng(25).uniform(low, high, N)
    found = UniformLevels(count).apply(given, LIMITS)
    np.testing.assert_allclose(np.unique(found), np.linspace(low, high, count))
    np.testing.assert_array_equal(UniformLevels(count).apply(found, LIMITS), found)
    half = 0.5 * (high - low) / (count - 1)
    assert np.abs(found - given).max() <= half * (1 + 1e-12)
    evidence.moments(UniformLevels, f"{count} levels, rounding error", found - given, 0.0, half**2 / 3, kurtosis=1.8)


def test_given_levels_are_the_nearest(evidence):
    levels = np.array([1e-6, 2e-6, 7e-6, 5e-5])
    given = np.random.default_rng(26).uniform(0, 8e-5, 1000)
    nearest = levels[np.argmin(np.abs(given[:, None] - levels), axis=1)]
    found = GivenLevels(tuple(levels[::-1])).apply(given)
    far = np.abs(found - nearest).max()
    evidence.figure(
        GivenLevels, "farthest from the nearest level, of 1000 cells", far, 0.0, abs=0.0, unit="S",
        source="search through all levels",
    )  # fmt: skip


def test_stuck_cells(evidence):
    """At the shares reported for a 4-Mb array."""
    found = StuckCells(p_stuck_lrs=0.0904, p_stuck_hrs=0.0175).apply(np.full(N, 5e-5), LIMITS, seed=34)
    for place, value, share in (("low", LIMITS[1], 0.0904), ("high", LIMITS[0], 0.0175), ("no", 5e-5, 0.8921)):
        evidence.share(StuckCells, f"stuck in {place} resistance", found == value, share)


def test_stuck_lines(evidence):
    effect = StuckLines(p_word_lrs=0.1, p_word_hrs=0.05, p_bit_lrs=0.02, p_bit_hrs=0.2)
    found = effect.apply(np.full((500, 40, 30), 5e-5), LIMITS, seed=27)
    low, high = LIMITS
    # With 40 free word lines no bit line is all at one limit by chance, and the other way round but for the bit lines.
    for p, value in ((0.02, high), (0.2, low)):
        evidence.share(StuckLines, f"bit lines at {value:g} S", (found == value).all(axis=-2), p)
    free = ~np.isin(found, LIMITS).all(axis=-2)
    words = np.where(free[:, None, :], found, np.nan)
    for p, value in ((0.1, high), (0.05, low)):
        evidence.share(StuckLines, f"word lines at {value:g} S", np.nanmax(np.abs(words - value), axis=-1) == 0.0, p)


@pytest.mark.parametrize(("cycles", "beta"), [(1e9, 0.7), (1e10, 1.5), (2e10, 3.0)])
def test_endurance(evidence, cycles, beta):
    effect = WeibullEndurance(cycles, beta=beta, p_lrs=0.3)
    law = stats.weibull_min(beta, scale=1e10)
    evidence.follows(WeibullEndurance, f"lifetimes, slope {beta:g}", effect.lifetimes((N,), seed=28), law.cdf)
    found = effect.apply(np.full(N, 5e-5), LIMITS, seed=28)
    evidence.share(WeibullEndurance, f"slope {beta:g}, failed by {cycles:g} cycles", found != 5e-5, law.cdf(cycles))
    evidence.share(
        WeibullEndurance, f"slope {beta:g}, failed at low resistance", found[found != 5e-5] == LIMITS[1], 0.3
    )
    np.testing.assert_array_equal(found != 5e-5, effect.lifetimes((N,), seed=28) < cycles)
    later = WeibullEndurance(2 * cycles, beta=beta, p_lrs=0.3).apply(np.full(N, 5e-5), LIMITS, seed=28)
    np.testing.assert_array_equal(later[found != 5e-5], found[found != 5e-5])


# Several in a row


def test_effects_are_independent(evidence):
    logs = np.log(apply_effects(np.ones(N), [Lognormal(0.3), Lognormal(0.4)], seed=29))
    evidence.moments(Lognormal, "ln of two in a row", logs, 0.0, 0.25, kurtosis=3)
    # One after the other by hand: the first alone has its own part in the sum.
    first = np.log(apply_effects(np.ones(N), [Lognormal(0.3)], seed=29))
    evidence.score(
        Lognormal,
        "ln of two in a row, covariance of the parts",
        np.mean(first * (logs - first)),
        0.0,
        0.3 * 0.4 / np.sqrt(N),
    )


def test_an_additional_effect_does_not_change_the_draws_of_the_others():
    given = np.full((60, 50), 2e-5)
    stuck, spread, drift = StuckCells(0.1, 0.1), Lognormal(0.2), PowerLawDrift(10.0, 0.1)

    def run(*effects):
        return apply_effects(given, effects, seed=30, limits=LIMITS)

    places = np.isin(run(stuck), LIMITS)
    assert 0.1 < places.mean() < 0.3
    np.testing.assert_array_equal(np.isin(run(spread, stuck), LIMITS), places)
    np.testing.assert_array_equal(run(spread, stuck)[~places], run(spread)[~places])
    np.testing.assert_array_equal(run(spread, drift), drift.apply(run(spread), 0))


def test_spread_of_the_parameters_of_a_device(evidence):
    cell = device("vteam")
    shape = (200, 100)
    r_on = float(cell.parameters["r_on"])
    many = spread_parameters(cell, {"r_on": Lognormal(0.1), "r_off": Normal(0.05)}, shape, seed=31)
    assert many.shape == shape
    evidence.follows(Lognormal, "r_on of a VTEAM ensemble", many.parameters["r_on"], stats.lognorm(0.1, scale=r_on).cdf)
    alone = spread_parameters(cell, {"r_on": Lognormal(0.1)}, shape, seed=31)
    np.testing.assert_array_equal(alone.parameters["r_on"], many.parameters["r_on"])
    # Each cell's conductance in the on state is that of its own resistance.
    np.testing.assert_allclose(alone.current(0.1, cell.bounds()[0]), 0.1 / alone.parameters["r_on"])


def test_effects_on_one_parameter_are_applied_in_order():
    cell = device("vteam")
    hot = ArrheniusRate(0.3, 350.0)
    many = spread_parameters(cell, {"k_off": [hot, Lognormal(0.1)], "x": Normal(0.0)}, (5,), seed=32)
    just = spread_parameters(cell, {"k_off": [Normal(0.0), Lognormal(0.1)]}, (5,), seed=32)
    np.testing.assert_allclose(many.parameters["k_off"], hot.factor * just.parameters["k_off"])
