"""Cells without memory: a resistor, and a conductor whose current grows as a hyperbolic sine."""

from __future__ import annotations

import sympy

from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet

_R = Parameter("r", "ohm", "resistance", lower=0.0, open_lower=True)
_G = Parameter("g", "S", "conductance at low voltage", lower=0.0)
_V0 = Parameter("v0", "V", "voltage over which the current bends upward", lower=0.0, open_lower=True, latex="v_0")
_OURS = "a round figure of ours; give the values of the cell at hand"

MODELS = (
    DeviceModel(
        name="resistor",
        title="Ohmic resistor",
        states=(),
        parameters=(_R,),
        current=VOLTAGE / _R.symbol,
        rates=(),
        parameter_sets=(ParameterSet("unit", {"r": 1e3}, {}, _OURS, "ours"),),
        references=("G. S. Ohm, Die galvanische Kette, mathematisch bearbeitet (1827)",),
        validity="Any voltage.",
    ),
    DeviceModel(
        name="sinh_cell",
        title="Tunnelling conductor: i = g v0 sinh(v/v0)",
        states=(),
        parameters=(_G, _V0),
        current=_G.symbol * _V0.symbol * sympy.sinh(VOLTAGE / _V0.symbol),
        rates=(),
        parameter_sets=(ParameterSet("unit", {"g": 1e-5, "v0": 0.25}, {}, _OURS, "ours"),),
        references=(
            "J. G. Simmons, J. Appl. Phys. 34, 1793 (1963), doi 10.1063/1.1702682: barriers at moderate voltage",
        ),
        validity="Up to some 700 v0, where the hyperbolic sine leaves the range of doubles.",
    ),
)
