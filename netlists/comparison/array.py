"""The comparison of an array with a simulator: a read, an operating point of any terminals, a transient."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Bias, Crossbar
from devices.common.arrays import Array
from netlists.arrays import SOURCES, cell_instances
from netlists.circuit import Circuit, Transient
from netlists.comparison.agreement import Quantity
from netlists.engines.waves import Waves

__all__ = ["compare_read", "compare_solution", "compare_transient", "compare_vectors"]

_MOST_POINTS = 200  # of a transient: our solution ends a step at each, which takes some milliseconds


def compare_read(
    crossbar: Crossbar, voltage: ArrayLike, circuit: Circuit, waves: Waves, tolerance: float
) -> dict[str, Any]:
    """Return the fields of `Agreement` that a read of ohmic cells gives."""
    crossbar.read(voltage, nodes=True, rtol=tolerance)  # factors the lines, and compiles where that has not been done
    started = time.perf_counter()
    readout = crossbar.read(voltage, nodes=True, rtol=tolerance)
    seconds = time.perf_counter() - started
    columns = crossbar.columns
    largest = float(np.abs(readout.voltage).max())
    current = np.array([waves[f"i(vs{j})"][0] for j in range(columns)])
    quantities = {
        "current": Quantity(
            name="current",
            unit="A",
            ours=readout.current,
            theirs=current,
            scale=float(np.abs(readout.current).max()),
            scale_meaning="largest",
            places=lambda k: f"bit line {k}",
        ),
        **_node_voltages(readout, circuit, waves, _ONE, (largest, "largest source")),
    }
    return {
        "quantities": quantities,
        "our_tolerance": f"bit-line residual {tolerance:g}, reached {readout.residual:.1e}",
        "our_seconds": seconds,
        "axis": np.arange(columns, dtype=float),
        "axis_label": "bit line",
    }


def compare_solution(
    crossbar: Crossbar, bias: Bias, terminals: dict[str, Any], circuit: Circuit, waves: Waves, tolerance: float
) -> dict[str, Any]:
    """Return the fields of `Agreement` that an operating point gives."""
    crossbar.solve(bias, rtol=tolerance, **terminals)  # compiles, where that has not been done
    started = time.perf_counter()
    solution = crossbar.solve(bias, rtol=tolerance, **terminals)
    seconds = time.perf_counter() - started
    quantities = _currents_and_voltages(solution, circuit, waves, _ONE)
    return {
        "quantities": quantities,
        "our_tolerance": f"residual of a line {tolerance:g}, reached {solution.residual:.1e}",
        "our_seconds": seconds,
        "axis": np.arange(quantities["terminal current"].ours.size, dtype=float),
        "axis_label": "terminal",
    }


def compare_vectors(
    crossbar: Crossbar, voltage: Array, terminals: dict[str, Any], circuit: Circuit, waves: Waves, tolerance: float
) -> dict[str, Any]:
    """Return the fields of `Agreement` that reads with many vectors give, shape ``(vectors, rows)``."""
    bias = Bias.read(voltage)
    crossbar.solve(bias, rtol=tolerance, **terminals)  # compiles, where that has not been done
    started = time.perf_counter()
    solution = crossbar.solve(bias, rtol=tolerance, **terminals)
    seconds = time.perf_counter() - started
    quantities = _currents_and_voltages(solution, circuit, waves, _MANY)
    terminal_count = quantities["terminal current"].ours.size // len(voltage)
    return {
        "quantities": quantities,
        "our_tolerance": f"residual of a line {tolerance:g}, reached {solution.residual:.1e}",
        "our_seconds": seconds,
        "axis": np.tile(np.arange(len(voltage), dtype=float), terminal_count),
        "axis_label": "vector",
    }


def compare_transient(
    crossbar: Crossbar,
    bias: Bias,
    terminals: dict[str, Any],
    circuit: Circuit,
    waves: Waves,
    tolerance: float,
    unknown: Collection[str] = (),
) -> dict[str, Any]:
    """Return the fields of `Agreement` that a transient gives, at 200 of the simulator's time points at most.

    States in `unknown` are not compared.
    """
    assert isinstance(circuit.analysis, Transient)
    waves = waves.thinned(_MOST_POINTS)
    duration = circuit.analysis.duration
    times, back = waves.samples(duration)
    samples = _Samples(back, lambda point: f", t = {times[back[point]]:.6g} s")
    given = {**terminals, "probes": "all", "tolerance": tolerance}
    crossbar.simulate(bias, duration=1e-6 * duration, times=2, **given)  # compiles, where that has not been done
    started = time.perf_counter()
    trace = crossbar.simulate(bias, duration=duration, times=times, **given)
    seconds = time.perf_counter() - started
    quantities = _currents_and_voltages(trace, circuit, waves, samples)
    quantities |= _states(crossbar, trace, waves, samples, unknown)
    terminal_count = quantities["terminal current"].ours.size // back.size
    return {
        "quantities": quantities,
        "our_tolerance": f"step error {tolerance:g}, {trace.steps} steps",
        "our_seconds": seconds,
        "axis": np.tile(times[back], terminal_count),
        "axis_label": "time [s]",
    }


class _Samples(NamedTuple):
    """The number of our sample at each point of the simulator, and the name of a point in messages."""

    back: Any
    when: Callable[[int], str]

    def quantity(
        self,
        name: str,
        unit: str,
        ours: Array,
        theirs: Sequence[Array],
        places: Sequence[str],
        scale: tuple[float, str] | None = None,
    ) -> Quantity:
        """Return a quantity at several places, one place after the other; `ours` has shape ``(samples, ...)``."""
        flat = ours.reshape(-1, len(places))[self.back].T.ravel()
        largest, meaning = (float(np.abs(flat).max(initial=0.0)), "largest") if scale is None else scale
        points = flat.size // len(places)

        def where(k: int) -> str:
            place, point = divmod(k, points)
            return places[place] + self.when(point)

        return Quantity(
            name=name,
            unit=unit,
            ours=flat,
            theirs=np.concatenate(theirs),
            scale=largest,
            scale_meaning=meaning,
            places=where,
        )


_ONE = _Samples(slice(None), lambda _: "")
_MANY = _Samples(slice(None), lambda point: f", vector {point}")


def _currents_and_voltages(found: Any, circuit: Circuit, waves: Waves, samples: _Samples) -> dict[str, Quantity]:
    """Compare terminal currents, currents of cells with a law, and the potentials of all nodes."""
    names, current = _terminal_currents(found, circuit)
    theirs = [-waves[f"i({name})"] for name in names]
    quantities = {"terminal current": samples.quantity("terminal current", "A", current, theirs, names)}
    if circuit.observed:
        theirs = [waves[f"i({name})"] for name in circuit.observed]
        quantities["cell current"] = samples.quantity("cell current", "A", found.cell_current, theirs, circuit.observed)
    potentials = np.concatenate([p.ravel() for p in found.potential.values()])
    largest = float(np.abs(potentials[~np.isnan(potentials)]).max(initial=0.0))
    return quantities | _node_voltages(found, circuit, waves, samples, (largest, "largest potential"))


def _node_voltages(
    found: Any, circuit: Circuit, waves: Waves, samples: _Samples, scale: tuple[float, str]
) -> dict[str, Quantity]:
    quantities = {}
    for letter, name, ours in (
        ("w", "word-line voltage", found.word_line_voltage),
        ("b", "bit-line voltage", found.bit_line_voltage),
    ):
        nets = [f"{letter}{i}_{j}" for i, j in np.ndindex(ours.shape[-2:])]
        theirs = [waves[f"v({circuit.net(net)})"] for net in nets]
        quantities[name] = samples.quantity(name, "V", ours, theirs, nets, scale)
    return quantities


def _terminal_currents(found: Any, circuit: Circuit) -> tuple[list[str], Array]:
    """Return the names of the sources and the currents from them into the array, shape ``(..., sources)``.

    Where one source feeds a line from both ends, its current is that of both terminals.
    """
    written = {element.name for element in circuit.elements}
    names, currents = [], []
    partners = {"word_left": "word_right", "word_right": None, "bit_top": None, "bit_bottom": "bit_top"}
    for side, other in partners.items():
        for line in range(found.potential[side].shape[-1]):
            name = f"{SOURCES[side]}{line}"
            if name in written:
                current = found.terminal_current[side][..., line]
                if other is not None and f"{SOURCES[other]}{line}" not in written:
                    current = current + found.terminal_current[other][..., line]
                names.append(name)
                currents.append(current)
    return names, np.stack(currents, axis=-1)


def _states(
    crossbar: Crossbar, trace: Any, waves: Waves, samples: _Samples, unknown: Collection[str]
) -> dict[str, Quantity]:
    """Compare the positions of all states between their bounds, but for those in `unknown`."""
    if crossbar.ohmic:
        return {}
    lower, upper = (b.reshape(*crossbar.shape, -1) for b in crossbar.state_bounds())
    share = (trace.state - lower) / (upper - lower)
    places = list(np.ndindex(crossbar.shape))
    probes = [
        f"xsv{letter}{{}}" + (f"_{state.name}" if len(part.model.states) > 1 else "")
        for letter, part in cell_instances(crossbar)
        for state in part.model.states
    ]
    quantities = {}
    for k, probe in enumerate(probes):
        if crossbar.cells.state_names[k] in unknown:
            continue
        name = f"state {crossbar.cells.state_names[k]}"
        nets = [probe.format(f"{i}_{j}") for i, j in places]
        theirs = [waves[f"v({net})"] for net in nets]
        quantities[name] = samples.quantity(name, "of its span", share[..., k], theirs, nets, (1.0, "span"))
    return quantities
