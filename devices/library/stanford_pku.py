"""Stanford-PKU: filament with a tunnelling gap, grown and closed by field and Joule heat (Guan 2012, Jiang 2014)."""

from __future__ import annotations

import sympy

from devices.common.constants import BOLTZMANN_EV
from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State

_GAP = State("gap", "m", "gap between the filament and the electrode", lower="gap_min", upper="gap_max", latex="g")
_PARAMETERS = (
    Parameter("i0", "A", "prefactor of the current", lower=0.0, latex="I_0"),
    Parameter("g0", "m", "gap over which the current falls by e", lower=0.0, open_lower=True, latex="g_0"),
    Parameter("v0", "V", "voltage over which the current grows by e", lower=0.0, open_lower=True, latex="V_0"),
    Parameter("vel0", "m/s", "prefactor of the speed of the gap", lower=0.0, latex=r"\nu_0"),
    Parameter("ea", "V", "activation energy over the elementary charge", lower=0.0, latex="E_a"),
    Parameter("gamma0", "1", "local field enhancement at no gap", lower=0.0, latex=r"\gamma_0"),
    Parameter("beta", "1", "loss of enhancement at a gap of g_unit", lower=0.0, latex=r"\beta"),
    Parameter(
        "g_unit",
        "m",
        "1 nm, by which the gap is divided in the enhancement",
        lower=0.0,
        open_lower=True,
        latex=r"g_\mathrm{u}",
    ),
    Parameter("a0", "m", "atomic hopping distance", lower=0.0, latex="a_0"),
    Parameter("tox", "m", "oxide thickness", lower=0.0, open_lower=True, latex=r"t_\mathrm{ox}"),
    Parameter("f_min", "V/m", "enhanced field below which the gap stands still", lower=0.0, latex=r"F_\mathrm{min}"),
    Parameter("t0", "K", "ambient temperature", lower=0.0, open_lower=True, latex="T_0"),
    Parameter("rth", "K/W", "thermal resistance of the filament", lower=0.0, latex=r"R_\mathrm{th}"),
    Parameter(
        "kq", "V/K", "Boltzmann's constant over the elementary charge", lower=0.0, open_lower=True, latex=r"\frac{k}{q}"
    ),
    Parameter("gap_min", "m", "smallest gap", lower=0.0, latex=r"g_\mathrm{min}"),
    Parameter("gap_max", "m", "largest gap", lower=0.0, open_lower=True, latex=r"g_\mathrm{max}"),
)
_g = _GAP.symbol
_i0, _g0, _v0, _vel0, _ea, _gamma0, _beta, _g_unit, _a0, _tox, _f_min, _t0, _rth, _kq, _, _ = (
    p.symbol for p in _PARAMETERS
)
_CURRENT = _i0 * sympy.exp(-_g / _g0) * sympy.sinh(VOLTAGE / _v0)
#: v i is never negative, so it stands for the published |v i|.
_TEMPERATURE = _t0 + _rth * VOLTAGE * _CURRENT
_ENHANCEMENT = _gamma0 - _beta * (_g / _g_unit) ** 3
_SPEED = (
    -_vel0
    * sympy.exp(-_ea / (_kq * _TEMPERATURE))
    * sympy.sinh(_ENHANCEMENT * _a0 * VOLTAGE / (_tox * _kq * _TEMPERATURE))
)

MODELS = (
    DeviceModel(
        name="stanford_pku",
        title="Stanford-PKU metal-oxide RRAM: gap moved by the enhanced field and Joule heat",
        states=(_GAP,),
        parameters=_PARAMETERS,
        current=_CURRENT,
        rates=(sympy.Piecewise((_SPEED, _ENHANCEMENT * sympy.Abs(VOLTAGE) / _tox >= _f_min), (0, True)),),
        parameter_sets=(
            ParameterSet(
                "nanohub",
                {
                    "i0": 1e-3,
                    "g0": 0.25e-9,
                    "v0": 0.25,
                    "vel0": 10.0,
                    "ea": 0.6,
                    "gamma0": 16.0,
                    "beta": 0.8,
                    "g_unit": 1e-9,
                    "a0": 0.25e-9,
                    "tox": 12e-9,
                    "f_min": 1.4e9,
                    "t0": 298.0,
                    "rth": 2.1e3,
                    "kq": BOLTZMANN_EV,
                    "gap_min": 0.2e-9,
                    "gap_max": 1.7e-9,
                },
                {"gap": 1.7e-9},
                "Stanford RRAM model 1.0.0, Z. Jiang and H.-S. P. Wong (2014), doi 10.4231/D37H1DN48, from a port",
                "code default",
                "The model starts at the smallest gap; the start at the largest is ours, for a loop that sets first. "
                "k/q is the exact SI value.",
                loop_voltage=2.0,
                loop_frequency=1e7,
            ),
        ),
        references=(
            "X. Guan, S. Yu and H.-S. P. Wong, IEEE Electron Device Lett. 33, 1405 (2012), doi "
            "10.1109/LED.2012.2210856 (recalled)",
            "Z. Jiang et al., IEEE Trans. Electron Devices 63, 1884 (2016), doi 10.1109/TED.2016.2545412 (recalled)",
        ),
        validity=(
            "Alone on a voltage source it heats without limit once it sets: add a series resistance. Up to some 700 "
            "v0, where the hyperbolic sine leaves the range of doubles. The threshold f_min is the published hard "
            "cut. gamma0 holds for both polarities (a public copy fixes 16 for v < 0). The gap stops at its bounds "
            "and leaves them at once, while the published code integrates on behind its clamp. Deterministic part "
            "only: the published random speed N(0, 1) deltaGap / (1 + exp((T_crit - T)/T_smth)) is drawn once a "
            "time step and integrated, so the variance of the gap after a time t is proportional to t times the "
            "step, and vanishes as the step does. A noise that keeps its size needs a density per root second, "
            "which the source does not give."
        ),
    ),
)
