"""Access transistor: the long-channel EKV law, symmetric in drain and source and smooth from off to saturation."""

from __future__ import annotations

import sympy

from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Control, Parameter, ParameterSet
from devices.special import softplus

_GATE = Control("gate", "gate", latex=r"v_\mathrm{g}")
_BULK = Control("bulk", "bulk", latex=r"v_\mathrm{b}")
_PARAMETERS = (
    Parameter("beta", "A/V^2", "transconductance factor, mobility times oxide capacitance times W/L", lower=0.0),
    Parameter("vt0", "V", "threshold voltage at zero source-bulk voltage", latex=r"v_\mathrm{T0}"),
    Parameter("slope", "1", "slope factor n", lower=1.0, latex="n"),
    Parameter("ut", "V", "thermal voltage", lower=0.0, open_lower=True, latex="u_T"),
)
_beta, _vt0, _n, _ut = (p.symbol for p in _PARAMETERS)


def _normalised_current(voltage: sympy.Expr) -> sympy.Expr:
    """Return the forward or reverse current over the specific current, for the pinch-off minus the channel voltage."""
    return softplus(voltage / (2 * _ut)) ** 2


_PINCH_OFF = (_GATE.symbol - _BULK.symbol - _vt0) / _n

MODELS = (
    DeviceModel(
        name="ekv_transistor",
        title="n-channel transistor, drain on top, source at the bottom: long-channel EKV",
        states=(),
        parameters=_PARAMETERS,
        controls=(_GATE, _BULK),
        current=2
        * _n
        * _beta
        * _ut**2
        * (_normalised_current(_PINCH_OFF + _BULK.symbol) - _normalised_current(_PINCH_OFF + _BULK.symbol - VOLTAGE)),
        rates=(),
        parameter_sets=(
            ParameterSet(
                "access_130nm",
                {"beta": 6e-4, "vt0": 0.35, "slope": 1.3, "ut": 0.02585},
                {},
                "figures of the size that 130 nm CMOS has, chosen by us",
                "ours",
                "No published fit. 300 uA/V2 at W/L = 2; room temperature.",
            ),
        ),
        references=(
            "C. C. Enz, F. Krummenacher and E. A. Vittoz, Analog Integrated Circuits and Signal Processing 8, 83 "
            "(1995), doi 10.1007/BF01239381",
        ),
        validity="Long channel: no velocity saturation, no output conductance in saturation.",
    ),
)
