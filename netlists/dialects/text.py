"""Text that all dialects write in the same way: one-line prose, wrapped values, the header of a device."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from devices import DeviceModel, ParameterSet

__all__ = ["device_notes", "one_line", "package_version", "wrapped"]


def one_line(text: str) -> str:
    """Return `text` in one line, without control characters, and without backslashes, which may continue a line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).replace("\\", "/").split())


def wrapped(items: Iterable[str], lead: str, width: int = 110) -> list[str]:
    """Return lines that begin with `lead` and hold `items`, each of them whole."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(item) < width:
            lines[-1] += f" {item}"
        else:
            lines.append(f"{lead}{item}")
    return lines


def device_notes(model: DeviceModel, given: ParameterSet) -> list[str]:
    """Return the header of a device's text: title, equations, parameter set and sources."""
    inner = () if model.unknown is None else (model.unknown,)
    laws = zip(model.states, model.written.rates, strict=True)
    return [
        f"{model.name}: {model.title}",
        f"i = {model.written.current}",
        *(
            f"0 = {model.written.residual}, for {u.name} [{u.unit}]: {u.meaning}; the voltage of node in_{u.name}"
            for u in inner
        ),
        *(f"d{s.name}/dt = {law} for {s.lower} <= {s.name} <= {s.upper}" for s, law in laws),
        *(f"{p.letter} = {p.law}" for p in model.parts),
        f"parameter set {given.name} ({given.status}): {given.source}",
        *([f"note: {given.note}"] if given.note else []),
        *(f"reference: {r}" for r in model.references),
    ]


def package_version() -> str:
    """Return the version of memductance."""
    try:
        return version("memductance")
    except PackageNotFoundError:
        return "(not installed)"
