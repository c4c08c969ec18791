"""Convolution as products of patches with matrices, and pooling; over any number of spatial axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from crossbar.inference.layers import weights_of
from crossbar.inference.products import Product, Weights
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array, integer

__all__ = ["Convolution", "Pool", "Sizes"]

#: One whole number for all spatial axes, or one for each.
Sizes = int | Sequence[int]

#: Rows or columns added before and after each axis; a number alone stands for both, and "same" for as many as give an
#: output for each stride, the odd one after the input ("same_lower": before it).
Padding = int | Sequence[int | Sequence[int]] | Literal["same", "same_lower"]


def _sizes(name: str, value: Sizes, axes: int, minimum: int) -> tuple[int, ...]:
    given = (value,) * axes if isinstance(value, int | np.integer) else tuple(value)
    if len(given) != axes:
        raise InputError(name, repr(value), f"one number, or one for each of {axes} axes")
    return tuple(integer(name, n, minimum=minimum) for n in given)


def _padding(value: Padding, axes: int) -> tuple[tuple[int, int], ...] | str:
    if isinstance(value, str):
        return choice("padding", value, ("same", "same_lower"))
    given = (value,) * axes if isinstance(value, int | np.integer) else tuple(value)
    if len(given) != axes:
        raise InputError("padding", repr(value), f"one number, or one (or a pair) for each of {axes} axes")
    pairs = [_sizes("padding", each, 2, 0) for each in given]
    return tuple((before, after) for before, after in pairs)


def _pads(
    padding: tuple[tuple[int, int], ...] | str,
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> tuple[tuple[int, int], ...]:
    """Return the padding of inputs of these sizes."""
    if not isinstance(padding, str):
        return padding
    pads = []
    for size, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
        total = max(0, (-(-size // s) - 1) * s + d * (k - 1) + 1 - size)
        small, large = total // 2, total - total // 2
        pads.append((small, large) if padding == "same" else (large, small))
    return tuple(pads)


def _windows(x: Array, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Array:
    """Return windows of padded inputs, a view of shape ``(samples, channels, *positions, *kernel)``."""
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if any(size < extent for size, extent in zip(x.shape[2:], extents, strict=True)):
        raise InputError("inputs", f"shape {x.shape} with padding", f"at least {tuple(extents)} along its last axes")
    axes = tuple(range(2, x.ndim))
    windows = sliding_window_view(x, extents, axis=axes)
    steps = tuple(slice(None, None, s) for s in stride)
    return windows[(slice(None), slice(None), *steps, *(slice(None, None, d) for d in dilation))]


class Convolution:
    r"""A convolution, computed as products of patches with one matrix for each group of channels.

    .. math:: y_{o, p} = b_o + \sum_{c, k} W_{o c k} \, x_{c, s p + d k}

    with stride s and dilation d. Each patch of an input is one input vector of the matrix of
    :math:`c k` rows and o columns, so that all positions use the same cells.

    Parameters
    ----------
    weights : array_like
        Shape ``(outputs, channels / groups, *kernel)``, with one spatial axis or more.
    bias : array_like, optional
        Shape ``(outputs,)``.
    stride, dilation : int or sequence of int, optional
        Of all spatial axes, or of each.
    padding : int or sequence, optional
        Zeros before and after each axis: one number for all axes, or for each a number or a pair; "same" for as many
        as give an output for each stride, an odd one after the input ("same_lower": before it).
    groups : int, optional
        Groups of channels, each with a matrix of its own.
    """

    def __init__(
        self,
        weights: ArrayLike,
        bias: ArrayLike | None = None,
        *,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
        groups: int = 1,
    ) -> None:
        w = finite_array("weights", weights)
        if w.ndim < 3 or not w.size:
            raise InputError("weights", f"shape {w.shape}", "shape (outputs, channels, kernel, ...)")
        axes, self.groups = w.ndim - 2, integer("groups", groups, minimum=1)
        if len(w) % self.groups:
            raise InputError("groups", groups, f"a divisor of {len(w)} outputs")
        self.kernel = w.shape[2:]
        self.channels = w.shape[1] * self.groups
        self.stride, self.dilation = (_sizes(n, v, axes, 1) for n, v in (("stride", stride), ("dilation", dilation)))
        self.padding = _padding(padding, axes)
        self.weights: Array = w
        self.bias: Array = np.zeros(len(w)) if bias is None else finite_array("bias", bias, shape=(len(w),))
        each = len(w) // self.groups
        parts = zip(w.reshape(self.groups, each, -1), self.bias.reshape(self.groups, each), strict=True)
        self.matrices: tuple[Weights, ...] = tuple(weights_of(part.T, b, each) for part, b in parts)

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the outputs, shape ``(samples, outputs, *positions)``."""
        x, axes = inputs[0], len(self.kernel)
        if x.ndim != axes + 2 or x.shape[1] != self.channels:
            raise InputError("inputs", f"shape {x.shape}", f"shape (samples, {self.channels}, {axes} spatial axes)")
        pads = _pads(self.padding, x.shape[2:], self.kernel, self.stride, self.dilation)
        windows = _windows(np.pad(x, ((0, 0), (0, 0), *pads)), self.kernel, self.stride, self.dilation)
        positions = windows.shape[2 : 2 + axes]
        order = (0, *range(2, 2 + axes), 1, *range(2 + axes, 2 + 2 * axes))
        each, parts = self.channels // self.groups, []
        for k in range(self.groups):
            patches = windows[:, k * each : (k + 1) * each].transpose(order)
            outputs = product(k, patches.reshape(len(x), math.prod(positions), -1))
            parts.append(outputs.swapaxes(1, 2))
        return np.concatenate(parts, axis=1).reshape(len(x), -1, *positions)

    def scaled(self, scale: Array, shift: Array) -> Convolution:
        """Return the layer followed by a factor and an offset of each output."""
        weights = self.weights * scale.reshape((-1,) + (1,) * (self.weights.ndim - 1))
        bias = self.bias * scale + shift
        stride, dilation, padding = self.stride, self.dilation, self.padding
        return Convolution(weights, bias, stride=stride, padding=padding, dilation=dilation, groups=self.groups)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Pool:
    """Largest or mean number of each window, in digital.

    Parameters
    ----------
    kind : {"max", "average"}
        What is taken of a window.
    kernel : sequence of int, optional
        Size of a window along each spatial axis; the whole input where not given, with axes of length 1 left.
    stride : int or sequence of int, optional
        Distance of windows; their size where not given.
    padding : int or sequence, optional
        Places before and after each axis, that a maximum passes over; see `Convolution`.
    dilation : int or sequence of int, optional
        Distance of the numbers in a window.
    count_padding : bool, optional
        Whether padding counts as zeros in a mean; it is left out of it otherwise.
    ceil : bool, optional
        Whether a last window may begin inside the input or the padding before it and reach past the end.
    """

    kind: Literal["max", "average"]
    kernel: Sequence[int] | None = None
    stride: Sizes | None = None
    padding: Padding = 0
    dilation: Sizes = 1
    count_padding: bool = False
    ceil: bool = False

    def __post_init__(self) -> None:
        choice("kind", self.kind, ("max", "average"))
        if self.kernel is not None:
            axes = len(self.kernel)
            kernel = _sizes("kernel", self.kernel, axes, 1)
            _sizes("stride", kernel if self.stride is None else self.stride, axes, 1)
            padding = _padding(self.padding, axes)
            for size, pair in () if isinstance(padding, str) else zip(kernel, padding, strict=True):
                if max(pair) >= size:
                    raise InputError("padding", f"{max(pair)} for a window of {size}", "less than the window")

    @property
    def matrices(self) -> tuple[Weights, ...]:
        """No matrices."""
        return ()

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the pooled inputs, shape ``(samples, channels, *positions)``."""
        x = inputs[0]
        if self.kernel is None:
            axes = tuple(range(2, x.ndim))
            return x.max(axis=axes, keepdims=True) if self.kind == "max" else x.mean(axis=axes, keepdims=True)
        n = len(self.kernel)
        if x.ndim != n + 2:
            raise InputError("inputs", f"shape {x.shape}", f"samples, channels and {n} spatial axes")
        kernel = tuple(self.kernel)
        stride = _sizes("stride", kernel if self.stride is None else self.stride, n, 1)
        dilation, beyond = _sizes("dilation", self.dilation, n, 1), []
        padding = _pads(_padding(self.padding, n), x.shape[2:], kernel, stride, dilation)
        for size, k, s, d, (before, after) in zip(x.shape[2:], kernel, stride, dilation, padding, strict=True):
            room = size + before + after - d * (k - 1) - 1
            steps = -(-room // s) if self.ceil else room // s
            if self.ceil and steps * s >= size + before:  # the last window would begin past the input
                steps -= 1
            beyond.append(max(0, steps * s - room))
        inside = [(0, 0), (0, 0), *padding]
        outside = [(0, 0), (0, 0), *((0, more) for more in beyond)]

        def windows(values: Array, pad: float, past: float) -> Array:
            whole = np.pad(np.pad(values, inside, constant_values=pad), outside, constant_values=past)
            return _windows(whole, kernel, stride, dilation)

        within = tuple(range(2 + n, 2 + 2 * n))
        if self.kind == "max":
            return windows(x, -np.inf, -np.inf).max(axis=within)
        counted = windows(np.ones((1, 1, *x.shape[2:])), float(self.count_padding), 0.0).sum(axis=within)
        return windows(x, 0.0, 0.0).sum(axis=within) / counted
