"""Every set of the pulsed synapses has the curve of its source: end points, number of states, asymmetry."""

import numpy as np
import pytest

from devices import CycleNoise, apply_pulses, device, models, neurosim_nonlinearity, parameter_sets

LINEAR = list(parameter_sets("linear_step_synapse"))
#: Set: how many middle steps make the range, as the sources count states; share of the step left at each bound.
SHAPES = {
    "ecram_tang": (1000.0, 0.8847, 0.4915),
    "ecram_kim": (7088.7, 0.5848, 0.2658),
    "reram_gong": (1000.0, 0.0, 0.0),
    "reram_array_om": (21.0748, 0.0, 0.0),
    "reram_array_hfo2": (4.32713, 0.0, 0.0),
    "capacitor_li": (400.0, 0.95, 0.95),
}


def steps(name: str, pulses: np.ndarray, start: float) -> np.ndarray:
    """The published recursion, one pulse after the other."""
    p = {k: float(a) for k, a in device("linear_step_synapse", name).parameters.items()}
    w, path = start, []
    for sign in pulses:
        if sign > 0:
            w = min(w + p["dw_up"] * (1 - p["gamma_up"] * w / p["w_max"]), p["w_max"])
        else:
            w = max(w - p["dw_down"] * (1 - p["gamma_down"] * w / p["w_min"]), p["w_min"])
        path.append(w)
    return np.array(path)


def up_and_down(cell, count: int = 100) -> np.ndarray:
    state, path = cell.bounds()[0], []
    for sign in [1] * count + [-1] * count:
        state = apply_pulses(cell, state, sign)
        path.append(float(state[0]))
    return np.array(path)


@pytest.mark.parametrize("name", LINEAR)
def test_potentiation_and_depression_follow_the_published_recursion(name):
    cell = device("linear_step_synapse", name)
    wanted = steps(name, np.repeat([1, -1], 100), float(cell.bounds()[0][0]))
    np.testing.assert_allclose(up_and_down(cell), wanted, atol=2e-15)


@pytest.mark.parametrize("name", LINEAR)
def test_shape_of_the_curve(evidence, name):
    """Number of states, end points after 100 pulses each way, asymmetry."""
    states, left_up, left_down = SHAPES[name]
    cell = device("linear_step_synapse", name)
    p = {k: float(a) for k, a in cell.parameters.items()}
    reached = (p["w_max"] - p["w_min"]) / p["dw_up"]
    evidence.figure(cell, "range over the step at w = 0", reached, states, rel=1e-5, source="its source's table")
    path = up_and_down(cell)
    way_up, way_down = p["w_max"] / p["gamma_up"], p["w_min"] / p["gamma_down"]
    top = way_up - (way_up - p["w_min"]) * (1 - p["dw_up"] / way_up) ** 100
    bottom = way_down - (way_down - path[99]) * (1 + p["dw_down"] / way_down) ** 100
    assert path[99] == pytest.approx(min(top, p["w_max"]), abs=1e-13)
    assert path[199] == pytest.approx(max(bottom, p["w_min"]), abs=1e-13)
    for volts, bound, left in ((1.0, "w_max", left_up), (-1.0, "w_min", left_down)):
        middle, edge = cell.rates(volts, [[0.0], [p[bound]]])[:, 0]
        what = f"share of the step left at {bound}"
        evidence.figure(cell, what, edge / middle, left, abs=1e-12, source="1 - gamma of its source's table")


@pytest.mark.parametrize("name", LINEAR)
def test_weight_zero_is_the_symmetry_point(name):
    cell = device("linear_step_synapse", name)
    up, down = (float(apply_pulses(cell, [0.0], sign)[0]) for sign in (1, -1))
    assert up == pytest.approx(float(cell.parameters["dw_up"]), rel=1e-12)
    assert down == pytest.approx(-up, rel=1e-12)


@pytest.mark.parametrize("name", ["ecram_tang", "ecram_kim"])
def test_as_many_pulses_down_as_up_nearly_return_an_ecram(name):
    """After a quarter of the range up and equally many pulses down, the error is smaller than with soft bounds."""

    def miss(name: str) -> float:
        cell = device("linear_step_synapse", name)
        span = float(cell.parameters["w_max"] - cell.parameters["w_min"])
        count = round(0.25 * span / float(cell.parameters["dw_up"]))
        there = apply_pulses(cell, [0.0], count)
        return abs(float(apply_pulses(cell, there, -count)[0])) / float(there[0])

    assert miss(name) < 0.35
    assert miss("reram_gong") > 1.5 * miss(name)


@pytest.mark.parametrize(("nl", "a"), [(0.01, 126.268958), (1, 1.251653), (2.4, 0.499181), (4.88, 0.200303),
                                      (9, 0.02281)])  # fmt: skip
def test_nonlinearity_of_neurosim(evidence, nl, a):
    """Values of the table to their last digit; the closed form holds to 2e-6 of the label."""
    digit = 10.0 ** -len(str(a).split(".")[1])
    cell = device("neurosim_synapse")
    source = "NeuroSim's table, to its last digit"
    evidence.figure(cell, f"A over P_max at NL {nl:g}", neurosim_nonlinearity(nl), a, abs=digit, source=source)
    assert neurosim_nonlinearity(-nl) == neurosim_nonlinearity(nl)
    z = 1 / neurosim_nonlinearity(nl)
    s = np.linspace(0, 1, 2_000_001)
    deviation = (np.expm1(-z * s) / np.expm1(-z) - s).max()
    what = f"largest distance of the curve from its chord at NL {nl:g}"
    evidence.figure(
        cell,
        what,
        deviation,
        0.0989949 * nl,
        rel=1e-6,
        source="closed rule found from NeuroSim's table: 0.07 sqrt(2) NL",
    )


def test_neurosim_curves_pulse_by_pulse():
    cell = device("neurosim_synapse")
    p = {k: float(a) for k, a in cell.parameters.items()}
    path = up_and_down(cell, 100)
    n = np.arange(1, 98)
    up = -np.expm1(-n / (p["a_up"] * 97)) / -np.expm1(-1 / p["a_up"])
    np.testing.assert_allclose(path[:97], up, rtol=1e-12)
    assert path[96] == pytest.approx(1.0, abs=1e-14), "97 pulses up cross the window"
    assert (path[96:100] == 1.0).all()
    left = 100 - np.arange(1, 101)  # pulses that are left, on the curve with negative A
    down = np.expm1(left / (p["a_down"] * 100)) / np.expm1(1 / p["a_down"])
    np.testing.assert_allclose(path[100:], down, atol=1e-14)
    assert path[199] == pytest.approx(0.0, abs=1e-14), "100 pulses down cross it"


def test_neurosim_conductances_and_nonlinearity_of_the_default_device(evidence):
    cell = device("neurosim_synapse")
    for x, wanted in ((0.0, 3.0769e-9), (1.0, 38.462e-9)):
        reached = cell.conductance(0.5, [x])
        evidence.figure(
            cell, f"conductance at x = {x:g}", reached, wanted, rel=1e-6, unit="S", source="NeuroSim's default"
        )
    path = np.append(0.0, up_and_down(cell))
    chord_up, chord_down = np.arange(98) / 97, 1 - np.arange(101) / 100
    for what, reached, wanted in (
        ("97 pulses up: largest distance from the chord", (path[:98] - chord_up).max(), 0.0989949 * 2.4),
        ("100 pulses down: largest distance from the chord", (chord_down - path[100:]).max(), 0.0989949 * 4.88),
    ):
        note = "the largest among whole pulses, slightly under that of the curve"
        evidence.figure(cell, what, reached, wanted, rel=1e-4, source="closed rule at NL 2.4 and 4.88", note=note)


#: Set: states, labels, on-resistance [ohm], ratio, of the table of Jerry (2017).
REPORTED = {
    "hzo_fefet": (32, 1.75, 1.46, 559.28e3, 45.0),
    "alox_hfo2": (40, 1.94, -0.61, 16.9e3, 4.43),
    "taox_tio2": (102, 0.66, -0.69, 5e6, 2.0),
    "pcmo": (50, 3.68, -6.76, 23e6, 6.84),
}


@pytest.mark.parametrize("name", REPORTED)
def test_reported_devices_have_the_figures_of_the_table(evidence, name):
    """Window, number of states and both labels from counted pulses; the sign of a label is the side of the chord."""
    states, up, down, r_on, ratio = REPORTED[name]
    cell = device("neurosim_synapse", name)
    source = "M. Jerry et al., IEDM 2017, table"
    low, high = cell.conductance(0.1, [[0.0], [1.0]])
    evidence.figure(cell, "on-resistance", 1 / high, r_on, rel=1e-12, unit="ohm", source=source)
    evidence.figure(cell, "on/off ratio", high / low, ratio, rel=1e-12, source=source)
    path = np.append(0.0, up_and_down(cell, states))
    rise, fall, chord = path[: states + 1], path[states:][::-1], np.arange(states + 1) / states
    assert path[states] == pytest.approx(1.0, abs=1e-13)
    assert path[-1] == pytest.approx(0.0, abs=1e-13)
    for way, curve, label in (("up", rise, up), ("down", fall, down)):
        away = curve - chord
        reached = away[np.abs(away).argmax()] / 0.0989949
        evidence.figure(cell, f"label of the way {way}, from pulses", reached, label, rel=3e-3, source=source)


def test_depression_of_a_ferroelectric_transistor_nearly_retraces_potentiation():
    """With labels of one sign both curves are steep at low conductance; the other devices fall fast from the top."""
    steps = {}
    for name, (states, *_) in REPORTED.items():
        path = np.append(0.0, up_and_down(device("neurosim_synapse", name), states))
        steps[name] = path[: states + 1] - path[states:][::-1]
    assert np.abs(steps["hzo_fefet"]).max() < 0.03
    assert all(np.abs(steps[name]).max() > 0.1 for name in ("alox_hfo2", "taox_tio2", "pcmo"))


def test_neurosim_equals_the_linear_step_model_with_other_parameters():
    """With w = 2 x - 1 its slopes are gamma = tanh(P_max / 2 A) and its steps (1 - exp(-1/A))/gamma."""
    cell = device("neurosim_synapse")
    z = [1 / float(cell.parameters[name]) for name in ("a_up", "a_down")]
    gamma = np.tanh(0.5 * np.array(z))
    dw = -np.expm1(-np.array(z) / [97, 100]) / gamma
    same = device("linear_step_synapse", w_min=-1.0, w_max=1.0, gamma_up=gamma[0], gamma_down=gamma[1], dw_up=dw[0],
                  dw_down=dw[1])  # fmt: skip
    for pulses in (1, 40, -1, -40):
        x = apply_pulses(cell, [0.37], pulses)
        np.testing.assert_allclose(apply_pulses(same, [2 * 0.37 - 1], pulses), 2 * x - 1, atol=1e-14)


def test_published_noise_of_every_set_that_has_some():
    for name, std, kind in (
        ("ecram_tang", 0.3, "multiplicative"), ("ecram_kim", 2.0, "multiplicative"), ("reram_gong", 3.75, "additive"),
        ("capacitor_li", 0.3, "additive"),
    ):  # fmt: skip
        assert CycleNoise.published(device("linear_step_synapse", name)) == CycleNoise(std, kind)
    for name, std in (("ag_silicon", 0.035), ("hzo_fefet", 0.005), ("alox_hfo2", 0.05), ("pcmo", 0.01)):
        assert CycleNoise.published(device("neurosim_synapse", name)) == CycleNoise(std, "accumulated")
    assert set(models()) >= {"linear_step_synapse", "power_step_synapse", "neurosim_synapse", "pcm"}
