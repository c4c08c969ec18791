"""ngspice 39 of Debian 12 and 44 of Debian 13: the same results of devices, arrays, all analyses and subcircuits."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crossbar import AnalogMatrix, Bias, Crossbar, Recipe, Short, Wires
from devices import Pulses, Series, SimulatorConvergenceError, SimulatorError, SimulatorNotFoundError, Sine, device
from netlists import (
    AC,
    DCSweep,
    Noise,
    OperatingPoint,
    crossbar_circuit,
    crosscheck,
    external,
    ngspice_version,
    run_ngspice,
    run_sweep,
    tiles_circuit,
    write_netlist,
)
from netlists.circuit import Circuit, Resistor, VoltageSource

pytestmark = pytest.mark.spice

ROOT = Path(__file__).parents[2]
FOLDER = Path(sys.prefix) / "ngspice-44"


def newer():
    """Return the folder of ngspice 44; where there is none, fail in CI and skip elsewhere."""
    if not (FOLDER / "bin" / "ngspice").exists():
        reason = f"no ngspice 44 in {FOLDER}; run tools/ngspice-44.sh {FOLDER}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return FOLDER


@pytest.fixture(params=["on PATH", "44"], autouse=True)
def version(request, monkeypatch):
    """The ngspice that runs: the one on PATH, or version 44."""
    if request.param == "44":
        monkeypatch.setenv("MEMDUCTANCE_NGSPICE", str(newer() / "bin" / "ngspice"))
    else:
        monkeypatch.delenv("MEMDUCTANCE_NGSPICE", raising=False)
    return request.param


def test_the_chosen_version_runs(version):
    if version == "44":
        assert ngspice_version().startswith("44")
    agreement = crosscheck(Crossbar([[1e-3]]), [1.0])
    assert agreement.engine == f"ngspice {ngspice_version()}"


def test_a_program_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("MEMDUCTANCE_NGSPICE", "/nowhere/ngspice")
    with pytest.raises(
        SimulatorNotFoundError, match=r"MEMDUCTANCE_NGSPICE names '/nowhere/ngspice', which is no program"
    ):
        ngspice_version()


@pytest.mark.parametrize(
    ("name", "wave", "allowed"),
    [
        ("linear_ion_drift", Sine(1.0, 1.0), 1e-6),
        ("vteam", Sine(1.0, 2e6), 5e-6),
        ("wox_scaled_decay", Pulses(1.2, width=0.1, period=0.3, count=3), 1e-6),
    ],
)
def test_devices_over_time(name, wave, allowed):
    crosscheck(device(name), wave).assert_within(relative=allowed)


def test_devices_with_inner_unknowns_and_nodes_for_subexpressions():
    array = Crossbar(device("simmons_tunnel_barrier", w=[[1.2e-9, 1.3e-9], [1.5e-9, 1.9e-9]]), Wires(5.0, 5.0, 10.0))
    crosscheck(array, [0.3, -0.2]).assert_within(relative=1e-9)


RNG = np.random.default_rng(7)
CELLS = Series(device("wox_scaled_decay", w=RNG.uniform(0.0, 1.0, (3, 4))), device("ekv_transistor"))
METAL = Wires(
    RNG.uniform(1.0, 9.0, (3, 5)), RNG.uniform(1.0, 9.0, (4, 4)), driver=20.0, sense=30.0, far_sense=40.0,
    word_line_capacitance=1e-13, shorts=(Short("word", 0, 1, 50.0),),
).with_open("bit", 2, 1, shape=(3, 4))  # fmt: skip


def test_arrays_at_rest_and_many_vectors():
    gated = Crossbar(CELLS, replace(METAL, shorts=()))
    bias = Bias(word_left=[0.3, 0.5, -0.2], bit_bottom=0.0, bit_top=[0.0, 0.1, 0.0, 0.0])
    crosscheck(gated, bias, gate=[1.0, 1.5, 0.8], bulk=-0.1).assert_within(relative=1e-8)
    ohmic = Crossbar(RNG.uniform(1e-6, 1e-3, (3, 4)), METAL)
    vectors = RNG.uniform(-1.0, 1.0, (4, 3))
    crosscheck(ohmic, vectors).assert_within(relative=1e-10)
    circuit = crossbar_circuit(ohmic, [0.0, 0.0, 0.0])
    waves = run_sweep(circuit, {f"Vin{i}": vectors[:, i].tolist() for i in range(3)})
    np.testing.assert_allclose(waves["i(vs1)"], [ohmic.read(v).current[1] for v in vectors], rtol=1e-9, atol=1e-18)


def test_a_transient_of_an_array_with_capacitance():
    array = Crossbar(device("vteam", x=[[1e-9]]), Wires(5.0, 5.0, 100.0, 50.0, word_line_capacitance=1e-14))
    pulse = Pulses(1.0, width=4e-9, period=1e-8, edge=1e-9)
    crosscheck(array, Bias(word_left=pulse, bit_bottom=0.0)).assert_within(relative=1e-3)


def test_small_sines_noise_and_a_nested_sweep(monkeypatch):
    """The same numbers as from the version on PATH, whose numbers are those of closed forms in other tests."""
    array = Crossbar(RNG.uniform(1e-6, 1e-3, (3, 4)), METAL)
    circuit = crossbar_circuit(array, [0.1, 0.2, 0.3])
    analyses = (
        AC("Vin1", 1e6, 1e12, 3),
        AC("Vin1", 1e6, 1.5e6, 2),
        AC("Vin1", 1e6, 1e6),
        Noise("w1_2", "Vin1", 1e6, 3e12, 3, temperature=350.0),
        DCSweep({"Vin0": slice(0.0, 0.3, 0.1), "Vin2": slice(0.2, -0.2, -0.2)}),
    )
    runs = [run_ngspice(replace(circuit, analysis=analysis)) for analysis in analyses]
    for analysis, waves in zip(analyses[:4], runs[:4], strict=True):
        np.testing.assert_allclose(waves["frequency"], analysis.frequencies, rtol=1e-11)
    monkeypatch.delenv("MEMDUCTANCE_NGSPICE", raising=False)
    for analysis, waves in zip(analyses, runs, strict=True):
        usual = run_ngspice(replace(circuit, analysis=analysis))
        assert list(waves) == list(usual)
        for name, vector in waves.items():
            np.testing.assert_allclose(vector, usual[name], rtol=1e-10, atol=1e-12 * np.abs(usual[name]).max())


def test_blocks_with_measured_currents_print_and_write_all_vectors(tmp_path):
    recipe = Recipe(conductance_limits=(1e-6, 1e-4), tile=(4, 4), wires=Wires(2.0, 3.0, driver=20.0, sense=30.0))
    inputs = RNG.normal(size=(5, 6))
    matrix = AnalogMatrix.program(RNG.normal(size=(6, 3)), RNG.normal(size=3), recipe, calibration=inputs)
    share = matrix.shares(inputs[0])
    circuit = tiles_circuit(matrix.tiles, share)
    (tmp_path / "circuit.cir").write_text(write_netlist(circuit)["circuit.cir"])
    said = subprocess.run(
        [os.environ.get("MEMDUCTANCE_NGSPICE", "ngspice"), "-b", "circuit.cir"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [float(text) for text in re.findall(r"^i\(vs\d+_\d+\) = (\S+)", said.stdout, re.MULTILINE)]
    wanted = np.concatenate([tile.current(share) for tile in matrix.tiles])
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12 * np.abs(wanted).max())
    waves = run_ngspice(circuit)
    np.testing.assert_allclose([waves[f"i({name})"][0] for name in circuit.measured], found, rtol=1e-12)


def test_a_subcircuit_by_others():
    text = """* linear ion drift without a window, in the manner of LTspice
.subckt foreign plus minus x params: Ron=100 Roff=16k D=10n uv=10f xi=0.1
Gx 0 x value={I(Vsense)*uv*Ron/D**2}
Cx x 0 1 IC={xi}
Emem plus aux value={-I(Vsense)*V(x)*(Roff-Ron)}
Rser aux mid {Roff}
Vsense mid minus 0
.ends foreign
"""
    theirs = external(
        text, name="foreign", ports={"te": "plus", "be": "minus"}, states={"x": "x"},
        parameters={"Ron": "r_on", "Roff": "r_off", "xi": "x", "D": "d", "uv": "mu_v"},
    )  # fmt: skip
    crosscheck(device("linear_ion_drift"), Sine(1.0, 1.0), against=theirs).assert_within(relative=1e-6)


def circuit_of(*resistances):
    nets = [f"n{k}" for k in range(len(resistances))] + ["0"]
    return Circuit(
        "a chain",
        (
            VoltageSource("V1", "n0", "0", 1.0),
            *(Resistor(f"R{k}", *nets[k : k + 2], r) for k, r in enumerate(resistances)),
        ),
        OperatingPoint(),
    )


def test_errors_say_why():
    two = replace(circuit_of(1.0), elements=(*circuit_of(1.0).elements, VoltageSource("V2", "n0", "0", 2.0)))
    with pytest.raises(SimulatorConvergenceError, match="singular matrix"):
        run_ngspice(two)
    with pytest.raises(SimulatorConvergenceError, match=r"^ngspice: singular matrix: check node x, which floats"):
        run_ngspice("* 0 V without a word of ngspice\nV1 a 0 1\nR1 a 0 1\nR2 x y 1\nR3 x y 2\n.op\n.end\n")
    with pytest.raises(SimulatorError, match=r"unknown subckt: x1 a 0 nothere"):
        run_ngspice("* t\nV1 a 0 1\nX1 a 0 nothere\n.op\n.end\n")
    small = circuit_of(1e-13, 1e-13)
    if ngspice_version().startswith("39"):
        assert run_ngspice(small)["v(n1)"][0] == pytest.approx(0.5)
    else:
        with pytest.raises(
            SimulatorError, match=r"ngspice solved another circuit: .*r[01] is too small, set to 1.0*e-12"
        ):
            run_ngspice(small)


#: Run under the C library of ngspice 44; the first argument is a Python that does the same.
PYSPICE = """
import sys
sys.executable = sys.argv[1]
from crossbar import Bias, Crossbar, Wires
from devices import SimulatorError, Sine, device
from netlists import AC, DCSweep, Noise, OperatingPoint, Transient, run_pyspice, to_pyspice
array = Crossbar([[1e-4, 2e-4]], Wires(5.0, 5.0, 50.0, 20.0, word_line_capacitance=1e-12))
circuit = to_pyspice(array, Bias(word_left=0.3), ports=["bit_bottom"])
for j in range(2):
    circuit.VCVS(f"gain{j}", f"out{j}", circuit.gnd, circuit.gnd, f"g{j}", voltage_gain=1e9)
    circuit.R(f"feedback{j}", f"g{j}", f"out{j}", 1e4)
waves = run_pyspice(circuit, OperatingPoint())
print(waves.engine)
print(waves["v(out0)"][0])
print(run_pyspice(circuit, DCSweep({"Vin0": slice(0.0, 0.3, 0.1)}))["v(out0)"][3])
print(run_pyspice(circuit, AC("Vin0", 1.0, 10.0))["v(out0)"][0])
print(run_pyspice(circuit, Noise("out0", "Vin0", 1.0, 10.0))["onoise_spectrum"][0])
drift = to_pyspice(device("linear_ion_drift"), Sine(1.0, 1.0))
print(max(float(x) for x in drift.simulator().transient(step_time=1e-3, end_time=1.0, max_time=1e-3)["xsv"]))
drift.X("9", "nothere", "te", drift.gnd)
try:
    run_pyspice(drift, Transient(1.0, 1e-3))
except SimulatorError as error:
    print(error)
"""


def test_pyspice_loads_the_library_of_44(tmp_path, version):
    """In a process under the C library of 44, as is the one that runs the circuit."""
    if version != "44":
        return
    folder = newer()
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{folder}/bin/run" "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        [python, "-c", PYSPICE, python], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "NGSPICE_LIBRARY_PATH": str(folder / "libngspice.so.0")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    shared, read, swept, gain, density, loop, refused = done.stdout.splitlines()
    assert shared.startswith("PySpice 1.5 (shared), ngspice 44")
    array = Crossbar([[1e-4, 2e-4]], Wires(5.0, 5.0, 50.0, 20.0, word_line_capacitance=1e-12))
    current = array.read([0.3]).current[0]
    assert float(read) == pytest.approx(-1e4 * current, rel=1e-7)
    assert float(swept) == pytest.approx(float(read), rel=1e-12)
    assert complex(gain) == pytest.approx(-1e4 * current / 0.3, rel=1e-6)
    assert float(density) > np.sqrt(4 * 1.38e-23 * 300.15 * 1e4)
    assert float(loop) == pytest.approx(0.357466901, abs=1e-6), "the closed form of a drift without a window"
    assert refused.startswith("PySpice (exit 1): "), "with the reason of ngspice"
    assert "unknown subckt: x9 te 0 nothere" in refused
