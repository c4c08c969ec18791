"""Subcircuits in the manners of published decks, written for these tests, and our own netlists read back."""

import math

import numpy as np
import pytest

from devices import Sine, device, models
from netlists import crosscheck, device_circuit, external, run_ngspice, write_netlist

pytestmark = pytest.mark.spice

V = 0.3  # between the ports a and b


def translated(body, dialect="ltspice", around="", ports="a b", name="m"):
    text = f"* a text\n.subckt {name} {ports}\n{body}\n.ends\n{around}\n"
    given = {"te": ports.split()[0], "be": ports.split()[1]}
    return external(text, name=name, ports=given, dialect=dialect).library


def current(body, dialect="ltspice", volts=V, **others):
    """The current into port a, with port b at ground."""
    library = translated(body, dialect, **others)
    lines = "\n".join(library.written({}, []))
    waves = run_ngspice(f"* t\n{lines}\nV1 p 0 {volts}\nX1 p 0 {library.name}\n.op\n.end\n")
    return -waves["i(v1)"][0]


@pytest.mark.parametrize(
    ("dialect", "body", "value"),
    [
        # Currents of elements that are no V sources, from the first net to the second.
        ("ltspice", "E1 a c value={-I(E1)*500}\nR1 c b 1k", V / 500),
        ("ltspice", "G1 a b value={V(a,b)/1k}\nB1 a b I=2*I(G1)", 3 * V / 1e3),
        ("ltspice", "R1 a b 1k\nB1 a b I=I(R1)*10", 11 * V / 1e3),
        ("ltspice", "E1 c 0 value={2*V(a)}\nR1 a c 1k\nB1 a b I=I(E1)", -2 * V / 1e3),
        ("hspice", "Gm a gnd! cur='V(a,b)/1k'\nGx a b cur='i(Gm)*2'", 3 * V / 1e3),
        ("ltspice", "L1 a c 1m\nR1 c b 1k\nB1 a b I=I(L1)", 2 * V / 1e3),
        ("ltspice", "R1 a b R=1k*(1+10*abs(I(B1)))\nB1 a b I=1m", 1e-3 + V / (1e3 * 1.01)),
        # Braces and quotes within expressions.
        ("ngspice", "B1 a b I='(V(a)>{0.1+0.1}) ? {V(a)-V(b)} : {0}'", V),
        ("ltspice", ".func f(x)={2*{x}+{1}}\nB1 a b I={f({V(a)})}*2", 2 * (2 * V + 1)),
        ("ngspice", ".param k=3\nG1 a b cur='{k}*V(a,b)'", 3 * V),
        # HSPICE.
        ("hspice", ".param f(y)='2*y' k='f(3)'\nG1 a b cur='k*V(a,b)'", 6 * V),
        ("hspice", "E1 c gnd! vol='V(a)*2' \nR1 a c '500*2'", -V / 1e3),
        ("hspice", "G1 a b cur='sqrt(V(b,a))+log(V(b,a))'", -math.sqrt(V) - math.log(V)),
        ("hspice", ".global gnd!\nVd vdd gnd! 2\nR1 a b 1k\nG1 a b cur='V(vdd)'", 2 + V / 1e3),
        # Parameters: commas, any order, spaces, bare expressions, .func and .param after .ends.
        ("ltspice", ".param c={2*d}, e=4\n.params d = 3\nG1 a b value={c*e*V(a,b)}", 24 * V),
        ("ltspice", ".param c=(1+2)*2\nR1 a b {c}", V / 6),
        # Gains, polynomials, tables.
        ("pspice", "E1 c 0 (a,b) 3\nR1 a c 1k", -2 * V / 1e3),
        ("pspice", "V1 a c 0\nR1 c b 1k\nF1 a b V1 4", 5 * V / 1e3),
        ("pspice", "V1 a c 0\nR1 c b 1k\nH1 d 0 V1 2k\nR2 d 0 1\nG1 a b d 0 1", V / 1e3 + 2 * V),
        ("pspice", "G1 a b POLY(1) a b 0.1 2 3", 0.1 + 2 * V + 3 * V**2),
        ("pspice", "G1 a b POLY(1) a b 2", 2 * V),
        (
            "pspice",
            "R2 c 0 1\nI2 0 c 2\nG1 a b POLY(2) (a,b) (c,0) 1 2 3 4 5 6",
            1 + 2 * V + 6 + 4 * V**2 + 10 * V + 24,
        ),
        ("pspice", "G1 a b TABLE {V(a,b)} = (0,0) (1,10)", 10 * V),
        ("pspice", "G1 a b TABLE {V(a,b)} = (-1 0) (0 max(4,5)) (1 (2+3))", 5.0),
        ("pspice", "G1 a b TABLE {V(a,b)} (0,0)(0.5,1) (1,5)", 0.6),
        ("pspice", "G1 a b TABLE {V(a,b)} = ((0,1), (1,2))", 1 + V),
        ("ltspice", "G1 a b a b table=(0,0,1,10)", 10 * V),
        # Models: diodes and switches.
        ("ltspice", ".model ideal D(Ron=10 Roff=1Meg Vfwd=0.1)\nD1 a b ideal", 0.1 / 1e6 + (V - 0.1) / 10),
        ("pspice", ".model dm D(IS=1e-12 N=1)\nD1 a b dm", 1e-12 * (math.exp(V / (8.617333262e-5 * 300.15)) - 1)),
        ("pspice", ".model s VSWITCH(Ron=1k Roff=1Meg Von=0.2 Voff=0.1)\nS1 a b a b s", V / 1e3),
        ("pspice", ".model s VSWITCH(Ron=1k Roff=1Meg Von=0.4 Voff=0.2)\nS1 a b a b s", V / math.sqrt(1e9)),
        ("ngspice", ".model s SW(Ron=1k Roff=1Meg Vt=0.5)\nS1 a b a b s", V / 1e6),
        ("pspice", "I1 0 c 1\nV1 c 0 0\n.model w ISWITCH(Ron=1k Roff=1Meg Ion=1m)\nW1 a b V1 w", V / 1e3),
        ("ngspice", "I1 0 c 1\nV1 c 0 0\n.model w CSW(Ron=1k Roff=1Meg It=2)\nW1 a b V1 w", V / 1e6),
        # Subcircuits inside, with parameters of their own.
        ("pspice", "X1 a c r PARAMS: v=1k\nX2 c b r v=2k", V / 3e3),
        ("pspice", ".subckt two p q\nR1 p x 1k\nR2 x q 1k\n.ends\nX1 a x two\nX2 x b two", V / 4e3),
        # Names that ngspice does not take, and others that mean ground there alone.
        ("ltspice", "R-1 a n-1.x 1k\nR+2 n-1.x b 1k\nB1 a b I=V(n-1.x)", V / 2e3 + V / 2),
        ("pspice", "R1 a gnd 1k\nR2 gnd b 1k", V / 2e3),
    ],
)
def test_statements_mean_what_their_dialect_says(dialect, body, value):
    around = ".subckt r a b PARAMS: v=1\nR1 a b {v}\n.ends\n"
    assert current(body, dialect, around=around) == pytest.approx(value, rel=1e-8)


def over_time(body, dialect="ltspice", drive="SIN(0 1 1)", stop=1.0, show=("x",)):
    """Time, the current into port a, and voltages of inner nets; every signal is accurate to about 1e-9."""
    library = translated(body, dialect)
    lines = "\n".join(library.written({}, list(show)))
    nets = " ".join(f"s_{net}" for net in show)
    options = ".options reltol=1e-9 abstol=1e-15 vntol=1e-12 chgtol=1e-15"
    text = f"* t\n{lines}\nV1 p 0 {drive}\nX1 p 0 {nets} m\n{options}\n.tran {stop / 1e3} {stop} 0 {stop / 4e3}\n.end\n"
    waves = run_ngspice(text)
    return waves["time"], -waves["i(v1)"], *(waves[f"v(s_{net})"] for net in show)


def test_integrals_are_states_of_their_own():
    """Flux and charge of a resistor, from 0 and from a start."""
    body = "E1 x 0 value={sdt(V(a,b))}\nR1 a b 2\nE2 y 0 value={idt(I(R1), 0.5)+1}"
    time, _, flux, charge = over_time(body, show=("x", "y"))
    expected = (1 - np.cos(2 * np.pi * time)) / (2 * np.pi)
    np.testing.assert_allclose(flux, expected, atol=1e-6)
    np.testing.assert_allclose(charge, 1.5 + expected / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("C1 x y 1 IC=0.5\nR1 x y 0.1\nR2 y 0 1k\nR3 a b 1", 0.5),  # between two nets
        ("C1 0 x 1 IC=-0.5\nR1 x 0 0.1\nR2 y 0 1k\nR3 a b 1", 0.5),  # from ground
        ("L1 x y 0.1 IC={2/4}\nR1 y x 1\nR2 y 0 1k\nR3 a b 1", -0.5),  # a current of 0.5 A
    ],
)
def test_starts_between_nets_and_of_inductors(body, expected):
    time, _, x, y = over_time(body, show=("x", "y"))
    np.testing.assert_allclose(x - y, expected * np.exp(-10 * time), atol=1e-6)


#: Texts in the manner of published kinds, with the device of ours that has the same equations.
JOGLEKAR_HSPICE = """.global gnd!
.subckt hp-1 p n x0=0.4
* parameters in any order, functions as parameters, a current of the source itself

+ ron=100
.param k='mu*ron/pow(d,2)' mu=10f d=10n roff=16k, pp=2
.param window(x)='1-pow(2*x-1,2*pp)'
Er p q vol='-i(Er)*V(x)*(roff-ron)'
* a comment between

Ro q n roff
Gx gnd! x cur='k*i(Er)*window(V(x))'
Cx x gnd! C=1 ic='x0'
Eflux flux gnd! vol='sdt(V(p,n))'
.ends hp-1
"""
MSS_LTSPICE = """.subckt mss te be xsv
.params ron=500 roff=1500 tau=1e-4 v0=0.27 x0=0.1 t=300
.func s(v) = 1/(1+exp(-v*echarge/(boltz*t)))
.func rate(v,x) = (s(v-v0)*(1-x)-(1-s(v+v0))*x)/tau
Cx xsv 0 {1}
.ic V(xsv) = x0
Gx 0 xsv value={rate(V(te,be),V(xsv,0))}
Gm te be value={V(te,be)*(V(xsv)/ron+(1-V(xsv))/roff)}
.ends
"""
WOX_NGSPICE = """WOx in the manner of ngspice's own examples
.param drift=0.4 tau=3k
.subckt wox plus minus start=0.1
Bx 0 x I='(V(plus)>V(minus)) ? {lam*f1(V(plus)-V(minus))-drift*V(x)/tau} : {lam*f1(V(plus)-V(minus))-drift*V(x)/tau}'
Vx x x1 dc 0
Cx x1 0 1 IC={start}
.func f1(y)={eta1*sinh(eta2*y)}
.param eta1=6m eta2=12.5 lam=1
Gm plus minus value={(1-V(x))*1u*(1-exp(-0.5*V(plus,minus)))+V(x)*80u*sinh(1.7*V(plus,minus))}
.ends
.control
tran 1m 1 uic
.endc
"""


def test_a_drift_model_in_hspices_manner():
    cell = device("linear_ion_drift_joglekar", r_on=100, r_off=16e3, d=1e-8, mu_v=1e-14, p=2, x=0.4)
    theirs = external(
        JOGLEKAR_HSPICE, name="hp-1", ports={"te": "p", "be": "n"}, parameters={"x0": "x", "roff": "r_off"},
        states={"x": "x"}, dialect="hspice",
    )  # fmt: skip
    agreement = crosscheck(cell, Sine(1.0, 1.0), against=theirs)
    assert np.ptp(agreement["state x"].ours) > 0.1
    agreement.assert_within(relative=1e-6)


def test_a_metastable_switch_with_ltspices_constants(tmp_path):
    """In UTF-16 as LTspice writes it, with its own values of the constants."""
    path = tmp_path / "mss.sub"
    path.write_bytes(MSS_LTSPICE.replace("1e-4", "100µ").encode("utf-16"))
    thermal = 300 * 1.38062e-23 / 1.6021918e-19
    cell = device("metastable_switch", tau=1e-4, v_on=0.27, v_off=0.27, u_t=thermal, r_on=500, r_off=1500, x=0.1)
    theirs = external(path, name="mss", ports={"te": "te", "be": "be"}, states={"x": "xsv"})
    agreement = crosscheck(cell, Sine(0.4, 100.0), against=theirs)
    assert np.ptp(agreement["state x"].ours) > 0.5
    agreement.assert_within(relative=1e-6)


def test_a_wox_cell_in_ngspices_manner():
    cell = device("wox_scaled_decay", alpha=1e-6, beta=0.5, gamma=80e-6, delta=1.7, lam=1, eta1=6e-3, eta2=12.5,
                  tau=3e3 / 0.4, w=0.1)  # fmt: skip
    theirs = external(
        WOX_NGSPICE, name="wox", ports={"te": "plus", "be": "minus"}, dialect="ngspice", states={"w": "x"}
    )
    agreement = crosscheck(cell, Sine(0.4, 1.0), against=theirs)
    assert np.ptp(agreement["state w"].ours) > 0.05
    agreement.assert_within(relative=1e-6)


@pytest.mark.parametrize("name", [name for name, model in models().items() if not model.controls])
def test_our_own_netlists_are_read_back(name):
    """The current and the states of each model over the first steps, beside the text for ngspice as it is."""
    cell = device(name)
    wave = cell.loop()
    circuit = device_circuit(cell, wave)
    (definition,) = circuit.subcircuits
    top, bottom = cell.model.terminals
    texts = {
        dialect: next(iter(write_netlist(circuit, dialect).values())) for dialect in ("ngspice", "xyce", "ltspice")
    }
    parts = [texts["ngspice"].split(f"\n.ends {name}")[0], f".ends {name}"]
    for dialect, text in texts.items():
        library = external(text, name=name, ports={"te": top, "be": bottom}, dialect=dialect).library
        assert library.ports == (top, bottom, *definition.probes)
        _, *lines, _ = library.written({}, [])
        parts += [f".subckt {dialect} {' '.join(library.ports)}", *lines, f".ends {dialect}"]
    assert isinstance(wave, Sine)
    volts, step = wave.amplitude, wave.duration / 2e4
    for k, subcircuit in enumerate((name, *texts)):
        parts += [f"V{k} p{k} 0 SIN(0 {volts} {1 / wave.duration})"]
        parts += [f"X{k} p{k} 0 {' '.join(f'{probe}_{k}' for probe in definition.probes)} {subcircuit}"]
    parts += [".options reltol=1e-9 abstol=1e-18 vntol=1e-12 gmin=1e-18", f".tran {step} {20 * step} 0 {step}"]
    waves = run_ngspice("\n".join([*parts, ".end", ""]))
    for k in (1, 2, 3):
        for probe in definition.probes:
            np.testing.assert_allclose(waves[f"v({probe}_{k})"], waves[f"v({probe}_0)"], atol=1e-9)
        expected = waves["i(v0)"]
        np.testing.assert_allclose(waves[f"i(v{k})"], expected, rtol=1e-7, atol=1e-9 * np.max(np.abs(expected)))


def test_a_chain_of_functions_that_double_has_its_value():
    """2^20 terms as 20 nets."""
    chain = "\n".join(f".func f{k + 1}(x)={{f{k}(x)+f{k}(x)}}" for k in range(20))
    found = current(f".func f0(x)={{x*x+sin(x)}}\n{chain}\nB1 a b I={{1e-6*f20(V(a,b))}}")
    assert found == pytest.approx(1e-6 * 2**20 * (V**2 + math.sin(V)), rel=1e-9)


def test_a_charge_that_is_not_named_is_integrated_as_well():
    """Biolek's ideal memristor: its state is a charge of 1e-4 C on 1 F, from which the position follows."""
    text = (
        "\n.subckt ideal p n params: ron=100 roff=10k rini=5k\n.param k={10f*ron/10n**2} a={(rini-ron)/(roff-rini)}\n"
        "Roff p aux {roff}\nEres aux n value={(ron-roff)/(1+a*exp(-4*k*V(q)))*I(Eres)}\n"
        "Gx 0 q value={I(Eres)}\nCint q 0 1\nRaux q 0 100meg\n.ends\n"
    )
    cell = device("linear_ion_drift_joglekar", r_on=100, r_off=1e4, d=1e-8, mu_v=1e-14, p=1, x=5000 / 9900)
    theirs = external(text, name="ideal", ports={"te": "p", "be": "n"}, dialect="pspice")
    agreement = crosscheck(cell, Sine(0.6, 1.0), against=theirs)
    assert np.ptp(agreement["current"].ours) > 1e-3
    agreement.assert_within(relative=1e-6)
