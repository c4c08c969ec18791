"""`Recipe`: how a matrix becomes arrays."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from crossbar.law_reads import controls_of
from crossbar.mapping.base import Layout, MappingScheme, check_limits
from crossbar.mapping.pairs import DifferentialPairs
from crossbar.periphery.converters import ADC, AdcRange
from crossbar.periphery.encodings import Amplitude, Encoding
from crossbar.wires import Wires
from devices.cells.device import Device
from devices.cells.programmed import conductance_window
from devices.cells.series import Series
from devices.common.errors import InputError
from devices.common.validation import choice, integer, number
from devices.effects.base import Effect
from devices.effects.noise import WhiteNoise
from devices.sources import Citation

__all__ = ["Recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a matrix becomes arrays. The defaults are ideal but for the conductance window, which has to be given.

    Effects act in the order given, with independent random numbers for each array; ``Effect.acts`` is one of:

    - once: spread, programming error, levels, stuck cells and lines, wear, retention. They are drawn when the matrix
      is programmed and stay; all of ``PcmCells`` is of this kind, including its read noise. Retention acts at the time
      that its effect holds, and at another one by ``network.at(time)``: the cells are the same.
    - each read: white, 1/f and telegraph noise follow, drawn for each input vector. Reads are taken as independent,
      that is, farther apart than the correlation time of the noise.

    The ranges of ADCs are calibrated on the cells as they were programmed, before retention and without noise of reads.

    Parameters
    ----------
    conductance_limits : tuple of float, optional
        Window that cells are programmed in [S], such as ``device.conductance_limits(read_voltage)``; with a `cell`, all
        that it reaches at the read voltage where not given.
    tile : tuple of int, optional
        Largest rows and columns of one array. A weight takes the mapping's columns, an analog bias one row.
    encoding : Amplitude, PulseWidth or BitSerial, optional
        The encoding of inputs on the word lines.
    full_scale : float, optional
        Input that is encoded at full scale; the largest of the calibration inputs where not given.
    adc_bits : int, optional
        Resolution of the ADC of each column; None for ideal. Short for ``adc=ADC(adc_bits)``.
    adc : ADC, optional
        The ADC of each column; ideal where not given. Without a full scale of its own, its range is calibrated.
    adc_range : AdcRange, optional
        How the range of the ADC follows from the currents of the calibration inputs: their maximum where not given.
    subtract : {"after", "before"}, optional
        Whether the columns of a differential pair are subtracted after both are converted, or before one conversion.
    bias : {"digital", "analog"}, optional
        Whether biases are added digitally, or are one more row, driven at full scale, with the scale of the weights.
    wires : Wires, optional
        Resistances of every array.
    effects : sequence of Effect, optional
        Effects on the cells.
    mapping : MappingScheme, optional
        The mapping of weights to conductances; differential pairs where not given. `PairMapping`, `OffsetMapping` and
        `SliceMapping` have options.
    order : {"given", "ir drop"}, optional
        Order of the rows and columns on each array: that of the matrix, or large weights near the drivers and the
        sense amplifiers, where wires lose least.
    remap : bool, optional
        Whether the rows of each array are placed so that its stuck cells change the weights least. The cells are
        tested before they are programmed.
    compensate_wires : bool, optional
        Whether ohmic cells are programmed so that the currents of the array with its wires are those of the weights,
        in a narrower window; the digital alternative is ``matrix.compensated(inputs, "output", to="weights")``.
    cell : Device or Series, optional
        One cell with a current law, such as a memristor, 1S1R or 1T1R, that stands at each crossing in the state in
        which its static conductance at the read voltage is the wanted one. Inputs as lengths of pulses see that
        conductance alone; inputs as amplitudes see the whole law, and every vector is a nonlinear circuit that is
        solved. Ohmic cells where not given.
    gate : float, optional
        Potential of all gate lines in a read [V], of a cell with a transistor.

    Raises
    ------
    InputError
        If a figure is out of its range, or an effect does not act on programmed conductances.

    Examples
    --------
    Cells with spread that have drifted for a day, read with 1/f noise:

    >>> from devices import FlickerNoise, Lognormal, PowerLawDrift
    >>> aged = [Lognormal(0.1), PowerLawDrift(86400.0, nu=0.05), FlickerNoise(1e-4, f_low=1.0, f_high=1e6)]
    >>> [effect.acts for effect in Recipe(conductance_limits=(1e-6, 1e-5), effects=aged).effects]
    ['once', 'once', 'each read']
    """

    conductance_limits: tuple[float, float] = None  # type: ignore[assignment]  # that of the cell
    tile: tuple[int, int] = (64, 64)
    encoding: Encoding = field(default_factory=Amplitude)
    full_scale: float | None = None
    adc_bits: int | None = None
    adc: ADC | None = None
    adc_range: AdcRange = field(default_factory=AdcRange)
    subtract: Literal["after", "before"] = "after"
    bias: Literal["digital", "analog"] = "digital"
    wires: Wires = field(default_factory=Wires)
    effects: Sequence[Effect] = ()
    mapping: MappingScheme = DifferentialPairs
    order: Literal["given", "ir drop"] = "given"
    remap: bool = False
    compensate_wires: bool = False
    cell: Device | Series | None = None
    gate: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.effects, Sequence):
            raise InputError("effects", repr(self.effects), "a sequence of effects", "(Lognormal(0.1),)")
        for effect in self.effects:
            if not isinstance(effect, Effect) or effect.acts not in ("once", "each read"):
                allowed = "effects on programmed conductances, which act once or at each read"
                raise InputError("effects", repr(effect), allowed, "(Lognormal(0.1),)")
        object.__setattr__(self, "effects", tuple(self.effects))
        if sum(isinstance(effect, WhiteNoise) for effect in self.effects) > 1:
            allowed = "one WhiteNoise: thermal and shot noise are two limits of the same noise"
            raise InputError("effects", "WhiteNoise twice", allowed, "origin='barrier', which holds both limits")
        if self.cell is not None:
            self._check_cell(self.cell)
        elif self.gate is not None:
            raise InputError("gate", f"{self.gate} without cells that have one", "None for ohmic cells", "cell=...")
        check_limits(self.conductance_limits)
        if not isinstance(self.tile, tuple) or len(self.tile) != 2:
            raise InputError("tile", repr(self.tile), "rows and columns of an array", "tile=(64, 64)")
        if not isinstance(self.encoding, Encoding):
            allowed = "Amplitude, PulseWidth or BitSerial"
            raise InputError("encoding", repr(self.encoding), allowed, "encoding=Amplitude(0.3)")
        if self.full_scale is not None:
            number("full_scale", self.full_scale, minimum=0.0, open_minimum=True, fix="None to calibrate it")
        choice("order", self.order, ("given", "ir drop"))
        for name in ("remap", "compensate_wires"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(name, repr(getattr(self, name)), "True or False")
        if self.compensate_wires and self.cell is not None:
            raise InputError("compensate_wires", "cells with a current law", "ohmic cells", "leave out cell")
        if not isinstance(self.wires, Wires):
            raise InputError("wires", repr(self.wires), "Wires", "wires=Wires(word_line=1.0, bit_line=1.0)")
        choice("subtract", self.subtract, ("after", "before"))
        choice("bias", self.bias, ("digital", "analog"))
        if not isinstance(self.adc_range, AdcRange):
            raise InputError("adc_range", repr(self.adc_range), "AdcRange", "adc_range=AdcRange(percentile=99.9)")
        integer("tile rows", self.tile[0], minimum=1)
        if not callable(getattr(self.mapping, "fit", None)) or not hasattr(self.mapping, "columns_per_output"):
            allowed = "a mapping: fit(weights, limits) and columns_per_output"
            raise InputError("mapping", repr(self.mapping), allowed, "DifferentialPairs")
        if isinstance(self.mapping, type) and inspect.isfunction(self.mapping.fit):
            name = self.mapping.__name__
            raise InputError("mapping", f"the class {name}", "an object of it", f"mapping={name}()")
        integer("columns_per_output", self.mapping.columns_per_output, minimum=1)
        Layout.of(self.mapping).block(self.tile)
        if self.adc is not None and not isinstance(self.adc, ADC):
            raise InputError("adc", repr(self.adc), "ADC", "adc=ADC(8)")
        if self.adc is not None and self.adc_bits not in (None, self.adc.bits):
            raise InputError("adc_bits", str(self.adc_bits), f"the {self.adc.bits} bits of `adc`, or None")
        if self.converter.full_scale is not None and self.adc_range != AdcRange():
            raise InputError("adc_range", repr(self.adc_range), "none for an ADC with a full scale of its own")
        if self.subtract == "before" and not Layout.of(self.mapping).pairs:
            allowed = "'after' for a mapping without pairs of neighbouring columns"
            raise InputError("subtract", "'before'", allowed, "mapping=DifferentialPairs")

    def _check_cell(self, cell: Device | Series) -> None:
        """Check that a network can be made of a cell, and set the window to what it reaches where none is given."""
        if not isinstance(cell, Device | Series) or cell.shape:
            given = type(cell).__name__ if not isinstance(cell, Device | Series) else f"an ensemble of {cell.shape}"
            raise InputError("cell", given, "one Device or Series", "cell=device('vteam')")
        if bool(cell.control_names) != (self.gate is not None):
            allowed = "a potential [V] for cells with a transistor, None for others"
            raise InputError("gate", repr(self.gate), allowed, "gate=2.0")
        if self.gate is not None:
            number("gate", self.gate, unit="V")
        if not isinstance(self.encoding, Encoding):
            return  # refused by its own name
        noisy = [e for e in self.effects if e.acts == "each read"]
        if noisy:
            allowed = "effects that act once, on cells with a current law"
            raise InputError("effects", f"{noisy[0]}, drawn at each read", allowed, "ohmic cells: leave out cell")
        window = conductance_window(cell, self.encoding.read_voltage, controls_of(cell, self.gate))
        if self.conductance_limits is None:
            object.__setattr__(self, "conductance_limits", window)
            return
        low, high = check_limits(self.conductance_limits)
        if low < window[0] * (1.0 - 1e-9) or high > window[1] * (1.0 + 1e-9):
            allowed = (
                f"within {window[0]:g} to {window[1]:g} S, what the cell reaches at {self.encoding.read_voltage:g} V"
            )
            raise InputError("conductance_limits", f"{low:g} to {high:g} S", allowed, "None for all of it")

    @property
    def converter(self) -> ADC:
        """The ADC of each column, as the recipe gives it."""
        return ADC(self.adc_bits) if self.adc is None else self.adc

    def cited(self) -> tuple[Citation, ...]:
        """Return the sources of its effects, its mapping and its encoding; see `devices.citations`."""
        parts = (*self.effects, *(p for p in (self.mapping, self.encoding) if hasattr(p, "cited")))
        return tuple(source for part in parts for source in part.cited())
