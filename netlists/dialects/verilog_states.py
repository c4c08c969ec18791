"""Hidden states of a module of Verilog-A: variables that keep a value from one evaluation to the next.

Verilog-A keeps the value of a variable. OpenVAF has each evaluation start from 0 and run the statements of
``@(initial_step)`` again, so that a state in a variable would not move, without a message. A variable is therefore
refused where it is read before each evaluation has given it a value; one that only ``@(initial_step)`` sets, from
constants, is a constant in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlists.dialects.verilog_constants import constant_value
from netlists.dialects.verilog_statements import (
    Assignment,
    Branches,
    Event,
    Loop,
    Other,
    Statement,
    analog_statements,
    assigned,
    declarations,
)
from netlists.dialects.verilog_text import Token

__all__ = ["check_states"]

_FIX = "a state that is a node: I(q) <+ ddt(V(q)) - rate, or idt(rate, start)"
_OPERATORS = frozenset({"ddt", "idt", "absdelay"})
_PLAIN = """abs acos acosh asin asinh atan atan2 atanh ceil cos cosh exp expm1 floor hypot limexp ln log log10 max min
    pow sin sinh sqrt tan tanh $abs $ln $log10 $exp $sqrt $pow $min $max $floor $ceil $clog2 $param_given
    $port_connected $simparam $temperature $vt $mfactor"""
_FUNCTIONS = frozenset(_PLAIN.split())


def check_states(body: Sequence[Token], values: Mapping[str, float]) -> None:
    """Raise `InputError` for a variable of a module that keeps its value, with its line.

    Parameters
    ----------
    body : sequence of Token
        The module from its ports to its end.
    values : mapping of str to float
        Parameters that are numbers; branches that are not taken with them do not matter.
    """
    statements, variables = analog_statements(body)
    names = {token.text for statement in declarations(body) for token in statement if statement[0].text == "parameter"}
    functions = {a.text for a, b, c in zip(body, body[1:], body[2:], strict=False) if c.text == ";" and b.text != ";"}
    for statement in declarations(body):
        if statement[0].text in ("real", "integer"):
            variables |= dict(assigned(statement))
    flow = _Flow(variables, values, names | functions)
    flow.find_constants(statements)
    flow.walk(statements, set(flow.constants), varying=False, event=None)


class _Flow:
    """Follows the statements of one evaluation."""

    def __init__(self, variables: Mapping[str, list[Token]], values: Mapping[str, float], fixed: set[str]) -> None:
        self.variables, self.values, self.fixed = set(variables), values, fixed
        self.starts = {name for name, value in variables.items() if value}
        self.constants: set[str] = set()

    def find_constants(self, statements: Sequence[Statement]) -> None:
        """Find the variables that only declarations and ``@(initial_step)`` set, from constants."""
        moving: set[str] = set()
        first: list[tuple[Assignment, list[Token]]] = []
        self._collect(statements, None, [], moving, first)
        names = {a.name.text for a, _ in first} - moving
        self.constants = (self.starts | names) - moving
        for assignment, conditions in first:
            if assignment.name.text in names and not self._is_constant([*assignment.value, *conditions]):
                why = f"{assignment.name.text} is set once, at the first step, and kept: a hidden state"
                raise assignment.name.refused(why, _FIX)

    def _collect(
        self,
        statements: Sequence[Statement],
        event: str | None,
        conditions: list[Token],
        moving: set[str],
        first: list[tuple[Assignment, list[Token]]],
    ) -> None:
        """Sort the assignments that are run into those of the first step and all others."""
        for statement in statements:
            if isinstance(statement, Assignment):
                if event == "initial_step":
                    first.append((statement, conditions))
                else:
                    moving.add(statement.name.text)
            elif isinstance(statement, Branches):
                for condition, body in self._taken(statement):
                    inner = [*conditions, *statement.subject, *(condition or [])]
                    self._collect(body, event, inner, moving, first)
            elif isinstance(statement, Loop):
                heads = [head for head in (statement.first, statement.step) if head]
                self._collect([*heads, *statement.body], event, [*conditions, *statement.condition], moving, first)
            elif isinstance(statement, Event):
                self._collect(statement.body, statement.name, conditions, moving, first)

    def _is_constant(self, tokens: Sequence[Token]) -> bool:
        for k, token in enumerate(tokens):
            if not token.is_name or token.text in _FUNCTIONS:
                continue
            called = k + 1 < len(tokens) and tokens[k + 1].text == "("
            if token.text in self.variables:
                if token.text not in self.constants:
                    return False
            elif token.text.startswith("$") or (called and token.text not in self.fixed):
                return False
        return True

    def _taken(self, branches: Branches) -> list[tuple[list[Token] | None, list[Statement]]]:
        """Return the branches that may be taken with the parameters."""
        found = []
        subject = constant_value(branches.subject, self.values) if branches.subject else None
        for condition, body in zip(branches.conditions, branches.bodies, strict=True):
            value: float | None = None
            if condition is not None and not branches.subject:
                value = constant_value(condition, self.values)
            elif condition is not None and subject is not None:
                label = constant_value(condition, self.values)
                value = None if label is None else float(label == subject)
            if value == 0.0:
                continue
            found.append((None if value else condition, body))
            if value or condition is None:
                break
        return found

    def walk(self, statements: Sequence[Statement], known: set[str], *, varying: bool, event: str | None) -> set[str]:
        """Return the variables that have a value after statements, given those that have one before."""
        for statement in statements:
            if isinstance(statement, Assignment):
                self._read(statement.value, known, varying)
                known = known | {statement.name.text}
            elif isinstance(statement, Other):
                if not statement.tokens[0].text.startswith("$") or statement.tokens[0].text == "$bound_step":
                    self._read(statement.tokens, known, varying)
            elif isinstance(statement, Event):
                if statement.name == "initial_step":
                    self.walk(statement.body, known, varying=varying, event=statement.name)
            elif isinstance(statement, Branches):
                known = self._branches(statement, known, varying, event)
            else:
                known = self._loop(statement, known, varying, event)
        return known

    def _branches(self, branches: Branches, known: set[str], varying: bool, event: str | None) -> set[str]:
        self._read(branches.subject, known, varying)
        taken = self._taken(branches)
        ends = []
        moving = varying or not self._is_constant(branches.subject)
        for condition, body in taken:
            if condition is not None and not branches.subject:
                self._read(condition, known, varying)
                moving = moving or not self._is_constant(condition)
            ends.append(self.walk(body, known, varying=moving, event=event))
        if not taken or taken[-1][0] is not None:
            ends.append(known)
        return set.intersection(*ends)

    def _loop(self, loop: Loop, known: set[str], varying: bool, event: str | None) -> set[str]:
        values = dict(self.values)
        if loop.first:
            known = self.walk([loop.first], known, varying=varying, event=event)
            start = constant_value(loop.first.value, self.values)
            if start is not None:
                values[loop.first.name.text] = start
        self._read(loop.condition, known, varying)
        after = self.walk(loop.body, known, varying=varying or not self._is_constant(loop.condition), event=event)
        if loop.step:
            after = self.walk([loop.step], after, varying=varying, event=event)
        return after if constant_value(loop.condition, values) else known

    def _read(self, tokens: Sequence[Token], known: set[str], varying: bool) -> None:
        for k, token in enumerate(tokens):
            if token.text in self.variables and token.text not in known:
                why = f"{token.text} is read before it has a value in this evaluation: a hidden state"
                raise token.refused(why, f"{_FIX}; or a value in each branch before it is read")
            if varying and token.text in _OPERATORS and k + 1 < len(tokens) and tokens[k + 1].text == "(":
                why = f"{token.text} under a condition that varies, which OpenVAF does not compile"
                raise token.refused(why, f"the condition within the argument of {token.text}")
