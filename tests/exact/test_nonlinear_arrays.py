"""Nonlinear arrays compared with scalar equations solved by scipy, and in the limit of ideal wires."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq

from crossbar import FLOATING, Bias, Crossbar, Wires
from crossbar.circuit import nonlinear
from crossbar.circuit.network import network
from devices import ConvergenceError, InputError, device


def wox(shape: tuple[int, int], seed: int = 0):
    return device("wox_scaled_decay", w=np.random.default_rng(seed).uniform(0.0, 1.0, shape))


def test_with_ideal_wires_cells_carry_the_currents_of_the_devices():
    cells = wox((3, 4))
    volts = np.array([[0.5, -1.0, 1.3], [0.0, 0.2, -0.4]])
    readout = Crossbar(cells).read(volts)
    assert_allclose(readout.current, cells.current(volts[:, :, None] * np.ones(4)).sum(axis=1), rtol=1e-12)


def test_cells_without_current_are_open():
    """Yakopcic's current is proportional to its state: at x = 0 a line is floating, and the error names it."""
    open_, shut = (Crossbar(device("yakopcic", x=np.full((1, 1), x))) for x in (0.0, 0.5))
    bias = Bias(word_left=0.9)
    assert shut.solve(bias).bit_line_voltage[0, 0] == pytest.approx(0.9)
    with pytest.raises(InputError, match="a floating part: bit line 0 at row 0"):
        open_.solve(bias)
    assert open_.read([0.9]).current[0] == 0.0


def test_one_cell_behind_a_resistance():
    cells = wox((1, 1))
    R = 2e5
    solution = Crossbar(cells, Wires(driver=0.25 * R, word_line=0.25 * R, bit_line=0.5 * R)).solve(Bias.read([1.5]))
    w = brentq(lambda w: float(cells.current(w)[0, 0]) - (1.5 - w) / R, 0.0, 1.5, xtol=1e-15)
    assert_allclose(solution.cell_voltage[0, 0], w, rtol=1e-10)
    assert_allclose(solution.cell_current[0, 0], (1.5 - w) / R, rtol=1e-9)


@pytest.mark.parametrize("floating", [False, True])
@pytest.mark.parametrize("segment", [10.0, 1e4])
def test_kirchhoff_at_every_node(segment, floating):
    """Kirchhoff's law, written node by node from the list of branches without code of the solver."""
    m, n = 3, 4
    cells = wox((m, n), seed=2)
    wires = Wires(segment, 0.5 * segment, 100.0, 50.0, 30.0, 20.0)
    words = np.array([1.2, FLOATING if floating else 0.4, -0.8])
    bits = np.array([0.0, FLOATING if floating else 0.3, 0.0, 0.1])
    sides = {"word_left": words, "word_right": np.full(m, FLOATING), "bit_top": np.full(n, 0.05), "bit_bottom": bits}
    if floating:
        sides["bit_top"][1] = FLOATING
    solution = Crossbar(cells, wires).solve(Bias(**sides), rtol=1e-13)
    net = network(np.ones((m, n)), wires, {name: ~np.isnan(p) for name, p in sides.items()})
    known = np.concatenate([p[~np.isnan(p)] for p in sides.values()])
    nodes = 2 * m * n

    def mismatch(potential: np.ndarray) -> np.ndarray:
        every = np.zeros(len(net.merged))
        every[:nodes], every[net.terminals] = potential, known
        flow = net.conductance * (every[net.one] - every[net.two])
        flow[: m * n] = cells.current((every[net.one] - every[net.two])[: m * n].reshape(m, n)).ravel()
        total = np.zeros_like(every)
        np.add.at(total, net.two, flow)
        np.subtract.at(total, net.one, flow)
        return 1e6 * total[:nodes]

    ours = np.concatenate([solution.word_line_voltage.ravel(), solution.bit_line_voltage.ravel()])
    largest = 1e6 * np.abs(solution.cell_current).max()
    assert np.abs(mismatch(ours)).max() < 1e-9 * largest
    assert np.abs(mismatch(ours + 1e-6)).max() > 1e-6 * largest, "the check sees a microvolt"


def test_quality_is_reported_and_power_balances():
    array = Crossbar(wox((20, 15)), Wires(20.0, 20.0, 50.0, 50.0))
    solution = array.solve(Bias.both_ends(np.random.default_rng(1).uniform(-1.5, 1.5, (3, 20))))
    assert solution.newton_steps >= 2
    assert solution.residual <= 1e-9
    assert solution.kcl_error <= 1e-9 * np.abs(solution.cell_current).sum(axis=(1, 2)).max()
    assert_allclose(solution.power, solution.wire_power + solution.cell_power, rtol=1e-10)
    assert_allclose(sum(p.sum(axis=-1) for p in solution.terminal_power.values()), solution.power, rtol=1e-12)


def test_batches_and_terminals_that_differ_between_vectors():
    array = Crossbar(wox((5, 4)), Wires(20.0, 20.0, 50.0, 50.0))
    words = np.array([[1.0, FLOATING, 0.2, 0.3, 0.4], [0.1, 0.2, FLOATING, FLOATING, 1.0], [0.5] * 5])
    together = array.solve(Bias(word_left=words, bit_bottom=0.0))
    for k, word in enumerate(words):
        alone = array.solve(Bias(word_left=word, bit_bottom=0.0))
        assert_allclose(together.word_line_voltage[k], alone.word_line_voltage, rtol=0, atol=0)
        assert_allclose(together.cell_current[k], alone.cell_current, rtol=0, atol=0)
    assert array.solve(Bias(word_left=words[None], bit_bottom=0.0)).cell_current.shape == (1, 3, 5, 4)
    assert array.read(np.zeros((0, 5))).current.shape == (0, 4)


def test_backward_reads_of_ohmic_arrays_have_the_transposed_transfer():
    rng = np.random.default_rng(0)
    array = Crossbar(rng.uniform(1e-5, 1e-4, (6, 9)), Wires(5.0, 7.0, 30.0, 40.0))
    volts = rng.uniform(0.0, 0.5, (2, 9))
    readout = array.read(volts, backward=True, nodes=True)
    assert_allclose(readout.current, volts @ array.transfer().T, rtol=1e-10)
    assert_allclose(array.read(volts, backward=True).current, readout.current, rtol=1e-10)
    assert readout.power.min() > 0.0
    nonlinear = Crossbar(wox((6, 9)), array.wires).read(volts, backward=True)
    assert np.all(nonlinear.current > 0.0)


def test_a_newton_iteration_that_ends_early_names_cells(monkeypatch):
    monkeypatch.setattr(nonlinear, "_MOST_STEPS", 1)
    with pytest.raises(
        ConvergenceError, match=r"after 1 Newton steps; .* worst: cell \(\d, \d\) by .* A.*; try: "
    ) as error:
        Crossbar(wox((4, 4)), Wires(1e3, 1e3)).solve(Bias.read([1.0, 2.0, 1.5, 0.5]))
    assert 0.0 < error.value.residual < 1.0


def test_functions_for_ohmic_cells_are_refused():
    array = Crossbar(wox((2, 2)))
    for call in (array.transfer, lambda: array.conductance):
        with pytest.raises(InputError, match="cells with a current law"):
            call()
    with pytest.raises(InputError, match="these cells have no gate"):
        array.read([1.0, 0.0], gate=1.0)
    with pytest.raises(InputError, match=r"devices of shape \(\)"):
        Crossbar(device("wox_scaled_decay"))
    with pytest.raises(InputError, match="ohmic cells"):
        _ = Crossbar([[1e-5]]).cells
