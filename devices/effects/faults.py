"""Faults: stuck cells and stuck lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import finite_array, number
from devices.effects.base import WindowEffect, window
from devices.sources import Status

__all__ = ["StuckCells", "StuckLines"]


def _check_shares(**shares: float) -> None:
    for name, share in shares.items():
        number(name, share, minimum=0.0, maximum=1.0)
    if sum(shares.values()) > 1.0:
        raise InputError(" + ".join(shares), f"{sum(shares.values()):g}", "at most 1", "smaller probabilities")


@dataclass(frozen=True)
class StuckCells(WindowEffect):
    """Cells stuck at a limit of the conductance window, independently of one another.

    The parameters name the state, because papers disagree on which of "SA0" and "SA1" is which.

    Parameters
    ----------
    p_stuck_lrs : float, optional
        Probability that a cell is stuck in its low-resistance state, at the upper conductance limit.
    p_stuck_hrs : float, optional
        Probability that a cell is stuck in its high-resistance state, at the lower conductance limit.
    """

    p_stuck_lrs: float = 0.0
    p_stuck_hrs: float = 0.0
    source: ClassVar[str] = (
        "C.-Y. Chen et al., IEEE Trans. Comput. 64, 180 (2015), doi 10.1109/TC.2014.12: 9.04% and 1.75% stuck at 1 and "
        "0 in a 4-Mb HfO2 array (percentages recalled)"
    )
    status: ClassVar[Status] = "recalled"

    def __post_init__(self) -> None:
        _check_shares(p_stuck_lrs=self.p_stuck_lrs, p_stuck_hrs=self.p_stuck_hrs)

    def apply(self, conductance: ArrayLike, limits: tuple[float, float], seed: Seed) -> Array:
        """Return `conductance` with stuck cells at the limits.

        Parameters
        ----------
        conductance : array_like
            Programmed conductances [S].
        limits : tuple of float
            Lower and upper limit of the conductance window [S].
        seed : int or numpy.random.Generator
            Seed or generator of the random numbers.

        Returns
        -------
        numpy.ndarray
            Of the same shape.
        """
        programmed = finite_array("conductance", conductance, unit="S", minimum=0.0)
        drawn = generator(seed).random(programmed.shape)
        return _stick(programmed, drawn, window(limits), self.p_stuck_lrs, self.p_stuck_hrs)


@dataclass(frozen=True)
class StuckLines(WindowEffect):
    """Whole word or bit lines whose cells are all stuck at one limit of the window.

    Word lines are the second last axis, bit lines the last; earlier axes are separate arrays. Lines fail
    independently; where two failed lines cross, the bit line sets the cell. An open line is not such a fault but an
    infinite resistance among the array's wires.

    Parameters
    ----------
    p_word_lrs, p_word_hrs : float, optional
        Probability that a word line is stuck in the low or the high-resistance state.
    p_bit_lrs, p_bit_hrs : float, optional
        The same for a bit line.
    """

    p_word_lrs: float = 0.0
    p_word_hrs: float = 0.0
    p_bit_lrs: float = 0.0
    p_bit_hrs: float = 0.0
    source: ClassVar[str] = "independent lines, as StuckCells has independent cells; probabilities are the caller's"
    status: ClassVar[Status] = "ours"

    def __post_init__(self) -> None:
        _check_shares(p_word_lrs=self.p_word_lrs, p_word_hrs=self.p_word_hrs)
        _check_shares(p_bit_lrs=self.p_bit_lrs, p_bit_hrs=self.p_bit_hrs)

    def apply(self, conductance: ArrayLike, limits: tuple[float, float], seed: Seed) -> Array:
        """Return `conductance` [S], shape ``(..., word lines, bit lines)``, with stuck lines at `limits` [S]."""
        programmed = finite_array("conductance", conductance, unit="S", shape=("...", "m", "n"), minimum=0.0)
        bounds, rng = window(limits), generator(seed)
        *arrays, m, n = programmed.shape
        words, bits = rng.random((*arrays, m, 1)), rng.random((*arrays, 1, n))
        with_words = _stick(programmed, words, bounds, self.p_word_lrs, self.p_word_hrs)
        return _stick(with_words, bits, bounds, self.p_bit_lrs, self.p_bit_hrs)


def _stick(programmed: Array, drawn: Array, limits: tuple[float, float], p_lrs: float, p_hrs: float) -> Array:
    low, high = limits
    stuck_high = np.where(drawn < p_lrs, high, programmed)
    return np.where(drawn >= 1.0 - p_hrs, low, stuck_high)
