"""Runs the programs that are compared in processes of their own, and times them in turns, so that noise affects all."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.others import Others

ROOT = Path(__file__).resolve().parent.parent
_LONG = 30.0  # [s]; one sample is enough of work that takes longer
_REST = 0.1  # [s] between turns: idle threads of OpenBLAS spin for some 25 ms and would slow the next program down
_FEWEST = 3  # samples of faster work, whatever the budget


class WorkerError(RuntimeError):
    """Failure of a program that is compared; the message is the last line of its error output."""


@dataclass(frozen=True)
class Contestant:
    """A program to be compared: its task as ``module:function``, the arguments, and the Python interpreter to use."""

    place: str
    arguments: dict[str, Any]
    python: str = sys.executable
    paths: tuple[str, ...] = ()


@dataclass
class Measured:
    """Result of one contestant: times [s], memory [byte], its answer, and what else the task reports."""

    samples: list[float]
    answer: NDArray[np.float64]
    added: int | None
    peak: int
    first: float
    warm: float
    report: dict[str, Any] = field(default_factory=dict)
    others: float | None = None  # share of the machine that other work used meanwhile

    @property
    def seconds(self) -> float:
        return statistics.median(self.samples)

    @property
    def spread(self) -> list[float]:
        return [min(self.samples), max(self.samples)]


class Worker:
    """Process of one contestant."""

    def __init__(self, contestant: Contestant, threads: int, timeout: float) -> None:
        self.place = contestant.place
        self.timeout = timeout
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115, closed by close()
        one = str(threads)
        environment = {
            **os.environ,
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), one),
            "PYTHONPATH": os.pathsep.join([str(ROOT), *contestant.paths]),
        }
        chosen: set[int] = set(sorted(os.sched_getaffinity(0))[:threads]) if hasattr(os, "sched_getaffinity") else set()
        self.process = subprocess.Popen(
            [contestant.python, "-m", "benchmarks.worker", contestant.place, json.dumps(contestant.arguments)],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            start_new_session=True,
        )  # fmt: skip
        if chosen:
            os.sched_setaffinity(self.process.pid, chosen)
        try:
            self.ready = self._answer()
        except BaseException:
            self.close()
            raise

    def ask(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._failure()) from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], self.timeout)[0]:
            raise WorkerError(f"{self.place}: no answer within {self.timeout:g} s")
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(self._failure())
        return json.loads(line)

    def _failure(self) -> str:
        """Return exit code and last error line of the process."""
        code = self.process.wait(timeout=10)
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return f"{self.place} (exit {code}): {lines[-1] if lines else 'no message'}"

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()
        self.errors.close()


def _enough(samples: list[float], repeats: int, budget: float) -> bool:
    if not samples:
        return False
    fewest = 1 if samples[0] > _LONG else min(_FEWEST, repeats)
    return len(samples) >= repeats or (len(samples) >= fewest and sum(samples) > budget)


def measure(
    contestants: dict[str, Contestant], *, threads: int, repeats: int, budget: float, timeout: float
) -> dict[str, Measured]:
    """Time all contestants, one call of each in turn, until each has `repeats` samples or has used its budget [s]."""
    workers: dict[str, Worker] = {}
    found: dict[str, Measured] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="memductance-benchmark-") as folder:
            for name, contestant in contestants.items():
                workers[name] = Worker(contestant, threads, timeout)
                file = str(Path(folder) / "answer.npy")
                first = workers[name].ask(f"first {file}")
                found[name] = Measured(
                    samples=[],  # the first call also allocates memory, and does not count
                    answer=np.load(file),
                    added=first["added"],
                    peak=first["peak"],
                    first=first["seconds"],
                    warm=workers[name].ready["warm"],
                    report=first["report"],
                )
        others = Others(worker.process.pid for worker in workers.values())
        waiting = list(contestants)
        while waiting:
            for name in list(waiting):
                samples = found[name].samples
                if _enough(samples, repeats, budget):
                    waiting.remove(name)
                    continue
                time.sleep(_REST)
                samples.append(workers[name].ask("sample")["seconds"])
        share = others.share()
        for one in found.values():
            one.others = share
        return found
    finally:
        for worker in workers.values():
            worker.close()
