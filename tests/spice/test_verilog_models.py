"""Modules of Verilog-A, written for these tests in the manners of others, compared with our models of the same laws."""

import random
import re

import pytest

from crossbar import Bias, Crossbar, Wires
from devices import InputError, Series, SimulatorError, Sine, device, models
from netlists import crosscheck, external, write_verilog_a
from netlists.dialects.verilog_a import verilog_name
from netlists.dialects.verilog_module import read_module

pytestmark = pytest.mark.vacask

#: A discipline of its own, macros with arguments, constants of the first step, the state on a port, by idt.
SWITCHES = """`include "constants.vams"
`include "disciplines.vams"
`define SIGMOID(x) (1/(1 + exp(-(x))))
`define RATE(x, v) \\
    (((1 - (x))*`SIGMOID(((v) - Von)/ut) - (x)*`SIGMOID((-(v) - Voff)/ut))/tau)
nature Fraction
    access = Frac; units = "1"; abstol = 1u;
endnature
discipline share
    potential Fraction;
enddiscipline

(* desc = "metastable switches" *) module mss(p, n, w);
    inout p, n; output w;
    electrical p, n;
    share w;
    (* units = "ohm" *) parameter real Ron = 1, Roff = 1.5k from (0:inf);
    parameter real Von = 270m, Voff = 0.27, tau = 100u, w0 = 0.5 from [0:1];
    real ut, x; /* not read
    before it has a value */
    analog begin
        @(initial_step) ut = 0.02572274;
        Frac(w) <+ idt(`RATE(Frac(w), V(p, n)), w0);
        x = Frac(w);
        I(p, n) <+ V(p, n)*(x/Ron + (1 - x)/Roff);
    end
endmodule
"""
SWITCHES_MAP = {
    "module": "mss",
    "ports": {"te": "p", "be": "n"},
    "parameters": {"Ron": "r_on", "w0": "x"},
    "states": {"x": "w"},
}

#: Functions, a loop, branches by an integer; one that is not taken has a hidden state.
DRIFT = """`include "disciplines.vams"
`ifdef ABSENT
module drift(p); broken
`else
module drift(p, n);
    inout p, n;
    electrical p, n, q;
    parameter integer model = 1 from [1:3];
    parameter integer window = 1;
    parameter real Ron = 100, Roff = 16K, D = 10n, uv = 10f, x0 = 0.1;
    localparam k = uv*Ron/(D*D);
    real x, x_last, w, dx;
    integer j;
    analog function real memristance;
        input x, on, off; real x, on, off;
        begin memristance = on*x + off*(1 - x); end
    endfunction
    analog begin : law
        real i;
        if (model == 2) begin x = x_last + 1e-3; x_last = x; end
        else if (model == 1) x = V(q);
        i = V(p, n)/memristance(x, Ron, Roff);
        case (window)
            0: w = 1;
            1: begin
                dx = 1;
                for (j = 0; j < 2; j = j + 1) dx = dx*(2*x - 1);
                w = 1 - dx;
            end
            default: w = 0;
        endcase
        I(p, n) <+ i;
        if (analysis("static")) I(q) <+ V(q) - x0;
        else begin
            I(q) <+ -k*i*w;
        end
        I(q) <+ ddt(V(q));
        @(final_step) $strobe("%g", x_last);
    end
endmodule
`endif
"""
DRIFT_MAP = {
    "module": "drift",
    "ports": {"te": "p", "be": "n"},
    "parameters": {"Ron": "r_on", "Roff": "r_off", "D": "d", "uv": "mu_v", "x0": "x", "model": 1},
    "states": {"x": "q"},
}


def test_switches_with_macros_and_a_discipline():
    agreement = crosscheck(device("metastable_switch"), Sine(0.5, 1e3), against=external(SWITCHES, **SWITCHES_MAP))
    assert agreement.worst < 1e-6
    assert set(agreement.quantities) == {"current", "voltage", "state x"}
    assert "mss of a text" in agreement.title
    assert agreement.engine.startswith("VACASK")


def test_drift_with_branches_a_loop_and_a_file_beside(tmp_path):
    head, law = DRIFT.split("module drift(p, n);")
    (tmp_path / "law.inc").write_text(f"module drift(p, n);{law.replace('`endif', '')}")
    file = tmp_path / "drift.va"
    file.write_text(f'{head}`include "law.inc"\n`endif\n')
    cell = device("linear_ion_drift_joglekar", "hp")
    given = {**DRIFT_MAP, "module": None}
    agreement = crosscheck(cell, Sine(0.8, 0.62), against=external(file, **given))
    assert agreement.worst < 1e-6
    wrong = external(DRIFT, **{**DRIFT_MAP, "parameters": {**DRIFT_MAP["parameters"], "uv": 1.01e-14}})
    assert crosscheck(cell, Sine(0.8, 0.62), against=wrong).worst > 1e-4


def test_modules_as_every_cell_of_an_array():
    start = [[0.2, 0.7], [0.5, 0.4]]
    array = Crossbar(device("metastable_switch", x=start), Wires(5.0, 5.0, driver=50.0, word_line_capacitance=1e-15))
    bias = Bias(word_left=[Sine(0.5, 1e3, cycles=1.0), 0.0], bit_bottom=0.0)
    found = crosscheck(array, bias, against=external(SWITCHES, **SWITCHES_MAP))
    assert found.engine.startswith("VACASK")
    assert found["state x"].worst_relative < 1e-6
    assert found["terminal current"].worst_relative < 1e-6
    drift = external(DRIFT, **DRIFT_MAP)
    cells = Crossbar(device("linear_ion_drift_joglekar", "hp", x=[[0.3, 0.6]]), Wires(5.0, 5.0))
    found = crosscheck(cells, Bias(word_left=[Sine(0.3, 0.62, cycles=1.0)], bit_bottom=0.0), against=drift)
    assert found["state x"].worst_relative < 1e-6


def test_a_module_behind_a_resistance():
    cell = Series(device("resistor", r=100.0), device("metastable_switch"))
    theirs = {"metastable_switch": external(SWITCHES, **SWITCHES_MAP)}
    assert crosscheck(cell, Sine(0.5, 1e3), against=theirs).worst < 1e-6


@pytest.mark.parametrize(
    "name", ["linear_ion_drift", "wox_scaled_decay", "yakopcic", "pcm", "second_order_ta2o5", "vteam", "messaris"]
)
def test_our_own_modules_read_back(name):
    model, cell = models()[name], device(name)
    loop = cell.loop()
    wave = Sine(loop.amplitude, 4.0 * loop.frequency, phase=0.5)
    te, be = model.terminals
    theirs = external(
        write_verilog_a(model, clamp_rate=1e8 / wave.duration),
        module=name,
        ports={te: te, be: be},
        parameters={verilog_name(q.name): q.name for q in (*model.parameters, *model.states)},
        states={s.name: f"state_{s.name}" for s in model.states},
    )
    agreement = crosscheck(cell, wave, against=theirs)
    assert agreement["current"].worst_relative < 1e-6
    assert agreement.worst < 2e-4, "a state that rests at a bound lies beyond it in the module"


BODY = "I(p, n) <+ V(p, n);"
HEAD = '`include "disciplines.vams"\nmodule m(p, n);\ninout p, n; electrical p, n, q;\n'


@pytest.mark.parametrize(
    ("declared", "body", "words"),
    [
        ("real x;", "x = $rdist_normal(1, 0, 1);", r"line 5, 'analog begin x = \$rdist_normal.*random numbers"),
        ("real x;", "x = $random;", r"\$random: random numbers"),
        ("real x;", "x = $dist_uniform(s, 0, 1);", r"\$dist_uniform: random"),
        ("real x;", "@(timer(0, 1n)) x = 1;", "timer: an event"),
        ("real x;", "@(cross(V(p), 1)) x = 1;", "cross: an event"),
        ("real x;", "@(initial_instance) x = 1;", "initial_instance: an event"),
        ("real x;", "x = idtmod(V(p), 0, 1);", "idtmod: an integral that starts again"),
        ("real x;", "x = idt(V(p), 0, V(n) > 0);", "an integral that is set back"),
        ("real x;", "x = transition(V(p), 0, 1n);", "transition: a filter"),
        ("real x;", "x = slew(V(p), 1);", "slew: a filter"),
        ("real x;", "x = laplace_nd(V(p), n, d);", "laplace_nd: a filter"),
        ("real x;", "x = $realtime;", r"\$abstime"),
        ("real x;", 'if (analysis("ic")) x = 1; else x = 2;', "false in VACASK"),
        ("parameter real r = 1 from [0, 1];", "", r"line 4, 'parameter real r = 1 from \[0, 1\];': a range with"),
        ("parameter real r = 1; parameter real R = 1;", "", "R in lower case is the name of another"),
        ("parameter real r = 1 (* desc = \"r\" *);", "", r"line 4.*old syntax"),
        ("`define at(t) (*t*)\nparameter real r = 1 `at(desc=\"r\");", "", r"line 5.*old syntax"),
        ("real x;", "x = x + 1;", "x is read before it has a value in this evaluation: a hidden state"),
        ("real x;", "I(q) <+ x; x = 2;", "x is read before"),
        ("real x = 1;", "I(q) <+ x; x = x + V(p);", "x is read before"),
        ("real x;", "@(initial_step) x = 1; x = x + V(p);", "x is read before"),
        ("real x;", "@(initial_step) x = V(p); I(q) <+ x;", "x is set once, at the first step"),
        ("real x; analog initial x = V(p);", "I(q) <+ x;", "x is set once, at the first step"),
        ("real x; analog initial begin x = 1; end", "x = x + 1;", "x is read before"),
        ("real x;", '@(initial_step("ac")) x = 1; I(q) <+ x;', "initial_step of other analyses"),
        ("real x;", "if (V(p) > 0) x = 1; I(q) <+ x;", "x is read before"),
        ("real x; integer k;", "for (k = 0; k < 3; k = k + 1) x = x + 1;", "x is read before"),
        ("real x;", "while (V(p) > 1) x = 1; I(q) <+ x;", "x is read before"),
        ("real x;", "case (1) 2: x = 1; default: I(q) <+ x; endcase", "x is read before"),
        ("", "if (V(p) > 0) I(q) <+ ddt(V(q));", "ddt under a condition that varies"),
        ('`include "absent.va"', "", "line 4.*no file absent.va"),
        ("`define A `B `B\n`define B `A `A", "I(q) <+ `A;", "macros that grow"),
        ("", f"{'begin ' * 200}{'end ' * 200}", "more than 100 statements in each other"),
    ],
)  # fmt: skip
def test_what_would_run_with_another_meaning_is_refused_by_its_line(declared, body, words):
    text = f"{HEAD}{declared}\nanalog begin {body} {BODY} end\nendmodule\n"
    with pytest.raises(InputError, match=words) as caught:
        external(text, module="m", ports={"te": "p", "be": "n"})
    assert "try: " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "body"),
    [
        ("real x;", "x = 1; x = x + 1;"),
        ("real x;", "if (V(p) > 0) x = 1; else if (V(p) > -1) x = 2; else x = 3; I(q) <+ x;"),
        ("real x = 2;", "I(q) <+ x;"),
        ("parameter integer a = 1; real x;", "if (a == 1 && !(a < 0)) x = 1; I(q) <+ x;"),
        ("parameter real a = 1; real x;", "case (a) 1: x = 2; endcase I(q) <+ x;"),
        ("real x; analog initial x = 2;", "I(q) <+ x;"),
        ("real x;", '@(initial_step("tran", "ac")) x = 1; I(q) <+ x;'),
        ("real x[0:1];", "x[0] = 1; x[1] = 2; I(q) <+ x[0];"),
        ("real x, y;", "@(initial_step) begin x = 1; y = 2*x; end I(q) <+ y;"),
        ("real x; integer k;", "for (k = 0; k < 2; k = k + 1) x = 2; I(q) <+ x;"),
        ("real x;", "begin : named real z; z = 1; x = z; end I(q) <+ x;"),
        ("parameter real a = 1;", "if (a > 0) I(q) <+ ddt(V(q));"),
        ("`define two 2 // of them", "I(q) <+ `two*V(q) + `M_PI;"),
    ],
)
def test_what_keeps_no_value_is_read(declared, body):
    text = f"{HEAD}{declared}\nanalog begin {body} {BODY} I(q) <+ V(q); end\nendmodule\n"
    external(text, module="m", ports={"te": "p", "be": "n"})


def test_parameters_of_the_device_decide_which_branch_is_taken():
    theirs = external(DRIFT, **{**DRIFT_MAP, "parameters": {"model": "p"}})
    with pytest.raises(InputError, match="x_last is read before"):
        crosscheck(device("linear_ion_drift_joglekar", "hp", p=2.0), Sine(0.8, 0.62), against=theirs)
    theirs = external(DRIFT, **{**DRIFT_MAP, "parameters": {"window": "p"}})
    with pytest.raises(InputError, match="an integer, as the module declares it"):
        crosscheck(device("linear_ion_drift_joglekar", "hp", p=1.5), Sine(0.8, 0.62), against=theirs)


def test_broken_texts_are_refused_in_one_line():
    rng = random.Random(7)
    words = [
        "(",
        ")",
        "begin",
        "end",
        "if",
        "else",
        "case",
        "for",
        "`define X(",
        "`X(",
        "`ifdef A",
        "@",
        "(*",
        ";",
        '"',
    ]
    refused = []
    for _ in range(300):
        parts = re.findall(r"\w+|\s+|.", rng.choice([SWITCHES, DRIFT]))
        for _ in range(rng.randint(1, 6)):
            k = rng.randrange(len(parts))
            parts[k : k + rng.randrange(2)] = [] if rng.random() < 0.4 else [f" {rng.choice(words)} "]
        text = "".join(parts[: rng.choice([len(parts), rng.randrange(len(parts))])]) + "\n"
        try:
            read_module(text, None, "broken").check({})
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert not any("\n" in said or len(said) > 1000 for said in refused)


def test_openvafs_own_words_are_whole():
    text = SWITCHES.replace("x = Frac(w);", "x = Frac(w) + absent + missing;")
    with pytest.raises(SimulatorError) as caught:
        crosscheck(device("metastable_switch"), Sine(0.5, 1e3), against=external(text, **SWITCHES_MAP))
    for words in ("'absent' was not found", "'missing' was not found", ".va:24", "2 previous errors"):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: external(SWITCHES, **{**SWITCHES_MAP, "module": "other"}), "module: got 'other'.*mss"),
        (lambda: external(SWITCHES, **{**SWITCHES_MAP, "ports": {"te": "p", "be": "N"}}), "ports: got 'N'"),
        (lambda: external(SWITCHES, **{**SWITCHES_MAP, "parameters": {"ron": 1.0}}), "parameters: got 'ron'"),
        (lambda: external(SWITCHES, **{**SWITCHES_MAP, "states": {"x": "z"}}), "states: got 'z'"),
        (lambda: external(SWITCHES, name="mss", **SWITCHES_MAP), "name: got 'mss'"),
        (lambda: external(SWITCHES, ports={"te": "p", "be": "n"}), "name: got None"),
        (lambda: external("nothing.va", ports={"te": "p", "be": "n"}), "nothing.va.*No such file"),
        (
            lambda: crosscheck(device("metastable_switch"), Sine(0.5, 1e3), engine="ngspice",
                               against=external(SWITCHES, **SWITCHES_MAP)),
            "engine: got 'ngspice'; allowed: 'vacask' with against=mss of a text",
        ),
        (lambda: crosscheck(device("vteam"), Sine(0.5, 1e3), against="model.va"), "against: got str"),
        (lambda: crosscheck(device("vteam"), Sine(0.5, 1e3), against={}), "against: got an empty mapping"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_line(call, words):
    with pytest.raises(InputError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
