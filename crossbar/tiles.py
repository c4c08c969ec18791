"""`Tile`: one array with its DACs and ADCs, the unit that inference reads and that a fabric places on a core."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossbar.array import Crossbar
from crossbar.periphery import ADC, Encoding

__all__ = ["Tile"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tile:
    """A programmed array between its converters.

    Parameters
    ----------
    crossbar : Crossbar
        The array, with its wires.
    encoding : Amplitude or PulseWidth
        How inputs reach the word lines.
    adc : ADC
        The converter of every bit line.
    rows, columns : slice
        Which inputs and which physical columns of its matrix it holds.
    """

    crossbar: Crossbar
    encoding: Encoding
    adc: ADC
    rows: slice
    columns: slice

    def current(self, share: Array) -> Array:
        """Return bit-line currents [A], shape ``(..., columns)``, before the ADC.

        Exact with its IR drop, by the array's transfer matrix. `share` holds the inputs of the whole matrix as shares
        of full scale, shape ``(..., inputs)``.
        """
        return self.encoding.read_voltage * self.encoding.encode(share[..., self.rows]) @ self.crossbar.transfer()

    def read(self, share: Array) -> Array:
        """Return the currents [A] that the ADC's codes stand for, shape ``(..., columns)``."""
        return self.adc.convert(self.current(share))

    def calibrated(self, share: Array) -> Tile:
        """Return this tile with the ADC's range set to the largest current that `share` draws."""
        largest = float(np.abs(self.current(share)).max(initial=0.0))
        return replace(self, adc=replace(self.adc, full_scale=largest or 1.0))
