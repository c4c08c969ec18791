"""`Cell`: the protocol of the devices at the crossings of an array."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array

__all__ = ["Cell", "state_corners"]


@runtime_checkable
class Cell(Protocol):
    """An ensemble of two-terminal cells with a current law: a `Device`, or several in series, reduced to their port."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Ensemble shape."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states, in order."""

    @property
    def control_names(self) -> tuple[str, ...]:
        """Names of further terminals such as a gate, in order."""

    @property
    def start(self) -> Array:
        """Starting state, shape ``(*shape, states)``."""

    @property
    def kernel(self) -> Any:
        """Compiled law, of signature `devices.kernels.evaluate.KERNEL_SIGNATURE`."""

    def bounds(self) -> tuple[Array, Array]:
        """Lower and upper bounds of the states, each of shape ``(*shape, states)``."""

    def parameter_rows(self, shape: tuple[int, ...]) -> Array:
        """Parameters as the kernel takes them, a row for each cell of `shape`, or one row for all."""

    def with_start(self, state: ArrayLike) -> Cell:
        """Return the same cells with other starting states, shape ``(*shape, states)``."""


def state_corners(lower: Array, upper: Array) -> Iterator[Array]:
    """Yield the corners of the state space, each state at one of its bounds, in the bounds' shape ``(..., states)``.

    A quantity that is monotonic in each state has its extremes there. Cells without states have one corner.
    """
    for share in product((0.0, 1.0), repeat=lower.shape[-1]):
        yield lower + np.array(share) * (upper - lower)
