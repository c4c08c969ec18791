r"""Phase-change memory: drift as a power law of time, accumulative SET and melting RESET by pulses.

The conductance at the time t after programming is :math:`G(t) = g\,(t/t_0)^{-\nu}`, where g is the conductance at
:math:`t_0`. As an equation of motion, with time counted from there,

.. math:: \dot G = -\frac{\nu}{t_0}\, G \left(\frac{G}{g}\right)^{1/\nu}, \qquad G(0) = g
    \quad\Rightarrow\quad G = g\, (1 + t/t_0)^{-\nu},

because :math:`G^{-1-1/\nu}\dot G` integrates to :math:`G^{-1/\nu} = g^{-1/\nu}(1 + t/t_0)`. Pulses change g and
restart drift, so g and the logarithm of the time are two states here, :math:`G = g\,e^{-\nu a}` with
:math:`\dot a = e^{-a}/t_0`, which is the same motion and spans decades of time evenly.
"""

from __future__ import annotations

import sympy

from devices.library.pulsed import rate_factor
from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State
from devices.pulse_update import CycleNoise, PulseDirection, PulseUpdate

_G = State("g", "S", "conductance at t_drift after programming", lower="g_min", upper="g_max")
_AGE = State("age", "1", "logarithm of the time since programming over t_drift", 0.0, 40.0, latex="a")
_PARAMETERS = (
    Parameter("dg_set", "S", "step of a SET pulse at g = 0", lower=0.0, latex=r"\Delta g_\mathrm{set}"),
    Parameter(
        "g_min", "S", "conductance after RESET", lower=0.0, open_lower=True, latex=r"g_\mathrm{min}"
    ),
    Parameter("g_max", "S", "largest conductance", lower=0.0, open_lower=True, latex=r"g_\mathrm{max}"),
    Parameter("nu_mid", "1", "drift exponent at g_max, before it is limited", latex=r"\nu_1"),
    Parameter("nu_slope", "1", "growth of the drift exponent with ln(g_max/g)", latex=r"\nu_2"),
    Parameter("nu_low", "1", "smallest drift exponent", lower=0.0, latex=r"\nu_\mathrm{low}"),
    Parameter("nu_high", "1", "largest drift exponent", lower=0.0, latex=r"\nu_\mathrm{high}"),
    Parameter("t_drift", "s", "time after programming to which g belongs", lower=0.0, open_lower=True, latex="t_0"),
    Parameter(
        "g_sat", "S", "conductance at which SET pulses saturate", lower=0.0, open_lower=True, latex=r"g_\mathrm{sat}"
    ),
    Parameter("v_set", "V", "threshold of SET", lower=0.0, latex=r"v_\mathrm{set}"),
    Parameter("v_reset", "V", "threshold of RESET, above that of SET", lower=0.0, latex=r"v_\mathrm{reset}"),
    Parameter("t_set", "s", "width of a SET pulse", lower=0.0, open_lower=True, latex=r"t_\mathrm{set}"),
    Parameter("t_reset", "s", "width of a RESET pulse", lower=0.0, open_lower=True, latex=r"t_\mathrm{reset}"),
    Parameter("t_melt", "s", "time constant of melting", lower=0.0, open_lower=True,
              latex=r"t_\mathrm{melt}"),
    Parameter("t_clear", "s", "time constant with which a pulse restarts drift", lower=0.0, open_lower=True,
              latex=r"t_\mathrm{clear}"),
)  # fmt: skip
_g, _age = _G.symbol, _AGE.symbol
(_dg, _g_min, _g_max, _nu_mid, _nu_slope, _nu_low, _nu_high, _t0, _g_sat, _v_set, _v_reset, _t_set, _t_reset, _t_melt,
 _t_clear) = (p.symbol for p in _PARAMETERS)  # fmt: skip
_NU = sympy.Min(sympy.Max(_nu_mid + _nu_slope * sympy.log(_g_max / _g), _nu_low), _nu_high)
_HEIGHT = sympy.Abs(VOLTAGE)

_SET = {"dg_set": 0.892e-6, "g_sat": 0.892e-6 / 0.084}
_PULSES = {"v_set": 0.8, "v_reset": 1.6, "t_set": 50e-9, "t_reset": 50e-9, "t_melt": 5e-9, "t_clear": 5e-9}
_SIMPLIFIED = (
    "step 0.892 uS - 0.084 g of a SET pulse: Y. Demirag's open simplified PCM model (2022) of S. R. Nandakumar et al., "
    "J. Appl. Phys. 124, 152135 (2018), doi 10.1063/1.5042408 (doi recalled)"
)
_OURS = "Thresholds, widths, melting and the restart of drift are ours."

#: Cycle-to-cycle noise of a SET pulse, 0.575 uS + 0.09 g, in units of its nominal step.
_NOISE = CycleNoise(0.575 / 0.892, slope=0.09)

MODELS = (
    DeviceModel(
        name="pcm",
        title="Phase-change memory: power-law drift, accumulative SET, RESET by melting",
        states=(_G, _AGE),
        parameters=_PARAMETERS,
        current=VOLTAGE * _g * sympy.exp(-_NU * _age),
        rates=(
            sympy.Piecewise(
                (-(_g - _g_min) / _t_melt, sympy.Gt(_HEIGHT, _v_reset)),
                (_dg / _t_set * rate_factor(_dg / _g_sat) * (1 - _g / _g_sat), sympy.Gt(_HEIGHT, _v_set)),
                (0, True),
            ),
            sympy.Piecewise((-_age / _t_clear, sympy.Gt(_HEIGHT, _v_set)), (sympy.exp(-_age) / _t0, True)),
        ),
        parameter_sets=(
            ParameterSet(
                "aihwkit",
                {
                    "g_min": 0.1e-6, "g_max": 25e-6, "nu_mid": 0.0244, "nu_slope": 0.0155, "nu_low": 0.049,
                    "nu_high": 0.1, "t_drift": 20.0, **_SET, **_PULSES,
                },
                {"g": 0.1e-6, "age": 0.0},
                "drift and g_max of IBM aihwkit's PCM noise model, after V. Joshi et al., Nat. Commun. 11, 2473 "
                f"(2020), doi 10.1038/s41467-020-16108-9 (doi recalled); {_SIMPLIFIED}",
                "seen",
                "The mean drift exponent; its spread, programming and read noise are effects. There the exponent "
                f"follows from the target, here from the programmed value. g_min is that of the other set. {_OURS}",
                loop_voltage=2.0,
                loop_frequency=2e5,
                cycle_noise=_NOISE,
            ),
            ParameterSet(
                "demirag",
                {
                    "g_min": 0.1e-6, "g_max": 20e-6, "nu_mid": 0.04, "nu_slope": 0.0, "nu_low": 0.04, "nu_high": 0.04,
                    "t_drift": 38.6, **_SET, **_PULSES,
                },
                {"g": 0.1e-6, "age": 0.0},
                f"drift exponent 0.04 at 38.6 s and {_SIMPLIFIED}",
                "seen",
                f"The source fits the step against the present conductance. {_OURS}",
                loop_voltage=2.0,
                loop_frequency=2e5,
                cycle_noise=_NOISE,
            ),
        ),
        references=(
            "V. Joshi et al., Nat. Commun. 11, 2473 (2020), doi 10.1038/s41467-020-16108-9 (doi recalled)",
            "S. R. Nandakumar et al., IEEE ICECS 2019: the statistical model",
            "S. R. Nandakumar et al., J. Appl. Phys. 124, 152135 (2018), doi 10.1063/1.5042408 (doi recalled)",
        ),
        pulse_update=PulseUpdate(
            PulseDirection(1.0, above="v_set", below="v_reset", width="t_set", step="dg_set"),
            PulseDirection(1.0, above="v_reset", width="t_reset", step="dg_set"),
            clock="age",
        ),
        validity=(
            "Ohmic reads: the threshold switching of a melting cell, and heat, are left out. SET moves the conductance "
            "towards g_sat in mean steps; RESET lets it decay to g_min. Drift is counted from t_drift after the last "
            "pulse above v_set, as if that time had passed at its end."
        ),
    ),
)  # fmt: skip
