"""`Tile`, one array with its DACs and ADCs, and `AnalogCore`, the protocol of an array that executes products."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from crossbar.array import Crossbar
from crossbar.law_reads import amplitude_currents, controls_of, pulse_currents
from crossbar.periphery.converters import ADC, AdcRange
from crossbar.periphery.encodings import Encoding, PulseWidth
from crossbar.read_noise import ReadSeeds, noisy_currents, white_noise_response
from devices.cells.device import Device
from devices.cells.programmed import conductance_window, programmed_cells
from devices.cells.series import Series
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, root_seed
from devices.common.validation import finite_array
from devices.effects.base import Effect, apply_effects
from devices.effects.noise import WhiteNoise
from devices.sources import Citation

__all__ = ["AnalogCore", "Clipped", "Cost", "Operation", "Tile"]

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


@dataclass
class Clipped:
    """Counts of what was clipped in the reads of a matrix.

    Parameters
    ----------
    inputs : int
        Inputs beyond the full scale of their DAC, of `inputs_of`.
    conversions : int
        Currents beyond the range of their ADC, of `conversions_of`.
    weights : int
        Weights that the mapping has clipped, of `weights_of`.
    """

    inputs: int = 0
    inputs_of: int = 0
    conversions: int = 0
    conversions_of: int = 0
    weights: int = 0
    weights_of: int = 0

    def __str__(self) -> str:
        inputs = f"{self.inputs} of {self.inputs_of} inputs"
        if self.weights:
            inputs = f"{self.weights} of {self.weights_of} weights, {inputs}"
        return f"{inputs} and {self.conversions} of {self.conversions_of} conversions clipped"


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

    def read(self, share: Array, seeds: ReadSeeds | Seed, clipped: Clipped | None = None) -> Array:
        """Return converted bit-line currents [A], ``(..., columns)``, for inputs as shares of full scale."""

    def read_backward(self, share: Array, seeds: ReadSeeds | Seed) -> Array:
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
    encoding : Amplitude, PulseWidth or BitSerial
        The encoding of inputs on the word lines.
    adc : ADC
        The converter of every bit line.
    rows, columns : slice
        Inputs and physical columns of its matrix that it holds.
    noise : tuple of Effect, optional
        Effects on the cells that are drawn anew at each read.
    once : tuple of Effect, optional
        Effects on the cells that are drawn when they are programmed, those over time included.
    conductance_limits : tuple of float, optional
        Conductance window [S], for effects that need one.
    row_adc : ADC, optional
        The converter of every word line in a backward read; ideal where the bit lines' is, else it has to be given or
        calibrated.
    subtract_first : bool, optional
        Currents of neighbouring columns are subtracted before they are converted: one conversion for each pair, whose
        result stands in the first column of the pair, and 0 in the second.
    target : numpy.ndarray, optional
        Conductances that its cells were programmed to [S].
    root : int, optional
        Seed of the effects on its cells.
    cell : Device or Series, optional
        The cell with a current law that stands at each crossing, in the state in which its static conductance at the
        read voltage is the programmed one; ohmic cells where not given.
    gate : float, optional
        Potential of all gate lines in a read [V], of cells with a transistor.
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
    subtract_first: bool = False
    target: Array | None = None
    root: int | None = None
    cell: Device | Series | None = None
    gate: float | None = None

    def program(self, conductance: ArrayLike, seed: Seed = 0) -> Tile:
        """Return this tile with its cells programmed, at the times that its effects hold.

        Parameters
        ----------
        conductance : array_like
            Targets [S], shape ``(rows, columns)`` of the array; effects that act once turn them into cell conductances.
            A cell whose conductance would be negative is open, see `open_cells`.
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
        return replace(self, target=np.array(target), root=root_seed(seed))._with_cells()

    def at(self, time: float | None) -> Tile:
        """Return the same cells at a time since programming [s]; None for the earliest at which each effect is known.

        The effects that do not change over time, the wires and the ranges of the converters stay.
        """
        if self.target is None:
            return self
        aged = tuple(e if e.earliest is None else e.at(e.earliest if time is None else time) for e in self.once)
        return self if aged == self.once else replace(self, once=aged)._with_cells()

    def _with_cells(self) -> Tile:
        assert self.target is not None
        assert self.root is not None
        cells = np.maximum(self._drawn, 0.0)
        wires, gates = self.crossbar.wires, self.crossbar.gates
        if self.cell is None:
            return replace(self, crossbar=Crossbar(cells, wires))
        volts, controls = self.encoding.read_voltage, controls_of(self.cell, self.gate)
        window = conductance_window(self.cell, volts, controls)
        programmed = programmed_cells(self.cell, np.clip(cells, *window), volts, controls)
        return replace(self, crossbar=Crossbar(programmed, wires, gates=gates))

    @cached_property
    def _drawn(self) -> Array:
        if self.target is None or self.root is None:
            if self.crossbar.ohmic:
                return self.crossbar.conductance
            cells, volts = self.crossbar.cells, self.encoding.read_voltage
            assert isinstance(cells, Device | Series)
            return np.broadcast_to(cells.current(volts, None, controls_of(cells, self.gate)) / volts, cells.shape)
        return apply_effects(self.target, self.once, self.root, limits=self.conductance_limits)

    @property
    def conductance(self) -> Array:
        """Conductances of its cells at the read voltage, with the effects that act once [S]."""
        return np.maximum(self._drawn, 0.0)

    @property
    def open_cells(self) -> int:
        """Number of cells whose effects gave a negative conductance, which are open instead."""
        return int(np.count_nonzero(self._drawn < 0.0))

    @property
    def cells_outside(self) -> int:
        """Number of cells whose conductance lies outside of the conductance window.

        Cells with a current law are clipped to what they reach.
        """
        if self.conductance_limits is None:
            return 0
        low, high = self.conductance_limits
        slack = 1e-9 * (high - low)
        cells = self.conductance
        return int(np.count_nonzero((cells < low - slack) | (cells > high + slack)))

    def current(self, share: Array, seeds: ReadSeeds | Seed | None = None, *, backward: bool = False) -> Array:
        """Return line currents [A], shape ``(..., columns)``, or ``(..., rows)`` of a backward read, before the ADC.

        Exact with its IR drop, and with the current law of its cells: with amplitudes the whole circuit is solved for
        each vector, with pulses between the ends of any two. `share` holds the inputs of the whole matrix (its physical
        columns, backward) as shares of full scale, shape ``(..., inputs)``. With `seeds`, noise is drawn anew for each
        vector, see `crossbar.read_noise.noisy_currents`; a cell whose conductance would be negative is open.
        """
        if seeds is not None and self.noise and not isinstance(seeds, ReadSeeds):
            seeds = ReadSeeds.of(seeds, share)
        reads = self._reads(share, seeds, backward)
        return sum((factor * current for factor, current, _ in reads[1:]), reads[0][0] * reads[0][1])

    def _reads(
        self, share: Array, seeds: ReadSeeds | Seed | None, backward: bool = False
    ) -> list[tuple[float, Array, ReadSeeds | Seed | None]]:
        """Return the factor, the line currents [A] and the seeds of each read of the encoding."""
        reads = self.encoding.reads(share[..., self.columns if backward else self.rows])
        found = []
        for k, (factor, driven) in enumerate(reads):
            own = seeds.child(2 + k) if isinstance(seeds, ReadSeeds) and len(reads) > 1 else seeds
            found.append((factor, self._line_currents(driven, own, backward), own))
        return found

    def _line_currents(self, driven: Array, seeds: ReadSeeds | Seed | None, backward: bool) -> Array:
        volts = self.encoding.read_voltage * driven
        if not self.crossbar.ohmic:
            flat = driven.reshape(-1, driven.shape[-1])
            if isinstance(self.encoding, PulseWidth):
                voltage = self.encoding.read_voltage
                found = pulse_currents(self.crossbar, flat, voltage, self.gate, backward=backward)
            else:
                found = amplitude_currents(self.crossbar, volts.reshape(flat.shape), self.gate, backward=backward)
            return found.reshape(*volts.shape[:-1], found.shape[-1])
        if seeds is None or not self.noise:
            return self.crossbar.read(volts, backward=backward).current
        assert isinstance(seeds, ReadSeeds)
        flat = volts.reshape(-1, volts.shape[-1])
        active = np.abs(driven).reshape(flat.shape) if isinstance(self.encoding, PulseWidth) else np.ones(flat.shape)
        white = any(isinstance(e, WhiteNoise) for e in self.noise)
        response = (self._response_backward if backward else self._response) if white else None
        found = noisy_currents(self.crossbar, flat, active, self.noise, seeds, response=response, backward=backward)
        return found.reshape(*volts.shape[:-1], found.shape[-1])

    @cached_property
    def _response(self) -> Array:
        return white_noise_response(self.crossbar)

    @cached_property
    def _response_backward(self) -> Array:
        return white_noise_response(self.crossbar, backward=True)

    def read(self, share: Array, seeds: ReadSeeds | Seed, clipped: Clipped | None = None) -> Array:
        """Return the currents [A] that the ADC's codes stand for, shape ``(..., columns)``.

        Parameters
        ----------
        share : numpy.ndarray
            Inputs of the whole matrix as shares of full scale, shape ``(..., inputs)``.
        seeds : ReadSeeds, int or numpy.random.Generator
            Seeds of the noise of cells and converters.
        clipped : Clipped, optional
            Counts to which the conversions are added.
        """
        seeds = seeds if isinstance(seeds, ReadSeeds) or not self.noisy else ReadSeeds.of(seeds, share)
        total: Array | None = None
        for factor, lines, own in self._reads(share, seeds):
            current = lines[..., 0::2] - lines[..., 1::2] if self.subtract_first else lines
            if clipped is not None and self.adc.bits is not None:
                clipped.conversions += int(np.count_nonzero(self.adc.clipped(current)))
                clipped.conversions_of += current.size
            converted = factor * self._converted(self.adc, current, own)
            total = converted if total is None else total + converted
        assert total is not None
        if not self.subtract_first:
            return total
        columns = np.zeros((*total.shape[:-1], 2 * total.shape[-1]))
        columns[..., 0::2] = total
        return columns

    @property
    def linear(self) -> bool:
        """Whether its read is a product with a matrix: without noise, with an ideal ADC."""
        return not self.noise and self.adc.bits is None

    @property
    def noisy(self) -> bool:
        """Whether a read draws noise, of cells or converters."""
        return bool(self.noise) or bool(self.adc.noise) or bool(self.row_adc and self.row_adc.noise)

    @staticmethod
    def _converted(adc: ADC, current: Array, seeds: ReadSeeds | Seed | None) -> Array:
        if not adc.noise:
            return adc.convert(current)
        assert isinstance(seeds, ReadSeeds)
        draws = seeds.child(1).standard_normal(current.shape[-1]).reshape(current.shape)
        return adc.convert(current, draws)

    def read_backward(self, share: Array, seeds: ReadSeeds | Seed) -> Array:
        """Return the word-line currents [A] that the ADC's codes stand for, shape ``(..., rows)``.

        Parameters
        ----------
        share : numpy.ndarray
            Drive of all physical columns of the matrix as shares of full scale, shape ``(..., columns)``.
        seeds : ReadSeeds, int or numpy.random.Generator
            Seeds of the noise.

        Raises
        ------
        InputError
            If the word lines' converter has no range yet.
        """
        if self.row_adc is None and self.adc.bits is not None:
            allowed = "a converter with a range for backward reads"
            raise InputError("row_adc", "none", allowed, "tile.calibrated(share, backward=True)")
        seeds = seeds if isinstance(seeds, ReadSeeds) or not self.noisy else ReadSeeds.of(seeds, share)
        adc = self.row_adc or self.adc
        reads = self._reads(share, seeds, backward=True)
        return np.asarray(sum(factor * self._converted(adc, current, own) for factor, current, own in reads))

    def calibrated(self, share: Array, policy: AdcRange | None = None, *, backward: bool = False) -> Tile:
        """Return this tile with the range of its ADC, or of its word lines', that the currents of `share` demand.

        The currents are those of the cells as they are now, without the noise of reads. An ideal ADC needs no range.
        """
        adc = replace((self.row_adc or self.adc) if backward else self.adc, full_scale=None)
        if adc.bits is None:
            return replace(self, row_adc=adc) if backward else replace(self, adc=adc)
        current = np.concatenate([np.atleast_2d(found) for _, found, _ in self._reads(share, None, backward)])
        if backward:
            return replace(self, row_adc=adc.ranged(current, policy))
        if self.subtract_first:
            current = current[..., 0::2] - current[..., 1::2]
        return replace(self, adc=adc.ranged(current, policy))

    def cited(self) -> tuple[Citation, ...]:
        """Return the sources of the effects on its cells; see `devices.citations`."""
        return tuple(source for effect in (*self.once, *self.noise) for source in effect.cited())

    def cost(self, operation: Operation) -> tuple[Cost, ...]:
        """Return no costs: they belong to the cores of a chip."""
        return ()
