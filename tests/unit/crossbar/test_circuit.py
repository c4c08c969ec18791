"""The fast solvers against the sparse reference, over every kind of wire, shape and spread of cells."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossbar import FLOATING, Bias, Crossbar, Wires
from crossbar.circuit import coarse
from crossbar.circuit.reference import nodal_system, solve_reference

SHAPES = [(1, 1), (1, 6), (7, 1), (4, 9), (10, 5), (33, 21)]


def cells(kind: str, shape: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(shape[0])
    wide = 10 ** rng.uniform(-9, -3, shape)
    if kind == "open":
        return wide * (rng.random(shape) < 0.5)
    if kind == "faint bit lines":
        return np.broadcast_to(10 ** np.linspace(-9, -3, shape[1]), shape) * rng.uniform(1, 2, shape)
    return {"wide": wide, "near": rng.uniform(1e-4, 1e-3, shape)}[kind]


def agree(array: Crossbar, voltage: np.ndarray, rtol: float) -> None:
    u, v = solve_reference(array.conductance, array.wires, Bias.read(np.atleast_2d(voltage)))
    flow = np.abs(array.conductance * (u - v)).sum(axis=1)
    current = (array.conductance * (u - v)).sum(axis=1)
    readout = array.read(np.atleast_2d(voltage), nodes=True)
    assert np.all(np.abs(readout.current - current) <= rtol * flow)
    assert np.all(np.abs(voltage @ array.transfer() - current) <= rtol * flow)
    top = np.abs(voltage).max()
    assert_allclose(readout.word_line_voltage, u, rtol=0, atol=rtol * top)
    assert_allclose(readout.bit_line_voltage, v, rtol=0, atol=rtol * top)
    assert readout.residual <= rtol
    assert readout.kcl_error <= 1e-11 * flow.max()


@pytest.mark.parametrize("kind", ["near", "wide", "open", "faint bit lines"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_combination_of_zero_resistances(shape, kind):
    rng = np.random.default_rng(0)
    voltage = np.stack([rng.uniform(0, 0.5, shape[0]), rng.normal(size=shape[0])])
    for wires in product((0.0, 2.0), (0.0, 3.0), (0.0, 40.0), (0.0, 60.0)):
        agree(Crossbar(cells(kind, shape), Wires(*wires)), voltage, 1e-11)


@pytest.mark.parametrize(
    "wires",
    [
        Wires(10.0, 10.0),
        Wires(1e3, 1e3, 0.0, 20.0),
        Wires(1e-9, 1e-9),
        Wires(1e-9, 5.0, 1e-9, 0.0),
        Wires(1e-4, 1e-4, 1e4, 1e4),
        Wires(10.0, 3.0, 1e6, 1e6),
        Wires(1e5, 0.0, 0.0, 1e5),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", ["near", "wide", "open", "faint bit lines"])
def test_extreme_wires(wires, kind):
    rng = np.random.default_rng(4)
    shape = (37, 52)
    voltage = np.stack([rng.uniform(0, 0.5, shape[0]), rng.normal(size=shape[0]), np.eye(shape[0])[3]])
    agree(Crossbar(cells(kind, shape), wires), voltage, 1e-10)


def test_current_of_each_bit_line_is_accurate_however_faint():
    array = Crossbar(cells("faint bit lines", (48, 30)), Wires(1.0, 2.0, 50.0, 50.0))
    voltage = np.random.default_rng(0).uniform(0.1, 0.5, 48)
    u, v = solve_reference(array.conductance, array.wires, Bias.read(voltage[None]))
    current = (array.conductance * (u - v)).sum(axis=1)[0]
    assert current.max() / current.min() > 1e5
    assert_allclose(array.read(voltage).current, current, rtol=1e-10)
    assert_allclose(voltage @ array.transfer(), current, rtol=1e-12)


def test_a_looser_tolerance_takes_fewer_iterations_and_holds():
    rng = np.random.default_rng(0)
    array = Crossbar(rng.uniform(1e-4, 1e-3, (96, 96)), Wires(10.0, 10.0))
    voltage = rng.uniform(0, 0.5, 96)
    exact = array.read(voltage)
    loose = array.read(voltage, rtol=1e-4)
    assert loose.iterations < exact.iterations
    assert 1e-12 < loose.residual <= 1e-4
    assert_allclose(loose.current, exact.current, rtol=1e-3)


def test_reference_matrix_is_symmetric_and_counts_each_node_once():
    G = cells("near", (3, 4))
    for wires, unknowns in [
        (Wires(1, 1), 24),
        (Wires(1, 0), 12),
        (Wires(1, 0, 0, 5), 16),
        (Wires(0, 0, 5, 5), 7),
        (Wires(), 0),
    ]:
        matrix, drive = nodal_system(G, wires)
        assert matrix.shape == (unknowns, unknowns)
        assert drive.shape == (unknowns, 3)
        assert abs(matrix - matrix.T).nnz == 0


@pytest.mark.parametrize(
    "wires",
    [
        Wires(10.0, 10.0),
        Wires(20.0, 5.0, 100.0, 50.0),
        Wires(np.linspace(5.0, 20.0, 202), 10.0, np.linspace(0.0, 50.0, 170), 1.0),
        Wires(0.0, 10.0),
    ],
    ids=["equal", "uneven kinds", "graded", "ideal word lines"],
)
@pytest.mark.parametrize("kind", ["near", "wide", "open"])
def test_the_coarse_crossbar_changes_the_path_and_not_the_answer(wires, kind, monkeypatch):
    """Hard wires at a size that no block divides, with both terminals of some lines connected and some floating."""
    rng = np.random.default_rng(3)
    array = Crossbar(10.0 * cells(kind, (170, 201)), wires)
    on_the_right = rng.random(170) < 0.3
    both = rng.random(170) < 0.3
    potential = rng.uniform(0.1, 0.5, 170)
    left = np.where(on_the_right & ~both, FLOATING, potential)
    right = np.where(on_the_right, 0.9 * potential, FLOATING)
    biases = [Bias.read(potential)]
    if np.all(wires.word_line):
        biases.append(Bias(word_left=left, word_right=right, bit_bottom=0.0))
    for bias in biases:
        quick = array.solve(bias)
        u, v = solve_reference(array.conductance, wires, bias)
        assert_allclose(quick.word_line_voltage, u[0], rtol=0, atol=1e-11)
        assert_allclose(quick.bit_line_voltage, v[0], rtol=0, atol=1e-11)
        if np.all(wires.word_line) and kind == "near":
            assert quick.iterations < 20
            monkeypatch.setattr(coarse, "_FEWEST_ITERATIONS", np.inf)
            assert Crossbar(array.conductance, wires).solve(bias).iterations > 2 * quick.iterations
            monkeypatch.undo()
