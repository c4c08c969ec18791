"""How far our solution of a circuit and a simulator's agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from devices.validation import choice, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Agreement", "Quantity"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantity:
    """One compared quantity.

    Parameters
    ----------
    name : str
        What it is.
    unit : str
        Its unit.
    ours, theirs : numpy.ndarray
        Values of both sides, shape ``(points,)``.
    scale : float
        What differences are relative to, in `unit`.
    scale_meaning : str
        What the scale is.
    places : callable
        Says where point k is.
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
        """Largest difference relative to the scale; 0 where both sides are 0 throughout."""
        if self.scale == 0.0:
            return 0.0 if self.worst_absolute == 0.0 else float("inf")
        return self.worst_absolute / self.scale

    @property
    def where(self) -> str:
        """Place or time of the largest difference."""
        return self.places(int(self.difference.argmax()))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return {
            "unit": self.unit,
            "points": int(self.ours.size),
            "worst_absolute": self.worst_absolute,
            "worst_relative": self.worst_relative,
            "where": self.where,
            "scale": self.scale,
            "relative_to": self.scale_meaning,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Agreement:
    """How far our solution and a simulator's agree; made by `crosscheck`.

    Parameters
    ----------
    title : str
        The circuit.
    quantities : mapping of str to Quantity
        What was compared, the main one first.
    engine : str
        The other side: simulator and version.
    our_tolerance, engine_tolerance : str
        Tolerances of both sides.
    our_seconds, engine_seconds : float
        Time that each side took [s]: ours without compilation, the engine's with all it needs to run.
    axis : numpy.ndarray
        Position of the points of the main quantity: time [s], or the number of the bit line or terminal. Where it
        falls, the points of another terminal begin.
    axis_label : str
        What the axis is.
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
            "quantities": {name: q.to_dict() for name, q in self.quantities.items()},
        }

    def __str__(self) -> str:
        head = ("quantity", "points", "absolute", "relative", "to", "worst at")
        rows = [
            (
                name,
                str(q.ours.size),
                f"{q.worst_absolute:.2e} {q.unit}",
                f"{q.worst_relative:.2e}",
                f"{q.scale_meaning} {q.scale:.4g} {q.unit}",
                q.where,
            )
            for name, q in self.quantities.items()
        ]
        widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
        table = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)]
        return "\n".join(
            [
                f"{self.title}: memductance and {self.engine}",
                *table,
                f"memductance: {self.our_tolerance}; {self.our_seconds:.3g} s",
                f"{self.engine}: {self.engine_tolerance}; {self.engine_seconds:.3g} s",
            ]
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the main quantity of both sides, and on the right axis their relative difference.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure where not given.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the quantity.
        """
        from netlists._plot import plot_agreement

        return plot_agreement(self, ax)
