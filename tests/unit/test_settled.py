"""Constants of a kernel: what they take out of a law, and that the law stays the same."""

import pytest
import sympy

from devices import models
from devices._settled import Settled


def test_what_hangs_on_parameters_alone_is_named_once():
    a, b, v = sympy.symbols("a b v", real=True)
    settled = Settled([a, b])
    first, second = settled(v * sympy.exp(a / b) + 2 * a), settled(sympy.sin(v) / (3 * b) - sympy.exp(a / b))
    names = settled.constants
    assert first == v * names[sympy.exp(a / b)] + names[2 * a]
    assert second.free_symbols == {v, names[1 / (3 * b)], names[-sympy.exp(a / b)]}


def test_parameters_and_their_negatives_stay():
    a, v = sympy.symbols("a v", real=True)
    settled = Settled([a])
    assert settled(v - a) == v - a
    assert not settled.constants


@pytest.mark.parametrize("name", models())
def test_laws_stay_what_they_are(name):
    model = models()[name]
    settled = Settled(p.symbol for p in model.parameters)
    for law in (model.current, *model.rates):
        taken = settled(law)
        assert taken.xreplace({symbol: part for part, symbol in settled.constants.items()}) == law
