"""`OhmicCells`: cells that obey Ohm's law, a conductance for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import finite_array

__all__ = ["OhmicCells"]


class OhmicCells:
    """Conductances as the cells of an array; they follow the protocol `devices.cells.protocol.Cell`.

    They have no states, and their kernel has one parameter, the conductance.

    Parameters
    ----------
    conductance : array_like
        Conductances [S], shape ``(rows, columns)``, each >= 0; 0 is an open cell, infinity a shorted one; copied.

    Raises
    ------
    InputError
        If a conductance is negative or not a number (the cell is named), or the cells are not 2-D.

    Examples
    --------
    >>> cells = OhmicCells([[1e-4, 2e-5], [5e-5, 1e-5]])
    >>> cells.shape, cells.state_names
    ((2, 2), ())
    """

    __slots__ = ("_conductance", "_writeable", "shorted")

    state_names: tuple[str, ...] = ()
    control_names: tuple[str, ...] = ()

    def __init__(self, conductance: ArrayLike) -> None:
        self._writeable, self.shorted = _conductances(conductance)
        self._conductance = self._writeable.view()
        self._conductance.setflags(write=False)

    @property
    def conductance(self) -> Array:
        """Conductances [S], shape ``(rows, columns)``, read-only."""
        return self._conductance

    @property
    def writeable(self) -> Array:
        """The same array as the compiled loops take it, which are made for writeable ones; nothing writes to it."""
        return self._writeable

    @property
    def shape(self) -> tuple[int, ...]:
        """``(rows, columns)``."""
        return self._conductance.shape

    @property
    def start(self) -> Array:
        """Starting state: none, shape ``(rows, columns, 0)``."""
        return np.empty((*self.shape, 0))

    @property
    def kernel(self) -> Any:
        """Compiled law ``i = conductance * v``."""
        from crossbar.circuit.ports import ohmic

        return ohmic

    def bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds of no states, each of shape ``(rows, columns, 0)``."""
        return self.start, self.start

    def parameter_rows(self, shape: tuple[int, ...]) -> Array:
        """Conductances as the kernel takes them, one for each cell of `shape` [S], shape ``(cells, 1)``."""
        return np.array(np.broadcast_to(self._conductance, shape)).reshape(-1, 1)

    def with_start(self, state: ArrayLike) -> OhmicCells:
        """Return the same cells: they have no states to start from, `state` has shape ``(..., 0)``."""
        finite_array("state", state, shape=("...", 0))
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return OhmicCells, (self._conductance,)

    def __repr__(self) -> str:
        return f"OhmicCells({self})"

    def __str__(self) -> str:
        return f"of {self._conductance.min():.3g} to {self._conductance.max():.3g} S"


def _conductances(given: ArrayLike) -> tuple[Array, bool]:
    """Return conductances as a new array, if all are numbers >= 0 or infinite, and whether any is infinite."""
    try:
        return _finite(given).copy(), False
    except InputError:
        try:
            shorted = np.asarray(given, dtype=float) == np.inf
        except (TypeError, ValueError):
            shorted = np.zeros((), dtype=bool)
        if not shorted.any():
            raise
    return np.where(shorted, np.inf, _finite(np.where(shorted, 0.0, given))), True


def _finite(given: ArrayLike) -> Array:
    return finite_array("conductance", given, unit="S", shape=("rows", "columns"), minimum=0.0)
