"""`DIALECTS`: the simulators that a circuit can be written for; `write_netlist` writes its files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from devices import InputError
from devices.common.validation import choice
from netlists.circuit import Circuit
from netlists.dialects.ltspice import LtspiceOptions, write_ltspice
from netlists.dialects.ngspice import NgspiceOptions, write_ngspice
from netlists.dialects.spectre import SpectreOptions, write_spectre
from netlists.dialects.vacask import VacaskOptions, write_vacask
from netlists.dialects.xyce import XyceOptions, write_xyce

__all__ = ["DIALECTS", "Dialect", "write_netlist"]

_STEM = re.compile("[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The netlists of one simulator.

    Parameters
    ----------
    name : str
        The name by which `write_netlist` takes it.
    title : str
        Name of the simulator.
    suffix : str
        Suffix of the file name.
    command : str
        Command that runs the file, with ``{file}`` for its name.
    options : type
        Class of its tolerances.
    measures : str
        Statements or files that report the measured currents.
    checked : str
        Method by which the text was checked.
    write : callable
        Returns the netlist and the files that it includes, by name.
    """

    name: str
    title: str
    suffix: str
    command: str
    options: type
    measures: str
    checked: str
    write: Callable[[Circuit, Any], tuple[str, Mapping[str, str]]]


def _alone(write: Callable[[Circuit, Any], str]) -> Callable[[Circuit, Any], tuple[str, Mapping[str, str]]]:
    return lambda circuit, options: (write(circuit, options), {})


_GRAMMAR = "against the documented grammar, not run"
#: Every dialect by name.
DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            name="ngspice", title="ngspice", suffix=".cir", command="ngspice -b {file}", options=NgspiceOptions,
            measures="print, meas; all vectors in circuit.raw", checked="run with ngspice 39 and 44",
            write=_alone(write_ngspice),
        ),
        Dialect(
            name="vacask", title="VACASK", suffix=".sim", command="vacask {file}", options=VacaskOptions,
            measures="all vectors in op.raw or tran.raw", checked="run with VACASK 0.3.4",
            write=_alone(write_vacask),
        ),
        Dialect(
            name="xyce", title="Xyce", suffix=".cir", command="Xyce {file}", options=XyceOptions,
            measures=".print, .measure", checked=_GRAMMAR, write=_alone(write_xyce),
        ),
        Dialect(
            name="ltspice", title="LTspice", suffix=".net", command="LTspice -b {file}", options=LtspiceOptions,
            measures=".meas", checked=_GRAMMAR, write=_alone(write_ltspice),
        ),
        Dialect(
            name="spectre", title="Spectre", suffix=".scs", command="spectre -format nutascii {file}",
            options=SpectreOptions, measures="save", checked=_GRAMMAR, write=write_spectre,
        ),
    )
}  # fmt: skip


def write_netlist(
    circuit: Circuit, dialect: str = "ngspice", options: Any = None, *, name: str = "circuit"
) -> dict[str, str]:
    """Return `circuit` as files of one simulator, ready to run: the same text for the same circuit.

    Parameters
    ----------
    circuit : Circuit
        As made by `device_circuit`, `crossbar_circuit` or `tiles_circuit`, perhaps with further elements.
        `Circuit.enclosed` makes an array one block, `Circuit.flat` expands blocks.
    dialect : str, optional
        One of `DIALECTS`.
    options : optional
        Tolerances, of the class that the dialect names; those for reference runs of the circuit where not given.
    name : str, optional
        File name of the netlist without its suffix.

    Returns
    -------
    dict of str to str
        Name and text of each file; the netlist first, then the files that it includes.

    Raises
    ------
    InputError
        If a name or a number cannot be written, a law is outside the vocabulary, or the options are another dialect's.

    Examples
    --------
    >>> from devices import Sine, device
    >>> from netlists import device_circuit
    >>> list(write_netlist(device_circuit(device("vteam"), Sine(1.0, 2e6)), "spectre"))
    ['circuit.scs', 'vteam.va']
    """
    chosen = DIALECTS[choice("dialect", dialect, DIALECTS)]
    if not isinstance(circuit, Circuit):
        raise InputError("circuit", type(circuit).__name__, "a Circuit", "crossbar_circuit(...)")
    if options is not None and not isinstance(options, chosen.options):
        raise InputError("options", type(options).__name__, f"{chosen.options.__name__} for {chosen.title}")
    if not isinstance(name, str) or not _STEM.fullmatch(name):
        raise InputError("name", ascii(name)[:60], "letters, digits, _ and -", "name='circuit'")
    text, included = chosen.write(circuit, options)
    return {f"{name}{chosen.suffix}": text, **included}
