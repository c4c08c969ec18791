"""Models that users write: they work wherever a registered name does, and a wrong declaration says what is wrong."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import sympy

from crossbar import Bias, Crossbar, Wires
from devices import (
    VOLTAGE,
    Constant,
    Control,
    CycleNoise,
    DeviceModel,
    InputError,
    Measured,
    Parameter,
    ParameterSet,
    Part,
    PulseDirection,
    PulseUpdate,
    Series,
    Sine,
    State,
    Unknown,
    apply_pulses,
    citations,
    device,
    fit,
    fit_population,
    load_set,
    models,
    parameter_sets,
    pulse_train,
    register,
    save_set,
    simulate,
    switching_time,
)
from devices.registry import forget
from netlists import crossbar_circuit, crosscheck, device_circuit, external, write_netlist

X = State("x", "1", "filled fraction")
G = Parameter("g_max", "S", "conductance when filled", lower=0.0, open_lower=True)
K = Parameter("k", "1/(V s)", "rate", lower=0.0)
SET = ParameterSet("paper", {"g_max": 1e-4, "k": 2.0}, {"x": 0.1}, "the paper's table 1", "ours")


def declare(**changes):
    return DeviceModel(
        **{
            "name": "my_device",
            "title": "My device: linear growth",
            "states": (X,),
            "parameters": (G, K),
            "current": G.symbol * X.symbol * VOLTAGE,
            "rates": (K.symbol * VOLTAGE,),
            "parameter_sets": (SET,),
            "references": ("A. Author, Journal 1, 2 (2026)",),
            "validity": "Between -1 and 1 V.",
            **changes,
        }
    )


#: The same device as somebody else may have written it, with its state as a voltage on a capacitor.
THEIRS = """.subckt theirs p n
Bx 0 x I=2*V(p,n)
Cx x 0 1
.ic V(x)=0.1
Bi p n I=1e-4*V(x)*V(p,n)
.ends
"""


@pytest.fixture
def mine():
    return declare()


@pytest.fixture
def session():
    """Leave the registry as it was."""
    yield
    forget()


def test_a_model_of_ones_own_is_a_device_without_being_registered(mine):
    cell = device(mine, k=np.array([1.0, 3.0]))
    assert cell.model is mine
    trace = simulate(cell, Constant(0.5, 1.0), samples=3)
    np.testing.assert_allclose(trace.state[:, -1, 0], [0.6, 1.0], rtol=1e-9)
    assert "my_device" not in models()
    other = ParameterSet("other", {"g_max": 2e-4, "k": 1.0}, {"x": 0.5}, "here", "ours")
    np.testing.assert_allclose(device(mine, other).current(1.0), 1e-4)
    assert list(parameter_sets(mine)) == ["paper"]
    assert [c.text for c in citations(cell)] == [*mine.references, SET.source]
    assert pickle.loads(pickle.dumps(cell)).model.name == "my_device"
    assert switching_time(device(mine), 0.5, stop=0.6) == pytest.approx(0.5)
    with pytest.raises(InputError, match=r"model: got 3.5; allowed: a DeviceModel, or the name of one"):
        device(3.5)


def test_it_works_in_arrays_netlists_and_against_spice(mine):
    cells = device(mine, x=[[0.2, 0.4], [0.6, 0.8]])
    array = Crossbar(cells, Wires(1.0, 1.0))
    ohmic = Crossbar(1e-4 * np.array([[0.2, 0.4], [0.6, 0.8]]), Wires(1.0, 1.0))
    np.testing.assert_allclose(array.read([0.1, 0.2]).current, ohmic.read([0.1, 0.2]).current, rtol=1e-10)
    pair = Series(device("exponential_selector"), device(mine))
    assert 0 < pair.current(1.0) < 1e-4
    for circuit in (device_circuit(device(mine), device(mine).loop()), crossbar_circuit(array, Bias.read([0.1, 0.2]))):
        for dialect in ("ngspice", "xyce", "ltspice", "spectre", "vacask"):
            assert any("my_device" in text for text in write_netlist(circuit, dialect).values())
    crosscheck(device(mine), device(mine).loop()).assert_within(1e-6)
    crosscheck(array, [0.1, 0.2]).assert_within(1e-9)
    theirs = external(THEIRS, name="theirs", ports={"te": "p", "be": "n"})
    crosscheck(device(mine), Sine(0.2, 1.0), against=theirs).assert_within(1e-6)


def test_it_is_fitted_and_its_sets_are_kept(mine, tmp_path, session):
    true = device(mine, g_max=3e-4, k=1.5)
    trace = simulate(true, true.loop(), samples=200)
    measured = Measured.trace(trace.time, trace.voltage, trace.current)
    found = fit(mine, measured, seed=1)
    assert found.values["g_max"] == pytest.approx(3e-4, rel=1e-3)
    assert found.values["k"] == pytest.approx(1.5, rel=1e-3)
    made = found.to_set("fitted", source="a test")
    register(made, mine)
    assert list(parameter_sets(mine)) == ["paper", "fitted"]
    assert device(mine, "fitted").parameters["k"] == found.values["k"]
    file = save_set(made, mine, tmp_path / "mine.toml")
    assert load_set(file, mine).values == made.values
    records = []
    for factor in (0.9, 1.0, 1.2):
        each = simulate(device(mine, g_max=factor * 3e-4, k=factor * 1.5), true.loop(), samples=100)
        records.append(Measured.trace(each.time, each.voltage, each.current))
    assert fit_population(records, model=mine, seed=1).count == 3


def test_a_registered_model_has_a_name_in_this_session(mine, session):
    register(mine)
    assert models()["my_device"] is mine
    assert device("my_device").model is mine
    assert ("my_device", "paper") in parameter_sets()
    assert "my_device" in repr(models())
    with pytest.raises(
        InputError, match=r"model: got the name 'my_device', taken by one from this session.*replace=True"
    ):
        register(declare())
    other = declare(title="Another")
    register(other, replace=True)
    assert models()["my_device"] is other
    with pytest.raises(InputError, match=r"the name 'vteam', taken by one from devices.library.vteam.*another name"):
        register(declare(name="vteam"), replace=True)
    with pytest.raises(InputError, match=r"model: got 'vteam'; allowed: None when a model is registered"):
        register(mine, "vteam")
    with pytest.raises(InputError, match=r"set: got str; allowed: a ParameterSet, or a DeviceModel"):
        register("vteam")
    with pytest.raises(InputError, match=r"model: got none; allowed: the model whose set it is"):
        register(SET)


def test_a_pulsed_synapse_is_one_declaration(tmp_path):
    width, up = Parameter("t_p", "s", "width of a pulse", lower=0.0), Parameter("v_th", "V", "threshold", lower=0.0)
    step = Parameter("dx", "1", "step of a pulse", lower=0.0)
    beyond = sympy.Heaviside(VOLTAGE - up.symbol) - sympy.Heaviside(-VOLTAGE - up.symbol)
    values = {"g_max": 1e-4, "t_p": 1e-6, "v_th": 0.5, "dx": 0.05}
    directions = (PulseDirection(s, above="v_th", width="t_p", step="dx") for s in (1.0, -1.0))
    pulsed = declare(
        name="equal_steps",
        parameters=(G, width, up, step),
        rates=(step.symbol / width.symbol * beyond,),
        parameter_sets=(
            ParameterSet("mine", values, {"x": 0.1}, "a test", "ours", cycle_noise=CycleNoise(0.5)),
            ParameterSet("silent", values, {"x": 0.1}, "a test", "ours"),
        ),
        pulse_update=PulseUpdate(*directions),
    )
    cell = device(pulsed)
    np.testing.assert_allclose(apply_pulses(cell, [0.1], 5), [0.35])
    np.testing.assert_allclose(apply_pulses(cell, [0.1], -1), [0.05])
    trace = simulate(cell, pulse_train(cell, 3))
    assert trace.state[-1, 0] == pytest.approx(0.25, rel=1e-6)
    noise = CycleNoise.published(cell)
    assert noise == CycleNoise(0.5)
    drawn = apply_pulses(device(pulsed, dx=np.full(4000, 0.05)), [0.1], 1, seed=1, c2c=noise)
    assert np.std(drawn) == pytest.approx(0.025, rel=0.05)
    with pytest.raises(InputError, match=r"equal_steps \(silent\); allowed: sets with noise: mine"):
        CycleNoise.published(device(pulsed, "silent"))
    for name in ("mine.toml", "mine.json"):
        assert load_set(save_set(pulsed.parameter_sets[0], pulsed, tmp_path / name), pulsed).cycle_noise == noise
    broken = json.loads((tmp_path / "mine.json").read_text()) | {"cycle_noise": {"sigma": 1.0}}
    (tmp_path / "mine.json").write_text(json.dumps(broken))
    with pytest.raises(InputError, match=r"mine.json: cycle_noise: got .*; allowed: a table with std"):
        load_set(tmp_path / "mine.json", pulsed)
    with pytest.raises(
        InputError, match=r"device: got my_device; allowed: a device whose model has a pulse_update: .*pcm"
    ):
        apply_pulses(device(declare()), [0.1], 1)
    wrong = PulseUpdate(*(PulseDirection(s, above="v_thr", width="t_p") for s in (1.0, -1.0)))
    with pytest.raises(InputError, match=r"equal_steps.pulse_update.up: got 'v_thr'; .*try: v_th"):
        replace(pulsed, pulse_update=wrong)
    with pytest.raises(InputError, match=r"sign: got 0.5"):
        PulseDirection(0.5, above="v_th", width="t_p")


def test_the_further_parts_of_a_declaration():
    """A gate, an inner unknown and letters, all from the public names."""
    gate, u = Control("g", "gate"), sympy.Symbol("u", real=True)
    r = Parameter("r", "ohm", "series resistance", lower=0.0, open_lower=True)
    letter = sympy.Symbol("G_x", real=True)
    inner = Unknown("u", "V", "inner voltage", (VOLTAGE - u) / r.symbol - letter * u, (0, VOLTAGE))
    model = declare(
        parameters=(G, K, r),
        controls=(gate,),
        unknown=inner,
        parts=(Part(letter, G.symbol * X.symbol),),
        current=letter * u,
        rates=(K.symbol * u * sympy.Heaviside(gate.symbol),),
        parameter_sets=(replace(SET, values={**SET.values, "r": 1e4}),),
    )
    assert model.written.current == letter * u
    assert letter not in model.current.free_symbols
    assert letter not in model.unknown.residual.free_symbols
    assert device(model).current(1.0, [0.5], [1.0]) == pytest.approx(1.0 / (1e4 + 1 / 0.5e-4))
    assert declare(parts=(Part(letter, 2),), current=letter * G.symbol * VOLTAGE).current == 2 * G.symbol * VOLTAGE
    named = model.with_sets([replace(SET, name="more", values={**SET.values, "r": 1.0})])
    assert named.written == model.written
    assert named.current == model.current
    assert pickle.loads(pickle.dumps(model)).current == model.current


LOOKALIKE, UNDEFINED = sympy.Symbol("v"), sympy.Function("f")
WRONG = [
    ({"current": "g_max*x*v"}, r"my_device.current: got 'g_max\*x\*v'; allowed: a SymPy expression.*VOLTAGE"),
    ({"current": None}, r"my_device.current: got None; allowed: a SymPy expression"),
    ({"current": VOLTAGE > 0}, r"my_device.current: got v > 0; allowed: a SymPy expression"),
    ({"current": G.symbol * LOOKALIKE}, r"my_device.current: got another symbol with the name v; .*try: VOLTAGE"),
    ({"current": sympy.Symbol("g_max") * VOLTAGE}, r"another symbol with the name g_max; .*try: .* own .symbol"),
    ({"current": sympy.Symbol("g_mx", real=True) * VOLTAGE}, r"my_device.current: got unknown symbol g_mx; .*: g_max"),
    ({"current": G.symbol * VOLTAGE * UNDEFINED(X.symbol)}, r"my_device.current: got f\(x\); allowed: functions"),
    ({"current": VOLTAGE * X.symbol}, r"my_device.current: got v\*x \[V\] as current; allowed: \[A\]"),
    ({"rates": K.symbol * VOLTAGE}, r"my_device.rates: got k\*v; allowed: a tuple of SymPy expressions"),
    ({"rates": (K.symbol * VOLTAGE, 0)}, r"my_device.rates: got a law without a state"),
    ({"rates": ("k*v",)}, r"my_device.rates\[0\]: got 'k\*v'; allowed: a SymPy expression"),
    ({"rates": (VOLTAGE,)}, r"my_device.x: got v \[V\] as rate; allowed: \[1/s\]"),
    ({"states": X}, r"my_device.states: got State\(.*; allowed: a tuple of State"),
    ({"states": ("x",)}, r"my_device.states\[0\]: got 'x'; allowed: a State"),
    ({"parameters": (G, "k")}, r"my_device.parameters\[1\]: got 'k'; allowed: a Parameter"),
    ({"parameters": 7}, r"my_device.parameters: got 7; allowed: a tuple of Parameter"),
    ({"parameter_sets": SET}, r"my_device.parameter_sets: got ParameterSet"),
    ({"parameter_sets": (replace(SET, values={"g_max": 1e-4}),)}, r"my_device.paper: parameters: got missing k"),
    ({"parameter_sets": (replace(SET, values={**SET.values, "K": 1.0}),)}, r"paper: parameters: got unknown K"),
    ({"parameter_sets": (replace(SET, initial={"x": 2.0}),)}, r"my_device.paper.x: got 2; allowed: .*<= 1"),
    ({"references": "A. Author"}, r"my_device.references: got 'A. Author'; allowed: a tuple of str"),
    ({"references": (2026,)}, r"my_device.references\[0\]: got 2026; allowed: a str"),
    ({"name": "my device"}, r"DeviceModel.name: got 'my device'; allowed: a letter"),
    ({"name": 3}, r"DeviceModel.name: got 3; allowed: a text"),
    ({"unknown": "u"}, r"my_device.unknown: got 'u'; allowed: an Unknown, or None"),
    ({"pulse_update": True}, r"my_device.pulse_update: got True"),
    ({"parts": (Part(sympy.Symbol("a"), "x"),)}, r"my_device.a: got 'x'; allowed: a SymPy expression"),
    ({"parts": (Part(sympy.Symbol("a"), sympy.Symbol("b")),)}, r"my_device.a: got unknown symbol b"),
    ({"parts": (Part("a", X.symbol),)}, r"my_device.parts: got the letter 'a'; allowed: a SymPy symbol"),
    (
        {"unknown": Unknown("u", "V", "inner", VOLTAGE, VOLTAGE)},
        r"my_device.u.between: got v; allowed: two ",
    ),
    ({"unknown": Unknown("u", "V", "inner", "v", (0, VOLTAGE))}, r"my_device.u: got 'v'; allowed: a SymPy expression"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG, ids=[str(k) for k in range(len(WRONG))])
def test_a_wrong_declaration_says_what_is_wrong(changes, message):
    with pytest.raises(InputError, match=message):
        declare(**changes)


def test_numbers_and_lists_are_taken_as_they_are_meant():
    model = declare(states=[X], parameters=[G, K], rates=[0], references=["A. Author"])
    assert model.rates == (sympy.Integer(0),)
    assert model.states == (X,)
    trace = simulate(device(model), Constant(1.0, 1.0), samples=2)
    assert trace.state[-1, 0] == 0.1


def test_a_model_by_name_loads_one_file():
    """Whatever the library holds: the other files, and the whole laws, wait until somebody asks for them."""
    code = (
        "import sys, devices; cell = devices.device(sys.argv[1]);"
        "print(*sorted(m for m in sys.modules if m.startswith('devices.library.')), 'current' in vars(cell.model))"
    )
    loaded = {}
    for name in ("vteam", "jart_vcm", "team_exponential_kvatinsky", "linear_ion_drift_joglekar", "sinh_cell"):
        done = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True)
        *loaded[name], _ = done.stdout.split()
    assert loaded["vteam"] == ["devices.library.vteam"]
    assert loaded["jart_vcm"] == ["devices.library.jart"]
    assert all(len(files) == 1 for files in loaded.values()), loaded
    done = subprocess.run([sys.executable, "-c", code, "jart_vcm"], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False", "the laws of JART were expanded before they were asked for"
