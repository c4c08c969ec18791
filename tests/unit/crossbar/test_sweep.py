"""Sweeps in one process: labels, pairing, outputs, errors, interrupts, and what the results say about themselves."""

import json

import numpy as np
import pytest
import xarray as xr

from crossbar import Axis, Output, SweepInterrupt, summarize_sweep, sweep
from devices import InputError, Lognormal, device
from devices.common.errors import MemductanceError


def _draw(rng, a, b):
    return a + 10 * b + rng.random()


AXES = (Axis("a", (1, 2, 3), "ohm", "resistance"), Axis("b", (0.5, 0.25)))


def test_a_sweep_is_labelled():
    result = sweep(_draw, AXES, trials=4, seed=7, used=[device("vteam")])
    assert result.accuracy.dims == ("a", "b", "trial")
    assert result.accuracy.shape == (3, 2, 4)
    assert result.a.dtype == np.int64
    assert result.a.attrs == {"units": "ohm", "long_name": "resistance"}
    assert result.attrs["seed"] == 7
    assert {"memductance_version", "numpy_version", "scipy_version"} <= set(result.attrs)
    assert "10.1109/TCSII.2015.2433536" in result.attrs["sources"]
    assert (result.status == 1).all()
    assert 4.5 <= float(result.accuracy.sel(a=2, b=0.25, trial=0)) < 5.5


def test_sources_are_found_in_axes_and_in_what_the_function_holds():
    cell = device("vteam")
    result = sweep(lambda rng, e: len(e) + 0 * cell.shape.__len__(), [Axis("e", ((), (Lognormal(0.1),)))])
    assert "vteam" in result.attrs["sources"]
    assert "Lognormal" in result.attrs["sources"]
    assert json.loads(result.attrs["options"]) == {"cell": repr(cell)}


@pytest.mark.parametrize("paired", [True, False])
def test_a_point_does_not_depend_on_the_others(paired):
    whole = sweep(_draw, AXES, trials=3, seed=7, paired=paired)
    turned = sweep(_draw, (Axis("b", (0.25,)), Axis("a", (3, 2))), trials=2, seed=7, paired=paired)
    for a in (2, 3):
        for trial in range(2):
            point = {"a": a, "b": 0.25, "trial": trial}
            assert float(whole.accuracy.sel(point)) == float(turned.accuracy.sel(point))
    assert float(sweep(_draw, AXES, seed=8, paired=paired).accuracy[0, 0, 0]) != float(whole.accuracy[0, 0, 0])
    assert len(np.unique(whole.accuracy[0, 0])) == 3


def test_a_class_that_the_function_holds_is_no_source():
    kind = Lognormal
    assert sweep(lambda rng, a: kind(a).sigma, {"a": (0.1, 0.2)}).attrs["sources"] == ""


def test_trials_are_paired_unless_asked_otherwise():
    def noise(rng, a):
        return rng.random()

    paired, free = sweep(noise, {"a": (1, 2, 3)}, trials=4), sweep(noise, {"a": (1, 2, 3)}, trials=4, paired=False)
    assert np.ptp(paired.accuracy.values, axis=0).max() == 0.0
    assert len(np.unique(free.accuracy.values)) == 12


def test_pairing_takes_the_spread_of_trials_out_of_differences():
    def evaluate(rng, a):
        return 0.9 - 0.01 * a + 0.05 * rng.normal()

    deviations = []
    for paired in (True, False):
        data = sweep(evaluate, {"a": (0, 1)}, trials=40, paired=paired).accuracy
        deviations.append(float((data.sel(a=1) - data.sel(a=0)).std()))
    assert deviations[0] < 1e-12
    assert 0.04 < deviations[1] < 0.12


def test_several_outputs_and_arrays():
    outputs = [Output("energy", "J", "energy of a read")]
    result = sweep(
        lambda rng, a: {"energy": a * 1e-12, "right": True, "spectrum": np.arange(3) + a},
        {"a": (1, 2)},
        trials=2,
        outputs=outputs,
    )
    assert result.energy.attrs == {"units": "J", "long_name": "energy of a read"}
    assert result.spectrum.dims == ("a", "trial", "spectrum_0")
    assert result.spectrum.sel(a=2, trial=1).values.tolist() == [2.0, 3.0, 4.0]
    assert result.right.dtype == np.float64


def test_a_failed_point_stops_nothing():
    def evaluate(rng, a, b):
        if a == 2:
            raise ValueError("no such\narray")
        return a

    result = sweep(evaluate, AXES, trials=2)
    assert (result.status.sel(a=2) == 2).all()
    assert np.isnan(result.accuracy.sel(a=2)).all()
    assert set(result.error.sel(a=2).values.ravel()) == {"ValueError: no such array"}
    assert (result.accuracy.sel(a=[1, 3]).notnull()).all()
    assert (result.error.sel(a=[1, 3]) == "").all()
    summary = summarize_sweep(result)
    assert (summary.done, summary.failed, summary.missing) == (8, 4, 0)
    assert summary.errors == ("ValueError: no such array (4 trials, first at a = 2, b = 0.5)",)
    with pytest.raises(MemductanceError, match="4 of 12 trials failed: ValueError"):
        summary.raise_errors()


def test_all_points_may_fail():
    def evaluate(rng, a):
        raise SystemExit(3)

    result = sweep(evaluate, {"a": (1, 2)})
    assert np.isnan(result.accuracy).all()
    assert set(result.error.values.ravel()) == {"SystemExit: 3"}
    assert "2 failed" in str(summarize_sweep(result))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "evaluate returned NoneType for accuracy"),
        ("0.9", "evaluate returned str for accuracy"),
        (1j, "evaluate returned complex for accuracy"),
        ({}, "evaluate returned no output"),
        ({"seed": 1}, "name: got 'seed'"),
        ({"x": ["a"]}, "array of <U1 for x"),
    ],
)
def test_results_that_are_no_numbers_are_errors_of_their_points(returned, message):
    result = sweep(lambda rng, a: 0.5 if a == 1 else returned, {"a": (1, 2)})
    assert message in str(result.error.values[1, 0])
    assert float(result.accuracy[0, 0]) == 0.5


def test_the_first_point_decides_on_the_outputs():
    shapes = {1: None, 2: (2,), 3: (3,), 4: (2,)}

    def evaluate(rng, a):
        if a == 1:
            raise ValueError("first")
        return np.zeros(shapes[a])

    result = sweep(evaluate, {"a": (1, 2, 3, 4)})
    assert result.accuracy.shape == (4, 1, 2)
    assert result.status.values.ravel().tolist() == [2, 1, 2, 1]
    assert "returned accuracy[3]; the first point returned accuracy[2]" in str(result.error.values[2, 0])


def test_an_interrupt_keeps_what_is_done():
    count = iter(range(100))

    def evaluate(rng, a):
        if next(count) == 5:
            raise KeyboardInterrupt
        return a

    with pytest.raises(SweepInterrupt, match=r"5 of 8 trials are finished") as caught:
        sweep(evaluate, {"a": (1, 2, 3, 4)}, trials=2)
    kept = caught.value.dataset
    assert kept.status.values.ravel().tolist() == [1] * 5 + [0] * 3
    assert int(kept.accuracy.notnull().sum()) == 5
    assert "3 missing" in str(summarize_sweep(kept))


def test_a_dataset_survives_netcdf_and_csv(tmp_path):
    result = sweep(_draw, [Axis("a", (1, 2), "ohm"), Axis("b", (0.5, None))], trials=2)
    result.to_netcdf(tmp_path / "s.nc")
    with xr.open_dataset(tmp_path / "s.nc") as read:
        np.testing.assert_array_equal(read.accuracy, result.accuracy)
        assert read.a.attrs["units"] == "ohm"
        assert read.attrs["seed"] == 0
    result.to_dataframe().to_csv(tmp_path / "s.csv")
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 1 + result.accuracy.size


def test_progress_is_shown(capsys):
    sweep(lambda rng, a: a, {"a": (1, 2)}, trials=3, progress=True)
    assert "6/6" in capsys.readouterr().err


def test_only_outputs_unlike_the_axes():
    with pytest.raises(InputError, match="name: got 'a'"):
        sweep(lambda rng, a: a, {"a": (1,)}, outputs=[Output("a")])
