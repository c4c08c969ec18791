"""The neutral circuit and its text: names, merged nets, golden netlists, nothing to inject."""

import numpy as np
import pytest
import sympy

from crossbar import Crossbar, Wires
from devices import Constant, InputError, Parameter, ParameterSet, Pulses, Samples, Sine, State, Triangle, device
from devices.cells.device import Device
from devices.model import VOLTAGE, DeviceModel
from netlists import NgspiceOptions, crossbar_circuit, device_circuit, write_ngspice, write_subcircuit
from netlists.circuit import Block, Circuit, Instance, OperatingPoint, Resistor, VoltageSource
from netlists.dialects import ngspice as dialect
from netlists.dialects.ngspice import source_text

GOLDEN_CROSSBAR = """\
* crossbar of 2 word lines and 2 bit lines
* dialect ngspice; written by memductance VERSION
* net d0 is net w0_0
* net w0_1 is net w0_0
* net d1 is net w1_0
* net w1_1 is net w1_0
* net g0 is net e0
* net g1 is net e1
Vin0 s0 0 DC 0.5
Rd0 s0 w0_0 50
Vin1 s1 0 DC -0.25
Rd1 s1 w1_0 50
R0_0 w0_0 b0_0 8192
R1_0 w1_0 b1_0 4096
R1_1 w1_0 b1_1 1024
Rb0_0 b0_0 b1_0 2.5
Rb1_0 b1_0 e0 2.5
Vs0 e0 0 DC 0
Rb0_1 b0_1 b1_1 2.5
Rb1_1 b1_1 e1 2.5
Vs1 e1 0 DC 0
.options reltol=1e-12
.options abstol=1e-18
.options vntol=1e-12
.options chgtol=1
.options trtol=1
.options gmin=1e-18
.options method=trap
.op
.end
"""

GOLDEN_DEVICE = """\
* golden under Pulses
* dialect ngspice; written by memductance VERSION
* golden: Golden device
* i = gamma*w*sinh(v/(gamma*r)) + v*(1 - w)/r
* dw/dt = k*v for w_min <= w <= 2.0
* dy/dt = -k*v*y for 0.0 <= y <= 1.0
* parameter set made (ours): made for this test
* note: no note
* reference: none (2026)
* r [ohm]: resistance
* gamma [A]: prefactor
* k [1/(V s)]: rate
* w_min [1]: lower bound
* w [1]: start of the state, first state
* y [1]: start of the state, second state
* xsv_rate [1/s]: return from beyond a bound, far above 1 / (shortest time of interest)
* xsv_w, xsv_y [V]: output, position of the state between its bounds, 0 to 1
.subckt golden te be xsv_w xsv_y PARAMS:
+ r=1000 gamma=0.001 k=10 w_min=-1 w=0.5 y=0.25 xsv_rate=10000000000
Bi te be I = {gamma}*({w_min} + (2 - {w_min})*v(xsv_w))*sinh(v(te,be)/({gamma}*{r})) \
+ v(te,be)*(1 - ({w_min} + (2 - {w_min})\
*v(xsv_w)))/{r}
Bstate_w 0 state_w I = ({k}*v(te,be))/(2 - {w_min}) + {xsv_rate}*(v(xsv_w) - v(state_w))
Cstate_w state_w 0 1
.ic v(state_w)={(w - w_min)/(2 - w_min)}
Bxsv_w xsv_w 0 V = min(max(v(state_w),0),1)
Bstate_y 0 state_y I = -{k}*v(te,be)*v(xsv_y) + {xsv_rate}*(v(xsv_y) - v(state_y))
Cstate_y state_y 0 1
.ic v(state_y)={y}
Bxsv_y xsv_y 0 V = min(max(v(state_y),0),1)
.ends golden
Vin te 0 PWL(
+ 0 0 0.001 1 0.006 1 0.007 0 0.01 0
+ )
Xdut te 0 xsv_w xsv_y golden
+ r=2000 w=0.75
.options reltol=1e-09
.options abstol=1e-18
.options vntol=1e-12
.options chgtol=1
.options trtol=1
.options gmin=1e-18
.options method=gear
.tran 2.5e-06 0.01 0 2.5e-06
.end
"""


def golden_model(**changes):
    w, y = State("w", "1", "first state", "w_min", 2.0), State("y", "1", "second state")
    r, gamma = Parameter("r", "ohm", "resistance"), Parameter("gamma", "A", "prefactor")
    k, w_min = Parameter("k", "1/(V s)", "rate"), Parameter("w_min", "1", "lower bound")
    usual = {
        "name": "golden",
        "title": "Golden device",
        "states": (w, y),
        "parameters": (r, gamma, k, w_min),
        "current": VOLTAGE * (1 - w.symbol) / r.symbol
        + gamma.symbol * w.symbol * sympy.sinh(VOLTAGE / (gamma.symbol * r.symbol)),
        "rates": (k.symbol * VOLTAGE, -k.symbol * VOLTAGE * y.symbol),
        "parameter_sets": (
            ParameterSet(
                "made",
                {"r": 1e3, "gamma": 1e-3, "k": 10.0, "w_min": -1.0},
                {"w": 0.5, "y": 0.25},
                "made for this test",
                "ours",
                "no note",
            ),
        ),
        "references": ("none (2026)",),
        "validity": "tests",
    }
    return DeviceModel(**{**usual, **changes})


def golden_device(model=None, **values):
    model = model or golden_model()
    given = model.parameter_set()
    parameters, initial = dict(given.values), dict(given.initial)
    for name, value in values.items():
        (parameters if name in parameters else initial)[name] = value
    return Device(model, parameters, initial, given)


@pytest.fixture(autouse=True)
def _fixed_version(monkeypatch):
    monkeypatch.setattr(dialect, "_version", lambda: "VERSION")


def test_golden_crossbar():
    array = Crossbar([[2.0**-13, 0.0], [2.0**-12, 2.0**-10]], Wires(driver=50.0, bit_line=2.5))
    assert write_ngspice(crossbar_circuit(array, [0.5, -0.25])) == GOLDEN_CROSSBAR


def test_golden_device():
    circuit = device_circuit(golden_device(r=2e3, w=0.75), Pulses(1.0, width=5e-3, period=0.01, edge=1e-3))
    assert write_ngspice(circuit, NgspiceOptions(reltol=1e-9, method="gear")) == GOLDEN_DEVICE


def test_equal_circuits_give_equal_text():
    texts = {write_ngspice(device_circuit(device("wox_scaled_decay"), Sine(1.0, 0.5))) for _ in range(3)}
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("wires", "resistors"),
    [
        (Wires(), 6),
        (Wires(word_line=1.0), 6 + 6),
        (Wires(driver=1.0), 6 + 2),
        (Wires(bit_line=1.0, sense=2.0), 6 + 6 + 3),
        (Wires(1.0, 2.0, 3.0, 4.0), 6 + 12 + 5),
    ],
)
def test_zero_resistance_merges_and_every_element_has_two_nets(wires, resistors):
    circuit = crossbar_circuit(Crossbar(np.full((2, 3), 1e-4), wires), [1.0, 2.0])
    found = [e for e in circuit.elements if isinstance(e, Resistor)]
    assert len(found) == resistors
    nets = {net for e in circuit.elements for net in (e.plus, e.minus)}
    assert all(e.plus != e.minus and e.resistance > 0 for e in found)
    assert not nets & set(circuit.merged), "a merged net is not written"
    assert set(circuit.merged.values()) <= nets
    every = {f"{a}{i}_{j}" for a in "wb" for i in range(2) for j in range(3)}
    assert {circuit.net(net) for net in every} <= nets
    names = [e.name for e in circuit.elements]
    assert len(set(names)) == len(names)


def test_open_cells_are_left_out():
    circuit = crossbar_circuit(Crossbar([[0.0, 1e-4], [5e-324, 0.0]]), [1.0, 1.0])
    assert [e.name for e in circuit.elements if isinstance(e, Resistor)] == ["R0_1"]


def test_only_values_that_differ_are_on_the_instance():
    assert device_circuit(device("vteam"), Sine(1.0, 1e6)).elements[1].values == {}
    changed = device_circuit(device("vteam", r_off=2e3, x=1e-9), Sine(1.0, 1e6)).elements[1]
    assert dict(changed.values) == {"r_off": 2e3, "x": 1e-9}


def test_waveforms_become_sin_and_pwl():
    assert source_text(Sine(0.5, 4.0, offset=0.25)) == "SIN(0.25 0.5 4 0 0 0)"
    assert source_text(Triangle(1.0, 0.25)) == "PWL(\n+ 0 0 1 1 3 -1 4 0\n+ )"
    assert source_text(Constant(0.3, 2.0)) == "PWL(\n+ 0 0.3 2 0.3\n+ )"
    assert source_text(0.1) == "DC 0.1"
    long = source_text(Samples(np.arange(500) / 3, np.arange(500) / 7))
    assert max(map(len, long.splitlines())) < 130
    assert all(line.startswith("+") for line in long.splitlines()[1:])


def test_names_that_ngspice_keeps_are_changed_and_clashes_refused():
    r = Parameter("limit", "ohm", "resistance")
    sets = (ParameterSet("s", {"limit": 5.0}, {"x": 0.5}, "made for this test", "ours"),)
    usual = {"parameters": (r,), "states": (State("x", "1", "state"),), "parameter_sets": sets}
    x = usual["states"][0].symbol
    model = golden_model(**usual, current=VOLTAGE / r.symbol, rates=(0 * x,))
    text = write_ngspice(device_circuit(golden_device(model), Sine(1.0, 1.0)))
    assert "+ limit_=5 x=0.5" in text
    assert "v(te,be)/{limit_}" in text
    for other in ("limit_", "XSV_rate"):
        second = Parameter(other, "ohm", "clash")
        sets = (ParameterSet("s", {"limit": 5.0, other: 1.0}, {"x": 0.5}, "made for this test", "ours"),)
        clash = golden_model(
            **{**usual, "parameters": (r, second), "parameter_sets": sets}, current=VOLTAGE / r.symbol, rates=(0 * x,)
        )
        with pytest.raises(InputError, match="names that differ in ngspice"):
            write_ngspice(device_circuit(golden_device(clash), Sine(1.0, 1.0)))


@pytest.mark.parametrize("name", ["two words", "a\n.include /etc/passwd", "1st", "", "x;y"])
def test_a_name_cannot_carry_a_line(name):
    for change in ({"name": name}, {"terminals": (name, "be")}):
        with pytest.raises(InputError, match="letters, digits"):
            write_ngspice(device_circuit(golden_device(golden_model(**change)), Sine(1.0, 1.0)))


def test_prose_stays_in_its_comment():
    model = golden_model(title="evil\n.shell rm\r\n+ x\x0b.end", references=("a\u2028b\n.end",))
    lines = write_subcircuit(device_circuit(golden_device(model), Sine(1.0, 1.0)).subcircuits[0]).split("\n")
    assert "* golden: evil .shell rm + x .end" in lines
    assert "* reference: a b .end" in lines
    start = next(k for k, line in enumerate(lines) if line.startswith(".subckt"))
    assert all(line.startswith("* ") for line in lines[:start])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: device_circuit(device("vteam", r_off=[1e3, 2e3]), Sine(1, 1)),
            r"device: got an ensemble of shape \(2,\)",
        ),
        (lambda: device_circuit(device("vteam"), 1.0), r"waveform: got float; allowed: a Waveform"),
        (lambda: device_circuit("vteam", Sine(1, 1)), r"device: got str; allowed: a Device"),
        (
            lambda: device_circuit(device("ekv_transistor"), Sine(1, 1)),
            r"further terminals: gate, bulk; allowed",
        ),
        (lambda: crossbar_circuit([[1e-3]], [1.0]), r"crossbar: got list; allowed: a Crossbar"),
        (lambda: crossbar_circuit(Crossbar([[1e-3]]), [1.0, 2.0]), r"voltage: got shape \(2,\); allowed: shape \(1,\)"),
        (lambda: crossbar_circuit(Crossbar([[1e-3]]), [np.nan]), r"voltage: got nan at index \(0,\)"),
        (lambda: NgspiceOptions(reltol=0.0), r"reltol: got 0; allowed: finite, > 0"),
        (lambda: NgspiceOptions(method="euler"), r"method: got 'euler'"),
    ],
)
def test_bad_input_gets_one_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_sources_hold_numbers_of_numpy_as_plain_ones():
    circuit = crossbar_circuit(Crossbar([[1e-3]]), np.array([0.1], dtype=np.float32))
    (source,) = [e for e in circuit.elements if isinstance(e, VoltageSource) and e.name == "Vin0"]
    assert type(source.value) is float


def test_an_enclosed_array_is_a_block_behind_its_terminals():
    array = Crossbar(device("wox_scaled_decay", w=[[0.1, 0.2]]), Wires(1.0, driver=2.0))
    circuit = crossbar_circuit(array, [0.5])
    outside = circuit.enclosed()
    (block,) = outside.blocks
    assert block.ports == ("s0", "b0_0", "b0_1"), "the nets of the sources, merged as they are"
    assert outside.elements[-1] == Instance("Xarray", block.ports, "array", {})
    assert [e.name for e in outside.elements[:-1]] == ["Vin0", "Vs0", "Vs1"]
    assert block.elements == tuple(e for e in circuit.elements if not isinstance(e, VoltageSource))
    assert block.merged == circuit.merged
    assert outside.observed == ("Xarray.X0_0", "Xarray.X0_1")
    assert circuit.flat() is circuit


def test_a_flat_circuit_has_the_names_of_its_blocks_before_those_in_them():
    array = Crossbar(device("wox_scaled_decay", w=[[0.1, 0.2]]), Wires(1.0, driver=2.0))
    flat = crossbar_circuit(array, [0.5]).enclosed("a").flat()
    found = {e.name: e for e in flat.elements}
    assert found["Ra_d0"] == Resistor("Ra_d0", "s0", "a_d0", 2.0)
    assert found["Xa_0_1"].nets == ("a_w0_1", "b0_1")
    assert flat.observed == ("Xa_0_0", "Xa_0_1")
    assert flat.blocks == ()
    assert flat.merged["a_e0"] == "b0_0", "a port keeps its net's name"


def test_blocks_in_blocks():
    cell = Block("cell", ("p", "q"), (Resistor("R1", "p", "m", 1.0), Resistor("R2", "m", "q", 2.0)))
    row = Block("row", ("a",), (Instance("X1", ("a", "n"), "cell", {}), Instance("X2", ("n", "0"), "cell", {})))
    top = (VoltageSource("V1", "in", "0", 1.0), Instance("Xleft", ("in",), "row", {}))
    circuit = Circuit("nested", top, OperatingPoint(), blocks=(cell, row))
    assert [e for e in circuit.flat().elements if isinstance(e, Resistor)] == [
        Resistor("Rleft_1_1", "in", "left_1_m", 1.0),
        Resistor("Rleft_1_2", "left_1_m", "left_n", 2.0),
        Resistor("Rleft_2_1", "left_n", "left_2_m", 1.0),
        Resistor("Rleft_2_2", "left_2_m", "0", 2.0),
    ]


def test_blocks_that_would_hide_one_another_are_refused():
    part = Block("part", ("p",), (Resistor("R1", "p", "0", 1.0),))
    elements = (VoltageSource("V1", "a", "0", 1.0), Resistor("Rx_1", "a", "0", 1.0), Instance("Xx", ("a",), "part", {}))
    circuit = Circuit("clash", elements, OperatingPoint(), blocks=(part,))
    with pytest.raises(InputError, match="two elements Rx_1 once flat"):
        circuit.flat()
    with pytest.raises(InputError, match="name: got 'part'; allowed: a name that no definition"):
        circuit.enclosed("part")
    with pytest.raises(InputError, match="circuit: got sources only"):
        Circuit("empty", (VoltageSource("V1", "a", "0", 1.0),), OperatingPoint()).enclosed()


def test_an_array_is_the_same_text_each_time():
    array = Crossbar(np.full((100, 100), 1e-4), Wires(1.0, 1.0))
    assert write_ngspice(crossbar_circuit(array, np.ones(100))) == write_ngspice(crossbar_circuit(array, np.ones(100)))
