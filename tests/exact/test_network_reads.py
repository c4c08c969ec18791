"""Ranges, ageing, noise and biases of networks: closed forms, and accuracies that were found independently."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from crossbar import (
    ADC,
    AdcRange,
    Amplitude,
    AnalogMatrix,
    AnalogNetwork,
    Crossbar,
    PulseWidth,
    Recipe,
    Wires,
    digits,
)
from devices import (
    FlickerNoise,
    InputError,
    Lognormal,
    Normal,
    PowerLawDrift,
    TelegraphNoise,
    UniformLevels,
    WhiteNoise,
)
from devices.common.constants import BOLTZMANN, CHARGE

LIMITS = (0.25e-6, 8e-6)


@pytest.fixture(scope="module")
def task():
    return digits()


def network_with(task, *effects, seed=0, **others):
    recipe = Recipe(conductance_limits=LIMITS, effects=effects, **others)
    return AnalogNetwork.from_sklearn(task.model, recipe, calibration=task.train_inputs, seed=seed)


def test_accuracy_over_adc_bits(task):
    """Found independently with codes from zero to full scale: .502 .622 .891 .969 .973 .971 at 1 to 6 bits.

    With as many codes for negative currents, which never occur, it is .100 .333 .700 .922 .956 .973.
    """
    found = []
    for bits in range(1, 7):
        recipe = Recipe(conductance_limits=(1e-7, 1e-5), adc_bits=bits, bias="analog")
        network = AnalogNetwork.from_sklearn(task.model, recipe, calibration=task.train_inputs)
        found.append(network.score(task.test_inputs, task.test_labels))
    np.testing.assert_allclose(found, [0.502, 0.622, 0.891, 0.969, 0.973, 0.971], atol=0.02)


@pytest.mark.parametrize("subtract", ["after", "before"])
@pytest.mark.parametrize("per", ["tile", "column"])
def test_subtraction_and_ranges_keep_the_product(subtract, per):
    rng = np.random.default_rng(0)
    weights, bias, x = rng.normal(size=(40, 6)), rng.normal(size=6), rng.uniform(size=(50, 40))
    recipe = Recipe(
        conductance_limits=LIMITS, tile=(16, 8), adc_bits=14, subtract=subtract, adc_range=AdcRange(per=per)
    )
    matrix = AnalogMatrix.program(weights, bias, recipe, calibration=x)
    assert all(tile.adc.signed == (subtract == "before") for tile in matrix.tiles)
    assert {np.ndim(tile.adc.full_scale) for tile in matrix.tiles} == {int(per == "column")}
    wanted = x @ weights + bias
    assert 0.0 < np.abs(matrix.matmul(x) - wanted).max() < 2e-3 * np.abs(wanted).max()


def test_a_given_range_is_kept():
    x = np.ones((1, 4))
    recipe = Recipe(conductance_limits=LIMITS, adc=ADC(8, 3e-6, signed=False))
    matrix = AnalogMatrix.program(np.ones((4, 2)), None, recipe, calibration=x)
    assert matrix.tiles[0].adc.full_scale == 3e-6
    assert matrix.calibrated(x).tiles[0].adc.full_scale == pytest.approx(4 * 8e-6 * 0.3)
    with pytest.raises(InputError, match=r"adc_range: got .*; allowed: none for an ADC with a full scale of its own"):
        Recipe(conductance_limits=LIMITS, adc=ADC(8, 1e-6), adc_range=AdcRange(percentile=99.0))


def test_ranges_hold_while_cells_age(task):
    aged = network_with(task, PowerLawDrift(1e9, nu=0.06), adc_bits=6)
    fresh = network_with(task, adc_bits=6)
    for one, other in zip(aged.tiles, fresh.tiles, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.adc.full_scale == b.adc.full_scale
            np.testing.assert_allclose(a.crossbar.conductance, b.crossbar.conductance * 1e9**-0.06, rtol=1e-12)
    score = aged.score(task.test_inputs, task.test_labels)
    assert score < fresh.score(task.test_inputs, task.test_labels) - 0.15
    compensated = aged.compensated(task.train_inputs[:100])
    assert compensated.layers[0].gain == pytest.approx(1e9**0.06, rel=1e-9)
    assert compensated.score(task.test_inputs, task.test_labels) > 0.9
    assert aged.calibrated(task.train_inputs[:200]).layers[0].tiles[0].adc.full_scale < aged.tiles[0][0].adc.full_scale


def test_the_same_cells_at_other_times(task):
    spread = PowerLawDrift(1e3, nu=0.05, spread=Normal(0.02, relative=False))
    network = network_with(task, Lognormal(0.2), spread, seed=4)
    early, late = (network.at(t).tiles[0][0].crossbar.conductance for t in (10.0, 1e5))
    programmed = network.at(None).tiles[0][0].crossbar.conductance
    # The exponents are the same: each conductance falls along its own power law.
    exponents = -np.log(late / programmed) / np.log(1e5)
    np.testing.assert_allclose(early, programmed * 10.0**-exponents, rtol=1e-9)
    assert exponents.std() == pytest.approx(0.02, rel=0.1)
    np.testing.assert_array_equal(
        network.at(1e3).tiles[0][0].crossbar.conductance, network.tiles[0][0].crossbar.conductance
    )
    with pytest.raises(InputError, match=r"time: got 0\.1"):
        network.at(0.1)


def test_compensation_for_each_output():
    rng = np.random.default_rng(1)
    weights, x = rng.uniform(0.5, 1.0, size=(30, 3)), rng.uniform(size=(40, 30))
    recipe = Recipe(
        conductance_limits=LIMITS,
        effects=[PowerLawDrift(1e6, nu=0.05, spread=Normal(0.01, relative=False))],
    )
    matrix = AnalogMatrix.program(weights, np.zeros(3), recipe, calibration=x, seed=2)
    compensated = [matrix.compensated(x, per) for per in ("matrix", "output")]
    errors = [np.abs(m.matmul(x) - x @ weights).mean() for m in (matrix, *compensated)]
    assert errors[0] > 5 * errors[1] > 5 * errors[2]


@pytest.mark.parametrize("wires", [Wires(), Wires(word_line=20.0, bit_line=30.0, driver=100.0)])
@pytest.mark.parametrize("noise", [FlickerNoise(1e-3, 1.0, 1e6), TelegraphNoise(0.2, 1e-3, 1e-3)])
def test_a_sample_has_the_same_noise_alone_and_among_others(task, wires, noise):
    network = network_with(task, noise, wires=wires)
    x = task.test_inputs[:4]
    together = network.decision(x, seed=5)
    for k in range(4):
        np.testing.assert_allclose(network.decision(x[k : k + 1], seed=5)[0], together[k], rtol=1e-12)
    assert np.abs(network.decision(x, seed=6) - together).min() > 0.0
    twice = network.decision(np.vstack([x[:1], x[:1]]), seed=5)
    np.testing.assert_allclose(twice[0], together[0], rtol=1e-12)
    assert np.abs(twice[1] - twice[0]).min() > 0.0, "two reads of one sample differ"


def test_noise_differs_from_call_to_call_without_a_seed(task):
    x = task.test_inputs[:2]
    first, second = (network_with(task, FlickerNoise(1e-3, 1.0, 1e6), seed=1) for _ in range(2))
    reads = [first.decision(x) for _ in range(3)]
    assert np.abs(reads[0] - reads[1]).min() > 0.0
    assert np.abs(reads[1] - reads[2]).min() > 0.0
    np.testing.assert_array_equal(second.decision(x), reads[0]), "the seed of programming sets them"


def currents_of(matrix, share, reads):
    tile = matrix.tiles[0]
    return tile.current(np.tile(share, (reads, 1)), np.random.default_rng(3))


@pytest.mark.parametrize("origin", ["thermal", "shot", "barrier"])
@pytest.mark.parametrize("encoding", [Amplitude(0.2), PulseWidth(0.2, bits=6)])
def test_white_noise_of_a_column(origin, encoding):
    """Densities in closed form; a charge's deviation grows with the root of a pulse's length."""
    effect = WhiteNoise(origin, voltage=0.2, bandwidth=1e7)
    recipe = Recipe(conductance_limits=(1e-6, 1e-4), encoding=encoding, effects=[effect])
    matrix = AnalogMatrix.program([[1.0], [0.4]], None, recipe, calibration=np.ones((1, 2)))
    g = matrix.tiles[0].crossbar.conductance[:, 0]
    kt = BOLTZMANN * 300.0

    def density(v):
        if origin == "thermal" or (origin == "barrier" and v == 0.0):
            return 4 * kt * g
        shot = 2 * CHARGE * v * g
        return shot if origin == "shot" else shot / np.tanh(CHARGE * v / (2 * kt))

    for counts in ([63, 1], [1, 0], [7, 30]):
        share = np.array(counts) / 63
        active = share if isinstance(encoding, PulseWidth) else np.ones(2)
        heights = [0.2 * s / a if a else 0.0 for s, a in zip(share, active, strict=True)]
        variance = sum(density(v)[k] * a * 1e7 for k, (v, a) in enumerate(zip(heights, active, strict=True)))
        found = currents_of(matrix, share, 4000)[:, 0]
        assert found.std() == pytest.approx(np.sqrt(variance), rel=5 / np.sqrt(8000))
        assert abs(found.mean() - 0.2 * share @ g) < 5 * np.sqrt(variance / 4000)


@pytest.mark.parametrize("backward", [False, True])
def test_white_noise_on_wires_is_that_of_current_sources(backward):
    """The share of a cell's current that reaches a line, from solutions with a small current source at each cell."""
    wires = Wires(word_line=300.0, bit_line=500.0, driver=1e3, sense=2e3)
    effect = WhiteNoise("thermal", voltage=0.2, bandwidth=1e7)
    recipe = Recipe(conductance_limits=(1e-6, 1e-4), wires=wires, effects=[effect])
    weights = np.random.default_rng(2).normal(size=(3, 2))
    tile = AnalogMatrix.program(weights, None, recipe, calibration=np.ones((1, 3))).tiles[0]
    cells = tile.crossbar.conductance
    lines = cells.shape[0 if backward else 1]
    variance = np.zeros(lines)
    # A conductance that differs by d under a voltage v is a source of v d: so find each cell's influence on the lines.
    drive = np.full(cells.shape[1 if backward else 0], 0.2)
    readout = Crossbar(cells, wires).read(drive, backward=backward, nodes=True)
    for cell in np.ndindex(cells.shape):
        change = np.zeros_like(cells)
        change[cell] = 1e-6 * cells[cell]
        moved = Crossbar(cells + change, wires).read(drive, backward=backward).current - readout.current
        source = change[cell] * (readout.word_line_voltage - readout.bit_line_voltage)[cell]
        variance += (moved / source) ** 2 * effect.density(cells[cell]) * 1e7
    share = np.ones((20_000, drive.size))
    found = tile.current(share, np.random.default_rng(1), backward=backward)
    np.testing.assert_allclose(found.std(axis=0), np.sqrt(variance), rtol=0.03)


def test_flicker_noise_is_the_same_per_line_and_per_cell():
    noise = FlickerNoise(1e-3, 1.0, 1e6)
    x = np.random.default_rng(0).uniform(size=(1, 12))
    weights = np.random.default_rng(1).normal(size=(12, 2))
    spreads = []
    for wires in (Wires(), Wires(word_line=1e-9, bit_line=1e-9)):
        recipe = Recipe(conductance_limits=LIMITS, effects=[noise], wires=wires)
        matrix = AnalogMatrix.program(weights, None, recipe, calibration=x)
        spreads.append(matrix.matmul(np.repeat(x, 3000, axis=0), seed=1).std(axis=0))
    np.testing.assert_allclose(spreads[0], spreads[1], rtol=0.06)


def test_a_digital_bias_does_not_share_the_scale_of_the_weights():
    """Logistic regression on the breast-cancer data, 32 levels: .373 where the bias is a row of cells."""
    x, y = load_breast_cancer(return_X_y=True)
    model = LogisticRegression(max_iter=10_000).fit(x, y)
    scores = {}
    for bias in ("digital", "analog"):
        recipe = Recipe(conductance_limits=LIMITS, effects=[UniformLevels(32)], bias=bias)
        network = AnalogNetwork.from_sklearn(model, recipe, calibration=x)
        scores[bias] = network.score(x, y)
    assert scores["digital"] > 0.9
    assert scores["analog"] < 0.4
    assert x.shape[1] == sum(t.crossbar.rows for t in network.tiles[0]) - 1


def test_clipped_inputs_and_conversions_are_counted():
    x = np.ones((3, 4))
    recipe = Recipe(conductance_limits=LIMITS, encoding=Amplitude(bits=8), adc=ADC(8, 3e-6, signed=False))
    network = AnalogNetwork.from_layers([np.ones((4, 2))], None, recipe, calibration=x)
    run = network.run(np.array([[1.0, 1.0, 0.0, 0.0], [2.0, 0.1, -3.0, 0.0]]))
    clipped = run.clipped[0]
    assert (clipped.inputs, clipped.inputs_of) == (2, 8)
    assert clipped.conversions_of == 8
    assert clipped.conversions == 2, "the plus columns of the first sample: 4.8 uA"
    assert str(run) == "layer 0: 2 of 8 inputs and 2 of 8 conversions clipped"


def test_negative_draws_are_open_cells_for_every_seed():
    counts = []
    for seed in range(6):
        recipe = Recipe(conductance_limits=LIMITS, effects=[Normal(0.5)])
        tile = AnalogMatrix.program(np.ones((20, 20)), None, recipe, calibration=np.ones((1, 20)), seed=seed).tiles[0]
        assert tile.crossbar.conductance.min() >= 0.0
        counts.append(tile.open_cells)
        assert tile.cells_outside >= tile.open_cells
    assert min(counts) > 0


def test_scaled_inputs(task):
    scaler = StandardScaler().fit(task.train_inputs)
    assert replace(network_with(task), prepare=scaler.transform).decision(task.test_inputs[:3]).shape == (3, 10)


def test_a_network_is_calibrated_against_its_weights(task):
    """A digital factor for each output takes most of the loss on wires of 100 ohm."""
    network = network_with(task, wires=Wires(word_line=100.0, bit_line=100.0))
    x, wanted = task.train_inputs[:200], network_with(task).decision(task.test_inputs)
    found = [
        np.abs(one.decision(task.test_inputs) - wanted).mean()
        for one in (network, network.compensated(x, "output"), network.compensated(x, "output", to="weights"))
    ]
    assert found[1] == pytest.approx(found[0], rel=1e-9)  # cells that have not aged
    assert found[2] < 0.4 * found[0]
