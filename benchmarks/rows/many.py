"""Many vectors on one array, compared with splu; one and many with CHOLMOD, the fastest direct solver."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import reference
from benchmarks.bench import Bench, duel, guarded, ours, relative
from benchmarks.environment import peer
from benchmarks.figures import Figure
from benchmarks.measure import Contestant
from benchmarks.rows.read import DIRECT

COUNT = 100


def against_splu(bench: Bench) -> Iterator[Figure]:
    work = f"{COUNT} vectors"

    def figure(size: int) -> Figure:
        arguments = {"size": size, "count": COUNT}
        found = bench.measure(ours=ours("reads", **arguments), peer=Contestant(DIRECT + "splu", arguments))
        answer = reference.reads(size, COUNT)
        return duel("vectors", work, size, "scipy splu", found, lambda a: relative(a, answer), goal=15.0)

    for size in bench.sizes([128, 256, 512]):
        yield guarded("vectors", work, size, "scipy splu", lambda size=size: figure(size))  # type: ignore[misc]


def against_cholmod(bench: Bench) -> Iterator[Figure]:
    def figure(work: str, size: int) -> Figure:
        count = 1 if work == "one vector" else COUNT
        arguments = {"size": size, "count": count}
        again = "again" in work
        if count == 1:
            mine, answer = ours("read", size=size), reference.read(size)
            goal: float | None = 20.0
        else:
            mine = ours("reads_again" if again else "reads", **arguments)
            answer, goal = reference.reads(size, count), None if again else 8.0
        other = Contestant(DIRECT + "cholmod", arguments | {"again": again}, peer("kvxopt"))
        found = bench.measure(ours=mine, peer=other)
        return duel("cholmod", work, size, "CHOLMOD", found, lambda a: relative(a, answer), goal=goal)

    for work in ("one vector", f"{COUNT} vectors", f"{COUNT} vectors again"):
        for size in bench.sizes([64, 128, 256, 512]):
            yield guarded("cholmod", work, size, "CHOLMOD", lambda w=work, s=size: figure(w, s))  # type: ignore[misc]
