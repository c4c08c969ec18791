"""Time, iterations and memory as functions of the array's size, for weakly and for strongly conducting cells."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.bench import Bench, each, extras, ours
from benchmarks.figures import Figure
from benchmarks.measure import Contestant, WorkerError
from benchmarks.problem import REGIMES
from benchmarks.rows.read import DIRECT

SIZES = [16, 32, 64, 128, 256, 512, 1024, 2048]
SMALL = "16x16 read"
#: Largest factor by which the time per cell and iteration may rise, because caches are exceeded and timing has noise.
STEADY = 1.5
#: Largest factor by which the time per cell may rise for twice the lines.
LARGEST_JUMP = 2.5


def run(bench: Bench) -> Iterator[Figure]:
    def figure(regime: str, size: int) -> Figure:
        mine = bench.measure(ours=ours("read", size=size, regime=regime))["ours"]
        details = extras(mine, size * size)
        return Figure(
            "growth", regime, size, ours=mine.seconds, value=mine.seconds / size**2 * 1e9, unit="ns a cell",
            our_memory=mine.peak, extra={"ours": details},
        )  # fmt: skip

    def small(size: int) -> Figure:
        found = bench.measure(ours=ours("read", size=size), again=ours("read_again", size=size))
        again = found["again"]
        return Figure(
            "growth", SMALL, size, ours=again.seconds, value=again.seconds * 1e6, unit="us", goal=100.0,
            sense="at most", extra={"ours": extras(again), "first": found["ours"].seconds},
        )  # fmt: skip

    def peer(regime: str, size: int) -> Figure:
        contestant = Contestant(DIRECT + "spsolve", {"size": size, "regime": regime})
        other = bench.measure(peer=contestant, repeats=3)["peer"]
        return Figure(
            "growth", regime, size, "scipy spsolve", theirs=other.seconds, value=other.seconds / size**2 * 1e9,
            unit="ns a cell", their_memory=other.peak, extra={"theirs": extras(other, size * size)},
        )  # fmt: skip

    yield from each("growth", SMALL, "", [16], small)
    for regime in REGIMES:
        yield from each("growth", regime, "", bench.sizes(SIZES), lambda size, r=regime: figure(r, size))  # type: ignore[misc]
    for size in bench.sizes(SIZES[:6]):
        if size > 512:
            continue
        try:
            yield peer("easy", size)
        except WorkerError as error:
            yield Figure("growth", "easy", size, "scipy spsolve", error=str(error))


def steadiness(figures: list[Figure]) -> float | None:
    """Return the largest rise of the time per cell and iteration, as a factor, between two sizes from 64 lines on."""
    costs = [(f.value or 0.0) / max(f.extra["ours"]["iterations"], 1) for f in _large(figures)]
    rises = [later / earlier for k, earlier in enumerate(costs) for later in costs[k + 1 :]]
    return max(rises, default=None)


def jump(figures: list[Figure]) -> float | None:
    """Return the largest rise of the time per cell, as a factor, for twice the lines, from 64 lines on."""
    times = {f.size: f.value or 0.0 for f in _large(figures)}
    return max((times[2 * size] / time for size, time in times.items() if 2 * size in times), default=None)


def _large(figures: list[Figure]) -> list[Figure]:
    return sorted((f for f in figures if f.value and not f.peer and f.size >= 64), key=lambda f: f.size)


def verdicts(figures: list[Figure]) -> list[Figure]:
    """Return the figures that summarise the growth in each regime."""
    made = []
    for regime, scale in REGIMES.items():
        mine = [f for f in figures if f.work == regime]
        largest = max((f.size for f in mine if not f.peer and not f.error), default=0)
        for what, factor, goal in (
            ("rise of time per cell and iteration", steadiness(mine), STEADY),
            ("largest rise of time per cell for twice the lines", jump(mine), LARGEST_JUMP),
        ):
            if factor is not None:
                work = f"{what}, from 64 to {largest} lines, {scale}"
                made.append(Figure("growth", work, value=factor, goal=goal, sense="at most"))
    return made
