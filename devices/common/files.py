"""Files, written completely or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devices.common.errors import InputError

__all__ = ["whole_file", "write_whole"]


@contextmanager
def whole_file(path: str | os.PathLike[str], name: str = "path") -> Iterator[Path]:
    """Yield the path of an empty file to write into, which takes the place of `path` at the end of the block.

    It has a name that nobody can guess, in the folder of `path`, and did not exist before: a link that was planted
    there is not followed. After an error it is gone, and `path` is as it was.

    Parameters
    ----------
    path : path
        The file; its folder is created if missing.
    name : str, optional
        Name of the argument, for the message.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    target = Path(path)
    unfinished = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.open("xb").close()
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, target)
    except OSError as error:
        raise InputError(name, f"{str(path)!r} ({error.strerror})", "a file that can be written") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike[str], content: str | bytes, name: str = "path") -> Path:
    """Write a file completely or not at all, and return its path.

    Parameters
    ----------
    path : path
        The file; its folder is created if missing.
    content : str or bytes
        Its content; a text as UTF-8.
    name : str, optional
        Name of the argument, for the message.

    Raises
    ------
    InputError
        If it cannot be written, or UTF-8 cannot encode the text.
    """
    target = Path(path)
    try:
        data = content.encode() if isinstance(content, str) else content
    except UnicodeEncodeError as error:
        wrong = error.object[error.start : error.end]
        allowed = "characters that UTF-8 can encode"
        raise InputError("text", f"{wrong!r} in the text of {target.name}", allowed) from None
    with whole_file(target, name) as unfinished:
        unfinished.write_bytes(data)
    return target
