"""`External`: a subcircuit that somebody else published, to compare a device of ours with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from devices import Device, InputError, Waveform
from devices.common.validation import choice, number
from netlists.circuit import GROUND, Circuit, Foreign, Transient
from netlists.comparison.comparison import Comparison
from netlists.comparison.device import compare_device
from netlists.dialects.deck import decoded
from netlists.dialects.foreign import FOREIGN_DIALECTS
from netlists.dialects.library import Library, read_library
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.dialects.ngspice import NgspiceOptions

__all__ = ["External", "external"]

ParameterValue = str | float
_State = str | tuple[str, float, float]


@dataclass(frozen=True, kw_only=True)
class External:
    """A published subcircuit, and the ports, parameters and states of a device that correspond to its own.

    Made by `external`. The text is translated for ngspice, with all parameters as numbers.

    Parameters
    ----------
    library : Library
        The subcircuit as it was read.
    ports : mapping of str to str
        Port of the subcircuit for each terminal of the device.
    parameters : mapping of str to str or float
        Value of each parameter: the name of a parameter of the device, or of a state for its start; or a number.
    states : mapping of str to (str, float, float)
        Port or inner net that shows each state of the device, and the voltages at its lower and upper bound.
    """

    library: Library
    ports: Mapping[str, str]
    parameters: Mapping[str, ParameterValue]
    states: Mapping[str, tuple[str, float, float]]

    def values(self, device: Device) -> dict[str, float]:
        """Return the parameters for a device of ours; those that are not mapped keep their defaults.

        Raises
        ------
        InputError
            If a name is none of the device's.
        """
        known = {name: float(value) for name, value in {**device.parameters, **device.initial}.items()}
        return {
            theirs: known[choice("parameters", ours, known)] if isinstance(ours, str) else float(ours)
            for theirs, ours in self.parameters.items()
        }

    def definition(self, values: Mapping[str, float], name: str | None = None) -> Foreign:
        """Return the subcircuit as a definition for a `Circuit`, with these parameters.

        Its instances connect the ports of the library in order, then the inner nets that show states.

        Raises
        ------
        InputError
            If a part of the subcircuit cannot be translated; names the line.
        """
        library, called = self.library, self.library.name if name is None else name
        head, *body, _ = library.written(values, extra_ports=self.inner)
        ports = head.split()[2:]
        # The span of a state that is not named is unknown: a flux or charge may be microvolts on 1 F.
        least = min((abs(high - low) for _, low, high in self.states.values()), default=1e-6)
        lines = (f".subckt {called} {' '.join(ports)}", *body, f".ends {called}")
        return Foreign(called, "ngspice", lines, library.smallest_capacitance(values) * least)

    @property
    def inner(self) -> list[str]:
        """Inner nets that show a state, without a port of their own."""
        return [net for net, _, _ in self.states.values() if net not in self.library.ports]

    def nets(self, terminals: Mapping[str, str], states: Mapping[str, str], prefix: str) -> tuple[str, ...]:
        """Return the nets of an instance, given those at our terminals and for our states; open ports get `prefix`.

        Raises
        ------
        InputError
            If a terminal has no port.
        """
        missing = [terminal for terminal in terminals if terminal not in self.ports]
        if missing:
            raise InputError("ports", f"none for {', '.join(missing)}", "a port for each terminal of the device")
        known = {self.ports[terminal]: net for terminal, net in terminals.items()}
        known |= {net: states[name] for name, (net, _, _) in self.states.items()}
        return tuple(known.get(port, f"{prefix}{port}") for port in (*self.library.ports, *self.inner))

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

    def comparison(self, device: Device, waveform: Waveform, circuit: Circuit) -> Comparison:
        """Return the comparison of a device of ours with the subcircuit; for `netlists.crosscheck`."""
        from netlists.dialects.ngspice import NgspiceOptions
        from netlists.engines.ngspice import run_ngspice

        for name in self.states:
            choice("states", name, [s.name for s in device.model.states])
        self.nets(dict.fromkeys(device.model.terminals, GROUND), dict.fromkeys(self.states, GROUND), "")
        charge = self.definition(self.values(device)).charge

        def run(circuit: Circuit, engine: str, options: Any, timeout: float) -> tuple[Waves, Any]:
            if engine != "ngspice":
                raise InputError("engine", repr(engine), "'ngspice' with against=...", "engine='ngspice'")
            if not isinstance(options, NgspiceOptions | None):
                raise InputError("options", type(options).__name__, "NgspiceOptions with against=...")
            chosen = options or NgspiceOptions(chgtol=charge)
            return run_ngspice(self.text(device, waveform, circuit, chosen), timeout=timeout), chosen

        def compare(circuit: Circuit, waves: Waves, tolerance: float) -> dict[str, Any]:
            shares = {
                name: (waves[f"v(xsv_{net})"] - low) / (high - low) for name, (net, low, high) in self.states.items()
            }
            return compare_device(device, waveform, waves, shares, tolerance)

        title = f"{circuit.title}, against {self.library.name} of {self.library.source}"
        return Comparison(title=title, circuit=circuit, tolerance=1e-11, run=run, compare=compare)

    #: The former name of `comparison`.
    case = comparison


def external(
    source: str | Path,
    *,
    name: str,
    ports: Mapping[str, str],
    parameters: Mapping[str, ParameterValue] | None = None,
    states: Mapping[str, _State] | None = None,
    dialect: str = "ltspice",
) -> External:
    """Wrap a published subcircuit, for ``crosscheck(device, waveform, against=...)``.

    The text is read in its dialect and translated for ngspice: elements R, C, L, V, I, B, E, F, G, H, D, S, W and X,
    ``.param``, ``.func``, ``.model``, ``.ic``, subcircuits inside and beside, and expressions with the meaning that
    they have in the dialect (`netlists.dialects.meanings`). Anything else in the subcircuit is refused with its line.

    Parameters
    ----------
    source : str or path
        A file in UTF-8, UTF-16 or the code page 1252, or the text itself in more than one line.
    name : str
        Name of the subcircuit.
    ports : mapping of str to str
        Port of the subcircuit for each terminal of our device: ``{"te": "plus", "be": "minus"}``. Others stay open.
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
    External
        The argument `against` of `crosscheck`.

    Raises
    ------
    InputError
        If the file cannot be read, has no such subcircuit, port, net or parameter, or holds something that cannot
        be translated; names the line.

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
    choice("dialect", dialect, FOREIGN_DIALECTS)
    text, place = _text_of(source)
    library = read_library(text, name, dialect=dialect, source=place)
    folded = {ours: choice("ports", theirs.lower(), library.ports) for ours, theirs in ports.items()}
    given = {choice("parameters", k.lower(), library.parameters): v for k, v in (parameters or {}).items()}
    for name, value in given.items():
        if not isinstance(value, str):
            number(f"parameters[{name!r}]", value)
    shown: dict[str, tuple[str, float, float]] = {}
    for ours, theirs in (states or {}).items():
        net, low, high = (theirs, 0.0, 1.0) if isinstance(theirs, str) else theirs
        if not (math.isfinite(low) and math.isfinite(high) and low != high):
            raise InputError("states", f"{low:g} and {high:g} V", "two voltages that differ", "(net, 0.0, 1.0)")
        shown[ours] = (choice("states", net.lower(), library.nets), float(low), float(high))
        if shown[ours][0] in folded.values():
            raise InputError("states", f"{net!r}, a terminal", "a net that shows the state", "a port of its own for it")
    found = External(
        library=library,
        ports=MappingProxyType(folded),
        parameters=MappingProxyType(given),
        states=MappingProxyType(shown),
    )
    numbers = {k: v for k, v in given.items() if not isinstance(v, str)}
    library.written(numbers, extra_ports=[])  # raises here, and not in a run, where a statement cannot be translated
    return found


def _text_of(source: str | Path) -> tuple[str, str]:
    """Return the text, and the name of its source."""
    if isinstance(source, str) and "\n" in source:
        return source, "a text"
    path = Path(source)
    try:
        return decoded(path.read_bytes()), path.name
    except OSError as error:
        raise InputError(
            "source", f"{str(source)!r} ({error.strerror})", "a file that can be read, or a text"
        ) from None
