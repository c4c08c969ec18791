"""Objects from the tables of a TOML file: every key checked by its name, every value by its type.

A value is built for the declared type of a field: a number, a truth value, a text among those allowed, a list,
``"none"`` where None is allowed, or a table for an object, whose class is named by ``kind`` where there are several.
Classes are looked up among the public names of the packages; nothing is evaluated or imported by name.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from devices.common.errors import InputError
from devices.common.validation import choice, finite_array, integer, number

__all__ = ["build", "build_object"]


def build_object(kind: type, table: Any, where: str) -> Any:
    """Return an object of a dataclass, with the fields in a table.

    Raises
    ------
    InputError
        If a key is no field, or a value is not of the field's type; names the place in the file.
    """
    if not isinstance(table, Mapping):
        raise InputError(where, repr(table), f"a table with fields of {kind.__name__}")
    known = {f.name: f for f in fields(kind) if f.init}
    hints = get_type_hints(kind)
    given = {}
    for name, value in table.items():
        choice(f"{where}.{name}", name, known)
        given[name] = build(hints[name], value, f"{where}.{name}")
    for name, one in known.items():
        if name not in given and one.default is MISSING and one.default_factory is MISSING:
            raise InputError(where, f"no {name}", f"a value for {name} of {kind.__name__}", f"{name} = ...")
    try:
        return kind(**given)
    except InputError as error:
        raise InputError(f"{where}.{error.argument}", error.given, error.allowed, error.fix) from None


def build(hint: Any, value: Any, where: str) -> Any:
    """Return a value of a TOML file as an object of a declared type, or raise `InputError`."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _build_one_of(inner, value, where)
    if origin is Literal:
        return choice(where, value, inner)
    if hint is type(None):
        if value != "none":
            raise InputError(where, repr(value), '"none"')
        return None
    if hint is bool:
        if not isinstance(value, bool):
            raise InputError(where, repr(value), "true or false")
        return value
    if hint is int:
        return integer(where, value)
    if hint is float:
        return number(where, value)
    if hint is str:
        if not isinstance(value, str):
            raise InputError(where, repr(value), "a text")
        return value
    if origin is np.ndarray:
        if not isinstance(value, list):
            raise InputError(where, repr(value), "a list of numbers")
        return finite_array(where, value)
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        return _build_list(inner, value, where)
    if inspect.isclass(hint):
        return _build_named(hint, value, where)
    raise InputError(where, repr(value), "a field that a file can give")


def _build_one_of(hints: tuple[Any, ...], value: Any, where: str) -> Any:
    """Return a value of one of several types: the one that its class in the file points at."""
    if value == "none" and type(None) in hints:
        return None
    optional = type(None) in hints
    hints = tuple(h for h in hints if h is not type(None))
    listed = isinstance(value, list)
    lists = [h for h in hints if get_origin(h) is not None and get_origin(h) is not Literal]
    objects = [h for h in hints if inspect.isclass(h) and h not in (bool, int, float, str)]
    if isinstance(value, Mapping) or (isinstance(value, str) and objects and str not in hints):
        if len(objects) == 1:
            return build(objects[0], value, where)
        if objects:
            known = {name: c for h in objects for name, c in _classes(h).items()}
            return _build_kind(known, value, where)
    candidates = lists if listed and lists else [h for h in hints if h not in lists and h not in objects]
    errors = []
    for hint in candidates or hints:
        try:
            return build(hint, value, where)
        except InputError as error:
            errors.append(error)
    allowed = " or ".join(dict.fromkeys(error.allowed for error in errors))
    raise InputError(where, errors[0].given, allowed + (', or "none"' if optional else ""))


def _build_list(inner: tuple[Any, ...], value: Any, where: str) -> Any:
    """Return a tuple; the tables of a table, by names of their own, stand for a list of them in this order."""
    if isinstance(value, Mapping) and not any(h in (bool, int, float, str) for h in inner):
        return tuple(build(inner[0], one, f"{where}.{name}") for name, one in value.items())
    if not isinstance(value, list | tuple):
        raise InputError(where, repr(value), "a list")
    hints = [inner[0]] * len(value) if len(inner) < 2 or inner[1] is Ellipsis else list(inner)
    if len(hints) != len(value):
        raise InputError(where, repr(value), f"a list of {len(hints)}")
    return tuple(build(h, v, f"{where}[{k}]") for k, (h, v) in enumerate(zip(hints, value, strict=True)))


def _build_named(hint: type, value: Any, where: str) -> Any:
    """Return an object of a class, or of one that is like it."""
    if is_dataclass(hint) and isinstance(value, Mapping) and "kind" not in value and not inspect.isabstract(hint):
        return build_object(hint, value, where)
    known = _classes(hint)
    return _build_kind(known, value, where, [c for c in known.values() if _offers(c, hint)])


def _build_kind(known: Mapping[str, type], value: Any, where: str, as_they_are: Sequence[type] = ()) -> Any:
    named = value.get("kind") if isinstance(value, Mapping) else value
    if not isinstance(named, str):
        allowed = f"one of {', '.join(sorted(known))}, or a table with it as kind"
        raise InputError(where, repr(value), allowed, f'kind = "{next(iter(sorted(known)), "")}"')
    kind = known[choice(f"{where}.kind" if isinstance(value, Mapping) else where, named, known)]
    table = {k: v for k, v in value.items() if k != "kind"} if isinstance(value, Mapping) else {}
    if kind in as_they_are:
        if table:
            raise InputError(f"{where}.{next(iter(table))}", "a value", f"no further keys for {named}")
        return kind
    return build_object(kind, table, where)


def _classes(hint: type) -> dict[str, type]:
    """Return the public classes that are, or offer what, a declared type is."""
    import crossbar
    import devices

    protocol = _is_protocol(hint)
    members = _members(hint)
    found = {}
    for package in (devices, crossbar):
        for name in package.__all__:
            thing = getattr(package, name)
            if not inspect.isclass(thing) or inspect.isabstract(thing) or _is_protocol(thing):
                continue
            if all(hasattr(thing, n) for n in members) if protocol else issubclass(thing, hint):
                found[name] = thing
    return found


def _members(protocol: type) -> set[str]:
    return {n for n in (*vars(protocol), *getattr(protocol, "__annotations__", {})) if not n.startswith("_")}


def _offers(kind: type, protocol: type) -> bool:
    """Return whether a class itself, not only its objects, has the methods of a protocol."""
    return _is_protocol(protocol) and not any(inspect.isfunction(getattr(kind, n, None)) for n in _members(protocol))


def _is_protocol(kind: Any) -> bool:
    return bool(getattr(kind, "_is_protocol", False))
