"""VTEAM: voltage-threshold adaptive memristor (Kvatinsky 2015), with both resistance laws."""

from __future__ import annotations

import sympy

from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State

_X = State("x", "m", "state between the fully on and the fully off position", lower="x_on", upper="x_off")
_PARAMETERS = (
    Parameter("k_off", "m/s", "rate towards off", lower=0.0, latex=r"k_\mathrm{off}"),
    Parameter("k_on", "m/s", "rate towards on, negative", upper=0.0, latex=r"k_\mathrm{on}"),
    Parameter("alpha_off", "1", "exponent of the off rate", lower=1.0, latex=r"\alpha_\mathrm{off}"),
    Parameter("alpha_on", "1", "exponent of the on rate", lower=1.0, latex=r"\alpha_\mathrm{on}"),
    Parameter(
        "v_off",
        "V",
        "threshold of the off transition, positive",
        lower=0.0,
        open_lower=True,
        latex=r"v_\mathrm{off}",
    ),
    Parameter("v_on", "V", "threshold of the on transition, negative", upper=-1e-12, latex=r"v_\mathrm{on}"),
    Parameter("r_on", "ohm", "resistance at x_on", lower=0.0, open_lower=True, latex=r"R_\mathrm{on}"),
    Parameter("r_off", "ohm", "resistance at x_off", lower=0.0, open_lower=True, latex=r"R_\mathrm{off}"),
    Parameter("x_on", "m", "on position", latex=r"x_\mathrm{on}"),
    Parameter("x_off", "m", "off position", latex=r"x_\mathrm{off}"),
)
_x = _X.symbol
_k_off, _k_on, _a_off, _a_on, _v_off, _v_on, _r_on, _r_off, _x_on, _x_off = (p.symbol for p in _PARAMETERS)
_SHARE = (_x - _x_on) / (_x_off - _x_on)
#: Current laws: resistance linear in the state, or exponential in it with exp(lambda) = r_off / r_on.
_CURRENTS = {
    "linear": VOLTAGE / (_r_on + (_r_off - _r_on) * _SHARE),
    "exponential": VOLTAGE / _r_on * sympy.exp(-sympy.log(_r_off / _r_on) * _SHARE),
}

_SETS = (
    ParameterSet(
        "memtorch",
        {
            "k_off": 5e-4,
            "k_on": -10.0,
            "alpha_off": 1.0,
            "alpha_on": 3.0,
            "v_off": 0.02,
            "v_on": -0.2,
            "r_on": 50.0,
            "r_off": 1e3,
            "x_on": 0.0,
            "x_off": 3e-9,
        },
        {"x": 0.0},
        "default of MemTorch 1.1.6 (coreylammie/MemTorch)",
        "code default",
        "Believed to be the worked example of the VTEAM paper; not re-read there. The start is ours.",
    ),
    ParameterSet(
        "magic",
        {
            "k_off": 0.091,
            "k_on": -216.2,
            "alpha_off": 4.0,
            "alpha_on": 4.0,
            "v_off": 0.3,
            "v_on": -1.5,
            "r_on": 1e3,
            "r_off": 300e3,
            "x_on": 0.0,
            "x_off": 3e-9,
        },
        {"x": 0.0},
        "a public MAGIC logic deck",
        "seen",
        "The device behind the values is not named there. The start is ours.",
        loop_voltage=2.0,
    ),
)


def _declare(law: str) -> DeviceModel:
    return DeviceModel(
        name="vteam" if law == "linear" else f"vteam_{law}",
        title=f"VTEAM: voltage-threshold adaptive memristor, {law} resistance, rectangular window",
        states=(_X,),
        parameters=_PARAMETERS,
        current=_CURRENTS[law],
        rates=(
            _k_off * sympy.Max(VOLTAGE / _v_off - 1, 0) ** _a_off + _k_on * sympy.Max(VOLTAGE / _v_on - 1, 0) ** _a_on,
        ),
        parameter_sets=_SETS if law == "linear" else _SETS[:1],
        references=(
            "S. Kvatinsky et al., IEEE Trans. Circuits Syst. II 62, 786 (2015), doi 10.1109/TCSII.2015.2433536",
        ),
        validity="Behavioural: no motion between the thresholds, so no retention loss and no read disturb below them.",
    )


MODELS = tuple(_declare(law) for law in _CURRENTS)
