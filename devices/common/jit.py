"""Compilation of all packages: numba's machine code, cached on disk under a key of everything that it was made from.

numba's own cache looks at the time and size of one source file, and misses a change in a file that a kernel calls. The
key here is the code of the function as Python read it, that of every function that it calls, however far, the values of
all constants that they take from their modules, and the versions of Python, numba and the processor. An edit therefore
never meets old machine code, and two checkouts may share one folder. Each signature is a file of its own with a
digest, so that processes that compile at once, or a file cut short, do no harm.
"""

from __future__ import annotations

import builtins
import dis
import hashlib
import pickle
import secrets
import sys
from collections.abc import Callable, Iterator
from enum import EnumType
from functools import cache
from types import BuiltinFunctionType, CodeType, EllipsisType, FunctionType, ModuleType
from typing import Any

import llvmlite
import numba
import numpy as np
from numba import types
from numba.core import config
from numba.core.caching import _Cache
from numba.core.ccallback import CFunc
from numba.core.compiler import CompileResult
from numba.core.dispatcher import Dispatcher
from numba.core.typing import Signature
from numba.extending import overload as _numba_overload

from devices.common.cache import cache_folder, read_cached, write_cached

__all__ = ["callback", "fingerprint", "jit", "overload"]

_VERSIONS = (sys.implementation.cache_tag, sys.version_info[:3], numba.__version__, llvmlite.__version__)
_CALLBACK: Any = CFunc
#: Implementations of each stub that kernels call; filled by `overload`.
_implementations: dict[FunctionType, list[FunctionType]] = {}
#: Libraries whose modules are covered by a version.
_LIBRARIES = {*sys.stdlib_module_names, "llvmlite", "numba", "numpy", "scipy"}
#: Attributes by which types of numba hold others.
_INNER = ("dtype", "item_type", "key_type", "value_type", "type")
#: The first digest of each function in this process: code that is already compiled may depend on it.
_first: dict[FunctionType, str] = {}


def jit(function: Any = None, *, contract: bool = False, inline: bool = False) -> Any:
    """Compile a function without the interpreter's lock; a division by zero gives inf or nan, as in numpy.

    Parameters
    ----------
    function : callable
        What to compile, for the types of its arguments when it is first called with them.
    contract : bool, optional
        Let products and sums fuse into one operation with one rounding.
    inline : bool, optional
        Compile into each caller. The function must allocate nothing and keep no arrays: it is compiled without
        reference counts, since counting some thirty arrays at each call would take longer than a step of a cell.

    Returns
    -------
    callable
        The compiled function.
    """
    if function is None:
        return lambda wanted: jit(wanted, contract=contract, inline=inline)
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if contract:
        options["fastmath"] = {"contract"}
    if inline:
        options |= {"_nrt": False, "forceinline": True}
    made: Any = numba.njit(**options)(function)
    if made is not function:  # as it is where NUMBA_DISABLE_JIT is set
        made._cache = _MachineCode(function, options)
    return made


def callback(signature: Signature) -> Callable[[Any], Any]:
    """Compile a function to a C function pointer of this signature, at once."""

    def compiled(function: Any) -> Any:
        options = {"error_model": "numpy"}
        made: Any = CFunc(function, (signature.args, signature.return_type), locals={}, options=options)
        made._cache = _MachineCode(function, options)
        made.compile()
        return made

    return compiled


def overload(stub: Any) -> Callable[[Any], Any]:
    """Give a stub that kernels call an implementation for each type of its arguments, see `numba.extending`."""

    def registered(implementation: Any) -> Any:
        _implementations.setdefault(stub, []).append(implementation)
        return _numba_overload(stub)(implementation)

    return registered


class _MachineCode(_Cache):
    """Machine code of one function on disk, as numba asks a cache for it."""

    def __init__(self, function: FunctionType, options: dict[str, Any]) -> None:
        self._function = function
        self._options = options
        self._enabled = True

    @property
    def cache_path(self) -> str:
        return str(cache_folder())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        key = self._key(sig, target_context.codegen())
        content = None if key is None else read_cached(*key)
        try:
            return None if content is None else CompileResult._rebuild(target_context, *pickle.loads(content))
        except (AttributeError, ImportError):  # it refers to a name that this process lacks: compile again
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        key = self._key(sig, data.codegen)
        if key is not None and not data.lifted and not data.library.has_dynamic_globals:
            write_cached(*key, pickle.dumps(data._reduce(), protocol=5))

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Do nothing: entries under other keys are never read."""

    def _key(self, sig: Any, codegen: Any) -> tuple[str, str] | None:
        """Return the name and key of the file for a signature; None where no file may be read or written."""
        called = fingerprint(self._function)
        if not self._enabled or called is None:
            return None
        settings = (config.OPT, config.BOUNDSCHECK, config.LOOP_VECTORIZE, config.SLP_VECTORIZE, config.USING_SVML)
        versions = (*_VERSIONS, codegen.magic_tuple(), *settings, sorted(self._options.items()))
        module = (self._function.__module__ or "").rpartition(".")[2]
        name = "".join(c for c in f"{module}.{self._function.__qualname__}" if c.isalnum() or c in "._")
        return name, "\n".join([called, _type_text(sig), repr(versions)])


def fingerprint(function: FunctionType) -> str | None:
    """Return a digest of a function and of everything that it calls.

    It covers their code, the constants that they use, the function that each name stands for, and the names of their
    modules, in which numba looks them up when it loads machine code. It is None once one of them uses another constant
    than it did earlier in this process: code that is already compiled keeps the earlier one, and the two together are
    not the functions as they are written.
    """
    numbers, waiting, texts = {function: 0}, [function], []
    unchanged = True
    for one in waiting:  # grows as functions are found
        text, called = _own_digest(one)
        unchanged &= _first.setdefault(one, text) == text
        for other in called:
            if other not in numbers:
                numbers[other] = len(numbers)
                waiting.append(other)
        texts.append(f"{text} {[numbers[other] for other in called]}")
    return hashlib.sha256("\n".join(texts).encode()).hexdigest() if unchanged else None


def _own_digest(function: FunctionType) -> tuple[str, list[FunctionType]]:
    """Return the digest of one function alone, and the functions that it calls, in the order of their names."""
    called: list[FunctionType] = []

    def text(value: Any, where: str) -> str:
        """Return a text that differs where values do; functions in it are noted as called."""
        if isinstance(value, Dispatcher):
            called.append(value.py_func)
            return f"kernel {value.py_func.__qualname__} {sorted(value.targetoptions.items(), key=str)}"
        if isinstance(value, _CALLBACK):
            called.append(value.__wrapped__)
            return f"callback {value.__name__} {_type_text(value._sig)}"
        if isinstance(value, FunctionType):
            called.append(value)
            called.extend(_implementations.get(value, ()))
            return f"function {value.__qualname__}"
        if isinstance(value, CodeType):
            return _code_text(value, text)
        if isinstance(value, np.ndarray):
            return f"array {value.dtype.descr} {value.shape} {value.tobytes().hex()}"
        if isinstance(value, tuple):
            return f"{type(value).__name__} {getattr(value, '_fields', '')} {[text(v, where) for v in value]}"
        if isinstance(value, frozenset):
            return f"frozenset {sorted(text(v, where) for v in value)}"
        if value is None or isinstance(value, int | float | complex | str | bytes | EllipsisType | np.generic):
            return f"{type(value).__name__} {value!r}"
        if isinstance(value, types.Type | Signature):
            return f"type {_type_text(value)}"
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
        of_library = module.split(".")[0] in _LIBRARIES
        if isinstance(value, ModuleType) and of_library:
            return f"module {module} {getattr(value, '__version__', '')}"
        if isinstance(value, type) and (of_library or issubclass(value, tuple)):
            return f"class {module}.{value.__qualname__} {getattr(value, '_fields', '')}"
        if isinstance(value, EnumType):
            members = [(name, text(value[name].value, where)) for name in value.__members__]
            return f"class {module}.{value.__qualname__} {members}"
        if isinstance(value, BuiltinFunctionType | np.ufunc) or (module.startswith("numpy") and callable(value)):
            return f"builtin {module} {value.__name__}"
        kind = f"the module {value.__name__}" if isinstance(value, ModuleType) else f"a {type(value).__name__}"
        raise TypeError(
            f"{function.__qualname__} uses {where}, {kind}, which the key of its machine code does not cover; "
            "import the functions and constants themselves"
        )

    code, names = _without_docstring(function.__code__), _global_names(function.__code__)
    used = [(name, text(value, name)) for name, value in sorted(_used_names(function, names), key=lambda pair: pair[0])]
    defaults = text(function.__defaults__, "defaults")
    whole = repr((function.__module__, function.__qualname__, text(code, "code"), defaults, used))
    return hashlib.sha256(whole.encode()).hexdigest(), called


@cache
def _without_docstring(code: CodeType) -> CodeType:
    """Return code without its docstring, its first constant if no instruction uses it."""
    if any(i.opcode in dis.hasconst and i.arg == 0 for i in dis.get_instructions(code)):
        return code
    return code.replace(co_consts=(None, *code.co_consts[1:]))


@cache
def _global_names(code: CodeType) -> frozenset[str]:
    """Return the names that code, and the code within it, uses from its module or from builtins."""
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    own = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    return frozenset(own.union(*map(_global_names, inner)))


def _used_names(function: FunctionType, names: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """Yield the names that a function uses from its module, builtins or enclosing functions, with their values."""
    for name in names:
        if name in function.__globals__:
            yield name, function.__globals__[name]
        elif hasattr(builtins, name):
            yield name, getattr(builtins, name)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name, cell.cell_contents


def _code_text(code: CodeType, text: Callable[[Any, str], str]) -> str:
    """Return what a piece of code does, without the lines and the file where it stands."""
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    constants = [text(c, "constant") for c in code.co_consts]
    return repr((code.co_code.hex(), code.co_exceptiontable.hex(), code.co_flags, code.co_argcount, names, constants))


def _type_text(kind: Any) -> str:
    """Return a text that differs where numba's types do, the fields of named tuples included."""
    if isinstance(kind, Signature):
        return f"{_type_text(kind.return_type)} {_type_text(tuple(kind.args))}"
    if isinstance(kind, types.BaseNamedTuple):
        made = kind.instance_class
        return f"{made.__module__}.{made.__qualname__} {kind.fields} {[_type_text(t) for t in kind]}"
    if isinstance(kind, tuple | types.BaseTuple):
        return f"({', '.join(_type_text(t) for t in kind)})"
    if isinstance(kind, types.Dispatcher):
        options = sorted(kind.dispatcher.targetoptions.items(), key=str)
        called = fingerprint(kind.dispatcher.py_func) or secrets.token_hex()  # a key that no file has
        return f"kernel {called} {options}"
    inner = [getattr(kind, name, None) for name in _INNER]
    return f"{kind} {[_type_text(t) for t in inner if isinstance(t, types.Type) and t is not kind]}"
