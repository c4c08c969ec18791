"""`Chip`: a grid of equal cores on which networks are placed."""

from __future__ import annotations

from dataclasses import dataclass

from crossbar.fabric.compiler import Placement, place
from crossbar.fabric.presets import ChipPreset
from crossbar.inference.network import AnalogNetwork
from devices.common.validation import integer

__all__ = ["Chip"]


@dataclass(frozen=True)
class Chip:
    """Equal cores in a grid.

    Parameters
    ----------
    preset : ChipPreset
        Figures of a core and its costs.
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

    @property
    def across(self) -> int:
        """Number of cores in one row."""
        return self._grid[1]

    def place(self, network: AnalogNetwork) -> Placement:
        """Place each tile of a network on a core of its own, layer after layer along the rows of the grid.

        Raises
        ------
        InputError
            If a tile is larger than a core's array, or there are more tiles than cores; the message says which and by
            how much.
        """
        return place(network, self)
