"""Operating points of the same arrays in ngspice, from a plain netlist; the time is that of ngspice's process."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.problem import SINH_SCALE, Array, ReadProblem, problem
from benchmarks.task import Task, Timed

#: Tight enough that the result is accurate to six digits; linear circuits do not depend on them.
OPTIONS = ".options reltol=1e-9 abstol=1e-15 vntol=1e-12 gmin=1e-18"


def netlist(given: ReadProblem, nonlinear: bool) -> str:
    rows, columns = given.conductance.shape
    lines = ["* crossbar"]
    for i in range(rows):
        nets = [f"s{i}", *(f"w{i}_{j}" for j in range(columns))]
        lines.append(f"Vin{i} s{i} 0 {float(given.voltage[i])!r}")
        lines += [f"Rw{i}_{j} {nets[j]} {nets[j + 1]} {given.segment!r}" for j in range(columns)]
        for j in range(columns):
            cell = given.conductance[i, j]
            if nonlinear:
                law = f"{float(cell * SINH_SCALE)!r}*sinh(v(w{i}_{j},b{i}_{j})/{SINH_SCALE!r})"
                lines.append(f"B{i}_{j} w{i}_{j} b{i}_{j} I={law}")
            else:
                lines.append(f"R{i}_{j} w{i}_{j} b{i}_{j} {float(1 / cell)!r}")
    for j in range(columns):
        nets = [*(f"b{i}_{j}" for i in range(rows)), f"g{j}"]
        lines += [f"Rb{i}_{j} {nets[i]} {nets[i + 1]} {given.segment!r}" for i in range(rows)]
        lines.append(f"Vs{j} g{j} 0 0")
    return "\n".join([*lines, OPTIONS, ".op", ".end", ""])


def run(text: str, timeout: float) -> Timed:
    """Run a netlist; return its vectors by name, and the time from start to exit of ngspice."""
    from netlists.engines.raw_files import read_raw

    with tempfile.TemporaryDirectory(prefix="memductance-benchmark-") as folder:
        (Path(folder) / "circuit.cir").write_text(text)
        start = time.perf_counter()
        command = ["ngspice", "-n", "-b", "-r", "circuit.raw", "circuit.cir"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout)
        seconds = time.perf_counter() - start
        if done.returncode or not (Path(folder) / "circuit.raw").exists():
            raise RuntimeError(f"ngspice: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
        return Timed(read_raw(Path(folder) / "circuit.raw"), seconds)


def operating_point(size: int, nonlinear: bool = False, timeout: float = 900.0) -> Task:
    """All node voltages, shape ``(2, size, size)``."""

    def work(given: ReadProblem) -> Timed:
        found = run(netlist(given, nonlinear), timeout)
        lines = range(len(given.voltage))
        grids = [[[found.value[f"v({kind}{i}_{j})"][0] for j in lines] for i in lines] for kind in "wb"]
        return Timed(np.array(grids), found.seconds)

    given, small = problem(size), problem(2)
    return Task(lambda: work(given), warm=lambda: work(small), value=np.asarray)


def newton(size: int) -> Task:
    """The nonlinear array by Newton's method, with scipy's `spsolve` in every step."""
    from benchmarks.reference import newton_voltages

    given, small = problem(size), problem(2)
    return Task(lambda: newton_voltages(given), warm=lambda: newton_voltages(small))


def currents(given: ReadProblem, voltages: Array) -> Array:
    """Return the output currents for node voltages of shape ``(2, rows, columns)``."""
    return voltages[1, -1] / given.segment
