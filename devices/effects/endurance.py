"""Endurance: cells that fail after a number of cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.randomness import Seed, generator
from devices.common.validation import finite_array, number
from devices.effects.base import WindowEffect, window
from devices.sources import Status

__all__ = ["WeibullEndurance"]


@dataclass(frozen=True)
class WeibullEndurance(WindowEffect):
    r"""Cells that get stuck after a Weibull-distributed number of cycles.

    .. math:: F(n) = 1 - \exp\left[-(n / n_c)^\beta\right]

    By the characteristic life n_c, 63.2% of the cells have failed. Best cases reported: about 1e12 cycles for TaOx,
    1e10 for HfOx. The slope and the state in which cells get stuck have no source here: the defaults are ours.

    Parameters
    ----------
    cycles : float
        Cycles that each cell has gone through.
    characteristic : float, optional
        n_c [cycles].
    beta : float, optional
        Weibull slope: below 1 failures come early, above 1 with wear.
    p_lrs : float, optional
        Probability that a failed cell is stuck in its low-resistance state; otherwise in its high-resistance state.
    """

    cycles: float
    characteristic: float = 1e10
    beta: float = 1.5
    p_lrs: float = 0.5
    source: ClassVar[str] = (
        "W. Weibull, J. Appl. Mech. 18, 293 (1951), doi 10.1115/1.4010337; TaOx: M.-J. Lee et al., Nature Mater. 10, "
        "625 (2011), doi 10.1038/nmat3070"
    )
    status: ClassVar[Status] = "recalled"

    def __post_init__(self) -> None:
        number("cycles", self.cycles, unit="cycles", minimum=0.0)
        number("characteristic", self.characteristic, unit="cycles", minimum=0.0, open_minimum=True)
        number("beta", self.beta, minimum=0.05, maximum=100.0)
        number("p_lrs", self.p_lrs, minimum=0.0, maximum=1.0)

    def lifetimes(self, shape: tuple[int, ...], seed: Seed) -> Array:
        """Return the cycles to failure of cells of this `shape`; `apply` draws the same ones from the same seed."""
        return self.characteristic * generator(seed).weibull(self.beta, shape)

    def apply(self, conductance: ArrayLike, limits: tuple[float, float], seed: Seed) -> Array:
        """Return `conductance` [S] with failed cells at one of `limits` [S]; a cell that failed stays failed later."""
        programmed = finite_array("conductance", conductance, unit="S", minimum=0.0)
        low, high = window(limits)
        rng = generator(seed)
        failed = self.lifetimes(programmed.shape, rng) < self.cycles
        stuck = np.where(rng.random(programmed.shape) < self.p_lrs, high, low)
        return np.where(failed, stuck, programmed)
