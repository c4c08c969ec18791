"""Device-to-device spread of a quantity that is positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.validation import choice, finite_array, number

__all__ = ["Lognormal"]


@dataclass(frozen=True)
class Lognormal:
    r"""Lognormal spread: each value is multiplied by ``exp(sigma z)`` with z standard normal.

    .. math:: G = \tilde G \, e^{\sigma z}, \qquad \mathrm{E}[G] = \tilde G \, e^{\sigma^2/2}

    High-resistance states of filamentary oxide devices are found lognormal from device to device; low-resistance
    states are closer to normal, which a lognormal of small sigma approaches.

    Parameters
    ----------
    sigma : float
        Standard deviation of ln G.
    hold : {"median", "mean"}, optional
        What stays at the given value: the median, or the mean (the factor is then ``exp(sigma z - sigma^2 / 2)``).
    """

    sigma: float
    hold: Literal["median", "mean"] = "median"

    def __post_init__(self) -> None:
        number("sigma", self.sigma, minimum=0.0)
        choice("hold", self.hold, ("median", "mean"))

    def apply(self, value: ArrayLike, seed: int | np.random.Generator) -> NDArray[np.float64]:
        """Return `value` with the spread, drawn anew for each entry.

        Parameters
        ----------
        value : array_like
            Conductances [S] or any other positive quantity; zero stays zero.
        seed : int or numpy.random.Generator
            Where the numbers come from.

        Returns
        -------
        numpy.ndarray
            Of the same shape.
        """
        centre = finite_array("value", value, minimum=0.0)
        exponent = self.sigma * np.random.default_rng(seed).standard_normal(centre.shape)
        return centre * np.exp(exponent - (0.5 * self.sigma**2 if self.hold == "mean" else 0.0))
