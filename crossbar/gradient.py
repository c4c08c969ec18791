"""Gradients of an array's currents with respect to cells, wires and sources, by one more solution: the adjoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar.bias import SIDES, Bias
from crossbar.solution import Solution
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array

if TYPE_CHECKING:
    from crossbar.array import Crossbar

__all__ = ["ArrayGradient", "BiasGradient", "ReadGradient", "bias_gradient", "read_gradient"]

_CHUNK = 2**21  # cells times vectors of one call of the solver: some 300 MB
_FEWEST = 4  # vectors of a call, however large the array is


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ArrayGradient:
    r"""Derivatives of a number L, summed over all vectors of a batch, with respect to the parts of an array.

    A resistance that the wires have as one number for all segments has one derivative, the sum over the segments; one
    that they have as an array has derivatives of that array's shape.

    Parameters
    ----------
    conductance : numpy.ndarray
        :math:`\partial L/\partial G` [L per S], shape ``(rows, columns)``; where cells have a current law, for a
        conductance beside each cell.
    word_line, bit_line, driver, sense, far_driver, far_sense : float or numpy.ndarray
        :math:`\partial L/\partial R` of the resistances of `Wires` [L per ohm].
    shorts : numpy.ndarray
        The same for the resistance of each of the wires' shorts, shape ``(shorts,)``.
    """

    conductance: Array
    word_line: float | Array
    bit_line: float | Array
    driver: float | Array
    sense: float | Array
    far_driver: float | Array
    far_sense: float | Array
    shorts: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReadGradient(ArrayGradient):
    r"""The gradient of a read; see `ArrayGradient` and `Crossbar.read_gradient`.

    Parameters
    ----------
    voltage : numpy.ndarray
        :math:`\partial L/\partial V` of the read voltages [L per V], of the voltages' shape.
    """

    voltage: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BiasGradient(ArrayGradient):
    r"""The gradient for any bias; see `ArrayGradient` and `Crossbar.bias_gradient`.

    Parameters
    ----------
    potential : dict of str to numpy.ndarray
        :math:`\partial L/\partial V` of the terminals' potentials by side [L per V], shape ``(..., lines)``; 0 where
        a terminal floats.
    """

    potential: dict[str, Array]


def read_gradient(
    array: Crossbar, voltage: ArrayLike, current_gradient: ArrayLike, *, backward: bool, rtol: float | None
) -> ReadGradient:
    """Return the gradient of a read; see `Crossbar.read_gradient`."""
    inputs, outputs = (array.columns, array.rows) if backward else (array.rows, array.columns)
    v = finite_array("voltage", voltage, unit="V", shape=("...", inputs))
    g = finite_array("current_gradient", current_gradient, shape=("...", outputs))
    if v.shape[:-1] != g.shape[:-1]:
        allowed = f"one vector for each of the voltages, {(*v.shape[:-1], outputs)}"
        raise InputError("current_gradient", f"shape {g.shape}", allowed)
    sources, weights = v.reshape(-1, inputs), g.reshape(-1, outputs)
    source, sense = ("bit_bottom", "word_left") if backward else ("word_left", "bit_bottom")
    total, parts = _Sums(array), []
    compressed = array.ohmic and len(sources) > min(inputs, outputs)
    if compressed:
        # Currents are linear in the voltages, so that all vectors together act as the matrix of their products.
        parts = [array.read(weights, backward=not backward, rtol=rtol).current]
        sources, weights = _compressed(sources, weights)
    for chunk in _chunks(array, len(sources)):
        sides = {source: sources[chunk], sense: np.zeros_like(weights[chunk])}
        adjoint = {source: np.zeros_like(sources[chunk]), sense: -weights[chunk]}
        found = total.add(sides, adjoint, rtol)
        if not compressed:
            parts.append(found.terminal_current[source])
    into = np.concatenate(parts) if parts else np.zeros_like(sources)
    return ReadGradient(voltage=into.reshape(v.shape), **total.fields())


def bias_gradient(
    array: Crossbar, bias: Bias, current_gradient: Mapping[str, ArrayLike], *, rtol: float | None
) -> BiasGradient:
    """Return the gradient for any bias; see `Crossbar.bias_gradient`."""
    if not isinstance(bias, Bias):
        raise InputError("bias", type(bias).__name__, "a Bias", "Bias(word_left=voltage, bit_bottom=0.0)")
    if not isinstance(current_gradient, Mapping) or not current_gradient:
        allowed = "arrays by side: " + ", ".join(SIDES)
        raise InputError("current_gradient", repr(current_gradient), allowed, "{'bit_bottom': gradient}")
    batch, sides = bias.resolve(*array.shape)
    adjoint = {}
    for name in SIDES:
        shape = (*batch, sides[name].shape[-1])
        given = np.zeros(shape)
        if name in current_gradient:
            given = finite_array(f"current_gradient[{name!r}]", current_gradient[name], shape=shape)
        adjoint[name] = np.where(np.isnan(sides[name]), np.nan, given.reshape(sides[name].shape))
    for name in current_gradient:
        choice("current_gradient", name, SIDES)
    total = _Sums(array)
    into = {name: np.zeros(side.shape) for name, side in sides.items()}
    for chunk in _chunks(array, int(np.prod(batch))):
        now, weights = ({name: side[chunk] for name, side in each.items()} for each in (sides, adjoint))
        part = total.add(now, weights, rtol)
        for name, side in part.terminal_current.items():
            into[name][chunk] = side
    return BiasGradient(potential={k: side.reshape(*batch, -1) for k, side in into.items()}, **total.fields())


class _Sums:
    """Sums over vectors of the products of a solution and its adjoint: of voltages at cells, of currents in metal."""

    def __init__(self, array: Crossbar) -> None:
        rows, columns = array.shape
        self.array = array
        self.cells = np.zeros((rows, columns))
        self.word = np.zeros((rows, columns + 1))
        self.bit = np.zeros((rows + 1, columns))
        self.shorts = np.zeros(len(array.wires.shorts))
        if not array.ohmic and array.cells.control_names:
            allowed = "ohmic cells, or cells whose current follows from the voltage across them"
            raise InputError("cells", "cells with a transistor", allowed)

    def add(self, sides: dict[str, Array], adjoint: dict[str, Array], rtol: float | None) -> Solution:
        """Add vectors with these potentials of terminals and of the adjoint's; return the solution of the adjoint."""
        found = self.array.solve(Bias(**sides), rtol=rtol)
        other = self._adjoint(found, Bias(**adjoint), rtol)
        for total, one, two in (
            (self.cells, found.cell_voltage, other.cell_voltage),
            (self.word, found.word_line_current, other.word_line_current),
            (self.bit, found.bit_line_current, other.bit_line_current),
        ):
            total += np.einsum("kij,kij->ij", one, two)
        self.shorts += np.einsum("kn,kn->n", found.short_current, other.short_current)
        return other

    def _adjoint(self, found: Solution, bias: Bias, rtol: float | None) -> Solution:
        """Return the solution for the bias of the adjoint: of these cells, or of their small-signal conductances."""
        if self.array.ohmic:
            return self.array.solve(bias, rtol=rtol)
        slope = self.array.cell_array().at(found.word_line_voltage[0], found.bit_line_voltage[0])[1]
        if not (slope >= 0.0).all():
            i, j = (int(n) for n in np.unravel_index(np.argmin(slope), slope.shape))
            given = f"a differential conductance of {slope[i, j]:.3g} S at cell ({i}, {j})"
            raise InputError("cells", given, "cells whose current rises with the voltage")
        return type(self.array)(slope, self.array.wires).solve(bias)

    def fields(self) -> dict[str, Any]:
        """Return the derivatives as the fields of `ArrayGradient`."""
        wires, word, bit = self.array.wires, -self.word, -self.bit
        along = {
            "word_line": word, "bit_line": bit, "driver": word[:, 0], "sense": bit[-1],
            "far_driver": word[:, -1], "far_sense": bit[0],
        }  # fmt: skip
        found: dict[str, Any] = {name: _as_given(grid, getattr(wires, name)) for name, grid in along.items()}
        return found | {"conductance": self.cells, "shorts": -self.shorts}


def _compressed(sources: Array, weights: Array) -> tuple[Array, Array]:
    """Return the fewest vectors with the same sum of products ``sources.T @ weights``."""
    products = sources.T @ weights
    if len(products) <= products.shape[1]:
        return np.eye(len(products)), products
    return np.ascontiguousarray(products.T), np.eye(products.shape[1])


def _chunks(array: Crossbar, vectors: int) -> Iterator[slice]:
    """Return the vectors that are solved together: one by one where each has small-signal conductances of its own."""
    step = max(_FEWEST, _CHUNK // (array.rows * array.columns)) if array.ohmic else 1
    for start in range(0, vectors, step):
        yield slice(start, min(start + step, vectors))


def _as_given(grid: Array, given: float | Array) -> float | Array:
    """Return derivatives for each segment, summed to the shape in which the wires have the resistance."""
    if isinstance(given, float):
        return float(grid.sum())
    shape = (1,) * (grid.ndim - given.ndim) + given.shape
    axes = tuple(k for k, n in enumerate(shape) if n == 1)
    return grid.sum(axis=axes, keepdims=True).reshape(given.shape)
