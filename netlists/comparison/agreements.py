"""`Agreements`: one circuit in several simulators, our agreement with each and the differences between them."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from devices.common.arrays import Array
from devices.common.files import write_whole
from devices.common.tables import columns_of_text
from devices.common.validation import choice
from netlists.comparison.agreement import Agreement
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Agreements", "Pair", "compare_engines"]

_KINDS = ("currents", "states", "voltages")
_STATE = re.compile(r"v\((?:.*\.)?xsv")
_ORDER = 4  # of a cubic spline


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The difference between the vectors of two simulators.

    Parameters
    ----------
    first, second : str
        Names of the engines.
    kind : str
        ``"currents"``, ``"voltages"`` or ``"states"``.
    vectors : int
        Number of vectors that both have.
    worst_relative : float
        Largest difference, relative to the largest value of the kind.
    where : str
        Vector and time of it.
    interpolation : float
        Estimate of the error of the interpolation, in the same measure; 0 for operating points, which need none.
    """

    first: str
    second: str
    kind: str
    vectors: int
    worst_relative: float
    where: str
    interpolation: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class Agreements(Mapping[str, Agreement]):
    """One circuit in several simulators, made by ``crosscheck(..., engine="all")``: a mapping by engine, and a table.

    Parameters
    ----------
    agreements : mapping of str to Agreement
        Our agreement with each engine.
    pairs : sequence of Pair
        Differences between the engines. Their time grids differ: the denser run is interpolated onto the times of the
        other by cubic splines, of order 4 between the corners of the sources. The estimate of that error comes from
        splines through every other point; where a state reaches a bound it may be 8 times too small.
    """

    agreements: Mapping[str, Agreement]
    pairs: Sequence[Pair]

    def __getitem__(self, name: str) -> Agreement:
        return self.agreements[choice("engine", name, self.agreements)]

    def __contains__(self, name: object) -> bool:
        return name in self.agreements

    def __iter__(self) -> Iterator[str]:
        return iter(self.agreements)

    def __len__(self) -> int:
        return len(self.agreements)

    @property
    def worst(self) -> float:
        """Largest relative difference over all quantities and engines."""
        return max(agreement.worst for agreement in self.agreements.values())

    def assert_within(self, relative: float) -> None:
        """Raise `AssertionError`, with the table, if a relative difference from an engine exceeds `relative`."""
        for agreement in self.agreements.values():
            agreement.assert_within(relative)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures, ready for JSON."""
        return {
            "worst": self.worst,
            "engines": {name: agreement.to_dict() for name, agreement in self.agreements.items()},
            "pairs": [pair.to_dict() for pair in self.pairs],
        }

    def to_json(self) -> str:
        """Return all figures as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all figures into a JSON file, whole or not at all, and return its path."""
        return write_whole(path, self.to_json() + "\n")

    def __str__(self) -> str:
        first = next(iter(self.agreements.values()))
        head = ("quantity", "engine", "points", "absolute", "relative", "worst at", "ours [s]", "engine [s]", "limit")
        rows = [
            (
                quantity,
                name,
                str(q.ours.size),
                f"{q.worst_absolute:.2e} {q.unit}",
                f"{q.worst_relative:.2e}",
                q.where,
                f"{agreement.our_seconds:.3g}",
                f"{agreement.engine_seconds:.3g}",
                agreement.limits[quantity].side if agreement.limits else "not asked",
            )
            for quantity in first.quantities
            for name, agreement in self.agreements.items()
            for q in [agreement[quantity]]
        ]
        pairs = [
            (p.kind, f"{p.first} and {p.second}", f"{p.worst_relative:.2e}", p.where, f"{p.interpolation:.0e}")
            for p in self.pairs
        ]
        engines = [] if not pairs else columns_of_text([("kind", "engines", "relative", "at", "interpolation"), *pairs])
        tolerances = [f"{a.engine}: {a.engine_tolerance}" for a in self.agreements.values()]
        versions = {name: v for a in self.agreements.values() for name, v in a.versions.items()}
        return "\n".join(
            [
                f"{first.title}: memductance and {', '.join(self.agreements)}",
                *columns_of_text([head, *rows]),
                *engines,
                f"memductance: {first.our_tolerance}",
                *tolerances,
                ", ".join(f"{name} {version}" for name, version in versions.items())
                + ("" if first.seed is None else f"; seed {first.seed}"),
            ]
        )

    def plot(self, axes: Sequence[Axes] | None = None, *, quantity: str | None = None) -> list[Axes]:
        """Draw each engine's agreement, side by side; see `Agreement.plot`.

        Parameters
        ----------
        axes : sequence of matplotlib.axes.Axes, optional
            Axes to draw in, one for each engine; a new figure where not given.
        quantity : str, optional
            Quantity to draw; the main one where not given.

        Returns
        -------
        list of matplotlib.axes.Axes
            The axes of the quantity.
        """
        from matplotlib import pyplot as plt

        if axes is None:
            size = (5.0 * len(self), 4.2)
            axes = list(plt.subplots(1, len(self), figsize=size, layout="constrained", squeeze=False)[1][0])
        return [a.plot(ax, quantity=quantity) for a, ax in zip(self.agreements.values(), axes, strict=True)]


def compare_engines(runs: Mapping[str, Waves], corners: Array) -> list[Pair]:
    """Return the differences between the runs of one circuit, for each two of them and each kind of vectors.

    Parameters
    ----------
    runs : mapping of str to Waves
        Vectors of each engine.
    corners : numpy.ndarray
        Times at which a source bends [s].
    """
    found = []
    for (first, one), (second, other) in itertools.combinations(runs.items(), 2):
        shared = [name for name in one if name in other and name != "time"]
        for kind in _KINDS:
            names = [name for name in shared if _kind(name) == kind]
            if names:
                worst, where, error = _largest_difference(one, other, names, corners)
                found.append(
                    Pair(
                        first=first,
                        second=second,
                        kind=kind,
                        vectors=len(names),
                        worst_relative=worst,
                        where=where,
                        interpolation=error,
                    )
                )
    return found


def _kind(name: str) -> str:
    return "currents" if name.startswith("i(") else "states" if _STATE.match(name) else "voltages"


def _largest_difference(one: Waves, other: Waves, names: list[str], corners: Array) -> tuple[float, str, float]:
    """Return the worst difference relative to the largest value, its place, and the interpolation's error."""
    first, second = (np.stack([waves[name] for name in names], axis=-1) for waves in (one, other))
    times, error = None, 0.0
    if "time" in one:
        sparse, dense = sorted((one, other), key=lambda waves: waves["time"].size)
        times, kept = np.unique(sparse["time"], return_index=True)
        base = np.stack([sparse[name][kept] for name in names], axis=-1)
        first, (second, error) = base, _interpolated(dense, names, times, corners)
    scale = max(float(np.abs(first).max()), float(np.abs(second).max())) or 1.0
    difference = np.abs(first - second)
    point, vector = np.unravel_index(int(difference.argmax()), difference.shape)
    where = names[vector] + ("" if times is None else f", t = {times[point]:.6g} s")
    return float(difference.max()) / scale, where, error / scale


def _interpolated(dense: Waves, names: list[str], times: Array, corners: Array) -> tuple[Array, float]:
    """Return vectors at other times by cubic splines between corners, and an estimate of the largest error.

    The estimate is the difference of a spline through every other point at the points between, over 2**4 - 1.
    """
    from scipy.interpolate import CubicSpline

    known, kept = np.unique(dense["time"], return_index=True)
    values = np.stack([dense[name][kept] for name in names], axis=-1)
    result = np.empty((times.size, len(names)))
    inner = corners[(corners > known[0]) & (corners < known[-1])]
    ends = np.unique(np.concatenate([known[:1], inner, known[-1:]]))
    error = 0.0
    room = 1e-9 * float(np.diff(ends).min())  # of rounding: less than the first step after any corner
    for low, high in itertools.pairwise(ends):
        piece = np.flatnonzero((known >= low - room) & (known <= high + room))
        asked = (times >= low - room) & (times <= high + room)
        if piece.size < 2 or not asked.any():
            continue
        result[asked] = CubicSpline(known[piece], values[piece])(times[asked])
        half = np.unique(np.append(piece[::2], piece[-1]))
        left_out = np.setdiff1d(piece, half)
        if half.size >= 4 and left_out.size:
            guess = CubicSpline(known[half], values[half])(known[left_out])
            error = max(error, float(np.abs(guess - values[left_out]).max()) / (2**_ORDER - 1))
    return result, 0.0 if np.isin(times, known).all() else error
