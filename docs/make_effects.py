"""Write docs/effects.md from the effects' declarations: ``python docs/make_effects.py``."""

import inspect
import re
import textwrap
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path

import devices
from devices import Effect
from devices.common.tables import markdown_table
from memductance.pages.devices import STATUS_MEANING

PAGE = Path(__file__).parent / "effects.md"
ACTS = {
    "once": "when cells are programmed, or for the time since then",
    "each read": "drawn anew at each read",
    "over cycles": "from one cycle of programming to the next, along the first axis",
    "on parameters": "on rates or resistances, not on conductances",
}


def effects() -> list[type[Effect]]:
    """Return the public effects, in the order of `ACTS` and of their names."""
    public = (getattr(devices, name) for name in devices.__all__)
    found = [kind for kind in public if inspect.isclass(kind) and issubclass(kind, Effect) and is_dataclass(kind)]
    return sorted(found, key=lambda kind: (list(ACTS).index(kind.acts), kind.__name__))


def page() -> str:
    """Return the page in Markdown."""
    rows = [
        [f"[{k.__name__}](#{k.__name__.lower()})", k.acts, _text(inspect.getdoc(k).splitlines()[0]), k.status]
        for k in effects()
    ]
    parts = [
        "# Effects",
        "Non-ideal effects of real cells: spread, noise, drift, faults. Each effect is a frozen dataclass. "
        "`apply_effects(conductance, effects, seed, limits=...)` applies several, one after the other; "
        "`Recipe(effects=...)` applies them to the arrays of a network; "
        "`spread_parameters(device, {name: effect})` returns an ensemble of devices whose parameters differ. The "
        "same seed gives the same cells at another time or strength. "
        "(The noise of programming pulses is `CycleNoise`, an argument of `apply_pulses`.) "
        "This page is written from the docstrings by `python docs/make_effects.py`.",
        "When an effect acts: " + "; ".join(f"*{name}*, {text}" for name, text in ACTS.items()) + ".",
        "Status of a source: " + "; ".join(f"*{name}*, {text}" for name, text in STATUS_MEANING.items()) + ".",
        markdown_table(["effect", "acts", "description", "status"], rows),
        *(section(kind) for kind in effects()),
    ]
    return "\n\n".join(parts) + "\n"


def section(kind: type[Effect]) -> str:
    """Return the section of one effect: docstring, parameters with their defaults, and source."""
    body, _, rest = inspect.getdoc(kind).partition("\nParameters\n----------\n")
    listed = rest.partition("\nExamples\n--------\n")[0]
    given = {f.name: f.default for f in fields(kind)}  # type: ignore[arg-type]
    rows = []
    for names, meaning in re.findall(r"^(\w[\w, ]*?) : .*\n((?:    .*\n?)+)", listed, re.MULTILINE):
        defaults = [given[name] for name in names.split(", ")]
        default = ", ".join(
            "" if d is MISSING else f"`{d:.10g}`" if isinstance(d, float) else f"`{d!r}`"
            for d in dict.fromkeys(defaults)
        )
        rows.append([f"`{names}`", default, _text(" ".join(meaning.split()))])
    return "\n\n".join(
        [
            f"## {kind.__name__}",
            _text(body.strip()),
            markdown_table(["parameter", "default", "meaning"], rows),
            f"Acts: {kind.acts}. Source (*{kind.status}*): {kind.source}.",
        ]
    )


def _text(text: str) -> str:
    """Return numpydoc text as Markdown, with formulas in GitHub's syntax."""
    text = re.sub(r":math:`([^`]+)`", r"$\1$", text.replace("``", "`"))
    return re.sub(r"\.\. math::((?:.*\n?)(?:(?:    .*|[ ]*)(?:\n|$))*)", _formula, text).strip()


def _formula(found: re.Match[str]) -> str:
    first, _, others = found[1].partition("\n")
    formula = f"{first.strip()}\n{textwrap.dedent(others)}".strip()
    if "&" in formula:
        formula = f"\\begin{{aligned}}\n{formula}\n\\end{{aligned}}"
    return f"```math\n{formula}\n```\n\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
