"""Requirements that every registered device model must meet; new models are included automatically."""

import json
import pickle
import warnings

import mpmath
import numpy as np
import pytest
import sympy

from devices import Pulses, Sine, Triangle, device, models, parameter_sets, simulate
from devices.parameters import State
from devices.special import logistic, softplus

#: Each model with each of its sets.
CASES = [(name, s) for name in models() for s in parameter_sets(name)]


def drive(cell, speed: float = 1.0) -> Sine:
    """The sine of the typical loop, or one whose frequency is `speed` times as high."""
    loop = cell.loop()
    return Sine(amplitude=loop.amplitude, frequency=speed * loop.frequency, cycles=2)


#: Those with states, which a transient can move.
MOVING = [case for case in CASES if models()[case[0]].states]


@pytest.fixture(params=CASES, ids="-".join)
def cell(request):
    return device(request.param[0], request.param[1])


@pytest.fixture(params=MOVING, ids="-".join)
def moving(request):
    return device(request.param[0], request.param[1])


def controls(cell) -> np.ndarray | None:
    """Voltages of further terminals (gates): all on, by different amounts."""
    count = len(cell.control_names)
    return 1.0 - 0.9 * np.arange(count) if count else None


def evaluated(law: sympy.Expr, point: dict) -> mpmath.mpf:
    """The value of a law at a point, in 40 digits."""
    names = {f.__name__: f.mpmath_value for f in (softplus, logistic)}
    with mpmath.workdps(40):
        return sympy.lambdify(list(point), law, [names, "mpmath"], cse=True)(*map(mpmath.mpf, point.values()))


def solved_unknown(model, point: dict) -> dict:
    """The internal unknown at a point, in 40 digits; empty if the model has none."""
    if model.unknown is None:
        return {}
    y = model.unknown.symbol
    residual = sympy.lambdify([y, *point], model.unknown.residual, "mpmath", cse=True)
    with mpmath.workdps(40):
        ends = [evaluated(end, point) for end in model.unknown.between]
        given = [mpmath.mpf(value) for value in point.values()]
        return {y: mpmath.findroot(lambda u: residual(u, *given), ends, solver="anderson", tol=1e-50)}


def test_there_are_models_to_test():
    assert len(models()) >= 12
    assert len(CASES) >= 14
    assert len(MOVING) >= 10


def test_states_start_and_stay_inside_their_bounds(moving):
    trace = simulate(moving, drive(moving))
    lower, upper = moving.bounds()
    assert (trace.state >= lower).all()
    assert (trace.state <= upper).all()
    assert np.ptp(trace.state / (upper - lower)) > 0.05, "the drive must move the state for this test to mean much"


def test_current_has_the_sign_of_the_voltage(cell):
    if not cell.model.passive:
        pytest.fail("declare how an active model is to be tested before registering one")
    lower, upper = cell.bounds()
    for share in np.linspace(0, 1, 5):
        voltage = np.linspace(-2, 2, 81)
        current = cell.current(
            voltage, np.broadcast_to(lower + share * (upper - lower), (81, len(lower))), controls(cell)
        )
        assert (current * voltage >= 0).all()
        assert current[40] == 0.0, "the loop is pinched at the origin"


def test_derivatives_agree_with_finite_differences(cell):
    rng = np.random.default_rng(1)
    lower, upper = cell.bounds()
    span = upper - lower
    n = len(cell.model.states)
    # Points away from kinks: thresholds and the sign change of direction-dependent windows.
    voltage = rng.uniform(0.35, 1.1, 40) * rng.choice([-1, 1], 40)
    state = lower + rng.uniform(0.05, 0.95, (40, n)) * span
    held = controls(cell)
    table = cell.evaluate(voltage, state, held)
    h = 1e-5
    by_v = (cell.evaluate(voltage + h, state, held) - cell.evaluate(voltage - h, state, held))[..., 0] / (2 * h)
    size = np.abs(table[..., 0]).max(axis=0)
    np.testing.assert_allclose(table[..., 1], by_v, rtol=2e-5, atol=1e-6 * size.max())
    for k in range(len(cell.control_names)):
        step = h * np.eye(len(held))[k]
        by_c = (cell.evaluate(voltage, state, held + step) - cell.evaluate(voltage, state, held - step))[..., 0] / (
            2 * h
        )
        np.testing.assert_allclose(table[..., 2 + n + k], by_c, rtol=2e-5, atol=1e-6 * size.max())
    for k in range(n):
        step = np.zeros(n)
        step[k] = h * span[k]
        up, down = (cell.evaluate(voltage, state + sign * step, held) for sign in (1, -1))
        by_x = (up - down)[..., 0] / (2 * step[k])
        floor = 1e-6 * size / span[k]
        assert (np.abs(table[..., 2 + k] - by_x) <= 2e-5 * np.abs(by_x) + floor).all()


def test_kernel_agrees_with_the_declared_symbols(cell):
    values = {p.symbol: float(cell.parameters[p.name]) for p in cell.model.parameters}
    lower, upper = cell.bounds()
    for voltage, share in [(-0.9, 0.3), (0.7, 0.8), (1.2, 0.5)]:
        state = lower + share * (upper - lower)
        point = {**values, cell.model.voltage: voltage}
        point |= {s.symbol: x for s, x in zip(cell.model.states, state, strict=True)}
        if cell.control_names:
            point |= {c.symbol: x for c, x in zip(cell.model.controls, controls(cell), strict=True)}
        point |= solved_unknown(cell.model, point)
        wanted = [float(evaluated(law, point)) for law in (cell.model.current, *cell.model.rates)]
        np.testing.assert_allclose(cell.evaluate(voltage, state, controls(cell))[:, 0], wanted, rtol=1e-12)


def test_everything_is_finite_on_and_between_the_bounds(cell):
    lower, upper = cell.bounds()
    shares = np.linspace(0, 1, 11)[:, None, None]
    voltage = np.concatenate([np.linspace(-2, 2, 41), [1e-300, -1e-300]])[None, :]
    state = np.broadcast_to(lower + shares * (upper - lower), (11, 43, len(lower)))
    assert np.isfinite(cell.evaluate(np.broadcast_to(voltage, (11, 43)), state, controls(cell))).all()


def test_tightening_the_tolerance_converges(moving):
    # A pace that keeps clear of the bounds: Joglekar's window locks there, which makes the problem ill-conditioned.
    wave = drive(moving, speed=4.0)
    lower, upper = moving.bounds()
    times = np.linspace(0, wave.duration, 41)
    fine = simulate(moving, wave, samples=times, tolerance=1e-12).state
    errors = [
        np.abs((simulate(moving, wave, samples=times, tolerance=t).state - fine) / (upper - lower)).max()
        for t in (1e-5, 1e-9)
    ]
    assert errors[0] < 2e-3
    assert errors[1] < 2e-6


def test_interpolated_states_are_as_accurate_as_those_at_ends_of_steps(moving):
    """Starting at 0 V, where many laws have a jump or a kink."""
    loop = moving.loop()
    wave = Triangle(0.5 * loop.amplitude, 4.0 * loop.frequency)
    lower, upper = moving.bounds()
    loose, fine = (simulate(moving, wave, samples=2001, tolerance=t).state for t in (1e-9, 1e-12))
    assert (np.abs(loose - fine) <= 2e-7 * (upper - lower)).all()


def test_an_ensemble_gives_the_results_of_its_cells_one_by_one(moving):
    rng = np.random.default_rng(2)
    name = moving.model.parameters[0].name
    wave = drive(moving, 4.0)  # at the usual speed, rounding decides when some windows let go of a state
    spread = float(moving.parameters[name]) * rng.uniform(0.9, 1.1, (2, 3))
    many = simulate(device(moving.model.name, moving.parameter_set.name, **{name: spread}), wave, samples=21)
    for where in np.ndindex(2, 3):
        one = simulate(device(moving.model.name, moving.parameter_set.name, **{name: spread[where]}), wave, samples=21)
        np.testing.assert_array_equal(many.current[where], one.current)
        np.testing.assert_array_equal(many.state[where], one.state)


def test_a_pulse_train_can_be_simulated(moving):
    rate, peak = drive(moving).frequency, drive(moving).amplitude
    trace = simulate(moving, Pulses(amplitude=-peak, width=0.1 / rate, period=0.3 / rate, count=5), samples=301)
    assert np.isfinite(trace.current).all()
    assert trace.time[-1] == pytest.approx(1.5 / rate)


def test_every_set_has_a_source_and_a_status(cell):
    given = cell.parameter_set
    assert len(given.source) > 10
    assert given.status in ("seen", "recalled", "code default", "ours")
    assert cell.model.references
    assert any("doi" in r or "(20" in r or "(18" in r for r in cell.model.references)


def test_every_quantity_has_a_unit_and_a_meaning(cell):
    for quantity in (*cell.model.parameters, *cell.model.states):
        assert quantity.unit
        assert len(quantity.meaning) > 3
    for state in cell.model.states:
        assert isinstance(state, State)
        for bound in (state.lower, state.upper):
            if isinstance(bound, str):
                units = {p.name: p.unit for p in cell.model.parameters}
                assert units[bound] == state.unit, "a bound has its state's unit"


def test_pickle_and_json_round_trips(cell):
    copy = pickle.loads(pickle.dumps(cell))
    np.testing.assert_array_equal(
        copy.current(0.7, controls=controls(cell)), cell.current(0.7, controls=controls(cell))
    )
    values = json.loads(json.dumps({n: float(a) for n, a in cell.parameters.items()}))
    again = device(cell.model.name, cell.parameter_set.name, **values)
    np.testing.assert_array_equal(
        again.current(0.7, controls=controls(cell)), cell.current(0.7, controls=controls(cell))
    )


def test_formula_and_table_show_every_name(cell):
    text = cell._repr_markdown_()
    assert text.count(r"\frac{d") >= len(cell.model.states)
    assert "i = " in text
    for parameter in cell.model.parameters:
        assert f"| {parameter.name} |" in text


def test_no_warnings_are_raised(moving):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulate(moving, drive(moving), samples=11).plot(log=True)
