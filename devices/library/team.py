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
    """Return ``exp(-exp(z))``; from z = 7 on it is below the smallest double, and `z` is held there."""
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

_TECHNION = {
    "k_off": 8e-13,
    "k_on": -8e-13,
    "alpha_off": 3.0,
    "alpha_on": 3.0,
    "i_off": 115e-6,
    "i_on": -8.9e-6,
    "r_on": 100.0,
    "r_off": 200e3,
    "x_on": 0.0,
    "x_off": 3e-9,
}
_SOURCE = "defaults of the Technion Verilog-A code (asic2.group, memristor-model.txt, December 2015)"
_NOTE = "The code keeps i_on as a magnitude. The start is ours; no fit to a device."
_NOTES = {
    "rectangular": _NOTE,
    "Kvatinsky": _NOTE + " The windows close at the ends of the state, as in Xyce's defaults, over Pickett's 107 pm. "
    "The code's own a_off = 1.2 nm and a_on = 2.0 nm hold every state between them.",
}
#: Where a loop moves the state by much: the linear law passes i_off at few volts only near x_on.
_LOOPS = {"linear": (5.0, 0.2), "exponential": (1.0, 2.0)}


def _declare(law: str, window: str) -> DeviceModel:
    current = _CURRENTS[law]
    off, on = _WINDOWS[window]
    names = ["team", *(["exponential"] if law == "exponential" else []), *(["kvatinsky"] if off != 1 else [])]
    edges = {} if off == 1 else {"a_off": 3e-9, "a_on": 0.0, "w_c": 107e-12}
    peak, frequency = _LOOPS[law]
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
        parameter_sets=(
            ParameterSet(
                "technion",
                {**_TECHNION, **edges},
                {"x": 0.3e-9},
                _SOURCE,
                "code default",
                _NOTES[window],
                loop_voltage=peak,
                loop_frequency=frequency,
            ),
        ),
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
