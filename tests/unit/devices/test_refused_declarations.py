"""Declarations that a kernel cannot have, or whose parts are of another kind: refused where they stand."""

import math

import pytest
import sympy

from devices import VOLTAGE, DeviceModel, InputError, Parameter, ParameterSet, Part, State, Unknown

X = State("x", "1", "filled fraction")
G = Parameter("g", "S", "conductance when filled", lower=0.0)
K = Parameter("k", "1/(V s)", "rate", lower=0.0)
SET = ParameterSet("mine", {"g": 1e-4, "k": 2.0}, {"x": 0.1}, "a test", "ours")
LETTER = sympy.Symbol("T", real=True)
INNER = sympy.Symbol("u", real=True)


def declare(**changes):
    fields = {
        "name": "my_device",
        "title": "Linear growth",
        "states": (X,),
        "parameters": (G, K),
        "current": G.symbol * X.symbol * VOLTAGE,
        "rates": (K.symbol * VOLTAGE,),
        "parameter_sets": (SET,),
        "references": ("a test",),
        "validity": "Here.",
    }
    return DeviceModel(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rates": (sympy.Piecewise((K.symbol * VOLTAGE, VOLTAGE > 0)),)}, r"my_device.x: .*last condition is True"),
        ({"current": sympy.I * G.symbol * VOLTAGE}, r"my_device.current: got I in .*real, finite numbers"),
        ({"current": sympy.nan}, r"my_device.current: got nan"),
        ({"rates": (sympy.oo,)}, r"my_device.x: got oo"),
        ({"current": G.symbol * VOLTAGE * sympy.floor(X.symbol)}, r"my_device.current: got floor\(x\)"),
        ({"current": G.symbol * VOLTAGE * sympy.besselj(0, X.symbol)}, r"my_device.current: got besselj\(0, x\)"),
        ({"current": G.symbol * VOLTAGE * sympy.LambertW(X.symbol)}, r"my_device.current: got LambertW\(x\)"),
        ({"parts": (Part("T", G.symbol),)}, r"my_device.parts: got the letter 'T'; allowed: a SymPy symbol"),
        ({"parts": (Part(LETTER, G.symbol, "shown"),)}, r"my_device.T.shown: got 'shown'"),
        ({"unknown": Unknown("u", "V", "inner", INNER - VOLTAGE, (0,))}, r"my_device.u.between: got \(0,\)"),
        ({"unknown": Unknown("u", "V", "inner", INNER - VOLTAGE, VOLTAGE)}, r"my_device.u.between: got v"),
        ({"terminals": "te"}, r"my_device.terminals: got 'te'; allowed: two names, top electrode first"),
        ({"terminals": ("a", "b", "c")}, r"my_device.terminals: got \('a', 'b', 'c'\)"),
        ({"passive": "no"}, r"my_device.passive: got 'no'; allowed: True or False"),
    ],
)
def test_a_model(changes, message):
    with pytest.raises(InputError, match=message):
        declare(**changes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Parameter(None, "S", "conductance"), r"name: got None"),
        (lambda: Parameter("g", None, "conductance"), r"g.unit: got None; allowed: a text; try: unit='1'"),
        (lambda: Parameter("g", "S", None), r"g.meaning: got None"),
        (lambda: Parameter("g", "S", "conductance", lower="0"), r"g.lower: got '0'; allowed: a number \[S\]"),
        (lambda: Parameter("g", "S", "conductance", lower=2.0, upper=1.0), r"g: got bounds \[2, 1\]"),
        (lambda: State("x", "1", "share", lower=None), r"x.lower: got None"),
        (lambda: State("x", "1", "share", upper=math.inf), r"x.upper: got inf; allowed: a finite number"),
        (lambda: State("x", "1", "share", upper=math.nan), r"x.upper: got nan"),
        (lambda: ParameterSet("p", [1e-4], {"x": 0.1}, "a test", "ours"), r"p.values: got \[0.0001\]; .*mapping"),
        (lambda: ParameterSet("p", {"g": 1e-4}, None, "a test", "ours"), r"p.initial: got None; .*mapping"),
        (lambda: ParameterSet("p", {G.symbol: 1e-4}, {}, "a test", "ours"), r"p.values: got the key g; .*try: 'g'"),
    ],
)
def test_a_quantity(make, message):
    with pytest.raises(InputError, match=message):
        make()
