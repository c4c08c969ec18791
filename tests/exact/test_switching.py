"""Switching times at constant voltage compared with closed forms, from picoseconds to years."""

import numpy as np
import pytest

from devices import Constant, InputError, device, simulate, switching_time


def test_vteam_switching_times_match_the_reference_values():
    assert switching_time(device("vteam"), 1.0, stop=3e-9) == pytest.approx(122.448980e-9, rel=1e-8)
    assert switching_time(device("vteam", x=3e-9), -1.0, stop=0.0) == pytest.approx(4.6875e-12, rel=1e-8)


@pytest.mark.parametrize("given", ["memtorch", "magic"])
@pytest.mark.parametrize("direction", ["off", "on"])
def test_vteam_from_just_above_its_threshold_to_far_beyond(given, direction):
    cell = device("vteam", given, x=0.0 if direction == "off" else 3e-9)
    k, alpha, threshold = (float(cell.parameters[f"{n}_{direction}"]) for n in ("k", "alpha", "v"))
    over = np.concatenate([[-0.5, 0.0], np.geomspace(1e-2, 1e2, 9)])
    wanted = np.full(over.shape, np.inf)
    wanted[2:] = 3e-9 / np.abs(k * over[2:] ** alpha)
    found = switching_time(cell, (threshold * (1 + over)).reshape(1, -1), stop=3e-9 if direction == "off" else 0.0)
    assert wanted[2] / wanted[-1] > 1e3
    np.testing.assert_allclose(found, wanted[None], rtol=1e-8)


def test_linear_drift_switches_at_a_fixed_flux():
    cell = device("linear_ion_drift", x=np.array([0.1, 0.5]))
    p = {n: float(a) for n, a in cell.parameters.items()}
    r, k, start, stop = p["r_off"] - p["r_on"], p["mu_v"] * p["r_on"] / p["d"] ** 2, cell.initial["x"], 0.9
    flux = (p["r_off"] * (stop - start) - r * (stop**2 - start**2) / 2) / k
    volts = np.array([1e-6, 1.0, 1e6])
    np.testing.assert_allclose(switching_time(cell, volts, stop=stop), flux / volts[:, None], rtol=1e-8)


def test_at_zero_volts_it_is_the_retention_time():
    cell = device("wox_scaled_decay", w=1.0)
    lam, tau = float(cell.parameters["lam"]), float(cell.parameters["tau"])
    assert switching_time(cell, 0.0, stop=0.5) == pytest.approx(np.log(2) * tau / lam, rel=1e-8)
    assert switching_time(cell, 0.0, stop=0.5, longest=1.0) == np.inf


def test_a_state_that_settles_before_the_stop_never_reaches_it():
    cell = device("wox_scaled_decay")
    p = {n: float(a) for n, a in cell.parameters.items()}
    volts = np.arcsinh(0.5 / p["tau"] / p["eta1"]) / p["eta2"]  # where the state settles at 0.5
    almost = p["tau"] / p["lam"] * np.log(0.5 / 0.0001)
    assert switching_time(cell, volts, stop=0.4999) == pytest.approx(almost, rel=1e-4)
    assert switching_time(cell, volts, stop=0.5001) == np.inf


def test_the_state_can_be_named():
    cell = device("second_order_ta2o5")
    moment = float(switching_time(cell, 1.0, stop=0.5))
    trace = simulate(cell, Constant(1.0, moment), samples=[0.0, moment])
    assert trace.state[-1, 0] == pytest.approx(0.5, abs=1e-8)
    warm = float(switching_time(cell, 1.0, stop=400.0, state="t_loc"))
    assert 0 < warm < moment
    trace = simulate(cell, Constant(1.0, warm), samples=[0.0, warm])
    assert trace.state[-1, 1] == pytest.approx(400.0, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "changes", "match"),
    [
        ("vteam", {"stop": 4e-9}, "stop"),
        ("vteam", {"stop": 0.0}, "where x starts"),
        ("vteam", {"stop": 1e-9, "state": "y"}, "state"),
        ("vteam", {"stop": 1e-9, "longest": 0.0}, "longest"),
        ("resistor", {"stop": 1.0}, "without states"),
        ("ekv_transistor", {"stop": 1.0}, "without states"),
    ],
)
def test_bad_input_is_refused(name, changes, match):
    with pytest.raises(InputError, match=match):
        switching_time(device(name), 1.0, **changes)
