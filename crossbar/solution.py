"""`Solution`: potentials, currents and power everywhere in a crossbar, with their residuals."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from crossbar.bias import SIDES
from crossbar.wires import Short, Wires
from devices.common.arrays import Array

__all__ = ["Solution"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Solution:
    """Node voltages and currents of a crossbar with given potentials at its terminals.

    Parameters
    ----------
    potential : dict of str to numpy.ndarray
        Potentials of the terminals of each side [V], shape ``(..., lines)``; `nan` where a terminal floats.
    word_line_voltage, bit_line_voltage : numpy.ndarray
        Node voltages [V], shape ``(..., rows, columns)``.
    cell_voltage : numpy.ndarray
        Voltage across each cell, word line minus bit line [V], shape ``(..., rows, columns)``.
    cell_current : numpy.ndarray
        Current from word line to bit line through each cell [A], shape ``(..., rows, columns)``.
    wires : Wires
        The metal.
    iterations : int
        Iterations of the linear solver for the slowest vector, summed over the Newton steps.
    newton_steps : int
        Newton steps of the slowest vector; 0 for ohmic cells.
    residual : float
        Bound of the error of a line's currents relative to its largest one: what is left of Kirchhoff's current law,
        and rounding. A line that carries no current as far as rounding tells is compared with the strongest line.
    kcl_error : float
        Bound of the error of a line's currents [A]: its violation of Kirchhoff's current law, and rounding.
    short_current : numpy.ndarray
        Current through each short of the wires, from its first line to the next one [A], shape ``(..., shorts)``.
    """

    potential: dict[str, Array]
    word_line_voltage: Array
    bit_line_voltage: Array
    cell_voltage: Array
    cell_current: Array
    wires: Wires
    iterations: int
    newton_steps: int
    residual: float
    kcl_error: float
    short_current: Array
    _segment_current: tuple[Array, Array] | None = field(default=None, repr=False)

    @cached_property
    def _flows(self) -> tuple[Array, Array]:
        if self._segment_current is not None:
            return self._segment_current
        return line_currents(
            self.wires,
            self.potential,
            self.word_line_voltage,
            self.bit_line_voltage,
            self.cell_current,
            self.cell_current,
            self.short_current,
        )

    @property
    def word_line_current(self) -> Array:
        """Current to the right through each word-line segment [A], shape ``(..., rows, columns + 1)``."""
        return self._flows[0]

    @property
    def bit_line_current(self) -> Array:
        """Current downward through each bit-line segment [A], shape ``(..., rows + 1, columns)``."""
        return self._flows[1]

    @property
    def terminal_current(self) -> dict[str, Array]:
        """Current from each terminal into the array [A], by side, shape ``(..., lines)``; 0 where it floats."""
        return terminal_currents(self._flows)

    @property
    def power(self) -> Array:
        """Power that all terminals deliver [W], shape ``(...)``: what wires and cells turn into heat."""
        return delivered_power(self.potential, self.terminal_current)

    @property
    def terminal_power(self) -> dict[str, Array]:
        """Power that each terminal delivers [W], by side, shape ``(..., lines)``; 0 where it floats."""
        return {side: np.nan_to_num(self.potential[side]) * i for side, i in self.terminal_current.items()}

    @property
    def cell_power(self) -> Array:
        """Heat of the cells [W], shape ``(...)``."""
        return np.einsum("...ij,...ij->...", self.cell_voltage, self.cell_current)

    @property
    def wire_power(self) -> Array:
        """Heat of segments, drivers, sense amplifiers and shorts [W], shape ``(...)``."""
        u, v = self.word_line_voltage, self.bit_line_voltage
        return line_heat(self.wires, self._flows, u, v, self.short_current)


def line_currents(
    wires: Wires,
    potential: dict[str, Array],
    u: Array,
    v: Array,
    leaves: Array,
    arrives: Array,
    bridges: Array | None = None,
) -> tuple[Array, Array]:
    """Return the currents along all segments [A]: word lines to the right, bit lines downward.

    `leaves` is the current out of each word-line node and `arrives` the current into each bit-line node, both
    ``(..., rows, columns)``: that of the cell, and in a transient of the capacitances. `bridges` are the currents of
    shorts, ``(..., shorts)``; where not given, they follow from the potentials.
    """
    rows, columns = leaves.shape[-2:]
    r_word, r_bit = wires.segments(rows, columns)
    leaves, arrives = _bridged(wires, u, v, leaves, arrives, bridges)
    word = _along(leaves, r_word, potential["word_left"], potential["word_right"])
    bit = _along(-arrives.swapaxes(-1, -2), r_bit.T, potential["bit_top"], potential["bit_bottom"])
    return word, bit.swapaxes(-1, -2)


def line_totals(
    wires: Wires, u: Array, v: Array, cell_current: Array, bridges: Array | None = None
) -> tuple[Array, Array]:
    """Return what each word line loses, ``(..., rows)``, and each bit line gets, ``(..., columns)`` [A].

    Shorts are included. Where a line has one terminal, that is the terminal's current.
    """
    leaves, arrives = _bridged(wires, u, v, cell_current, cell_current, bridges)
    return leaves.sum(axis=-1), arrives.sum(axis=-2)


def _bridged(
    wires: Wires, u: Array, v: Array, leaves: Array, arrives: Array, bridges: Array | None
) -> tuple[Array, Array]:
    """Return the currents out of word-line nodes and into bit-line nodes with those of shorts added."""
    if wires.shorts:
        leaves, arrives = leaves.copy(), arrives.copy()
    for k, short in enumerate(wires.shorts):
        current = _through(short, u, v) if bridges is None else bridges[..., k]
        if short.kind == "word":
            leaves[..., short.line, short.cell] += current
            leaves[..., short.line + 1, short.cell] -= current
        else:
            arrives[..., short.cell, short.line] -= current
            arrives[..., short.cell, short.line + 1] += current
    return leaves, arrives


def line_heat(wires: Wires, flows: tuple[Array, Array], u: Array, v: Array, bridges: Array | None = None) -> Array:
    """Return the heat of segments, drivers, sense amplifiers and shorts [W], shape ``(...)``."""
    r_word, r_bit = (np.where(np.isinf(r), 0.0, r) for r in wires.segments(*u.shape[-2:]))
    heat = (r_word * flows[0] ** 2).sum(axis=(-1, -2)) + (r_bit * flows[1] ** 2).sum(axis=(-1, -2))
    for k, short in enumerate(wires.shorts):
        if short.resistance < np.inf:
            heat = heat + short.resistance * (_through(short, u, v) if bridges is None else bridges[..., k]) ** 2
    return heat


def terminal_currents(flows: tuple[Array, Array]) -> dict[str, Array]:
    """Return the current from each terminal into the array [A], by side, shape ``(..., lines)``."""
    word, bit = flows
    ends = (word[..., :, 0], -word[..., :, -1], bit[..., 0, :], -bit[..., -1, :])
    return dict(zip(SIDES, ends, strict=True))


def delivered_power(potential: dict[str, Array], current: dict[str, Array]) -> Array:
    """Return the power that all terminals deliver [W], shape ``(...)``."""
    return sum((np.nan_to_num(potential[side]) * current[side]).sum(axis=-1) for side in SIDES)


def _through(short: Short, u: Array, v: Array) -> Array:
    """Return the current through a short from its first line to the next one [A], shape ``(...)``."""
    if short.kind == "word":
        lines = u[..., short.line : short.line + 2, short.cell]
    else:
        lines = v[..., short.cell, short.line : short.line + 2]
    return (lines[..., 0] - lines[..., 1]) / short.resistance


def _along(leaves: Array, r: Array, first: Array, last: Array) -> Array:
    """Return the currents along lines ``(..., lines, nodes + 1)`` whose nodes lose `leaves`, toward their last end.

    A line with both terminals connected divides them: ``(V_first - V_last + sum_k leaves_k R_k) / R``, with ``R_k`` the
    resistance from node k to the last terminal; where all of it is ideal, as equal resistances would, however small.
    Pieces between open wires each
    have an end at which the current is 0; there the sum starts.
    """
    total = leaves.sum(axis=-1)
    metal = np.where(np.isinf(r), 0.0, r)  # lines with open wires are done below
    metal[~metal.any(axis=1)] = 1.0
    whole = metal.sum(axis=1)
    beyond = np.cumsum(metal[:, :0:-1], axis=1)[:, ::-1]
    divided = (first - last + (leaves * beyond).sum(axis=-1)) / whole
    start = np.where(np.isnan(first), 0.0, np.where(np.isnan(last), total, divided))
    flow = np.concatenate([start[..., None], start[..., None] - np.cumsum(leaves, axis=-1)], axis=-1)
    for line in np.flatnonzero(np.isinf(r).any(axis=1)):
        flow[..., line, :] = _broken(leaves[..., line, :], r[line])
    return flow


def _broken(leaves: Array, r: Array) -> Array:
    """Return the currents along one line ``(..., nodes + 1)`` with open segments, summed from those."""
    flow = np.zeros((*leaves.shape[:-1], r.size))
    breaks = np.flatnonzero(np.isinf(r))
    for k in range(breaks[0] - 1, -1, -1):
        flow[..., k] = flow[..., k + 1] + leaves[..., k]
    for number, start in enumerate(breaks):
        stop = breaks[number + 1] if number + 1 < breaks.size else r.size
        for k in range(start + 1, stop):
            flow[..., k] = flow[..., k - 1] - leaves[..., k - 1]
    return flow
