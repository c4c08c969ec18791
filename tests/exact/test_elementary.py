"""Elementary functions of the kernels compared with mpmath in fifty digits."""

import math

import mpmath
import numpy as np
import pytest

from devices.kernels.elementary import cosh, power, sinh


def worst(function, exact, *arguments):
    """Return the largest error in units in the last place."""
    with mpmath.workdps(50):
        found = [(function(*a), exact(*map(mpmath.mpf, a))) for a in zip(*arguments, strict=True)]
        return max(float(abs(got - true) / np.spacing(abs(got))) for got, true in found)


@pytest.mark.parametrize(("function", "exact"), [(sinh, mpmath.sinh), (cosh, mpmath.cosh)])
@pytest.mark.parametrize("reach", [1e-300, 1e-3, 1.0, 30.0, 709.0])
def test_hyperbolic_functions_to_two_units_in_the_last_place(function, exact, reach):
    x = reach * np.random.default_rng(1).uniform(-1, 1, 2000)
    assert worst(function, exact, x.tolist()) < 2


def test_powers_to_a_few_units_in_the_last_place():
    rng = np.random.default_rng(2)
    base = np.exp(rng.uniform(-3, 3, 2000))
    whole, fractional = rng.integers(1, 17, 2000).astype(float), rng.uniform(-4, 20, 2000)
    assert worst(power, mpmath.power, base.tolist(), whole.tolist()) < 8
    assert worst(power, mpmath.power, base.tolist(), fractional.tolist()) < 2
    assert worst(power, mpmath.power, (-base).tolist(), whole.tolist()) < 8


@pytest.mark.parametrize("function", [sinh, cosh])
def test_hyperbolic_functions_at_zero_overflow_and_nan(function):
    library = {sinh: math.sinh, cosh: math.cosh}[function]
    for x in (0.0, -0.0, 710.4, -710.4, math.inf, -math.inf):
        assert function(x) == library(x)
    assert function(711.0) == math.inf
    assert math.isnan(function(math.nan))
    assert math.copysign(1.0, sinh(-0.0)) == -1.0


@pytest.mark.parametrize(
    ("base", "exponent", "value"),
    [(0.0, 3.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, math.inf), (1e200, 2.0, math.inf), (2.0, 1.0, 2.0)],
)
def test_powers_at_zero_overflow_and_nan(base, exponent, value):
    assert power(base, exponent) == value
    assert math.isnan(power(math.nan, 3.0))
