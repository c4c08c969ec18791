"""Definitions of subcircuits as a text nests them, and `Scope`: the parameters and functions of one of them."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from devices.common.errors import InputError
from netlists.dialects.deck import Assignment, Line, assignments, naming, split_words
from netlists.dialects.foreign import ExpressionReader, Function
from netlists.dialects.formula import Formula, Formulas
from netlists.dialects.parser import identifiers

__all__ = ["Definition", "Scope", "read_definitions"]

_DEEPEST = 20  # definitions in each other
_PARAMETERS = (".param", ".params", ".parameter", ".parameters", ".global_param")
_FUNCTIONS = (".func", ".function")
_NAME = re.compile(r"[A-Za-z0-9_][\w.+#-]*")
_NET = re.compile(r"[^\s(),={}'\":]+")


@dataclass(frozen=True, eq=False)
class Definition:
    """A ``.subckt``, or the text around all of them, which has no head.

    Parameters
    ----------
    name : str
        Its name in lower case.
    head : Line or None
        The line that begins it.
    ports : tuple of str
        Ports in lower case.
    lines : list of Line
        Its statements, without those of the definitions in it.
    inner : dict of str to Definition
        The definitions in it by name.
    repeated : dict of str to Line
        Lines that begin a second definition of a name.
    """

    name: str = ""
    head: Line | None = None
    ports: tuple[str, ...] = ()
    header: tuple[Assignment, ...] = ()
    lines: list[Line] = field(default_factory=list)
    inner: dict[str, Definition] = field(default_factory=dict)
    repeated: dict[str, Line] = field(default_factory=dict)

    def assigned(self, needed: set[str] | None = None) -> Iterator[tuple[Assignment, Line]]:
        """Yield each parameter and function with its line, those of the head first.

        Raises
        ------
        InputError
            If a line cannot be read, and holds one of the `needed` names where these are given.
        """
        for one in self.header:
            assert self.head is not None
            yield one, self.head
        for line in self.lines:
            if line.word in (*_PARAMETERS, *_FUNCTIONS):
                try:
                    found = [_function(line)] if line.word in _FUNCTIONS else assignments(line, line.rest)
                except InputError:
                    if needed is None or needed & identifiers(line.rest):
                        raise
                    continue
                yield from ((one, line) for one in found)

    def subcircuit(self, name: str) -> Definition | None:
        """Return the definition of a name in it; None if there is none.

        Raises
        ------
        InputError
            If there are two.
        """
        if name in self.repeated:
            raise self.repeated[name].refused(f"a second subcircuit {name!r}", "one of them, or other names")
        return self.inner.get(name)

    @property
    def elements(self) -> list[Line]:
        """Its statements other than parameters and functions."""
        return [line for line in self.lines if line.word not in (*_PARAMETERS, *_FUNCTIONS)]

    @property
    def models(self) -> dict[str, Line]:
        """Each ``.model`` by name."""
        return {line.rest.split(None, 1)[0].lower(): line for line in self.lines if line.word == ".model" and line.rest}

    @property
    def text(self) -> str:
        """All that stands in it, for a search for names."""
        own = [f"{one.name}={one.value}" for one in self.header] + [line.text for line in self.lines]
        return " ".join([*own, *(inner.text for inner in self.inner.values())])


def read_definitions(lines: Iterable[Line]) -> Definition:
    """Return the text around all subcircuits, with their definitions in it.

    Raises
    ------
    InputError
        If a definition is broken.
    """
    open_ones = [Definition()]
    skipped: Line | None = None
    for line in lines:
        if skipped is not None:
            skipped = None if line.word == ".endc" else skipped
        elif line.word == ".control":
            if len(open_ones) > 1:
                raise line.refused("commands of ngspice within a subcircuit", "statements of the circuit")
            skipped = line
        elif line.word == ".end":
            break
        elif line.word in (".subckt", ".macro"):
            if len(open_ones) > _DEEPEST:
                raise line.refused(f"more than {_DEEPEST} subcircuits in each other")
            made = _headed(line)
            if made.name in open_ones[-1].inner:
                open_ones[-1].repeated[made.name] = line
            open_ones[-1].inner.setdefault(made.name, made)
            open_ones.append(made)
        elif line.word in (".ends", ".eom"):
            if len(open_ones) == 1:
                raise line.refused("an end without a beginning")
            open_ones.pop()
        else:
            open_ones[-1].lines.append(line)
    if len(open_ones) > 1:
        assert open_ones[-1].head is not None
        raise open_ones[-1].head.refused("no .ends")
    return open_ones[0]


def _headed(line: Line) -> Definition:
    """Return a definition, still empty, from the line that begins it."""
    words = split_words(line, line.rest)
    if not words:
        raise line.refused("a subcircuit without a name")
    plain = [word for word in words if "=" not in word and word.lower() != "params:"]
    if not _NAME.fullmatch(words[0]):
        raise line.refused(f"{words[0]!r} as the name of a subcircuit", "letters, digits, _ and -")
    ports = tuple(word.lower() for word in plain[1:])
    given = [assignments(line, word)[0] for word in words if "=" in word]
    bad = [port for port in ports if not _NET.fullmatch(port)]
    if len(set(ports)) < 2 or bad or len(set(ports)) < len(ports):
        raise line.refused(f"ports {' '.join(ports)!r}", "two or more different names")
    return Definition(words[0].lower(), line, ports, tuple(given))


def _function(line: Line) -> Assignment:
    found = re.fullmatch(r"([A-Za-z_]\w*)\s*\(([^()]*)\)\s*=?\s*(.+)", line.rest)
    if found is None:
        raise line.refused("no .func name(arguments) {expression}")
    names = tuple(a.strip().lower() for a in found.group(2).split(",") if a.strip())
    return Assignment(found.group(1).lower(), names, found.group(3))


class Scope:
    """Parameters and functions of a definition with values given, within those of the definitions around it.

    A parameter may stand before or after those that it refers to. In HSPICE, parameters of the text around all
    subcircuits go before those of the same name within (its ``parhier=global``).

    Parameters
    ----------
    definition : Definition
        The definition.
    dialect : str
        Dialect of the text.
    given : mapping of str to float
        Parameters that are not the defaults.
    outer : Scope, optional
        The scope of the definition around it; None for the text around all.
    needed : set of str, optional
        Names that are evaluated, with those that they refer to; all where not given.

    Raises
    ------
    InputError
        If a parameter cannot be computed, stands twice, or refers to itself; names the line.
    """

    def __init__(
        self,
        definition: Definition,
        dialect: str,
        given: Mapping[str, float],
        outer: Scope | None = None,
        needed: set[str] | None = None,
    ) -> None:
        self.definition, self.dialect, self.outer = definition, dialect, outer
        self.formulas: Formulas = outer.formulas if outer else Formulas()
        self.own: dict[str, Formula] = {}
        self._functions: dict[str, Function] = {}
        self.parameters: dict[str, tuple[str, Line]] = {}
        self.reader = ExpressionReader(dialect, self.values, self.functions, self.formulas, is_law=False)
        for one, line in definition.assigned(needed):
            before = self._functions if one.arguments is not None else self.parameters
            if one.name in before and (needed is None or one.name in needed):
                raise line.refused(f"{one.name!r} for the second time", "one of the two")
            if one.arguments is not None:
                self._functions[one.name] = Function(one.arguments, one.value, self.reader)
            else:
                self.parameters[one.name] = (one.value, line)
        for name in self._order(needed):
            text, line = self.parameters[name]
            self.own[name] = self.formulas.number(self._value(name, text, line, given))

    @property
    def values(self) -> MutableMapping[str, Formula]:
        """Parameters by name, inner ones first."""
        return ChainMap(self.own, *([self.outer.values] if self.outer else []))

    @property
    def functions(self) -> MutableMapping[str, Function]:
        """Functions by name, inner ones first."""
        return ChainMap(self._functions, *([self.outer.functions] if self.outer else []))

    @property
    def scopes(self) -> Iterator[Scope]:
        """The scope itself and those around it."""
        yield self
        if self.outer is not None:
            yield from self.outer.scopes

    def _value(self, name: str, text: str, line: Line, given: Mapping[str, float]) -> float:
        if name in given:
            return given[name]
        outermost = list(self.scopes)[-1]
        if self.dialect == "hspice" and self.outer is not None and name in outermost.own:
            return outermost.own[name].value
        with naming(line):
            return self.reader.number(text)

    def _order(self, needed: set[str] | None) -> Sequence[str]:
        """Return the needed parameters, each after those that it refers to."""
        texts: dict[str, tuple[str, set[str]]] = {
            **{name: (text, {name}) for name, (text, _) in self.parameters.items()},
            **{f"{name}()": (f.text, {*f.arguments, f"{name}()"}) for name, f in self._functions.items()},
        }

        def referred(name: str) -> set[str]:
            text, hidden = texts[name]
            found = identifiers(text)
            return (
                {n for n in found if n in self.parameters} | {f"{n}()" for n in found if n in self._functions}
            ) - hidden

        graph: dict[str, set[str]] = {}
        waiting = list(texts) if needed is None else [n for n in texts if n.removesuffix("()") in needed]
        while waiting:
            if (name := waiting.pop()) not in graph:
                graph[name] = referred(name)
                waiting.extend(graph[name])
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            circle = [str(name) for name in error.args[1]]
            name = min(circle).removesuffix("()")
            line = next(line for one, line in self.definition.assigned(needed) if one.name == name)
            raise line.refused(f"{' <- '.join(circle)}, which refer to each other", "one of them as a number") from None
        return [name for name in order if name in self.parameters]
