"""`Mapping`: the protocol by which weights become conductances, and column currents become products."""

from __future__ import annotations

from typing import ClassVar, Protocol

from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import number

__all__ = ["Mapping", "MappingScheme", "check_limits"]


class Mapping(Protocol):
    """A mapping with its scale: the arithmetic between a matrix of weights and the cells that stand for it.

    Attributes
    ----------
    columns_per_output : int
        Neighbouring columns of an array that stand for one output; they are always on one tile.
    """

    columns_per_output: ClassVar[int]

    def conductances(self, weights: ArrayLike) -> Array:
        """Return the conductances [S], shape ``(rows, outputs * columns_per_output)``, of ``(rows, outputs)`` weights.

        Raises
        ------
        InputError
            If a weight needs a conductance outside the window.
        """

    def weights(self, currents: ArrayLike) -> Array:
        """Return the weights that columns stand for, given as currents of 1 V or as conductances [S].

        Shape ``(..., outputs * columns_per_output)`` becomes ``(..., outputs)``. It is linear: column currents of a
        read, divided by the read voltage, give the products of the inputs and the weights.
        """


class MappingScheme(Protocol):
    """Makes a `Mapping` for a matrix: a class such as `DifferentialPairs`, or an object with options of its own."""

    columns_per_output: int

    def fit(self, weights: ArrayLike, conductance_limits: tuple[float, float]) -> Mapping:
        """Return the mapping that brings `weights` into the conductance window ``(g_min, g_max)`` [S]."""


def check_limits(limits: tuple[float, float]) -> tuple[float, float]:
    """Return conductance limits ``(g_min, g_max)`` [S] with ``0 <= g_min < g_max``, or raise `InputError`."""
    if not isinstance(limits, tuple) or len(limits) != 2:
        raise InputError("conductance_limits", repr(limits), "(g_min, g_max) [S]", "device.conductance_limits(0.3)")
    low = number("conductance_limits[0]", limits[0], unit="S", minimum=0.0)
    return low, number("conductance_limits[1]", limits[1], unit="S", minimum=low, open_minimum=True)
