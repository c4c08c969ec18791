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
#: Implementations by the functions that they stand for; filled by `overload`.
_implementations: dict[FunctionType, list[FunctionType]] = {}


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
        content = read_cached(*self._key(sig, target_context.codegen())) if self._enabled else None
        try:
            return None if content is None else CompileResult._rebuild(target_context, *pickle.loads(content))
        except (AttributeError, ImportError):  # it names what is not in this process: compile it again
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        if self._enabled and not data.lifted and not data.library.has_dynamic_globals:
            write_cached(*self._key(sig, data.codegen), pickle.dumps(data._reduce(), protocol=5))

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Forget nothing: what lies under another key is never read."""

    def _key(self, sig: Any, codegen: Any) -> tuple[str, str]:
        made_by = (*_VERSIONS, codegen.magic_tuple(), config.OPT, config.BOUNDSCHECK, sorted(self._options.items()))
        module = (self._function.__module__ or "").rpartition(".")[2]
        name = "".join(c for c in f"{module}.{self._function.__qualname__}" if c.isalnum() or c in "._")
        return name, "\n".join([fingerprint(self._function), _type_text(sig), repr(made_by)])


def fingerprint(function: FunctionType) -> str:
    """Return a digest of a function and of everything that it calls.

    It covers their code, the constants that they take, and the names of their modules, where numba looks for them when
    it loads machine code.
    """
    found: dict[FunctionType, str] = {}
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one], called = _described(one)
            waiting += called
    return hashlib.sha256("\n".join([found[function], *sorted(found.values())]).encode()).hexdigest()


@cache
def _described(function: FunctionType) -> tuple[str, tuple[FunctionType, ...]]:
    """Return the digest of one function without those that it calls, and these."""
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
            f"{function.__qualname__} takes {where}, {kind}, which the key of its machine code does not cover; "
            "import the functions and constants themselves"
        )

    code = function.__code__
    if function.__doc__ and code.co_consts[0] == function.__doc__:
        code = code.replace(co_consts=(None, *code.co_consts[1:]))
    taken = [(name, text(value, name)) for name, value in sorted(_taken(function), key=lambda pair: pair[0])]
    defaults = text(function.__defaults__, "defaults")
    whole = repr((function.__module__, function.__qualname__, text(code, "code"), defaults, taken))
    return hashlib.sha256(whole.encode()).hexdigest(), tuple(called)


def _taken(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Names that a function takes from its module, from builtins or from around it, with their values."""
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
    """Return what a piece of code does, without the lines and the file where it stands."""
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    constants = [text(c, "constant") for c in code.co_consts]
    return repr((code.co_code.hex(), code.co_exceptiontable.hex(), code.co_flags, code.co_argcount, names, constants))


def _type_text(kind: Any) -> str:
    """Return a text that differs where numba's types do, the fields of named tuples included."""
    if isinstance(kind, Signature):
        return f"{_type_text(kind.return_type)} {_type_text(tuple(kind.args))}"
    if isinstance(kind, types.BaseNamedTuple):
        return f"{kind.instance_class.__qualname__} {kind.fields} {[_type_text(t) for t in kind]}"
    if isinstance(kind, tuple | types.BaseTuple):
        return f"({', '.join(_type_text(t) for t in kind)})"
    if isinstance(kind, types.Dispatcher):
        return f"kernel {fingerprint(kind.dispatcher.py_func)}"
    return str(kind)
