"""How results are set as text, and written into files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from devices.errors import InputError

__all__ = ["columns_of_text", "write_whole"]


def columns_of_text(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose columns are aligned."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def write_whole(path: str | os.PathLike[str], text: str) -> Path:
    """Write a file whole or not at all, and return its path.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    target = Path(path)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, target)
    except OSError as error:
        raise InputError("path", f"{str(path)!r} ({error.strerror})", "a file that can be written") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return target
