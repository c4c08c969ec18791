"""`Output`: the lines of a subcircuit for ngspice, as its parts add them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from devices.common.errors import InputError
from netlists.dialects.expressions import number_text

__all__ = ["Output"]

_MOST = 5_000  # elements


@dataclass(frozen=True)
class _Branch:
    key: str
    name: str
    plus: str
    rest: str


class Output:
    """Lines of a subcircuit for ngspice: branches, some with an ammeter in them, and other statements."""

    def __init__(self) -> None:
        self.capacitances: list[float] = []
        self._branches: list[_Branch] = []
        self._others: list[str] = []
        self._ammeters: dict[str, tuple[str, str]] = {}
        self._taken: dict[str, set[str]] = {"net": {"0", "gnd"}, "element": set()}

    def name(self, kind: str, text: str) -> str:
        """Return a name that no other net or element has, of letters, digits and _."""
        name = re.sub(r"\W", "_", text.lower(), flags=re.ASCII)
        while name in self._taken[kind]:
            name += "_"
        self._taken[kind].add(name)
        return name

    def branch(self, key: str, name: str, plus: str, rest: str) -> None:
        """Add an element from a net on; `rest` is its line after that."""
        if len(self._branches) >= _MOST:
            raise InputError("elements", f"more than {_MOST} elements", f"<= {_MOST}", "fewer instances")
        self._branches.append(_Branch(key, name, plus, rest))

    def other(self, line: str) -> None:
        """Add another line."""
        self._others.append(line)

    def capacitor(self, net: str, farads: float, start: float) -> None:
        """Add a capacitor to ground that holds a state, and its start."""
        self.branch("", self.name("element", f"c{net}"), net, f"0 {number_text(farads)}")
        self.other(f".ic v({net})={number_text(start)}")
        self.capacitances.append(farads)

    def ammeter(self, key: str) -> str:
        """Return the name of the source whose current is that of an element."""
        if key not in self._ammeters:
            self._ammeters[key] = self.name("element", f"vi_{key}"), self.name("net", f"vi_{key}")
        return self._ammeters[key][0]

    def lines(self) -> list[str]:
        """Return all lines."""
        found: list[str] = []
        for branch in self._branches:
            plus = branch.plus
            if branch.key in self._ammeters:
                source, plus = self._ammeters[branch.key]
                found.append(f"{source} {branch.plus} {plus} 0")
            found.append(f"{branch.name} {plus} {branch.rest}")
        return [*found, *self._others]
