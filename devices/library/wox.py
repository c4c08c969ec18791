"""Michigan WOx (Chang, Jo, Lu 2011): Schottky and tunnelling paths in parallel, and decay, in two published forms.

The decay is inside the factor lam in ``wox_scaled_decay``, and outside in ``wox_plain_decay``.
"""

from __future__ import annotations

import sympy

from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet, State

_W = State("w", "1", "area fraction of the conducting filaments")
_CURRENT = (
    Parameter("alpha", "A", "prefactor of the Schottky current", lower=0.0, latex=r"\alpha"),
    Parameter("beta", "1/V", "exponent of the Schottky current", lower=0.0, latex=r"\beta"),
    Parameter("gamma", "A", "prefactor of the tunnelling current", lower=0.0, latex=r"\gamma"),
    Parameter("delta", "1/V", "exponent of the tunnelling current", lower=0.0, latex=r"\delta"),
)
_SCALED = (
    Parameter("lam", "1", "factor on the whole state law, decay included", lower=0.0, latex=r"\lambda"),
    Parameter("eta1", "1/s", "prefactor of field-driven growth", lower=0.0, latex=r"\eta_1"),
    Parameter("eta2", "1/V", "exponent of field-driven growth", lower=0.0, latex=r"\eta_2"),
    Parameter("tau", "s", "decay time; the effective one is tau/lam", lower=0.0, open_lower=True, latex=r"\tau"),
)
_PLAIN = (
    Parameter("lam", "1/s", "prefactor of field-driven growth", lower=0.0, latex=r"\lambda"),
    Parameter("eta", "1/V", "exponent of field-driven growth", lower=0.0, latex=r"\eta"),
    Parameter("tau", "s", "decay time", lower=0.0, open_lower=True, latex=r"\tau"),
)
_w = _W.symbol
_alpha, _beta, _gamma, _delta = (p.symbol for p in _CURRENT)
_lam_scaled, _eta1, _eta2, _tau = (p.symbol for p in _SCALED)
_lam_plain, _eta, _ = (p.symbol for p in _PLAIN)
_LAW = (1 - _w) * _alpha * (1 - sympy.exp(-_beta * VOLTAGE)) + _w * _gamma * sympy.sinh(_delta * VOLTAGE)

_KNOWM = {"alpha": 0.5e-6, "beta": 0.5, "gamma": 4e-6, "delta": 2.0}
_REFERENCES = ("T. Chang, S.-H. Jo and W. Lu, Appl. Phys. A 102, 857 (2011), doi 10.1007/s00339-011-6296-1",)
_VALIDITY = (
    "Volts and below: the Schottky term grows as exp(beta |v|) for v < 0. Other copies of the model have the decay "
    "{elsewhere} the factor lam, or use two exponentials for growth; those are other models."
)

MODELS = (
    DeviceModel(
        name="wox_scaled_decay",
        title="Michigan WOx, decay scaled by the rate: dw/dt = lam (eta1 sinh(eta2 v) - w/tau)",
        states=(_W,),
        parameters=(*_CURRENT, *_SCALED),
        current=_LAW,
        rates=(_lam_scaled * (_eta1 * sympy.sinh(_eta2 * VOLTAGE) - _w / _tau),),
        parameter_sets=(
            ParameterSet(
                "knowm",
                {**_KNOWM, "lam": 4.5, "eta1": 0.004, "eta2": 4.0, "tau": 10.0},
                {"w": 0.0},
                "University of Michigan deck of the open SPICE collection knowm/memristor-models-4-all",
                "seen",
                "The deck leaves the decay off by default; here it is on. A large tau switches it off.",
            ),
        ),
        references=_REFERENCES,
        validity=_VALIDITY.format(elsewhere="outside"),
    ),
    DeviceModel(
        name="wox_plain_decay",
        title="Michigan WOx, decay outside the rate: dw/dt = lam sinh(eta v) - w/tau",
        states=(_W,),
        parameters=(*_CURRENT, *_PLAIN),
        current=_LAW,
        rates=(_lam_plain * sympy.sinh(_eta * VOLTAGE) - _w / _tau,),
        parameter_sets=(
            ParameterSet(
                "knowm",
                {**_KNOWM, "lam": 4.5 * 0.004, "eta": 4.0, "tau": 10.0},
                {"w": 0.0},
                "University of Michigan deck of the open SPICE collection knowm/memristor-models-4-all",
                "ours",
                "Current and growth are the deck's; tau, which the deck divides by lam = 4.5, is taken as it is.",
            ),
        ),
        references=_REFERENCES,
        validity=_VALIDITY.format(elsewhere="inside"),
    ),
)
