"""The models that are there: ours, and those that other distributions add by entry point."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING

from devices.errors import InputError
from devices.validation import choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.model import DeviceModel
    from devices.parameters import ParameterSet

__all__ = ["ENTRY_POINT_GROUP", "get_model", "models", "parameter_sets"]

#: A distribution adds models with an entry point of this group that names a module with ``MODELS``.
ENTRY_POINT_GROUP = "memductance.devices"


@cache
def models() -> Mapping[str, DeviceModel]:
    """Return every registered model by name.

    Returns
    -------
    mapping of str to DeviceModel
        Read-only, in order of name.

    Raises
    ------
    InputError
        If two distributions register one name.
    """
    import devices.library as library

    modules = [import_module(f"{library.__name__}.{m.name}") for m in iter_modules(library.__path__)]
    modules += [point.load() for point in entry_points(group=ENTRY_POINT_GROUP)]
    found: dict[str, DeviceModel] = {}
    for module in modules:
        for model in module.MODELS:
            if model.name in found:
                raise InputError("name", f"{model.name!r} twice", "one model for each name", "rename one of them")
            found[model.name] = model
    return MappingProxyType(dict(sorted(found.items())))


def get_model(name: str) -> DeviceModel:
    """Return the model called `name`, or raise `InputError` with the closest known name."""
    return models()[choice("model", name, models())]


def parameter_sets(model: str) -> Mapping[str, ParameterSet]:
    """Return the parameter sets of a model by name, the default first, those registered in this session last."""
    from devices.exchange import registered

    declared = get_model(model)
    return MappingProxyType({s.name: s for s in (*declared.parameter_sets, *registered(declared))})
