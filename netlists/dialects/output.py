"""`Output`: the lines of a subcircuit for ngspice, as its parts add them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from devices.common.errors import InputError
from netlists.dialects.expressions import number_text
from netlists.dialects.formula import Formula, Formulas

__all__ = ["Output"]

_MOST = 5_000  # elements


@dataclass(frozen=True)
class _Branch:
    key: str
    name: str
    plus: str
    rest: str


def difference(text: str, values: Mapping[str, float]) -> float:
    """Return the value of ``v(a,b)`` from those of ``v(a)`` and ``v(b)``."""
    plus, minus = text[2:-1].split(",")
    return values.get(f"v({plus})", 0.0) - values.get(f"v({minus})", 0.0)


class Output:
    """Lines of a subcircuit for ngspice: branches, some with an ammeter in them, and other statements."""

    def __init__(self) -> None:
        self.capacitances: list[float] = []
        self.starts: dict[str, float] = {}
        self._branches: list[_Branch] = []
        self._others: list[str] = []
        self._parts: dict[Formula, Formula] = {}
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
        self.start(net, start)
        self.capacitances.append(farads)

    def start(self, net: str, volts: float) -> None:
        """Add the voltage at which a net starts."""
        self.starts[net] = volts
        self.other(f".ic v({net})={number_text(volts)}")

    def part(self, law: Formula) -> Formula:
        """Return the voltage of a net that has the value of a law."""
        if law not in self._parts:
            net = self.name("net", "part")
            self.branch("", self.name("element", f"b{net}"), net, f"0 V = {law.written()}")
            self._parts[law] = Formula("probe", text=f"v({net})")
        return self._parts[law]

    def guesses(self, formulas: Formulas) -> None:
        """Add the values at rest of the nets that `part` made, from which the simulator begins."""
        values = {f"v({net})": volts for net, volts in self.starts.items()}
        for law, net in self._parts.items():
            values |= {p: difference(p, values) for p in law.probes if "," in p}
            if (found := formulas.at(law, values)).is_number:
                values[net.text] = found.value
                self.other(f".nodeset {net.text}={number_text(found.value)}")

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
