from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import crossbar
from crossbar import Crossbar, Readout, Wires
from crossbar.circuit import linear, lines
from devices.common.errors import ConvergenceError, InputError

G = np.array([[1e-4, 2e-5, 3e-5], [5e-5, 0.0, 1e-5]])
WIRES = Wires(1.0, 2.0, 30.0, 40.0)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([[1e-4, -1e-5]], ["conductance", "-1e-05 at index (0, 1)", "[S]"]),
        ([[1e-4], [np.nan]], ["nan at index (1, 0)"]),
        ([[-np.inf]], ["-inf at index (0, 0)"]),
        ([1e-4, 1e-5], ["shape (2,)", "(rows, columns)"]),
        (np.zeros((0, 3)), ["shape (0, 3)"]),
        ([["a"]], ["not numeric"]),
        ([[1e-4 + 1e-5j]], ["not numeric"]),
    ],
)
def test_bad_cells_are_named(cells, words):
    with pytest.raises(InputError) as error:
        Crossbar(cells)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("name", ["word_line", "driver", "bit_line", "sense", "far_driver", "far_sense"])
def test_wires_refuse_what_floats_a_line(name):
    with pytest.raises(InputError, match=f"^{name}: got inf, which lets every line float"):
        Wires(**{name: float("inf")})
    for value in (-1.0, float("nan"), "1", None, [1.0, -1.0]):
        with pytest.raises(InputError, match=f"^{name}: "):
            Wires(**{name: value})


def test_wires_must_be_wires():
    with pytest.raises(InputError, match=r"wires: got 1\.0"):
        Crossbar(G, 1.0)


@pytest.mark.parametrize("voltage", [[0.1], [0.1, 0.2, 0.3], 0.1, [[0.1], [0.2]], [0.1, np.nan]])
def test_bad_voltages_are_refused(voltage):
    with pytest.raises(InputError, match=r"^voltage: .*"):
        Crossbar(G).read(voltage)


@pytest.mark.parametrize("rtol", [0.0, -1e-3, 1e-16, 2.0, float("nan")])
def test_bad_tolerance_is_refused(rtol):
    with pytest.raises(InputError, match=r"^rtol"):
        Crossbar(G).read([0.1, 0.2], rtol=rtol)


def test_crossbar_does_not_follow_its_input():
    cells = G.copy()
    array = Crossbar(cells, WIRES)
    before = array.read([0.1, 0.2]).current
    cells[0, 0] = 1.0
    assert_array_equal(array.conductance, G)
    assert_array_equal(array.read([0.1, 0.2]).current, before)
    for frozen in (array.conductance, array.transfer()):
        with pytest.raises(ValueError, match="read-only"):
            frozen[0, 0] = 1.0
    with pytest.raises(AttributeError):
        array.wires = Wires()


def test_crossbar_says_what_it_is():
    array = Crossbar(G, WIRES)
    assert (array.rows, array.columns, array.shape) == (2, 3, (2, 3))
    assert repr(array).startswith("Crossbar(2 x 3 cells of 0 to 0.0001 S, Wires(word_line=1.0")


def test_crossbar_survives_pickle():
    array = pickle.loads(pickle.dumps(Crossbar(G, WIRES)))
    assert_array_equal(array.conductance, G)
    assert array.wires == WIRES


@pytest.mark.parametrize("lead", [(), (1,), (4,), (2, 3), (0,)])
def test_shapes_follow_the_voltages(lead):
    readout = Crossbar(G, WIRES).read(np.full((*lead, 2), 0.1), nodes=True)
    assert readout.current.shape == (*lead, 3)
    assert readout.power.shape == lead
    for node in (readout.word_line_voltage, readout.bit_line_voltage, readout.cell_current):
        assert node.shape == (*lead, 2, 3)


def test_nodes_must_be_asked_for():
    readout = Crossbar(G, WIRES).read([0.1, 0.2])
    for name in ("word_line_voltage", "bit_line_voltage", "cell_current", "power"):
        with pytest.raises(InputError, match=r"nodes=True"):
            getattr(readout, name)


def test_read_only_and_strided_voltages_are_read():
    array = Crossbar(G, WIRES)
    voltage = np.array([[0.1, 9.0, 0.2], [0.3, 9.0, 0.4]])[:, ::2]
    expected = array.read(voltage.copy()).current
    voltage.setflags(write=False)
    assert_array_equal(array.read(voltage).current, expected)


def test_silent_sources_give_no_current():
    readout = Crossbar(G, WIRES).read(np.zeros((2, 2)))
    assert not readout.current.any()
    assert readout.residual == 0.0


@pytest.mark.parametrize("size", [1e-290, 1e-150, 1e-20, 1e20, 1e150])
def test_read_is_homogeneous_at_any_size(size):
    array = Crossbar(G, WIRES)
    assert_allclose(array.read([size, -2 * size]).current, size * array.read([1, -2]).current, rtol=1e-12)


def test_many_vectors_go_through_the_transfer_matrix():
    rng = np.random.default_rng(0)
    array = Crossbar(rng.uniform(1e-5, 1e-4, (12, 10)), WIRES)
    voltage = rng.normal(size=(400, 12))
    few = array.read(voltage[:3])
    many = array.read(voltage)
    assert few.iterations > 0
    assert many.iterations == 0
    assert_allclose(many.current[:3], few.current, rtol=1e-10)
    assert many.residual < 1e-12
    assert many.kcl_error == many.residual * np.abs(many.current).max()
    assert array.read(voltage[:3]).iterations == 0
    assert array.read(voltage[:3], nodes=True).iterations > 0


def test_threads_do_not_change_a_bit(monkeypatch):
    rng = np.random.default_rng(0)
    array = Crossbar(rng.uniform(1e-5, 1e-4, (64, 60)), WIRES)
    voltage = rng.normal(size=(30, 64))
    results = []
    for cores in (1, 2, 3):
        monkeypatch.setattr(linear, "cores", lambda cores=cores: cores)
        results.append(array.read(voltage, nodes=True).current)
    assert_array_equal(results[0], results[1])
    assert_array_equal(results[0], results[2])


def test_an_iteration_that_is_cut_short_says_so(monkeypatch):
    monkeypatch.setattr(linear, "_limit", lambda rows, columns: 2)
    rng = np.random.default_rng(0)
    array = Crossbar(rng.uniform(1e-4, 1e-3, (32, 32)), Wires(100.0, 100.0))
    with pytest.raises(ConvergenceError, match="after 2 iterations; allowed: 1e-12; try: transfer") as error:
        array.read(rng.random(32))
    assert error.value.residual > 1e-12
    assert array.transfer().shape == (32, 32)


def test_overflow_is_an_error_not_a_number():
    assert_allclose(Crossbar(np.full((2, 2), 1e308), Wires(1.0, 1.0)).read([1.0, 1.0]).current, [1 / 2, 1 / 3])
    with pytest.raises(ConvergenceError, match=r"^read: relative residual"):
        Crossbar(np.full((2, 2), 1e308)).read([1.0, 1.0])
    with pytest.raises(ConvergenceError, match=r"^transfer: the elimination overflowed"):
        Crossbar(np.full((2, 2), 1e308)).transfer()


def test_transfer_keeps_its_digits_where_a_cell_is_a_short():
    """Two by two with every cell shorted: four nodes in a ring of 1 ohm, solved by hand."""
    transfer = Crossbar(np.full((2, 2), 1e20), Wires(1.0, 1.0)).transfer()
    assert_allclose(transfer, [[1 / 6, 1 / 6], [1 / 3, 1 / 6]], rtol=1e-12)


def test_public_names_are_exported():
    assert crossbar.Readout is Readout
    assert set(crossbar.__all__) <= set(dir(crossbar))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = crossbar.nonsense


def test_what_rounding_leaves_is_an_error_unless_accepted():
    shape = (60, 50)
    connected = {side: np.full(n, side in ("word_left", "bit_bottom")) for side, n in
                 (("word_left", 60), ("word_right", 60), ("bit_top", 50), ("bit_bottom", 50))}  # fmt: skip
    volts = {side: np.where(on, 0.3, np.nan)[None] for side, on in connected.items()}
    conductance = np.random.default_rng(0).uniform(1e-6, 1e-4, shape)
    factors = lines.factor_lines(conductance, lines.ladders(Wires(1e3, 1e3), connected, conductance))
    with pytest.raises(ConvergenceError, match="allowed: 1e-25"):
        linear.solve_lines(factors, volts, rtol=1e-25, nodes=True)
    found = linear.solve_lines(factors, volts, rtol=1e-25, nodes=True, accept=1e-12)
    assert 1e-25 < found.residual <= 1e-12
