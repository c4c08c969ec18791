"""Start-up times: importing the packages, and the first read with and without compiled code on disk."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.bench import Bench, guarded
from benchmarks.figures import Figure
from benchmarks.measure import ROOT
from benchmarks.others import Others

PACKAGES = "import devices, crossbar, netlists, memductance"
NAMES = "from crossbar import Crossbar, Wires; from devices import device, simulate; from netlists import crosscheck"
READ = "from crossbar import Crossbar, Wires; Crossbar([[1e-4, 2e-5], [5e-5, 1e-5]], Wires(1.0, 1.0)).read([0.2, 0.1])"


def run(bench: Bench) -> Iterator[Figure]:
    repeats = 3 if bench.quick else 9
    bare = _wall("pass", repeats)

    def figure(work: str, code: str, goal: float | None, empty: bool = False) -> Figure:
        others = Others([])
        seconds = _cold(code) if empty else _wall(code, repeats)
        details = {"samples": 1 if empty else repeats, "spread": [seconds, seconds], "others": others.share()}
        return Figure(
            "import", work, ours=seconds, value=seconds, unit="s", goal=goal, sense="at most",
            extra={"bare": bare, "code": code, "ours": details},
        )  # fmt: skip

    for work, code, goal, empty in (
        ("import of the four packages", PACKAGES, 0.5, False),
        ("import of the classes that a script starts with", NAMES, 0.5, False),
        ("script with one 2x2 read, compiled code on disk", READ, None, False),
        ("script with one 2x2 read, nothing compiled", READ, None, True),
    ):
        yield guarded("import", work, 0, "", lambda w=work, c=code, g=goal, e=empty: figure(w, c, g, e))  # type: ignore[misc]


def _wall(code: str, repeats: int) -> float:
    _once(code, {})
    return statistics.median(_once(code, {}) for _ in range(repeats))


def _cold(code: str) -> float:
    with tempfile.TemporaryDirectory(prefix="memductance-benchmark-") as folder:
        return _once(code, {"NUMBA_CACHE_DIR": folder, "MEMDUCTANCE_CACHE_DIR": folder})


def _once(code: str, more: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return seconds
