"""The free parameters of a fit: names, bounds, and the scale on which they are searched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, number
from devices.parameters import Parameter, State

__all__ = ["BOUND_TOL", "Bounds", "SearchSpace", "at_bound", "free_parameters"]

#: Coordinates of the unit cube within this distance of 0 or 1 are at a bound of the search.
BOUND_TOL = 1e-6

Bounds = Mapping[str, tuple[float, float] | None]
#: Ratio of the default bounds to the starting value.
DECADE = 10.0


@dataclass(frozen=True, eq=False)
class SearchSpace:
    """Free parameters scaled to the unit cube: logarithmic where both bounds have the same sign, else linear.

    Parameters
    ----------
    names : tuple of str
        Names of parameters, and of states for their starts.
    lower, upper : numpy.ndarray
        Bounds in SI units.
    """

    names: tuple[str, ...]
    lower: Array
    upper: Array

    @property
    def logarithmic(self) -> NDArray[np.bool_]:
        """Whether each parameter is searched on a logarithmic scale."""
        return self.lower * self.upper > 0

    def _scaled(self, value: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.logarithmic, np.sign(self.lower) * np.log(np.abs(value)), value)

    def unit(self, values: Mapping[str, float]) -> Array:
        """Return the coordinates of `values` in the unit cube; outside 0 to 1 for values outside the bounds."""
        low, high = self._scaled(self.lower), self._scaled(self.upper)
        return (self._scaled(np.array([values[n] for n in self.names])) - low) / (high - low)

    def values(self, unit: Array) -> Array:
        """Return the values at `unit`, whose last axis is the parameters, of the same shape; clipped to the bounds."""
        low, high = self._scaled(self.lower), self._scaled(self.upper)
        scaled = low + np.clip(unit, 0.0, 1.0) * (high - low)
        sign = np.sign(self.lower)
        values = np.where(self.logarithmic, sign * np.exp(np.where(self.logarithmic, sign * scaled, 0.0)), scaled)
        return np.clip(values, self.lower, self.upper)


def at_bound(unit: Array) -> NDArray[np.bool_]:
    """Return whether each coordinate of the unit cube is at a bound of the search."""
    return (unit < BOUND_TOL) | (unit > 1 - BOUND_TOL)


def free_parameters(
    asked: Iterable[str] | Bounds,
    parameters: Sequence[Parameter],
    states: Sequence[State],
    start: Mapping[str, float],
    fixed: Iterable[str],
    default_bounds: Bounds | None = None,
) -> SearchSpace:
    """Return the free parameters and their bounds, checked, as a search space.

    Parameters
    ----------
    asked : iterable of str or mapping of str to (float, float)
        Names, or names with bounds; without bounds, a decade either side of the start.
    parameters : sequence of Parameter
        Parameters of the model.
    states : sequence of State
        States of the model, whose starts may be free too.
    start : mapping of str to float
        Value of every parameter and start of every state.
    fixed : iterable of str
        Names of what is held fixed.
    default_bounds : mapping of str to (float, float), optional
        Bounds instead of that decade.

    Returns
    -------
    SearchSpace
        Names and bounds.

    Raises
    ------
    InputError
        For an unknown or repeated name, one that is also fixed, or bounds that are not two rising finite numbers within
        the model's own.
    """
    given: Bounds = asked if isinstance(asked, Mapping) else dict.fromkeys(_names(asked))
    if not given:
        raise InputError("parameters", "none", "at least one name", f"parameters=[{parameters[0].name!r}]")
    fixed_names = set(fixed)
    known: dict[str, Parameter | State] = {p.name: p for p in parameters}
    known |= {s.name: s for s in states}
    pairs = []
    for name, bounds in given.items():
        choice("parameters", name, known)
        if name in fixed_names:
            raise InputError("fixed", f"{name!r}, which is also free", "a name in one of them", f"drop {name}")
        declared = known[name]
        limits = declared.limits(start) if isinstance(declared, State) else (declared.lower, declared.upper)
        bounds = (default_bounds or {}).get(name) if bounds is None else bounds
        pair = _default(declared, start[name], limits) if bounds is None else _pair(name, bounds)
        for value in pair:
            if isinstance(declared, Parameter):
                declared.check(value)
            else:
                number(name, value, unit=declared.unit, minimum=limits[0], maximum=limits[1])
        if not pair[0] < pair[1]:
            raise InputError(f"parameters[{name!r}]", f"bounds {pair[0]:g}, {pair[1]:g}", "lower < upper")
        pairs.append(pair)
    lower, upper = np.array(pairs, dtype=float).T
    return SearchSpace(tuple(given), lower, upper)


def _names(asked: Iterable[str]) -> list[str]:
    names = [asked] if isinstance(asked, str) else list(asked)
    for name in names:
        if names.count(name) > 1:
            raise InputError("parameters", f"{name!r} twice", "each name once")
    return names


def _pair(name: str, bounds: object) -> tuple[float, float]:
    if not isinstance(bounds, Sequence | np.ndarray) or isinstance(bounds, str) or len(bounds) != 2:
        raise InputError(f"parameters[{name!r}]", repr(bounds), "(lower, upper), or None for the usual bounds")
    return number(name, bounds[0]), number(name, bounds[1])


def _default(declared: Parameter | State, value: float, limits: tuple[float, float]) -> tuple[float, float]:
    lower, upper = limits
    if isinstance(declared, Parameter) and value != 0.0:
        ends = sorted((value / DECADE, value * DECADE))
        return max(ends[0], lower), min(ends[1], upper)
    if math.isfinite(lower) and math.isfinite(upper):
        return lower, upper
    raise InputError(
        f"parameters[{declared.name!r}]", "no bounds, with a start at 0", "bounds for it",
        f'parameters={{"{declared.name}": (lower, upper)}}',
    )  # fmt: skip
