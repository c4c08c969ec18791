"""Digital operators of ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from crossbar.inference.layers import Activation, Function, Layer
from crossbar.inference.outputs import ACTIVATIONS
from devices.common.arrays import Array

__all__ = [
    "BINARY",
    "UNARY",
    "joined",
    "leaky",
    "mean",
    "pad",
    "reshape",
    "sliced",
    "softmax_of_rest",
    "take",
    "transpose",
]


def _softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def _softsign(x: Array) -> Array:
    return x / (1.0 + np.abs(x))


def _mish(x: Array) -> Array:
    return x * np.tanh(_softplus(x))


def _hard_swish(x: Array) -> Array:
    return x * ACTIVATIONS["hard_sigmoid"](x)


def _selu(x: Array) -> Array:
    return 1.0507009873554805 * ACTIVATIONS["elu"](x, 1.6732632423543772)


def _erf(x: Array) -> Array:
    from scipy.special import erf

    return erf(x)


#: Layer of an operator on each number, from its attributes.
UNARY: dict[str, Callable[[dict[str, Any]], Layer]] = {
    "Relu": lambda a: Activation("relu"),
    "LeakyRelu": lambda a: Activation("leaky_relu", {"slope": a.get("alpha", 0.01)}),
    "Elu": lambda a: Activation("elu", {"slope": a.get("alpha", 1.0)}),
    "Gelu": lambda a: Activation("gelu", {"approximate": a.get("approximate", "none") == "tanh"}),
    "HardSigmoid": lambda a: Activation("hard_sigmoid", {"slope": a.get("alpha", 0.2), "offset": a.get("beta", 0.5)}),
    "HardSwish": lambda a: Function(_hard_swish),
    "Selu": lambda a: Function(_selu),
    "Sigmoid": lambda a: Activation("logistic"),
    "Softplus": lambda a: Function(_softplus),
    "Softsign": lambda a: Function(_softsign),
    "Mish": lambda a: Function(_mish),
    "Tanh": lambda a: Activation("tanh"),
    "Abs": lambda a: Function(np.abs),
    "Neg": lambda a: Function(np.negative),
    "Exp": lambda a: Function(np.exp),
    "Sqrt": lambda a: Function(np.sqrt),
    "Erf": lambda a: Function(_erf),
}

#: Operators on two values.
BINARY: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Pow": np.power,
    "Max": np.maximum,
    "Min": np.minimum,
}


def softmax_of_rest(name: str, axis: int, x: Array) -> Array:
    """Return a softmax over all axes from `axis` on."""
    return ACTIVATIONS[name](x.reshape(*x.shape[:axis], -1)).reshape(x.shape)


def joined(axis: int, *parts: Array) -> Array:
    """Return several values side by side."""
    return np.concatenate(parts, axis=axis)


def leaky(slope: Array, x: Array) -> Array:
    """Return the values, those below zero times a slope for each."""
    return np.where(x > 0.0, x, slope * x)


def mean(x: Array, axes: Sequence[int], keep: bool) -> Array:
    """Return the mean over axes."""
    return x.mean(axis=tuple(axes), keepdims=keep)


def pad(x: Array, width: Sequence[tuple[int, int]], value: float) -> Array:
    """Return the values with a constant before and after each axis."""
    return np.pad(x, width, constant_values=value)


def reshape(x: Array, shape: Sequence[int]) -> Array:
    """Return the values in another shape; 0 stands for the length of the same axis."""
    return x.reshape([x.shape[k] if n == 0 else n for k, n in enumerate(shape)])


def sliced(x: Array, parts: dict[int, slice]) -> Array:
    """Return a part of each of some axes."""
    return x[tuple(parts.get(k, slice(None)) for k in range(x.ndim))]


def take(x: Array, index: Any, axis: int) -> Array:
    """Return the values at one place, or some, of an axis."""
    try:
        return np.take(x, index, axis=axis)
    except IndexError as error:
        raise ValueError(str(error)) from None


def transpose(x: Array, axes: Sequence[int]) -> Array:
    """Return the values with their axes in another order."""
    return x.transpose(axes)
