r"""JART VCM v1b, deterministic: a disc that oxygen vacancies enter and leave, in series with a Schottky junction.

The current passes the junction, with the voltage :math:`v_\mathrm{j}`, the disc, the plug, a layer of TiOx and metal
lines, which it heats. SET is at negative voltage. With the voltage :math:`u` over the cold resistances R as unknown,
the current, :math:`v_\mathrm{j}`, the voltage :math:`v_\mathrm{f}` over the filament and the rise :math:`\theta` of its
temperature are explicit expressions, and one equation is left: the junction carries this current, by thermionic
emission forward and by thermionic field emission in reverse, over a barrier :math:`\phi` that the field lowers.
"""

from __future__ import annotations

import math

import sympy

from devices.common.constants import BOLTZMANN_EV, CHARGE
from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, Part, State, Unknown

_N = State("n_disc", "1/m^3", "concentration of vacancies in the disc", lower="n_min", upper="n_max", latex="N")


def _positive(name: str, unit: str, meaning: str, latex: str) -> Parameter:
    return Parameter(name, unit, meaning, lower=0.0, open_lower=True, latex=latex)


_PARAMETERS = (
    _positive("r_fil", "m", "radius of the filament", "r"),
    _positive("l_cell", "m", "length of disc and plug", r"l_\mathrm{cell}"),
    _positive("l_disc", "m", "length of the disc", r"l_\mathrm{disc}"),
    _positive("n_min", "1/m^3", "smallest concentration in the disc", r"N_\mathrm{min}"),
    _positive("n_max", "1/m^3", "largest concentration in the disc", r"N_\mathrm{max}"),
    _positive("n_plug", "1/m^3", "concentration in the plug", r"N_\mathrm{plug}"),
    _positive("f_lim", "1", "exponent of the window that stops the motion at n_min and n_max", "p"),
    _positive("mu_n", "m^2/(V s)", "mobility of electrons", r"\mu_n"),
    _positive("z_v", "1", "charge number of a vacancy", "z"),
    _positive("a_hop", "m", "hopping distance", "a"),
    _positive("nu_0", "Hz", "attempt frequency", r"\nu_0"),
    _positive("w_a", "V", "activation energy of hopping over the elementary charge", "W_A"),
    _positive("phi_b", "V", "height of the junction's barrier", r"\phi_\mathrm{B}"),
    Parameter("phi_n", "V", "conduction band above the Fermi level", lower=0.0, latex=r"\phi_n"),
    _positive("a_r", "A/(m^2 K^2)", "Richardson constant", "A^*"),
    _positive("eps_r", "1", "static permittivity", r"\epsilon_r"),
    _positive("eps_phi", "1", "permittivity in the lowering of the barrier", r"\epsilon_\phi"),
    _positive("t_0", "K", "ambient temperature", "T_0"),
    Parameter("r_th", "K/W", "thermal resistance in SET", lower=0.0, latex=r"R_\mathrm{th}"),
    Parameter("s_reset", "1", "share of r_th that acts in RESET", lower=0.0, latex="s"),
    Parameter("r_tiox", "ohm", "resistance of the TiOx layer", lower=0.0, latex=r"R_\mathrm{TiOx}"),
    Parameter("r_line", "ohm", "resistance of the lines when cold", lower=0.0, latex="R_0"),
    Parameter("r_th_line", "K/W", "thermal resistance of the lines", lower=0.0, latex=r"R_\mathrm{th,line}"),
    Parameter("alpha", "1/K", "temperature coefficient of the lines", lower=0.0, latex=r"\alpha"),
    _positive("q_e", "C", "constant of nature: elementary charge", "q"),
    _positive("k_q", "V/K", "constant of nature: Boltzmann's constant over q", r"k_q"),
    # Combined into two constants, because ngspice adds some 1e-38 to every denominator.
    _positive("q_eps", "V m", "constant of nature: q over the permittivity of the vacuum", r"(q/\epsilon_0)"),
    _positive("w_00", "V m^1.5", "constant of nature: h/(4 pi sqrt(m_e eps0)) of the electron", "w_0"),
)
_n, _u = _N.symbol, sympy.Symbol("u_r", real=True)
_r_fil, _l_cell, _l_disc, _n_min, _n_max, _n_plug, _f_lim, _mu, _z, _a, _nu, _w_a = (p.symbol for p in _PARAMETERS[:12])
_phi_b, _phi_n, _a_r, _eps_r, _eps_phi, _t_0, _r_th, _s_reset = (p.symbol for p in _PARAMETERS[12:20])
_r_tiox, _r_line, _r_th_line, _alpha, _q, _k, _q_eps, _w_00 = (p.symbol for p in _PARAMETERS[20:])

_RESET = sympy.Ge(VOLTAGE, 0)
_AREA = sympy.pi * _r_fil**2
_R, _R_D, _V_J, _V_F, _RISE, _L, _PSI, _PHI, _E, _GAMMA = sympy.symbols(
    "R R_disc v_j v_f theta L psi phi E_00 gamma", real=True
)
_T = _t_0 + _RISE
_CURRENT = _u / _R
_PER_LENGTH = 1 / (_z * _q * _mu * _AREA)
_PLUG = (_l_cell - _l_disc) / _n_plug * _PER_LENGTH
_HEAT = sympy.Piecewise((_s_reset * _r_th, _RESET), (_r_th, True))
#: The psi below which the published barrier rises faster than the voltage of the junction.
_STEEP = sympy.Min((_L / 256) ** sympy.Rational(1, 3), _phi_b**4 / _L)
_TILT = sympy.Piecewise((_V_F / _l_cell, _RESET), (-_CURRENT * _R_D / _l_disc, True)) * _z * _a / (sympy.pi * _w_a)
_X = _E / (_k * _T)
#: Largest gamma; at 1 the field would remove the hopping barrier.
_LEVEL = 1 - sympy.Rational(1, 10**6)


_PARTS = (
    Part(_R_D, _l_disc / _n * _PER_LENGTH),
    Part(_R, _R_D + _PLUG + _r_tiox + _r_line),
    Part(_V_J, VOLTAGE - _u - _r_line**2 * _alpha * _r_th_line * _CURRENT**3),
    Part(_V_F, _V_J + _CURRENT * (_R_D + _PLUG)),
    Part(_RISE, _HEAT * sympy.Max(0, _CURRENT * _V_F), _HEAT * _CURRENT * _V_F),
    Part(_L, (_q_eps / _eps_phi) ** 3 * _z * _n / (8 * sympy.pi**2)),
    Part(_PSI, _phi_b - _phi_n - _V_J),
    Part(
        _PHI,
        sympy.Min(
            _phi_b,
            sympy.Max(0, _phi_b - (_L * sympy.Max(_PSI, _STEEP)) ** sympy.Rational(1, 4)) + sympy.Max(0, _STEEP - _PSI),
        ),
    ),
    Part(_E, _w_00 * sympy.sqrt(_z * _n / _eps_r)),
    Part(_GAMMA, sympy.Max(-_LEVEL, sympy.Min(_TILT, _LEVEL)), _TILT),
)


def _thermionic() -> sympy.Expr:
    """Return the forward voltage at which thermionic emission over the barrier passes the current."""
    return _k * _T * sympy.log(1 + _CURRENT * sympy.exp(_PHI / (_k * _T)) / (_AREA * _a_r * _T**2))


def _field_emission() -> sympy.Expr:
    """Return the reverse voltage, positive, at which thermionic field emission passes the current (Padovani, Stratton).

    A billionth of kT keeps the square root above zero, where its slope is infinite.
    """
    above = sympy.Max(0, -_V_J) + _PHI / sympy.cosh(_X) ** 2 + _k * _T * sympy.Rational(1, 10**9)
    passed = _AREA * _a_r * _T / _k * sympy.sqrt(sympy.pi * _E * above) * sympy.exp(-_PHI * sympy.tanh(_X) / _E)
    return _E / (_X - sympy.tanh(_X)) * sympy.log(1 - _CURRENT / passed)


def _hopping() -> sympy.Expr:
    """Return the rate of the disc's concentration; at gamma = 1 the field removes the barrier."""
    scale = _w_a / (_k * _T)
    left = sympy.Piecewise((-(1 - (_n_min / _n) ** _f_lim), _RESET), (1 - (_n / _n_max) ** _f_lim, True))
    barrier = sympy.sqrt(1 - _GAMMA**2) + _GAMMA * sympy.asin(_GAMMA)
    speed = _a * _nu * (_n_plug + _n) / _l_disc
    return speed * left * sympy.exp(-scale * barrier) * sympy.sinh(sympy.pi / 2 * scale * _GAMMA)


_EPS0 = 8.8541878128e-12

MODELS = (
    DeviceModel(
        name="jart_vcm",
        title="JART VCM v1b, deterministic: filamentary oxide RRAM with a Schottky junction and Joule heat",
        states=(_N,),
        parameters=_PARAMETERS,
        current=_CURRENT,
        rates=(_hopping(),),
        parts=_PARTS,
        unknown=Unknown(
            "u_r",
            "V",
            "voltage over the cold resistances",
            sympy.Piecewise((_V_J - _thermionic(), _RESET), (_V_J + _field_emission(), True)),
            (sympy.Integer(0), VOLTAGE),
            latex="u",
        ),
        parameter_sets=(
            ParameterSet(
                "hfo2_tiox",
                {
                    "n_min": 8e23,
                    "n_max": 20e26,
                    "n_plug": 20e26,
                    "r_fil": 45e-9,
                    "l_cell": 3e-9,
                    "l_disc": 0.4e-9,
                    "f_lim": 10.0,
                    "mu_n": 4e-6,
                    "z_v": 2.0,
                    "a_hop": 0.25e-9,
                    "nu_0": 2e13,
                    "w_a": 1.35,
                    "phi_b": 0.18,
                    "phi_n": 0.1,
                    "a_r": 6.01e5,
                    "eps_r": 17.0,
                    "eps_phi": 5.5,
                    "t_0": 293.0,
                    "r_th": 15.72e6,
                    "s_reset": 0.27,
                    "r_tiox": 650.0,
                    "r_line": 719.2437,
                    "r_th_line": 90471.47,
                    "alpha": 3.92e-3,
                    "q_e": CHARGE,
                    "k_q": BOLTZMANN_EV,
                    "q_eps": CHARGE / _EPS0,
                    "w_00": 6.62607015e-34 / (4 * math.pi * math.sqrt(9.1093837015e-31 * _EPS0)),
                },
                {"n_disc": 1e26},
                "Verilog-A of TU Dresden's simplification (vntinas/JART-TUD-VCM-memristor-model); nominal n_min and "
                "n_max, and the equations of the current, from the C++ port bsmeele/master-thesis",
                "seen",
                "The authors' own Verilog-A (doi 10.26165/JUELICH-DATA/LUA8QY) was not read. The port has r_th = 1e7 "
                "K/W, for agreement with a circuit simulator, and a permittivity of the vacuum of 8.6549e-12 F/m; here "
                "it is the true one. The start is ours (published: n_min), as are height and frequency of the loop: "
                "at its first maximum the disc drains, at the minimum it fills.",
                loop_voltage=1.3,
                loop_frequency=2.5e7,
            ),
        ),
        references=(
            "C. Bengel et al., IEEE Trans. Circuits Syst. I 67, 4618 (2020), doi 10.1109/TCSI.2020.3018502",
            "F. Cueppers et al., APL Mater. 7, 091105 (2019), doi 10.1063/1.5108654",
            "V. Ntinas et al., SMACD 2023, doi 10.1109/SMACD58065.2023.10192107: closed-form fit of its current",
            "F. A. Padovani and R. Stratton, Solid-State Electron. 9, 695 (1966), doi 10.1016/0038-1101(66)90097-9",
        ),
        validity=(
            "Deterministic part only; one temperature for the whole filament, which follows its power without delay. "
            "Beyond some -1.5 V that temperature passes 5000 K, and near -2 V the current falls as the voltage rises. "
            "The choice between three solutions is ours: for v > 0 the published barrier, max(0, phi_b - (L "
            "psi)^(1/4)), rises to phi_b so fast as psi falls to 0 that the junction passes less current at more "
            "voltage, and a resistive load line crosses it three times. Here it rises no faster than the junction's "
            "voltage, which leaves one solution: the one that is continuous from 0 V. It is that of the published "
            "barrier as long as the junction has less than some 0.06 V, and the published fit of the "
            "current follows it; a simulator that comes down from a high voltage may be on another, of less current. "
            "The tilt gamma is limited to just below 1, where the field removes the hopping barrier. A disc that fills "
            "heats itself: its last decades take less than a nanosecond, and their time is sensitive to the start."
        ),
    ),
)
