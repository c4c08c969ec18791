"""What came from hostile hands once: each gets one clear error, or the right numbers."""

import numpy as np
import pandas as pd
import pytest

from devices import (
    Constant,
    CycleNoise,
    InputError,
    Measured,
    ParameterSet,
    PowerLawDrift,
    Pulses,
    Samples,
    Series,
    Sine,
    Triangle,
    apply_pulses,
    device,
    fit,
    fit_population,
    load_set,
    models,
    register,
    save_set,
    simulate,
)

VTEAM = models()["vteam"].parameter_sets[0]


def set_with(name="a", source="src", note="", **values):
    return ParameterSet(name, {**VTEAM.values, **values}, VTEAM.initial, source, "ours", note)


def retention(points, noise=0.0):
    time = np.geomspace(1, 1e4, points)
    return Measured.retention(time, 1e-5 * (1 + noise * np.random.default_rng(0).standard_normal(points)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Pulses(1.0, 1e-9, 1e5, count=3),
            r"period: got 1e-11 s for one straight part of a waveform of 300000 s",
        ),
        (lambda: Pulses(1.0, 1e-8, 2.6e6, count=12), r"period: got .*try: shorter rests"),
        (
            lambda: simulate(device("vteam"), Samples([0, 1e-9, 1e6], [0, 1, 0])),
            r"waveform: got 1e-09 s for one straight part",
        ),
        (lambda: Sine(1.0, 1.0, cycles=1e13), r"cycles: got 1e\+13; allowed: finite, > 0, <= 1e\+07"),
        (lambda: Triangle(1.0, 1.0, cycles=10**9), r"cycles: got 1000000000"),
        (lambda: Sine(10**400, 1.0), r"amplitude: got int that is no float"),
        (lambda: Sine(np.array("a"), 1.0), r"amplitude: got ndarray that is no float"),
        (lambda: Constant(1.0, 1e-3).at(np.nan), r"time: got nan"),
        (lambda: simulate("vteam", Sine(1, 1e6)), r"device: got str; allowed: a Device"),
        (
            lambda: simulate(Series(device("resistor"), device("vteam")), Sine(1, 1e6)),
            r"device: got Series; allowed: a Device, or a crossbar of such cells",
        ),
        (lambda: simulate(device("vteam"), Sine(1, 1e6), max_steps=10**20), r"max_steps: got 10000"),
        (lambda: simulate(device("vteam"), Sine(1, 1e6), samples=10**15), r"samples: got 1000"),
        (lambda: device("vteam", r_on=np.array([])), r"r_on: got shape \(0,\); allowed: one number or more"),
        (lambda: device("vteam").with_start(np.empty((0, 1))), r"x: got shape \(0,\)"),
        (lambda: device("linear_ion_drift").current(0.1, [5.0]), r"state x: got 5; allowed: \[0, 1\]"),
        (lambda: fit("power_law", retention(6), seed=-1), r"seed: got -1"),
        (lambda: fit("power_law", retention(6), seed=1.5), r"seed: got 1.5"),
        (
            lambda: apply_pulses(device("linear_step_synapse"), [0.0], 1, -1, c2c=CycleNoise(0.1)),
            r"seed: got -1",
        ),
        (lambda: apply_pulses(device("power_step_synapse"), [0.5], 10**8), r"pulses: got 1e\+08; allowed: 1e\+07"),
        (lambda: PowerLawDrift(1e10, -40.0).apply([1e-5], 1), r"nu: got down to -40 at 1e\+10 s"),
        (lambda: set_with(name=5), r"name: got 5; allowed: a text"),
        (lambda: set_with(name=" "), r"name: got an empty text"),
        (lambda: set_with(r_on=np.array([40.0, 50.0])), r"r_on: got .*one number"),
        (
            lambda: fit("vteam", Measured.trace([0, 1, 2], [0, 1, 2], [0, 1, 2]), ["r_on"],
                        set=models()["yakopcic"].parameter_sets[0]),
            r"parameters: got missing .*k_off",
        ),
        (
            lambda: Measured.retention([1.0, 2, 3], np.array([1e-5 + 1e-6j] * 3)),
            r"conductance: got ndarray that is not numeric",
        ),
        (
            lambda: Measured.read(pd.DataFrame([[1, 1e-5, 1e-5]] * 4, columns=["time", "current", "current"])),
            r"source: got two columns 'current'",
        ),
        (
            lambda: Measured.read(
                pd.DataFrame({"time": pd.date_range("2024", periods=4, freq="s"), "conductance": [1e-5] * 4})
            ),
            r"column 'time': got values of type datetime64.*try: frame\[column\] - frame\[column\]\.iloc\[0\]",
        ),
    ],
)  # fmt: skip
def test_one_clear_error(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_pulses_with_long_rests_move_as_those_with_short_ones():
    cell = device("vteam")
    near, far = (simulate(cell, Pulses(1.0, 1e-9, period, count=3), samples=2).state[-1, 0] for period in (1e-6, 10.0))
    assert far == pytest.approx(near, rel=1e-3)


def test_times_of_timedelta_are_seconds():
    time = pd.to_timedelta([0, 1, 2, 3], unit="s")
    for header in ("time", "time (ms)"):
        read = Measured.read(pd.DataFrame({header: time, "conductance": [1e-5] * 4}))
        assert read.time.tolist() == [0, 1, 2, 3]


def test_records_and_samples_keep_copies():
    conductance, voltage = np.full(4, 1e-5), np.zeros(3)
    record, wave = Measured.retention([1.0, 2, 3, 4], conductance), Samples([0.0, 1, 2], voltage)
    conductance[0] = voltage[0] = 5.0
    assert record.observed[0] == 1e-5
    assert wave.at(0.0) == 0.0


@pytest.mark.parametrize(("unit", "value"), [("degC", 25.0), ("dB", 1.0)])
def test_units_that_are_not_proportional_are_refused(tmp_path, unit, value):
    given = models()["stanford_pku"].parameter_sets[0]
    file = save_set(given, "stanford_pku", tmp_path / "set.toml")
    text = file.read_text()
    name, si = ("t0", "K") if unit == "degC" else ("beta", "1")
    at = text.index(f"[values.{name}]")
    after = text[at:].replace(f'unit = "{si}"', f'unit = "{unit}"', 1)
    file.write_text(text[:at] + after)
    with pytest.raises(InputError, match=rf"got '{unit}' .*no unit.*; allowed: a unit that converts to {si}"):
        load_set(file)


def test_a_set_that_cannot_be_written_leaves_the_file(tmp_path):
    file = save_set(set_with(), "vteam", tmp_path / "keep.toml")
    before = file.read_bytes()
    with pytest.raises(InputError, match=r"text: got '\\udce4' in the text of keep.toml"):
        save_set(set_with(source="mess\udce4rung"), "vteam", file)
    assert file.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["keep.toml"]


def test_a_registered_set_of_a_wrong_name_does_not_spoil_the_model():
    with pytest.raises(InputError, match="name"):
        register(set_with(name=5), "vteam")
    assert device("vteam", "magic").parameter_set.name == "magic"


def test_sigma_of_records_of_different_lengths():
    records = [retention(n, 1e-3) for n in (6, 8)]
    found = fit("power_law", records, sigma=[np.full(6, 1e-8), np.full(8, 1e-8)], starts=2)
    assert found.reduced_chi2 < 4


def test_constant_data_do_not_determine_a_decay():
    found = fit("stretched_exponential", retention(30, 1e-3), {"g0": (1e-6, 1e-4), "g_end": (1e-6, 1e-4), "tau": None},
                fixed={"beta": 0.6})  # fmt: skip
    assert "tau" in found.undetermined
    drift = fit("power_law", retention(30, 1e-3))
    assert drift.intervals["nu"][0] < 0 < drift.intervals["nu"][1]
    assert not drift.at_bound


def test_times_of_decay_beyond_the_data_are_searched_and_cut_ends_are_named():
    time = np.geomspace(1, 1e4, 60)
    noise = 1 + 1e-3 * np.random.default_rng(0).standard_normal(60)
    record = Measured.retention(time, (1e-6 + 9e-6 * np.exp(-((time / 3e4) ** 0.6))) * noise)
    found = fit("stretched_exponential", record, fixed={"g_end": 1e-6})
    assert found.intervals["tau"][0] < 3e4 < found.intervals["tau"][1]
    short = fit("stretched_exponential", record, {"g0": None, "beta": None, "tau": (1e3, found.values["tau"] * 1.001)},
                fixed={"g_end": 1e-6})  # fmt: skip
    assert "interval of tau is cut at a bound of the search" in short.message


def test_a_start_beyond_fitted_bounds_moves_with_them():
    wave = Sine(1.0, 1.0)
    trace = simulate(device("messaris", r_off=4000.0, r=4000.0), wave, samples=80)
    record = Measured.trace(trace.time, trace.voltage, trace.current, waveform=wave)
    found = fit("messaris", record, {"r_off": (2000.0, 20000.0)}, starts=2)
    assert "start of r moved into the fitted bounds" in found.message
    assert found.device().initial["r"] == pytest.approx(4000.0)


def test_populations_draw_again_where_drawn_bounds_leave_a_start_out():
    drawn = fit_population({"r_off": np.random.default_rng(1).normal(6500, 800, 30)}).devices("messaris", 50, 1)
    assert drawn.shape == (50,)
    assert (drawn.initial["r"] <= drawn.parameters["r_off"]).all()


def test_many_pulses_end_where_nothing_moves():
    end = apply_pulses(device("linear_step_synapse"), [0.0], 10**7, seed=1)
    assert end == device("linear_step_synapse").bounds()[1]
