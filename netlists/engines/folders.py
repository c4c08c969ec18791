"""The folder in which a simulator runs, which is removed after the run, and the netlists kept of runs that fail."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devices.common.arrays import Array
from devices.common.errors import InputError, SimulatorError
from netlists.engines.messages import Printed
from netlists.engines.raw_files import read_raw

__all__ = ["failed_folder", "read_result", "run_folder"]

_MOST_KEPT = 20
_KEPT = re.compile(r"(ngspice|pyspice|vacask)-\d{8}-\d{6}-\w+\.(cir|sim)")
_LITTLE_SPACE = 1e6  # bytes


@contextmanager
def run_folder(engine: str, file: str, netlist: str, keep: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Make a folder for a run, with the netlist in it.

    The folder is `keep`, or a temporary one that is removed after the run. Where the run raises `SimulatorError`, the
    netlist is kept, and the error names its path.

    Parameters
    ----------
    engine : str
        Name of the simulator in messages.
    file : str
        Name of the file with the netlist.
    netlist : str
        Text of the netlist.
    keep : path or None
        A folder of the user, which is made where it does not exist.

    Raises
    ------
    InputError
        If `keep` cannot be made.
    SimulatorError
        If there is no space to run in.
    """
    folder = _temporary_folder(engine) if keep is None else _user_folder(keep)
    try:
        try:
            (folder / file).write_text(netlist, encoding="utf-8")
        except OSError as error:
            raise _no_space(engine, folder, error) from None
        yield folder
    except SimulatorError as error:
        kept = _keep_netlist(engine, Path(file).suffix, netlist) if keep is None else folder / file
        raise type(error)(error.message, kept) from error.__cause__
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def failed_folder() -> Path:
    """Return the folder for netlists of failed runs: in MEMDUCTANCE_CACHE_DIR, or in the user's cache folder."""
    from platformdirs import user_cache_path

    named = os.environ.get("MEMDUCTANCE_CACHE_DIR")
    return (Path(named) if named else user_cache_path("memductance")) / "failed"


def read_result(
    engine: str, raw: Path, printed: Printed, complaints: Callable[[str], Iterable[str]]
) -> dict[str, Array]:
    """Return the vectors in the raw file of a run.

    Raises
    ------
    SimulatorError
        If it is missing, cut or no raw file; with the lines that `complaints` picks from what the simulator `printed`.
    """
    disk = "" if shutil.disk_usage(raw.parent).free > _LITTLE_SPACE else f" (the disk of {raw.parent} is full)"
    message = printed.reason(complaints) or "no message"
    if not raw.exists() or raw.stat().st_size == 0:
        raise printed.failure(f"{engine} wrote no result{disk}: {message}")
    try:
        return read_raw(raw)
    except ValueError as error:
        raise SimulatorError(f"{engine} wrote a result that cannot be read{disk} ({error}): {message}") from error


def _temporary_folder(engine: str) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f"memductance-{engine}-"))
    except OSError as error:
        raise _no_space(engine, Path(tempfile.gettempdir()), error) from None


def _no_space(engine: str, folder: Path, error: OSError) -> SimulatorError:
    return SimulatorError(
        f"{engine}: cannot write into {folder} ({error.strerror}); make room there, or have TMPDIR name another folder"
    )


def _user_folder(path: str | os.PathLike[str]) -> Path:
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("keep", f"{str(path)!r} ({error.strerror})", "a folder that can be written") from None
    return folder


def _keep_netlist(engine: str, suffix: str, netlist: str) -> Path | None:
    """Keep the netlist of a failed run in place of the oldest one, and return its path; None where that fails."""
    try:
        folder = failed_folder()
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            prefix=f"{engine}-{time.strftime('%Y%m%d-%H%M%S')}-", suffix=suffix, dir=folder
        )
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(netlist)
    except OSError:
        return None
    own = (file for file in folder.iterdir() if _KEPT.match(file.name))
    for old in sorted(own, key=_age)[_MOST_KEPT:]:
        with suppress(OSError):
            old.unlink(missing_ok=True)
    return Path(name)


def _age(file: Path) -> float:
    """Return how old a file is [s]; one that another process has just removed counts as the newest."""
    try:
        return -file.stat().st_mtime
    except FileNotFoundError:
        return -float("inf")
