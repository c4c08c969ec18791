"""The search of a fit, and its confidence intervals: of the linearised model, or from the profile likelihood."""

import numpy as np
import pytest
from scipy import stats

from devices import Measured, fit
from devices.fitting.intervals import confidence_intervals, infer
from devices.fitting.least_squares import LeastSquares
from devices.fitting.search import Descent, Search, noise_like
from devices.fitting.search_space import SearchSpace


def waves(noise, seed=0, count=60):
    """A sine of unknown frequency, whose misfit has an optimum in every few hertz; in the form that a search takes."""
    time = np.linspace(0, 1, count)

    def predict(names, values, tolerance):
        return np.sin(2 * np.pi * values[:, :1] * time)

    data = np.sin(2 * np.pi * 17.0 * time) + noise * np.random.default_rng(seed).standard_normal(count)
    return LeastSquares(SearchSpace(("f",), np.array([1.0]), np.array([25.0])), predict, data, np.ones(count), 1e-10)


def test_a_search_goes_on_until_several_starts_agree():
    problem = waves(0.1)
    start = problem.space.unit({"f": 3.0})
    agreed = 0
    for seed in range(40):
        found = Search(problem, start, 4, np.random.default_rng(seed), progress=False)
        if found.agreeing >= 2:
            agreed += 1
            assert problem.space.values(found.optima[0].unit) == pytest.approx(17.0, abs=0.05)
            assert noise_like(problem.residuals(found.optima[0].unit))
    assert agreed >= 20, "of 300 searches 71 % agree; the others say that they did not converge"


def test_residuals_are_tested_for_noise():
    rng = np.random.default_rng(1)
    assert sum(noise_like(rng.standard_normal(200)) for _ in range(400)) >= 398
    assert sum(noise_like(rng.standard_normal(9)) for _ in range(400)) >= 398
    noise = rng.standard_normal(200)
    assert not noise_like(noise + np.sin(np.linspace(0, 6, 200)))
    assert not noise_like(noise + 8.0 * (np.arange(200) == 77))


def test_the_ends_of_a_profile_interval_have_the_misfit_of_the_quantile():
    # A decay seen at 8 points with much noise: the misfit over ln tau is far from a parabola.
    time = np.geomspace(0.05, 3.0, 8)
    fixed = {"g0": 1e-5, "g_end": 0.0, "beta": 1.0}
    data = 1e-5 * (np.exp(-time / 6.0) + 0.15 * np.random.default_rng(0).standard_normal(8))
    found = fit("stretched_exponential", Measured.retention(time, data), {"tau": (0.01, 100.0)}, fixed=fixed)
    assert found.profiled == ("tau",)
    assert found.converged
    assert found.adequate

    def misfit(tau):
        return np.sum((1e-5 * np.exp(-time / tau) - data) ** 2)

    least = misfit(found.values["tau"])
    low, high = found.intervals["tau"]
    for end in (low, high):
        assert (misfit(end) / least - 1) * 7 == pytest.approx(stats.t.ppf(0.975, 7) ** 2, rel=0.1)
    assert found.contains(tau=low * 1.02)
    assert not found.contains(tau=low * 0.95)
    assert not found.contains(tau=high * 1.1)


def bent(height, count=50, noise=0.02, seed=3):
    """Half the points show ``height(a) + b``, half ``b``: where height stops rising with a, b alone is determined."""
    truth = np.repeat([height(0.7) + 0.5, 0.5], count)

    def predict(names, values, tolerance):
        a, b = values[:, :1], values[:, 1:]
        return np.concatenate([np.repeat(height(a) + b, count, axis=1), np.repeat(b, count, axis=1)], axis=1)

    data = truth + noise * np.random.default_rng(seed).standard_normal(2 * count)
    return LeastSquares(SearchSpace(("a", "b"), np.zeros(2), np.ones(2)), predict, data, np.ones(2 * count), 1e-10)


def intervals(problem, *places, seed=0):
    best, *others = (Descent(np.array(p), float(problem.costs(np.array([p]))[0]), 1, "") for p in places)
    unit = best.unit
    found = infer(
        problem.residuals(unit), problem.jacobian(unit), 0 * problem.jacobian(unit), problem.signal, unit, ("a", "b"),
        sigma_known=False, loss="linear", scale=1.0,
    )  # fmt: skip
    return confidence_intervals(problem, [best, *others], found, 0.95, True, np.random.default_rng(seed))


def test_an_interval_does_not_stop_before_a_plateau():
    # Along the ridge of the linear model, on which b falls as a rises, the misfit grows as the parabola says; but from
    # a = 0.5 on it does not grow at all with a.
    problem = bent(lambda a: np.minimum(a, 0.5))
    a, b = 0.4999, problem.observed[50:].mean()
    problem.observed[:50] += a + b - problem.observed[:50].mean()
    found = intervals(problem, (a, b))
    assert 0 in found.profiled
    assert found.individual[0] == pytest.approx([a - 2 * 0.02 * np.sqrt(2 / 50), 1.0], abs=2e-3)
    assert found.individual[1] == pytest.approx([b - 2 * 0.02 / np.sqrt(50), b + 2 * 0.02 / np.sqrt(50)], abs=2e-3)
    assert not found.undetermined


def test_data_that_give_only_a_limit_give_a_one_sided_interval():
    problem = bent(lambda a: np.minimum(a, 0.5))
    b = float(np.mean([problem.observed[:50].mean() - 0.5, problem.observed[50:].mean()]))
    on_the_plateau = intervals(problem, (0.8, b))
    assert on_the_plateau.individual[0, 1] == 1.0
    assert 0.49 < on_the_plateau.individual[0, 0] < 0.5
    assert not on_the_plateau.undetermined
    nowhere = intervals(bent(lambda a: 0.5 + 0 * a), (0.8, 0.5))
    assert nowhere.undetermined == {0: "it has no effect on these data"}


def test_another_optimum_on_the_same_plateau_belongs_to_the_interval():
    def height(a):
        return np.minimum(a, 0.5) + 3e-3 * np.sin(40 * a)

    problem = bent(height)
    b = float(np.mean([problem.observed[:50].mean() - 0.5, problem.observed[50:].mean()]))
    found = intervals(problem, (0.62, b), (0.87, b))
    assert not found.undetermined
    assert found.individual[0, 1] == 1.0
    ditch = bent(lambda a: height(a) - np.exp(-(((a - 0.75) / 0.02) ** 2)))
    assert intervals(ditch, (0.62, b), (0.87, b)).undetermined == {0: "another optimum fits as well with another value"}


def each_half_shows(*heights, count=50, noise=0.02, truth=(0.7, 0.5)):
    """Half the points show a function of a, half one of b."""

    def predict(names, values, tolerance):
        return np.concatenate(
            [np.repeat(h(values[:, k : k + 1]), count, axis=1) for k, h in enumerate(heights)], axis=1
        )

    data = predict((), np.array([truth]), 0.0)[0] + noise * np.random.default_rng(3).standard_normal(2 * count)
    return LeastSquares(SearchSpace(("a", "b"), np.zeros(2), np.ones(2)), predict, data, np.ones(2 * count), 1e-10)


def test_an_insensitive_parameter_does_not_change_the_intervals_of_others():
    def kinked(b):
        return b + 3 * np.maximum(b - 0.5, 0)

    alone = each_half_shows(lambda a: 0 * a + 1, kinked)
    limited = each_half_shows(lambda a: np.minimum(a, 0.5), kinked)
    best = 0.5 + min(alone.observed[50:].mean() - 0.5, 0.0)
    dead = intervals(alone, (0.8, best))
    assert dead.undetermined == {0: "it has no effect on these data"}
    assert dead.joint_factor == pytest.approx(stats.t.ppf(0.975, 99), rel=1e-6), "one parameter is determined, not two"
    assert intervals(limited, (0.8, best)).joint_factor > 1.2 * dead.joint_factor
    for seed in range(20):
        assert intervals(alone, (0.8, best), seed=seed).individual[1] == pytest.approx(dead.individual[1], abs=1e-3)


def test_another_optimum_is_named_where_the_parameter_is_insensitive_at_the_best():
    def terraces(a):
        return np.interp(a, [0.0, 0.2, 0.4, 0.6, 0.85, 0.95, 1.0], [1.0, 0.5, 0.5, 1.0, 0.5, 0.5, 1.0])

    problem = each_half_shows(terraces, lambda b: b, truth=(0.3, 0.5))
    b = problem.observed[50:].mean()
    assert intervals(problem, (0.3, b)).individual[0] == pytest.approx([0.2, 0.4], abs=0.01)
    assert intervals(problem, (0.3, b), (0.9, b)).undetermined == {0: "another optimum fits as well with another value"}


def test_two_optima_without_noise_are_named():
    problem = each_half_shows(lambda a: (a - 0.5) ** 2, lambda b: b, noise=0.0)
    assert intervals(problem, (0.7, 0.5), (0.3, 0.5)).undetermined == {
        0: "another optimum fits as well with another value"
    }
