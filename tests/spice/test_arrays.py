"""Arrays compared with ngspice: all terminals and wires, nonlinear cells, operating points and transients."""

import numpy as np
import pytest

from crossbar import FLOATING, Bias, Crossbar, Short, Wires
from devices import InputError, Pulses, Series, Sine, device
from netlists import NgspiceOptions, crossbar_circuit, crosscheck, device_circuit, run_sweep

pytestmark = pytest.mark.spice

RESISTIVE = {"terminal current", "word-line voltage", "bit-line voltage"}


def conductances(rng, shape):
    return 10.0 ** rng.uniform(-6, -3, shape)


def metal(rng, shape, **others):
    """Wires with a different resistance in every segment and at every end."""
    rows, columns = shape
    return Wires(
        rng.uniform(1.0, 20.0, (rows, columns + 1)),
        rng.uniform(1.0, 20.0, (rows + 1, columns)),
        driver=rng.uniform(10.0, 100.0, rows),
        far_driver=rng.uniform(10.0, 100.0, rows),
        sense=rng.uniform(10.0, 100.0, columns),
        far_sense=rng.uniform(10.0, 100.0, columns),
        **others,
    )


def some_bias(rng, shape):
    """Potentials on all four sides, of which every third floats."""
    rows, columns = shape
    sides = [
        np.where(rng.random(n) < 0.33, FLOATING, rng.uniform(-1.0, 1.0, n)) for n in (rows, rows, columns, columns)
    ]
    sides[0][0] = 0.7
    return Bias(word_left=sides[0], word_right=sides[1], bit_top=sides[2], bit_bottom=sides[3])


def test_the_sneak_path_of_a_floating_array():
    array = Crossbar([[1e-4, 1e-4], [1e-4, 1e-4]])
    agreement = crosscheck(array, Bias(word_left=[0.3, FLOATING], bit_bottom=[0.0, FLOATING]))
    agreement.assert_within(relative=1e-14)
    assert set(agreement.quantities) == RESISTIVE
    # One cell in parallel with three in series.
    np.testing.assert_allclose(agreement["terminal current"].theirs, [4e-5, -4e-5], rtol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_wires_of_all_kinds_and_terminals_that_float(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 12, 2))
    array = Crossbar(conductances(rng, shape), metal(rng, shape))
    crosscheck(array, some_bias(rng, shape)).assert_within(relative=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_open_wires_and_shorts(seed):
    rng = np.random.default_rng(seed)
    shape = rows, columns = tuple(rng.integers(4, 9, 2))
    shorts = (
        Short("word", int(rng.integers(rows - 1)), int(rng.integers(columns)), 5.0),
        Short("bit", int(rng.integers(columns - 1)), int(rng.integers(rows)), 0.5),
    )
    wires = metal(rng, shape, shorts=shorts)
    for kind, lines, cells in (("word", rows, columns), ("bit", columns, rows)):
        for segment in (0, cells // 2, cells):
            wires = wires.with_open(kind, int(rng.integers(lines)), segment, shape=shape)
    bias = Bias.both_ends(rng.uniform(-1.0, 1.0, rows))
    crosscheck(Crossbar(conductances(rng, shape), wires), bias).assert_within(relative=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_shorts_of_0_ohm_and_shorted_cells(seed):
    rng = np.random.default_rng(seed)
    shape = rows, columns = tuple(rng.integers(3, 7, 2))
    shorts = [Short("word", int(rng.integers(rows - 1)), int(rng.integers(columns)), r) for r in (0.0, 0.0, np.inf)]
    shorts += [Short("bit", int(rng.integers(columns - 1)), int(rng.integers(rows)), r) for r in (0.0, 3.0)]
    cells = np.where(rng.random(shape) < 0.15, np.inf, conductances(rng, shape))
    array = Crossbar(cells, metal(rng, shape, shorts=shorts))
    crosscheck(array, some_bias(rng, shape)).assert_within(relative=1e-10)


def test_ideal_metal_from_uneven_wires_to_a_second_terminal():
    uneven = np.zeros((3, 2))
    uneven[1, 0] = 5.0
    array = Crossbar([[1e-5, 2e-5], [3e-5, 4e-5]], Wires(word_line=2.0, bit_line=uneven))
    bias = Bias(word_left=[0.3, 0.1], bit_top=0.0, bit_bottom=0.0)
    crosscheck(array, bias).assert_within(relative=1e-11)


def test_0_ohm_between_sources_that_differ_is_refused():
    array = Crossbar([[1e-5], [1e-5]], Wires(bit_line=1.0, shorts=(Short("word", 0, 0, 0.0),)))
    with pytest.raises(InputError, match=r"0 ohm between nets .* whose sources differ"):
        crossbar_circuit(array, Bias.read([0.1, 0.2]))
    assert "Vshort0" not in {e.name for e in crossbar_circuit(array, Bias.read([0.1, 0.1])).elements}


@pytest.mark.parametrize(
    "wires", [Wires(), Wires(1.0, 2.0, 3.0, 4.0, 5.0, 6.0), Wires(driver=3.0, far_driver=2.0, bit_line=1.0)], ids=str
)
def test_both_ends_are_driven(wires):
    rng = np.random.default_rng(1)
    array = Crossbar(conductances(rng, (5, 7)), wires)
    crosscheck(array, Bias.both_ends(rng.uniform(-1.0, 1.0, 5))).assert_within(relative=1e-11)


def test_a_backward_read():
    rng = np.random.default_rng(2)
    array = Crossbar(conductances(rng, (6, 4)), Wires(2.0, 3.0, 10.0, 20.0))
    voltage = rng.uniform(-1.0, 1.0, 4)
    agreement = crosscheck(array, Bias.backward(voltage))
    agreement.assert_within(relative=1e-11)
    current = array.read(voltage, backward=True).current
    np.testing.assert_allclose(-agreement["terminal current"].theirs[:6], current, rtol=1e-10)


def cells(kind, rng, shape):
    """Cells of a family, and the arguments that they need."""
    wox = device("wox_scaled_decay", w=rng.uniform(0.0, 1.0, shape))
    if kind == "wox":
        return wox, {}
    if kind == "vteam":
        return device("vteam", x=rng.uniform(0.0, 3e-9, shape)), {}
    if kind == "sinh":
        return device("sinh_cell", g=10.0 ** rng.uniform(-6, -4, shape), v0=rng.uniform(0.2, 0.4, shape)), {}
    if kind == "1S1R":
        return Series(device("exponential_selector"), wox), {}
    if kind == "1R":
        return Series(wox, device("resistor", r=rng.uniform(1e3, 1e4, shape))), {}
    return Series(wox, device("ekv_transistor")), {"gate": rng.uniform(0.0, 1.8, shape[0]), "bulk": -0.05}


FAMILIES = ["wox", "vteam", "sinh", "1S1R", "1R", "1T1R"]


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("shape", [(2, 2), (5, 9), (16, 16)], ids=str)
def test_reads_of_cells_with_a_law(kind, shape):
    rng = np.random.default_rng(5)
    law, others = cells(kind, rng, shape)
    array = Crossbar(law, Wires(2.0, 3.0, 10.0, 20.0))
    agreement = crosscheck(array, rng.uniform(-1.0, 1.0, shape[0]), **others)
    assert set(agreement.quantities) == RESISTIVE | {"cell current"}
    for name in ("word-line voltage", "bit-line voltage", "cell current"):
        assert agreement[name].worst_relative < 1e-10, f"{name}\n{agreement}"
    # A source's current is the difference of two potentials across some 10 ohm, of which doubles leave 1e-17 A open.
    assert agreement["terminal current"].worst_absolute < 1e-9 * agreement["terminal current"].scale + 1e-15


@pytest.mark.parametrize("kind", FAMILIES)
def test_floating_and_broken_lines_of_cells_with_a_law(kind):
    rng = np.random.default_rng(6)
    shape = (6, 5)
    law, others = cells(kind, rng, shape)
    array = Crossbar(law, metal(rng, shape).with_open("word", 2, 3, shape=shape))
    agreement = crosscheck(array, some_bias(rng, shape), **others)
    # A floating line has 1e-11 S through selectors next to wires of 1 S: rounding is 1e-6 of its potential.
    agreement.assert_within(relative=1e-6 if kind in ("1S1R", "1T1R") else 1e-9)


def test_gates_along_columns():
    rng = np.random.default_rng(7)
    law, _ = cells("1T1R", rng, (3, 4))
    array = Crossbar(law, Wires(2.0, 3.0), gates="columns")
    agreement = crosscheck(array, [0.3, 0.2, 0.1], gate=[1.5, 0.0, 0.5, 1.5])
    agreement.assert_within(relative=1e-9)
    current = agreement["terminal current"].theirs[-4:]
    assert np.abs(current[1]) < 1e-3 * np.abs(current[3])


def test_states_stay_at_their_start_in_an_operating_point():
    """At 1.2 V a state that is not held would move to its bound."""
    array = Crossbar(device("wox_scaled_decay", w=[[0.3]]), Wires(1.0))
    agreement = crosscheck(array, [1.2])
    current = float(array.cells.current(1.2)[0, 0])
    assert agreement["cell current"].theirs[0] == pytest.approx(current, rel=1e-3)


def test_a_wrong_array_is_detected(monkeypatch):
    """The comparison can fail: another gate voltage on our side."""
    rng = np.random.default_rng(8)
    law, _ = cells("1T1R", rng, (2, 2))
    original = Crossbar.solve
    monkeypatch.setattr(Crossbar, "solve", lambda self, bias, **given: original(self, bias, **{**given, "gate": 1.001}))
    assert crosscheck(Crossbar(law, Wires(2.0, 3.0)), [0.3, 0.2], gate=1.0).worst > 1e-5


def test_tolerances_that_ngspice_cannot_reach_are_loosened_and_named(tmp_path, monkeypatch):
    """Lines connected through selectors alone: in ngspice, rounding of 100 S of wires shifts them by microvolts."""
    monkeypatch.setattr("netlists.engines.folders.failed_folder", lambda: tmp_path)
    wox = device("wox_scaled_decay", w=np.full((3, 3), 0.5))
    cells = Series(device("exponential_selector"), wox)
    bias = Bias(word_left=[1.5, FLOATING, FLOATING], bit_bottom=[0.0, 0.1, FLOATING])
    agreement = crosscheck(Crossbar(cells, Wires(0.01, 0.01)), bias)
    assert "reltol 1e-06" in agreement.engine_tolerance
    assert list(tmp_path.iterdir()) == [], "nothing is kept of attempts that another one makes good"
    agreement.assert_within(relative=1e-4)
    # The metal carries less than 1e-6 A, hence loses less than 1e-8 V, and ours shows no more.
    ideal = crosscheck(Crossbar(cells), bias)
    assert "reltol 1e-12" in ideal.engine_tolerance
    ideal.assert_within(relative=1e-9)
    for name in ("word-line voltage", "bit-line voltage"):
        np.testing.assert_allclose(agreement[name].ours, ideal[name].theirs, rtol=0, atol=2e-8)


PULSE = Pulses(1.0, width=4e-9, period=10e-9, edge=1e-9)
LOADED = {"word_line_capacitance": 1e-14, "bit_line_capacitance": 2e-14, "crossing_capacitance": 1e-15}


def test_a_line_charges_over_its_wires():
    rng = np.random.default_rng(9)
    shape = (3, 4)
    array = Crossbar(conductances(rng, shape), metal(rng, shape, **LOADED))
    agreement = crosscheck(array, Bias(word_left=[PULSE, 0.2, FLOATING], bit_bottom=0.0), step=1e-11)
    for name in ("word-line voltage", "bit-line voltage"):
        assert agreement[name].worst_relative < 2e-5, str(agreement)
    assert agreement["terminal current"].worst_relative < 1e-3, str(agreement)
    assert "chgtol 1e-15" in agreement.engine_tolerance


@pytest.mark.parametrize(
    ("kind", "wave", "wires"),
    [
        ("wox", Sine(1.0, 10.0), Wires(5.0, 5.0, 100.0, 50.0)),
        ("vteam", PULSE, Wires(5.0, 5.0, 100.0, 50.0, **LOADED)),
        ("1R", Sine(1.2, 10.0), Wires(5.0, 5.0, 100.0, 50.0)),
        ("1T1R", Sine(1.0, 10.0), Wires(5.0, 5.0, 100.0, 50.0)),
    ],
    ids=["wox", "vteam with capacitance", "1R", "1T1R"],
)
def test_states_move_in_an_array(kind, wave, wires):
    rng = np.random.default_rng(10)
    law, others = cells(kind, rng, (2, 2))
    agreement = crosscheck(
        Crossbar(law, wires), Bias(word_left=[wave, 0.2], bit_bottom=0.0), step=wave.duration / 200, **others
    )
    (state,) = (q for name, q in agreement.quantities.items() if name.startswith("state "))
    assert np.ptp(state.ours.reshape(4, -1), axis=1).max() > 0.01, "a state must move for this test to mean much"
    assert state.worst_relative < 1e-5, str(agreement)
    assert agreement.worst < 1e-4, str(agreement)


def test_a_constant_bias_for_a_duration():
    array = Crossbar(device("wox_scaled_decay", w=[[0.2, 0.6]]), Wires(5.0, 5.0))
    agreement = crosscheck(array, [0.9], duration=0.05, step=1e-3)
    agreement.assert_within(relative=1e-6)
    assert agreement["state w"].ours.size == 2 * agreement["terminal current"].ours.size // 3


def test_a_picture_of_several_terminals():
    array = Crossbar(device("wox_scaled_decay", w=[[0.2, 0.6]]), Wires(5.0, 5.0))
    ax = crosscheck(array, [0.9], duration=0.05, step=1e-3).plot()
    time = ax.lines[0].get_xdata()
    assert np.isnan(time).sum() == 2, "three terminals are three lines"


@pytest.mark.parametrize("kind", ["wox", "1R"])
def test_pyspice_agrees_too(kind):
    rng = np.random.default_rng(11)
    law, others = cells(kind, rng, (3, 3))
    bias = Bias(word_left=[0.5, FLOATING, -0.5], bit_bottom=0.0, bit_top=[0.0, FLOATING, FLOATING])
    crosscheck(Crossbar(law, Wires(2.0, 3.0)), bias, engine="pyspice", **others).assert_within(relative=1e-9)


def test_arguments_that_a_device_does_not_have_are_refused():
    for name, value in (("gate", 1.0), ("duration", 1.0)):
        with pytest.raises(InputError, match=f"{name}: got 1.0; allowed: None for a single device"):
            crosscheck(device("vteam"), Sine(1.0, 1e6), **{name: value})
    assert NgspiceOptions().loosened(1e3) == NgspiceOptions(reltol=1e-9, abstol=1e-15, vntol=1e-9)


@pytest.mark.parametrize("engine", ["ngspice", "pyspice"])
def test_many_vectors_in_one_run(engine):
    """Tables of two parts give the drives to the last digit; nonlinear cells with a gate for each row."""
    rng = np.random.default_rng(12)
    law, others = cells("1T1R", rng, (4, 3))
    voltage = rng.uniform(-1.0, 1.0, (5, 4))
    agreement = crosscheck(Crossbar(law, Wires(2.0, 3.0, 10.0, 20.0)), voltage, engine=engine, **others)
    agreement.assert_within(relative=1e-9)
    assert agreement["word-line voltage"].ours.size == 5 * 12
    assert ", vector " in agreement["cell current"].where
    one = crosscheck(Crossbar(law, Wires(2.0, 3.0, 10.0, 20.0)), voltage[3], **others)
    np.testing.assert_allclose(
        agreement["terminal current"].theirs.reshape(-1, 5)[:, 3], one["terminal current"].theirs, atol=1e-15
    )
    if engine == "ngspice":
        assert np.isnan(agreement.plot().lines[0].get_xdata()).sum() == 6, "seven terminals are seven lines"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"values": {"Vin9": [0.0, 1.0]}}, "values: got 'Vin9'"),
        ({"values": {"Vin0": [0.0, np.nan]}}, "values: got Vin0 with"),
        ({"values": {"Vin0": [0.0]}}, r"values: got \[1\] points; allowed: as many for each source, two at least"),
        ({"values": {}}, r"values: got \[\] points"),
        ({"values": {"Vin0": [0.0, 1.0]}, "engine": "vacask"}, "engine: got 'vacask'"),
    ],
)
def test_sweeps_that_do_not_fit(given, message):
    with pytest.raises(InputError, match=message):
        run_sweep(crossbar_circuit(Crossbar([[1e-3]]), [1.0]), **given)
    with pytest.raises(InputError, match="circuit: got Transient"):
        run_sweep(device_circuit(device("vteam"), Sine(1.0, 1.0)), {"Vin": [0.0, 1.0]})
    with pytest.raises(InputError, match="engine: got 'vacask' for many vectors"):
        crosscheck(Crossbar([[1e-3]]), [[1.0], [2.0]], engine="vacask")
