"""`AnalogNetwork`: a trained network whose products are computed by arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.inference.graph import Graph, Node, chain, checked_recipes
from crossbar.inference.layers import Dense, Layer
from crossbar.inference.matrix import AnalogMatrix
from crossbar.inference.outputs import ACTIVATIONS, predictions
from crossbar.inference.products import (
    ArrayProducts,
    ReadLayer,
    RecordedProducts,
    exact_products,
    noiseless,
    sample_seeds,
    vectors_of,
)
from crossbar.inference.recipe import Recipe
from crossbar.periphery.converters import AdcRange
from crossbar.tiles import Clipped, Tile
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import choice, finite_array

__all__ = ["AnalogNetwork", "NetworkRun"]

#: Most samples that run together, and most numbers that they drive a matrix with in one call: bounds the memory.
_AT_ONCE, _NUMBERS = 4096, 2**22
#: Inputs of so many numbers always run together.
_SMALL = 2**14


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """The outputs of a network for some inputs, and what was clipped on the way.

    Parameters
    ----------
    outputs : numpy.ndarray
        The network's outputs before any choice of a class, shape ``(samples, ...)``.
    driven : tuple of numpy.ndarray
        Inputs of each matrix as shares of its full scale, shape ``(samples, rows)``; of a convolution one for each
        position, of a recurrent layer one for each time, in the order of the reads.
    clipped : tuple of Clipped
        Counts of each matrix.
    """

    outputs: Array
    driven: tuple[Array, ...]
    clipped: tuple[Clipped, ...]

    def __str__(self) -> str:
        return "\n".join(f"layer {k}: {counts}" for k, counts in enumerate(self.clipped))


@dataclass(frozen=True, eq=False)
class AnalogNetwork:
    """Programmed matrices, and the digital arithmetic that connects them.

    Parameters
    ----------
    layers : tuple of AnalogMatrix
        The matrices in order: one of a dense layer, one for each group of a convolution, two of a recurrent layer.
    graph : Graph
        The network's layers, as they are in software.
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
    graph: Graph
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
        layers: dict[str, Layer | str] = {}
        for k, (w, b, name) in enumerate(zip(matrices, offsets, names, strict=True)):
            layers |= {f"layers[{k}]": Dense(w, b), f"activations[{k}]": name}
        return cls.program(layers, recipe, calibration=x, classes=classes, seed=seed)

    @classmethod
    def program(
        cls,
        layers: Sequence[Layer | str] | Mapping[str, Layer | str] | Graph,
        recipe: Recipe,
        *,
        calibration: ArrayLike,
        per_layer: Mapping[str, Recipe] | None = None,
        exclude: Collection[str] = (),
        classes: ArrayLike | None = None,
        seed: Seed = 0,
    ) -> AnalogNetwork:
        """Program layers of any kind: dense, convolution, recurrent, and digital ones between them.

        A batch normalisation becomes part of the matrix before it. Full scales and ADC ranges of each matrix are set
        on what the calibration inputs become in software.

        Parameters
        ----------
        layers : sequence or mapping of Layer, or Graph
            Layers one after another, a name such as ``"relu"`` for its activation; keys of a mapping are the layers'
            names, otherwise they are ``layers[0]``, ``layers[1]``, ... A graph connects them in other ways.
        recipe : Recipe
            The recipe by which the matrices become arrays.
        calibration : array_like
            Typical inputs, shape ``(samples, ...)``.
        per_layer : mapping of Recipe, optional
            Recipes of single layers by name.
        exclude : collection of str, optional
            Names of layers that stay in software.
        classes : array_like, optional
            Label of each output; 0, 1, ... where not given, and none, for a regressor, where empty.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the effects that act once; every matrix has an independent stream.

        Returns
        -------
        AnalogNetwork
            The network.

        Raises
        ------
        InputError
            If shapes do not fit or a layer cannot be mapped; names the layer.
        """
        x = finite_array("calibration", calibration)
        if x.ndim < 2 or not x.size:
            raise InputError("calibration", f"shape {x.shape}", "shape (samples, ...), one sample at least")
        graph = (layers if isinstance(layers, Graph) else chain(layers)).folded(x[:1]).excluding(exclude)
        if not graph.matrices:
            raise InputError("layers", "none with a matrix that arrays compute", "at least one")
        recipes = checked_recipes(recipe, per_layer, graph.names)
        rng = generator(seed)
        streams = rng.spawn(len(graph.matrices) + 1)
        programmed: list[AnalogMatrix] = []

        def step(node: Node, first: int, inputs: Sequence[Array]) -> Array:
            held = node.layer.matrices
            products = RecordedProducts(exact_products(held), len(held))
            found = node.forward(products, inputs)
            for (w, b), typical, stream in zip(held, products.inputs, streams[first:], strict=False):
                try:
                    one = recipes.get(node.name, recipe)
                    programmed.append(AnalogMatrix.program(w, b, one, calibration=vectors_of(typical), seed=stream))
                except InputError as error:
                    argument = f"{node.name}, {error.argument}"
                    raise InputError(argument, error.given, error.allowed, error.fix) from None
            return found

        outputs = graph.walk(x, step)
        labels = None if classes is None else np.asarray(classes)
        if outputs.ndim == 2 and (labels is None or labels.size):
            count = max(2, outputs.shape[1])
            labels = np.arange(count) if labels is None else labels
            if labels.shape != (count,):
                raise InputError("classes", f"shape {labels.shape}", f"a label for each of {count} classes")
        elif labels is not None and labels.size:
            raise InputError("classes", f"{labels.size} for outputs of shape {outputs.shape}", "none")
        else:
            labels = None
        return cls(tuple(programmed), graph, labels, rng=streams[-1])

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

    @classmethod
    def from_onnx(
        cls,
        model: Any,
        recipe: Recipe,
        *,
        calibration: ArrayLike,
        per_layer: Mapping[str, Recipe] | None = None,
        exclude: Collection[str] = (),
        classes: ArrayLike | None = None,
        seed: Seed = 0,
    ) -> AnalogNetwork:
        """Program a network in the ONNX format, such as one exported from PyTorch or Keras.

        Dense layers, convolutions and recurrent layers become arrays, all else is digital; `network.graph` lists them.
        The package onnx (extra ``onnx``) reads the file; nothing in it is executed.

        Parameters
        ----------
        model : path or onnx.ModelProto
            The network, with one input, whose first axis counts samples, and one output.
        recipe, calibration, per_layer, exclude, classes, seed
            See `program`; layers have the names of their nodes.

        Returns
        -------
        AnalogNetwork
            The network.

        Raises
        ------
        InputError
            If a node cannot be mapped; names the node and its operator.
        """
        from crossbar.inference.onnx import graph_from_onnx

        return cls.program(
            graph_from_onnx(model),
            recipe,
            calibration=calibration,
            per_layer=per_layer,
            exclude=exclude,
            classes=classes,
            seed=seed,
        )

    @property
    def tiles(self) -> tuple[tuple[Tile, ...], ...]:
        """The tiles of each matrix."""
        return tuple(layer.tiles for layer in self.layers)

    def at(self, time: float | None) -> AnalogNetwork:
        """Return the same cells, with the same ranges, at a time since programming [s]; see `Tile.at`."""
        return replace(self, layers=tuple(layer.at(time) for layer in self.layers))

    def compensated(
        self,
        inputs: ArrayLike,
        per: Literal["matrix", "output"] = "matrix",
        *,
        to: Literal["programmed", "weights"] = "programmed",
    ) -> AnalogNetwork:
        """Return the network with digital factors that make up for the drift of its cells, or for losses on wires.

        Each matrix is driven with what `inputs`, shape ``(samples, features)``, become in the compensated layers before
        it, without noise; see `AnalogMatrix.compensated`.
        """
        return self._changed(inputs, lambda matrix, x: matrix.compensated(x, per, to=to))

    def calibrated(self, inputs: ArrayLike, policy: AdcRange | None = None) -> AnalogNetwork:
        """Return the network with the ranges of its ADCs set anew, by the cells as they are now, without noise."""
        return self._changed(inputs, lambda matrix, x: matrix.calibrated(x, policy))

    def _changed(self, inputs: ArrayLike, change: Callable[[AnalogMatrix, Array], AnalogMatrix]) -> AnalogNetwork:
        """Return the network with each matrix changed by the inputs that it has, layer after layer."""
        changed: list[AnalogMatrix] = []

        def quiet_products(matrices: Sequence[AnalogMatrix]) -> ArrayProducts:
            quiet = [noiseless(matrix) for matrix in matrices]
            return ArrayProducts(quiet, sample_seeds(quiet, 0, x))

        def step(node: Node, first: int, values: Sequence[Array]) -> Array:
            held = self.layers[first : first + len(node.layer.matrices)]
            products = RecordedProducts(quiet_products(held), len(held))
            found = node.forward(products, values)
            if not held:
                return found
            new = [change(m, vectors_of(typical)) for m, typical in zip(held, products.inputs, strict=True)]
            changed.extend(new)
            return node.forward(quiet_products(new), values)

        x = self._prepared(inputs)
        self.graph.walk(x, step)
        return replace(self, layers=tuple(changed))

    def _prepared(self, inputs: ArrayLike) -> Array:
        x = finite_array("inputs", inputs)
        if x.ndim < 2 or not x.size:
            raise InputError("inputs", f"shape {x.shape}", "shape (samples, features), one sample at least")
        return x if self.prepare is None else finite_array("prepared inputs", self.prepare(x))

    def run(self, inputs: ArrayLike, seed: Seed | None = None, read: ReadLayer | None = None) -> NetworkRun:
        """Run the network.

        Parameters
        ----------
        inputs : array_like
            Shape ``(samples, features)``, or that of images or sequences.
        seed : int or numpy.random.Generator, optional
            Seed or generator of the noise of the reads: a sample has the same noise at the same seed, alone or among
            others. Without a seed the noise differs from call to call.
        read : callable, optional
            Executes a product, ``read(matrix, share, seeds)``; the matrix's own tiles do where not given.

        Returns
        -------
        NetworkRun
            Outputs, inputs of each matrix, and counts of what was clipped.
        """
        return self._run(inputs, seed, read, keep=True)

    def _run(self, inputs: ArrayLike, seed: Seed | None, read: ReadLayer | None, *, keep: bool) -> NetworkRun:
        """Run the network in blocks of samples."""
        x = self._prepared(inputs)
        seeds = sample_seeds(self.layers, self.rng if seed is None else seed, x)
        outputs: list[Array] = []
        driven: list[list[Array]] = [[] for _ in self.layers]
        clipped = [Clipped() for _ in self.layers]
        size = self._samples_at_once(x)
        for block in (slice(k, k + size) for k in range(0, len(x), size)):
            products = ArrayProducts(self.layers, seeds.part(block), read, keep, clipped)
            outputs.append(self.graph.run(x[block], products))
            for kept, calls in zip(driven, products.driven, strict=True):
                kept.extend(calls)
        together = tuple(np.concatenate(d) for d in driven) if keep else ()
        return NetworkRun(np.concatenate(outputs), together, tuple(clipped))

    def _samples_at_once(self, x: Array) -> int:
        """Return how many samples run together: a sample of a convolution drives its matrix with many vectors."""
        if x.size <= _SMALL:
            return len(x)
        products = RecordedProducts(exact_products(self.graph.matrices), len(self.layers))
        self.graph.run(x[:1], products)
        largest = max(call.size for calls in products.inputs for call in calls)
        return min(_AT_ONCE, max(1, _NUMBERS // max(1, largest)))

    def forward(self, inputs: ArrayLike, seed: Seed | None = None, read: ReadLayer | None = None) -> list[Array]:
        """Return the inputs of each matrix, as shares of its full scale, and last the network's outputs; see `run`."""
        found = self.run(inputs, seed, read)
        return [*found.driven, found.outputs]

    def decision(self, inputs: ArrayLike, seed: Seed | None = None) -> Array:
        """Return the network's outputs, shape ``(samples, ...)``; see `run`. The memory for it is bounded."""
        return self._run(inputs, seed, None, keep=False).outputs

    def classify(self, outputs: Array) -> NDArray[Any]:
        """Return what each row of `outputs` stands for; see `crossbar.inference.outputs.predictions`."""
        threshold = 0.5 if self.graph.probabilities else 0.0
        return predictions(outputs, self.classes, multilabel=self.multilabel, threshold=threshold)

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
