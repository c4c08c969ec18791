"""Components that are installed or missing, with the command that installs each."""

from __future__ import annotations

import ctypes.util
import os
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from devices.common.errors import MemductanceError

__all__ = ["Component", "Examination", "examine"]

_PYTHON = (3, 11)
_NGSPICE = "sudo apt-get install ngspice"
_LIBRARY = "sudo apt-get install libngspice0"


@dataclass(frozen=True)
class Component:
    """One line of the examination.

    Attributes
    ----------
    name : str
        Name of the component.
    found : bool
        Whether it is installed and usable.
    detail : str
        Version and path, or the fault.
    install : str
        The command that installs or repairs it; empty where it was found.
    required : bool
        Whether memductance needs it.
    """

    name: str
    found: bool
    detail: str
    install: str = ""
    required: bool = True


@dataclass(frozen=True)
class Examination:
    """All components."""

    components: tuple[Component, ...]

    @property
    def healthy(self) -> bool:
        """Whether everything that is required was found."""
        return all(c.found for c in self.components if c.required)

    def to_dict(self) -> dict[str, Any]:
        """Return the examination as plain data."""
        return {"healthy": self.healthy, "components": [asdict(c) for c in self.components]}


def examine() -> Examination:
    """Look for every component; nothing is installed or changed.

    Returns
    -------
    Examination
        Found or missing, with the command that installs it.
    """
    return Examination(
        (
            _python(),
            *(_distribution(name, extra) for name, extra in _requirements() if not extra),
            _ngspice(),
            _ngspice_library(),
            _package_name(),
            _cache(),
            *(_distribution(name, extra) for name, extra in _requirements() if extra),
        )
    )


def _python() -> Component:
    found = sys.version_info >= _PYTHON
    detail = f"{sys.version.split()[0]} at {sys.executable}"
    return Component("Python", found, detail, "" if found else "sudo apt-get install python3.11")


def _requirements() -> list[tuple[str, str]]:
    """Return the distributions that memductance requires, each with its extra, or with an empty text."""
    found = []
    for line in requires("memductance") or []:
        name = re.match(r"[\w.-]+", line)
        extra = re.search(r"extra\s*==\s*['\"](\w+)['\"]", line)
        if name is not None:
            found.append((name.group(), extra.group(1) if extra else ""))
    return found


def _distribution(name: str, extra: str) -> Component:
    label = f"{name} (extra {extra})" if extra else name
    try:
        return Component(label, True, version(name), required=not extra)
    except PackageNotFoundError:
        install = f"pip install 'memductance[{extra}]'" if extra else f"pip install {name}"
        return Component(label, False, "not installed", install, required=not extra)


def _ngspice() -> Component:
    named = os.environ.get("MEMDUCTANCE_NGSPICE")
    path = shutil.which(named or "ngspice")
    if path is None:
        missing = f"no program {named}, which MEMDUCTANCE_NGSPICE names" if named else "no ngspice on PATH"
        return Component("ngspice", False, missing, _NGSPICE)
    from netlists import ngspice_version

    try:
        return Component("ngspice", True, f"{ngspice_version()} at {path}")
    except MemductanceError as error:
        return Component("ngspice", False, f"{path} does not run: {error}", _NGSPICE)


def _ngspice_library() -> Component:
    library = ctypes.util.find_library("ngspice")
    if library is None:
        return Component("ngspice library (PySpice)", False, "no libngspice found by the loader", _LIBRARY)
    return Component("ngspice library (PySpice)", True, _full_path(library))


def _full_path(library: str) -> str:
    """Return the path of a shared library if it is in one of the usual folders, else its name."""
    for folder in (*sorted(Path("/usr/lib").glob("*-linux-gnu")), Path("/usr/lib"), Path("/usr/local/lib")):
        if (folder / library).exists():
            return str(folder / library)
    return library


def _package_name() -> Component:
    """Check that ``crossbar`` is ours: Crossbar.io's WAMP router installs a package of that name over it."""
    name = "package name 'crossbar'"
    owners = sorted(set(packages_distributions().get("crossbar", [])) - {"memductance"})
    spec = find_spec("crossbar")
    ours = spec is not None and spec.origin is not None and (Path(spec.origin).parent / "wires.py").exists()
    if not owners and ours:
        return Component(name, True, f"ours, at {Path(str(spec and spec.origin)).parent}")
    other = ", ".join(owners) or "another package"
    detail = f"also installed by {other} (Crossbar.io's router uses the same name)"
    return Component(name, False, detail, "pip uninstall crossbar && pip install --force-reinstall memductance")


def _cache() -> Component:
    from devices.common.cache import cache_folder

    folder = cache_folder()
    kept = not folder.name.startswith("memductance-kernels-")
    if kept and os.access(folder, os.W_OK):
        return Component("kernel cache", True, str(folder), required=False)
    return Component(
        "kernel cache",
        False,
        "cannot be written: each process compiles again",
        "export MEMDUCTANCE_CACHE_DIR=DIR",
        False,
    )
