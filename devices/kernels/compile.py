"""Kernels of models: their Python text is derived once from a declaration, kept on disk, and compiled.

The key of a text is a digest of the equations and of all files that write it, see `devices.kernels.text`; the key of
machine code covers the text and all functions that it calls, see `devices.common.jit`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import sympy

from devices import model as declaration
from devices import parameters, special
from devices.common.cache import read_cached, write_cached
from devices.kernels import hoisting, series, text

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = ["constants", "kernel", "series_kernel", "switch_kernel"]

#: The modules that write the text of kernels from a declaration.
_WRITERS = (declaration, parameters, special, hoisting, series, text)
#: Digest of these modules, read when they are imported, and of SymPy's version.
_WRITTEN_BY = hashlib.sha256(
    b"".join(Path(str(module.__file__)).read_bytes() for module in _WRITERS) + sympy.__version__.encode()
).hexdigest()


@cache
def kernel(model: DeviceModel) -> Any:
    """Return the compiled kernel of `model`, a C function ``evaluate(v, x, p, out)``."""
    return _compiled("kernel", model.name, model.digest, lambda: text.model_text(model).kernel).evaluate


@cache
def switch_kernel(model: DeviceModel) -> Any:
    """Return the compiled switches of `model`, a C function ``evaluate(v, x, p, out)``; see `DeviceModel.switches`."""
    return _compiled("switches", model.name, model.digest, lambda: text.model_text(model).switches).evaluate


@cache
def constants(model: DeviceModel) -> tuple[Any, int]:
    """Return the compiled function of the parameter-only constants of `model`, and the number of constants."""
    module = _compiled("constants", model.name, model.digest, lambda: text.model_text(model).constants)
    return module.evaluate, module.COUNT


@cache
def series_kernel(top: DeviceModel, bottom: DeviceModel) -> Any:
    """Return the compiled kernel of two devices in series."""
    name, digest = f"{top.name}_{bottom.name}", top.digest + bottom.digest
    return _compiled("series", name, digest, lambda: series.series_source(top, bottom)).evaluate


def _compiled(kind: str, name: str, digest: str, source: Callable[[], str]) -> Any:
    """Return the module of a text of some kind, cached or made by `source`, with its functions compiled."""
    key = f"{kind} {digest} {_WRITTEN_BY}"
    stored = read_cached(name, key)
    if stored is None:
        stored = source().encode()
        write_cached(name, key, stored)
    module = ModuleType(f"_memductance_kernel_{name}_{hashlib.sha256(stored).hexdigest()[:16]}")
    sys.modules[module.__name__] = module  # numba looks it up there when it loads machine code
    exec(compile(stored, f"<kernel of {name}>", "exec"), vars(module))
    return module
