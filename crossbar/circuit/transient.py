"""The transient solver: wires, cells, capacitances and moving states stepped together.

Potentials ``u, v`` of the nodes and the states ``x`` of the cells obey

    C du/dt = -(currents out of each node),    dx/dt = f(w, x),

algebraic where there is no capacitance. The steps are the implicit ones of `devices` (RODAS, order 4 with an embedded
order 3, L-stable and stiffly accurate, so it holds for algebraic equations too: Hairer and Wanner, Solving Ordinary
Differential Equations II, section IV.7 and VI.4). Each of its six stages is linear, with the same matrix: each cell's
states are eliminated on the spot, capacitances become conductances ``C/(h gamma)``, and what is left is one crossbar of
ohmic cells. Up to `_LARGEST_MESH` nodes `crossbar.circuit.star_mesh` factors it once for a step, and whole runs of
steps are one compiled call; beyond, `crossbar.circuit.linear` solves it for each stage.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.bias import SIDES
from crossbar.circuit.cell_array import CellArray
from crossbar.circuit.cell_steps import evaluate_cells, linearise, load_stage, recover
from crossbar.circuit.gated import solve_gated
from crossbar.circuit.linear import solve_lines
from crossbar.circuit.lines import Ladders, LineFactors, factor_lines
from crossbar.circuit.moments import NO_ROOM, NONE, WANTED, Moments, due, new_moments, write
from crossbar.circuit.rodas import ALPHA, GAMMA, STAGES, A, C, D
from crossbar.circuit.sources import Sources, enter, evaluate
from crossbar.circuit.star_mesh import Mesh, Pivots, assemble, eliminate, new_pivots, star_mesh, substitute_back
from crossbar.circuit.step_control import FULL, PAUSED, RUNNING, Verdict, judge, plan
from crossbar.circuit.step_ends import CHECKED, check, finish
from crossbar.circuit.workspace import PROGRESS, CircuitArrays, Point, new_workspace
from crossbar.wires import Wires
from devices.common.arrays import Array
from devices.common.jit import jit

__all__ = ["Stepper"]

_ROUNDING = 1e-7  # residual of a stage at which rounding may end it: near equilibrium, large currents cancel
_LARGEST_MESH = 600  # nodes of arrays that are solved directly
_WORK = 400_000  # cells times steps in one compiled call, after which an interrupt is seen


class Direct(NamedTuple):
    """The direct solver of an array."""

    mesh: Mesh
    pivots: Pivots
    potential: Array  # of the nodes
    solution: Array


@jit
def _start(law, circuit, work, h):
    """Linearise all cells for a step of length `h`; return the conductances of the capacitances [S]."""
    h_gamma = h * GAMMA
    linearise(law, work.now.x, circuit.lower, circuit.upper, work.control_slope, h_gamma, work.cells)
    c = circuit.capacitance
    for k in range(work.flow.size):
        work.port[k] = work.cells.conductance[k] + c[2] / h_gamma
    return c[0] / h_gamma, c[1] / h_gamma


@jit
def _stage(kernel, circuit, work, t, h, s):
    """Evaluate stage `s`: what flows in each cell, what each node stores, and the potentials of the terminals.

    ``work.flow`` is the current of each cell from word line to bit line, ``work.past`` what the capacitances to ground
    carry by the earlier stages; currents that the increments of the stage itself make come on top.
    """
    now, at, past, inc = work.now, work.at, work.past, work.increments
    states = now.x.shape[1]
    for k in range(now.u.size):
        u, v, past_u, past_v = now.u[k], now.v[k], 0.0, 0.0
        for q in range(s):
            u += A[s, q] * inc.u[q, k]
            v += A[s, q] * inc.v[q, k]
            past_u += C[s, q] * inc.u[q, k]
            past_v += C[s, q] * inc.v[q, k]
        at.u[k], at.v[k], past.u[k], past.v[k] = u, v, past_u / h, past_v / h
        for r in range(states):
            x, past_x = now.x[k, r], 0.0
            for q in range(s):
                x += A[s, q] * inc.x[q, k, r]
                past_x += C[s, q] * inc.x[q, k, r]
            at.x[k, r] = min(max(x, circuit.lower[k, r]), circuit.upper[k, r])
            past.x[k, r] = past_x / h
    _load(kernel, circuit, work, t + ALPHA[s] * h, h * D[s], s == 0)


@jit
def _inside(kernel, circuit, work, now, t, h, share):
    """Evaluate the interpolation inside a step from `now` as if it were a stage: its increments correct it."""
    at, past, move, bend, twist = work.at, work.past, work.move, work.bend, work.twist
    rest = 1.0 - share
    by_bend, by_twist = rest - share, share * (2.0 * rest - share)
    for k in range(now.u.size):
        at.u[k] = now.u[k] + share * (move.u[k] + rest * (bend.u[k] + share * twist.u[k]))
        at.v[k] = now.v[k] + share * (move.v[k] + rest * (bend.v[k] + share * twist.v[k]))
        past.u[k] = -(move.u[k] + by_bend * bend.u[k] + by_twist * twist.u[k]) / h
        past.v[k] = -(move.v[k] + by_bend * bend.v[k] + by_twist * twist.v[k]) / h
        for r in range(now.x.shape[1]):
            x = now.x[k, r] + share * (move.x[k, r] + rest * (bend.x[k, r] + share * twist.x[k, r]))
            at.x[k, r] = min(max(x, circuit.lower[k, r]), circuit.upper[k, r])
            past.x[k, r] = -(move.x[k, r] + by_bend * bend.x[k, r] + by_twist * twist.x[k, r]) / h
    _load(kernel, circuit, work, t + share * h, 0.0, False)


@jit
def _load(kernel, circuit, work, t, h_d, first):
    """Evaluate sources and cells of a stage at time `t`; ``h_d`` multiplies what changes with time."""
    at, past, c = work.at, work.past, circuit.capacitance
    evaluate(circuit.terminals, work.active, t, work.target, work.scratch)
    for n in range(work.target.size):
        work.target[n] += h_d * work.slope[n]
    if first:
        load_stage(work.law, past.x, h_d, work.cells, work.rest, work.flow)
    else:
        if circuit.controls.place.size:
            evaluate(circuit.controls, work.control_active, t, work.control_flat, work.control_scratch)
        evaluate_cells(kernel, at.u, at.v, at.x, circuit.parameters, work.control, work.law_stage)
        load_stage(work.law_stage, past.x, h_d, work.cells, work.rest, work.flow)
    for k in range(at.u.size):
        work.crossing[k] = c[2] * (past.u[k] - past.v[k])
        work.flow[k] -= work.crossing[k]
        past.u[k] *= c[0]
        past.v[k] *= c[1]


@jit
def _solve_potentials(direct, work, s):
    """Solve stage `s` for the increments of the potentials."""
    mesh, potential, b = direct.mesh, direct.potential, direct.solution
    at, past, flow, port, trans = work.at, work.past, work.flow, work.port, work.cells.trans
    W, V = work.increments.u[s], work.increments.v[s]
    b[:] = 0.0
    for k in range(W.size):
        one, two = mesh.word[k], mesh.bit[k]
        if one >= 0:
            potential[one] = at.u[k]
            b[one] += past.u[k] - flow[k]
        else:
            W[k] = work.target[-1 - one] - at.u[k]
        if two >= 0:
            potential[two] = at.v[k]
            b[two] += past.v[k] + flow[k]
        else:
            V[k] = work.target[-1 - two] - at.v[k]
        if one < 0 <= two:
            b[two] += port[k] * W[k]
        elif two < 0 <= one:
            b[one] += (port[k] + trans[k]) * V[k]
    for n in range(mesh.wire.size):
        one, two = mesh.one[n], mesh.two[n]
        if two >= 0:
            current = mesh.wire[n] * (potential[two] - potential[one])
            b[two] -= current
        else:
            current = mesh.wire[n] * (work.target[-1 - two] - potential[one])
        b[one] += current
    substitute_back(mesh, direct.pivots, b)
    for k in range(W.size):
        if mesh.word[k] >= 0:
            W[k] = b[mesh.word[k]]
        if mesh.bit[k] >= 0:
            V[k] = b[mesh.bit[k]]


@jit
def _solve_directly(direct, work, s):
    """Solve stage `s` for the increments of potentials and states."""
    _solve_potentials(direct, work, s)
    inc = work.increments
    recover(inc.u[s], inc.v[s], work.cells, work.rest, inc.x[s])


@jit
def _settle(kernel, circuit, direct, work):
    """Move the potentials at the start to where currents balance to rounding, by Newton's method."""
    now, at = work.now, work.at
    states = now.x.shape[1]
    work.past.u[:] = 0.0
    work.past.v[:] = 0.0
    for _ in range(4):
        at.u[:] = now.u
        at.v[:] = now.v
        evaluate_cells(kernel, now.u, now.v, now.x, circuit.parameters, work.control, work.law)
        for k in range(now.u.size):
            work.flow[k], work.port[k], work.cells.trans[k] = work.law[k, 0], work.law[k, 1], 0.0
            for c in range(work.control.shape[1]):
                work.cells.trans[k] += work.law[k, 2 + states + c]
        assemble(direct.mesh, work.port, work.cells.trans, 0.0, 0.0, direct.pivots)
        eliminate(direct.mesh, direct.pivots)
        _solve_potentials(direct, work, 0)
        for k in range(now.u.size):
            now.u[k] += work.increments.u[0, k]
            now.v[k] += work.increments.v[0, k]


@jit
def _try_directly(kernel, circuit, direct, work, t, h):
    """Make the stages of one step and return its `Verdict`."""
    word_load, bit_load = _start(work.law, circuit, work, h)
    assemble(direct.mesh, work.port, work.cells.trans, word_load, bit_load, direct.pivots)
    eliminate(direct.mesh, direct.pivots)
    for s in range(STAGES):
        _stage(kernel, circuit, work, t, h, s)
        _solve_directly(direct, work, s)
    verdict = finish(kernel, circuit, work, t, h)
    if verdict.share < 1.0 or not verdict.error <= circuit.tolerance or circuit.fixed > 0.0:
        return verdict
    _inside(kernel, circuit, work, work.now, t, h, CHECKED)
    _solve_directly(direct, work, STAGES)
    return check(circuit, work, h, verdict)


@jit
def _enter_interval(circuit, work, progress):
    """Evaluate the sources at the start of a step; at a corner, take up the segments beyond it."""
    now = progress[0]
    if now.entered == 0:
        middle = 0.5 * (circuit.corners[now.interval] + circuit.corners[now.interval + 1])
        enter(circuit.terminals, middle, work.active)
        enter(circuit.controls, middle, work.control_active)
        now.entered = 1
    evaluate(circuit.terminals, work.active, now.t, work.target, work.slope)
    if circuit.controls.place.size:
        evaluate(circuit.controls, work.control_active, now.t, work.control_flat, work.control_slope_flat)


@jit
def _run(kernel, circuit, direct, work, progress, moments, budget):
    """Make steps until the end, or until moments are full, or the budget of tries is spent."""
    for _ in range(budget):
        wanted = WANTED
        while wanted == WANTED:
            t, weight, wanted = due(circuit, progress, moments)
            if wanted == WANTED:
                begin, h = progress[0].last_start, progress[0].last_length
                _inside(kernel, circuit, work, work.start, begin, h, min(1.0, (t - begin) / h))
                if weight == 0.0:
                    _solve_directly(direct, work, STAGES)
                write(circuit, work, h, weight, moments)
        if wanted == NO_ROOM:
            return FULL
        status = plan(circuit, work, progress)
        if status != RUNNING:
            return status
        _enter_interval(circuit, work, progress)
        t, h = progress[0].t, progress[0].length
        status = judge(circuit, work, progress, _try_directly(kernel, circuit, direct, work, t, h))
        if status != RUNNING:
            return status
    return PAUSED


class Stepper:
    """Makes the steps of an array.

    Parameters
    ----------
    cells : CellArray
        The cells.
    wires : Wires
        The metal.
    shared : Ladders
        The lines.
    circuit : CircuitArrays
        All of it for the compiled functions.
    start : Point
        Where it starts.
    """

    def __init__(
        self, cells: CellArray, wires: Wires, shared: Ladders, circuit: CircuitArrays, start: Point, first: float
    ) -> None:
        self.kernel, self.circuit, self.ladders = cells.kernel, circuit, shared
        self.work = work = new_workspace(circuit, start, cells.control)
        self.progress = np.zeros(1, dtype=PROGRESS)
        self.progress["next"] = first
        count, states = start.x.shape
        self.moments: Moments = new_moments(circuit.terminals.constant.size, count, states)
        self._factors: LineFactors | None = None
        self._loads = 0.0, 0.0
        self.direct = None
        if 2 * count <= _LARGEST_MESH:
            mesh = star_mesh(wires, connected_terminals(circuit.terminals, shared.shape), shared.shape)
            self.direct = Direct(mesh, new_pivots(mesh), np.empty(mesh.leak.size), np.empty(mesh.leak.size))
        _enter_interval(circuit, work, self.progress)
        if self.direct is not None:
            _settle(self.kernel, circuit, self.direct, work)
        start = work.now
        evaluate_cells(self.kernel, start.u, start.v, start.x, cells.parameters, work.control, work.law)
        current = work.law[:, 0].reshape(shared.shape)
        work.line_peak[:] = np.abs(np.concatenate([current.sum(axis=1), current.sum(axis=0)]))
        if circuit.times.size and circuit.times[0] == 0.0:  # the sample before anything moves
            for grid, value in zip(
                self.moments[2:], (work.target, *start[:2], *[current.ravel()] * 3, start.x), strict=True
            ):
                grid[0] = value
            self.moments.weight[0] = 0.0
            self.moments.written[0] = self.progress["sample"][0] = 1

    def advance(self) -> int:
        """Make steps until the end, or until the moments are full, or for some time; return the status."""
        budget = max(1, _WORK // self.work.flow.size)
        if self.direct is not None:
            return int(_run(self.kernel, self.circuit, self.direct, self.work, self.progress, self.moments, budget))
        return self._advance_by_lines(budget)

    def _advance_by_lines(self, budget: int) -> int:
        """Do the same with the solver of large arrays."""
        circuit, work, progress = self.circuit, self.work, self.progress
        for _ in range(budget):
            if not self._write_moments():
                return FULL
            status = plan(circuit, work, progress)
            if status != RUNNING:
                return int(status)
            _enter_interval(circuit, work, progress)
            t, h = float(progress["t"][0]), float(progress["length"][0])
            status = judge(circuit, work, progress, self._try_by_lines(t, h))
            if status != RUNNING:
                return int(status)
        return PAUSED

    def _write_moments(self) -> bool:
        """Write the moments of the last step; return whether there was room for all."""
        while True:
            t, weight, wanted = due(self.circuit, self.progress, self.moments)
            if wanted != WANTED:
                return bool(wanted == NONE)
            begin, h = float(self.progress["last_start"][0]), float(self.progress["last_length"][0])
            _inside(self.kernel, self.circuit, self.work, self.work.start, begin, h, min(1.0, (t - begin) / h))
            if weight == 0.0:
                self._solve_by_lines(STAGES)
            write(self.circuit, self.work, h, weight, self.moments)

    def _try_by_lines(self, t: float, h: float) -> Verdict:
        """Make the stages of one step and return its verdict."""
        work, shape, circuit = self.work, self.ladders.shape, self.circuit
        self._loads = _start(work.law, circuit, work, h)
        if not work.port.min() >= 0.0:  # lines are solved with conductances that are not negative
            return Verdict(np.inf, 0, int(work.port.argmin()), 1.0)
        load = (np.full(shape, c) if c else None for c in self._loads)
        gated = work.cells.trans.any()
        self._factors = None if gated else factor_lines(work.port.reshape(shape), self.ladders, *load)
        for s in range(STAGES):
            _stage(self.kernel, circuit, work, t, h, s)
            self._solve_by_lines(s)
        verdict: Verdict = finish(self.kernel, circuit, work, t, h)
        if verdict.share < 1.0 or not verdict.error <= circuit.tolerance or circuit.fixed > 0.0:
            return verdict
        _inside(self.kernel, circuit, work, work.now, t, h, CHECKED)
        self._solve_by_lines(STAGES)
        return check(circuit, work, h, verdict)

    def _solve_by_lines(self, s: int) -> None:
        """Solve stage `s` for the increments of potentials and states; without factors, as cells with gates."""
        work, shape, inc = self.work, self.ladders.shape, self.work.increments
        factors, loads = self._factors, self._loads
        parts = (work.port, work.cells.trans, work.flow, work.at.u, work.at.v, work.past.u, work.past.v)
        port, m, flow, u, v, past_u, past_v = (part.reshape(shape) for part in parts)
        through = port * (u - v) - m * v - flow
        into = (through + loads[0] * u + past_u, -through + loads[1] * v + past_v)
        sides = split_sides(work.target, shape)
        if factors is None:
            load = (np.full(shape, loads[0]), np.full(shape, loads[1]))
            found = solve_gated(self.ladders, sides, port, m, load, into, 1e-12)
        else:
            injected = (into[0][None], into[1][None])
            found = solve_lines(factors, sides, rtol=1e-12, nodes=True, injected=injected, accept=_ROUNDING)
        self.progress["iterations"] += found.iterations
        inc.u[s] = (found.word_line_voltage[0] - u).ravel()
        inc.v[s] = (found.bit_line_voltage[0] - v).ravel()
        recover(inc.u[s], inc.v[s], work.cells, work.rest, inc.x[s])


def split_sides(values: Array, shape: tuple[int, int]) -> dict[str, Array]:
    """Return values of all terminals ``(..., terminals)`` by side, shape ``(vectors, lines)``."""
    rows, columns = shape
    parts = np.split(np.atleast_2d(values), np.cumsum([rows, rows, columns]), axis=-1)
    return dict(zip(SIDES, parts, strict=True))


def connected_terminals(terminals: Sources, shape: tuple[int, int]) -> dict[str, NDArray[np.bool_]]:
    """Return which terminals of each side are connected."""
    sides = split_sides(terminals.constant, shape)
    return {name: ~np.isnan(values[0]) for name, values in sides.items()}
