"""Compares random arrays solved by `Crossbar.solve` and by ngspice, for five families of cells.

    python -m benchmarks.agreement                      # 200 arrays, a quarter of an hour, mostly ngspice
    python -m benchmarks.agreement --count 20 --seed 7

Sizes from 2 to 32, one in twenty 64 x 64; ideal, uniform and irregular wires; reads, both ends driven, floating ends,
broken segments. An array is identified by family and seed: `random_array(family, seed)` builds it again. Where node
voltages of a small array differ by more than 1e-9 of the drive, the same circuit is solved in 50 digits, which shows
the error of each side.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar import FLOATING, Bias, Crossbar, Wires
from devices import ConvergenceError, InputError, Series, SimulatorError, device
from netlists import Agreement, Circuit, NgspiceOptions, crossbar_circuit, crosscheck
from netlists.circuit import Instance, Resistor, VoltageSource

CELL_FAMILIES = ("ohmic", "WOx", "sinh", "1S1R", "1T1R")
_SMALL = 30  # largest number of cells that is also solved in 50 digits
_HARD = 1e-9  # difference of a node voltage, relative to the drive, above which the array is listed


@dataclass
class RandomArray:
    """An array with its bias."""

    family: str
    seed: int
    wires: str
    terminals: str
    array: Crossbar
    bias: Bias
    others: dict[str, Any]

    def __str__(self) -> str:
        rows, columns = self.array.shape
        return f"{self.family} seed {self.seed}: {rows} x {columns}, {self.wires} wires, {self.terminals}"


def random_array(family: str, seed: int) -> RandomArray:
    """Return the array of a family with this seed."""
    rng = np.random.default_rng([CELL_FAMILIES.index(family), seed])
    shape = (64, 64) if seed % 20 == 19 else tuple(int(n) for n in np.exp(rng.uniform(*np.log([2, 33]), 2)))
    wires, metal = _wires(rng, shape)
    terminals, bias = _bias(rng, shape)
    cells, others = _cells(family, rng, shape)
    return RandomArray(family, seed, wires, terminals, Crossbar(cells, metal), bias, others)


def _wires(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[str, Wires]:
    kind = rng.choice(["ideal", "uniform", "irregular", "broken"], p=[0.1, 0.4, 0.3, 0.2])
    rows, columns = shape
    if kind == "ideal":
        return kind, Wires()
    if kind == "uniform":
        return kind, Wires(*10.0 ** rng.uniform(-1, 1.5, 2), *10.0 ** rng.uniform(0, 2.5, 4))
    word = 10.0 ** rng.uniform(-1, 1.5, (rows, columns + 1))
    bit = 10.0 ** rng.uniform(-1, 1.5, (rows + 1, columns))
    if kind == "broken":
        word[rng.integers(rows), rng.integers(columns + 1)] = np.inf
        bit[rng.integers(rows + 1), rng.integers(columns)] = np.inf
    ends = [10.0 ** rng.uniform(0, 2.5, n) for n in (rows, columns, rows, columns)]
    return kind, Wires(word, bit, *ends)


def _bias(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[str, Bias]:
    kind = rng.choice(["read", "both ends", "floating ends"], p=[0.4, 0.2, 0.4])
    rows, columns = shape
    voltage = rng.uniform(-1.0, 1.0, rows)
    if kind == "read":
        return kind, Bias.read(voltage)
    if kind == "both ends":
        return kind, Bias.both_ends(voltage)
    left = np.where(rng.random(rows) < 0.4, FLOATING, voltage)
    bottom = np.where(rng.random(columns) < 0.4, FLOATING, rng.uniform(-0.2, 0.2, columns))
    left[rng.integers(rows)], bottom[rng.integers(columns)] = 1.0, 0.0
    return kind, Bias(word_left=left, bit_bottom=bottom)


def _cells(family: str, rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Any, dict[str, Any]]:
    if family == "ohmic":
        return np.where(rng.random(shape) < 0.1, 0.0, 10.0 ** rng.uniform(-7, -3, shape)), {}
    if family == "sinh":
        return device("sinh_cell", g=10.0 ** rng.uniform(-7, -4, shape), v0=rng.uniform(0.15, 0.5, shape)), {}
    wox = device("wox_scaled_decay", w=rng.uniform(0.0, 1.0, shape))
    if family == "WOx":
        return wox, {}
    if family == "1S1R":
        return Series(device("exponential_selector"), wox), {}
    return Series(wox, device("ekv_transistor")), {"gate": rng.choice([0.0, 0.4, 0.8, 1.5], shape[0])}


def random_arrays(family: str, count: int, seed: int) -> Iterator[RandomArray]:
    """Yield `count` arrays without floating parts."""
    while count:
        found = random_array(family, seed)
        seed += 1
        try:
            found.array.solve(found.bias, **found.others)
        except InputError:
            continue
        except ConvergenceError:
            pass
        count -= 1
        yield found


def compared(family: str, count: int, seed: int) -> None:
    """Compare the arrays of a family, and print the differences."""
    nodes, currents, hard, ours, theirs, loosened, failed, open_ends = [], [], [], 0.0, 0.0, 0, 0, 0
    for one in random_arrays(family, count, seed):
        try:
            found = crosscheck(one.array, one.bias, timeout=120.0, **one.others)
        except ConvergenceError as error:
            open_ends += 1
            hard.append(f"{one}: ours does not converge: {error}")
            continue
        except SimulatorError as error:
            failed += 1
            hard.append(f"{one}: {str(error)[:110]}")
            continue
        node, current = _worst(found, "voltage"), _worst(found, "current")
        nodes.append(node)
        currents.append(current)
        ours, theirs = ours + found.our_seconds, theirs + found.engine_seconds
        loose = f"reltol {NgspiceOptions().reltol:g}" not in found.engine_tolerance
        loosened += loose
        if node > _HARD:
            note = ", ngspice's tolerance loosened" if loose else ""
            if one.array.rows * one.array.columns <= _SMALL:
                mine, its = errors(one, found)
                note += f"; error of ours {mine:.0e} V, of ngspice {its:.0e} V"
            hard.append(f"{one}: nodes {node:.1e} of the drive, currents {current:.1e}{note}")
    print(
        f"{family:6} {len(nodes):4} compared, nodes {max(nodes, default=0.0):.1e} of the drive "
        f"(median {np.median(nodes or [0]):.0e}), currents {max(currents, default=0.0):.1e} of the largest; "
        f"not converged: ours {open_ends}, ngspice {failed}, ngspice at its first tolerance {loosened}; "
        f"time: ours {ours:.2f} s, ngspice {theirs:.1f} s",
        flush=True,
    )
    for line in hard:
        print(f"       {line}", flush=True)


def errors(one: RandomArray, found: Agreement) -> tuple[float, float]:
    """Return the largest errors [V] of our and ngspice's node voltages, from Newton's method in 50 digits."""
    circuit = crossbar_circuit(one.array, one.bias, **one.others)
    nets = [[circuit.net(f"{letter}{i}_{j}") for i, j in np.ndindex(one.array.shape)] for letter in "wb"]
    both = [found["word-line voltage"], found["bit-line voltage"]]
    guess = {net: v for names, q in zip(nets, both, strict=True) for net, v in zip(names, q.ours, strict=True)}
    exact = _exact(circuit, guess)
    right = np.array([exact[net] for names in nets for net in names])
    ours, theirs = (np.concatenate(side) for side in zip(*((q.ours, q.theirs) for q in both), strict=True))
    return float(np.abs(ours - right).max()), float(np.abs(theirs - right).max())


def _exact(circuit: Circuit, guess: dict[str, float]) -> dict[str, float]:
    """Return the potentials of all nets by Newton's method in 50 digits, starting from `guess`."""
    import mpmath as mp
    import sympy

    laws = {}
    for definition in circuit.subcircuits:
        model = definition.model
        quantities = [*model.parameters, *model.states]
        symbols = [model.voltage, *(q.symbol for q in (*model.controls, *quantities))]
        usual = {**definition.parameter_set.values, **definition.parameter_set.initial}
        laws[definition.name] = ([q.name for q in quantities], usual, sympy.lambdify(symbols, model.current, "mpmath"))
    with mp.workdps(50):
        tiny = mp.mpf(10) ** -25
        v = {e.plus: mp.mpf(e.value) for e in circuit.elements if isinstance(e, VoltageSource)} | {"0": mp.mpf(0)}
        touched = [n for e in circuit.elements for n in (e.nets if isinstance(e, Instance) else (e.plus, e.minus))]
        free = {net: k for k, net in enumerate(dict.fromkeys(n for n in touched if n not in v))}
        v |= {net: mp.mpf(float(guess.get(net, 0.0))) for net in free}

        def current(e: Instance | Resistor, top: Any = 0, bottom: Any = 0) -> Any:
            """Current into the first net, with the potentials of both nets shifted by `top` and `bottom`."""
            if isinstance(e, Resistor):
                return (v[e.plus] + top - v[e.minus] - bottom) / mp.mpf(e.resistance)
            names, usual, law = laws[e.subcircuit]
            values = {**usual, **e.values}
            first, last, *controls = (v[net] for net in e.nets)
            voltages = [first + top - last - bottom, *(c - last - bottom for c in controls)]
            return law(*voltages, *(mp.mpf(float(values[n])) for n in names))

        for _ in range(100):
            jacobian, rest = mp.matrix(len(free)), mp.matrix(len(free), 1)
            for e in circuit.elements:
                if isinstance(e, Instance | Resistor):
                    plus, minus = e.nets[:2] if isinstance(e, Instance) else (e.plus, e.minus)
                    here = current(e)
                    slopes = ((current(e, tiny) - here) / tiny, (current(e, 0, tiny) - here) / tiny)
                    for net, sign in ((plus, 1), (minus, -1)):
                        if net in free:
                            rest[free[net]] += sign * here
                            for other, slope in zip((plus, minus), slopes, strict=True):
                                if other in free:
                                    jacobian[free[net], free[other]] += sign * slope
            step = mp.lu_solve(jacobian, -rest)
            largest = max(abs(x) for x in step)
            for net, k in free.items():
                v[net] += step[k] * min(1, mp.mpf("0.2") / largest)
            if largest < tiny:
                return {net: float(value) for net, value in v.items()}
    raise ConvergenceError("Newton's method in 50 digits does not converge", float(largest))


def _worst(found: Agreement, kind: str) -> float:
    return max(q.worst_relative for name, q in found.quantities.items() if name.endswith(kind))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="arrays in all")
    parser.add_argument("--seed", type=int, default=0, help="number of the first array")
    parser.add_argument("--families", nargs="+", choices=CELL_FAMILIES, default=CELL_FAMILIES)
    given = parser.parse_args()
    started = time.perf_counter()
    for k, family in enumerate(given.families):
        share = (given.count + k) // len(given.families)
        compared(family, share, given.seed)
    print(f"{time.perf_counter() - started:.0f} s in all")


if __name__ == "__main__":
    main()
