"""Networks of cells with a current law: closed forms, and ohmic cells of the same conductance."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossbar import (
    AnalogMatrix,
    AnalogNetwork,
    Crossbar,
    DifferentialPairs,
    PulseWidth,
    Recipe,
    Wires,
    digits,
)
from crossbar.law_reads import pulse_currents
from devices import (
    FlickerNoise,
    InputError,
    Lognormal,
    Series,
    conductance_window,
    device,
    models,
    programmed_cells,
)

RNG = np.random.default_rng(5)
WEIGHTS = RNG.normal(size=(9, 4))
INPUTS = RNG.uniform(-1.0, 1.0, (12, 9))
METAL = Wires(word_line=3.0, bit_line=2.0, driver=20.0, sense=10.0)
TRANSISTOR = Series(device("wox_scaled_decay"), device("ekv_transistor"))


def matrix(**given):
    return AnalogMatrix.program(WEIGHTS, None, Recipe(tile=(5, 4), **given), calibration=INPUTS, seed=1)


@pytest.mark.parametrize("name", [n for n in models() if device(n).state_names and not device(n).control_names])
def test_programmed_cells_have_their_conductance(name):
    cell = device(name)
    low, high = conductance_window(cell, 0.1)
    wanted = low + (high - low) * np.array([[0.0, 0.01, 0.3], [0.7, 0.99, 1.0]])
    assert_allclose(programmed_cells(cell, wanted, 0.1).conductance(0.1), wanted, rtol=1e-10, atol=1e-15 * high)
    with pytest.raises(InputError, match=r"what the cell reaches at 0\.1 V"):
        programmed_cells(cell, [1.01 * high], 0.1)


@pytest.mark.parametrize(
    ("cell", "gate"),
    [
        (device("wox_scaled_decay"), None),
        (device("yakopcic"), None),
        (Series(device("vteam"), device("resistor", r=200.0)), None),
        (TRANSISTOR, 2.0),
    ],
    ids=["wox", "yakopcic", "1R", "1T1R"],
)
def test_lengths_of_pulses_see_the_static_conductance_alone(cell, gate):
    """On ideal wires the product is that of ohmic cells, whatever the law, for inputs of one sign."""
    pulses = PulseWidth(0.3, bits=8)
    found = matrix(cell=cell, gate=gate, encoding=pulses)
    positive = np.abs(INPUTS)
    expected = np.rint(positive / found.full_scale * 255) / 255 * found.full_scale @ WEIGHTS
    assert_allclose(found.matmul(positive), expected, rtol=1e-9, atol=1e-9)


def test_pulses_on_wires_of_a_linear_cell_are_those_of_ohmic_cells():
    """VTEAM is ohmic at a fixed state."""
    pulses = PulseWidth(0.3, bits=4)
    ours = matrix(cell=device("vteam"), encoding=pulses, wires=METAL)
    ohmic = matrix(conductance_limits=conductance_window(device("vteam"), 0.3), encoding=pulses, wires=METAL)
    assert_allclose(ours.matmul(INPUTS), ohmic.matmul(INPUTS), rtol=1e-7)


@pytest.mark.parametrize("backward", [False, True])
def test_pulses_are_sums_of_reads_over_time(backward):
    """Sampled at the middle of each count, the charge is the sum of as many reads."""
    cells = device("wox_scaled_decay", w=RNG.uniform(0.0, 1.0, (5, 4)))
    array = Crossbar(cells, METAL)
    counts = RNG.integers(-7, 8, (3, 4 if backward else 5))
    found = pulse_currents(array, counts / 7, 0.6, None, backward=backward)
    summed = sum(
        array.read(np.where(np.abs(counts) > k, 0.6 * np.sign(counts), 0.0), backward=backward).current
        for k in range(7)
    )
    assert_allclose(found, summed / 7, rtol=1e-8)
    gated = Crossbar(Series(device("vteam", x=np.full((5, 4), 1e-9)), device("ekv_transistor")), METAL)
    found = pulse_currents(gated, counts / 7, 0.2, 1.5, backward=backward)
    summed = sum(
        gated.read(
            np.where(np.abs(counts) > k, 0.2 * np.sign(counts), 0.0), backward=backward, gate=np.full(5, 1.5)
        ).current
        for k in range(7)
    )
    assert_allclose(found, summed / 7, rtol=1e-8)


def test_amplitudes_see_the_whole_law():
    """One WOx cell carries gamma w sinh(delta v) + (1 - w) alpha (1 - exp(-beta v)) at every amplitude."""
    found = matrix(cell=device("wox_scaled_decay"))
    tile = found.tiles[0]
    cells = tile.crossbar.cells
    share = np.zeros(9)
    share[2] = 0.5
    assert_allclose(tile.current(share), cells.current(0.15)[2], rtol=1e-9)
    half, full = found.matmul(0.5 * INPUTS), found.matmul(INPUTS)
    assert np.abs(full - 2.0 * half).max() > 1e-3  # no product scales


def test_a_network_of_cells_with_a_law_is_the_software_with_pulses():
    task = digits()
    recipe = Recipe(cell=device("wox_scaled_decay"), encoding=PulseWidth(0.3, bits=8))
    network = AnalogNetwork.from_sklearn(task.model, recipe, calibration=task.train_inputs)
    assert abs(network.score(task.test_inputs, task.test_labels) - task.software_accuracy) < 0.005


def test_spread_beyond_what_a_cell_reaches_is_clipped_and_counted():
    found = matrix(cell=device("vteam"), effects=(Lognormal(0.5),), encoding=PulseWidth(0.3, 6))
    low, high = conductance_window(device("vteam"), 0.3)
    for tile in found.tiles:
        cells = tile.crossbar.cells.conductance(0.3)
        assert cells.min() >= low * (1 - 1e-9)
        assert cells.max() <= high * (1 + 1e-9)
    assert 0 < sum(tile.cells_outside for tile in found.tiles) < 72


def test_an_array_that_was_programmed_is_a_matrix():
    window = conductance_window(device("vteam"), 0.1)
    mapping = DifferentialPairs.fit(WEIGHTS, window)
    array = Crossbar(programmed_cells(device("vteam"), mapping.conductances(WEIGHTS), 0.1))
    found = AnalogMatrix.from_array(array, mapping, full_scale=2.0, bias=np.ones(4))
    assert_allclose(found.matmul(INPUTS), INPUTS @ WEIGHTS + 1.0, rtol=1e-9, atol=1e-12)
    ohmic = AnalogMatrix.from_array(Crossbar(mapping.conductances(WEIGHTS)), mapping)
    assert_allclose(ohmic.matmul(INPUTS), INPUTS @ WEIGHTS, rtol=1e-11, atol=1e-13)
    with pytest.raises(InputError, match="7 columns"):
        AnalogMatrix.from_array(Crossbar(np.ones((2, 7))), mapping)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cell": TRANSISTOR}, "gate: got None"),
        ({"cell": device("vteam"), "gate": 1.0}, r"gate: got 1\.0"),
        ({"conductance_limits": (1e-6, 1e-5), "gate": 1.0}, "gate: .* without cells"),
        ({"cell": device("vteam", x=[1e-9, 2e-9])}, "cell: got an ensemble"),
        ({"cell": 1e-5}, "cell: got float"),
        ({"cell": device("resistor")}, "cell: got cells without states"),
        ({"cell": device("vteam"), "conductance_limits": (1e-6, 1e-2)}, "what the cell reaches at 0.3 V"),
        ({"cell": device("vteam"), "effects": (FlickerNoise(0.1, 1.0, 10.0),)}, "effects: .*each read"),
        ({}, "conductance_limits: got None"),
    ],
)
def test_recipes_that_no_cell_can_follow_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        Recipe(**given)
