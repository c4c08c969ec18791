"""Expressions in the SPICE texts of others, read into formulas for ngspice; their meaning is in meanings.py.

Names are the same in upper and lower case. ``1k``, ``1Meg``, ``1u`` are scaled; letters after the scale are ignored.
Braces and quotes within an expression group as brackets do. ``sdt`` and ``idt`` are integrals from a start value, 0
where none is given.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from devices.common.errors import InputError
from netlists.dialects.formula import Formula, Formulas
from netlists.dialects.meanings import FOREIGN_DIALECTS, MEANINGS, PARAMETER_MEANINGS, Meaning
from netlists.dialects.parser import Parser

__all__ = ["FOREIGN_DIALECTS", "ExpressionReader", "Function"]


@dataclass(frozen=True, eq=False)
class Function:
    """A ``.func``: its arguments, its text, and the reader where it stands; None: that of the first call."""

    arguments: Sequence[str]
    text: str
    home: ExpressionReader | None = None


@dataclass(frozen=True, eq=False)
class ExpressionReader:
    """Reads the expressions of one place of a text.

    Parameters
    ----------
    dialect : {"ltspice", "pspice", "ngspice", "hspice", "xyce"}
        Dialect of the text.
    values : mapping of str to Formula
        Values by name, in lower case.
    functions : mapping of str to Function
        Each ``.func``, by name in lower case.
    formulas : Formulas
        Makes the formulas.
    probe : callable, optional
        Returns the formula of a voltage or current, given ``"v"`` or ``"i"`` and names. None: as in the text.
    integral : callable, optional
        Returns the formula of an integral, given that of its rate and its start. None where there are no integrals.
    is_law : bool, optional
        Whether it reads laws, in contrast to parameters.
    calls : dict, optional
        Values of the calls so far.
    depth : int, optional
        Brackets and functions around the place.
    inside : tuple of str, optional
        Functions in whose texts it reads.
    first : ExpressionReader, optional
        The reader outside all functions, where this one reads in the text of one.
    """

    dialect: str
    values: Mapping[str, Formula]
    functions: Mapping[str, Function]
    formulas: Formulas = field(default_factory=Formulas)
    probe: Callable[[str, Sequence[str]], Formula] | None = None
    integral: Callable[[Formula, Formula], Formula] | None = None
    is_law: bool = True
    calls: dict[tuple[object, ...], Formula] = field(default_factory=dict)
    depth: int = 0
    inside: tuple[str, ...] = ()
    first: ExpressionReader | None = None

    @property
    def meaning(self) -> Meaning:
        """Meaning of operators and functions."""
        return (MEANINGS if self.is_law else PARAMETER_MEANINGS)[self.dialect]

    def read(self, text: str) -> Formula:
        """Return an expression.

        Raises
        ------
        InputError
            If the text cannot be translated; names the part.
        """
        parser = Parser(self, text)
        found = parser.choice()
        if parser.sign is not None:
            raise parser.refused(f"{parser.sign!r} after an expression")
        return found

    def number(self, text: str) -> float:
        """Return the value of an expression of numbers, in the meaning of parameters.

        Raises
        ------
        InputError
            If it has no finite value.
        """
        found = replace(self, is_law=False).read(text)
        if found.is_number:
            return found.value
        raise InputError("expression", f"{text.strip()!r} is no finite number here", "a number")

    def call(self, name: str, values: Sequence[Formula]) -> Formula:
        """Return the value of a ``.func``; its arguments hide other names in its own text only."""
        function = self.functions[name]
        key = (id(function), self.is_law, tuple(map(id, values)))
        if key not in self.calls:
            home = function.home or self.first or self
            own = ChainMap(dict(zip(function.arguments, values, strict=True)), dict(home.values))
            inside = replace(
                self,
                values=own,
                functions=home.functions,
                depth=self.depth + 1,
                inside=(*self.inside, name),
                first=self.first or self,
            )
            self.calls[key] = inside.read(function.text)
        return self.calls[key]

    @property
    def may_end_open(self) -> bool:
        """Whether brackets that are still open at the end are closed there, as LTspice does in a ``.func``."""
        return self.dialect == "ltspice" and bool(self.inside)
