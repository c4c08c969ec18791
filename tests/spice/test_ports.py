"""Terminals of an array that end in amplifiers and drivers of the user, in PySpice and in ngspice."""

from dataclasses import replace

import numpy as np
import pytest
from PySpice.Spice.Netlist import Circuit as PySpiceCircuit
from PySpice.Spice.Netlist import SubCircuit, SubCircuitFactory

from crossbar import Bias, Crossbar, Wires
from devices import InputError, Pulses, Series, device
from netlists import (
    NgspiceOptions,
    OperatingPoint,
    Transient,
    crossbar_circuit,
    pyspice_subcircuit,
    run_ngspice,
    run_pyspice,
    to_pyspice,
)
from netlists.circuit import Capacitor, Resistor, VoltageSource

pytestmark = pytest.mark.spice

SIDES = ("word_left", "word_right", "bit_top", "bit_bottom")
NETS = {"word_left": "s", "word_right": "r", "bit_top": "t", "bit_bottom": "g"}
RNG = np.random.default_rng(3)
OHMIC = Crossbar(
    RNG.uniform(1e-6, 1e-4, (3, 2)),
    Wires(
        RNG.uniform(1.0, 9.0, (3, 3)), RNG.uniform(1.0, 9.0, (4, 2)), driver=20.0, sense=30.0, far_driver=40.0,
        far_sense=50.0,
    ),
)  # fmt: skip


class Amplifier(SubCircuitFactory):
    """A transimpedance amplifier with a gain of 1e5 and a feedback of 10 kohm."""

    NAME = "amplifier"
    NODES = ("inverting", "output")

    def __init__(self):
        super().__init__()
        self.VCVS("gain", "output", self.gnd, self.gnd, "inverting", voltage_gain=1e5)
        self.R("feedback", "inverting", "output", 1e4)


@pytest.mark.parametrize("side", SIDES)
def test_resistors_at_every_side_act_as_longer_lines(side):
    """A resistor of the user at a port equals as much more driver or sense resistance."""
    lines = 3 if side.startswith("word") else 2
    loads = np.linspace(100.0, 300.0, lines)
    values = dict(zip(SIDES, ([0.3, 0.1, 0.2], 0.05, [0.02, 0.0], 0.0), strict=True))
    name = {"word_left": "driver", "word_right": "far_driver", "bit_top": "far_sense", "bit_bottom": "sense"}[side]
    longer = replace(OHMIC.wires, **{name: getattr(OHMIC.wires, name) + loads})
    solved = Crossbar(OHMIC.conductance, longer).solve(Bias(**values))
    circuit = to_pyspice(OHMIC, Bias(**{**values, side: None}), ports=[side])
    volts = np.broadcast_to(values[side], lines)
    for k, (load, volt) in enumerate(zip(loads, volts, strict=True)):
        circuit.R(f"load{k}", f"{NETS[side]}{k}", f"far{k}", float(load))
        circuit.V(f"far{k}", f"far{k}", circuit.gnd, float(volt))
    waves = run_pyspice(circuit, OperatingPoint())
    found = [[waves[f"v(w{i}_{j})"][0] for j in range(2)] for i in range(3)]
    np.testing.assert_allclose(found, solved.word_line_voltage, rtol=1e-12)


def test_an_amplifier_at_each_column():
    """Its output is the current of the column through the feedback, with the finite gain."""
    circuit = to_pyspice(OHMIC, Bias(word_left=[0.3, 0.1, 0.2]), ports=["bit_bottom"])
    circuit.subcircuit(Amplifier())
    for j in range(2):
        circuit.X(f"amplifier{j}", "amplifier", f"g{j}", f"out{j}")
    waves = run_pyspice(circuit, OperatingPoint())
    seen = replace(OHMIC.wires, sense=OHMIC.wires.sense + 1e4 / (1 + 1e5))
    current = Crossbar(OHMIC.conductance, seen).read([0.3, 0.1, 0.2]).current
    wanted = -current * 1e4 * 1e5 / (1 + 1e5)
    np.testing.assert_allclose([waves[f"v(out{j})"][0] for j in range(2)], wanted, rtol=1e-11)
    analysis = circuit.simulator().operating_point()
    np.testing.assert_allclose([float(analysis[f"out{j}"][0]) for j in range(2)], wanted, rtol=1e-11)


def test_an_array_as_a_subcircuit_with_gates_and_bulk():
    cells = Series(device("wox_scaled_decay", w=RNG.uniform(0.0, 1.0, (2, 3))), device("ekv_transistor"))
    array = Crossbar(cells, Wires(2.0, 3.0, driver=20.0, sense=30.0))
    subcircuit = pyspice_subcircuit(array, "memory", ports=["word_left", "bit_bottom", "gate", "bulk"])
    assert subcircuit.external_nodes == ("s0", "s1", "g0", "g1", "g2", "gate0", "gate1", "bulk")
    circuit = PySpiceCircuit("an array between amplifiers")
    circuit.raw_spice = "".join(f".options {name}={value}\n" for name, value in NgspiceOptions().items())
    circuit.subcircuit(subcircuit)
    circuit.subcircuit(Amplifier())
    circuit.X("a", "memory", "in0", "in1", "out0", "out1", "out2", "open0", "open1", "well")
    for net, volt in {"in0": 0.3, "in1": 0.2, "open0": 1.0, "open1": 1.5, "well": -0.1}.items():
        circuit.V(net, net, circuit.gnd, volt)
    for j in range(3):
        circuit.X(f"amplifier{j}", "amplifier", f"out{j}", f"v{j}")
    waves = run_pyspice(circuit, OperatingPoint())
    solved = array.solve(Bias.read([0.3, 0.2]), gate=[1.0, 1.5], bulk=-0.1)
    found = [-waves[f"v(v{j})"][0] / 1e4 for j in range(3)]
    np.testing.assert_allclose(found, solved.cell_current.sum(axis=0), rtol=1e-4)
    shifted = replace(array.wires, sense=30.0 + 1e4 / (1 + 1e5))
    solved = Crossbar(cells, shifted).solve(Bias.read([0.3, 0.2]), gate=[1.0, 1.5], bulk=-0.1)
    np.testing.assert_allclose(np.array(found) * (1 + 1e-5), solved.cell_current.sum(axis=0), rtol=1e-8)


def test_two_subcircuits_of_one_model_do_not_share_a_definition():
    """One holds its states, in the other they move."""
    array = Crossbar(device("vteam", x=[[1e-9]]), Wires(driver=100.0))
    ports = ["word_left", "bit_bottom"]
    circuit = PySpiceCircuit("two arrays")
    circuit.subcircuit(pyspice_subcircuit(array, "still"))
    circuit.subcircuit(pyspice_subcircuit(crossbar_circuit(array, Bias(), duration=2e-8, ports=ports), "moving"))
    circuit.X("a", "still", "in0", circuit.gnd)
    circuit.X("b", "moving", "in1", circuit.gnd)
    circuit.V("a", "in0", circuit.gnd, 1.0)
    circuit.V("b", "in1", circuit.gnd, 1.0)
    waves = run_pyspice(circuit, Transient(2e-8, 2e-11))
    assert np.ptp(waves["i(va)"]) < 1e-9 * abs(waves["i(va)"][0])
    assert waves["i(va)"][0] == pytest.approx(waves["i(vb)"][0], rel=1e-6)
    assert np.ptp(waves["i(vb)"]) > 0.01 * abs(waves["i(vb)"][0])


def test_a_transient_through_ports_is_that_of_sources():
    array = Crossbar(device("vteam", x=[[1e-9, 2e-9]]), Wires(5.0, 5.0, 100.0, 50.0, word_line_capacitance=1e-14))
    pulse = Pulses(1.0, width=4e-9, period=1e-8, edge=1e-9)
    wanted = run_ngspice(crossbar_circuit(array, Bias(word_left=pulse, bit_bottom=0.0), step=1e-10))
    circuit = to_pyspice(array, Bias(word_left=pulse), ports=["bit_bottom"])
    for j in range(2):
        circuit.V(f"ammeter{j}", f"g{j}", circuit.gnd, 0)
    waves = run_pyspice(circuit, Transient(pulse.duration, 1e-10))
    np.testing.assert_allclose(waves["time"], wanted["time"], rtol=1e-12)
    np.testing.assert_allclose(waves["i(vammeter1)"], wanted["i(vs1)"], rtol=1e-6, atol=1e-9)


def with_load(circuit, *elements):
    return replace(circuit, elements=(*circuit.elements, *elements))


def test_ports_of_ideal_lines_keep_their_names_also_in_blocks():
    """Both ends of a line that is one piece of metal are ports; a current passes from one to the other."""
    circuit = crossbar_circuit(Crossbar([[1e-3]]), Bias(word_left=1.0), ports=["bit_bottom", "bit_top"])
    assert circuit.ports == ("g0", "t0")
    loads = (Resistor("Ra", "g0", "0", 1e3), Resistor("Rb", "t0", "0", 1e3))
    block = circuit.enclosed()
    assert block.blocks[0].ports == ("w0_0", "g0", "t0")
    for made in (circuit, block, block.flat()):
        waves = run_ngspice(with_load(made, *loads))
        assert waves["v(g0)"][0] == pytest.approx(1 / 3, rel=1e-12)
        assert waves["v(t0)"][0] == pytest.approx(1 / 3, rel=1e-12)


def test_lines_that_float_at_a_port_side_only_are_ports():
    circuit = crossbar_circuit(OHMIC, Bias(word_left=[0.3, np.nan, 0.1], bit_bottom=0.0), ports=["word_left"])
    assert circuit.ports == ("s1",)
    waves = run_ngspice(with_load(circuit, VoltageSource("Vmine", "s1", "0", 0.2)))
    np.testing.assert_allclose(
        [waves["i(vs0)"][0], waves["i(vs1)"][0]], OHMIC.read([0.3, 0.2, 0.1]).current, rtol=1e-12
    )


ONE = Crossbar([[1e-4]], Wires(bit_line=5.0, sense=50.0))
PORT = crossbar_circuit(ONE, Bias(word_left=0.3), ports=["bit_bottom"])
CUT = crossbar_circuit(ONE, Bias(word_left=0.3))


def test_a_net_that_is_not_in_a_circuit_is_an_error_that_names_it():
    load = Resistor("Rload", "g0", "0", 1e3)
    assert run_ngspice(with_load(PORT, load))["v(g0)"][0] == pytest.approx(0.3 * 1e3 / 11055, rel=1e-12)
    for circuit, words in (
        (PORT, "ports: got net g0, which nothing is connected to; allowed: an element of yours at each port"),
        (with_load(PORT, replace(load, plus="g1")), "ports: got net g0, which nothing is connected to"),
        (with_load(CUT, load), r"at net g0, which leads to a floating terminal.*try: ports=\['bit_bottom'\]"),
        (with_load(CUT, replace(load, plus="s0")), "at net s0, which zero resistance makes one with net w0_0"),
    ):
        with pytest.raises(InputError, match=words):
            run_ngspice(circuit)


def amplified(ports, net, **elements):
    circuit = to_pyspice(ONE, Bias(word_left=0.3), ports=ports)
    circuit.VCVS("amp", "out", circuit.gnd, circuit.gnd, net, voltage_gain=1e9)
    circuit.R("f", net, "out", 1e4)
    return circuit


def test_a_net_of_pyspice_that_floats_is_an_error_that_names_it():
    def extra(kind, *arguments, **values):
        circuit = amplified(["bit_bottom"], "g0")
        getattr(circuit, kind)(*arguments, **values)
        return circuit

    good = amplified(["bit_bottom"], "G0")  # ngspice does not tell upper from lower case
    wanted = pytest.approx(-0.3 * 1e4 / 10055, rel=1e-8)
    assert run_pyspice(good, OperatingPoint())["v(out)"][0] == wanted
    raw = to_pyspice(ONE, Bias(word_left=0.3), ports=["bit_bottom"])
    raw.raw_spice += "Emine out 0 0 g0 1e9\nRmine g0 out 10k\n"
    assert run_pyspice(raw, OperatingPoint())["v(out)"][0] == wanted
    other = PySpiceCircuit("of nobody")
    other.V("a", "a", other.gnd, 1)
    other.R("a", "a", "nowhere", 1)
    part = PySpiceCircuit("a subcircuit with one port in use")
    part.subcircuit(pyspice_subcircuit(ONE))
    part.X("a", "array", "driven", "middle")
    part.V("a", "driven", part.gnd, 1)
    for circuit, words in (
        (amplified([], "g0"), r"Eamp at net g0: it leads to a floating terminal .*try: ports=\['bit_bottom'\]"),
        (amplified(["bit_bottom"], "g_0"), "net g0, a port that nothing is connected to"),
        (amplified(["bit_bottom"], "b0_0"), "net g0, a port that nothing is connected to"),
        (extra("R", "x", "s0", "0", 1e3), "Rx at net s0: zero resistance makes it one with net w0_0; .*try: net w0_0"),
        (extra("R", "x", "g0", "off", 1e3), "net off, which nothing but Rx is connected to"),
        (extra("C", "x", "off", "0", 1e-12), "net off, which nothing but Cx is connected to"),
        (extra("VCVS", "x", "y", "0", "off", "0", voltage_gain=1), "net off, which Ex measures and nothing drives"),
        (extra("B", "x", "y", "0", v="2*v(off, g0)"), "net off, which Bx measures and nothing drives"),
        (other, "net nowhere, which nothing but Ra is connected to"),
        (part, "net middle, which nothing but Xa is connected to"),
    ):
        with pytest.raises(InputError, match=words):
            run_pyspice(circuit, OperatingPoint())
        if circuit not in (other, part):
            with pytest.raises(InputError, match=words):
                circuit.simulator()


GATED = Series(device("wox_scaled_decay", w=[[0.5]]), device("ekv_transistor"))


def test_states_that_move_are_for_transients():
    """At rest, ngspice does not hold them at their start."""
    array = Crossbar(device("vteam", x=[[1e-9]]), Wires(driver=100.0))
    ports = ["word_left", "bit_bottom"]
    moving = crossbar_circuit(array, Bias(), duration=2e-8, ports=ports)
    circuit = PySpiceCircuit("of one array")
    circuit.subcircuit(pyspice_subcircuit(moving))
    circuit.X("a", "array", "in0", circuit.gnd)
    circuit.V("a", "in0", circuit.gnd, 1.0)
    for made in (circuit, to_pyspice(device("vteam"), Pulses(1.0, 1e-9, 2e-9))):
        with pytest.raises(InputError, match=r"analysis: got an analysis at rest of .* states of vteam move"):
            run_pyspice(made, OperatingPoint())
    with pytest.raises(InputError, match="analysis: got OperatingPoint of a circuit in which states of vteam move"):
        run_ngspice(with_load(replace(moving, analysis=OperatingPoint()), VoltageSource("V1", "s0", "g0", 1.0)))


def test_elements_of_every_kind_are_no_floating_nets():
    """Coupled inductors, a diode, a transistor, a switch, a current source; a global node in a subcircuit."""
    circuit = PySpiceCircuit("of every kind", global_nodes=("vdd",))
    circuit.V(1, "a", circuit.gnd, 1)
    circuit.L(1, "a", "b", 1e-6)
    circuit.L(2, "b", "c", 1e-6)
    circuit.K(1, "L1", "L2", 0.9)
    circuit.R(1, "c", circuit.gnd, 1)
    circuit.model("diode", "D")
    circuit.D(1, "a", "d", model="diode")
    circuit.I(1, "d", circuit.gnd, 1e-3)
    circuit.model("nmos", "NMOS")
    circuit.MOSFET(1, "a", "c", circuit.gnd, circuit.gnd, model="nmos")
    circuit.model("switch", "SW")
    circuit.S(1, "a", "s", "c", circuit.gnd, model="switch")
    circuit.R(2, "s", circuit.gnd, 1)
    circuit.V(2, "vdd", circuit.gnd, 1)
    supplied = SubCircuit("supplied", "out")
    supplied.R(1, "vdd", "out", 1)
    circuit.subcircuit(supplied)
    circuit.X(1, "supplied", "out")
    circuit.R(3, "out", circuit.gnd, 1)
    assert run_pyspice(circuit, OperatingPoint())["v(out)"][0] == pytest.approx(0.5, rel=1e-12)
    supplied.R(2, "out", "inside", 1)
    with pytest.raises(InputError, match="net inside, which nothing but R2 is connected to"):
        run_pyspice(circuit, OperatingPoint())


@pytest.mark.parametrize(
    ("cells", "given", "ports", "words"),
    [
        ([[1e-3]], {"bias": [1.0]}, ["bit_bottom"], "ports: got 'bit_bottom', whose terminals all have potentials"),
        ([[1e-3]], {}, "bit_bottom", "ports: got 'bit_bottom'; allowed: a sequence of sides"),
        ([[1e-3]], {}, ["left"], "ports: got 'left'; allowed: one of"),
        ([[1e-3]], {}, ["gate"], "ports: got 'gate'; allowed: terminals of these cells, which have no gate"),
        (GATED, {"gate": 1.0}, ["gate"], "gate: got 1.0; allowed: nothing for a port"),
        (GATED, {"gate": 1.0, "bulk": 0.1}, ["bulk"], "bulk: got 0.1; allowed: nothing for a port"),
    ],
)
def test_ports_that_do_not_fit_are_refused(cells, given, ports, words):
    array = Crossbar(cells)
    given = {"bias": Bias(), **given}
    with pytest.raises(InputError, match=words):
        crossbar_circuit(array, given.pop("bias"), ports=ports, **given)


def test_capacitors_at_rest_do_not_hold_nets_of_their_own():
    """An open cell leaves a bit line of one cell with nothing but its capacitance."""
    array = Crossbar([[1e-3], [0.0]], Wires(word_line_capacitance=1e-15))
    circuit = crossbar_circuit(array, Bias(word_left=[1.0, np.nan], bit_bottom=0.0))
    assert [e.name for e in circuit.elements if isinstance(e, Capacitor)] == ["Cw0_0"]
    assert run_ngspice(circuit)["i(vs0)"][0] == pytest.approx(1e-3, rel=1e-12)
