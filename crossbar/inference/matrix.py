"""`AnalogMatrix`: a matrix with a bias on tiles, whose products are currents and whose sums over tiles are digital."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from crossbar.array import Crossbar
from crossbar.inference.recipe import Recipe
from crossbar.mapping.base import Mapping
from crossbar.mapping.tiling import tile_slices
from crossbar.periphery.converters import ADC, AdcRange
from crossbar.periphery.encodings import Amplitude, Encoding
from crossbar.read_noise import ReadSeeds
from crossbar.tiles import AnalogCore, Clipped, Tile
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import choice, finite_array, number

__all__ = ["AnalogMatrix"]


@dataclass(frozen=True, eq=False)
class AnalogMatrix:
    r"""A matrix with a bias, programmed on tiles.

    .. math:: y = x W + b \approx \gamma \frac{X}{V} \sum_\mathrm{tiles} w(I) + b

    with the inputs' full scale X, the read voltage V, the mapping's weights w of column currents I, which for
    differential pairs are :math:`(I^+ - I^-)/s`, and the digital factor γ of drift compensation. The bias is added
    digitally; an analog bias is one more row, driven at full scale, in place of that sum. Columns are converted
    separately and combined digitally.

    Parameters
    ----------
    tiles : tuple of Tile
        The programmed arrays.
    mapping : Mapping
        The mapping between weights and conductances.
    full_scale : float
        Input that is encoded as a full-scale voltage or pulse.
    outputs : int
        Columns of the matrix.
    bias : numpy.ndarray, optional
        Digital bias, shape ``(outputs,)``; None for an analog one.
    gain : numpy.ndarray, optional
        Digital factor γ of the products, of shape ``()`` or ``(outputs,)``; see `compensated`.
    rng : numpy.random.Generator, optional
        Generator of the noise of reads without a seed.
    """

    tiles: tuple[Tile, ...]
    mapping: Mapping
    full_scale: float
    outputs: int
    bias: Array | None = None
    gain: Array = field(default_factory=lambda: np.ones(()))
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @classmethod
    def program(
        cls, weights: ArrayLike, bias: ArrayLike | None, recipe: Recipe, *, calibration: ArrayLike, seed: Seed = 0
    ) -> AnalogMatrix:
        """Program a matrix, calibrate its ADCs, and let its cells reach the times that the recipe's effects hold.

        Parameters
        ----------
        weights : array_like
            Shape ``(inputs, outputs)``.
        bias : array_like, optional
            Shape ``(outputs,)``; None for no bias.
        recipe : Recipe
            The recipe by which the matrix becomes arrays.
        calibration : array_like
            Typical inputs, shape ``(samples, inputs)``, that set the full scale and the range of each tile's ADC.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the effects that act once, and of the noise of reads without a seed; every array has
            an independent stream.

        Returns
        -------
        AnalogMatrix
            The programmed matrix.
        """
        w = finite_array("weights", weights, shape=("inputs", "outputs"))
        b = np.zeros(w.shape[1]) if bias is None else finite_array("bias", bias, shape=(w.shape[1],))
        typical = finite_array("calibration", calibration, shape=("samples", w.shape[0]))
        if typical.size == 0:
            raise InputError("calibration", f"shape {typical.shape}", "at least one sample")
        full_scale = float(np.abs(typical).max()) or 1.0
        analog = recipe.bias == "analog"
        rows = np.vstack([w, b / full_scale]) if analog else w
        mapping = recipe.mapping.fit(rows, recipe.conductance_limits)
        each, declared = mapping.columns_per_output, recipe.mapping.columns_per_output
        if each != declared:
            given = f"{each} columns for each output of a scheme that says {declared}"
            raise InputError("mapping", given, "one columns_per_output of the scheme and its mapping")
        conductances, shape = mapping.conductances(rows), (len(rows), each * w.shape[1])
        target = finite_array("mapping.conductances", conductances, unit="S", shape=shape, minimum=0.0)
        whole_outputs = recipe.tile[1] - recipe.tile[1] % each
        blocks = list(tile_slices(target.shape, (recipe.tile[0], whole_outputs)))
        once, noise = (tuple(e for e in recipe.effects if e.acts == when) for when in ("once", "each read"))
        rng = generator(seed)
        streams = rng.spawn(len(blocks) + 1)
        matrix = cls((), mapping, full_scale, w.shape[1], None if analog else b, rng=streams[-1])
        share = matrix.shares(typical)
        tiles = []
        for block, stream in zip(blocks, streams, strict=False):
            array, limits = Crossbar(target[block], recipe.wires), recipe.conductance_limits
            tile = Tile(
                array, recipe.encoding, recipe.converter, *block, noise, once, limits,
                subtract_first=recipe.subtract == "before", cell=recipe.cell, gate=recipe.gate,
            )  # fmt: skip
            tile = tile.program(target[block], stream)
            if recipe.converter.full_scale is None:
                tile = replace(tile, adc=tile.at(None).calibrated(share, recipe.adc_range).adc)
            tiles.append(tile)
        return replace(matrix, tiles=tuple(tiles))

    @classmethod
    def from_array(
        cls,
        array: Crossbar,
        mapping: Mapping,
        *,
        full_scale: float = 1.0,
        encoding: Encoding | None = None,
        adc: ADC | None = None,
        bias: ArrayLike | None = None,
        gate: float | None = None,
        seed: Seed = 0,
    ) -> AnalogMatrix:
        """Return the matrix that an array holds, such as one that was programmed by pulses (`ProgramResult.crossbar`).

        Parameters
        ----------
        array : Crossbar
            The array, with the states that its cells have.
        mapping : Mapping
            What its columns stand for, such as the `DifferentialPairs` that the targets were made with.
        full_scale : float, optional
            Input that is encoded as a full-scale voltage or pulse.
        encoding : Amplitude or PulseWidth, optional
            The encoding of inputs on the word lines.
        adc : ADC, optional
            The converter of every bit line; without a full scale of its own, `calibrated` sets one.
        bias : array_like, optional
            Digital bias, shape ``(outputs,)``.
        gate : float, optional
            Potential of all gate lines in a read [V], of cells with a transistor.
        seed : int or numpy.random.Generator, optional
            Seed of the noise of the converters.

        Returns
        -------
        AnalogMatrix
            A matrix of one tile.

        Raises
        ------
        InputError
            If the array's columns are no multiple of those of an output.
        """
        if not isinstance(array, Crossbar):
            raise InputError("array", type(array).__name__, "a Crossbar", "write_verify(...).crossbar")
        each = mapping.columns_per_output
        if array.columns % each:
            raise InputError("array", f"{array.columns} columns", f"{each} for each output", "another mapping")
        outputs = array.columns // each
        scale = number("full_scale", full_scale, minimum=0.0, open_minimum=True)
        offset = np.zeros(outputs) if bias is None else finite_array("bias", bias, shape=(outputs,))
        rows, columns = slice(0, array.rows), slice(0, array.columns)
        tile = Tile(array, encoding or Amplitude(), adc or ADC(), rows, columns, gate=gate)
        return cls((tile,), mapping, scale, outputs, offset, rng=generator(seed))

    @property
    def pairs(self) -> Mapping:
        """The mapping; another name of `mapping`."""
        return self.mapping

    @property
    def inputs(self) -> int:
        """Rows of the matrix, an analog bias not counted."""
        return max(t.rows.stop for t in self.tiles) - (self.bias is None)

    def at(self, time: float | None) -> AnalogMatrix:
        """Return the same cells, ranges and factors at a time since programming [s]; see `Tile.at`."""
        return replace(self, tiles=tuple(tile.at(time) for tile in self.tiles))

    def calibrated(self, inputs: ArrayLike, policy: AdcRange | None = None) -> AnalogMatrix:
        """Return the matrix with the ranges of its ADCs set anew, by these inputs and the cells as they are now."""
        share = self.shares(finite_array("inputs", inputs, shape=("samples", self.inputs)))
        return replace(self, tiles=tuple(tile.calibrated(share, policy) for tile in self.tiles))

    def compensated(self, inputs: ArrayLike, per: Literal["matrix", "output"] = "matrix") -> AnalogMatrix:
        r"""Return the matrix with a digital factor that makes up for the drift of its cells.

        .. math:: \gamma = \frac{\sum |y_0|}{\sum |y|}

        with the products y of `inputs` now and y_0 of the cells as they were programmed, both without noise, bias and
        rounding, over all outputs or for each.

        Parameters
        ----------
        inputs : array_like
            Typical inputs, shape ``(samples, inputs)``.
        per : {"matrix", "output"}, optional
            One factor for all outputs, or one for each.

        Notes
        -----
        After V. Joshi et al., Nature Commun. 11, 2473 (2020), doi 10.1038/s41467-020-16108-9.
        """
        choice("per", per, ("matrix", "output"))
        share = self.shares(finite_array("inputs", inputs, shape=("samples", self.inputs)))
        now, then = (np.abs(m._products(share)).sum(axis=0) for m in (self, self.at(None)))
        if per == "matrix":
            now, then = now.sum(), then.sum()
        if not np.all(now > 0.0):
            raise InputError(
                "inputs", "inputs whose products are zero", "inputs that drive each output that is compensated"
            )
        return replace(self, gain=np.asarray(then / now))

    def _products(self, share: Array) -> Array:
        """Return the products as the cells give them, without conversion and noise."""
        current = np.zeros((*share.shape[:-1], self.mapping.columns_per_output * self.outputs))
        for tile in self.tiles:
            current[..., tile.columns] += tile.current(share)
        return self.mapping.weights(current)

    def matmul(self, inputs: ArrayLike, seed: Seed | None = None) -> Array:
        """Return ``inputs @ weights + bias`` as the arrays compute it, shape ``(..., outputs)``.

        Noise has `seed`; without one it differs from call to call.
        """
        return self.read(self.shares(finite_array("inputs", inputs, shape=("...", self.inputs))), seed)

    def shares(self, inputs: Array) -> Array:
        """Return inputs as shares of full scale, shape ``(..., inputs)``; with a last one of 1 for an analog bias."""
        share = inputs / self.full_scale
        if self.bias is not None:
            return share
        return np.concatenate([share, np.ones((*inputs.shape[:-1], 1))], axis=-1)

    def read(
        self,
        share: Array,
        seed: ReadSeeds | Seed | None = None,
        cores: Sequence[AnalogCore] | None = None,
        clipped: Clipped | None = None,
    ) -> Array:
        """Return the product for word lines driven with `share`, shape ``(..., outputs)``.

        Parameters
        ----------
        share : numpy.ndarray
            Inputs as shares of full scale, shape ``(..., inputs)``; see `shares`.
        seed : int, numpy.random.Generator or ReadSeeds, optional
            Seed or generator of the noise of the reads; the matrix's own generator, which moves on, where not given.
        cores : sequence of AnalogCore, optional
            The cores that execute the product, such as those of a chip; the matrix's own tiles where not given.
        clipped : Clipped, optional
            Counts to which what is clipped is added.

        Returns
        -------
        numpy.ndarray
            The product.
        """
        used = self.tiles if cores is None else cores
        seeds = seed if isinstance(seed, ReadSeeds) else self._seeds(share, seed)
        encoding = self.tiles[0].encoding
        if clipped is not None:
            clipped.inputs += int(np.count_nonzero(encoding.clipped(share)))
            clipped.inputs_of += share.size
        if cores is not None or self._as_one is None:
            current = np.zeros((*share.shape[:-1], self.mapping.columns_per_output * self.outputs))
            for k, core in enumerate(used):
                current[..., core.columns] += core.read(share, seeds.child(k), clipped)
            product = self.full_scale / encoding.read_voltage * self.mapping.weights(current)
        if cores is None and self._as_one is not None:  # also where this read has made it, so that all agree
            product = encoding.encode(share) @ self._as_one
        product = self.gain * product
        return product if self.bias is None else product + self.bias

    @property
    def _as_one(self) -> Array | None:
        """The matrix by which linear tiles multiply encoded shares, once each tile has its transfer matrix.

        The mapping is linear too, so that this is one product instead of one for each tile; equal up to rounding.
        """
        if "_product" not in self.__dict__:
            if not all(tile.linear and tile.crossbar.has_transfer for tile in self.tiles):
                return None
            rows = max(tile.rows.stop for tile in self.tiles)
            transfer = np.zeros((rows, self.mapping.columns_per_output * self.outputs))
            for tile in self.tiles:
                transfer[tile.rows, tile.columns] += tile.crossbar.transfer()
            self.__dict__["_product"] = self.full_scale * self.mapping.weights(transfer)
        return self.__dict__["_product"]

    @property
    def noisy(self) -> bool:
        """Whether a read draws noise."""
        return any(tile.noisy for tile in self.tiles)

    def _seeds(self, vectors: Array, seed: Seed | None) -> ReadSeeds:
        """Return the seeds of the noise of reads of `vectors`; nothing is drawn where nothing is noisy."""
        return ReadSeeds.of(self.rng if seed is None else seed, vectors) if self.noisy else ReadSeeds(0, ())
