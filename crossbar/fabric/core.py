"""`Core`: a core of a chip, which executes the products of its tile and charges them to an account."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from crossbar.fabric.ledger import Account
from crossbar.fabric.presets import ChipPreset
from crossbar.periphery.encodings import PulseWidth
from crossbar.read_noise import ReadSeeds
from crossbar.tiles import Clipped, Cost, Operation, Tile
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed

__all__ = ["Core"]


@dataclass(frozen=True, eq=False)
class Core:
    """A core that holds one tile, an array with its DACs and ADCs; a `crossbar.tiles.AnalogCore`.

    Parameters
    ----------
    index : int
        Number of the core on the chip.
    position : tuple of int
        Row and column of the core on the chip.
    layer : int
        Layer of the network that its tile belongs to.
    tile : Tile
        The programmed array and its converters.
    preset : ChipPreset, optional
        Figures from which the costs of its operations follow.
    account : Account, optional
        The account to which it charges its operations; none where not given.
    """

    index: int
    position: tuple[int, int]
    layer: int
    tile: Tile
    preset: ChipPreset | None = None
    account: Account | None = None

    @property
    def rows(self) -> slice:
        """Inputs of its matrix that it holds."""
        return self.tile.rows

    @property
    def columns(self) -> slice:
        """Physical columns of its matrix that it holds."""
        return self.tile.columns

    def charged_to(self, account: Account) -> Core:
        """Return this core with another account."""
        return replace(self, account=account)

    def program(self, conductance: ArrayLike, seed: Seed = 0) -> Core:
        """Return this core with its cells programmed to `conductance` [S]; see `Tile.program`."""
        programmed = replace(self, tile=self.tile.program(conductance, seed))
        self._charge("program", 1)
        self._count("cells programmed", float(np.prod(self.tile.crossbar.shape)))
        return programmed

    def read(self, share: Array, seeds: ReadSeeds | Seed, clipped: Clipped | None = None) -> Array:
        """Return converted bit-line currents [A], shape ``(..., columns)``; see `Tile.read`."""
        currents = self.tile.read(share, seeds, clipped)
        self._charge_read("read", share, self.tile.crossbar.columns)
        return currents

    def read_backward(self, share: Array, seeds: ReadSeeds | Seed) -> Array:
        """Return converted word-line currents [A], shape ``(..., rows)``; see `Tile.read_backward`."""
        currents = self.tile.read_backward(share, seeds)
        self._charge_read("read_backward", share, self.tile.crossbar.rows)
        return currents

    def cost(self, operation: Operation) -> tuple[Cost, ...]:
        """Return the costs of one operation by the chip's preset; none where the preset has no figure for it."""
        return () if self.preset is None else self.preset.costs(operation)

    def pulses(self, share: Array, *, backward: bool = False) -> int:
        """Return the number of pulses that its DACs send for inputs `share`; an input of zero sends none."""
        driven = share[..., self.columns if backward else self.rows]
        return sum(int(np.count_nonzero(one)) for _, one in self.tile.encoding.reads(driven))

    def heat(self, share: Array, *, backward: bool = False) -> float:
        """Return the Joule heat of its cells for pulses `share` [J], neglecting IR drop."""
        encoding = self.tile.encoding
        if not isinstance(encoding, PulseWidth):
            raise InputError("encoding", type(encoding).__name__, "PulseWidth", "the preset's recipe")
        time = np.abs(self._encoded(share, backward)) * encoding.full_scale
        along = 0 if backward else 1
        return float((time * self.tile.crossbar.conductance.sum(axis=along)).sum() * encoding.read_voltage**2)

    def _encoded(self, share: Array, backward: bool) -> Array:
        return self.tile.encoding.encode(share[..., self.columns if backward else self.rows])

    def _charge_read(self, operation: Operation, share: Array, converted: int) -> None:
        if self.account is None:
            return
        vectors, backward = int(np.prod(share.shape[:-1])), operation == "read_backward"
        self._charge(operation, vectors)
        self._count("input pulses", float(self.pulses(share, backward=backward)))
        self._count("ADC conversions", float(vectors * converted))
        self._count("heat of the cells, contained in host and array [J]", self.heat(share, backward=backward))

    def _charge(self, operation: Operation, times: int) -> None:
        if self.account is not None:
            for cost in self.cost(operation):
                self.account.charge(cost, count=times)

    def _count(self, name: str, amount: float) -> None:
        if self.account is not None:
            self.account.count(name, amount)
