"""Statistics and pictures of sweeps: intervals, axes without effect, tolerances, labels."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from crossbar import (
    Axis,
    Design,
    Output,
    confidence_interval,
    plot_map,
    plot_sweep,
    plot_tolerance,
    summarize_sweep,
    sweep,
    tolerance,
)
from devices import InputError

AXES = (
    Axis("sigma", (0.0, 0.1, 0.2, 0.4), "", "spread"),
    Axis("r", (1.0, 10.0, 100.0), "ohm", "wire resistance"),
    Axis("mapping", ("pairs", "offset")),
)


def accuracy(rng, sigma, r, mapping):
    return 0.95 - sigma**2 - r / 2000 - 0.02 * (mapping == "offset") + 0.01 * rng.normal()


@pytest.fixture(scope="module")
def found():
    return sweep(accuracy, AXES, trials=8)


def test_intervals_of_student(found):
    got = confidence_interval(found, level=0.9)
    trials = found.accuracy.sel(sigma=0.2, r=10.0, mapping="pairs").values
    want = stats.t.interval(0.9, 7, trials.mean(), stats.sem(trials))
    at = got.sel(sigma=0.2, r=10.0, mapping="pairs")
    np.testing.assert_allclose([at.lower, at.upper], want, rtol=1e-12)
    assert int(at.trials) == 8


@pytest.mark.parametrize(("method", "least", "most"), [("t", 0.93, 0.97), ("bootstrap", 0.92, 0.97)])
def test_intervals_cover_the_mean_as_often_as_they_say(method, least, most):
    rng = np.random.default_rng(0)
    draws = xr.DataArray(rng.normal(size=(1500, 10)), dims=("k", "trial"), name="accuracy")
    data = draws.to_dataset().assign(status=(("k", "trial"), np.ones((1500, 10), np.int8)))
    got = confidence_interval(data, method=method)
    assert least < float(((got.lower < 0.0) & (got.upper > 0.0)).mean()) < most


def test_differences_of_paired_trials(found):
    got = confidence_interval(found, reference={"r": 1.0})
    np.testing.assert_allclose(got["mean"].sel(r=100.0), -99 / 2000, rtol=1e-9)
    assert float((got.upper - got.lower).max()) < 1e-12
    with pytest.raises(InputError, match=r"reference: got .*paired=True"):
        confidence_interval(sweep(accuracy, AXES, trials=2, paired=False), reference={"r": 1.0})
    for reference in ({"r": 2.0}, {"x": 1.0}, {"mapping": "slices"}):
        with pytest.raises(InputError):
            confidence_interval(found, reference=reference)


def test_one_trial_has_no_interval():
    got = confidence_interval(sweep(accuracy, AXES))
    assert got.lower.isnull().all()
    assert got["mean"].notnull().all()


def test_failed_trials_are_left_out_of_means():
    def evaluate(rng, a):
        if rng.random() < 0.5:
            raise ValueError("half")
        return a

    data = sweep(evaluate, {"a": (1, 2)}, trials=20)
    got = confidence_interval(data)
    assert got["mean"].values.tolist() == [1.0, 2.0]
    assert int(got.trials[0]) == int((data.status[0] == 1).sum()) < 20


def test_axes_that_moved_nothing():
    def evaluate(rng, used, held, unread, noisy):
        return used + 0 * held + 0.1 * rng.normal() + 1e-4 * noisy * rng.normal()

    axes = {"used": (0, 1), "held": (1, 2), "unread": (1, 2, 3), "noisy": (0, 1)}
    summary = summarize_sweep(sweep(evaluate, axes, trials=6))
    assert set(summary.unmoved) == {"held", "unread", "noisy"}
    assert summary.unmoved["unread"] == "evaluate does not read its argument unread"
    assert "same number at all of its values" in summary.unmoved["held"]
    assert "within the noise of 6 trials" in summary.unmoved["noisy"]
    assert str(summary).count("warning: ") == 3


def test_how_often_the_warning_is_given():
    """About 95 % of axes without effect, and few of those with one."""

    def evaluate(rng, a, b):
        return 0.02 * b + 0.02 * rng.normal() + 0.0 * a

    silent, loud = 0, 0
    for seed in range(60):
        data = sweep(evaluate, {"a": (1, 2, 3), "b": (0, 1)}, trials=8, seed=seed, paired=False)
        unmoved = summarize_sweep(data).unmoved
        silent += "a" in unmoved
        loud += "b" in unmoved
    assert silent >= 51
    assert loud <= 25


def test_one_trial_says_nothing_about_noise():
    assert summarize_sweep(sweep(accuracy, AXES)).unmoved == {}


@pytest.mark.parametrize("sign", [1, -1])
def test_tolerances_of_falling_and_rising_outputs(sign):
    x = (0.1, 0.2, 0.3, 0.5)
    found = tolerance(
        sweep(lambda rng, a: -sign * a + 0.01 * rng.normal(), {"a": x}, trials=30, seed=1), "a", -sign * 0.25
    )
    assert found.falling == (sign == 1)
    value, lower, upper = (float(found.result[n]) for n in ("value", "lower", "upper"))
    assert lower < 0.25 < upper
    assert lower < value < upper
    assert upper - lower == pytest.approx(4 * 0.01 / np.sqrt(30), rel=0.4)
    assert ("at most" if sign == 1 else "at least") in str(found)


def test_the_interval_of_a_tolerance_covers_it():
    inside = 0
    for seed in range(30):
        data = sweep(lambda rng, a: -a + 0.02 * rng.normal(), {"a": (0.0, 0.2, 0.4)}, trials=12, seed=seed)
        result = tolerance(data, "a", -0.3).result
        inside += bool(result.lower <= 0.3 <= result.upper)
    assert inside >= 26


def test_tolerances_beyond_the_axis(found):
    easy, hard = (tolerance(found, "sigma", target) for target in (0.1, 0.99))
    assert np.isposinf(easy.result.value).all()
    assert np.isneginf(hard.result.value).all()
    assert "r = 1.0, mapping = pairs: accuracy of 0.1 is kept at all values of sigma" in str(easy)
    assert "is reached at no value of sigma" in str(hard)


def test_a_tolerance_over_the_logarithm():
    data = sweep(lambda rng, r: -np.log10(r), {"r": (1.0, 10.0, 1000.0)}, trials=3)
    assert float(tolerance(data, "r", -2.0).result.value) == pytest.approx(100.0)
    assert float(tolerance(data, "r", -2.0, scale="linear").result.value) == pytest.approx(505.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"axis": "mapping"}, "axis: got 'mapping'"),
        ({"axis": "x"}, "axis: got 'x'"),
        ({"axis": "sigma", "scale": "log"}, "scale: got 'log'"),
        ({"axis": "r", "level": 2.0}, "level"),
        ({"axis": "r", "name": "x"}, "name: got 'x'"),
    ],
)
def test_refused_tolerances(found, options, message):
    with pytest.raises(InputError, match=message):
        tolerance(found, **{"target": 0.9, **options})


def test_too_few_trials_for_a_tolerance():
    with pytest.raises(InputError, match="trials: got 2"):
        tolerance(sweep(accuracy, AXES, trials=2), "r", 0.9)


def test_a_map_shows_means_in_their_own_unit(found):
    ax = plot_map(found, select={"mapping": "pairs"})
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Wire resistance [ohm]", "Spread")
    assert ax.get_title(loc="left") == "mapping = pairs"
    mean = found.accuracy.sel(mapping="pairs").mean("trial")
    np.testing.assert_allclose(ax.images[0].get_array(), mean)
    half = confidence_interval(found).upper.sel(mapping="pairs") - mean
    assert ax.texts[0].get_text() == f"{float(mean[0, 0]):.4f}\n± {float(half[0, 0]):.4f}"
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "Accuracy"
    averaged = plot_map(found, x="sigma", y="mapping")
    assert averaged.get_title(loc="left") == "Average over r"


def test_units_of_outputs_are_written():
    data = sweep(
        lambda rng, a: {"energy": 1e-12 * a}, {"a": (1, 2)}, trials=2, outputs=[Output("energy", "J", "energy")]
    )
    ax = plot_map(data)
    assert ax.images[0].get_array().shape == (1, 2)
    assert ax.figure.axes[1].get_ylabel() == "Energy [J]"
    assert plot_sweep(data).get_ylabel() == "Energy [J]"


def test_a_map_of_differences_is_centred_on_zero(found):
    ax = plot_map(found, x="r", y="sigma", select={"mapping": "pairs"}, reference={"r": 1.0})
    low, high = ax.images[0].get_clim()
    assert low == -high
    assert ax.get_title(loc="left") == "Difference from r = 1 ohm\nmapping = pairs"


def test_failed_points_are_shown_as_failed():
    def evaluate(rng, a, b):
        if a == b == 2:
            raise ValueError("no")
        return a + rng.random()

    data = sweep(evaluate, {"a": (1, 2), "b": (1, 2)}, trials=3)
    assert [t.get_text() for t in plot_map(data).texts][-1] == "failed"
    assert np.isnan(plot_sweep(data, x="a").lines[-1].get_ydata()[1]), "no mean over what did not fail"


def test_curves_have_a_band_and_trials(found):
    ax = plot_sweep(found, select={"r": 1.0, "mapping": "pairs"})
    assert len(ax.lines) == 8 + 1
    got = confidence_interval(found).sel(r=1.0, mapping="pairs")
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), got["mean"])
    corners = ax.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose(corners[:, 1].min(), got.lower.min())
    several = plot_sweep(found, x="r", lines="mapping", select={"sigma": 0.1})
    assert several.get_xscale() == "log"
    assert [t.get_text() for t in several.get_legend().get_texts()] == ["pairs", "offset"]
    assert [t.get_text() for t in plot_sweep(found, x="mapping").get_xticklabels()] == ["pairs", "offset"]


def test_points_of_a_design_are_drawn_over_a_parameter():
    data = sweep(lambda rng, a, b: a + b + rng.random(), Design({"a": (0.0, 1.0), "b": (0.0, 1.0)}, 8), trials=3)
    ax = plot_sweep(data, x="b")
    assert sorted(ax.lines[0].get_xdata()) == sorted(data.b.values)


def test_a_tolerance_is_drawn_where_it_is(found):
    ax = plot_tolerance(found, "sigma", 0.9, select={"r": 1.0, "mapping": "pairs"})
    want = float(tolerance(found, "sigma", 0.9).result.value.sel(r=1.0, mapping="pairs"))
    assert any(np.allclose(line.get_xdata(), want) for line in ax.lines)
    assert "needs sigma at most" in ax.get_title(loc="left")


@pytest.mark.parametrize(
    ("draw", "options"),
    [
        (plot_map, {"x": "z"}),
        (plot_map, {"x": "r", "y": "r"}),
        (plot_map, {"name": "error"}),
        (plot_map, {"select": {"r": 3.0}}),
        (plot_sweep, {"lines": "sigma"}),
        (plot_sweep, {"x": "trial"}),
        (plot_sweep, {"level": 0.0}),
    ],
)
def test_refused_pictures(found, draw, options):
    with pytest.raises(InputError):
        draw(found, **options)


def test_an_output_of_several_numbers_is_refused_with_advice():
    data = sweep(lambda rng, a: np.ones(3) * a, {"a": (1, 2)})
    with pytest.raises(InputError, match=r"dataset.isel\(accuracy_0=0\)"):
        plot_sweep(data, name="accuracy")
    assert len(plot_sweep(data.isel(accuracy_0=0)).lines) == 1
