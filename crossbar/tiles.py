"""`Tile`, one array with its DACs and ADCs, and `AnalogCore`, the protocol of an array that executes products."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from crossbar.array import Crossbar
from crossbar.periphery.converters import ADC
from crossbar.periphery.encodings import Encoding
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed
from devices.common.validation import finite_array
from devices.effects.base import Effect, apply_effects
from devices.sources import Citation

__all__ = ["AnalogCore", "Cost", "Operation", "Tile"]

Operation = Literal["program", "read", "read_backward"]


@dataclass(frozen=True)
class Cost:
    """The cost of one operation of a core.

    Parameters
    ----------
    name : str
        Name of the event that is charged.
    energy : float
        Energy of one operation [J].
    latency : float
        Time of one operation [s].
    source : str
        Source of the figures.
    """

    name: str
    energy: float
    latency: float
    source: str


class AnalogCore(Protocol):
    """An array that executes products: it is programmed, and read forward and backward, each at a cost.

    A `Tile` has no costs; a core of a chip (`crossbar.fabric.Core`) charges each operation to its account.
    """

    @property
    def rows(self) -> slice:
        """Inputs of its matrix that it holds."""

    @property
    def columns(self) -> slice:
        """Physical columns of its matrix that it holds."""

    def program(self, conductance: ArrayLike, seed: Seed = 0) -> AnalogCore:
        """Return the core with its cells programmed to `conductance` [S], shape ``(rows, columns)``."""

    def read(self, share: Array, rng: np.random.Generator) -> Array:
        """Return converted bit-line currents [A], ``(..., columns)``, for inputs as shares of full scale."""

    def read_backward(self, share: Array, rng: np.random.Generator) -> Array:
        """Return converted word-line currents [A], ``(..., rows)``, for bit lines driven with shares of full scale."""

    def cost(self, operation: Operation) -> tuple[Cost, ...]:
        """Return the costs of one operation; none where no figure is known."""


@dataclass(frozen=True, eq=False)
class Tile:
    """A programmed array between its converters; an `AnalogCore`.

    Parameters
    ----------
    crossbar : Crossbar
        The array, with its wires.
    encoding : Amplitude or PulseWidth
        The encoding of inputs on the word lines.
    adc : ADC
        The converter of every bit line.
    rows, columns : slice
        Inputs and physical columns of its matrix that it holds.
    noise : tuple of Effect, optional
        Effects on the cells that are drawn anew at each read.
    once : tuple of Effect, optional
        Effects on the cells that are drawn when they are programmed.
    conductance_limits : tuple of float, optional
        Conductance window [S], for effects that need one.
    row_adc : ADC, optional
        The converter of every word line in a backward read; ideal where the bit lines' is, else it has to be given or
        calibrated.
    """

    crossbar: Crossbar
    encoding: Encoding
    adc: ADC
    rows: slice
    columns: slice
    noise: tuple[Effect, ...] = ()
    once: tuple[Effect, ...] = ()
    conductance_limits: tuple[float, float] | None = None
    row_adc: ADC | None = None

    def program(self, conductance: ArrayLike, seed: Seed = 0) -> Tile:
        """Return this tile with its cells programmed.

        Parameters
        ----------
        conductance : array_like
            Targets [S], shape ``(rows, columns)`` of the array; effects that act once turn them into cell conductances.
        seed : int or numpy.random.Generator, optional
            Seed or generator of these effects.

        Returns
        -------
        Tile
            A tile with the same wires and converters, whose ranges stay.

        Raises
        ------
        InputError
            If the targets do not have the array's shape, or are negative.
        """
        target = finite_array("conductance", conductance, unit="S", shape=self.crossbar.shape, minimum=0.0)
        cells = apply_effects(target, self.once, seed, limits=self.conductance_limits)
        return replace(self, crossbar=Crossbar(cells, self.crossbar.wires))

    def current(self, share: Array, rng: np.random.Generator | None = None, *, backward: bool = False) -> Array:
        """Return line currents [A], shape ``(..., columns)``, or ``(..., rows)`` of a backward read, before the ADC.

        Exact with its IR drop, by the array's transfer matrix. `share` holds the inputs of the whole matrix (its
        physical columns, backward) as shares of full scale, shape ``(..., inputs)``. With `rng`, noise is drawn anew
        for each vector, and the array is solved for each; a cell whose conductance would be negative is open.
        """
        driven = self.columns if backward else self.rows
        volts = self.encoding.read_voltage * self.encoding.encode(share[..., driven])
        if rng is None or not self.noise:
            transfer = self.crossbar.transfer()
            return volts @ (transfer.T if backward else transfer)
        cells, wires = self.crossbar.conductance, self.crossbar.wires
        currents = np.empty((*volts.shape[:-1], self.crossbar.rows if backward else self.crossbar.columns))
        for k in np.ndindex(volts.shape[:-1]):
            noisy = np.maximum(apply_effects(cells, self.noise, rng), 0.0)
            currents[k] = Crossbar(noisy, wires).read(volts[k], backward=backward).current
        return currents

    def read(self, share: Array, rng: np.random.Generator) -> Array:
        """Return the currents [A] that the ADC's codes stand for, shape ``(..., columns)``; `rng` is for noise."""
        return self.adc.convert(self.current(share, rng))

    def read_backward(self, share: Array, rng: np.random.Generator) -> Array:
        """Return the word-line currents [A] that the ADC's codes stand for, shape ``(..., rows)``.

        Parameters
        ----------
        share : numpy.ndarray
            Drive of all physical columns of the matrix as shares of full scale, shape ``(..., columns)``.
        rng : numpy.random.Generator
            Generator of the noise.

        Raises
        ------
        InputError
            If the word lines' converter has no range yet.
        """
        if self.row_adc is None and self.adc.bits is not None:
            allowed = "a converter with a range for backward reads"
            raise InputError("row_adc", "none", allowed, "tile.calibrated(share, backward=True)")
        return (self.row_adc or self.adc).convert(self.current(share, rng, backward=True))

    def calibrated(self, share: Array, *, backward: bool = False) -> Tile:
        """Return this tile with its ADC's range, or that of its word lines, set to the largest current of `share`."""
        largest = float(np.abs(self.current(share, backward=backward)).max(initial=0.0))
        adc = replace(self.adc, full_scale=largest or 1.0)
        return replace(self, row_adc=adc) if backward else replace(self, adc=adc)

    def cited(self) -> tuple[Citation, ...]:
        """Return the sources of the effects on its cells; see `devices.citations`."""
        return tuple(source for effect in (*self.once, *self.noise) for source in effect.cited())

    def cost(self, operation: Operation) -> tuple[Cost, ...]:
        """Return no costs: they belong to the cores of a chip."""
        return ()
