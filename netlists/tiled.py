"""The circuit of several tiles that share their inputs: a matrix on arrays, or the cores of a fabric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Tile
from devices import InputError
from devices.common.validation import finite_array
from netlists.arrays import crossbar_circuit
from netlists.circuit import GROUND, Block, Circuit, Element, Instance, OperatingPoint, VoltageSource

__all__ = ["tiles_circuit"]


def tiles_circuit(tiles: Sequence[Tile], share: ArrayLike) -> Circuit:
    """Return tiles between the drivers that they share and a sense amplifier for each of their columns.

    Input k of the matrix is source ``Vin{k}`` at net ``s{k}``, and drives the word line of every tile that holds it.
    Tile n is block ``tile{n}``, an array as in `crossbar_circuit` with its own wires, placed as ``Xtile{n}``. Its
    column j leads to net ``g{n}_{j}`` and source ``Vs{n}_{j}`` of 0 V, whose current is what `Tile.current` gives.

    Parameters
    ----------
    tiles : sequence of Tile
        Those of an `AnalogMatrix`, or of the cores that hold a layer. Their ADCs are no part of the circuit.
    share : array_like
        Inputs of the whole matrix as shares of full scale, shape ``(inputs,)``, such as ``AnalogMatrix.shares(x)``.
        Each tile's encoding rounds them. A pulse width stands for the voltage of the same charge in a full-scale pulse.

    Returns
    -------
    Circuit
        An operating point, with one block for each tile; `Circuit.flat` has the same without blocks.

    Raises
    ------
    InputError
        If there are no tiles, the inputs do not fit, or two tiles drive one input with different voltages.

    Examples
    --------
    >>> from crossbar import AnalogMatrix, Recipe
    >>> recipe = Recipe(conductance_limits=(1e-6, 1e-4), tile=(2, 2), bias="analog")
    >>> matrix = AnalogMatrix.program([[0.5], [-1.0]], [0.1], recipe, calibration=[[1.0, 1.0]])
    >>> circuit = tiles_circuit(matrix.tiles, [0.2, 0.4, 1.0])
    >>> [block.name for block in circuit.blocks]
    ['tile0', 'tile1']
    """
    if not isinstance(tiles, Sequence) or not tiles or not all(isinstance(tile, Tile) for tile in tiles):
        raise InputError("tiles", repr(tiles)[:60], "a sequence of Tile objects", "AnalogMatrix.program(...).tiles")
    inputs = max(tile.rows.stop for tile in tiles)
    shares = finite_array("share", share, shape=(inputs,))
    volts: dict[int, float] = {}
    blocks: list[Block] = []
    inside: list[Element] = []
    senses: list[Element] = []
    for n, tile in enumerate(tiles):
        driven = tile.encoding.read_voltage * tile.encoding.encode(shares[tile.rows])
        lines = range(inputs)[tile.rows]
        for line, volt in zip(lines, driven, strict=True):
            if volts.setdefault(line, float(volt)) != volt:
                raise InputError("tiles", f"input {line} at {volts[line]:g} V and {volt:g} V", "one encoding for all")
        array = crossbar_circuit(tile.crossbar, np.zeros(len(driven))).enclosed(f"tile{n}")
        (block,) = array.blocks
        terminals = {source.name: source.plus for source in array.elements if isinstance(source, VoltageSource)}
        outer = {terminals[f"Vin{i}"]: f"s{line}" for i, line in enumerate(lines)}
        outer |= {terminals[f"Vs{j}"]: f"g{n}_{j}" for j in range(tile.crossbar.columns)}
        senses += [VoltageSource(f"Vs{n}_{j}", f"g{n}_{j}", GROUND, 0.0) for j in range(tile.crossbar.columns)]
        inside.append(Instance(f"Xtile{n}", tuple(outer[p] for p in block.ports), block.name, MappingProxyType({})))
        blocks.append(replace(block, name=f"tile{n}"))
    drivers = [VoltageSource(f"Vin{line}", f"s{line}", GROUND, volt) for line, volt in sorted(volts.items())]
    return Circuit(
        title=f"{len(tiles)} tiles that share {len(volts)} inputs",
        elements=(*drivers, *inside, *senses),
        analysis=OperatingPoint(),
        blocks=tuple(blocks),
        measured=tuple(source.name for source in senses if isinstance(source, VoltageSource)),
    )
