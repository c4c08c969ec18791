"""Conductances that make up for the resistance of wires: the array's transfer matrix is what the weights ask for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossbar.array import Crossbar
from crossbar.inference.placement import fitted_again
from crossbar.inference.recipe import Recipe
from crossbar.mapping.blocks import Block
from crossbar.wires import Wires
from devices.common.arrays import Array
from devices.common.errors import InputError

__all__ = ["conductances_on_wires", "targets_of"]

#: Change of a conductance, as a share of the largest one, at which an iteration ends.
_TOLERANCE = 1e-11
#: The same while the window is still sought, and the room that is left in it.
_COARSE = 1e-3
_ITERATIONS = 200
#: Least share of the window that is worth using.
_NARROWEST = 0.05
#: Rounds in which the window is narrowed until the conductances lie in it.
_ROUNDS = 20


def targets_of(blocks: Sequence[Block], weights: Array, recipe: Recipe) -> tuple[tuple[Block, ...], list[Array]]:
    """Return the blocks of a matrix and the conductances of each array [S], for the recipe's wires where it says so.

    The mapping of wires that are compensated has a lower upper limit: the far cells need room above it.

    Raises
    ------
    InputError
        If the wires are too resistive for the window.
    """
    plain = [g for block in blocks for g in block.conductances(weights)]
    if not recipe.compensate_wires or recipe.wires.ideal:
        return tuple(blocks), plain
    low, high = recipe.conductance_limits
    top, wires = high, recipe.wires
    found = plain
    for _ in range(_ROUNDS):
        narrowed = fitted_again(blocks, weights, recipe, (low, top))
        wanted = [g for block in narrowed for g in block.conductances(weights)]
        pairs = zip(wanted, found, strict=True)
        found = [conductances_on_wires(g, wires, low, high, start=f, tolerance=_COARSE) for g, f in pairs]
        largest = max(float(g.max()) for g in found)
        if largest <= (1.0 - _COARSE) * high:
            pairs = zip(wanted, found, strict=True)
            found = [conductances_on_wires(g, wires, low, high, start=f) for g, f in pairs]
            largest = max(float(g.max()) for g in found)
            if largest <= high:
                return narrowed, found
        top = low + (top - low) * min(high / largest, 1.0) * (1.0 - 2.0 * _COARSE)
        if top - low < _NARROWEST * (high - low):
            break
    raise InputError(
        "compensate_wires", f"a window of {low:g} to {top:g} S", "less loss on the wires", "a smaller tile"
    )


def conductances_on_wires(
    target: Array,
    wires: Wires,
    low: float,
    high: float,
    *,
    start: Array | None = None,
    tolerance: float = _TOLERANCE,
) -> Array:
    r"""Return the conductances of an array whose transfer matrix is `target`.

    .. math:: G \leftarrow \max\left(g_\min, \; G \cdot \frac{\hat T}{T(G)}\right)

    element by element, with the target :math:`\hat T` and the exact transfer matrix T of the array with its wires. A
    cell that would have to lie below the lower limit stays on it.

    Parameters
    ----------
    target : numpy.ndarray
        Column current for each volt of a row [S], shape ``(rows, columns)``.
    wires : Wires
        The wires.
    low, high : float
        Limits of the conductance window [S]; an array that needs more than ten times the upper one is given up.
    start : numpy.ndarray, optional
        Conductances to start from [S]; the target where not given.
    tolerance : float, optional
        Change of a conductance, as a share of the largest target, at which the iteration ends.

    Returns
    -------
    numpy.ndarray
        Conductances [S], which may exceed the upper limit.

    Raises
    ------
    InputError
        If the conductances do not settle.

    Notes
    -----
    An exact form of the conversion of M. Hu et al., DAC 2016, 19, doi 10.1145/2897937.2898010.
    """
    scale, g, error = float(target.max()), np.array(target if start is None else start), np.inf
    for _ in range(_ITERATIONS):
        transfer = Crossbar(g, wires).transfer()
        ratio = np.divide(target, transfer, out=np.ones_like(target), where=transfer > 0.0)
        new = np.clip(g * ratio, low, 10.0 * high)
        error = float(np.abs(new - g).max()) / scale
        g = new
        if error < tolerance:
            return g
    given = f"conductances that still change by {error:.1e} of the largest after {_ITERATIONS} iterations"
    raise InputError("compensate_wires", given, "less loss on the wires", "a smaller tile")
