"""The axes of a sweep: parameters with labelled values, and random designs over several parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from crossbar.sweeps.keys import key, label
from devices.common.errors import InputError
from devices.common.randomness import stream
from devices.common.validation import choice, integer, number

__all__ = ["RESERVED", "Axis", "Design", "Dimension", "log_axis", "point_generator"]

#: Names that a sweep's Dataset uses itself.
RESERVED = ("trial", "rng", "seed", "status", "error")
_MISREAD = ("true", "false", "none", "null", "nan", "inf", "yes", "no", "on", "off")


@dataclass(frozen=True)
class Dimension:
    """One dimension of the grid of points: what an axis or a design stands for.

    Attributes
    ----------
    name : str
        Name of the dimension.
    points : tuple of dict
        The arguments of the evaluated function at each of its positions.
    keys : tuple of str
        Keys of the positions.
    coordinates : dict
        Values or labels along the dimension, with their attributes, by name.
    """

    name: str
    points: tuple[dict[str, Any], ...]
    keys: tuple[str, ...]
    coordinates: dict[str, tuple[np.ndarray[Any, Any], dict[str, str]]]


@dataclass(frozen=True, eq=False)
class Axis:
    """A swept parameter.

    The values are passed to the evaluated function as they are: whole numbers as `int`, other numbers as `float`,
    anything else unchanged. Numbers alone become a coordinate of numbers; with None among them, and for names, tuples
    and objects, the coordinate consists of labels, such as ``"(64, 64)"``.

    Parameters
    ----------
    name : str
        Argument of the evaluated function, and dimension of the result.
    values : sequence
        Its values: numbers, truth values, None, names, tuples, devices, mappings or other objects; each once. Text and
        numbers do not mix, and text that reads like a number or a truth value is refused.
    unit : str, optional
        Unit of numbers, for labels of plots.
    long_name : str, optional
        Text for labels of plots; the name where not given.
    labels : sequence of str, optional
        A label for each value, where values are no numbers.

    Examples
    --------
    >>> from crossbar import Wires
    >>> Axis("adc_bits", (4, 6, None)).dimension().coordinates["adc_bits"][0].tolist()
    ['4', '6', 'None']
    >>> Axis("wires", (Wires(), Wires(word_line=1.0)), labels=("ideal", "1 ohm")).dimension().name
    'wires'
    """

    name: str
    values: Sequence[Any]
    unit: str = ""
    long_name: str = ""
    labels: Sequence[str] | None = None

    def dimension(self) -> Dimension:
        """Return the axis, checked.

        Raises
        ------
        InputError
            If the name is reserved, a value is missing, not finite or there twice, or kinds of values are mixed.
        """
        check_name(self.name)
        if isinstance(self.values, str | bytes | Mapping) or not isinstance(self.values, Sequence | np.ndarray | range):
            fix = f"Axis({self.name!r}, (1, 2))"
            raise InputError(self.name, repr(self.values), "a list or tuple of values", fix)
        for text in (self.unit, self.long_name):
            if not isinstance(text, str):
                raise InputError(self.name, repr(text), "a text for unit and long_name")
        values = _plain(self.name, list(self.values), self.unit)
        keys = tuple(key(v) for v in values)
        attributes = {"units": self.unit, "long_name": self.long_name or self.name}
        coordinate = self._coordinate(values)
        for shown, found in (("values", list(keys)), ("labels", list(coordinate))):
            twice = [k for k, one in enumerate(found) if one in found[:k]]
            if twice:
                allowed = f"different {shown}" + ("" if shown == "values" else ", one for each value")
                raise InputError(self.name, f"{label(self.name, coordinate[twice[0]])} twice", allowed)
        points = tuple({self.name: value} for value in values)
        return Dimension(self.name, points, keys, {self.name: (coordinate, attributes)})

    def _coordinate(self, values: list[Any]) -> np.ndarray[Any, Any]:
        if self.labels is not None:
            labels = list(self.labels)
            if isinstance(self.labels, str) or not all(isinstance(text, str) and text for text in labels):
                raise InputError(self.name, repr(self.labels), "a text as the label of each value")
            if len(labels) != len(values):
                raise InputError(self.name, f"{len(labels)} labels", f"a label for each of {len(values)} values")
            return np.array(labels)
        if all(isinstance(v, int | float) for v in values):  # bool is an int, and never mixed with one
            return np.array(values)
        return np.array([label(self.name, v) for v in values])


def log_axis(name: str, first: float, last: float, count: int, unit: str = "", long_name: str = "") -> Axis:
    """Return an axis with values that grow by a constant factor.

    Parameters
    ----------
    name : str
        Name of the axis.
    first, last : float
        Its ends, > 0, in `unit`.
    count : int
        Number of values.
    unit, long_name : str, optional
        As for `Axis`.

    Raises
    ------
    InputError
        If an end is not above zero.

    Examples
    --------
    >>> log_axis("resistance", 0.1, 100.0, 4, "ohm").values
    (0.1, 1.0, 10.0, 100.0)
    """
    first = number("first", first, unit=unit, minimum=0.0, open_minimum=True)
    last = number("last", last, unit=unit, minimum=0.0, open_minimum=True)
    values = np.geomspace(first, last, integer("count", count, minimum=2))
    return Axis(name, tuple(float(f"{v:.12g}") for v in values), unit, long_name)


@dataclass(frozen=True, eq=False)
class Design:
    """Random points over several parameters at once, as one dimension of a sweep.

    The first points of a Sobol or Halton sequence are those of a longer one, so that a design with more points
    extends a store; a Latin hypercube of another size is another design.

    Parameters
    ----------
    limits : mapping of str to (float, float)
        Lowest and highest value of each parameter.
    count : int
        Number of points.
    method : {"sobol", "halton", "latin hypercube"}, optional
        Sampler of `scipy.stats.qmc`; scrambled.
    seed : int, optional
        Seed of the sampler.
    log : sequence of str, optional
        Parameters that are spread evenly over their logarithm; their limits are above zero.
    units : mapping of str to str, optional
        Units of parameters.
    name : str, optional
        Name of the dimension.

    Examples
    --------
    >>> design = Design({"sigma": (0.0, 0.4), "resistance": (0.1, 100.0)}, 8, log=("resistance",))
    >>> len(design.dimension().points)
    8
    """

    limits: Mapping[str, tuple[float, float]]
    count: int
    method: Literal["sobol", "halton", "latin hypercube"] = "sobol"
    seed: int = 0
    log: Sequence[str] = ()
    units: Mapping[str, str] | None = None
    name: str = "sample"

    def dimension(self) -> Dimension:
        """Return the points of the design, checked.

        Raises
        ------
        InputError
            If a name is reserved, or limits do not grow or are not above zero for a logarithm.
        """
        from scipy.stats import qmc

        if not isinstance(self.limits, Mapping) or not self.limits:
            raise InputError("limits", repr(self.limits), "a mapping of parameters to (lowest, highest)")
        for name in (self.name, *self.limits):
            check_name(name)
        count = integer("count", self.count, minimum=1)
        choice("method", self.method, ("sobol", "halton", "latin hypercube"))
        ends = []
        for name, pair in self.limits.items():
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise InputError(name, repr(pair), "the lowest and the highest value", f"{{{name!r}: (0.0, 1.0)}}")
            low = number(name, pair[0], minimum=0.0 if name in self.log else None, open_minimum=True)
            ends.append((low, number(name, pair[1], minimum=low, open_minimum=True)))
        for name in self.log:
            choice("log", name, self.limits)
        rng = stream(integer("seed", self.seed, minimum=0), "design")
        size = len(ends)
        if self.method == "sobol":
            unit = qmc.Sobol(size, seed=rng).random_base2(max(0, count - 1).bit_length())[:count]
        elif self.method == "halton":
            unit = qmc.Halton(size, seed=rng).random(count)
        else:
            unit = qmc.LatinHypercube(size, seed=rng).random(count)
        coordinates = {}
        columns = {}
        for (name, (low, high)), u in zip(zip(self.limits, ends, strict=True), unit.T, strict=True):
            column = low * (high / low) ** u if name in self.log else low + (high - low) * u
            attributes = {"units": (self.units or {}).get(name, ""), "long_name": name}
            columns[name] = column.tolist()
            coordinates[name] = (np.array(columns[name]), attributes)
        coordinates[self.name] = (np.arange(count), {"units": "", "long_name": f"{self.method} sample"})
        points = tuple(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
        return Dimension(self.name, points, tuple(key(point) for point in points), coordinates)


def point_generator(seed: int, trial: int, point: Mapping[str, str] | None = None) -> np.random.Generator:
    """Return the generator of one trial.

    Parameters
    ----------
    seed : int
        Seed of the sweep.
    trial : int
        Number of the trial.
    point : mapping of str to str, optional
        Keys of the point's values by parameter, where each point has random numbers of its own; without it, a trial
        has the same random numbers at every point.
    """
    words = (word for name in sorted(point or {}) for word in (name, int(point[name], 16)))  # type: ignore[index]
    return stream(seed, "trial", trial, *words)


def check_name(name: object) -> str:
    """Return the name of a dimension, a parameter or an output, or raise `InputError`."""
    if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
        raise InputError("name", repr(name), "a name of letters, digits and underscores", "segment")
    if name in RESERVED:
        fix = f"{name}_1"
        raise InputError("name", repr(name), f"a name that is none of {', '.join(RESERVED)}", fix)
    return name


def _plain(name: str, values: list[Any], unit: str) -> list[Any]:
    """Return values as plain Python objects of one kind, None aside."""
    values = [
        v.item() if isinstance(v, np.generic) or (isinstance(v, np.ndarray) and not v.ndim) else v for v in values
    ]
    if not values:
        raise InputError(name, "no values", "one or more values")
    kinds: dict[str, Any] = {}
    for value in values:
        kinds.setdefault(_kind(value), value)
    kinds.pop("None", None)
    if {"numbers", "truth values", "names"} & set(kinds) and len(kinds) > 1:
        first, second, *_ = kinds.items()
        given = f"{second[1]!r} among {first[0]}"
        raise InputError(name, given, "values of one kind, with or without None")
    if unit and set(kinds) - {"numbers"}:
        allowed = f"numbers [{unit}], with or without None"
        raise InputError(name, repr(next(v for k, v in kinds.items() if k != "numbers")), allowed)
    if "numbers" in kinds:
        for value in values:
            if value is not None:
                number(name, value, unit=unit)
        if any(isinstance(v, float) for v in values):
            values = [v if v is None else float(v) for v in values]
    for value in values:
        if isinstance(value, str) and (value.lower() in _MISREAD or _reads_as_number(value) or not value.strip()):
            fix = "the value itself, without quotes; or labels=(...)"
            raise InputError(name, repr(value), "names; a text is not read as a number, a truth value or None", fix)
    return values


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, bool):
        return "truth values"
    if isinstance(value, int | float):
        return "numbers"
    return "names" if isinstance(value, str) else "objects"


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
