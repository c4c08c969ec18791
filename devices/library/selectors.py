"""Selectors, which pass current only above a voltage: an exponential one, and a volatile threshold switch."""

from __future__ import annotations

import sympy

from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State

_I0 = Parameter("i0", "A", "prefactor of the current", lower=0.0, latex="i_0")
_V0 = Parameter("v0", "V", "voltage over which the current grows by e", lower=0.0, open_lower=True, latex="v_0")

_X = State("x", "1", "share of the way from open to closed, of the logarithm of the conductance")
_SWITCH = (
    Parameter("g_off", "S", "conductance when open", lower=0.0, open_lower=True, latex=r"g_\mathrm{off}"),
    Parameter("g_on", "S", "conductance when closed", lower=0.0, open_lower=True, latex=r"g_\mathrm{on}"),
    Parameter("v_th", "V", "voltage at which it closes", lower=0.0, latex=r"v_\mathrm{th}"),
    Parameter("v_hold", "V", "voltage below which it opens", lower=0.0, latex=r"v_\mathrm{hold}"),
    Parameter("v_s", "V", "width of both thresholds", lower=0.0, open_lower=True, latex=r"v_\mathrm{s}"),
    Parameter("t_on", "s", "time to close", lower=0.0, open_lower=True, latex=r"t_\mathrm{on}"),
    Parameter("t_off", "s", "time to open", lower=0.0, open_lower=True, latex=r"t_\mathrm{off}"),
)
_x = _X.symbol
_off, _on, _th, _hold, _s, _t_on, _t_off = (p.symbol for p in _SWITCH)


def _above(threshold: sympy.Expr, sign: int) -> sympy.Expr:
    """Return a smooth step of width v_s, which is 1 where ``sign (|v| - threshold)`` is positive."""
    return (1 + sympy.tanh(sign * (sympy.Abs(VOLTAGE) - threshold) / (2 * _s))) / 2


MODELS = (
    DeviceModel(
        name="exponential_selector",
        title="Bidirectional exponential selector: i = i0 sinh(v/v0)",
        states=(),
        parameters=(_I0, _V0),
        current=_I0.symbol * sympy.sinh(VOLTAGE / _V0.symbol),
        rates=(),
        parameter_sets=(
            ParameterSet(
                "varistor",
                {"i0": 2e-12, "v0": 0.1086},
                {},
                "W. Lee et al., VLSI Technology 2012: varistor-type bidirectional switch (abstract)",
                "ours",
                "v0 follows from the published selectivity of 1e4 between a voltage and half of it, which is "
                "exp(v / 2 v0). The operating voltage of 2 V is ours, as is the current of 100 uA that gives i0.",
            ),
        ),
        references=(
            "W. Lee et al., Symp. VLSI Technology 37 (2012), doi 10.1109/VLSIT.2012.6242449 (doi recalled): current "
            "above 3e7 A/cm2 and selectivity about 1e4",
        ),
        validity="No memory and no delay; up to some 700 v0, where the hyperbolic sine leaves the range of doubles.",
    ),
    DeviceModel(
        name="threshold_switch",
        title="Volatile threshold switch: closes above v_th, opens below v_hold",
        states=(_X,),
        parameters=_SWITCH,
        current=VOLTAGE * _off * (_on / _off) ** _x,
        rates=(_above(_th, 1) / _t_on - _above(_hold, -1) / _t_off,),
        parameter_sets=(
            ParameterSet(
                "ag_hafnia",
                {
                    "g_off": 1e-13,
                    "g_on": 1e-3,
                    "v_th": 0.3,
                    "v_hold": 0.1,
                    "v_s": 4e-4,
                    "t_on": 75e-9,
                    "t_off": 250e-9,
                },
                {"x": 0.0},
                "R. Midya et al., Adv. Mater. 29, 1604457 (2017), doi 10.1002/adma.201604457 (abstract)",
                "seen",
                "From the abstract: leakage about 1e-14 A, nonlinearity about 1e10, turn-on slope below 1 mV/decade, "
                "and off in less than 75 and 250 ns, taken as the times themselves. v_th, v_hold and the 0.1 V at "
                "which the leakage becomes g_off are ours, as is the frequency of the loop, at which it opens below "
                "v_hold.",
                loop_frequency=1e5,
            ),
        ),
        references=("R. Midya et al., Adv. Mater. 29, 1604457 (2017), doi 10.1002/adma.201604457",),
        validity="The form is ours: linear motion between open and closed, no effect of overdrive or temperature.",
    ),
)
