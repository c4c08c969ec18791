"""Circuits of PySpice for which a simulator would return wrong numbers without a word.

It returns 0 V for a net that nothing holds, and does not start from the given states at rest.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from devices import InputError
from netlists.circuit import GROUND, Circuit, nets_of
from netlists.dialects.checks import HELD

__all__ = ["Origin", "check_connected", "check_held"]

#: Letters of elements that conduct no current alone: a net that only one of them connects floats.
_PASSIVE = frozenset("RCLIFGDMQJZSWT")
#: Number of first pins of elements whose further pins only measure.
_DRIVING = {"E": 2, "G": 2, "S": 2}
_MEASURED = re.compile(r"\bv\(\s*([\w.]+)\s*(?:,\s*([\w.]+)\s*)?\)", re.IGNORECASE)


@dataclass(frozen=True)
class Origin:
    """The circuit of ours that a circuit of PySpice was made from.

    Parameters
    ----------
    elements : frozenset of str
        Names of its elements.
    nets : frozenset of str
        Nets that they connect, ports left out.
    ports : tuple of str
        Nets that wait for an element.
    gone : mapping of str to (str, str)
        Why a net is not in the circuit, and what to use in its place.
    moving : tuple of str
        Names of the devices whose states move, as they may in a transient only.
    text : str
        Definitions and options, as raw SPICE text.
    """

    elements: frozenset[str]
    nets: frozenset[str]
    ports: tuple[str, ...]
    gone: Mapping[str, tuple[str, str]]
    moving: tuple[str, ...]
    text: str

    @classmethod
    def of(cls, circuit: Circuit, text: str) -> Origin:
        """Return what is to be remembered of a circuit without blocks."""
        ports = tuple(net.lower() for net in circuit.ports)
        gone = {
            net.lower(): (f"zero resistance makes it one with net {kept}", f"net {kept}")
            for net, kept in circuit.merged.items()
        }
        for net, fix in circuit.floating.items():
            gone[net.lower()] = ("it leads to a floating terminal and is left out", fix)
        return cls(
            frozenset(e.name.lower() for e in circuit.elements),
            frozenset(net.lower() for e in circuit.elements for net in nets_of(e)).difference(ports),
            ports,
            gone,
            tuple(definition.name for definition in circuit.subcircuits if definition.probes),
            text,
        )


def check_connected(circuit: Any, held_outside: frozenset[str] = frozenset()) -> None:
    """Raise `InputError`, naming the net, where a net of a circuit of PySpice floats.

    That is a port of an array which has no further element; a net of the array that is not in the circuit, because it
    leads to a floating terminal or is one with another; a net that one resistor, capacitor, inductor, current source or
    transistor alone connects; and one that is only measured. Words in raw SPICE text count as connections, and global
    nodes as held.

    Parameters
    ----------
    circuit : PySpice.Spice.Netlist.Circuit or SubCircuit
        The circuit; its subcircuits are checked too.
    held_outside : frozenset of str, optional
        Global nodes of the circuit around it.
    """
    held_outside |= {str(net).lower() for net in getattr(circuit, "_global_nodes", ())}
    waiting = {}
    for subcircuit in circuit.subcircuits:
        check_connected(subcircuit, held_outside)
        origin = getattr(subcircuit, "memductance_origin", None)
        if origin is not None:
            waiting[str(subcircuit.name).lower()] = str(subcircuit.name)
    origin = getattr(circuit, "memductance_origin", None)
    own = frozenset() if origin is None else origin.elements
    outside = held_outside | {str(net).lower() for net in getattr(circuit, "external_nodes", ())}
    raw = str(circuit.raw_spice)
    words = _words(raw.replace(origin.text, "") if origin is not None else raw)
    held: dict[str, list[str]] = defaultdict(list)  # elements that conduct at a net
    measured: dict[str, list[str]] = defaultdict(list)  # elements that only measure there
    for element in circuit.elements:
        if not element.enabled:
            continue
        name = str(element.name)
        if origin is not None and name.lower() not in own:
            _check_present(origin.gone, element)
        pins = [str(net).lower() for net in element.nodes]
        driving = _DRIVING.get(name[0].upper(), len(pins))
        for net in pins[:driving]:
            held[net].append(name)
        for net in (*pins[driving:], *_measured(element)):
            measured[net].append(name)
    ports = () if origin is None else tuple(net for net in origin.ports if net not in outside)
    inside = frozenset() if origin is None else origin.nets
    for net in dict.fromkeys([*ports, *held, *measured]):
        if net in {GROUND, "gnd"} | outside | words:
            continue
        others = [name for name in (*held[net], *measured[net]) if name.lower() not in own]
        if net in ports and not others:
            raise _floats(net, "a port that nothing is connected to", "an element of yours at each port")
        if net in inside or len(held[net]) > 1:
            continue
        if not held[net]:
            raise _floats(net, f"which {measured[net][0]} measures and nothing drives")
        (name,) = held[net]
        if name[0].upper() in _PASSIVE:
            raise _floats(net, f"which nothing but {name} is connected to")
        if name[0].upper() == "X" and len(others) == 1 and _subcircuit(circuit.element(name)) in waiting:
            raise _floats(net, f"which nothing but {name} is connected to", "an element at each port of an array")


def check_held(circuit: Any) -> None:
    """Raise `InputError` where states of a device of ours move, which an analysis at rest does not hold at their start.

    Parameters
    ----------
    circuit : PySpice.Spice.Netlist.Circuit
        The circuit, with its subcircuits.
    """
    for part in (circuit, *circuit.subcircuits):
        origin = getattr(part, "memductance_origin", None)
        if origin is not None and origin.moving:
            given = f"an analysis at rest of a circuit in which states of {origin.moving[0]} move"
            raise InputError("analysis", given, "a Transient, or states that are held", HELD)


def _floats(net: str, why: str, allowed: str = "nets that two elements share") -> InputError:
    return InputError("circuit", f"net {net}, {why}", allowed)


def _check_present(gone: Mapping[str, tuple[str, str]], element: Any) -> None:
    """Raise `InputError` where an element of the user connects a net that the array does not have."""
    for net in (*(str(net).lower() for net in element.nodes), *_measured(element)):
        if net in gone:
            why, fix = gone[net]
            raise InputError("circuit", f"{element.name} at net {net}: {why}", "nets of the circuit", fix)


def _measured(element: Any) -> Iterable[str]:
    """Return the nets whose potentials an element's expression reads."""
    if str(element.name)[0].upper() not in "BEG" and not type(element).__name__.startswith("Behavioral"):
        return []
    return [net.lower() for pair in _MEASURED.findall(str(element)) for net in pair if net]


def _subcircuit(element: Any) -> str:
    """Return the name of the definition that an instance is of."""
    return str(getattr(element, "subcircuit_name", "")).lower()


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w.]+", text.lower()))
