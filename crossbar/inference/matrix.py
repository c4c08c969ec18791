"""`AnalogMatrix`: a matrix with a bias on tiles, whose products are currents and whose sums over tiles are digital."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.array import Crossbar
from crossbar.inference.placement import around_stuck_cells, fitted_again, place_matrix
from crossbar.inference.recipe import Recipe
from crossbar.inference.transposed import calibrate_rows, transposed_product
from crossbar.inference.wire_compensation import targets_of
from crossbar.mapping.base import Layout, Mapping
from crossbar.mapping.blocks import Block
from crossbar.periphery.converters import ADC, AdcRange
from crossbar.periphery.encodings import Amplitude, Encoding
from crossbar.read_noise import ReadSeeds
from crossbar.tiles import AnalogCore, Clipped, Tile
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator, root_seed
from devices.common.validation import choice, finite_array, number

__all__ = ["AnalogMatrix"]


@dataclass(frozen=True, eq=False)
class AnalogMatrix:
    r"""A matrix with a bias, programmed on tiles.

    .. math:: y = x W + b \approx \gamma \frac{X}{V} \sum_\mathrm{tiles} w(I) + b

    with the inputs' full scale X, the read voltage V, the mapping's weights w of column currents I, which for
    differential pairs are :math:`(I^+ - I^-)/s`, and the digital factor γ of drift compensation. The bias is added
    digitally; an analog bias is one more row, driven at full scale, in place of that sum. Columns are converted
    separately and combined digitally, as the `Block` of their tile says.

    Parameters
    ----------
    tiles : tuple of Tile
        The programmed arrays, block by block.
    blocks : tuple of Block
        The parts of the matrix, each on one array or on the several of its mapping.
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
    weights : numpy.ndarray, optional
        The weights that it was programmed to, with the row of an analog bias.
    recipe : Recipe, optional
        The recipe by which it became arrays.
    """

    tiles: tuple[Tile, ...]
    blocks: tuple[Block, ...]
    full_scale: float
    outputs: int
    bias: Array | None = None
    gain: Array = field(default_factory=lambda: np.ones(()))
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    weights: Array | None = None
    recipe: Recipe | None = None

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
        full_scale = recipe.full_scale or float(np.abs(typical).max()) or 1.0
        analog = recipe.bias == "analog"
        rows = np.vstack([w, b / full_scale]) if analog else w
        blocks = list(place_matrix(rows, recipe))
        rng = generator(seed)
        streams = iter(rng.spawn(sum(len(block.columns) for block in blocks) + 1))
        blank: list[Tile] = []
        roots: list[int] = []
        for k, block in enumerate(blocks):
            pairs = zip(block.conductances(rows), block.columns, strict=True)
            arrays = [_blank(recipe, g, block.lines, columns) for g, columns in pairs]
            own = [root_seed(next(streams)) for _ in arrays]
            if recipe.remap:
                blocks[k] = around_stuck_cells(block, rows, arrays, own)
            blank += arrays
            roots += own
        placed, targets = targets_of(blocks, rows, recipe)
        tiles = [tile.program(g, root) for tile, g, root in zip(blank, targets, roots, strict=True)]
        matrix = cls(
            tuple(tiles), placed, full_scale, w.shape[1], None if analog else b, rng=next(streams),
            weights=rows, recipe=recipe,
        )  # fmt: skip
        return matrix if recipe.converter.full_scale is not None else matrix._ranged(typical, recipe.adc_range)

    def _ranged(self, typical: Array, policy: AdcRange) -> AnalogMatrix:
        """Return the matrix with the ranges of its ADCs set by the cells as they were programmed."""
        lines = self._lines(self.shares(typical))
        found = (replace(tile, adc=tile.at(None).calibrated(lines, policy).adc) for tile in self.tiles)
        return replace(self, tiles=tuple(found))

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
        layout = Layout.of(mapping)
        outputs, rest = divmod(array.columns - layout.references, layout.columns)
        if layout.arrays > 1:
            raise InputError("mapping", f"one of {layout.arrays} arrays", "a mapping that needs one array")
        if rest or outputs < 1:
            given = f"{array.columns} columns"
            allowed = f"{layout.columns} for each output" + (" and the reference" if layout.references else "")
            raise InputError("array", given, allowed, "another mapping")
        inputs, rest = divmod(array.rows, layout.lines_per_input)
        if rest:
            raise InputError("array", f"{array.rows} rows", f"{layout.lines_per_input} for each input")
        scale = number("full_scale", full_scale, minimum=0.0, open_minimum=True)
        offset = np.zeros(outputs) if bias is None else finite_array("bias", bias, shape=(outputs,))
        rows, columns = slice(0, array.rows), slice(0, array.columns)
        tile = Tile(array, encoding or Amplitude(), adc or ADC(), rows, columns, gate=gate)
        block = Block(mapping, layout, np.arange(inputs), np.arange(outputs), rows, (columns,))
        return cls((tile,), (block,), scale, outputs, offset, rng=generator(seed))

    @property
    def mapping(self) -> Mapping:
        """The mapping of its first block, which is that of all where they share one scale."""
        return self.blocks[0].mapping

    @property
    def pairs(self) -> Mapping:
        """The mapping; another name of `mapping`."""
        return self.mapping

    @property
    def inputs(self) -> int:
        """Rows of the matrix, an analog bias not counted."""
        return self._rows - (self.bias is None)

    @cached_property
    def clipped_weights(self) -> int:
        """Number of weights that the mapping has clipped."""
        return 0 if self.weights is None else sum(block.clipped(self.weights) for block in self.blocks)

    @cached_property
    def _rows(self) -> int:
        return 1 + max(int(block.inputs.max()) for block in self.blocks)

    def at(self, time: float | None) -> AnalogMatrix:
        """Return the same cells, ranges and factors at a time since programming [s]; see `Tile.at`."""
        return replace(self, tiles=tuple(tile.at(time) for tile in self.tiles))

    def calibrated(
        self, inputs: ArrayLike, policy: AdcRange | None = None, *, transposed: bool = False
    ) -> AnalogMatrix:
        """Return the matrix with the ranges of its ADCs set anew, by these inputs and the cells as they are now.

        Those of the columns by `inputs` of the product; with `transposed` those of the rows by inputs of the transposed
        product, shape ``(samples, outputs)``.
        """
        if transposed:
            return calibrate_rows(self, finite_array("inputs", inputs, shape=("samples", self.outputs)), policy)
        share = self.shares(finite_array("inputs", inputs, shape=("samples", self.inputs)))
        return replace(self, tiles=tuple(tile.calibrated(self._lines(share), policy) for tile in self.tiles))

    def reprogram(self, weights: ArrayLike, bias: ArrayLike | None = None, *, seed: Seed | None = None) -> AnalogMatrix:
        """Return the matrix with its cells programmed to other weights, at the times that the recipe's effects hold.

        Full scale, ranges of ADCs and places of rows stay, scales of weights are fitted again, and factors of drift
        compensation are gone.

        Parameters
        ----------
        weights : array_like
            Shape ``(inputs, outputs)``, as before.
        bias : array_like, optional
            Shape ``(outputs,)``; a digital one stays where not given, an analog one has to be given.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the effects that act once; without one each cell has the random numbers that it had, so
            that a stuck cell is the same.

        Raises
        ------
        InputError
            If the shapes do not fit, or the matrix was not programmed by a recipe.
        """
        if self.recipe is None:
            raise InputError("reprogram", "a matrix from an array", "a matrix from a recipe", "AnalogMatrix.program")
        rows = finite_array("weights", weights, shape=(self.inputs, self.outputs))
        given = None if bias is None else finite_array("bias", bias, shape=(self.outputs,))
        if self.bias is None:
            if given is None:
                raise InputError("bias", "none", "the bias of a recipe with analog biases")
            rows = np.vstack([rows, given / self.full_scale])
        limits = self.recipe.conductance_limits
        blocks, targets = targets_of(fitted_again(self.blocks, rows, self.recipe, limits), rows, self.recipe)
        seeds = [tile.root for tile in self.tiles] if seed is None else generator(seed).spawn(len(targets))
        once = tuple(e for e in self.recipe.effects if e.acts == "once")
        tiles = []
        for tile, target, own in zip(self.tiles, targets, seeds, strict=True):
            assert own is not None
            tiles.append(replace(tile, once=once).program(target, own))
        return replace(
            self,
            tiles=tuple(tiles),
            blocks=blocks,
            bias=self.bias if given is None or self.bias is None else given,
            gain=np.ones(()),
            weights=rows,
        )

    def compensated(
        self,
        inputs: ArrayLike,
        per: Literal["matrix", "output"] = "matrix",
        *,
        to: Literal["programmed", "weights"] = "programmed",
    ) -> AnalogMatrix:
        r"""Return the matrix with a digital factor that makes up for the drift of its cells, or for losses on wires.

        .. math:: \gamma = \frac{\sum |y_0|}{\sum |y|}

        with the products y of `inputs` now and y_0 of the cells as they were programmed, or of the weights, all without
        noise, bias and rounding, over all outputs or for each.

        Parameters
        ----------
        inputs : array_like
            Typical inputs, shape ``(samples, inputs)``.
        per : {"matrix", "output"}, optional
            One factor for all outputs, or one for each.
        to : {"programmed", "weights"}, optional
            Whether y_0 are the products of the cells as they were programmed, with their wires, or of the weights
            themselves: a calibration, which makes up for the mean loss on wires too.

        Notes
        -----
        After V. Joshi et al., Nature Commun. 11, 2473 (2020), doi 10.1038/s41467-020-16108-9.
        """
        choice("per", per, ("matrix", "output"))
        share = self.shares(finite_array("inputs", inputs, shape=("samples", self.inputs)))
        if choice("to", to, ("programmed", "weights")) == "programmed":
            wanted = self.at(None)._products(share)
        elif self.weights is None:
            raise InputError("to", "'weights', of a matrix from an array", "'programmed'", "AnalogMatrix.program")
        else:
            wanted = share @ self.weights
        now, then = (np.abs(products).sum(axis=0) for products in (self._products(share), wanted))
        if per == "matrix":
            now, then = now.sum(), then.sum()
        if not np.all(now > 0.0):
            raise InputError(
                "inputs", "inputs whose products are zero", "inputs that drive each output that is compensated"
            )
        return replace(self, gain=np.asarray(then / now))

    def _products(self, share: Array) -> Array:
        """Return the products as the cells give them, without conversion and noise."""
        lines = self._lines(share)
        return self._combined(share, (tile.current(lines) for tile in self.tiles))

    def tiles_of_blocks(self) -> Iterator[tuple[Block, list[tuple[int, Tile]]]]:
        """Yield each block with its tiles and their numbers."""
        numbered = iter(enumerate(self.tiles))
        for block in self.blocks:
            yield block, [next(numbered) for _ in block.columns]

    def _combined(self, share: Array, currents: Iterable[Array]) -> Array:
        """Return the sum of the products of all blocks, of the column currents of one tile after another [A]."""
        encoding, outputs = self.tiles[0].encoding, np.zeros((*share.shape[:-1], self.outputs))
        waiting = iter(currents)
        computed = any(block.layout.zero == "digital" for block in self.blocks)
        encoded = encoding.encode(share) if computed else share
        for block in self.blocks:
            arrays = [next(waiting) / encoding.read_voltage for _ in block.columns]
            total = encoded[..., block.inputs].sum(axis=-1) if computed else 0.0
            outputs[..., block.outputs] += block.products(arrays, total)
        return outputs

    @cached_property
    def _line_inputs(self) -> tuple[NDArray[np.intp], Array] | None:
        """Input and sign of the drive of each word line; None where they are the inputs."""
        each = self.blocks[0].layout.lines_per_input
        inputs = np.empty(max(block.lines.stop for block in self.blocks), dtype=np.intp)
        for block in self.blocks:
            inputs[block.lines] = np.repeat(block.inputs, each)
        if each == 1 and np.array_equal(inputs, np.arange(self._rows)):
            return None
        return inputs, np.where(np.arange(inputs.size) % each, -1.0, 1.0)

    def _lines(self, share: Array) -> Array:
        """Return the drive of the word lines of all tiles, shape ``(..., lines)``."""
        if self._line_inputs is None:
            return share
        inputs, signs = self._line_inputs
        return share[..., inputs] * signs

    def matmul(self, inputs: ArrayLike, seed: Seed | None = None) -> Array:
        """Return ``inputs @ weights + bias`` as the arrays compute it, shape ``(..., outputs)``.

        Noise has `seed`; without one it differs from call to call.
        """
        return self.read(self.shares(finite_array("inputs", inputs, shape=("...", self.inputs))), seed)

    def matmul_transposed(self, inputs: ArrayLike, seed: Seed | None = None) -> Array:
        r"""Return ``inputs @ weights.T`` as the same cells compute it, shape ``(..., inputs of the matrix)``.

        .. math:: z_i = \sum_o \gamma_o y_o w_{io}

        Columns are driven and rows sensed, without a bias. The largest drive of each vector is full scale, a digital
        factor. Columns of equal weight are driven at once, bit slices one after another. An ADC of rows needs a range,
        see `calibrated`; an ideal one does not.

        Parameters
        ----------
        inputs : array_like
            Shape ``(..., outputs)``.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the noise; without one it differs from call to call.

        Raises
        ------
        InputError
            If the rows' ADCs have no range, or a column of the mapping counts for several outputs.

        Notes
        -----
        T. Gokmen and Y. Vlasov, Front. Neurosci. 10, 333 (2016), doi 10.3389/fnins.2016.00333, for backpropagation on
        arrays; a full scale for each vector after T. Gokmen et al., Front. Neurosci. 11, 538 (2017), doi
        10.3389/fnins.2017.00538.
        """
        given = finite_array("inputs", inputs, shape=("...", self.outputs))
        return transposed_product(self, given, self._seeds(given, seed))[..., : self.inputs]

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
        seeds = seed if isinstance(seed, ReadSeeds) else self._seeds(share, seed)
        encoding = self.tiles[0].encoding
        if clipped is not None:
            clipped.inputs += int(np.count_nonzero(encoding.clipped(share)))
            clipped.inputs_of += share.size
            clipped.weights, clipped.weights_of = self.clipped_weights, self._rows * self.outputs
        if cores is not None or self._as_one is None:
            lines, used = self._lines(share), self._in_order(cores)
            currents = (core.read(lines, seeds.child(k), clipped) for k, core in enumerate(used))
            product = self.full_scale * self._combined(share, currents)
        if cores is None and self._as_one is not None:  # also where this read has made it, so that all agree
            product = encoding.encode(share) @ self._as_one
        product = self.gain * product
        return product if self.bias is None else product + self.bias

    def _in_order(self, cores: Sequence[AnalogCore] | None) -> Sequence[AnalogCore]:
        """Return the cores that hold its tiles, in the order of the tiles."""
        if cores is None:
            return self.tiles
        by_place = {(core.rows.start, core.columns.start): core for core in cores}
        wanted = [(tile.rows.start, tile.columns.start) for tile in self.tiles]
        if len(by_place) < len(cores) or set(by_place) != set(wanted):
            given = f"{len(cores)} cores at {sorted(by_place)}"
            raise InputError("cores", given, f"one for each tile, at {sorted(wanted)}", "the cores of the matrix")
        return [by_place[place] for place in wanted]

    @property
    def _as_one(self) -> Array | None:
        """The matrix by which linear tiles multiply encoded shares, once each tile has its transfer matrix.

        The mapping is linear too, so that this is one product instead of one for each tile; equal up to rounding.
        """
        if "_product" not in self.__dict__:
            if not all(tile.linear and tile.crossbar.has_transfer for tile in self.tiles):
                return None
            product = np.zeros((self._rows, self.outputs))
            for block, tiles in self.tiles_of_blocks():
                arrays = [tile.crossbar.transfer() for _, tile in tiles]
                each = block.products(arrays, np.ones(len(arrays[0])))
                if block.layout.lines_per_input == 2:
                    each = each[0::2] - each[1::2]
                product[np.ix_(block.inputs, block.outputs)] += each
            self.__dict__["_product"] = self.full_scale * product
        return self.__dict__["_product"]

    @property
    def noisy(self) -> bool:
        """Whether a read draws noise."""
        return any(tile.noisy for tile in self.tiles)

    def _seeds(self, vectors: Array, seed: Seed | None) -> ReadSeeds:
        """Return the seeds of the noise of reads of `vectors`; nothing is drawn where nothing is noisy."""
        return ReadSeeds.of(self.rng if seed is None else seed, vectors) if self.noisy else ReadSeeds(0, ())


def _blank(recipe: Recipe, conductance: Array, lines: slice, columns: slice) -> Tile:
    """Return a tile of a recipe that is not yet programmed, of the size of `conductance`."""
    once, noise = (tuple(e for e in recipe.effects if e.acts == when) for when in ("once", "each read"))
    array, limits = Crossbar(conductance, recipe.wires), recipe.conductance_limits
    return Tile(
        array, recipe.encoding, recipe.converter, lines, columns, noise, once, limits,
        subtract_first=recipe.subtract == "before", cell=recipe.cell, gate=recipe.gate,
    )  # fmt: skip
