"""Mapping of weights to conductances, and of matrices to tiles, for random matrices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from crossbar import DifferentialPairs, tile_slices
from devices import InputError

WEIGHTS = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(-1e3, 1e3))
LIMITS = st.tuples(st.floats(0, 1e-4), st.floats(1e-6, 1e-2)).map(lambda t: (t[0], t[0] + t[1]))


@given(WEIGHTS, LIMITS)
def test_weights_are_recovered_and_conductances_stay_in_the_window(weights, limits):
    if 0.0 < np.abs(weights).max() < 1e-290:
        with pytest.raises(InputError, match=r"weights: got .* at most; allowed: zeros, or a largest weight"):
            DifferentialPairs.fit(weights, limits)
        return
    pairs = DifferentialPairs.fit(weights, limits)
    conductance = pairs.conductance(weights)
    assert conductance.shape == (weights.shape[0], 2 * weights.shape[1])
    assert conductance.min() >= limits[0]
    assert conductance.max() <= limits[1]
    # The difference of two conductances of size g_max carries their rounding.
    resolution = 4e-16 * limits[1] / pairs.scale
    np.testing.assert_allclose(pairs.weights(conductance), weights, rtol=1e-12, atol=resolution)
    if np.abs(weights).max() > 0:
        assert conductance.max() == pytest.approx(limits[1])


@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.tuples(st.integers(1, 50), st.integers(1, 50)))
def test_tiles_cover_a_matrix_exactly_once(shape, tile):
    count = np.zeros(shape, int)
    for rows, columns in tile_slices(shape, tile):
        count[rows, columns] += 1
        assert rows.stop - rows.start <= tile[0]
        assert columns.stop - columns.start <= tile[1]
    assert (count == 1).all()
