"""TEAM: current-threshold adaptive memristor (Kvatinsky 2013), with both resistance laws and two windows."""

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
        "i_off",
        "A",
        "threshold of the off transition, positive",
        lower=0.0,
        open_lower=True,
        latex=r"i_\mathrm{off}",
    ),
    Parameter("i_on", "A", "threshold of the on transition, negative", upper=-1e-18, latex=r"i_\mathrm{on}"),
    Parameter("r_on", "ohm", "resistance at x_on", lower=0.0, open_lower=True, latex=r"R_\mathrm{on}"),
    Parameter("r_off", "ohm", "resistance at x_off", lower=0.0, open_lower=True, latex=r"R_\mathrm{off}"),
    Parameter("x_on", "m", "on position", latex=r"x_\mathrm{on}"),
    Parameter("x_off", "m", "off position", latex=r"x_\mathrm{off}"),
)
_EDGES = (
    Parameter("a_off", "m", "position where the off window closes", latex=r"a_\mathrm{off}"),
    Parameter("a_on", "m", "position where the on window closes", latex=r"a_\mathrm{on}"),
    Parameter("w_c", "m", "width over which the windows close", lower=0.0, open_lower=True, latex=r"w_\mathrm{c}"),
)
_x = _X.symbol
_k_off, _k_on, _alpha_off, _alpha_on, _i_off, _i_on, _r_on, _r_off, _x_on, _x_off = (p.symbol for p in _PARAMETERS)
_a_off, _a_on, _w_c = (p.symbol for p in _EDGES)
_SHARE = (_x - _x_on) / (_x_off - _x_on)


def _closing(distance: sympy.Expr) -> sympy.Expr:
    """Return ``exp(-exp(z))``; z is limited to 7, where the result is below the smallest double."""
    return sympy.exp(-sympy.exp(sympy.Min(distance / _w_c, 7)))


#: Current laws: resistance linear in the state, or exponential in it with exp(lambda) = r_off / r_on.
_CURRENTS = {
    "linear": VOLTAGE / (_r_on + (_r_off - _r_on) * _SHARE),
    "exponential": VOLTAGE / _r_on * sympy.exp(-sympy.log(_r_off / _r_on) * _SHARE),
}
#: Windows of the off and of the on motion.
_WINDOWS = {
    "rectangular": (sympy.Integer(1), sympy.Integer(1)),
    "Kvatinsky": (_closing(_x - _a_off), _closing(_a_on - _x)),
}

_KINETICS = {
    "k_off": 8e-13,
    "k_on": -8e-13,
    "alpha_off": 3.0,
    "alpha_on": 3.0,
    "i_off": 115e-6,
    "i_on": -8.9e-6,
    "x_on": 0.0,
    "x_off": 3e-9,
}
_ENDS = {"a_off": 3e-9, "a_on": 0.0}
_NO_FIT = "The code keeps i_on as a magnitude. No fit to a device; the start is ours. "


def _technion(windowed: bool) -> ParameterSet:
    edges = (
        "The windows close at the ends of the state, as in Xyce's defaults, over Pickett's 107 pm; the code's own "
        "a_off = 1.2 nm and a_on = 2.0 nm stop every state between them."
    )
    return ParameterSet(
        "technion",
        {**_KINETICS, "r_on": 100.0, "r_off": 200e3, **({**_ENDS, "w_c": 107e-12} if windowed else {})},
        {"x": 0.3e-9},
        "defaults of the Technion Verilog-A code (asic2.group, memristor-model.txt, December 2015)",
        "code default",
        _NO_FIT + (edges if windowed else ""),
        loop_frequency=100.0,
    )


def _xyce(windowed: bool) -> ParameterSet:
    return ParameterSet(
        "xyce",
        {**_KINETICS, "r_on": 50.0, "r_off": 1e3, **({**_ENDS, "w_c": 1.07e-12} if windowed else {})},
        {"x": 1.2e-9},
        "defaults of the TEAM device of Xyce 7.10, as a public port of it gives them",
        "code default",
        _NO_FIT
        + "The rates are the Technion code's, whose 100 ohm to 200 kohm turn on in an avalanche of eight decades if "
        "linear in the state." + (" w_c is a hundredth of Pickett's 107 pm." if windowed else ""),
        loop_frequency=6e3,
    )


#: The set of each resistance law, of the code whose defaults suit that law.
_SETS = {"linear": _xyce, "exponential": _technion}


def _declare(law: str, window: str) -> DeviceModel:
    current = _CURRENTS[law]
    off, on = _WINDOWS[window]
    names = ["team", *(["exponential"] if law == "exponential" else []), *(["kvatinsky"] if off != 1 else [])]
    return DeviceModel(
        name="_".join(names),
        title=f"TEAM: current-threshold adaptive memristor, {law} resistance, {window} window",
        states=(_X,),
        parameters=(*_PARAMETERS, *(() if off == 1 else _EDGES)),
        current=current,
        rates=(
            _k_off * sympy.Max(current / _i_off - 1, 0) ** _alpha_off * off
            + _k_on * sympy.Max(current / _i_on - 1, 0) ** _alpha_on * on,
        ),
        parameter_sets=(_SETS[law](windowed=off != 1),),
        references=(
            "S. Kvatinsky, E. G. Friedman, A. Kolodny and U. C. Weiser, IEEE Trans. Circuits Syst. I 60, 211 (2013), "
            "doi 10.1109/TCSI.2012.2215714 (doi recalled)",
        ),
        validity=(
            "Behavioural: no motion between the current thresholds. The windows approximate the tunnel-barrier model "
            "and never vanish; the state's hard bounds are kept."
        ),
    )


MODELS = tuple(_declare(law, window) for law in _CURRENTS for window in _WINDOWS)
