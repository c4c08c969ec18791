"""What the documents show must run: the README's Python, and the examples in docstrings."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

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


def test_files_that_the_documents_name_exist():
    for name in ("README.md", "docs/architecture.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text()
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert ((ROOT / name).parent / target).exists(), f"{name} links to {target}"
    for file in re.findall(r"`(\w+\.py)`", (ROOT / "docs" / "architecture.md").read_text()):
        assert list(ROOT.glob(f"*/**/{file}")), f"docs/architecture.md names {file}"


@pytest.mark.parametrize("name", [*PACKAGES, *MODULES])
def test_examples_in_docstrings(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_the_device_of_the_contributing_guide_is_a_valid_declaration():
    block = re.search(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    namespace: dict = {}
    exec(compile(block.group(1), "CONTRIBUTING.md", "exec"), namespace)
    assert namespace["MODELS"][0].name == "my_device"
