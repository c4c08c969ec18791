"""Writes docs/performance.md from the stored results alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.figures import Figure, Results
from benchmarks.methods import ANSWERS, DETAIL, DEVICES, HEAD, METHODS, RECORDED, TITLES, text
from benchmarks.picture import draw
from benchmarks.problem import REGIMES
from benchmarks.rows.growth import SMALL, verdicts

REMARKS = Path(__file__).parent / "remarks.md"


def seconds(value: float | None) -> str:
    """Return a time in three digits with a unit."""
    if value is None:
        return "-"
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def verdict(figure: Figure) -> str:
    return {True: "met", False: "missed", None: ""}[figure.met]


def write(results: Results, devices: Results, folder: Path) -> list[Path]:
    """Write the page and the picture into a folder, and return their paths; `devices` has the results of each model."""
    page, picture = folder / "performance.md", folder / "images" / "growth.png"
    drawn = draw(results.of("growth"), results.of("read"), picture)
    parts = [
        _head(results),
        _main_table(results),
        *_details(results),
        _devices(devices),
        _growth(results, drawn),
        _missed(results),
        _methods(results),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    page.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")
    return [page, picture] if drawn else [page]


def _head(results: Results) -> str:
    machine = results.machine
    dates = sorted({f.date[:10] for f in results.figures})
    given = {
        "threads": machine["threads"],
        "when": dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}",
        "memory": f"{machine['memory']:.0f} GB, " if machine.get("memory") else "",
        "versions": ", ".join(f"{name} {version}" for name, version in machine["versions"].items()),
        "regime": REGIMES["easy"],
    }
    return "# Performance\n\n" + text(HEAD, **{**machine, **given})


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(titles) + " |", "|" + "|".join("---" for _ in titles) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _value(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    digits = f"{figure.value:,.0f}" if figure.value >= 100 else f"{figure.value:.3g}"
    return f"{digits}x" if figure.unit == "x" else f"{digits} {figure.unit}"


def _goal(figure: Figure) -> str:
    if figure.goal is None:
        return "-"
    unit = "x" if figure.unit.startswith("x") else f" {figure.unit}"
    return (
        f"{figure.sense} {figure.goal:,.4g}{unit}" if figure.goal < 1e4 else f"{figure.sense} {figure.goal:,.0f}{unit}"
    )


def _errors(figure: Figure) -> str:
    both = ["-" if e is None else f"{e:.0e}" for e in (figure.our_error, figure.their_error)]
    return "" if both == ["-", "-"] else " / ".join(both)


def _cells(figure: Figure) -> list[str]:
    what = f"{TITLES[figure.row]}: {figure.work}"
    peer = f"{figure.peer}{' (recorded)' if figure.recorded else ''}" or "-"
    if figure.error:
        return [what, str(figure.size or "-"), "-", peer, "-", "no result", _goal(figure), "-", ""]
    mark = {True: "yes", False: "**no**", None: "-"}[figure.met] + (f" ({figure.doubt})" if figure.doubt else "")
    times = [seconds(figure.ours), peer, seconds(figure.theirs)]
    return [what, str(figure.size or "-"), *times, _value(figure), _goal(figure), mark, _errors(figure)]


def _of(results: Results, row: str) -> list[Figure]:
    figures = results.of(row)
    return figures + verdicts(figures) if row == "growth" else figures


COLUMNS = ["task", "size", "our time", "compared with", "its time", "result", "goal", "met", "errors: ours / theirs"]


def _main_table(results: Results) -> str:
    from benchmarks.rows import ROWS

    goals = [f for row in ROWS for f in _of(results, row) if f.goal is not None]
    return "## Results with a goal\n\n" + _table(COLUMNS, map(_cells, goals))


def _details(results: Results) -> list[str]:
    """Results without a goal, and the memory of both sides of single reads."""
    others = [f for row in TITLES for f in results.of(row) if f.goal is None and row != "growth"]
    parts = []
    if others:
        parts.append("## Other results\n\n" + _table(COLUMNS, map(_cells, others)))
    again = [f for f in results.of("read") if not f.error]
    if again:
        rows = [
            [
                str(f.size), seconds(f.ours), seconds(f.extra["again"]), seconds(f.extra["ours"]["warm_up"]),
                str(f.extra["ours"]["iterations"]), _memory(f.our_memory), _memory(f.their_memory),
            ]
            for f in again
        ]  # fmt: skip
        titles = ["size", "first read", "read again", "warm-up", "iterations", "our memory", "memory with spsolve"]
        parts.append(text(DETAIL) + "\n\n" + _table(titles, rows))
    return parts


def _memory(value: float | None) -> str:
    return "-" if value is None else f"{value / 1e6:,.0f} MB"


def _growth(results: Results, drawn: bool) -> str:
    figures = [f for f in results.of("growth") if not f.error and not f.peer and f.work != SMALL]
    if not figures:
        return ""
    sizes = sorted({f.size for f in figures})
    rows, titles = [], ["size"]
    for regime in REGIMES:
        titles += [f"{regime}: read", "per cell", "per cell and iteration", "iterations", "memory [arrays]"]
    for size in sizes:
        row = [str(size)]
        for regime in REGIMES:
            found = [f for f in figures if f.work == regime and f.size == size]
            row += _growth_cells(found[0]) if found else ["-"] * 5
        rows.append(row)
    picture = "![Time per cell and iterations against size](images/growth.png)\n\n" if drawn else ""
    regimes = "; ".join(f"*{name}*: {scale}" for name, scale in REGIMES.items())
    return f"## Growth with the size of the array\n\n{picture}{regimes}.\n\n" + _table(titles, rows)


def _growth_cells(figure: Figure) -> list[str]:
    details = figure.extra["ours"]
    per_cell = 1e-9 * (figure.value or 0.0)
    iterations = details["iterations"]
    arrays = f"{details['arrays']:.1f}" if "arrays" in details and figure.size >= 128 else "-"
    return [seconds(figure.ours), seconds(per_cell), seconds(per_cell / max(iterations, 1)), str(iterations), arrays]


def _devices(results: Results) -> str:
    """One row for each device model: our two times, and the time of each other program with its ratios to both."""
    figures = results.of("devices")
    peers = list(dict.fromkeys(f.peer for f in figures if f.peer))
    rows, reached = [], {peer: [0, 0, 0] for peer in peers}
    for work in dict.fromkeys(f.work for f in figures):
        found = {f.peer: f for f in figures if f.work == work}
        good = [f for f in found.values() if not f.error]
        row = [work.split(",")[0]]
        row += _device_times(good[0]) if good else ["-", "-", "no result", "-"]
        for peer in peers:
            figure = found.get(peer)
            if figure is None or figure.error or figure.value is None:
                row += ["no result", "-", "-"]
                continue
            ratios = [figure.value, figure.extra["all_threads_ratio"]]
            met = [figure.goal is None or ratio >= figure.goal for ratio in ratios]
            reached[peer] = [a + b for a, b in zip(reached[peer], [1, *met], strict=True)]
            late = "" if "not" not in figure.note else f" (error {figure.their_error:.0e})"
            marks = [f"{r:,.0f}x" if ok else f"**{r:,.0f}x**" for r, ok in zip(ratios, met, strict=True)]
            row += [seconds(figure.theirs) + late, *marks]
        rows.append(row)
    if not rows:
        return ""
    machine = results.machine
    titles = ["model", "cells", "steps", "ours, 1 thread", f"ours, {machine['threads']} threads"]
    for peer in peers:
        titles += [peer, "ratio, 1 thread", f"ratio, {machine['threads']} threads"]
    counts = "; ".join(
        f"{peer}: {one} of {count} models on one thread, {both} on {machine['threads']}"
        for peer, (count, one, both) in reached.items()
    )
    words = text(DEVICES, counts=counts, date=machine["date"], cpu=machine["cpu"], goal=f"{figures[0].goal or 0:.0f}")
    return f"## Device models\n\n{words}\n\n" + _table(titles, rows)


def _device_times(figure: Figure) -> list[str]:
    extra = figure.extra
    return [str(extra["cells"]), f"{extra['steps']:.0f}", seconds(figure.ours), seconds(extra["all_threads"])]


def _missed(results: Results) -> str:
    words = REMARKS.read_text(encoding="utf-8")
    remarks = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", words, re.MULTILINE | re.DOTALL))
    parts = []
    for row, title in TITLES.items():
        figures = _of(results, row)
        lines = [f"- {title}: {_name(f)}: {_value(f)}, goal {_goal(f)}" for f in figures if f.met is False]
        for error in dict.fromkeys(f.error for f in figures if f.error):
            names = "; ".join(_name(f) for f in figures if f.error == error)
            lines.append(f"- {title}: no result for {names} ({error})")
        if lines:
            parts += ["\n".join(lines), remarks.get(row, "").strip()]
    return "## Goals that are missed\n\n" + ("\n\n".join(filter(None, parts)) or "Every goal above is met.")


def _name(figure: Figure) -> str:
    return ", ".join(str(part) for part in (figure.work, figure.size, figure.peer) if part)


def _methods(results: Results) -> str:
    recorded = [f for f in results.figures if f.recorded]
    items = "\n".join(f"- **{TITLES[row]}** (`--rows {row}`): {text(words)}" for row, words in METHODS.items())
    parts = ["## How each benchmark is measured", items]
    if recorded:
        parts.append(text(RECORDED, peer=recorded[0].peer, why=recorded[0].note))
    return "\n\n".join([*parts, text(ANSWERS)])
