"""Runs one task in a process of its own: ``python -m benchmarks.worker module:function '{"argument": 1}'``.

It warms up, then reads commands from standard input: ``first FILE`` runs the task once, measures its memory and saves
the answer; ``sample`` times it; an empty line ends the process. Each reply is one line of JSON. Only numpy is needed
besides the task, because the interpreters of other programs run it too; psutil has no peak memory on Linux in any case.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from typing import Any

import numpy as np

from benchmarks.task import Task, Timed

_SHORTEST = 5e-3  # [s]; a sample repeats faster work until it takes this long


def resident(field: str) -> int | None:
    """Return a memory field of /proc/self/status [byte], such as VmRSS; None on systems without it."""
    try:
        with open("/proc/self/status") as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith(field))
    except OSError:
        return None


def reset_peak() -> None:
    """Set the peak of the resident memory, VmHWM, to its present value (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w") as peak:
            peak.write("5")
    except OSError:
        pass


def peak() -> int:
    """Return the peak of the resident memory of this process, or of its largest child if that is more [byte]."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def timed(task: Task, number: int = 1) -> tuple[float, Any]:
    start = time.perf_counter()
    for _ in range(number):
        answer = task.work()
    seconds = (time.perf_counter() - start) / number
    return (answer.seconds, answer.value) if isinstance(answer, Timed) else (seconds, answer)


def first(task: Task, file: str) -> dict[str, Any]:
    before = resident("VmRSS")
    reset_peak()
    seconds, answer = timed(task)
    after = resident("VmHWM")
    added = None if before is None or after is None else after - before
    np.save(file, np.asarray(task.value(answer), dtype=float))
    return {"seconds": seconds, "added": added, "peak": peak(), "report": task.report(answer)}


def main() -> None:
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output that a task prints goes to standard error
    place, arguments = sys.argv[1:]
    module, function = place.split(":")
    start = time.perf_counter()
    task: Task = getattr(importlib.import_module(module), function)(**json.loads(arguments))
    imported = time.perf_counter()
    task.warm()
    ready = {"import": imported - start, "warm": time.perf_counter() - imported}
    print(json.dumps(ready), file=channel, flush=True)
    number = 1
    for line in sys.stdin:
        match line.split():
            case ["first", file]:
                answer = first(task, file)
                number = max(1, int(_SHORTEST / max(answer["seconds"], 1e-7)))
            case ["sample"]:
                answer = {"seconds": timed(task, number)[0]}
            case _:
                break
        print(json.dumps(answer), file=channel, flush=True)


if __name__ == "__main__":
    main()
