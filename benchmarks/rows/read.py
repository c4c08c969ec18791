"""One read of one vector, compared with direct solvers of the nodal matrix and with an iterative solver."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import reference
from benchmarks.bench import Bench, duel, each, ours, relative
from benchmarks.environment import crosssim, peer
from benchmarks.figures import Figure
from benchmarks.measure import Contestant

DIRECT = "benchmarks.tasks.direct:"
SPSOLVE_GOALS = {64: 60.0, 128: 100.0, 256: 200.0, 512: 300.0, 1024: 400.0}
CROSSSIM_GOALS = {64: 5.0, 128: 30.0, 256: 1000.0}
#: Seconds of CrossSim 3.2 and the relative error of its currents, measured earlier on a machine of the same kind.
CROSSSIM_RECORDED = {64: (1.9e-3, 4e-10), 128: (45e-3, 1e-9), 256: (230.0, 1e-6)}


def against_spsolve(bench: Bench) -> Iterator[Figure]:
    def figure(size: int) -> Figure:
        spsolve = Contestant(DIRECT + "spsolve", {"size": size})
        found = bench.measure(ours=ours("read", size=size), peer=spsolve, again=ours("read_again", size=size))
        answer = reference.read(size)
        made = duel(
            "read",
            "one vector",
            size,
            "scipy spsolve",
            found,
            lambda a: relative(a, answer),
            goal=SPSOLVE_GOALS.get(size),
        )
        made.extra["again"] = found["again"].seconds
        return made

    return each("read", "one vector", "scipy spsolve", bench.sizes([64, 128, 256, 512, 1024]), figure)


def against_badcrossbar(bench: Bench) -> Iterator[Figure]:
    def figure(size: int) -> Figure:
        contestant = Contestant(DIRECT + "badcrossbar", {"size": size}, peer("badcrossbar"))
        found = bench.measure(ours=ours("read", size=size), peer=contestant)
        answer = reference.read(size)
        return duel("badcrossbar", "one vector", size, "badcrossbar", found, lambda a: relative(a, answer))

    return each("badcrossbar", "one vector", "badcrossbar", bench.sizes([64, 128, 256, 512]), figure)


def against_crosssim(bench: Bench) -> Iterator[Figure]:
    def figure(size: int) -> Figure:
        answer = reference.read(size)
        goal = CROSSSIM_GOALS.get(size)
        try:
            tolerance = 1e-9 if size < 256 else 1e-6
            arguments = {"size": size, "tolerance": tolerance}
            contestant = Contestant(DIRECT + "crosssim", arguments, peer("kvxopt"), (str(crosssim()),))
            found = bench.measure(ours=ours("read", size=size), peer=contestant)
        except RuntimeError as error:
            if size not in CROSSSIM_RECORDED:
                raise
            seconds, their_error = CROSSSIM_RECORDED[size]
            mine = bench.measure(ours=ours("read", size=size))["ours"]
            return Figure(
                "crosssim", "one vector", size, "CrossSim", ours=mine.seconds, theirs=seconds,
                value=seconds / mine.seconds, goal=goal, our_error=relative(mine.answer, answer),
                their_error=their_error, recorded=True, note=str(error),
            )  # fmt: skip
        made = duel("crosssim", "one vector", size, "CrossSim", found, lambda a: relative(a, answer), goal=goal)
        made.note = f"CrossSim stops at a voltage error of {tolerance:g}"
        return made

    return each("crosssim", "one vector", "CrossSim", bench.sizes([64, 128, 256]), figure)
