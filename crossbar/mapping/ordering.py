"""Orders of rows and columns on an array: for less IR drop, and around stuck cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from devices.common.arrays import Array

__all__ = ["order_for_ir_drop", "rows_around_stuck_cells"]


def order_for_ir_drop(weights: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows and the columns of weights in the order in which they lose least by the resistance of wires.

    Word lines are driven from the left and bit lines sensed below the last row: columns with the largest sums of
    absolute weights come first, and rows with the largest sums last.

    Parameters
    ----------
    weights : numpy.ndarray
        Shape ``(rows, columns)``.

    Returns
    -------
    tuple of numpy.ndarray
        Row and column of the matrix at each place.

    Notes
    -----
    A heuristic of ours; the loss grows with the current that passes a wire and with the wires that it passes. B. Liu et
    al., ICCAD 2014, 63, doi 10.1109/ICCAD.2014.7001330, describe the loss and other ways around it.
    """
    size = np.abs(weights)
    return np.argsort(size.sum(axis=1), kind="stable"), np.argsort(-size.sum(axis=0), kind="stable")


def rows_around_stuck_cells(target: Array, stuck: Array, lines_per_input: int = 1) -> NDArray[np.intp]:
    r"""Return the rows of a target in the order in which stuck cells change it least.

    .. math:: \min_\pi \sum_r \sum_{j \,\mathrm{stuck}} \left(G_{\pi(r) j} - \hat G_{rj}\right)^2

    over the permutations π, with the conductance :math:`\hat G` of stuck cells: an assignment problem.

    Parameters
    ----------
    target : numpy.ndarray
        Conductances that are wanted, in any unit, shape ``(rows, columns)``.
    stuck : numpy.ndarray
        Conductances of stuck cells in that unit, of the same shape; NaN for a cell that can be programmed.
    lines_per_input : int, optional
        Neighbouring rows that stay together.

    Returns
    -------
    numpy.ndarray
        Input of the target at each place, shape ``(rows / lines_per_input,)``.

    Notes
    -----
    L. Chen et al., DATE 2017, 19, doi 10.23919/DATE.2017.7926952, remap rows so by a matching of a bipartite graph.
    """
    from scipy.optimize import linear_sum_assignment

    count = len(target) // lines_per_input
    scale = np.abs(target).max(initial=0.0) or 1.0
    wanted = (target / scale).reshape(count, -1)
    places = (stuck / scale).reshape(count, -1)
    free = np.isnan(places)
    value = np.where(free, 0.0, places)
    # The sum of (wanted - value)^2 over stuck cells, places by inputs.
    cost = (~free).astype(float) @ np.square(wanted).T - 2.0 * value @ wanted.T + np.square(value).sum(1)[:, None]
    return np.asarray(linear_sum_assignment(cost)[1])
