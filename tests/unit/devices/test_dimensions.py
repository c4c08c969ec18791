"""Units of declarations: what is read, what agrees, and what a law that does not fit gets."""

import time

import pint
import pytest
import sympy
from sympy import Abs, Heaviside, Max, Min, Piecewise, cosh, exp, log, sign, sqrt, tanh

from devices import InputError, Measured, Parameter, ParameterSet, State, models
from devices.dimensions import unit_of
from devices.model import VOLTAGE, DeviceModel
from devices.parameters import Unknown
from devices.special import logistic, softplus
from devices.units import _COHERENT, factor, parse_unit

X = State("x", "m", "width", upper="d")
QUANTITIES = (
    Parameter("d", "m", "thickness", lower=0.0, open_lower=True),
    Parameter("r", "ohm", "resistance", lower=0.0, open_lower=True),
    Parameter("v0", "V", "scale"),
    Parameter("k", "m/s", "rate"),
    Parameter("p", "1", "exponent"),
    Parameter("a", "1/V", "exponent"),
)
d, r, v0, k, p, a = (q.symbol for q in QUANTITIES)
x, v = X.symbol, VOLTAGE
UNITS = {v: parse_unit("V"), **{q.symbol: parse_unit(q.unit) for q in (X, *QUANTITIES)}}


def declare(**changes):
    usual = {
        "name": "test_model",
        "title": "test",
        "states": (X,),
        "parameters": QUANTITIES,
        "current": v / r,
        "rates": (k * v / v0,),
        "parameter_sets": (
            ParameterSet(
                "test", {"d": 1e-9, "r": 1e3, "v0": 1.0, "k": 1.0, "p": 2.0, "a": 1.0}, {"x": 0.0}, "tests", "ours"
            ),
        ),
        "references": ("none (2026)",),
        "validity": "tests",
    }
    return DeviceModel(**{**usual, **changes})


@pytest.mark.parametrize("text", [*_COHERENT, "m^2/(V s)", "A/V^2", "1/(V s)", "nm", "eV/K", "K/W", "A/V s", "S^0.5"])
def test_units_are_what_pint_takes_them_for(text):
    registry = pint.UnitRegistry(cache_folder=None)
    wanted = (1 * registry(text)).to_base_units() if text != "1" else registry.Quantity(1.0)
    unit = parse_unit(text)
    assert sympy.exp(unit.log_factor) == pytest.approx(wanted.magnitude, rel=1e-12)
    names = {"kilogram": 0, "meter": 1, "second": 2, "ampere": 3, "kelvin": 4}
    assert {names[n]: float(e) for n, e in wanted.unit_items()} == {n: e for n, e in enumerate(unit.powers) if e}


@pytest.mark.parametrize("text", ["bogus", "", "m/", "m)", "(m", "2 m", "m^k", "degC", "dB", "m/s/", "$", "A,V"])
def test_what_is_no_unit_is_refused_with_the_quantity(text):
    with pytest.raises(ValueError, match=r"."):
        parse_unit(text)
    with pytest.raises(InputError, match=rf"test_model.k: got unit '{'.' * len(text)}'.*SI units"):
        declare(parameters=(*QUANTITIES[:3], Parameter("k", text, "rate"), *QUANTITIES[4:]))


#: Texts that a calculator, or pint, reads as something else than a unit: they are refused at once.
NO_UNITS = [
    "9**9**9 * ohm", "9**9**9", "A/B", "A/turn", "A %", "A*pi", "A ppm", "A/0", "A!", "1e999 A", "2 A", "A^999", "A**A",
    "__import__('os')", "A" * 200, "(" * 90, "()" * 40, "A/(V", "ohm.m", "bytes", "count", "degC", "dB", "year", "kmin",
    "",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_UNITS)
def test_no_text_of_a_file_is_computed(text):
    start = time.process_time()
    with pytest.raises(InputError, match=r"units\['i'\]: got .*; allowed: a unit that converts to A"):
        factor("i", text, "A")
    with pytest.raises(ValueError, match=r"\w"):
        parse_unit(text)
    assert time.process_time() - start < 2.0


def test_a_file_whose_unit_is_an_expression_is_refused(tmp_path):
    table = tmp_path / "bomb.csv"
    table.write_text("time (s),voltage (V),current (9**9**9)\n0,0,0\n1,1,1\n2,0,0\n")
    with pytest.raises(InputError, match=r"9\*\*9"):
        Measured.read(table)


@pytest.mark.parametrize(
    ("text", "si", "wanted"),
    [
        ("uA", "A", 1e-6), ("µA", "A", 1e-6), ("μA", "A", 1e-6), ("kΩ", "ohm", 1e3), ("MOhm", "ohm", 1e6),
        ("mOhm", "ohm", 1e-3), ("ohms", "ohm", 1.0), ("Seconds", "s", 1.0), ("millivolts", "V", 1e-3),
        ("Amps", "A", 1.0),
        ("min", "s", 60.0), ("h", "s", 3600.0), ("Å", "m", 1e-10), ("eV", "J", 1.602176634e-19), ("%", "1", 0.01),
        ("1/ms", "1/s", 1e3), ("cm^-3", "1/m^3", 1e6), ("mA/V", "S", 1e-3), ("g", "kg", 1e-3), ("cd", "cd", 1.0),
        ("nanoseconds", "s", 1e-9), ("Pa", "Pa", 1.0), ("m", "m", 1.0), ("mm", "m", 1e-3),
    ],
)  # fmt: skip
def test_units_as_people_write_them(text, si, wanted):
    assert factor("x", text, si) == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("V/A", "ohm"),
        ("m/s", "m/s"),
        ("nm", "1e-09 m"),
        ("kg m^2/(s^3 A)", "V"),
        ("A/V^3", "A/V^3"),
        ("m^2/(V s)", "m^2/(V s)"),
        ("1/m^0.5", "1/m^(1/2)"),
    ],
)
def test_units_read_well(unit, text):
    assert str(parse_unit(unit)) == text


@pytest.mark.parametrize(
    ("law", "unit"),
    [
        (v / r, "A"),
        (v0 * tanh(v / v0), "V"),
        (Max(v, v0) + Min(v, 0) - Abs(v), "V"),
        (Max(v / v0 - 1, 0) ** p * k, "m/s"),
        ((x / d) ** p, "1"),
        (Abs(x) ** p * Abs(d) ** -p, "1"),
        (x**p * x ** (1 - p), "m"),
        (Piecewise((x, (v > v0) & (x < d)), (0, True)), "m"),
        (sign(v) * sqrt(x**2), "m"),
        (Heaviside(v - v0) * x, "m"),
        (v0 * softplus(v / v0) * logistic(a * v), "V"),
        (exp(a * v) * log(x / d) * cosh(p) ** p, "1"),
        (sympy.Float(0.0) + x ** sympy.Float(0.5), "m^0.5"),
        (x ** sympy.sqrt(4) / sympy.pi, "m^2"),
    ],
)
def test_laws_have_the_units_of_their_parts(law, unit):
    found = unit_of(law, UNITS)
    assert found.agrees(parse_unit(unit))


def test_a_zero_fits_any_unit():
    assert unit_of(sympy.Integer(0), UNITS) is None
    assert declare(rates=(sympy.Integer(0),))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"current": v * r}, r"test_model.current: got r\*v \[V\^2/A\] as current; allowed: \[A\]"),
        ({"current": v / r + x}, r"test_model.current: got .* \[\w+\] next to .* \[\w+\]; allowed: terms of one unit"),
        ({"current": sympy.sinh(v) * v / r}, r"test_model.current: got v \[V\] in sinh; allowed: a pure number"),
        ({"current": softplus(v) * v / r}, r"got v \[V\] in softplus; allowed: a pure number"),
        ({"current": (v / v0) ** x * v / r}, r"got x \[m\] as exponent"),
        ({"current": v**p / r}, r"test_model.current: got v\*\*p/r \[a unit to the power of p\] as current"),
        ({"rates": (k * v,)}, r"test_model.x: got k\*v \[.*\] as rate; allowed: \[m/s\]"),
        ({"rates": (k * Max(v - v0, x),)}, r"test_model.x: got .* next to"),
        ({"rates": (k * Max(v, 1) / v0,)}, r"got v \[V\] next to 1 \[1\]|got 1 \[1\] next to v \[V\]"),
        ({"rates": (Piecewise((k, v > 0.5), (0, True)),)}, r"test_model.x: got .* next to"),
        ({"rates": (Piecewise((k, v > 0), (v, True)),)}, r"test_model.x: got v \[V\] next to k \[m/s\]"),
        ({"rates": (k * Heaviside(v - x),)}, r"test_model.x: got .* next to"),
        (
            {"states": (State("x", "nm", "width", upper="d"),)},
            r"got d \[m\] as bound; allowed: \[1e-09 m\]",
        ),
        ({"states": (State("x", "furlongs per", "width"),)}, r"test_model.x: got unit 'furlongs per': .*"),
    ],
)
def test_laws_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        declare(**changes)


@pytest.mark.parametrize(
    ("values", "initial", "message"),
    [
        ({}, {"x": 2e-9}, r"test_model.test.x: got 2e-09; allowed: finite, >= 0, <= 1e-09 \[m\]"),
        ({}, {"x": float("nan")}, r"^test\.x: got nan; allowed: finite$"),
        ({}, {"x": "wide"}, r"^test\.x: got 'wide'; allowed: one number, finite$"),
    ],
)
def test_a_start_outside_the_bounds_is_refused(values, initial, message):
    given = declare().parameter_sets[0]
    with pytest.raises(InputError, match=message):
        declare(parameter_sets=(ParameterSet("test", {**given.values, **values}, initial, "tests", "ours"),))


def test_bounds_that_leave_no_room_are_refused():
    given = declare().parameter_sets[0]
    with pytest.raises(InputError, match=r"test_model.test.x: got bounds \[0, 0\]"):
        declare(
            states=(State("x", "m", "width", lower=0.0, upper="k_0"),),
            parameters=(*QUANTITIES, Parameter("k_0", "m", "end")),
            parameter_sets=(ParameterSet("test", {**given.values, "k_0": 0.0}, {"x": 0.0}, "tests", "ours"),),
        )


@pytest.mark.parametrize("name", list(models()))
def test_each_unit_of_a_law_matters(name):
    """A parameter that a law uses cannot change its unit unseen, unless all its places allow it."""
    model = models()[name]
    model.check_units()
    used = model.current.free_symbols.union(*(f.free_symbols for f in model.rates))
    units = {VOLTAGE: parse_unit("V"), **{c.symbol: parse_unit("V") for c in model.controls}}
    units |= {q.symbol: parse_unit(q.unit) for q in (*model.states, *model.parameters)}
    rates = [(f, parse_unit(s.unit) / parse_unit("s")) for f, s in zip(model.rates, model.states, strict=True)]
    laws = [(model.current, parse_unit("A")), *rates]
    if model.unknown is not None:
        units[model.unknown.symbol] = parse_unit(model.unknown.unit)

    def fits(units):
        try:
            found = [unit_of(law, units) for law, _ in laws]
        except InputError:
            return False
        return all(f is None or f.agrees(wanted) for f, (_, wanted) in zip(found, laws, strict=True))

    assert fits(units)
    assert not [q for q in used if fits({**units, q: units[q] * parse_unit("mol")})]


def inner(residual=None, between=(0 * v, v), unit="V"):
    u = sympy.Symbol("u", real=True)
    residual = u / r - (v - u) / r if residual is None else residual(u)
    return {"unknown": Unknown("u", unit, "inner voltage", residual, between), "current": u / r}


def test_an_inner_unknown_enters_the_laws_with_its_unit():
    assert declare(**inner()).unknown.name == "u"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"residual": lambda u: u / r - v}, r"test_model.u: got .* next to"),
        ({"between": (0 * v, v / r)}, r"test_model.u.between: got v/r \[A\] as end of the bracket; allowed: \[V\]"),
        ({"unit": "K"}, r"test_model.u: got .* next to|test_model.current: got u/r .* as current"),
        ({"unit": "bogus"}, r"test_model.u: got unit 'bogus': 'bogus' is no unit"),
    ],
)
def test_an_inner_unknown_that_does_not_fit_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        declare(**inner(**options))
