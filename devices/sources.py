"""Sources of figures with their status, and `citations`, the sources that a run used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from devices.common.errors import InputError

__all__ = ["STATUSES", "Citation", "Citations", "Status", "citations"]

#: Status of a figure: read in the named source; known from memory; a published program's default; chosen by us.
Status = Literal["seen", "recalled", "code default", "ours"]
STATUSES: tuple[Status, ...] = get_args(Status)
#: Attributes in which objects hold others that have sources.
_PARTS = ("top", "bottom", "device", "crossbar", "cells", "layers", "tiles", "tile", "chip", "preset", "network")


@dataclass(frozen=True)
class Citation:
    """One source.

    Parameters
    ----------
    text : str
        The reference, with its DOI where it has one.
    used_for : tuple of str
        Models, parameter sets as ``model/set``, effects, and figures of chips as ``chip/figure``, that come from it.
    status : str
        Status of the values of a set, see `ParameterSet`; empty for a model's equations.
    """

    text: str
    used_for: tuple[str, ...]
    status: str = ""

    def __str__(self) -> str:
        status = f" [{self.status}]" if self.status else ""
        return f"{', '.join(self.used_for)}: {self.text}{status}"


class Citations(tuple[Citation, ...]):
    """Sources in order of use; printed with one line for each."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(map(str, self))

    def _repr_markdown_(self) -> str:
        return "\n".join(f"- {c}" for c in self)


def citations(*used: Any) -> Citations:
    """Return the sources of a run: papers of models, of their parameter values, of effects and of chips.

    Parameters
    ----------
    *used : Device or DeviceModel or Effect or Recipe or ChipPreset
        Objects that the run used, or that hold these, such as a trace, an array, a network or a chip.

    Returns
    -------
    Citations
        Each source once; the values of a set that were replaced are named.

    Raises
    ------
    InputError
        If nothing is given, or something without a source.

    Examples
    --------
    >>> from devices import device
    >>> citations(device("resistor"))
    resistor: G. S. Ohm, Die galvanische Kette, mathematisch bearbeitet (1827)
    resistor/unit: a round figure of ours; give the values of the cell at hand [ours]
    """
    if not used:
        raise InputError("used", "nothing", "devices, traces, arrays, effects, recipes or chips", "citations(trace)")
    found: dict[tuple[str, str], list[str]] = {}
    for thing in used:
        for cited in _cited(thing):
            found.setdefault((cited.text, cited.status), []).extend(cited.used_for)
    return Citations(Citation(text, tuple(dict.fromkeys(names)), status) for (text, status), names in found.items())


def _cited(thing: Any) -> Iterator[Citation]:
    """Yield the sources of an object, or of the objects that it holds."""
    if hasattr(thing, "cited"):
        yield from thing.cited()
        return
    parts: Iterable[Any] = [getattr(thing, name) for name in _PARTS if hasattr(thing, name)]
    if isinstance(thing, list | tuple):
        parts = thing
    elif not parts:
        allowed = "a device, an effect, a recipe, a chip, or something that holds one"
        raise InputError("used", type(thing).__name__, allowed, "citations(trace)")
    for part in parts:
        yield from _cited(part)
