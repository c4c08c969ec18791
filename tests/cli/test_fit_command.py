"""``memductance fit``: values, picture and parameter set from a file; messages for bad files, options and fits."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from devices import Sine, device, load_set, simulate
from memductance.cli import app


def run(*words, code=0):
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def loop(tmp_path):
    """A current-voltage curve of a sinh cell, with the units and column names of an instrument."""
    trace = simulate(device("sinh_cell", g=3e-5, v0=0.3), Sine(1.0, 1.0), samples=np.linspace(0, 1, 81))
    noise = 2e-7 * np.random.default_rng(0).standard_normal(81)
    rows = np.column_stack([1e3 * trace.time, trace.voltage, 1e6 * (trace.current + noise)])
    file = tmp_path / "die 7.csv"
    np.savetxt(file, rows, delimiter=";", header="clock (ms);V;I (uA)", comments="")
    return file


WORDS = ("--model", "sinh_cell", "--column", "time=clock (ms)", "--free", "g", "--free", "v0=0.1:1")


def test_a_fit_to_a_file_writes_values_a_picture_and_a_parameter_set(loop, tmp_path):
    done = run("fit", loop, *WORDS, "--out", tmp_path / "out", "--name", "die7", "--source", "wafer 3", "--json")
    found = json.loads(done.stdout)
    assert found["converged"]
    assert found["adequate"]
    assert found["bounds"]["v0"] == [0.1, 1.0]
    assert found["values"] == pytest.approx({"g": 3e-5, "v0": 0.3}, rel=0.02)
    for name, value in found["values"].items():
        low, high = found["intervals"][name]
        assert low < value < high
    assert (tmp_path / "out" / "die7.png").stat().st_size > 5000
    kept = load_set(tmp_path / "out" / "die7.toml", "sinh_cell")
    assert kept.values["v0"] == found["values"]["v0"]
    assert (kept.name, kept.source, kept.status) == ("die7", "wafer 3", "ours")


def test_the_result_is_printed_as_a_table(loop):
    text = run("fit", loop, *WORDS, "--fix", "v0=0.3", code=2).output
    assert "fixed: got 'v0', which is also free" in text
    text = run("fit", loop, *WORDS[:4], "--free", "g", "--fix", "v0=0.3").stdout
    assert "95 % interval" in text
    assert "die 7: 81 points, residual rms" in text
    assert "converged" in text


def test_an_inadequate_model_is_reported_and_a_retention_law_has_no_set(loop, tmp_path):
    text = run("fit", loop, "--model", "resistor", "--column", "time=clock (ms)").stdout
    assert "residuals follow each other" in " ".join(text.split())
    time = np.geomspace(1, 1e4, 30)
    np.savetxt(tmp_path / "r.csv", np.column_stack([time, 20 * time**-0.07]), header="t (s),G (uS)", delimiter=",",
               comments="")  # fmt: skip
    out = tmp_path / "out"
    found = json.loads(run("fit", tmp_path / "r.csv", "--model", "power_law", "--json", "--out", out).stdout)
    assert found["values"]["nu"] == pytest.approx(0.07)
    assert [f.name for f in out.iterdir()] == ["fit.png"]


def test_a_fit_that_does_not_converge_ends_with_1(loop, monkeypatch):
    from devices.fitting.search import Search

    monkeypatch.setattr(Search, "agreeing", property(lambda self: 1))
    assert not json.loads(run("fit", loop, *WORDS, "--json", code=1).stdout)["converged"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--free", "g=1"), "--free: got 'g=1'; allowed: NAME or NAME=LOWER:UPPER"),
        (("--fix", "g=much"), "--fix: got 'g=much'; allowed: NAME=NUMBER"),
        (("--fix", "=3"), "--fix: got '=3'; allowed: NAME=NUMBER"),
        (("--free", "h"), "parameters: got 'h'; allowed: one of g, v0"),
        (("--unit", "time=V"), "units['time']: got 'V', of dimension"),
        (("--unit", "clock=ms"), "units: got 'clock'"),
        (("--kind", "pulses", "--read-voltage", "0.1"), "columns: got no column for width"),
    ],
)
def test_bad_options_give_one_line(loop, words, message):
    done = run("fit", loop, "--model", "sinh_cell", "--column", "time=clock (ms)", *words, code=2)
    assert done.stderr.startswith("memductance: " + message)
    assert done.stderr.count("\n") == 1
