"""``python -m benchmarks.fit_recovery``: how often the confidence intervals of fits contain the true parameters.

Every registered model with two terminals and every retention law: 50 trials with noise of 1 % of the peak, and true
parameters up to a factor of 1.5 from the set where the search starts. Each finished class is stored in
``benchmarks/fit_recovery.json`` and not run again; ``--render`` writes ``docs/fit_recovery.md``. Each trial has its own
seed, so that the results do not depend on the number of workers.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.progress import Progress

from benchmarks.fit_cases import FitClass, classes, prepare
from benchmarks.fit_page import page
from devices import MemductanceError, fit

KEPT = Path(__file__).parent / "fit_recovery.json"
PAGE = Path(__file__).parents[1] / "docs" / "fit_recovery.md"
#: Used for the published results alone; use another seed when working on `fit`.
SEED = 20261128
TRIALS = 50


class Trial(NamedTuple):
    """Result of one fit: whether the interval of each parameter contains the true value, and of all together."""

    number: int
    each: tuple[bool, ...]
    simultaneous: bool
    joint: bool
    declined: str
    seconds: float


def trial(case: FitClass, number: int, seed: int) -> Trial:
    """Fit noisy data of random parameters."""
    true, data = case.draw(np.random.default_rng([seed, number, *case.name.encode()]))
    began = time.process_time()
    try:
        found = fit(case.name, data, list(true), fixed=case.fixed, seed=number, **case.asked)
    except MemductanceError as error:
        return Trial(number, (False,) * len(true), False, False, type(error).__name__, time.process_time() - began)
    seconds = time.process_time() - began
    each, together = (
        [bounds[n][0] <= v <= bounds[n][1] for n, v in true.items()] for bounds in (found.intervals, found.simultaneous)
    )
    return Trial(number, tuple(each), all(together), found.contains(**true), declined(found), seconds)


def declined(found: Any) -> str:
    """Return why a fit is not valid; empty if it is."""
    if not found.converged:
        return "not converged"
    if not found.adequate:
        return "residuals not noise"
    if found.undetermined:
        return "undetermined"
    return ""


def summary(case: FitClass, trials: list[Trial]) -> dict[str, Any]:
    """Return the counts of a class, and the numbers of the trials that missed or declined."""
    valid = [t for t in trials if not t.declined]
    return {
        "parameters": list(case.center),
        "trials": len(trials),
        "recovered": sum(t.simultaneous for t in valid),
        "missed": sorted(t.number for t in valid if not t.simultaneous),
        "declined": dict(Counter(t.declined for t in trials if t.declined)),
        "declined trials": sorted(t.number for t in trials if t.declined),
        "each": [sum(t.each[k] for t in valid) for k in range(len(case.center))],
        "joint": sum(t.joint for t in valid),
        "seconds": float(np.median([t.seconds for t in trials])),
    }


def run(names: list[str], trials: int, seed: int, workers: int) -> Iterator[tuple[FitClass, list[Trial]]]:
    """Run the trials of all classes in a process pool; yield each class when it is complete."""
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        with Progress() as bar:
            task = bar.add_task("choosing parameters", total=len(names))
            cases = []
            for case in pool.map(prepare, names):
                cases.append(case)
                bar.advance(task)
            bar.update(task, description="trials", completed=0, total=trials * len(names))
            waiting = {pool.submit(trial, case, k, seed): case for case in cases for k in range(trials)}
            found: dict[str, list[Trial]] = {name: [] for name in names}
            for future in as_completed(waiting):
                case = waiting[future]
                found[case.name].append(future.result())
                bar.advance(task)
                if len(found[case.name]) == trials:
                    bar.console.print(line(case.name, summary(case, found[case.name])), highlight=False, soft_wrap=True)
                    yield case, found[case.name]
    finally:
        pool.shutdown(cancel_futures=True)


def line(name: str, r: dict[str, Any]) -> str:
    valid = r["trials"] - sum(r["declined"].values())
    each = ", ".join(f"{n} {100 * c / max(valid, 1):.0f}" for n, c in zip(r["parameters"], r["each"], strict=True))
    why = "; ".join(f"{w} {c}" for w, c in r["declined"].items())
    return (
        f"{name}: recovered {r['recovered']}/{r['trials']}, valid {valid} ({why or 'all'}), joint {r['joint']}, "
        f"each % {each}; {r['seconds']:.2f} s; missed {r['missed']} declined {r['declined trials']}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_recovery", description=__doc__)
    parser.add_argument("--models", nargs="+", choices=classes(), default=classes())
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--file", type=Path, default=KEPT, help="JSON file of the results")
    parser.add_argument("--again", action="store_true", help="run classes again that are already stored")
    parser.add_argument("--render", action="store_true", help="only write the page, from the stored results")
    given = parser.parse_args()
    kept = json.loads(given.file.read_text()) if given.file.exists() else {}
    asked = {"seed": given.seed, "trials": given.trials}
    if not given.render:
        names = [n for n in given.models if given.again or not asked.items() <= kept.get(n, {}).items()]
        for case, trials in run(names, given.trials, given.seed, given.workers):
            kept[case.name] = {**asked, **summary(case, trials)}
            given.file.write_text(json.dumps(kept, indent=1) + "\n")
    if given.render or (given.file == KEPT and not set(classes()) - set(kept)):
        PAGE.write_text(page({name: kept[name] for name in classes() if name in kept}))


if __name__ == "__main__":
    main()
