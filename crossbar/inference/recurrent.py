"""Recurrent layers: the products of inputs and of states are those of matrices, gates are digital."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from crossbar.inference.layers import weights_of
from crossbar.inference.outputs import ACTIVATIONS
from crossbar.inference.products import Product, Weights, shifted
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array

__all__ = ["Bidirectional", "Cell", "Recurrent"]

#: Gates of each cell.
_GATES = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}

Cell = Literal["rnn_tanh", "rnn_relu", "lstm", "gru"]

_sigmoid = ACTIVATIONS["logistic"]


class Recurrent:
    r"""One recurrent layer in one direction, over sequences of shape ``(samples, times, inputs)``.

    With the products :math:`a = x_t W + b` and :math:`r = h_{t-1} U + c` of two matrices, and the logistic
    function σ,

    .. math::
        \mathrm{rnn}: & \quad h_t = f(a + r) \\
        \mathrm{lstm}: & \quad i, f, g, o = \sigma, \sigma, \tanh, \sigma \; (a + r), \quad
            s_t = f s_{t-1} + i g, \quad h_t = o \tanh s_t \\
        \mathrm{gru}: & \quad q, z = \sigma(a + r), \quad n = \tanh(a_n + q r_n), \quad
            h_t = (1 - z) n + z h_{t-1}

    A gru may also apply its reset before the product, :math:`n = \tanh(a_n + (q h_{t-1}) U_n + c_n)`, which takes a
    matrix of its own.

    Parameters
    ----------
    cell : {"rnn_tanh", "rnn_relu", "lstm", "gru"}
        The cell; gates in the order of the equations.
    input_weights, state_weights : array_like
        The matrices W and U, shapes ``(inputs, gates * units)`` and ``(units, gates * units)``.
    input_bias, state_bias : array_like, optional
        Shape ``(gates * units,)``.
    reverse : bool, optional
        Whether time runs backwards; outputs stay at their times.
    reset_first : bool, optional
        Whether a gru applies its reset before the product.
    sequences : bool, optional
        Whether `forward` returns the states of all times, or of the last alone.

    Notes
    -----
    S. Hochreiter and J. Schmidhuber, Neural Comput. 9, 1735 (1997), doi 10.1162/neco.1997.9.8.1735; F. A. Gers et al.,
    Neural Comput. 12, 2451 (2000), doi 10.1162/089976600300015015; K. Cho et al., arXiv:1406.1078 (2014).
    """

    def __init__(
        self,
        cell: Cell,
        input_weights: ArrayLike,
        state_weights: ArrayLike,
        input_bias: ArrayLike | None = None,
        state_bias: ArrayLike | None = None,
        *,
        reverse: bool = False,
        reset_first: bool = False,
        sequences: bool = True,
    ) -> None:
        self.cell, self.reverse, self.sequences = choice("cell", cell, _GATES), reverse, sequences
        u = finite_array("state_weights", state_weights, shape=("units", "gates"))
        self.units = len(u)
        wide = _GATES[cell] * self.units
        w = finite_array("input_weights", input_weights, shape=("inputs", wide))
        if u.shape[1] != wide:
            raise InputError("state_weights", f"shape {u.shape}", f"shape ({self.units}, {wide})")
        if reset_first and cell != "gru":
            raise InputError("reset_first", f"True for {cell}", "False, or a gru")
        self.reset_first, split = reset_first, 2 * self.units if reset_first else wide
        states, offset = weights_of(u, state_bias, wide)
        parts = [(states[:, :split], offset[:split]), (states[:, split:], offset[split:])]
        self.matrices: tuple[Weights, ...] = (weights_of(w, input_bias, wide), *parts[: 1 + reset_first])

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the states, shape ``(samples, times, units)``, or ``(samples, units)`` of the last."""
        found, state = self.run(product, inputs[0])
        return found if self.sequences else state[0]

    def run(
        self, product: Product, x: Array, state: tuple[Array, ...] | None = None
    ) -> tuple[Array, tuple[Array, ...]]:
        """Return the states of all times, shape ``(samples, times, units)``, and the last state, h (and s of an LSTM).

        Parameters
        ----------
        product : callable
            Executes the products.
        x : numpy.ndarray
            Shape ``(samples, times, inputs)``.
        state : tuple of numpy.ndarray, optional
            First state, each of shape ``(samples, units)``; zeros where not given.
        """
        wanted = len(self.matrices[0][0])
        if x.ndim != 3 or x.shape[-1] != wanted or not x.shape[1]:
            raise InputError("inputs", f"shape {x.shape}", f"shape (samples, times, {wanted})")
        if state is None:
            state = (np.zeros((len(x), self.units)),) * (2 if self.cell == "lstm" else 1)
        driven = product(0, x)
        found = np.empty((len(x), x.shape[1], self.units))
        for t in reversed(range(x.shape[1])) if self.reverse else range(x.shape[1]):
            state = self._next(driven[:, t], product(1, state[0]), state, product)
            found[:, t] = state[0]
        return found, state

    def _next(self, a: Array, r: Array, state: tuple[Array, ...], product: Product) -> tuple[Array, ...]:
        if self.cell == "gru":
            n = self.units
            gates = _sigmoid(a[:, : 2 * n] + r[:, : 2 * n])
            reset, z = gates[:, :n], gates[:, n:]
            inner = product(2, reset * state[0]) if self.reset_first else reset * r[:, 2 * n :]
            return ((1.0 - z) * np.tanh(a[:, 2 * n :] + inner) + z * state[0],)
        if self.cell == "lstm":
            i, f, g, o = np.split(a + r, 4, axis=-1)
            held = _sigmoid(f) * state[1] + _sigmoid(i) * np.tanh(g)
            return _sigmoid(o) * np.tanh(held), held
        return (np.tanh(a + r) if self.cell == "rnn_tanh" else np.maximum(a + r, 0.0),)


class Bidirectional:
    """Two recurrent layers, one in each direction of time, whose states stand side by side."""

    def __init__(self, ahead: Recurrent, back: Recurrent) -> None:
        self.layers = (ahead, back)
        self.matrices: tuple[Weights, ...] = (*ahead.matrices, *back.matrices)

    def forward(self, product: Product, *inputs: Array) -> Array:
        """Return the states, shape ``(samples, times, units of both)``, or those of each direction's last time."""
        ahead, back = self.layers
        first = len(ahead.matrices)
        parts = ahead.forward(product, *inputs), back.forward(shifted(product, first), *inputs)
        return np.concatenate(parts, axis=-1)
