"""`Recipe`: how a matrix becomes arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crossbar.mapping.base import MappingScheme, check_limits
from crossbar.mapping.pairs import DifferentialPairs
from crossbar.periphery.converters import ADC
from crossbar.periphery.encodings import Amplitude, Encoding
from crossbar.wires import Wires
from devices.common.errors import InputError
from devices.common.validation import integer
from devices.effects.base import Effect
from devices.sources import Citation

__all__ = ["Recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a matrix becomes arrays. The defaults are ideal but for the conductance window, which has to be given.

    Effects act in the order given, with independent random numbers for each array; ``Effect.acts`` is one of:

    - once: spread, programming error, levels, stuck cells and lines, wear, and retention up to the time that the effect
      holds. They are drawn when the matrix is programmed and stay; all of ``PcmCells`` is of this kind, including its
      read noise.
    - each read: white, 1/f and telegraph noise follow, drawn for each input vector. Reads are taken as independent,
      that is, farther apart than the correlation time of the noise. The calibration is without noise. White noise is
      an error of the conductance at the voltage that it holds: right for pulses of that height, too small for lower
      amplitudes.

    Parameters
    ----------
    conductance_limits : tuple of float
        Window that cells are programmed in [S], such as ``device.conductance_limits(read_voltage)``.
    tile : tuple of int, optional
        Largest rows and columns of one array. A weight takes the mapping's columns, a bias one row.
    encoding : Amplitude or PulseWidth, optional
        The encoding of inputs on the word lines.
    adc_bits : int, optional
        Resolution of the ADC of each column; None for ideal. Its range is set from the calibration inputs.
    wires : Wires, optional
        Resistances of every array.
    effects : sequence of Effect, optional
        Effects on the cells.
    mapping : MappingScheme, optional
        The mapping of weights to conductances; differential pairs where not given.

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

    conductance_limits: tuple[float, float]
    tile: tuple[int, int] = (64, 64)
    encoding: Encoding = field(default_factory=Amplitude)
    adc_bits: int | None = None
    wires: Wires = field(default_factory=Wires)
    effects: Sequence[Effect] = ()
    mapping: MappingScheme = DifferentialPairs

    def __post_init__(self) -> None:
        if not isinstance(self.effects, Sequence):
            raise InputError("effects", repr(self.effects), "a sequence of effects", "(Lognormal(0.1),)")
        for effect in self.effects:
            if not isinstance(effect, Effect) or effect.acts not in ("once", "each read"):
                allowed = "effects on programmed conductances, which act once or at each read"
                raise InputError("effects", repr(effect), allowed, "(Lognormal(0.1),)")
        object.__setattr__(self, "effects", tuple(self.effects))
        check_limits(self.conductance_limits)
        integer("tile rows", self.tile[0], minimum=1)
        if not callable(getattr(self.mapping, "fit", None)) or not hasattr(self.mapping, "columns_per_output"):
            allowed = "a mapping: fit(weights, limits) and columns_per_output"
            raise InputError("mapping", repr(self.mapping), allowed, "DifferentialPairs")
        columns = integer("columns_per_output", self.mapping.columns_per_output, minimum=1)
        fix = f"{'a pair of' if columns == 2 else columns} columns for each weight"
        integer("tile columns", self.tile[1], minimum=columns, fix=fix)
        ADC(self.adc_bits)

    def cited(self) -> tuple[Citation, ...]:
        """Return the sources of its effects; see `devices.citations`."""
        return tuple(source for effect in self.effects for source in effect.cited())
