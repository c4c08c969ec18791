"""Circuits for PySpice, which its users can extend, run by PySpice itself with a current ngspice."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from crossbar import Crossbar, Wires
from devices import InputError, Pulses, SimulatorError, SimulatorNotFoundError, SimulatorTimeoutError, Sine, device
from netlists import NgspiceOptions, crosscheck, device_circuit, run_ngspice, run_pyspice, to_pyspice
from netlists.circuit import OperatingPoint, Transient
from netlists.engines import pyspice

pytestmark = pytest.mark.spice

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("subject", "stimulus", "allowed"),
    [
        (device("linear_ion_drift"), Sine(1.0, 1.0), 1e-6),
        (device("vteam", "memtorch", r_off=2e3), Sine(1.0, 2e6), 5e-6),
        (device("wox_scaled_decay"), Pulses(1.2, width=0.1, period=0.3, count=3), 1e-6),
        (Crossbar(np.full((5, 3), 1e-4), Wires(1.0, 2.0, 3.0, 4.0)), np.linspace(-0.3, 0.5, 5), 1e-12),
        (Crossbar([[1e-4, 0.0], [2e-5, 1e-6]]), np.array([0.1, 0.2], dtype=np.float32), 1e-12),
    ],
    ids=str,
)
def test_both_engines_agree_with_us(subject, stimulus, allowed):
    agreement = crosscheck(subject, stimulus, engine="pyspice")
    agreement.assert_within(relative=allowed)
    assert agreement.engine.startswith("PySpice 1.5 (shared), ngspice ")


def test_both_engines_return_the_same_vectors():
    circuit = device_circuit(device("vteam"), Sine(1.0, 2e6), step=1e-9)
    process, shared = run_ngspice(circuit), run_pyspice(circuit)
    assert {"time", "v(te)", "v(xsv)", "i(vin)"} <= set(process) & set(shared)
    np.testing.assert_allclose(shared["time"], process["time"], rtol=1e-12)
    np.testing.assert_allclose(shared["i(vin)"], process["i(vin)"], rtol=1e-9, atol=1e-12)


def test_a_circuit_can_be_extended_and_run_with_pyspice():
    circuit = to_pyspice(Crossbar([[1e-3]], Wires(driver=500.0)), [1.0])
    circuit.R("load", "w0_0", circuit.gnd, 1e3)
    analysis = circuit.simulator().operating_point()
    assert float(analysis["w0_0"][0]) == pytest.approx(0.5, rel=1e-12)
    assert float(analysis["vs0"][0]) == pytest.approx(0.5e-3, rel=1e-12)


def test_a_device_runs_with_pyspice():
    circuit = to_pyspice(device("linear_ion_drift"), Sine(1.0, 1.0))
    analysis = circuit.simulator().transient(step_time=1e-3, end_time=1.0, max_time=1e-3)
    assert float(max(analysis["xsv"])) == pytest.approx(0.357466901, abs=1e-6)


def test_an_extended_circuit_runs_in_a_process_that_can_be_stopped():
    circuit = to_pyspice(device("linear_ion_drift"), Sine(1.0, 1.0))
    circuit.R("load", "te", circuit.gnd, 1e3)
    waves = run_pyspice(circuit, Transient(1.0, 1e-3))
    assert waves["v(xsv)"].max() == pytest.approx(0.357466901, abs=1e-6)
    current = waves["v(te)"] * (1e-3 + 1 / (16e3 - 15.9e3 * waves["v(xsv)"]))
    np.testing.assert_allclose(-waves["i(vin)"], current, rtol=1e-9, atol=1e-15)
    with pytest.raises(SimulatorTimeoutError, match=r"PySpice: no result within 1 s.*netlist: .*\.cir"):
        run_pyspice(circuit, Transient(1e6, 1e-3), timeout=1.0)
    with pytest.raises(InputError, match="analysis: got None"):
        run_pyspice(circuit)
    with pytest.raises(InputError, match="options: got NgspiceOptions; allowed: None for a circuit of PySpice's"):
        run_pyspice(circuit, OperatingPoint(), options=NgspiceOptions())


def test_a_sweep_runs_with_pyspice():
    analysis = to_pyspice(Crossbar([[1e-3]], Wires(driver=500.0)), [1.0]).simulator().dc(Vin0=slice(0, 1, 0.25))
    np.testing.assert_allclose(np.array(analysis["vs0"]), np.linspace(0, 1, 5) / 1500.0, rtol=1e-12, atol=1e-18)


def test_it_runs_in_a_new_process_that_turns_warnings_into_errors():
    code = (
        "from crossbar import Crossbar; from netlists import to_pyspice;"
        "print(float(to_pyspice(Crossbar([[1e-3]]), [0.25]).simulator().operating_point()['vs0'][0]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "NGSPICE_LIBRARY_PATH"},
    )
    assert done.stderr == ""
    assert float(done.stdout) == pytest.approx(2.5e-4, rel=1e-12)


def test_importing_netlists_does_not_import_pyspice():
    code = "import sys, netlists; netlists.to_pyspice, netlists.crosscheck; print('PySpice' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("DC 1\nQ1 foo", "could not find a valid modelname"),
        ("DC 1\nX9 te 0 nothere", "unknown subckt: x9 te 0 nothere"),
    ],
)
def test_a_refused_circuit_raises_the_message_of_ngspice(monkeypatch, value, words):
    circuit = device_circuit(device("vteam"), Sine(1.0, 2e6), step=1e-9)
    run_pyspice(circuit)
    with monkeypatch.context() as patch:
        patch.setattr(pyspice, "source_text", lambda _: value)
        with pytest.raises(SimulatorError, match=rf"^PySpice \(exit 1\): .*{words}") as caught:
            run_pyspice(circuit)
    assert "\n" not in str(caught.value)
    crosscheck(Crossbar([[1e-3]]), [1.0], engine="pyspice").assert_within(relative=1e-12)


def test_a_circuit_that_does_not_converge_is_an_error(monkeypatch):
    monkeypatch.setattr(pyspice, "source_text", lambda _: "DC 1\nV9 te 0 2")
    with pytest.raises(SimulatorError, match=r"^PySpice \(exit 1\): .*singular matrix"):
        run_pyspice(device_circuit(device("vteam"), Sine(1.0, 2e6), step=1e-9))


def test_a_missing_library_names_the_command_that_installs_it(monkeypatch):
    from PySpice.Spice.NgSpice.Shared import NgSpiceShared

    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    monkeypatch.setattr(NgSpiceShared, "_instances", {})
    monkeypatch.setattr(NgSpiceShared, "LIBRARY_PATH", NgSpiceShared.LIBRARY_PATH)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(SimulatorNotFoundError, match="sudo apt-get install ngspice libngspice0"):
        to_pyspice(Crossbar([[1e-3]]), [1.0])
    monkeypatch.setattr("ctypes.util.find_library", lambda name: "libnothere.so.7")
    with pytest.raises(SimulatorNotFoundError, match=r"cannot load libnothere\.so\.7"):
        to_pyspice(Crossbar([[1e-3]]), [1.0])
