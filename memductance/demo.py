"""The main job: devices against SPICE, a read with its wires, digits on arrays and on a chip, in one report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from memductance.report import Report, Section

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["run_demo"]

#: Wire resistance for each segment [ohm] and sigma of the lognormal spread, for the accuracy map.
SEGMENTS = (0.0, 1.0, 2.0, 5.0, 10.0)
SPREADS = (0.0, 0.1, 0.2, 0.4)
READ_VOLTAGE = 0.3
TILE = (64, 64)


@dataclass
class _Run:
    """What the parts share: the options, the report they write to and the figures they find."""

    out: Path
    trials: int
    size: int
    seed: int
    console: Console
    report: Report
    figures: dict[str, Any] = field(default_factory=dict)

    def save(self, section: Section, name: str, figure: Figure, caption: str) -> None:
        """Put a picture into the report and beside it."""
        section.add_figure(figure, caption)
        figure.savefig(self.out / f"{name}.png", dpi=110)


def run_demo(out: Path, *, trials: int, size: int, seed: int, console: Console) -> tuple[dict[str, Any], Path]:
    """Run the main job.

    Parameters
    ----------
    out : pathlib.Path
        Folder for the report and its pictures; it exists.
    trials : int
        Random arrays for each point of the accuracy map.
    size : int
        Rows and columns of the array that is read and cross-checked.
    seed : int
        Seed of everything random.
    console : rich.console.Console
        Where progress is shown.

    Returns
    -------
    tuple of (dict, pathlib.Path)
        The figures by part, and the path of ``report.html``.
    """
    report = Report("memductance: from device equations to a crossbar that recognises digits")
    run = _Run(out, trials, size, seed, console, report)
    parts: tuple[tuple[str, Callable[[_Run], Section]], ...] = (
        ("three devices and their ngspice runs", _devices),
        (f"a {size}x{size} read and its ngspice run", _read),
        ("digits over wire resistance and spread", _accuracy),
        ("digits on the Michigan chip", _chip),
    )
    for title, part in parts:
        started = time.perf_counter()
        with console.status(title):
            report.sections.append(part(run))
        console.print(f"{title}: {time.perf_counter() - started:.1f} s", highlight=False)
    return run.figures, report.write(out / "report.html")


def _devices(run: _Run) -> Section:
    from devices import Sine, device, plot_loop, simulate
    from netlists import crosscheck

    loops = (
        ("linear_ion_drift", Sine(amplitude=1.0, frequency=1.0, cycles=2)),
        ("vteam", Sine(amplitude=1.0, frequency=2e6, cycles=2)),
        ("wox_scaled_decay", Sine(amplitude=1.4, frequency=0.5, cycles=2)),
    )
    section = Section(
        "Device loops, against ngspice",
        "Each model is declared once, as equations. The integrator's kernel and the SPICE subcircuit are both derived "
        "from that declaration, so ngspice integrates the same physics with other numerics.",
    )
    picture = Figure(figsize=(11, 8.5), layout="constrained")
    rows = []
    for line, (name, wave) in zip(picture.subplots(3, 3), loops, strict=True):
        cell = device(name)
        agreement = crosscheck(cell, wave)
        trace = simulate(cell, wave)
        plot_loop(trace, line[0], color="C0")
        line[0].set_title(name, fontsize="medium", loc="left")
        plot_loop(trace, line[1], log=True, color="C0")
        agreement.plot(ax=line[2])
        current = agreement["current"]
        given = cell.parameter_set
        rows.append(
            (
                name,
                f"{current.worst_relative:.1e}",
                f"{current.where}",
                f"{1e3 * agreement.our_seconds:.1f} ms",
                f"{1e3 * agreement.engine_seconds:.0f} ms",
            )
        )
        section.notes.append(f"{name}: set {given.name} ({given.status}), {given.source}. {given.note}")
        run.figures[f"device_{name}_worst_relative"] = current.worst_relative
    run.save(
        section, "devices", picture, "Pinched loops on linear and logarithmic axes; right: the difference from ngspice."
    )
    section.add_table(
        "Worst difference in current, relative to the loop's peak",
        ("model", "difference", "at", "our time", "ngspice"),
        rows,
    )
    worst = max(run.figures[f"device_{name}_worst_relative"] for name, _ in loops)
    run.report.summary.append((f"{worst:.0e}", "of the peak: worst difference of three device loops from ngspice"))
    return section
