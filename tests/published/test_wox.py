"""Michigan WOx with the decay outside the rate: its own closed forms."""

import numpy as np
import pytest

from devices import Constant, device, simulate


@pytest.mark.parametrize("volts", [0.0, 0.3, 0.5, -0.2])
def test_growth_and_decay_are_exponential(volts):
    cell = device("wox_plain_decay", w=0.4)
    asymptote = 10.0 * 0.018 * np.sinh(4.0 * volts)
    wanted = asymptote + (0.4 - asymptote) * np.exp(-np.linspace(0, 6.0, 13) / 10.0)
    trace = simulate(cell, Constant(volts, 6.0), samples=13)
    np.testing.assert_allclose(trace.state[:, 0], np.maximum(wanted, 0.0), atol=1e-9)


def test_the_time_constant_of_decay_is_tau_not_tau_over_lam(evidence):
    for name, wanted, law in (
        ("wox_plain_decay", np.exp(-1.0), "t/tau"),
        ("wox_scaled_decay", np.exp(-4.5), "lam t/tau"),
    ):
        cell = device(name, w=0.5)
        left = simulate(cell, Constant(0.0, 10.0), samples=2).state[-1, 0] / 0.5
        evidence.figure(
            cell, "share of w left after tau at 0 V", left, wanted, abs=1e-8, source=f"exp(-{law})",
            note="the public deck's lam multiplies the decay too; each form is a model of its own",
        )  # fmt: skip


@pytest.mark.parametrize(("volts", "wanted"), [(0.3, 0.18 * np.sinh(1.2)), (1.0, 1.0), (-1.0, 0.0)])
def test_steady_state_is_clipped(evidence, volts, wanted):
    trace = simulate(device("wox_plain_decay", w=0.5), Constant(volts, 300.0), samples=2)
    reached = trace.state[-1, 0]
    evidence.figure(
        device("wox_plain_decay"), f"steady state at {volts:g} V", reached, wanted, abs=1e-9,
        source="tau lam sinh(eta V), clipped",
    )  # fmt: skip


def test_both_forms_have_the_same_current_and_growth():
    plain, scaled = device("wox_plain_decay"), device("wox_scaled_decay")
    volts = np.linspace(-1, 1, 9)
    np.testing.assert_array_equal(plain.current(volts, [0.3]), scaled.current(volts, [0.3]))
    np.testing.assert_allclose(plain.rates(volts, [0.0]), scaled.rates(volts, [0.0]), rtol=1e-14)
    assert plain.rates(1.0, [0.0])[0] == pytest.approx(0.491219, rel=1e-6)
