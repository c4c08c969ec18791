"""``python -m benchmarks.crosscheck``: the results of docs/crosscheck.md, stored in ``benchmarks/crosscheck.json``.

``--parts engines`` runs the same 20 random circuits in ngspice, PySpice and VACASK; ``--parts speed`` compares the time
of our read of an array with that of ngspice's operating point, which takes minutes with 128 lines (``--sizes 8 16 32
64`` leaves them out). ``--campaign FOLDER`` adds the results of a campaign. ``--render`` measures nothing. In each case
the page and its picture are written from the stored results.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.environment import cache, describe
from crossbar import Crossbar, Wires
from devices import device, limit_threads
from netlists import Campaign, CampaignSpec, crosscheck, run_campaign

KEPT = Path(__file__).parent / "crosscheck.json"
SIZES = (8, 16, 32, 64, 128)
NONLINEAR_UP_TO = 32  # lines, for nonlinear cells: with 64, ngspice takes more than ten minutes
METAL = Wires(word_line=1.0, bit_line=1.0, driver=50.0, sense=50.0)
#: Twenty circuits of one round of a campaign, in all engines.
TWENTY = CampaignSpec(
    title="Twenty circuits in three engines",
    seed=20,
    circuits=20,
    engines=("ngspice", "pyspice", "vacask"),
    moving=(1, 2),
    steps=10_000,
    limits=False,
)


def engines() -> list[dict[str, Any]]:
    """Run the twenty circuits, and return each one's worst difference in each engine."""
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        found = run_campaign(TWENTY, folder, progress=True)
    rows = []
    for number in range(TWENTY.circuits):
        runs = {row["engine"]: row for row in found.rows if row["case"] == number}
        first = next(iter(runs.values()))
        worst = {name: _worst(found, row) for name, row in runs.items()}
        shape = found.case(number).shape
        size = f"{shape[0]} x {shape[1]}" if shape else "1 device"
        kind = {name: first["options"][name] for name in ("analysis", "cells", "model")}
        rows.append({"case": number, "size": size, **kind, "worst": worst})
    return rows


def _worst(found: Campaign, row: Any) -> dict[str, Any]:
    """Return the quantity of a run that comes nearest to its tolerance, or the reason why the run failed."""
    if row["agreement"] is None:
        return {"error": row["reason"]}
    excess = found.spec.excess(row)
    name = max(excess, key=excess.__getitem__)
    q = row["agreement"]["quantities"][name]
    return {"quantity": name, "relative": q["worst_relative"], "verdict": found.verdict(row)}


def speed(sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Compare times of reads of ohmic and of nonlinear cells with ngspice, on one thread each."""
    rng = np.random.default_rng(0)
    rows = []
    for size in sizes:
        conductance = rng.uniform(1e-5, 1e-4, (size, size))
        law = device("wox_scaled_decay", w=rng.uniform(0.0, 1.0, (size, size)))
        voltage = rng.uniform(0.0, 0.5, size)
        for kind, cells in (("ohmic cells", conductance), ("WOx cells", law)):
            if kind == "ohmic cells" or size <= NONLINEAR_UP_TO:
                rows.append({"cells": kind, "size": size, **_duel(cells, voltage)})
                print(rows[-1], flush=True)
    return rows


def _duel(cells: Any, voltage: Any) -> dict[str, float]:
    """Return our and ngspice's median time [s] of a read of a new array, their ratio, and the worst difference."""
    with limit_threads(1):
        Crossbar(cells, METAL).read(voltage, nodes=True)  # compiles, if necessary
        ours = _times(lambda: Crossbar(cells, METAL).read(voltage, nodes=True))
    agreement = crosscheck(Crossbar(cells, METAL), voltage, timeout=1200.0)
    theirs = [agreement.engine_seconds]
    while len(theirs) < 3 and sum(theirs) < 10.0:
        theirs.append(crosscheck(Crossbar(cells, METAL), voltage).engine_seconds)
    times = {"ours": statistics.median(ours), "theirs": statistics.median(theirs)}
    return {**times, "ratio": times["theirs"] / times["ours"], "runs": len(theirs), "worst": agreement.worst}


def _times(work: Callable[[], Any]) -> list[float]:
    """Return times of one call [s], of at least 5 calls and about half a second."""
    found: list[float] = []
    while len(found) < 5 or sum(found) < 0.5:
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return found


def campaign(folder: Path) -> dict[str, Any]:
    """Return the results of a campaign that the page shows."""
    found = Campaign.load(folder)
    worst = found.worst_by_quantity().to_dict("records")
    return {"title": found.spec.title, "circuits": found.spec.circuits, **found.summary(), "worst": worst}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="*", choices=("engines", "speed"), default=("engines", "speed"))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="word lines = bit lines")
    parser.add_argument("--campaign", type=Path, help="folder of a finished campaign")
    parser.add_argument("--render", action="store_true", help="write docs/crosscheck.md and its picture only")
    asked = parser.parse_args()
    kept: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    parts: dict[str, Callable[[], Any]] = {"engines": engines, "speed": lambda: speed(tuple(asked.sizes))}
    if asked.campaign:
        parts["campaign"] = lambda: campaign(asked.campaign)
    wanted = [*asked.parts, *(["campaign"] if asked.campaign else [])]
    for name in [] if asked.render else wanted:
        kept[name] = {"machine": describe(threads=1), "found": parts[name]()}
        KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    from benchmarks.crosscheck_page import write

    for path in write(kept, Path(__file__).parents[1] / "docs"):
        Console().print(f"wrote {path}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
