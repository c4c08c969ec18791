"""Checks of a circuit before it is written: names that every simulator takes, and finite numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from devices import InputError, Waveform
from devices.common.validation import number
from netlists.circuit import Capacitor, Circuit, Element, Instance, Resistor, Transient, VoltageSource

__all__ = ["check_circuit", "check_name"]

_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")
_PATH = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")
_LETTERS = {Resistor: "R", Capacitor: "C", VoltageSource: "V", Instance: "X"}


def check_name(name: object) -> None:
    """Raise `InputError` for something that is no name in all dialects."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError("name", _shown(name), "a letter, then letters, digits and _", "rename it")


def check_circuit(circuit: Circuit, *, ignores_case: bool) -> None:
    """Raise `InputError` unless every name and every number in a circuit can be written.

    Parameters
    ----------
    circuit : Circuit
        The circuit to be written.
    ignores_case : bool
        Whether the simulator takes ``Ra`` and ``rA`` as the same element; then two such names are refused.
    """
    definitions = [*(d.name for d in circuit.subcircuits), *(b.name for b in circuit.blocks)]
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
    if isinstance(circuit.analysis, Transient):
        for name in ("duration", "step"):
            number(name, getattr(circuit.analysis, name), unit="s", minimum=0.0, open_minimum=True)
    sources = {e.name for e in circuit.elements if isinstance(e, VoltageSource)}
    for name in circuit.measured:
        if name not in sources:
            raise InputError("measured", repr(name), "names of voltage sources outside blocks")


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
