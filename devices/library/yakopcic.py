"""Yakopcic's generalised memristor: voltage thresholds, hyperbolic-sine current, motion damped near the ends."""

from __future__ import annotations

import sympy

from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State

_X = State("x", "1", "conducting share of the film")
_PARAMETERS = (
    Parameter("a1", "A", "prefactor of the current for v >= 0", lower=0.0, latex="a_1"),
    Parameter("a2", "A", "prefactor of the current for v < 0", lower=0.0, latex="a_2"),
    Parameter("b", "1/V", "exponent of the current", lower=0.0, open_lower=True),
    Parameter("v_p", "V", "threshold of positive voltage", lower=0.0, latex="V_p"),
    Parameter("v_n", "V", "magnitude of the threshold of negative voltage", lower=0.0, latex="V_n"),
    Parameter("rate_p", "1/s", "speed above the positive threshold", lower=0.0, latex="A_p"),
    Parameter("rate_n", "1/s", "speed below the negative threshold", lower=0.0, latex="A_n"),
    Parameter("x_p", "1", "state above which growth is damped", lower=0.0, upper=0.999999, latex="x_p"),
    Parameter("x_n", "1", "1 minus the state below which shrinking is damped", lower=0.0, upper=0.999999, latex="x_n"),
    Parameter("alpha_p", "1", "exponent of the damping of growth", lower=0.0, latex=r"\alpha_p"),
    Parameter("alpha_n", "1", "exponent of the damping of shrinking", lower=0.0, latex=r"\alpha_n"),
    Parameter("eta", "1", "1 where positive voltage lets x grow, -1 where it shrinks", -1.0, 1.0, latex=r"\eta"),
    Parameter("v_s", "V", "scale in the exponents: 1 V, left out in print", lower=0.0, open_lower=True, latex="V_s"),
)
_x = _X.symbol
_a1, _a2, _b, _v_p, _v_n, _rate_p, _rate_n, _x_p, _x_n, _alpha_p, _alpha_n, _eta, _v_s = (p.symbol for p in _PARAMETERS)


def _damped(beyond: sympy.Expr, alpha: sympy.Symbol, room: sympy.Expr) -> sympy.Expr:
    """Return the damping factor: 1, falling to 0 `beyond` the undamped range, over the distance `room` to the end."""
    return sympy.exp(-alpha * sympy.Max(beyond, 0)) * (1 - sympy.Max(beyond, 0) / room)


def _drive(sign: int, threshold: sympy.Symbol, speed: sympy.Symbol) -> sympy.Expr:
    """Return the speed of the motion that voltage of one sign drives."""
    return speed * sympy.Max(sympy.exp(sign * VOLTAGE / _v_s) - sympy.exp(threshold / _v_s), 0)


_POSITIVE, _NEGATIVE = _drive(1, _v_p, _rate_p), _drive(-1, _v_n, _rate_n)
_ALONG, _AGAINST = sympy.Max(_eta, 0), sympy.Max(-_eta, 0)
_GROWTH = (_ALONG * _POSITIVE + _AGAINST * _NEGATIVE) * _damped(_x - _x_p, _alpha_p, 1 - _x_p)
_SHRINKING = (_ALONG * _NEGATIVE + _AGAINST * _POSITIVE) * _damped(1 - _x_n - _x, _alpha_n, 1 - _x_n)

_KNOWM = "Yakopcic deck of the open SPICE collection knowm/memristor-models-4-all"
_TIOTTO = "experiments of the open collection thomastiotto/Memristor-Models"
_A = (0.17, 0.17, 0.05, 0.16, 0.15, 4000.0, 4000.0, 0.3, 0.5, 1.0, 5.0, 1.0, 1.0)


def _values(*values: float) -> dict[str, float]:
    return dict(zip((p.name for p in _PARAMETERS), values, strict=True))


MODELS = (
    DeviceModel(
        name="yakopcic",
        title="Yakopcic: voltage thresholds, hyperbolic-sine current, damping near the ends",
        states=(_X,),
        parameters=_PARAMETERS,
        current=sympy.Piecewise((_a1, VOLTAGE >= 0), (_a2, True)) * _x * sympy.sinh(_b * VOLTAGE),
        rates=(_GROWTH - _SHRINKING,),
        parameter_sets=(
            ParameterSet(
                "knowm_a",
                _values(*_A),
                {"x": 0.11},
                _KNOWM + ", the line that is commented out",
                "seen",
                "thomastiotto/Memristor-Models calls these values Oblea's; believed to be the Ag-chalcogenide fit of "
                "the 2011 and 2013 papers, which were not re-read.",
                loop_voltage=0.45,
                loop_frequency=100.0,
            ),
            ParameterSet(
                "knowm_b",
                {**_values(*_A), "v_p": 0.65, "v_n": 0.56},
                {"x": 0.11},
                _KNOWM + ", the active line",
                "seen",
                "The device behind the thresholds is not named there.",
                loop_voltage=1.0,
            ),
            ParameterSet(
                "memdiode_2011",
                _values(7e-5, 7e-5, 1.9, 0.4, 0.3, 1.0, 1.0, 0.9, 0.7, 3.0, 8.0, 1.0, 1.0),
                {"x": 0.2},
                "a public SPICE deck of a memristive diode, December 2011",
                "seen",
                "The deck's device is not named. The start is ours.",
            ),
            ParameterSet(
                "miao",
                _values(0.11, 0.11, 0.5, 0.09, 0.75, 7.5, 2.0, 0.3, 0.5, 1.0, 5.0, 1.0, 1.0),
                {"x": 0.11},
                _TIOTTO + ", miao",
                "seen",
                "Its drive there is a triangle of 20 s up to 0.75 V and down to -1.25 V.",
                loop_voltage=1.25,
                loop_frequency=0.25,
            ),
            ParameterSet(
                "jo",
                _values(3.7e-7, 4.35e-7, 0.7, 1.5, 0.5, 0.005, 0.08, 0.2, 0.5, 1.2, 3.0, 1.0, 1.0),
                {"x": 0.1},
                _TIOTTO + ", jo",
                "seen",
                "Its drive there is a triangle of 5 s up to 4 V and down to -2 V.",
                loop_voltage=4.0,
                loop_frequency=0.1,
            ),
        ),
        references=(
            "C. Yakopcic, T. M. Taha, G. Subramanyam, R. E. Pino and S. Rogers, IEEE Electron Device Lett. 32, 1436 "
            "(2011), doi 10.1109/LED.2011.2163292 (doi recalled)",
            "C. Yakopcic, T. M. Taha, G. Subramanyam and R. E. Pino, IEEE Trans. Comput.-Aided Des. 32, 1201 (2013), "
            "doi 10.1109/TCAD.2013.2252057 (doi recalled)",
        ),
        validity=(
            "Behavioural, volts and below. The published exponents hide a scale of 1 V, here v_s. No current at x = 0. "
            "The damping is continuous with a kink at x_p and 1 - x_n, and ends the motion at 1 and 0."
        ),
    ),
)
