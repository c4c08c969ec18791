"""`ExternalModule`: a module of Verilog-A that somebody else published, to compare a device of ours with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from devices import Device, InputError, Waveform
from netlists.circuit import GROUND, Circuit, Transient
from netlists.comparison.counterpart import Counterpart, ParameterValue, StateNet, correspondence, text_of
from netlists.dialects.verilog_module import VerilogModule, read_module
from netlists.dialects.verilog_text import STANDARD_FILES
from netlists.engines.waves import Waves

if TYPE_CHECKING:
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

    def run(
        self, device: Device, waveform: Waveform, circuit: Circuit, options: VacaskOptions | None, timeout: float
    ) -> tuple[Waves, VacaskOptions]:
        """Run the module under a waveform; return its vectors and the tolerances."""
        from netlists.dialects.vacask import VacaskOptions
        from netlists.engines.running import first_solved
        from netlists.engines.vacask import run_vacask

        suited = VacaskOptions.suited(circuit)
        chosen = [options] if options else [suited, suited.loosened(1e2), suited.loosened(1e4)]
        return first_solved(
            chosen, lambda attempt: run_vacask(self.text(device, waveform, circuit, attempt), timeout=timeout)
        )

    def shown(self, net: str) -> str:
        """Return the vector of a net that shows a state."""
        return f"v(xsv_{net})".lower() if net in self.module.ports else f"v(xdut.{net})".lower()

    def text(self, device: Device, waveform: Waveform, circuit: Circuit, options: VacaskOptions) -> str:
        """Return the netlist for VACASK with the module in place of the device.

        Raises
        ------
        InputError
            If a variable of the module keeps its value, with the parameters of the device, or an integer is none.
        """
        from netlists.dialects.expressions import real_text
        from netlists.dialects.text import one_line, package_version
        from netlists.dialects.vacask import embedded, option_text, source_text

        module, values = self.module, self.values(device)
        module.check(values)
        top, bottom = device.model.terminals
        nets = {self.ports[top]: "te", self.ports[bottom]: GROUND}
        nets |= {net: f"xsv_{net}" for net, _, _ in self.states.values()}
        connected = " ".join(nets.get(port, f"open_{port}") for port in module.ports)
        given = " ".join(  # OpenVAF writes names in lower case
            f"{name.lower()}={_whole(name, v) if name in module.whole else real_text(v)}" for name, v in values.items()
        )
        assert isinstance(circuit.analysis, Transient)
        step, stop = real_text(circuit.analysis.step), real_text(circuit.analysis.duration)
        lines = [
            f"{module.name} of {one_line(module.source)}, in place of {device.model.name}",
            f"// written by memductance {package_version()}",
            f"ground {GROUND}",
            "model source vsource",
            'load "external.va"',
            f"model external_model {module.name.lower()} {given}".rstrip(),
            f"Vin (te {GROUND}) source {source_text(waveform, options.halvings)}",
            f"Xdut ({connected}) external_model",
            "control",
            "  abort always",
            f"  {option_text(options)}",
            "  save default",
            f"  analysis circuit tran step={step} stop={stop} maxstep={step}",
            "endc",
            *(line for file, text in module.included.items() for line in embedded(file, text)),
            *embedded("external.va", module.text),
        ]
        return "\n".join([*lines, ""])


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
