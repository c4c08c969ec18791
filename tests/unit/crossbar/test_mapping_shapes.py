"""A mapping of one's own that does not keep its protocol is refused when a matrix is programmed."""

from dataclasses import dataclass

import numpy as np
import pytest

from crossbar import AnalogMatrix, BitSerial, DifferentialPairs, OffsetMapping, PairMapping, Recipe, SliceMapping
from devices import InputError, citations

LIMITS = (1e-6, 1e-5)
WEIGHTS = np.array([[0.5, -1.0], [1.0, 0.25]])


@dataclass(frozen=True)
class Broken(DifferentialPairs):
    """Pairs that lose their last column."""

    def conductances(self, weights):
        return super().conductances(weights)[:, :-1]


@dataclass(frozen=True)
class Scheme:
    made: type
    columns_per_output: int

    def fit(self, weights, limits):
        return self.made.fit(weights, limits)


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        (Scheme(Broken, 2), r"mapping.conductances: got shape \(2, 3\); allowed: shape \(2, 4\)"),
        (Scheme(DifferentialPairs, 1), r"mapping: got 2 columns for each output of a scheme that says 1"),
    ],
)
def test_it_is_refused(scheme, message):
    with pytest.raises(InputError, match=message):
        AnalogMatrix.program(WEIGHTS, [0, 0], Recipe(conductance_limits=LIMITS, mapping=scheme), calibration=[[1, 1]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PairMapping("crossed"), "arrangement: got 'crossed'"),
        (lambda: PairMapping(scale_per="columns"), "scale_per: got 'columns'.*try: column"),
        (lambda: OffsetMapping("analog"), "zero: got 'analog'"),
        (lambda: OffsetMapping(percentile=40.0), "percentile: got 40; allowed"),
        (lambda: SliceMapping(0), "bits: got 0"),
        (lambda: SliceMapping(8, 2.5), "bits_per_cell: got 2.5"),
        (lambda: SliceMapping(step=0.0), "step: got 0"),
        (lambda: SliceMapping(signs="two's complement"), "signs: got"),
        (lambda: BitSerial(bits=4, bits_per_read=5), "bits_per_read: got 5; allowed: a whole number, >= 1, <= 4"),
        (lambda: recipe(mapping=SliceMapping(8, 1), tile=(4, 15)), "tile columns: got 15; .*>= 16"),
        (lambda: recipe(mapping=OffsetMapping("reference column"), tile=(4, 1)), "tile columns: got 1; .*>= 2"),
        (lambda: recipe(mapping=PairMapping("cancelling"), tile=(1, 4)), "tile rows: got 1; .*>= 2"),
        (lambda: recipe(mapping=PairMapping("separate"), subtract="before"), "subtract: got 'before'"),
        (lambda: recipe(mapping=OffsetMapping(), subtract="before"), "subtract: got 'before'"),
        (
            lambda: recipe(mapping=OffsetMapping),
            r"mapping: got the class OffsetMapping; .*try: mapping=OffsetMapping\(\)",
        ),
        (lambda: recipe(mapping=PairMapping), r"mapping: got the class PairMapping"),
        (lambda: recipe(compensate_wires=1), "compensate_wires: got 1"),
        (lambda: recipe(order="random"), "order: got 'random'"),
        (lambda: recipe(remap="yes"), "remap: got 'yes'"),
        (lambda: recipe(full_scale=0.0), "full_scale: got 0"),
        (lambda: recipe(full_scale="1"), "full_scale: got '1'"),
        (lambda: PairMapping().fit(WEIGHTS, LIMITS).conductances(2 * WEIGHTS), "weights: got 2 at .* S per unit"),
        (lambda: OffsetMapping().fit(WEIGHTS, LIMITS).conductances(-2 * WEIGHTS), "weights: got 2 at .* S per unit"),
        (lambda: PairMapping().fit([[1e-300]], LIMITS), "weights: got 1e-300 at most"),
        (lambda: OffsetMapping().fit([[float("inf")]], LIMITS), "weights: got inf"),
    ],
)
def test_bad_options_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def recipe(**options):
    return Recipe(conductance_limits=LIMITS, **options)


def test_sources_of_a_mapping_are_cited():
    sliced = citations(recipe(mapping=SliceMapping(), encoding=BitSerial()))
    assert "SliceMapping, BitSerial: A. Shafiee et al." in repr(sliced)
    assert "doi 10.1063/1.5143815" in repr(citations(recipe(mapping=PairMapping())))
