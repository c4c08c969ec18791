"""`Agreement`: the differences between our solution of a circuit and that of a simulator, quantity by quantity."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from devices.common.arrays import Array
from devices.common.files import write_whole
from devices.common.tables import columns_of_text
from devices.common.validation import choice, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes


__all__ = ["Agreement", "Limit", "Quantity"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantity:
    """One compared quantity.

    Parameters
    ----------
    name : str
        Name of the quantity.
    unit : str
        Unit of the values.
    ours, theirs : numpy.ndarray
        Values here and in the simulator, shape ``(points,)``.
    scale : float
        Value that differences are relative to, in `unit`.
    scale_meaning : str
        Meaning of the scale, such as ``"peak"``.
    places : callable
        Returns the place and the time of point k as text.
    """

    name: str
    unit: str
    ours: Array
    theirs: Array
    scale: float
    scale_meaning: str
    places: Callable[[int], str]

    @property
    def difference(self) -> Array:
        """Absolute difference at each point, in `unit`."""
        return np.abs(self.theirs - self.ours)

    @property
    def worst_absolute(self) -> float:
        """Largest absolute difference, in `unit`."""
        return float(self.difference.max(initial=0.0))

    @property
    def worst_relative(self) -> float:
        """Largest difference relative to the scale; 0 where both solutions are 0 throughout."""
        if self.scale == 0.0:
            return 0.0 if self.worst_absolute == 0.0 else float("inf")
        return self.worst_absolute / self.scale

    @property
    def where(self) -> str:
        """Place and time of the largest difference."""
        return self.places(int(self.difference.argmax()))

    @property
    def local(self) -> Array:
        """Difference relative to the value itself, at each point; 0 where that is below a hundredth of the scale."""
        size = np.maximum(np.abs(self.ours), np.abs(self.theirs))
        counts = (size >= 0.01 * self.scale) & (size > 0.0)
        return np.where(counts, self.difference / np.where(counts, size, 1.0), 0.0)

    @property
    def worst_local(self) -> float:
        """Largest difference relative to the value itself, where that is a hundredth of the scale at least."""
        return float(self.local.max(initial=0.0))

    @property
    def where_local(self) -> str:
        """Place and time of the largest difference relative to the value itself."""
        return self.places(int(self.local.argmax()))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return {
            "unit": self.unit,
            "points": int(self.ours.size),
            "worst_absolute": self.worst_absolute,
            "worst_relative": self.worst_relative,
            "where": self.where,
            "worst_local": self.worst_local,
            "where_local": self.where_local,
            "scale": self.scale,
            "relative_to": self.scale_meaning,
        }


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The side whose tolerance limits the agreement of a quantity, with the figures that show it.

    Parameters
    ----------
    side : str
        ``"memductance"`` or the simulator: the side whose tolerance changes the difference. ``"rounding"`` where the
        difference is below rounding. ``"neither"`` where it does not change: the two do not solve the same equations,
        or both are as exact as doubles allow.
    base : float
        Worst relative difference with the given tolerances.
    ours_tighter : float or None
        The same with a hundredth of our tolerance; None where that does not converge.
    engine_tighter, engine_looser : float or None
        The same with our tighter tolerance, and with the simulator's tolerances a tenth and its steps a third, or 1000
        times and 3 times as large; None where it does not converge or takes too long.
    """

    side: str
    base: float
    ours_tighter: float | None
    engine_tighter: float | None
    engine_looser: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        figures = (
            ("", self.base),
            ("ours tighter ", self.ours_tighter),
            ("simulator tighter ", self.engine_tighter),
            ("looser ", self.engine_looser),
        )
        texts = [f"{name}{'fails' if value is None else f'{value:.1e}'}" for name, value in figures]
        return f"{self.side} ({', '.join(texts)})"


@dataclass(frozen=True, kw_only=True, eq=False)
class Agreement:
    """The differences between our solution and that of a simulator; made by `crosscheck`.

    Parameters
    ----------
    title : str
        The circuit.
    quantities : mapping of str to Quantity
        Quantities that were compared, the main one first.
    engine : str
        Simulator and version.
    our_tolerance, engine_tolerance : str
        Tolerances here and in the simulator.
    our_seconds, engine_seconds : float
        Time of each solution [s]: ours without compilation, the engine's with the start of its process.
    axis : numpy.ndarray
        Position of the points of the main quantity: time [s], or the number of the bit line or terminal. A value
        below the one before it begins the points of another terminal.
    axis_label : str
        Label of the axis.
    versions : mapping of str to str
        Versions of the packages and programs that took part.
    seed : int, optional
        The seed that the subject was drawn with, if any.
    limits : mapping of str to Limit, optional
        The side that limits each quantity, where that was asked for.
    """

    title: str
    quantities: Mapping[str, Quantity]
    engine: str
    our_tolerance: str
    engine_tolerance: str
    our_seconds: float
    engine_seconds: float
    axis: Array
    axis_label: str
    versions: Mapping[str, str]
    seed: int | None = None
    limits: Mapping[str, Limit] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Quantity:
        return self.quantities[choice("quantity", name, self.quantities)]

    @property
    def worst(self) -> float:
        """Largest relative difference of all quantities."""
        return max(q.worst_relative for q in self.quantities.values())

    def assert_within(self, relative: float) -> None:
        """Raise `AssertionError`, with the table, if a relative difference exceeds `relative`."""
        if not self.worst <= number("relative", relative, minimum=0.0):
            raise AssertionError(f"the worst relative difference is {self.worst:.3g}, allowed {relative:g}\n{self}")

    def to_dict(self) -> dict[str, Any]:
        """Return all figures, ready for JSON."""
        return {
            "circuit": self.title,
            "engine": self.engine,
            "our_tolerance": self.our_tolerance,
            "engine_tolerance": self.engine_tolerance,
            "our_seconds": self.our_seconds,
            "engine_seconds": self.engine_seconds,
            "worst": self.worst,
            "versions": dict(self.versions),
            "seed": self.seed,
            "quantities": {name: q.to_dict() for name, q in self.quantities.items()},
            "limits": {name: limit.to_dict() for name, limit in self.limits.items()},
        }

    def to_json(self) -> str:
        """Return all figures as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all figures into a JSON file, whole or not at all, and return its path.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        return write_whole(path, self.to_json() + "\n")

    def __str__(self) -> str:
        head = ("quantity", "points", "absolute", "relative", "to", "worst at", "of the value", "worst at")
        rows = [
            (
                name,
                str(q.ours.size),
                f"{q.worst_absolute:.2e} {q.unit}",
                f"{q.worst_relative:.2e}",
                f"{q.scale_meaning} {q.scale:.4g} {q.unit}",
                q.where,
                f"{q.worst_local:.2e}",
                q.where_local,
            )
            for name, q in self.quantities.items()
        ]
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return "\n".join(
            [
                f"{self.title}: memductance and {self.engine}",
                *columns_of_text([head, *rows]),
                f"memductance: {self.our_tolerance}; {self.our_seconds:.3g} s",
                f"{self.engine}: {self.engine_tolerance}; {self.engine_seconds:.3g} s",
                *(f"limit of {name}: {limit}" for name, limit in self.limits.items()),
                versions + ("" if self.seed is None else f"; seed {self.seed}"),
            ]
        )

    def plot(self, ax: Axes | None = None, *, quantity: str | None = None) -> Axes:
        """Draw both solutions of a quantity above, and their relative difference on a logarithmic axis below.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Axes to draw in: their lower part becomes the axes of the difference. A new figure where not given.
        quantity : str, optional
            Quantity to draw; the main one where not given.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the quantity; those of the difference are the last of its figure.
        """
        from netlists.comparison.plot import plot_agreement

        return plot_agreement(self, next(iter(self.quantities)) if quantity is None else quantity, ax)

    def axis_of(self, quantity: str) -> Array:
        """Return the axis of a quantity: times [s] or vectors at each of its places, or the places' numbers."""
        size = self[quantity].ours.size
        if "[s]" not in self.axis_label and self.axis_label != "vector":
            return np.arange(size, dtype=float)
        falls = np.flatnonzero(np.diff(self.axis) < 0)
        return np.resize(self.axis[: falls[0] + 1] if falls.size else self.axis, size)
