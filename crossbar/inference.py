"""A trained network on arrays: weights as conductances, products as currents, sums over tiles as numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.array import Crossbar
from crossbar.mapping import DifferentialPairs, check_limits, tile_slices
from crossbar.periphery import ADC, Amplitude, Encoding
from crossbar.tiles import Tile
from crossbar.wires import Wires
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import finite_array, integer, number
from devices.effects.base import Effect, apply_effects

__all__ = ["AnalogMatrix", "AnalogNetwork", "Recipe"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a matrix becomes arrays. The defaults are ideal but for the conductance window, which has to be given.

    Effects happen in the order given, to each array with random numbers of its own; ``Effect.acts`` says when:

    - once: spread, programming error, levels, stuck cells and lines, wear, and retention up to the time that the effect
      holds. They are drawn when the matrix is programmed and stay; ``PcmCells`` is of this kind as a whole, its read
      noise one draw that stays.
    - each read: white, 1/f and telegraph noise follow, drawn for each input vector. Reads are taken as independent, far
      apart beside the noise's correlation time. Of the calibration they are left out. White noise is an error of the
      conductance at the voltage that it holds: right for pulses of that height, too small for lower amplitudes.

    Parameters
    ----------
    conductance_limits : tuple of float
        Window that cells are programmed in [S], such as ``device.conductance_limits(read_voltage)``.
    tile : tuple of int, optional
        Largest rows and columns of one array. A weight takes two columns, a bias one row.
    encoding : Amplitude or PulseWidth, optional
        How inputs reach the word lines.
    adc_bits : int, optional
        Resolution of the ADC of each column; None for ideal. Its range is set from the calibration inputs.
    wires : Wires, optional
        Resistances of every array.
    effects : sequence of Effect, optional
        What happens to the cells.

    Raises
    ------
    InputError
        If a figure is out of its range, or an effect does not act on programmed conductances.

    Examples
    --------
    Cells with spread that have drifted for a day, read with 1/f noise:

    >>> from devices import FlickerNoise, Lognormal, PowerLawDrift
    >>> aged = [Lognormal(0.1), PowerLawDrift(86400.0, nu=0.05), FlickerNoise(1e-4, f_low=1.0, f_high=1e6)]
    >>> [effect.acts for effect in Recipe(conductance_limits=(1e-6, 1e-5), effects=aged).effects]
    ['once', 'once', 'each read']
    """

    conductance_limits: tuple[float, float]
    tile: tuple[int, int] = (64, 64)
    encoding: Encoding = field(default_factory=Amplitude)
    adc_bits: int | None = None
    wires: Wires = field(default_factory=Wires)
    effects: Sequence[Effect] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.effects, Sequence):
            raise InputError("effects", repr(self.effects), "a sequence of effects", "(Lognormal(0.1),)")
        for effect in self.effects:
            if not isinstance(effect, Effect) or effect.acts not in ("once", "each read"):
                allowed = "effects on programmed conductances, which act once or at each read"
                raise InputError("effects", repr(effect), allowed, "(Lognormal(0.1),)")
        object.__setattr__(self, "effects", tuple(self.effects))
        check_limits(self.conductance_limits)
        integer("tile rows", self.tile[0], minimum=1)
        integer("tile columns", self.tile[1], minimum=2, fix="a pair of columns for each weight")
        ADC(self.adc_bits)


@dataclass(frozen=True, eq=False)
class AnalogMatrix:
    r"""A matrix with a bias, programmed on tiles.

    .. math:: y = x W + b \approx \frac{X}{V s} \sum_\mathrm{tiles} (I^+ - I^-)

    with the inputs' full scale X, the read voltage V and the conductance for each unit of weight s. The bias is one
    more row, driven at full scale. The two columns of a pair are converted separately and subtracted as numbers.

    Parameters
    ----------
    tiles : tuple of Tile
        The programmed arrays.
    pairs : DifferentialPairs
        The mapping.
    full_scale : float
        Input that is encoded as a full-scale voltage or pulse.
    outputs : int
        Columns of the matrix.
    """

    tiles: tuple[Tile, ...]
    pairs: DifferentialPairs
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
            How.
        calibration : array_like
            Typical inputs, shape ``(samples, inputs)``, that set the full scale and the range of each tile's ADC.
        seed : int or numpy.random.Generator, optional
            Where effects that act once come from; every array has a stream of its own.

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
        pairs = DifferentialPairs.fit(with_bias, recipe.conductance_limits)
        target = pairs.conductance(with_bias)
        even = (recipe.tile[0], recipe.tile[1] - recipe.tile[1] % 2)
        blocks = list(tile_slices(target.shape, even))
        once, noise = (tuple(e for e in recipe.effects if e.acts == when) for when in ("once", "each read"))
        share = _shares(typical, full_scale)
        tiles = []
        for (rows, columns), stream in zip(blocks, generator(seed).spawn(len(blocks)), strict=True):
            cells = apply_effects(target[rows, columns], once, stream, limits=recipe.conductance_limits)
            array, adc = Crossbar(cells, recipe.wires), ADC(recipe.adc_bits)
            tiles.append(Tile(array, recipe.encoding, adc, rows, columns, noise).calibrated(share))
        return cls(tuple(tiles), pairs, full_scale, w.shape[1])

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

    def read(self, share: Array, seed: Seed = 0) -> Array:
        """Return the product for word lines driven with `share`, shape ``(..., outputs)``; `seed` is for noise."""
        rng = generator(seed)
        current = np.zeros((*share.shape[:-1], 2 * self.outputs))
        for tile in self.tiles:
            current[..., tile.columns] += tile.read(share, rng)
        volts = self.tiles[0].encoding.read_voltage
        return self.full_scale / volts * self.pairs.weights(current)


def _shares(inputs: Array, full_scale: float) -> Array:
    """Inputs as shares of full scale, and a last one at full scale for the bias."""
    return np.concatenate([inputs / full_scale, np.ones((*inputs.shape[:-1], 1))], axis=-1)


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
        What follows each but the last: ``identity``, ``relu``, ``tanh`` or ``logistic``.
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
            How its matrices become arrays.
        calibration : array_like
            Training inputs, shape ``(samples, features)``; full scales and ADC ranges are set on these.
        seed : int or numpy.random.Generator, optional
            Where effects that act once come from; every layer has a stream of its own.

        Returns
        -------
        AnalogNetwork
            With an ideal recipe it equals the software model to rounding.

        Raises
        ------
        InputError
            If the model is not fitted or of another kind.
        """
        weights, biases, activation = _parameters(model)
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

    def forward(self, inputs: ArrayLike, seed: Seed = 0) -> list[Array]:
        """Return what each layer is driven with, as shares of its full scale, and last the network's outputs.

        Parameters
        ----------
        inputs : array_like
            Shape ``(samples, features)``.
        seed : int or numpy.random.Generator, optional
            Where the noise of the reads comes from: the same number is the same noise, a generator moves on.

        Returns
        -------
        list of numpy.ndarray
            For each layer, shape ``(samples, inputs + 1)`` with the bias row last; then ``(samples, outputs)``.
        """
        x = finite_array("inputs", inputs, shape=("samples", "features"))
        rng = generator(seed)
        passed: list[Array] = []
        for layer in self.layers:
            if passed:
                x = _ACTIVATIONS[self.activation](x)
            passed.append(layer.shares(x))
            x = layer.read(passed[-1], rng)
        return [*passed, x]

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


def _parameters(model: Any) -> tuple[list[Array], list[Array], str]:
    """Weights, biases and hidden activation of a fitted scikit-learn classifier."""
    if hasattr(model, "coefs_"):
        return list(model.coefs_), list(model.intercepts_), model.activation
    if hasattr(model, "coef_") and hasattr(model, "classes_"):
        return [np.asarray(model.coef_).T], [np.atleast_1d(model.intercept_)], "identity"
    raise InputError(
        "model", type(model).__name__, "a fitted MLPClassifier or linear classifier of scikit-learn", "model.fit(x, y)"
    )
