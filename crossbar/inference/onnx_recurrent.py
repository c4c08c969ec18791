"""Recurrent operators of ONNX."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from crossbar.inference.layers import Function, Layer
from crossbar.inference.recurrent import Bidirectional, Cell, Recurrent
from devices.common.arrays import Array

if TYPE_CHECKING:
    from crossbar.inference.onnx_layers import Operation

__all__ = ["recurrent"]

#: Order of the gates of `Recurrent`, counted as ONNX does.
_ORDER = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
_ACTIVATIONS = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh"), "RNN": ("tanh",)}


def recurrent(node: Operation) -> tuple[Layer, list[tuple[Layer | None, int]]]:
    """Return the layer, samples first, and its outputs Y, Y_h, Y_c as ONNX arranges them, with the samples' axis."""
    direction = node.attributes.get("direction", "forward")
    layout, directions = node.attributes.get("layout", 0), 2 if direction == "bidirectional" else 1
    node.only(input_forget=0)
    if "clip" in node.attributes:
        raise node.refused("clip", "no clip")
    reset_first = node.op == "GRU" and not node.attributes.get("linear_before_reset", 0)
    if node.constant(4, "sequence_lens") is not None:
        raise node.refused("sequence_lens", "sequences of one length")
    for position, what in ((5, "a first state"), (6, "a first state of cells"), (7, "peepholes")):
        if np.any(node.constant(position, what)):
            raise node.refused(f"{what} other than zero", "zeros")
    w, r = node.required(1, "W"), node.required(2, "R")
    b = node.constant(3, "B")
    cell = _cell(node, directions)
    parts = []
    for k in range(directions):
        biases = np.zeros((2, w.shape[1])) if b is None else np.asarray(b[k], float).reshape(2, -1)
        ordered = [_gates(node.op, m) for m in (w[k], r[k], *biases)]
        reverse = direction == "reverse" or k == 1
        options = {"reverse": reverse, "reset_first": reset_first}
        parts.append(Recurrent(cell, ordered[0].T, ordered[1].T, ordered[2], ordered[3], **options))
    layer: Layer = parts[0] if directions == 1 else Bidirectional(*parts)
    backwards = [part.reverse for part in parts]
    outputs: list[tuple[Layer | None, int]] = [
        (Function(partial(_states, directions, layout)), 0 if layout else 2),
        (Function(partial(_last, backwards, layout)), 0 if layout else 1),
        (None, 0),
    ]
    return layer, outputs


def _cell(node: Operation, directions: int) -> Cell:
    """Return the cell of `Recurrent`, or raise `InputError` for other activations than the usual ones."""
    usual = _ACTIVATIONS[node.op] * directions
    given = tuple(_text(n).lower() for n in node.attributes.get("activations", usual))
    if node.op == "RNN" and given == ("relu",) * directions:
        return "rnn_relu"
    if given != usual:
        raise node.refused(f"activations {', '.join(given)}", ", ".join(usual))
    return {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn_tanh"}[node.op]  # type: ignore[return-value]


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _gates(op: str, values: Array) -> Array:
    """Return rows of all gates, one gate after another, in the order of `Recurrent`."""
    parts = np.split(np.asarray(values, dtype=float), len(_ORDER[op]))
    return np.concatenate([parts[k] for k in _ORDER[op]])


def _states(directions: int, layout: int, x: Array) -> Array:
    """Return states ``(samples, times, units)`` as ``(times, directions, samples, units)``; layout 1: samples first."""
    y = x.reshape(*x.shape[:2], directions, -1)
    return y if layout else y.transpose(1, 2, 0, 3)


def _last(backwards: list[bool], layout: int, x: Array) -> Array:
    """Return the last state of each direction, shape ``(directions, samples, units)``; layout 1: samples first."""
    y = x.reshape(*x.shape[:2], len(backwards), -1)
    return np.stack([y[:, 0 if b else -1, k] for k, b in enumerate(backwards)], axis=1 if layout else 0)
