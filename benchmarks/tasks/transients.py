r"""One cycle of a sine on HP linear-ion-drift cells that differ in initial state, mobility and resistance.

The closed form is known: with R(x) = R_off - (R_off - R_on) x, integrate \int R dx = mu R_on / D^2 \int v dt, which is
quadratic in x. All programs are compared with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Array
from benchmarks.task import Task, Timed

AMPLITUDE, FREQUENCY = 1.0, 1.0  # [V], [Hz]
R_ON, THICKNESS, MOBILITY = 100.0, 10e-9, 1e-14  # [ohm], [m], [m^2/(V s)]
DURATION = 1 / FREQUENCY  # [s]


def ensemble(cells: int) -> dict[str, Array]:
    """Return initial states and parameters; a smaller ensemble consists of the first cells of a larger one."""
    draws = np.random.default_rng(2).random((cells, 3)).T
    return {"x": 0.05 + 0.15 * draws[0], "mu_v": MOBILITY * (0.8 + 0.4 * draws[1]), "r_off": 14e3 + 4e3 * draws[2]}


def exact(cells: int, times: Array) -> Array:
    """Return the exact state of each cell, shape ``(cells, times)``."""
    given = {name: value[:, None] for name, value in ensemble(cells).items()}
    flux = AMPLITUDE * (1 - np.cos(2 * np.pi * FREQUENCY * times)) / (2 * np.pi * FREQUENCY)
    span, off, start = given["r_off"] - R_ON, given["r_off"], given["x"]
    passed = off * start - span * start**2 / 2 + given["mu_v"] * R_ON / THICKNESS**2 * flux
    return (off - np.sqrt(off**2 - 2 * span * passed)) / span


def ours(cells: int, points: int, tolerance: float) -> Task:
    """`devices.simulate`; the answer is the largest error of a state."""
    from devices import Sine, device, simulate

    times = np.linspace(0.0, DURATION, points)
    wave = Sine(amplitude=AMPLITUDE, frequency=FREQUENCY)

    def work(count: int) -> Any:
        cell = device("linear_ion_drift", None, r_on=R_ON, d=THICKNESS, **ensemble(count))
        return simulate(cell, wave, samples=times, tolerance=tolerance)

    return Task(
        lambda: work(cells),
        warm=lambda: work(256),
        value=lambda trace: np.abs(trace.state[..., 0] - exact(cells, trace.time)).max(),
        report=lambda trace: {"steps": float(trace.steps.mean())},
    )


def solve_ivp(cells: int, points: int, method: str, tolerance: float) -> Task:
    """A loop over cells with scipy's integrator; the law is written for scalars, which is fastest there."""
    from math import pi, sin

    from scipy.integrate import solve_ivp

    times = np.linspace(0.0, DURATION, points)
    omega = 2 * pi * FREQUENCY

    def law(t: float, x: Array, rate: float, off: float, span: float) -> list[float]:
        return [rate * sin(omega * t) / (off - span * x[0])]

    def work(count: int) -> Array:
        given = ensemble(count)
        answer = np.empty((count, points))
        for k in range(count):
            off, span = float(given["r_off"][k]), float(given["r_off"][k]) - R_ON
            rate = float(given["mu_v"][k]) * R_ON / THICKNESS**2 * AMPLITUDE
            options = {"method": method, "t_eval": times, "rtol": tolerance, "atol": tolerance}
            found = solve_ivp(law, (0.0, DURATION), [given["x"][k]], args=(rate, off, span), **options)
            answer[k] = found.y[0]
        return answer

    return Task(
        lambda: work(cells), warm=lambda: work(1), value=lambda found: np.abs(found - exact(cells, times)).max()
    )


def netlist(cells: int, step: float, tolerance: float) -> str:
    """All cells on one source; a state is the charge of a capacitor of 1 F."""
    given = ensemble(cells)
    lines = ["* ensemble", f"Vin te 0 SIN(0 {AMPLITUDE!r} {FREQUENCY!r})"]
    for k in range(cells):
        off, start = float(given["r_off"][k]), float(given["x"][k])
        rate = float(given["mu_v"][k]) * R_ON / THICKNESS**2
        lines += [
            f"Bi{k} te 0 I=v(te)/({off!r}-{off - R_ON!r}*v(x{k}))",
            f"Bx{k} 0 x{k} I={rate!r}*v(te)/({off!r}-{off - R_ON!r}*v(x{k}))",
            f"C{k} x{k} 0 1",
            f".ic v(x{k})={start!r}",
        ]
    lines.append(
        f".options reltol={tolerance!r} abstol=1e-15 vntol={tolerance * 1e-3!r} chgtol={tolerance!r} gmin=1e-18"
    )
    return "\n".join([*lines, f".tran {step!r} {DURATION!r} 0 {step!r}", ".end", ""])


def ngspice(cells: int, points: int, step: float, tolerance: float, timeout: float = 600.0) -> Task:
    """ngspice with all cells in one netlist; the answer is the largest error at any of its time points."""
    from benchmarks.tasks.spice import run

    def work(count: int) -> Timed:
        return run(netlist(count, step, tolerance), timeout)

    def error(found: dict[str, Array]) -> float:
        states = np.array([found[f"v(x{k})"] for k in range(cells)])
        return float(np.abs(states - exact(cells, found["time"])).max())

    return Task(
        lambda: work(cells), warm=lambda: work(1), value=error, report=lambda found: {"steps": len(found["time"])}
    )
