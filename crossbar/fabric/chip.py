"""A chip of cores, a network placed on them, and what a run costs.

Modes, routing between cores, failing cores and learning on the chip join here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.fabric.ledger import Event, Ledger
from crossbar.fabric.presets import ChipPreset
from crossbar.inference import AnalogNetwork
from crossbar.periphery import PulseWidth
from crossbar.tiles import Tile
from devices.common.errors import InputError
from devices.common.randomness import Seed
from devices.common.validation import finite_array, integer

__all__ = ["Chip", "ChipRun", "Core", "Placement"]


@dataclass(frozen=True, eq=False)
class Core:
    """A core that holds one tile: an array with its DACs and ADCs.

    Parameters
    ----------
    index : int
        Which core of the chip.
    position : tuple of int
        Row and column of the core on the chip.
    layer : int
        Layer of the network that its tile belongs to.
    tile : Tile
        The programmed array and its converters.
    """

    index: int
    position: tuple[int, int]
    layer: int
    tile: Tile

    def pulses(self, share: NDArray[np.float64]) -> int:
        """Return how many pulses its DACs send for inputs `share`; an input of zero sends none."""
        return int(np.count_nonzero(self.tile.encoding.encode(share[..., self.tile.rows])))

    def heat(self, share: NDArray[np.float64]) -> float:
        """Return the Joule heat of its cells for pulses `share` [J], taken without IR drop."""
        encoding = self.tile.encoding
        if not isinstance(encoding, PulseWidth):
            raise InputError("encoding", type(encoding).__name__, "PulseWidth", "the preset's recipe")
        time = np.abs(encoding.encode(share[..., self.tile.rows])) * encoding.full_scale
        return float((time * self.tile.crossbar.conductance.sum(axis=1)).sum() * encoding.read_voltage**2)


@dataclass(frozen=True, eq=False)
class ChipRun:
    """Predictions of a run, and its ledger."""

    predictions: NDArray[Any]
    ledger: Ledger


@dataclass(frozen=True)
class Chip:
    """Equal cores in a grid.

    Parameters
    ----------
    preset : ChipPreset
        What a core is and costs.
    grid : tuple of int, optional
        Rows and columns of cores; as many in one row as published where not given.
    """

    preset: ChipPreset
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.grid is None:
            object.__setattr__(self, "grid", (1, int(self.preset["cores"])))
        for k, n in enumerate(self._grid):
            integer(f"grid[{k}]", n, minimum=1)

    @property
    def _grid(self) -> tuple[int, int]:
        assert self.grid is not None
        return self.grid

    @property
    def cores(self) -> int:
        """Number of cores."""
        return self._grid[0] * self._grid[1]

    def place(self, network: AnalogNetwork) -> Placement:
        """Place each tile of a network on a core of its own, layer after layer along the rows of the grid.

        Raises
        ------
        InputError
            If a tile is larger than a core's array, or there are more tiles than cores; the message says which and by
            how much.
        """
        rows, columns = self.preset.tile
        cores: list[Core] = []
        for layer, tiles in enumerate(network.tiles):
            for tile in tiles:
                if tile.crossbar.rows > rows or tile.crossbar.columns > columns:
                    given = f"a tile of {tile.crossbar.rows} x {tile.crossbar.columns} in layer {layer}"
                    raise InputError("network", given, f"at most {rows} x {columns}", f"tile=({rows}, {columns})")
                index = len(cores)
                cores.append(Core(index, divmod(index, self._grid[1]), layer, tile))
        if len(cores) > self.cores:
            by_layer = ", ".join(f"{len(t)} in layer {k}" for k, t in enumerate(network.tiles))
            given = f"{len(cores)} tiles ({by_layer})"
            raise InputError("network", given, f"one for each of {self.cores} cores", f"grid=(1, {len(cores)})")
        return Placement(self, network, tuple(cores))


@dataclass(frozen=True, eq=False)
class Placement:
    """A network on a chip.

    Parameters
    ----------
    chip : Chip
        The chip.
    network : AnalogNetwork
        The network, made with the chip preset's recipe.
    cores : tuple of Core
        The cores in use.
    """

    chip: Chip
    network: AnalogNetwork
    cores: tuple[Core, ...]

    def run(self, inputs: ArrayLike, seed: Seed = 0) -> ChipRun:
        """Classify images one after another.

        The cores of one layer work at the same time, layers follow one another.

        Parameters
        ----------
        inputs : array_like
            Shape ``(images, features)``.
        seed : int or numpy.random.Generator, optional
            Where the noise of the reads comes from.

        Returns
        -------
        ChipRun
            Predictions and the ledger of energy and latency.
        """
        x = finite_array("inputs", inputs, shape=("images", "features"))
        *shares, outputs = self.network.forward(x, seed)
        images, layers = len(x), len(self.network.layers)
        products = images * len(self.cores)
        preset = self.chip.preset
        events = (
            Event(
                "VMM, mixed-signal core",
                products,
                images * layers,
                preset.core_energy,
                preset.vmm_time,
                "core power and throughput of the preset",
            ),
            Event(
                "VMM, host and array",
                products,
                images * layers,
                preset.host_energy,
                0.0,
                "total less core power of the preset; runs while the core does",
            ),
        )
        memo = {
            "input pulses": float(sum(c.pulses(shares[c.layer]) for c in self.cores)),
            "ADC conversions": float(images * sum(c.tile.crossbar.columns for c in self.cores)),
            "heat of the cells, contained in host and array [J]": sum(c.heat(shares[c.layer]) for c in self.cores),
        }
        return ChipRun(self.network.classify(outputs), Ledger(events, images, memo))

    def __str__(self) -> str:
        lines = [f"{self.chip.preset.name}: {len(self.cores)} of {self.chip.cores} cores"]
        rows, columns = self.chip.preset.tile
        for c in self.cores:
            array = c.tile.crossbar
            used = 100 * array.rows * array.columns / (rows * columns)
            lines.append(
                f"  core {c.index} at {c.position}: layer {c.layer}, {array.rows} x {array.columns} ({used:.0f} % used)"
            )
        return "\n".join(lines)
