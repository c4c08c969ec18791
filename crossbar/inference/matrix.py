"""`AnalogMatrix`: a matrix with a bias on tiles, whose products are currents and whose sums over tiles are digital."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crossbar.array import Crossbar
from crossbar.inference.recipe import Recipe
from crossbar.mapping.base import Mapping
from crossbar.mapping.tiling import tile_slices
from crossbar.periphery.converters import ADC
from crossbar.tiles import AnalogCore, Tile
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import finite_array

__all__ = ["AnalogMatrix"]


@dataclass(frozen=True, eq=False)
class AnalogMatrix:
    r"""A matrix with a bias, programmed on tiles.

    .. math:: y = x W + b \approx \frac{X}{V} \sum_\mathrm{tiles} w(I)

    with the inputs' full scale X, the read voltage V and the mapping's weights w of column currents I, which for
    differential pairs are :math:`(I^+ - I^-)/s`. The bias is one more row, driven at full scale. Columns are converted
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
    """

    tiles: tuple[Tile, ...]
    mapping: Mapping
    full_scale: float
    outputs: int

    @classmethod
    def program(
        cls, weights: ArrayLike, bias: ArrayLike, recipe: Recipe, *, calibration: ArrayLike, seed: Seed = 0
    ) -> AnalogMatrix:
        """Program a matrix.

        Parameters
        ----------
        weights : array_like
            Shape ``(inputs, outputs)``.
        bias : array_like
            Shape ``(outputs,)``.
        recipe : Recipe
            The recipe by which the matrix becomes arrays.
        calibration : array_like
            Typical inputs, shape ``(samples, inputs)``, that set the full scale and the range of each tile's ADC.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the effects that act once; every array has an independent stream.

        Returns
        -------
        AnalogMatrix
            The programmed matrix.
        """
        w = finite_array("weights", weights, shape=("inputs", "outputs"))
        b = finite_array("bias", bias, shape=(w.shape[1],))
        typical = finite_array("calibration", calibration, shape=("samples", w.shape[0]))
        full_scale = float(np.abs(typical).max()) or 1.0
        with_bias = np.vstack([w, b / full_scale])
        mapping = recipe.mapping.fit(with_bias, recipe.conductance_limits)
        each, declared = mapping.columns_per_output, recipe.mapping.columns_per_output
        if each != declared:
            given = f"{each} columns for each output of a scheme that says {declared}"
            raise InputError("mapping", given, "one columns_per_output of the scheme and its mapping")
        conductances, shape = mapping.conductances(with_bias), (len(with_bias), each * w.shape[1])
        target = finite_array("mapping.conductances", conductances, unit="S", shape=shape, minimum=0.0)
        whole_outputs = recipe.tile[1] - recipe.tile[1] % each
        blocks = list(tile_slices(target.shape, (recipe.tile[0], whole_outputs)))
        once, noise = (tuple(e for e in recipe.effects if e.acts == when) for when in ("once", "each read"))
        share = _shares(typical, full_scale)
        tiles = []
        for (rows, columns), stream in zip(blocks, generator(seed).spawn(len(blocks)), strict=True):
            array = Crossbar(target[rows, columns], recipe.wires)
            adc, limits = ADC(recipe.adc_bits), recipe.conductance_limits
            tile = Tile(array, recipe.encoding, adc, rows, columns, noise, once, limits)
            tiles.append(tile.program(array.conductance, stream).calibrated(share))
        return cls(tuple(tiles), mapping, full_scale, w.shape[1])

    @property
    def pairs(self) -> Mapping:
        """The mapping; another name of `mapping`."""
        return self.mapping

    def matmul(self, inputs: ArrayLike, seed: Seed = 0) -> Array:
        """Return ``inputs @ weights + bias`` as the arrays compute it, shape ``(..., outputs)``; noise has `seed`."""
        return self.read(self.shares(finite_array("inputs", inputs, shape=("...", self.inputs))), seed)

    @property
    def inputs(self) -> int:
        """Rows of the matrix, the bias not counted."""
        return max(t.rows.stop for t in self.tiles) - 1

    def shares(self, inputs: Array) -> Array:
        """Return inputs as shares of full scale, with the bias row last, shape ``(..., inputs + 1)``."""
        return _shares(inputs, self.full_scale)

    def read(self, share: Array, seed: Seed = 0, cores: Sequence[AnalogCore] | None = None) -> Array:
        """Return the product for word lines driven with `share`, shape ``(..., outputs)``.

        Parameters
        ----------
        share : numpy.ndarray
            Inputs as shares of full scale, shape ``(..., inputs + 1)``; see `shares`.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the noise of the reads.
        cores : sequence of AnalogCore, optional
            The cores that execute the product, such as those of a chip; the matrix's own tiles where not given.

        Returns
        -------
        numpy.ndarray
            The product.
        """
        rng = generator(seed)
        current = np.zeros((*share.shape[:-1], self.mapping.columns_per_output * self.outputs))
        for core in self.tiles if cores is None else cores:
            current[..., core.columns] += core.read(share, rng)
        volts = self.tiles[0].encoding.read_voltage
        return self.full_scale / volts * self.mapping.weights(current)


def _shares(inputs: Array, full_scale: float) -> Array:
    """Return inputs as shares of full scale, with a last one of 1 for the bias."""
    return np.concatenate([inputs / full_scale, np.ones((*inputs.shape[:-1], 1))], axis=-1)
