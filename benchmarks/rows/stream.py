"""A large read compared with one copy of its arrays, and the memory that it needs."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.bench import Bench, extras, guarded, ours
from benchmarks.figures import Figure
from benchmarks.measure import Contestant, Measured

PEER = "one copy of G, u, v"
TIME, MEMORY = "one vector, time", "one vector, memory"


def run(bench: Bench) -> Iterator[Figure]:
    for size in bench.sizes([1024]):
        try:
            copy = Contestant("benchmarks.tasks.dense:copy", {"size": size})
            found = bench.measure(ours=ours("read", size=size), peer=copy, again=ours("read_again", size=size))
        except RuntimeError as error:
            yield Figure("stream", TIME, size, PEER, error=str(error))
            continue
        yield guarded("stream", TIME, size, PEER, lambda f=found, s=size: _time(f, s))  # type: ignore[misc]
        yield guarded("stream", MEMORY, size, "", lambda f=found, s=size: _memory(f["ours"], s))  # type: ignore[misc]


def _time(found: dict[str, Measured], size: int) -> Figure:
    mine, copy = found["ours"], found["peer"]
    return Figure(
        "stream", TIME, size, PEER, ours=mine.seconds, theirs=copy.seconds, value=mine.seconds / copy.seconds,
        unit="x its time", goal=30.0 if size == 1024 else None, sense="at most",
        extra={
            "ours": extras(mine), "theirs": extras(copy), "again": found["again"].seconds,
            "bandwidth": 48 * size * size / copy.seconds,
        },
    )  # fmt: skip


def _memory(mine: Measured, size: int) -> Figure:
    if mine.added is None:
        raise RuntimeError("the peak memory of one call is not available on this system")
    return Figure(
        "stream", MEMORY, size, value=mine.added / (8 * size * size), unit="arrays", sense="at most",
        goal=20.0 if size == 1024 else None, our_memory=mine.peak, extra={"ours": extras(mine)},
    )  # fmt: skip
