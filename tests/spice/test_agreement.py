"""Comparison with ngspice: devices that reach their bounds, arrays with all kinds of wires, and the report."""

import json

import numpy as np
import pytest

from crossbar import Crossbar, Wires
from devices import Constant, InputError, Pulses, Samples, SimulatorError, Sine, Triangle, device
from netlists import Agreement, NgspiceOptions, Quantity, Waves, crosscheck, device_circuit, run_ngspice
from netlists.comparison.device import compare_device

pytestmark = pytest.mark.spice


@pytest.mark.parametrize(
    ("cell", "wave", "allowed"),
    [
        (device("linear_ion_drift"), Sine(1.0, 1.0), 1e-6),
        # Near x = 1 the rate and the current both gain a factor 160: the hit shifts by ngspice's error of one step.
        (device("linear_ion_drift"), Sine(2.0, 0.5, cycles=2), 1e-3),
        (device("vteam", "memtorch"), Sine(1.0, 2e6, cycles=2), 2e-6),
        (device("vteam", "memtorch", x=0.2e-9), Sine(1.0, 2e6, phase=2.0, offset=0.1), 2e-6),
        (device("vteam", "memtorch", x=3e-9), Pulses(-0.6, width=2e-9, period=4e-9, count=6), 2e-6),
        (device("vteam", "magic"), Triangle(3.0, 2e7), 1e-5),
        (device("wox_scaled_decay"), Sine(1.0, 0.5), 1e-6),
        (device("wox_scaled_decay"), Sine(1.5, 0.5, cycles=2), 1e-6),
        (device("wox_scaled_decay", w=0.9), Constant(0.5, 20.0), 1e-6),
        (device("linear_ion_drift_biolek"), Sine(1.0, 5.0, cycles=2), 5e-6),
        (device("linear_ion_drift_zha"), Sine(1.0, 0.2), 5e-6),
        (device("linear_ion_drift"), Samples([0, 0.1, 0.15, 0.4], [0.3, -0.2, 1.0, 0.9]), 1e-6),
    ],
    ids=str,
)
def test_devices_agree(cell, wave, allowed):
    crosscheck(cell, wave).assert_within(relative=allowed)


def test_both_bounds_are_reached_and_left():
    agreement = crosscheck(device("vteam", "memtorch"), Sine(1.0, 2e6, cycles=2))
    state = agreement["state x"]
    for side in (state.ours, state.theirs):
        assert side.min() == pytest.approx(0.0, abs=1e-8)
        assert side.max() == pytest.approx(1.0, abs=1e-8)
    assert state.theirs.min() > -1e-8
    assert state.theirs.max() < 1 + 1e-8


def test_a_looser_tolerance_of_the_simulator_increases_the_difference():
    tight = crosscheck(device("vteam"), Sine(1.0, 2e6))
    loose = crosscheck(device("vteam"), Sine(1.0, 2e6), options=NgspiceOptions(reltol=1e-6), step=1e-9)
    assert loose.worst > 100 * tight.worst
    with pytest.raises(AssertionError, match=r"(?s)worst relative difference is .*\ncurrent"):
        loose.assert_within(relative=1e-6)


def test_a_wrong_device_is_detected():
    """The comparison can fail: a device with another initial state and the netlist of the right one."""
    wave = Sine(1.0, 1.0)
    waves = run_ngspice(device_circuit(device("linear_ion_drift"), wave))
    found = compare_device(device("linear_ion_drift", x=0.1001), wave, waves, {"x": waves["v(xsv)"]}, 1e-11)
    assert found["quantities"]["current"].worst_relative > 1e-5


ARRAYS = [
    ((16, 16), Wires(1.0, 1.0)),
    ((16, 16), Wires(10.0, 5.0, 100.0, 50.0)),
    ((5, 9), Wires()),
    ((9, 5), Wires(bit_line=3.0)),
    ((7, 3), Wires(word_line=2.5, sense=10.0)),
    ((3, 7), Wires(driver=1e4)),
    ((1, 1), Wires(1.0, 2.0, 3.0, 4.0)),
    ((1, 8), Wires(1e-6, 1e3)),
    ((8, 1), Wires(1e3, 1e-6)),
]


@pytest.mark.parametrize("share_open", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("shape", "wires"), ARRAYS, ids=str)
def test_arrays_agree(shape, wires, share_open):
    rng = np.random.default_rng(7)
    conductance = 10.0 ** rng.uniform(-6, -3, shape)
    conductance[rng.random(shape) < share_open] = 0.0
    agreement = crosscheck(Crossbar(conductance, wires), rng.uniform(-1, 1, shape[0]))
    # Both sides solve directly or to 1e-13; what remains is rounding, times the condition of the wires.
    agreement.assert_within(relative=1e-10)
    assert set(agreement.quantities) == {"current", "word-line voltage", "bit-line voltage"}


def test_an_array_without_drive_agrees_exactly():
    assert crosscheck(Crossbar([[1e-3, 1e-4]], Wires(1.0, 1.0)), [0.0]).worst == 0.0


def test_the_report_contains_all_results():
    agreement = crosscheck(device("wox_scaled_decay"), Sine(1.0, 0.5))
    text = str(agreement)
    for part in ("current", "voltage", "state w", "ngspice", "reltol 1e-12", "step error 1e-11", " s\n"):
        assert part in text
    figures = json.loads(json.dumps(agreement.to_dict()))
    assert figures["worst"] == agreement.worst
    assert figures["quantities"]["current"]["worst_relative"] == agreement["current"].worst_relative
    assert figures["quantities"]["current"]["where"].startswith("t = ")
    assert agreement.our_seconds > 0
    assert agreement.engine_seconds > 0
    with pytest.raises(InputError, match=r"quantity: got 'curent'.*try: current"):
        agreement["curent"]


def test_the_place_of_the_worst_difference():
    at = [f"place {k}" for k in range(3)]
    q = Quantity(
        name="q",
        unit="A",
        ours=np.array([1.0, 2.0, 4.0]),
        theirs=np.array([1.0, 2.5, 4.25]),
        scale=4.0,
        scale_meaning="largest",
        places=at.__getitem__,
    )
    assert (q.worst_absolute, q.worst_relative, q.where) == (0.5, 0.125, "place 1")
    assert (q.worst_local, q.where_local) == (0.2, "place 1")
    assert q.to_dict()["points"] == 3


def test_plots_show_both_solutions_and_their_difference():
    from matplotlib import pyplot as plt

    for agreement in (
        crosscheck(device("vteam"), Sine(1.0, 2e6)),
        crosscheck(Crossbar(np.full((4, 6), 1e-4), Wires(1.0, 1.0)), np.ones(4)),
    ):
        _, ax = plt.subplots()
        assert agreement.plot(ax=ax) is ax
        below = ax.figure.axes[-1]
        assert below.get_yscale() == "log"
        assert below.get_xlabel()
        quantity = agreement["current"]
        ours, theirs = (line.get_ydata() for line in ax.lines)
        np.testing.assert_allclose(ours / ours.max(), quantity.ours / quantity.ours.max(), rtol=1e-12)
        np.testing.assert_allclose(theirs / theirs.max(), quantity.theirs / quantity.theirs.max(), rtol=1e-12)
        assert below.lines[0].get_ydata().max() == pytest.approx(max(quantity.worst_relative, 1e-17))
        other = agreement.plot(quantity=list(agreement.quantities)[1])
        assert other.figure is not ax.figure
        assert "voltage" in other.get_ylabel()


def test_the_side_that_limits_the_agreement_is_named(tmp_path):
    """ngspice limits a device; ours limits a read whose tolerance is loose."""
    cell, wave = device("vteam"), Sine(1.0, 2e6)
    agreement = crosscheck(cell, wave, limits=True, seed=7)
    assert agreement.limits["current"].side == "ngspice"
    assert agreement.limits["current"].engine_tighter < agreement.limits["current"].base / 2
    assert agreement.limits["voltage"].side == "rounding"
    assert "limit of current: ngspice (" in str(agreement)
    assert "; seed 7" in str(agreement)
    rng = np.random.default_rng(2)
    array = Crossbar(10.0 ** rng.uniform(-6, -3, (6, 5)), Wires(20.0, 20.0))
    loose = crosscheck(array, rng.uniform(0, 1, 6), tolerance=1e-5, limits=True)
    assert loose.limits["current"].side == "memductance", str(loose)
    found = json.loads(agreement.save(tmp_path / "new" / "agreement.json").read_text())
    assert found["limits"]["current"]["side"] == "ngspice"
    assert found["seed"] == 7
    assert {"memductance", "numpy", "python", "ngspice"} == set(found["versions"])
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["agreement.json"]
    with pytest.raises(InputError, match="path: got"):
        agreement.save(tmp_path / "new" / "agreement.json" / "below")


def test_a_run_that_ends_early_is_an_error(monkeypatch):
    def half(netlist, *, options, timeout):
        time = np.linspace(0, 0.5, 11)
        return Waves({"time": time, "v(te)": time, "i(vin)": time, "v(xsv)": time}, "half", 0.1)

    monkeypatch.setattr("netlists.engines.ngspice.run_ngspice", half)
    with pytest.raises(SimulatorError, match=r"half stopped at 0\.5 s of 1 s"):
        crosscheck(device("linear_ion_drift"), Sine(1.0, 1.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((device("vteam"), [1.0]), "waveform: got list"),
        ((Crossbar([[1e-3]]), Sine(1, 1)), "voltage: got Sine"),
        (("vteam", Sine(1, 1)), "subject: got str; allowed: a Device, a Series or a Crossbar"),
    ],
)
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        crosscheck(*arguments)
    with pytest.raises(InputError, match="engine: got 'spectre'"):
        crosscheck(*arguments, engine="spectre")


def test_crosscheck_returns_an_agreement():
    assert isinstance(crosscheck(Crossbar([[1e-3]]), [1.0]), Agreement)
