"""`Crossbar.simulate` at its boundary: samples, probes, ends that come early, and bad requests."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossbar import FLOATING, Bias, Crossbar, Wires
from crossbar.circuit.transient import Stepper
from devices import Constant, ConvergenceError, InputError, Pulses, Series, Sine, device

WIRES = Wires(5.0, 5.0, 100.0, 100.0, word_line_capacitance=1e-12, crossing_capacitance=1e-13)
WAVE = Sine(1.0, 10.0)


def array() -> Crossbar:
    return Crossbar(device("wox_scaled_decay", w=np.linspace(0.1, 0.8, 6).reshape(2, 3)), WIRES)


def drive(wave=WAVE) -> Bias:
    return Bias(word_left=[wave, 0.2], bit_bottom=[0.0, FLOATING, 0.0])


def test_probes_bound_what_is_kept():
    whole = array().simulate(drive(), times=11, probes="all")
    some = array().simulate(drive(), times=11, probes=[(1, 2), (0, 0)])
    none = array().simulate(drive(), times=11)
    assert whole.cell_current.shape == (11, 2, 3)
    assert whole.state.shape == (11, 2, 3, 1)
    assert_allclose(some.cell_current, np.stack([whole.cell_current[:, 1, 2], whole.cell_current[:, 0, 0]], axis=1))
    assert_allclose(some.cell_voltage, np.stack([whole.cell_voltage[:, 1, 2], whole.cell_voltage[:, 0, 0]], axis=1))
    assert none.cell_current.shape == (11, 0)
    assert_allclose(none.final_state, whole.final_state)
    assert none.cells == ()


def test_samples_do_not_change_the_path():
    few = array().simulate(drive(), times=[0.1], tolerance=1e-9)
    many = array().simulate(drive(), times=301, tolerance=1e-9)
    assert_allclose(few.final_state, many.final_state, atol=1e-7)
    assert_allclose(few.terminal_current["word_left"][-1], many.terminal_current["word_left"][-1], atol=1e-10)


def test_it_starts_at_the_solution_of_its_first_potentials():
    bias = Bias(word_left=[Sine(1.0, 10.0, offset=0.5), 0.2], bit_bottom=0.0)
    trace = array().simulate(bias, times=[0.0, 0.1], probes="all")
    still = array().solve(Bias(word_left=[0.5, 0.2], bit_bottom=0.0))
    assert_allclose(trace.word_line_voltage[0], still.word_line_voltage, atol=1e-9)
    assert_allclose(trace.cell_current[0], still.cell_current, rtol=1e-8)


def test_waveforms_of_different_length_hold_their_last_value():
    bias = Bias(word_left=[Pulses(1.0, 1e-3, 3e-3), Constant(0.3, 1e-3)], bit_bottom=0.0)
    trace = array().simulate(bias, times=7)
    assert trace.time[-1] == pytest.approx(3e-3)
    assert_allclose(trace.potential["word_left"][:, 1], 0.3)


def test_ohmic_cells_and_gates_run_too():
    ohmic = Crossbar(np.full((2, 3), 1e-5), WIRES).simulate(drive(), times=5, probes="all")
    assert ohmic.state.shape == (5, 2, 3, 0)
    assert ohmic.energy_error < 2e-6
    cells = Series(device("wox_scaled_decay", w=np.full((2, 3), 0.4)), device("ekv_transistor"))
    gated = Crossbar(cells, Wires(5.0, 5.0, 100.0, 100.0))
    closed, opened = (gated.simulate(drive(), times=5, gate=volts).final_state for volts in (-1.0, 1.5))
    assert np.abs(opened - closed).max() > 1e-4


def test_settling_time_of_a_pulse():
    R, C = 1e4, 1e-12
    one = Crossbar([[1e-6]], Wires(driver=R, word_line_capacitance=C))
    tau = C / (1.0 / R + 1e-6)
    wave = Pulses(0.2, 40.0 * tau, 41.0 * tau, edge=1e-3 * tau)
    trace = one.simulate(Bias(word_left=wave, bit_bottom=0.0), times=np.linspace(0.0, 40.0 * tau, 4001))
    assert_allclose(trace.settling_time(tolerance=0.01)[0], np.log(100.0) * tau, rtol=2e-3)
    assert np.all(trace.settling_time(tolerance=1e9) == 0.0)


def test_too_few_steps_is_an_error_with_what_was_computed():
    with pytest.raises(ConvergenceError, match=r"more than 8 steps at t = .* of 0.1 s") as error:
        array().simulate(drive(), max_steps=8)
    partial = error.value.partial
    assert not partial.complete
    assert partial.steps + partial.rejected == 8
    assert np.isfinite(partial.final_state).all()


def test_an_interrupt_returns_what_was_computed(monkeypatch):
    original, calls = Stepper.advance, []

    def interrupted(self, *given):
        calls.append(given)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return original(self, *given)

    monkeypatch.setattr(Stepper, "advance", interrupted)
    trace = array().simulate(drive(), times=1001)
    assert not trace.complete
    assert 1 < trace.time.size < 1001
    assert trace.terminal_current["word_left"].shape == (trace.time.size, 2)
    assert "incomplete" in repr(trace)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"times": [0.05, 0.02]}, ["times", "do not rise"]),
        ({"times": [0.2]}, ["times", "within the duration of 0.1 s"]),
        ({"times": 1}, ["times"]),
        ({"duration": 0.0}, ["duration"]),
        ({"tolerance": 0.0}, ["tolerance"]),
        ({"step": -1.0}, ["step"]),
        ({"probes": [(0, 3)]}, ["probes", "cell (0, 3)", "2 x 3"]),
        ({"probes": "some"}, ["probes", "'some'"]),
        ({"gate": 1.0}, ["gate"]),
        ({"bias": Bias(word_left=FLOATING), "duration": 1.0}, ["a floating part"]),
        ({"bias": Bias(word_left=[WAVE], bit_bottom=0.0)}, ["word_left", "2 word lines"]),
        ({"bias": Bias(word_left=np.zeros((4, 2)), bit_bottom=0.0), "duration": 1.0}, ["a batch of shape (4,)"]),
        ({"bias": Bias(word_left=0.1, bit_bottom=0.0)}, ["duration", "no waveform"]),
        ({"bias": 0.1}, ["bias", "a Bias"]),
    ],
)
def test_bad_requests_are_named(change, words):
    given = {"bias": drive(), **change}
    with pytest.raises(InputError) as error:
        Crossbar(array().cells, Wires(5.0, 5.0)).simulate(given.pop("bias"), **given)
    assert all(word in str(error.value) for word in words), error.value


def test_ideal_metal_between_two_sources_is_refused():
    array = Crossbar(np.full((2, 3), 1e-4))
    pulse = Pulses(0.5, 1e-6, 2e-6, edge=1e-8)
    with pytest.raises(InputError, match=r"^word_left: got another potential than word_right at word line 0"):
        array.simulate(Bias(word_left=[pulse, 0.0], word_right=0.0, bit_bottom=0.0))
    same = array.simulate(Bias(word_left=[pulse, 0.0], word_right=[pulse, 0.0], bit_bottom=0.0), times=11)
    assert same.complete


def test_a_run_that_ends_before_its_first_sample_has_an_empty_trace():
    array = Crossbar(device("wox_scaled_decay", w=np.full((2, 3), 0.3)), Wires(5.0, 5.0))
    wave = Pulses(0.5, 1e-6, 2e-6, edge=1e-8)
    with pytest.raises(ConvergenceError, match="more than 1 steps") as error:
        array.simulate(Bias(word_left=[wave, 0.0], bit_bottom=0.0), times=[1e-6], probes="all", max_steps=1)
    assert error.value.partial.time.shape == (0,)
    assert error.value.partial.cell_current.shape == (0, 2, 3)
    assert "0 samples" in repr(error.value.partial)


@pytest.mark.parametrize("probes", [3, [(0.9, 1.2)], ["a"]])
def test_probes_must_be_cells(probes):
    array = Crossbar(np.full((2, 3), 1e-4), Wires(1.0, 1.0))
    with pytest.raises(InputError, match=r"^probes: got"):
        array.simulate(Bias.read([Sine(0.1, 1e6), 0.0]), probes=probes)


def test_settling_time_knows_its_sides():
    trace = Crossbar(np.full((2, 3), 1e-4), Wires(1.0, 1.0)).simulate(Bias.read([Sine(0.1, 1e6), 0.0]), times=5)
    with pytest.raises(InputError, match=r"^side: got 'word_lef'"):
        trace.settling_time("word_lef")
