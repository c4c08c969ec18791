"""The plan of docs/architecture.md, checked: where imports may go, what files are called, how long they are."""

import ast
import importlib
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: The packages, lowest first, and in each its folders, lowest first; "." stands for the files beside them.
PLAN = {
    "devices": [["common"], ["."], ["library"], ["kernels"], ["cells"], ["simulation"], ["effects"], ["fitting"]],
    "crossbar": [
        ["mapping", "periphery", "sweeps"],
        [".", "circuit"],
        ["programming"],
        ["inference"],
        ["fabric", "fabric/presets"],
    ],
    "netlists": [["."], ["dialects"], ["engines"], ["comparison"], ["campaign"]],
    "memductance": [["pages"], ["commands"], ["."]],
}
#: Folders whose names researchers import; all others hand nothing on.
OPEN = {"devices", "crossbar", "crossbar/fabric", "netlists"}
FILES = [f for package in PLAN for f in sorted((ROOT / package).rglob("*.py"))]


def place(module: str) -> tuple[int, int]:
    """Package and folder of a module, as heights in the plan."""
    package, *rest = module.split(".")
    file = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    folder = "/".join(rest[:-1] if file.exists() else rest) or "."
    return list(PLAN).index(package), next(k for k, level in enumerate(PLAN[package]) if folder in level)


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def handed_on() -> dict[str, str]:
    """Public names by where they live, from the stubs: what `from devices import fit` loads."""
    found = {}
    for stub in (s for package in PLAN for s in (ROOT / package).rglob("__init__.pyi")):
        package = ".".join(stub.relative_to(ROOT).parent.parts)
        for node in ast.parse(stub.read_text()).body:
            found |= {f"{package}.{a.name}": f"{package}.{node.module}" for a in node.names}
    return found


@cache
def imported(file: Path) -> set[str]:
    """Modules that a file imports when it runs, at its head or within functions; those for annotations are left out."""
    names = set()
    waiting = [ast.parse(file.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            names |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                inner = ROOT.joinpath(*whole.split("."))
                is_module = inner.with_suffix(".py").exists() or (inner / "__init__.py").exists()
                names.add(handed_on().get(whole, whole if is_module else node.module))
        else:
            waiting += ast.iter_child_nodes(node)
    return names


def ours(file: Path) -> set[str]:
    return {name for name in imported(file) if name.split(".")[0] in PLAN}


def test_the_files_are_found():
    assert len(FILES) > 150
    assert len(handed_on()) > 130
    assert handed_on()["devices.fit"] == "devices.fitting.fit"


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_run_one_way(file):
    """Down the list of packages, and down the list of folders within one, never up."""
    here = place(module_of(file))
    for name in ours(file):
        assert place(name) <= here, f"{file.relative_to(ROOT)} imports {name}, which lies above it"
    assert not {n for n in imported(file) if n.split(".")[0] in ("notebooks", "tests", "benchmarks")}


def test_no_files_import_each_other_in_a_circle():
    graph = {module_of(f): ours(f) - {module_of(f)} for f in FILES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_every_folder_is_in_the_plan():
    for package, levels in PLAN.items():
        named = {folder for level in levels for folder in level if folder != "."}
        found = {f.parent.relative_to(ROOT / package).as_posix() for f in (ROOT / package).rglob("*/__init__.py")}
        assert found == named


@pytest.mark.parametrize("init", [f for f in FILES if f.name == "__init__.py"], ids=lambda f: str(f.relative_to(ROOT)))
def test_a_folder_hands_names_on_only_where_researchers_import_from(init):
    folder = init.parent.relative_to(ROOT).as_posix()
    stub = init.with_suffix(".pyi")
    assert stub.exists() == (folder in OPEN)
    body = ast.parse(init.read_text()).body
    if folder in OPEN:
        assert "lazy_loader.attach_stub" in init.read_text()
    elif folder not in ("memductance", "crossbar/fabric/presets"):  # a version; a reader beside its data
        assert len(body) == 1, f"{folder}/__init__.py has more than its docstring"
    assert ast.get_docstring(ast.parse(init.read_text()))


@pytest.mark.parametrize("folder", sorted(OPEN))
def test_public_names_load_and_no_file_or_folder_shadows_one(folder):
    module = importlib.import_module(folder.replace("/", "."))
    assert len(module.__all__) > 5
    for name in module.__all__:
        assert getattr(module, name).__doc__, f"{folder}.{name} has no docstring"
        for shadow in (ROOT / folder / f"{name}.py", ROOT / folder / name):
            assert not shadow.exists(), f"{folder}.{name} is a public name, and {shadow.relative_to(ROOT)} a module"


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_is_one_concept(file):
    assert len(file.read_text().splitlines()) <= 600


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_takes_nothing_private_of_another(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in PLAN:
            hidden = [a.name for a in node.names if a.name.startswith("_")]
            private = [name for name in hidden if f"{node.module}.{name}" not in MODULES]
            assert not private, f"{file.relative_to(ROOT)} imports {private} from {node.module}"


MODULES = {module_of(f) for f in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_docstrings_say_what_a_thing_is(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            assert not text.startswith("What"), f"{file.relative_to(ROOT)}: {text.splitlines()[0]}"


def test_only_the_adapter_imports_pyspice():
    users = [f.relative_to(ROOT).as_posix() for f in FILES if any(n.startswith("PySpice") for n in imported(f))]
    assert users == ["netlists/engines/pyspice.py", "netlists/engines/pyspice_worker.py"]


def test_importing_the_packages_loads_nothing_heavy():
    heavy = "{'sympy', 'numba', 'matplotlib', 'sklearn', 'scipy', 'xarray', 'PySpice', 'spicelib', 'pandas', 'pint'}"
    code = f"import sys, devices, crossbar, netlists, memductance; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_package_is_typed():
    for package in PLAN:
        assert (ROOT / package / "py.typed").exists()
