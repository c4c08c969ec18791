"""`AnalogNetwork`: a trained network whose products are computed by arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.inference.matrix import AnalogMatrix
from crossbar.inference.outputs import ACTIVATIONS, predictions
from crossbar.inference.recipe import Recipe
from crossbar.periphery.converters import AdcRange
from crossbar.read_noise import ReadSeeds
from crossbar.tiles import Clipped, Tile
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import choice, finite_array

__all__ = ["AnalogNetwork", "LayerRead", "NetworkRun"]

#: Samples that run together where only outputs are wanted.
_AT_ONCE = 4096
#: Executes one layer: takes its number, its inputs as shares of full scale, and the seeds of the noise.
LayerRead = Callable[[int, Array, ReadSeeds], Array]


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """The outputs of a network for some inputs, and what was clipped on the way.

    Parameters
    ----------
    outputs : numpy.ndarray
        The network's outputs before any choice of a class, shape ``(samples, outputs)``.
    driven : tuple of numpy.ndarray
        Inputs of each layer as shares of its full scale, shape ``(samples, rows)``.
    clipped : tuple of Clipped
        Counts of each layer.
    """

    outputs: Array
    driven: tuple[Array, ...]
    clipped: tuple[Clipped, ...]

    def __str__(self) -> str:
        return "\n".join(f"layer {k}: {counts}" for k, counts in enumerate(self.clipped))


@dataclass(frozen=True, eq=False)
class AnalogNetwork:
    """A chain of programmed matrices with digital activations after them.

    Parameters
    ----------
    layers : tuple of AnalogMatrix
        The matrices in order.
    activations : tuple of str
        Activation after each matrix: ``identity``, ``relu``, ``tanh`` or ``logistic``.
    classes : numpy.ndarray, optional
        Label of each output; None for a regressor.
    multilabel : bool, optional
        Whether each output decides on its own label, instead of the largest one on one label.
    prepare : callable, optional
        Digital function of the inputs before the first layer, such as the scaler of a pipeline.
    rng : numpy.random.Generator, optional
        Generator of the noise of reads without a seed.
    """

    layers: tuple[AnalogMatrix, ...]
    activations: tuple[str, ...]
    classes: NDArray[Any] | None = None
    multilabel: bool = False
    prepare: Callable[[Array], Array] | None = None
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @classmethod
    def from_layers(
        cls,
        weights: Sequence[ArrayLike],
        biases: Sequence[ArrayLike | None] | None,
        recipe: Recipe,
        *,
        activations: str | Sequence[str] = "relu",
        calibration: ArrayLike,
        classes: ArrayLike | None = None,
        seed: Seed = 0,
    ) -> AnalogNetwork:
        """Program dense layers given as plain arrays.

        Parameters
        ----------
        weights : sequence of array_like
            Matrix of each layer, shape ``(inputs, outputs)``.
        biases : sequence of array_like, optional
            Bias of each layer, shape ``(outputs,)``, or None.
        recipe : Recipe
            The recipe by which the matrices become arrays.
        activations : str or sequence of str, optional
            Activation after each layer; one name stands for all but the last layer, which has none.
        calibration : array_like
            Typical inputs, shape ``(samples, features)``; full scales and ADC ranges are set on these.
        classes : array_like, optional
            Label of each output; 0, 1, ... where not given.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the effects that act once; every layer has an independent stream.

        Returns
        -------
        AnalogNetwork
            The network.

        Raises
        ------
        InputError
            If shapes do not fit, an activation is unknown, or a number is not finite; names the layer.
        """
        matrices = [finite_array(f"weights[{k}]", w, shape=("inputs", "outputs")) for k, w in enumerate(weights)]
        if not matrices:
            raise InputError("weights", "no layer", "at least one matrix")
        for k, (one, after) in enumerate(pairwise(matrices)):
            if one.shape[1] != after.shape[0]:
                given = f"shape {after.shape} after {one.shape[1]} outputs of layer {k}"
                raise InputError(f"weights[{k + 1}]", given, f"shape ({one.shape[1]}, outputs)")
        given_biases = [None] * len(matrices) if biases is None else list(biases)
        names = [activations] * (len(matrices) - 1) + ["identity"] if isinstance(activations, str) else [*activations]
        for argument, values in (("biases", given_biases), ("activations", names)):
            if len(values) != len(matrices):
                raise InputError(argument, f"{len(values)}", f"one for each of {len(matrices)} layers")
        for k, name in enumerate(names):
            choice(f"activations[{k}]", name, ACTIVATIONS)
        offsets = [
            np.zeros(w.shape[1]) if b is None else finite_array(f"biases[{k}]", b, shape=(w.shape[1],))
            for k, (w, b) in enumerate(zip(matrices, given_biases, strict=True))
        ]
        x = finite_array("calibration", calibration, shape=("samples", matrices[0].shape[0]))
        outputs = matrices[-1].shape[1]
        labels = np.arange(max(2, outputs)) if classes is None else np.asarray(classes)
        if labels.shape != (max(2, outputs),):
            raise InputError("classes", f"shape {labels.shape}", f"a label for each of {max(2, outputs)} classes")
        rng = generator(seed)
        streams = rng.spawn(len(matrices) + 1)
        layers = []
        for w, b, name, stream in zip(matrices, offsets, names, streams, strict=False):
            layers.append(AnalogMatrix.program(w, b, recipe, calibration=x, seed=stream))
            x = ACTIVATIONS[name](x @ w + b)
        return cls(tuple(layers), tuple(names), labels, rng=streams[-1])

    @classmethod
    def from_sklearn(cls, model: Any, recipe: Recipe, *, calibration: ArrayLike, seed: Seed = 0) -> AnalogNetwork:
        """Program a model that scikit-learn has trained.

        Parameters
        ----------
        model : sklearn estimator
            Fitted: an ``MLPClassifier`` or ``MLPRegressor``, a linear classifier or regressor, a ``Pipeline`` of
            transformers and one of these, or a search over them. The model itself is not changed; transformers stay
            digital.
        recipe : Recipe
            The recipe by which its matrices become arrays.
        calibration : array_like
            Training inputs, shape ``(samples, features)``; full scales and ADC ranges are set on these.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the effects that act once; every layer has an independent stream.

        Returns
        -------
        AnalogNetwork
            The network; with an ideal recipe it equals the software model to rounding.

        Raises
        ------
        InputError
            If the model is not fitted or of another kind: its predictions for the calibration inputs must be those
            of its matrices in software.
        """
        from crossbar.inference.sklearn import dense_layers

        found = dense_layers(model, calibration)
        network = cls.from_layers(
            found.weights,
            found.biases,
            recipe,
            activations=found.activations,
            calibration=found.prepared(finite_array("calibration", calibration, shape=("samples", "features"))),
            seed=seed,
        )
        return replace(network, classes=found.classes, multilabel=found.multilabel, prepare=found.prepare)

    @property
    def tiles(self) -> tuple[tuple[Tile, ...], ...]:
        """The tiles of each layer."""
        return tuple(layer.tiles for layer in self.layers)

    def at(self, time: float | None) -> AnalogNetwork:
        """Return the same cells, with the same ranges, at a time since programming [s]; see `Tile.at`."""
        return replace(self, layers=tuple(layer.at(time) for layer in self.layers))

    def compensated(self, inputs: ArrayLike, per: Literal["matrix", "output"] = "matrix") -> AnalogNetwork:
        """Return the network with digital factors that make up for the drift of its cells.

        Each layer is driven with what `inputs`, shape ``(samples, features)``, become in the compensated layers before
        it, without noise; see `AnalogMatrix.compensated`.
        """
        x = self._prepared(inputs)
        layers = []
        for layer, name in zip(self.layers, self.activations, strict=True):
            layers.append(layer.compensated(x, per))
            noiseless = replace(layers[-1], tiles=tuple(replace(t, noise=()) for t in layer.tiles))
            x = ACTIVATIONS[name](noiseless.matmul(x, 0))
        return replace(self, layers=tuple(layers))

    def calibrated(self, inputs: ArrayLike, policy: AdcRange | None = None) -> AnalogNetwork:
        """Return the network with the ranges of its ADCs set anew, by the cells as they are now, without noise."""
        x = self._prepared(inputs)
        layers = []
        for layer, name in zip(self.layers, self.activations, strict=True):
            layers.append(layer.calibrated(x, policy))
            noiseless = replace(layers[-1], tiles=tuple(replace(t, noise=()) for t in layers[-1].tiles))
            x = ACTIVATIONS[name](noiseless.matmul(x, 0))
        return replace(self, layers=tuple(layers))

    def _prepared(self, inputs: ArrayLike) -> Array:
        x = finite_array("inputs", inputs, shape=("samples", "features"))
        return x if self.prepare is None else finite_array("prepared inputs", self.prepare(x))

    def run(self, inputs: ArrayLike, seed: Seed | None = None, read: LayerRead | None = None) -> NetworkRun:
        """Run the network.

        Parameters
        ----------
        inputs : array_like
            Shape ``(samples, features)``.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the noise of the reads: a sample has the same noise at the same seed, alone or among
            others. Without a seed the noise differs from call to call.
        read : callable, optional
            Executes a layer, ``read(layer, share, seeds)``; the layer's own tiles do where not given.

        Returns
        -------
        NetworkRun
            Outputs, inputs of each layer, and counts of what was clipped.
        """
        x = self._prepared(inputs)
        return self._run(x, self._seeds(x, seed), read)

    def _seeds(self, x: Array, seed: Seed | None) -> ReadSeeds:
        noisy = any(layer.noisy for layer in self.layers)
        return ReadSeeds.of(self.rng if seed is None else seed, x) if noisy else ReadSeeds(0, ())

    def _run(self, x: Array, seeds: ReadSeeds, read: LayerRead | None = None) -> NetworkRun:
        driven: list[Array] = []
        clipped = []
        for k, (layer, name) in enumerate(zip(self.layers, self.activations, strict=True)):
            driven.append(layer.shares(x))
            clipped.append(Clipped())
            if read is None:
                x = layer.read(driven[-1], seeds.child(k), clipped=clipped[-1])
            else:
                x = read(k, driven[-1], seeds.child(k))
            x = ACTIVATIONS[name](x)
        return NetworkRun(x, tuple(driven), tuple(clipped))

    def forward(self, inputs: ArrayLike, seed: Seed | None = None, read: LayerRead | None = None) -> list[Array]:
        """Return the inputs of each layer, as shares of its full scale, and last the network's outputs; see `run`."""
        found = self.run(inputs, seed, read)
        return [*found.driven, found.outputs]

    def decision(self, inputs: ArrayLike, seed: Seed | None = None) -> Array:
        """Return the network's outputs, shape ``(samples, outputs)``; see `run`. The memory for it is bounded."""
        x = self._prepared(inputs)
        seeds = self._seeds(x, seed)
        parts = [slice(k, k + _AT_ONCE) for k in range(0, max(len(x), 1), _AT_ONCE)]
        return np.concatenate([self._run(x[part], seeds.part(part)).outputs for part in parts])

    def classify(self, outputs: Array) -> NDArray[Any]:
        """Return what each row of `outputs` stands for; see `crossbar.inference.outputs.predictions`."""
        return predictions(outputs, self.classes, multilabel=self.multilabel)

    def predict(self, inputs: ArrayLike, seed: Seed | None = None) -> NDArray[Any]:
        """Return the prediction for each sample, shape ``(samples,)`` or ``(samples, outputs)``; see `run`."""
        return self.classify(self.decision(inputs, seed))

    def score(self, inputs: ArrayLike, labels: ArrayLike, seed: Seed | None = None) -> float:
        """Return the share of `inputs` whose prediction is right, of a regressor the coefficient of determination.

        Raises
        ------
        InputError
            If `labels` do not have the predictions' shape and kind.
        """
        given = np.asarray(labels)
        predicted = self.predict(inputs, seed)
        if given.shape != predicted.shape or not given.size:
            fix = "labels.ravel()" if given.size == predicted.size else "one label for each sample"
            raise InputError("labels", f"shape {given.shape}", f"shape {predicted.shape}, one sample at least", fix)
        numeric = given.dtype.kind in "biuf"
        if numeric != (predicted.dtype.kind in "biuf"):
            known = "numbers" if self.classes is None else f"labels such as {self.classes.tolist()[0]!r}"
            raise InputError("labels", f"such as {given.ravel().tolist()[0]!r}", known)
        if self.classes is None:
            rest, spread = np.square(given - predicted).sum(axis=0), np.square(given - given.mean(axis=0)).sum(axis=0)
            if not np.all(spread > 0.0):
                raise InputError(
                    "labels", "values that are all equal", "values that differ, for a coefficient of determination"
                )
            return float(np.mean(1.0 - rest / spread))
        right = predicted == given
        return float(np.mean(right.all(axis=1) if right.ndim == 2 else right))
