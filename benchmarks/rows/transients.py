"""An ensemble of devices over one cycle, compared with scipy and ngspice at equal accuracy, on one thread each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.bench import Bench, extras
from benchmarks.figures import Figure
from benchmarks.measure import Contestant, Measured

TASKS = "benchmarks.tasks.transients:"
ACCURACY = 1e-6  # largest error of a state, which lies between 0 and 1
Ladder = list[dict[str, Any]]
OURS: Ladder = [{"tolerance": 10.0 ** (-k / 2)} for k in range(6, 19)]
SCIPY: dict[str, Ladder] = {
    name: [{"method": name, "tolerance": 10.0 ** (-k / 2)} for k in range(10, 21)]
    for name in ("LSODA", "RK45", "DOP853")
}
NGSPICE: Ladder = [{"step": step, "tolerance": 1e-6} for step in (1.4e-3, 1e-3, 7e-4, 5e-4, 3.5e-4, 2.5e-4, 1e-4)]
PEERS = [
    *((f"scipy solve_ivp, {method}", "solve_ivp", ladder, 200) for method, ladder in SCIPY.items()),
    ("ngspice tran", "ngspice", NGSPICE, 100),
]


def run(bench: Bench) -> Iterator[Figure]:
    cells = 5_000 if bench.quick else 100_000
    for points in (3, 21):
        work = f"one cycle, {points} samples"
        try:
            mine = _measured(bench, "ours", _loosest(bench, "ours", OURS, cells, points), cells, points)
        except RuntimeError as error:
            yield Figure("transients", work, cells, "", error=str(error))
            continue
        for name, function, ladder, count in PEERS:
            try:
                other = _measured(bench, function, _loosest(bench, function, ladder, count, points), count, points)
            except RuntimeError as error:
                yield Figure("transients", work, cells, name, error=str(error))
                continue
            yield Figure(
                "transients", work, cells, name, ours=mine.seconds / cells, theirs=other.seconds / count,
                value=(other.seconds / count) / (mine.seconds / cells), goal=100.0,
                our_error=float(mine.answer), their_error=float(other.answer),
                note=f"time per cell; {count} cells of the peer", extra={"ours": extras(mine), "theirs": extras(other)},
            )  # fmt: skip


def _measured(bench: Bench, function: str, options: dict[str, Any], cells: int, points: int) -> Measured:
    contestant = Contestant(TASKS + function, {"cells": cells, "points": points, **options})
    return bench.measure(threads=1, repeats=min(bench.repeats, 5), only=contestant)["only"]


def _loosest(bench: Bench, function: str, ladder: Ladder, cells: int, points: int) -> dict[str, Any]:
    """Return the loosest options that reach the accuracy."""
    reached = float("inf")
    for options in ladder:
        contestant = Contestant(TASKS + function, {"cells": cells, "points": points, **options})
        reached = float(bench.measure(threads=1, repeats=1, only=contestant)["only"].answer)
        if reached <= ACCURACY:
            return options
    raise RuntimeError(f"{function} does not reach an error of {ACCURACY:g}, but {reached:.1g}")
