"""The transient solver: wires, cells, capacitances and moving states stepped together.

Potentials ``u, v`` of the nodes and the states ``x`` of the cells obey

    C du/dt = -(currents out of each node),    dx/dt = f(w, x),

algebraic where there is no capacitance. The steps are the implicit ones of `devices` (RODAS, order 4 with an embedded
order 3, L-stable and stiffly accurate, so it holds for algebraic equations too: Hairer and Wanner, Solving Ordinary
Differential Equations II, section IV.7 and VI.4). Each of its six stages is linear, with the same matrix: each cell's
states are eliminated on the spot, capacitances become conductances ``C/(h gamma)``, and what is left is one crossbar of
ohmic cells, for `crossbar.circuit.linear`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from crossbar.circuit.cell_array import CellArray
from crossbar.circuit.cell_steps import linearise, load_stage, overshoot, recover
from crossbar.circuit.gated import solve_gated
from crossbar.circuit.linear import solve_lines
from crossbar.circuit.lines import Ladders, factor_lines
from devices.common.arrays import Array
from devices.simulation.rodas import ALPHA, DENSE, GAMMA, STAGES, A, C, D

__all__ = ["Moment", "Step", "Stepper"]

_ROUNDING = 1e-7  # residual of a stage at which rounding may end it: near equilibrium, large currents cancel


class Moment(NamedTuple):
    """Potentials ``u``, ``v`` ``(rows, columns)`` [V] and states ``x`` ``(cells, states)`` at one time."""

    u: Array
    v: Array
    x: Array


class Step(NamedTuple):
    """One step: its ends, the coefficients that interpolate between them, its length [s] and its relative error."""

    start: Moment
    end: Moment
    dense: tuple[Moment, Moment]
    length: float
    error: float
    iterations: int

    def at(self, share: float) -> Moment:
        """Return the solution at this share of the step."""
        rest = 1.0 - share
        return Moment(
            *(
                a * rest + share * (b + rest * (c + share * d))
                for a, b, c, d in zip(self.start, self.end, *self.dense, strict=True)
            )
        )

    def slope(self, share: float) -> Moment:
        """Return the time derivative at this share of the step."""
        rest = 1.0 - share
        return Moment(
            *(
                (b - a + (rest - share) * c + share * (2.0 * rest - share) * d) / self.length
                for a, b, c, d in zip(self.start, self.end, *self.dense, strict=True)
            )
        )


class Stepper:
    """Makes steps of a crossbar with moving cells.

    Parameters
    ----------
    cells : CellArray
        The cells.
    ladders : Ladders
        The lines.
    capacitance : tuple of float
        Of each word-line node, each bit-line node and each crossing [F].
    bounds : tuple of numpy.ndarray
        Lower and upper bounds of the states, shape ``(cells, states)``.
    sides : callable
        Returns the terminals' potentials, and their slopes, at a time.
    volts : float
        Scale of errors of potentials [V].
    """

    def __init__(
        self,
        cells: CellArray,
        ladders: Ladders,
        capacitance: tuple[float, float, float],
        bounds: tuple[Array, Array],
        sides: Callable[[float], tuple[dict[str, Array], dict[str, Array]]],
        volts: float,
    ) -> None:
        self.cells = cells
        self.ladders = ladders
        self.capacitance = capacitance
        self.lower, self.upper = bounds
        self.sides = sides
        self.volts = volts

    def step(self, t: float, h: float, now: Moment) -> Step:
        """Return the step of length `h` from time `t`."""
        kernel, parameters, control = self.cells.kernel, self.cells.parameters, self.cells.control
        shape, count, states = self.ladders.shape, now.u.size, now.x.shape[1]
        h_gamma = h * GAMMA
        pinned = np.zeros((count, states), dtype=np.bool_)
        i_x, matrix = np.empty((count, states)), np.empty((count, states, states))
        pivots, f_w = np.empty((count, states), dtype=np.int64), np.empty((count, states, 2))
        g, m = np.empty(count), np.empty(count)
        linearise(
            kernel, now.u.ravel(), now.v.ravel(), now.x, parameters, control, self.lower, self.upper, h_gamma,
            pinned, g, m, i_x, matrix, pivots, f_w,
        )  # fmt: skip
        g, m = g.reshape(shape), m.reshape(shape)
        c_word, c_bit, c_cross = (c / h_gamma for c in self.capacitance)
        port = g + c_cross
        if not port.min() >= 0.0:
            return Step(now, now, (now, now), h, np.inf, 0)
        load = (np.full(shape, c_word) if c_word else None, np.full(shape, c_bit) if c_bit else None)
        factors = None if m.any() else factor_lines(port, self.ladders, *load)
        _, slopes = self.sides(t)
        stages = [np.empty((STAGES, *part.shape)) for part in now]
        rest, current, pushed = np.empty((count, states)), np.empty(count), np.empty(count)
        iterations = 0
        for s in range(STAGES):
            at = [part + np.tensordot(A[s, :s], stage[:s], axes=1) for part, stage in zip(now, stages, strict=True)]
            past = [np.tensordot(C[s, :s], stage[:s], axes=1) / h for stage in stages]
            u, v = at[0], at[1]
            x = np.clip(at[2], self.lower, self.upper)
            load_stage(
                kernel, u.ravel(), v.ravel(), x, parameters, control, pinned, past[2], i_x, matrix, pivots,
                rest, current, pushed,
            )  # fmt: skip
            through = port * (u - v) - m * v - (current + pushed).reshape(shape)
            through += self.capacitance[2] * (past[0] - past[1])
            into_word = through + c_word * u + self.capacitance[0] * past[0]
            into_bit = -through + c_bit * v + self.capacitance[1] * past[1]
            potentials, _ = self.sides(t + ALPHA[s] * h)
            sides = {name: potentials[name] + h * D[s] * slopes[name] for name in potentials}
            if factors is None:
                found = solve_gated(self.ladders, sides, port, m, load, (into_word, into_bit), 1e-12)
            else:
                into = (into_word[None], into_bit[None])
                found = solve_lines(factors, sides, rtol=1e-12, nodes=True, injected=into, accept=_ROUNDING)
            iterations += found.iterations
            stages[0][s] = found.word_line_voltage[0] - u
            stages[1][s] = found.bit_line_voltage[0] - v
            W = stages[0][s] - stages[1][s]
            recover(W.ravel(), stages[1][s].ravel(), f_w, matrix, pivots, rest, stages[2][s])
        end = Moment(
            *(part + np.tensordot(A[5, :5], st[:5], axes=1) + st[5] for part, st in zip(now, stages, strict=True))
        )
        dense = tuple(Moment(*(np.tensordot(row, stage[:5], axes=1) for stage in stages)) for row in DENSE)
        error = max(float(np.abs(stages[k][5]).max()) / self.volts for k in range(2))
        if states:
            error = max(error, float((np.abs(stages[2][5]) / (self.upper - self.lower)).max()))
            error = max(
                error,
                overshoot(
                    kernel, end.u.ravel(), end.v.ravel(), end.x, parameters, control, self.lower, self.upper, pinned, h
                ),
            )
            end = end._replace(x=np.clip(end.x, self.lower, self.upper))
        return Step(now, end, (dense[0], dense[1]), h, error if np.isfinite(error) else np.inf, iterations)
