"""The transfer matrix compared with dense inversions, as many as the array has lines."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import reference
from benchmarks.bench import Bench, each, extras, ours, relative
from benchmarks.figures import Figure
from benchmarks.measure import Contestant
from benchmarks.problem import problem

PEER = "n dense Cholesky inversions"


def run(bench: Bench) -> Iterator[Figure]:
    def figure(size: int) -> Figure:
        found = bench.measure(
            ours=ours("transfer", size=size), peer=Contestant("benchmarks.tasks.dense:inversions", {"size": size})
        )
        mine, other = found["ours"], found["peer"]
        return Figure(
            "transfer", "build and eliminate", size, PEER, ours=mine.seconds, theirs=other.seconds,
            value=mine.seconds / other.seconds, goal=3.0 if size == 128 else None, sense="at most",
            unit="x their time", our_error=relative(problem(size).voltage @ mine.answer, reference.read(size)),
            our_memory=mine.peak, extra={"ours": extras(mine, size * size), "theirs": extras(other)},
        )  # fmt: skip

    return each("transfer", "build and eliminate", PEER, bench.sizes([64, 128, 256]), figure)
