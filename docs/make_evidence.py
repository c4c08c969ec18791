"""Write docs/evidence.md from the numbers that tests assert: ``python docs/make_evidence.py [FILE]``.

FILE is the output of ``pytest --evidence FILE``; without it, the tests with evidence run first, which takes minutes.
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
from devices.common.tables import markdown_table
from memductance.pages.devices import STATUS_MEANING

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "evidence.md"
#: Smaller deviations and differences are rounding, which differs from machine to machine.
ROUNDING = 1e-9
#: Models that are the deterministic limit of a random model, and the randomness that is left out.
MEANS = {
    "linear_step_synapse": "counted pulses without `CycleNoise`",
    "metastable_switch": "the mean of binomial switches (`simulate_switches` draws them; see Random effects)",
    "neurosim_synapse": "counted pulses without `CycleNoise`",
    "pcm": "without the errors of programming, drift and reads that are in `PcmCells`",
    "stanford_pku": "without the random part of the speed of the gap",
}

Note = dict[str, Any]


def recorded() -> list[Note]:
    """Run the tests with evidence and return their notes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evidence.json"
        subprocess.run([sys.executable, "-m", "pytest", "-q", "--evidence", file, "tests"], cwd=ROOT, check=True)
        return json.loads(file.read_text(encoding="utf-8"))


def page(notes: Iterable[Note]) -> str:
    """Return the page in Markdown; it does not depend on the order of the notes."""
    by_kind: dict[str, list[Note]] = {"figure": [], "agreement": [], "chance": []}
    for note in sorted(notes, key=_key):
        by_kind[note["kind"]].append(note)
    names = Counter((kind, *_key(note)) for kind, found in by_kind.items() for note in found)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"evidence of the same name: {twice}")
    parts = [
        "# Evidence",
        "Numbers that the tests assert, next to published figures, closed forms and two SPICE simulators. This page is "
        "written by `python docs/make_evidence.py`: each number comes from the test that asserts it, and if a test "
        "fails the page is not written.",
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
    """Rows of the notes; each group is preceded by a row with the model and set, or the effect, and its status."""
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
    """A number with nine digits, or fewer if its literal has fewer."""
    return min(repr(value + 0.0), f"{value + 0.0:.9g}", key=len)


def _small(value: float, size: float = 1.0) -> str:
    """A number with one digit; an upper bound if the value is rounding relative to `size`."""
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
        "Numbers that are printed in the sources, or that follow from their equations and parameter sets by hand or in "
        "closed form. Deviations are relative unless a unit or *abs.* follows. The status is that of the set or the "
        "effect: "
        + "; ".join(f"*{name}*, {text}" for name, text in STATUS_MEANING.items())
        + ". Remarks note where programs and copies of a paper differ.",
        "### Models",
        markdown_table(heads, _grouped(ours, row)),
        *([f"Models without a figure of their own: {missing}."] if missing else []),
        "### Effects without randomness, and figures of the others",
        markdown_table(heads, _grouped(others, row)),
    ]


def _agreements(notes: list[Note]) -> list[str]:
    parts = [
        "## Agreement with SPICE",
        "Every model and parameter set, written as a netlist and simulated by us and by two SPICE simulators: a loop "
        "inside the bounds, and two pulses of each sign. Differences are the worst of a run, of the current relative "
        "to its peak and of a state relative to its span; the time is that of the worst of all quantities.",
        "Random models are compared in their deterministic limit: "
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
    """Return the tolerances of all runs, without those that single runs reached."""
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
        "## Random effects",
        "Random effects against the closed forms of their means, variances, distributions and spectra: a z-score where "
        "the standard error is known, otherwise the p-value of a Kolmogorov-Smirnov test of the distribution or of an "
        "exact binomial test of a share. A test of correct code fails with a probability of 1e-6; seeds are fixed. "
        f"Of {len(scores)} z-scores the largest is {max(map(abs, scores), default=0.0):.2f}, of {len(chances)} "
        f"p-values the smallest {min(chances, default=1.0):.2g}.",
        markdown_table(["quantity", "measured", "closed form", "test"], _grouped(notes, row)),
    ]


def main() -> None:
    """Write the page."""
    notes = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")) if len(sys.argv) > 1 else recorded()
    PAGE.write_text(page(notes), encoding="utf-8")


if __name__ == "__main__":
    main()
