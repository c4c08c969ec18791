"""Parameter-only constants of kernels: which subexpressions of a law they replace, and that the law stays the same."""

import numpy as np
import pytest
import sympy

from devices import Device, device, models
from devices.kernels.hoisting import Hoisted
from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Parameter, ParameterSet


def test_parameter_only_subexpressions_become_constants_once():
    a, b, v = sympy.symbols("a b v", real=True)
    hoisted = Hoisted([a, b])
    first, second = hoisted(v * sympy.exp(a / b) + 2 * a), hoisted(sympy.sin(v) / (3 * b) - sympy.exp(a / b))
    names = hoisted.constants
    assert first == v * names[sympy.exp(a / b)] + names[2 * a]
    assert second == sympy.sin(v) / (3 * b) + names[-sympy.exp(a / b)]
    assert len(names) == 3


def test_bare_parameters_their_negatives_and_quotients_by_them_stay_in_the_law():
    a, v = sympy.symbols("a v", real=True)
    hoisted = Hoisted([a])
    for law in (v - a, v / a, a * v / 3):
        assert hoisted(law) == law
    assert not hoisted.constants


def test_constants_overflow_only_where_the_law_does():
    # At 2 K the series of JART's Schottky barrier has factors of 1e300, which small ones make up for.
    assert device("jart_vcm", t_0=2.0).current(0.5) == pytest.approx(5.1196e-07, rel=1e-4)


@pytest.mark.parametrize("name", ["power", "sinh", "cosh"])
def test_a_parameter_may_have_the_name_of_a_function_of_the_kernel(name):
    given = Parameter(name, "A", "scale", lower=0.0)
    model = DeviceModel(
        name=f"with_{name}",
        title="Scale times a hyperbolic sine",
        states=(),
        parameters=(given, Parameter("v0", "V", "scale", lower=0.0, open_lower=True)),
        current=given.symbol * sympy.sinh(VOLTAGE / sympy.Symbol("v0", real=True)),
        rates=(),
        parameter_sets=(ParameterSet("only", {name: 2.0, "v0": 1.0}, {}, "this test", "ours"),),
        references=("this test",),
        validity="This test.",
    )
    cell = Device(model, {name: 2.0, "v0": 1.0}, {}, model.parameter_sets[0])
    assert cell.current(1.5) == pytest.approx(2 * np.sinh(1.5), rel=1e-15)


@pytest.mark.parametrize("name", models())
def test_putting_the_constants_back_gives_the_law(name):
    model = models()[name]
    hoisted = Hoisted(p.symbol for p in model.parameters)
    for law in (model.current, *model.rates):
        replaced = hoisted(law)
        assert replaced.xreplace({symbol: part for part, symbol in hoisted.constants.items()}) == law
