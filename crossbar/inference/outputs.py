"""The digital functions of a network: activations of layers, and predictions from its outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.common.arrays import Array

__all__ = ["ACTIVATIONS", "predictions"]


def _sigmoid(z: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def _elu(z: Array, slope: float = 1.0) -> Array:
    return np.where(z > 0.0, z, slope * np.expm1(np.minimum(z, 0.0)))


def _gelu(z: Array, *, approximate: bool = False) -> Array:
    if approximate:
        return 0.5 * z * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (z + 0.044715 * z**3)))
    from scipy.special import ndtr

    return z * ndtr(z)


def _hard_sigmoid(z: Array, slope: float = 1.0 / 6.0, offset: float = 0.5) -> Array:
    return np.clip(slope * z + offset, 0.0, 1.0)


def _log_softmax(z: Array, axis: int = -1) -> Array:
    shifted = z - z.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


#: Activation by name; some take a parameter, such as the slope of a leaky ReLU below zero or the axis of a softmax.
ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0.0),
    "leaky_relu": lambda z, slope=0.01: np.where(z > 0.0, z, slope * z),
    "relu6": lambda z: np.clip(z, 0.0, 6.0),
    "elu": _elu,
    "gelu": _gelu,
    "tanh": np.tanh,
    "logistic": _sigmoid,
    "sigmoid": _sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "silu": lambda z: z * _sigmoid(z),
    "softmax": lambda z, axis=-1: np.exp(_log_softmax(z, axis)),
    "log_softmax": _log_softmax,
}


def predictions(
    outputs: Array, classes: NDArray[Any] | None, *, multilabel: bool = False, threshold: float = 0.0
) -> NDArray[Any]:
    """Return what each row of `outputs` stands for: a class, labels of 0 and 1, or the values of a regressor.

    A single output chooses between two classes by whether it exceeds `threshold`, several by the largest; with
    `multilabel` each decides on a label of its own by the threshold. Without classes they are values.
    """
    if classes is None:
        return outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs
    if multilabel:
        return (outputs > threshold).astype(int)
    if outputs.shape[1] == 1:
        return classes[(outputs[:, 0] > threshold).astype(int)]
    return classes[np.argmax(outputs, axis=1)]
