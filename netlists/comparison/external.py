"""`external`: a model that somebody else published, in SPICE or in Verilog-A, to compare a device of ours with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from devices import Device, InputError, Waveform
from devices.common.validation import choice
from netlists.circuit import GROUND, Circuit, Foreign, Transient
from netlists.comparison.counterpart import Counterpart, ParameterValue, StateNet, correspondence, text_of
from netlists.comparison.external_module import ExternalModule, external_module
from netlists.dialects.foreign import FOREIGN_DIALECTS
from netlists.dialects.library import Library, read_library
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.dialects.ngspice import NgspiceOptions

__all__ = ["External", "external"]


@dataclass(frozen=True, kw_only=True)
class External(Counterpart):
    """A published subcircuit of SPICE, and the ports, parameters and states of a device that correspond to its own.

    Made by `external`. The text is translated for ngspice, with all parameters as numbers.

    Parameters
    ----------
    library : Library
        The subcircuit as it was read.
    ports, parameters, states : mapping
        As in `Counterpart`.
    """

    library: Library

    engine: ClassVar[str] = "ngspice"

    @property
    def title(self) -> str:
        """Name of the subcircuit and of its source."""
        return f"{self.library.name} of {self.library.source}"

    def definition(self, values: Mapping[str, float], name: str | None = None) -> Foreign:
        """Return the subcircuit as a definition for a `Circuit`, with these parameters.

        Its instances connect the ports of the library in order, then the inner nets that show states.

        Raises
        ------
        InputError
            If a part of the subcircuit cannot be translated; names the line.
        """
        library, called = self.library, self.library.name if name is None else name
        head, *body, _ = library.written(values, extra_ports=self.connected[len(library.ports) :])
        ports = head.split()[2:]
        # The span of a state that is not named is unknown: a flux or charge may be microvolts on 1 F.
        least = min((abs(high - low) for _, low, high in self.states.values()), default=1e-6)
        lines = (f".subckt {called} {' '.join(ports)}", *body, f".ends {called}")
        return Foreign(called, "ngspice", lines, library.smallest_capacitance(values) * least)

    @property
    def connected(self) -> tuple[str, ...]:
        """Ports, and inner nets that show a state, without a port of their own."""
        ports = self.library.ports
        return (*ports, *(net for net, _, _ in self.states.values() if net not in ports))

    def text(self, device: Device, waveform: Waveform, circuit: Circuit, options: NgspiceOptions) -> str:
        """Return the netlist for ngspice with the subcircuit in place of the device.

        Raises
        ------
        InputError
            If a part of the subcircuit cannot be translated; names the line.
        """
        from netlists.dialects.expressions import number_text
        from netlists.dialects.ngspice import source_text
        from netlists.dialects.text import one_line, package_version

        top, bottom = device.model.terminals
        library, definition = self.library, self.definition(self.values(device))
        states = {name: f"xsv_{net}" for name, (net, _, _) in self.states.items()}
        nets = self.nets({top: "te", bottom: GROUND}, states, "open_")
        assert isinstance(circuit.analysis, Transient)
        step, stop = number_text(circuit.analysis.step), number_text(circuit.analysis.duration)
        lines = [
            f"* {library.name} of {one_line(library.source)} ({library.dialect}), in place of {device.model.name}",
            f"* translated by memductance {package_version()}",
            *definition.lines,
            f"Vin te 0 {source_text(waveform)}",
            f"Xdut {' '.join(nets)} {library.name}",
            *(f".options {name}={value}" for name, value in options.items()),
            f".tran {step} {stop} 0 {step}",
            ".end",
            "",
        ]
        return "\n".join(lines)

    def run(
        self, device: Device, waveform: Waveform, circuit: Circuit, options: NgspiceOptions | None, timeout: float
    ) -> tuple[Waves, NgspiceOptions]:
        """Run the subcircuit under a waveform; return its vectors and the tolerances."""
        from netlists.dialects.ngspice import NgspiceOptions
        from netlists.engines.ngspice import run_ngspice

        chosen = options or NgspiceOptions(chgtol=self.definition(self.values(device)).charge)
        return run_ngspice(self.text(device, waveform, circuit, chosen), timeout=timeout), chosen


def external(
    source: str | Path,
    *,
    name: str | None = None,
    module: str | None = None,
    ports: Mapping[str, str],
    parameters: Mapping[str, ParameterValue] | None = None,
    states: Mapping[str, StateNet] | None = None,
    dialect: str = "ltspice",
) -> External | ExternalModule:
    """Wrap a published model, for ``crosscheck(device, waveform, against=...)``.

    A subcircuit of SPICE is read in its dialect and translated for ngspice: elements R, C, L, V, I, B, E, F, G, H, D,
    S, W and X, ``.param``, ``.func``, ``.model``, ``.ic``, subcircuits inside and beside, and expressions with the
    meaning that they have in the dialect (`netlists.dialects.meanings`). Anything else in the subcircuit is refused
    with its line.

    A module of Verilog-A is compiled by OpenVAF and run in VACASK as it is. What they do not run, or would run with
    another meaning, is refused with its line: random numbers, events but ``initial_step`` and ``final_step``, filters,
    ``idtmod``, and variables that keep a value from one evaluation to the next.

    Parameters
    ----------
    source : str or path
        A file in UTF-8, UTF-16 or the code page 1252, or the text itself in more than one line.
    name : str, optional
        Name of the subcircuit.
    module : str, optional
        Name of the module; for a file that ends in ``.va`` or ``.vams``, the only one in it where not given.
    ports : mapping of str to str
        Port of the model for each terminal of our device: ``{"te": "plus", "be": "minus"}``. Others stay open.
    parameters : mapping of str to str or float, optional
        Value of each parameter: the name of a parameter of our device, the name of a state of it for its start, or a
        number. Parameters that are not named keep their defaults.
    states : mapping of str to str or (str, float, float), optional
        Port or inner net whose voltage shows a state of our device: as position between the state's bounds, 0 to 1 V,
        or with the voltages at the lower and the upper bound. States that are not named are not compared.
    dialect : {"ltspice", "pspice", "ngspice", "hspice", "xyce"}, optional
        Dialect of the text.

    Returns
    -------
    External or ExternalModule
        The argument `against` of `crosscheck`, which runs it in ngspice or VACASK.

    Raises
    ------
    InputError
        If the file cannot be read, has no such subcircuit, module, port, net or parameter, or holds something that
        cannot be translated; names the line.

    Examples
    --------
    >>> from devices import Sine, device
    >>> from netlists import crosscheck
    >>> text = '''.subckt ohm plus minus R=1k
    ... G1 plus minus value={V(plus,minus)/R}
    ... .ends'''
    >>> theirs = external(text, name="ohm", ports={"te": "plus", "be": "minus"}, parameters={"R": "r"})
    >>> crosscheck(device("resistor"), Sine(1.0, 1e3), against=theirs).worst < 1e-9
    True
    """
    is_text = isinstance(source, str) and "\n" in source
    if module is not None or (not is_text and Path(source).suffix in (".va", ".vams")):
        if name is not None:
            raise InputError("name", repr(name), "None for Verilog-A", "module=...")
        return external_module(source, module, ports, parameters, states)
    if name is None:
        raise InputError("name", "None", "the name of a subcircuit", 'name="memristor", or module=... for Verilog-A')
    choice("dialect", dialect, FOREIGN_DIALECTS)
    text, place = text_of(source)
    library = read_library(text, name, dialect=dialect, source=place)
    known = (library.ports, library.nets, library.parameters)
    found = External(library=library, **correspondence(ports, parameters, states, known, str.lower))
    numbers = {k: v for k, v in found.parameters.items() if not isinstance(v, str)}
    library.written(numbers, extra_ports=[])  # raises here, and not in a run, where a statement cannot be translated
    return found
