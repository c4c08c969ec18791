"""The cache on disk: its folder, and files that are read only if they are complete."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import stat
import tempfile
import time
import warnings
from functools import cache
from pathlib import Path

__all__ = ["cache_folder", "read_cached", "write_cached"]

_MAX_AGE = 30 * 86400.0  # [s] of replaced or unfinished files, which are removed when a new one is written
_DIGEST = hashlib.sha256().digest_size


def cache_folder() -> Path:
    """Return the folder for kernels and their machine code; it is created if missing.

    Returns
    -------
    pathlib.Path
        The folder that the environment variable MEMDUCTANCE_CACHE_DIR names, or the user's cache folder where it is not
        set, which nobody else can write. Where it cannot be written, or where others own it or can write it, a
        temporary folder that is removed when the process ends.

    Warns
    -----
    RuntimeWarning
        If others own the folder or can write it: what lies there would be run.
    """
    return _usable_folder(os.environ.get("MEMDUCTANCE_CACHE_DIR"))


@cache
def _usable_folder(named: str | None) -> Path:
    from platformdirs import user_cache_path

    try:
        folder = (Path(named).expanduser().absolute() if named else user_cache_path("memductance")) / "kernels"
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if others := _others(folder):
            warnings.warn(
                f"{folder} is not used: {others}, so that its machine code may be anyone's; kernels are compiled in "
                "each process. Remove it, or set MEMDUCTANCE_CACHE_DIR to a folder that is yours alone",
                RuntimeWarning,
                stacklevel=2,
            )
            return _temporary_folder()
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return _temporary_folder()


def _others(folder: Path) -> str:
    """Return why others can change what lies in a folder; empty where they cannot, or where that is not known."""
    if not hasattr(os, "getuid"):
        return ""
    found = folder.stat()
    if found.st_uid not in (os.getuid(), 0):
        return f"user {found.st_uid} owns it"
    return "others can write it" if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


@cache
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="memductance-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def read_cached(name: str, key: str) -> bytes | None:
    """Return the content that `write_cached` wrote under this name and key; None if it is missing or damaged."""
    try:
        content = _file(name, key).read_bytes()
    except OSError:
        return None
    stored, content = content[:_DIGEST], content[_DIGEST:]
    return content if hashlib.sha256(content).digest() == stored else None


def write_cached(name: str, key: str, content: bytes) -> None:
    """Write a file with its digest, completely or not at all; a folder that cannot be written is not an error."""
    file = _file(name, key)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".tmp", delete=False) as temporary:
            temporary.write(hashlib.sha256(content).digest() + content)
        os.replace(temporary.name, file)
        for other in (*file.parent.glob(f"{name}-*.bin"), *file.parent.glob("*.tmp")):
            if time.time() - other.stat().st_mtime > _MAX_AGE:
                other.unlink()
    except OSError:
        if temporary is not None:
            Path(temporary.name).unlink(missing_ok=True)


def _file(name: str, key: str) -> Path:
    return cache_folder() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:40]}.bin"
