"""Machine code that is never stale: what changes the key of a kernel, and what harm a cache on disk can come to."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from devices.common import cache, jit

ROOT = Path(__file__).parents[3]

OUTER = """
from devices.common.jit import jit, overload
from {inner} import FACTOR, TABLE, Point, twice

def stub(x): ...

@overload(stub)
def _stub(x):
    return lambda x: x * 1000.0

@jit
def outer(x):
    return twice(x) + FACTOR + TABLE[1] + stub(x)

@jit
def middle(point):
    return point.x

@jit
def taken(x, y):
    return middle(Point(x, y))
"""
INNER = """
import numpy as np
from typing import NamedTuple
from devices.common.jit import jit

FACTOR = 0.5
TABLE = np.array([1.0, 2.0])

class Point(NamedTuple):
    x: float
    y: float

@jit
def twice(x):
    return 2.0 * x
"""


def run(folder, code, **environment):
    """Run code in a fresh process that finds modules in `folder` first, with a cache there."""
    env = {
        **os.environ,
        "MEMDUCTANCE_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": f"{folder}:{ROOT}",
        **environment,
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


USE = "from outer import outer, taken; print(outer(1.0), taken(3.0, 4.0), sum(outer.stats.cache_hits.values()))"


@pytest.fixture
def kernels(tmp_path):
    (tmp_path / "outer.py").write_text(OUTER.format(inner="inner"))
    (tmp_path / "inner.py").write_text(INNER)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "before", "after", "wanted"),
    [
        ("inner.py", "return 2.0 * x", "return 3.0 * x", ["1005.5", "3.0"]),  # a function of another file
        ("inner.py", "FACTOR = 0.5", "FACTOR = 1.5", ["1005.5", "3.0"]),  # a constant of another file
        ("inner.py", "[1.0, 2.0]", "[1.0, 3.0]", ["1005.5", "3.0"]),  # an array of another file
        ("outer.py", "x * 1000.0", "x * 2000.0", ["2004.5", "3.0"]),  # an implementation by types
        ("outer.py", "twice(x) + FACTOR", "twice(x) - FACTOR", ["1003.5", "3.0"]),  # the kernel itself
        ("inner.py", "x: float\n    y: float", "y: float\n    x: float", ["1004.5", "4.0"]),  # fields of one type
    ],
)
def test_an_edit_is_never_run_as_old_machine_code(kernels, file, before, after, wanted):
    assert run(kernels, USE) == ["1004.5", "3.0", "0"]
    assert run(kernels, USE) == ["1004.5", "3.0", "1"], "read from the cache"
    path = kernels / file
    stamp = path.stat()
    path.write_text(path.read_text().replace(before, after))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as a copy or a container may leave it
    for stale in kernels.glob("__pycache__"):
        shutil.rmtree(stale)
    assert run(kernels, USE)[:2] == wanted


def test_a_comment_or_another_place_compiles_nothing(kernels, tmp_path):
    run(kernels, USE)
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "outer.py").write_text("# moved down\n\n" + OUTER.format(inner="inner"))
    (moved / "inner.py").write_text(INNER)
    assert run(moved, USE, MEMDUCTANCE_CACHE_DIR=str(kernels / "cache"))[2] == "1"


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:-1] + b"\0" + b[-1:]])
def test_a_damaged_cache_is_not_read(kernels, damage):
    run(kernels, USE)
    files = list((kernels / "cache" / "kernels").iterdir())
    assert len(files) >= 4
    for file in files:
        file.write_bytes(damage(file.read_bytes()))
    assert run(kernels, USE) == ["1004.5", "3.0", "0"]
    assert run(kernels, USE) == ["1004.5", "3.0", "1"], "mended"


def test_processes_that_compile_at_once_agree(kernels):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: run(kernels, USE)[:2], range(4)))
    assert found == [["1004.5", "3.0"]] * 4
    assert not list((kernels / "cache" / "kernels").glob("*.tmp"))


def test_a_missing_home_and_a_read_only_cache_do_not_stop_work(kernels):
    blocked = kernels / "blocked"
    blocked.write_text("")
    for environment in ({"MEMDUCTANCE_CACHE_DIR": str(blocked)}, {"MEMDUCTANCE_CACHE_DIR": "", "HOME": "/dev/null"}):
        assert run(kernels, USE, **environment)[:2] == ["1004.5", "3.0"]


def test_an_edit_of_the_steppers_workspace_changes_the_next_run(tmp_path):
    """The case as it was found: the stepper calls what another file has; the edit was without effect."""
    shutil.copytree(ROOT / "devices", tmp_path / "devices", ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import devices; from devices import Constant, device, simulate;"
        "trace = simulate(device('linear_ion_drift'), Constant(1.0, 1e-3), samples=3);"
        "print(devices.__file__, repr(float(trace.current[-1])))"
    )
    own = {"MEMDUCTANCE_CACHE_DIR": str(cache.cache_folder().parent)}  # the copy's code is ours, wherever it stands
    place, before = run(tmp_path, code, **own)
    assert Path(place).parent == tmp_path / "devices"
    workspace = tmp_path / "devices" / "simulation" / "workspace.py"
    text = workspace.read_text()
    line = "value = segment[1] + segment[2] * s"
    assert text.count(line) == 1
    workspace.write_text(text.replace(line, "value = 0.5 * segment[1] + segment[2] * s"))
    _, after = run(tmp_path, code)
    assert float(after) == pytest.approx(0.5 * float(before), rel=0.1)


def test_texts_of_kernels_are_kept_under_all_that_writes_them(tmp_path):
    """An edit of any module that has a part in the text of a kernel changes the key of the text."""
    shutil.copytree(ROOT / "devices", tmp_path / "devices", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from devices.kernels import compile; print(compile._WRITTEN_BY)"
    keys = {run(tmp_path, code)[0]}
    writers = ["model.py", "parameters.py", "special.py", "kernels/hoisting.py", "kernels/series.py", "kernels/text.py"]
    for count, writer in enumerate(writers, start=2):
        with (tmp_path / "devices" / writer).open("a") as file:
            file.write("# an edit\n")
        keys.add(run(tmp_path, code)[0])
        assert len(keys) == count, writer


class Pair(NamedTuple):
    a: float
    b: float


def test_a_key_covers_all_that_a_kernel_takes_or_is_refused():
    def made(value):
        def kernel():
            return value

        return kernel

    values = [
        1,
        1.0,
        True,
        "1",
        (1, 2),
        (2, 1),
        np.array([1.0]),
        np.array([1]),
        np.array([[1.0]]),
        None,
        Pair,
        0.0,
        -0.0,
    ]
    assert len({jit.fingerprint(made(v)) for v in values}) == len(values)
    assert jit.fingerprint(made(1.5)) == jit.fingerprint(made(1.5))
    with pytest.raises(TypeError, match=r"uses value, a dict, which the key of its machine code does not cover"):
        jit.fingerprint(made({}))
    with pytest.raises(TypeError, match=r"uses value, the module devices.common.cache"):
        jit.fingerprint(made(cache))


def test_every_kernel_of_the_packages_has_such_a_key():
    """No function is compiled past our decorator, whose cache is keyed on too little."""
    for package in ("devices", "crossbar", "netlists", "memductance"):
        for file in (ROOT / package).rglob("*.py"):
            if file != ROOT / "devices" / "common" / "jit.py":
                text = file.read_text()
                assert "njit" not in text, file
                assert "cfunc" not in text, file


def test_a_relative_cache_stays_where_it_was_when_the_process_moves(kernels):
    code = f"import os; from outer import taken; taken(3.0, 4.0); os.chdir('/'); {USE}"
    for hits in ("0", "1"):
        assert run(kernels, code, MEMDUCTANCE_CACHE_DIR="near") == ["1004.5", "3.0", hits]
