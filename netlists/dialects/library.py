"""Subcircuits of ``.lib``, ``.sub``, ``.cir`` and ``.sp`` files in the dialects of others, written for ngspice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from devices.common.errors import InputError
from netlists.dialects.deck import statements
from netlists.dialects.elements import add_statements
from netlists.dialects.output import Output
from netlists.dialects.parser import identifiers
from netlists.dialects.part import Part, nets_of
from netlists.dialects.subcircuits import Definition, Scope, read_definitions

__all__ = ["Library", "read_library"]


@dataclass(frozen=True, kw_only=True)
class Library:
    """One subcircuit of a text.

    Parameters
    ----------
    name, dialect, source : str
        Name of the subcircuit, its dialect, and its source.
    ports : tuple of str
        Ports in lower case.
    parameters : mapping of str to str
        Parameters with their defaults as text, those of ``.param`` lines too, also in the text around it.
    definition : Definition
        The subcircuit.
    surroundings : Definition
        The text around all subcircuits.
    """

    name: str
    dialect: str
    source: str
    ports: tuple[str, ...]
    parameters: Mapping[str, str]
    definition: Definition
    surroundings: Definition

    @property
    def nets(self) -> list[str]:
        """All nets, ports first."""
        inner = [net for line in self.definition.elements if line.text[0] != "." for net in nets_of(line)]
        return list(dict.fromkeys([*self.ports, *inner]))

    def values(self, given: Mapping[str, float]) -> dict[str, float]:
        """Return all parameters as numbers, with some of them given.

        Raises
        ------
        InputError
            If one cannot be computed; names the line.
        """
        return {name: value.value for name, value in self._scope(given).values.items()}

    def _scope(self, given: Mapping[str, float]) -> Scope:
        around, names = self.surroundings, identifiers(self.definition.text)
        while more := [d for name, d in around.inner.items() if name in names and not identifiers(d.text) <= names]:
            names |= {name for definition in more for name in identifiers(definition.text)}
        top = Scope(around, self.dialect, given, needed=names)
        return Scope(self.definition, self.dialect, given, top)

    def _translated(self, given: Mapping[str, float], extra_ports: Sequence[str]) -> tuple[Output, list[str]]:
        """Return the statements for ngspice, and the ports there."""
        output = Output()
        words = [word for line in self.surroundings.elements if line.word == ".global" for word in line.rest.split()]
        ports = {port: output.name("net", port) for port in self.ports}
        shared = {word.lower(): output.name("net", word) for word in words if word.lower() not in ports}
        part = Part(self._scope(given), output, ports, shared)
        add_statements(part)
        output.guesses(part.formulas)
        return output, [*(ports[port] for port in self.ports), *map(part.net, extra_ports)]

    def smallest_capacitance(self, given: Mapping[str, float]) -> float:
        """Return the smallest capacitance [F]; 1 where there is none."""
        output, _ = self._translated(given, [])
        return min(output.capacitances, default=1.0)

    def written(self, given: Mapping[str, float], extra_ports: Sequence[str]) -> list[str]:
        """Return the lines of a subcircuit for ngspice, with all parameters as numbers.

        Parameters
        ----------
        given : mapping of str to float
            Parameters that are not the defaults.
        extra_ports : sequence of str
            Inner nets that become ports after the others.

        Raises
        ------
        InputError
            If a statement cannot be translated; names the line.
        """
        output, ports = self._translated(given, extra_ports)
        return [f".subckt {self.name} {' '.join(ports)}", *output.lines(), f".ends {self.name}"]


def read_library(text: str, name: str, *, dialect: str, source: str) -> Library:
    """Return a subcircuit of a text.

    Raises
    ------
    InputError
        If there is no such subcircuit, or its text is broken.
    """
    around = read_definitions(statements(text, dialect, source))
    found = around.subcircuit(name.lower())
    if found is None:
        known = ", ".join(around.inner) or "there is none"
        raise InputError("name", repr(name), f"a subcircuit of {source}: {known}")
    assert found.head is not None
    grounds = [port for port in found.ports if port in ("0", "gnd!")]
    if grounds:
        raise found.head.refused(f"the port {grounds[0]!r}, which is the ground")
    pairs = [*around.assigned(identifiers(found.text)), *found.assigned()]
    defaults = {one.name: one.value for one, _ in pairs if one.arguments is None}
    return Library(
        name=found.name,
        dialect=dialect,
        source=source,
        ports=found.ports,
        parameters=MappingProxyType(defaults),
        definition=found,
        surroundings=around,
    )
