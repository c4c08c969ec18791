"""Operators of ONNX as layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar.inference.convolution import Convolution, Pool
from crossbar.inference.layers import Activation, BatchNorm, Dense, Function, Layer
from crossbar.inference.onnx_functions import (
    joined,
    leaky,
    mean,
    pad,
    reshape,
    sliced,
    softmax_of_rest,
    take,
    transpose,
)
from devices.common.arrays import Array
from devices.common.errors import InputError

__all__ = ["LAYERS", "REARRANGED", "Operation"]


@dataclass
class Operation:
    """One node of an ONNX graph while it is read.

    Parameters
    ----------
    name, op : str
        Name and operator.
    attributes : dict
        Attributes by name.
    inputs, outputs : list of str
        Names of its values, empty for optional ones that are left out.
    constants : dict
        Values that do not depend on the network's input.
    opset : int
        Version of the operators.
    batch : int
        Axis of the samples in its first input that depends on the network's.
    """

    name: str
    op: str
    attributes: dict[str, Any]
    inputs: list[str]
    outputs: list[str]
    constants: dict[str, NDArray[Any]]
    opset: int
    batch: int = 0

    def refused(self, given: str, allowed: str = "one that can be mapped", fix: str = "") -> InputError:
        """Return the error that names this node."""
        return InputError(str(self), given, allowed, fix)

    def __str__(self) -> str:
        return f"node {self.name!r} ({self.op})"

    def constant(self, position: int, what: str) -> NDArray[Any] | None:
        """Return the constant input at a position; None where it is left out."""
        name = self.inputs[position] if position < len(self.inputs) else ""
        if not name:
            return None
        if name not in self.constants:
            raise self.refused(f"{what} that depends on the network's input", "a constant")
        return self.constants[name]

    def required(self, position: int, what: str) -> Array:
        """Return the constant input at a position as numbers."""
        found = self.constant(position, what)
        if found is None:
            raise self.refused(f"no {what}", "a constant")
        return np.asarray(found, dtype=float)

    def only(self, **allowed: Any) -> None:
        """Raise `InputError` where an attribute has another value than the one that can be mapped."""
        for key, value in allowed.items():
            if self.attributes.get(key, value) != value:
                raise self.refused(f"{key}={self.attributes[key]!r}", f"{key}={value!r}")


def _gemm(node: Operation) -> Layer:
    node.only(transA=0)
    a, weights, bias = node.attributes, node.required(1, "a matrix"), node.constant(2, "a bias")
    matrix = a.get("alpha", 1.0) * (weights.T if a.get("transB", 0) else weights)
    offset = None if bias is None else np.zeros(matrix.shape[1]) + a.get("beta", 1.0) * np.asarray(bias, float).ravel()
    return Dense(matrix, offset)


def _matmul(node: Operation) -> Layer:
    if node.inputs[0] in node.constants:
        raise node.refused("a constant on the left", "inputs times a constant matrix")
    weights = node.required(1, "a second factor")
    if weights.ndim != 2:
        raise node.refused(f"a constant of shape {weights.shape}", "a matrix")
    return Dense(weights)


def _geometry(node: Operation, axes: int) -> dict[str, Any]:
    """Return stride, padding and dilation of a node with windows."""
    a, auto = node.attributes, node.attributes.get("auto_pad", "NOTSET")
    pads = a.get("pads", [0] * (2 * axes))
    padding: Any = [(pads[k], pads[k + axes]) for k in range(axes)]
    if auto != "NOTSET":
        padding = {"VALID": 0, "SAME_UPPER": "same", "SAME_LOWER": "same_lower"}[auto]
    return {"stride": a.get("strides", [1] * axes), "padding": padding, "dilation": a.get("dilations", [1] * axes)}


def _conv(node: Operation) -> Layer:
    weights, bias = node.required(1, "a kernel"), node.constant(2, "a bias")
    return Convolution(weights, bias, groups=node.attributes.get("group", 1), **_geometry(node, weights.ndim - 2))


def _pool(node: Operation) -> Layer:
    if len(node.outputs) > 1 and node.outputs[1]:
        raise node.refused("indices as an output", "one output")
    node.only(storage_order=0)
    a, kernel = node.attributes, node.attributes["kernel_shape"]
    kind, ceil = ("max" if node.op == "MaxPool" else "average"), bool(a.get("ceil_mode", 0))
    counted = bool(a.get("count_include_pad", 0))
    return Pool(kind, kernel, count_padding=counted, ceil=ceil, **_geometry(node, len(kernel)))  # type: ignore[arg-type]


def _batch_norm(node: Operation) -> Layer:
    node.only(training_mode=0)
    gamma, beta, mean_of, variance = (node.required(k, "statistics") for k in (1, 2, 3, 4))
    return BatchNorm(mean_of, variance, gamma, beta, node.attributes.get("epsilon", 1e-5))


def _softmax(node: Operation) -> Layer:
    name = "softmax" if node.op == "Softmax" else "log_softmax"
    axis = node.attributes.get("axis", -1 if node.opset >= 13 else 1)
    if axis == 0:
        raise node.refused("axis 0, that of the samples", "another axis")
    if node.opset < 13 and axis != -1:
        return Function(partial(softmax_of_rest, name, axis))
    return Activation(name, {"axis": axis})


def _flatten(node: Operation) -> Layer:
    node.only(axis=1)
    return Function(partial(reshape, shape=(0, -1)))


def _concat(node: Operation) -> Layer:
    if node.attributes["axis"] == 0 or any(n in node.constants for n in node.inputs):
        raise node.refused("samples or constants as a part", "values along another axis than 0")
    return Function(partial(joined, node.attributes["axis"]))


def _mean(node: Operation) -> Layer:
    found = node.attributes.get("axes", node.constant(1, "axes"))
    axes = tuple(int(k) for k in found) if found is not None else ()
    if not axes or 0 in axes:
        raise node.refused(f"axes {axes}", "axes other than 0, that of the samples")
    return Function(partial(mean, axes=axes, keep=bool(node.attributes.get("keepdims", 1))))


def _pad(node: Operation) -> Layer:
    node.only(mode="constant")
    amounts, value = node.attributes.get("pads", node.constant(1, "pads")), node.constant(2, "a value")
    if amounts is None or node.constant(3, "axes") is not None or node.attributes.get("value", 0.0):
        raise node.refused("axes, or no constant pads", "constant pads of all axes")
    half = len(amounts) // 2
    width = [(int(amounts[k]), int(amounts[k + half])) for k in range(half)]
    if width[0] != (0, 0) or any(n < 0 for pair in width for n in pair):
        raise node.refused(f"pads {width}", "none of the samples, and none below 0")
    return Function(partial(pad, width=width, value=0.0 if value is None else float(value)))


def _clip(node: Operation) -> Layer:
    low, high = (node.attributes.get(n, node.constant(k, n)) for k, n in ((1, "min"), (2, "max")))
    limits = tuple(None if v is None else float(np.asarray(v)) for v in (low, high))
    return Function(partial(np.clip, a_min=limits[0], a_max=limits[1]))


def _global_pool(node: Operation) -> Layer:
    return Pool("max" if node.op == "GlobalMaxPool" else "average")


def _prelu(node: Operation) -> Layer:
    return Function(partial(leaky, node.required(1, "a slope")))


#: Layers by operator; samples lie along the first axis.
LAYERS: dict[str, Callable[[Operation], Layer]] = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Conv": _conv,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalMaxPool": _global_pool,
    "GlobalAveragePool": _global_pool,
    "BatchNormalization": _batch_norm,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Flatten": _flatten,
    "Concat": _concat,
    "ReduceMean": _mean,
    "Pad": _pad,
    "Clip": _clip,
    "PRelu": _prelu,
}


def _transposed(node: Operation) -> tuple[Layer, int]:
    axes = node.attributes.get("perm")
    if axes is None:
        raise node.refused("no perm", "an order of the axes")
    return Function(partial(transpose, axes=tuple(axes))), list(axes).index(node.batch)


def _squeezed(node: Operation) -> tuple[Layer, int]:
    found = node.attributes.get("axes", node.constant(1, "axes"))
    axes = () if found is None else tuple(int(k) for k in found)
    if not axes or min(axes) < 0 or (node.op == "Squeeze" and node.batch in axes):
        raise node.refused(f"axes {axes}", "axes counted from 0, other than that of the samples")
    if node.op == "Squeeze":
        return Function(partial(np.squeeze, axis=axes)), node.batch - sum(k < node.batch for k in axes)
    batch = node.batch
    for k in sorted(axes):
        batch += k <= batch
    return Function(partial(np.expand_dims, axis=axes)), batch


def _taken(node: Operation) -> tuple[Layer, int]:
    index, axis = node.constant(1, "indices"), node.attributes.get("axis", 0)
    if index is None or axis == node.batch or axis < 0:
        raise node.refused(f"axis {axis}", "an axis counted from 0, other than that of the samples")
    fewer = index.ndim == 0 and axis < node.batch
    return Function(partial(take, index=index.astype(int), axis=axis)), node.batch - fewer


def _sliced(node: Operation) -> tuple[Layer, int]:
    starts, ends, axes, steps = (node.constant(k, "a limit") for k in (1, 2, 3, 4))
    if starts is None or ends is None or axes is None or node.batch in axes or min(axes) < 0:
        raise node.refused("no limits, or those of samples", "limits of axes counted from 0, other than the samples'")
    count = [1] * len(axes) if steps is None else steps
    parts = {int(k): slice(*map(int, part)) for k, *part in zip(axes, starts, ends, count, strict=True)}
    return Function(partial(sliced, parts=parts)), node.batch


def _reshaped(node: Operation) -> tuple[Layer, int]:
    if len(node.inputs) > 1 and node.inputs[1] not in node.constants:
        raise node.refused("a shape that depends on the network's input", "a constant shape", "Flatten")
    shape = [int(n) for n in node.required(1, "a shape")]
    if 0 in shape:
        node.only(allowzero=0)
    if len(shape) > node.batch and shape[node.batch] == 0:
        return Function(partial(reshape, shape=tuple(shape))), node.batch
    if node.batch or not shape or shape[0] not in (-1, 1):
        raise node.refused(f"shape {shape}", "0 or -1 for the axis of the samples")
    return Function(partial(reshape, shape=(0, *shape[1:]))), 0


#: Layers that move the axes, by operator, and the axis of the samples after them.
REARRANGED: dict[str, Callable[[Operation], tuple[Layer, int]]] = {
    "Transpose": _transposed,
    "Squeeze": _squeezed,
    "Unsqueeze": _squeezed,
    "Gather": _taken,
    "Slice": _sliced,
    "Reshape": _reshaped,
}
