"""The machine, the versions of all programs, and the virtual environment of the programs that we compare with."""

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

import psutil

PEERS = ("kvxopt", "badcrossbar")
CROSSSIM = "https://github.com/sandialabs/cross-sim"


def cache() -> Path:
    """Return the folder of references, peers and quick results in the user's cache."""
    from platformdirs import user_cache_path

    folder = user_cache_path("memductance") / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(*command: str) -> tuple[bool, str]:
    """Run a command; return whether it succeeded, and the line of its output that names the error."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    lines = (done.stderr or done.stdout).strip().splitlines()
    errors = [line for line in lines if re.search("error|fatal", line, re.IGNORECASE)] or lines or [""]
    return done.returncode == 0, errors[0].strip()


@once
def peers_python() -> str:
    """Return the Python interpreter of the peers' virtual environment, which is created if it does not exist."""
    folder = cache() / "peers"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        done, error = _run(sys.executable, "-m", "venv", str(folder))
        if not done:
            raise RuntimeError(f"the virtual environment of the peers cannot be created: {error}")
        same = [f"{name}=={importlib.metadata.version(name)}" for name in ("numpy", "scipy")]
        done, error = _run(str(python), "-m", "pip", "install", "--quiet", *same)
        if not done:
            shutil.rmtree(folder)
            raise RuntimeError(f"numpy and scipy cannot be installed in the virtual environment of the peers: {error}")
    return str(python)


@once
def peer(name: str) -> str:
    """Return the peers' interpreter with a package of PyPI installed there, or raise an error with the reason."""
    python = peers_python()
    done, _ = _run(python, "-c", f"import {name}")
    if not done:
        done, error = _run(python, "-m", "pip", "install", "--quiet", name)
        if not done:
            hint = "; it needs apt-get install libcairo2-dev pkg-config" if name == "badcrossbar" else ""
            raise RuntimeError(f"pip install {name}: {error}{hint}")
    return python


@once
def crosssim() -> Path:
    """Return a clone of CrossSim, which is not on PyPI, or raise an error with the reason."""
    folder = cache() / "cross-sim"
    if not (folder / "simulator").exists():
        done, error = _run("git", "clone", "--quiet", "--depth", "1", CROSSSIM, str(folder))
        if not done:
            raise RuntimeError(f"CrossSim is not on PyPI, and git clone fails: {error}")
    return folder


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as info:
            return next(line.split(":", 1)[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


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
    """Return the machine and the versions, which a reader needs to repeat the benchmarks."""
    own = ("memductance", "numpy", "scipy", "numba", "llvmlite", "sympy")
    found = {name: _version(name) for name in own} | {name: _peer_version(name) for name in PEERS}
    found["ngspice"] = _ngspice()
    return {
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "cpu": _cpu(),
        "cores": psutil.cpu_count(),
        "memory": psutil.virtual_memory().total / 1e9,  # [GB]
        "threads": threads,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: version for name, version in found.items() if version},
    }
