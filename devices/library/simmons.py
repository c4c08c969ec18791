r"""Simmons tunnel barrier with a moving gap, behind a series resistance: HP's TiO2 device (Pickett 2009).

With the gap ``w``, the voltage ``u`` over it (up to the barrier's height ``phi_0``) and the image force ``lambda``, the
barrier lies above the Fermi level from ``s_1`` to ``s_2``, and its mean height is ``phi``:

.. math:: s_1 = \frac{1.2 \lambda}{\phi_0}, \qquad
   s_2 = s_1 + w - \frac{9.2 \lambda}{3 \phi_0 + 4 \lambda / w - 2 u}, \qquad
   \phi = \phi_0 - u\,\frac{s_1 + s_2}{2 w} - \frac{1.15 \lambda}{s_2 - s_1} \ln\frac{s_2 (w - s_1)}{s_1 (w - s_2)}
"""

from __future__ import annotations

import math

import sympy

from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State, Unknown

_W = State("w", "m", "width of the tunnelling gap", lower="w_min", upper="w_max")
_PARAMETERS = (
    Parameter("f_off", "m/s", "prefactor of the speed towards off", lower=0.0, latex=r"f_\mathrm{off}"),
    Parameter("i_off", "A", "current scale towards off", lower=0.0, open_lower=True, latex=r"i_\mathrm{off}"),
    Parameter("a_off", "m", "gap beyond which motion towards off dies away", lower=0.0, latex=r"a_\mathrm{off}"),
    Parameter("f_on", "m/s", "prefactor of the speed towards on", lower=0.0, latex=r"f_\mathrm{on}"),
    Parameter("i_on", "A", "current scale towards on", lower=0.0, open_lower=True, latex=r"i_\mathrm{on}"),
    Parameter("a_on", "m", "gap below which motion towards on dies away", lower=0.0, latex=r"a_\mathrm{on}"),
    Parameter("b", "A", "current that shifts both limits by w_c", lower=0.0, open_lower=True),
    Parameter("w_c", "m", "width over which motion dies away", lower=0.0, open_lower=True),
    Parameter("w_min", "m", "smallest gap", lower=0.0, open_lower=True, latex=r"w_\mathrm{min}"),
    Parameter("w_max", "m", "largest gap", lower=0.0, open_lower=True, latex=r"w_\mathrm{max}"),
    Parameter("r_s", "ohm", "series resistance of the electrodes", lower=0.0, open_lower=True, latex="R_s"),
    Parameter("phi0", "V", "height of the barrier", lower=0.0, open_lower=True, latex=r"\phi_0"),
    Parameter(
        "lam", "V m", "image force constant e ln 2/(8 pi kappa eps0)", lower=0.0, open_lower=True, latex=r"\lambda"
    ),
    Parameter("area", "m^2", "area of the barrier", lower=0.0, open_lower=True, latex="A"),
    Parameter("j_0", "A/V", "constant of nature e^2/(2 pi h)", lower=0.0, open_lower=True),
    Parameter("b_0", "1/(m V^0.5)", "constant of nature 4 pi sqrt(2 m e)/h", lower=0.0, open_lower=True),
)
_w = _W.symbol
_f_off, _i_off, _a_off, _f_on, _i_on, _a_on, _b, _w_c = (p.symbol for p in _PARAMETERS[:8])
_r_s, _phi0, _lam, _area, _j_0, _b_0 = (p.symbol for p in _PARAMETERS[10:])
_GAP_VOLTAGE = sympy.Symbol("v_gap", real=True)

#: Largest exponent of a speed: larger speeds are unphysical, and SPICE would overflow.
_STEEPEST = 30


def _tunnelling() -> sympy.Expr:
    """Return the current through the gap: electrons from both sides, each over a barrier of its own.

    It is Simmons's difference of two exponentials for either sign of the voltage, exactly odd, and smooth at zero.
    """
    size = sympy.Abs(_GAP_VOLTAGE)
    shaping = sympy.Min(size, _phi0)
    s_1 = sympy.Rational(6, 5) * _lam / _phi0
    width = _w - sympy.Rational(46, 5) * _lam * _w / ((3 * _phi0 - 2 * shaping) * _w + 4 * _lam)
    s_2 = s_1 + width
    lowering = sympy.Rational(23, 20) * _lam / width * sympy.log(s_2 * (_w - s_1) / (s_1 * (_w - s_2)))
    phi = _phi0 - shaping * (s_1 + s_2) / (2 * _w) - lowering

    def flow(extra: sympy.Expr) -> sympy.Expr:
        barrier = sympy.Max(phi + extra, _phi0 / 10**6)  # keeps the square root real at any iterate
        return barrier * sympy.exp(-_b_0 * width * sympy.sqrt(barrier))

    return _j_0 * _area / width**2 * (flow((size - _GAP_VOLTAGE) / 2) - flow((size + _GAP_VOLTAGE) / 2))


def _speed(prefactor: sympy.Expr, scaled: sympy.Expr, beyond: sympy.Expr) -> sympy.Expr:
    """Return ``f sinh(scaled) exp(-exp(beyond / w_c - |i| / b) - w / w_c)`` with one exponential, which is capped."""
    exponent = scaled - sympy.exp(beyond / _w_c - sympy.Abs(_CURRENT) / _b) - _w / _w_c
    return prefactor / 2 * (1 - sympy.exp(-2 * scaled)) * sympy.exp(sympy.Min(exponent, _STEEPEST))


_CURRENT = (VOLTAGE - _GAP_VOLTAGE) / _r_s
_TUNNELLING = _tunnelling()
_E, _H, _M, _EPS0 = 1.602176634e-19, 6.62607015e-34, 9.1093837015e-31, 8.8541878128e-12
_VALUES = {
    "f_off": 3.5e-6,
    "i_off": 115e-6,
    "a_off": 1.2e-9,
    "f_on": 40e-6,
    "i_on": 8.9e-6,
    "a_on": 1.8e-9,
    "b": 500e-6,
    "w_c": 107e-12,
    "w_min": 1.15e-9,
    "w_max": 2.0e-9,
    "r_s": 215.0,
    "phi0": 0.95,
    "lam": _E * math.log(2) / (8 * math.pi * 5.0 * _EPS0),
    "area": 1e-14,
    "j_0": _E**2 / (2 * math.pi * _H),
    "b_0": 4 * math.pi * math.sqrt(2 * _M * _E) / _H,
}
_NOTE = (
    "r_s, phi0, area and a permittivity of 5 in lam are recalled; they give the constants 0.0998 V nm, 10.246 per nm "
    "sqrt(V) and 0.0617 A nm2/V of the authors' SPICE deck, recalled too. The bounds of w are ours. "
)
_LOOP = (
    "The loop is slow and stays below the voltage at which the gap closes in an avalanche: each step towards "
    "on raises the current, and the speed grows exponentially with the current."
)

MODELS = (
    DeviceModel(
        name="simmons_tunnel_barrier",
        title="Simmons tunnel barrier of variable width behind a series resistance (Pickett)",
        states=(_W,),
        parameters=_PARAMETERS,
        current=_CURRENT,
        rates=(
            _speed(_f_off, sympy.Max(_CURRENT, 0) / _i_off, _w - _a_off)
            - _speed(_f_on, sympy.Max(-_CURRENT, 0) / _i_on, _a_on - _w),
        ),
        unknown=Unknown(
            "v_gap", "V", "voltage over the gap", _CURRENT - _TUNNELLING, (sympy.Integer(0), VOLTAGE), latex="v_g"
        ),
        parameter_sets=(
            ParameterSet(
                "pickett",
                _VALUES,
                {"w": 1.2e-9},
                "M. D. Pickett et al., J. Appl. Phys. 106, 074508 (2009), doi 10.1063/1.3236506",
                "recalled",
                _NOTE + "a_on = 1.80 nm is recalled; the other values of the speed were seen in copies. " + _LOOP,
                loop_voltage=0.75,
                loop_frequency=0.03,
            ),
            ParameterSet(
                "technion",
                {**_VALUES, "a_on": 2.0e-9, "w_max": 2.2e-9},
                {"w": 1.2e-9},
                "default of the Technion Verilog-A memristor model (Kvatinsky and others), for the speed of the gap",
                "code default",
                _NOTE + "Differs from the set pickett in a_on = 2.00 nm, and in the bound that goes with it. " + _LOOP,
                loop_voltage=0.98,
                loop_frequency=0.05,
            ),
        ),
        references=(
            "M. D. Pickett et al., J. Appl. Phys. 106, 074508 (2009), doi 10.1063/1.3236506",
            "H. Abdalla and M. D. Pickett, IEEE Int. Symp. Circuits and Systems 1832 (2011), doi "
            "10.1109/ISCAS.2011.5937942 (doi recalled)",
            "J. G. Simmons, J. Appl. Phys. 34, 1793 (1963), doi 10.1063/1.1702682",
        ),
        validity=(
            "The barrier follows Simmons's form for voltages below its height; above phi0 over the gap, its shape "
            "is held at that of phi0 (ours), where the published form soon becomes complex. Gaps of 1.15 "
            "nm and more: in narrower ones that form makes current fall with voltage. Speeds are evaluated in the "
            f"logarithm, their exponent cut at {_STEEPEST}, some 1e8 m/s (ours). Copies circulate with f_on = 40e-3 "
            "or a_off = 5e-9: wrong by 1000 and 4."
        ),
    ),
)
