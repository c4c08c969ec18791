"""``memductance sweep``: a TOML file in, a store, tables and pictures out; what wrong files get."""

import json
from pathlib import Path

import pytest
import xarray as xr
from typer.testing import CliRunner

from crossbar import BitSerial, OffsetMapping, PairMapping, Recipe, SliceMapping, Wires
from devices import InputError, Lognormal, PowerLawDrift
from memductance.cli import app
from memductance.commands.sweep_spec import SweepSpec, read_recipe

FILE = Path(__file__).with_name("sweep.toml")
TEXT = FILE.read_text()


def run(*words, code=0):
    done = CliRunner().invoke(app, ["sweep", *(str(w) for w in words)])
    assert done.exit_code == code, done.output
    return done


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "out"
    return folder, run(FILE, "--out", folder)


def test_the_report_is_printed(made):
    text = made[1].stdout
    assert "Spread & tiles" in text
    assert "ideal arrays equal it" in text
    assert "18 trials done, 0 failed, 0 missing" in text
    assert "adc_bits = None: accuracy of 0.5" in text


def test_the_files_are_written(made):
    names = {f.name for f in made[0].iterdir() if not f.name.startswith(".")}
    assert names == {"sweep.zarr", "sweep.nc", "sweep.csv", "sigma.png", "adc_bits.png", "sigma-adc_bits.png"}
    with xr.open_dataset(made[0] / "sweep.nc") as found:
        assert found.accuracy.shape == (3, 2, 3)
        assert [str(v) for v in found.adc_bits.values] == ["6", "None"]
        assert float(found.accuracy[0].min()) > float(found.accuracy[2].max())
        assert "Lognormal" not in found.attrs["evaluate"]


def test_a_second_run_goes_on(made):
    before = (made[0] / "sweep.zarr" / "zarr.json").stat().st_mtime_ns
    figures = json.loads(run(FILE, "--out", made[0], "--json").stdout)
    assert (figures["done"], figures["failed"]) == (18, 0)
    assert (made[0] / "sweep.zarr" / "zarr.json").stat().st_mtime_ns == before
    assert "store: seed: got 4" in run(FILE, "--out", made[0], "--seed", 4, code=2).output


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("trials = 3", 'trials = "3"', "trials: got '3'"),
        ("trials = 3", "trails = 3", "spec: got 'trails'.*try: trials"),
        ("trials = 3", "trials = 3\nworkers = 0", "workers: got 0"),
        ("trials = 3", 'trials = 3\npaired = "False"', "paired: got 'False'; allowed: true or false"),
        ("target = 0.5", "target = 50", "target: got 50"),
        ('name = "digits"', 'name = "__import__"', "task.name: got '__import__'"),
        ("hidden = 8", "hidden = 8.5", "task.hidden: got 8.5"),
        ("hidden = 8", "layers = 8", "task.layers: got 'layers'"),
        ('kind = "Lognormal"', 'kind = "lognormal"', "recipe.effects.spread.kind: got 'lognormal'.*try: Lognormal"),
        ('kind = "Lognormal"', 'kind = "os.system"', "recipe.effects.spread.kind: got 'os.system'"),
        ('kind = "Lognormal"', "", "recipe.effects.spread"),
        ("sigma = 0.0", 'sigma = "0.0"', "recipe.effects.spread.sigma: got '0.0'"),
        ("sigma = 0.0", "sigma = 0.0\ntile = 3", "recipe.effects.spread.tile: got 'tile'"),
        ("[recipe.effects.spread]", "adc_bits = true\n[recipe.effects.spread]", "recipe.adc_bits: got True"),
        ("[recipe.effects.spread]", "tile = 64\n[recipe.effects.spread]", "recipe.tile: got 64"),
        ("[recipe.effects.spread]", 'mapping = "Crossbar"\n[recipe.effects.spread]', "recipe.mapping: got 'Crossbar'"),
        ("[recipe.effects.spread]", 'encoding = "Sine"\n[recipe.effects.spread]', "recipe.encoding: got 'Sine'"),
        ("[1e-6, 1e-5]", "[1e-5, 1e-6]", "conductance_limits"),
        ("[1e-6, 1e-5]", '["a", "b"]', r"recipe.conductance_limits\[0\]: got 'a'"),
        ("conductance_limits = [1e-6, 1e-5]", 'device = "wox"', "got 'wox'"),
        ("conductance_limits = [1e-6, 1e-5]", "read_voltage = 0.3", "read_voltage without device"),
        ("[0.0, 0.2, 1.0]", '[0.0, "0.2"]', "sigma: got '0.2' among numbers"),
        ("[0.0, 0.2, 1.0]", "[0.0, -0.2]", "recipe.effects.spread.sigma: got -0.2"),
        ("[0.0, 0.2, 1.0]", "[]", "sigma: got no values"),
        ('[6, "none"]', "[6, 6.5]", "adc_bits"),
        ('[6, "none"]', '[6, "all"]', "among numbers"),
        ('[6, "none"]', "[6]\nlog = [1, 2, 3]", "values and log"),
        ('[6, "none"]', "[6]\nunit = 3", "axes.adc_bits.unit: got 3"),
        ('"effects.spread.sigma"', '"effects.noise.sigma"', "recipe.effects.noise"),
        ('"effects.spread.sigma"', '"effects.spread.sigma.x"', "that is no table"),
        ('"effects.spread.sigma"', "[]", "axes.sigma.fields"),
        ("[axes.adc_bits]", "[axes.adc_byte]", "recipe.adc_byte: got 'adc_byte'.*try: adc_bits"),
        ("[axes.adc_bits]", '[axes.status]\nfields = "adc_bits"', "name: got 'status'"),
        (TEXT, "trials = ", "no TOML"),
        (TEXT, "trials = 1", "spec: got no table recipe"),
    ],
)  # fmt: skip
def test_wrong_files_are_refused_before_anything_runs(tmp_path, old, new, message):
    assert old in TEXT
    (tmp_path / "s.toml").write_text(TEXT.replace(old, new))
    with pytest.raises(InputError, match=message):
        SweepSpec.read(tmp_path / "s.toml")


def test_recipes_of_files():
    found = read_recipe(
        {
            "device": "vteam",
            "tile": [32, 64],
            "mapping": "DifferentialPairs",
            "encoding": {"kind": "PulseWidth", "bits": 4},
            "wires": {"word_line": 1.0, "bit_line": 2},
            "effects": [{"kind": "Lognormal", "sigma": 0.1}, {"kind": "PowerLawDrift", "time": 1e5, "nu": 0.05}],
        }
    )
    assert isinstance(found, Recipe)
    assert found.tile == (32, 64)
    assert found.encoding.bits == 4
    assert (found.wires.word_line, found.wires.bit_line) == (1.0, 2.0)
    assert isinstance(found.wires, Wires)
    assert found.effects == (Lognormal(0.1), PowerLawDrift(1e5, nu=0.05))


@pytest.mark.parametrize(
    ("table", "mapping"),
    [
        ("PairMapping", PairMapping()),
        (
            {"kind": "PairMapping", "arrangement": "cancelling", "percentile": 99},
            PairMapping("cancelling", percentile=99),
        ),
        ({"kind": "OffsetMapping", "zero": "reference column"}, OffsetMapping("reference column")),
        (
            {"kind": "SliceMapping", "bits": 6, "step": 0.5, "signs": "digital"},
            SliceMapping(6, signs="digital", step=0.5),
        ),
    ],
)
def test_mappings_of_files(table, mapping):
    recipe = {"conductance_limits": [1e-6, 1e-5], "mapping": table, "encoding": "BitSerial", "order": "ir drop"}
    found = read_recipe(recipe)
    assert found.mapping == mapping
    assert (found.encoding, found.order) == (BitSerial(), "ir drop")


def test_a_scheduler_that_is_not_there():
    pytest.importorskip("distributed")
    assert "--scheduler: got" in run(FILE, "--scheduler", "nonsense", code=2).output


def test_the_example_of_the_documents_is_a_specification():
    found = SweepSpec.read(Path(__file__).parents[2] / "docs" / "sweep.toml")
    assert [axis.name for axis in found.axes] == ["segment", "sigma"]


AGED = """
trials = 2
[task]
name = "digits"
hidden = 12
[recipe]
conductance_limits = [1e-6, 1e-5]
adc_bits = 6
[recipe.effects.drift]
kind = "PowerLawDrift"
time = 1.0
nu = 0.06
[axes.seconds]
fields = "network.time"
values = [1.0, 1e9]
unit = "s"
[axes.compensation]
fields = "network.compensate"
values = ["none", "matrix"]
labels = ["without", "one factor"]
"""


def test_a_network_ages_and_is_compensated_along_axes(tmp_path):
    """Ranges that were set at programming lose most codes of cells that have drifted by a factor of 3.5."""
    (tmp_path / "aged.toml").write_text(AGED)
    run(tmp_path / "aged.toml", "--out", tmp_path / "out")
    with xr.open_dataset(tmp_path / "out" / "sweep.nc") as found:
        (fresh, same), (old, compensated) = found.accuracy.mean("trial").values
    assert fresh == same > 0.9
    assert compensated > old + 0.05


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("values = [1.0, 1e9]", "values = [0.5, 1e9]", r"time: got 0\.5;"),
        ("values = [1.0, 1e9]", 'values = ["soon", "late"]', "seconds: got 'soon'"),
        ('values = ["none", "matrix"]', 'values = ["none", "all"]', r"network\.compensate: got 'all'"),
        ("network.time", "network.tim", "network"),
    ],
)
def test_wrong_times_and_compensations_are_refused_before_anything_runs(tmp_path, old, new, message):
    file = tmp_path / "aged.toml"
    file.write_text(AGED.replace(old, new))
    with pytest.raises(InputError, match=message):
        SweepSpec.read(file)
