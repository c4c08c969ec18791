"""JART VCM v1b: resistances computed by hand, the published equations solved separately, and the published fit."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy
from numpy.testing import assert_allclose

from devices import Sine, device, simulate

CELL = device("jart_vcm")
P = {name: float(value) for name, value in CELL.parameters.items()}
Q, K, H, M_E, EPS0 = 1.602176634e-19, 1.380649e-23, 6.62607015e-34, 9.1093837015e-31, 8.8541878128e-12
KQ = K / Q
UNIT = 1e26


def part(letter: str, n: float) -> float:
    """A part of the laws that depends on the state alone."""
    values = {p.symbol: P[p.name] for p in CELL.model.parameters} | {CELL.model.states[0].symbol: n}
    for p in CELL.model.parts:
        values[p.letter] = p.law.subs(values)
        if p.letter.name == letter:
            return float(values[p.letter])
    raise KeyError(letter)


PLUG = part("R", UNIT) - part("R_disc", UNIT) - P["r_tiox"] - P["r_line"]


def test_resistances_worked_out_by_hand(evidence):
    disc = [part("R_disc", n * UNIT) for n in (20, 0.008)]
    for what, reached, wanted, rel, unit in (
        ("area of the filament", np.pi * P["r_fil"] ** 2, 6.36173e-15, 1e-6, "m2"),
        ("resistance of the disc at n_max", disc[0], 24.527, 3e-5, "ohm"),
        ("resistance of the disc at n_min", disc[1], 61318.0, 3e-5, "ohm"),
        ("ratio of both", disc[1] / disc[0], 2500.0, 1e-12, ""),
        ("resistance of the plug", PLUG, 159.43, 3e-5, "ohm"),
        ("resistance in series, cold", P["r_tiox"] + P["r_line"], 1369.244, 1e-6, "ohm"),
    ):
        evidence.figure(CELL, what, reached, wanted, rel=rel, unit=unit)


def junction(i, v_j, n, forward: bool):
    """Current of the junction from the equations of the C++ port, with the published barrier."""
    t = P["t_0"] + P["r_th"] * (P["s_reset"] if forward else 1.0) * i * (v_j + i * (part("R_disc", n) + PLUG))
    psi = P["phi_b"] - P["phi_n"] - v_j
    lowered = (Q**3 * P["z_v"] * n * np.maximum(psi, 0) / (8 * np.pi**2 * (P["eps_phi"] * EPS0) ** 3)) ** 0.25
    phi = np.where(psi > 0, np.maximum(P["phi_b"] - lowered, 0), P["phi_b"])
    area, kt = np.pi * P["r_fil"] ** 2, KQ * t
    if forward:
        return area * P["a_r"] * t**2 * np.exp(-phi / kt) * np.expm1(v_j / kt)
    w00 = H / (4 * np.pi) * np.sqrt(P["z_v"] * n / (M_E * P["eps_r"] * EPS0))
    w0, slope = w00 / np.tanh(w00 / kt), w00 / (w00 / kt - np.tanh(w00 / kt))
    root = np.sqrt(np.pi * w00 * (-v_j + phi / np.cosh(w00 / kt) ** 2))
    return -area * P["a_r"] * t / KQ * root * np.exp(-phi / w0) * np.expm1(-v_j / slope)


def solutions(v: float, n: float) -> np.ndarray:
    """All currents that solve the equations of junction and resistances, by sign changes on a grid and bisection."""
    resistance = part("R", n)
    heated = P["r_line"] ** 2 * P["alpha"] * P["r_th_line"]

    def excess(i):
        v_j = v - i * resistance - heated * i**3
        with np.errstate(all="ignore"):
            found = junction(i, v_j, n, v > 0) - i
        return np.where(v_j * v >= 0, np.clip(np.nan_to_num(found * np.sign(v), nan=1e3), -1e3, 1e3), -1e3)

    grid = np.linspace(0, v / resistance, 40001)[1:]
    crossed = np.flatnonzero(np.diff(np.sign(excess(grid))))
    low, high = grid[crossed], grid[crossed + 1]
    start = np.sign(excess(low))
    for _ in range(60):
        middle = 0.5 * (low + high)
        before = np.sign(excess(middle)) == start
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return 0.5 * (low + high)


def operating_point(evidence, v, n, wanted, note):
    source = "the port's equations, solved apart"
    what = f"current at {v:g} V, n_disc = {n:g}e26 per m3"
    evidence.figure(CELL, what, CELL.current(v, [n * UNIT]), wanted, rel=1e-8, unit="A", source=source, note=note)


@pytest.mark.parametrize("n", [0.008, 0.1, 1.0, 5.0, 20.0])
@pytest.mark.parametrize("v", [-1.5, -0.7, -0.2])
def test_set_direction_solves_the_published_equations(evidence, v, n):
    found = solutions(v, n * UNIT)
    assert len(found) == 1
    operating_point(evidence, v, n, found[0], "")


@pytest.mark.parametrize(
    ("v", "n", "count"),
    [(0.1, 0.008, 1), (0.1, 20.0, 3), (0.6, 0.1, 3), (0.6, 5.0, 3), (1.0, 0.008, 1), (1.0, 20.0, 3), (1.5, 0.1, 1)],
)
def test_reset_direction_is_the_published_solution_connected_to_zero(evidence, v, n, count):
    """The solution of the published equations with the smallest voltage across the junction: the largest current."""
    found = solutions(v, n * UNIT)
    assert len(found) == count
    operating_point(evidence, v, n, found.max(), "" if count == 1 else "largest of three solutions")


def test_the_solution_is_unique_and_the_current_rises():
    """The residual changes sign once between 0 and v for every state, so that there is only one solution."""
    model = CELL.model
    y, state = model.unknown.symbol, model.states[0].symbol
    given = [p.symbol for p in model.parameters]
    residual = sympy.lambdify([model.voltage, state, y, *given], model.unknown.residual, "numpy", cse=True)
    states = UNIT * np.geomspace(0.008, 20, 12)
    share = np.concatenate([np.geomspace(1e-9, 1e-3, 200), np.linspace(1e-3, 1, 2001)])
    for v in (-2.0, -1.2, -0.5, -0.1, 0.05, 0.3, 0.8, 1.4, 2.0):
        with np.errstate(all="ignore"):
            signs = np.sign(residual(v, states[:, None], v * share[None, :], *P.values()))
        assert (np.abs(np.diff(signs)).sum(axis=1) == 2).all()
    slope = CELL.evaluate(np.linspace(-1.8, 1.8, 145)[:, None], states[None, :, None])[..., 0, 1]
    assert (slope > 0).all()


@pytest.mark.parametrize(("v", "n"), [(-1.1, 0.02), (-0.8, 2.0), (1.3, 0.3), (1.0, 12.0)])
def test_ionic_current_with_both_barriers(v, n):
    """Mott-Gurney hopping with forward and backward barrier, as published; the model combines them in one term."""
    i = float(CELL.current(v, [n * UNIT]))
    disc, series = part("R_disc", n * UNIT), P["r_tiox"] + P["r_line"]
    filament = v - i * series - P["r_line"] ** 2 * P["alpha"] * P["r_th_line"] * i**3
    with mpmath.workdps(30):
        kt = KQ * (P["t_0"] + P["r_th"] * (P["s_reset"] if v > 0 else 1.0) * i * mpmath.mpf(filament))
        field = filament / P["l_cell"] if v > 0 else i * disc / P["l_disc"]
        gamma = P["z_v"] * P["a_hop"] * field / (mpmath.pi * P["w_a"])
        even, odd = mpmath.sqrt(1 - gamma**2) + gamma * mpmath.asin(gamma), gamma * mpmath.pi / 2
        hops = mpmath.exp(-P["w_a"] * (even - odd) / kt) - mpmath.exp(-P["w_a"] * (even + odd) / kt)
        limit = 1 - ((P["n_min"] / (n * UNIT)) if v > 0 else (n * UNIT / P["n_max"])) ** 10
        area, mean = np.pi * P["r_fil"] ** 2, 0.5 * (P["n_plug"] + n * UNIT)
        ionic = P["z_v"] * Q * mean * P["a_hop"] * P["nu_0"] * area * hops * limit
        wanted = -ionic / (P["z_v"] * Q * area * P["l_disc"])
    assert_allclose(float(CELL.rates(v, [n * UNIT])[0]), float(wanted), rtol=1e-9)


def fitted(v: float, n: float) -> float:
    """Current [A] of the published closed-form fit (Ntinas 2023, nominal radius and length), from its Verilog-A."""
    x = np.log(n / (0.004 * UNIT))

    def step(a, b, c, d):
        return a + (b - a) / (1 + np.exp((v - c) / d))

    def tail(p5, p6, p7, p8, p9, p10, p11):
        return p5 / (p6 + p7 * (p8 * np.exp(x - p9)) ** -p10) ** (1 / p11)

    if v > 0:
        p7 = -97.606 + 7.825 * v + 99.296 * np.exp(-7.1092e-2 * v)
        return tail(
            1.3769e-3 * -np.expm1(-8.1819e-2 * v), 0.19687 - 2.1833e-2 * v, p7, 0.11713 + 8.137e-2 * v, 0.0,
            0.97733 + 3.5214e-2 * v + 1.2856e-2 * v**2, 0.94207 + 3.8953e-2 * v + 2.3436e-2 * v**2,
        )  # fmt: skip
    p1 = 1.183 * (-2.7034e-3 * v - 4.5379e-6 * v**2) / (1 + 0.99115 * v + 0.44093 * v**2)
    y, p4 = x - 6.8845 + 0.58995 * v, 2589.0 + 2.9537 * np.exp(0.54031 * v)
    p10, p11 = step(0.46925, 3.4731, -1.1871, 0.56947), 1 / step(10.667, 0.12812, 0.74414, 0.42381)
    p5 = 6.4705e-4 * v + 5.1529e-5 * v**2
    return p1 * (-2595.5 * np.expm1(y / p4) + y) + tail(
        p5, 1.0, 0.11708, 1.0, step(3.9052, 9.613, -0.45637, 1.431), p10, p11
    )


def test_current_follows_the_published_fit(evidence):
    """In both directions, high to low resistance; with the other published thermal resistance it does not."""
    volts = (-1.5, -1.2, -0.9, -0.7, 0.7, 0.9, 1.2, 1.5)
    states = UNIT * np.geomspace(0.008, 20, 12)
    deviation = np.array([[CELL.current(v, [n]) / fitted(v, n) - 1 for n in states] for v in volts]).squeeze()
    source = "V. Ntinas et al., SMACD 2023, Verilog-A"
    for what, reached, most in (
        ("largest", np.abs(deviation).max(), 0.04), ("root mean square", np.sqrt((deviation**2).mean()), 0.013)
    ):  # fmt: skip
        what = f"{what} relative distance from the published fit of the current, 0.7 to 1.5 V"
        evidence.figure(CELL, what, reached, 0.0, abs=most, source=source)
    cooler = device("jart_vcm", r_th=1e7)
    assert cooler.current(-1.5, [UNIT]) / fitted(-1.5, UNIT) - 1 > 0.15
    assert abs(CELL.current(-1.5, [UNIT]) / fitted(-1.5, UNIT) - 1) < 0.01


def test_set_is_at_negative_voltage_and_abrupt():
    cell = device("jart_vcm", n_disc=0.008 * UNIT)
    wave = Sine(1.3, 1e8, phase=np.pi)
    trace = simulate(cell, wave, samples=2001)
    n = trace.state[:, 0] / UNIT
    assert n[0] == 0.008
    assert n[-1] > 15
    share = [np.argmax(n > level) for level in (0.1, 10)]
    assert 0 < (share[1] - share[0]) * wave.duration / 2000 < 1e-9
    back = simulate(device("jart_vcm", n_disc=20 * UNIT), Sine(1.3, 0.5), samples=[1.0]).state[0, 0]
    assert back < 0.1 * UNIT
