"""A simulator's own reason survives in the error, also of long outputs."""

import pytest

from devices import SimulatorConvergenceError, SimulatorError, SimulatorTimeoutError
from netlists.engines.messages import Printed
from netlists.engines.ngspice import complaints, run_ngspice
from netlists.engines.vacask import run_vacask

_SOURCE = "t\nV1 a 0 1\n"
_DIODES = "".join(f"D{k} a 0 dm{k}\n.model dm{k} d(zork{k}=1)\n" for k in range(200))
_NODES = "".join(f"R{k} a n{k} 1k\nC{k} n{k} x{k} 1p\n" for k in range(300))
NGSPICE = {
    "loop of sources": (f"{_SOURCE}V2 a 0 2\n.op\n.end\n", ["singular matrix: check node v1#branch", "too small"]),
    "loop over time": (f"{_SOURCE}V2 a 0 2\n.tran 1n 1u\n.end\n", ["singular matrix", "TRAN: Timestep too small"]),
    "step too small": (
        "t\nV1 a 0 SIN(0 1 1k)\nR1 a b 1k\nC1 b 0 1p\n"
        "B1 b 0 I = v(b)>0.5 ? 1e3*exp(100*v(b)) : -1e3*exp(-100*v(b))\n.tran 1u 1m\n.end\n",
        ["TRAN: Timestep too small; time = 8", 'trouble with node "b"'],
    ),
    "syntax": (f"{_SOURCE}B1 a 0 I = v(a)*)2\n.op\n.end\n", ["syntax error", "line 3"]),
    "model": (f"{_SOURCE}D1 a 0 absent\n.op\n.end\n", ["can't find model 'absent'", "line 3", "valid modelname"]),
    "subcircuit": (f"{_SOURCE}X1 a 0 absent\n.op\n.end\n", ["unknown subckt: x1 a 0 absent"]),
    "parameter": (f"{_SOURCE}R1 a 0 1k zork=3\n.op\n.end\n", ["unknown parameter (zork)", "line 3"]),
    "undefined": (f"{_SOURCE}R1 a 0 {{2*zork}}\n.op\n.end\n", ["Netlist line no. 3", "Undefined parameter [zork]"]),
    "no value": (f"{_SOURCE}B1 b 0 V = ln(-v(a))\nR1 b 0 1\n.op\n.end\n", ["-1 out of range for ln", "in line b1"]),
    "file": ("t\n.include absent.lib\nV1 a 0 1\n.op\n.end\n", ["Could not find include file absent.lib"]),
    "after 600 lines": (
        f"{_SOURCE}{_DIODES}V2 a 0 2\n.op\n.end\n",
        ["(zork0)", "and 192 more like", "singular matrix"],
    ),
    "before a table": (f"{_SOURCE}{_NODES}V2 a 0 3\n.op\n.end\n", ["singular matrix", "Timestep too small; cause"]),
}
_VACASK = """t
ground 0
model source vsource
load "resistor.osdi"
model wire resistor
load "part.va"
model part part
V1 (a 0) source dc=1
{}
control
  abort always
  options rawfile="binary" reltol=1e-9
  analysis circuit {}
endc
embed "part.va" <<<MODULE
`include "disciplines.vams"
module part(p, n);
    inout p, n;
    electrical p, n;
    parameter real g = 1;
    analog {}
endmodule
>>>MODULE
"""
_LAW = "I(p, n) <+ g*V(p, n);"
VACASK = {
    "loop of sources": (("V2 (a 0) source dc=2", "op", _LAW), ["Factorization failed", "zero pivot @ node 'V2:flow"]),
    "step too small": (
        ('V2 (e 0) source type="sine" ampl=1 freq=1k\nR1 (e f) wire r=1k\nX1 (f 0) part', "tran step=1u stop=1m",
         "I(p, n) <+ V(p, n) > 0.5 ? 1e3*exp(100*V(p, n)) : -1e3*exp(-100*V(p, n));"),
        ["Timestep too small"],
    ),
    "no value": (("R1 (a q) wire r=1\nX1 (q 0) part", "op", "I(p, n) <+ ln(-1 - V(p, n)*V(p, n));"),
                 ["NaN found in vector, row node 'q'"]),
    "syntax": (("R1 (a 0 wire r=1", "op", _LAW), ["syntax error, unexpected =", "R1 (a 0 wire r=1", "9:"]),
    "model": (("R1 (a 0) absent r=1", "op", _LAW), ["Master 'absent' not found", "9:1"]),
    "parameter": (("X1 (a 0) part zork=1", "op", _LAW), ["Parameter 'zork' not found", "9:"]),
    "six errors in Verilog-A": (
        ("X1 (a 0) part", "op", "begin a0 = 1; a1 = 1; a2 = 1; a3 = 1; a4 = 1; V(zz) <+ 1; end"),
        [*(f"'a{k}' was not found" for k in range(5)), "'zz' was not found", "7 previous errors"],
    ),
}  # fmt: skip
UNSOLVED = {"loop of sources", "loop over time", "step too small", "no value", "after 600 lines", "before a table"}


@pytest.mark.parametrize("name", NGSPICE)
def test_ngspices_reason_survives(name):
    text, words = NGSPICE[name]
    _check(name, words, lambda: run_ngspice(text))


@pytest.mark.vacask
@pytest.mark.parametrize("name", VACASK)
def test_vacasks_reason_survives(name):
    parts, words = VACASK[name]
    _check(name, words, lambda: run_vacask(_VACASK.format(*parts)))


def _check(name, words, run):
    with pytest.raises(SimulatorError) as caught:
        run()
    said = str(caught.value)
    for word in words:
        assert word in said
    assert isinstance(caught.value, SimulatorConvergenceError) == (name in UNSOLVED)
    assert "\n" not in said
    assert len(said) < 4000


def test_a_reason_printed_within_a_table_stays_whole():
    table = "".join(f"n{k}{' ' * 30}0{' ' * 20}-nan\n" for k in range(5000))
    printed = Printed(
        "Trying gmin =  1.0000E-02 Warning: gmin step failed\nTimestep too small; cause unrecorded.\n", table
    )
    assert printed.reason(complaints) == "Timestep too small; cause unrecorded."


def test_the_end_of_a_very_long_reason_stays():
    lines = "\n".join("".join(chr(97 + (7**k + 11 * n) % 26) for k in range(40)) for n in range(4000))
    said = Printed(f"first of all\n{lines}\nthe reason at last", "").reason(complaints)
    assert said.startswith("first of all | ")
    assert said.endswith(" | the reason at last")


def test_what_was_printed_before_a_timeout_is_told():
    text = "t\nV1 a 0 SIN(0 1 1k)\nD1 a 0 dm\n.model dm d(zork=1)\n.tran 1n 10\n.end\n"
    with pytest.raises(SimulatorTimeoutError, match=r"no result within 0\.5 s; .*until then: .*\(zork\)"):
        run_ngspice(text, timeout=0.5)
