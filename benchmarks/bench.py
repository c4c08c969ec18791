"""`Bench`: the sizes, repeats and threads of a run; functions that make a figure from two contestants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.figures import Figure
from benchmarks.measure import Contestant, Measured, WorkerError, measure
from benchmarks.problem import Array

OURS = "benchmarks.tasks.ours:"


@dataclass(frozen=True)
class Bench:
    """Options of one run."""

    threads: int
    repeats: int = 9
    budget: float = 20.0  # [s], for the samples of one contestant
    timeout: float = 1200.0  # [s], for one call
    quick: bool = False
    chosen: tuple[int, ...] = ()

    def sizes(self, usual: Sequence[int]) -> list[int]:
        """Return the sizes of a row: those asked for, else the usual ones, few and small in a quick run."""
        if self.chosen:
            return [size for size in self.chosen if size <= 2 * max(usual)]
        return [size for size in usual if size <= 64] or [min(usual)] if self.quick else list(usual)

    def measure(
        self, threads: int | None = None, repeats: int | None = None, **contestants: Contestant
    ) -> dict[str, Measured]:
        return measure(
            contestants,
            threads=threads or self.threads,
            repeats=repeats or self.repeats,
            budget=self.budget,
            timeout=self.timeout,
        )


def ours(function: str, **arguments: Any) -> Contestant:
    return Contestant(OURS + function, arguments)


def relative(answer: Array, reference: Array) -> float:
    """Return the largest relative error of output currents."""
    return float(np.abs(answer / reference - 1).max())


def absolute(answer: Array, reference: Array) -> float:
    """Return the largest error of node voltages as a fraction of the largest voltage."""
    return float(np.abs(answer - reference).max() / np.abs(reference).max())


def extras(measured: Measured, cells: int = 0) -> dict[str, Any]:
    """Return details of a contestant to store: number and spread of samples, warm-up time, and its own report."""
    kept = {
        "samples": len(measured.samples),
        "spread": measured.spread,
        "warm_up": measured.warm,
        "others": measured.others,
        **measured.report,
    }
    if cells and measured.added is not None:
        kept["arrays"] = measured.added / (8 * cells)
    return kept


def duel(
    row: str,
    work: str,
    size: int,
    peer: str,
    found: dict[str, Measured],
    error: Callable[[Array], float] | None,
    **more: Any,
) -> Figure:
    """Return the figure that compares ``found["ours"]`` with ``found["peer"]``."""
    mine, other = found["ours"], found["peer"]
    return Figure(
        row=row,
        work=work,
        size=size,
        peer=peer,
        ours=mine.seconds,
        theirs=other.seconds,
        value=other.seconds / mine.seconds,
        our_error=error(mine.answer) if error else None,
        their_error=error(other.answer) if error else None,
        our_memory=mine.peak,
        their_memory=other.peak,
        extra={"ours": extras(mine, size * size), "theirs": extras(other, size * size)},
        **more,
    )  # fmt: skip


def guarded(row: str, work: str, size: int, peer: str, make: Callable[[], Figure]) -> Figure:
    """Return the figure, or one with an error message where it fails, so that the others still run."""
    try:
        return make()
    except (WorkerError, RuntimeError, OSError) as error:
        return Figure(row=row, work=work, size=size, peer=peer, error=str(error))


def each(row: str, work: str, peer: str, sizes: Sequence[int], make: Callable[[int], Figure]) -> Iterator[Figure]:
    """Yield one guarded figure for each size."""
    for size in sizes:
        yield guarded(row, work, size, peer, lambda size=size: make(size))  # type: ignore[misc]
