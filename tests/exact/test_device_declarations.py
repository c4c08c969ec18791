"""What a declaration may hold besides laws in closed form: an internal unknown, and laws that jump or bend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose
from scipy.special import lambertw

from devices import DeviceModel, InputError, Parameter, ParameterSet, Series, Sine, device, simulate
from devices.instance import Device
from devices.model import VOLTAGE
from devices.parameters import Unknown
from netlists import crosscheck

_P = (Parameter("i_s", "A", "saturation current"), Parameter("u_t", "V", "thermal voltage"), Parameter("r", "ohm", "R"))
_I_S, _U_T, _R = (p.symbol for p in _P)
_Y = sympy.Symbol("y", real=True)
_DIODE = _I_S * (sympy.exp(_Y / _U_T) - 1)


def diode_behind_a_resistance() -> Device:
    """The inner node is between the resistor and the diode; its closed form is Lambert's function."""
    given = ParameterSet("test", {"i_s": 1e-12, "u_t": 0.025, "r": 1e3}, {}, "made for this test", "ours")
    model = DeviceModel(
        name="diode_r", title="diode behind a resistance", states=(), parameters=_P, current=(VOLTAGE - _Y) / _R,
        rates=(), parameter_sets=(given,), references=("this test",), validity="",
        unknown=Unknown("y", "V", "inner node", (VOLTAGE - _Y) / _R - _DIODE, (sympy.Integer(0), VOLTAGE)),
    )  # fmt: skip
    return Device(model, dict(given.values), {}, given)


def exact_current(v):
    i_s, u_t, r = 1e-12, 0.025, 1e3
    z = i_s * r / u_t * np.exp((v + i_s * r) / u_t)
    return u_t / r * lambertw(z).real - i_s


def test_the_unknown_is_the_closed_form():
    volts = np.array([-2.0, -1e-3, 0.0, 1e-6, 0.3, 0.6, 1.0, 5.0, 12.0])
    table = diode_behind_a_resistance().evaluate(volts)
    assert_allclose(table[:, 0, 0], exact_current(volts), rtol=1e-11, atol=1e-18)
    conductance = _DIODE.diff(_Y).subs({_I_S: 1e-12, _U_T: 0.025})
    y = volts - 1e3 * exact_current(volts)
    g = np.array([float(conductance.subs(_Y, value)) for value in y])
    assert_allclose(table[:, 0, 1], g / (1 + 1e3 * g), rtol=1e-9, atol=1e-18)


def test_the_unknown_holds_inside_a_series_and_has_a_residual_in_its_formula():
    cell = diode_behind_a_resistance()
    pair = Series(device("resistor", r=500.0), cell)
    assert_allclose(pair.current([0.7]), exact_equivalent(0.7, 1.5e3), rtol=1e-10)
    assert any(line.startswith("0 = ") for line in cell.model.latex())


def exact_equivalent(v, r):
    i_s, u_t = 1e-12, 0.025
    return u_t / r * lambertw(i_s * r / u_t * np.exp((v + i_s * r) / u_t)).real - i_s


@pytest.mark.spice
def test_the_unknown_is_a_node_in_ngspice():
    crosscheck(diode_behind_a_resistance(), Sine(1.0, 1e3)).assert_within(relative=1e-8)


def test_a_bracket_may_not_use_the_unknown():
    model = diode_behind_a_resistance().model
    with pytest.raises(InputError, match=r"diode_r\.y\.between: got unknown symbol y"):
        replace(model, unknown=replace(model.unknown, between=(sympy.Integer(0), _Y)))


def test_switches_are_read_off_the_state_laws():
    v_on, v_off = (device("vteam").model.parameters[k].symbol for k in (5, 4))
    assert set(device("vteam").model.switches) == {VOLTAGE / v_on - 1, VOLTAGE / v_off - 1}
    assert device("linear_ion_drift").model.switches == ()


def test_fixed_steps_keep_their_order_across_a_threshold():
    """A law that starts with a bend inside a step would leave order 2; steps that end there keep theirs."""
    cell = device("vteam", alpha_on=1.0, k_on=-3e-5, k_off=1e-5, v_off=0.33, v_on=-0.37, x=1e-9)
    wave, times = Sine(1.0, 1e4), np.linspace(0.0, 1e-4, 5)

    def state(steps: int) -> np.ndarray:
        return simulate(cell, wave, samples=times, step=1e-4 / steps).state

    fine = simulate(cell, wave, samples=times, tolerance=1e-14).state
    errors = np.array([np.abs(state(n) - fine).max() for n in (16, 32, 64)])
    assert np.ptp(fine) > 1e-10
    assert (np.log2(errors[:-1] / errors[1:]) > 3.5).all()


def test_steps_end_at_thresholds():
    cell = device("vteam", x=1.5e-9)
    loose, fine = (simulate(cell, Sine(0.5, 1e6), samples=41, tolerance=t).state for t in (1e-6, 1e-13))
    assert np.abs(loose - fine).max() < 1e-5 * 3e-9
