"""`Crossbar.simulate`: an array over time, with its wires, capacitances and moving states."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.bias import SIDES, Bias
from crossbar.circuit.lines import Ladders, connected_sides, joined_sources, ladders
from crossbar.circuit.nonlinear import CellArray, Problem, solve_cells
from crossbar.circuit.transient import Moment, Step, Stepper
from crossbar.solution import delivered_power, line_currents, line_heat, terminal_currents
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError, InputError
from devices.common.validation import choice, finite_array, integer, number
from devices.waveforms import Waveform

if TYPE_CHECKING:
    from crossbar.array import Crossbar

__all__ = ["ArrayTrace", "simulate_crossbar"]

Probes = Literal["all", "none"] | Sequence[tuple[int, int]]


@dataclass(frozen=True, eq=False, kw_only=True)
class ArrayTrace:
    """A crossbar over time.

    Parameters
    ----------
    crossbar : Crossbar
        What was simulated.
    time : numpy.ndarray
        Sample times [s], shape ``(samples,)``.
    potential : dict of str to numpy.ndarray
        Potentials of the terminals of each side [V], shape ``(samples, lines)``; `nan` where a terminal floats.
    terminal_current : dict of str to numpy.ndarray
        Current from each terminal into the array [A], shape ``(samples, lines)``: the sum of what cells and
        capacitances of its line take, whose last part is the slope of an interpolation and less exact than the
        potentials.
    cells : tuple of tuple of int, or None
        The probed cells as ``(row, column)``; ``None`` for all of them.
    word_line_voltage, bit_line_voltage, cell_current : numpy.ndarray
        At the probed cells [V] and [A], shape ``(samples, probes)``, or ``(samples, rows, columns)`` for all.
    state : numpy.ndarray
        States of the probed cells, the shape of the currents and ``(..., states)``.
    final_state : numpy.ndarray
        States of all cells at the end, shape ``(rows, columns, states)``.
    energy : dict of str to float
        Integrals over the run [J]: ``delivered`` by the terminals, heat of ``wires`` and ``cells``, ``stored`` in
        capacitances (its change), and ``turnover``, the integral of absolute delivered power.
    steps, rejected, iterations : int
        Steps that were taken and repeated, and iterations of the linear solver in all of them.
    complete : bool
        False where an interrupt or a step that became too small ended the run early; the samples end there.
    """

    crossbar: Crossbar
    time: Array
    potential: dict[str, Array]
    terminal_current: dict[str, Array]
    cells: tuple[tuple[int, int], ...] | None
    word_line_voltage: Array
    bit_line_voltage: Array
    cell_current: Array
    state: Array
    final_state: Array
    energy: dict[str, float] = field(repr=False)
    steps: int
    rejected: int
    iterations: int
    complete: bool = True

    @property
    def cell_voltage(self) -> Array:
        """Voltage across the probed cells [V]."""
        return self.word_line_voltage - self.bit_line_voltage

    @property
    def energy_error(self) -> float:
        """What is missing in the energy balance, relative to the energy that was turned over."""
        e = self.energy
        missing = e["delivered"] - e["wires"] - e["cells"] - e["stored"]
        return abs(missing) / e["turnover"] if e["turnover"] else 0.0

    def settling_time(self, side: str = "bit_bottom", *, tolerance: float = 0.01, after: float = 0.0) -> Array:
        """Return when the current of each terminal of a side has come to stay near its last value [s].

        Parameters
        ----------
        side : str, optional
            One of the four sides.
        tolerance : float, optional
            How near, as a share of the largest last value of the side.
        after : float, optional
            Time from which to measure [s], such as the start of a pulse.

        Returns
        -------
        numpy.ndarray
            Seconds after `after`, shape ``(lines,)``, interpolated between samples; 0 where it was near all along.
        """
        current = self.terminal_current[choice("side", side, SIDES)]
        away = np.abs(current - current[-1]) - number("tolerance", tolerance, minimum=0.0) * np.abs(current[-1]).max()
        times = np.zeros(current.shape[1])
        for line, gap in enumerate(away.T):
            far = np.flatnonzero((gap > 0.0) & (self.time >= after))
            if far.size:
                k = far[-1]
                step = self.time[k + 1] - self.time[k]
                times[line] = self.time[k] - after + step * gap[k] / (gap[k] - gap[k + 1])
        return times

    def __repr__(self) -> str:
        rows, columns = self.crossbar.shape
        state = "" if self.complete else ", incomplete"
        last = self.time[-1] if self.time.size else 0.0
        return f"ArrayTrace({rows} x {columns} cells, {self.time.size} samples to {last:g} s{state})"


def simulate_crossbar(
    crossbar: Crossbar,
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
    drive = _Drive(bias, *crossbar.shape)
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
                aim = due if t + tiny < due < stop else stop
                cut = t + h >= aim - tiny
                length = aim - t if cut else h
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
                t = aim if cut else t + length
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


class _Drive:
    """The terminals' potentials and slopes over time, made once from a bias."""

    def __init__(self, bias: Bias, rows: int, columns: int) -> None:
        if not isinstance(bias, Bias):
            raise InputError("bias", type(bias).__name__, "a Bias", "Bias(word_left=waveform, bit_bottom=0.0)")
        self.waveforms: list[tuple[str, NDArray[np.int64], Waveform]] = []
        plain: dict[str, Any] = {}
        for side in SIDES:
            given = getattr(bias, side)
            lines = rows if side.startswith("word") else columns
            entries = [given] * lines if isinstance(given, Waveform) else given
            if not isinstance(entries, (list, tuple)) or not any(isinstance(e, Waveform) for e in entries):
                plain[side] = given
                continue
            moving = {id(e): e for e in entries if isinstance(e, Waveform)}
            for key, waveform in moving.items():
                at = np.array([k for k, e in enumerate(entries) if id(e) == key])
                self.waveforms.append((side, at, waveform))
            plain[side] = [e.at(0.0) if isinstance(e, Waveform) else e for e in entries]
        batch, self.base = Bias(**plain).resolve(rows, columns)
        if batch:
            raise InputError("bias", f"a batch of shape {batch}", "one vector in a transient", "one call for each")

    def check_joined(self, shared: Ladders) -> None:
        """Raise `InputError` where ideal metal joins terminals that do not have the same waveform or number."""
        source = {side: [float(p) for p in base[0]] for side, base in self.base.items()}
        moving: dict[str, dict[int, Waveform]] = {side: {} for side in SIDES}
        for side, at, waveform in self.waveforms:
            moving[side].update(dict.fromkeys(at.tolist(), waveform))
        for ladder, one, two in ((shared.word, "word_left", "word_right"), (shared.bit, "bit_top", "bit_bottom")):
            for line in np.flatnonzero(ladder.joined).tolist():
                waves = moving[one].get(line), moving[two].get(line)
                if waves[0] is not waves[1] or (waves[0] is None and source[one][line] != source[two][line]):
                    raise joined_sources(one, two, line)

    def __call__(self, t: float) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return potentials and slopes at time `t`, shape ``(1, lines)``."""
        potential = {side: base.copy() for side, base in self.base.items()}
        slope = {side: np.zeros_like(base) for side, base in self.base.items()}
        for side, at, waveform in self.waveforms:
            potential[side][0, at] = waveform.at(t)
            slope[side][0, at] = _slope(waveform, t)
        return potential, slope

    @property
    def duration(self) -> float:
        """Length of the longest waveform [s]."""
        return max((waveform.duration for _, _, waveform in self.waveforms), default=0.0)

    @property
    def longest(self) -> float:
        """Longest step that cannot miss a swing of a sine [s]."""
        fastest = max((float(w.segments[:, 4].max()) for _, _, w in self.waveforms), default=0.0)
        return np.pi / (16.0 * fastest) if fastest > 0.0 else np.inf

    @property
    def largest(self) -> float:
        """Largest absolute potential [V]."""
        peaks = [float(np.nanmax(np.abs(base), initial=0.0)) for base in self.base.values()]
        for _, _, waveform in self.waveforms:
            rows = waveform.segments
            ends = waveform.at(waveform.corners)
            peaks.append(float(np.abs(ends).max() + np.abs(rows[:, 3]).max()))
        return max(peaks)

    def corners(self, span: float) -> Array:
        """Return the times between which all potentials are smooth, from 0 to `span`."""
        parts = [waveform.corners for _, _, waveform in self.waveforms]
        every = np.unique(np.concatenate([np.array([0.0, span]), *parts]))
        every = every[(every >= 0.0) & (every <= span)]
        return every[np.append(True, np.diff(every) > 1e-13 * span)]


def _slope(waveform: Waveform, t: float) -> float:
    """Slope of a waveform just after `t` [V/s]."""
    if t >= waveform.duration:
        return 0.0
    rows = waveform.segments
    start, _, slope, amplitude, omega, phase = rows[np.searchsorted(rows[:, 0], t, side="right") - 1]
    return float(slope + amplitude * omega * np.cos(omega * (t - start) + phase))


class _Record:
    """Collects samples and energies while the steps are made."""

    def __init__(
        self,
        crossbar: Crossbar,
        cells: CellArray,
        drive: _Drive,
        times: Array,
        chosen: tuple | None,
        capacitance: tuple,
    ) -> None:
        self.crossbar, self.cells, self.drive, self.times = crossbar, cells, drive, times
        self.chosen, self.capacitance = chosen, capacitance
        self.flat = None if chosen is None else np.array([i * crossbar.columns + j for i, j in chosen], dtype=np.int64)
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
