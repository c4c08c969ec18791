"""Chips as data: one TOML file for each, with a source and a status for every figure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from crossbar.inference.recipe import Recipe
from crossbar.periphery.encodings import PulseWidth
from crossbar.tiles import Cost, Operation
from devices.common.errors import InputError
from devices.common.validation import choice
from devices.sources import STATUSES, Citation

__all__ = ["ChipPreset", "Figure", "chip_preset", "chip_presets"]


@dataclass(frozen=True)
class Figure:
    """A published or chosen number, in SI units, with its source."""

    value: float
    unit: str
    status: str
    source: str

    def __post_init__(self) -> None:
        choice("status", self.status, STATUSES)
        if not self.source.strip():
            raise InputError("source", "an empty text", "the source of the figure")


@dataclass(frozen=True)
class ChipPreset:
    """A chip of equal cores.

    Parameters
    ----------
    name, title : str
        Registry name, and a description in one line.
    device : str
        Registered device model of the cells.
    figures : mapping of str to Figure
        Every number with its source.
    references, assumptions : tuple of str
        Papers, and our assumptions where they give no figure.
    """

    name: str
    title: str
    device: str
    figures: Mapping[str, Figure]
    references: tuple[str, ...]
    assumptions: tuple[str, ...]

    def __getitem__(self, name: str) -> float:
        return self.figures[name].value

    @property
    def tile(self) -> tuple[int, int]:
        """Rows and columns of a core's array."""
        return int(self["rows"]), int(self["columns"])

    @property
    def vmm_time(self) -> float:
        """Time of one vector-matrix product of a full array [s]: two operations for each cell at the throughput."""
        return 2 * self["rows"] * self["columns"] / self["throughput"]

    @property
    def core_energy(self) -> float:
        """Energy of the mixed-signal core in one product [J]."""
        return self["core_power"] * self.vmm_time

    @property
    def host_energy(self) -> float:
        """Energy of the digital part and the array in one product [J]: the published total less the core."""
        return (self["total_power"] - self["core_power"]) * self.vmm_time

    def costs(self, operation: Operation) -> tuple[Cost, ...]:
        """Return the costs of one operation of a core; none where no figure is published, as for programming."""
        if operation == "program":
            return ()
        core = "core power and throughput of the preset"
        host = "total less core power of the preset; runs while the core does"
        return (
            Cost("VMM, mixed-signal core", self.core_energy, self.vmm_time, core),
            Cost("VMM, host and array", self.host_energy, 0.0, host),
        )

    def cited(self) -> tuple[Citation, ...]:
        """Return the papers of the chip and the source of each figure; see `devices.citations`."""
        papers = tuple(Citation(text, (self.name,)) for text in self.references)
        figures = (Citation(f.source, (f"{self.name}/{name}",), f.status) for name, f in self.figures.items())
        return (*papers, *figures)

    def recipe(self, conductance_limits: tuple[float, float], **changes: Any) -> Recipe:
        """Return the recipe by which a matrix becomes arrays of this chip; `changes` go to `Recipe`."""
        encoding = PulseWidth(self["read_voltage"], int(self["pulse_bits"]), 1.0 / self["clock"])
        usual: dict[str, Any] = {"tile": self.tile, "encoding": encoding, "adc_bits": int(self["adc_bits"])}
        usual["bias"] = "analog"
        return Recipe(conductance_limits=conductance_limits, **{**usual, **changes})


def chip_presets() -> tuple[str, ...]:
    """Return the names of the presets."""
    return tuple(sorted(f.name[:-5] for f in files(__name__).iterdir() if f.name.endswith(".toml")))


def chip_preset(name: str) -> ChipPreset:
    """Return a preset by name.

    Raises
    ------
    InputError
        For an unknown name; the closest one is offered.
    """
    data = tomllib.loads(files(__name__).joinpath(f"{choice('preset', name, chip_presets())}.toml").read_text("utf-8"))
    figures = {k: Figure(**v) for k, v in data["figures"].items()}
    return ChipPreset(
        name=data["name"],
        title=data["title"],
        device=data["device"],
        figures=MappingProxyType(figures),
        references=tuple(data["references"]),
        assumptions=tuple(data["assumptions"]),
    )
