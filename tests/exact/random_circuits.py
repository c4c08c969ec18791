"""Random crossbars of extreme resistances, solved here and in exact arithmetic; run as a module it prints the table.

python -m tests.exact.random_circuits 1000
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from crossbar import FLOATING, Bias, Crossbar, Short, Wires
from devices import InputError
from tests.exact.rational import SIDES, solve_exactly

KINDS = ("read", "backward", "both ends", "some float", "few driven")


@dataclass
class Measured:
    """Errors of one circuit; `said` are the residuals, `ampere` is the error of a current and its `kcl_error`."""

    kind: str
    ratio: float
    currents: dict[str, float] = field(default_factory=dict)
    said: dict[str, float] = field(default_factory=dict)
    shorts: float = 0.0
    ampere: tuple[float, float] = (0.0, 0.0)
    potentials: float = 0.0
    refused: str = ""


def draw(rng: np.random.Generator) -> tuple[Crossbar, dict[str, Any], str, float]:
    """Return a random array, the potentials of its terminals, the kind of its bias, and the magnitude of ``r G``."""
    m, n = (int(k) for k in rng.integers(1, 6, 2))
    level, ratio = rng.uniform(-18, 6), rng.uniform(-12, 12)
    spread = rng.choice([0.1, 2.0, 6.0])
    cells = 10.0 ** np.clip(level + spread * rng.uniform(-1, 1, (m, n)), -18, 6)

    def some(values, share, value):
        return np.where(rng.random(np.shape(values)) < share, value, values)

    def ohms(*shape):
        values = 10.0 ** (ratio - level + spread * rng.uniform(-1, 1, shape))
        return some(some(values, rng.choice([0.0, 0.1, 0.5]), 0.0), rng.choice([0.0, 0.0, 0.05]), math.inf)

    cells = some(some(cells, rng.choice([0.0, 0.15]), 0.0), rng.choice([0.0, 0.05]), math.inf)
    shorts = []
    for kind, lines, along in (("word", m, n), ("bit", n, m)):
        for _ in range(rng.integers(0, 3) if lines > 1 else 0):
            ohm = rng.choice([0.0, math.inf, *10.0 ** (ratio - level + rng.uniform(-6, 6, 4))])
            shorts.append(Short(kind, int(rng.integers(lines - 1)), int(rng.integers(along)), float(ohm)))
    if rng.random() < 0.4:  # wires given as numbers
        ends = [float(v) for v in 10.0 ** (ratio - level + spread * rng.uniform(-1, 1, 4)) * rng.integers(0, 2, 4)]
        wires = Wires(
            10.0 ** (ratio - level), float(rng.integers(0, 2)) * 10.0 ** (ratio - level), *ends, shorts=shorts
        )
    else:
        wires = Wires(ohms(m, n + 1), ohms(m + 1, n), ohms(m), ohms(n), ohms(m), ohms(n), shorts=shorts)
    kind = str(rng.choice(KINDS))
    few = np.round(rng.normal(size=3), 3)
    words, bits = (np.round(rng.normal(size=k), 3) for k in (m, n))
    nothing = np.full(m, FLOATING), np.full(n, FLOATING)
    if kind == "read":
        sides = (words, nothing[0], nothing[1], np.zeros(n))
    elif kind == "backward":
        sides = (np.zeros(m), nothing[0], nothing[1], bits)
    elif kind == "both ends":
        sides = (words, words, np.zeros(n), np.zeros(n))
    else:
        share = 0.3 if kind == "some float" else 0.75
        sides = tuple(some(rng.choice(few, k), share, FLOATING) for k in (m, m, n, n))
    return Crossbar(cells, wires), dict(zip(SIDES, sides, strict=True)), kind, 10.0**ratio


def line_of(name: tuple) -> list[tuple[str, int]]:
    """Return the lines to which a branch belongs."""
    if name[0] == "cell":
        return [("word", name[1]), ("bit", name[2])]
    return [("word", name[1])] if name[0] == "word" else [("bit", name[2])]


def worst_error(found: dict[tuple, float], exact: dict[tuple, Fraction]) -> float:
    """Return the largest error of a current relative to the largest one of its line.

    A short is compared with its own current. A line without any current is compared with the strongest one.
    """
    scale: dict[tuple, float] = {}
    for name, current in exact.items():
        if name[0] != "short":
            for line in line_of(name):
                scale[line] = max(scale.get(line, 0.0), abs(float(current)))
    strongest = max(scale.values(), default=0.0)
    worst = 0.0
    for name, current in found.items():
        true = exact.get(name, Fraction(0))
        wrong = abs(float(Fraction(float(current)) - true))
        if not wrong:
            continue
        sizes = [abs(float(true))] if name[0] == "short" else [scale.get(line) for line in line_of(name)]
        sizes = [size or strongest for size in sizes]
        worst = max([worst, *(wrong / size if size else math.inf for size in sizes)])
    return worst


def measure(rng: np.random.Generator) -> Measured:
    """Draw a circuit, solve it in every way that applies, and return the errors."""
    array, sides, kind, ratio = draw(rng)
    result = Measured(kind, ratio)
    try:
        potential, current = solve_exactly(array, sides)
    except ValueError as error:
        result.refused = str(error)
        try:
            array.solve(Bias(**sides))
        except InputError:
            return result
        raise AssertionError(f"{array} was solved, and is {error}") from None
    solution = array.solve(Bias(**sides))
    m, n = array.shape
    found: dict[tuple, float] = {("cell", i, j): solution.cell_current[i, j] for i in range(m) for j in range(n)}
    found |= {("word", i, j): solution.word_line_current[i, j] for i in range(m) for j in range(n + 1)}
    found |= {("bit", i, j): solution.bit_line_current[i, j] for i in range(m + 1) for j in range(n)}
    bridges = {("short", k): solution.short_current[k] for k in range(len(array.wires.shorts))}
    result.shorts = worst_error(bridges, current)
    result.currents["solve"], result.said["solve"] = worst_error(found, current), solution.residual
    exact = [current.get(name, Fraction(0)) for name in found]
    wrong = max(abs(float(Fraction(float(value)) - true)) for value, true in zip(found.values(), exact, strict=True))
    result.ampere = wrong, solution.kcl_error + 1e-15 * max(abs(float(true)) for true in exact)
    top = max(abs(v) for side in SIDES for v in sides[side] if not math.isnan(v)) or 1.0
    for line, grid in (("w", solution.word_line_voltage), ("b", solution.bit_line_voltage)):
        for (i, j), value in np.ndenumerate(grid):
            wrong = abs(float(Fraction(float(value)) - potential[line, i, j])) / top
            result.potentials = max(result.potentials, wrong)
    if kind in ("read", "backward"):
        back = kind == "backward"
        volts = sides["bit_bottom" if back else "word_left"]
        names = [("word", i, 0) for i in range(m)] if back else [("bit", m, j) for j in range(n)]
        sign = -1.0 if back else 1.0
        ways = {"read": array.read(volts, backward=back), "nodes": array.read(volts, backward=back, nodes=True)}
        for way, readout in ways.items():
            got = {name: sign * value for name, value in zip(names, readout.current, strict=True)}
            result.currents[way], result.said[way] = worst_error(got, current), readout.residual
        if not back:
            units = [dict(sides, word_left=row) for row in np.eye(m)]
            try:
                exact = [solve_exactly(array, one)[1] for one in units]
            except ValueError:  # ideal metal joins two sources
                return result
            transfer, worst = array.transfer(), 0.0
            for i, alone in enumerate(exact):
                wanted = [alone.get(name, Fraction(0)) for name in names]
                scale = max((abs(float(v)) for k, v in alone.items() if k in names), default=0.0)
                for j, value in enumerate(transfer[i]):
                    wrong = abs(float(Fraction(float(value)) - wanted[j]))
                    if wrong:
                        worst = max(worst, wrong / (abs(float(wanted[j])) or scale or math.nan))
            result.currents["transfer"] = worst
    return result


def table(measured: list[Measured]) -> str:
    """Return the worst errors and what was said of them, by the magnitude of ``r G``."""
    heads = ["r G", "circuits", "currents", "residual", "least residual / error", "shorts", "potentials", "reads",
             "transfer"]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    edges = (1e-12, 1e-8, 1e-4, 1e0, 1e4, 1e8, 1e12)
    solved = [x for x in measured if not x.refused]
    for low, high in pairwise(edges):
        here = [x for x in solved if low <= x.ratio < high]
        if not here:
            continue
        reads = [x.currents[w] for x in here for w in ("read", "nodes") if w in x.currents]
        transfers = [x.currents["transfer"] for x in here if "transfer" in x.currents]
        said = [x.said[w] / x.currents[w] for x in here for w in x.said if x.currents[w] > 1e-14]
        worst = [
            max(x.currents["solve"] for x in here), max(x.said["solve"] for x in here), min(said, default=math.inf),
            max(x.shorts for x in here), max(x.potentials for x in here), max(reads, default=0.0),
            max(transfers, default=0.0),
        ]  # fmt: skip
        lines.append(f"| {low:.0e} to {high:.0e} | {len(here)} | " + " | ".join(f"{v:.1e}" for v in worst) + " |")
    refused = {why: sum(x.refused == why for x in measured) for why in ("floating", "joined")}
    lines.append(f"\n{len(solved)} solved; refused here and in exact arithmetic: {refused}")
    return "\n".join(lines)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    sys.stdout.write(table([measure(np.random.default_rng([20, k])) for k in range(count)]) + "\n")
