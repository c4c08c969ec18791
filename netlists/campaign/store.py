"""The store of a campaign: one line of JSON for each row, on disk before the next one is asked for.

A line holds a row, or the specification from there on; later lines take the place of earlier ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from devices import InputError
from devices.common.errors import MemductanceError
from netlists.campaign.spec import CampaignSpec

__all__ = ["NAME", "Store", "folder_name", "read_store"]

NAME = "campaign.jsonl"
_LOCK = ".campaign.lock"


def folder_name(number: int, engine: str) -> str:
    """Return the name of the folders of a case on an engine."""
    return f"{number:04d}-{engine}"


def read_store(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]], dict[tuple[int, str], Any]]:
    """Return the latest specification, the latest row of each case and engine in order, and the limits that are known.

    Raises
    ------
    InputError
        If there is no campaign in the folder.
    """
    lines, _ = _lines(folder / NAME)
    specs = [line["spec"] for line in lines if "spec" in line]
    if not specs:
        fix = "memductance crosscheck campaign SPEC.toml --out ..."
        raise InputError("out", f"{str(folder)!r} without a campaign", f"a folder with {NAME}", fix)
    latest = {(line["case"], line["engine"]): line for line in lines if "agreement" in line}
    limits = {(line["case"], line["engine"]): line["limits"] for line in lines if "limits" in line}
    return specs[-1], [latest[key] for key in sorted(latest)], limits


def _lines(file: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the whole lines of a store and their number of bytes, without a line that a crash left half-written."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise InputError("out", f"{str(file)!r} ({error.strerror})", "a file that can be read") from None
    end = content.rfind(b"\n") + 1
    try:
        lines = [json.loads(line) for line in content[:end].splitlines()]
        for line in lines:
            if not isinstance(line, dict) or not ("spec" in line or {"case", "engine"} <= set(line)):
                raise ValueError(f"a line {json.dumps(line)[:40]}")
        return lines, end
    except ValueError as error:
        raise InputError(
            "out", f"{str(file)!r}, damaged: {error}", "a store that only campaigns have written"
        ) from None


class Store:
    """The rows of one campaign, open for more; of one process at a time.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the store; made if missing.
    spec : CampaignSpec
        Specification to run; it must draw the cases that are in the store.

    Raises
    ------
    InputError
        If the folder cannot be written, another process writes to it, or its cases were drawn otherwise.
    """

    def __init__(self, folder: Path, spec: CampaignSpec) -> None:
        self.file = folder / NAME
        self._lock = FileLock(folder / _LOCK)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
            self._descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o644)
        except Timeout:
            raise InputError("out", f"{str(folder)!r}, in use", "a folder no other campaign writes to") from None
        except OSError as error:
            self._lock.release()
            raise InputError("out", f"{str(folder)!r} ({error.strerror})", "a folder that can be written") from None
        try:
            lines, self._end = _lines(self.file)
            os.ftruncate(self._descriptor, self._end)
            before = [line["spec"] for line in lines if "spec" in line]
            if before:
                _check(before[-1], spec)
            if not before or before[-1] != spec.to_dict():
                self.append({"spec": spec.to_dict()})
        except BaseException:
            self._close()
            raise

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row, which is on disk when this returns, whole or not at all."""
        line = (json.dumps(row) + "\n").encode()  # a difference relative to nothing is Infinity
        try:
            written = os.pwrite(self._descriptor, line, self._end)
            if written < len(line):
                raise OSError(28, os.strerror(28))
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, self._end)
            raise MemductanceError(
                f"{self.file}: cannot be written ({error.strerror}); rows up to here are kept, run again to go on"
            ) from None
        self._end += len(line)

    def _close(self) -> None:
        os.close(self._descriptor)
        self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def _check(before: Mapping[str, Any], spec: CampaignSpec) -> None:
    """Refuse a specification that draws other cases than those in the store."""
    now = spec.drawn()
    changed = [name for name in now if before.get(name) != now[name]]
    if changed:
        name = changed[0]
        was, is_ = (_shortened(given.get(name)) for given in (before, now))
        raise InputError(
            f"spec.{name}",
            f"{is_}",
            f"{was}, with which the cases in the folder were drawn",
            "another folder for --out",
        )


def _shortened(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."
