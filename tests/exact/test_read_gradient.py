"""Gradients of reads and of any bias: against exact rational derivatives, closed forms and finite differences."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossbar import FLOATING, Bias, Crossbar, Short, Wires, gradient
from devices import InputError, Series, device
from tests.exact.random_circuits import draw
from tests.exact.rational import solve_exactly

WIRES = ("word_line", "bit_line", "driver", "sense", "far_driver", "far_sense")


def exact_sum(array: Crossbar, sides: dict[str, Any], weights: dict[str, Any]) -> Fraction:
    """Return the weighted sum of all currents from terminals into the array, exactly."""
    (m, n), current = array.shape, solve_exactly(array, sides)[1]
    ends = [(("word", i, 0), weights["word_left"][i], 1) for i in range(m)]
    ends += [(("word", i, n), weights["word_right"][i], -1) for i in range(m)]
    ends += [(("bit", 0, j), weights["bit_top"][j], 1) for j in range(n)]
    ends += [(("bit", m, j), weights["bit_bottom"][j], -1) for j in range(n)]
    return sum((sign * Fraction(float(w)) * current.get(name, 0) for name, w, sign in ends), Fraction(0))


def exact_slope(value, x: float) -> Fraction:
    """Return ``x dvalue/dx`` from exact values at four neighbouring floats: the error is below 1e-18 of the value."""
    slopes = []
    for share in (2.0**-16, 2.0**-17):
        high, low = x * (1.0 + share), x * (1.0 - share)
        slopes.append((value(high) - value(low)) / (Fraction(high) - Fraction(low)) * Fraction(x))
    return (4 * slopes[1] - slopes[0]) / 3


def put(array, index, value: float):
    changed = np.array(array)
    changed[index] = value
    return changed


def random_circuits(count: int):
    """Yield random arrays of up to nine cells of any resistances, any bias, shorts and open wires included."""
    rng = np.random.default_rng(5)
    while count:
        array, sides, *_ = draw(rng)
        try:
            solve_exactly(array, sides)
        except ValueError:
            continue
        if array.conductance.size <= 9:
            yield array, sides, {side: rng.normal(size=v.size) for side, v in sides.items()}
            count -= 1


def logarithmic(grid, found) -> np.ndarray:
    """Return the derivatives with respect to the logarithms of parameters that are neither 0 nor infinite."""
    usable = np.isfinite(grid) & (np.asarray(grid) > 0.0)
    return np.where(usable, np.where(usable, grid, 0.0) * found, 0.0)


@pytest.mark.parametrize(("array", "sides", "weights"), list(random_circuits(20)))
def test_random_circuits_have_the_exact_derivatives(array, sides, weights):
    found = array.bias_gradient(Bias(**sides), weights)
    G, wires = array.conductance, array.wires
    pairs = [
        (logarithmic(G, found.conductance)[i], exact_slope(
            lambda x, i=i: exact_sum(Crossbar(put(G, i, x), wires), sides, weights), G[i]
        ))
        for i in np.ndindex(G.shape) if 0.0 < G[i] < np.inf
    ]  # fmt: skip
    for name in WIRES:
        ohms = np.asarray(getattr(wires, name))
        mine = logarithmic(ohms, getattr(found, name))
        for i in np.ndindex(ohms.shape):
            if not 0.0 < ohms[i] < np.inf:
                continue

            def with_ohms(x, name=name, i=i, ohms=ohms):
                value = put(ohms, i, x) if ohms.ndim else float(x)
                return exact_sum(Crossbar(G, replace(wires, **{name: value})), sides, weights)

            pairs.append((mine[i], exact_slope(with_ohms, float(ohms[i]))))
    for k, short in enumerate(wires.shorts):
        if 0.0 < short.resistance < np.inf:

            def with_short(x, k=k, short=short):
                shorts = [*wires.shorts[:k], replace(short, resistance=float(x)), *wires.shorts[k + 1 :]]
                return exact_sum(Crossbar(G, replace(wires, shorts=tuple(shorts))), sides, weights)

            pairs.append((short.resistance * found.shorts[k], exact_slope(with_short, short.resistance)))
    mine, true = np.array([[float(a), float(b)] for a, b in pairs]).reshape(-1, 2).T
    assert_allclose(mine, true, rtol=0.0, atol=1e-11 * np.abs(true).max(initial=0.0) + 1e-300)


def test_metal_without_resistance_has_a_derivative():
    """Exact one-sided differences of 2^-70 ohm: all segments together, a driver, a sense amplifier."""
    rng = np.random.default_rng(1)
    array = Crossbar(rng.uniform(1e-5, 1e-3, (3, 2)))
    sides = {"word_left": np.array([0.5, -0.25, 0.75]), "bit_bottom": np.zeros(2)}
    sides |= {"word_right": np.full(3, np.nan), "bit_top": np.full(2, np.nan)}
    weights = {side: np.zeros(v.size) for side, v in sides.items()} | {"bit_bottom": np.array([-1.0, 2.0])}
    found = array.read_gradient(sides["word_left"], [1.0, -2.0])
    before = exact_sum(array, sides, weights)
    for name in WIRES:
        after = exact_sum(Crossbar(array.conductance, Wires(**{name: 2.0**-70})), sides, weights)
        assert_allclose(getattr(found, name), float((after - before) * 2**70), rtol=1e-13)


def test_ideal_wires_give_the_products_of_voltages_and_gradients():
    rng = np.random.default_rng(2)
    G, v, g = rng.uniform(1e-6, 1e-4, (4, 3)), rng.normal(size=(5, 4)), rng.normal(size=(5, 3))
    found = Crossbar(G).read_gradient(v, g)
    assert_allclose(found.conductance, v.T @ g, rtol=1e-13, atol=1e-14)
    assert_allclose(found.voltage, g @ G.T, rtol=1e-13)


UNEVEN = {
    "word_line": np.random.default_rng(3).uniform(1.0, 30.0, (7, 6)),
    "bit_line": np.random.default_rng(4).uniform(1.0, 30.0, 5),
    "driver": np.random.default_rng(5).uniform(10.0, 50.0, 7),
}
METALS = {
    "even": Wires(10.0, 20.0, 50.0, 40.0),
    "uneven": Wires(sense=30.0, **UNEVEN),
    "broken": Wires(10.0, 5.0).with_open("word", 2, 3, shape=(7, 5)),
    "short": Wires(10.0, 5.0, shorts=(Short("bit", 1, 2, 300.0),)),
}


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("metal", METALS)
@pytest.mark.parametrize("batch", [(), (3,), (2, 8)])
def test_central_differences_of_a_nonlinear_loss(metal, backward, batch):
    """The loss is the sum of sin(I / 1e-4 A): every parameter is changed by 1e-4 of itself, voltages by 1e-5 V."""
    rng = np.random.default_rng(6)
    wires = METALS[metal]
    G = rng.uniform(1e-5, 1e-3, (7, 5))
    v = rng.normal(size=(*batch, 5 if backward else 7))

    def loss(cells=G, metal=wires, volts=v):
        current = Crossbar(cells, metal).read(volts, backward=backward, rtol=1e-14).current
        return float(np.sin(current / 1e-4).sum())

    array = Crossbar(G, wires)
    current = array.read(v, backward=backward).current
    found = array.read_gradient(v, np.cos(current / 1e-4) / 1e-4, backward=backward)
    assert found.voltage.shape == v.shape
    assert found.conductance.shape == G.shape

    def check(mine, differences):
        assert_allclose(mine, differences, rtol=1e-6, atol=1e-6 * np.abs(differences).max())

    h = 1e-4
    check(found.conductance, [
        [(loss(put(G, (i, j), G[i, j] * (1 + h))) - loss(put(G, (i, j), G[i, j] * (1 - h)))) / (2 * h * G[i, j])
         for j in range(5)] for i in range(7)
    ])  # fmt: skip
    some = [(*(0 for _ in batch), k) for k in range(v.shape[-1])]
    check(
        [found.voltage[k] for k in some],
        [(loss(volts=put(v, k, v[k] + 1e-5)) - loss(volts=put(v, k, v[k] - 1e-5))) / 2e-5 for k in some],
    )
    for name in WIRES:
        ohms = np.asarray(getattr(wires, name))
        assert np.shape(getattr(found, name)) == ohms.shape
        if np.isinf(ohms).any() or not ohms.any():
            continue
        both = [loss(metal=replace(wires, **{name: ohms * (1 + s) if ohms.ndim else float(ohms * (1 + s))}))
                for s in (h, -h)]  # fmt: skip
        check(np.array([(ohms * getattr(found, name)).sum()]), np.array([(both[0] - both[1]) / (2 * h)]))


def test_both_ends_fed():
    rng = np.random.default_rng(7)
    G, wires, v = rng.uniform(1e-5, 1e-3, (4, 6)), Wires(10.0, 20.0, 5.0, 6.0, 7.0, 8.0), rng.normal(size=(3, 4))
    weights = rng.normal(size=(3, 6))

    def loss(cells=G, metal=wires, volts=v):
        into = Crossbar(cells, metal).solve(Bias.both_ends(volts), rtol=1e-14).terminal_current
        return float((-weights * (into["bit_top"] + into["bit_bottom"])).sum())

    found = Crossbar(G, wires).bias_gradient(Bias.both_ends(v), {"bit_top": -weights, "bit_bottom": -weights})
    volts = found.potential["word_left"] + found.potential["word_right"]
    assert_allclose((v * volts).sum(), loss(), rtol=1e-10)  # the loss is linear in the voltages
    h = 1e-4
    for name in WIRES:
        ohms = getattr(wires, name)
        both = [loss(metal=replace(wires, **{name: ohms * (1 + s)})) for s in (h, -h)]
        assert_allclose(ohms * getattr(found, name), (both[0] - both[1]) / (2 * h), rtol=1e-6)
    for i in np.ndindex(2, 3):
        both = [loss(put(G, i, G[i] * (1 + s))) for s in (h, -h)]
        assert_allclose(G[i] * found.conductance[i], (both[0] - both[1]) / (2 * h), rtol=1e-6)


def test_a_loss_linear_in_the_currents_scales_with_all_parameters():
    """Currents are of degree one in conductances and wires' conductances together: Euler's theorem, at 64 x 64."""
    rng = np.random.default_rng(8)
    G, wires = rng.uniform(1e-6, 1e-4, (64, 64)), Wires(5.0, 3.0, 50.0, 20.0)
    v, g = rng.normal(size=(100, 64)), rng.normal(size=(100, 64))
    array = Crossbar(G, wires)
    loss = (array.read(v).current * g).sum()
    found = array.read_gradient(v, g)
    metal = sum(getattr(wires, name) * getattr(found, name) for name in WIRES)
    assert_allclose((G * found.conductance).sum() - metal, loss, rtol=1e-9)
    assert_allclose((v * found.voltage).sum(), loss, rtol=1e-9)
    assert_allclose(found.voltage, g @ array.transfer().T, rtol=1e-9, atol=1e-9 * np.abs(found.voltage).max())


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_a_batch_is_the_sum_of_its_vectors_and_takes_no_more_solutions_than_lines(shape, monkeypatch):
    rng = np.random.default_rng(9)
    array = Crossbar(rng.uniform(1e-5, 1e-3, shape), Wires(word_line=UNEVEN["driver"][: shape[0], None], bit_line=9.0))
    v, g = rng.normal(size=(50, shape[0])), rng.normal(size=(50, shape[1]))
    alone = [array.read_gradient(v[k], g[k]) for k in range(50)]
    solved = []
    solve = Crossbar.solve

    def counted(self, bias, **others):
        found = solve(self, bias, **others)
        solved.append(found.cell_voltage.shape[0])
        return found

    monkeypatch.setattr(Crossbar, "solve", counted)
    whole = array.read_gradient(v, g)
    assert solved == [4, 4]
    monkeypatch.setattr(gradient, "_CHUNK", 1)
    for found in (whole, array.read_gradient(v.reshape(5, 10, -1), g.reshape(5, 10, -1))):
        assert_allclose(found.voltage.reshape(50, -1), [a.voltage for a in alone], rtol=1e-9, atol=1e-12)
        for name in ("conductance", *WIRES):
            total = sum(getattr(a, name) for a in alone)
            assert_allclose(getattr(found, name), total, rtol=1e-9, atol=1e-10 * np.abs(total).max())
    few = array.read_gradient(v[:3], g[:3])
    monkeypatch.setattr(gradient, "_FEWEST", 1)
    chunked = array.read_gradient(v[:3], g[:3])
    assert_allclose(chunked.conductance, few.conductance, rtol=1e-9)
    assert_allclose(chunked.voltage, few.voltage, rtol=1e-9)


def test_no_vectors():
    found = Crossbar(np.ones((2, 3)), Wires(1.0)).read_gradient(np.zeros((0, 2)), np.zeros((0, 3)))
    assert found.voltage.shape == (0, 2)
    assert not found.conductance.any()
    assert found.word_line == 0.0


def test_cells_with_a_current_law():
    """Central differences of a loss of reads of sinh cells at up to four times the voltage where they bend."""
    rng = np.random.default_rng(10)
    g, wires, v0 = rng.uniform(1e-5, 1e-4, (3, 4)), Wires(50.0, 80.0, 100.0, 200.0), 0.25
    v, weights = rng.uniform(-1.0, 1.0, (2, 3)), rng.normal(size=(2, 4))

    def loss(slope=g, metal=wires, volts=v):
        array = Crossbar(device("sinh_cell", g=slope, v0=v0), metal)
        return float((weights * array.read(volts, rtol=1e-13).current).sum())

    array = Crossbar(device("sinh_cell", g=g, v0=v0), wires)
    found = array.read_gradient(v, weights, rtol=1e-13)
    h = 1e-4
    for i in np.ndindex(v.shape):
        assert_allclose(found.voltage[i], (loss(volts=put(v, i, v[i] + h)) - loss(volts=put(v, i, v[i] - h))) / (2 * h),
                        rtol=1e-6)  # fmt: skip
    for name in ("word_line", "bit_line", "driver", "sense"):
        ohms = getattr(wires, name)
        both = [loss(metal=replace(wires, **{name: ohms * (1 + s)})) for s in (h, -h)]
        assert_allclose(ohms * getattr(found, name), (both[0] - both[1]) / (2 * h), rtol=1e-6)
    # A larger g acts as a conductance beside the cell of v0 sinh(w / v0) / w times as much.
    one = array.read_gradient(v[0], weights[0], rtol=1e-13)
    w = array.solve(Bias.read(v[0]), rtol=1e-13).cell_voltage
    weights[1] = 0.0
    for i in np.ndindex(g.shape):
        slope = (loss(put(g, i, g[i] * (1 + h))) - loss(put(g, i, g[i] * (1 - h)))) / (2 * h * g[i])
        assert_allclose(one.conductance[i] * v0 * np.sinh(w[i] / v0) / w[i], slope, rtol=1e-6)


def test_devices_that_obey_ohms_law_have_the_gradient_of_conductances():
    rng = np.random.default_rng(11)
    r, wires = rng.uniform(1e3, 1e5, (3, 4)), Wires(50.0, 80.0, 100.0, 200.0)
    v, g = rng.normal(size=(2, 3)), rng.normal(size=(2, 4))
    one = Crossbar(device("resistor", r=r), wires).read_gradient(v, g)
    other = Crossbar(1.0 / r, wires).read_gradient(v, g)
    for name in ("voltage", "conductance", *WIRES):
        wanted = np.asarray(getattr(other, name))
        assert_allclose(getattr(one, name), wanted, rtol=1e-8, atol=1e-9 * np.abs(wanted).max())


def test_refused():
    array = Crossbar(np.ones((2, 3)), Wires(1.0))
    with pytest.raises(InputError, match=r"one vector for each of the voltages, \(4, 3\)"):
        array.read_gradient(np.ones((4, 2)), np.ones(3))
    with pytest.raises(InputError, match="current_gradient"):
        array.read_gradient(np.ones(2), [1.0, np.nan, 0.0])
    with pytest.raises(InputError, match="a Bias"):
        array.bias_gradient(np.ones(2), {"bit_bottom": np.ones(3)})
    with pytest.raises(InputError, match="left"):
        array.bias_gradient(Bias.read(np.ones(2)), {"left": np.ones(2)})
    with pytest.raises(InputError, match="arrays by side"):
        array.bias_gradient(Bias.read(np.ones(2)), {})
    with pytest.raises(InputError, match=r"current_gradient\['bit_bottom'\]"):
        array.bias_gradient(Bias.read(np.ones(2)), {"bit_bottom": np.ones(2)})
    floating = Bias(word_left=[1.0, FLOATING], bit_bottom=0.0)
    found = array.bias_gradient(floating, {"word_left": [0.0, 1.0]})
    assert not found.conductance.any()
    assert not found.potential["word_left"].any()
    gated = Crossbar(Series(device("resistor", r=np.full((2, 3), 1e4)), device("ekv_transistor")), Wires(1.0))
    with pytest.raises(InputError, match="cells with a transistor"):
        gated.read_gradient(np.ones(2), np.ones(3))
