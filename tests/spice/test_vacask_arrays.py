"""Arrays in VACASK with the Verilog-A of their devices: held states, gates, faults, capacitance."""

import numpy as np
import pytest

from crossbar import FLOATING, Bias, Crossbar, Short, Wires
from devices import Pulses, Samples, Series, Sine, device
from netlists import VacaskOptions, crossbar_circuit, crosscheck, write_vacask, write_verilog_a
from netlists.circuit import Subcircuit
from netlists.engines.running import run_circuit

pytestmark = pytest.mark.vacask

METAL = Wires(2.0, 3.0, 10.0, 20.0)


def cells(kind, rng, shape):
    """Cells of a family, and the arguments that they need."""
    wox = device("wox_scaled_decay", w=rng.uniform(0.0, 1.0, shape))
    match kind:
        case "ohmic":
            return np.where(rng.random(shape) < 0.2, 0.0, 10.0 ** rng.uniform(-7, -3, shape)), {}
        case "wox":
            return wox, {}
        case "sinh":
            return device("sinh_cell", g=10.0 ** rng.uniform(-6, -4, shape), v0=rng.uniform(0.2, 0.4, shape)), {}
        case "1S1R":
            return Series(device("exponential_selector"), wox), {}
        case "1R":
            return Series(wox, device("resistor", r=rng.uniform(1e3, 1e4, shape))), {}
        case _:
            return Series(wox, device("ekv_transistor")), {"gate": rng.uniform(0.0, 1.8, shape[0]), "bulk": -0.05}


@pytest.mark.parametrize("kind", ["ohmic", "wox", "sinh", "1S1R", "1R", "1T1R"])
def test_operating_points_agree_to_rounding(kind):
    """Both sides are accurate to some units in the last place, which the tolerance of ngspice does not reach."""
    rng = np.random.default_rng(3)
    law, others = cells(kind, rng, (7, 5))
    agreement = crosscheck(Crossbar(law, METAL), rng.uniform(-1.0, 1.0, 7), engine="vacask", **others)
    assert agreement.engine.startswith("VACASK ")
    assert "reltol 1e-12" in agreement.engine_tolerance
    assert ("cell current" in agreement.quantities) == (kind != "ohmic")
    agreement.assert_within(relative=1e-12)


def test_floating_ends_broken_lines_and_shorts():
    rng = np.random.default_rng(4)
    shape = (6, 5)
    law, others = cells("1T1R", rng, shape)
    wires = METAL.with_open("word", 2, 3, shape=shape)
    bias = Bias(word_left=[0.8, FLOATING, 0.3, -0.4, 0.0, 0.6], bit_top=[FLOATING, 0.1, FLOATING, 0.0, 0.2])
    crosscheck(Crossbar(law, wires), bias, engine="vacask", **others).assert_within(relative=1e-9)
    bridged = Wires(2.0, 3.0, 10.0, 20.0, shorts=(Short("word", 1, 2, 5.0), Short("bit", 0, 3, 0.5)))
    law, _ = cells("wox", rng, shape)
    crosscheck(Crossbar(law, bridged), bias, engine="vacask").assert_within(relative=1e-10)


def test_gates_along_columns():
    rng = np.random.default_rng(7)
    law, _ = cells("1T1R", rng, (3, 4))
    array = Crossbar(law, METAL, gates="columns")
    agreement = crosscheck(array, [0.3, 0.2, 0.1], gate=[1.5, 0.0, 0.5, 1.5], engine="vacask")
    agreement.assert_within(relative=1e-11)
    current = agreement["terminal current"].theirs[-4:]
    assert np.abs(current[1]) < 1e-3 * np.abs(current[3])


@pytest.mark.parametrize(
    ("kind", "wave", "allowed"),
    [
        ("1R", Pulses(1.2, width=2e-2, period=5e-2, edge=5e-3), 1e-9),
        ("1T1R", Sine(1.0, 10.0), 1e-9),
    ],
)
def test_states_move_in_an_array(kind, wave, allowed):
    rng = np.random.default_rng(10)
    law, others = cells(kind, rng, (2, 2))
    bias = Bias(word_left=[wave, 0.2], bit_bottom=0.0)
    array = Crossbar(law, Wires(5.0, 5.0, 100.0, 50.0))
    agreement = crosscheck(array, bias, engine="vacask", step=wave.duration / 200, **others)
    (state,) = (q for name, q in agreement.quantities.items() if name.startswith("state "))
    assert np.ptp(state.ours.reshape(4, -1), axis=1).max() > 0.01, "a state must move for this test to mean much"
    agreement.assert_within(relative=allowed)
    assert state.ours.size <= 4 * 200, "some hundred of the simulator's time points are compared"


def test_a_line_charges_over_its_wires():
    """A sine has no corners, so that VACASK controls every step."""
    rng = np.random.default_rng(9)
    wires = Wires(5.0, 5.0, 100.0, 50.0, word_line_capacitance=1e-14, bit_line_capacitance=2e-14)
    array = Crossbar(10.0 ** rng.uniform(-6, -3, (2, 3)), wires)
    bias = Bias(word_left=[Sine(1.0, 1e9, cycles=0.25, phase=0.5), 0.2], bit_bottom=0.0)
    agreement = crosscheck(array, bias, engine="vacask", step=2e-12)
    for name in ("word-line voltage", "bit-line voltage"):
        assert agreement[name].worst_relative < 1e-7, str(agreement)


def test_charges_settle_a_thousand_times_faster_than_corners_follow():
    """A line with RC = 1e-4 of a ramp, whose exact current is C s (1 - exp(-t/RC)), needs short steps."""
    resistance, capacitance, length, slope = 50.0, 2e-12, 1e-6, 1e6
    wires = Wires(driver=resistance, word_line_capacitance=capacitance)
    bias = Bias(word_left=[Samples([0.0, length, 2 * length], [0.0, 0.0, slope * length])], bit_bottom=0.0)
    array = Crossbar([[1e-12]], wires)
    agreement = crosscheck(array, bias, engine="vacask", step=length / 1000)
    current = agreement["terminal current"]
    assert current.worst_relative < 3e-4, str(agreement)
    settling = (np.abs(current.ours) > 0.1 * current.scale) & (np.abs(current.ours) < 0.9 * current.scale)
    assert settling.sum() > 5, "some of the compared points lie while the line settles"
    few = VacaskOptions(corner=1e-4, residuals=False).loosened(1e2)
    coarse = crosscheck(array, bias, engine="vacask", step=length / 1000, options=few)
    assert coarse["terminal current"].worst_relative > 1e-2, "without short steps after the corner it would not agree"


def test_additional_corners_halve_the_remaining_time():
    bias = Bias(word_left=[Samples([0, 1, 2], [0, 1, 3])], bit_bottom=0.0)
    array = Crossbar([[1e-3]], METAL)
    text = write_vacask(crossbar_circuit(array, bias), VacaskOptions(halvings=2))
    assert "wave=[0.0, 0.0, 0.25, 0.25, 0.5, 0.5, 1.0, 1.0, 1.25, 1.5, 1.5, 2.0, 2.0, 3.0]" in text
    bias = Bias(word_left=[Samples([0, 1, 2, 3], [4, 4, 5, 6])], bit_bottom=0.0)
    text = write_vacask(crossbar_circuit(array, bias), VacaskOptions(halvings=1))
    assert "wave=[0.0, 4.0, 1.0, 4.0, 1.5, 4.5, 2.0, 5.0, 3.0, 6.0]" in text, "only where the slope changes"


def test_held_states_are_parameters_without_nodes():
    circuit = crossbar_circuit(Crossbar(device("wox_scaled_decay", w=[[0.3]]), METAL), [1.2])
    text = write_verilog_a(circuit.subcircuits[0])
    assert "state_w" not in text
    assert "ddt" not in text
    assert "state_w" in write_verilog_a(Subcircuit(circuit.subcircuits[0].model, circuit.subcircuits[0].parameter_set))
    assert "X0_0 (w0_0 b0_0) wox_scaled_decay w=0.3" in write_vacask(circuit)


def test_a_device_with_the_name_of_a_vacask_device_is_distinguished():
    text = write_vacask(crossbar_circuit(Crossbar(device("resistor", r=[[1e3]]), METAL), [1.0]))
    assert "model wire resistor\n" in text
    assert "model resistor resistor_\n" in text
    assert "module resistor_(te, be);" in text


def test_a_wrong_array_is_detected(monkeypatch):
    """The comparison can fail: another gate voltage on our side."""
    rng = np.random.default_rng(8)
    law, _ = cells("1T1R", rng, (2, 2))
    original = Crossbar.solve
    monkeypatch.setattr(Crossbar, "solve", lambda self, bias, **given: original(self, bias, **{**given, "gate": 1.001}))
    assert crosscheck(Crossbar(law, METAL), [0.3, 0.2], gate=1.0, engine="vacask").worst > 1e-5


@pytest.mark.parametrize(("engine", "within"), [("vacask", 1e-6), ("ngspice", 1e-3)])
def test_lines_that_capacitance_alone_holds(engine, within):
    """A floating word line, the rest of a broken one, and a floating bit line, all of open cells, start at 0 V."""
    shape = (4, 3)
    conductance = np.full(shape, 1e-5)
    conductance[1] = conductance[:, 2] = conductance[3, 1] = 0.0
    metal = Wires(
        2.0, 3.0, 1e3, 2e3, word_line_capacitance=1e-15, bit_line_capacitance=2e-15, crossing_capacitance=5e-16
    )
    wires = metal.with_open("word", 3, 1, shape=shape)
    bias = Bias(
        word_left=[Pulses(0.7, 2e-9, 4e-9, edge=5e-10), FLOATING, 0.2, Samples([0.0, 3e-9], [0.0, 0.5])],
        bit_bottom=[0.0, 0.1, FLOATING],
    )
    crosscheck(Crossbar(conductance, wires), bias, engine=engine).assert_within(relative=within)
    circuit = crossbar_circuit(Crossbar(conductance, wires), bias)
    waves = [run_circuit(c, engine)[0] for c in (circuit, circuit.enclosed())]
    for source in ("Vin0", "Vs0"):
        np.testing.assert_allclose(waves[0][f"i({source})"], waves[1][f"i({source})"], atol=2e-8)
