"""Reads of an array by this project; times include building the crossbar, except in the functions with `again`."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import SINH_SCALE, problem, vectors
from benchmarks.task import Task
from crossbar import Crossbar, Wires


def _quality(readout: Any) -> dict[str, Any]:
    return {"iterations": readout.iterations, "residual": readout.residual, "newton_steps": readout.newton_steps}


def _current(readout: Any) -> Any:
    return readout.current


def _nodes(readout: Any) -> Any:
    return np.stack([readout.word_line_voltage, readout.bit_line_voltage])


def _read_small(regime: str) -> None:
    given = problem(4, regime)
    Crossbar(given.conductance, Wires(given.segment, given.segment)).read(given.voltage)


def read(size: int, regime: str = "easy", nodes: bool = False) -> Task:
    """One vector: build, factor and read."""
    given = problem(size, regime)
    wires = Wires(given.segment, given.segment)
    return Task(
        lambda: Crossbar(given.conductance, wires).read(given.voltage, nodes=nodes),
        warm=lambda: _read_small(regime),
        report=_quality,
        value=_nodes if nodes else _current,
    )


def read_again(size: int, regime: str = "easy") -> Task:
    """One vector on a crossbar that has been read before."""
    given = problem(size, regime)
    array = Crossbar(given.conductance, Wires(given.segment, given.segment))
    return Task(
        lambda: array.read(given.voltage), warm=lambda: array.read(given.voltage), report=_quality, value=_current
    )


def reads(size: int, count: int) -> Task:
    """Many vectors: build, factor and read."""
    given, many = problem(size), vectors(size, count)
    wires = Wires(given.segment, given.segment)
    small, few = problem(4), vectors(4, 64)

    def warm() -> None:
        array = Crossbar(small.conductance, wires)
        array.read(few, nodes=True)
        array.transfer()
        array.read(few)

    return Task(lambda: Crossbar(given.conductance, wires).read(many), warm=warm, report=_quality, value=_current)


def reads_again(size: int, count: int) -> Task:
    """Many vectors on a crossbar whose transfer matrix is known."""
    given, many = problem(size), vectors(size, count)
    array = Crossbar(given.conductance, Wires(given.segment, given.segment))
    return Task(lambda: array.read(many), warm=array.transfer, report=_quality, value=_current)


def transfer(size: int) -> Task:
    """The transfer matrix: build and eliminate."""
    given = problem(size)
    wires = Wires(given.segment, given.segment)
    small = problem(4)
    return Task(
        lambda: Crossbar(given.conductance, wires).transfer(),
        warm=lambda: Crossbar(small.conductance, wires).transfer(),
    )


def nonlinear(size: int) -> Task:
    """One vector into cells with i = g v0 sinh(v / v0): devices, crossbar, Newton's method, all node voltages."""
    from devices import device

    def work(lines: int) -> Any:
        given = problem(lines)
        cells = device("sinh_cell", g=given.conductance, v0=SINH_SCALE)
        return Crossbar(cells, Wires(given.segment, given.segment)).read(given.voltage, nodes=True)

    return Task(lambda: work(size), warm=lambda: work(4), report=_quality, value=_nodes)
