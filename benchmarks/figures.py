"""`Figure`: one measured result; `Results`: the JSON file that stores them."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

#: A result is marked as doubtful with fewer samples, a larger share of the machine used by other work, or a larger
#: ratio of the largest sample to the smallest.
FEW, BUSY, WIDE = 3, 0.05, 2.0


@dataclass
class Figure:
    """One measured result, its goal, and the errors of both sides against the reference solution.

    `value` is compared with the goal: mostly the time of the peer divided by ours, otherwise a quantity in `unit`.
    """

    row: str
    work: str
    size: int = 0
    peer: str = ""
    ours: float | None = None  # [s]
    theirs: float | None = None  # [s]
    value: float | None = None
    unit: str = "x"
    goal: float | None = None
    sense: Literal["at least", "at most"] = "at least"
    our_error: float | None = None
    their_error: float | None = None
    our_memory: float | None = None  # largest resident memory of the process [byte]
    their_memory: float | None = None
    recorded: bool = False  # the peer's time was measured earlier, elsewhere
    note: str = ""
    error: str = ""  # why there is no result
    extra: dict[str, Any] = field(default_factory=dict)
    date: str = field(default_factory=lambda: datetime.datetime.now().isoformat(timespec="minutes"))
    load: float = field(default_factory=lambda: os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0)

    @property
    def key(self) -> tuple[str, str, int, str]:
        return self.row, self.work, self.size, self.peer

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal or a value."""
        if self.goal is None or self.value is None:
            return None
        return self.value >= self.goal if self.sense == "at least" else self.value <= self.goal

    @property
    def doubt(self) -> str:
        """Why the result is doubtful: a busy machine, few samples, samples far apart; or empty."""
        sides = [self.extra[side] for side in ("ours", "theirs") if "spread" in self.extra.get(side, {})]
        fewest = min((side["samples"] for side in sides), default=FEW)
        apart = max((side["spread"][1] / side["spread"][0] for side in sides), default=1.0)
        others = max((side.get("others") or 0.0 for side in sides), default=0.0)
        busy = [f"other work took {100 * others:.0f}% of the machine"] if others > BUSY else []
        few = [f"{fewest} sample{'s' if fewest > 1 else ''}"] if fewest < FEW else []
        return ", ".join(busy + few + ([f"samples {apart:.1f}x apart"] if apart > WIDE else []))


class Results:
    """All figures and the machine, in a JSON file that is replaced as a whole after each figure."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.machine: dict[str, Any] = {}
        self.figures: list[Figure] = []
        if file.exists():
            kept = json.loads(file.read_text(encoding="utf-8"))
            self.machine = kept["machine"]
            names = {f.name for f in fields(Figure)}
            self.figures = [Figure(**{n: v for n, v in one.items() if n in names}) for one in kept["figures"]]

    def add(self, figure: Figure) -> None:
        """Store a figure; it replaces an earlier one of the same work, size and peer."""
        keys = [f.key for f in self.figures]
        if figure.key in keys:
            self.figures[keys.index(figure.key)] = figure
        else:
            self.figures.append(figure)
        self.save()

    def keep_only(self, row: str, keys: Collection[tuple[str, str, int, str]]) -> None:
        """Remove the figures of a row except those with the given keys."""
        self.figures = [f for f in self.figures if f.row != row or f.key in keys]
        self.save()

    def of(self, row: str) -> list[Figure]:
        """Return the figures of a row by work and peer, in the order in which they were added, then by size."""
        mine = [f for f in self.figures if f.row == row]
        order = list(dict.fromkeys((f.work, f.peer) for f in mine))
        return sorted(mine, key=lambda f: (order.index((f.work, f.peer)), f.size))

    def save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        whole = {"machine": self.machine, "figures": [asdict(f) for f in self.figures]}
        partial = self.file.with_suffix(".part")
        partial.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        partial.replace(self.file)
