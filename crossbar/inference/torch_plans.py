"""Modules of torch as matrices and digital arithmetic on arrays of numpy: which can be mapped, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from crossbar.inference.convolution import Convolution
from crossbar.inference.layers import Dense
from crossbar.inference.products import Product, Weights, shifted
from crossbar.inference.recurrent import Recurrent
from devices.common.arrays import Array
from devices.common.errors import InputError

__all__ = ["Plan", "numbers", "plan_of", "refusal"]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_RECURRENT = (nn.RNN, nn.LSTM, nn.GRU)
_CELLS = (nn.RNNCell, nn.LSTMCell, nn.GRUCell)
_KINDS = {"lstm": (nn.LSTM, nn.LSTMCell), "gru": (nn.GRU, nn.GRUCell), "rnn": (nn.RNN, nn.RNNCell)}
#: Classes that hold products which cannot be mapped, and classes that read the weights of modules in them.
_REFUSED = (
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Bilinear,
    nn.MultiheadAttention,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
)
_PADDING = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def refusal(module: nn.Module) -> str | None:
    """Return why a module cannot be mapped; an empty text if it can, None if it holds no products of its own."""
    mapped = next((c for c in (nn.Linear, *_CONVOLUTIONS, *_RECURRENT, *_CELLS) if isinstance(module, c)), None)
    if isinstance(module, torch.jit.ScriptModule):
        return "compiled by TorchScript"
    if isinstance(module, nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params():
        return "no weights before its first call"
    if isinstance(module, _REFUSED):
        return "products that are not of one matrix with inputs, or weights that are read by its own code"
    if mapped is None:
        own = [name for name, p in module.named_parameters(recurse=False) if p.ndim > 1]
        if own and not type(module).__module__.startswith("torch.nn."):
            return f"parameters that are used by code of its own: {', '.join(own)}"
        return None
    if type(module).forward is not mapped.forward:
        return f"a forward() of its own in place of that of {mapped.__name__}"
    if module._forward_hooks or module._forward_pre_hooks:
        return "hooks of its own"
    if getattr(module, "proj_size", 0):
        return "proj_size"
    if any(not p.is_floating_point() for p in module.parameters()):
        return "weights that are no real numbers"
    return ""


def numbers(tensor: Any) -> Array:
    """Return a tensor as an array."""
    return tensor.detach().cpu().to(torch.float64).numpy()


class Plan:
    """A module as matrices, and its forward pass on arrays.

    Attributes
    ----------
    matrices : tuple
        Matrices, shape ``(inputs, outputs)``, with their biases.
    """

    matrices: tuple[Weights, ...]

    def forward(self, product: Product, *inputs: Any) -> Any:
        """Return the module's outputs; inputs and outputs as the module has them, as arrays."""
        raise NotImplementedError

    def samples(self, x: Array) -> Array:
        """Return the first input with samples along its first axis, one where it has none."""
        raise NotImplementedError

    def write(self, module: nn.Module, weights: Sequence[Weights]) -> None:
        """Write weights in the form of `matrices` into a module of the same kind."""
        raise NotImplementedError


def plan_of(path: str, module: nn.Module) -> Plan:
    """Return the plan of a module that can be mapped; errors of its weights name its path."""
    plan = next(p for c, p in _PLANS if isinstance(module, c))
    try:
        return plan(module)
    except InputError as error:
        raise InputError(f"module {path!r}, {error.argument}", error.given, error.allowed, error.fix) from None


def _parameter(module: nn.Module, name: str) -> Array | None:
    found = getattr(module, name, None)
    return None if found is None else numbers(found)


def _set(module: nn.Module, name: str, values: Array) -> None:
    """Set a parameter; one that the module lacks is added where the values are not zero."""
    with torch.no_grad():
        held = getattr(module, name, None)
        if held is not None:
            held.copy_(torch.from_numpy(np.ascontiguousarray(values)).reshape(held.shape))
        elif np.any(values):
            like = next(module.parameters())
            setattr(module, name, nn.Parameter(torch.from_numpy(values.copy()).to(like)))


class _Linear(Plan):
    """A dense module."""

    def __init__(self, module: Any) -> None:
        self.layer = Dense(numbers(module.weight).T, _parameter(module, "bias"))
        self.matrices = self.layer.matrices

    def forward(self, product: Product, *inputs: Any) -> Array:
        """Return the products along the last axis."""
        (x,) = inputs
        found = self.layer.forward(product, self.samples(x))
        return found if x.ndim > 1 else found[0]

    def samples(self, x: Array) -> Array:
        """Return inputs of shape ``(samples, ..., inputs)``."""
        return x if x.ndim > 1 else x[None]

    def write(self, module: nn.Module, weights: Sequence[Weights]) -> None:
        """Write the weights."""
        _set(module, "weight", weights[0][0].T)
        _set(module, "bias", weights[0][1])


class _Convolution(Plan):
    """A convolution with any padding."""

    def __init__(self, module: Any) -> None:
        twice = module._reversed_padding_repeated_twice
        self.pads = [(twice[k], twice[k + 1]) for k in reversed(range(0, len(twice), 2))]
        self.mode = _PADDING[module.padding_mode]
        bias, stride, dilation = _parameter(module, "bias"), module.stride, module.dilation
        self.layer = Convolution(numbers(module.weight), bias, stride=stride, dilation=dilation, groups=module.groups)
        self.matrices = self.layer.matrices

    def forward(self, product: Product, *inputs: Any) -> Array:
        """Return the convolution."""
        (x,) = inputs
        padded = np.pad(self.samples(x), [(0, 0), (0, 0), *self.pads], mode=self.mode)  # type: ignore[call-overload]
        found = self.layer.forward(product, padded)
        return found if x.ndim == len(self.pads) + 2 else found[0]

    def samples(self, x: Array) -> Array:
        """Return inputs of shape ``(samples, channels, *sizes)``."""
        return x if x.ndim == len(self.pads) + 2 else x[None]

    def write(self, module: nn.Module, weights: Sequence[Weights]) -> None:
        """Write the weights."""
        _set(module, "weight", np.concatenate([w.T for w, _ in weights]))
        _set(module, "bias", np.concatenate([b for _, b in weights]))


class _Recurrent(Plan):
    """Stacked recurrent layers, in one direction or both; cells of one time alone."""

    def __init__(self, module: Any) -> None:
        self.single = isinstance(module, _CELLS)
        kind = next(k for k, classes in _KINDS.items() if isinstance(module, classes))
        self.kind: Any = f"rnn_{module.nonlinearity}" if kind == "rnn" else kind
        self.first = bool(getattr(module, "batch_first", True))
        ways = ("", "_reverse") if not self.single and module.bidirectional else ("",)
        self.ways, self.ends = len(ways), [""]
        if not self.single:
            self.ends = [f"_l{k}{way}" for k in range(module.num_layers) for way in ways]
        self.layers = [self._layer(module, end) for end in self.ends]
        self.matrices = tuple(m for layer in self.layers for m in layer.matrices)

    def _layer(self, module: Any, end: str) -> Recurrent:
        w, u = numbers(getattr(module, f"weight_ih{end}")).T, numbers(getattr(module, f"weight_hh{end}")).T
        biases = _parameter(module, f"bias_ih{end}"), _parameter(module, f"bias_hh{end}")
        return Recurrent(self.kind, w, u, *biases, reverse=end.endswith("_reverse"))

    def forward(self, product: Product, *inputs: Any) -> Any:
        """Return the output and the last states, as the module does."""
        x, given = inputs[0], inputs[1] if len(inputs) > 1 else None
        states = None if given is None else (given if isinstance(given, tuple) else (given,))
        batched = x.ndim == (2 if self.single else 3)
        x = self.samples(x)
        if not batched and states is not None:
            states = tuple(s[..., None, :] for s in states)
        if self.single:
            first = None if states is None else states
            _, last = self.layers[0].run(product, x[:, None], first)
            last = last if batched else tuple(s[0] for s in last)
            return last if self.kind == "lstm" else last[0]
        ends = []
        for k in range(0, len(self.layers), self.ways):
            outputs = []
            for j in range(k, k + self.ways):
                first = None if states is None else tuple(s[j] for s in states)
                y, last = self.layers[j].run(shifted(product, 2 * j), x, first)
                outputs.append(y)
                ends.append(last)
            x = np.concatenate(outputs, axis=-1)
        lasts = tuple(np.stack(parts) for parts in zip(*ends, strict=True))
        if not batched:
            x, lasts = x[0], tuple(s[:, 0] for s in lasts)
        elif not self.first:
            x = x.swapaxes(0, 1)
        return x, lasts if self.kind == "lstm" else lasts[0]

    def samples(self, x: Array) -> Array:
        """Return inputs of shape ``(samples, times, inputs)``, or ``(samples, inputs)`` of cells of one time."""
        if x.ndim < (2 if self.single else 3):
            return x[None]
        return x if self.first else x.swapaxes(0, 1)

    def write(self, module: nn.Module, weights: Sequence[Weights]) -> None:
        """Write the weights."""
        for k, end in enumerate(self.ends):
            for (w, b), name in zip(weights[2 * k : 2 * k + 2], ("ih", "hh"), strict=True):
                if getattr(module, f"bias_{name}{end}", None) is None and np.any(b):
                    raise InputError("bias", "outputs without inputs, and no bias to hold them", "a module with biases")
                _set(module, f"weight_{name}{end}", w.T)
                _set(module, f"bias_{name}{end}", b)


_PLANS: tuple[tuple[Any, Any], ...] = (
    (nn.Linear, _Linear),
    (_CONVOLUTIONS, _Convolution),
    ((*_RECURRENT, *_CELLS), _Recurrent),
)
