"""Collects the samples and the energies of a transient."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbar.array_trace import ArrayTrace
from crossbar.bias import SIDES
from crossbar.circuit.transient import Stepper, split_sides
from crossbar.solution import delivered_power, line_currents, line_heat, terminal_currents
from devices.common.arrays import Array

__all__ = ["Record"]


class Record:
    """The samples and energies of a transient up to its present time.

    Parameters
    ----------
    crossbar : Crossbar
        The array.
    stepper : Stepper
        Its steps, none of them made.
    cells : tuple of tuple of int, or None
        The probed cells; ``None`` for all.
    """

    def __init__(self, crossbar: Any, stepper: Stepper, cells: tuple[tuple[int, int], ...] | None) -> None:
        self._crossbar, self._stepper, self._cells = crossbar, stepper, cells
        columns = crossbar.shape[1]
        self._probed = slice(None) if cells is None else np.array([i * columns + j for i, j in cells], dtype=np.int64)
        self._samples: list[tuple[dict[str, Array], dict[str, Array], list[Array]]] = []
        self._energy = dict.fromkeys(("delivered", "wires", "cells", "stored", "turnover"), 0.0)
        self._stored = self._energy_stored()
        self.take()

    def _energy_stored(self) -> float:
        """Return the energy of all capacitances [J]."""
        now, wires = self._stepper.work.now, self._crossbar.wires
        word = wires.word_line_capacitance * np.vdot(now.u, now.u)
        bit = wires.bit_line_capacitance * np.vdot(now.v, now.v)
        return 0.5 * float(word + bit + wires.crossing_capacitance * ((now.u - now.v) ** 2).sum())

    def take(self) -> None:
        """Take the moments that the stepper has written."""
        shape, wires, moments = self._crossbar.shape, self._crossbar.wires, self._stepper.moments
        count = int(moments.written[0])
        weight, *parts = (part[:count] for part in moments[1:])
        potential = split_sides(parts[0], shape)
        u, v, current, leaves, arrives = (part.reshape(count, *shape) for part in parts[1:6])
        flows = line_currents(wires, potential, u, v, leaves, arrives)
        terminal = terminal_currents(flows)
        delivered = delivered_power(potential, terminal)
        self._energy["delivered"] += float(weight @ delivered)
        self._energy["turnover"] += float(weight @ np.abs(delivered))
        self._energy["wires"] += float(weight @ line_heat(wires, flows, u, v))
        self._energy["cells"] += float(weight @ np.einsum("kij,kij->k", current, u - v))
        rows = weight == 0.0
        grids = [part[rows][:, self._probed] for part in (*parts[1:4], parts[6])]
        self._samples.append(({s: potential[s][rows] for s in SIDES}, {s: terminal[s][rows] for s in SIDES}, grids))
        moments.written[0] = 0

    def trace(self, complete: bool) -> ArrayTrace:
        """Return all that was collected."""
        crossbar, progress, x = self._crossbar, self._stepper.progress[0], self._stepper.work.now.x
        potentials, terminals, grids = zip(*self._samples, strict=True)
        u, v, current, state = (np.concatenate(parts) for parts in zip(*grids, strict=True))
        if self._cells is None:
            u, v, current, state = (a.reshape(len(a), *crossbar.shape, *a.shape[2:]) for a in (u, v, current, state))
        return ArrayTrace(
            crossbar=crossbar,
            time=self._stepper.circuit.times[: len(u)],
            potential={side: np.concatenate([p[side] for p in potentials]) for side in SIDES},
            terminal_current={side: np.concatenate([p[side] for p in terminals]) for side in SIDES},
            cells=self._cells,
            word_line_voltage=u,
            bit_line_voltage=v,
            cell_current=current,
            state=state,
            final_state=x.reshape(*crossbar.shape, x.shape[1]).copy(),
            energy={**self._energy, "stored": self._energy_stored() - self._stored},
            steps=int(progress["taken"]),
            rejected=int(progress["rejected"]),
            iterations=int(progress["iterations"]),
            complete=complete,
        )
