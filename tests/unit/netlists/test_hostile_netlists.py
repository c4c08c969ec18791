"""What came from hostile hands once: no line of it reaches a simulator, and each error says what was wrong."""

import math
import os
import stat
import subprocess
import sys
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from crossbar import Crossbar, Wires
from devices import InputError, SimulatorError, Sine, device
from memductance.cli import app
from netlists import Campaign, CampaignSpec, crossbar_circuit, crosscheck, external, run_campaign, write_netlist
from netlists.campaign.explanations import explanation_of, read_explanations
from netlists.campaign.task import failure_reason
from netlists.circuit import Circuit, Instance, OperatingPoint, Resistor, VoltageSource, device_circuit
from netlists.dialects.foreign import ExpressionReader, Function
from netlists.dialects.formula import Formulas
from netlists.engines.catalogue import find_engine
from netlists.engines.ngspice import run_ngspice
from netlists.engines.pyspice import run_pyspice
from netlists.engines.running import run_circuit, run_sweep

CIRCUIT = crossbar_circuit(Crossbar([[1e-3]], Wires(driver=500.0)), [1.0])
CUBE = ".subckt m a b\n{}\n.ends\n"


def with_resistor(name="Rx", resistance=1e3):
    return replace(CIRCUIT, elements=(*CIRCUIT.elements, Resistor(name, "w0_0", "0", resistance)))


def read(text, dialect="ngspice", functions=None, **names):
    f = Formulas()
    known = {name: Function(*parts) for name, parts in (functions or {}).items()}
    return ExpressionReader(dialect, {name: f.number(value) for name, value in names.items()}, known, f).read(text)


def wrapped(body, **given):
    return external(CUBE.format(body), name="m", ports={"te": "a", "be": "b"}, **given)


@pytest.mark.spice
def test_a_title_is_no_command_in_pyspice(tmp_path):
    evil = tmp_path / "pwned"
    waves = run_pyspice(replace(CIRCUIT, title=f"x\n.control\nshell touch {evil}\n.endc"))
    assert waves["i(vin0)"][0] == pytest.approx(run_ngspice(CIRCUIT)["i(vin0)"][0])
    assert not evil.exists()


@pytest.mark.spice
@pytest.mark.parametrize("engine", ["pyspice", "ngspice", "vacask"])
@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        (with_resistor("Rq a 0 1\nRz"), r"name: got 'Rq a 0 1\\nRz'"),
        (with_resistor(resistance=math.nan), r"Rx: got nan; allowed: a finite number"),
        (with_resistor(resistance=0.0), r"Rx: got 0 ohm"),
        (replace(CIRCUIT, merged={"a\nRx (s0 0) wire r=1.0\n//": "b"}), r"net: got 'a\\nRx"),
    ],
)
def test_engines_refuse_what_is_no_name_and_no_number(engine, circuit, message):
    with pytest.raises(InputError, match=message):
        run_circuit(circuit, engine)


@pytest.mark.parametrize("dialect", ["ngspice", "vacask", "xyce", "ltspice", "spectre"])
@pytest.mark.parametrize("step", [math.nan, 0.0, -1.0, "x"])
def test_steps_are_positive(dialect, step):
    with pytest.raises(InputError, match="step: got"):
        write_netlist(device_circuit(device("vteam"), Sine(1.0, 2e6), step=step), dialect)


@pytest.mark.spice
@pytest.mark.parametrize("timeout", [3e6, math.inf])
def test_timeouts_that_the_system_cannot_wait_for_are_refused(timeout):
    with pytest.raises(InputError, match=r"timeout: got .*<= 1e\+06 \[s\]"):
        run_ngspice(CIRCUIT, timeout=timeout)
    with pytest.raises(InputError, match="timeout"):
        CampaignSpec(seed=1, circuits=1, timeout=timeout)


@pytest.mark.spice
@pytest.mark.parametrize(
    ("law", "volts", "current"),
    [
        ("V(a,b)**3", -2.0, 8.0),
        ("V(a,b)^3", -2.0, 8.0),
        ("pow(V(a,b),3)", -2.0, 8.0),
        ("pwr(V(a,b),2)", -2.0, -4.0),
        ("pwl(V(a,b),0,0,1,1)", -2.0, -2.0),
        ("pwl(V(a,b),0,0,1,1,2,1)", 3.0, 1.0),
        ("pwl(V(a,b),0,0,1,1,2,3)", 3.0, 5.0),
    ],
)
def test_laws_of_ngspice_mean_what_ngspice_makes_of_them(law, volts, current):
    """The text as published and the translated one, both in ngspice."""
    text = CUBE.format(f"B1 a b I={law}")
    translated = "\n".join(wrapped(f"B1 a b I={law}", dialect="ngspice").library.written({}, []))
    for part in (text, translated):
        waves = run_ngspice(f"* t\n{part}\nV1 p 0 {volts}\nX1 p 0 m\n.op\n.end\n")
        assert waves["i(v1)"][0] == pytest.approx(-current)


def test_arguments_of_a_function_hide_names_in_its_own_body_only():
    functions = {"g": (("y",), "x*y"), "f": (("x",), "g(x)")}
    assert read("f(v(a,b))", functions=functions, x=10).written() == "10*v(a,b)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("f(1)", "the function f, which calls itself,"),
        ("(" * 5000 + "1" + ")" * 5000, "more than 100 brackets or functions in each other"),
        ("2" + "^-2" * 5000, "more than 100 brackets or functions in each other"),
        ("v(a)" + "+v(a)" * 30000, "one of 59999|60001 operations"),
        ("".join(f"v(a) > {k} ? {k} : " for k in range(3000)) + "0", "brackets in each other"),
        ("10**10**10**10", "which is no finite number here"),
        ("1e999", "'1e999', which is no finite number"),
    ],
)
def test_expressions_that_do_not_end_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        read(text, functions={"f": (("x",), "f(x)+1")}).written()


@pytest.mark.parametrize("sign", ["!", "-", "+", "~"])
def test_thousands_of_signs_are_one_or_two(sign):
    assert len(read(sign * 5001 + "v(a)").written()) < 20


@pytest.mark.parametrize("value", ["1/0", "sqrt(-1)"])
def test_values_that_are_no_real_numbers_are_refused(value):
    with pytest.raises(InputError, match="is no finite number here"):
        wrapped(f"R1 a b {{{value}}}")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_parameters_of_subcircuits_are_finite(value):
    text = ".subckt m a b R=1\nR1 a b {R}\n.ends\n"
    with pytest.raises(InputError, match=r"parameters\['r'\]: got"):
        external(text, name="m", ports={"te": "a", "be": "b"}, parameters={"R": value})


def test_a_terminal_does_not_show_a_state():
    with pytest.raises(InputError, match="states: got 'a', a terminal"):
        wrapped("R1 a b 1", states={"x": "a"})


@pytest.mark.parametrize("engine", [0, 5, (), ("ngspice", "spice")])
def test_engines_are_names(engine):
    with pytest.raises(InputError, match="engine: got"):
        crosscheck(device("vteam"), Sine(1.0, 2e6), engine=engine)


def test_nets_of_a_sweep_are_its_own():
    elements = (VoltageSource("V1", "sweep", "0", 1.0), Resistor("R1", "sweep", "0", 1e3))
    with pytest.raises(InputError, match="circuit: got the name 'sweep'"):
        run_sweep(Circuit("t", elements, OperatingPoint()), {"V1": [0.0, 1.0]})


def test_a_block_named_like_a_primitive_of_spectre_is_told_apart():
    text = write_netlist(CIRCUIT.enclosed("resistor"), "spectre")["circuit.scs"]
    assert "subckt resistor_ (" in text
    assert "ends resistor_" in text
    (instance,) = (e for e in CIRCUIT.enclosed("resistor").elements if isinstance(e, Instance))
    assert f"{instance.name} ( " in text
    assert " ) resistor_" in text


@pytest.mark.spice
def test_the_netlist_of_an_infinite_result_is_kept():
    circuit = Circuit("t", (VoltageSource("V1", "a", "0", 1e200), Resistor("R1", "a", "0", 1e-150)), OperatingPoint())
    for run in (run_pyspice, run_ngspice):
        with pytest.raises(SimulatorError, match="inf in") as raised:
            run(circuit)
        assert raised.value.netlist.exists()


@pytest.mark.spice
def test_other_files_beside_kept_netlists_stay(tmp_path, monkeypatch):
    failed = tmp_path / "failed"
    monkeypatch.setattr("netlists.engines.folders.failed_folder", lambda: failed)
    (failed / "folder").mkdir(parents=True)
    for k in range(25):
        (failed / f"mine-{k}.txt").touch()
        (failed / f"ngspice-20200101-0000{k:02}-old.cir").touch()
    with pytest.raises(SimulatorError) as raised:
        run_ngspice("* t\nR1 a 0 nonsense\n.op\n.end\n")
    assert raised.value.netlist.exists()
    assert len(list(failed.glob("ngspice-*"))) == 20
    assert len(list(failed.glob("mine-*"))) == 25
    assert (failed / "folder").is_dir()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Flags: real\nBinary:\nxxxx", "cannot be read.*no No. Variables"),
        (
            "Flags: real\nNo. Variables: 1\nNo. Points: 0\nVariables:\n\t0\tv(a)\tvoltage\nBinary:\n",
            "returned no points",
        ),
    ],
)
def test_a_program_that_is_no_ngspice_is_named(tmp_path, monkeypatch, body, message):
    program = tmp_path / "ngspice"
    (tmp_path / "body").write_text(body)
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "ngspice-39" && exit 0\ncp {tmp_path / "body"} circuit.raw\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SimulatorError, match=message) as raised:
        run_ngspice(CIRCUIT)
    assert raised.value.netlist.exists()


def test_a_machine_at_its_limits_is_no_fault_of_the_circuit():
    error = SimulatorError("ngspice: /usr/bin/ngspice does not start (Cannot allocate memory); to install: x")
    assert failure_reason(error)[0] == failure_reason(MemoryError())[0] == "machine"


def test_a_missing_pyspice_is_seen_before_a_campaign(monkeypatch):
    monkeypatch.setitem(sys.modules, "PySpice.Spice.NgSpice.Shared", None)
    with pytest.raises(SimulatorError, match="pip install PySpice"):
        find_engine("pyspice").present()


def test_cells_that_no_analysis_has_are_refused_before_anything_runs(tmp_path):
    spec = CampaignSpec(seed=1, circuits=1, cells=("1T1R",), analyses=("device transient",))
    with pytest.raises(InputError, match=r"analyses: got \['device transient'\]"):
        run_campaign(spec, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("line", ["5", "null", '{"spec": {"foo": 1}}', '{"cases": 3}'])
def test_a_damaged_store_is_named(tmp_path, line):
    (tmp_path / "campaign.jsonl").write_text(line + "\n")
    with pytest.raises(InputError, match=r"out: got .*(damaged|another version)"):
        Campaign.load(tmp_path)


def run(*words):
    return CliRunner().invoke(app, [str(w) for w in words])


@pytest.mark.parametrize("text", ["explanation=5", "explanation=[5]", "explanation=true"])
def test_explanations_are_tables(tmp_path, text):
    spec = tmp_path / "c.toml"
    spec.write_text("seed=1\ncircuits=1\n")
    spec.with_suffix(".explanations.toml").write_text(text)
    done = run("crosscheck", "campaign", spec, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "explanation: got" in done.stderr


def test_a_folder_is_no_specification(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("crosscheck", "campaign", ".", "--out", "out")
    assert done.exit_code == 2
    assert "spec: got" in done.stderr


def test_replays_of_engines_that_are_none_leave_no_files(tmp_path):
    spec = CampaignSpec(seed=1, circuits=1, limits=False)
    from netlists.campaign.store import Store

    with Store(tmp_path / "out", spec):
        pass
    before = sorted(tmp_path.rglob("*"))
    for engine in ("all", "nope", "../../../esc"):
        done = run("crosscheck", "replay", tmp_path / "out", 0, "--engine", engine)
        assert done.exit_code == 2
        assert "--engine: got" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.spice
def test_ngspice_of_a_relative_path_and_from_a_folder_that_is_gone(tmp_path):
    code = (
        "import os, shutil\n"
        "from netlists.engines.ngspice import run_ngspice\n"
        "text = '* t\\nV1 a 0 1\\nR1 a 0 1\\n.op\\n.end\\n'\n"
        "whole, ngspice = os.environ['PATH'], os.path.dirname(shutil.which('ngspice'))\n"
        "os.environ['PATH'] = os.path.relpath(ngspice) + ':' + whole\n"
        "print(run_ngspice(text)['i(v1)'])\n"
        "os.mkdir('gone'); os.chdir('gone'); os.rmdir(os.getcwd())\n"
        "os.environ['PATH'] = whole\n"
        "print(run_ngspice(text)['i(v1)'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["[-1.]", "[-1.]"], done.stderr


@pytest.mark.parametrize("text", ["max(1e-30, 1e6)", "min(1e6, 1e300)"])
def test_numbers_that_are_no_powers_may_be_far_apart(text):
    assert read(text).value == 1e6


@pytest.mark.parametrize("case", ["0", "0-vacask", "0000-vacask"])
def test_explanations_find_case_0_as_its_folder_is_called(tmp_path, case):
    file = tmp_path / "c.explanations.toml"
    file.write_text(f'[[explanation]]\ncases = ["{case}", "0023-vacask"]\ntext = "why"\n')
    found = read_explanations(file)
    assert explanation_of({"case": 0, "engine": "vacask"}, found) == "why"
    assert explanation_of({"case": 23, "engine": "vacask"}, found) == "why"
    assert explanation_of({"case": 2, "engine": "vacask"}, found) == ""
