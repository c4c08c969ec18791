"""The results of a sweep in memory, and as a labelled `xarray.Dataset`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from crossbar.sweeps.evaluation import Found, Layout, misfit
from crossbar.sweeps.keys import full_name, held_values, key, label, source_key, unread_arguments
from crossbar.sweeps.point import Dimension, check_name
from crossbar.sweeps.store import STATUS, extra_dimensions
from devices.common.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DONE", "FAILED", "MISSING", "Output", "Results", "dataset_of", "provenance", "stamp_of"]

#: Values of the status.
MISSING, DONE, FAILED = 0, 1, 2
_PROGRAMS = ("memductance", "numpy", "scipy")


@dataclass(frozen=True)
class Output:
    """An output of the evaluated function, for labels.

    Parameters
    ----------
    name : str
        Its name.
    unit : str, optional
        Its unit.
    long_name : str, optional
        Text for labels of plots; the name where not given.
    """

    name: str
    unit: str = ""
    long_name: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        for text in (self.unit, self.long_name):
            if not isinstance(text, str):
                raise InputError(self.name, repr(text), "a text for unit and long_name")

    def attributes(self) -> dict[str, str]:
        """Return the attributes of its variable."""
        return {"units": self.unit, "long_name": self.long_name or self.name.replace("_", " ")}


class Results:
    """Outputs, status and error of all trials, over the dimensions of a sweep.

    Parameters
    ----------
    shape : tuple of int
        Number of values of each dimension, and of trials.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.status = np.zeros(shape, dtype=np.int8)
        self.error = np.full(shape, "", dtype=object)
        self.outputs: dict[str, np.ndarray[Any, Any]] = {}
        self.layout: Layout | None = None

    def set_layout(self, layout: Layout) -> None:
        """Make room for outputs of these shapes."""
        self.layout = layout
        self.outputs = {name: np.full((*self.shape, *shape), np.nan) for name, shape in layout.items()}

    def load(self, stored: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Take the results of a store."""
        for name, values in self.variables().items():
            if name in stored:
                values[:] = stored[name]

    def place(self, index: int) -> tuple[int, ...]:
        """Return the position of a point on the grid."""
        return tuple(int(k) for k in np.unravel_index(index, self.shape[:-1]))

    def take(self, found: Found) -> None:
        """Enter the end of a trial."""
        index, trial = found.trial
        where = (*self.place(index), trial)
        error = found.error
        if found.values is not None:
            error = misfit(found.values, self.layout or {})
            for name, values in self.outputs.items():
                values[where] = np.nan if error else found.values[name]
        self.error[where] = error
        self.status[where] = FAILED if error else DONE

    def rows(self, point: tuple[int, ...]) -> dict[str, np.ndarray[Any, Any]]:
        """Return all trials of a point, by name of the variable."""
        return {name: array[point] for name, array in self.variables().items()}

    def variables(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return all arrays by name, the status last."""
        return {**self.outputs, "error": self.error, "status": self.status}


def dataset_of(
    results: Results,
    coordinates: Mapping[str, tuple[str, np.ndarray[Any, Any], Mapping[str, str]]],
    axes: Sequence[str],
    outputs: Mapping[str, Output],
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    """Return results as a Dataset with coordinates, units and provenance."""
    import xarray as xr

    dims = (*axes, "trial")
    variables: dict[str, Any] = {}
    for name, values in results.outputs.items():
        described = outputs.get(name, Output(name)).attributes()
        variables[name] = ((*dims, *extra_dimensions(name, values.shape[len(dims) :])), values, described)
    variables["status"] = (dims, results.status, STATUS)
    variables["error"] = (dims, results.error.astype(np.str_), {"long_name": "type and message of the error"})
    labelled: dict[str, Any] = {name: (dim, values, dict(a)) for name, (dim, values, a) in coordinates.items()}
    labelled["trial"] = ("trial", np.arange(results.shape[-1]), {"long_name": "trial"})
    return xr.Dataset(variables, labelled, dict(attributes))


def sources_of(evaluate: Any, dimensions: Iterable[Dimension], used: Sequence[Any]) -> list[str]:
    """Return the sources of what was named, of the values of axes, and of what the function holds."""
    from devices.sources import citations

    values = [value for d in dimensions for point in d.points for value in point.values()]
    held = _flat([*values, *held_values(evaluate).values()])
    found = [*used, *(v for v in held if hasattr(v, "cited") and not isinstance(v, type))]
    return [str(c) for c in citations(*found)] if found else []


def _flat(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield value


def stamp_of(evaluate: Any, seed: int, paired: bool, used: Sequence[Any], stamp: str | None) -> dict[str, list[str]]:
    """Return all that results depend on besides points and trials, each as a key and a text."""
    whole: dict[str, Any] = {
        "memductance": version("memductance"),
        "evaluate": full_name(evaluate),
        "seed": seed,
        "paired": paired,
    }
    found = {name: [str(value), str(value)] for name, value in whole.items()}
    if stamp is not None:
        found["stamp"] = [stamp, stamp]
        return found
    found["source of evaluate"] = [source_key(evaluate), f"the source of {full_name(evaluate)}"]
    held = {**held_values(evaluate), **{f"used {k}": v for k, v in enumerate(used)}}
    for name, value in held.items():
        found[f"{name} of evaluate"] = [_key(value), _short(name, value)]
    return found


def _key(value: Any) -> str:
    try:
        return key(value)
    except InputError:  # an open file, a lock: told by its class alone
        return full_name(value)


def _short(name: str, value: Any) -> str:
    try:
        return label(name, value)
    except InputError:
        return full_name(value)


def provenance(
    evaluate: Any, dimensions: Sequence[Dimension], *, seed: int, paired: bool, used: Sequence[Any]
) -> dict[str, Any]:
    """Return the attributes of a Dataset: seed, options, versions, and sources with their DOIs, one on each line."""
    held = {name: _short(name, value) for name, value in held_values(evaluate).items()}
    function = evaluate.func if isinstance(evaluate, partial) else evaluate
    return {
        "seed": seed,
        "pairing": "the same random numbers at every point" if paired else "random numbers of its own at each point",
        "evaluate": full_name(function),
        "options": json.dumps(held),
        "unread": " ".join(unread_arguments(evaluate, [name for d in dimensions for name in d.points[0]])),
        "sources": "\n".join(sources_of(evaluate, dimensions, used)),
        **{f"{name}_version": version(name) for name in _PROGRAMS},
    }
