"""Responses to small sines, noise and nested sweeps: closed forms, nodal equations, and three engines."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.constants import Boltzmann

from crossbar import Bias, Crossbar, Wires
from devices import InputError, Series, Sine, device
from netlists import (
    AC,
    DIALECTS,
    DCSweep,
    Noise,
    OperatingPoint,
    crossbar_circuit,
    run_ngspice,
    run_pyspice,
    run_vacask,
    to_pyspice,
    write_netlist,
)
from netlists.circuit import Capacitor, Resistor, VoltageSource

ENGINES = [
    pytest.param(run_ngspice, marks=pytest.mark.spice, id="ngspice"),
    pytest.param(run_pyspice, marks=pytest.mark.spice, id="pyspice"),
    pytest.param(run_vacask, marks=pytest.mark.vacask, id="vacask"),
]
RNG = np.random.default_rng(5)
METAL = Wires(
    RNG.uniform(1.0, 9.0, (3, 4)), RNG.uniform(1.0, 9.0, (4, 3)), driver=200.0, sense=300.0,
    word_line_capacitance=2e-13, bit_line_capacitance=3e-13, crossing_capacitance=1e-14,
)  # fmt: skip
ARRAY = Crossbar(RNG.uniform(1e-6, 1e-3, (3, 3)), METAL)


def nodal(circuit):
    """Return the nets of an ohmic circuit that no source drives, its conductances, capacitances, and drives."""
    driven = {e.plus: e.name for e in circuit.elements if isinstance(e, VoltageSource)}
    nets = {n for e in circuit.elements for n in (e.plus, e.minus)} - {"0"} - set(driven)
    at = {net: k for k, net in enumerate(sorted(nets))}
    matrices = {Resistor: np.zeros((len(at),) * 2), Capacitor: np.zeros((len(at),) * 2)}
    drives = {name: np.zeros(len(at)) for name in driven.values()}
    for e in circuit.elements:
        if isinstance(e, VoltageSource):
            continue
        value = 1 / e.resistance if isinstance(e, Resistor) else e.capacitance
        for one, other in ((e.plus, e.minus), (e.minus, e.plus)):
            if one in at:
                matrices[type(e)][at[one], at[one]] += value
                if other in at:
                    matrices[type(e)][at[one], at[other]] -= value
                elif other in driven:
                    drives[driven[other]][at[one]] += value
    return at, matrices[Resistor], matrices[Capacitor], drives


@pytest.mark.parametrize("run", ENGINES)
def test_the_response_of_one_cell_is_the_closed_form(run):
    """R to a capacitor with G to ground: H = 1 / (1 + R G + i omega R C)."""
    array = Crossbar([[1e-4]], Wires(driver=1e3, word_line_capacitance=1e-12))
    circuit = replace(crossbar_circuit(array, [0.3]), analysis=AC("Vin0", 1e5, 1e11, points=7))
    waves = run(circuit)
    frequency = waves["frequency"]
    assert frequency.dtype == float
    np.testing.assert_allclose(frequency, 1e5 * 10 ** (np.arange(43) / 7), rtol=1e-12)
    wanted = 1 / (1 + 1e3 * 1e-4 + 2j * np.pi * frequency * 1e3 * 1e-12)
    np.testing.assert_allclose(waves["v(w0_0)"], wanted, rtol=1e-11)
    np.testing.assert_allclose(waves["i(vs0)"], 1e-4 * wanted, rtol=1e-11)


@pytest.mark.parametrize("run", ENGINES)
def test_the_response_of_an_array_solves_its_nodal_equations(run):
    circuit = crossbar_circuit(ARRAY, [0.3, 0.1, 0.2])
    at, g, c, drives = nodal(circuit)
    for source in ("Vin1", "Vs2"):
        waves = run(replace(circuit, analysis=AC(source, 1e6, 1e12, points=2)))
        omega = 2j * np.pi * waves["frequency"]
        wanted = np.linalg.solve(
            g + omega[:, None, None] * c, np.broadcast_to(drives[source], (omega.size, len(at)))[..., None]
        )
        found = np.stack([waves[f"v({net})"] for net in at], axis=-1)
        np.testing.assert_allclose(found, wanted[..., 0], rtol=0, atol=1e-11)


@pytest.mark.parametrize("run", ENGINES)
def test_the_response_at_low_frequency_is_the_transfer_matrix(run):
    circuit = crossbar_circuit(ARRAY, [0.0, 0.0, 0.0])
    found = [
        [run(replace(circuit, analysis=AC(f"Vin{i}", 1e-3, 1e-3)))[f"i(vs{j})"][0].real for j in range(3)]
        for i in range(3)
    ]
    np.testing.assert_allclose(found, ARRAY.transfer(), rtol=1e-10)


@pytest.mark.parametrize("run", ENGINES)
def test_devices_answer_with_their_slope_at_the_operating_point(run):
    """States are held: the response is the slope of the current of a read, found by differences of our solver."""
    cells = Series(device("wox_scaled_decay", w=[[0.2, 0.7], [0.5, 0.9]]), device("ekv_transistor"))
    array = Crossbar(cells, replace(METAL, word_line=2.0, bit_line=3.0))
    volts, gate = np.array([0.4, 0.6]), [1.0, 1.3]
    circuit = crossbar_circuit(array, volts, gate=gate)
    waves = run(replace(circuit, analysis=AC("Vin1", 1.0, 1.0)))
    step = 1e-4 * np.array([0.0, 1.0])
    currents = [array.read(volts + s * step, gate=gate).current for s in (-2, -1, 1, 2)]
    wanted = np.array([1, -8, 8, -1]) @ np.array(currents) / 12e-4
    np.testing.assert_allclose([waves[f"i(vs{j})"][0].real for j in range(2)], wanted, rtol=1e-8)


@pytest.mark.parametrize("run", ENGINES)
@pytest.mark.parametrize("temperature", [300.15, 400.0])
def test_ohmic_cells_have_thermal_noise(run, temperature):
    """Density 4 k T Re(1 / Y) at the net, for the whole array by the theorem of Nyquist, and referred to a source."""
    circuit = crossbar_circuit(ARRAY, [0.0, 0.0, 0.0])
    waves = run(replace(circuit, analysis=Noise("w1_2", "Vin1", 1e6, 1e12, 2, temperature)))
    assert set(waves) == {"frequency", "onoise_spectrum", "inoise_spectrum"}
    at, g, c, drives = nodal(circuit)
    net = at[circuit.net("w1_2")]
    inverse = np.linalg.inv(g + 2j * np.pi * waves["frequency"][:, None, None] * c)
    wanted = np.sqrt(4 * Boltzmann * temperature * inverse[:, net, net].real)
    # ngspice and VACASK have constants of Boltzmann of 2014 and of 1998, 3.5e-7 below and 9.4e-7 above that of 2019.
    np.testing.assert_allclose(waves["onoise_spectrum"], wanted, rtol=5e-7)
    gain = np.abs(inverse[:, net] @ drives["Vin1"])
    np.testing.assert_allclose(waves["inoise_spectrum"] * gain, waves["onoise_spectrum"], rtol=1e-9)


@pytest.mark.parametrize("run", ENGINES)
def test_a_nested_sweep_is_a_grid_of_reads(run):
    sweep = DCSweep({"Vin0": slice(0.0, 0.3, 0.1), "Vin2": slice(0.2, -0.2, -0.2)})
    assert sweep.shape == (3, 4)
    waves = run(replace(crossbar_circuit(ARRAY, [0.0, 0.1, 0.0]), analysis=sweep))
    assert set(waves) == set(run(crossbar_circuit(ARRAY, [0.0, 0.1, 0.0]))), "and nothing else"
    for name in ("Vin0", "Vin2"):
        swept = waves[f"v({'s' + name[-1]})"].reshape(sweep.shape)
        wanted = sweep.values(name)[None, :] if name == "Vin0" else sweep.values(name)[:, None]
        np.testing.assert_allclose(swept, np.broadcast_to(wanted, (3, 4)), atol=1e-15)
    grid = np.array(
        [[ARRAY.read([one, 0.1, two]).current for one in sweep.values("Vin0")] for two in sweep.values("Vin2")]
    )
    found = np.stack([waves[f"i(vs{j})"].reshape(sweep.shape) for j in range(3)], axis=-1)
    np.testing.assert_allclose(found, grid, rtol=0, atol=1e-12 * np.abs(grid).max())


@pytest.mark.spice
def test_a_circuit_of_pyspice_has_the_same_analyses():
    """Sources of constant voltage, of straight lines and of PySpice get the amplitude of 1 V."""
    neutral = crossbar_circuit(ARRAY, [0.3, 0.1, 0.2])
    circuit = to_pyspice(neutral)
    for analysis in (AC("Vin1", 1e6, 1e12, 2), Noise("w1_2", "Vin1", 1e6, 1e12, 2)):
        wanted, found = run_ngspice(replace(neutral, analysis=analysis)), run_pyspice(circuit, analysis)
        for name in wanted:
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-9, atol=1e-18)
    sweep = {"Vin0": slice(0.0, 0.2, 0.1), "vin2": slice(0.0, 0.1, 0.1)}
    found = run_pyspice(circuit, sweep)["i(vs0)"].reshape(DCSweep(sweep).shape)
    assert found[1, 2] == pytest.approx(ARRAY.read([0.2, 0.1, 0.1]).current[0], rel=1e-10)
    of_pyspice = circuit.simulator().dc(Vin0=slice(0, 0.2, 0.1), Vin2=slice(0, 0.1, 0.1))
    np.testing.assert_allclose(np.array(of_pyspice["vs0"]).reshape(2, 3), found, rtol=1e-9, atol=1e-15)
    circuit.V("mine", "x", circuit.gnd, 2)
    circuit.R("mine", "x", "w0_0", 1e3)
    one = run_pyspice(circuit, AC("vmine", 1e6, 1e9, 1))["v(w0_0)"]
    circuit["Vmine"].detach()
    circuit.SinusoidalVoltageSource("mine", "x", circuit.gnd, amplitude=1.0, ac_magnitude=1.0)
    np.testing.assert_allclose(run_pyspice(circuit, AC(None, 1e6, 1e9, 1))["v(w0_0)"], one, rtol=1e-12)
    for analysis, words in (
        (AC("Vin0", 1.0, 10.0), "analysis: got a source, while Vmine has an amplitude of its own; .*try: AC"),
        (AC("Vin9", 1.0, 10.0), "analysis: got AC with source 'Vin9'; allowed: a source of the circuit"),
        (Noise("nowhere", "Vin0", 1.0, 10.0), "output: got 'nowhere'; allowed: a net of the circuit"),
        ({"Vin9": slice(0, 1, 1)}, "analysis: got DCSweep with source 'Vin9'"),
        ({f"Vin{i}": slice(0, 1, 1) for i in range(3)}, "analysis: got a sweep of 3 sources; allowed: 2 sources"),
    ):
        with pytest.raises(InputError, match=words):
            run_pyspice(circuit, analysis)


@pytest.mark.spice
def test_small_sines_have_no_currents_of_instances():
    """ngspice gives those at rest there."""
    circuit = crossbar_circuit(Crossbar(device("wox_scaled_decay", w=[[0.2, 0.7]]), Wires(2.0, 3.0)), [0.5])
    for waves in (
        run_ngspice(replace(circuit, analysis=AC("Vin0", 1.0, 1.0))),
        run_pyspice(replace(circuit, analysis=AC("Vin0", 1.0, 1.0))),
        run_pyspice(to_pyspice(circuit), AC("Vin0", 1.0, 1.0)),
    ):
        assert {name for name in waves if name.startswith("i(")} == {"i(vin0)", "i(vs0)", "i(vs1)"}


AT_REST = crossbar_circuit(Crossbar([[1e-3]], Wires(2.0, 3.0)), [0.5])
MOVING = crossbar_circuit(Crossbar(device("vteam", x=[[1e-9]])), Bias(word_left=Sine(1.0, 1e6), bit_bottom=0.0))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AC("Vin0", 0.0, 1.0), "start: got 0"),
        (lambda: AC("Vin0", 2.0, 1.0), "stop: got 1"),
        (lambda: AC("Vin0", 1.0, 2.0, points=0), "points: got 0"),
        (lambda: Noise("w0_0", "Vin0", 1.0, 2.0, temperature=0.0), "temperature: got 0"),
        (lambda: DCSweep({}), "sources: got {}; allowed: slices by names"),
        (lambda: DCSweep({"Vin0": 1.0}), "sources: got Vin0 over 1.0; allowed: a slice"),
        (lambda: DCSweep({"Vin0": slice(0.0, 1.0)}), "step of Vin0: got None"),
        (lambda: DCSweep({"Vin0": slice(0.0, 1.0, -0.1)}), "sources: got Vin0 from 0 to 1 V in steps of -0.1 V"),
        (lambda: DCSweep({"Vin0": slice(0.0, 1.0, 0.0)}), "sources: got Vin0 from 0 to 1 V in steps of 0 V"),
        (lambda: replace(AT_REST, analysis=AC("Vin9", 1.0, 2.0)), "analysis: got AC with source 'Vin9'; allowed"),
        (lambda: replace(AT_REST, analysis=AC(None, 1.0, 2.0)), "analysis: got AC with source None"),
        (lambda: replace(AT_REST, analysis=Noise("x", "Vin0", 1.0, 2.0)), "output: got 'x'; allowed: a net of"),
        (
            lambda: replace(AT_REST, analysis=Noise("w0_0", "Vin0", 1.0, 2.0), measured=("Vs0",)),
            r"measured: got \('Vs0',\); allowed: none",
        ),
        (
            lambda: replace(MOVING, analysis=AC("Vin0", 1.0, 2.0)),
            "analysis: got AC of a circuit in which states of vteam move",
        ),
        (
            lambda: replace(
                crossbar_circuit(Crossbar([[1e-3]]), Bias(word_left=Sine(1.0, 1e6), bit_bottom=0.0)),
                analysis=DCSweep({"Vin0": slice(0, 1, 1)}),
            ),
            "analysis: got DCSweep of Vin0, which has a waveform",
        ),
    ],
)  # fmt: skip
def test_analyses_that_do_not_fit_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        write_netlist(make())


LINES = {
    "ngspice": (
        ".ac dec 5 10 1000000",
        ".options temp=26.85|.noise v(w0_0) Vin0 dec 5 10 1000000",
        ".dc Vin0 0 1.125 0.5 Vs0 0 0.225 0.1",
    ),
    "ltspice": (
        ".ac dec 5 10 1000000",
        ".temp 26.85|.noise v(w0_0) Vin0 dec 5 10 1000000",
        ".dc Vin0 0 1 0.5 Vs0 0 0.2 0.1",
    ),
    "xyce": (
        ".ac dec 5 10 1000000|.print ac precision=15",
        ".options device temp=26.85|.noise v(w0_0) Vin0 dec 5 10 1000000|.print noise precision=15 onoise inoise",
        ".dc Vin0 0 1 0.5 Vs0 0 0.2 0.1|.print dc precision=15",
    ),
    "spectre": (
        "response ac start=10.0 stop=1000000.0 dec=5",
        "warm options temp=26.85|density w0_0 0 noise start=10.0 stop=1000000.0 dec=5 iprobe=Vin0",
        "outer1 sweep dev=Vs0 param=dc start=0.0 stop=0.2 step=0.1 {"
        "|swept dc dev=Vin0 param=dc start=0.0 stop=1.0 step=0.5|}",
    ),
    "vacask": (
        "analysis circuit ac values=[10.0, 100.0, 1000.0]",
        'options temp=26.85|  analysis circuit noise out="w0_0" in="Vin0" values=[10.0, 100.0, 1000.0]',
        'sweep swept_vs0 instance="Vs0" parameter="dc" values=[0.0, 0.1, 0.2]|'
        'sweep swept_vin0 instance="Vin0" parameter="dc" values=[0.0, 0.5, 1.0]|analysis circuit op',
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_writes_every_analysis(dialect):
    stop, points = (1e3, 1) if dialect == "vacask" else (1e6, 5)
    analyses = (
        AC("Vin0", 10.0, stop, points),
        Noise("w0_0", "Vin0", 10.0, stop, points, temperature=300.0),
        DCSweep({"Vin0": slice(0, 1, 0.5), "Vs0": slice(0, 0.2, 0.1)}),
    )
    for analysis, lines in zip(analyses, LINES[dialect], strict=True):
        text = next(iter(write_netlist(replace(AT_REST, analysis=analysis), dialect).values()))
        for line in lines.split("|"):
            wanted = re.escape(line).replace("1000000", r"1000000(\.000000\d+)?")
            assert re.search(rf"^\s*{wanted}$", text, re.MULTILINE), text
        small = not isinstance(analysis, DCSweep)
        assert (re.search(r"Vin0 .*(AC 1|mag=1)$", text, re.MULTILINE) is not None) == small
        assert not re.search(r"Vs0 .*(AC 1|mag=1)$", text, re.MULTILINE)


@pytest.mark.parametrize(("dialect", "most"), [("ngspice", 2), ("ltspice", 3)])
def test_a_dialect_refuses_a_sweep_of_too_many_sources(dialect, most):
    circuit = crossbar_circuit(ARRAY, [0.0, 0.0, 0.0])
    sweep = DCSweep({name: slice(0, 1, 1) for name in ("Vin0", "Vin1", "Vin2", "Vs0")[: most + 1]})
    with pytest.raises(InputError, match=f"got a sweep of {most + 1} sources; allowed: {most} sources at most in"):
        write_netlist(replace(circuit, analysis=sweep), dialect)


@pytest.mark.spice
def test_measured_currents_of_small_sines_are_printed(tmp_path):
    import subprocess

    circuit = replace(AT_REST, analysis=AC("Vin0", 10.0, 10.0), measured=("Vs0",))
    (tmp_path / "circuit.cir").write_text(write_netlist(circuit)["circuit.cir"])
    said = subprocess.run(["ngspice", "-b", "circuit.cir"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.search(r"9\.9\d+e-04", said.stdout)
    assert OperatingPoint() == OperatingPoint()
