"""Write docs/evidence.md from what the tests reach: ``python docs/make_evidence.py [FILE]``.

FILE is what ``pytest --evidence FILE`` wrote; without it, the tests that give evidence run first, some minutes.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import devices
from devices import models
from memductance.pages.devices import STATUS_MEANING, markdown_table

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "evidence.md"
#: Smaller deviations and differences are rounding, which differs from machine to machine.
ROUNDING = 1e-9
#: Models that are the limit without chance of a random one, and where the chance went.
MEANS = {
    "linear_step_synapse": "whole pulses without `CycleNoise`",
    "metastable_switch": "the mean of binomial switches (`simulate_switches` draws them; see Chance)",
    "neurosim_synapse": "whole pulses without `CycleNoise`",
    "pcm": "without the errors of programming, drift and reads that `PcmCells` has",
    "stanford_pku": "without the random part of the gap's speed",
}

Note = dict[str, Any]


def recorded() -> list[Note]:
    """Run the tests that give evidence and return their notes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evidence.json"
        subprocess.run([sys.executable, "-m", "pytest", "-q", "--evidence", file, "tests"], cwd=ROOT, check=True)
        return json.loads(file.read_text(encoding="utf-8"))


def page(notes: Iterable[Note]) -> str:
    """Return the page in Markdown; the same notes in any order give the same text."""
    by_kind: dict[str, list[Note]] = {"figure": [], "agreement": [], "chance": []}
    for note in sorted(notes, key=_key):
        by_kind[note["kind"]].append(note)
    names = Counter((kind, *_key(note)) for kind, found in by_kind.items() for note in found)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"evidence of one name: {twice}")
    parts = [
        "# Evidence",
        "What the tests reach, written by `python docs/make_evidence.py`: each number comes from the test that asserts "
        "it, and where a test fails no page is written.",
        *_figures(by_kind["figure"]),
        *_agreements(by_kind["agreement"]),
        *_chances(by_kind["chance"]),
    ]
    return "\n\n".join(parts) + "\n"


def _key(note: Note) -> tuple[str, ...]:
    return (note["name"], note["set"], note.get("engine", ""), note.get("what", note.get("drive")))


def _link(name: str) -> str:
    if name in models():
        return f"[{name}](models/{name}.md)"
    return f"[{name}](effects.md#{name.lower()})" if issubclass(getattr(devices, name), devices.Effect) else f"`{name}`"


def _grouped(notes: Iterable[Note], row: Callable[[Note], list[str]]) -> list[list[str]]:
    """Rows of the notes, before each group one that names the model and set, or the effect, and its status."""
    rows: list[list[str]] = []
    above = ""
    for note in notes:
        cells = row(note)
        parts = (f"**{_link(note['name'])}**", note["set"] and f"`{note['set']}`", note["status"])
        head = ", ".join(filter(None, parts))
        if head != above:
            rows.append([head] + [""] * (len(cells) - 1))
        rows.append(cells)
        above = head
    return rows


def _number(value: float) -> str:
    """Nine digits, or as many as the literal has."""
    return min(repr(value + 0.0), f"{value + 0.0:.9g}", key=len)


def _small(value: float, size: float = 1.0) -> str:
    """One digit; a bound where the value is rounding beside `size`."""
    least = ROUNDING * size
    return "0" if value == 0.0 else f"< {least:.0e}" if value < least else f"{value:.0e}"


def _figures(notes: list[Note]) -> list[str]:
    def row(note: Note) -> list[str]:
        unit, relative = note["unit"], note["relative"]
        of = "" if relative else " " + (unit or "abs.")
        return [
            note["what"],
            *(f"{_number(note[side])} {unit}".strip() for side in ("expected", "reached")),
            _small(note["deviation"], abs(note["expected"]) if unit and not relative else 1.0) + of,
            f"{note['allowed']:.0e}{of}" if note["allowed"] else "0",
            f"{note['source']}; {note['note']}" if note["note"] else note["source"],
        ]

    heads = ["figure", "expected", "reached", "deviation", "allowed", "expected from; remarks"]
    ours = [note for note in notes if note["name"] in models()]
    others = [note for note in notes if note["name"] not in models()]
    missing = ", ".join(_link(name) for name in models() if name not in {note["name"] for note in ours})
    return [
        "## Figures",
        "Numbers that sources print, or that follow from their equations and sets by hand or in closed form. "
        "Deviations are relative unless a unit or *abs.* follows. The status is that of the set or the effect: "
        + "; ".join(f"*{name}*, {text}" for name, text in STATUS_MEANING.items())
        + ". Remarks say where programs and copies of a paper differ.",
        "### Models",
        markdown_table(heads, _grouped(ours, row)),
        *([f"Models without a figure of their own: {missing}."] if missing else []),
        "### Effects without chance, and figures of the others",
        markdown_table(heads, _grouped(others, row)),
    ]


def _agreements(notes: list[Note]) -> list[str]:
    parts = [
        "## Agreement with SPICE",
        "Every model and set, written as text for two other simulators, run there and here: a loop inside the bounds, "
        "and two pulses of each sign. Differences are the worst of a run, of the current relative to its peak and of a "
        "state relative to its span; the time is that of the worst of all quantities.",
        "What has chance is compared in its limit without: "
        + "; ".join(f"{_link(name)}, {text}" for name, text in MEANS.items())
        + ".",
    ]
    for engine in sorted({note["engine"] for note in notes}, key=str.lower):
        chosen = [note for note in notes if note["engine"] == engine]
        rows = []
        for name, which in sorted({(note["name"], note["set"]) for note in chosen}):
            mine = [note for note in chosen if (note["name"], note["set"]) == (name, which)]
            pulses = [note for note in mine if note["drive"].startswith("pulses")]
            [other] = [note for note in mine if note not in pulses]
            rows.append([_link(name), f"`{which}`", other["drive"], *_worst([other]), *_worst(pulses)])
        heads = ["model", "set", "drive", "current", "state", "worst at", "allowed"]
        parts += [
            f"### {engine}",
            "Tolerances: "
            + "; ".join(f"{side}, {_tolerances(chosen, k)}" for k, side in enumerate(("ours", "theirs")))
            + ".",
            markdown_table([*heads, "pulses: current", "state", "worst at", "allowed"], rows),
        ]
    return parts


def _tolerances(notes: list[Note], side: int) -> str:
    """Return those of all runs; what one run reached is left out."""
    return ", or ".join(sorted({note["tolerances"][side].split(", reached")[0] for note in notes}))


def _worst(notes: list[Note]) -> list[str]:
    if not notes:
        return [""] * 4
    states = [note["state"] for note in notes if note["state"] is not None]
    worst = max(notes, key=lambda note: max(note["current"], note["state"] or 0.0))
    current, allowed = (max(note[name] for note in notes) for name in ("current", "allowed"))
    where = worst["where"].removeprefix("t = ") if max(current, *states, 0.0) >= ROUNDING else ""
    if where.endswith(" s"):
        where = f"{float(where[:-2]):.2g} s"
    return [_small(current), _small(max(states)) if states else "", where, f"{allowed:.0e}"]


def _chances(notes: list[Note]) -> list[str]:
    scores, chances = ([note["value"] for note in notes if note["test"] == test] for test in ("z", "p"))

    def row(note: Note) -> list[str]:
        test = f"z = {note['value']:+.2f}" if note["test"] == "z" else f"p = {note['value']:.2g}"
        return [note["what"], f"{note['measured']:.6g}", f"{note['expected']:.6g}", test]

    return [
        "## Chance",
        "Random effects against the closed forms of their means, variances, distributions and spectra: a z-score where "
        "the standard error is known, else the p-value of a Kolmogorov-Smirnov test of the distribution or of an exact "
        "binomial test of a share. Where the code is right a check fails with a probability of 1e-6; seeds are fixed. "
        f"Of {len(scores)} z-scores the largest is {max(map(abs, scores), default=0.0):.2f}, of {len(chances)} "
        f"p-values the smallest {min(chances, default=1.0):.2g}.",
        markdown_table(["what", "measured", "closed form", "test"], _grouped(notes, row)),
    ]


def main() -> None:
    """Write the page."""
    notes = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")) if len(sys.argv) > 1 else recorded()
    PAGE.write_text(page(notes), encoding="utf-8")


if __name__ == "__main__":
    main()
