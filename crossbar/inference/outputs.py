"""The digital functions of a network: activations of layers, and predictions from its outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.common.arrays import Array

__all__ = ["ACTIVATIONS", "predictions"]


def _sigmoid(z: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * z))


#: Activation by name.
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0.0),
    "tanh": np.tanh,
    "logistic": _sigmoid,
}


def predictions(outputs: Array, classes: NDArray[Any] | None, *, multilabel: bool = False) -> NDArray[Any]:
    """Return what each row of `outputs` stands for: a class, labels of 0 and 1, or the values of a regressor.

    A single output chooses between two classes by its sign, several by the largest; with `multilabel` each decides on
    a label of its own by its sign. Without classes they are values.
    """
    if classes is None:
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
    if multilabel:
        return (outputs > 0.0).astype(int)
    if outputs.shape[1] == 1:
        return classes[(outputs[:, 0] > 0.0).astype(int)]
    return classes[np.argmax(outputs, axis=1)]
