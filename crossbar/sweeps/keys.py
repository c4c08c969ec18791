"""Labels, which a person reads, and keys, which tell values apart and stay the same from run to run."""

from __future__ import annotations

import ast
import dis
import hashlib
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from devices.common.errors import InputError

__all__ = ["full_name", "held_values", "key", "label", "source_key", "unread_arguments"]

_LONGEST_LABEL = 80


def full_name(thing: Any) -> str:
    """Return the module and the name of a function, a class, or an object's class.

    The main program has the name of its file, as where it is imported.
    """
    while isinstance(thing, partial):
        thing = thing.func
    named = thing if inspect.isroutine(thing) or isinstance(thing, type) else type(thing)
    module = named.__module__
    if module == "__main__":
        main = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)  # of a module that was run with python -m
        module = spec.name if spec is not None else Path(getattr(main, "__file__", None) or module).stem
    return f"{module}.{named.__qualname__}"


def key(value: Any) -> str:
    """Return a text of 32 digits that is equal for equal values, and for them alone.

    Numbers of the same value have the same key; a dataclass is told by its fields, an array by its type, shape and
    bytes, a class by its name, a function by its
    name and source, and any other object by what `pickle` would write of it.

    Raises
    ------
    InputError
        If the value cannot be told from others.
    """
    return hashlib.sha256(json.dumps(_token(value)).encode()).hexdigest()[:32]


def _token(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | np.bool_):
        return [type(value).__name__.rstrip("_"), str(value)]
    if isinstance(value, Real | np.number) and not isinstance(value, np.complexfloating):
        long = isinstance(value, Integral) and int(value) != float(value)  # a whole number that no float can hold
        return ["number", str(value) if long else float(value).hex()]
    if isinstance(value, np.ndarray) and value.dtype != object:
        return ["array", value.dtype.str, value.shape, hashlib.sha256(value.tobytes()).hexdigest()]
    if isinstance(value, list | tuple):
        return ["sequence", [_token(v) for v in value]]
    if isinstance(value, Mapping):
        return ["mapping", sorted([json.dumps(_token(k)), _token(v)] for k, v in value.items())]
    if isinstance(value, type) or inspect.isroutine(value):
        return ["name", full_name(value), "" if isinstance(value, type) else source_key(value)]
    if is_dataclass(value):
        return [full_name(value), {f.name: _token(getattr(value, f.name)) for f in fields(value) if f.init}]
    if type(value).__module__.startswith("sympy."):
        return ["sympy", str(value)]
    from joblib import hash as hash_object

    try:
        return [full_name(value), hash_object(value)]
    except Exception as error:
        raise InputError("values", f"{full_name(value)} ({error})", "values that can be pickled") from None


def label(name: str, value: Any) -> str:
    """Return a short readable text for a value of the axis `name`.

    Raises
    ------
    InputError
        If the value has no readable text of its own.
    """
    text = _text(value)
    if len(text) > _LONGEST_LABEL or re.search(r" at 0x[0-9a-f]+", text):
        allowed = f"values with a text of at most {_LONGEST_LABEL} characters, or labels"
        raise InputError(name, f"{text[:40]!r}...", allowed, f"Axis({name!r}, values, labels=('first', 'second'))")
    return text


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float | np.floating):
        return f"{float(value):.12g}"
    if isinstance(value, np.generic):
        return str(value.item())
    if isinstance(value, type) or inspect.isroutine(value):
        return str(value.__name__)
    if isinstance(value, list | tuple):
        inside = ", ".join(map(_text, value))
        return f"({inside})" if value else "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={_text(v)}" for k, v in value.items())
    if is_dataclass(value) and hasattr(type(value).__repr__, "__wrapped__"):  # the repr that `dataclass` wrote
        return _fields_text(value)
    return " ".join(repr(value).split())


def _fields_text(value: Any) -> str:
    """Return a dataclass as text, with those of its fields that are not at their defaults."""
    shown = []
    for f in fields(value):
        given = getattr(value, f.name)
        usual = f.default if f.default_factory is MISSING else f.default_factory()
        if f.repr and (usual is MISSING or key(given) != key(usual)):
            shown.append(f"{f.name}={_text(given)}")
    return f"{type(value).__name__}({', '.join(shown)})"


def source_key(function: Any) -> str:
    """Return a key of a function's source without comments and layout; empty where the source is not known."""
    while isinstance(function, partial):
        function = function.func
    if not inspect.isroutine(function) and not isinstance(function, type):
        function = type(function)
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return ""
    try:
        text = ast.unparse(ast.parse(text))
    except SyntaxError:  # a lambda within a larger expression
        text = " ".join(text.split())
    if getattr(function, "__name__", "") == "<lambda>":  # there may be two on a line
        code = function.__code__
        text += code.co_code.hex() + repr((code.co_names, [c for c in code.co_consts if not inspect.iscode(c)]))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def unread_arguments(function: Any, names: Sequence[str]) -> list[str]:
    """Return those arguments of a Python function that its code never reads."""
    while isinstance(function, partial):
        function = function.func
    if not inspect.isroutine(function):
        function = getattr(type(function), "__call__", None)  # noqa: B004
    code = getattr(function, "__code__", None)
    if code is None:
        return []
    read: set[Any] = set()
    for instruction in dis.get_instructions(code):
        if not instruction.opname.startswith(("STORE_FAST", "DELETE_FAST")):
            read |= set(instruction.argval) if isinstance(instruction.argval, tuple) else {str(instruction.argval)}
    named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return [name for name in names if name in named and name not in read and name not in code.co_cellvars]


def held_values(function: Any) -> dict[str, Any]:
    """Return the values that a function holds: arguments of a partial, variables of a closure, fields of an object."""
    if isinstance(function, partial):
        positional = {f"argument {k}": v for k, v in enumerate(function.args)}
        return {**held_values(function.func), **positional, **function.keywords}
    if is_dataclass(function) and not isinstance(function, type):
        return {f.name: getattr(function, f.name) for f in fields(function) if f.init}
    if inspect.ismethod(function):
        return {"self": function.__self__}
    if inspect.isfunction(function):
        names, cells = function.__code__.co_freevars, function.__closure__ or ()
        return {name: cell.cell_contents for name, cell in zip(names, cells, strict=True) if _is_filled(cell)}
    return dict(vars(function)) if hasattr(function, "__dict__") and not inspect.isroutine(function) else {}


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True
