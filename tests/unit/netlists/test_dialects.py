"""Every dialect: golden files, and texts that cannot be run here held to the documented grammar."""

import itertools
import re
from dataclasses import replace

import numpy as np
import pytest
import sympy
from spicelib import SpiceEditor

from crossbar import Bias, Crossbar, Wires
from devices import Constant, InputError, Samples, Sine, device, models
from netlists import (
    DIALECTS,
    LtspiceOptions,
    NgspiceOptions,
    SpectreOptions,
    XyceOptions,
    crossbar_circuit,
    write_netlist,
)
from netlists.circuit import Circuit, Instance, OperatingPoint, Resistor, Subcircuit, Transient, VoltageSource
from netlists.dialects import ltspice, xyce
from netlists.dialects.expressions import ltspice_expression, xyce_expression
from netlists.dialects.subexpressions import share_subexpressions
from tests.exact.test_spice_expressions import POINTS, VOCABULARY, P, Q, V, wanted
from tests.golden.regenerate import FOLDER, golden_files
from tests.unit.netlists.spice_grammar import NAME, NUMBER, Expression, logical_lines

DOCUMENTED = {"xyce": (xyce_expression, xyce.FUNCTIONS), "ltspice": (ltspice_expression, ltspice.FUNCTIONS)}
#: What each dialect's directives are, and a pattern of what follows.
VALUE = r"-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?"
CURRENTS = r"( i\(v\w*\))+"
DIRECTIVES = {
    "xyce": {
        ".options": rf"(timeint|nonlin|nonlin-tran|device)( (method|reltol|abstol|gmin)=(trap|gear|{VALUE}))+",
        ".tran": rf"{VALUE} {VALUE} 0 {VALUE}",
        ".dc": rf"V\w* ({VALUE}) \1 1".replace(r"\1", VALUE),
        ".print": rf"(tran|dc) precision=15({CURRENTS}| v\(\*\) i\(\*\))",
        ".measure": r"tran (max|min)_v\w* (max|min) i\(v\w*\)",
    },
    "ltspice": {
        ".options": rf"(reltol|abstol|vntol|chgtol|trtol|gmin|method|numdgt|measdgt|plotwinsize)=(trap|gear|{VALUE})",
        ".tran": rf"{VALUE} {VALUE} 0 {VALUE}",
        ".op": "",
        ".meas": r"(tran (max|min)_v\w* (max|min) i\(v\w*\)|op i_v\w* param i\(v\w*\))",
    },
}


def version_apart(text):
    return re.sub(r"written by memductance \S+", "written by memductance VERSION", text)


@pytest.mark.parametrize("name", sorted(golden_files()))
def test_golden_files(name):
    found = (FOLDER / name).read_text(encoding="utf-8")
    assert version_apart(golden_files()[name]) == found, "python -m tests.golden.regenerate, and read the difference"


def test_there_is_a_golden_file_for_each_file_and_no_other():
    assert {f.name for f in FOLDER.iterdir() if f.suffix not in (".py", "")} == set(golden_files())


@pytest.mark.parametrize("dialect", DOCUMENTED)
def test_the_vocabulary_has_its_value_by_the_documented_grammar(dialect):
    write, known = DOCUMENTED[dialect]
    names = {V: "v(a)", P: "p", Q: "q"} if dialect == "xyce" else {V: "v(a)", P: "{p}", Q: "{q}"}
    for law in VOCABULARY:
        text = write(law, names)
        found = [Expression(text, dialect, known, lambda net, v=v: v, {"p": p, "q": q}).value for v, p, q in POINTS]
        np.testing.assert_allclose(found, wanted(law), rtol=1e-13, atol=1e-300, err_msg=f"{law}: {text}")


def circuit_of(name, held):
    """One device of a model with everything connected, at rest or over time."""
    cell = device(name)
    definition = Subcircuit(cell.model, cell.parameter_set, held)
    nets = ("a", "0", *(f"c{k}" for k in range(len(cell.control_names))), *definition.probes)
    sources = [VoltageSource(f"V{net}", net, "0", 0.1) for net in nets if net != "0" and net not in definition.probes]
    return Circuit(
        "one device",
        (*sources, Instance("Xdut", nets, name, {})),
        OperatingPoint() if held else Transient(1.0, 0.1),
        (definition,),
        measured=("Va",),
    )


def check_scope(lines, dialect, inside=False):
    """Elements and directives of one level; subcircuits within it too."""
    known = DOCUMENTED[dialect][1]
    names, parameters = set(), {}
    lines = iter(lines)
    for line in lines:
        head, _, rest = line.partition(" ")
        if head.startswith("*"):
            assert line.startswith("* ")
            continue
        if head == ".subckt":
            assert not inside
            words = rest.split()
            body = list(itertools.takewhile(lambda text: not text.startswith(".ends"), lines))
            check_scope([f".parameters {' '.join(words)}", *body], dialect, inside=True)
            continue
        if head == ".parameters":
            name, *words = rest.split()
            assert NAME.fullmatch(name)
            for word in words[words.index("PARAMS:") + 1 :] if "PARAMS:" in words else []:
                parameter, _, value = word.partition("=")
                assert NAME.fullmatch(parameter)
                assert parameter.lower() not in known
                parameters[parameter] = float(value)
            continue
        if head == ".ic":
            _, value = re.fullmatch(r"v\((\w+)\)=\{(.*)\}", rest).groups()
            assert inside
            assert dialect == "ltspice"
            check_start(value, parameters)
            continue
        if head == ".end":
            continue
        if head.startswith("."):
            assert re.fullmatch(DIRECTIVES[dialect][head], rest), line
            assert not inside
            continue
        assert NAME.fullmatch(head)
        assert head.lower() not in names
        names.add(head.lower())
        check_element(head, rest, dialect, known, parameters)


def check_start(text, parameters):
    assert isinstance(eval(text, {"__builtins__": {}}, dict(parameters)), (int, float))


def check_element(head, rest, dialect, known, parameters):
    words = rest.split()
    assert all(re.fullmatch(r"\w+", net) for net in words[:2])
    if head[0] == "R":
        assert NUMBER.fullmatch(words[2])
        assert len(words) == 3
    elif head[0] == "C":
        assert NUMBER.fullmatch(words[2])
        if len(words) > 3:
            assert dialect == "xyce"
            check_start(re.fullmatch(r"ic=\{(.*)\}", " ".join(words[3:])).group(1), parameters)
    elif head[0] == "V":
        shape = " ".join(words[2:])
        pairs = rf"({VALUE} {VALUE} )*{VALUE} {VALUE}"
        allowed = {
            "xyce": rf"DC {VALUE}|SIN\({VALUE}( {VALUE}){{5}}\)|PWL {pairs}",
            "ltspice": rf"DC {VALUE}|SINE\({VALUE}( {VALUE}){{5}}\)|PWL\( {pairs} \)",
        }
        assert re.fullmatch(allowed[dialect], shape), shape
    elif head[0] == "X":
        plain = [word for word in words if "=" not in word]
        assert all(re.fullmatch(r"\w+", word) for word in plain if word != "params:")
        assert all(re.fullmatch(rf"\w+={VALUE}", word) for word in words if "=" in word)
    else:
        assert head[0] == "B"
        kind, _, law = rest.split(" ", 2)[2].partition("=")
        assert kind in ("I", "V")
        if dialect == "xyce":
            law = re.fullmatch(r"\{(.*)\}", law).group(1)
        Expression(law, dialect, known, lambda *nets: 0.3 if len(nets) == 1 else 0.2, parameters)


@pytest.mark.parametrize("dialect", DOCUMENTED)
@pytest.mark.parametrize("name", models())
def test_every_model_is_written_by_the_documented_grammar(dialect, name):
    for held in (False, True):
        circuit = circuit_of(name, held)
        (text,) = write_netlist(circuit, dialect).values()
        check_scope(logical_lines(text), dialect)
        assert text == next(iter(write_netlist(circuit, dialect).values()))


@pytest.mark.parametrize("dialect", DOCUMENTED)
@pytest.mark.parametrize("block", [False, True])
@pytest.mark.parametrize("wave", [Sine(1.0, 1e6, phase=0.3), Constant(0.3, 2e-6), Samples([0, 1, 3], [0.1, -0.2, 0])])
def test_arrays_are_written_by_the_documented_grammar(dialect, block, wave):
    wires = Wires(1.0, 2.0, 3.0, 4.0, word_line_capacitance=1e-15)
    array = Crossbar(device("vteam", x=np.linspace(0, 3e-9, 60).reshape(3, 20)), wires)
    circuit = crossbar_circuit(array, Bias(word_left=[wave, 0.1, -0.1], bit_bottom=0.0))
    circuit = replace(circuit, measured=("Vin0", "Vs1"))
    (text,) = write_netlist(circuit.enclosed() if block else circuit, dialect).values()
    check_scope(logical_lines(text), dialect)


def test_the_grammar_can_fail():
    known = xyce.FUNCTIONS
    for text in ("(v(a) > 1)", "gamma(v(a))", "max(1,2,3)", "1 +", "v(a)^2", "p$", "if(1,2,3)", "{p}"):
        with pytest.raises((AssertionError, IndexError)):
            Expression(text, "xyce", known, lambda *nets: 0.0, {"p": 1.0})


@pytest.mark.parametrize(("dialect", "suffix"), [("ltspice", ".net"), ("ngspice", ".cir")])
def test_an_independent_reader_finds_the_elements(dialect, suffix, tmp_path):
    """spicelib reads the netlists of LTspice and ngspice."""
    circuit = crossbar_circuit(Crossbar([[1e-3, 2e-3]], Wires(2.5)), [0.5])
    path = tmp_path / f"circuit{suffix}"
    path.write_text(write_netlist(circuit, dialect)[path.name])
    editor = SpiceEditor(path)
    assert set(editor.get_components()) == {e.name.upper() for e in circuit.elements}
    for element in circuit.elements:
        if isinstance(element, Resistor):
            assert float(editor.get_component_value(element.name)) == element.resistance
            assert [n.lower() for n in editor.get_component_nodes(element.name)] == [element.plus, element.minus]


def test_the_page_of_netlists_runs_and_has_a_line_for_each_dialect():
    text = (FOLDER.parents[1] / "docs" / "netlists.md").read_text()
    namespace = {}
    block = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    exec(compile(block, "netlists.md", "exec"), namespace)
    assert list(namespace["files"]) == ["circuit.cir"]
    for name, dialect in DIALECTS.items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert dialect.suffix in line
        assert ("not run" in dialect.checked) == ("**not run**" in line)


def scs_statements(text):
    return [line for line in logical_lines(text.replace("//", "*")) if not line.startswith("*")]


@pytest.mark.parametrize("wave", [0.4, Sine(1.0, 1e6, phase=0.3), Samples([0, 1, 3], [0.1, -0.2, 0])])
def test_spectre_by_its_documented_statements(wave):
    wires = Wires(1.0, 2.0, 3.0, 4.0, word_line_capacitance=1e-15)
    array = Crossbar(device("resistor", r=np.full((2, 12), 1e3)), wires)
    circuit = crossbar_circuit(array, Bias(word_left=[wave, 0.1], bit_bottom=0.0), duration=1e-6).enclosed()
    files = write_netlist(replace(circuit, measured=("Vs0", "Vs1")), "spectre")
    assert list(files) == ["circuit.scs", "resistor_.va"], "a module must not be called as Spectre's own"
    assert "module resistor_(" in files["resistor_.va"]
    number = r"-?\d+(\.\d+)?(e[-+]?\d+)?"
    statements = [
        "simulator lang=spectre", "global 0", 'ahdl_include "resistor_.va"', r"subckt \w+ \( (\w+ )+\)", r"ends \w+",
        rf"R\w+ \(\w+ \w+\) resistor r={number}", rf"C\w+ \(\w+ \w+\) capacitor c={number}",
        rf"V\w+ \(\w+ \w+\) vsource type=dc dc={number}",
        rf"V\w+ \(\w+ \w+\) vsource type=sine sinedc={number} ampl={number} freq={number} sinephase={number}",
        rf"V\w+ \(\w+ \w+\) vsource type=pwl wave=\[ ({number} )+\]",
        rf"X\w+ \( (\w+ )+\) \w+( \w+={number})*", rf"tight options( (reltol|vabstol|iabstol|gmin)={number})+",
        rf"overtime tran stop={number} maxstep={number} method=(traponly|gear2only)", "save( V[^ ]+:1)+",
    ]  # fmt: skip
    for line in scs_statements(files["circuit.scs"]):
        assert any(re.fullmatch(pattern, line) for pattern in statements), line


@pytest.mark.parametrize("dialect", DIALECTS)
def test_headers_say_where_the_text_comes_from(dialect):
    cell = device("yakopcic")
    text = "\n".join(write_netlist(circuit_of("yakopcic", False), dialect).values())
    for words in (cell.model.title, cell.parameter_set.source, *cell.model.references):
        assert words in text
    assert f"parameter set {cell.parameter_set.name}" in text
    assert re.search(rf"dialect {DIALECTS[dialect].title}; written by memductance \d", text)


@pytest.mark.parametrize(
    ("dialect", "options"),
    [
        ("ngspice", NgspiceOptions(reltol=1e-5)),
        ("ltspice", LtspiceOptions(reltol=1e-5)),
        ("xyce", XyceOptions(reltol=1e-5)),
        ("spectre", SpectreOptions(reltol=1e-5)),
    ],
)
def test_options_are_written_and_those_of_others_refused(dialect, options):
    circuit = circuit_of("vteam", True)
    assert "reltol=1e-05" in next(iter(write_netlist(circuit, dialect, options).values()))
    other = XyceOptions() if dialect != "xyce" else NgspiceOptions()
    with pytest.raises(InputError, match=f"options: got {type(other).__name__}; allowed: {type(options).__name__}"):
        write_netlist(circuit, dialect, other)


@pytest.mark.parametrize("options", [XyceOptions, SpectreOptions, LtspiceOptions])
def test_options_are_checked(options):
    with pytest.raises(InputError, match="reltol: got 0; allowed: finite, > 0"):
        options(reltol=0.0)
    with pytest.raises(InputError, match="method: got 'euler'"):
        options(method="euler")


def test_what_is_no_dialect_or_no_circuit_is_refused():
    for given, message in (
        (lambda: write_netlist(circuit_of("vteam", True), "hspice"), "dialect: got 'hspice'"),
        (lambda: write_netlist(device("vteam"), "xyce"), "circuit: got Device; allowed: a Circuit"),
        (lambda: write_netlist(circuit_of("vteam", True), name="../a"), "name: got '../a'"),
    ):
        with pytest.raises(InputError, match=message):
            given()


def test_what_laws_share_is_taken_out_once_and_nothing_is_lost():
    x, y = sympy.symbols("x y", positive=True)
    long = sympy.exp(x * y) + sympy.log(x + y)
    laws = [long * x, long**2 + y, sympy.sin(x)]
    parts, left = share_subexpressions(laws, 4)
    assert parts
    assert sum(law.count_ops() for law in [*left, *(e for _, e in parts)]) < sum(law.count_ops() for law in laws)
    back = {}
    for symbol, part in parts:
        back[symbol] = part.xreplace(back)
    assert [law.xreplace(back) for law in left] == laws
    assert share_subexpressions(laws, 1000) == ([], laws)
