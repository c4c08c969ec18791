"""Text files, written completely or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from devices.common.errors import InputError

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], text: str) -> Path:
    """Write a file completely or not at all, and return its path.

    Parameters
    ----------
    path : path
        The file; its folder is created if missing.
    text : str
        Its content.

    Raises
    ------
    InputError
        If it cannot be written, or UTF-8 cannot encode the text.
    """
    target = Path(path)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        content = text.encode()
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        os.replace(unfinished, target)
    except UnicodeEncodeError as error:
        wrong = error.object[error.start : error.end]
        raise InputError(
            "text", f"{wrong!r} in the text of {target.name}", "characters that UTF-8 can encode"
        ) from None
    except OSError as error:
        raise InputError("path", f"{str(path)!r} ({error.strerror})", "a file that can be written") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return target
