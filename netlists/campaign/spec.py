"""`CampaignSpec`: the circuits, simulators and tolerances of a campaign; read from a TOML file."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any

from devices import InputError, models, parameter_sets
from devices.common.validation import choice, integer, number, readable_file
from netlists.engines.catalogue import ENGINES
from netlists.engines.process import check_timeout

__all__ = ["ANALYSES", "AXES", "CELLS", "FAMILIES", "CampaignSpec", "family"]

#: Cells: conductances, a device, and devices in series: with a selector, a transistor, a resistor.
CELLS = ("ohmic", "device", "1S1R", "1T1R", "1R")
ANALYSES = ("device transient", "read", "operating point", "array transient")
#: Axes of the draw, besides cells, models and analyses, with their options.
AXES = MappingProxyType(
    {
        "values": ("set", "spread"),
        "wires": ("ideal", "uniform", "uneven", "partly zero"),
        "capacitance": ("none", "lines", "lines and crossings"),
        "terminals": ("left to bottom", "bottom to left", "both ends", "mixed", "V/2", "floating"),
        "waveforms": ("sine", "triangle", "pulses", "samples", "constant"),
        "faults": ("none", "none", "open", "short", "stuck"),
        "gates": ("rows", "columns"),
    }
)
#: Families of compared quantities, which share a tolerance.
FAMILIES = ("current", "voltage", "state")
_TOLERANCES = {
    "device transient": {"current": 1e-4, "voltage": 1e-9, "state": 1e-4},
    "read": {"current": 1e-9, "voltage": 1e-9},
    "operating point": {"current": 1e-6, "voltage": 1e-6},
    "array transient": {"current": 1e-3, "voltage": 1e-4, "state": 1e-4},
}
_FLOORS = {"current": 1e-15, "voltage": 1e-12, "state": 1e-12}


@dataclass(frozen=True, kw_only=True)
class CampaignSpec:
    """The circuits, simulators and tolerances of a campaign.

    Parameters
    ----------
    seed : int
        Seed of all draws; case k depends on it, on k and on the options of the draw, and on nothing else.
    circuits : int
        Number of cases; more may be added later.
    title : str, optional
        Title of the report.
    engines : tuple of str, optional
        Simulators that each case is run on: ngspice, pyspice, vacask.
    timeout : float, optional
        Longest run of a simulator [s].
    limits : bool, optional
        At the end, solve the worst case of each quantity again, tighter and looser, to find the side that limits it.
    workers : int, optional
        Processes; as many as there are cores where not given.
    cells, models, analyses : tuple of str, optional
        Kinds of cells, ``"model"`` or ``"model/set"``, and kinds of circuits that are combined. Every kind of cell is
        drawn in each analysis once, before any is drawn again; ohmic cells `ohmic_share` times as often.
    ohmic_share : int, optional
        Number of circuits of each analysis with ohmic cells in a round.
    rest, moving : tuple of int, optional
        Fewest and most rows and columns of arrays at rest, and of arrays over time.
    steps : int, optional
        Fewest steps of a simulator in an array's transient.
    step_error : float, optional
        Our step error in an array's transient.
    values, wires, capacitance, terminals, waveforms, faults, gates : tuple of str, optional
        Options of each axis that an array may have; an option that is named twice is drawn twice as often.
    tolerances : mapping, optional
        For each analysis, the largest relative difference of ``current``, ``voltage`` and ``state`` that agrees.
    floors : mapping, optional
        Absolute differences [A], [V] and in spans of a state that agree in any case.
    roundings : float, optional
        Differences of currents that agree in any case, in units of the rounding error of the current through the
        smallest resistance of a circuit: 2.2e-16 of the largest potential across it.

    Raises
    ------
    InputError
        If a value is wrong; names its key.
    """

    seed: int
    circuits: int
    title: str = "Campaign"
    engines: tuple[str, ...] = ("ngspice",)
    timeout: float = 120.0
    limits: bool = True
    workers: int | None = None
    cells: tuple[str, ...] = CELLS
    models: tuple[str, ...] = ()
    analyses: tuple[str, ...] = ANALYSES
    ohmic_share: int = 20
    rest: tuple[int, int] = (1, 12)
    moving: tuple[int, int] = (1, 3)
    steps: int = 1000
    step_error: float = 1e-8
    values: tuple[str, ...] = AXES["values"]
    wires: tuple[str, ...] = AXES["wires"]
    capacitance: tuple[str, ...] = AXES["capacitance"]
    terminals: tuple[str, ...] = AXES["terminals"]
    waveforms: tuple[str, ...] = AXES["waveforms"]
    faults: tuple[str, ...] = AXES["faults"]
    gates: tuple[str, ...] = AXES["gates"]
    tolerances: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    floors: Mapping[str, float] = field(default_factory=dict)
    roundings: float = 10.0

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        integer("seed", self.seed, minimum=0)
        integer("circuits", self.circuits, minimum=1)
        if not isinstance(self.title, str):
            raise InputError("title", repr(self.title), "a text")
        put("timeout", check_timeout(self.timeout))
        if not isinstance(self.limits, bool):
            raise InputError("limits", repr(self.limits), "true or false")
        if self.workers is not None:
            integer("workers", self.workers, minimum=1)
        integer("ohmic_share", self.ohmic_share, minimum=1)
        integer("steps", self.steps, minimum=10)
        put("step_error", number("step_error", self.step_error, minimum=1e-12, maximum=0.1))
        allowed = {"engines": ENGINES, "cells": CELLS, "analyses": ANALYSES, **AXES}
        for name, options in allowed.items():
            put(name, _texts(name, getattr(self, name), options))
        if len(set(self.engines)) < len(self.engines):
            raise InputError("engines", list(self.engines), "each engine once")
        put("models", _sets(self.models))
        for name in ("rest", "moving"):
            put(name, _range(name, getattr(self, name)))
        put("tolerances", _tolerances(self.tolerances))
        put("roundings", number("roundings", self.roundings, minimum=0.0))
        put("floors", {**_FLOORS, **_numbers("floors", self.floors, FAMILIES)})

    @classmethod
    def read(cls, file: str | os.PathLike[str]) -> CampaignSpec:
        """Return the specification in a TOML file.

        Top-level keys are those of this class outside the draw; the table ``[draw]`` holds the others, ``[floors]``
        the absolute and ``[tolerances."read"]``, and so on, the relative differences that agree.

        Parameters
        ----------
        file : path
            The file.

        Raises
        ------
        InputError
            If it cannot be read, is no TOML, or has a key that is not known.
        """
        path = readable_file("spec", os.fspath(file))
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(
                "spec", f"{str(path)!r}, no TOML: {error}", "a file with seed = 1, circuits = 100, ..."
            ) from None
        draw = given.pop("draw", {})
        if not isinstance(draw, dict):
            raise InputError("draw", repr(draw), "a table [draw]")
        plain = {f.name for f in fields(cls)} - set(_DRAW) | {"seed"}
        for keys, known in ((given, plain), (draw, set(_DRAW) - {"seed"})):
            for key in keys:
                choice("spec", key, known)
        for key in ("seed", "circuits"):
            if key not in given:
                raise InputError("spec", f"no {key}", "seed and circuits, whole numbers", f"{key} = 1")
        return cls(**given, **draw)

    def drawn(self) -> dict[str, Any]:
        """Return everything that the cases depend on, ready for JSON."""
        return {name: value for name, value in self.to_dict().items() if name in _DRAW}

    def to_dict(self) -> dict[str, Any]:
        """Return all fields, ready for JSON."""
        return {n: list(v) if isinstance(v, tuple) else v for n, v in asdict(self).items()}

    def excess(self, row: Mapping[str, Any]) -> dict[str, float]:
        """Return the worst difference of each quantity relative to the largest one that tolerance or floor allow."""
        tolerances = self.tolerances[row["options"]["analysis"]]
        found = {}
        for name, quantity in row["agreement"]["quantities"].items():
            kind = family(name)
            floor = max(self.floors[kind], self.roundings * row["rounding"] if kind == "current" else 0.0)
            limits = ((quantity["worst_relative"], tolerances[kind]), (quantity["worst_absolute"], floor))
            found[name] = min(0.0 if part == 0.0 else part / most if most > 0.0 else math.inf for part, most in limits)
        return found


#: Fields that the cases depend on.
_DRAW = (
    "seed", "cells", "models", "analyses", "ohmic_share", "rest", "moving", "steps", "step_error", *AXES,
)  # fmt: skip


def family(quantity: str) -> str:
    """Return the family of a quantity, which has a tolerance: "current", "voltage" or "state"."""
    return "state" if quantity.startswith("state") else quantity.rpartition(" ")[2]


def _texts(name: str, given: Any, options: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not given:
        raise InputError(name, repr(given), "a list of " + ", ".join(dict.fromkeys(options)))
    return tuple(choice(name, item, set(options)) for item in given)


def _sets(given: Any) -> tuple[str, ...]:
    """Return the named parameter sets as ``model/set``; all registered ones where none are named."""
    if not isinstance(given, list | tuple):
        raise InputError("models", repr(given), "a list of model names, or model/set")
    found: list[str] = []
    for item in given or models():
        name, _, chosen = str(item).partition("/")
        choice("models", name, models())
        sets = [choice("models", chosen, parameter_sets(name))] if chosen else list(parameter_sets(name))
        found += [f"{name}/{s}" for s in sets]
    return tuple(dict.fromkeys(found))


def _range(name: str, given: Any) -> tuple[int, int]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise InputError(name, repr(given), "fewest and most lines", f"{name} = [1, 12]")
    low = integer(name, given[0], minimum=1)
    return low, integer(name, given[1], minimum=low)


def _numbers(name: str, given: Any, known: tuple[str, ...]) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise InputError(name, repr(given), "a table with " + ", ".join(known))
    return {choice(name, key, known): number(f"{name}.{key}", v, minimum=0.0) for key, v in given.items()}


def _tolerances(given: Any) -> dict[str, dict[str, float]]:
    if not isinstance(given, Mapping):
        raise InputError("tolerances", repr(given), "tables for " + ", ".join(ANALYSES))
    for analysis in given:
        choice("tolerances", analysis, ANALYSES)
    return {
        analysis: {**usual, **_numbers(f"tolerances.{analysis}", given.get(analysis, {}), tuple(usual))}
        for analysis, usual in _TOLERANCES.items()
    }
