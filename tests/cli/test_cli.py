"""The command line: printed output, written files, and messages for bad input."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from crossbar import Crossbar, Wires
from devices import Sine, device, simulate
from memductance.cli import app

CAMPAIGN = (["crosscheck", "campaign"], ["crosscheck", "replay"])
COMMANDS = (
    *CAMPAIGN,
    ["devices"],
    ["iv"],
    ["solve"],
    ["crosscheck", "device"],
    ["crosscheck", "array"],
    ["demo"],
    ["doctor"],
)


def run(*words, code=0):
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code == code, done.output
    return done


def refused(*words):
    done = run(*words, code=2)
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("memductance: ")
    return lines[0]


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(3)
    conductance, voltage = rng.uniform(1e-5, 1e-4, (5, 3)), rng.uniform(0, 0.5, 5)
    np.savetxt(tmp_path / "g.csv", conductance, delimiter=",")
    np.save(tmp_path / "v.npy", voltage)
    return tmp_path, conductance, voltage


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_takes_the_common_options(command):
    text = run(*command, "--help").stdout
    for option in ("--help", "--seed", "--out", "--json"):
        assert option in text


def test_help_keeps_the_units():
    assert "[ohm]" in run("crosscheck", "array", "--help").stdout
    assert "[[explanation]]" in run("crosscheck", "campaign", "--help").stdout


def test_iv_as_json_is_one_object_with_the_simulated_peak():
    done = run("iv", "linear_ion_drift", "--frequency", 1, "--cycles", 1, "--json")
    found = json.loads(done.stdout)
    wanted = simulate(device("linear_ion_drift"), Sine(amplitude=1.0, frequency=1.0))
    assert found["peak_current_a"] == pytest.approx(wanted.current.max(), rel=1e-12)
    assert found["status"] == "seen"


def test_iv_writes_a_picture_and_numbers(tmp_path):
    run("iv", "vteam", "-p", "r_off=2e3", "--out", tmp_path / "new")
    table = np.genfromtxt(tmp_path / "new" / "vteam.csv", delimiter=",", names=True)
    assert table.dtype.names == ("time_s", "voltage_v", "current_0_a")
    assert np.abs(table["current_0_a"]).max() > 1e-3
    assert (tmp_path / "new" / "vteam.png").stat().st_size > 10_000


def test_iv_spread_follows_the_seed():
    def peak(seed):
        words = ("iv", "vteam", "--spread", "r_on=0.2", "--cells", 5, "--seed", seed, "--json")
        return json.loads(run(*words).stdout)["peak_current_a"]

    assert peak(1) == peak(1)
    assert peak(1) != peak(2)


def test_solve_gives_the_currents_of_the_library(files):
    folder, conductance, voltage = files
    wires = Wires(word_line=2.0, bit_line=3.0, driver=10.0, sense=5.0)
    options = ("--word-line", 2, "--bit-line", 3, "--driver", 10, "--sense", 5)
    done = run("solve", folder / "g.csv", folder / "v.npy", *options, "--json", "--out", folder / "out", "--picture")
    found = json.loads(done.stdout)
    wanted = Crossbar(conductance, wires).read(voltage).current
    np.testing.assert_allclose(found["current_a"], wanted, rtol=1e-12)
    np.testing.assert_allclose(np.loadtxt(folder / "out" / "current.csv", delimiter=","), wanted, rtol=1e-12)
    assert (folder / "out" / "read.png").exists()
    assert len(found["files"]) == 2


def test_solve_takes_many_vectors_and_prints_a_table(files):
    folder, _, voltage = files
    np.savetxt(folder / "many.csv", np.outer([1, 2], voltage), delimiter=",")
    text = run("solve", folder / "g.csv", folder / "many.csv").stdout
    assert "5 x 3 array" in text


def test_solve_spread_follows_the_seed(files):
    folder, *_ = files

    def current(seed):
        words = ("solve", folder / "g.csv", folder / "v.npy", "--spread", 0.3, "--seed", seed, "--json")
        return json.loads(run(*words).stdout)["current_a"]

    assert current(1) == current(1)
    assert current(1) != current(2)


def test_doctor_finds_what_the_tests_need():
    found = json.loads(run("doctor", "--json").stdout)
    assert found["healthy"]
    names = {c["name"].lower() for c in found["components"]}
    assert {"python", "numba", "ngspice", "ngspice library (pyspice)", "pyspice", "package name 'crossbar'"} <= names


def test_doctor_names_the_commands_that_install_missing_programs(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run("doctor", "--json", code=1)
    missing = [c for c in json.loads(done.stdout)["components"] if c["name"] == "ngspice"]
    assert missing[0]["found"] is False
    assert missing[0]["install"] == "sudo apt-get install ngspice"


@pytest.mark.spice
def test_crosscheck_array_and_device():
    found = json.loads(run("crosscheck", "array", "--rows", 3, "--columns", 4, "--json").stdout)
    assert found["passed"]
    found = json.loads(run("crosscheck", "device", "linear_ion_drift", "--frequency", 1, "--json").stdout)
    assert found["passed"]


@pytest.mark.spice
@pytest.mark.vacask
def test_crosscheck_in_all_engines_writes_figures_and_pictures(tmp_path):
    words = ("crosscheck", "array", "--rows", 2, "--columns", 3, "--cells", "wox_scaled_decay", "--engine", "all")
    done = run(*words, "--limits", "--seed", 4, "--json", "--out", tmp_path)
    found = json.loads(done.stdout)
    assert found["passed"]
    assert list(found["engines"]) == ["ngspice", "pyspice", "vacask"]
    assert found["engines"]["vacask"]["seed"] == 4
    assert found["engines"]["vacask"]["limits"]["word-line voltage"]["side"] == "rounding"
    assert json.loads((tmp_path / "agreement.json").read_text())["worst"] == found["worst"]
    assert (tmp_path / "agreement.png").stat().st_size > 10_000


@pytest.mark.vacask
def test_crosscheck_of_a_pulse_over_time():
    words = ("crosscheck", "array", "--rows", 1, "--columns", 2, "--cells", "sinh_cell", "--pulse", 1e-3)
    text = run(*words, "--engine", "vacask").stdout
    assert "agrees: worst relative difference" in text
    assert "VACASK" in text


@pytest.mark.spice
def test_crosscheck_exits_1_when_the_difference_is_too_large():
    done = run("crosscheck", "array", "--rows", 3, "--columns", 4, "--within", 0, "--json", code=1)
    assert json.loads(done.stdout)["passed"] is False


def test_bad_models_and_parameters_give_one_line():
    assert "model: got 'vtaem'" in refused("iv", "vtaem")
    assert "try: vteam" in refused("iv", "vtaem", "--json")
    assert "r_off: got -5" in refused("iv", "vteam", "-p", "r_off=-5")
    assert "--param: got 'r_off'" in refused("iv", "vteam", "-p", "r_off")
    assert "--param: got 'r_off=x'" in refused("iv", "vteam", "-p", "r_off=x")
    assert "parameter: got 'r_of'" in refused("iv", "vteam", "-p", "r_of=5")
    assert "--spread: got 'r_of'" in refused("iv", "vteam", "--spread", "r_of=5")
    assert "engine: got 'hspice'" in refused("crosscheck", "array", "--engine", "hspice")
    assert "--capacitance: got 1e-15 F in a read" in refused("crosscheck", "array", "--capacitance", "1e-15")
    assert "--set: got 'x'" in refused("crosscheck", "array", "--set", "x")


def test_bad_files_give_one_line(files):
    folder, *_ = files
    (folder / "text.csv").write_text("a,b\nc,d\n")
    (folder / "empty.csv").write_text("")
    (folder / "ragged.csv").write_text("1,2\n3\n")
    (folder / "broken.npy").write_bytes(b"\x93NUMPY garbage")
    (folder / "negative.csv").write_text("1e-5,-1e-5\n")
    (folder / "short.csv").write_text("0.1,0.2\n")
    good = folder / "v.npy"
    assert "conductance: got" in refused("solve", folder / "missing.csv", good)
    for bad in ("text.csv", "empty.csv", "ragged.csv", "broken.npy"):
        assert refused("solve", folder / bad, good).startswith("memductance: conductance: got ")
    assert "conductance: got -1e-05 at index (0, 1)" in refused("solve", folder / "negative.csv", good)
    assert "voltage: got shape" in refused("solve", folder / "g.csv", folder / "short.csv")
    assert "--picture" in refused("solve", folder / "g.csv", good, "--picture")


def test_a_folder_that_cannot_be_created_gives_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    assert "--out: got" in refused("doctor", "--out", tmp_path / "file" / "below")
