"""A SPICE text as statements: its encoding, comments, continuation lines, and the words and assignments of a line."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from devices.common.errors import InputError

__all__ = ["Assignment", "Line", "assignments", "decoded", "naming", "split_words", "statements"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_COMMENTS = {
    "ltspice": r";.*", "pspice": r";.*", "xyce": r";.*", "hspice": r"(?:^|(?<=[\s,]))\$.*|;.*",
    "ngspice": r"(?:^|(?<=[\s,]))\$(?!&).*|;.*|//.*",
}  # fmt: skip
_PAIRS = {"(": ")", "{": "}", "[": "]"}
_HEAD = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\(([^(){}=]*)\)\s*)?=\s*")
_SHOWN = 120  # characters of a statement in a message


@dataclass(frozen=True)
class Line:
    """A statement with its continuation lines joined, and where it stands.

    Parameters
    ----------
    number : int
        Number of its first line.
    text : str
        The statement, with single spaces.
    source : str
        Name of the file or text.
    """

    number: int
    text: str
    source: str = "a text"

    @property
    def word(self) -> str:
        """The first word, in lower case."""
        return self.text.split(None, 1)[0].lower()

    @property
    def rest(self) -> str:
        """The text after the first word."""
        return [*self.text.split(None, 1), ""][1]

    @property
    def place(self) -> str:
        """File, number and words of this line."""
        text = self.text if len(self.text) <= _SHOWN else f"{self.text[: _SHOWN - 3]}..."
        return f"{self.source}, line {self.number}, {text!r}"

    def refused(self, why: str, fix: str = "") -> InputError:
        """Return the error that names this line."""
        return InputError("source", f"{self.place}: {why}", "statements that can be translated", fix)


@contextmanager
def naming(line: Line) -> Iterator[None]:
    """Name a line in the errors within that name none."""
    try:
        yield
    except InputError as error:
        if error.argument == "source":
            raise
        raise line.refused(str(error.given), error.fix) from None


@dataclass(frozen=True)
class Assignment:
    """``name=value`` or ``name(arguments)=value``; ``arguments`` is None for a plain name."""

    name: str
    arguments: tuple[str, ...] | None
    value: str


def decoded(content: bytes) -> str:
    """Return the text of a file in UTF-8, UTF-16 with or without a mark, or the Windows code page 1252."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(content) > 3 and content[first::2].count(0) > len(content) // 4:
            return content.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def statements(text: str, dialect: str, source: str) -> Iterator[Line]:
    """Yield the statements of a text; comments and empty lines may stand between a line and its continuation."""
    number, joined, open_end = 0, "", False
    for k, raw in enumerate(text.splitlines(), start=1):
        line = re.sub(r"\bparams\s+:", "params:", re.sub(_COMMENTS[dialect], "", raw), flags=re.IGNORECASE).strip()
        if line.startswith("*") or not line:
            continue
        continues = line.startswith("+")
        if continues and not joined:
            raise Line(k, line, source).refused("a continuation of nothing")
        if continues or open_end:
            joined += f" {line[1:] if continues else line}"
        else:
            if joined:
                yield Line(number, " ".join(joined.split()), source)
            number, joined = k, line
        open_end = dialect == "hspice" and joined.endswith("\\")
        if open_end:
            joined = joined.rstrip("\\")
    if joined:
        yield Line(number, " ".join(joined.split()), source)


def _end_of_word(text: str, start: int, line: Line) -> int:
    """Return where the word at `start` ends: at a space or comma outside brackets and quotes."""
    closing: list[str] = []
    k = start
    while k < len(text):
        character = text[k]
        if character in "'\"" and (end := text.find(character, k + 1)) > 0:
            k = end
        elif character in "'\"":
            raise line.refused(f"{text[k:]!r}, a quote that is not closed")
        elif character in _PAIRS:
            closing.append(_PAIRS[character])
        elif closing and character == closing[-1]:
            closing.pop()
        elif not closing and (character.isspace() or character == ","):
            break
        k += 1
    if closing:
        raise line.refused(f"{text[start:]!r}, in which {closing[-1]!r} is missing", "close the bracket")
    return k


def split_words(line: Line, text: str) -> list[str]:
    """Return the words of a text, with brackets and quotes whole and ``name = value`` as ``name=value``."""
    words: list[str] = []
    place = 0
    while place < len(text):
        if text[place].isspace() or text[place] == ",":
            place += 1
            continue
        head = _HEAD.match(text, place)
        start = head.end() if head else place
        end = _end_of_word(text, start, line)
        words.append(f"{head.group().replace(' ', '')}{text[start:end]}" if head else text[start:end])
        place = max(end, start, place + 1)
    return words


def assignments(line: Line, text: str, what: str = "the assignments") -> list[Assignment]:
    """Return ``name=value ...``, separated by spaces or commas.

    Raises
    ------
    InputError
        If anything else stands among them; quotes it.
    """
    found: list[Assignment] = []
    place = 0
    while text[place:].strip(" ,"):
        while text[place] in " ,":
            place += 1
        head = _HEAD.match(text, place)
        end = _end_of_word(text, head.end(), line) if head else place
        if head is None or end == head.end():
            raise line.refused(f"{text[place:].strip()!r} beside {what}", "braces around an expression")
        arguments = head.group(2)
        names = None if arguments is None else tuple(a.strip().lower() for a in arguments.split(",") if a.strip())
        found.append(Assignment(head.group(1).lower(), names, text[head.end() : end]))
        place = end
    return found
