"""`Block`: the part of a matrix that one array holds, or the several arrays of its mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar.mapping.base import Layout, Mapping
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import finite_array

__all__ = ["Block"]


@dataclass(frozen=True, eq=False)
class Block:
    r"""Part of a matrix, with the conductances of its arrays and the products of their currents.

    .. math:: y_o = \sum_c f_{oc} \Big( \frac{I_{oc}}{V} - Z_c \Big)

    over the columns c of an output, with the factors f of the mapping and, as the layout says, Z = 0, the computed
    :math:`z_c \sum_i x_i` or the current of a reference column.

    Parameters
    ----------
    mapping : Mapping
        The mapping, fitted.
    layout : Layout
        How the cells of a weight lie on arrays.
    inputs, outputs : numpy.ndarray
        Rows and columns of the matrix in the order in which they lie on the arrays.
    lines : slice
        Its word lines among those of the matrix.
    columns : tuple of slice
        Columns of each array among the physical columns of the matrix.
    whole : bool, optional
        Whether the mapping is asked for the whole matrix at once, of which each array takes neighbouring columns: so
        for mappings without a layout, whose columns may differ from one another.
    """

    mapping: Mapping
    layout: Layout
    inputs: NDArray[np.intp]
    outputs: NDArray[np.intp]
    lines: slice
    columns: tuple[slice, ...]
    whole: bool = False

    def deal(self, columns: Array) -> list[Array]:
        """Return the part of each array, of values of all columns, shape ``(..., outputs * columns_per_output)``."""
        if self.whole:
            return [columns[..., part] for part in self.columns]
        return [columns[..., k :: self.layout.arrays] for k in range(self.layout.arrays)]

    def conductances(self, weights: Array) -> list[Array]:
        """Return the conductances of each array [S], of the weights of the whole matrix."""
        part = weights if self.whole else weights[np.ix_(self.inputs, self.outputs)]
        layout = self.layout
        shape = (layout.lines_per_input * part.shape[0], layout.columns_per_output * part.shape[1])
        found = self.mapping.conductances(part)
        cells = finite_array("mapping.conductances", found, unit="S", shape=shape, minimum=0.0)
        dealt = self.deal(cells[self.inputs] if self.whole else cells)
        if layout.references:
            dealt = [
                np.hstack([g, np.broadcast_to(z, (len(g), z.size))]) for g, z in zip(dealt, self.zeros, strict=True)
            ]
        return [np.ascontiguousarray(g) for g in dealt]

    def products(self, currents: Sequence[Array], total: Array | float = 0.0) -> Array:
        """Return the products, shape ``(..., outputs)``.

        Parameters
        ----------
        currents : sequence of numpy.ndarray
            Column currents of each array at a read voltage of 1 V, shape ``(..., columns)``.
        total : numpy.ndarray or float
            Sum of its inputs as shares of full scale, shape ``(...)``; used by a computed zero alone.
        """
        layout, outputs = self.layout, self.outputs.size
        taken = []
        for k, current in enumerate(currents):
            if layout.zero == "digital":
                current = current - np.tile(self.zeros[k], outputs) * np.asarray(total)[..., None]
            elif layout.references:
                reference = current[..., -layout.references :]
                current = current[..., : -layout.references] - np.tile(reference, outputs)
            taken.append(current)
        if self.whole or layout.arrays == 1:
            return self.mapping.weights(np.concatenate(taken, axis=-1))
        return self.mapping.weights(np.stack(taken, axis=-1).reshape(*taken[0].shape[:-1], -1))

    @property
    def factors(self) -> Array:
        """The factors f of each column of each output [1/S], shape ``(outputs, columns_per_output)``.

        Raises
        ------
        InputError
            If a column of the mapping counts for several outputs.
        """
        outputs, each = self.outputs.size, self.layout.columns_per_output
        found = np.empty((outputs, each))
        for c in range(each):
            unit = np.zeros((outputs, outputs * each))
            unit[np.arange(outputs), np.arange(outputs) * each + c] = 1.0
            weights = np.asarray(self.mapping.weights(unit))
            found[:, c] = weights.diagonal()
            if np.count_nonzero(weights) > np.count_nonzero(found[:, c]):
                given = f"{type(self.mapping).__name__}, with columns for several outputs"
                raise InputError("mapping", given, "columns that stand for one output each")
        return found

    def clipped(self, weights: Array) -> int:
        """Return the number of weights, of the whole matrix, that its mapping clips."""
        count: Any = getattr(self.mapping, "clipped", None)
        return 0 if count is None else int(count(weights[np.ix_(self.inputs, self.outputs)]))

    @property
    def zeros(self) -> list[Array]:
        """Conductances of a weight of zero on each array [S], shape ``(columns,)``."""
        zero: Any = self.mapping
        return [zero.zero[k :: self.layout.arrays] for k in range(self.layout.arrays)]
