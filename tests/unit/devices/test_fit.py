"""Bad data and bad fits: refused in one line, or named in the result; sets to files and back."""

import json
import pickle
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from devices import (
    InputError,
    Measured,
    Sine,
    device,
    fit,
    fit_population,
    load_set,
    models,
    parameter_sets,
    register,
    save_set,
    simulate,
)
from devices.fitting.least_squares import LeastSquares
from devices.fitting.search import Search
from devices.fitting.search_space import SearchSpace
from devices.registry import get_model

TRUE = {"g": 3e-5, "v0": 0.3}
TIME = np.linspace(0.0, 1.0, 101)


def sinh_loop(noise=0.0, seed=0, **true):
    trace = simulate(device("sinh_cell", **{**TRUE, **true}), Sine(1.0, 1.0), samples=TIME)
    rng = np.random.default_rng(seed)
    return Measured.trace(
        TIME, trace.voltage, trace.current + noise * np.abs(trace.current).max() * rng.normal(size=101)
    )


@pytest.fixture
def table():
    loop = sinh_loop()
    return pd.DataFrame(
        {"t [ms]": 1e3 * TIME, "V (mV)": 1e3 * loop.waveform.at(TIME), "Current (mA)": 1e3 * loop.observed}
    )


# Reading


def test_a_file_in_mA_and_ms_is_read_in_si(table, tmp_path):
    file = tmp_path / "loop.csv"
    file.write_text("# instrument 7\n" + table.to_csv(index=False, sep=";"))
    measured = Measured.read(file)
    loop = sinh_loop()
    np.testing.assert_allclose(measured.time, TIME, atol=1e-15)
    np.testing.assert_allclose(measured.observed, loop.observed, rtol=1e-12, atol=1e-18)
    assert measured.label == "loop"
    assert fit("sinh_cell", measured, ["g", "v0"], starts=2).values == pytest.approx(TRUE, rel=1e-6)


def test_columns_and_units_are_mapped(table):
    odd = table.set_axis(["clock", "force", "Current (uA)"], axis=1)
    measured = Measured.read(
        odd, columns={"time": "clock", "voltage": "force"}, units={"time": "ms", "voltage": "mV", "current": "mA"}
    )
    np.testing.assert_allclose(measured.observed, sinh_loop().observed, atol=1e-18)
    assert measured.waveform.at(0.25) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("frame", "kind", "first"),
    [
        ({"t / h": [1, 2, 4], "G (µS)": [9.0, 8.0, 7.0]}, "retention", 9e-6),
        ({"time_": [1, 2, 4], "time": [1, 2, 4], "resistance [kOhm]": [1, 2, 4]}, "retention", 1e-3),
        ({"pulse amplitude": [1, 1, 1], "width (us)": [5, 5, 5], "I (uA)": [1, 2, 3]}, "pulses", 5e-6),
    ],
)
def test_other_kinds_are_read(frame, kind, first):
    measured = Measured.read(pd.DataFrame(frame), **({"read_voltage": 0.2} if kind == "pulses" else {}))
    assert (measured.kind, measured.observed[0]) == (kind, pytest.approx(first))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t [ms]": "t [V]"}, r"units\['time'\]: got 'V', of dimension .*; allowed: a unit that converts to s"),
        (
            {"Current (mA)": "Current (furlong/x)"},
            r"units\['current'\]: got 'furlong/x' \('furlong' is no unit\); allowed: a unit that",
        ),
        ({"Current (mA)": "reading"}, r"columns: got no column for current \(understood: time, voltage\)"),
        (dict.fromkeys(("t [ms]", "V (mV)", "Current (mA)"), "a"), r"columns: got none that is understood among 'a'"),
        ({"V (mV)": "time"}, r"columns: got 't \[ms\]' and 'time' for time; allowed: one column for each"),
    ],
)
def test_wrong_columns_and_units(table, change, message):
    with pytest.raises(InputError, match=message):
        Measured.read(table.rename(columns=change))


def test_mapping_mistakes(table):
    with pytest.raises(
        InputError, match=r"columns\['time'\]: got 'clock'; allowed: one of the columns there: 't \[ms\]',"
    ):
        Measured.read(table, columns={"time": "clock"})
    with pytest.raises(InputError, match=r"units: got 'tim'.*try: time"):
        Measured.read(table, units={"tim": "ms"})
    with pytest.raises(InputError, match=r"units\['width'\]: got a unit for a column that is not there"):
        Measured.read(table, units={"width": "ms"})
    with pytest.raises(InputError, match=r"options: got 'wavefrom'.*try: waveform"):
        Measured.read(table, wavefrom=Sine(1.0, 1.0))
    with pytest.raises(InputError, match=r"source: got '.*none.csv' \(No such file"):
        Measured.read("none.csv")
    with pytest.raises(InputError, match="source: got list"):
        Measured.read([1, 2])


@pytest.mark.parametrize(
    ("row", "value", "message"),
    [
        (7, np.nan, r"column 'Current \(mA\)': got a gap in row 7; "),
        (3, np.inf, r"column 'Current \(mA\)': got inf in row 3; "),
        (5, "overflow", r"column 'Current \(mA\)': got 'overflow' in row 5; "),
    ],
)
def test_a_gap_is_refused_by_its_row(table, row, value, message):
    column = table["Current (mA)"].astype(object)
    column[row] = value
    with pytest.raises(InputError, match=message):
        Measured.read(table.assign(**{"Current (mA)": column}))


def test_an_empty_file_is_refused(tmp_path):
    file = tmp_path / "empty.csv"
    file.write_text("")
    with pytest.raises(InputError, match=r"source: got .*; allowed: a text table with one header line"):
        Measured.read(file)


def test_arrays_are_checked_like_files():
    one = np.ones(4)
    with pytest.raises(InputError, match=r"time: got 1 s after 2 s in row 2, which goes back"):
        Measured.trace([0, 2, 1, 3], one, one)
    with pytest.raises(InputError, match=r"time: got 2 s after 2 s in row 2, which repeats"):
        Measured.retention([0, 2, 2, 3], one)
    with pytest.raises(InputError, match=r"time: got -1 s in row 0"):
        Measured.retention([-1, 2, 3, 4], one)
    with pytest.raises(InputError, match=r"current: got nan in row 1 \(2 in all\)"):
        Measured.trace([0, 1, 2, 3], one, [0, np.nan, 1, np.nan])
    with pytest.raises(InputError, match=r"voltage: got shape \(3,\); allowed: shape \(4,\)"):
        Measured.trace([0, 1, 2, 3], one[:3], one)
    with pytest.raises(InputError, match=r"measured: got 2 rows; allowed: at least 3 rows"):
        Measured.trace([0, 1], [0, 1], [0, 1])
    with pytest.raises(InputError, match=r"period: got 1e-06 s in row 0; allowed: > 1.02e-06 s there"):
        Measured.pulses(one, 1e-6, one, period=1e-6)
    with pytest.raises(InputError, match=r"width: got -1 s in row 1"):
        Measured.pulses(one[:3], [1, -1, 1], one[:3])
    with pytest.raises(InputError, match=r"read_voltage: got 0"):
        Measured.retention([1, 2, 3], one[:3], read_voltage=0.0)


# Asking


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"parameters": ["gg"]}, r"parameters: got 'gg'; allowed: one of g, v0; try: g"),
        ({"parameters": ["g", "g"]}, r"parameters: got 'g' twice"),
        ({"parameters": []}, r"parameters: got none"),
        ({"parameters": {"g": (1e-3, 1e-6)}}, r"parameters\['g'\]: got bounds 0.001, 1e-06; allowed: lower < upper"),
        ({"parameters": {"v0": (0.0, 1.0)}}, r"v0: got 0; allowed: finite, > 0 \[V\]"),
        ({"parameters": {"g": 3.0}}, r"parameters\['g'\]: got 3.0; allowed: \(lower, upper\)"),
        ({"parameters": ["g"], "fixed": {"g": 1e-5}}, r"fixed: got 'g', which is also free"),
        ({"parameters": ["g"], "fixed": {"v0": -1}}, r"v0: got -1; allowed: finite, > 0 \[V\]"),
        ({"parameters": ["g"], "starts": 0}, r"starts: got 0; allowed: a whole number, >= 1"),
        ({"parameters": ["g"], "loss": "square"}, r"loss: got 'square'"),
        ({"parameters": ["g"], "sigma": 0.0}, r"sigma: got 0; allowed: one value > 0, or 101 of them \[A\]"),
        ({"parameters": ["g"], "sigma": [1.0, 2.0]}, r"sigma: got shape \(2,\)"),
        ({"parameters": ["g"], "set": "units"}, r"set: got 'units'.*try: unit"),
        ({"parameters": {"v0": (1e-4, 1e-3)}}, r"parameters: got bounds in which the model gives no finite numbers"),
    ],
)
def test_bad_arguments_of_fit_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        fit("sinh_cell", sinh_loop(), **call)


def test_more_bad_arguments_of_fit_are_refused():
    few = Measured.retention([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])
    with pytest.raises(InputError, match=r"measured: got 3 points for 4 free parameters; allowed: more points"):
        fit("stretched_exponential", few)
    with pytest.raises(InputError, match=r"measured: got a record of another kind; allowed: retention"):
        fit("power_law", sinh_loop())
    with pytest.raises(InputError, match=r"model: got 'power_lew'.*try: power_law"):
        fit("power_lew", few)
    with pytest.raises(InputError, match=r"time: got 0 s; allowed: > 0"):
        fit("power_law", Measured.retention([0.0, 1.0, 2.0], [3.0, 2.0, 1.0]))
    with pytest.raises(InputError, match=r"measured: got list; allowed: a Measured or several"):
        fit("sinh_cell", [[1, 2]], ["g"])
    with pytest.raises(InputError, match=r"measured: got 'measured' with every conductance 0"):
        fit("power_law", Measured.retention([1.0, 2.0, 3.0], np.zeros(3)))
    gated = next(m.name for m in models().values() if m.controls)
    with pytest.raises(InputError, match=r"model: got .*, with a gate"):
        fit(gated, sinh_loop(), [models()[gated].parameters[0].name])


# What the result says


def test_parameters_that_only_show_together_are_named():
    # mu_v and d enter linear drift as mu_v / d^2 only.
    trace = simulate(device("linear_ion_drift_joglekar"), Sine(1.0, 1.0), samples=TIME)
    noise = 1e-6 * np.random.default_rng(0).normal(size=101)
    measured = Measured.trace(TIME, trace.voltage, trace.current + noise, waveform=Sine(1.0, 1.0))
    found = fit("linear_ion_drift_joglekar", measured, ["r_off", "mu_v", "d"], starts=3)
    assert set(found.undetermined) == {"mu_v", "d"}
    assert found.intervals["d"] == found.bounds["d"]
    assert "d undetermined: only a combination of it with mu_v shows in these data" in found.message
    assert "undetermined" in str(found)
    assert "r_off" not in found.undetermined
    assert np.isnan(found.correlation[1, 2])


def test_a_parameter_without_effect_is_named():
    # Below its thresholds vteam does not move: the rates do not show.
    trace = simulate(device("vteam", "magic", x=1e-9), Sine(0.2, 1e6), samples=101)
    measured = Measured.trace(trace.time, trace.voltage, trace.current, waveform=Sine(0.2, 1e6))
    found = fit("vteam", measured, ["r_off", "k_off", "k_on"], set="magic", fixed={"x": 1e-9}, starts=2)
    assert dict(found.undetermined) == dict.fromkeys(["k_off", "k_on"], "it has no effect on these data")
    assert found.values["r_off"] == pytest.approx(300e3, rel=1e-6)


def test_a_parameter_hidden_by_noise_is_named():
    found = fit("sinh_cell", sinh_loop(noise=0.05), {"g": (1e-6, 1e-3), "v0": (10.0, 20.0)}, starts=3)
    assert found.at_bound == ("v0",) or "v0" in found.undetermined
    assert "v0" in found.message
    assert "unexplained" in found.message


def test_two_optima_that_fit_as_well_are_named():
    # The data are symmetric in the logarithm of time, and so is the cost in the sign of nu.
    time = np.geomspace(1e-2, 1e2, 21)
    measured = Measured.retention(time, 1e-5 * (time**0.5 + time**-0.5))
    found = fit("power_law", measured, {"nu": (-1.0, 1.0)}, fixed={"g0": 1e-5, "t0": 1.0})
    assert found.undetermined == {"nu": "another optimum fits as well with another value"}


def test_a_search_cut_short_is_not_converged(monkeypatch):
    import scipy.optimize as so

    whole = so.least_squares
    monkeypatch.setattr(so, "least_squares", lambda *a, **k: whole(*a, **{**k, "max_nfev": 1}))
    found = fit("sinh_cell", sinh_loop(), {"g": (1e-6, 1e-3), "v0": (0.1, 2.0)}, starts=1)
    assert not found.converged
    assert found.message.startswith("not converged (The maximum number of function evaluations is exceeded)")


def test_an_optimum_reached_by_one_start_is_not_converged(monkeypatch):
    time = np.geomspace(1e-2, 1e2, 21)
    asked = {"fixed": {"g0": 1e-5, "t0": 1.0}, "starts": 3}
    assert fit("power_law", Measured.retention(time, 1e-5 * time**-0.3), ["nu"], **asked).converged
    monkeypatch.setattr(Search, "_count_as_low_as", lambda self, cost: 1)
    found = fit("power_law", Measured.retention(time, 1e-5 * time**-0.3), ["nu"], **asked)
    assert not found.converged
    said = re.match(r"not converged \(only one of (\d+) starts led to the best optimum\); try more", found.message)
    assert 3 < int(said[1]) <= 12, "up to four times as many starts"


def test_records_of_one_fit_may_differ_a_hundredfold_in_noise():
    fine, coarse = sinh_loop(noise=0.001), sinh_loop(noise=0.1, seed=1)
    alone, both = (fit("sinh_cell", records, ["g", "v0"]) for records in (fine, [coarse, fine]))
    for name in TRUE:
        assert both.values[name] == pytest.approx(alone.values[name], rel=2e-3)
        assert np.ptp(both.intervals[name]) == pytest.approx(np.ptp(alone.intervals[name]), rel=0.15)
        assert np.ptp(both.simultaneous[name]) > 1.05 * np.ptp(both.intervals[name])


def test_a_wrong_sigma_and_a_wrong_model_are_reported():
    loop = sinh_loop(noise=0.01)
    peak = np.abs(loop.observed).max()
    fine = fit("sinh_cell", loop, ["g", "v0"], sigma=0.01 * peak, starts=2)
    assert fine.message == "converged"
    assert fine.reduced_chi2 == pytest.approx(1.0, abs=0.45)
    assert "sigma is too small" in fit("sinh_cell", loop, ["g", "v0"], sigma=0.001 * peak, starts=2).message
    assert "residuals follow each other" in fit("resistor", loop, {"r": (1e2, 1e6)}, starts=2).message


def test_a_robust_loss_resists_outliers():
    loop = sinh_loop(noise=0.005)
    spoiled = loop.observed.copy()
    spoiled[[22, 27, 73]] *= -1
    bad = Measured.trace(TIME, loop.waveform.at(TIME), spoiled)
    plain, robust = (fit("sinh_cell", bad, ["g", "v0"], starts=2, loss=loss) for loss in ("linear", "cauchy"))
    error = [abs(np.log(f.values["g"] / TRUE["g"])) for f in (plain, robust)]
    assert error[1] < 0.1 * error[0]
    assert all(low < TRUE[n] < high for n, (low, high) in robust.intervals.items())


def test_results_survive_pickle():
    found = fit("sinh_cell", sinh_loop(noise=0.01), ["g", "v0"], starts=1)
    law = fit("power_law", Measured.retention([1.0, 2.0, 4.0, 8.0], [4.0, 3.0, 2.5, 2.0]))
    people = fit_population({"g": [1.0, 2.0, 3.0]})
    for result in (found, law, people):
        assert str(pickle.loads(pickle.dumps(result))) == str(result)


def test_seeded_fits_are_the_same_to_the_bit():
    first, second = (fit("sinh_cell", sinh_loop(noise=0.01), ["g", "v0"], starts=3, seed=5) for _ in range(2))
    assert dict(first.values) == dict(second.values)


def test_known_parameters_lie_in_their_intervals():
    trials = [fit("sinh_cell", sinh_loop(noise=0.02, seed=s), ["g", "v0"], starts=2) for s in range(20)]
    for name, true in TRUE.items():
        inside = sum(t.intervals[name][0] <= true <= t.intervals[name][1] for t in trials)
        assert inside >= 16, "each of 20 with 95 %: fewer than 16 has probability 3e-3"
    assert sum(t.contains(**TRUE) for t in trials) >= 16


def test_plot_draws_a_column_for_each_record():
    measured = [sinh_loop(noise=0.01), sinh_loop(noise=0.02, seed=1)]
    found = fit("sinh_cell", measured, ["g", "v0"], starts=2)
    axes = found.plot()
    assert axes.shape == (2, 2)
    np.testing.assert_allclose(axes[0, 1].lines[0].get_ydata(), 1e6 * measured[1].observed)
    np.testing.assert_allclose(axes[0, 1].lines[1].get_ydata(), 1e6 * found.fitted[1])
    assert axes[1, 0].get_ylabel().startswith("residual [")
    with pytest.raises(InputError, match="axes: got 2 axes; allowed: 4"):
        found.plot(axes[0])
    assert "| v0 | 0.3" in found._repr_markdown_() or "| v0 | 0.29" in found._repr_markdown_()


# Sets and files


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_every_set_survives_a_file(suffix, tmp_path):
    for name in models():
        for given in parameter_sets(name).values():
            loaded = load_set(save_set(given, name, tmp_path / f"{name}-{given.name}.{suffix}"))
            assert loaded == given


def test_a_fit_becomes_a_registered_set(tmp_path):
    found = fit("sinh_cell", sinh_loop(noise=0.01), ["v0"], fixed={"g": TRUE["g"]}, starts=2)
    made = found.to_set("mine", source="wafer 3, die 7", note="Room temperature.")
    assert made.status == "ours"
    assert made.values["g"] == TRUE["g"]
    assert made.loop_voltage == pytest.approx(np.abs(found.measured[0].waveform.at(found.measured[0].time)).max())
    assert made.note.startswith("Room temperature. Fitted (95 % intervals): v0 0.")
    assert "Kept from 'unit' or given: g." in made.note
    assert found.device().parameters["v0"] == found.values["v0"]
    with pytest.raises(InputError, match="set: got 'mine'"):
        device("sinh_cell", "mine")
    register(load_set(save_set(made, "sinh_cell", tmp_path / "mine.toml")), "sinh_cell")
    try:
        assert device("sinh_cell", "mine").parameters["v0"] == found.values["v0"]
        assert list(parameter_sets("sinh_cell"))[-1] == "mine"
        with pytest.raises(InputError, match=r"the name 'mine', which is taken; .*try: replace=True"):
            register(made, "sinh_cell")
        register(made, "sinh_cell", replace=True)
        with pytest.raises(InputError, match=r"the name 'unit', which is taken; .*try: another name"):
            register(parameter_sets("sinh_cell")["unit"], "sinh_cell", replace=True)
    finally:
        get_model("sinh_cell").registered_sets.clear()


def changed(file, **changes):
    content = json.loads(file.read_text())
    for key, value in changes.items():
        group, _, name = key.partition("__")
        if name:
            content[group][name] = value
        else:
            content[group] = value
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values__v0": {"value": 1.0, "unit": "A"}}, r"units\['v0'\]: got 'A', of dimension"),
        ({"values__v0": {"value": -1.0, "unit": "V"}}, r"v0: got -1; allowed: finite, > 0 \[V\]"),
        ({"values__v0": 1.0}, r"set.json: values.v0: got 1.0; allowed: a value with its unit"),
        ({"values__w": {"value": 1.0, "unit": "V"}}, r"unit: parameters: got unknown w; allowed: g, v0"),
        ({"values": {}}, r"unit: parameters: got missing g, v0"),
        ({"source": " "}, r"source: got an empty text"),
        ({"source": None}, r"set.json: source: got None; allowed: a text"),
        ({"status": "published"}, r"status: got 'published'"),
        ({"model": "sinh_sell"}, r"model: got 'sinh_sell'.*try: sinh_cell"),
        ({"format": "2"}, r"path: got '.*set.json' without format = "),
    ],
)
def test_a_bad_file_of_a_set_is_refused(changes, message, tmp_path):
    file = save_set(parameter_sets("sinh_cell")["unit"], "sinh_cell", tmp_path / "set.json")
    with pytest.raises(InputError, match=message):
        load_set(changed(file, **changes))


def test_files_in_other_units_and_of_other_models(tmp_path):
    file = save_set(parameter_sets("sinh_cell")["unit"], "sinh_cell", tmp_path / "set.json")
    assert load_set(changed(file, values__v0={"value": 250, "unit": "mV"})).values["v0"] == pytest.approx(0.25)
    with pytest.raises(InputError, match=r"set.json: model: got 'sinh_cell'; allowed: 'vteam'"):
        load_set(file, "vteam")
    with pytest.raises(InputError, match=r"path: got 'set.yaml'; allowed: a name that ends in .toml or .json"):
        save_set(parameter_sets("sinh_cell")["unit"], "sinh_cell", "set.yaml")
    broken = tmp_path / "broken.toml"
    broken.write_text("a = [")
    with pytest.raises(InputError, match=r"path: got '.*broken.toml' \(.*; allowed: a TOML file"):
        load_set(broken)


# Populations


def test_a_population_of_fitted_devices_becomes_an_ensemble():
    rng = np.random.default_rng(8)
    scales = 0.3 * np.exp(0.2 * rng.standard_normal(12))
    records = [sinh_loop(noise=0.005, seed=k, v0=v) for k, v in enumerate(scales)]
    found = fit_population(records, model="sinh_cell", parameters=["v0"], fixed={"g": TRUE["g"]}, starts=2)
    logs = np.log(scales)
    assert found.count == 12
    low, high = found.marginals["v0"].spread_interval
    assert low < (0.2 if found.marginals["v0"].kind == "lognormal" else 0.06) < high
    assert found.marginals["v0"].center == pytest.approx(np.exp(logs.mean()), rel=0.03)
    assert "v0: " in str(found)
    cells = found.devices("sinh_cell", 50, seed=1)
    assert cells.shape == (50,)
    with pytest.raises(InputError, match="model: got resistor without v0"):
        found.devices("resistor", 5, seed=1)


def test_bad_populations_are_refused():
    with pytest.raises(InputError, match=r"data: got 2 devices; allowed: at least 3 for 1"):
        fit_population({"g": [1.0, 2.0]})
    with pytest.raises(InputError, match=r"data\['g'\]: got 1 for every device"):
        fit_population({"g": [1.0, 1.0, 1.0]})
    with pytest.raises(InputError, match=r"g: got nan at index \(1,\)"):
        fit_population({"g": [1.0, np.nan, 1.0]})
    with pytest.raises(InputError, match=r"model: got none"):
        fit_population([sinh_loop()])
    with pytest.raises(InputError, match=r"data: got something else"):
        fit_population([1, 2, 3])
    dull = fit("sinh_cell", sinh_loop(), ["g", "v0"], starts=1, fixed={})
    rest = Measured.trace(TIME, 1e-9 * np.sin(TIME), 3e-14 * np.sin(TIME))
    with pytest.raises(InputError, match=r"data: got fit 1: converged; v0 undetermined"):
        fit_population([dull, fit("sinh_cell", rest, ["g", "v0"], starts=1)])


def test_importing_the_package_loads_no_tables_and_no_units():
    code = "import sys, devices; devices.Sine; print(sorted({'pandas', 'pint', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_point_that_fails_at_the_tolerance_of_the_search_is_tried_at_that_of_the_fit():
    """As where a law leaves its range in long steps: the first row, which others are compared with, has a misfit."""

    def predict(names, values, tolerance):
        return np.where(tolerance > 1e-9, np.nan, values * np.ones(5))

    space = SearchSpace(("a",), np.array([1.0]), np.array([2.0]))
    problem = LeastSquares(space, predict, np.full(5, 1.5), np.ones(5), 1e-10)
    costs = problem.costs(np.array([[0.5], [0.5]]), 1e-8)
    assert np.isfinite(costs[0])
    assert np.isinf(costs[1])
    assert np.isfinite(problem.costs(np.array([[0.5], [0.5]]))).all()
