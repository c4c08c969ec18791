"""Random netlists with blocks and capacitance, in VACASK and ngspice.

``python -m tests.spice.random_blocks`` runs 20 of them, at rest and over time, and prints a table of the differences.
Half are the tiles of a matrix, each a block with its own wires; half are arrays of cells with states that move, as a
block in a block, twice in one circuit. Every line has a capacitance.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from crossbar import AnalogMatrix, Bias, Crossbar, Recipe, Wires
from devices import Samples, device
from netlists import crossbar_circuit, tiles_circuit
from netlists.circuit import GROUND, Block, Circuit, Instance, OperatingPoint, Resistor, Transient, VoltageSource
from netlists.comparison.agreements import compare_engines
from netlists.engines.running import run_circuit

_NO_VALUES = MappingProxyType({})
#: Models, and the times in which their states move under the voltages below [s].
_MODELS = {"vteam": 1e-6, "linear_ion_drift": 1e-2, "yakopcic": 1e-3, "team": 1e-6}


def random_netlist(seed: int, *, over_time: bool) -> Circuit:
    """Return a random circuit with blocks: tiles for an even seed, nested arrays of cells with states else."""
    rng = np.random.default_rng(seed)
    return _tiles(rng, over_time=over_time) if seed % 2 == 0 else _nested(rng, over_time=over_time)


def _wires(rng: np.random.Generator) -> Wires:
    r = 10.0 ** rng.uniform(0, 2, 2)
    c = 10.0 ** rng.uniform(-15, -13, 3)
    return Wires(*r, driver=10.0 ** rng.uniform(1.5, 3), sense=10.0 ** rng.uniform(1.5, 3),
                 word_line_capacitance=c[0], bit_line_capacitance=c[1], crossing_capacitance=c[2])  # fmt: skip


def _steps(rng: np.random.Generator, volt: float, duration: float) -> Samples:
    """Return a voltage that rises from 0 V, stays, and changes once more."""
    times = np.sort(rng.uniform(0.05, 0.95, 4)) * duration
    return Samples([0.0, *times, duration], [0.0, 0.0, volt, volt, volt * rng.uniform(-1, 1), 0.0])


def _tiles(rng: np.random.Generator, *, over_time: bool) -> Circuit:
    inputs, outputs = (int(n) for n in rng.integers(2, 6, 2))
    recipe = Recipe(conductance_limits=(1e-6, 1e-4), tile=tuple(rng.integers(2, 5, 2).tolist()), wires=_wires(rng))
    weights = rng.normal(size=(inputs, outputs))
    matrix = AnalogMatrix.program(weights, rng.normal(size=outputs), recipe, calibration=[[1.0] * inputs])
    rows = max(tile.rows.stop for tile in matrix.tiles)
    circuit = tiles_circuit(matrix.tiles, rng.uniform(0.1, 1.0, rows))
    return _driven(circuit, rng, 200e-9) if over_time else circuit


def _nested(rng: np.random.Generator, *, over_time: bool) -> Circuit:
    name = str(rng.choice(list(_MODELS)))
    rows, columns = (int(n) for n in rng.integers(1, 3, 2))
    model = device(name).model
    start = {s.name: rng.uniform(*_middle(name, s.name), (rows, columns)) for s in model.states}
    array = Crossbar(device(name, **start), _wires(rng))
    bias = Bias(word_left=rng.uniform(0.2, 1.0, rows), bit_bottom=0.0)
    span = _MODELS[name]
    inner = crossbar_circuit(array, bias, **({"duration": span} if over_time else {})).enclosed("array")
    (block,) = inner.blocks
    ports = tuple(f"p_{port}" for port in block.ports)
    loads = tuple(Resistor(f"R{n}", port, GROUND, 1e5) for n, port in enumerate(ports))
    pair = Block("pair", ports, (*loads, *(Instance(f"Xa{k}", ports, "array", _NO_VALUES) for k in (1, 2))))
    sources = tuple(e for e in inner.elements if isinstance(e, VoltageSource))
    circuit = replace(
        inner,
        title=f"four arrays of {name} as blocks in blocks",
        elements=(*sources, *(Instance(f"Xp{k}", block.ports, "pair", _NO_VALUES) for k in (1, 2))),
        blocks=(block, pair),
        observed=tuple(
            f"Xp{p}.Xa{a}.{path.partition('.')[2]}" for p in (1, 2) for a in (1, 2) for path in inner.observed
        ),
    )
    return _driven(circuit, rng, span) if over_time else circuit


def _middle(name: str, state: str) -> tuple[float, float]:
    cell = device(name)
    k = [s.name for s in cell.model.states].index(state)
    low, high = (float(bound[k]) for bound in cell.bounds())
    return low + 0.2 * (high - low), low + 0.8 * (high - low)


def _driven(circuit: Circuit, rng: np.random.Generator, duration: float) -> Circuit:
    """Return a circuit over time, whose sources step to their values at rest and on."""
    elements = tuple(
        replace(e, value=_steps(rng, float(e.value), duration)) if isinstance(e, VoltageSource) and e.value else e
        for e in circuit.elements
    )
    return replace(circuit, elements=elements, analysis=Transient(duration, duration / 1000))


def worst_differences(circuit: Circuit) -> dict[str, float]:
    """Return the largest difference between ngspice and VACASK for each kind of vectors, relative to its largest."""
    runs = {engine: run_circuit(circuit, engine)[0] for engine in ("ngspice", "vacask")}
    sources = [e.value for e in circuit.elements if isinstance(e, VoltageSource)]
    corners = np.unique(np.concatenate([[0.0], *(s.corners for s in sources if isinstance(s, Samples))]))
    return {pair.kind: pair.worst_relative for pair in compare_engines(runs, corners)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--circuits", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    print("| seed | circuit | elements | at rest | over time: voltages | currents | states |")
    print("|---|---|---|---|---|---|---|")
    for seed in range(given.first, given.first + given.circuits):
        rest, moving = (random_netlist(seed, over_time=over_time) for over_time in (False, True))
        assert isinstance(rest.analysis, OperatingPoint)
        still = max(worst_differences(rest).values())
        found = worst_differences(moving)
        told = " | ".join(f"{found[kind]:.1e}" if kind in found else "" for kind in ("voltages", "currents", "states"))
        print(f"| {seed} | {moving.title} | {len(moving.flat().elements)} | {still:.1e} | {told} |", flush=True)


if __name__ == "__main__":
    main()
