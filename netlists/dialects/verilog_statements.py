"""The statements of a module of Verilog-A: its declarations, and its analog blocks as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from netlists.dialects.verilog_text import Token

__all__ = [
    "Assignment",
    "Branches",
    "Event",
    "Loop",
    "Other",
    "Statement",
    "analog_statements",
    "assigned",
    "declarations",
]

_DEEPEST = 100  # statements in each other
_OPENING = {"(": 1, "[": 1, "{": 1, "'{": 1, ")": -1, "]": -1, "}": -1}
_TYPES = ("real", "integer", "string", "genvar")


@dataclass(frozen=True)
class Assignment:
    """A variable gets a value."""

    name: Token
    value: list[Token]


@dataclass(frozen=True)
class Branches:
    """Statements under conditions, tried in order; those of ``case`` compare with its expression.

    `conditions` has None for ``else`` and ``default``.
    """

    conditions: list[list[Token] | None]
    bodies: list[list[Statement]]
    subject: list[Token] = field(default_factory=list)


@dataclass(frozen=True)
class Loop:
    """Statements repeated while a condition holds, or a number of times; `first` and `step` are those of ``for``."""

    condition: list[Token]
    body: list[Statement]
    first: Assignment | None = None
    step: Assignment | None = None


@dataclass(frozen=True)
class Event:
    """Statements at an event."""

    name: str
    body: list[Statement]


@dataclass(frozen=True)
class Other:
    """A contribution or a task."""

    tokens: list[Token]


Statement = Assignment | Branches | Loop | Event | Other


def declarations(body: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the statements of a module outside its analog blocks and functions, without their semicolons."""
    statement: list[Token] = []
    k = _after(body, 0)
    while k < len(body):
        if not statement and body[k].text == "analog":
            k = _Parser(body, k + 1).skipped()
            continue
        if body[k].text != ";":
            statement.append(body[k])
        elif statement:
            yield statement
            statement = []
        k += 1


def analog_statements(body: Sequence[Token]) -> tuple[list[Statement], dict[str, list[Token]]]:
    """Return the statements of the analog blocks of a module, and the variables they declare, with their values."""
    statements: list[Statement] = []
    variables: dict[str, list[Token]] = {}
    k, fresh = _after(body, 0), True
    while k < len(body):
        if fresh and body[k].text == "analog":
            parser = _Parser(body, k + 1)
            if parser.word == "function":
                k = parser.skipped()
            else:
                statements += parser.statement()
                k = parser.k
                variables |= parser.variables
            continue
        fresh = body[k].text == ";"
        k += 1
    return statements, variables


def assigned(statement: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """Yield each name that a declaration gives, and its value; empty where it has none."""
    k = 1
    while k < len(statement):
        token, stop = statement[k], k + 1
        depth = 0
        while stop < len(statement) and (depth or statement[stop].text != ","):
            depth += _OPENING.get(statement[stop].text, 0)
            stop += 1
        if token.is_name and token.text not in (*_TYPES, "signed"):
            value = list(statement[k + 2 : stop]) if k + 1 < stop and statement[k + 1].text == "=" else []
            cut = next((n for n, t in enumerate(value) if t.text in ("from", "exclude")), len(value))
            yield token.text, value[:cut]
            k = stop + 1
        else:
            k += 1


def _after(body: Sequence[Token], k: int) -> int:
    """Return the place after the next semicolon."""
    return next((n for n in range(k, len(body)) if body[n].text == ";"), len(body)) + 1


class _Parser:
    """Reads statements from a place on."""

    def __init__(self, body: Sequence[Token], k: int) -> None:
        self.body, self.k, self.depth = body, k, 0
        self.variables: dict[str, list[Token]] = {}

    @property
    def word(self) -> str:
        return self.body[self.k].text if self.k < len(self.body) else ""

    def skipped(self) -> int:
        """Return the place after the analog block or function that begins here."""
        if self.word == "function":
            return next(
                (n + 1 for n in range(self.k, len(self.body)) if self.body[n].text == "endfunction"), len(self.body)
            )
        self.statement()
        return self.k

    def statement(self) -> list[Statement]:
        if self.k >= len(self.body):
            return []
        self.depth += 1
        start = self.body[self.k]
        if self.depth > _DEEPEST:
            raise start.refused(f"more than {_DEEPEST} statements in each other", "functions for the inner ones")
        found = self._statement(start)
        self.depth -= 1
        return found

    def _statement(self, start: Token) -> list[Statement]:
        word = start.text
        self.k += 1
        if word == "begin":
            return self._block()
        if word in _TYPES:
            stop = _after(self.body, self.k)
            self.variables |= dict(assigned(self.body[self.k - 1 : stop - 1]))
            self.k = stop
            return []
        if word == "initial":  # of "analog initial"
            return [Event("initial_step", self.statement())]
        if word == "if":
            return [self._if()]
        if word in ("while", "repeat"):
            return [Loop(self._bracket(), self.statement())]
        if word == "for":
            return [self._for(start)]
        if word == "case":
            return [self._case()]
        if word == "@":
            words = self._bracket() if self.word == "(" else [self.body[self.k]]
            self.k += 0 if words and self.body[self.k - 1].text == ")" else 1
            return [Event(words[0].text if words else "", self.statement())]
        self.k -= 1
        return self._plain()

    def _block(self) -> list[Statement]:
        if self.word == ":":
            self.k += 2
        found: list[Statement] = []
        while self.k < len(self.body) and self.word != "end":
            found += self.statement()
        self.k += 1
        return found

    def _if(self) -> Branches:
        conditions: list[list[Token] | None] = [self._bracket()]
        bodies = [self.statement()]
        while self.word == "else":
            self.k += 1
            if self.word == "if":
                self.k += 1
                conditions.append(self._bracket())
                bodies.append(self.statement())
            else:
                conditions.append(None)
                bodies.append(self.statement())
                break
        return Branches(conditions, bodies)

    def _for(self, start: Token) -> Loop:
        head = self._bracket()
        parts: list[list[Token]] = [[]]
        for token in head:
            if token.text == ";":
                parts.append([])
            else:
                parts[-1].append(token)
        if len(parts) != 3 or any(len(part) < 3 or part[1].text != "=" for part in (parts[0], parts[2])):
            raise start.refused("a loop that is no for (i = 0; i < n; i = i + 1)")
        first, step = (Assignment(part[0], part[2:]) for part in (parts[0], parts[2]))
        return Loop(parts[1], self.statement(), first, step)

    def _case(self) -> Branches:
        subject = self._bracket()
        conditions: list[list[Token] | None] = []
        bodies: list[list[Statement]] = []
        while self.k < len(self.body) and self.word != "endcase":
            labels: list[Token] = []
            while self.k < len(self.body) and self.word != ":" and not (labels and labels[0].text == "default"):
                labels.append(self.body[self.k])
                self.k += 1
            self.k += self.word == ":"
            conditions.append(None if labels and labels[0].text == "default" else labels)
            bodies.append(self.statement())
        self.k += 1
        return Branches(conditions, bodies, subject)

    def _bracket(self) -> list[Token]:
        """Return the tokens between the brackets that open here."""
        start, depth = self.k + 1, 0
        while self.k < len(self.body):
            depth += _OPENING.get(self.word, 0)
            self.k += 1
            if depth == 0:
                break
        return list(self.body[start : self.k - 1])

    def _plain(self) -> list[Statement]:
        start, self.k = self.k, _after(self.body, self.k)
        tokens = list(self.body[start : self.k - 1])
        if not tokens:
            return []
        depth = 0
        for k, token in enumerate(tokens):
            depth += _OPENING.get(token.text, 0)
            if depth == 0 and token.text == "=":
                return [Assignment(tokens[0], tokens[k + 1 :])]
            if depth == 0 and token.text == "<+":
                break
        return [Other(tokens)]
