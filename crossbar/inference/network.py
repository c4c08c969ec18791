"""`AnalogNetwork`: a trained network whose products are computed by arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.inference.matrix import AnalogMatrix
from crossbar.inference.recipe import Recipe
from crossbar.tiles import Tile
from devices.common.arrays import Array
from devices.common.randomness import Seed, generator
from devices.common.validation import finite_array, number

__all__ = ["AnalogNetwork", "LayerRead"]

#: Executes one layer: takes its number, its inputs as shares of full scale, and a generator for noise.
LayerRead = Callable[[int, Array, np.random.Generator], Array]


def _sigmoid(z: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * z))


_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0.0),
    "tanh": np.tanh,
    "logistic": _sigmoid,
}


@dataclass(frozen=True, eq=False)
class AnalogNetwork:
    """A chain of programmed matrices with digital activations between them.

    Parameters
    ----------
    layers : tuple of AnalogMatrix
        The matrices in order.
    activation : str
        Activation after each matrix but the last: ``identity``, ``relu``, ``tanh`` or ``logistic``.
    classes : numpy.ndarray
        Label of each output.
    """

    layers: tuple[AnalogMatrix, ...]
    activation: str
    classes: NDArray[Any]

    @classmethod
    def from_sklearn(cls, model: Any, recipe: Recipe, *, calibration: ArrayLike, seed: Seed = 0) -> AnalogNetwork:
        """Program a classifier that scikit-learn has trained.

        Parameters
        ----------
        model : sklearn.neural_network.MLPClassifier or a linear classifier
            Fitted, e.g. ``LogisticRegression``; the model itself is not changed.
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
            If the model is not fitted or of another kind.
        """
        from crossbar.inference.sklearn import layers_of

        weights, biases, activation = layers_of(model)
        inputs = finite_array("calibration", calibration, shape=("samples", weights[0].shape[0]))
        act = _ACTIVATIONS[activation]
        layers = []
        streams = generator(seed).spawn(len(weights))
        for w, b, stream in zip(weights, biases, streams, strict=True):
            layers.append(AnalogMatrix.program(w, b, recipe, calibration=inputs, seed=stream))
            inputs = act(inputs @ w + b)
        return cls(tuple(layers), activation, np.asarray(model.classes_))

    @property
    def tiles(self) -> tuple[tuple[Tile, ...], ...]:
        """The tiles of each layer."""
        return tuple(layer.tiles for layer in self.layers)

    def forward(self, inputs: ArrayLike, seed: Seed = 0, read: LayerRead | None = None) -> list[Array]:
        """Return the inputs of each layer, as shares of its full scale, and last the network's outputs.

        Parameters
        ----------
        inputs : array_like
            Shape ``(samples, features)``.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the noise of the reads; the same number gives the same noise.
        read : callable, optional
            Executes a layer, ``read(layer, share, rng)``; the layer's own tiles do where not given.

        Returns
        -------
        list of numpy.ndarray
            For each layer, shape ``(samples, inputs + 1)`` with the bias row last; then ``(samples, outputs)``.
        """
        x = finite_array("inputs", inputs, shape=("samples", "features"))
        rng = generator(seed)
        driven: list[Array] = []
        for k, layer in enumerate(self.layers):
            if driven:
                x = _ACTIVATIONS[self.activation](x)
            driven.append(layer.shares(x))
            x = layer.read(driven[-1], rng) if read is None else read(k, driven[-1], rng)
        return [*driven, x]

    def decision(self, inputs: ArrayLike, seed: Seed = 0) -> Array:
        """Return the last layer's outputs before any activation, shape ``(samples, outputs)``; see `forward`."""
        return self.forward(inputs, seed)[-1]

    def classify(self, outputs: Array) -> NDArray[Any]:
        """Return the class that each row of the last layer's `outputs` stands for."""
        if outputs.shape[1] == 1:
            return self.classes[(outputs[:, 0] > 0.0).astype(int)]
        return self.classes[np.argmax(outputs, axis=1)]

    def predict(self, inputs: ArrayLike, seed: Seed = 0) -> NDArray[Any]:
        """Return the predicted class of each sample, shape ``(samples,)``; see `forward`."""
        return self.classify(self.decision(inputs, seed))

    def score(self, inputs: ArrayLike, labels: ArrayLike, seed: Seed = 0) -> float:
        """Return the share of `inputs` whose prediction is right; see `forward`."""
        return number("score", np.mean(self.predict(inputs, seed) == np.asarray(labels)))
