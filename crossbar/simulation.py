"""Integration of an array over time, with its wires, capacitances and moving states."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from crossbar.array_trace import ArrayTrace
from crossbar.bias import SIDES, Bias
from crossbar.circuit.cell_array import CellArray
from crossbar.circuit.lines import connected_sides, ladders
from crossbar.circuit.nonlinear import Problem, solve_cells
from crossbar.circuit.transient import Moment, Step, Stepper
from crossbar.drive import Drive
from crossbar.solution import delivered_power, line_currents, line_heat, terminal_currents
from crossbar.wires import Wires
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError, InputError
from devices.common.validation import finite_array, integer, number

__all__ = ["Probes", "simulate_crossbar"]

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
    tolerance: float,
    step: float | None,
    max_steps: int,
) -> ArrayTrace:
    """Integrate a crossbar; see `Crossbar.simulate`."""
    drive = Drive(bias, *crossbar.shape)
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
    capacitance = (wires.word_line_capacitance, wires.bit_line_capacitance, wires.crossing_capacitance)
    first, _ = drive(0.0)
    connected = connected_sides({name: side[0] for name, side in first.items()})
    shared = ladders(wires, connected, crossbar.conducting())
    drive.check_joined(shared)
    bounds = crossbar.state_bounds()
    stepper = Stepper(cells, shared, capacitance, bounds, drive, max(drive.largest, 1e-9))
    found = solve_cells(Problem(cells, shared, first), rtol=1e-10)
    now = Moment(found.word_line_voltage, found.bit_line_voltage, cells.state.copy())
    record = _Record(crossbar, cells, drive, sample_times, chosen, capacitance)
    corners = drive.corners(span)
    tiny = 4.0 * np.finfo(float).eps * span
    t, h = 0.0, fixed or 1e-6 * span
    taken = rejected = iterations = 0
    complete = False
    problem = ""
    record.sample(0.0, now)
    try:
        for start, stop in pairwise(corners):
            longest = min(0.25 * (stop - start), drive.longest)
            while t < stop - tiny:
                if taken + rejected >= max_steps:
                    problem = f"more than {max_steps} steps"
                    break
                if fixed is None:
                    h = min(h, longest)
                due = record.due
                target = due if t + tiny < due < stop else stop
                cut = t + h >= target - tiny
                length = target - t if cut else h
                trial = stepper.step(t, length, now)
                iterations += trial.iterations
                if fixed is None and not trial.error <= tolerance:
                    rejected += 1
                    shrink = 0.9 * (tolerance / trial.error) ** 0.25 if np.isfinite(trial.error) else 0.1
                    h = length * max(0.1, shrink)
                    if h < 1e2 * tiny:
                        problem = f"the step became too small, error {trial.error:.1e}"
                        break
                    continue
                taken += 1
                record.step(t, trial)
                t = target if cut else t + length
                now = trial.end
                if fixed is None:
                    grown = length * (5.0 if trial.error == 0.0 else min(5.0, 0.9 * (tolerance / trial.error) ** 0.25))
                    h = max(h, grown) if cut and grown > length else grown
            if problem:
                break
        complete = not problem
    except KeyboardInterrupt:
        pass
    trace = record.trace(now, t, taken, rejected, iterations, complete)
    if problem:
        worst = f"t = {t:.6g} s of {span:.6g} s"
        raise ConvergenceError(
            f"simulate: {problem} at {worst}; allowed: {max_steps} steps, error {tolerance:g}; try: a larger "
            "tolerance, or smoother edges; the trace up to there is in the exception's `partial`",
            float("nan"),
            partial=trace,
        )
    return trace


class _Record:
    """Collects samples and energies while the steps are made."""

    def __init__(
        self,
        crossbar: SimulatedArray,
        cells: CellArray,
        drive: Drive,
        times: Array,
        chosen: tuple | None,
        capacitance: tuple,
    ) -> None:
        self.crossbar, self.cells, self.drive, self.times = crossbar, cells, drive, times
        self.chosen, self.capacitance = chosen, capacitance
        self.flat = None if chosen is None else np.array([i * crossbar.shape[1] + j for i, j in chosen], dtype=np.int64)
        self.rows: list[tuple] = []
        self.energy = dict.fromkeys(("delivered", "wires", "cells", "stored", "turnover"), 0.0)
        self.last: tuple[float, ...] | None = None

    @property
    def due(self) -> float:
        """Time of the next sample; steps end there, because interpolation is less exact than they are."""
        return self.times[len(self.rows)] if len(self.rows) < self.times.size else np.inf

    def _state(self, t: float, at: Moment, rate: Moment | None) -> tuple:
        """Return potentials, terminal currents, cell currents, wire currents at a moment."""
        potential, _ = self.drive(t)
        potential = {side: value[0] for side, value in potential.items()}
        x = at.x if not at.x.size else np.clip(at.x, *self.crossbar.state_bounds())
        current, _, _ = self.cells._replace(state=x).at(at.u, at.v)
        leaves = arrives = current
        if rate is not None and any(self.capacitance):
            word, bit, cross = self.capacitance
            between = current + cross * (rate.u - rate.v)
            leaves, arrives = between + word * rate.u, between - bit * rate.v
        flows = line_currents(self.crossbar.wires, potential, at.u, at.v, leaves, arrives)
        return potential, terminal_currents(flows), current, flows, x

    def _powers(self, t: float, at: Moment, rate: Moment) -> tuple[float, ...]:
        potential, terminal, current, flows, _ = self._state(t, at, rate)
        delivered = float(delivered_power(potential, terminal))
        heat = float(line_heat(self.crossbar.wires, flows, at.u, at.v))
        return delivered, heat, float(np.vdot(current, at.u - at.v)), abs(delivered)

    def _stored(self, at: Moment) -> float:
        word, bit, cross = self.capacitance
        return 0.5 * float(word * np.vdot(at.u, at.u) + bit * np.vdot(at.v, at.v) + cross * ((at.u - at.v) ** 2).sum())

    def step(self, t: float, step: Step) -> None:
        """Add a step: its samples, and its energies by Simpson's rule."""
        powers = [self._powers(t + share * step.length, step.at(share), step.slope(share)) for share in (0.0, 0.5, 1.0)]
        for name, a, b, c in zip(("delivered", "wires", "cells", "turnover"), *powers, strict=True):
            self.energy[name] += step.length * (a + 4.0 * b + c) / 6.0
        self.energy["stored"] += self._stored(step.end) - self._stored(step.start)
        end = t + step.length
        while len(self.rows) < self.times.size and self.times[len(self.rows)] <= end * (1 + 1e-14):
            share = min(1.0, (self.times[len(self.rows)] - t) / step.length)
            self.sample(self.times[len(self.rows)], step.at(share), step.slope(share))

    def sample(self, t: float, at: Moment, rate: Moment | None = None) -> None:
        """Keep what is probed at a moment, if a sample is due."""
        if len(self.rows) >= self.times.size or self.times[len(self.rows)] > t * (1 + 1e-14):
            return
        potential, terminal, current, _, x = self._state(t, at, rate)
        states = x.shape[1]
        grids = [np.array(at.u), np.array(at.v), current, x.reshape(*current.shape, states)]
        if self.flat is not None:
            grids = [g.reshape(current.size, -1)[self.flat] for g in grids]
            grids = [g[:, 0] for g in grids[:3]] + grids[3:]
        self.rows.append((potential, {side: np.array(i) for side, i in terminal.items()}, *grids))

    def trace(self, now: Moment, t: float, steps: int, rejected: int, iterations: int, complete: bool) -> ArrayTrace:
        """Return all that was collected."""
        count = len(self.rows)
        if not self.rows:  # ended before the first sample: the arrays of one, none of it
            self.times = np.zeros(1)
            self.sample(0.0, now)
        potentials, terminals, *grids = zip(*self.rows, strict=True)
        u, v, current, state = (np.array(grid)[:count] for grid in grids)
        return ArrayTrace(
            crossbar=self.crossbar,
            time=self.times[:count],
            potential={side: np.array([p[side] for p in potentials])[:count] for side in SIDES},
            terminal_current={side: np.array([p[side] for p in terminals])[:count] for side in SIDES},
            cells=self.chosen,
            word_line_voltage=u,
            bit_line_voltage=v,
            cell_current=current,
            state=state,
            final_state=now.x.reshape(*self.crossbar.shape, now.x.shape[1]),
            energy=self.energy,
            steps=steps,
            rejected=rejected,
            iterations=iterations,
            complete=complete,
        )


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
