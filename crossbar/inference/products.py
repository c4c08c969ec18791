"""The products of a network's layers: in software, or read from arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from crossbar.inference.matrix import AnalogMatrix
from crossbar.read_noise import ReadSeeds
from crossbar.tiles import Clipped
from devices.common.arrays import Array
from devices.common.randomness import Seed

__all__ = [
    "ArrayProducts",
    "Product",
    "ReadLayer",
    "RecordedProducts",
    "Weights",
    "exact_products",
    "noiseless",
    "sample_seeds",
    "shifted",
    "vectors_of",
]

#: Executes a product: takes the number of a matrix and its inputs, ``(samples, ..., inputs)``; returns the outputs.
Product = Callable[[int, Array], Array]

#: A matrix, shape ``(inputs, outputs)``, and its bias.
Weights = tuple[Array, Array]

#: Executes one layer: takes its number, its inputs as shares of full scale, and the seeds of the noise.
ReadLayer = Callable[[int, Array, ReadSeeds], Array]

#: Most input vectors that calibrate one matrix; an image has one for each position of a convolution.
_CALIBRATING = 20_000


def exact_products(matrices: Sequence[Weights]) -> Product:
    """Return the products in software."""
    return lambda k, x: x @ matrices[k][0] + matrices[k][1]


def shifted(product: Product, first: int) -> Product:
    """Return the products of the matrices from the number `first` on."""
    return lambda k, x: product(first + k, x)


class RecordedProducts:
    """Products that keep the inputs of each matrix.

    Parameters
    ----------
    product : callable
        Executes the products.
    count : int
        Number of matrices.
    """

    def __init__(self, product: Product, count: int) -> None:
        self.product = product
        self.inputs: list[list[Array]] = [[] for _ in range(count)]

    def __call__(self, matrix: int, inputs: Array) -> Array:
        """Return the product, and keep the inputs as vectors."""
        self.inputs[matrix].append(inputs.reshape(-1, inputs.shape[-1]))
        return self.product(matrix, inputs)


def vectors_of(recorded: Sequence[Array]) -> Array:
    """Return recorded inputs of a matrix as calibration, shape ``(vectors, inputs)``.

    At most 20,000, evenly spaced, and the one with the largest input, which sets the full scale.
    """
    vectors = np.concatenate(recorded)
    if len(vectors) <= _CALIBRATING:
        return vectors
    chosen = np.linspace(0, len(vectors) - 1, _CALIBRATING).astype(int)
    chosen[0] = np.abs(vectors).max(axis=1).argmax()
    return vectors[chosen]


@dataclass
class ArrayProducts:
    """Products that are read from programmed matrices.

    Parameters
    ----------
    matrices : sequence of AnalogMatrix
        The matrices.
    seeds : ReadSeeds
        Seeds of the samples.
    read : callable, optional
        Executes a product in place of a matrix's own tiles, ``read(matrix, share, seeds)``.
    keep : bool, optional
        Whether `driven` is kept.
    clipped : sequence of Clipped, optional
        Counts of each matrix to which what is clipped is added.

    Attributes
    ----------
    driven : list of list of numpy.ndarray
        Inputs of each matrix as shares of its full scale, shape ``(vectors, rows)``, one array for each call.
    """

    matrices: Sequence[AnalogMatrix]
    seeds: ReadSeeds
    read: ReadLayer | None = None
    keep: bool = False
    clipped: Sequence[Clipped] = ()
    driven: list[list[Array]] = field(init=False)

    def __post_init__(self) -> None:
        self.driven = [[] for _ in self.matrices]
        self._vectors = [0] * len(self.matrices)

    def __call__(self, matrix: int, inputs: Array) -> Array:
        """Return the product as the arrays compute it, shape ``(samples, ..., outputs)``."""
        held, rows = self.matrices[matrix], inputs.shape[-1]
        each = math.prod(inputs.shape[1:-1])
        seeds = self.seeds.child(matrix)
        if inputs.ndim > 2 or self._vectors[matrix]:
            seeds = seeds.each(range(self._vectors[matrix], self._vectors[matrix] + each))
        self._vectors[matrix] += each
        share = held.shares(inputs.reshape(-1, rows))
        if self.keep:
            self.driven[matrix].append(share)
        if self.read is None:
            outputs = held.read(share, seeds, clipped=self.clipped[matrix] if self.clipped else None)
        else:
            outputs = self.read(matrix, share, seeds)
        return outputs.reshape(*inputs.shape[:-1], outputs.shape[-1])


def noiseless(matrix: AnalogMatrix) -> AnalogMatrix:
    """Return a matrix without the noise of its cells in reads."""
    return replace(matrix, tiles=tuple(replace(tile, noise=()) for tile in matrix.tiles))


def sample_seeds(matrices: Sequence[AnalogMatrix], seed: Seed, samples: Array) -> ReadSeeds:
    """Return the seeds of the noise of `samples`, shape ``(samples, ...)``; none where no matrix is noisy."""
    if not any(matrix.noisy for matrix in matrices):
        return ReadSeeds(0, ())
    return ReadSeeds.of(seed, samples.reshape(len(samples), -1))
