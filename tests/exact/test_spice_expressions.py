"""Expressions printed for ngspice, compared with the numbers that ngspice computes from them."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Abs, Heaviside, Max, Min, Piecewise, Rational, cosh, exp, log, sign, sinh, sqrt, tanh

from devices import InputError
from devices.special import logistic, softplus
from netlists import run_ngspice
from netlists.dialects.expressions import expression, number_text

pytestmark = pytest.mark.spice

V, P, Q = sympy.symbols("v p q", real=True)
#: Values of v, p and q; p is a whole number, for powers of negative bases.
POINTS = [(0.3, 3.0, -2.0), (-0.7, 2.0, 1.5), (1.25, 1.0, -0.123456789012345), (-2.0, 5.0, 3e-3)]


def ngspice_values(laws, points=POINTS):
    """Each law at each point, as ngspice evaluates it: shape (laws, points)."""
    names = {V: "v(a)", P: "{p}", Q: "{q}"}
    outputs = " ".join(f"n{k}" for k in range(len(laws)))
    lines = ["* expressions", f".subckt laws a {outputs} PARAMS: p=0 q=0"]
    lines += [f"B{k} n{k} 0 V = {expression(law, names)}" for k, law in enumerate(laws)]
    lines.append(".ends")
    for m, (v, p, q) in enumerate(points):
        nets = " ".join(f"x{m}_{k}" for k in range(len(laws)))
        lines += [f"Va{m} a{m} 0 {v!r}", f"X{m} a{m} {nets} laws p={p!r} q={q!r}"]
    waves = run_ngspice("\n".join([*lines, ".op", ".end", ""]))
    return np.array([[waves[f"v(x{m}_{k})"][0] for m in range(len(points))] for k in range(len(laws))])


def wanted(law, points=POINTS):
    return [float(sympy.N(law.subs({V: v, P: p, Q: q}, simultaneous=True), 30)) for v, p, q in points]


VOCABULARY = [
    V + P - Q,
    P - Q,
    -Q,
    -V - P - Q,
    2 - Q * Q,
    V - (P - Q),
    V * P / (Q * (V + 10)),
    1 / Q,
    -1 / (Q * P**2),
    (V - P) / (P * (Q - 7)) * 3,
    Rational(1, 3) * V,
    sympy.Float(1.2345678901234567e-5) * V,
    sympy.Float(-9.876543210987654e20) + V,
    sympy.pi * V,
    V**2,
    V**3,
    -(V**2),
    V**4,
    V**5,
    V**7,
    V**-2,
    V**-5,
    (V - Rational(9, 4)) ** P,
    (V - Rational(9, 4)) ** (2 * P),
    (1 + Abs(V)) ** Q,
    (1 + V**2) ** (-P),
    Q**3,
    2**Q,
    sqrt(1 + V**2),
    1 / sqrt(3 + V),
    (3 + V) ** Rational(3, 2),
    exp(-Q * V),
    exp(V) ** 2,
    log(3 + V),
    sinh(P * V),
    cosh(Q),
    tanh(V / Q),
    sympy.sin(V) + sympy.cos(Q) + sympy.tan(V / 3) + sympy.atan(V),
    Abs(V - 1),
    sign(V),
    Max(V, Q),
    Max(V, Q, P / 10, 0),
    Min(V, Q, Rational(1, 7)),
    Max(V - 1, 0) ** P,
    Heaviside(V - Rational(1, 10)),
    Piecewise((0, V > 0), (1, True)),
    Piecewise((V, V < -1), (Q, V <= 0.25), (-P, True)),
    Piecewise((1, V < 1.25), (2, V > -2), (3, True)),
    Piecewise((1, V >= 1.25), (2, V <= -2), (3, True)),
    Piecewise((1, sympy.And(V > 0, Q < 0)), (2, sympy.Or(V < -1, Q > 2)), (3, True)),
    Piecewise((1, sympy.Not(sympy.And(V > 0, Q < 0))), (2, True)),
    Piecewise((5, sympy.Eq(V, 1.25)), (V - 2, sympy.Ne(V, -2)), (7, True)) * 2,
    3 * Piecewise((-V, V >= 0), (V - Q, True)) ** 3,
    *(f(k * V) for f in (softplus, logistic) for k in (1, 9, 40, 300)),
    softplus(V).diff(V) + logistic(Q * V).diff(Q),
]


def test_all_functions_have_the_same_values_in_ngspice():
    found = ngspice_values(VOCABULARY)
    for law, values in zip(VOCABULARY, found, strict=True):
        np.testing.assert_allclose(values, wanted(law), rtol=1e-13, atol=1e-300, err_msg=str(law))


def test_a_step_is_zero_at_zero_as_in_our_kernels():
    at_zero = [(0.0, 1.0, 1.0)]
    found = ngspice_values([Heaviside(V), sign(V), Piecewise((0, V > 0), (1, True)), Abs(V) ** P], at_zero)
    np.testing.assert_array_equal(found[:, 0], [0.0, 0.0, 1.0, 0.0])


leaves = st.one_of(
    st.sampled_from([V, P, Q]),
    st.floats(-3, 3, allow_nan=False).filter(lambda x: abs(x) > 1e-6).map(sympy.Float),
    st.integers(-4, 4).map(sympy.Integer),
)
trees = st.recursive(
    leaves,
    lambda e: st.one_of(
        st.tuples(e, e).map(lambda t: t[0] + t[1]),
        st.tuples(e, e).map(lambda t: t[0] - t[1]),
        st.tuples(e, e).map(lambda t: t[0] * t[1]),
        st.tuples(e, e).map(lambda t: t[0] / (1 + t[1] ** 2)),
        st.tuples(e, st.integers(2, 5)).map(lambda t: tanh(t[0]) ** t[1]),
        st.tuples(e, e).map(lambda t: Max(t[0], t[1])),
        st.tuples(e, e).map(lambda t: Min(t[0], t[1])),
        st.tuples(e, e, e).map(lambda t: Piecewise((t[0], tanh(t[1]) > Rational(37, 100)), (t[2], True))),
        e.map(lambda a: exp(-tanh(a))),
        e.map(Abs),
        e.map(lambda a: sqrt(1 + a**2)),
    ),
    max_leaves=8,
)


@settings(max_examples=6)
@given(st.lists(trees, min_size=5, max_size=15))
def test_random_expressions_have_the_same_values_in_ngspice(laws):
    for law, values in zip(laws, ngspice_values(laws), strict=True):
        right = np.array(wanted(law))
        # Sums may cancel: rounding is relative to the largest term, which these bounded leaves keep moderate.
        scale = 1.0 + max(abs(float(a)) for a in [*right, *values])
        np.testing.assert_allclose(values, right, rtol=1e-11, atol=1e-11 * scale, err_msg=str(law))


@pytest.mark.parametrize(
    "value", [0.1, 1e-9, -2.5, 100.0, 1.2345678901234567e-5, 5e-324, 1.7976931348623157e308, -0.0, 3e8, math.pi]
)
def test_numbers_read_back_as_the_same_double(value):
    assert float(number_text(value)) == value
    assert not number_text(value).endswith(".0")


@pytest.mark.parametrize(
    "law",
    [sympy.gamma(V), sympy.Symbol("stranger"), sympy.oo + V, Piecewise((1, V > 0)), sympy.I * V, sympy.floor(V)],
)
def test_unsupported_functions_are_refused(law):
    with pytest.raises(InputError, match=r"expression: got"):
        expression(law, {V: "v(a)"})
