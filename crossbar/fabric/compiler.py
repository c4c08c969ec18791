"""Networks placed on the cores of a chip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from crossbar.fabric.core import Core
from crossbar.fabric.runtime import ChipRun, execute
from crossbar.inference.network import AnalogNetwork
from devices.common.errors import InputError
from devices.common.randomness import Seed

if TYPE_CHECKING:
    from crossbar.fabric.chip import Chip

__all__ = ["Placement", "place"]


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

    def run(self, inputs: ArrayLike, seed: Seed | None = None) -> ChipRun:
        """Classify images, shape ``(images, features)``, one after another on the cores; see `runtime.execute`."""
        return execute(self.network, self.cores, inputs, seed)

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


def place(network: AnalogNetwork, chip: Chip) -> Placement:
    """Place each tile of a network on a core of its own, layer after layer along the rows of the grid.

    Raises
    ------
    InputError
        If a tile is larger than a core's array, or there are more tiles than cores; the message says which and by
        how much.
    """
    rows, columns = chip.preset.tile
    cores: list[Core] = []
    for layer, tiles in enumerate(network.tiles):
        for tile in tiles:
            if tile.crossbar.rows > rows or tile.crossbar.columns > columns:
                given = f"a tile of {tile.crossbar.rows} x {tile.crossbar.columns} in layer {layer}"
                raise InputError("network", given, f"at most {rows} x {columns}", f"tile=({rows}, {columns})")
            index = len(cores)
            cores.append(Core(index, divmod(index, chip.across), layer, tile, chip.preset))
    if len(cores) > chip.cores:
        by_layer = ", ".join(f"{len(t)} in layer {k}" for k, t in enumerate(network.tiles))
        given = f"{len(cores)} tiles ({by_layer})"
        raise InputError("network", given, f"one for each of {chip.cores} cores", f"grid=(1, {len(cores)})")
    return Placement(chip, network, tuple(cores))
