"""Integration of an array over time, with its wires, capacitances and moving states."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.array_trace import ArrayTrace
from crossbar.bias import Bias
from crossbar.circuit.cell_array import CellArray
from crossbar.circuit.lines import connected_sides, ladders
from crossbar.circuit.network import held_by_capacitance
from crossbar.circuit.nonlinear import Problem, solve_cells
from crossbar.circuit.step_control import DONE, FULL, PAUSED, TOO_MANY_STEPS, TOO_SMALL
from crossbar.circuit.transient import Stepper, connected_terminals
from crossbar.circuit.workspace import CircuitArrays, Point
from crossbar.drive import Drive
from crossbar.recording import Record
from crossbar.wires import Wires
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError, InputError
from devices.common.validation import finite_array, integer, number
from devices.waveforms import Waveform

__all__ = ["Probes", "simulate_crossbar"]

Mask = NDArray[np.bool_]

#: Length of the first step after a corner, as a share of the shortest time in which a node is charged.
_RESTART = 0.05
#: Cells that a simulation keeps: all, none, or these rows and columns.
Probes = Literal["all", "none"] | Sequence[tuple[int, int]]


class SimulatedArray(Protocol):
    """An array as the simulation needs it; a `Crossbar` is one."""

    @property
    def shape(self) -> tuple[int, int]:
        """``(rows, columns)``."""

    @property
    def wires(self) -> Wires:
        """The metal."""

    @property
    def gates(self) -> str:
        """Whether gate lines run along ``rows`` or ``columns``."""

    def cell_array(self) -> CellArray:
        """Return the cells, each at its starting state."""

    def state_bounds(self) -> tuple[Array, Array]:
        """Return the lower and upper bounds of the states, each of shape ``(cells, states)``."""

    def conducting(self) -> Array:
        """Return which cells join their lines: not zero, shape ``(rows, columns)``."""


def simulate_crossbar(
    crossbar: SimulatedArray,
    bias: Bias,
    *,
    duration: float | None,
    times: int | ArrayLike,
    probes: Probes,
    control: Array | None,
    gates: Mapping[int, Waveform],
    tolerance: float,
    step: float | None,
    max_steps: int,
) -> ArrayTrace:
    """Integrate a crossbar; see `Crossbar.simulate`."""
    drive = Drive(bias, *crossbar.shape, gates)
    span = (
        drive.duration if duration is None else number("duration", duration, unit="s", minimum=0.0, open_minimum=True)
    )
    if not span > 0.0:
        raise InputError("duration", "nothing, and no waveform in the bias", "> 0 [s]", "duration=1e-6")
    sample_times = _sample_times(times, span, drive.corners(span))
    tolerance = number("tolerance", tolerance, minimum=1e-12, maximum=1e-1)
    fixed = None if step is None else number("step", step, unit="s", minimum=0.0, open_minimum=True)
    integer("max_steps", max_steps, minimum=1)
    chosen = _probe_cells(probes, crossbar.shape)

    cells = crossbar.cell_array()
    if control is not None:
        cells = cells._replace(control=control)
    wires = crossbar.wires
    first = drive.potentials()
    connected = connected_sides({name: side[0] for name, side in first.items()})
    conducting = crossbar.conducting()
    held = held_by_capacitance(conducting, wires, connected)
    shared = ladders(wires, connected, conducting, held=held)
    drive.check_joined(shared)
    # A part that capacitance alone holds starts without charge: at 0 V, as if a resistor led from it to ground.
    found = solve_cells(Problem(cells, shared, first, (None, None) if held is None else (held[0], held[1])), rtol=1e-10)
    start = Point(found.word_line_voltage.ravel(), found.bit_line_voltage.ravel(), cells.state)
    circuit = _circuit(crossbar, cells, drive, sample_times, span, tolerance, fixed, max_steps)
    stepper = Stepper(cells, wires, shared, circuit, start, fixed or 1e-6 * span)
    record = Record(crossbar, stepper, chosen)
    status = PAUSED
    try:
        while status in (FULL, PAUSED):
            status = stepper.advance()
            record.take()
    except KeyboardInterrupt:
        pass
    trace = record.trace(status == DONE)
    if status in (TOO_MANY_STEPS, TOO_SMALL):
        raise _failure(trace, stepper, status)
    return trace


def _circuit(
    crossbar: SimulatedArray,
    cells: CellArray,
    drive: Drive,
    times: Array,
    span: float,
    tolerance: float,
    fixed: float | None,
    max_steps: int,
) -> CircuitArrays:
    """Return all of an array and its sources for the compiled functions."""
    wires, (rows, columns) = crossbar.wires, crossbar.shape
    lower, upper = crossbar.state_bounds()
    capacitance = np.array([wires.word_line_capacitance, wires.bit_line_capacitance, wires.crossing_capacitance])
    terminals = drive.sources()
    connected = connected_terminals(terminals, crossbar.shape)
    r_word, r_bit = wires.segments(rows, columns)
    word, bit, cross = capacitance
    fastest = min(_fastest(word + cross, r_word), _fastest(bit + cross, r_bit.T))
    return CircuitArrays(
        parameters=cells.parameters,
        lower=lower,
        upper=upper,
        capacitance=capacitance,
        terminals=terminals,
        controls=drive.controls(cells.control, np.indices(crossbar.shape)[int(crossbar.gates == "columns")].ravel()),
        fed_word=connected["word_left"] | connected["word_right"],
        fed_bit=connected["bit_top"] | connected["bit_bottom"],
        word_wire=_conductance(r_word, connected["word_left"], connected["word_right"]),
        bit_wire=_conductance(r_bit.T, connected["bit_top"], connected["bit_bottom"]),
        rows=rows,
        columns=columns,
        corners=drive.corners(span),
        times=times,
        longest=drive.longest,
        restart=_RESTART * fastest,
        volts=max(drive.largest, 1e-9),
        tolerance=tolerance,
        fixed=fixed or 0.0,
        max_steps=max_steps,
    )


def _conductance(r: Array, first: Mask, last: Mask) -> Array:
    """Return the conductances along lines ``(lines, segments)`` [S], 0 to terminals that are not connected."""
    with np.errstate(divide="ignore"):
        conductance = 1.0 / r
    conductance[~first, 0] = conductance[~last, -1] = 0.0
    return np.ascontiguousarray(conductance)


def _fastest(capacitance: float, r: Array) -> float:
    """Return the shortest time in which wires charge a node of this capacitance [s], `inf` where none does."""
    conductance = 1.0 / np.where(r > 0.0, r, np.inf)
    joined = float((conductance[:, 1:] + conductance[:, :-1]).max())
    return capacitance / joined if capacitance > 0.0 and joined > 0.0 else np.inf


def _failure(trace: ArrayTrace, stepper: Stepper, status: int) -> ConvergenceError:
    """Return the error that says where, when and by which quantity a run has ended early."""
    now, circuit = stepper.progress[0], stepper.circuit
    t, span = float(now["t"]), float(circuit.corners[-1])
    if status == TOO_MANY_STEPS:
        problem = f"more than {circuit.max_steps} steps"
    else:
        problem = f"the step became too small, {now['next']:.1e} s"
    largest = f"; the last error was {now['error']:.1e}, of {_place(trace, now)}; allowed: {circuit.tolerance:g}"
    advice = "a larger tolerance, more max_steps, or smoother edges"
    return ConvergenceError(
        f"simulate: {problem} at t = {t:.6g} s of {span:.6g} s{largest}; try: {advice}; the trace up to there is in "
        "the exception's `partial`",
        float(now["error"]),
        partial=trace,
    )


def _place(trace: ArrayTrace, now: np.void) -> str:
    """Return the name of the quantity with the largest error."""
    rows, columns = trace.crossbar.shape
    kind, worst = int(now["kind"]), int(now["worst"])
    if kind == 3:
        return f"the current of word line {worst}" if worst < rows else f"the current of bit line {worst - rows}"
    if kind == 2:
        cell, state = divmod(worst, trace.final_state.shape[2])
        name = trace.crossbar.cells.state_names[state]
        return f"state {name} of cell {divmod(cell, columns)}"
    return f"the {('word', 'bit')[kind]}-line potential of cell {divmod(worst, columns)}"


def _sample_times(times: int | ArrayLike, span: float, corners: Array) -> Array:
    if isinstance(times, (int, np.integer)) and not isinstance(times, bool):
        even = np.linspace(0.0, span, integer("times", times, minimum=2))
        return np.unique(np.concatenate([even, corners]))
    given = finite_array("times", times, unit="s", shape=("samples",), minimum=0.0).copy()
    if not (np.diff(given) > 0.0).all():
        raise InputError("times", "times that do not rise", "rising times [s]", "numpy.sort")
    if given.size and given[-1] > span:
        raise InputError("times", f"{given[-1]:g} s", f"within the duration of {span:g} s")
    return given


def _probe_cells(probes: Probes, shape: tuple[int, int]) -> tuple[tuple[int, int], ...] | None:
    if isinstance(probes, str):
        if probes not in ("all", "none"):
            raise InputError("probes", repr(probes), "'all', 'none' or a list of (row, column)")
        return None if probes == "all" else ()
    if not isinstance(probes, Iterable):
        raise InputError("probes", repr(probes), "'all', 'none' or a list of (row, column)", "probes=[(0, 0)]")
    chosen = []
    for pair in probes:
        try:
            i, j = (operator.index(k) for k in pair)
        except (TypeError, ValueError):
            raise InputError("probes", repr(pair), "pairs (row, column)", "probes=[(0, 0)]") from None
        if not (0 <= i < shape[0] and 0 <= j < shape[1]):
            raise InputError("probes", f"cell ({i}, {j})", f"a cell of {shape[0]} x {shape[1]}")
        chosen.append((i, j))
    return tuple(chosen)
