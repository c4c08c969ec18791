"""`ExternalModule`: a module of Verilog-A that somebody else published, to compare a device of ours with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from devices import Device, InputError, Waveform
from netlists.circuit import GROUND, Circuit, Foreign, Instance
from netlists.comparison.counterpart import Counterpart, ParameterValue, StateNet, correspondence, text_of
from netlists.dialects.expressions import real_text
from netlists.dialects.verilog_module import VerilogModule, read_module
from netlists.dialects.verilog_text import STANDARD_FILES
from netlists.engines.running import run_circuit
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.dialects.ngspice import NgspiceOptions
    from netlists.dialects.vacask import VacaskOptions

__all__ = ["ExternalModule", "external_module"]

_INCLUDE = re.compile(r'^\s*`include\s+["<]([^">]+)[">]', re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class ExternalModule(Counterpart):
    """A published module of Verilog-A, and the ports, parameters and states of a device that correspond to its own.

    Made by `external`. OpenVAF compiles its text as it is, and VACASK runs it.

    Parameters
    ----------
    module : VerilogModule
        The module as it was read.
    ports, parameters, states : mapping
        As in `Counterpart`.
    """

    module: VerilogModule
    engine: ClassVar[str] = "vacask"

    @property
    def title(self) -> str:
        """Name of the module and of its source."""
        return f"{self.module.name} of {self.module.source}"

    @property
    def connected(self) -> tuple[str, ...]:
        """Ports of the module."""
        return self.module.ports

    def definition(self, values: Mapping[str, float], name: str) -> Foreign:
        """Return the module as a definition for a `Circuit`, with these parameters.

        Its instances connect the ports of the module in order.

        Raises
        ------
        InputError
            If a variable of the module keeps its value, with these parameters, or an integer is none.
        """
        module = self.module
        module.check(values)
        file = f"external_{hashlib.sha256(module.text.encode()).hexdigest()[:12]}.va"
        given = (  # OpenVAF writes names in lower case
            f"{name.lower()}={_whole(name, v) if name in module.whole else real_text(v)}" for name, v in values.items()
        )
        lines = (f'load "{file}"', " ".join([f"model {name} {module.name.lower()}", *given]))
        return Foreign(name, "vacask", lines, files=MappingProxyType({**module.included, file: module.text}))

    def run(
        self, device: Device, waveform: Waveform, circuit: Circuit, options: VacaskOptions | None, timeout: float
    ) -> tuple[Waves, NgspiceOptions | VacaskOptions]:
        """Run the module under a waveform; return its vectors and the tolerances."""
        definition = self.definition(self.values(device), "external")
        top, bottom = device.model.terminals
        states = {name: f"xsv_{net}" for name, (net, _, _) in self.states.items()}
        nets = self.nets({top: "te", bottom: GROUND}, states, "open_")
        elements = (circuit.elements[0], Instance("Xdut", nets, definition.name, MappingProxyType({})))
        placed = replace(circuit, elements=elements, subcircuits=(), foreign=(definition,))
        return run_circuit(placed, self.engine, options=options, timeout=timeout)


def external_module(
    source: str | Path,
    module: str | None,
    ports: Mapping[str, str],
    parameters: Mapping[str, ParameterValue] | None,
    states: Mapping[str, StateNet] | None,
) -> ExternalModule:
    """Wrap a module of Verilog-A; the arguments and errors are those of `external`."""
    text, place = text_of(source)
    included = _included(text, None if place == "a text" else Path(source).parent)
    read = read_module(text, module, place, included)
    known = (read.ports, read.nets, read.parameters)
    found = ExternalModule(module=read, **correspondence(ports, parameters, states, known))
    read.check({name: value for name, value in found.parameters.items() if not isinstance(value, str)})
    return found


def _included(text: str, folder: Path | None) -> dict[str, str]:
    """Return the texts of the files beside a file that it includes, and that those include."""
    found: dict[str, str] = {}
    waiting = _INCLUDE.findall(text)
    while waiting and folder is not None:
        name = waiting.pop()
        if name in STANDARD_FILES or name in found or not (folder / name).is_file():
            continue
        found[name] = text_of(folder / name)[0]
        waiting += _INCLUDE.findall(found[name])
    return found


def _whole(name: str, value: float) -> str:
    if not float(value).is_integer():
        raise InputError(f"parameters[{name!r}]", f"{value:g}", "an integer, as the module declares it")
    return str(int(value))
