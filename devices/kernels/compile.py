"""Kernels of models: their text is derived once from a declaration, kept on disk, and compiled to machine code.

The text is kept under the digest of the equations and of all files that write it, see `devices.kernels.text`; the
machine code under the text and all that it calls, see `devices.common.jit`.
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

from devices import special
from devices.common.cache import read_cached, write_cached
from devices.kernels.series import series_source
from devices.kernels.text import model_text

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = ["constants", "kernel", "series_kernel", "switch_kernel"]

#: Digest of what writes the text of kernels, read together with it: the modules that do, and SymPy's version.
_WRITERS = hashlib.sha256(
    b"".join(Path(__file__).with_name(name).read_bytes() for name in ("text.py", "series.py", "hoisting.py"))
    + Path(special.__file__).read_bytes()
    + sympy.__version__.encode()
).hexdigest()


@cache
def kernel(model: DeviceModel) -> Any:
    """Return the compiled kernel of `model`, a C function ``evaluate(v, x, p, out)``."""
    return _compiled("kernel", model.name, model.digest, lambda: model_text(model).kernel).evaluate


@cache
def switch_kernel(model: DeviceModel) -> Any:
    """Return the compiled switches of `model`, which has some."""
    return _compiled("switches", model.name, model.digest, lambda: model_text(model).switches).evaluate


@cache
def constants(model: DeviceModel) -> tuple[Any, int]:
    """Return what computes the constants of `model` from its parameters, compiled, and how many there are."""
    made = _compiled("constants", model.name, model.digest, lambda: model_text(model).constants)
    return made.evaluate, made.COUNT


@cache
def series_kernel(top: DeviceModel, bottom: DeviceModel) -> Any:
    """Return the compiled kernel of two devices in series, from the cache where it is there."""
    name, digest = f"{top.name}_{bottom.name}", top.digest + bottom.digest
    return _compiled("series", name, digest, lambda: series_source(top, bottom)).evaluate


def _compiled(kind: str, name: str, digest: str, source: Callable[[], str]) -> Any:
    """Return the module that a text of some kind makes, its functions compiled."""
    key = f"{kind} {digest} {_WRITERS}"
    text = read_cached(name, key)
    if text is None:
        text = source().encode()
        write_cached(name, key, text)
    module = ModuleType(f"_memductance_kernel_{name}_{hashlib.sha256(text).hexdigest()[:16]}")
    sys.modules[module.__name__] = module  # where numba looks for it when it loads machine code
    exec(compile(text, f"<kernel of {name}>", "exec"), vars(module))
    return module
