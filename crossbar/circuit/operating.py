"""The solution for any bias: vectors are grouped by which terminals float, and solved by the method for their cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.bias import SIDES
from crossbar.circuit.cell_array import CellArray
from crossbar.circuit.lines import check_joined, connected_sides, ladders
from crossbar.circuit.nonlinear import Problem, solve_cells
from crossbar.circuit.reading import Reader
from crossbar.solution import Solution, line_currents
from crossbar.wires import Wires
from devices.common.arrays import Array
from devices.common.threads import cores, in_threads

__all__ = ["solve_bias"]


def solve_bias(
    cells: Reader | CellArray,
    wires: Wires,
    terminals: tuple[tuple[int, ...], dict[str, Array]],
    control: Array | None,
    rtol: float,
) -> Solution:
    """Solve a crossbar for given potentials at its terminals.

    Parameters
    ----------
    cells : Reader or CellArray
        The reader of ohmic cells, which keeps the factors for the terminals that a read connects; or cells with a
        current law.
    wires : Wires
        The metal.
    terminals : tuple
        Batch shape, and for each side the potentials [V], shape ``(vectors, lines)``; `nan` where a terminal floats.
    control : numpy.ndarray or None
        Potentials of further terminals of the cells [V], shape ``(vectors, cells, controls)``.
    rtol : float
        Largest residual of a line relative to its cell currents.

    Returns
    -------
    Solution
        Everything, with the batch shape in front.
    """
    batch, sides = terminals
    vectors = int(np.prod(batch))
    shape = sides["word_left"].shape[1], sides["bit_bottom"].shape[1]
    floating = np.concatenate([np.isnan(sides[side]) for side in SIDES], axis=1)
    if vectors > 1:
        patterns, which = np.unique(floating, axis=0, return_inverse=True)
    else:
        patterns, which = floating, np.zeros(vectors, dtype=int)
    answers = []
    for pattern in range(len(patterns)):
        chosen = np.flatnonzero(which.ravel() == pattern)
        part = sides if len(patterns) == 1 else {name: side[chosen] for name, side in sides.items()}
        if isinstance(cells, CellArray):
            answer = _solve_laws(cells, wires, shape, part, None if control is None else control[chosen], rtol)
        else:
            answer = _solve_ohmic(cells, part, rtol)
        answers.append((chosen, part, answer))
    if len(answers) == 1:
        grids, bridges, segments, quality = answers[0][2]
    else:
        grids, bridges, segments, quality = _gathered(answers, wires, (vectors, *shape))
    steps, iterations, residual, kcl_error = quality.max(axis=0, initial=0.0)
    u, v, voltage, current = (grid.reshape(*batch, *shape) for grid in grids)
    if segments is not None:
        word, bit = (flow.reshape(*batch, *flow.shape[1:]) for flow in segments)
        segments = word, bit
    return Solution(
        potential={name: side.reshape(*batch, side.shape[-1]) for name, side in sides.items()},
        word_line_voltage=u,
        bit_line_voltage=v,
        cell_voltage=voltage,
        cell_current=current,
        short_current=bridges.reshape(*batch, len(wires.shorts)),
        wires=wires,
        iterations=int(iterations),
        newton_steps=int(steps),
        residual=float(residual),
        kcl_error=float(kcl_error),
        _segment_current=segments,
    )


def _gathered(answers: list[tuple], wires: Wires, shape: tuple[int, int, int]) -> tuple:
    """Return the answers to vectors with different terminals floating as one, in their order; see `_solve_ohmic`."""
    vectors, rows, columns = shape
    grids = [np.empty(shape) for _ in range(4)]
    bridges, quality = np.empty((vectors, len(wires.shorts))), np.empty((vectors, 4))
    segments = None
    if any(answer[2] is not None for _, _, answer in answers):
        segments = np.empty((vectors, rows, columns + 1)), np.empty((vectors, rows + 1, columns))
    for chosen, part, (its_grids, its_bridges, its_segments, its_quality) in answers:
        for grid, found in zip(grids, its_grids, strict=True):
            grid[chosen] = found
        bridges[chosen], quality[chosen] = its_bridges, its_quality
        if segments is not None:
            u, v, _, current = its_grids
            flows = its_segments or line_currents(wires, part, u, v, current, current, its_bridges)
            segments[0][chosen], segments[1][chosen] = flows
    return grids, bridges, segments, quality


def _solve_ohmic(reader: Reader, sides: dict[str, Array], rtol: float) -> tuple:
    """Return four grids, short and segment currents, and steps, iterations, residual and KCL error of vectors."""
    found = reader.solve(sides, rtol)
    quality = np.zeros((len(found.error), 4))
    quality[:, 1], quality[:, 2], quality[:, 3] = found.iterations, found.error, found.kcl_error
    grids = found.word_line_voltage, found.bit_line_voltage, found.cell_voltage, found.cell_current
    return grids, found.short_current, found.segment_current, quality


def _connected(sides: dict[str, Array]) -> dict[str, NDArray[np.bool_]]:
    return connected_sides({name: side[0] for name, side in sides.items()})


def _conducting(cells: CellArray, shape: tuple[int, int], sides: dict[str, Array], control: Array | None) -> Array:
    """Return 1 for cells that carry a current, 0 for those that are open, such as one whose filament is gone."""
    potentials = np.concatenate([side.ravel() for side in sides.values()])
    volts = float(np.nanmax(potentials) - np.nanmin(potentials)) or 1.0
    sample = cells if control is None else cells._replace(control=control[0])
    zero = np.zeros(shape)
    currents = [sample.at(np.full(shape, sign * volts), zero)[0] for sign in (1.0, -1.0)]
    return ((currents[0] != 0.0) | (currents[1] != 0.0)).astype(float)


def _solve_laws(
    cells: CellArray,
    wires: Wires,
    shape: tuple[int, int],
    sides: dict[str, Array],
    control: Array | None,
    rtol: float,
) -> tuple:
    """Do the same for cells with a current law, one vector after another, split between cores."""
    shared = ladders(wires, _connected(sides), _conducting(cells, shape, sides, control))
    check_joined(shared, sides)
    vectors = len(sides["word_left"])
    grids = [np.empty((vectors, *shape)) for _ in range(3)]
    bridges = np.zeros((vectors, len(wires.shorts)))
    quality = np.zeros((vectors, 4))

    def solve(part: slice) -> None:
        for k in range(part.start, part.stop):
            one = {name: side[k : k + 1] for name, side in sides.items()}
            moved = cells if control is None else cells._replace(control=control[k])
            found = solve_cells(Problem(moved, shared, one), rtol=rtol)
            for grid, value in zip(grids, found[:3], strict=True):
                grid[k] = value
            bridges[k] = found.short_current
            quality[k] = found.newton_steps, found.iterations, found.residual, found.kcl_error

    in_threads(solve, vectors, threads=min(cores(), vectors))
    u, v, current = grids
    return (u, v, u - v, current), bridges, None, quality
