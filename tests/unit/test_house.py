"""The plan of the house, checked: which way imports run, how long a file is, what an import costs."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = ["devices", "crossbar", "netlists", "memductance"]
FILES = [f for package in ORDER for f in sorted((ROOT / package).rglob("*.py"))]


def imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return names


def test_the_files_are_found():
    assert len(FILES) > 30


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_run_one_way(file):
    floor = ORDER.index(file.relative_to(ROOT).parts[0])
    for name in imported(file):
        package = name.split(".")[0]
        assert package not in ORDER or ORDER.index(package) <= floor, f"{file} imports {name}"
        assert package != "notebooks"
        assert package != "tests"


def test_only_the_adapter_imports_pyspice():
    users = [f.relative_to(ROOT).as_posix() for f in FILES if any(n.startswith("PySpice") for n in imported(f))]
    assert users == ["netlists/engines/_pyspice_worker.py", "netlists/engines/pyspice.py"]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_is_one_concept(file):
    assert len(file.read_text().splitlines()) <= 600


@pytest.mark.parametrize("package", ORDER[:3])
def test_public_names_load_and_no_module_shadows_one(package):
    module = importlib.import_module(package)
    assert len(module.__all__) > 5
    for name in module.__all__:
        assert getattr(module, name).__doc__, f"{package}.{name} has no docstring"
        assert not (ROOT / package / f"{name}.py").exists(), f"{package}.{name} is a module and a public name"


def test_importing_the_packages_loads_nothing_heavy():
    heavy = "{'sympy', 'numba', 'matplotlib', 'sklearn', 'scipy', 'xarray', 'PySpice', 'spicelib', 'pandas', 'pint'}"
    code = f"import sys, devices, crossbar, netlists, memductance; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_package_is_typed():
    for package in ORDER:
        assert (ROOT / package / "py.typed").exists()
