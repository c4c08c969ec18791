"""The cache on disk: its folder, and files that are read only if they are complete."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
import time
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
        set; where this folder cannot be written, a temporary folder that is removed when the process ends.
    """
    return _usable_folder(os.environ.get("MEMDUCTANCE_CACHE_DIR"))


@cache
def _usable_folder(named: str | None) -> Path:
    from platformdirs import user_cache_path

    try:
        folder = (Path(named).expanduser().absolute() if named else user_cache_path("memductance")) / "kernels"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # RuntimeError: no home folder
        return _temporary_folder()


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
