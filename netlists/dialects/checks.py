"""Checks of a circuit before it is written: names that every simulator takes, and finite numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from devices import InputError, Waveform
from devices.common.validation import number
from netlists.analyses import DCSweep, Noise, Transient, sources_of
from netlists.circuit import (
    GROUND,
    Capacitor,
    Circuit,
    Element,
    Instance,
    Resistor,
    VoltageSource,
    nets_of,
)

__all__ = ["HELD", "check_circuit", "check_foreign", "check_name"]

#: The way to a circuit in which states are held.
HELD = "crossbar_circuit without waveforms and duration"
_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")
_PATH = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")
_LETTERS = {Resistor: "R", Capacitor: "C", VoltageSource: "V", Instance: "X"}


def check_name(name: object) -> None:
    """Raise `InputError` for something that is no name in all dialects."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError("name", _shown(name), "a letter, then letters, digits and _", "rename it")


def check_circuit(circuit: Circuit, *, ignores_case: bool, part: bool = False) -> None:
    """Raise `InputError` unless every name and every number in a circuit can be written.

    Parameters
    ----------
    circuit : Circuit
        The circuit to be written.
    ignores_case : bool
        Whether the simulator takes ``Ra`` and ``rA`` as the same element; then two such names are refused.
    part : bool, optional
        Whether the circuit is to be extended: its ports may wait, and its analysis is not checked.
    """
    devices, foreign = (d.name for d in circuit.subcircuits), (d.name for d in circuit.foreign)
    definitions = [*devices, *foreign, *(b.name for b in circuit.blocks)]
    for name in definitions:
        check_name(name)
    _check_distinct("definitions", definitions, ignores_case)
    known = set(definitions)
    _check_elements(circuit.elements, (), known, ignores_case)
    for block in circuit.blocks:
        _check_elements(block.elements, block.ports, known, ignores_case)
    for path in (*circuit.observed, *circuit.measured):
        if not isinstance(path, str) or not _PATH.fullmatch(path):
            raise InputError("name", _shown(path), "names of elements, with . between them", "rename it")
    for merged in (circuit.merged, *(block.merged for block in circuit.blocks)):
        _check_words("net", {*merged, *merged.values()}, "[A-Za-z0-9_.]+", "letters, digits, _ and .")
    sources = {e.name: e for e in circuit.elements if isinstance(e, VoltageSource)}
    for name in circuit.measured:
        if name not in sources:
            raise InputError("measured", repr(name), "names of voltage sources outside blocks")
    if not part:
        _check_analysis(circuit, sources)
        _check_ports(circuit)
    _check_present(circuit)


def check_foreign(circuit: Circuit, dialect: str) -> None:
    """Raise `InputError` if a subcircuit that somebody else wrote is in the text of another dialect."""
    for definition in circuit.foreign:
        if definition.dialect != dialect:
            given = f"{definition.name}, which is text of {definition.dialect}"
            raise InputError(
                "circuit", given, f"definitions that can be written for {dialect}", f"engine={definition.dialect!r}"
            )


def _check_analysis(circuit: Circuit, sources: Mapping[str, VoltageSource]) -> None:
    """Check that an analysis fits the circuit."""
    analysis = circuit.analysis
    if isinstance(analysis, Transient):
        for name in ("duration", "step"):
            number(name, getattr(analysis, name), unit="s", minimum=0.0, open_minimum=True)
        return
    kind = type(analysis).__name__
    for definition in circuit.subcircuits:
        if definition.probes:
            given = f"{kind} of a circuit in which states of {definition.name} move"
            raise InputError("analysis", given, "states that are held", HELD)
    for source in sources_of(analysis):
        if source is None or source not in sources:
            raise InputError("analysis", f"{kind} with source {_shown(source)}", f"a source of {_shown(list(sources))}")
        if isinstance(analysis, DCSweep) and isinstance(sources[source].value, Waveform):
            raise InputError("analysis", f"{kind} of {source}, which has a waveform", "sources of constant voltage")
    if isinstance(analysis, Noise):
        nets = {net for element in circuit.elements for net in nets_of(element)}
        if not isinstance(analysis.output, str) or circuit.net(analysis.output) not in nets - {GROUND}:
            raise InputError("output", _shown(analysis.output), "a net of the circuit outside blocks")
        if circuit.measured:
            raise InputError("measured", _shown(circuit.measured), "none: a noise analysis has no currents")


def _check_ports(circuit: Circuit) -> None:
    """Check that a further element is connected to each port."""
    ends = Counter(net for element in circuit.elements for net in nets_of(element)) if circuit.ports else Counter()
    for net in circuit.ports:
        if ends[net] < 2:
            raise InputError("ports", f"net {net}, which nothing is connected to", "an element of yours at each port")


def _check_present(circuit: Circuit) -> None:
    """Check that no element connects a net that is one with another, or leads to a floating terminal only."""
    if not circuit.merged and not circuit.floating:
        return
    used = {net for element in circuit.elements for net in nets_of(element)}
    for net in used & {*circuit.merged, *circuit.floating}:
        if net in circuit.floating:
            given = f"an element at net {net}, which leads to a floating terminal and is left out"
            raise InputError("circuit", given, "nets of the circuit", circuit.floating[net])
        kept = circuit.merged[net]
        given = f"an element at net {net}, which zero resistance makes one with net {kept}"
        raise InputError("circuit", given, "nets of the circuit", f"net {kept}")


def _check_elements(
    elements: Iterable[Element], ports: Iterable[str], definitions: set[str], ignores_case: bool
) -> None:
    """Check all elements of a kind at once, as an array has a million names."""
    kinds: dict[type, list[Any]] = {kind: [] for kind in _LETTERS}
    for element in elements:
        kinds[type(element)].append(element)
    names: list[str] = []
    for kind, letter in _LETTERS.items():
        own = [e.name for e in kinds[kind]]
        _check_words("name", own, f"[{letter}{letter.lower()}][A-Za-z0-9_]*", f"{letter}, then letters, digits and _")
        names += own
    _check_distinct("elements", names, ignores_case)
    nets = set(ports)
    for kind in (Resistor, Capacitor, VoltageSource):
        nets.update([e.plus for e in kinds[kind]], [e.minus for e in kinds[kind]])
    nets.update(net for e in kinds[Instance] for net in e.nets)
    _check_words("net", nets, "[A-Za-z0-9_]+", "letters, digits and _; ground is 0")
    _check_distinct("nets", [*nets, "gnd"], ignores_case)
    resistances = [e.resistance for e in kinds[Resistor]]
    _check_numbers(kinds[Resistor], resistances)
    if not all(resistances):
        name = kinds[Resistor][resistances.index(0)].name
        raise InputError(name, "0 ohm", "another resistance, or one net in place of two [ohm]")
    _check_numbers(kinds[Capacitor], [e.capacitance for e in kinds[Capacitor]])
    still = [e for e in kinds[VoltageSource] if not isinstance(e.value, Waveform)]
    _check_numbers(still, [e.value for e in still])
    for instance in kinds[Instance]:
        if instance.subcircuit not in definitions:
            given = f"{instance.name} of {_shown(instance.subcircuit)}"
            raise InputError("circuit", given, "instances of definitions in the circuit")
        _check_numbers([instance] * len(instance.values), list(instance.values.values()))
    parameters = {name for instance in kinds[Instance] for name in instance.values}
    _check_words("name", parameters, _NAME.pattern, "a letter, then letters, digits and _")


def _check_words(argument: str, words: Collection[Any], pattern: str, allowed: str) -> None:
    """Check that each of `words` matches `pattern`, which has no blank: all at once, one by one where that fails."""
    try:
        joined = " ".join(words)
        if not words or (joined.count(" ") == len(words) - 1 and re.fullmatch(f"{pattern}( {pattern})*", joined)):
            return
    except TypeError:
        pass
    bad = next(w for w in words if not isinstance(w, str) or not re.fullmatch(pattern, w))
    raise InputError(argument, _shown(bad), allowed, "rename it in the circuit")


def _check_distinct(what: str, words: Collection[str], ignores_case: bool) -> None:
    """Check that no two of `words`, which have no blanks, are the same."""
    compared = " ".join(words).lower().split(" ") if ignores_case else list(words)
    if not words or len(set(compared)) == len(words):
        return
    twice = next(word for word, times in Counter(compared).items() if times > 1)
    raise InputError("circuit", f"two {what} named {twice}", "names that differ, also from ground's", "rename one")


def _check_numbers(elements: Sequence[Any], values: Sequence[Any]) -> None:
    try:
        if all(map(math.isfinite, values)):
            return
    except TypeError:
        pass
    for element, value in zip(elements, values, strict=True):
        if not isinstance(value, (int, float, np.number)) or not math.isfinite(value):
            raise InputError(element.name, _shown(value), "a finite number")


def _shown(given: object) -> str:
    """Return a given value in at most 60 printable characters."""
    text = ascii(given)
    return text if len(text) <= 60 else f"{text[:57]}..."
