"""Subcircuits in other dialects, written for these tests, compared with our models of the same equations."""

import numpy as np
import pytest

from crossbar import Crossbar
from devices import InputError, Pulses, Sine, device
from netlists import External, crosscheck, external

pytestmark = pytest.mark.spice

#: LTspice: linear ion drift in Joglekar's window, .func, continuation, femto, an IC on the capacitor.
DRIFT = """* a title that is skipped
.func wind(x,p) = {1-(2*x-1)**(2*p)}
.SUBCKT hpmem plus minus x PARAMS: Ron=100 Roff=16K
+ D=10n uv=10F  ; thickness and mobility
+ xi=0.1 p=1
.param dR={Roff-Ron}
* the state
Gx 0 x value={ I(Vsense)*uv*Ron/D**2*wind(V(x),p) }
Cx x 0 1 IC={xi}
Raux x 0 1T
* the port
Emem plus aux value = {-I(Vsense)*V(x)*dR}
Rser aux mid {Roff}
Vsense mid minus 0
.ends hpmem
.tran 1m 1 uic
"""
DRIFT_MAP = {
    "name": "hpmem",
    "ports": {"te": "plus", "be": "minus"},
    "parameters": {"Ron": "r_on", "Roff": "r_off", "xi": "x", "p": "p", "D": "d", "uv": "mu_v"},
    "states": {"x": "x"},
}

#: PSpice: VTEAM with its state in nanometres on an inner net, IF, LIMIT, PWR, STP.
VTEAM = """.SUBCKT VTEAM TE BE PARAMS: Ron=50 Roff=1k Von=-0.2 Voff=0.02 kon=-10 koff=0.5m aon=3 aoff=1
+ xoff=3n w0=0
.FUNC over(v) {koff*PWR(LIMIT(v/Voff-1, 0, 1e9), aoff)}
.FUNC under(v) {kon*PWR(LIMIT(v/Von-1, 0, 1e9), aon)}
.FUNC rate(v) {IF(v>Voff, over(v), IF(v<Von, under(v), 0))*1e9}
.FUNC held(r, w) {r*(1-STP(r)*STP(w-xoff*1e9))*(1-STP(-r)*STP(-w))}
G_w 0 w VALUE={held(rate(V(TE,BE)), V(w))}
C_w w 0 1
.IC V(w)={w0*1e9}
R_w w 0 1e15
G_m TE BE VALUE={V(TE,BE)/(Ron+(Roff-Ron)*LIMIT(V(w)/(xoff*1e9),0,1))}
.ENDS
"""


def test_a_drift_model_in_ltspices_dialect():
    cell = device("linear_ion_drift_joglekar")
    theirs = external(DRIFT, **DRIFT_MAP)
    assert isinstance(theirs, External)
    agreement = crosscheck(cell, Sine(1.0, 1.0), against=theirs)
    assert np.ptp(agreement["state x"].ours) > 0.1
    agreement.assert_within(relative=1e-6)
    assert "against hpmem of a text" in str(agreement)


def test_parameters_follow_the_device_and_a_wrong_one_is_detected(tmp_path):
    path = tmp_path / "hp.sub"
    path.write_text(DRIFT, encoding="utf-8")
    cell = device("linear_ion_drift_joglekar", x=0.4, p=2, r_off=8e3)
    crosscheck(cell, Sine(0.5, 1.0), against=external(path, **DRIFT_MAP)).assert_within(relative=1e-6)
    other = {**DRIFT_MAP, "parameters": {**DRIFT_MAP["parameters"], "Roff": 8.08e3}}
    assert crosscheck(cell, Sine(0.5, 1.0), against=external(path, **other)).worst > 1e-3


def test_vteam_in_pspices_dialect():
    cell = device("vteam", "memtorch", x=1e-9)
    theirs = external(
        VTEAM,
        name="vteam",
        dialect="pspice",
        ports={"te": "TE", "be": "BE"},
        parameters={"w0": "x", "xoff": "x_off", "Ron": "r_on", "Roff": "r_off"},
        states={"x": ("w", 0.0, 3.0)},
    )
    wave = Pulses(0.9, width=10e-9, period=20e-9, count=4)
    agreement = crosscheck(cell, wave, against=theirs)
    assert np.ptp(agreement["state x"].ours) > 0.1
    agreement.assert_within(relative=1e-5)


def law(text, dialect="ltspice", **others):
    """The current of a subcircuit with one behavioural source, at 0.3 V."""
    source = f".subckt one a b k=2\n{text}\n.ends\n"
    theirs = external(source, name="one", ports={"te": "a", "be": "b"}, dialect=dialect, **others)
    waves, _ = case_run(theirs)
    return -waves["i(vin)"][-1]


def case_run(theirs):
    from devices import Constant
    from netlists import device_circuit

    cell, wave = device("resistor"), Constant(0.3, 1.0)
    comparison = theirs.comparison(cell, wave, device_circuit(cell, wave, step=0.5))
    return comparison.run(comparison.circuit, "ngspice", None, 20.0)


V = 0.3


@pytest.mark.parametrize(
    ("dialect", "text", "value"),
    [
        ("ltspice", "B1 a b I=(V(a,b)-1)**3", (V - 1) ** 3),
        ("ltspice", "B1 a b I={pow(V(a)-1,k)}", (V - 1) ** 2),
        ("ltspice", "B1 a b I=if(V(a,b)>0.2 & V(a)<1, 1m, 2)", 1e-3),
        ("ltspice", "B1 a b I=V(a)>0.2 ? uramp(V(a)-0.1) : u(V(a))", V - 0.1),
        ("ltspice", "B1 a b I=limit(V(a),0.1,0.2)+sgn(-V(a))+trunc(-1.7*V(a)*10)", 0.2 - 1 - 5),
        ("ltspice", "B1 a b I=table(V(a),0,0,1,10,2,-3)", 3.0),
        ("pspice", "G1 a b TABLE {V(a,b)} = (0,0) (1,10)", 3.0),
        ("pspice", "G1 a b VALUE = {PWRS(-V(a),2)*LOG(k)}", -(V**2) * np.log(2)),
        ("pspice", "G1 a b a b 4m", 4e-3 * V),
        ("pspice", "E1 c 0 VALUE {V(a)*2}\nR1 a c 1k", -V / 1e3),
        ("ngspice", "B1 a b I = V(a)^k * 1meg $ a comment", V**2 * 1e6),
        ("ngspice", "R1 a b R='1k*(1+V(a))'", V / (1e3 * (1 + V))),
        ("ngspice", "B1 a b I='min(ln(V(a)), max(-1, k))'", np.log(V)),
    ],
)
def test_expressions_have_the_meaning_of_their_dialect(dialect, text, value):
    assert law(text, dialect) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("dialect", "text", "message"),
    [
        ("ltspice", "B1 a b I=V(a)^2", r"line 2, 'B1 a b I=V\(a\)\^2': '\^', an exclusive or.*try: \*\* for a power"),
        ("ltspice", "B1 a b I=white(V(a))", r"the function white of 1 arguments \(of time or chance\)"),
        ("ltspice", "B1 a b I=ddt(V(a))", r"the function ddt of 1 arguments \(of time or chance\)"),
        ("ltspice", "B1 a b I=idt(V(a),0,V(b)>1)", "idt with a condition that resets it"),
        ("ltspice", "R1 a b 1k tc=1m", "'1k tc=1m' in place of one resistance"),
        ("ltspice", "C1 a b 1n Rser=1", "'Rser=1', which is not translated"),
        ("ltspice", "C1 a b Q=x*1n", r"'Q=x\*1n', which is not translated"),
        ("ltspice", "G1 a b Laplace {V(a)} {1/s}", "in place of two nets and a gain"),
        ("ltspice", "G1 a b value={V(a)} m=2", "'m=2', an option of the dialect's own"),
        ("hspice", "G1 a b cur='V(a)' max=1", "'max=1' after the expression"),
        ("pspice", "G1 a b TABLE {V(a)} = (0,0) (1)", "with 3 values in place of pairs"),
        ("pspice", "G1 a b TABLE {V(a)} = (1,0) (0,1)", "a table with 1 before 0"),
        ("ltspice", "R1 a b 1k\nR1 a b 2k", "a second element 'r1'"),
        ("ltspice", ".param c=1\n.param c=2\nR1 a b {c}", "'c' for the second time"),
        ("ltspice", ".param c={d} d={c}\nR1 a b {c}", "which refer to each other"),
        ("ltspice", "B1 a b I=V(c)\nR1 a b 1k", r"V\(c\) of a net to which nothing is connected"),
        ("ltspice", "E1 a b c 0 2", r"V\(c\) of a net to which nothing is connected"),
        ("pspice", "G1 a b POLY(2) (a,b) (c,0) 1 2", r"V\(c\) of a net to which nothing is connected"),
        ("ltspice", ".model sw SW(vt=1)\nS1 a b c 0 sw", r"V\(c\) of a net to which nothing is connected"),
        ("ltspice", "D1 a b dm\nR1 a b 1", "the model 'dm', which is not in the text"),
        ("ltspice", ".model dm D(is=1f xx=2)\nD1 a b dm", "the parameters xx, which are not translated"),
        ("ltspice", ".model sw SW(vt=1 vh=-1)\nS1 a b a b sw", "a negative hysteresis"),
        ("ltspice", "B1 a b I=V(a)**V(b)**2", "powers in a row, whose order is not documented"),
        ("ltspice", "B1 a b I=-V(a)**2", "a minus before a power, whose order is not documented"),
        ("ltspice", "B1 a b I=V(a)>0 & V(b)>0 | V(a)<1", "& and | in a row"),
        ("ngspice", ".control\nrun\n.endc\nR1 a b 1", "commands of ngspice within a subcircuit"),
        ("ltspice", "X1 a b one", "one in itself"),
        ("hspice", "B1 a b I=int(V(a))", "'int', which HSPICE's manuals describe differently"),
        ("ltspice", "V1 a b 1 AC 1", "'AC 1' after the value"),
        ("xyce", "YMEMRISTOR m1 a b mr", "elements Y are not translated"),
        ("ltspice", "B1 a b I=V(a)*q0", "the name 'q0', which nothing defines"),
        ("ngspice", "B1 a b I=log(V(a))", "'log', which versions of this simulator read differently"),
        ("ltspice", "B1 a b I=V(a) 3", "'3' after an expression"),
        ("ltspice", "B1 a b I=(V(a)", r"'the end' where '\)' belongs"),
        ("ltspice", "A1 a b c", "line 2, 'A1 a b c': elements A are not translated"),
        ("ltspice", "X1 a b other", "the subcircuit 'other', which is not in the text"),
        ("ltspice", ".include other.lib", "line 2.*a statement that is not translated"),
        ("ltspice", "C1 a 0 {V(a)}", "a value that depends on voltages"),
        ("ltspice", "B1 a b I=I(R2)\nR1 a b 1k", r"I\(r2\) of no element here"),
        ("ltspice", "V1 a b PULSE(0 1 0 1n 1n 1u 2u)", r"'PULSE\(0 1 0 1n 1n 1u 2u\)', a source that changes"),
        ("ltspice", "B1 a b I=V(a) Rpar=1k", "'Rpar=1k', an option of the dialect's own"),
        ("ltspice", "R1 a b", "too few words"),
        ("ltspice", ".param c = 1 + 2\nR1 a b 1k", r"'\+ 2' beside the assignments; allowed"),
        ("ltspice", ".param c={V(a)}\nR1 a b 1k", "is no finite number here"),
        ("ltspice", "R1 a b 1k\n.ic V(a)=1 I(L1)=2", r"not of V\(net\)=value alone"),
        ("ltspice", "R1 a b 1k\n.shell rm -rf /", "a statement that is not translated"),
    ],
)
def test_unsupported_text_is_refused_with_its_line(dialect, text, message):
    with pytest.raises(InputError, match=message) as caught:
        law(text, dialect)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "other"}, r"name: got 'other'; allowed: a subcircuit of a text: hpmem"),
        ({"ports": {"te": "top", "be": "minus"}}, "ports: got 'top'"),
        ({"ports": {"te": "plus"}}, "ports: got none for be"),
        ({"parameters": {"Rof": "r_off"}}, "parameters: got 'rof'"),
        ({"parameters": {"Roff": "r_of"}}, "parameters: got 'r_of'"),
        ({"states": {"x": "y"}}, "states: got 'y'"),
        ({"states": {"w": "x"}}, "states: got 'w'"),
        ({"states": {"x": ("x", 1.0, 1.0)}}, "states: got 1 and 1 V"),
        ({"dialect": "spectre"}, "dialect: got 'spectre'"),
    ],
)
def test_a_wrong_map_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        crosscheck(
            device("linear_ion_drift_joglekar"), Sine(1.0, 1.0), against=external(DRIFT, **{**DRIFT_MAP, **change})
        )


def test_files_and_subjects_that_do_not_fit(tmp_path):
    with pytest.raises(InputError, match=r"source: got .*nothing\.lib.*No such file"):
        external(tmp_path / "nothing.lib", **DRIFT_MAP)
    theirs = external(DRIFT, **DRIFT_MAP)
    with pytest.raises(InputError, match="against: got a subcircuit for cells of conductances"):
        crosscheck(Crossbar([[1e-3]]), [1.0], against=theirs)
    with pytest.raises(InputError, match=r"engine: got 'vacask'; allowed: 'ngspice' with against=hpmem"):
        crosscheck(device("linear_ion_drift_joglekar"), Sine(1.0, 1.0), against=theirs, engine="vacask")
