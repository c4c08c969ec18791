"""What is there and who adds to it: tables of models and sets, entry points, and sources of a run."""

import types
from importlib.metadata import EntryPoint

import numpy as np
import pytest

import devices.registry as registry
from crossbar import AnalogMatrix, Crossbar, Recipe
from crossbar.fabric import Chip, chip_preset
from devices import (
    FlickerNoise,
    InputError,
    Lognormal,
    ParameterSet,
    PowerLawDrift,
    Series,
    Sine,
    citations,
    device,
    models,
    parameter_sets,
    simulate,
)

GIVEN = parameter_sets("vteam")["magic"]
MINE = ParameterSet("mine", GIVEN.values, GIVEN.initial, "A. Author, Journal 1, 2 (2026)", "seen")


@pytest.fixture
def offer(monkeypatch):
    """Let a made-up distribution offer objects by entry point; the registry is read anew, and put back after."""

    def publish(**offers):
        def points(*, group):
            given = enumerate(offers.get(group.rsplit(".", 1)[1], []))
            return [_Point(f"point{k}", "elsewhere:thing", group).offering(o) for k, o in given]

        monkeypatch.setattr(registry, "entry_points", points)
        registry.forget()

    yield publish
    monkeypatch.undo()
    registry.forget()


class _Point(EntryPoint):
    def offering(self, given):
        vars(self)["given"] = given
        return self

    def load(self):
        if isinstance(vars(self)["given"], Exception):
            raise vars(self)["given"]
        return vars(self)["given"]


def test_models_are_a_read_only_mapping_that_prints_as_a_table():
    table = models()
    text = repr(table)
    assert list(table) == sorted(table)
    for name, model in table.items():
        assert model.name == name
        assert name in text
    for head in ("name", "title", "states", "sets", "year", "doi"):
        assert head in text.splitlines()[0]
    vteam = table.to_frame().set_index("name").loc["vteam"]
    assert vteam.to_dict() == {
        "title": table["vteam"].title,
        "states": "x",
        "sets": ", ".join(parameter_sets("vteam")),
        "year": "2015",
        "doi": "10.1109/TCSII.2015.2433536",
    }
    html = table._repr_html_()
    assert html.count("<tr>") == len(table)
    assert "10.1109/TCSII.2015.2433536" in html
    with pytest.raises(TypeError):
        table["mine"] = None


def test_every_doi_is_found():
    for name, model in models().items():
        if any("doi" in text for text in model.references):
            row = models().to_frame().set_index("name").loc[name]
            assert row["doi"].startswith("10.")
            assert row["doi"][-1] not in ".,;:)"


def test_sets_of_one_model_and_of_all():
    one, every = parameter_sets("vteam"), parameter_sets()
    assert one["magic"] is every["vteam", "magic"]
    assert len(every) == sum(len(m.parameter_sets) for m in models().values())
    assert every.columns == ("model", "set", "status", "source")
    assert set(every.to_frame().status) <= {"seen", "recalled", "code default", "ours"}
    assert "MAGIC" in repr(one)
    with pytest.raises(InputError, match=r"model: got 'vtaem'.*try: vteam"):
        parameter_sets("vtaem")


def test_a_long_text_is_not_cut_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "70")
    text = repr(parameter_sets())
    assert max(map(len, text.splitlines())) <= 70
    assert "…" not in text


@pytest.mark.parametrize("wrap", [dict, lambda sets: types.SimpleNamespace(PARAMETER_SETS=sets)])
def test_a_distribution_adds_sets_to_a_model_of_ours(offer, wrap):
    offer(parameter_sets=[wrap({"vteam": (MINE,)})])
    assert list(parameter_sets("vteam"))[-1] == "mine"
    assert parameter_sets()["vteam", "mine"] is MINE
    assert device("vteam").parameter_set.name == "memtorch", "the default stays"
    mine, ours = (device("vteam", name).current(0.1) for name in ("mine", "magic"))
    np.testing.assert_array_equal(mine, ours)


def test_a_distribution_adds_a_model_and_another_one_its_set(offer):
    from dataclasses import replace

    copied = replace(models()["vteam"], name="vteam_copied")
    offer(devices=[types.SimpleNamespace(MODELS=(copied,))], parameter_sets=[{"vteam_copied": [MINE]}])
    assert len(parameter_sets("vteam_copied")) == len(parameter_sets("vteam")) + 1


@pytest.mark.parametrize(
    ("offers", "message"),
    [
        ({"parameter_sets": [{"vtaem": (MINE,)}]}, r"entry point 'point0' \(elsewhere:thing\): model: .*try: vteam"),
        ({"parameter_sets": [{"vteam": (GIVEN,)}]}, r"point0.*: vteam.parameter_sets: got 'magic' twice"),
        ({"parameter_sets": [{"vteam": MINE}]}, r"point0.*vteam: got a ParameterSet; allowed: a sequence"),
        (
            {"parameter_sets": [{"wox_scaled_decay": (MINE,)}]},
            r"point0.*: wox_scaled_decay.mine: parameters: got",
        ),
        ({"parameter_sets": [7]}, r"point0.*got a int; allowed: a mapping, or a module with PARAMETER_SETS"),
        ({"parameter_sets": [ImportError("no numpy")]}, r"point0.*got ImportError: no numpy; .*uninstall"),
        ({"devices": [types.SimpleNamespace()]}, r"point0.*got no tuple of DeviceModel"),
        (
            {"devices": [types.SimpleNamespace(MODELS=(models()["vteam"],))]},
            r"name: got 'vteam' from devices.library.vteam and from entry point 'point0'.*; try: rename",
        ),
    ],
)
def test_a_distribution_that_does_not_fit_is_named(offer, offers, message):
    offer(**offers)
    with pytest.raises(InputError, match=message):
        models()


def test_citations_name_what_was_used_once():
    cell = device("vteam", r_off=2e3)
    found = citations(cell, simulate(cell, Sine(amplitude=0.01, frequency=1e6), samples=3))
    assert [c.used_for for c in found] == [("vteam",), ("vteam/memtorch (r_off changed)",)]
    assert found[1].status == "code default"
    assert "10.1109/TCSII.2015.2433536" in repr(found)


def test_citations_reach_into_series_and_arrays():
    selector = device("exponential_selector")
    pair = Series(selector, device("vteam", "magic", r_on=np.full((2, 2), 1e3)))
    for thing in (pair, Crossbar(pair)):
        names = [n for c in citations(thing) for n in c.used_for]
        assert names == ["exponential_selector", "exponential_selector/varistor", "vteam", "vteam/magic"]


def test_citations_of_effects_recipes_networks_and_chips():
    effects = [Lognormal(0.1), PowerLawDrift(86400.0, nu=0.05), FlickerNoise(1e-4, f_low=1.0, f_high=1e6)]
    wanted = [(type(e).__name__, e.source, e.status) for e in effects]
    recipe = Recipe(conductance_limits=(1e-6, 1e-5), effects=effects)
    matrix = AnalogMatrix.program(np.ones((2, 2)), np.zeros(2), recipe, calibration=np.ones((1, 2)))
    for used in (effects, (recipe,), (matrix,), (matrix.tiles[0],)):
        assert [(*c.used_for, c.text, c.status) for c in citations(*used)] == wanted
    chip = citations(Chip(chip_preset("michigan_2019")))
    preset = chip_preset("michigan_2019")
    assert {c.text for c in chip} == {*preset.references, *(f.source for f in preset.figures.values())}
    assert any("michigan_2019/core_power" in c.used_for for c in chip)
    assert [c.used_for for c in citations(models()["vteam"])] == [("vteam",)]


@pytest.mark.parametrize("used", [(), (1.0,), ("vteam",), (Crossbar(np.ones((2, 2))),)])
def test_citations_of_what_has_no_device_are_refused(used):
    with pytest.raises(InputError, match=r"used: got|cells: got ohmic"):
        citations(*used)
