"""The circuit of an array: names of everything, what is left out, what merges, and what is refused."""

import itertools
import math

import numpy as np
import pytest

from crossbar import FLOATING, Bias, Crossbar, Short, Wires
from devices import Constant, InputError, Pulses, Series, Sine, device
from netlists import (
    LtspiceOptions,
    NgspiceOptions,
    VacaskOptions,
    crossbar_circuit,
    write_netlist,
    write_ngspice,
    write_subcircuit,
)
from netlists.circuit import Capacitor, Instance, OperatingPoint, Resistor, Transient, VoltageSource

G = np.array([[1e-3, 2e-3, 4e-3], [5e-3, 1e-2, 2e-2]])
EVERYWHERE = Bias(word_left=[1.0, 2.0], word_right=[3.0, 4.0], bit_top=[5.0, 6.0, 7.0], bit_bottom=0.0)
METAL = {"driver": 10.0, "sense": 20.0, "far_driver": 30.0, "far_sense": 40.0}


def by_name(circuit):
    found = {e.name: e for e in circuit.elements}
    assert len(found) == len(circuit.elements)
    assert len({name.lower() for name in found}) == len(found), "SPICE ignores case"
    return found


def line(found, names):
    """The nets along elements in series, and their values."""
    parts = [found[name] for name in names.split()]
    for one, two in itertools.pairwise(parts):
        assert one.minus == two.plus
    return [parts[0].plus, *(p.minus for p in parts)], [p.resistance for p in parts]


def test_every_segment_has_its_place():
    word = np.arange(1.0, 9.0).reshape(2, 4)
    bit = np.arange(11.0, 20.0).reshape(3, 3)
    circuit = crossbar_circuit(Crossbar(G, Wires(word, bit, **METAL)), EVERYWHERE)
    found = by_name(circuit)
    assert isinstance(circuit.analysis, OperatingPoint)
    assert circuit.merged == {}
    assert line(found, "Rd1 Rw1_0 Rw1_1 Rw1_2 Rw1_3 Rf1") == (
        ["s1", "d1", "w1_0", "w1_1", "w1_2", "f1", "r1"],
        [10.0, *word[1], 30.0],
    )
    assert line(found, "Rt2 Rbt2 Rb0_2 Rb1_2 Rs2") == (
        ["t2", "u2", "b0_2", "b1_2", "e2", "g2"],
        [40.0, *bit[:, 2], 20.0],
    )
    assert found["R1_2"] == Resistor("R1_2", "w1_2", "b1_2", 50.0)
    sources = {e.name: (e.plus, e.minus, e.value) for e in found.values() if isinstance(e, VoltageSource)}
    assert sources == {
        "Vin0": ("s0", "0", 1.0), "Vin1": ("s1", "0", 2.0), "Vr0": ("r0", "0", 3.0), "Vr1": ("r1", "0", 4.0),
        "Vt0": ("t0", "0", 5.0), "Vt1": ("t1", "0", 6.0), "Vt2": ("t2", "0", 7.0),
        "Vs0": ("g0", "0", 0.0), "Vs1": ("g1", "0", 0.0), "Vs2": ("g2", "0", 0.0),
    }  # fmt: skip
    assert len(found) == 10 + 6 + 2 * 6 + 3 * 5


def test_resistances_of_single_terminals():
    wires = Wires(1.0, 1.0, driver=[1.0, 2.0], far_sense=[3.0, 4.0, 5.0])
    found = by_name(crossbar_circuit(Crossbar(G, wires), EVERYWHERE))
    assert (found["Rd0"].resistance, found["Rd1"].resistance) == (1.0, 2.0)
    assert [found[f"Rt{j}"].resistance for j in range(3)] == [3.0, 4.0, 5.0]
    assert "Rs0" not in found


def test_what_leads_to_a_floating_terminal_is_left_out():
    bias = Bias(word_left=[0.1, FLOATING], word_right=[FLOATING, 0.2], bit_top=[FLOATING, 0.0, FLOATING])
    circuit = crossbar_circuit(Crossbar(G, Wires(1.0, 1.0, **METAL)), bias)
    found = by_name(circuit)
    assert [n for n in found if n[:2] in ("Rd", "Rf", "Rt", "Rs") or n[0] == "V"] == [
        "Vin0", "Rd0", "Rf1", "Vr1", "Vt1", "Rt1",
    ]  # fmt: skip
    assert "Rw0_0" in found
    assert "Rw0_3" not in found
    assert "Rw1_0" not in found
    assert "Rw1_3" in found
    assert {n for n in found if n.startswith("Rbt")} == {"Rbt1"}
    assert {n for n in found if n.startswith("Rb1")} == set(), "the last bit-line segments lead to floating terminals"
    nets = {net for e in circuit.elements for net in (e.plus, e.minus)}
    assert not nets & {"s1", "d1", "f0", "r0", "u0", "t0", "e1", "g1"}


def test_open_segments_are_left_out_and_sources_stay():
    wires = Wires(0.0, 1.0).with_open("word", 0, 0, shape=(2, 3)).with_open("word", 1, 2, shape=(2, 3))
    wires = wires.with_open("bit", 1, 2, shape=(2, 3))
    circuit = crossbar_circuit(Crossbar(G, wires), Bias(word_left=1.0, word_right=1.0, bit_bottom=0.0))
    found = by_name(circuit)
    assert {n for n in found if n.startswith("Rw")} == set()
    assert {n for n in found if n.startswith("Rb")} == {"Rb0_0", "Rb0_1", "Rb0_2", "Rb1_0", "Rb1_2"}
    assert found["Vin0"].plus == "s0"
    assert found["Vr0"].plus == "w0_0"
    assert (found["Vin1"].plus, found["Vr1"].plus) == ("w1_0", "w1_2")
    assert circuit.net("w1_1") == "w1_0"
    assert not any(math.isinf(e.resistance) for e in found.values() if isinstance(e, Resistor))


def test_an_ideal_line_from_source_to_source_has_one_of_them():
    ideal = Crossbar(G)
    found = by_name(crossbar_circuit(ideal, Bias.both_ends([0.1, 0.2])))
    assert {n for n in found if n[0] == "V"} == {"Vin0", "Vin1", "Vs0", "Vs1", "Vs2"}
    wave = Sine(1.0, 1e3)
    found = by_name(crossbar_circuit(ideal, Bias(word_left=[wave, 0.0], word_right=[wave, 0.0], bit_bottom=0.0)))
    assert "Vr0" not in found
    for one, two in ((0.1, 0.2), (wave, 0.0), (0.0, wave)):
        with pytest.raises(InputError, match="word_left: got another potential than word_right at word line 1"):
            crossbar_circuit(ideal, Bias(word_left=[0.0, one], word_right=[0.0, two], bit_bottom=0.0))
    with pytest.raises(InputError, match=r"bit_top: .*bit line 0.*Wires\(bit_line=1.0\)"):
        crossbar_circuit(ideal, Bias(bit_top=0.1, bit_bottom=0.0))


def test_shorts_bridge_neighbours():
    shorts = (Short("word", 0, 2, 7.0), Short("bit", 1, 0, 8.0))
    found = by_name(crossbar_circuit(Crossbar(G, Wires(bit_line=1.0, shorts=shorts)), [1.0, 2.0]))
    assert found["Rshort0"] == Resistor("Rshort0", "w0_0", "w1_0", 7.0), "on merged nets"
    assert found["Rshort1"] == Resistor("Rshort1", "b0_1", "b0_2", 8.0)


def test_capacitors_are_in_every_circuit():
    wires = Wires(1.0, word_line_capacitance=1e-15, crossing_capacitance=3e-15)
    array = Crossbar(G, wires)
    at_rest = [e for e in crossbar_circuit(array, [1.0, 2.0]).elements if isinstance(e, Capacitor)]
    circuit = crossbar_circuit(array, Bias(word_left=[Pulses(1.0, 1e-9, 2e-9), 0.0], bit_bottom=0.0))
    assert [e for e in circuit.elements if isinstance(e, Capacitor)] == at_rest
    found = by_name(circuit)
    capacitors = [e for e in circuit.elements if isinstance(e, Capacitor)]
    assert len(capacitors) == 2 * 6
    assert found["Cw1_2"] == Capacitor("Cw1_2", "w1_2", "0", 1e-15)
    assert found["Cx1_2"] == Capacitor("Cx1_2", "w1_2", "b0_2", 3e-15)
    assert "Cx1_2 w1_2 b0_2 3e-15\n" in write_ngspice(circuit)
    for form in (circuit, circuit.enclosed()):
        assert NgspiceOptions.suited(form).chgtol == LtspiceOptions.suited(form).chgtol == 1e-15
        assert NgspiceOptions.suited(form).reltol == LtspiceOptions.suited(form).reltol == 1e-9
        assert ".options chgtol=1e-15\n" in write_netlist(form, "ltspice")["circuit.net"]
        assert VacaskOptions.suited(form) == VacaskOptions.suited(circuit)
    assert not VacaskOptions.suited(circuit.enclosed()).residuals


def wox(**values):
    return device("wox_scaled_decay", **values)


def test_devices_are_one_definition_and_instances_with_what_differs():
    w = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    circuit = crossbar_circuit(Crossbar(wox(w=w, tau=[20.0, 10.0, 40.0]), Wires(1.0)), [1.0, 2.0])
    found = by_name(circuit)
    (definition,) = circuit.subcircuits
    assert definition.held
    assert definition.probes == ()
    assert found["X1_2"] == Instance("X1_2", ("w1_2", "b0_2"), "wox_scaled_decay", {"w": 0.6, "tau": 40.0})
    assert dict(found["X0_1"].values) == {"w": 0.2}, "10 s is the default"
    assert circuit.observed == tuple(f"X{i}_{j}" for i, j in np.ndindex(2, 3))


def test_held_states_are_parameters():
    circuit = crossbar_circuit(Crossbar(device("vteam", x=[[1e-9]])), [1.0])
    text = write_subcircuit(circuit.subcircuits[0])
    assert ".subckt vteam te be PARAMS:\n" in text
    assert "{x}" in text
    for gone in ("xsv", ".ic", "Cstate"):
        assert gone not in text
    assert ".save all\n+ @b.x0_0.bi[i]\n" in write_ngspice(circuit)


def test_states_move_in_a_transient_and_have_probes():
    bias = Bias(word_left=Sine(1.0, 1e3), bit_bottom=0.0)
    circuit = crossbar_circuit(Crossbar(device("vteam", x=[[1e-9, 2e-9]])), bias)
    found = by_name(circuit)
    assert found["X0_1"].nets == ("w0_0", "b0_1", "xsv0_1")
    assert not circuit.subcircuits[0].held
    assert circuit.analysis == Transient(1e-3, 1e-6)


def test_series_cells_have_a_net_between():
    cells = Series(wox(w=[[0.1, 0.2]]), device("resistor", r=[[100.0], [200.0]]))
    found = by_name(crossbar_circuit(Crossbar(cells), [1.0, 2.0]))
    assert found["Xt1_1"] == Instance("Xt1_1", ("w1_0", "m1_1"), "wox_scaled_decay", {"w": 0.2})
    assert found["Xb1_1"] == Instance("Xb1_1", ("m1_1", "b0_1"), "resistor", {"r": 200.0})
    moving = crossbar_circuit(Crossbar(cells), [1.0, 2.0], duration=1.0)
    assert by_name(moving)["Xt1_1"].nets == ("w1_0", "m1_1", "xsvt1_1")
    assert moving.observed == ("Xt0_0", "Xt0_1", "Xt1_0", "Xt1_1")


def test_two_devices_of_one_model_share_its_definition():
    cells = Series(device("resistor", r=[[100.0]]), device("resistor", r=[[200.0]]))
    circuit = crossbar_circuit(Crossbar(cells), [1.0])
    assert len(circuit.subcircuits) == 1
    assert [e.values["r"] for e in circuit.elements if isinstance(e, Instance)] == [100.0, 200.0]


@pytest.mark.parametrize(("gates", "lines"), [("rows", 2), ("columns", 3)])
def test_gate_lines_and_bulk(gates, lines):
    array = Crossbar(Series(wox(w=np.full((2, 3), 0.5)), device("ekv_transistor")), gates=gates)
    circuit = crossbar_circuit(array, [1.0, 2.0], gate=np.arange(lines) + 0.5, bulk=-0.1)
    found = by_name(circuit)
    for k in range(lines):
        assert found[f"Vgate{k}"] == VoltageSource(f"Vgate{k}", f"gate{k}", "0", k + 0.5)
    assert found["Vbulk"] == VoltageSource("Vbulk", "bulk", "0", -0.1)
    assert found["Xb1_2"].nets == ("m1_2", "b0_2", f"gate{1 if gates == 'rows' else 2}", "bulk")
    with pytest.raises(InputError, match="gate: got nothing"):
        crossbar_circuit(array, [1.0, 2.0])


def test_duration_and_step():
    array = Crossbar(wox(w=[[0.5]]))
    pulses = Pulses(1.0, 1e-3, 2e-3)
    assert crossbar_circuit(array, Bias.read([1.0]), duration=2.0).analysis == Transient(2.0, 2e-3)
    both = Bias(word_left=[pulses], bit_bottom=Sine(0.1, 1e3, cycles=4))
    assert crossbar_circuit(array, both).analysis == Transient(4e-3, 1e-6)
    assert crossbar_circuit(array, both, duration=1e-3, step=2e-6).analysis == Transient(1e-3, 2e-6)


CELL = Crossbar([[1e-3]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: crossbar_circuit(CELL, Sine(1, 1)), "voltage: got Sine"),
        (lambda: crossbar_circuit(CELL, Bias.read([[1.0], [2.0]])), r"bias: got a batch of shape \(2,\)"),
        (lambda: crossbar_circuit(CELL, Bias(word_left=[1.0, 2.0])), r"word_left: got shape \(2,\)"),
        (lambda: crossbar_circuit(CELL, [1.0], gate=1.0), "gate: got potentials of gate lines; allowed: none"),
        (lambda: crossbar_circuit(CELL, [1.0], step=1.0), "step: got 1.0 for an operating point"),
        (lambda: crossbar_circuit(CELL, [1.0], duration=0.0), "duration: got 0"),
        (lambda: crossbar_circuit(CELL, [1.0], duration=1.0, step=-1.0), "step: got -1"),
        (
            lambda: crossbar_circuit(CELL, Bias(word_left=Sine(1, 1), bit_bottom=Constant(0.1, 2.0))),
            r"duration: got 2 s, past the end of Sine.* at 1 s; allowed: sines that last",
        ),
    ],
)  # fmt: skip
def test_bad_input_gets_one_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
