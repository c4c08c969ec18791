"""`shrink`: from a circuit that fails to the smallest one that fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from netlists.campaign.case import FLOATS, OPEN, Case

__all__ = ["shrink"]


def shrink(case: Case, fails: Callable[[Case], bool], *, tries: int = 200) -> tuple[Case, int]:
    """Return the smallest circuit found that still fails, and the number of circuits tried.

    The search is greedy: of the simpler neighbours of a case, those with the largest change first, the first one that
    fails takes its place, until none of them fails.

    Parameters
    ----------
    case : Case
        A case that fails.
    fails : callable
        Returns whether a case fails in the same way; a case that cannot be built does not.
    tries : int, optional
        Most calls of `fails`.
    """
    tried = 0
    seen = {case.to_json()}
    search = True
    while search:
        search = False
        for simpler in _simpler(case):
            text = simpler.to_json()
            if text in seen:
                continue
            if tried == tries:
                return case, tried
            seen.add(text)
            tried += 1
            if fails(simpler):
                case, search = simpler, True
                break
    return case, tried


def _simpler(case: Case) -> Iterator[Case]:
    """Yield simpler cases: smaller, with fewer devices, faults, wires and terminals, shorter, with rounder numbers."""
    yield from _smaller(case)
    yield from _fewer_devices(case)
    yield from _plainer_wires(case)
    yield from _plainer_terminals(case)
    yield from _default_values(case)
    yield from _shorter(case)
    yield from _rounder(case)


def _smaller(case: Case) -> Iterator[Case]:
    if case.shape is None:
        return
    rows, columns = (list(range(n)) for n in case.shape)
    for lines, chosen in ((rows, lambda k: (k, columns)), (columns, lambda k: (rows, k))):
        size = len(lines)
        part = size // 2
        while part:
            for start in range(0, size, part):
                kept = lines[:start] + lines[start + part :]
                if kept:
                    yield case.select(*chosen(kept))
            part //= 2


def _fewer_devices(case: Case) -> Iterator[Case]:
    if len(case.parts) > 1:
        top, bottom = case.parts  # gates belong to the bottom one
        yield replace(case, parts=[top], gate=None, bulk=0.0)
        yield replace(case, parts=[bottom])


def _plainer_wires(case: Case) -> Iterator[Case]:
    wires = case.wires
    if wires:
        yield replace(case, wires={})
    for name, given in wires.items():
        rest = {n: v for n, v in wires.items() if n != name}
        if given:
            yield replace(case, wires=rest)
        if name == "shorts":
            for k in range(len(given)):
                yield replace(case, wires={**rest, name: given[:k] + given[k + 1 :]})
        elif isinstance(given, list):
            numbers = [v for v in _flat(given) if v != OPEN]
            if numbers:
                yield replace(case, wires={**rest, name: numbers[0]})
            if len(numbers) < len(list(_flat(given))):
                yield replace(case, wires={**rest, name: _mapped(given, lambda v: 0.0 if v == OPEN else v)})
            yield replace(case, wires={**rest, name: _mapped(given, lambda v: v if v == OPEN else 0.0)})


def _plainer_terminals(case: Case) -> Iterator[Case]:
    if case.bias is None:
        return
    for side in case.bias:
        if len(case.bias) > 1:
            yield replace(case, bias={s: p for s, p in case.bias.items() if s != side})
    for side, given in case.bias.items():
        for k, potential in enumerate(given):
            for plain in (FLOATS, 0.0, *([_level(potential)] if isinstance(potential, Mapping) else [])):
                if potential not in (FLOATS, plain):
                    yield replace(case, bias={**case.bias, side: [*given[:k], plain, *given[k + 1 :]]})


def _level(wave: Mapping[str, Any]) -> float:
    """Return a constant potential as large as a waveform."""
    given = wave["amplitude" if "amplitude" in wave else "voltage"]
    return given[0] if isinstance(given, list) else float(given)


def _shorter(case: Case) -> Iterator[Case]:
    if case.waveform is not None:
        for wave in _shorter_waves(case.waveform):
            yield replace(case, waveform=wave)
    elif case.bias is not None and case.duration is not None:
        still = not any(isinstance(p, Mapping) for p in case.potentials)
        if still:
            yield replace(case, duration=None, step=None, tolerance=None)
        if case.step is not None and case.duration > 8 * case.step:
            yield replace(case, duration=case.duration / 2)
        for old in {str(p): p for p in case.potentials if isinstance(p, Mapping)}.values():
            for wave in _shorter_waves(old):
                yield replace(case, bias={s: [wave if p == old else p for p in g] for s, g in case.bias.items()})


def _shorter_waves(wave: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if wave.get("count", 1) > 1:
        yield {**wave, "count": wave["count"] // 2}
    for name in ("offset", "phase", "base"):
        if wave.get(name, 0.0) != 0.0:
            yield {**wave, name: 0.0}
    if wave["kind"] == "Samples" and len(wave["time"]) > 2:
        for k in range(1, len(wave["time"])):
            yield {**wave, **{n: wave[n][:k] + wave[n][k + 1 :] for n in ("time", "voltage")}}


def _default_values(case: Case) -> Iterator[Case]:
    for k, part in enumerate(case.parts):
        for names in ([*part["values"]], *([name] for name in part["values"])):
            values = {n: v for n, v in part["values"].items() if n not in names}
            parts = [*case.parts[:k], {**part, "values": values}, *case.parts[k + 1 :]]
            yield replace(case, parts=parts)
    if case.gate is not None and set(case.gate) != {1.0}:
        yield replace(case, gate=[1.0] * len(case.gate), bulk=0.0)


def _rounder(case: Case) -> Iterator[Case]:
    for digits in (1, 3):

        def rounded(value: Any, digits: int = digits) -> Any:
            return float(f"{value:.{digits}g}") if isinstance(value, float) else value

        changes: dict[str, Any] = {
            name: _mapped(getattr(case, name), rounded) for name in ("conductance", "voltage", "bias", "wires", "gate")
        }
        parts = [{**p, "values": _mapped(p["values"], rounded)} for p in case.parts]
        yield replace(case, **changes, parts=parts)
        for name, value in (*changes.items(), ("parts", parts)):
            yield replace(case, **{name: value})


def _flat(values: Any) -> Iterator[Any]:
    if isinstance(values, list):
        for value in values:
            yield from _flat(value)
    else:
        yield values


def _mapped(values: Any, change: Callable[[Any], Any]) -> Any:
    """Return nested lists and mappings with `change` applied to every value."""
    if isinstance(values, list):
        return [_mapped(v, change) for v in values]
    if isinstance(values, Mapping):
        return {n: _mapped(v, change) for n, v in values.items()}
    return change(values)
