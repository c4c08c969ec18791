"""Operating points of ohmic cells and of cells with a sinh law, compared with ngspice."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import reference
from benchmarks.bench import Bench, absolute, duel, each, ours
from benchmarks.figures import Figure
from benchmarks.measure import Contestant

PEER = "ngspice op"


def linear(bench: Bench) -> Iterator[Figure]:
    def figure(size: int) -> Figure:
        found = bench.measure(ours=ours("read", size=size, nodes=True), peer=_ngspice(size, nonlinear=False))
        answer = reference.nodes(size, nonlinear=False)
        goal = 10_000.0 if size == 64 else None
        return duel("spice", "ohmic cells", size, PEER, found, lambda a: absolute(a, answer), goal=goal)

    return each("spice", "ohmic cells", PEER, bench.sizes([16, 32, 64]), figure)


def nonlinear(bench: Bench) -> Iterator[Figure]:
    def contest(size: int, peer: str, contestant: Contestant, goal: float | None) -> Figure:
        found = bench.measure(ours=ours("nonlinear", size=size), peer=contestant)
        answer = reference.nodes(size, nonlinear=True)
        return duel("nonlinear", "sinh cells", size, peer, found, lambda a: absolute(a, answer), goal=goal)

    sizes = bench.sizes([16, 32, 64])
    yield from each(
        "nonlinear", "sinh cells", PEER, sizes,
        lambda size: contest(size, PEER, _ngspice(size, nonlinear=True), 1000.0 if size == 64 else None),
    )  # fmt: skip
    name = "Newton by scipy spsolve"
    newton = "benchmarks.tasks.spice:newton"
    yield from each(
        "nonlinear",
        "sinh cells",
        name,
        sizes,
        lambda size: contest(size, name, Contestant(newton, {"size": size}), None),
    )


def _ngspice(size: int, nonlinear: bool) -> Contestant:
    return Contestant("benchmarks.tasks.spice:operating_point", {"size": size, "nonlinear": nonlinear})
