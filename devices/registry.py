"""The models and parameter sets that are there: ours, and those that other distributions add by entry point."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, overload

from devices.common.errors import InputError
from devices.common.tables import Table
from devices.common.validation import choice
from devices.parameters import ParameterSet

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = ["ENTRY_POINT_GROUP", "SETS_ENTRY_POINT_GROUP", "get_model", "models", "parameter_sets"]

#: A distribution adds models with an entry point of this group that names a module with ``MODELS``.
ENTRY_POINT_GROUP = "memductance.devices"
#: It adds sets to any model with one that names a mapping, or a module with ``PARAMETER_SETS``: model to sets.
SETS_ENTRY_POINT_GROUP = "memductance.parameter_sets"

_YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\)")
_DOI = re.compile(r"\b(10\.\d{4,}/[^\s,;:]*[^\s,;:.)])")


@cache
def models() -> Table[str, DeviceModel]:
    """Return every registered model by name: a mapping that shows itself as a table.

    Returns
    -------
    Table of str to DeviceModel
        Read-only, in order of name; ``to_frame()`` gives a DataFrame.

    Raises
    ------
    InputError
        If two distributions register one name, or an entry point does not give what it should.

    Examples
    --------
    >>> "vteam" in models()
    True
    """
    import devices.library as library

    paths = [f"{library.__name__}.{m.name}" for m in iter_modules(library.__path__)]
    found: dict[str, DeviceModel] = {}
    origins: dict[str, str] = {}
    offers: list[tuple[str, Any]] = [(path, import_module(path)) for path in paths]
    offers += [(_origin(point), _load(point)) for point in entry_points(group=ENTRY_POINT_GROUP)]
    for origin, module in offers:
        for model in _declared(origin, module):
            if model.name in found:
                both = f"{model.name!r} from {origins[model.name]} and from {origin}"
                raise InputError("name", both, "one model for each name", "rename one of them, or uninstall it")
            found[model.name], origins[model.name] = model, origin
    for point in entry_points(group=SETS_ENTRY_POINT_GROUP):
        _add_sets(found, _origin(point), _load(point))
    return Table(
        dict(sorted(found.items())),
        ("name", "title", "states", "sets", "year", "doi"),
        lambda name, model: (
            name,
            model.title,
            ", ".join(s.name for s in model.states),
            ", ".join(s.name for s in model.parameter_sets),
            _first(_YEAR, model.references),
            _first(_DOI, model.references),
        ),
    )


def get_model(name: str) -> DeviceModel:
    """Return the model called `name`, or raise `InputError` with the closest known name."""
    return models()[choice("model", name, models())]


@overload
def parameter_sets(model: str) -> Table[str, ParameterSet]: ...
@overload
def parameter_sets(model: None = None) -> Table[tuple[str, str], ParameterSet]: ...
def parameter_sets(model: str | None = None) -> Table[Any, ParameterSet]:
    """Return parameter sets: a mapping that shows itself as a table.

    Parameters
    ----------
    model : str, optional
        Registry name of a model; all models where not given.

    Returns
    -------
    Table
        The sets of one model by name, the default first, those registered in this session last; or those of all
        models by (model, set).

    Raises
    ------
    InputError
        For an unknown model.

    Examples
    --------
    >>> list(parameter_sets("vteam"))[0]
    'memtorch'
    >>> parameter_sets()["vteam", "magic"].status
    'seen'
    """
    from devices.parameter_files import registered

    def every(declared: DeviceModel) -> tuple[ParameterSet, ...]:
        return (*declared.parameter_sets, *registered(declared))

    if model is not None:
        return Table(
            {s.name: s for s in every(get_model(model))},
            ("set", "status", "source", "note"),
            lambda name, given: (name, given.status, given.source, given.note),
        )
    return Table(
        {(name, s.name): s for name, declared in models().items() for s in every(declared)},
        ("model", "set", "status", "source"),
        lambda key, given: (*key, given.status, given.source),
    )


def _first(pattern: re.Pattern[str], texts: Sequence[str]) -> str:
    return next((m.group(1) for m in map(pattern.search, texts) if m), "")


def _origin(point: EntryPoint) -> str:
    """Who offers an entry point, for messages."""
    name = f"entry point {point.name!r} ({point.value})"
    return f"{name} of {point.dist.name} {point.dist.version}" if point.dist is not None else name


def _load(point: EntryPoint) -> Any:
    try:
        return point.load()
    except InputError:
        raise
    except Exception as error:
        given = f"{type(error).__name__}: {error}"
        raise InputError(_origin(point), given, "an entry point that loads", "mend or uninstall it") from error


def _declared(origin: str, module: Any) -> Sequence[DeviceModel]:
    from devices.model import DeviceModel

    offered = getattr(module, "MODELS", None)
    if not isinstance(offered, Sequence) or not all(isinstance(m, DeviceModel) for m in offered):
        raise InputError(origin, "no tuple of DeviceModel", "a module with MODELS = (DeviceModel(...), ...)")
    return offered


def _add_sets(found: dict[str, DeviceModel], origin: str, offered: Any) -> None:
    """Put the sets of an entry point behind those that the models have."""
    added = offered if isinstance(offered, Mapping) else getattr(offered, "PARAMETER_SETS", None)
    if not isinstance(added, Mapping):
        raise InputError(origin, f"a {type(offered).__name__}", "a mapping, or a module with PARAMETER_SETS")
    for name, sets in added.items():
        model = found[choice(f"{origin}: model", name, found)]
        if not isinstance(sets, Sequence) or not all(isinstance(s, ParameterSet) for s in sets):
            raise InputError(f"{origin}: {name}", f"a {type(sets).__name__}", "a sequence of ParameterSet")
        # The declaration is checked anew with them, names of sets included.
        try:
            found[name] = replace(model, parameter_sets=(*model.parameter_sets, *sets))
        except InputError as error:
            raise InputError(f"{origin}: {error.argument}", error.given, error.allowed, error.fix) from None
