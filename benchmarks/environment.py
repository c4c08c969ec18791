"""The machine, the versions, and the environment in which peers live that this project does not depend on."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from functools import cache as once
from pathlib import Path
from typing import Any

PEERS = ("kvxopt", "badcrossbar")
CROSSSIM = "https://github.com/sandialabs/cross-sim"


def cache() -> Path:
    """Return the folder, in the user's cache, of references, peers and quick results."""
    from platformdirs import user_cache_path

    folder = user_cache_path("memductance") / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(*command: str) -> tuple[bool, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    lines = (done.stderr or done.stdout).strip().splitlines()
    said = [line for line in lines if re.search("error|fatal", line, re.IGNORECASE)] or lines or [""]
    return done.returncode == 0, said[0].strip()


@once
def peers_python() -> str:
    """Return the interpreter of the peers' environment, which is made where it is missing."""
    folder = cache() / "peers"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        done, said = _run(sys.executable, "-m", "venv", str(folder))
        if not done:
            raise RuntimeError(f"the peers' environment cannot be made: {said}")
        same = [f"{name}=={importlib.metadata.version(name)}" for name in ("numpy", "scipy")]
        done, said = _run(str(python), "-m", "pip", "install", "--quiet", *same)
        if not done:
            shutil.rmtree(folder)
            raise RuntimeError(f"the peers' environment cannot be filled: {said}")
    return str(python)


@once
def peer(name: str) -> str:
    """Return the peers' interpreter with a package of PyPI installed there, or raise and say why not."""
    python = peers_python()
    done, _ = _run(python, "-c", f"import {name}")
    if not done:
        done, said = _run(python, "-m", "pip", "install", "--quiet", name)
        if not done:
            hint = "; it needs apt-get install libcairo2-dev pkg-config" if name == "badcrossbar" else ""
            raise RuntimeError(f"pip install {name}: {said}{hint}")
    return python


@once
def crosssim() -> Path:
    """Return a checkout of CrossSim, which PyPI does not carry, or raise and say why there is none."""
    folder = cache() / "cross-sim"
    if not (folder / "simulator").exists():
        done, said = _run("git", "clone", "--quiet", "--depth", "1", CROSSSIM, str(folder))
        if not done:
            raise RuntimeError(f"CrossSim is not on PyPI, and git clone said: {said}")
    return folder


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as info:
            return next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _memory() -> float | None:
    """Return the machine's memory [GB]."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        return None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str:
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
        return subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent).stdout.strip()
    except OSError:
        return ""


def _ngspice() -> str | None:
    try:
        from netlists import ngspice_version

        return ngspice_version()
    except Exception:
        return None


def _peer_version(name: str) -> str | None:
    try:
        python = peers_python()
        command = [python, "-c", f"import importlib.metadata as m; print(m.version({name!r}))"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip() or None
    except (OSError, RuntimeError):
        return None


def describe(threads: int) -> dict[str, Any]:
    """Return what a reader needs to repeat the figures."""
    own = ("memductance", "numpy", "scipy", "numba", "llvmlite", "sympy")
    found = {name: _version(name) for name in own} | {name: _peer_version(name) for name in PEERS}
    found["ngspice"] = _ngspice()
    return {
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory": _memory(),
        "threads": threads,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: version for name, version in found.items() if version},
    }
