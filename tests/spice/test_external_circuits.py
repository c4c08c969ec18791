"""Subcircuits of others in a circuit: every cell of an array, behind a resistance, several in one circuit."""

from types import MappingProxyType

import numpy as np
import pytest

from crossbar import Bias, Crossbar, Wires
from devices import InputError, Pulses, Series, Sine, device
from netlists import crosscheck, external, run_ngspice, write_netlist
from netlists.circuit import Circuit, Instance, Resistor, Transient, VoltageSource

MEMRISTOR = """.subckt mem plus minus r_on=100 r_off=16k d=10n mu=1e-14 x0=0.1
.func M(x) {r_on*x + r_off*(1 - x)}
Gm plus minus value={V(plus,minus)/M(V(x))}
Gx 0 x value={mu*r_on/d**2*V(plus,minus)/M(V(x))}
Cx x 0 1
.ic V(x)={x0}
.ends
"""
SERIES = ".subckt wire a b R=1k\nR1 a b {R}\n.ends\n"
SELECTOR = ".subckt sel p n i0=1u v0=0.1\nB1 p n I={i0*sinh(V(p,n)/v0)}\n.ends\n"


@pytest.fixture(scope="module")
def memristor():
    return external(
        MEMRISTOR,
        name="mem",
        ports={"te": "plus", "be": "minus"},
        parameters={"r_on": "r_on", "r_off": "r_off", "d": "d", "mu": "mu_v", "x0": "x"},
        states={"x": "x"},
    )


@pytest.fixture(scope="module")
def wire():
    return external(SERIES, name="wire", ports={"te": "a", "be": "b"}, parameters={"R": "r"})


def test_every_cell_of_an_array_with_values_of_its_own(memristor):
    r_on = np.array([[100.0, 150.0], [100.0, 80.0]])
    cells = device("linear_ion_drift", x=[[0.1, 0.3], [0.5, 0.2]], r_on=r_on)
    wires = Wires(20.0, 30.0, driver=50.0, sense=10.0, word_line_capacitance=1e-9)
    bias = Bias(word_left=[Sine(1.0, 10.0), 0.3], bit_bottom=0.0)
    agreement = crosscheck(Crossbar(cells, wires), bias, against=memristor)
    assert set(agreement.quantities) == {"terminal current", "word-line voltage", "bit-line voltage", "state x"}
    assert agreement.worst < 1e-5


def test_behind_a_series_resistance(memristor, wire):
    pair = Series(device("linear_ion_drift"), device("resistor", r=2e3))
    ours = crosscheck(pair, Sine(1.0, 10.0))
    one = crosscheck(pair, Sine(1.0, 10.0), against={"linear_ion_drift": memristor})
    both = crosscheck(pair, Sine(1.0, 10.0), against={"linear_ion_drift": memristor, "resistor": wire})
    for agreement in (ours, one, both):
        assert agreement.quantities["state top.x"].worst_relative < 1e-6
        assert agreement.worst < 1e-6


def test_a_selector_of_others_above_a_memristor_of_ours():
    selector = external(SELECTOR, name="sel", ports={"te": "p", "be": "n"}, parameters={"i0": "i0", "v0": "v0"},
                        dialect="ngspice")  # fmt: skip
    cells = Series(device("exponential_selector", i0=1e-6, v0=0.1), device("vteam", x=[[1e-9, 2e-9]]))
    bias = Bias(word_left=[Pulses(1.2, 2e-7, 4e-7, edge=1e-8)], bit_bottom=0.0)
    agreement = crosscheck(Crossbar(cells, Wires(5.0, 5.0)), bias, against={"exponential_selector": selector})
    assert agreement.worst < 1e-5


def test_several_in_a_circuit_of_ones_own(memristor, wire):
    """A memristor of others between two resistors, one of them of others too: the current in closed form at once."""
    fresh = memristor.definition({"x0": 0.4}, "fresh")
    load = wire.definition({"r": 500.0})
    circuit = Circuit(
        title="two of others in one circuit",
        elements=(
            VoltageSource("Vin", "a", "0", Sine(1.0, 10.0)),
            Resistor("R1", "a", "b", 1e3),
            Instance("Xm", ("b", "c", "x"), fresh.name, MappingProxyType({})),
            Instance("Xl", ("c", "0"), load.name, MappingProxyType({})),
        ),
        analysis=Transient(0.1, 1e-4),
        foreign=(fresh, load),
    )
    waves = run_ngspice(circuit)
    x, v = waves["v(x)"], waves["v(a)"]
    assert x[0] == pytest.approx(0.4)
    np.testing.assert_allclose(-waves["i(vin)"], v / (1500.0 + 100.0 * x + 16e3 * (1 - x)), atol=1e-12)
    for dialect in ("ltspice", "vacask", "spectre", "xyce"):
        with pytest.raises(InputError, match=r"circuit: got fresh, which is text of ngspice"):
            write_netlist(circuit, dialect)


def test_what_does_not_fit_is_refused(memristor):
    cells = device("linear_ion_drift", x=[[0.1, 0.3]])
    bias = Bias(word_left=[Sine(1.0, 10.0)], bit_bottom=0.0)
    for crossbar, stimulus, against, message in (
        (Crossbar(cells), Bias(word_left=0.1, bit_bottom=0.0), memristor, "against: got an operating point"),
        (Crossbar([[1e-5]]), bias, memristor, "against: got a subcircuit for cells of conductances"),
        (Crossbar(cells), bias, {"vteam": memristor}, "against: got External for 'vteam'"),
        (Crossbar(Series(cells, device("resistor"))), bias, memristor, "against: got one model for cells of two"),
    ):
        with pytest.raises(InputError, match=message):
            crosscheck(crossbar, stimulus, against=against)
    with pytest.raises(InputError, match="circuit: got foreign0_linear_ion_drift"):
        crosscheck(Crossbar(cells), bias, against=memristor, engine="vacask")
    with pytest.raises(InputError, match="subject: got an ensemble of shape"):
        crosscheck(Series(cells, device("resistor")), Sine(1.0, 1.0))
