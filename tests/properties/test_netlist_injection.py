"""Hostile text in netlists of every dialect: descriptions appear only in comments, invalid names are refused."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import InputError, Parameter, ParameterSet, State
from devices.model import VOLTAGE, DeviceModel
from netlists import DIALECTS, Block, write_netlist
from netlists.circuit import (
    Capacitor,
    Circuit,
    Instance,
    OperatingPoint,
    Resistor,
    Subcircuit,
    Transient,
    VoltageSource,
)

PIECES = [
    "\n", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\0", "\t", " ", ";", ".control", "shell rm -rf ~", ".endc", "+",
    "'", '"', "$", "$(id)", "`id`", "\\", "\\\n", "*/", "//", "*", "//*", "quit", ".end", ".include /etc/passwd", "{",
    "}", "`include \"x\"", ">>>MODULE", "<<<", "endc", "control", "x", "é", "Ω", "=", ")", "*)", "0", "gnd", "-",
]  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), min_size=1, max_size=6).map("".join)
MARKS = {"ngspice": "* ", "xyce": "* ", "ltspice": "* ", "spectre": "// ", "vacask": "// "}


def model(prose="plain"):
    x, g = State("x", "1", prose), Parameter("g", "S", prose)
    return DeviceModel(
        name="cell", title=prose, states=(x,), parameters=(g,), current=g.symbol * x.symbol * VOLTAGE,
        rates=(0 * x.symbol,),
        parameter_sets=(ParameterSet(prose, {"g": 1e-3}, {"x": 0.5}, prose, "ours", prose),), references=(prose,),
        validity=prose,
    )  # fmt: skip


def circuit(prose="plain", **names):
    """A circuit with `prose` in every description, and a name in every other place that takes text."""
    usual = {
        "resistor": "R1", "capacitor": "C1", "source": "V1", "instance": "X1", "net": "a", "parameter": "g",
        "block": "part", "inner": "b", "measured": "V1", "observed": "X1",
    }  # fmt: skip
    n = {**usual, **names}
    made = model(prose)
    definition = Subcircuit(made, made.parameter_set())
    elements = (
        VoltageSource(n["source"], n["net"], "0", 0.5),
        Resistor(n["resistor"], n["net"], "c", 1e3),
        Capacitor(n["capacitor"], "c", "0", 1e-12),
        Instance(n["instance"], ("c", "0", "xsv1"), "cell", {n["parameter"]: 2e-3}),
        Instance("Xpart", ("c",), n["block"], {}),
    )
    return Circuit(
        prose,
        elements,
        Transient(1.0, 0.1),
        (definition,),
        merged={prose: prose},
        blocks=(
            Block(
                n["block"],
                ("p",),
                (Resistor("R1", "p", n["inner"], 1.0), Resistor("R2", n["inner"], "0", 1.0)),
                {prose: prose},
            ),
        ),
        measured=(n["measured"],),
        observed=(n["observed"],),
    )


def written(dialect, text):
    """Return a netlist without comments; descriptions in Verilog-A are text in quotation marks."""
    mark = MARKS[dialect]
    lines = text.split("\n")
    if dialect == "vacask":
        lines = lines[1:]  # the title, which is one line
    assert all(line.isprintable() for line in lines), "a character that may end a line"
    kept = [line for line in lines if not line.startswith((mark, "// "))]
    return [re.sub(r'desc="[^"\\]*"', "", line) for line in kept]


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=20)
@given(prose=hostile)
def test_descriptions_appear_only_in_comments(dialect, prose):
    try:
        hostile_files = write_netlist(circuit(prose), dialect)
    except InputError:
        return  # an empty text is no name of a parameter set
    plain_files = write_netlist(circuit(), dialect)
    assert hostile_files.keys() == plain_files.keys()
    for name, text in hostile_files.items():
        assert written(dialect, text) == written(dialect, plain_files[name])


#: The letter that a name begins with in each place of `circuit`.
PLACES = {
    "resistor": "R", "capacitor": "C", "source": "V", "instance": "X", "net": "n", "parameter": "p", "block": "b",
    "inner": "n", "measured": "V", "observed": "X",
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=20)
@given(place=st.sampled_from(list(PLACES)), name=hostile, letter=st.booleans())
def test_names_are_valid_or_refused(dialect, place, name, letter):
    name = PLACES[place] + name if letter else name
    changes = {place: name, "measured": name} if place == "source" else {place: name}
    try:
        write_netlist(circuit(**changes), dialect)
        message = ""
    except InputError as refusal:
        message = str(refusal)
    assert re.fullmatch(r"[A-Za-z0-9_.]+", name) or message
    assert "\n" not in message


@pytest.mark.parametrize("dialect", DIALECTS)
@given(name=hostile)
def test_file_names_are_valid_or_refused(dialect, name):
    try:
        files = write_netlist(circuit(), dialect, name=name)
    except InputError:
        return
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*\.[a-z]+", file) for file in files)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1\n.control", None])
def test_numbers_are_finite_or_refused(dialect, value):
    usual = circuit()
    for k, field in ((0, "value"), (1, "resistance"), (2, "capacitance")):
        changed = replace(usual.elements[k], **{field: value})
        elements = (*usual.elements[:k], changed, *usual.elements[k + 1 :])
        with pytest.raises(InputError, match="a finite number"):
            write_netlist(replace(usual, elements=elements), dialect)
    bad = replace(usual.elements[3], values={"g": value})
    with pytest.raises(InputError, match="a finite number"):
        write_netlist(replace(usual, elements=(*usual.elements[:3], bad)), dialect)


@pytest.mark.parametrize("dialect", ["ngspice", "xyce", "ltspice"])
def test_names_that_differ_only_in_case_are_refused(dialect):
    two = (VoltageSource("V1", "a", "0", 1.0), Resistor("Ra", "a", "0", 1.0))
    for third, message in (
        (Resistor("rA", "a", "0", 2.0), "two elements named ra"),
        (Resistor("R3", "A", "0", 2.0), "two nets named a"),
        (Resistor("R3", "a", "gnd", 2.0), "two nets named gnd"),
        (Instance("X1", ("a",), "nothing", {}), "X1 of 'nothing'"),
    ):
        with pytest.raises(InputError, match=message):
            write_netlist(Circuit("t", (*two, third), OperatingPoint()), dialect)
