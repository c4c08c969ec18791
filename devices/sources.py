"""`citations`: the papers behind what a run used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from devices.cells.device import Device
from devices.common.errors import InputError

__all__ = ["Citation", "Citations", "citations"]


@dataclass(frozen=True)
class Citation:
    """One source.

    Parameters
    ----------
    text : str
        The reference, with its DOI where it has one.
    used_for : tuple of str
        Models, and parameter sets as ``model/set``, that rest on it.
    status : str
        How sure the values of a set are, see `ParameterSet`; empty for a model's equations.
    """

    text: str
    used_for: tuple[str, ...]
    status: str = ""

    def __str__(self) -> str:
        status = f" [{self.status}]" if self.status else ""
        return f"{', '.join(self.used_for)}: {self.text}{status}"


class Citations(tuple[Citation, ...]):
    """Sources in order of use; prints itself as one line for each."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_markdown_(self) -> str:
        return "\n".join(f"- {c}" for c in self)


def citations(*used: Any) -> Citations:
    """Return the sources of what a run used: the models' papers, and those of their parameter values.

    Parameters
    ----------
    *used : Device or Series or Trace or Crossbar
        Devices, or anything that holds devices.

    Returns
    -------
    Citations
        Each source once; of a set, the values that were replaced are named.

    Raises
    ------
    InputError
        If nothing is given, or something that holds no device.

    Examples
    --------
    >>> from devices import device
    >>> citations(device("resistor"))
    resistor: G. S. Ohm, Die galvanische Kette, mathematisch bearbeitet (1827)
    resistor/unit: a round figure of ours; give the values of the cell at hand [ours]
    """
    if not used:
        raise InputError("used", "nothing", "devices, traces or arrays of devices", "citations(trace)")
    found: dict[tuple[str, str], list[str]] = {}
    for thing in used:
        for cell in _devices(thing):
            model, given = cell.model, cell.parameter_set
            for text in model.references:
                found.setdefault((text, ""), []).append(model.name)
            changed = [n for n, a in cell.parameters.items() if not (a == given.values[n]).all()]
            but = f" ({', '.join(changed)} changed)" if changed else ""
            found.setdefault((given.source, given.status), []).append(f"{model.name}/{given.name}{but}")
    return Citations(Citation(text, tuple(dict.fromkeys(names)), status) for (text, status), names in found.items())


def _devices(thing: Any) -> Iterator[Device]:
    """The devices in `thing`: itself, or those of a series, of a trace, of an array, of an array's trace."""
    if isinstance(thing, Device):
        yield thing
        return
    inner = [getattr(thing, name) for name in ("top", "bottom", "device", "crossbar", "cells") if hasattr(thing, name)]
    if not inner:
        raise InputError("used", type(thing).__name__, "a Device, or a trace or an array of devices")
    for part in inner:
        yield from _devices(part)
