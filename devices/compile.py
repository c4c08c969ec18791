"""Machine code of models: one kernel per model, compiled by numba and cached on disk; see `devices._kernel_text`.

The Python text is generated once per set of equations and kept in the user's cache folder (or in the folder that the
environment variable MEMDUCTANCE_CACHE_DIR names), where numba keeps its machine code too.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices._kernel_text import model_text, series_source

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = ["cache_folder", "constants", "kernel", "series_kernel", "switch_kernel"]

#: Modules that write the text of kernels, and that it calls.
_MADE_BY = ("_elementary", "_kernel_text", "_settled", "special")


def cache_folder() -> Path:
    """Return the folder for compiled kernels, made if it is missing.

    Returns
    -------
    pathlib.Path
        The folder that MEMDUCTANCE_CACHE_DIR names, else the user's cache folder, else (where neither can
        be written) a temporary folder of this process, so that work goes on without a cache.
    """
    from platformdirs import user_cache_path

    named = os.environ.get("MEMDUCTANCE_CACHE_DIR")
    folder = (Path(named) if named else user_cache_path("memductance")) / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return _temporary_folder()


@cache
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="memductance-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def kernel(model: DeviceModel) -> Any:
    """Return the compiled kernel of `model`, from the cache where it is there."""
    return _compiled(f"{model.name}_{model.digest}", lambda: model_text(model).kernel).evaluate


@cache
def switch_kernel(model: DeviceModel) -> Any:
    """Return the compiled switches of `model`, which has some."""
    return _compiled(f"{model.name}_switches_{model.digest}", lambda: model_text(model).switches).evaluate


@cache
def constants(model: DeviceModel) -> tuple[Any, int]:
    """Return what computes the constants of `model` from its parameters, compiled, and how many there are."""
    made = _compiled(f"{model.name}_constants_{model.digest}", lambda: model_text(model).constants)
    return made.evaluate, made.COUNT


@cache
def series_kernel(top: DeviceModel, bottom: DeviceModel) -> Any:
    """Return the compiled kernel of two devices in series, from the cache where it is there."""
    name = f"{top.name}_{top.digest}_{bottom.name}_{bottom.digest}"
    return _compiled(name, lambda: series_source(top, bottom)).evaluate


@cache
def _generation() -> str:
    """Return what the names of kernels end with: it changes with what writes their text, and with what they call."""
    made = b"".join(Path(__file__).with_name(f"{name}.py").read_bytes() for name in _MADE_BY)
    return hashlib.sha256(made).hexdigest()[:8]


def _compiled(name: str, source: Callable[[], str]) -> Any:
    name = f"{name}_{_generation()}"
    file = cache_folder() / f"{name}.py"
    if not file.exists():
        with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".tmp", delete=False) as unfinished:
            unfinished.write(source())
        os.replace(unfinished.name, file)
    spec = importlib.util.spec_from_file_location(f"_memductance_kernel_{name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
