"""Analog-to-digital converters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devices.common.arrays import Array
from devices.common.validation import integer, number

__all__ = ["ADC"]


@dataclass(frozen=True)
class ADC:
    """A converter of column currents (or charges, as shares of a full-scale pulse) to numbers.

    Uniform steps over ``[-full_scale, full_scale]``, ``2^bits`` levels; what exceeds the range saturates.

    Parameters
    ----------
    bits : int, optional
        Resolution; None for an ideal converter.
    full_scale : float
        Largest current that it converts [A].
    """

    bits: int | None = None
    full_scale: float = 1.0

    def __post_init__(self) -> None:
        number("full_scale", self.full_scale, unit="A", minimum=0.0, open_minimum=True)
        if self.bits is not None:
            integer("bits", self.bits, minimum=1, maximum=24)

    @property
    def step(self) -> float:
        """Current of one step [A]; 0 for an ideal converter."""
        return 0.0 if self.bits is None else 2.0 * self.full_scale / 2**self.bits

    def convert(self, current: Array) -> Array:
        """Return the current [A] that the code of each `current` [A] stands for."""
        if self.bits is None:
            return current
        half = 2 ** (self.bits - 1)
        codes = np.clip(np.rint(current / self.step), -half, half - 1)
        return codes * self.step
