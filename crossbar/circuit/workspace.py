"""The arrays that the compiled transient works on: the circuit, which stays as it is, and the room for a step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.circuit.cell_steps import Linearised, new_linearised
from crossbar.circuit.rodas import STAGES
from crossbar.circuit.sources import Sources
from devices.common.arrays import Array

__all__ = ["PROGRESS", "CircuitArrays", "Point", "Workspace", "new_workspace"]

#: Where a run is: time and what rounding left out of it, next and last step [s], interval, samples and steps so far.
PROGRESS = np.dtype(
    [
        ("t", "f8"),
        ("carry", "f8"),
        ("next", "f8"),
        ("length", "f8"),
        ("last_start", "f8"),
        ("last_length", "f8"),
        ("error", "f8"),
        ("kind", "i8"),
        ("worst", "i8"),
        ("interval", "i8"),
        ("entered", "i8"),
        ("cut", "i8"),
        ("events", "i8"),
        ("sample", "i8"),
        ("gauss", "i8"),
        ("taken", "i8"),
        ("rejected", "i8"),
        ("iterations", "i8"),
    ]
)


class CircuitArrays(NamedTuple):
    """An array as the compiled transient takes it.

    Parameters
    ----------
    parameters : numpy.ndarray
        Of the cells, a row for each or one for all.
    lower, upper : numpy.ndarray
        Bounds of the states, shape ``(cells, states)``.
    capacitance : numpy.ndarray
        Of each word-line node, each bit-line node and each crossing [F].
    terminals, controls : Sources
        Potentials of the terminals, side by side in the order of `SIDES`, and of the cells' controls, row by row.
    fed_word, fed_bit : numpy.ndarray
        Which lines have a terminal that is connected.
    word_wire, bit_wire : numpy.ndarray
        Conductance of the wires along word lines ``(rows, columns + 1)`` and bit lines ``(columns, rows + 1)`` [S],
        from terminal to terminal: 0 where they are open or the terminal floats, `inf` where they are ideal.
    rows, columns : int
        Shape of the array.
    corners, times : numpy.ndarray
        Times between which all sources are smooth, and those of the samples [s].
    longest : float
        Longest step [s].
    restart : float
        Length of the first step after a corner, which resolves the fastest capacitance [s]; `inf` without any.
    volts : float
        Scale of errors of potentials [V].
    tolerance : float
        Largest error of a step.
    fixed : float
        Length of all steps [s], or 0 where errors control them.
    max_steps : int
        Most steps.
    """

    parameters: Array
    lower: Array
    upper: Array
    capacitance: Array
    terminals: Sources
    controls: Sources
    fed_word: NDArray[np.bool_]
    fed_bit: NDArray[np.bool_]
    word_wire: Array
    bit_wire: Array
    rows: int
    columns: int
    corners: Array
    times: Array
    longest: float
    restart: float
    volts: float
    tolerance: float
    fixed: float
    max_steps: int


class Point(NamedTuple):
    """Potentials ``u``, ``v`` of the nodes ``(cells,)`` [V] and states ``x`` ``(cells, states)``."""

    u: Array
    v: Array
    x: Array


class Workspace(NamedTuple):
    """Room for a step, and what lasts from step to step.

    Parameters
    ----------
    now, end, start : Point
        Where the next step starts, where it ends, and where the last one started.
    at, past, increments : Point
        Of a stage: the point at which it is evaluated, what earlier stages contribute, and all stages' increments;
        the last row is the correction of the interpolation.
    move, bend, twist : Point
        Change over a step, summed from its small parts, and coefficients of the interpolation within it.
    law, law_end, law_stage : numpy.ndarray
        Outputs of the kernel ``(cells, outputs)`` at the start of a step, at its end, and in a stage.
    cells : Linearised
        The cells at the start of a step.
    port, flow, crossing : numpy.ndarray
        Conductance between the nodes of each cell [S]; in a stage the current that flows between them, and the part of
        it, with the other sign, that its capacitance carries by the earlier stages [A].
    rest : numpy.ndarray
        Increments of the states in a stage at constant potentials.
    target, slope, scratch : numpy.ndarray
        Of all terminals: potentials in a stage [V], slopes at the start of the step [V/s].
    active, control_active : numpy.ndarray
        Segments of the waveforms that hold now.
    control, control_slope, control_scratch : numpy.ndarray
        Of the cells' controls ``(cells, controls)``; the first two also flat.
    line_now, line_peak, line_error, line_carried, line_noise : numpy.ndarray
        Of each word line, then of each bit line: current from its terminals at the end of the step, its largest value
        so far, the error of what its cells and its capacitances carry, and that by rounding [A].
    """

    now: Point
    end: Point
    start: Point
    at: Point
    past: Point
    increments: Point
    move: Point
    bend: Point
    twist: Point
    law: Array
    law_end: Array
    law_stage: Array
    cells: Linearised
    port: Array
    flow: Array
    crossing: Array
    rest: Array
    target: Array
    slope: Array
    scratch: Array
    active: Array
    control_active: Array
    control: Array
    control_flat: Array
    control_slope: Array
    control_slope_flat: Array
    control_scratch: Array
    line_now: Array
    line_peak: Array
    line_error: Array
    line_carried: Array
    line_noise: Array


def new_workspace(circuit: CircuitArrays, start: Point, control: Array) -> Workspace:
    """Return the workspace of a run that starts at a point, with these potentials of the controls."""
    cells, states = start.x.shape
    controls = control.shape[1]
    outputs = (1 + states) * (2 + states + controls)

    def point(*many: int) -> Point:
        return Point(np.zeros((*many, cells)), np.zeros((*many, cells)), np.zeros((*many, cells, states)))

    lines = circuit.rows + circuit.columns
    terminals = circuit.terminals.constant.size
    kept, slopes = np.array(control), np.zeros((cells, controls))

    def law() -> Array:
        return np.empty((cells, outputs))

    return Workspace(
        now=Point(*(np.array(part) for part in start)), end=point(), start=point(), at=point(), past=point(),
        increments=point(STAGES + 1), move=point(), bend=point(), twist=point(),
        law=law(), law_end=law(), law_stage=law(), cells=new_linearised(cells, states),
        port=np.empty(cells), flow=np.empty(cells), crossing=np.empty(cells), rest=np.empty((cells, states)),
        target=np.empty(terminals), slope=np.zeros(terminals), scratch=np.empty(terminals),
        active=np.zeros((circuit.terminals.duration.size, 6)),
        control_active=np.zeros((circuit.controls.duration.size, 6)),
        control=kept, control_flat=kept.reshape(-1), control_slope=slopes, control_slope_flat=slopes.reshape(-1),
        control_scratch=np.empty(cells * controls),
        line_now=np.zeros(lines), line_peak=np.zeros(lines), line_error=np.zeros(lines),
        line_carried=np.zeros(lines), line_noise=np.zeros(lines),
    )  # fmt: skip
