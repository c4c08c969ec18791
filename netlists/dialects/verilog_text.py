"""Verilog-A as tokens: without comments and attributes, with its macros expanded, each token with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from devices.common.errors import InputError

__all__ = ["STANDARD_FILES", "Source", "Token", "read_tokens"]

#: Files that OpenVAF brings along.
STANDARD_FILES = frozenset({"constants.vams", "disciplines.vams", "constants.h", "disciplines.h"})
_TOKEN = re.compile(
    r"""(?P<join>\\\r?\n)|(?P<skip>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<macro>`[A-Za-z_]\w*)
    |(?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+|[TGMKkmunpfa](?!\w))?)|(?P<name>\$?[A-Za-z_][\w$]*|\\\S+)
    |(?P<sign><\+|\*\*|&&|\|\||===?|!==?|<=|>=|<<|>>|'\{|[-+*/%()\[\]{}<>=!?:;,.@#&|^~'])|(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_MOST_TOKENS = 200_000


class Source(NamedTuple):
    """A text with its name in messages, in lines."""

    name: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number or a sign, with the line of the text in which it stands."""

    text: str
    line: int
    source: Source

    def refused(self, why: str, fix: str = "") -> InputError:
        """Return the error that names the line and quotes it."""
        words = " ".join(self.source.lines[self.line - 1].split())
        words = words if len(words) <= 100 else f"{words[:97]}..."
        given = f"{self.source.name}, line {self.line}, {words!r}: {why}"
        return InputError("source", given, "Verilog-A that OpenVAF and VACASK run as it is meant", fix)

    @property
    def is_name(self) -> bool:
        """Whether it is an identifier or a keyword."""
        return self.text[0].isalpha() or self.text[0] in "_$\\"


@dataclass(frozen=True)
class _Macro:
    arguments: tuple[str, ...] | None
    body: tuple[Token, ...]


def read_tokens(text: str, source: str, included: Mapping[str, str] | None = None) -> list[Token]:
    """Return the tokens of a text of Verilog-A.

    Parameters
    ----------
    text : str
        The text.
    source : str
        Its name in messages.
    included : mapping of str to str, optional
        Texts of the files that it includes, by name, but for `STANDARD_FILES`.

    Raises
    ------
    InputError
        If a file is missing, a macro grows without end, or an attribute follows a declaration; names the line.
    """
    reader = _Reader(included or {})
    tokens = list(reader.read(Source(source, text.splitlines() or [""])))
    return list(_without_attributes(tokens))


class _Reader:
    """Follows the directives of a text."""

    def __init__(self, included: Mapping[str, str]) -> None:
        self.included, self.macros, self.count = included, dict[str, _Macro](), 0

    def read(self, source: Source, depth: int = 0) -> Iterator[Token]:
        waiting = list(reversed(_raw(source)))
        live: list[bool] = []
        while waiting:
            token = waiting.pop()
            if not token.text.startswith("`"):
                if all(live):
                    yield token
                continue
            word = token.text[1:]
            if word in ("ifdef", "ifndef"):
                live.append((waiting.pop().text in self.macros) == (word == "ifdef") if waiting else False)
            elif word == "else" and live:
                live[-1] = not live[-1]
            elif word == "endif" and live:
                live.pop()
            elif not all(live):
                continue
            elif word == "define" and waiting:
                self._define(waiting)
            elif word == "undef" and waiting:
                self.macros.pop(waiting.pop().text, None)
            elif word == "include" and waiting:
                yield from self._file(waiting.pop(), depth)
            elif word in ("default_discipline", "default_transition", "timescale"):
                waiting = [t for t in waiting if t.line != token.line]
            elif word in self.macros:
                waiting.extend(reversed(self._expanded(self.macros[word], token, waiting)))
            elif word not in ("resetall", "celldefine", "endcelldefine"):
                yield Token("1.0", token.line, source)  # a constant of a standard file, or unknown to OpenVAF too

    def _file(self, name: Token, depth: int) -> Iterator[Token]:
        file = name.text.strip('"<>')
        if file in STANDARD_FILES:
            return
        if file not in self.included or depth > 20:
            raise name.refused(f"no file {file}", "put it beside the file, or its text in place")
        yield from self.read(Source(file, self.included[file].splitlines() or [""]), depth + 1)

    def _define(self, waiting: list[Token]) -> None:
        name = waiting.pop()
        body: list[Token] = []
        while waiting and waiting[-1].text != "\n":
            body.append(waiting.pop())
        arguments = None
        if body and body[0].text == "(" and name.text.endswith("("):
            stop = next((k for k, token in enumerate(body) if token.text == ")"), None)
            if stop is None:
                raise name.refused("a macro whose arguments do not end", "a bracket in the line of its name")
            arguments, body = tuple(t.text for t in body[1:stop] if t.text != ","), body[stop + 1 :]
        self.macros[name.text.rstrip("(")] = _Macro(arguments, tuple(body))

    def _expanded(self, macro: _Macro, use: Token, waiting: list[Token]) -> list[Token]:
        given: dict[str, list[Token]] = {}
        if macro.arguments is not None and waiting and waiting[-1].text == "(":
            waiting.pop()
            depth, parts = 1, [list[Token]()]
            while waiting and depth:
                token = waiting.pop()
                depth += {"(": 1, ")": -1}.get(token.text, 0)
                if token.text == "," and depth == 1:
                    parts.append([])
                elif depth:
                    parts[-1].append(token)
            given = dict(zip(macro.arguments, parts, strict=False))
        found = [t for token in macro.body for t in given.get(token.text, [token])]
        self.count += len(found) + 1
        if self.count > _MOST_TOKENS:
            raise use.refused(f"macros that grow beyond {_MOST_TOKENS} words", "variables in their place")
        return [Token(t.text, use.line, use.source) for t in found]


def _raw(source: Source) -> list[Token]:
    """Return tokens with the directives among them; the end of a ``define`` is a token of a line end."""
    tokens: list[Token] = []
    text = "\n".join(source.lines)
    line, defining = 1, False
    for found in _TOKEN.finditer(text):
        word = found.group()
        if found.lastgroup in ("skip", "join"):
            if found.lastgroup == "skip" and defining and "\n" in word:
                tokens.append(Token("\n", line, source))
                defining = False
        else:
            if found.lastgroup == "macro" and word == "`define":
                defining = True
            elif tokens and tokens[-1].text == "`define" and text[found.end() : found.end() + 1] == "(":
                word += "("  # a macro with arguments: no blank before the bracket
            tokens.append(Token(word, line, source))
        line += found.group().count("\n")
    return [*tokens, Token("\n", line, source)] if defining else tokens


def _without_attributes(tokens: list[Token]) -> Iterator[Token]:
    """Yield tokens without ``(* ... *)``; a line end that closed a definition is no token."""
    inside: Token | None = None
    kept = [token for token in tokens if token.text != "\n"]
    for token, after in pairwise([*kept, Token(";", 0, Source("", ()))]):
        if inside is None:
            if token.text == "(" and after.text == "*":
                inside = token
            else:
                yield token
        elif inside is not token and token.text == "*" and after.text == ")":
            inside = after
        elif token is inside:
            if after.text in (";", ","):
                raise token.refused(
                    "an attribute after its declaration (old syntax)", "(* ... *) before the declaration"
                )
            inside = None
