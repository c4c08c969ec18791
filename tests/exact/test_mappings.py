"""Mappings: each equals the dense product on ideal arrays, integers in slices exactly, and each errs as it must."""

import numpy as np
import pytest

from crossbar import (
    ADC,
    AdcRange,
    Amplitude,
    AnalogMatrix,
    AnalogNetwork,
    BitSerial,
    Clipped,
    Crossbar,
    DifferentialPairs,
    OffsetMapping,
    PairMapping,
    PulseWidth,
    Recipe,
    SliceMapping,
    Wires,
    digits,
)
from crossbar.fabric import Chip, chip_preset
from devices import InputError, Lognormal, PowerLawDrift, StuckCells, device

LIMITS = (1e-6, 1e-5)
ARRANGEMENTS = ("interleaved", "separate", "cancelling")
ZEROS = ("digital", "reference column")
SCALES = ("matrix", "tile", "column")
SIGNS = (*ARRANGEMENTS, *ZEROS)
MAPPINGS = [
    DifferentialPairs,
    *(PairMapping(a, scale_per=s) for a in ARRANGEMENTS for s in SCALES),
    *(OffsetMapping(z, scale_per=s) for z in ZEROS for s in SCALES),
    *(SliceMapping(48, 8, g, scale_per=s) for g in SIGNS for s in SCALES),
]


def programmed(weights, x, mapping=DifferentialPairs, seed=0, biases=None, **recipe):
    options = {"conductance_limits": LIMITS, "mapping": mapping, **recipe}
    return AnalogMatrix.program(weights, biases, Recipe(**options), calibration=x, seed=seed)


def relative_error(weights, x, mapping, seed=0, **recipe):
    want = x @ weights
    got = programmed(weights, x, mapping, seed=seed, **recipe).matmul(x)
    return np.sqrt(np.mean((got - want) ** 2) / np.mean(want**2))


@pytest.mark.parametrize("mapping", MAPPINGS, ids=repr)
def test_it_is_the_dense_product_on_ideal_arrays(mapping):
    """Any shape, tile and order, with inputs ten times beyond the calibration's, read tile by tile and as one."""
    rng = np.random.default_rng(5)
    least = max(2, mapping.columns_per_output * 2)
    for trial in range(4):
        shape, tile = rng.integers(1, 20, 2), (int(rng.integers(2, 12)), int(rng.integers(least, 3 * least)))
        w, b, x = rng.normal(size=shape), rng.normal(size=shape[1]), rng.normal(size=(5, shape[0]))
        options = {"order": ("given", "ir drop")[trial % 2], "bias": ("digital", "analog")[trial // 2]}
        matrix = programmed(w, x, mapping, biases=b, tile=tile, remap=trial == 3, **options)
        assert all(t.crossbar.rows <= tile[0] and t.crossbar.columns <= tile[1] for t in matrix.tiles)
        want = 10 * x @ w + b
        cells = matrix.full_scale * matrix._products(matrix.shares(10 * x)) + (0 if matrix.bias is None else b)
        for found in (matrix.matmul(10 * x), cells, matrix.read(matrix.shares(10 * x), cores=matrix.tiles[::-1])):
            np.testing.assert_allclose(found, want, rtol=0, atol=1e-12 * np.abs(want).max())


@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize("bits_per_cell", [1, 2, 3, 8])
@pytest.mark.parametrize("bits_per_read", [1, 4])
def test_products_of_integers_in_slices_are_exact(signs, bits_per_cell, bits_per_read):
    """Also after an ADC whose step is the current of one unit: here of 18 bits, which hold any sum."""
    rng = np.random.default_rng(bits_per_cell)
    w, x = rng.integers(-128, 129, size=(37, 5)), rng.integers(-63, 64, size=(20, 37))
    # A computed zero is a whole number of steps where the lower limit is.
    limits = (0.0, 1e-5) if signs == "digital" else LIMITS
    mapping = SliceMapping(8, bits_per_cell, signs)
    encoding = BitSerial(0.2, 6, bits_per_read)
    common = {"conductance_limits": limits, "encoding": encoding, "full_scale": 63.0, "tile": (16, 40)}
    unit = (limits[1] - limits[0]) / (2**bits_per_cell - 1)
    step = unit * encoding.read_voltage / (2**bits_per_read - 1)
    for adc in (None, ADC(18, full_scale=step * (2**17 - 1))):
        matrix = programmed(w, x, mapping, adc=adc, **common)
        assert matrix.mapping.unit == pytest.approx(unit, rel=1e-12)
        clipped = Clipped()
        found = matrix.read(matrix.shares(x.astype(float)), clipped=clipped)
        np.testing.assert_array_equal(np.rint(found), x @ w)
        np.testing.assert_allclose(found, x @ w, rtol=0, atol=1e-8)
        assert clipped.inputs == clipped.conversions == 0
        reads = -(-6 // bits_per_read)
        assert clipped.conversions_of == (
            0 if adc is None else reads * 20 * sum(t.crossbar.columns for t in matrix.tiles)
        )


def test_each_slice_has_its_levels_and_weights_are_rounded_to_the_step():
    w = np.random.default_rng(1).normal(size=(30, 4))
    matrix = programmed(w, np.ones((1, 30)), SliceMapping(6, 2))
    levels = np.unique(np.concatenate([t.crossbar.conductance.ravel() for t in matrix.tiles]))
    np.testing.assert_allclose(levels, np.linspace(*LIMITS, 4), rtol=1e-12)
    step = np.abs(w).max() / 63
    np.testing.assert_allclose(matrix.matmul(np.eye(30)), np.rint(w / step) * step, atol=1e-12)
    given = programmed(w, np.ones((1, 30)), SliceMapping(6, 2, step=0.125))
    np.testing.assert_allclose(given.matmul(np.eye(30)), np.rint(w / 0.125) * 0.125, atol=1e-12)
    with pytest.raises(InputError, match=r"weights: got .* steps; allowed: at most 63 steps"):
        programmed(w, np.ones((1, 30)), SliceMapping(6, 2, step=0.01))


@pytest.mark.parametrize("bits_per_read", [1, 3])
def test_bit_serial_reads_equal_amplitudes_of_as_many_bits(bits_per_read):
    """On real wires too, as the array is linear; a coarse ADC converts every bit on its own."""
    rng = np.random.default_rng(2)
    w, x = rng.normal(size=(9, 4)), rng.normal(size=(7, 9))
    wires = Wires(word_line=20.0, bit_line=20.0)
    serial = programmed(w, x, encoding=BitSerial(0.3, 5, bits_per_read), wires=wires)
    at_once = programmed(w, x, encoding=Amplitude(0.3, 5), wires=wires)
    np.testing.assert_allclose(serial.matmul(2 * x), at_once.matmul(2 * x), rtol=1e-9)
    coarse = programmed(w, x, encoding=BitSerial(0.3, 5, 1), adc_bits=6)
    tile, share = coarse.tiles[0], coarse.shares(x)
    counts = np.rint(np.clip(share, -1, 1) * 31).astype(int)
    want = sum(
        2**k / 31 * tile.adc.convert(0.3 * (np.sign(counts) * ((np.abs(counts) >> k) & 1)) @ tile.crossbar.conductance)
        for k in range(5)
    )
    np.testing.assert_allclose(tile.read(share, 0), want, rtol=1e-12)


def test_scales_and_clipping_are_those_of_matrix_tile_and_column():
    rng = np.random.default_rng(3)
    w = rng.normal(size=(50, 6)) * 10.0 ** np.arange(6)
    for mapping, of_tiles in ((PairMapping, [1, 3, 5]), (OffsetMapping, [3, 5])):
        for scale, touched in (("matrix", [5]), ("tile", of_tiles), ("column", range(6))):
            matrix = programmed(w, np.ones((1, 50)), mapping(scale_per=scale, percentile=99.0), tile=(64, 4))
            lost = np.abs(matrix.matmul(np.eye(50)) / w - 1) > 1e-6
            assert np.flatnonzero(lost.any(axis=0)).tolist() == list(touched)
            assert matrix.clipped_weights == np.count_nonzero(lost)
            counts = Clipped()
            matrix.read(matrix.shares(np.ones((2, 50))), clipped=counts)
            assert (counts.weights, counts.weights_of) == (matrix.clipped_weights, 300)
            assert f"{counts.weights} of 300 weights" in str(counts)
    # Cells of few levels: a scale for each column loses none of the small columns, one for all loses most.
    error = []
    for scale in ("matrix", "column"):
        matrix = programmed(w, np.ones((1, 50)), SliceMapping(4, 4, scale_per=scale))
        error.append(np.abs(matrix.matmul(np.eye(50)) / w - 1)[:, 0])
    assert np.median(error[0]) == 1.0
    assert np.median(error[1]) < 0.1


def test_a_reference_column_cancels_common_drift_of_the_zero_and_a_computed_one_does_not():
    """All cells at t^-nu: products shrink by that factor alone where the reference drifts as well."""
    rng = np.random.default_rng(4)
    w, x = rng.normal(size=(40, 7)), rng.uniform(size=(6, 40))
    drift = (PowerLawDrift(1e6, nu=0.05),)
    for tile in ((64, 64), (13, 3)):
        reference = programmed(w, x, OffsetMapping("reference column"), effects=drift, tile=tile)
        np.testing.assert_allclose(reference.matmul(x), 1e6**-0.05 * (x @ w), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(reference.compensated(x).matmul(x), x @ w, rtol=1e-9, atol=1e-9)
    middle, scale = np.mean(LIMITS), np.diff(LIMITS)[0] / 2 / np.abs(w).max()
    digital = programmed(w, x, OffsetMapping(), effects=drift)
    lost = (1 - 1e6**-0.05) * middle / scale * x.sum(axis=1)
    np.testing.assert_allclose(digital.matmul(x), 1e6**-0.05 * (x @ w) - lost[:, None], rtol=1e-9, atol=1e-9)


def test_a_reference_column_varies_as_the_others_do():
    """Each array has one, whose spread is common to all outputs of that array."""
    x = np.eye(10)
    matrix = programmed(
        np.zeros((10, 6)), x, OffsetMapping("reference column"), effects=(Lognormal(0.1),), tile=(10, 4)
    )
    assert [t.crossbar.columns for t in matrix.tiles] == [4, 4]
    for tile, block in zip(matrix.tiles, matrix.blocks, strict=True):
        g = tile.crossbar.conductance
        want = (g[:, :-1] - g[:, -1:]) / block.mapping.scale
        np.testing.assert_allclose(matrix.matmul(x)[:, block.outputs], want, rtol=1e-9, atol=1e-12)
    assert np.abs(np.corrcoef(matrix.matmul(x).T)[0, 1]) > 0.1


def test_pairs_lie_where_their_arrangement_says():
    rng = np.random.default_rng(6)
    w, x = rng.normal(size=(6, 3)), rng.normal(size=(4, 6))
    pairs = DifferentialPairs.fit(w, LIMITS).conductances(w)
    plus, minus = pairs[:, 0::2], pairs[:, 1::2]
    two = programmed(w, x, PairMapping("separate"))
    np.testing.assert_allclose(two.tiles[0].crossbar.conductance, plus)
    np.testing.assert_allclose(two.tiles[1].crossbar.conductance, minus)
    one = programmed(w, x, PairMapping("cancelling"), tile=(64, 3))
    cells = one.tiles[0].crossbar.conductance
    np.testing.assert_allclose(cells[0::2], plus)
    np.testing.assert_allclose(cells[1::2], minus)
    assert one.tiles[0].adc.bits is None
    converted = programmed(w, x, PairMapping("cancelling"), adc_bits=8)
    assert converted.tiles[0].adc.signed
    largest = np.abs(0.3 * one.shares(x) @ (plus - minus)).max()
    assert converted.tiles[0].adc.full_scale == pytest.approx(largest, rel=1e-12)


def test_wires_are_solved_on_the_array_of_the_arrangement():
    """Pairs that cancel in the column: the exact read of the array with 2 n rows driven with x and -x."""
    rng = np.random.default_rng(7)
    w, x = rng.normal(size=(6, 3)), rng.normal(size=(4, 6))
    wires = Wires(word_line=50.0, bit_line=50.0)
    matrix = programmed(w, x, PairMapping("cancelling"), wires=wires)
    share = matrix.shares(x)
    drive = np.stack([share, -share], axis=-1).reshape(4, 12)
    current = Crossbar(matrix.tiles[0].crossbar.conductance, wires).read(0.3 * drive).current
    want = matrix.full_scale / 0.3 * current / matrix.mapping.scale
    np.testing.assert_allclose(matrix.matmul(x), want, rtol=1e-9)
    assert np.abs(want / (x @ w) - 1).max() > 1e-3


@pytest.mark.parametrize("mapping", [DifferentialPairs, PairMapping("separate"), PairMapping("cancelling")], ids=repr)
def test_an_order_for_ir_drop_lowers_its_error(mapping):
    rng = np.random.default_rng(8)
    w = rng.normal(size=(32, 12)) * rng.uniform(0.1, 1, size=(32, 1))
    x, wires = rng.uniform(size=(20, 32)), Wires(word_line=5.0, bit_line=5.0)
    given, ordered = (relative_error(w, x, mapping, wires=wires, order=o) for o in ("given", "ir drop"))
    assert ordered < 0.85 * given


@pytest.mark.parametrize(
    "mapping", [*MAPPINGS[:2], PairMapping("cancelling"), OffsetMapping(), SliceMapping()], ids=repr
)
def test_rows_are_placed_around_stuck_cells(mapping):
    rng = np.random.default_rng(9)
    w, x = rng.normal(size=(24, 6)), rng.uniform(size=(20, 24))
    stuck = (StuckCells(0.03, 0.03), Lognormal(0.01))
    before, after = (
        np.mean([relative_error(w, x, mapping, seed=s, effects=stuck, remap=r) for s in range(6)])
        for r in (False, True)
    )
    assert after < 0.85 * before


def test_a_single_stuck_cell_is_given_to_the_row_that_wants_it():
    w = np.array([[1.0], [0.0], [0.5], [-1.0]])
    stuck = [seed for seed in range(40) if np.abs(matrix_of(w, seed, remap=False) - w).max() > 0.1]
    assert stuck
    assert sum(np.abs(matrix_of(w, s, remap=True) - w).max() < 1e-9 for s in stuck) > 0.4 * len(stuck)


def matrix_of(w, seed, *, remap):
    return programmed(w, np.eye(4), effects=(StuckCells(0.1, 0.0),), seed=seed, remap=remap).matmul(np.eye(4))


@pytest.mark.parametrize(
    "mapping", [PairMapping("separate"), OffsetMapping("reference column"), SliceMapping(6, 2)], ids=repr
)
def test_a_network_with_a_coarse_adc_classifies(mapping):
    task = digits()
    recipe = Recipe(
        conductance_limits=LIMITS, mapping=mapping, adc_bits=9, tile=(32, 66), adc_range=AdcRange(per="column")
    )
    network = AnalogNetwork.from_sklearn(task.model, recipe, calibration=task.train_inputs)
    assert network.score(task.test_inputs, task.test_labels) > task.software_accuracy - 0.02


@pytest.mark.parametrize(
    "mapping", [PairMapping("separate"), PairMapping("cancelling"), OffsetMapping("reference column")], ids=repr
)
def test_the_cores_of_a_chip_execute_it(mapping):
    task, preset = digits(), chip_preset("michigan_2019")
    recipe = preset.recipe(LIMITS, mapping=mapping)
    network = AnalogNetwork.from_sklearn(task.model, recipe, calibration=task.train_inputs)
    run = Chip(preset, (2, 4)).place(network).run(task.test_inputs[:20], seed=1)
    np.testing.assert_array_equal(run.predictions, network.predict(task.test_inputs[:20], seed=1))
    matrix = network.layers[0]
    with pytest.raises(InputError, match="cores: got"):
        matrix.read(matrix.shares(task.test_inputs[:2]), 0, cores=matrix.tiles[1:])


def test_pulse_widths_and_pairs_subtracted_before_conversion_work_on_slices():
    rng = np.random.default_rng(10)
    w, x = rng.integers(-15, 16, size=(12, 3)), rng.uniform(size=(5, 12))
    recipe = {"encoding": PulseWidth(0.3, 10), "subtract": "before", "adc_bits": 16, "tile": (5, 9)}
    matrix = programmed(w, x, SliceMapping(4, 2), **recipe)
    np.testing.assert_allclose(matrix.matmul(x), x @ w, atol=0.05)


@pytest.mark.parametrize(
    "mapping", [PairMapping("cancelling"), OffsetMapping("reference column"), SliceMapping(4, 2)], ids=repr
)
def test_an_array_is_a_matrix_by_any_mapping(mapping):
    rng = np.random.default_rng(11)
    w, x = rng.integers(-15, 16, size=(6, 3)), rng.normal(size=(4, 6))
    made = programmed(w, x, mapping)
    found = AnalogMatrix.from_array(made.tiles[0].crossbar, made.mapping)
    assert found.inputs == 6
    np.testing.assert_allclose(found.matmul(x), x @ w, atol=1e-10)
    with pytest.raises(InputError, match=r"array: got .* columns"):
        AnalogMatrix.from_array(Crossbar(np.full((6, 13), 1e-6)), SliceMapping(4, 2, "reference column").fit(w, LIMITS))
    with pytest.raises(InputError, match="mapping: got one of 2 arrays"):
        AnalogMatrix.from_array(made.tiles[0].crossbar, PairMapping("separate").fit(w, LIMITS))


@pytest.mark.parametrize(
    ("mapping", "exact"),
    [
        (PairMapping("separate"), True),
        (PairMapping("cancelling"), False),
        (SliceMapping(6, 2, "reference column"), True),
    ],
    ids=repr,
)
def test_cells_with_a_current_law_are_exact_where_they_see_one_voltage(mapping, exact):
    """Bits of inputs >= 0 are the read voltage or none; pairs that cancel see the other polarity of this law too."""
    rng = np.random.default_rng(12)
    w, x = rng.integers(-63, 64, size=(5, 2)), rng.integers(0, 8, size=(6, 5))
    options = {"conductance_limits": None, "cell": device("wox_scaled_decay"), "full_scale": 7.0}
    matrix = programmed(w, x, mapping, encoding=BitSerial(0.3, 3), remap=True, **options)
    assert not matrix.tiles[0].crossbar.ohmic
    error = np.abs(matrix.matmul(x) - x @ w).max() / np.abs(x @ w).max()
    assert error < 1e-7 if exact else 1e-3 < error < 0.1


@pytest.mark.parametrize("mapping", MAPPINGS, ids=repr)
def test_the_transposed_product_is_on_the_same_cells(mapping):
    rng = np.random.default_rng(13)
    least = max(2, mapping.columns_per_output * 2)
    for trial in range(2):
        w, tile = rng.normal(size=(13, 5)), (int(rng.integers(2, 12)), int(rng.integers(least, 2 * least)))
        x, y = rng.normal(size=(3, 13)), rng.normal(size=(2, 4, 5)) * [[[1.0]], [[1e3]]]
        options = {"order": ("given", "ir drop")[trial], "bias": ("digital", "analog")[trial], "tile": tile}
        matrix = programmed(w, x, mapping, biases=rng.normal(size=5), **options)
        found = matrix.matmul_transposed(y)
        assert found.shape == (2, 4, 13)
        np.testing.assert_allclose(found, y @ w.T, rtol=0, atol=1e-11 * np.abs(y @ w.T).max())


@pytest.mark.parametrize(
    "mapping", [DifferentialPairs, OffsetMapping("reference column"), SliceMapping(6, 3)], ids=repr
)
def test_a_transposed_product_with_converters_is_near_and_the_same_alone(mapping):
    rng = np.random.default_rng(14)
    w, x, y = rng.normal(size=(20, 6)), rng.normal(size=(30, 20)), rng.normal(size=(30, 6))
    matrix = programmed(w, x, mapping, adc_bits=12, tile=(8, 40))
    with pytest.raises(InputError, match="row_adc: got none"):
        matrix.matmul_transposed(y)
    ready = matrix.calibrated(y, transposed=True)
    found = ready.matmul_transposed(y)
    error = np.abs(found - y @ w.T).max() / np.abs(y @ w.T).max()
    assert 1e-6 < error < 0.02
    np.testing.assert_array_equal(ready.matmul_transposed(y[3]), found[3])
    np.testing.assert_array_equal(ready.matmul(x), matrix.matmul(x))


def test_a_column_for_several_outputs_has_no_transposed_product():
    class Mixed(DifferentialPairs):
        def weights(self, currents):
            return super().weights(currents) @ np.array([[1.0, 1.0], [0.0, 1.0]])

    with pytest.raises(InputError, match=r"mapping: got Mixed, with columns for several outputs"):
        programmed(np.eye(2), np.eye(2), Mixed).matmul_transposed(np.eye(2))


@pytest.mark.parametrize("mapping", [MAPPINGS[0], *MAPPINGS[3:12]], ids=repr)
def test_a_matrix_is_programmed_again(mapping):
    rng = np.random.default_rng(15)
    w, x = rng.normal(size=(2, 14, 5)) * [[[1.0]], [[7.0]]], rng.normal(size=(6, 14))
    first = programmed(w[0], x, mapping, biases=np.ones(5), tile=(6, 8), order="ir drop")
    for bias, want in ((None, np.ones(5)), (np.arange(5.0), np.arange(5.0))):
        second = first.reprogram(w[1], bias)
        np.testing.assert_allclose(second.matmul(x), x @ w[1] + want, atol=1e-11)
    np.testing.assert_allclose(first.matmul(x), x @ w[0] + 1, atol=1e-11)
    analog = programmed(w[0], x, mapping, biases=np.ones(5), bias="analog")
    np.testing.assert_allclose(analog.reprogram(w[1], np.arange(5)).matmul(x), x @ w[1] + np.arange(5), atol=1e-11)
    with pytest.raises(InputError, match="bias: got none"):
        analog.reprogram(w[1])
    with pytest.raises(InputError, match=r"weights: got shape \(13, 5\)"):
        first.reprogram(w[1, :13])


def test_cells_keep_their_faults_and_start_to_age_anew_when_they_are_programmed_again():
    rng = np.random.default_rng(16)
    w, x = rng.normal(size=(14, 5)), rng.normal(size=(6, 14))
    effects = (StuckCells(0.1, 0.1), Lognormal(0.1), PowerLawDrift(1.0, nu=0.1))
    first = programmed(w, x, effects=effects, adc_bits=8)
    again = first.at(1e6).compensated(x).reprogram(w)
    np.testing.assert_array_equal(again.tiles[0].crossbar.conductance, first.tiles[0].crossbar.conductance)
    np.testing.assert_array_equal(again.matmul(x), first.matmul(x))
    assert (
        first.reprogram(w, seed=3).tiles[0].crossbar.conductance != first.tiles[0].crossbar.conductance
    ).mean() > 0.5
    other = first.reprogram(rng.normal(size=(14, 5)))
    assert other.tiles[0].adc == first.tiles[0].adc
    with pytest.raises(InputError, match="reprogram: got a matrix from an array"):
        AnalogMatrix.from_array(first.tiles[0].crossbar, first.mapping).reprogram(w)


@pytest.mark.parametrize(
    "mapping", [DifferentialPairs, PairMapping("cancelling"), OffsetMapping("reference column")], ids=repr
)
def test_compensated_wires_lose_nothing(mapping):
    """Exact currents on real wires are those of the weights; a factor for each output makes up for a part."""
    rng = np.random.default_rng(17)
    w, x = rng.normal(size=(12, 4)), rng.uniform(size=(10, 12))
    wires = Wires(word_line=50.0, bit_line=50.0, driver=50.0, sense=50.0)
    plain = programmed(w, x, mapping, wires=wires, tile=(8, 8))
    found = programmed(w, x, mapping, wires=wires, tile=(8, 8), compensate_wires=True, remap=True)
    assert all(LIMITS[0] <= t.target.min() and t.target.max() <= LIMITS[1] for t in found.tiles)
    assert np.abs(plain.matmul(x) / (x @ w) - 1).max() > 0.02
    np.testing.assert_allclose(found.matmul(3 * x), 3 * x @ w, rtol=0, atol=1e-8 * np.abs(x @ w).max())
    other = found.reprogram(w[::-1]).matmul(x)
    np.testing.assert_allclose(other, x @ w[::-1], rtol=0, atol=1e-8 * np.abs(x @ w).max())
    calibrated = plain.compensated(x, "output", to="weights")
    errors = [np.square(m.matmul(x) - x @ w).mean() for m in (plain, calibrated)]
    assert errors[1] < 0.8 * errors[0]


def test_wires_that_take_too_much_cannot_be_compensated():
    wires = Wires(word_line=2e5, bit_line=2e5)
    with pytest.raises(InputError, match=r"compensate_wires: got .*; try: a smaller tile"):
        programmed(np.ones((8, 4)), np.ones((1, 8)), wires=wires, compensate_wires=True)


class Single:
    """A mapping of one's own: a cell and a blank for each weight, with a conductance of a unit for each column."""

    columns_per_output = 2

    def fit(self, weights, limits):
        fitted = Single()
        fitted.low = limits[0]
        fitted.scale = (limits[1] - limits[0]) / np.abs(weights).max(axis=0)
        return fitted

    def conductances(self, weights):
        cells = self.low + self.scale * np.asarray(weights)
        return np.stack([cells, np.full_like(cells, self.low)], axis=-1).reshape(len(cells), -1)

    def weights(self, currents):
        return (currents[..., 0::2] - currents[..., 1::2]) / self.scale


@pytest.mark.parametrize(
    "options", [{}, {"order": "ir drop"}, {"remap": True, "bias": "analog"}, {"subtract": "before"}]
)
def test_a_mapping_of_ones_own_knows_the_whole_matrix(options):
    """Tiles cut its columns, which differ from one another."""
    rng = np.random.default_rng(18)
    w, b, x, y = (rng.uniform(0.1, 1, size=s) for s in ((13, 7), 7, (4, 13), (3, 7)))
    matrix = programmed(w * 10.0 ** np.arange(7), x, Single(), biases=b, tile=(5, 5), **options)
    assert len(matrix.tiles) == 3 * 4
    np.testing.assert_allclose(matrix.matmul(9 * x), 9 * x @ (w * 10.0 ** np.arange(7)) + b, rtol=1e-10)
    np.testing.assert_allclose(matrix.matmul_transposed(y), y @ (w * 10.0 ** np.arange(7)).T, rtol=1e-10)
    np.testing.assert_allclose(matrix.reprogram(w, b).matmul(x), x @ w + b, rtol=1e-10)
    assert all(t.crossbar.columns in (4, 2) for t in matrix.tiles)
