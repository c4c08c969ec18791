"""`Tile`: one array with its DACs and ADCs, the unit that inference reads and that a fabric places on a core."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crossbar.array import Crossbar
from crossbar.periphery import ADC, Encoding
from devices.effects.base import Effect, apply_effects

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
    noise : tuple of Effect, optional
        What happens to the cells anew at each read.
    """

    crossbar: Crossbar
    encoding: Encoding
    adc: ADC
    rows: slice
    columns: slice
    noise: tuple[Effect, ...] = ()

    def current(self, share: Array, rng: np.random.Generator | None = None) -> Array:
        """Return bit-line currents [A], shape ``(..., columns)``, before the ADC.

        Exact with its IR drop, by the array's transfer matrix. `share` holds the inputs of the whole matrix as shares
        of full scale, shape ``(..., inputs)``. With `rng`, and where there is noise, each input vector meets cells of
        its own, and the array is solved for each; a cell whose conductance would be negative is open.
        """
        volts = self.encoding.read_voltage * self.encoding.encode(share[..., self.rows])
        if rng is None or not self.noise:
            return volts @ self.crossbar.transfer()
        cells, wires = self.crossbar.conductance, self.crossbar.wires
        currents = np.empty((*volts.shape[:-1], self.crossbar.columns))
        for k in np.ndindex(volts.shape[:-1]):
            found = np.maximum(apply_effects(cells, self.noise, rng), 0.0)
            currents[k] = Crossbar(found, wires).read(volts[k]).current
        return currents

    def read(self, share: Array, rng: np.random.Generator) -> Array:
        """Return the currents [A] that the ADC's codes stand for, shape ``(..., columns)``; `rng` is for noise."""
        return self.adc.convert(self.current(share, rng))

    def calibrated(self, share: Array) -> Tile:
        """Return this tile with the ADC's range set to the largest current that `share` draws."""
        largest = float(np.abs(self.current(share)).max(initial=0.0))
        return replace(self, adc=replace(self.adc, full_scale=largest or 1.0))
