"""Compilation with numba for all packages: machine code is cached on disk and never outdated.

numba's own cache is keyed on the time and size of one source file, and misses a change in another file whose functions
a kernel calls. The key here is made from the bytecode of the function and of every function that it calls, directly or
not, from the values of the constants that they use, and from the versions of Python, numba and the processor. After an
edit no old machine code runs, and two checkouts may share one folder. Each signature is a file of its own with a
digest, so that processes that compile at the same time, or a damaged file, do no harm.
"""

from __future__ import annotations

import builtins
import dis
import hashlib
import pickle
import sys
from collections.abc import Callable, Iterator
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

_OURS = ("crossbar", "devices", "memductance", "netlists")
_VERSIONS = (sys.implementation.cache_tag, sys.version_info[:3], numba.__version__, llvmlite.__version__)
_CALLBACK: Any = CFunc
#: Implementations of each stub that kernels call; filled by `overload`.
_implementations: dict[FunctionType, list[FunctionType]] = {}


def jit(function: Any = None, *, contract: bool = False, inline: bool = False) -> Any:
    """Compile a function that runs without the interpreter's lock; a division by zero gives inf or nan, as in numpy.

    Parameters
    ----------
    function : callable
        The function; it is compiled for the types of its arguments when it is first called with them.
    contract : bool, optional
        Allow a product and a sum to be fused into one operation with one rounding.
    inline : bool, optional
        Inline into each caller. The function must not allocate or keep arrays: it is compiled without reference
        counting, which for some thirty arrays at each call would take longer than a step of a cell.

    Returns
    -------
    callable
        The compiled function.
    """
    if function is None:
        return lambda decorated: jit(decorated, contract=contract, inline=inline)
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if contract:
        options["fastmath"] = {"contract"}
    if inline:
        options |= {"_nrt": False, "forceinline": True}
    compiled: Any = numba.njit(**options)(function)
    if compiled is not function:  # they are the same where NUMBA_DISABLE_JIT is set
        compiled._cache = _MachineCode(function, options)
    return compiled


def callback(signature: Signature) -> Callable[[Any], Any]:
    """Return a decorator that compiles a function at once to a C function pointer of this signature."""

    def decorator(function: Any) -> Any:
        options = {"error_model": "numpy"}
        compiled: Any = CFunc(function, (signature.args, signature.return_type), locals={}, options=options)
        compiled._cache = _MachineCode(function, options)
        compiled.compile()
        return compiled

    return decorator


def overload(stub: Any) -> Callable[[Any], Any]:
    """Return a decorator that registers an implementation of a stub that kernels call; see `numba.extending`."""

    def decorator(implementation: Any) -> Any:
        _implementations.setdefault(stub, []).append(implementation)
        return _numba_overload(stub)(implementation)

    return decorator


class _MachineCode(_Cache):
    """The cache on disk of the machine code of one function, with the interface that numba calls."""

    def __init__(self, function: FunctionType, options: dict[str, Any]) -> None:
        self._function = function
        self._options = options
        self._enabled = True

    @property
    def cache_path(self) -> str:
        return str(cache_folder())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        content = read_cached(*self._key(sig, target_context.codegen())) if self._enabled else None
        try:
            return None if content is None else CompileResult._rebuild(target_context, *pickle.loads(content))
        except (AttributeError, ImportError):  # it refers to a name that this process lacks: compile again
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        if self._enabled and not data.lifted and not data.library.has_dynamic_globals:
            write_cached(*self._key(sig, data.codegen), pickle.dumps(data._reduce(), protocol=5))

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Do nothing: entries under other keys are never read."""

    def _key(self, sig: Any, codegen: Any) -> tuple[str, str]:
        versions = (*_VERSIONS, codegen.magic_tuple(), config.OPT, config.BOUNDSCHECK, sorted(self._options.items()))
        module = (self._function.__module__ or "").rpartition(".")[2]
        name = "".join(c for c in f"{module}.{self._function.__qualname__}" if c.isalnum() or c in "._")
        return name, "\n".join([fingerprint(self._function), _type_text(sig), repr(versions)])


def fingerprint(function: FunctionType) -> str:
    """Return a digest of a function and of everything that it calls.

    It covers their code, the constants that they use, and the names of their modules, in which numba looks them up when
    it loads machine code.
    """
    digests: dict[FunctionType, str] = {}
    waiting = [function]
    while waiting:
        current = waiting.pop()
        if current not in digests:
            digests[current], called = _own_digest(current)
            waiting += called
    return hashlib.sha256("\n".join([digests[function], *sorted(digests.values())]).encode()).hexdigest()


@cache
def _own_digest(function: FunctionType) -> tuple[str, tuple[FunctionType, ...]]:
    """Return the digest of one function alone, and the functions that it calls."""
    called: list[FunctionType] = []

    def text(value: Any, where: str) -> str:
        """Return a text that is different for different values; functions in a value are added to `called`."""
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
            return f"array {value.dtype.str} {value.shape} {value.tobytes().hex()}"
        if isinstance(value, tuple | frozenset):
            entries = [text(v, where) for v in value]
            return f"{type(value).__name__} {entries if isinstance(value, tuple) else sorted(entries)}"
        if value is None or isinstance(value, int | float | complex | str | bytes | EllipsisType | np.generic):
            return f"{type(value).__name__} {value!r}"
        if isinstance(value, types.Type | Signature):
            return f"type {_type_text(value)}"
        if isinstance(value, ModuleType) and value.__name__.split(".")[0] not in _OURS:
            return f"module {value.__name__} {getattr(value, '__version__', '')}"
        if isinstance(value, type):
            return f"class {value.__module__}.{value.__qualname__} {getattr(value, '_fields', '')}"
        if isinstance(value, BuiltinFunctionType | np.ufunc) or getattr(value, "__module__", "").startswith("numpy"):
            return f"builtin {getattr(value, '__module__', '')} {value.__name__}"
        kind = f"the module {value.__name__}" if isinstance(value, ModuleType) else f"a {type(value).__name__}"
        raise TypeError(
            f"{function.__qualname__} uses {where}, {kind}, which the key of its machine code does not cover; "
            "import the functions and constants themselves"
        )

    code = function.__code__
    if function.__doc__ and code.co_consts[0] == function.__doc__:
        code = code.replace(co_consts=(None, *code.co_consts[1:]))
    used = [(name, text(value, name)) for name, value in sorted(_used_names(function), key=lambda pair: pair[0])]
    defaults = text(function.__defaults__, "defaults")
    whole = repr((function.__module__, function.__qualname__, text(code, "code"), defaults, used))
    return hashlib.sha256(whole.encode()).hexdigest(), tuple(called)


def _used_names(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the names that a function uses from its module, from builtins or from enclosing functions, with values."""
    names, waiting = set(), [function.__code__]
    while waiting:
        code = waiting.pop()
        names |= {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
        waiting += [c for c in code.co_consts if isinstance(c, CodeType)]
    for name in names:
        if name in function.__globals__:
            yield name, function.__globals__[name]
        elif hasattr(builtins, name):
            yield name, getattr(builtins, name)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        yield name, cell.cell_contents


def _code_text(code: CodeType, text: Callable[[Any, str], str]) -> str:
    """Return the instructions and constants of a code object as text, without its file and line numbers."""
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    constants = [text(c, "constant") for c in code.co_consts]
    return repr((code.co_code.hex(), code.co_exceptiontable.hex(), code.co_flags, code.co_argcount, names, constants))


def _type_text(kind: Any) -> str:
    """Return a text that is different for different types of numba, including the fields of named tuples."""
    if isinstance(kind, Signature):
        return f"{_type_text(kind.return_type)} {_type_text(tuple(kind.args))}"
    if isinstance(kind, types.BaseNamedTuple):
        return f"{kind.instance_class.__qualname__} {kind.fields} {[_type_text(t) for t in kind]}"
    if isinstance(kind, tuple | types.BaseTuple):
        return f"({', '.join(_type_text(t) for t in kind)})"
    if isinstance(kind, types.Dispatcher):
        return f"kernel {fingerprint(kind.dispatcher.py_func)}"
    return str(kind)
