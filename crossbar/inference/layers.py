"""`Layer`, the protocol of a network's layers, and those without memory: dense, activation, digital functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from crossbar.inference.outputs import ACTIVATIONS
from crossbar.inference.products import Product, Weights, exact_products
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array

__all__ = ["Activation", "BatchNorm", "Dense", "Digital", "Function", "Layer", "Reshape", "weights_of"]


class Layer(Protocol):
    """A layer: matrices whose products arrays can compute, and the digital arithmetic around them."""

    @property
    def matrices(self) -> tuple[Weights, ...]:
        """Matrices, shape ``(inputs, outputs)``, with their biases; none of a digital layer."""

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the outputs, shape ``(samples, ...)``, where ``product(k, x)`` multiplies by the k-th matrix."""


def weights_of(weights: ArrayLike, bias: ArrayLike | None, outputs: int) -> Weights:
    """Return a matrix and its bias, zeros where there is none."""
    offset = np.zeros(outputs) if bias is None else finite_array("bias", bias, shape=(outputs,))
    return finite_array("weights", weights, shape=("inputs", outputs)), offset


class Dense:
    r"""A dense layer, :math:`y = x W + b`, along the last axis.

    Parameters
    ----------
    weights : array_like
        Shape ``(inputs, outputs)``.
    bias : array_like, optional
        Shape ``(outputs,)``.
    """

    def __init__(self, weights: ArrayLike, bias: ArrayLike | None = None) -> None:
        w = finite_array("weights", weights, shape=("inputs", "outputs"))
        self.matrices: tuple[Weights, ...] = (weights_of(w, bias, w.shape[1]),)

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the products, shape ``(samples, ..., outputs)``."""
        wanted = len(self.matrices[0][0])
        if inputs[0].ndim < 2 or inputs[0].shape[-1] != wanted:
            raise InputError("inputs", f"shape {inputs[0].shape}", f"shape (samples, ..., {wanted})")
        return product(0, inputs[0])

    def scaled(self, scale: Array, shift: Array) -> Dense:
        """Return the layer followed by a factor and an offset of each output."""
        weights, bias = self.matrices[0]
        return Dense(weights * scale, bias * scale + shift)


@dataclass(frozen=True)
class Function:
    """A digital function of the outputs of earlier layers.

    Parameters
    ----------
    function : callable
        Takes arrays of shape ``(samples, ...)`` and returns one.
    """

    function: Callable[..., Array]

    @property
    def matrices(self) -> tuple[Weights, ...]:
        """No matrices."""
        return ()

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the function's value."""
        try:
            return self.function(*inputs)
        except ValueError as error:
            shapes = ", ".join(str(x.shape) for x in inputs)
            raise InputError("inputs", f"shape {shapes}: {error}", "shapes that the function takes") from None


@dataclass(frozen=True)
class Activation:
    """A digital activation.

    Parameters
    ----------
    name : str
        One of `crossbar.inference.outputs.ACTIVATIONS`, such as ``relu``, ``tanh``, ``logistic`` or ``softmax``.
    parameters : mapping, optional
        Its parameters by name, such as ``{"slope": 0.2}`` of ``leaky_relu``.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        choice("activation", self.name, ACTIVATIONS)
        try:
            ACTIVATIONS[self.name](np.zeros((1, 1)), **self.parameters)
        except TypeError as error:
            raise InputError(f"parameters of {self.name}", f"{dict(self.parameters)}: {error}", "its own") from None
        except ValueError:  # an axis that this sample does not have
            pass

    @property
    def matrices(self) -> tuple[Weights, ...]:
        """No matrices."""
        return ()

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the activation of each number."""
        try:
            return ACTIVATIONS[self.name](inputs[0], **self.parameters)
        except ValueError as error:
            raise InputError("inputs", f"shape {inputs[0].shape}: {error}", "a shape with that axis") from None


@dataclass(frozen=True)
class Reshape:
    """The axes after the samples in another shape; one axis where not given."""

    shape: tuple[int, ...] = (-1,)

    @property
    def matrices(self) -> tuple[Weights, ...]:
        """No matrices."""
        return ()

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the inputs, shape ``(samples, *shape)``."""
        x = inputs[0]
        try:
            return x.reshape(len(x), *self.shape)
        except ValueError:
            raise InputError("inputs", f"shape {x.shape}", f"one that becomes (samples, *{self.shape})") from None


class BatchNorm:
    r"""The normalisation of each channel by fixed statistics.

    .. math:: y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta

    `AnalogNetwork.program` makes it part of the matrix of a dense layer or a convolution before it.

    Parameters
    ----------
    mean, variance : array_like
        Statistics of each channel, shape ``(channels,)``; channels are the second axis.
    gamma, beta : array_like, optional
        Factor and offset of each channel.
    epsilon : float, optional
        Number added to the variance.
    """

    def __init__(
        self,
        mean: ArrayLike,
        variance: ArrayLike,
        gamma: ArrayLike | None = None,
        beta: ArrayLike | None = None,
        epsilon: float = 1e-5,
    ) -> None:
        mu = finite_array("mean", mean, shape=("channels",))
        var = finite_array("variance", variance, shape=mu.shape, minimum=0.0)
        factor = np.ones(mu.shape) if gamma is None else finite_array("gamma", gamma, shape=mu.shape)
        offset = np.zeros(mu.shape) if beta is None else finite_array("beta", beta, shape=mu.shape)
        self.scale: Array = finite_array("gamma / sqrt(variance + epsilon)", factor / np.sqrt(var + epsilon))
        self.shift: Array = offset - mu * self.scale
        self.matrices: tuple[Weights, ...] = ()

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the normalised inputs, shape ``(samples, channels, ...)``."""
        x = inputs[0]
        if x.ndim < 2 or x.shape[1] != self.scale.size:
            raise InputError("inputs", f"shape {x.shape}", f"shape (samples, {self.scale.size}, ...)")
        shape = (-1,) + (1,) * (x.ndim - 2)
        return x * self.scale.reshape(shape) + self.shift.reshape(shape)


@dataclass(frozen=True, eq=False)
class Digital:
    """A layer whose products are computed in software."""

    layer: Layer

    @property
    def matrices(self) -> tuple[Weights, ...]:
        """No matrices for arrays."""
        return ()

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the layer's outputs."""
        return self.layer.forward(exact_products(self.layer.matrices), *inputs)
