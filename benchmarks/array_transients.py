"""``python -m benchmarks.array_transients``: time of small array transients beside ngspice; writes its page.

``--beside CHECKOUT`` measures another checkout of this project, say an older version, in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from crossbar import Bias, Crossbar, Wires
from devices import Pulses, Series, Sine, device

SIZES = (1, 2, 4, 8, 16, 32)
PAGE = Path(__file__).parents[1] / "docs" / "array_transients.md"
_BEST_OF = 5
_LONG = 5.0  # seconds after which a run is not repeated
_METAL = {"word_line": 2.0, "bit_line": 2.0, "driver": 50.0, "sense": 10.0}

HEAD = """# Transients of small arrays: cost of a step, and total time

`python -m benchmarks.array_transients{beside}` measures and writes this page: the shortest of {best} runs
each, everything compiled before, on one thread of {cores} cores ({machine}).

A pulse of 1 V with edges of 1 ns drives all word lines of an array of ohmic cells, 10 to 100 uS, with wires of 2 ohm
and 1 fF at each node. The last row is one 1S1R cell, an exponential selector on a VTEAM device, behind 50 ohm, under a
sine of 1.5 V. ngspice {version} runs the netlist that `crossbar_circuit` writes, with the tolerances of `crosscheck`,
timed with its start.

"""


def cases() -> dict[str, tuple[Crossbar, Bias]]:
    """Return the arrays and what drives them, by name."""
    found = {}
    for n in SIZES:
        cells = np.random.default_rng(0).uniform(1e-5, 1e-4, (n, n))
        metal = Wires(**_METAL, word_line_capacitance=1e-15, bit_line_capacitance=1e-15)
        pulse = Pulses(1.0, 5e-9, 1e-8, count=1, edge=1e-9)
        found[f"{n} x {n}"] = Crossbar(cells, metal), Bias(word_left=[pulse] * n, bit_bottom=0.0)
    cell = Series(device("exponential_selector"), device("vteam", x=[[1e-9]]))
    found["1S1R"] = Crossbar(cell, Wires(driver=50.0)), Bias(word_left=[Sine(1.5, 1e6)], bit_bottom=0.0)
    return found


def best(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return the shortest time of several runs [s], and what the last returned."""
    run()
    shortest, result = np.inf, None
    for _ in range(_BEST_OF):
        start = time.perf_counter()
        result = run()
        shortest = min(shortest, time.perf_counter() - start)
        if shortest > _LONG:
            break
    return shortest, result


def ours() -> dict[str, tuple[float, int]]:
    """Return time [s] and number of steps of each case."""
    found = {}
    for name, (array, bias) in cases().items():
        seconds, trace = best(lambda array=array, bias=bias: array.simulate(bias))
        found[name] = seconds, int(trace.steps)
    return found


def in_ngspice() -> dict[str, float]:
    """Return the time that ngspice takes for each case [s]."""
    from netlists import crossbar_circuit, run_ngspice

    circuits = {name: crossbar_circuit(array, bias) for name, (array, bias) in cases().items()}
    return {name: best(lambda c=circuit: run_ngspice(c, timeout=600.0))[0] for name, circuit in circuits.items()}


def beside(checkout: Path) -> dict[str, tuple[float, int]]:
    """Return what `ours` gives with the packages of another checkout."""
    program = f"import runpy; print('found', runpy.run_path({str(Path(__file__))!r})['as_json']())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=checkout, env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {k: (seconds, steps) for k, (seconds, steps) in json.loads(done.stdout.rsplit("found ", 1)[1]).items()}


def as_json() -> str:
    """Return what `ours` gives as text."""
    from devices import limit_threads

    limit_threads(1)
    return json.dumps(ours())


def page(now: dict[str, tuple[float, int]], spice: dict[str, float], before: dict[str, Any], commit: str) -> str:
    """Return the page."""
    from benchmarks.environment import describe
    from devices.common.threads import cores
    from netlists import ngspice_version

    head = HEAD.format(
        beside=" --beside CHECKOUT" if before else "", best=_BEST_OF, cores=cores(), machine=describe(1)["cpu"],
        version=ngspice_version(),
    )  # fmt: skip
    older = f" {commit}: a step | {commit}: in all |" if before else ""
    lines = [f"| array |{older} a step | in all | ngspice, in all | ngspice / memductance |"]
    lines.append("|---|" + "---:|" * (6 if before else 4))
    for name, (seconds, steps) in now.items():
        row = [name]
        if before:
            row += [f"{1e6 * before[name][0] / before[name][1]:,.0f} us", f"{1e3 * before[name][0]:,.1f} ms"]
        row += [f"{1e6 * seconds / steps:,.0f} us", f"{1e3 * seconds:,.1f} ms", f"{1e3 * spice[name]:,.1f} ms"]
        lines.append(f"| {' | '.join([*row, f'{spice[name] / seconds:.2g}'])} |")
    return head + "\n".join([*lines, ""])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.array_transients", description=__doc__)
    parser.add_argument("--beside", type=Path, help="another checkout of this project")
    other = parser.parse_args().beside
    now, spice = json.loads(as_json()), in_ngspice()
    commit, before = "", {}
    if other is not None:
        before = beside(other.resolve())
        commit = subprocess.run(
            ["git", "-C", str(other), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
    PAGE.write_text(page(now, spice, before, commit), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
