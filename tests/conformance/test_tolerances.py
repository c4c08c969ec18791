"""Every registered model at tight and loose tolerances; docs/tolerances.md has all of them."""

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.tolerances import cases, measure
from devices import ConvergenceError, Pulses, Samples, Sine, Triangle, device, simulate

#: Most that `simulate` states for the error over the tolerance.
STATED = 200.0

#: Windows that close at a bound: a loop brings the state so near that rounding decides when it leaves.
LOCKING = ("linear_ion_drift_joglekar", "linear_ion_drift_prodromakis")


@pytest.mark.parametrize(("cell", "waveforms"), [case[1:] for case in cases()], ids=[case[0] for case in cases()])
def test_no_tolerance_takes_more_steps_than_a_tighter_one_or_is_wrong(cell, waveforms):
    for what in ("usual", "slow"):
        found = measure(cell, waveforms[what], (1e-10, 1e-7, 1e-5, 1e-3))
        stopped = [run.message for run in found if run.message]
        assert all("x is" in text and "rounding decides" in text for text in stopped)
        assert cell.model.name in LOCKING or not stopped, stopped
        found = [run for run in found if not run.message]
        steps = np.array([run.steps for run in found])
        assert steps.max() <= 20_000
        assert (steps[1:] <= 2 * steps[:-1]).all(), steps
        assert all(run.error <= STATED * run.tolerance for run in found), found


@pytest.mark.parametrize("tolerance", [1e-12, 1e-9, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3])
def test_a_law_with_an_exponent_of_ten_snaps_at_every_tolerance(tolerance):
    """Currents and speeds of the TEAM circuit in Xyce's public regression suite (memristorTEAM_test.cir)."""
    cell = device(
        "team_kvatinsky", k_off=1.46e-18, k_on=-4.68e-22, alpha_off=10.0, alpha_on=10.0, w_c=1e-12, i_off=115e-6,
        i_on=-8.9e-6, r_on=50.0, r_off=1000.0, x=0.0,
    )  # fmt: skip
    trace = simulate(cell, Sine(1.0, 1e3), samples=[0.0, 2.5e-4, 5e-4, 1e-3], tolerance=tolerance)
    assert trace.steps < 3000
    wanted = simulate(cell, Sine(1.0, 1e3), samples=[0.0, 2.5e-4, 5e-4, 1e-3], tolerance=1e-13).state
    np.testing.assert_allclose(trace.state, wanted, atol=STATED * tolerance * 3e-9)


@pytest.mark.parametrize("tolerance", [1e-11, 1e-8, 1e-5, 1e-3])
@pytest.mark.parametrize("waveform", [Triangle(2.0, 17.0, cycles=2), Sine(2.2, 0.15), Triangle(2.3, 4e3, cycles=2)])
def test_a_state_that_its_threshold_stops_follows_the_threshold(waveform, tolerance):
    """The gap of Stanford-PKU grows only while the enhanced field is above f_min: at reset it follows that gap."""
    cell = device("stanford_pku")
    p = {name: float(value) for name, value in cell.parameters.items()}
    times = np.linspace(0.0, waveform.duration, 4001)
    trace = simulate(cell, waveform, samples=times, tolerance=tolerance)
    assert trace.steps < 20_000
    gap, v = trace.state[:, 0], np.abs(trace.voltage)
    with np.errstate(divide="ignore"):
        stops = p["g_unit"] * np.cbrt(np.maximum((p["gamma0"] - p["f_min"] * p["tox"] / v) / p["beta"], 0.0))
    growing = (trace.voltage < 0) & (np.gradient(gap, times) > 0) & (np.gradient(v) > 0)
    inner = growing & (gap > 1.001 * p["gap_min"]) & (gap < 0.999 * p["gap_max"])
    assert inner.sum() > 20
    span = p["gap_max"] - p["gap_min"]
    assert np.median(np.abs(gap - stops)[inner]) < max(2 * tolerance, 1e-8) * span


def test_a_state_may_run_away_within_the_resolution_of_time():
    """At 2.9 V the Simmons barrier of Pickett 2009 closes within less than a unit in the last place of the time."""
    cell = device("simmons_tunnel_barrier", "pickett")
    finals = [
        simulate(cell, Sine(2.868, 0.463, cycles=2), samples=[0.0, 2.0, 4.0], tolerance=tolerance).state[1:, 0]
        for tolerance in (1e-11, 1e-8, 1e-5, 1e-3)
    ]
    for state, tolerance in zip(finals, (1e-11, 1e-8, 1e-5, 1e-3), strict=True):
        np.testing.assert_allclose(state, finals[0], atol=STATED * tolerance * 1e-9)


def test_a_fast_state_behind_a_slow_one_needs_few_steps():
    """Local temperature, half a microsecond, behind a triangle of 134 ms: few steps at a tight tolerance too."""
    cell = device("second_order_ta2o5")
    assert simulate(cell, Triangle(0.965, 14.9, cycles=2), tolerance=1e-10).steps < 6000
    assert simulate(cell, Pulses(0.44, 0.078, 0.156, count=2, edge=1.6e-3), tolerance=1e-10).steps < 6000


def test_a_decaying_state_reaches_its_bound_without_touching_it_again_and_again():
    """The age of a phase-change cell is cleared exponentially towards its bound at zero."""
    cell = device("pcm", "aihwkit")
    for tolerance in (1e-11, 1e-7, 1e-5, 1e-4, 1e-3):
        ramp = Samples([0.0, 1.0, 2.0, 3.0, 4.0], [0.0, 1.37, 0.0, -1.37, 0.0])
        assert simulate(cell, ramp, tolerance=tolerance).steps < 6000


def test_a_state_that_rounding_would_move_stops_by_name():
    """Joglekar's loop leaves so little to the bound that numbers near 1 do not tell it to the tolerance."""
    cell = device("linear_ion_drift_joglekar")
    wave = Sine(1.0, cell.loop().frequency, cycles=2)
    with pytest.raises(
        ConvergenceError, match=r"stopped at 3\.\d+ s: .*, x is .* of its span away .* 1e-11 "
    ) as caught:
        simulate(cell, wave, samples=101, tolerance=1e-11)
    partial = caught.value.partial
    reached = np.isfinite(partial.state[:, 0])
    assert caught.value.residual == pytest.approx(partial.time[reached][-1], abs=wave.duration / 100)
    simulate(cell, wave, samples=101, tolerance=1e-8)


def test_a_state_that_touches_its_bound_within_a_step_is_held_there():
    """Growth and decay of the WOx model: from zero, the second cycle repeats the first."""
    cell = device("wox_plain_decay", delta=1.83, tau=14.3, w=0.0)
    wave = Sine(1.0, 937.0, cycles=2)
    times = np.linspace(0.02, 0.2, 10) / 937.0
    for tolerance in (1e-13, 1e-10, 1e-7, 1e-4):
        state = simulate(cell, wave, samples=np.concatenate([times, times + 1.0 / 937.0]), tolerance=tolerance).state
        np.testing.assert_allclose(state[10:], state[:10], atol=2.0 * tolerance + 1e-15)


def test_a_held_state_stays_exactly_at_its_bound_in_stiff_steps():
    cell = device("second_order_ta2o5", w=0.0, t_loc=673.0)
    wave = Pulses(-2.0, 2.47e-3, 4.95e-3, count=2, edge=5.9e-6)
    for tolerance in (1e-10, 1e-7):
        trace = simulate(cell, wave, tolerance=tolerance)
        assert trace.steps < 6000
        assert (trace.state[:, 0] == 0.0).all()


def test_steps_along_a_runaway_are_not_rejected_every_other_time():
    cell = device("team", k_off=2.4e-13, alpha_on=10.6, i_on=-18.5e-6, x_off=2.64e-9, x=2.64e-9)
    steps = [int(simulate(cell, Sine(2.52, 6e3, cycles=2), tolerance=t).steps) for t in (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)]
    assert max(steps) < 700
    assert all(later <= 2 * earlier for earlier, later in pairwise(steps)), steps
