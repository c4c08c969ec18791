"""Draw the folders and their imports for docs/architecture.md: ``python docs/make_architecture.py``.

The folders are those of the plan in tests/unit/test_house.py, and the arrows are read from the code. An arrow is left
out if other arrows lead to the same folder.
"""

import sys
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "unit"))

from test_house import FILES, PLAN, module_of, ours  # noqa: E402

Folder = tuple[str, str]

WIDTH, HEIGHT, ACROSS, UP = 1.5, 0.62, 1.85, 1.9
COLOURS = {"devices": "#d8e6f3", "crossbar": "#dcefdc", "netlists": "#f6e8d0", "memductance": "#eadff0"}
TITLES = {
    ("devices", "."): "declaration",
    ("crossbar", "."): "one array",
    ("netlists", "."): "circuits",
    ("memductance", "."): "command line",
}
#: Folders that are drawn as part of others.
WITHIN = {"circuit": ".", "fabric/presets": "fabric"}


def folder_of(module: str) -> Folder:
    """Return the package and the folder of a module, as they are drawn."""
    package, *rest = module.split(".")
    is_file = ROOT.joinpath(*module.split(".")).with_suffix(".py").exists()
    folder = "/".join(rest[:-1] if is_file else rest) or "."
    return package, WITHIN.get(folder, folder)


def reduced(graph: dict[Folder, set[Folder]]) -> set[tuple[Folder, Folder]]:
    """Return the arrows of an acyclic graph that no other path replaces (its transitive reduction)."""
    below: dict[Folder, set[Folder]] = {}
    for folder in TopologicalSorter(graph).static_order():
        below[folder] = set().union(*({other} | below[other] for other in graph[folder]))
    return {
        (folder, other)
        for folder, others in graph.items()
        for other in others
        if not any(other in below[third] for third in others)
    }


def main() -> None:
    """Write docs/images/architecture.png, and print the lengths of the files."""
    lines: dict[Folder, list[int]] = {}
    graph: dict[Folder, set[Folder]] = {}
    for file in FILES:
        here = folder_of(module_of(file))
        lines.setdefault(here, []).append(len(file.read_text().splitlines()))
        graph.setdefault(here, set()).update({folder_of(name) for name in ours(file)} - {here})
    places = {}
    for floor, (package, levels) in enumerate(PLAN.items()):
        names = [f for level in levels for f in level if f not in WITHIN]
        places |= {(package, f): (ACROSS * (k + 0.5 * (8 - len(names))), UP * floor) for k, f in enumerate(names)}
    figure = Figure(figsize=(14, 6.6), layout="constrained")
    ax = figure.subplots()
    floors = list(PLAN)
    for start, end in sorted(reduced(graph)):
        (x, y), (to_x, to_y) = places[start], places[end]
        far = x - to_x > 1.1 * ACROSS
        ends = ((x + 0.5 * WIDTH, y), (to_x + 0.5 * WIDTH, to_y + HEIGHT))
        if start[0] == end[0]:
            ends = ((x, y + 0.5 * HEIGHT), (to_x + WIDTH, to_y + 0.5 * HEIGHT))
            if far:
                ends = ((x + 0.3 * WIDTH, y + HEIGHT), (to_x + 0.7 * WIDTH, to_y + HEIGHT))
        skips = floors.index(start[0]) - floors.index(end[0]) > 1  # past the boxes of a package between them
        if skips:
            ends = ((x + WIDTH, y + 0.3 * HEIGHT), (to_x + 0.9 * WIDTH, to_y + HEIGHT))
        bend = f"arc3,rad={0.2 if far and start[0] == end[0] else -0.3 if skips else 0.0}"
        style = {"arrowstyle": "-|>", "mutation_scale": 10, "shrinkA": 2, "shrinkB": 2, "color": "0.35", "lw": 0.9}
        ax.add_patch(FancyArrowPatch(*ends, connectionstyle=bend, zorder=1, **style))
    for (package, folder), (x, y) in places.items():
        shape = "round,pad=0.02"
        ax.add_patch(FancyBboxPatch((x, y), WIDTH, HEIGHT, boxstyle=shape, fc=COLOURS[package], ec="0.3", zorder=2))
        own = lines[package, folder]
        centre = {"ha": "center", "va": "center", "zorder": 3}
        ax.text(x + 0.5 * WIDTH, y + 0.62 * HEIGHT, TITLES.get((package, folder), f"{folder}/"), fontsize=10, **centre)
        size = f"{len(own)} files, {sum(own)} lines"
        ax.text(x + 0.5 * WIDTH, y + 0.25 * HEIGHT, size, fontsize=7.5, color="0.3", **centre)
    for floor, package in enumerate(PLAN):
        ax.text(-0.3, UP * floor + 0.5 * HEIGHT, f"{package}/", ha="right", va="center", fontsize=12, weight="bold")
    ax.set_xlim(-2.2, 8 * ACROSS)
    ax.set_ylim(-0.2, 3 * UP + 1.1)
    ax.axis("off")
    figure.savefig(ROOT / "docs" / "images" / "architecture.png", dpi=90)
    every = sorted(n for own in lines.values() for n in own)
    print(f"{len(every)} files, the longest of {every[-1]} lines, half of them below {median(every):g}")


if __name__ == "__main__":
    main()
