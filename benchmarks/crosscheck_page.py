"""Writes docs/crosscheck.md from the stored results alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from devices.common.tables import markdown_table

HEAD = """# Cross-checks

A result can be trusted when an independent simulator, reading a netlist that anyone can open, gives the same answer.
This page compares our results for many random circuits with ngspice and VACASK, the same circuits in three engines, and
the times of both sides. It is written by `python -m benchmarks.crosscheck` from `benchmarks/crosscheck.json`.
"""
CAMPAIGN = """## {circuits} random circuits

    memductance crosscheck campaign benchmarks/campaign.toml --out campaign

Each circuit is drawn at random from its own seed: a kind of cell (every registered model and parameter set, alone and
in series with a selector, a transistor or a resistor; conductances), an analysis (a read, an operating point with any
terminals, a transient of a device or of an array), wires (ideal, uniform, uneven, partly zero), capacitance, terminals
(one side, both ends, mixed, V/2, floating), waveforms, faults (open and bridged wires, stuck cells), and spread of
parameters. One round contains every kind of cell in every analysis. Of {runs} runs {agrees} agree, {differs} differ by
more than their tolerances and {failed} have no result because a side failed; the report of the campaign lists each of
those, with the smallest circuit that fails in the same way and an explanation.

Worst differences are relative to the largest value of a quantity, for states relative to their span; a difference below
the resolution of double precision counts as the same fraction of the tolerance. The last column names the side whose
tolerances change the worst difference; "neither" means that both sides are as exact as double precision allows, or
solve different equations.
"""
ENGINES_TEXT = """## Twenty circuits in three engines

For each circuit and engine, the quantity that comes nearest to its tolerance, and its largest difference from our
solution relative to its largest value. The columns `ngspice` and `pyspice` often agree to the last digit because
PySpice runs the same ngspice on the same netlist. "unsolved" under PySpice alone means that an iterate left the domain
of a law: ngspice itself recovers from that, PySpice stops.
"""
SPEED = """## Speed

Time of a read of a new array with 1 ohm segments and 50 ohm drivers and sense amplifiers, with all node voltages, on
one thread, and of ngspice's operating point of the same circuit, including the start of its process. Times are medians;
`runs` is the number of runs of ngspice. The difference is the worst of all node voltages and currents.

![Time of a read by our solver and by ngspice, and their ratio](images/crosscheck_speed.png)
"""


def write(kept: dict[str, Any], folder: Path) -> list[Path]:
    """Write the page, and the picture if speeds were measured, into a folder, and return their paths."""
    parts, paths = [HEAD], [folder / "crosscheck.md"]
    if "campaign" in kept:
        parts.append(_campaign(kept["campaign"]["found"]))
    if "engines" in kept:
        parts += [ENGINES_TEXT, _engines(kept["engines"]["found"])]
    if "speed" in kept:
        rows = kept["speed"]["found"]
        paths.append(folder / "images" / "crosscheck_speed.png")
        _draw(rows, paths[-1])
        parts += [SPEED, _speed(rows)]
    machines = {name: part["machine"] for name, part in kept.items()}
    parts += ["## Machine\n", *(_machine(name, machine) for name, machine in machines.items())]
    paths[0].write_text("\n".join(parts), encoding="utf-8")
    return paths


def _campaign(found: dict[str, Any]) -> str:
    head = ("analysis", "quantity", "engine", "runs", "median", "worst", "allowed", "case", "limited by")
    rows = [
        (w["analysis"], w["quantity"], w["engine"], w["runs"], f"{w['median']:.1e}", f"{w['worst']:.1e}",
         f"{w['allowed']:.0e}", w["case"], w["limit"])
        for w in found["worst"]
    ]  # fmt: skip
    return CAMPAIGN.format(**found) + "\n" + markdown_table(head, rows) + "\n"


def _engines(rows: list[dict[str, Any]]) -> str:
    names = list(rows[0]["worst"])

    def text(found: dict[str, Any]) -> str:
        return found["error"] if "error" in found else f"{found['quantity']} {found['relative']:.1e}"

    lines = [
        (r["case"], r["analysis"], r["size"], r["cells"], r["model"], *(text(r["worst"][name]) for name in names))
        for r in rows
    ]
    return markdown_table(("case", "analysis", "size", "cells", "model/set", *names), lines) + "\n"


def _speed(rows: list[dict[str, Any]]) -> str:
    head = ("cells", "lines each way", "ours", "ngspice", "ratio", "runs", "worst difference")
    lines = [
        (
            r["cells"],
            r["size"],
            _time(r["ours"]),
            _time(r["theirs"]),
            f"{r['ratio']:.3g}",
            r["runs"],
            f"{r['worst']:.1e}",
        )
        for r in rows
    ]
    return markdown_table(head, lines) + "\n"


def _time(seconds: float) -> str:
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _machine(name: str, machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    return f"- {name}: {machine['date']}, {machine['cpu']}, Python {machine['python']}, {versions}\n"


def _draw(rows: list[dict[str, Any]], file: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for colour, kind in zip(("C0", "C1"), dict.fromkeys(r["cells"] for r in rows), strict=False):
        mine = sorted((r for r in rows if r["cells"] == kind), key=lambda r: r["size"])
        sizes = [r["size"] for r in mine]
        left.loglog(sizes, [r["theirs"] for r in mine], "s--", color=colour, label=f"ngspice, {kind}")
        left.loglog(sizes, [r["ours"] for r in mine], "o-", color=colour, label=f"ours, {kind}")
        right.loglog(sizes, [r["ratio"] for r in mine], "o-", color=colour, label=kind)
    ticks = sorted({r["size"] for r in rows})
    for ax in (left, right):
        ax.set_xticks(ticks, [str(t) for t in ticks])
        ax.minorticks_off()
        ax.set_xlabel("word lines = bit lines")
        ax.legend(frameon=False, fontsize="small")
    left.set_ylabel("time of one read [s]")
    right.set_ylabel("time of ngspice / ours")
    figure.savefig(file, dpi=110)
