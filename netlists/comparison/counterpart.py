"""`Counterpart`: a model that somebody else published, and the parts of a device of ours that correspond to its own."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from devices import Device, InputError, Waveform
from devices.common.arrays import Array
from devices.common.validation import choice, number
from netlists.circuit import GROUND, Circuit, Foreign
from netlists.comparison.comparison import Comparison
from netlists.comparison.device import compare_device
from netlists.dialects.deck import decoded
from netlists.engines.catalogue import find_engine
from netlists.engines.waves import Waves

__all__ = ["Counterpart", "ParameterValue", "StateNet", "correspondence", "text_of"]

ParameterValue = str | float
StateNet = str | tuple[str, float, float]


@dataclass(frozen=True, kw_only=True)
class Counterpart(ABC):
    """A published model, to be run in a simulator in place of a device of ours.

    Parameters
    ----------
    ports : mapping of str to str
        Port of the model for each terminal of the device.
    parameters : mapping of str to str or float
        Value of each parameter: the name of a parameter of the device, or of a state for its start; or a number.
    states : mapping of str to (str, float, float)
        Port or inner net that shows each state of the device, and the voltages at its lower and upper bound.
    """

    ports: Mapping[str, str]
    parameters: Mapping[str, ParameterValue]
    states: Mapping[str, tuple[str, float, float]]

    @property
    @abstractmethod
    def title(self) -> str:
        """Name of the model and of its source."""

    #: Name of the simulator that runs it.
    engine: ClassVar[str]

    @abstractmethod
    def run(
        self, device: Device, waveform: Waveform, circuit: Circuit, options: Any, timeout: float
    ) -> tuple[Waves, Any]:
        """Run the model under a waveform; return its vectors and the tolerances."""

    @property
    @abstractmethod
    def connected(self) -> tuple[str, ...]:
        """Ports and inner nets that an instance connects, in order."""

    @abstractmethod
    def definition(self, values: Mapping[str, float], name: str) -> Foreign:
        """Return the model as a definition for a `Circuit`, with these parameters."""

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
        return tuple(known.get(port, f"{prefix}{port}") for port in self.connected)

    def shares(self, waves: Waves, instance: str, states: Mapping[str, str]) -> dict[str, Array]:
        """Return the states of an instance as shares of their spans, given the nets outside it that show them."""
        found = {}
        for name, (net, low, high) in self.states.items():
            seen = states[name] if net in self.connected else f"{instance}.{net}"
            found[name] = (waves[f"v({seen})"] - low) / (high - low)
        return found

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

    def comparison(self, device: Device, waveform: Waveform, circuit: Circuit) -> Comparison:
        """Return the comparison of a device of ours with the model; for `netlists.crosscheck`."""
        for name in self.states:
            choice("states", name, [s.name for s in device.model.states])
        self.nets(dict.fromkeys(device.model.terminals, GROUND), dict.fromkeys(self.states, GROUND), "")
        seen = {name: f"xsv_{net}" for name, (net, _, _) in self.states.items()}

        def run(circuit: Circuit, engine: str, options: Any, timeout: float) -> tuple[Waves, Any]:
            if engine != self.engine:
                raise InputError("engine", repr(engine), f"{self.engine!r} with against={self.title}", "leave it out")
            find_engine(engine).check_options(options)
            return self.run(device, waveform, circuit, options, timeout)

        def compare(circuit: Circuit, waves: Waves, tolerance: float) -> dict[str, Any]:
            return compare_device(device, waveform, waves, self.shares(waves, "xdut", seen), tolerance)

        title = f"{circuit.title}, against {self.title}"
        return Comparison(title=title, circuit=circuit, tolerance=1e-11, run=run, compare=compare)

    #: The former name of `comparison`.
    case = comparison


def correspondence(
    ports: Mapping[str, str],
    parameters: Mapping[str, ParameterValue] | None,
    states: Mapping[str, StateNet] | None,
    known: tuple[Collection[str], Collection[str], Collection[str]],
    written: Callable[[str], str] = str,
) -> dict[str, Any]:
    """Return the fields of a `Counterpart`, checked against the ports, nets and parameters of its model.

    `written` returns a name as the model has it, such as in lower case.
    """
    their_ports, their_nets, their_parameters = known
    folded = {ours: choice("ports", written(theirs), their_ports) for ours, theirs in ports.items()}
    given = {choice("parameters", written(k), their_parameters): v for k, v in (parameters or {}).items()}
    for name, value in given.items():
        if not isinstance(value, str):
            number(f"parameters[{name!r}]", value)
    shown: dict[str, tuple[str, float, float]] = {}
    for ours, theirs in (states or {}).items():
        net, low, high = (theirs, 0.0, 1.0) if isinstance(theirs, str) else theirs
        if not (math.isfinite(low) and math.isfinite(high) and low != high):
            raise InputError("states", f"{low:g} and {high:g} V", "two voltages that differ", "(net, 0.0, 1.0)")
        shown[ours] = (choice("states", written(net), their_nets), float(low), float(high))
        if shown[ours][0] in folded.values():
            raise InputError("states", f"{net!r}, a terminal", "a net that shows the state", "a port of its own for it")
    return {
        "ports": MappingProxyType(folded),
        "parameters": MappingProxyType(given),
        "states": MappingProxyType(shown),
    }


def text_of(source: str | Path) -> tuple[str, str]:
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
