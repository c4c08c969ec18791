"""Expressions printed as Verilog-A, compared with the numbers that VACASK computes from a compiled module."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Abs, Heaviside, Max, Piecewise, Rational, sign

from devices import InputError
from netlists import run_vacask
from netlists.dialects.expressions import real_text, verilog_expression
from tests.exact.test_spice_expressions import POINTS, VOCABULARY, P, Q, V, trees, wanted

pytestmark = pytest.mark.vacask


def vacask_values(laws, points=POINTS):
    """Each law at each point, as VACASK evaluates it: shape (laws, points)."""
    # The law depends on the voltage of a node, so that its derivative has to be finite too.
    names = {V: "(v + V(a))", P: "p", Q: "q"}
    ports = ", ".join(["a", *(f"n{k}" for k in range(len(laws)))])
    lines = ["expressions", "ground 0", 'load "laws.va"', "model source vsource", "model laws laws"]
    for m, (v, p, q) in enumerate(points):
        nets = " ".join(f"x{m}_{k}" for k in range(len(laws)))
        lines += [f"va{m} (a{m} 0) source dc=0", f"x{m} (a{m} {nets}) laws v={v!r} p={p!r} q={q!r}"]
    lines += ["control", "  abort always", '  options rawfile="binary"', "  analysis values op", "endc"]
    lines += ['embed "laws.va" <<<MODULE', '`include "disciplines.vams"', f"module laws({ports});"]
    lines += [f"inout {ports};", f"electrical {ports};"]
    lines += [f'(* type="instance" *) parameter real {name} = 0.0;' for name in "vpq"]
    lines += ["analog begin"]
    lines += [f"V(n{k}) <+ {verilog_expression(law, names)};" for k, law in enumerate(laws)]
    waves = run_vacask("\n".join([*lines, "end", "endmodule", ">>>MODULE", ""]))
    return np.array([[waves[f"v(x{m}_{k})"][0] for m in range(len(points))] for k in range(len(laws))])


def test_all_functions_have_the_same_values_in_vacask():
    for law, values in zip(VOCABULARY, vacask_values(VOCABULARY), strict=True):
        np.testing.assert_allclose(values, wanted(law), rtol=2e-15, atol=1e-300, err_msg=str(law))


def test_a_step_is_zero_at_zero_as_in_our_kernels():
    at_zero = [(0.0, 1.0, 1.0)]
    laws = [Heaviside(V), sign(V), Piecewise((0, V > 0), (1, True)), Abs(V) ** P, Max(V, 0) ** P]
    np.testing.assert_array_equal(vacask_values(laws, at_zero)[:, 0], [0.0, 0.0, 1.0, 0.0, 0.0])


@settings(max_examples=3)
@given(st.lists(trees, min_size=5, max_size=15))
def test_random_expressions_have_the_same_values_in_vacask(laws):
    laws = [law + 1 for law in laws]  # of a node that is 0 at all times OpenVAF makes ground
    for law, values in zip(laws, vacask_values(laws), strict=True):
        right = np.array(wanted(law))
        scale = 1.0 + max(abs(float(a)) for a in [*right, *values])
        np.testing.assert_allclose(values, right, rtol=1e-11, atol=1e-11 * scale, err_msg=str(law))


@pytest.mark.parametrize("value", [0.1, 1e-9, 100.0, 1e16, 1.2345678901234567e-5, 5e-324, 1.7976931348623157e308, 3e8])
def test_numbers_are_reals_that_read_back_as_the_same_double(value):
    assert float(real_text(value)) == value
    assert "." in real_text(value) or "e" in real_text(value)


def test_no_number_is_an_integer():
    """In Verilog-A ``1/3`` is 0."""
    assert verilog_expression(Rational(1, 3) * V / 7 + 2, {V: "v"}) == "0.047619047619047616*v + 2.0"
    assert verilog_expression(1 / (3 * V), {V: "v"}) == "0.3333333333333333/v"


def test_unsupported_functions_are_refused():
    with pytest.raises(InputError, match=r"expression: got"):
        verilog_expression(Piecewise((1, V > 0)), {V: "v"})
