"""``python -m benchmarks.tolerances``: steps and errors of `simulate` at all tolerances, for every model and set.

Writes docs/tolerances.md. Every registered model with two terminals and states, each of its parameter sets, two cycles
of its usual loop, of one a thousand times as slow and one a thousand times as fast, and a triangle of twice the usual
amplitude.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.progress import track

from devices import ConvergenceError, Device, Sine, Triangle, Waveform, device, models, parameter_sets, simulate
from devices.common.arrays import Array
from devices.simulation.drift import LARGEST_DRIFT

__all__ = ["REFERENCES", "TOLERANCES", "Found", "cases", "curve_error", "measure"]

TOLERANCES = tuple(10.0**-k for k in range(11, 2, -1))
#: Tolerances of the reference: the first at which no error stops it.
REFERENCES = (1e-12, *TOLERANCES)
PAGE = Path(__file__).parents[1] / "docs" / "tolerances.md"
#: Shifts in time at which the reference is compared, as shares of the duration.
_SHIFTS = np.concatenate([[0.0], np.geomspace(1e-14, 1e-2, 49)])


class Found(NamedTuple):
    """Steps and error at one tolerance; the message where the run stopped."""

    tolerance: float
    steps: int
    error: float
    message: str = ""


def cases() -> Iterator[tuple[str, Device, dict[str, Waveform]]]:
    """Yield a name, the device and its waveforms, for every model and set."""
    for name, model in models().items():
        if not model.states or len(model.terminals) != 2:
            continue
        for chosen in parameter_sets(name):
            cell = device(name, chosen)
            loop = cell.loop()
            v, f = loop.amplitude, loop.frequency
            yield (
                f"{name} / {chosen}",
                cell,
                {
                    "usual": Sine(v, f, cycles=2),
                    "slow": Sine(v, 1e-3 * f, cycles=2),
                    "fast": Sine(v, 1e3 * f, cycles=2),
                    "high": Triangle(2.0 * v, f, cycles=2),
                },
            )


def _reference(cell: Device, waveform: Waveform, times: Array) -> Array:
    """Return the states at the tightest tolerance that can be met."""
    for tolerance in REFERENCES[:-1]:
        with suppress(ConvergenceError):
            return simulate(cell, waveform, samples=times, tolerance=tolerance).state
    return simulate(cell, waveform, samples=times, tolerance=REFERENCES[-1]).state


def curve_error(cell: Device, waveform: Waveform, time: Array, state: Array) -> float:
    """Return how far states lie from the curve of the reference, in shares of the duration and of the states' spans.

    Where a state runs away within a moment, a small error of what came before changes that moment, and the difference
    at equal times may be as large as the span. So each sample may be compared with the reference at another time, and
    the larger of both distances counts.
    """
    low, high = cell.bounds()
    span = high - low
    duration = waveform.duration
    shifts = duration * np.concatenate([-_SHIFTS[:0:-1], _SHIFTS])
    wanted = np.clip(time[:, None] + shifts, 0.0, duration)
    times, place = np.unique(wanted, return_inverse=True)
    exact = _reference(cell, waveform, times)[place.reshape(wanted.shape)]
    # Between two neighbouring shifts the reference passes through all states between its ends.
    lower, upper = (end(exact[:, :-1], exact[:, 1:]) for end in (np.minimum, np.maximum))
    outside = np.maximum(np.maximum(lower - state[:, None], state[:, None] - upper), 0.0) / span
    away = np.abs(wanted - time[:, None]) / duration
    distance = np.maximum(outside.max(axis=-1), np.maximum(away[:, :-1], away[:, 1:]))
    same = (np.abs(exact[:, len(_SHIFTS) - 1] - state) / span).max(axis=-1)
    return float(np.minimum(distance.min(axis=1), same).max())


def measure(cell: Device, waveform: Waveform, tolerances: tuple[float, ...] = TOLERANCES) -> list[Found]:
    """Return steps and errors at each tolerance."""
    found = []
    for tolerance in tolerances:
        try:
            trace = simulate(cell, waveform, samples=101, tolerance=tolerance)
        except ConvergenceError as error:
            found.append(Found(tolerance, 0, np.nan, str(error)))
            continue
        error = curve_error(cell, waveform, trace.time, trace.state)
        found.append(Found(tolerance, int(trace.steps.max()), error))
    return found


HEAD = f"""# Tolerances: steps and errors of a simulated device

`python -m benchmarks.tolerances` measures and writes this page.

Two cycles for every registered model with two terminals and each of its sets: its usual loop, one a thousand times as
slow, one a thousand times as fast, and a triangle of twice the amplitude. For each tolerance from 1e-11 to 1e-3: the
most steps that any of them took, and in brackets the largest error over the tolerance. The error is the distance from
the curve of a run at {REFERENCES[0]:g}, in shares of the states' spans and of the duration: where a state runs away
within a moment, an error of what came before changes that moment, and a sample may be compared with the reference a
moment earlier or later.

Errors of steps grow where the law drives states apart. `simulate` follows them: a run whose states would be more than
{LARGEST_DRIFT:g} times the tolerance away from the exact curve is repeated at a tighter tolerance, and its steps count
too. Where the tightest does not suffice either, it stops by name: *n* stopped of the four waveforms. The windows of
Joglekar and of Prodromakis close at the bounds: a loop may bring the state nearer to a bound than a number can tell,
and rounding would decide when it leaves. Their reference is the tightest run that does not stop.

"""


def page(rows: dict[str, dict[str, list[Found]]]) -> str:
    """Return the page in Markdown."""
    lines = ["| model / set | " + " | ".join(f"{t:.0e}" for t in TOLERANCES) + " |", "|---" * 10 + "|"]
    most, worst, grows, stopped = 0, 0.0, 0.0, []
    for name, runs in rows.items():
        cells = []
        for k in range(len(TOLERANCES)):
            at = [run[k] for run in runs.values()]
            stopped += [
                f"{name}, {w}, {run[k].tolerance:g}: {run[k].message}" for w, run in runs.items() if run[k].message
            ]
            ok = [f for f in at if not f.message]
            steps = max((f.steps for f in ok), default=0)
            error = max((f.error / f.tolerance for f in ok), default=np.nan)
            most, worst = max(most, steps), max(worst, error)
            more = f", {len(at) - len(ok)} stopped" if len(ok) < len(at) else ""
            cells.append((f"{steps} ({error:.1g})" if ok else "") + more)
        for run in runs.values():
            done = [f.steps for f in run if not f.message]
            grows = max([grows, *(b / a for a, b in pairwise(done))])
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        f"Most steps: {most}. Largest error over tolerance: {worst:.2g}. Steps at a tolerance over those at one ten "
        f"times as tight: {grows:.2f} at most. Runs that stopped with an error: {len(stopped)}.",
        *(f"- {text}" for text in stopped),
        "",
    ]
    return HEAD + "\n".join(lines)


def main() -> None:
    """Measure all and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", help="measure these alone and print the table")
    chosen = parser.parse_args().models
    every = [case for case in cases() if not chosen or case[0].split(" / ")[0] in chosen]
    rows = {
        name: {what: measure(cell, waveform) for what, waveform in waveforms.items()}
        for name, cell, waveforms in track(every, description="models and sets")
    }
    text = page(rows)
    if chosen:
        print(text)
    else:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
