"""Arrays that must give the results of the software network, and the rules of converters."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from crossbar import (
    ADC,
    AdcRange,
    Amplitude,
    AnalogMatrix,
    AnalogNetwork,
    Crossbar,
    DifferentialPairs,
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
    ProgrammingNoise,
    StuckCells,
    StuckLines,
    UniformLevels,
    apply_effects,
    device,
)

LIMITS = (0.25e-6, 8e-6)


@pytest.fixture(scope="module")
def task():
    return digits()


@pytest.mark.parametrize("tile", [(64, 64), (10, 7), (3, 2), (1000, 1000)])
def test_ideal_arrays_multiply_exactly(tile):
    rng = np.random.default_rng(0)
    weights, bias, x = rng.normal(size=(20, 6)), rng.normal(size=6), rng.normal(size=(30, 20))
    matrix = AnalogMatrix.program(weights, bias, Recipe(conductance_limits=LIMITS, tile=tile), calibration=x)
    wanted = x @ weights + bias
    assert np.abs(matrix.matmul(x) - wanted).max() < 1e-12 * np.abs(wanted).max()


def test_ideal_arrays_predict_each_image_as_the_software_network_does(task):
    recipe = Recipe(conductance_limits=device("wox_scaled_decay").conductance_limits(0.3))
    network = AnalogNetwork.from_sklearn(task.model, recipe, calibration=task.train_inputs)
    hidden = np.maximum(task.test_inputs @ task.model.coefs_[0] + task.model.intercepts_[0], 0.0)
    wanted = hidden @ task.model.coefs_[1] + task.model.intercepts_[1]
    assert (hidden > network.layers[1].full_scale).any(), "some inputs exceed the calibration"
    np.testing.assert_allclose(network.decision(task.test_inputs), wanted, atol=1e-12 * np.abs(wanted).max())
    np.testing.assert_array_equal(network.predict(task.test_inputs), task.model.predict(task.test_inputs))


def test_the_software_network_is_accurate(task):
    assert 0.96 < task.software_accuracy < 1.0
    assert len(task.train_labels) + len(task.test_labels) == 1797
    again = digits()
    np.testing.assert_array_equal(again.model.coefs_[0], task.model.coefs_[0])


@pytest.mark.parametrize("classes", [2, 10])
def test_linear_classifiers(task, classes):
    chosen = task.train_labels < classes
    model = LogisticRegression(max_iter=5000).fit(task.train_inputs[chosen], task.train_labels[chosen])
    inputs = task.test_inputs[task.test_labels < classes]
    network = AnalogNetwork.from_sklearn(
        model, Recipe(conductance_limits=LIMITS), calibration=task.train_inputs[chosen]
    )
    np.testing.assert_array_equal(network.predict(inputs), model.predict(inputs))


def test_wire_resistance_is_solved_exactly():
    rng = np.random.default_rng(1)
    weights, x = rng.normal(size=(11, 4)), rng.uniform(size=(5, 11))
    wires = Wires(word_line=50.0, bit_line=80.0, driver=100.0, sense=30.0)
    recipe = Recipe(conductance_limits=LIMITS, wires=wires, bias="analog")
    matrix = AnalogMatrix.program(weights, np.zeros(4), recipe, calibration=x)
    pairs = DifferentialPairs.fit(weights, LIMITS)
    array = Crossbar(pairs.conductance(np.vstack([weights, np.zeros(4)])), wires)
    volts = 0.3 * np.column_stack([x / x.max(), np.ones(5)])
    wanted = x.max() / 0.3 * pairs.weights(array.read(volts).current)
    np.testing.assert_allclose(matrix.matmul(x), wanted, rtol=1e-9, atol=1e-12)
    assert np.abs(wanted - x @ weights).max() > 1e-3 * np.abs(wanted).max(), "the wires must matter for this test"


def test_pulse_widths_are_whole_counts():
    encoding = PulseWidth(read_voltage=0.3, bits=4, unit=1e-8)
    share = np.array([0.0, 0.49 / 15, 0.51 / 15, 0.5, 1.0, 1.3, -0.2])
    np.testing.assert_allclose(encoding.encode(share) * 15, [0, 0, 1, 8, 15, 15, -3])
    assert encoding.full_scale == pytest.approx(15e-8)


def test_amplitudes_clip_and_round():
    assert Amplitude(bits=None).encode(np.array([1.7, 0.3])).tolist() == [1.7, 0.3]
    assert Amplitude(bits=2).clipped(np.array([1.7, 0.3, -1.2, 1.0])).tolist() == [True, False, True, False]
    np.testing.assert_allclose(Amplitude(bits=2).encode(np.array([0.3, -0.9])), [1 / 3, -1.0])


@pytest.mark.parametrize("bits", [1, 2, 3, 6, 10])
@pytest.mark.parametrize("signed", [False, True])
def test_an_adc_uses_all_its_codes(bits, signed):
    """All codes occur, the ends of the range return as themselves, and no error inside exceeds half a step."""
    adc = ADC(bits, 4e-6, signed=signed)
    given = np.linspace(-8e-6 if signed else 0.0, 8e-6, 100_001)
    assert np.unique(adc.convert(given)).size == 2**bits
    assert adc.convert(4e-6) == pytest.approx(4e-6, rel=1e-14)
    inside = given[(given >= (-4e-6 if signed else 0.0)) & (given <= 4e-6)]
    assert np.abs(adc.convert(inside) - inside).max() <= 0.5 * adc.step * (1 + 1e-9)
    assert not adc.clipped(inside).any()
    assert adc.clipped(given).sum() == np.count_nonzero(
        (given > adc.highest + adc.step / 2) | (given < adc.lowest - adc.step / 2)
    )
    if signed and bits > 1:
        assert adc.convert(0.0) == 0.0
        assert adc.convert(-4e-6) == pytest.approx(-4e-6, rel=1e-14)


def test_adc_codes():
    given = np.array([-9.0, -4.0, -0.6, 0.4, 0.6, 2.4, 3.0, 9.0])
    np.testing.assert_allclose(ADC(bits=3, full_scale=3.0).convert(given), [-4, -4, -1, 0, 1, 2, 3, 3], atol=1e-12)
    np.testing.assert_allclose(ADC(3, 7.0, signed=False).convert(given), [0, 0, 0, 0, 1, 2, 3, 7], atol=1e-12)
    floor = ADC(3, 7.0, signed=False, rounding="floor")
    np.testing.assert_allclose(floor.convert(given), [0, 0, 0, 0, 0, 2, 3, 7], atol=1e-12)
    assert ADC(bits=None).convert(given) is given


def test_errors_of_an_adc():
    given = np.array([0.0, 1.0, 2.0, 5.0])
    assert ADC(3, 7.0, signed=False, offset=1.0).convert(given).tolist() == [1, 2, 3, 6]
    assert ADC(3, 7.0, signed=False, gain=1.2).convert(given).tolist() == [0, 1, 2, 6]
    late = ADC(2, 3.0, signed=False, inl=(0.0, 0.0, 0.8, 0.0))
    assert late.convert(np.array([1.6, 2.2, 2.4])).tolist() == [1, 1, 2]
    noisy = ADC(10, 1023.0, signed=False, noise=3.0).convert(np.full(20_000, 500.0), 1)
    assert noisy.std() == pytest.approx(np.hypot(3.0, 1 / np.sqrt(12)), rel=0.02)
    assert abs(noisy.mean() - 500.0) < 0.1


def test_widths_of_codes():
    adc = ADC(8, 255.0, signed=False).with_dnl(0.2, seed=3)
    edges = np.arange(1, 256) - 0.5 + np.array(adc.inl[1:])
    assert np.diff(edges).std() == pytest.approx(0.2, rel=0.2)
    assert edges[0] == 0.5
    assert edges[-1] == pytest.approx(254.5)
    fine = np.linspace(0.0, 255.0, 200_001)
    changes = fine[1:][np.diff(adc.convert(fine)) > 0]
    np.testing.assert_allclose(changes, edges[: changes.size], atol=2e-3)


def test_the_range_is_what_the_columns_demand():
    current = np.array([[1.0, -2.0], [3.0, 4.0], [2.0, 1.0]])
    assert ADC(4).ranged(current).full_scale == 4.0
    assert ADC(4).ranged(current).signed
    assert not ADC(4).ranged(np.abs(current)).signed
    assert ADC(4).ranged(current, AdcRange(per="column")).full_scale.tolist() == [3.0, 4.0]
    skewed = np.r_[np.linspace(0.0, 1.0, 9999), 100.0][:, None]
    assert ADC(4).ranged(skewed, AdcRange(percentile=99.0)).full_scale == pytest.approx(0.99, abs=1e-3)
    with pytest.raises(InputError, match=r"full_scale: got None"):
        ADC(4).convert(current)


def test_quantisation_error_halves_with_each_bit():
    rng = np.random.default_rng(2)
    weights, x = rng.normal(size=(30, 8)), rng.uniform(size=(200, 30))
    errors = []
    for bits in (6, 8, 10, 12):
        recipe = Recipe(conductance_limits=LIMITS, adc_bits=bits)
        matrix = AnalogMatrix.program(weights, np.zeros(8), recipe, calibration=x)
        errors.append(np.std(matrix.matmul(x) - x @ weights))
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    np.testing.assert_allclose(ratios, 4.0, rtol=0.15)


def network_with(task, *effects, seed=0, **others):
    recipe = Recipe(conductance_limits=LIMITS, effects=effects, **others)
    return AnalogNetwork.from_sklearn(task.model, recipe, calibration=task.train_inputs, seed=seed)


def test_effects_lower_accuracy_and_follow_the_seed(task):
    def score(seed, *effects, **others):
        return network_with(task, *effects, seed=seed, **others).score(task.test_inputs, task.test_labels)

    spread, stuck = Lognormal(0.5), StuckCells(0.1, 0.05)
    assert score(1, spread) < task.software_accuracy - 0.02
    assert score(1, stuck) < task.software_accuracy - 0.02
    assert score(1, adc_bits=3) < task.software_accuracy - 0.02
    assert score(1, spread, stuck) == score(1, spread, stuck)
    assert score(1, spread) != score(2, spread)


def test_programmed_cells_equal_those_of_apply_effects():
    """Each array has its own random numbers; effects are applied in the given order."""
    effects = (ProgrammingNoise.relative(0.05), StuckLines(0.2, 0.1), UniformLevels(8))
    recipe = Recipe(conductance_limits=LIMITS, tile=(4, 4), effects=effects)
    weights, x = np.random.default_rng(6).normal(size=(9, 3)), np.ones((2, 9))
    matrix = AnalogMatrix.program(weights, np.zeros(3), recipe, calibration=x, seed=8)
    target = DifferentialPairs.fit(weights, LIMITS).conductance(weights)
    streams = np.random.default_rng(8).spawn(len(matrix.tiles))
    for tile, stream in zip(matrix.tiles, streams, strict=True):
        wanted = apply_effects(target[tile.rows, tile.columns], effects, stream, limits=LIMITS)
        np.testing.assert_array_equal(tile.crossbar.conductance, wanted)


def test_drift_is_a_common_factor_and_its_spread_lowers_accuracy(task):
    def drifted(time, spread=None):
        return network_with(task, PowerLawDrift(time, nu=0.1, spread=spread), seed=3)

    fresh, old = (network.tiles[0][0].crossbar.conductance for network in (drifted(1.0), drifted(1e6)))
    np.testing.assert_allclose(old, fresh * 1e6**-0.1, rtol=1e-12)
    spread = Normal(0.05, relative=False)
    scores = [drifted(t, spread).score(task.test_inputs, task.test_labels) for t in (1.0, 1e3, 1e9)]
    assert scores[0] == task.software_accuracy
    assert scores[0] > scores[1] > scores[2] + 0.05


WIRED = Wires(word_line=5.0, bit_line=5.0)


@pytest.mark.parametrize("wires", [Wires(), WIRED])
def test_noise_of_reads_is_drawn_for_each_read(wires):
    """Mean and variance of 1/f noise over the reads of equal cells; every input vector has its own draw."""
    noise = FlickerNoise(1e-4, 1.0, 1e6)
    recipe = Recipe(conductance_limits=LIMITS, effects=(noise,), wires=wires)
    x = np.ones((1, 30))
    matrix = AnalogMatrix.program(np.ones((30, 1)), np.zeros(1), recipe, calibration=x, seed=4)
    reads, quiet = 1500, replace_noise(matrix)
    found = matrix.matmul(np.repeat(x, reads, axis=0), seed=5)[:, 0]
    assert np.unique(found).size == reads
    # The minus column holds g_min: its noise is negligible compared with that of the 30 weights.
    wanted = quiet.matmul(x)[0, 0]
    sigma = np.sqrt(noise.relative_variance / 30) * wanted
    assert abs(found.mean() - wanted) < 5 * sigma / np.sqrt(reads)
    assert found.std() == pytest.approx(sigma, rel=5 / np.sqrt(2 * reads) + 0.01)
    np.testing.assert_array_equal(matrix.matmul(np.repeat(x, reads, axis=0), seed=5)[:, 0], found)
    rng = np.random.default_rng(5)
    assert matrix.matmul(x, rng) != matrix.matmul(x, rng), "a generator moves on"
    np.testing.assert_array_equal(quiet.tiles[0].crossbar.conductance, matrix.tiles[0].crossbar.conductance)


def replace_noise(matrix):
    return replace(matrix, tiles=tuple(replace(tile, noise=()) for tile in matrix.tiles))


def test_accuracy_falls_with_the_noise_of_reads(task):
    some = slice(0, 80)

    def score(k, seed):
        network = network_with(task, FlickerNoise(k, 1.0, 1e6))
        return network.score(task.test_inputs[some], task.test_labels[some], seed)

    mean = [np.mean([score(k, seed) for seed in (1, 2)]) for k in (0.0, 3e-3, 3e-2)]
    assert mean[0] == np.mean(task.model.predict(task.test_inputs[some]) == task.test_labels[some])
    assert mean[0] > mean[1] > mean[2] + 0.05
    assert score(3e-2, 1) == score(3e-2, 1)


class OffsetColumns:
    """A mapping with one column for each output, shifted by half of the window; the shift is subtracted digitally."""

    columns_per_output = 1

    def fit(self, weights, conductance_limits):
        low, high = conductance_limits
        fitted = OffsetColumns()
        fitted.middle, fitted.scale = 0.5 * (low + high), 0.5 * (high - low) / np.abs(weights).max()
        return fitted

    def conductances(self, weights):
        return self.middle + self.scale * np.asarray(weights)

    def weights(self, currents):
        return np.asarray(currents) / self.scale


@pytest.mark.parametrize("tile", [(64, 64), (10, 1), (7, 5)])
def test_a_user_defined_mapping_is_used(tile):
    rng = np.random.default_rng(7)
    weights, bias, x = rng.normal(size=(20, 6)), rng.normal(size=6), rng.uniform(size=(30, 20))
    recipe = Recipe(conductance_limits=LIMITS, tile=tile, mapping=OffsetColumns())
    matrix = AnalogMatrix.program(weights, bias, recipe, calibration=x)
    assert sum(t.crossbar.columns for t in matrix.tiles if t.rows.start == 0) == 6
    offset = x.sum(axis=1) * matrix.mapping.middle / matrix.mapping.scale
    np.testing.assert_allclose(matrix.matmul(x) - offset[:, None], x @ weights + bias, rtol=1e-9, atol=1e-9)


def test_a_backward_read_is_the_transposed_product():
    rng = np.random.default_rng(3)
    weights, x = rng.normal(size=(11, 4)), rng.uniform(size=(5, 11))
    wires = Wires(word_line=50.0, bit_line=80.0, driver=100.0, sense=30.0)
    tile = AnalogMatrix.program(
        weights, np.zeros(4), Recipe(conductance_limits=LIMITS, wires=wires), calibration=x
    ).tiles[0]
    share = rng.uniform(size=(3, 8))
    wanted = tile.crossbar.read(0.3 * share, backward=True).current
    np.testing.assert_allclose(tile.read_backward(share, rng), wanted, rtol=1e-9)
    coarse = replace(tile, adc=ADC(bits=6, full_scale=1.0))
    with pytest.raises(InputError, match=r"row_adc: got none; .*calibrated\(share, backward=True\)"):
        coarse.read_backward(share, rng)
    ready = coarse.calibrated(share, backward=True)
    assert np.abs(ready.read_backward(share, rng) - wanted).max() <= 1.001 * ready.row_adc.step
    noisy = replace(tile, noise=(FlickerNoise(1e-3, f_low=1.0, f_high=1e6),))
    apart = noisy.read_backward(share, np.random.default_rng(1)) / wanted - 1
    assert 0 < np.abs(apart).max() < 0.2


def test_programming_a_tile_again_draws_new_effects():
    recipe = Recipe(conductance_limits=LIMITS, effects=[Lognormal(0.2)])
    tile = AnalogMatrix.program(np.ones((4, 3)), np.zeros(3), recipe, calibration=np.ones((1, 4)), seed=1).tiles[0]
    target = np.full(tile.crossbar.shape, 2e-6)
    first, again, other = (tile.program(target, seed).crossbar.conductance for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    with pytest.raises(InputError, match=r"conductance: got shape \(2, 2\)"):
        tile.program(np.ones((2, 2)))


@pytest.mark.parametrize("mapping", [None, 2, object()])
def test_an_object_without_the_mapping_protocol_is_refused(mapping):
    with pytest.raises(InputError, match=r"mapping: got .*; try: DifferentialPairs"):
        Recipe(conductance_limits=LIMITS, mapping=mapping)
