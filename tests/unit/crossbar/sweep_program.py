"""A program that runs a sweep into a store: ``python -m tests.unit.crossbar.sweep_program STORE WORKERS``.

Each trial takes PAUSE seconds; the first worker that comes to a = 3 dies where MARK names a file that is not there yet.
"""

import os
import sys
import time
from pathlib import Path

from crossbar import Axis, sweep

AXES = (Axis("a", (1, 2, 3, 4)), Axis("b", (0.5, 0.25, None)))


def evaluate(rng, a: int, b: float | None):
    time.sleep(float(os.environ.get("PAUSE", "0")))
    mark = os.environ.get("MARK")
    if mark and a == 3 and not Path(mark).exists():
        Path(mark).touch()
        os._exit(9)
    if a == 2 and b is None:
        raise ValueError("no value at this point")
    return {"accuracy": a + (b or 0.0) + rng.random(), "spectrum": rng.random(3)}


def run(store=None, executor=None, axes=AXES, trials=6):
    return sweep(evaluate, axes, trials=trials, seed=5, store=store, executor=executor, task_seconds=0.05)


if __name__ == "__main__":
    print("begin", flush=True)
    run(sys.argv[1], int(sys.argv[2]) or None)
