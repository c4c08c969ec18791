"""Quantisation: a finite number of conductance levels of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed
from devices.common.validation import finite_array, integer
from devices.effects.base import ValueEffect, WindowEffect, window
from devices.sources import Status

__all__ = ["GivenLevels", "UniformLevels"]


@dataclass(frozen=True)
class UniformLevels(WindowEffect):
    """Levels at equal distances in conductance, both limits of the window among them.

    Each conductance goes to the nearest level. The error is at most half a step; over uniform conductances its variance
    is ``step² / 12``.

    Parameters
    ----------
    count : int
        Number of levels, at least 2; ``2**bits`` for a cell of so many bits.
    """

    count: int
    source: ClassVar[str] = "a definition: equidistant levels"
    status: ClassVar[Status] = "ours"

    def __post_init__(self) -> None:
        integer("count", self.count, minimum=2)

    def apply(self, conductance: ArrayLike, limits: tuple[float, float], seed: Seed | None = None) -> Array:
        """Return the nearest levels to `conductance` [S] within `limits` [S]; no random numbers are drawn."""
        programmed = finite_array("conductance", conductance, unit="S", minimum=0.0)
        low, high = window(limits)
        share = np.clip((programmed - low) / (high - low), 0.0, 1.0)
        index = np.rint(share * (self.count - 1))
        return np.where(index == self.count - 1, high, low + index * ((high - low) / (self.count - 1)))


@dataclass(frozen=True)
class GivenLevels(ValueEffect):
    """Levels as given, such as those measured on a cell under pulses.

    Each conductance goes to the nearest level, the lower one at a tie.

    Parameters
    ----------
    levels : tuple of float
        At least one conductance [S], in any order.
    """

    levels: tuple[float, ...]
    source: ClassVar[str] = "a definition: the levels are the caller's"
    status: ClassVar[Status] = "ours"

    def __post_init__(self) -> None:
        given = finite_array("levels", self.levels, unit="S", shape=("levels",), minimum=0.0)
        if np.unique(given).size < given.size:
            raise InputError("levels", "a level twice", "different conductances [S]")
        object.__setattr__(self, "levels", tuple(np.sort(given).tolist()))

    def apply(self, value: ArrayLike, seed: Seed | None = None) -> Array:
        """Return the nearest levels to the conductances `value` [S]; no random numbers are drawn."""
        programmed = finite_array("value", value, unit="S", minimum=0.0)
        levels = np.array(self.levels)
        return levels[np.searchsorted(0.5 * (levels[1:] + levels[:-1]), programmed, side="left")]
