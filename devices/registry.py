"""Available models and parameter sets: ours, those of other distributions, and those of this session.

A model of ours is searched for by its name, first in the files of `devices.library` that contain it, so that as a rule
one model imports one file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from threading import RLock
from typing import TYPE_CHECKING, Any, overload

from devices.common.errors import InputError
from devices.common.tables import Table
from devices.common.validation import choice
from devices.parameters import ParameterSet

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = [
    "ENTRY_POINT_GROUP",
    "SETS_ENTRY_POINT_GROUP",
    "chosen_set",
    "forget",
    "get_model",
    "models",
    "parameter_sets",
    "register",
]

#: A distribution adds models with an entry point of this group that names a module with ``MODELS``.
ENTRY_POINT_GROUP = "memductance.devices"
#: It adds sets to any model with one that names a mapping of model names to sets, or a module with ``PARAMETER_SETS``.
SETS_ENTRY_POINT_GROUP = "memductance.parameter_sets"

_LIBRARY = "devices.library"
_SESSION = "this session"
_YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\)")
_DOI = re.compile(r"\b(10\.\d{4,}/[^\s,;:]*[^\s,;:.)])")


class _Registry:
    """The models that have been loaded so far, by name, and the files and entry points that may hold others."""

    def __init__(self) -> None:
        self._lock = RLock()
        self.forget()

    def forget(self) -> None:
        """Remove all models, and the sets that were registered with them, as in a new process."""
        with self._lock:
            for model in getattr(self, "models", {}).values():
                model.registered_sets.clear()
            self.models: dict[str, DeviceModel] = {}
            self._origins: dict[str, str] = {}
            self._unread: list[str] | None = None
            self._searched: set[str] = set()  # names whose likely files are loaded
            self._offers: list[tuple[str, str, Sequence[ParameterSet]]] | None = None

    @property
    def _files(self) -> list[str]:
        """Files of the library that have not been loaded."""
        if self._unread is None:
            names = (f.name for f in files(_LIBRARY).iterdir())
            self._unread = sorted(n.removesuffix(".py") for n in names if n.endswith(".py") and n != "__init__.py")
        return self._unread

    def get(self, name: str) -> DeviceModel:
        """Return the model of a name; files are loaded until it is found.

        The files that are likely to declare it are loaded even if another distribution has a model of that name, so
        that the clash is seen.
        """
        with self._lock:
            self._load_foreign()
            if name not in self._searched:
                for file in [f for f in self._files if _is_likely(f, name)]:
                    self._load_file(file)
                self._searched.add(name)
            while name not in self.models and self._files:
                self._load_file(self._files[0])
            return self.models[choice("model", name, self.models)]

    def all(self) -> dict[str, DeviceModel]:
        """Return every model, in order of name."""
        with self._lock:
            offers = self._load_foreign()
            while self._files:
                self._load_file(self._files[0])
            for origin, name, _ in offers:
                choice(f"{origin}: model", name, self.models)
            return dict(sorted(self.models.items()))

    def add(self, model: DeviceModel, origin: str) -> None:
        """Add a model, with the sets that other distributions offer for it."""
        if model.name in self.models:
            first, second = sorted((self._origins[model.name], origin), key=lambda o: not o.startswith(_LIBRARY))
            both = f"{model.name!r} from {first} and from {second}"
            raise InputError("name", both, "one model for each name", "rename one of them, or uninstall it")
        for offered_by, name, sets in self._offers or ():
            if name == model.name:
                try:  # the declaration is checked again with them, including the names of sets
                    model = model.with_sets(sets)
                except InputError as error:
                    label = f"{offered_by}: {error.argument}"
                    raise InputError(label, error.given, error.allowed, error.fix) from None
        self.models[model.name], self._origins[model.name] = model, origin

    def add_to_session(self, model: DeviceModel, replace: bool) -> None:
        """Add a model of this session, or replace one that was registered before."""
        with self._lock:
            self.all()  # so that all names in use are known
            taken = self._origins.get(model.name)
            if taken is not None and not (replace and taken == _SESSION):
                fix = "replace=True" if taken == _SESSION else "another name"
                raise InputError("model", f"the name {model.name!r}, taken by one from {taken}", "a new name", fix)
            self.models.pop(model.name, None)
            self.add(model, _SESSION)

    def _load_file(self, file: str) -> None:
        origin = f"{_LIBRARY}.{file}"
        self._add_all([(model, origin) for model in _declared(origin, import_module(origin))])
        self._files.remove(file)

    def _add_all(self, offered: Sequence[tuple[DeviceModel, str]]) -> None:
        """Add models, or none of them if one is refused: the next call refuses it again."""
        before = dict(self.models), dict(self._origins)
        try:
            for model, origin in offered:
                self.add(model, origin)
        except InputError:
            self.models, self._origins = before
            raise

    def _load_foreign(self) -> list[tuple[str, str, Sequence[ParameterSet]]]:
        """Load the entry points of other distributions, once; return the sets offered, each with origin and model."""
        if self._offers is None:
            offers = [offer for point in entry_points(group=SETS_ENTRY_POINT_GROUP) for offer in _offered_sets(point)]
            models = [
                (model, _origin(point))
                for point in entry_points(group=ENTRY_POINT_GROUP)
                for model in _declared(_origin(point), _load(point))
            ]
            self._offers = offers
            try:
                self._add_all(models)
            except InputError:
                self._offers = None
                raise
        return self._offers


_registry = _Registry()


def forget() -> None:
    """Forget all models that have been loaded, and the models and sets that were registered in this session."""
    _registry.forget()


def get_model(model: str | DeviceModel) -> DeviceModel:
    """Return the model of a name, or the one given.

    Parameters
    ----------
    model : str or DeviceModel
        Registry name, as listed by ``devices.models()``; or a model, which need not be registered.

    Raises
    ------
    InputError
        For an unknown name; the closest known one is offered.
    """
    if isinstance(model, str):
        return _registry.get(model)
    from devices.model import DeviceModel

    if isinstance(model, DeviceModel):
        return model
    raise InputError("model", repr(model), "a DeviceModel, or the name of one", "device('vteam')")


def models() -> Table[str, DeviceModel]:
    """Return every registered model by name: a mapping that prints as a table.

    Returns
    -------
    Table of str to DeviceModel
        Read-only, in order of name; ``to_frame()`` gives a DataFrame.

    Raises
    ------
    InputError
        If two distributions register one name, or an entry point does not load or does not name models or sets.

    Examples
    --------
    >>> "vteam" in models()
    True
    """
    return Table(
        _registry.all(),
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


@overload
def parameter_sets(model: str | DeviceModel) -> Table[str, ParameterSet]: ...
@overload
def parameter_sets(model: None = None) -> Table[tuple[str, str], ParameterSet]: ...
def parameter_sets(model: str | DeviceModel | None = None) -> Table[Any, ParameterSet]:
    """Return parameter sets: a mapping that prints as a table.

    Parameters
    ----------
    model : str or DeviceModel, optional
        A model, or its registry name; all registered models where not given.

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
    if model is not None:
        return Table(
            {s.name: s for s in get_model(model).all_sets},
            ("set", "status", "source", "note"),
            lambda name, given: (name, given.status, given.source, given.note),
        )
    return Table(
        {(name, s.name): s for name, declared in models().items() for s in declared.all_sets},
        ("model", "set", "status", "source"),
        lambda key, given: (*key, given.status, given.source),
    )


def register(set: ParameterSet | DeviceModel, model: str | DeviceModel | None = None, *, replace: bool = False) -> None:
    """Add a set to a model, or a model, for this session.

    Parameters
    ----------
    set : ParameterSet or DeviceModel
        A set, such as one that `load_set` read or ``Fit.to_set`` made, which ``device(model, set.name)`` then finds; or
        a model, which ``device(name)`` and ``models()`` then find by its name.
    model : str or DeviceModel, optional
        Model that the set belongs to; not given when a model is registered.
    replace : bool, optional
        Replace a set or model of the same name that was registered before.

    Raises
    ------
    InputError
        If the set does not fit the model, or the name is taken; only sets and models that were registered in this
        session can be replaced.
    """
    from devices.model import DeviceModel

    if isinstance(set, DeviceModel):
        if model is not None:
            raise InputError("model", repr(model), "None when a model is registered", "register(model)")
        _registry.add_to_session(set, replace)
        return
    if not isinstance(set, ParameterSet):
        raise InputError("set", type(set).__name__, "a ParameterSet, or a DeviceModel", "fit(...).to_set(name)")
    if model is None:
        raise InputError("model", "none", "the model whose set it is", "register(set, 'vteam')")
    declared = get_model(model)
    declared.check_set(set)
    own = {s.name for s in declared.parameter_sets}
    if set.name in own or (set.name in declared.registered_sets and not replace):
        fix = "another name" if set.name in own else "replace=True"
        raise InputError("set", f"the name {set.name!r}, which is taken", "a new name", fix)
    declared.registered_sets[set.name] = set


def chosen_set(model: DeviceModel, set: str | ParameterSet | None) -> ParameterSet:
    """Return the set of that name, the default one, or the one given, which must fit the model."""
    return model.parameter_set(set) if set is None or isinstance(set, str) else model.check_set(set)


def _is_likely(file: str, name: str) -> bool:
    """Return whether a file of the library contains the name of a model, or may compose names that begin as it does."""
    return name.startswith(file) or f'"{name}"' in files(_LIBRARY).joinpath(f"{file}.py").read_text(encoding="utf-8")


def _first(pattern: re.Pattern[str], texts: Sequence[str]) -> str:
    return next((m.group(1) for m in map(pattern.search, texts) if m), "")


def _origin(point: EntryPoint) -> str:
    """Return the name of an entry point and of its distribution, for messages."""
    name = f"entry point {point.name!r} ({point.value})"
    return f"{name} of {point.dist.name} {point.dist.version}" if point.dist is not None else name


def _load(point: EntryPoint) -> Any:
    try:
        return point.load()
    except InputError:
        raise
    except Exception as error:
        given = f"{type(error).__name__}: {error}"
        raise InputError(_origin(point), given, "an entry point that loads", "repair or uninstall it") from error


def _declared(origin: str, module: Any) -> Sequence[DeviceModel]:
    from devices.model import DeviceModel

    offered = getattr(module, "MODELS", None)
    if not isinstance(offered, Sequence) or not all(isinstance(m, DeviceModel) for m in offered):
        raise InputError(origin, "no tuple of DeviceModel", "a module with MODELS = (DeviceModel(...), ...)")
    return offered


def _offered_sets(point: EntryPoint) -> Iterator[tuple[str, str, Sequence[ParameterSet]]]:
    """Yield the sets that an entry point offers: its origin, the name of the model, and the sets."""
    origin, offered = _origin(point), _load(point)
    added = offered if isinstance(offered, Mapping) else getattr(offered, "PARAMETER_SETS", None)
    if not isinstance(added, Mapping):
        raise InputError(origin, f"a {type(offered).__name__}", "a mapping, or a module with PARAMETER_SETS")
    for name, sets in added.items():
        if not isinstance(sets, Sequence) or not all(isinstance(s, ParameterSet) for s in sets):
            raise InputError(f"{origin}: {name}", f"a {type(sets).__name__}", "a sequence of ParameterSet")
        yield origin, name, sets
