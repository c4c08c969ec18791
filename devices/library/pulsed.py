r"""Synapses that are programmed by equal pulses, as laws in time: linear step, power step, and NeuroSim's form.

The published laws give the change that one pulse makes. Here the state moves while the voltage is beyond a threshold,
at a rate that makes this change in the nominal pulse width. An update that is affine in the state,

.. math:: w_{n+1} = w_n + \lambda (w^* - w_n), \qquad
    \dot w = \frac{-\ln(1 - \lambda)}{t_\mathrm{pulse}} (w^* - w),

is reproduced exactly, pulse after pulse. The power step is not affine; its motion is the limit of many small pulses,
and differs from the published step by a term of second order in the step.

`devices.apply_pulses` applies whole pulses to ensembles, with the cycle-to-cycle noise that a set gives.
"""

from __future__ import annotations

import math
from functools import cache

import sympy

from devices.common.errors import InputError
from devices.common.validation import number
from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State
from devices.pulse_update import CycleNoise, PulseDirection, PulseUpdate

_V_UP = Parameter("v_up", "V", "voltage above which the weight grows", lower=0.0, latex=r"v_\mathrm{up}")
_V_DOWN = Parameter(
    "v_down",
    "V",
    "magnitude of the negative voltage beyond which the weight shrinks",
    lower=0.0,
    latex=r"v_\mathrm{down}",
)
_G_MIN = Parameter("g_min", "S", "conductance at the lower bound", lower=0.0, latex=r"g_\mathrm{min}")
_G_MAX = Parameter("g_max", "S", "conductance at the upper bound", lower=0.0, latex=r"g_\mathrm{max}")
_PULSE = Parameter("t_pulse", "s", "width of the pulse that makes one update", lower=0.0, open_lower=True,
                   latex=r"t_\mathrm{pulse}")  # fmt: skip

_W = State("w", "1", "weight", lower="w_min", upper="w_max")
_STEPS = (
    Parameter("dw_up", "1", "step of one pulse up at w = 0", lower=0.0, latex=r"\Delta w_\mathrm{up}"),
    Parameter("dw_down", "1", "step of one pulse down at w = 0", lower=0.0, latex=r"\Delta w_\mathrm{down}"),
)
_RANGE = (
    Parameter("w_min", "1", "lower bound of the weight, negative", upper=-1e-12, latex=r"w_\mathrm{min}"),
    Parameter("w_max", "1", "upper bound of the weight, positive", lower=0.0, open_lower=True, latex=r"w_\mathrm{max}"),
)
_SLOPES = (
    Parameter("gamma_up", "1", "share of the step up that is lost at w_max", lower=0.0, latex=r"\gamma_\mathrm{up}"),
    Parameter(
        "gamma_down", "1", "share of the step down that is lost at w_min", lower=0.0, latex=r"\gamma_\mathrm{down}"
    ),
)
_POWERS = (
    Parameter("power_up", "1", "exponent of the step up", lower=1.0, latex=r"\gamma_\mathrm{up}"),
    Parameter("power_down", "1", "exponent of the step down", lower=1.0, latex=r"\gamma_\mathrm{down}"),
)
_CELL = (_PULSE, _V_UP, _V_DOWN, _G_MIN, _G_MAX)
_t, _v_up, _v_down, _g_min, _g_max = (p.symbol for p in _CELL)
_w, (_dw_up, _dw_down), (_w_min, _w_max) = _W.symbol, (p.symbol for p in _STEPS), (p.symbol for p in _RANGE)
_SHARE = (_w - _w_min) / (_w_max - _w_min)

#: Pulses of the linear and of the power step.
_UP = PulseDirection(1.0, above="v_up", width="t_pulse", step="dw_up")
_DOWN = PulseDirection(-1.0, above="v_down", width="t_pulse", step="dw_down")


def driven(up: sympy.Expr, down: sympy.Expr) -> sympy.Expr:
    """Return the rate: `up` above the upper threshold, ``-down`` below the lower one, and 0 between them.

    The threshold is an ideal step, because the published laws count whole pulses.
    """
    return up * _beyond(VOLTAGE, _v_up) - down * _beyond(-VOLTAGE, _v_down)


def _beyond(height: sympy.Expr, threshold: sympy.Expr) -> sympy.Expr:
    return sympy.Piecewise((1, sympy.Gt(height, threshold)), (0, True))


def rate_factor(share: sympy.Expr) -> sympy.Expr:
    """Return ``-ln(1 - share)/share``, the initial rate of a motion that makes the change `share` in one pulse.

    The rate is relative to `share` per pulse width. Below 1e-3 it is a series, exact to rounding; shares above 0.99
    are treated as 0.99.
    """
    small = sympy.Rational(1, 1000)
    series = 1 + share / 2 + share**2 / 3 + share**3 / 4 + share**4 / 5
    held = sympy.Min(sympy.Max(share, small), sympy.Rational(99, 100))
    return sympy.Piecewise((series, share < small), (-sympy.log(1 - held) / held, True))


def _linear(step: sympy.Expr, slope: sympy.Expr, bound: sympy.Expr) -> sympy.Expr:
    return step / _t * rate_factor(step * slope / bound) * (1 - slope * _w / bound)


def _power(step: sympy.Expr, distance: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    """Return the rate of the power step, in a form whose derivative is finite at the bound."""
    return step / _t * distance**exponent / (_w_max - _w_min) ** exponent


def _conductance(share: sympy.Expr) -> sympy.Expr:
    return _g_min + (_g_max - _g_min) * share


_OURS = "Pulse width, thresholds and conductances are ours: the source has none. "
_AIHWKIT = "presets of IBM aihwkit"


def _preset(
    name: str, dw: float, low: float, high: float, up: float, down: float, g: tuple[float, float], source: str,
    note: str, noise: CycleNoise,
) -> ParameterSet:  # fmt: skip
    values = {
        "dw_up": dw, "dw_down": dw, "w_min": low, "w_max": high, "gamma_up": up, "gamma_down": down,
        "t_pulse": 1e-6, "v_up": 0.75, "v_down": 0.75, "g_min": g[0], "g_max": g[1],
    }  # fmt: skip
    text = f"Step, range and slopes are the source's; the start is ours. {_OURS}{note}"
    return ParameterSet(name, values, {"w": 0.0}, f"{_AIHWKIT}; {source}", "seen", text, cycle_noise=noise)


_LOW, _HIGH = (1e-6, 10e-6), (10e-6, 100e-6)
_LINEAR_SETS = (
    _preset("ecram_tang", 0.002, -0.8276, 1.1724, 0.1153, 0.5085, _LOW,
            "J. Tang et al., IEDM 2018, arnumber 8614551", "Lithium-based ECRAM.",
            CycleNoise(0.3, "multiplicative")),
    _preset("ecram_kim", 2.8214e-4, -0.8286, 1.1714, 0.4152, 0.7342, _LOW,
            "S. Kim et al., IEDM 2019, arnumber 8993463", "Metal-oxide ECRAM.", CycleNoise(2.0, "multiplicative")),
    _preset("reram_gong", 0.002, -0.75, 1.25, 1.0, 1.0, _HIGH,
            "N. Gong et al., Nat. Commun. 9, 2102 (2018), doi 10.1038/s41467-018-04485-1",
            "A loose fit, soft bounds, symmetry point at 0. The source adds write noise of 56 steps to what is read.",
            CycleNoise(3.75)),
    _preset("reram_array_om", 0.0949, -1.0, 1.0, 1.0, 1.0, _HIGH,
            "N. Gong, M. J. Rasch et al., IEDM 2022, arnumber 10019569",
            "Median of an array, optimised material, soft bounds. The source adds write noise of 1.4113 steps to what "
            "is read.", CycleNoise(0.4158)),
    _preset("reram_array_hfo2", 0.4622, -1.0, 1.0, 1.0, 1.0, _HIGH,
            "N. Gong, M. J. Rasch et al., IEDM 2022, arnumber 10019569",
            "Median of an array, baseline HfO2, soft bounds. The source adds write noise of 0.5841 steps to what is "
            "read.", CycleNoise(0.2174)),
    _preset("capacitor_li", 0.005, -1.0, 1.0, 0.05, 0.05, _LOW,
            "Y. Li et al., VLSI Technology 2018, arnumber 8510648",
            "Capacitor cell; its leakage is left out.", CycleNoise(0.3)),
)  # fmt: skip

_X = State("x", "1", "position in the conductance window")
_NEUROSIM = (
    _G_MIN, _G_MAX,
    Parameter("p_up", "1", "number of pulses up that cross the window", lower=1.0, latex=r"P_\mathrm{up}"),
    Parameter("p_down", "1", "number of pulses down that cross the window", lower=1.0, latex=r"P_\mathrm{down}"),
    Parameter("a_up", "1", "A/P_max of the pulses up", lower=1e-3, upper=1e6, latex=r"a_\mathrm{up}"),
    Parameter("a_down", "1", "-A/P_max of the pulses down, positive if the first is largest", lower=-1e6, upper=1e6,
              nonzero=True, latex=r"a_\mathrm{down}"),
    Parameter("t_up", "s", "width of a pulse up", lower=0.0, open_lower=True, latex=r"t_\mathrm{up}"),
    Parameter("t_down", "s", "width of a pulse down", lower=0.0, open_lower=True, latex=r"t_\mathrm{down}"),
    _V_UP, _V_DOWN,
)  # fmt: skip
_x = _X.symbol
_p_up, _p_down, _a_up, _a_down, _t_up, _t_down = (p.symbol for p in _NEUROSIM[2:8])


@cache
def neurosim_nonlinearity(nl: float) -> float:
    r"""Return A/P_max, without its sign, of NeuroSim's conductance curve for a nonlinearity label.

    The label measures how far the normalised curve :math:`y(s) = (1 - e^{-s/a})/(1 - e^{-1/a})` leaves its chord: by
    :math:`0.07 \sqrt 2\, |NL|` at most, which is :math:`0.07\, |NL|` at right angles to it. Solved for a.

    Parameters
    ----------
    nl : float
        Label, 0.001 to 10 without its sign, which is the direction.

    Returns
    -------
    float
        A/P_max.

    Examples
    --------
    >>> round(neurosim_nonlinearity(2.4), 6)
    0.499181
    """
    import mpmath

    label = abs(number("nl", nl))
    if not 1e-3 <= label <= 10.0:
        raise InputError("nl", f"{nl:g}", "0.001 to 10, of either sign", "0.001 for a nearly linear curve")
    with mpmath.workdps(30):
        wanted = mpmath.mpf("0.07") * mpmath.sqrt(2) * label

        def excess(z: mpmath.mpf) -> mpmath.mpf:
            lost = -mpmath.expm1(-z)
            return 1 / lost - 1 / z - mpmath.log(z / lost) / z - wanted

        z = mpmath.findroot(excess, (4 * wanted, 1000), solver="anderson", tol=1e-40, maxsteps=500)
        return float(1 / z)


def _reported(
    name: str, states: int, nl: tuple[float, float], r_on: float, ratio: float, up: tuple[float, float],
    down: tuple[float, float], noise: float, device: str, note: str = "",
) -> ParameterSet:  # fmt: skip
    """Return a set of the table: number of states, labels, on-resistance, on/off ratio, (height, width) of pulses."""
    a_down = -math.copysign(neurosim_nonlinearity(nl[1]), nl[1])
    values = {
        "g_min": 1 / (r_on * ratio), "g_max": 1 / r_on, "p_up": float(states), "p_down": float(states),
        "a_up": neurosim_nonlinearity(nl[0]), "a_down": a_down, "t_up": up[1], "t_down": down[1],
        "v_up": _threshold(up[0]), "v_down": _threshold(down[0]),
    }  # fmt: skip
    text = (
        f"{device}. {states} states, taken as pulses; nonlinearity {nl[0]:g} up and {nl[1]:g} down, pulses of "
        f"{up[0]:g} V and {-down[0]:g} V. {note}{_THRESHOLD_NOTE}"
    )
    peak = max(up[0], down[0])
    cycle_noise = CycleNoise(noise, "accumulated")
    return ParameterSet(name, values, {"x": 0.0}, _TABLE, "seen", text, loop_voltage=peak, cycle_noise=cycle_noise)


def _threshold(height: float) -> float:
    """Return a threshold [V] between half the height of a pulse and the whole."""
    return round(0.65 * height, 2)


_THRESHOLD_NOTE = "The thresholds are ours: above half of these voltages, so that a half-selected cell does not change."
_TABLE = "benchmark table of M. Jerry et al., IEDM 2017, doi 10.1109/IEDM.2017.8268338"
_REPORTED = (
    _reported(
        "hzo_fefet", 32, (1.75, 1.46), 559.28e3, 45.0, (3.65, 75e-9), (2.95, 75e-9), 0.005,
        "Ferroelectric transistor with 10 nm Hf0.5Zr0.5O2",
        "Labels of one sign: the pulses down nearly retrace those up. The source's pulses grow from one to the next, "
        "the heights are their means; it gives less than 0.5 % of noise. Programmed through a gate and read through "
        "its channel; here both share two terminals. ",
    ),
    _reported(
        "alox_hfo2", 40, (1.94, -0.61), 16.9e3, 4.43, (0.9, 100e-6), (1.0, 100e-6), 0.05,
        "J. Woo et al., IEEE Electron Device Lett. 37, 994 (2016)",
    ),
    _reported(
        "taox_tio2", 102, (0.66, -0.69), 5e6, 2.0, (3.0, 40e-3), (3.0, 10e-3), 0.01,
        "L. Gao et al., Nanotechnology 26, 455204 (2015)",
        "The labels of Chen, Peng and Yu (2018) are 1.85 and -1.79. The table gives less than 1 % of noise. ",
    ),
    _reported(
        "pcmo", 50, (3.68, -6.76), 23e6, 6.84, (2.0, 1e-3), (2.0, 1e-3), 0.01, "S. Park et al., IEDM 2013",
        "The source raises the conductance with -2 V: the terminals are exchanged here. It gives less than 1 % of "
        "noise. ",
    ),
)  # fmt: skip


def _exponential(passed: sympy.Expr, a: sympy.Expr, pulses: sympy.Expr, width: sympy.Expr) -> sympy.Expr:
    """Return the rate that gives ``x = (1 - exp(-P/A))/(1 - exp(-P_max/A))``, with z = P_max/A and x = `passed`."""
    z = 1 / a
    return (z / 2 * (1 + 1 / sympy.tanh(z / 2)) - z * passed) / (pulses * width)


_AIHWKIT_REFERENCE = "M. J. Rasch et al., IEEE AICAS 2021, doi 10.1109/AICAS51828.2021.9458494 (doi recalled): aihwkit"

MODELS = (
    DeviceModel(
        name="linear_step_synapse",
        title="Pulsed synapse, linear step: from equal steps (gamma = 0) to soft bounds (gamma = 1)",
        states=(_W,),
        parameters=(*_STEPS, *_RANGE, *_SLOPES, *_CELL),
        current=VOLTAGE * _conductance(_SHARE),
        rates=(
            driven(_linear(_dw_up, _SLOPES[0].symbol, _w_max), _linear(_dw_down, _SLOPES[1].symbol, -_w_min)
                   .subs(_w, -_w)),
        ),
        parameter_sets=_LINEAR_SETS,
        references=(
            _AIHWKIT_REFERENCE,
            "S. Fusi and L. F. Abbott, Nat. Neurosci. 10, 485 (2007), doi 10.1038/nn1859: soft bounds",
        ),
        pulse_update=PulseUpdate(_UP, _DOWN),
        validity=(
            "Pulses of one height: the step does not grow with the overdrive, and a longer pulse counts as several. "
            "Steps of more than 0.99 of the way to the weight at which they end count as 0.99. ECRAM is programmed "
            "through a gate and read through its channel; here both share two terminals. No retention loss."
        ),
    ),
    DeviceModel(
        name="power_step_synapse",
        title="Pulsed synapse, power step: the step shrinks as a power of the distance to the bound",
        states=(_W,),
        parameters=(*_STEPS, *_RANGE, *_POWERS, *_CELL),
        current=VOLTAGE * _conductance(_SHARE),
        rates=(
            driven(
                _power(_dw_up, _w_max - _w, _POWERS[0].symbol),
                _power(_dw_down, _w - _w_min, _POWERS[1].symbol),
            ),
        ),
        parameter_sets=(
            ParameterSet(
                "round",
                {
                    "dw_up": 0.01, "dw_down": 0.01, "w_min": -1.0, "w_max": 1.0, "power_up": 2.0, "power_down": 2.0,
                    "t_pulse": 1e-6, "v_up": 0.75, "v_down": 0.75, "g_min": 1e-6, "g_max": 10e-6,
                },
                {"w": 0.0},
                "round figures of ours for the law of aihwkit's PowStepDevice",
                "ours",
                "No published fit was found.",
            ),
        ),
        references=(
            "S. Fusi and L. F. Abbott, Nat. Neurosci. 10, 485 (2007), doi 10.1038/nn1859",
            "J. Frascaroli et al., Sci. Rep. 8, 7178 (2018), doi 10.1038/s41598-018-25376-x",
            _AIHWKIT_REFERENCE,
        ),
        pulse_update=PulseUpdate(_UP, _DOWN, affine=False),
        validity=(
            "The limit of many small pulses: one nominal pulse differs from the published step dw u^gamma, where u is "
            "the distance to the bound over the range, by gamma dw^2 u^(2 gamma - 1)/2 over the range, to second order."
        ),
    ),
    DeviceModel(
        name="neurosim_synapse",
        title="Pulsed synapse, NeuroSim's form: G = B (1 - exp(-P/A)) + g_min up, its mirror image down",
        states=(_X,),
        parameters=_NEUROSIM,
        current=VOLTAGE * _conductance(_x),
        rates=(driven(_exponential(_x, _a_up, _p_up, _t_up), _exponential(1 - _x, _a_down, _p_down, _t_down)),),
        parameter_sets=(
            ParameterSet(
                "ag_silicon",
                {
                    "g_min": 3.0769e-9, "g_max": 38.462e-9, "p_up": 97.0, "p_down": 100.0,
                    "a_up": neurosim_nonlinearity(2.4), "a_down": neurosim_nonlinearity(-4.88),
                    "t_up": 300e-6, "t_down": 300e-6, "v_up": 2.1, "v_down": 1.9,
                },
                {"x": 0.0},
                "default device of MLP+NeuroSim 3.0 (neurosim/MLP_NeuroSim_V3.0), Ag:a-Si",
                "code default",
                f"Nonlinearity 2.4 up and -4.88 down, 97 and 100 pulses of 3.2 V and -2.8 V. {_THRESHOLD_NOTE}",
                loop_voltage=3.2,
                cycle_noise=CycleNoise(0.035, "accumulated"),
            ),
            *_REPORTED,
        ),
        references=(
            "P.-Y. Chen, X. Peng and S. Yu, IEEE Trans. CAD 37, 3067 (2018), doi 10.1109/TCAD.2018.2789723 "
            "(doi recalled)",
            "M. Jerry et al., IEDM 2017, doi 10.1109/IEDM.2017.8268338",
            "S. H. Jo et al., Nano Lett. 10, 1297 (2010), doi 10.1021/nl904092h: Ag:a-Si",
        ),
        pulse_update=PulseUpdate(
            PulseDirection(1.0, above="v_up", width="t_up"), PulseDirection(-1.0, above="v_down", width="t_down")
        ),
        validity=(
            "Pulses of one height. The form does not depend on how a state was reached: a pulse up and one down do not "
            "cancel. No retention loss, and an ohmic read."
        ),
    ),
)  # fmt: skip
