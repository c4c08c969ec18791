"""Data-driven TiOx model (Messaris 2018): the resistance itself is the state, drawn to a voltage-dependent bound."""

from __future__ import annotations

import sympy

from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State

_R = State("r", "ohm", "resistance", lower="r_on", upper="r_off", latex="R")
_PARAMETERS = (
    Parameter("s_p", "ohm/s", "speed of the rise for v > 0", lower=0.0, latex="A_p"),
    Parameter("s_n", "ohm/s", "speed of the fall for v < 0, negative", upper=0.0, latex="A_n"),
    Parameter("t_p", "1/V", "exponent of the speed for v > 0", lower=0.0, latex="t_p"),
    Parameter("t_n", "1/V", "exponent of the speed for v < 0", lower=0.0, latex="t_n"),
    Parameter("k_p", "1/ohm", "steepness of the approach for v > 0", lower=0.0, open_lower=True, latex="k_p"),
    Parameter("k_n", "1/ohm", "steepness of the approach for v < 0", lower=0.0, open_lower=True, latex="k_n"),
    Parameter("r_p0", "ohm", "bound of the rise, constant part", latex="r_{p0}"),
    Parameter("r_p1", "ohm/V", "bound of the rise, part linear in v", latex="r_{p1}"),
    Parameter("r_n0", "ohm", "bound of the fall, constant part", latex="r_{n0}"),
    Parameter("r_n1", "ohm/V", "bound of the fall, part linear in v", latex="r_{n1}"),
    Parameter("a_p", "V", "prefactor of the current for v >= 0", lower=0.0, latex="a_p"),
    Parameter("a_n", "V", "prefactor of the current for v < 0", lower=0.0, latex="a_n"),
    Parameter("b_p", "1/V", "exponent of the current for v >= 0", lower=0.0, open_lower=True, latex="b_p"),
    Parameter("b_n", "1/V", "exponent of the current for v < 0", lower=0.0, open_lower=True, latex="b_n"),
    Parameter("r_on", "ohm", "least resistance", lower=0.0, open_lower=True, latex=r"R_\mathrm{on}"),
    Parameter("r_off", "ohm", "greatest resistance", lower=0.0, open_lower=True, latex=r"R_\mathrm{off}"),
)
_r = _R.symbol
_s_p, _s_n, _t_p, _t_n, _k_p, _k_n, _r_p0, _r_p1, _r_n0, _r_n1, _a_p, _a_n, _b_p, _b_n, _, _ = (
    p.symbol for p in _PARAMETERS
)


def _approach(distance: sympy.Expr) -> sympy.Expr:
    """Return ``exp(z) - 1`` up to the bound and 0 beyond; the cap at z = 300 prevents overflow at extreme voltages."""
    return sympy.exp(sympy.Min(sympy.Max(distance, 0), 300)) - 1


_RISE = _s_p * (sympy.exp(_t_p * VOLTAGE) - 1) * _approach(_k_p * (_r_p0 + _r_p1 * VOLTAGE - _r))
_FALL = _s_n * (sympy.exp(-_t_n * VOLTAGE) - 1) * _approach(_k_n * (_r - _r_n0 - _r_n1 * VOLTAGE))

MODELS = (
    DeviceModel(
        name="messaris",
        title="Messaris 2018: data-driven model of a metal-oxide device, the resistance as state",
        states=(_R,),
        parameters=_PARAMETERS,
        current=sympy.Piecewise(
            (_a_p * sympy.sinh(_b_p * VOLTAGE), VOLTAGE >= 0), (_a_n * sympy.sinh(_b_n * VOLTAGE), True)
        )
        / _r,
        rates=(sympy.Piecewise((_RISE, VOLTAGE >= 0), (_FALL, True)),),
        parameter_sets=(
            ParameterSet(
                "memtorch",
                {
                    "s_p": 743.47,
                    "s_n": -68012.28374,
                    "t_p": 6.51,
                    "t_n": 0.31645,
                    "k_p": 5.11e-4,
                    "k_n": 1.17e-3,
                    "r_p0": 16719.0,
                    "r_p1": 0.0,
                    "r_n0": 29304.82557,
                    "r_n1": 23692.77225,
                    "a_p": 0.24,
                    "a_n": 0.24,
                    "b_p": 3.0,
                    "b_n": 3.0,
                    "r_on": 1280.0,
                    "r_off": 17e3,
                },
                {"r": 5e3},
                "default of MemTorch (coreylammie/MemTorch, Data_Driven)",
                "code default",
                "r_on and r_off are MemTorch's clamps, no part of the published law. The start is ours.",
                loop_voltage=1.5,
                loop_frequency=10e3,
            ),
        ),
        references=(
            "I. Messaris, A. Serb, S. Stathopoulos, A. Khiat, S. Nikolaidis and T. Prodromakis, IEEE Trans. "
            "Comput.-Aided Des. 37, 3151 (2018), doi 10.1109/TCAD.2018.2791468 (doi recalled)",
        ),
        validity=(
            "The direction is that of a device whose resistance rises for v > 0 (eta = 1). A resistance beyond the "
            "bound of its voltage stays. The bound for v < 0 is linear in v and may lie below zero; r_on ends the fall."
        ),
    ),
)
