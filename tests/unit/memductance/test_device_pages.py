"""The page and the picture of a model with everything that a declaration can have."""

import re

import pytest
import sympy

from devices import Device, Parameter, ParameterSet, State, device, models, parameter_sets
from devices.formulas import CURRENT, formula, readable
from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Control, Unknown
from memductance.pages.devices import bounds_text, index_page, loop_figure, model_page

R = Parameter("r", "ohm", "resistance | magnitude", lower=0.0, open_lower=True, latex=r"R_\mathrm{s}")
X = State("x", "1", "state")
U = sympy.Symbol("u", real=True)
SETS = tuple(ParameterSet(n, {"r": r}, {"x": 0.25}, "made for this test", "ours") for n, r in (("a", 1e3), ("b", 2e3)))


def declare(**changes):
    usual = {
        "name": "page_model",
        "title": "A model with an inner node",
        "states": (X,),
        "parameters": (R, Parameter("k", "1/(V s)", "rate")),
        "current": U * X.symbol / R.symbol,
        "rates": (sympy.Symbol("k", real=True) * U,),
        "unknown": Unknown("u", "V", "inner voltage", U + (U - VOLTAGE), (sympy.Integer(0), VOLTAGE)),
        "parameter_sets": tuple(
            ParameterSet(s.name, {**s.values, "k": 2.0}, s.initial, s.source, s.status) for s in SETS
        ),
        "references": ("A. Author, Journal 1, 2 (2026)",),
        "validity": "This test.",
    }
    return DeviceModel(**{**usual, **changes})


def test_a_page_has_all_of_the_declaration():
    text = model_page(declare(), "loop.png")
    assert re.findall(r"```math\n(.*)\n```", text) == declare().latex()
    assert r"| r | $R_\mathrm{s}$ | ohm | (0, inf) | resistance \| magnitude | 1000 | 2000 |" in text
    assert "| x | $x$ |  | [0, 1] | state | 0.25 | 0.25 |" in text
    assert "$u$ [V] the inner voltage, which the equation of 0 gives" in text
    assert "| `b` | ours: chosen for this project | made for this test |  |" in text
    assert "simulate(cell, cell.loop()).plot()" in text


def test_formulas_keep_exponents_low_and_break_long_sums():
    a, b = sympy.symbols("a b", real=True)
    names = {a: r"a_\mathrm{long}"}
    assert formula(sympy.exp(-b), names) == "e^{- b}"
    assert formula(sympy.exp(-a / b) * b, names) == r"b \exp\left(- \frac{a_\mathrm{long}}{b}\right)"
    assert formula(sympy.log(b), names) == r"\ln{\left(b \right)}"
    terms = [sympy.exp(-a / b) * sympy.sinh(k * a) for k in range(1, 6)]
    long = formula(terms[0] - sympy.Add(*terms[1:]), names)
    assert long.startswith(r"\begin{aligned} & ")
    assert long.count(r"\\ & ") == 4
    assert len(re.findall(r"\\\\ & (?=[+-])", long)) == 4


def test_formulas_begin_with_what_is_added_and_leave_out_guards():
    a, b, v = sympy.symbols("a b v", real=True)
    assert formula(b - a, {}) == "b - a"
    assert formula(sympy.Rational(23, 20) * a, {}) == "1.15 a"
    assert formula(sympy.Piecewise((1, v > a), (0, True)) * b, {}) == r"b \,\mathrm{step}\left(v - a\right)"
    assert formula(sympy.Piecewise((0, v > 0), (1, True)), {}) == r"\,\mathrm{step}\left(- v\right)"
    cases = formula(sympy.Piecewise((a, a < sympy.Abs(v)), (b, True)), {})
    assert cases == r"\begin{cases} a & \text{if } \left|{v}\right| > a \\ b & \text{otherwise} \end{cases}"
    small = sympy.Rational(1, 1000)
    held = sympy.Max(small, a)
    series = sympy.Piecewise((1 + a / 2, a < small), (sympy.sinh(held) / held, True))
    capped = sympy.exp(sympy.Min(300, sympy.Max(0, a)))
    (current, rate), parts = readable([a * v, a * v / b + series + capped])
    assert current == a * v
    assert rate.subs(CURRENT, b) == 1 + sympy.sinh(a) / a + sympy.exp(sympy.Max(0, a))
    assert not parts


def test_a_long_law_names_what_it_repeats():
    a, b = sympy.symbols("a b", real=True)
    repeated = sympy.sqrt(a**2 + b**2 + sympy.sin(a) * sympy.cos(b))
    law = sum(sympy.sin(k * repeated) ** k for k in range(1, 60))
    (_, shown), parts = readable([sympy.Symbol("c", real=True), law])
    assert [str(name) for name, _ in parts] == ["u_1"]
    assert shown.count_ops() < law.count_ops() / 2
    assert shown.subs(*parts[0]) == law


@pytest.mark.parametrize("name", list(models()))
def test_the_formulas_that_are_shown_are_those_that_are_computed(name):
    model, given = models()[name], models()[name].parameter_set()
    quantities = (*model.states, *model.parameters)
    symbols = {q.name: q.symbol for q in quantities}
    values = {symbols[n]: sympy.Float(x) for n, x in given.values.items()}
    for state in model.states:
        low, high = (float(b.subs(values)) for b in model.bounds(state))
        values[state.symbol] = sympy.Float(0.4 * low + 0.6 * high)
    for sign in (1, -1):
        volts = sympy.Float(0.6 * sign * given.loop_voltage)
        at = {**values, VOLTAGE: volts, **{gate.symbol: volts / 3 for gate in model.controls}}
        if model.unknown is not None:
            low, high = (end.subs(at) for end in model.unknown.between)
            at[model.unknown.symbol] = 0.001 * low + 0.999 * high
        wanted = [law.xreplace(at) for law in (model.current, *model.rates)]
        wanted += [] if model.unknown is None else [model.unknown.residual.xreplace(at)]
        shown = dict(model.equations())
        at[CURRENT] = wanted[0]
        letters = {part.letter.name for part in model.parts}
        parts = {k: shown.pop(k) for k in list(shown) if k in letters or (k.startswith("u_") and k not in symbols)}
        while parts:
            known = next(k for k, law in parts.items() if law.free_symbols <= at.keys())
            at[sympy.Symbol(known, real=True)] = parts.pop(known).xreplace(at)
        for law, value in zip(shown.values(), wanted, strict=True):
            assert float(law.xreplace(at)) == pytest.approx(float(value), rel=1e-9, abs=1e-300)


def test_a_page_of_a_gated_device_names_the_gate():
    gate = Control("gate", "gate", latex=r"v_\mathrm{g}")
    text = model_page(declare(controls=(gate,)), "loop.png")
    assert r"$v_\mathrm{g}$ that of the gate" in text
    assert "controls=[1.0])" in text


def test_the_index_links_each_page():
    assert "[page_model](page_model.md)" in index_page({"page_model": declare()}, "pictures")


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (R, "(0, inf)"),
        (Parameter("q", "1", "any"), ""),
        (Parameter("q", "1", "share", lower=0.0, upper=1.0), "[0, 1]"),
        (Parameter("q", "1", "negative", upper=-1.0), "(-inf, -1]"),
        (State("q", "m", "between", lower="a", upper="b"), "[a, b]"),
    ],
)
def test_bounds_read_as_intervals(quantity, text):
    assert bounds_text(quantity) == text


def test_pictures_draw_the_loop_the_curve_and_the_gate():
    model = declare()
    given = model.parameter_set()
    cases = [
        (Device(model, dict(given.values), dict(given.initial), given), 1, "V sine"),
        (device("resistor"), 1, "curve"),
        (device("ekv_transistor"), 3, "curve"),
    ]
    for cell, lines, title in cases:
        figure = loop_figure(cell)
        linear, logarithmic = figure.axes
        assert title in figure.get_suptitle()
        assert len(logarithmic.lines) == lines
        assert logarithmic.get_yscale() == "log"
        assert linear.get_xlabel() == "voltage [V]"
    assert parameter_sets("resistor")["unit"].loop_voltage == pytest.approx(figure.axes[0].get_xlim()[1], rel=0.2)
