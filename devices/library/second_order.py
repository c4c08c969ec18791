"""Second-order Ta2O5-x memristor: filament and local temperature (the form of Kim 2015, the numbers ours)."""

from __future__ import annotations

import sympy

from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State

_W = State("w", "1", "share of the way from open to closed filament")
_T = State("t_loc", "K", "local temperature", lower="t_amb", upper="t_max", latex="T")
_PARAMETERS = (
    Parameter("rate", "1/s", "attempt rate of the motion", lower=0.0, latex=r"\nu"),
    Parameter("theta", "K", "activation energy over Boltzmann's constant", lower=0.0, latex=r"\Theta"),
    Parameter("v_0", "V", "voltage over which the motion grows by e", lower=0.0, open_lower=True, latex="v_0"),
    Parameter("g_on", "S", "conductance at w = 1", lower=0.0, latex=r"g_\mathrm{on}"),
    Parameter("g_off", "S", "conductance at w = 0", lower=0.0, open_lower=True, latex=r"g_\mathrm{off}"),
    Parameter("r_th", "K/W", "thermal resistance", lower=0.0, open_lower=True, latex=r"R_\mathrm{th}"),
    Parameter("c_th", "J/K", "heat capacity", lower=0.0, open_lower=True, latex=r"C_\mathrm{th}"),
    Parameter("t_amb", "K", "ambient temperature", lower=0.0, open_lower=True, latex="T_0"),
    Parameter("t_max", "K", "greatest local temperature", lower=0.0, open_lower=True, latex=r"T_\mathrm{max}"),
)
_w, _t = _W.symbol, _T.symbol
_rate, _theta, _v_0, _g_on, _g_off, _r_th, _c_th, _t_amb, _ = (p.symbol for p in _PARAMETERS)
_CURRENT = VOLTAGE * (_g_off + (_g_on - _g_off) * _w)

MODELS = (
    DeviceModel(
        name="second_order_ta2o5",
        title="Second-order Ta2O5-x memristor: filament and local temperature",
        states=(_W, _T),
        parameters=_PARAMETERS,
        current=_CURRENT,
        rates=(
            _rate * sympy.exp(-_theta / _t) * sympy.sinh(VOLTAGE / _v_0),
            (VOLTAGE * _CURRENT - (_t - _t_amb) / _r_th) / _c_th,
        ),
        parameter_sets=(
            ParameterSet(
                "shape",
                {
                    "rate": 1e9,
                    "theta": 5800.0,
                    "v_0": 0.25,
                    "g_on": 1e-3,
                    "g_off": 3e-4,
                    "r_th": 3e5,
                    "c_th": 0.5e-6 / 3e5,
                    "t_amb": 300.0,
                    "t_max": 1500.0,
                },
                {"w": 0.2, "t_loc": 300.0},
                "ours, for the shape of Kim et al., Nano Lett. 15, 2203 (2015)",
                "ours",
                "No published number: an activation energy of 0.5 eV, a thermal time constant of half a microsecond.",
                loop_voltage=1.0,
                loop_frequency=2e4,
            ),
        ),
        references=(
            "S. Kim, C. Du, P. Sheridan, W. Ma, S. Choi and W. D. Lu, Nano Lett. 15, 2203 (2015), "
            "doi 10.1021/acs.nanolett.5b00697 (doi recalled)",
        ),
        validity=(
            "Shape only: the form is recalled and every number is ours. Ohmic; the filament moves at its hard bounds "
            "without damping; t_max is a bound for the integrator, not physics."
        ),
    ),
)
