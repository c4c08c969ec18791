"""Every registered device model: an ensemble over one cycle of a loop, compared with ngspice and scipy.

``python -m benchmarks.devices``: 1e5 cells (fewer for models that take longer than `LONGEST` for a call), results in
``benchmarks/devices.json``, some ten minutes; ``--quick`` runs 2000 cells and stores its results in the user's cache
folder. Models that other packages register are measured too. Ours is timed on one thread, to which the ratio and its
goal refer, and on all.

All programs run at their loosest setting that keeps the states, at 9 times in the cycle, within `ACCURACY` of the span
between their bounds; the reference is ours at a tolerance of 1e-13. scipy's `solve_ivp` (LSODA) runs one cell, as a
loop over cells would, with the law and its hard bounds in scalar Python, or with our compiled law where a model has an
unknown to solve for. It runs without a limit on its steps and, because it may step over thresholds, also with at least
twenty steps; the faster of the accurate runs counts. ngspice runs one cell in a process of its own; the time of a
process with a trivial circuit is subtracted.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import cache as once
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from benchmarks.environment import cache, describe
from benchmarks.figures import Figure, Results
from benchmarks.page import seconds
from benchmarks.problem import Array
from devices import Device, Sine, device, limit_threads, models, simulate
from devices.common.threads import cores
from netlists.circuit import Circuit
from netlists.engines.waves import Waves

SCIPY, NGSPICE_TRAN = "scipy solve_ivp, LSODA", "ngspice tran"
KEPT = Path(__file__).parent / "devices.json"
ACCURACY = 1e-6  # largest error of a state, as a share of its span
POINTS = 9  # samples in the cycle
GOAL = 100.0
LONGEST = 5.0  # of one call [s]
OURS = [10.0 ** (-k / 2) for k in range(6, 23)]
PEERS = [10.0**-k for k in range(4, 13)]
#: ngspice's relative tolerance, and its fewest steps in the cycle.
NGSPICE = [(1e-6, 250), (1e-6, 1000), (1e-8, 1000), (1e-10, 1000), (1e-10, 4000), (1e-12, 4000), (1e-12, 16000)]


class TransientProblem(NamedTuple):
    """A loop at four times the usual frequency: one cell, and an ensemble."""

    one: Device
    many: Device
    wave: Sine
    times: Array
    reference: Array  # states of the one cell at the times, as shares of their spans


class Measured(NamedTuple):
    """Time of one cycle of a cell [s], error of the states, and the setting of the program."""

    seconds: float
    error: float
    setting: str
    samples: list[float]


def ensemble(name: str, cells: int) -> Device:
    """Return cells whose first parameter is spread by a tenth."""
    one = device(name)
    first = one.model.parameters[0].name
    return device(name, **{first: np.random.default_rng(3).uniform(0.9, 1.1, cells) * float(one.parameters[first])})


def problem(name: str, cells: int) -> TransientProblem:
    one = device(name)
    usual = one.loop()
    wave = Sine(usual.amplitude, 4 * usual.frequency)  # at a bound, results depend on rounding
    times = np.linspace(0.0, wave.duration, POINTS)
    reference = shares(one, simulate(one, wave, samples=times, tolerance=1e-13).state)
    return TransientProblem(one, ensemble(name, cells), wave, times, reference)


def shares(cell: Device, states: Array) -> Array:
    lower, upper = cell.bounds()
    return (states - lower) / (upper - lower)


def timed(work: Callable[[], Any], repeats: int, budget: float) -> list[float]:
    """Return times of a few calls [s], fewer where they take long."""
    samples: list[float] = []
    while len(samples) < repeats and (not samples or sum(samples) < budget):
        start = time.perf_counter()
        work()
        samples.append(time.perf_counter() - start)
    return samples


class Ours(NamedTuple):
    """Our times on one thread and on all threads, and the number of steps tried for each cell."""

    one: Measured
    all: Measured
    threads: int
    steps: float
    cells: int


def ours(name: str, given: TransientProblem, repeats: int) -> Ours:
    for tolerance in OURS:
        found = simulate(given.one, given.wave, samples=given.times, tolerance=tolerance)
        error = float(np.abs(shares(given.one, found.state) - given.reference).max())
        if error <= ACCURACY:
            break
    many = given.many

    def work() -> Any:
        return simulate(many, given.wave, samples=given.times, tolerance=tolerance)

    def measured() -> Measured:
        samples = [one / many.shape[0] for one in timed(work, repeats, 2 * LONGEST)]
        return Measured(statistics.median(samples), error, f"tolerance {tolerance:.0e}", samples)

    cells = many.shape[0]
    many = ensemble(name, min(cells, 200))
    with limit_threads(1):
        pace = min(timed(work, 3, LONGEST)) / many.shape[0]
        many = ensemble(name, max(min(cells, 1000 * round(LONGEST / pace / 1000)), many.shape[0]))
        steps = float(work().steps.mean())
        alone = measured()
    return Ours(alone, measured(), cores(), steps, many.shape[0])


def compiled_law(cell: Device, wave: Sine) -> Callable[..., Array]:
    """Return the right-hand side of a cell as compiled code, for states as shares of their spans."""
    import numba

    kernel = cell.kernel
    row = cell.parameter_rows(())[0].copy()
    low, high = (np.array(bound, dtype=float) for bound in cell.bounds())
    n = low.size
    amplitude, omega = wave.amplitude, 2 * np.pi * wave.frequency

    @numba.njit(error_model="numpy")
    def evaluate(kernel: Any, t: float, y: Array, low: Array, high: Array, row: Array, out: Array) -> Array:
        x = low + np.minimum(np.maximum(y, 0.0), 1.0) * (high - low)
        kernel(amplitude * np.sin(omega * t), x, row, out)
        return out

    @numba.njit(error_model="numpy")
    def rates(kernel: Any, t: float, y: Array, low: Array, high: Array, row: Array) -> Array:
        out = evaluate(kernel, t, y, low, high, row, np.zeros((1 + n) * (2 + n)))
        found = np.empty(n)
        for k in range(n):
            rate = out[(1 + k) * (2 + n)] / (high[k] - low[k])
            found[k] = 0.0 if (y[k] <= 0.0 and rate < 0.0) or (y[k] >= 1.0 and rate > 0.0) else rate
        return found

    return lambda t, y: rates(kernel, t, y, low, high, row)


def python_law(cell: Device, wave: Sine) -> Callable[..., list[float]]:
    """Return the right-hand side of a cell in scalar Python, for states as shares of their spans."""
    import math

    import sympy

    model = cell.model
    known = {p.symbol: float(cell.parameters[p.name]) for p in model.parameters}
    functions = {
        "Heaviside": lambda z, *_: 1.0 if z > 0.0 else 0.0,
        "softplus": lambda z: max(z, 0.0) + math.log1p(math.exp(-abs(z))),
        "logistic": lambda z: math.exp(min(z, 0.0)) / (1.0 + math.exp(-abs(z))),
    }
    symbols = [model.voltage, *(state.symbol for state in model.states)]
    rates = sympy.lambdify(symbols, [rate.subs(known) for rate in model.rates], [functions, "math"], cse=True)
    bounds = list(zip(*(bound.tolist() for bound in cell.bounds()), strict=True))
    amplitude, omega = wave.amplitude, 2 * math.pi * wave.frequency

    def right(t: float, y: Array) -> list[float]:
        shares = y.tolist()
        x = [low + min(max(s, 0.0), 1.0) * (high - low) for s, (low, high) in zip(shares, bounds, strict=True)]
        found = rates(amplitude * math.sin(omega * t), *x)
        return [
            0.0 if (s <= 0.0 and r < 0.0) or (s >= 1.0 and r > 0.0) else r / (high - low)
            for s, r, (low, high) in zip(shares, found, bounds, strict=True)
        ]

    return right


def scipy_loop(given: TransientProblem, repeats: int) -> Measured:
    """Return scipy's time for one cell; a loop over cells takes this time for each."""
    start = shares(given.one, given.one.start)
    try:
        rates, kind = python_law(given.one, given.wave), "LSODA"
        rates(0.0, start)
    except NameError:  # an unknown, or a function that plain Python lacks
        rates, kind = compiled_law(given.one, given.wave), "LSODA, compiled law"
    end = given.wave.duration
    found = [_lsoda(given, rates, kind, start, longest, repeats) for longest in (np.inf, end / 20)]
    reached = [one for one in found if one is not None]
    if not reached:
        raise RuntimeError(f"solve_ivp, {kind}, fails at each tolerance")
    return min(reached, key=lambda one: (one.error > ACCURACY, one.seconds))


def _lsoda(
    given: TransientProblem, rates: Callable[..., Any], kind: str, start: Array, longest: float, repeats: int
) -> Measured | None:
    """Return the time of LSODA at the loosest tolerance that is accurate enough, else at the most accurate one."""
    from scipy.integrate import solve_ivp

    most = "" if np.isinf(longest) else ", 20 steps at least"
    best: Measured | None = None
    for tolerance in PEERS:

        def work(tolerance: float = tolerance) -> Any:
            return solve_ivp(rates, (0.0, given.wave.duration), start, method="LSODA", t_eval=given.times,
                             rtol=tolerance, atol=0.1 * tolerance, max_step=longest)  # fmt: skip

        if best is None:
            work()  # compiles
        began = time.perf_counter()
        found = work()
        spent = time.perf_counter() - began
        if not found.success:
            continue
        error = float(np.abs(found.y.T - given.reference).max())
        if best is None or error < best.error:
            best = Measured(spent, error, f"{kind}, rtol {tolerance:.0e}{most}", [spent])
        if error <= ACCURACY:
            samples = timed(work, 4 * repeats, 2.0)
            return Measured(statistics.median(samples), error, best.setting, samples)
        if spent > 20.0:
            break
    return best


@once
def start_up() -> float:
    """Return the time of an ngspice process with a trivial circuit [s]."""
    return statistics.median(_run(device("resistor"), Sine(1.0, 1.0), 1e-3, 10)[2] for _ in range(5))


def _run(cell: Device, wave: Sine, tolerance: float, steps: int) -> tuple[Circuit, Waves, float]:
    from netlists.circuit import device_circuit
    from netlists.dialects.ngspice import NgspiceOptions, write_ngspice
    from netlists.engines.ngspice import run_ngspice

    circuit = device_circuit(cell, wave, step=wave.duration / steps)
    waves = run_ngspice(write_ngspice(circuit, NgspiceOptions(reltol=tolerance)), timeout=120.0)
    return circuit, waves, waves.seconds


def ngspice(given: TransientProblem, repeats: int) -> Measured:
    """Return ngspice's time for one cell, without its start-up."""
    from scipy.interpolate import PchipInterpolator

    best: Measured | None = None
    for tolerance, steps in NGSPICE:
        circuit, waves, seconds = _run(given.one, given.wave, tolerance, steps)
        times, places = np.unique(waves["time"], return_index=True)
        states = np.stack([waves[f"v({probe})"][places] for probe in circuit.subcircuits[0].probes], axis=1)
        error = float(np.abs(PchipInterpolator(times, states)(given.times) - given.reference).max())
        setting = f"reltol {tolerance:.0e}, {steps} steps at least"
        if best is None or error < best.error:
            best = Measured(seconds - start_up(), error, setting, [seconds - start_up()])
        if error <= ACCURACY:
            samples = [_run(given.one, given.wave, tolerance, steps)[2] - start_up() for _ in range(repeats)]
            return best._replace(seconds=statistics.median(samples), samples=samples)
    assert best is not None
    return best


def figures(name: str, cells: int, repeats: int) -> Iterator[Figure]:
    """Yield a figure for each program; if one fails, its figure has no value and the others still run."""
    work = f"{name}, one cycle"
    try:
        given = problem(name, cells)
        mine = ours(name, given, repeats)
    except Exception as error:
        yield Figure("devices", work, cells, "", error=_reason(error))
        return
    peers: dict[str, Callable[[], Measured]] = {
        SCIPY: lambda: scipy_loop(given, repeats),
        NGSPICE_TRAN: lambda: ngspice(given, repeats),
    }
    for peer, measure in peers.items():
        try:
            other = measure()
        except Exception as error:
            yield Figure("devices", work, cells, peer, error=_reason(error))
            continue
        extra: dict[str, Any] = {
            side: {"samples": len(m.samples), "spread": [min(m.samples), max(m.samples)], "setting": m.setting}
            for side, m in {"ours": mine.one, "theirs": other}.items()
        }
        extra |= {
            "cells": mine.cells,
            "threads": mine.threads,
            "all_threads": mine.all.seconds,
            "all_threads_ratio": other.seconds / mine.all.seconds,
            "duration": given.wave.duration,
            "steps": mine.steps,
        }
        if peer == NGSPICE_TRAN:
            extra["start_up"] = start_up()
        note = "time per cell" + ("" if other.error <= ACCURACY else "; the peer does not reach the accuracy")
        yield Figure(
            "devices", work, cells, peer, ours=mine.one.seconds, theirs=other.seconds,
            value=other.seconds / mine.one.seconds, goal=GOAL, our_error=mine.one.error, their_error=other.error,
            note=note, extra=extra,
        )  # fmt: skip


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def heading() -> str:
    return (
        f"{'model':28} {'peer':22} {'cells':>7} {'steps':>6} {'one thread':>10} {'all':>10} {'theirs':>10} "
        f"{'ratio':>6} {'all':>6}  errors of states, ours / theirs"
    )


def line(figure: Figure) -> str:
    """Return a figure as a line of the table."""
    head = f"{figure.work.removesuffix(', one cycle'):28} {figure.peer:22}"
    if figure.error:
        return f"{head} no result: {figure.error}"
    extra = figure.extra
    times = " ".join(f"{seconds(s):>10}" for s in (figure.ours, extra["all_threads"], figure.theirs))
    return (
        f"{head} {extra['cells']:7} {extra['steps']:6.1f} {times} "
        f"{figure.value:6.0f} {extra['all_threads_ratio']:6.0f}  "
        f"{figure.our_error:.0e} / {figure.their_error:.0e}" + ("" if "not" not in figure.note else "  not reached")
    )


def main() -> int:
    made = argparse.ArgumentParser(prog="python -m benchmarks.devices", description=__doc__.splitlines()[0])
    made.add_argument("--models", nargs="+", choices=list(models()), help="models to measure; all by default")
    made.add_argument("--cells", type=int, help="cells of an ensemble (100000, quick 2000)")
    made.add_argument("--quick", action="store_true", help="few cells and repeats; results in the user's cache folder")
    made.add_argument("--results", type=Path, help="JSON file of the results (benchmarks/devices.json)")
    args = made.parse_args()
    console = Console(highlight=False, markup=False, soft_wrap=True)
    names = args.models or [name for name, model in models().items() if model.states and not model.controls]
    results = Results(args.results or (cache() / "devices-quick.json" if args.quick else KEPT))
    results.machine = describe(cores())
    cells, repeats = args.cells or (2_000 if args.quick else 100_000), 2 if args.quick else 5
    console.print(f"times for one cell; ngspice's start-up of {1e3 * start_up():.0f} ms is not in its times")
    console.print(heading())
    failed = 0
    measured = set()
    for name in names:
        for figure in figures(name, cells, repeats):
            results.add(figure)
            measured.add(figure.key)
            failed += bool(figure.error)
            console.print(line(figure))
    again = {work for _, work, *_ in measured}
    others = {f.key for f in results.of("devices") if f.work not in again} if args.models else set()
    results.keep_only("devices", measured | others)
    console.print(f"{len(measured)} results in {results.file}; {failed} without a value")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
