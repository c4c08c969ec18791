"""What the documents show must run: the README's Python, and the examples in docstrings."""

import doctest
import importlib
import importlib.util
import pkgutil
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import sympy
from scipy.constants import Boltzmann

from crossbar import Bias
from devices import models, parameter_sets

ROOT = Path(__file__).parents[2]
PACKAGES = ("devices", "crossbar", "netlists", "memductance")
MODULES = [
    m.name
    for package in PACKAGES
    for m in pkgutil.walk_packages([str(ROOT / package)], f"{package}.")
    if not m.name.endswith("__main__")
]


def test_the_python_of_the_readme_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) >= 4
    namespace: dict = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
    assert "ngspice" in capsys.readouterr().out


@pytest.mark.spice
@pytest.mark.parametrize("page", ["netlists.md", "engines.md"])
def test_the_python_of_the_pages_on_netlists_runs(page):
    """The figures are those of `tests/spice`; here of the last lines only, that they are what their comments say."""
    namespace: dict = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL):
        exec(compile(block, page, "exec"), namespace)
    if page == "engines.md":
        assert namespace["sweep"]["v(w0_0)"].size == 5
        return
    array, output = namespace["array"], namespace["output"][0]
    assert output == pytest.approx(-1e4 * array.read([0.3, 0.2]).current[0], rel=1e-3)
    assert namespace["surface"].shape == (3, 4)
    assert namespace["surface"][2, 3] == pytest.approx(output, rel=1e-9)
    assert namespace["response"][0] == pytest.approx(-1e4 * array.read([1.0, 0.0]).current[0], rel=1e-3)
    assert np.iscomplexobj(namespace["gain"])
    seen = -array.solve(Bias(word_left=0.0, bit_bottom=[1.0, 0.0])).cell_current[:, 0].sum()  # [S], from the amplifier
    density = np.sqrt(4 * Boltzmann * 300.15 * (1e4 + 1e8 * seen))
    assert namespace["density"][0] == pytest.approx(density, rel=1e-3)
    assert 0.0 < namespace["waves"]["v(middle1)"][0] < 0.3


def test_the_python_of_the_page_on_mappings_runs():
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "mapping.md").read_text(), re.DOTALL):
        exec(compile(block, "mapping.md", "exec"), {})


def test_files_that_the_documents_name_exist():
    for name in ("README.md", "docs/architecture.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text()
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert ((ROOT / name).parent / target).exists(), f"{name} links to {target}"
    for file in re.findall(r"`(\w+\.py)`", (ROOT / "docs" / "architecture.md").read_text()):
        assert list(ROOT.glob(f"*/**/{file}")), f"docs/architecture.md names {file}"


@pytest.mark.parametrize("name", [*PACKAGES, *MODULES])
def test_examples_in_docstrings(name):
    if name.rpartition(".")[2].startswith("torch"):
        pytest.importorskip("torch", reason="no torch: run tools/torch-cpu.sh PYTHON")
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_the_device_of_the_contributing_guide_is_a_valid_declaration():
    block = re.search(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    namespace: dict = {}
    exec(compile(block.group(1), "CONTRIBUTING.md", "exec"), namespace)
    assert namespace["MODELS"][0].name == "my_device"


def script(path):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_synthetic_sweep_of_the_notebooks_is_what_its_script_makes():
    module = script("notebooks/data/make_iv_sweep.py")
    kept, made = (text.splitlines() for text in (module.FILE.read_text(), module.sweep()))
    assert kept[:3] == made[:3]
    assert "SYNTHETIC" in kept[0]
    rows = [np.array([line.split(",") for line in lines[3:]], dtype=float) for lines in (kept, made)]
    np.testing.assert_allclose(*rows, atol=0.51)  # a rounding of the last digit [uA]


def test_the_pages_of_the_models_are_those_of_their_declarations():
    wanted = script("docs/make_models.py").pages(models())
    folder = ROOT / "docs" / "models"
    assert {f.name for f in folder.iterdir()} == set(wanted), "run python docs/make_models.py"
    assert {f.stem for f in (ROOT / "docs" / "images" / "models").iterdir()} == set(models())
    # SymPy orders terms as its release does: formulas are compared under the one that set them.
    same = f"formulas set by SymPy {sympy.__version__}" in (folder / "README.md").read_text()
    for name, text in wanted.items():
        found = (folder / name).read_text()
        if not same:
            found, text = (re.sub(r"```math.*?```|SymPy [\d.]+", "", t, flags=re.DOTALL) for t in (found, text))
        assert found == text, f"docs/models/{name} is out of date: run python docs/make_models.py"


def test_the_page_of_effects_is_that_of_their_declarations():
    make_effects = script("docs/make_effects.py")
    text = (ROOT / "docs" / "effects.md").read_text()
    assert make_effects.page() == text, "docs/effects.md is out of date: run python docs/make_effects.py"
    assert ":math:" not in text
    assert "::" not in text
    for kind in make_effects.effects():
        section = text.split(f"## {kind.__name__}\n")[1].split("\n## ")[0]
        for field in fields(kind):
            assert re.search(rf"^\| `.*\b{field.name}\b.*` \|", section, re.MULTILINE), f"{kind.__name__}.{field.name}"


def test_there_is_evidence_of_every_model_set_and_effect():
    """Names only: the figures are those of the tests that assert them."""
    text = (ROOT / "docs" / "evidence.md").read_text()
    fix = "run python docs/make_evidence.py"
    _, figures, ngspice, vacask, chance = re.split("## Figures|### ngspice|### VACASK|## Random effects", text)
    for name in models():
        assert f"[{name}](models/{name}.md)" in figures, fix  # in the table, or among those without a figure
        for which in parameter_sets(name):
            row = f"\n| [{name}](models/{name}.md) | `{which}` |"
            assert row in ngspice, fix
            assert row in vacask, fix
    for kind in script("docs/make_effects.py").effects():
        assert f"\n| **[{kind.__name__}](effects.md#{kind.__name__.lower()})**" in figures + chance, fix


def test_pictures_of_the_models_are_small_and_linked():
    pictures = ROOT / "docs" / "images" / "models"
    index = (ROOT / "docs" / "models" / "README.md").read_text()
    for name in models():
        assert 3_000 < (pictures / f"{name}.png").stat().st_size <= 40_000
        assert f"../images/models/{name}.png" in index
        assert f"](../images/models/{name}.png)" in (ROOT / "docs" / "models" / f"{name}.md").read_text()


@pytest.mark.parametrize("name", list(models()))
def test_the_python_of_each_page_runs(name):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "models" / f"{name}.md").read_text(), re.DOTALL)
    assert len(blocks) == 1
    exec(compile(blocks[0], f"{name}.md", "exec"), {})


def test_cells_of_the_tables_of_each_page_are_as_many_as_their_heads():
    for page in [*(ROOT / "docs" / "models").glob("*.md"), ROOT / "docs" / "effects.md", ROOT / "docs" / "evidence.md"]:
        for table in re.findall(r"(?:^\|.*\n)+", page.read_text(), re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, page.name
