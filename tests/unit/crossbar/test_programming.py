"""Pulses on arrays: schemes, what pulses do, and write-verify."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from crossbar import FLOATING, SCHEMES, Bias, Crossbar, Programmer, Pulse, Ramp, Scheme, Wires, write_verify
from crossbar.circuit.transient import Stepper
from devices import InputError, Pulses, Series, device, simulate

WIRES = Wires(2.0, 2.0, 50.0, 50.0)
RAMPS = {"set_ramp": Ramp(1.6, 2.4, 0.05, 2e-5), "reset_ramp": Ramp(-1.6, -2.4, 0.05, 2e-5)}


def wox(shape: tuple[int, int] = (4, 5), w: float = 0.3):
    return device("wox_scaled_decay", w=np.full(shape, w), tau=1e6)


def test_schemes_put_their_shares_on_lines_that_are_not_selected():
    half = SCHEMES["V/2"].bias((2, 3), 1, 2, 2.0)
    assert half.word_left == [1.0, 2.0]
    assert half.bit_bottom == [1.0, 1.0, 0.0]
    third = SCHEMES["V/3"].bias((2, 2), 0, 0, -3.0)
    assert_allclose(third.word_left, [-3.0, -1.0])
    assert_allclose(third.bit_bottom, [0.0, -2.0])
    floating = SCHEMES["floating"].bias((2, 2), 0, 0, 1.0)
    assert np.isnan(floating.word_left[1])
    wave = SCHEMES["V/2"].bias((2, 2), 0, 0, Pulses(1.0, 1e-6, 3e-6))
    assert_allclose(wave.word_left[1].at(5e-7), 0.5)


@pytest.mark.parametrize("scheme", ["V/2", "V/3", "floating"])
def test_without_wires_a_cell_sees_its_share_and_moves_as_if_alone(scheme):
    programmer = Programmer(Crossbar(wox()), scheme=scheme)
    effect = programmer.pulse(1, 2, Pulse(1.5, 1e-3))
    alone = simulate(device("wox_scaled_decay", w=0.3, tau=1e6), Pulses(1.5, 1e-3, 1.1e-3, edge=1e-9), samples=[1e-3])
    assert_allclose(effect.cell_voltage[1, 2], 1.5)
    assert_allclose(programmer.state[1, 2, 0], alone.state[-1, 0], rtol=1e-6)
    others = np.delete(np.abs(effect.cell_voltage).ravel(), 1 * 5 + 2)
    if scheme != "floating":
        assert_allclose(others.max(), 1.5 * {"V/2": 1 / 2, "V/3": 1 / 3}[scheme])
    assert effect.disturb(1, 2) < 0.2 * abs(effect.moved[1, 2, 0])


@pytest.mark.parametrize("scheme", ["V/2", "V/3", "floating"])
def test_fast_and_exact_pulses_agree_as_edges_and_moves_vanish(scheme):
    array = Crossbar(wox(), WIRES)
    moved = {}
    for method in ("fast", "exact"):
        programmer = Programmer(array, scheme=scheme, method=method, edge=1e-8)
        moved[method] = programmer.pulse(2, 3, Pulse(1.8, 1e-4)).moved
    assert_allclose(moved["fast"], moved["exact"], rtol=2e-3, atol=1e-7)
    assert np.abs(moved["exact"][2, 3, 0]) > 1e-3


def test_a_selector_or_a_transistor_shields_the_other_cells():
    pulse = Pulse(2.4, 1e-4)
    passive = Programmer(Crossbar(wox(), WIRES), scheme="V/2").pulse(1, 1, Pulse(1.5, 1e-4))
    ratio = passive.disturb(1, 1) / abs(passive.moved[1, 1, 0])
    selector = device("exponential_selector", i0=1e-9, v0=0.08)
    chosen = Programmer(Crossbar(Series(selector, wox()), WIRES), scheme="V/2").pulse(1, 1, pulse)
    assert chosen.disturb(1, 1) < 0.5 * ratio * abs(chosen.moved[1, 1, 0])
    for gates in ("rows", "columns"):
        cells = Crossbar(Series(wox(), device("ekv_transistor")), WIRES, gates=gates)
        gated = Programmer(cells, scheme="1T1R", gate_off=-1.0).pulse(1, 1, Pulse(1.5, 1e-4))
        assert gated.disturb(1, 1) < 1e-2 * abs(gated.moved[1, 1, 0])
        assert abs(gated.moved[1, 1, 0]) > 0.5 * abs(passive.moved[1, 1, 0])


def test_a_read_shows_the_cell_and_its_wires():
    programmer = Programmer(Crossbar(wox(), Wires(driver=1e3)))
    alone = programmer.conductance(0.2)
    assert_allclose(alone, wox().current(0.2) / 0.2)
    assert 0.9 * alone[0, 0] < programmer.sense(0, 0, 0.2) < alone[0, 0]


def test_write_verify_reaches_its_targets_and_says_what_it_took():
    rng = np.random.default_rng(0)
    programmer = Programmer(Crossbar(wox(), WIRES), scheme="V/3")
    low, high = programmer.window(0.2)
    target = rng.uniform(low + 0.2 * (high - low), low + 0.6 * (high - low))
    result = write_verify(programmer, target, **RAMPS, read_voltage=0.2, tolerance=0.03, max_pulses=200)
    assert result.converged.all()
    assert np.all(np.abs(result.sensed / target - 1.0) <= 0.03)
    assert result.complete
    assert result.pulses.sum() == programmer.pulses
    assert_allclose(result.final, [[programmer.sense(i, j, 0.2) for j in range(5)] for i in range(4)])
    assert_allclose(result.crossbar.cells.start, programmer.state)
    again = write_verify(programmer, target, **RAMPS, read_voltage=0.2, tolerance=0.03, max_pulses=200)
    assert np.sqrt(np.mean(again.error**2)) < np.sqrt(np.mean(result.error**2)) + 1e-3
    assert "cells within 0.03" in repr(result)
    assert result.summary()["converged"] == 20


def test_cells_that_run_out_of_pulses_are_marked():
    programmer = Programmer(Crossbar(wox(), WIRES))
    _, high = programmer.window(0.2)
    result = write_verify(programmer, 0.9 * high, **RAMPS, read_voltage=0.2, tolerance=0.01, max_pulses=2)
    assert not result.converged.any()
    assert np.all(result.pulses == 2)


def test_an_interrupt_keeps_what_was_reached(monkeypatch):
    programmer = Programmer(Crossbar(wox(), WIRES))
    original, calls = programmer.pulse, []

    def interrupted(*given):
        calls.append(given)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return original(*given)

    monkeypatch.setattr(programmer, "pulse", interrupted)
    _, high = programmer.window(0.2)
    result = write_verify(programmer, 0.6 * high, **RAMPS, read_voltage=0.2)
    assert not result.complete
    assert result.pulses.sum() == 5
    assert np.isfinite(result.final).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": np.full((4, 5), 1.0)}, ["target", "cell (0, 0)", "S"]),
        ({"target": np.ones(3)}, ["target", "shape"]),
        ({"max_pulses": 0}, ["max_pulses", "got 0"]),
        ({"tolerance": 0.0}, ["tolerance"]),
        ({"read_voltage": 0.0}, ["voltage"]),
        ({"passes": 0}, ["passes"]),
    ],
)
def test_bad_requests_are_named(change, words):
    programmer = Programmer(Crossbar(wox()))
    _, high = programmer.window(0.2)
    given = {"target": 0.5 * high, "read_voltage": 0.2, **RAMPS, **change}
    with pytest.raises(InputError) as error:
        write_verify(programmer, given.pop("target"), **given)
    assert all(word in str(error.value) for word in words), error.value


def test_what_cannot_be_programmed_is_refused():
    with pytest.raises(InputError, match="devices with states"):
        Programmer(Crossbar([[1e-5]]))
    with pytest.raises(InputError, match="devices with states"):
        Programmer(Crossbar(device("sinh_cell", g=np.ones((2, 2)))))
    with pytest.raises(InputError, match="scheme"):
        Programmer(Crossbar(wox()), scheme="1T1R")
    with pytest.raises(InputError, match="scheme"):
        Programmer(Crossbar(wox()), scheme="V/4")
    with pytest.raises(InputError, match="row"):
        Programmer(Crossbar(wox())).pulse(7, 0, Pulse(1.0, 1e-6))
    with pytest.raises(InputError, match="width"):
        Pulse(1.0, 0.0)
    with pytest.raises(InputError, match="same sign"):
        Ramp(1.0, -1.0, 0.1, 1e-6)
    mine = Scheme("mine", 0.4, FLOATING)
    assert Programmer(Crossbar(wox()), scheme=mine).pulse(0, 0, Pulse(1.0, 1e-6)).cell_voltage[0, 0] == pytest.approx(
        1.0
    )
    with pytest.raises(InputError, match="gate line"):
        Crossbar(Series(wox(), device("ekv_transistor"))).solve(Bias.read(0.1))


def test_an_interrupt_in_an_exact_pulse_leaves_the_array_as_it_was(monkeypatch):
    programmer = Programmer(Crossbar(wox(), WIRES), method="exact")
    before, step, calls = programmer.state, Stepper.advance, []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return step(self, *args)

    monkeypatch.setattr(Stepper, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        programmer.pulse(0, 0, Pulse(1.3, 1e-3))
    assert programmer.pulses == 0
    assert_array_equal(programmer.state, before)
    calls.clear()
    low, high = programmer.window(0.3)
    ramps = {"set_ramp": Ramp(1.0, 2.0, 0.1, 1e-4), "reset_ramp": Ramp(-1.0, -2.0, 0.1, 1e-4)}
    result = write_verify(programmer, 0.2 * low + 0.8 * high, **ramps, read_voltage=0.3, max_pulses=2)
    assert not result.complete
    assert np.isfinite(list(result.summary().values())).all()


@pytest.mark.parametrize("edge", ["a", -1.0, 0.0])
def test_edges_have_a_length(edge):
    with pytest.raises(InputError, match=r"^edge: got"):
        Programmer(Crossbar(wox(), WIRES), edge=edge)


def test_write_verify_names_what_it_was_not_given():
    array = Crossbar(wox(), WIRES)
    ramp = Ramp(1.0, 2.0, 0.1, 1e-4)
    with pytest.raises(InputError, match=r"^programmer: got Crossbar"):
        write_verify(array, 1e-6, set_ramp=ramp, reset_ramp=ramp, read_voltage=0.3)
    with pytest.raises(InputError, match=r"^set_ramp: got None"):
        write_verify(Programmer(array), 1e-6, set_ramp=None, reset_ramp=ramp, read_voltage=0.3)
