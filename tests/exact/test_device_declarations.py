"""Declarations with an internal unknown, and with laws that have jumps and kinks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose
from scipy.special import lambertw

from devices import DeviceModel, InputError, Parameter, ParameterSet, Series, Sine, State, Triangle, device, simulate
from devices.cells.device import Device
from devices.model import VOLTAGE
from devices.parameters import Part, Unknown
from netlists import crosscheck

_P = (Parameter("i_s", "A", "saturation current"), Parameter("u_t", "V", "thermal voltage"), Parameter("r", "ohm", "R"))
_I_S, _U_T, _R = (p.symbol for p in _P)
_Y = sympy.Symbol("y", real=True)
_DIODE = _I_S * (sympy.exp(_Y / _U_T) - 1)


def diode_behind_a_resistance() -> Device:
    """The inner node is between the resistor and the diode; the closed form uses Lambert's W function."""
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


def test_an_unknown_equals_its_closed_form():
    volts = np.array([-2.0, -1e-3, 0.0, 1e-6, 0.3, 0.6, 1.0, 5.0, 12.0])
    table = diode_behind_a_resistance().evaluate(volts)
    assert_allclose(table[:, 0, 0], exact_current(volts), rtol=1e-11, atol=1e-18)
    conductance = _DIODE.diff(_Y).subs({_I_S: 1e-12, _U_T: 0.025})
    y = volts - 1e3 * exact_current(volts)
    g = np.array([float(conductance.subs(_Y, value)) for value in y])
    assert_allclose(table[:, 0, 1], g / (1 + 1e3 * g), rtol=1e-9, atol=1e-18)


def test_an_unknown_works_in_series_and_its_equation_is_in_the_formula():
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


def test_jumps_and_kinks_are_found_in_the_state_laws():
    v_on, v_off = (device("vteam").model.parameters[k].symbol for k in (5, 4))
    assert set(device("vteam").model.switches) == {VOLTAGE / v_on - 1, VOLTAGE / v_off - 1}
    assert device("linear_ion_drift").model.switches == ()


def test_fixed_steps_keep_their_order_across_a_threshold():
    """A kink of the law inside a step would reduce the order to 2; steps that end at the kink keep the full order."""
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


def stepped() -> Device:
    """A state that relaxes to the sign of the voltage, or to 0 beyond a threshold, and a current with a jump."""
    parameters = (Parameter("g", "S", "G"), Parameter("v_t", "V", "threshold"), Parameter("tau", "s", "time constant"))
    g, v_t, tau = (p.symbol for p in parameters)
    x = State("x", "1", "state", lower=-1.0, upper=1.0)
    beyond = sympy.Heaviside(sympy.Abs(VOLTAGE) - v_t)
    given = ParameterSet("test", {"g": 2.0, "v_t": 0.5, "tau": 0.25}, {"x": 0.25}, "made for this test", "ours")
    model = DeviceModel(
        name="stepped", title="steps and signs", states=(x,), parameters=parameters, references=("this test",),
        current=g * VOLTAGE * (1 + beyond), rates=((sympy.sign(VOLTAGE) * (1 - beyond) - x.symbol) / tau,),
        parameter_sets=(given,), validity="",
    )  # fmt: skip
    return Device(model, dict(given.values), dict(given.initial), given)


def test_step_and_sign_functions_are_constant_next_to_their_jumps():
    table = stepped().evaluate([-0.7, -0.3, 0.3, 0.7], [[0.5]] * 4)
    assert_allclose(table[:, 0, 0], [-2.8, -0.6, 0.6, 2.8])
    assert_allclose(table[:, 0, 1], [4.0, 2.0, 2.0, 4.0])
    assert_allclose(table[:, 1, 0], 4.0 * np.array([-0.5, -1.5, 0.5, -0.5]))
    assert_allclose(table[:, 1, 1:], [[0.0, -4.0]] * 4)


def test_jumps_of_step_and_sign_functions_are_located():
    """Between the jumps, at 1/8, 3/8, 1/2, 5/8 and 7/8 of a triangle, the state relaxes exponentially."""
    x, exact = 0.25, [0.25]
    for target, length in ((1, 1 / 8), (0, 1 / 4), (1, 1 / 8), (-1, 1 / 8), (0, 1 / 4), (-1, 1 / 8)):
        x = target + (x - target) * np.exp(-length / 0.25)
        exact.append(x)
    trace = simulate(stepped(), Triangle(1.0, 1.0), samples=[0, 1 / 8, 3 / 8, 1 / 2, 5 / 8, 7 / 8, 1], tolerance=1e-12)
    assert_allclose(trace.state[:, 0], exact, atol=1e-10)


def heated(letters: bool) -> Device:
    """A filament whose temperature is a `Part` of its laws, or written out in them."""
    parameters = (Parameter("g", "S", "G"), Parameter("r_th", "K/W", "R_th"), Parameter("t_0", "K", "ambient"))
    g, r_th, t_0 = (p.symbol for p in parameters)
    rise, now = sympy.symbols("theta T_now", real=True)
    parts = (Part(rise, r_th * g * VOLTAGE**2), Part(now, t_0 + rise, shown=rise + t_0))
    current = g * VOLTAGE * t_0 / now
    given = ParameterSet("test", {"g": 1e-3, "r_th": 1e5, "t_0": 300.0}, {}, "made for this test", "ours")
    whole = current.subs(now, t_0 + r_th * g * VOLTAGE**2)
    model = DeviceModel(
        name="heated", title="a heated filament", states=(), parameters=parameters, rates=(), validity="",
        current=current if letters else whole, parts=parts if letters else (), parameter_sets=(given,),
        references=("this test",),
    )  # fmt: skip
    return Device(model, dict(given.values), {}, given)


def test_a_law_written_with_parts_equals_the_law_written_out():
    short, long = heated(True), heated(False)
    assert short.model.current == long.model.current
    assert short.model.digest == long.model.digest
    assert short.model.latex()[1:] == [r"\theta = g r_{th} v^{2}", r"T_{now} = t_{0} + \theta"]
    for cell in (short, long):
        crosscheck(cell, Sine(1.0, 1e3)).assert_within(relative=1e-12)
    with pytest.raises(InputError, match="twice"):
        replace(short.model, parts=(Part(sympy.Symbol("G", real=True), VOLTAGE),))
