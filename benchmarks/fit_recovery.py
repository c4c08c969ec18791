"""``python -m benchmarks.fit_recovery``: how often the true parameters lie in the intervals that a fit states.

For each model: a loop (or the named stimulus) with noise of 1 % of the peak is fitted in each of 50 seeded trials. The
truth of a trial is the set's value times a random factor of up to 1.5; the search starts at the set. Which are free is
decided once for each model, from exact data of the set and of 6 draws: a group, taken greedily in order of
sensitivity, whose expected intervals stay within a factor of 1.35 in each of them. An interval counts as stated
where the fit converged and does not call the parameter undetermined. Columns: the share of stated intervals that hold
the truth (in brackets: of all trials), of trials that hold all of them, of joint regions, and of intervals stated.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from devices import Device, Measured, Samples, Sine, Waveform, device, fit, models, simulate
from devices._free import free_parameters
from devices._predictions import DevicePrediction
from devices.fitting import Problem

NOISE = 0.01
SAMPLES = 201
WIDEST = 1.5
#: Stimuli for models whose loop at their own pace shows little, or locks at a bound (Joglekar, Prodromakis).
STIMULI: dict[str, tuple[Waveform, ...]] = {
    "linear_ion_drift": (Sine(1.0, 2.0),),
    "linear_ion_drift_joglekar": (Sine(1.0, 2.0, cycles=2),),
    "linear_ion_drift_prodromakis": (Sine(1.0, 2.0, cycles=2),),
    "vteam": (Sine(0.8, 2e6), Samples([0, 2e-7, 2.02e-7, 2.3e-7], [1.0, 1.0, 0.0, -0.6])),
    "wox_scaled_decay": (Sine(1.2, 0.5, cycles=2),),
    "exponential_selector": (Sine(0.8, 1.0),),
    "threshold_switch": (Sine(0.5, 1e6, cycles=2),),
}
#: Retention laws with their true parameters and what is known.
LAWS = {
    "power_law": ({"g0": 2e-5, "nu": 0.07}, {"t0": 1.0}),
    "logarithmic": ({"g0": 2e-5, "slope": 0.03}, {"t0": 1.0}),
    "stretched_exponential": ({"g0": 2.3e-5, "g_end": 5e-6, "tau": 700.0, "beta": 0.55}, {}),
}
TIMES = np.geomspace(1.0, 1e5, 100)


@dataclass(frozen=True)
class Recovery:
    """Trials of one model."""

    model: str
    names: tuple[str, ...]
    inside: np.ndarray
    stated: np.ndarray
    ellipsoid: np.ndarray
    seconds: float

    @property
    def each(self) -> np.ndarray:
        """Share of stated intervals that hold the truth."""
        return (self.inside & self.stated).sum(axis=0) / np.maximum(self.stated.sum(axis=0), 1)

    @property
    def of_all(self) -> np.ndarray:
        """Share of trials that state an interval that holds the truth."""
        return (self.inside & self.stated).mean(axis=0)

    @property
    def joint(self) -> float:
        """Share of trials that recovered all at once."""
        return float((self.inside & self.stated).all(axis=1).mean())


def stimuli(name: str) -> tuple[Waveform, ...]:
    if name in STIMULI:
        return STIMULI[name]
    cell = device(name)
    if not models()[name].states:
        return (Sine(1.0, 1.0),)
    volts = 1.0 if cell.pace(1.0) > 0 else 2.0
    return (Sine(volts, 0.5 * cell.pace(volts), cycles=2),)


def record(cell: Device, waveform: Waveform, rng: np.random.Generator | None) -> Measured:
    corners = waveform.corners  # as many samples in each segment, so that a fast reset is not missed
    times = np.interp(np.linspace(0, corners.size - 1, SAMPLES), np.arange(corners.size), corners)
    trace = simulate(cell, waveform, samples=times, tolerance=1e-11)
    noise = 0.0 if rng is None else NOISE * np.abs(trace.current).max() * rng.standard_normal(SAMPLES)
    return Measured.trace(times, trace.voltage, trace.current + noise, waveform=waveform)


def identifiable(name: str, waveforms: Sequence[Waveform], most: int = 6) -> list[str]:
    """Parameters that the loops would tell together, to within a factor of 1.35, at the set and at draws around it."""
    model, given = models()[name], models()[name].parameter_set()
    inner = [p for p in model.parameters if p.lower <= given.values[p.name] * WIDEST <= p.upper]
    names = [p.name for p in inner if given.values[p.name] and p.lower <= given.values[p.name] / WIDEST <= p.upper]
    rng = np.random.default_rng(0)
    jacobians = []
    for draw in range(7):
        factors = WIDEST ** (rng.uniform(-1, 1, len(names)) * (draw > 0))
        start = {**given.values, **given.initial}
        start |= {n: start[n] * f for n, f in zip(names, factors, strict=True)}
        records = [record(device(name, **start), w, None) for w in waveforms]
        free = free_parameters(names, model.parameters, model.states, start, ())
        weights = np.concatenate([np.full(len(r), 1 / (NOISE * np.abs(r.observed).max())) for r in records])
        observed = np.concatenate([r.observed for r in records])
        problem = Problem(free, DevicePrediction(model, records, start, given), observed, weights, 1e-10)
        span = np.log(np.abs(free.upper / free.lower))
        jacobians.append(problem.fine_jacobian(free.unit(start))[0] / np.abs(span))
    chosen: list[int] = []
    for k in np.argsort(-np.linalg.norm(jacobians[0], axis=0)):
        tried = [*chosen, int(k)]
        if len(tried) <= most and all(told(j[:, tried]) for j in jacobians):
            chosen = tried
    return [names[k] for k in sorted(chosen)]


def told(jacobian: np.ndarray) -> bool:
    """Whether the expected 95 % intervals of logarithms are within a factor of 1.35."""
    _, singular, turned = np.linalg.svd(jacobian, full_matrices=False)
    if singular[-1] <= 1e-9 * singular[0]:
        return False
    return bool(1.96 * np.sqrt(np.sum((turned.T / singular) ** 2, axis=1)).max() < np.log(1.35))


def recover(name: str, trials: int, starts: int = 4) -> Recovery:
    """Fit a model to noisy data of drawn parameters, `trials` times."""
    began = time.perf_counter()
    waves = () if name in LAWS else stimuli(name)
    truth, fixed = LAWS.get(name, ({}, {}))
    if name not in LAWS:
        given = models()[name].parameter_set()
        truth = {n: given.values[n] for n in identifiable(name, waves)}
    inside, ellipsoid, stated = [], [], []
    for trial in range(trials):
        rng = np.random.default_rng([trial, *name.encode()])
        true = {n: v * WIDEST ** rng.uniform(-1, 1) for n, v in truth.items()}
        if name in LAWS:
            from devices.retention_laws import RETENTION_LAWS

            exact = RETENTION_LAWS[name].conductance(TIMES, **true, **fixed)
            data = [Measured.retention(TIMES, exact + NOISE * exact.max() * rng.standard_normal(TIMES.size))]
        else:
            data = [record(device(name, **true), w, rng) for w in waves]
        found = fit(name, data, list(true), fixed=fixed, starts=starts, seed=trial)
        hits = [found.intervals[n][0] <= v <= found.intervals[n][1] for n, v in true.items()]
        inside.append(hits)
        stated.append([found.converged and n not in found.undetermined for n in true])
        ellipsoid.append(found.contains(**true))
    return Recovery(
        name, tuple(truth), np.array(inside), np.array(stated), np.array(ellipsoid), time.perf_counter() - began
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fit_recovery", description=__doc__)
    every = [*(n for n, m in models().items() if not m.controls), *LAWS]
    parser.add_argument("--models", nargs="+", choices=every, default=every)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--starts", type=int, default=8)
    given = parser.parse_args()
    table = Table("model", "each parameter", "all at once", "joint region", "stated", "s/fit")
    for name in given.models:
        r = recover(name, given.trials, given.starts)
        rows = zip(r.names, r.each, r.of_all, strict=True)
        each = ", ".join(f"{n} {100 * a:.0f} ({100 * b:.0f})" for n, a, b in rows)
        cells = [f"{100 * share:.0f} %" for share in (r.joint, r.ellipsoid.mean(), r.stated.mean())]
        table.add_row(name, each + " %", *cells, f"{r.seconds / given.trials:.2f}")
        print(name, each, *cells, f"{r.seconds / given.trials:.2f} s", flush=True)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
