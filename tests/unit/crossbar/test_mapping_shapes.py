"""A mapping of one's own that does not keep its protocol is refused when a matrix is programmed."""

from dataclasses import dataclass

import numpy as np
import pytest

from crossbar import AnalogMatrix, DifferentialPairs, Recipe
from devices import InputError

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
