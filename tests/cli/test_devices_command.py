"""``memductance devices``: the list of models, one model, its picture, and unknown names."""

import csv
import json

import pytest
import sympy
from rich.console import Console
from typer.testing import CliRunner

import memductance.commands._shared as commands
from devices import models, parameter_sets
from memductance.cli import app
from memductance.commands.devices import _formula


def run(*words, code=0):
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def wide(monkeypatch):
    """A terminal wide enough that no line is wrapped."""

    class Wide(Console):
        def __init__(self, **options):
            super().__init__(**options, width=400)

    monkeypatch.setattr(commands, "Console", Wide)
    monkeypatch.setattr(commands, "_stdout", Wide())


def test_it_takes_the_common_options():
    text = run("devices", "--help").stdout
    for option in ("--help", "--seed", "--out", "--json", "--set"):
        assert option in text


def test_the_list_has_every_model(wide):
    text = run("devices").stdout
    for name, model in models().items():
        assert name in text
        assert model.title in text


def test_the_list_as_json_and_as_a_file(tmp_path):
    found = json.loads(run("devices", "--json", "--out", tmp_path).stdout)
    assert [m["name"] for m in found["models"]] == list(models())
    vteam = next(m for m in found["models"] if m["name"] == "vteam")
    assert vteam["sets"] == {n: s.status for n, s in parameter_sets("vteam").items()}
    assert vteam["states"] == ["x"]
    with (tmp_path / "devices.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == list(models())


@pytest.mark.parametrize("name", list(models()))
def test_one_model_shows_all_of_its_declaration(wide, name):
    model, text = models()[name], run("devices", name).stdout
    for quantity in (*model.states, *model.parameters):
        line = next(li for li in text.splitlines() if li.startswith(f"│ {quantity.name} "))
        assert quantity.meaning in line
        for given in model.parameter_sets:
            assert f"{ {**given.values, **given.initial}[quantity.name]:.6g}" in line
    for given in model.parameter_sets:
        assert f"  {given.name} ({given.status}): {given.source}." in text
    for state in model.states:
        assert f"d{state.name}/dt = " in text
    assert "i = " in text
    for reference in model.references:
        assert f"  {reference}" in text


def test_an_equation_uses_the_symbols_of_the_parameter_table():
    lines = run("devices", "resistor").stdout.splitlines()
    assert lines[2:5] == ["      v", "  i = ─", "      r"]
    assert "k_off⋅Max(0, v/v_off - 1)" in run("devices", "vteam").stdout


def test_a_wide_sum_has_a_line_for_each_term():
    a, b = sympy.symbols("a b", real=True)
    lines = _formula("dx/dt", sympy.Add(*(sympy.exp(-k * a) / b for k in range(1, 4))) - b, 30).splitlines()
    assert lines[0] == "  dx/dt ="
    assert [line.strip()[:1] for line in lines if set("+-") & set(line[:7])] == ["+", "+", "-"]
    assert max(map(len, lines)) <= 30
    assert _formula("i", a * b, 3) == "  i = a*b"


@pytest.mark.parametrize("name", list(models()))
def test_one_model_as_json_has_its_values_exactly(name):
    model, found = models()[name], json.loads(run("devices", name, "--json").stdout)
    assert {n: s["values"] for n, s in found["sets"].items()} == {s.name: dict(s.values) for s in model.parameter_sets}
    assert found["latex"] == model.latex()
    assert set(found["equations"]) >= {"i", *(f"d{s.name}/dt" for s in model.states)}
    assert [p["unit"] for p in found["parameters"]] == [p.unit for p in model.parameters]


@pytest.mark.parametrize("name", ["vteam", "resistor", "ekv_transistor"])
def test_its_picture_is_saved(tmp_path, name):
    run("devices", name, "--set", list(parameter_sets(name))[-1], "--out", tmp_path)
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "message"),
    [(("vtaem",), "try: vteam"), (("vteam", "--set", "magik"), "try: magic")],
)
def test_an_unknown_name_suggests_the_closest(words, message):
    done = run("devices", *words, code=2)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("memductance: ")
    assert message in done.stderr
