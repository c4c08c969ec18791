"""A circuit without reference to any simulator: what the dialects write down and the engines run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Crossbar
from devices import Device, DeviceModel, InputError, ParameterSet, Waveform
from devices.validation import finite_array

__all__ = ["Cell", "Circuit", "Resistor", "VoltageSource", "crossbar_circuit", "device_circuit"]

#: The reference node.
GROUND = "0"


@dataclass(frozen=True, slots=True)
class Resistor:
    """An ohmic resistor between two nets; `resistance` [ohm] is positive."""

    name: str
    a: str
    b: str
    resistance: float


@dataclass(frozen=True, slots=True)
class VoltageSource:
    """A source of ``v(a) - v(b)``: a constant [V] or a waveform. A 0 V source measures the current through it."""

    name: str
    a: str
    b: str
    value: float | Waveform


@dataclass(frozen=True, slots=True)
class Cell:
    """A memristive cell of a model, with its values and the start of its states.

    Its states appear on nets ``{name}_{state}``, as shares of their span between the bounds.
    """

    name: str
    te: str
    be: str
    model: DeviceModel
    parameters: Mapping[str, float]
    start: Mapping[str, float]
    parameter_set: ParameterSet

    def state_net(self, state: str) -> str:
        """Net that carries the named state."""
        return f"{self.name}_{state}"


@dataclass(frozen=True, slots=True)
class Circuit:
    """Elements in the order in which they are written.

    Parameters
    ----------
    title : str
        First line of the netlist.
    elements : tuple
        Resistors, voltage sources and cells.
    duration : float, optional
        Length of the transient [s]; 0 for an operating point.
    """

    title: str
    elements: tuple[Resistor | VoltageSource | Cell, ...]
    duration: float = 0.0

    @property
    def models(self) -> dict[str, DeviceModel]:
        """The models of its cells by name."""
        return {e.model.name: e.model for e in self.elements if isinstance(e, Cell)}


def device_circuit(device: Device, waveform: Waveform) -> Circuit:
    """Return the circuit of one device under a waveform.

    The source ``Vin`` drives net ``drive``; ``Vs``, of 0 V, carries the device's current from ``drive`` to ``te``; the
    device ``Xd`` lies between ``te`` and ground.

    Parameters
    ----------
    device : Device
        One device.
    waveform : Waveform
        Voltage over time.

    Returns
    -------
    Circuit
        The circuit.

    Raises
    ------
    InputError
        For an ensemble.
    """
    if device.shape:
        raise InputError("device", f"an ensemble of shape {device.shape}", "one device", "one cell of it")
    if not isinstance(waveform, Waveform):
        raise InputError("waveform", type(waveform).__name__, "a Waveform", "devices.Sine(amplitude=1, frequency=1)")
    cell = Cell(
        "Xd",
        "te",
        GROUND,
        device.model,
        {n: float(a) for n, a in device.parameters.items()},
        {n: float(a) for n, a in device.initial.items()},
        device.parameter_set,
    )
    elements = (VoltageSource("Vin", "drive", GROUND, waveform), VoltageSource("Vs", "drive", "te", 0.0), cell)
    return Circuit(f"{device.model.name} under a {type(waveform).__name__.lower()}", elements, waveform.duration)


def crossbar_circuit(crossbar: Crossbar, voltage: ArrayLike) -> Circuit:
    """Return the circuit of a crossbar read.

    Nets ``w{i}_{j}`` and ``b{i}_{j}`` are the two sides of cell ``R{i}_{j}``. ``Vin{i}`` drives ``in{i}``, ``Vs{j}`` of
    0 V takes bit line j's current from ``out{j}`` to ground. ``Rw{i}_{j}`` leads to ``w{i}_{j}`` from the driver's side,
    ``Rb{i}_{j}`` from ``b{i}_{j}`` to the sense side; driver and sense resistance are ``Rd{i}`` and ``Rs{j}``. A
    resistance of zero merges its two nets; an open cell is left out.

    Parameters
    ----------
    crossbar : Crossbar
        The array.
    voltage : array_like
        Driver voltages [V], shape ``(rows,)``.

    Returns
    -------
    Circuit
        The circuit.

    Raises
    ------
    InputError
        If the voltages do not fit.
    """
    volts = finite_array("voltage", voltage, unit="V", shape=(crossbar.rows,))
    wires, rows, columns = crossbar.wires, crossbar.rows, crossbar.columns
    resistors: list[Resistor] = []

    def join(name: str, a: str, b: str, resistance: float) -> str:
        """Resistor from net `a` to a new net `b`; returns `b`, or `a` where there is nothing between them."""
        if resistance == 0.0:
            return a
        resistors.append(Resistor(name, a, b, resistance))
        return b

    word = np.empty((rows, columns), dtype=object)
    bit = np.empty((rows, columns), dtype=object)
    for i in range(rows):
        net = join(f"Rd{i}", f"in{i}", f"d{i}", wires.driver)
        for j in range(columns):
            word[i, j] = net = join(f"Rw{i}_{j}", net, f"w{i}_{j}", wires.word_line)
    for j in range(columns):
        net = join(f"Rs{j}", f"out{j}", f"s{j}", wires.sense)
        for i in reversed(range(rows)):
            bit[i, j] = net = join(f"Rb{i}_{j}", net, f"b{i}_{j}", wires.bit_line)
    for i, j in np.argwhere(crossbar.conductance > 0.0):
        resistors.append(Resistor(f"R{i}_{j}", word[i, j], bit[i, j], 1.0 / float(crossbar.conductance[i, j])))
    drivers = [VoltageSource(f"Vin{i}", f"in{i}", GROUND, float(v)) for i, v in enumerate(volts)]
    sense = [VoltageSource(f"Vs{j}", f"out{j}", GROUND, 0.0) for j in range(columns)]
    return Circuit(f"crossbar read, {rows} x {columns}", (*drivers, *resistors, *sense))
