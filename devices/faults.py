"""Cells that cannot be programmed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.errors import InputError
from devices.validation import finite_array, number

__all__ = ["StuckCells"]


@dataclass(frozen=True)
class StuckCells:
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

    def __post_init__(self) -> None:
        number("p_stuck_lrs", self.p_stuck_lrs, minimum=0.0, maximum=1.0)
        number("p_stuck_hrs", self.p_stuck_hrs, minimum=0.0, maximum=1.0)
        if self.p_stuck_lrs + self.p_stuck_hrs > 1.0:
            total = self.p_stuck_lrs + self.p_stuck_hrs
            raise InputError("p_stuck_lrs + p_stuck_hrs", f"{total:g}", "at most 1", "smaller probabilities")

    def apply(
        self, conductance: ArrayLike, limits: tuple[float, float], seed: int | np.random.Generator
    ) -> NDArray[np.float64]:
        """Return `conductance` with stuck cells at the limits.

        Parameters
        ----------
        conductance : array_like
            Programmed conductances [S].
        limits : tuple of float
            Lower and upper limit of the conductance window [S].
        seed : int or numpy.random.Generator
            Where the numbers come from.

        Returns
        -------
        numpy.ndarray
            Of the same shape.
        """
        programmed = finite_array("conductance", conductance, unit="S", minimum=0.0)
        low, high = limits
        drawn = np.random.default_rng(seed).random(programmed.shape)
        stuck_high = np.where(drawn < self.p_stuck_lrs, high, programmed)
        return np.where(drawn >= 1.0 - self.p_stuck_hrs, low, stuck_high)
