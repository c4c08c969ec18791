"""The solution for any bias: vectors are grouped by which terminals float, and solved by the method for their cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.bias import SIDES
from crossbar.circuit.cell_array import CellArray
from crossbar.circuit.linear import solve_lines
from crossbar.circuit.lines import Ladders, connected_sides, factor_lines, joined_sources, ladders
from crossbar.circuit.nonlinear import Problem, solve_cells
from crossbar.circuit.reading import Reader
from crossbar.solution import Solution
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
    grids = [np.empty((vectors, *shape)) for _ in range(3)]
    quality = np.zeros((vectors, 4))
    floating = np.concatenate([np.isnan(sides[side]) for side in SIDES], axis=1)
    if vectors > 1:
        patterns, which = np.unique(floating, axis=0, return_inverse=True)
    else:
        patterns, which = floating, np.zeros(vectors, dtype=int)
    for pattern in range(len(patterns)):
        chosen = np.flatnonzero(which.ravel() == pattern)
        part = {name: side[chosen] for name, side in sides.items()}
        if isinstance(cells, CellArray):
            answer = _solve_laws(cells, wires, shape, part, None if control is None else control[chosen], rtol)
        else:
            answer = _solve_ohmic(cells, part, rtol)
        for grid, found in zip(grids, answer[:3], strict=True):
            grid[chosen] = found
        quality[chosen] = answer[3]
    steps, iterations, residual, kcl_error = quality.max(axis=0, initial=0.0)
    whole = (*batch, *shape)
    return Solution(
        potential={name: side.reshape(*batch, side.shape[-1]) for name, side in sides.items()},
        word_line_voltage=grids[0].reshape(whole),
        bit_line_voltage=grids[1].reshape(whole),
        cell_current=grids[2].reshape(whole),
        wires=wires,
        iterations=int(iterations),
        newton_steps=int(steps),
        residual=float(residual),
        kcl_error=float(kcl_error),
    )


def _connected(sides: dict[str, Array]) -> dict[str, NDArray[np.bool_]]:
    return connected_sides({name: side[0] for name, side in sides.items()})


def _solve_ohmic(reader: Reader, sides: dict[str, Array], rtol: float) -> tuple:
    """Return three grids, and steps, iterations, residual and KCL error of vectors with the same terminals floating."""
    on, conductance = _connected(sides), reader.conductance
    as_read = on["word_left"].all() and on["bit_bottom"].all() and not (on["word_right"].any() or on["bit_top"].any())
    factors = reader.factors() if as_read else factor_lines(conductance, ladders(reader.wires, on, conductance))
    _check_joined(factors.ladders, sides)
    found = solve_lines(factors, sides, rtol=rtol, nodes=True)
    u, v = found.word_line_voltage, found.bit_line_voltage
    return u, v, conductance * (u - v), (0, found.iterations, found.residual, found.kcl_error)


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
    _check_joined(shared, sides)
    vectors = len(sides["word_left"])
    grids = [np.empty((vectors, *shape)) for _ in range(3)]
    quality = np.zeros((vectors, 4))

    def solve(part: slice) -> None:
        for k in range(part.start, part.stop):
            one = {name: side[k : k + 1] for name, side in sides.items()}
            moved = cells if control is None else cells._replace(control=control[k])
            found = solve_cells(Problem(moved, shared, one), rtol=rtol)
            for grid, value in zip(grids, found[:3], strict=True):
                grid[k] = value
            quality[k] = found[3:]

    in_threads(solve, vectors, threads=min(cores(), vectors))
    return (*grids, quality)


def _check_joined(shared: Ladders, sides: dict[str, Array]) -> None:
    """Raise `InputError` where ideal metal joins two sources of different potential."""
    for ladder, one, two in ((shared.word, "word_left", "word_right"), (shared.bit, "bit_top", "bit_bottom")):
        apart = ladder.joined & (sides[one] != sides[two]).any(axis=0)
        if apart.any():
            raise joined_sources(one, two, int(np.flatnonzero(apart)[0]))
