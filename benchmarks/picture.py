"""Draws time per cell and number of iterations against size, in both regimes."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure as Drawing

from benchmarks.figures import Figure
from benchmarks.problem import REGIMES

COLOURS = {"easy": "C0", "hard": "C3"}
MARKS = {"easy": "o", "hard": "s"}


def draw(figures: list[Figure], reads: list[Figure], file: Path) -> bool:
    """Write the picture and return whether there was anything to draw; `reads` adds large sizes of the peer."""
    known = sorted((f for f in figures if f.value is not None and f.work in REGIMES), key=lambda f: f.size)
    if not known:
        return False
    drawing = Drawing(figsize=(10, 4.2), layout="constrained")
    left, right = drawing.subplots(1, 2)
    for regime, scale in REGIMES.items():
        mine = [f for f in known if f.work == regime and not f.peer]
        style = {"color": COLOURS[regime], "marker": MARKS[regime], "markersize": 5}
        sizes = [f.size for f in mine]
        left.plot(sizes, [1e-9 * f.value for f in mine if f.value], label=f"ours, {scale}", **style)
        right.plot(sizes, [f.extra["ours"]["iterations"] for f in mine], **style)
    peer = {f.size: f.theirs / f.size**2 for f in [*reads, *known] if f.theirs and f.peer == "scipy spsolve"}
    if peer:
        label = f"scipy spsolve, {REGIMES['easy']}"
        left.plot(sorted(peer), [peer[size] for size in sorted(peer)], color="0.4", marker="^", ls="--", label=label)
    ticks = sorted({f.size for f in known} | set(peer))
    for ax, label in ((left, "time of one read per cell [s]"), (right, "iterations of one read")):
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xticks(ticks, [str(size) for size in ticks])
        ax.minorticks_off()
        ax.set_xlabel("word lines = bit lines")
        ax.set_ylabel(label)
        ax.grid(True, color="0.9")
        ax.set_axisbelow(True)
    top = max((f.extra["ours"]["iterations"] for f in known if not f.peer), default=1)
    counts = [n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500) if n <= 2 * top]
    right.set_yticks(counts, [str(n) for n in counts])
    right.set_ylim(1, 1.5 * top)
    drawing.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    file.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(file, dpi=110)
    return True
