"""Bad input to the devices package is refused in one clear line; the cache of kernels."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import sympy

from devices import (
    ConvergenceError,
    InputError,
    Parameter,
    ParameterSet,
    Sine,
    State,
    device,
    models,
    parameter_sets,
    plot_trace,
    simulate,
)
from devices.model import VOLTAGE, DeviceModel

R = Parameter("r", "ohm", "resistance", lower=0.0, open_lower=True)
X = State("x", "1", "state")
GIVEN = ParameterSet("test", {"r": 1e3}, {"x": 0.5}, "made for this test", "ours")


def declare(**changes):
    usual = {
        "name": "test_model",
        "title": "test",
        "states": (X,),
        "parameters": (R,),
        "current": VOLTAGE / R.symbol,
        "rates": (sympy.Integer(0) * X.symbol,),
        "parameter_sets": (GIVEN,),
        "references": ("none (2026)",),
        "validity": "tests",
    }
    return DeviceModel(**{**usual, **changes})


def test_unknown_names_offer_the_closest():
    with pytest.raises(InputError, match=r"model: got 'vtaem'.*try: vteam"):
        device("vtaem")
    with pytest.raises(InputError, match=r"set: got 'magik'.*try: magic"):
        device("vteam", "magik")
    with pytest.raises(InputError, match=r"parameter: got 'r_of'.*try: r_off"):
        device("vteam", r_of=1.0)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"r_off": -1.0}, r"r_off: got -1; allowed: finite, > 0 \[ohm\]"),
        ({"r_off": 0.0}, r"r_off: got 0; "),
        ({"r_off": np.nan}, r"r_off: got nan"),
        ({"r_off": [1e3, -5.0]}, r"r_off: got -5"),
        ({"alpha_on": 0.5}, r"alpha_on: got 0.5; allowed: finite, >= 1"),
        ({"x": 4e-9}, r"x: got 4e-09 as start; allowed: \[0, 3e-09\] \[m\]"),
        ({"x_on": 5e-9}, r"lower < upper"),
        ({"r_on": [1.0, 2.0], "r_off": [1.0, 2.0, 3.0]}, r"broadcast to one ensemble shape"),
        ({"r_on": "many"}, r"r_on: got str that is not numeric"),
    ],
)
def test_parameters_out_of_bounds_are_refused(overrides, message):
    with pytest.raises(InputError, match=message):
        device("vteam", **overrides)


def test_a_divisor_is_not_zero():
    with pytest.raises(InputError, match=r"a_down: got 0; allowed: a number other than 0 \[1\]"):
        device("neurosim_synapse", a_down=[-1.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"current": VOLTAGE / sympy.Symbol("r_x", real=True)}, r"test_model.current: got unknown symbol r_x"),
        ({"rates": ()}, r"test_model.rates: got x; allowed: one law for each state"),
        ({"parameters": (R, Parameter("R", "ohm", "again"))}, r"'r' twice"),
        ({"parameter_sets": ()}, r"at least one set"),
        (
            {"parameter_sets": (ParameterSet("t", {}, {"x": 0.0}, "here", "ours"),)},
            r"test_model.t: parameters: got missing r; allowed: r",
        ),
        ({"states": (State("x", "1", "state", upper="nowhere"),)}, r"bound 'nowhere'"),
    ],
)
def test_inconsistent_declarations_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        declare(**changes)


@pytest.mark.parametrize("name", ["lambda", "1st", "a b", "time", ".end"])
def test_names_that_some_dialect_keeps_are_refused(name):
    with pytest.raises(InputError, match="name: got"):
        Parameter(name, "1", "meaning")


def test_a_set_needs_a_source():
    with pytest.raises(InputError, match="source"):
        ParameterSet("t", {}, {}, " ", "ours")
    with pytest.raises(InputError, match="status"):
        ParameterSet("t", {}, {}, "somewhere", "guessed")


def test_registry_is_read_only():
    with pytest.raises(TypeError):
        models()["mine"] = None
    assert list(parameter_sets("vteam")) == ["memtorch", "magic"]


def test_simulate_refuses_bad_arguments():
    cell = device("vteam")
    wave = Sine(amplitude=1.0, frequency=1e6)
    with pytest.raises(InputError, match="waveform"):
        simulate(cell, 1.0)
    with pytest.raises(InputError, match="samples"):
        simulate(cell, wave, samples=[0.0, 2e-6])
    with pytest.raises(InputError, match="samples"):
        simulate(cell, wave, samples=[0.0, 0.0])
    with pytest.raises(InputError, match="tolerance"):
        simulate(cell, wave, tolerance=0.0)


def test_running_out_of_steps_is_an_error_that_names_the_cell():
    cell = device("vteam", r_off=[[1e3, 2e3]])
    with pytest.raises(ConvergenceError, match=r"vteam: cell \(0, 0\) of \(1, 2\) stopped at .*max_steps.*2 cells"):
        simulate(cell, Sine(amplitude=1.0, frequency=1e6), max_steps=10)


def test_a_number_that_is_not_finite_is_an_error():
    with pytest.raises(ConvergenceError, match="not finite"):
        simulate(device("wox_scaled_decay"), Sine(amplitude=1e4, frequency=1.0))


def test_evaluating_beyond_the_range_of_doubles_is_refused():
    with pytest.raises(
        InputError, match=r"voltage: got up to 10000 V; allowed: voltages at which wox_scaled_decay stays finite"
    ):
        device("wox_scaled_decay").current([0.0, -1e4])


def test_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(InputError, match=r"voltage: got shape \(3,\) with states \(\) and parameters \(2,\)"):
        device("vteam", r_off=[1e3, 2e3]).current([0.1, 0.2, 0.3], [0.0])


def test_errors_survive_pickling():
    for error in (InputError("a", 1, "b", "c"), ConvergenceError("text", 0.5)):
        copy = pickle.loads(pickle.dumps(error))
        assert str(copy) == str(error)
        assert type(copy) is type(error)


def test_plot_trace_takes_one_device():
    wave = Sine(amplitude=1.0, frequency=1e6)
    ax = plot_trace(simulate(device("vteam"), wave, samples=11))
    assert ax.get_xlabel() == "time [µs]"
    assert ax.get_ylabel() == "state x [nm]"
    with pytest.raises(InputError, match="ensemble"):
        plot_trace(simulate(device("vteam", r_off=[1e3, 2e3]), wave, samples=11))


def test_loop_plot_draws_the_numbers_in_prefixed_units():
    trace = simulate(device("linear_ion_drift"), Sine(amplitude=1.0, frequency=1.0), samples=11)
    ax = trace.plot()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), trace.current * 1e6)
    assert ax.get_ylabel() == "current [µA]"
    assert trace.plot(log=True).get_yscale() == "log"


def test_loops_on_the_same_axes_share_their_units():
    large, small = (simulate(device("vteam"), Sine(amplitude=v, frequency=1e6), samples=11) for v in (1.0, 0.01))
    ax = small.plot(large.plot())
    assert ax.get_ylabel() == "current [mA]"
    for line, trace in zip([line for line in ax.lines if len(line.get_xdata()) > 2], (large, small), strict=True):
        np.testing.assert_allclose(line.get_ydata(), 1e3 * trace.current)


def test_arrows_show_the_way_of_the_last_cycle():
    trace = simulate(device("vteam"), Sine(amplitude=1.0, frequency=1e6, cycles=3))
    arrows = trace.plot().texts
    last = trace.time >= 2e-6
    path = list(zip(trace.voltage[last], 1e3 * trace.current[last], strict=True))
    assert len(arrows) == 4
    for arrow in arrows:
        k = path.index(tuple(arrow.xy))
        assert path[k - 1] == tuple(arrow.xyann)


def test_conductance_limits_bracket_every_state():
    cell = device("wox_scaled_decay")
    low, high = cell.conductance_limits(0.3)
    between = cell.conductance(0.3, np.linspace(0, 1, 11)[:, None])
    assert low == pytest.approx(between.min())
    assert high == pytest.approx(between.max())
    with pytest.raises(InputError, match="voltage: got 0 V"):
        cell.conductance_limits(0.0)


def test_conductance_limits_of_a_cell_without_states_are_its_conductance():
    assert device("resistor", r=2e3).conductance_limits(0.3) == pytest.approx((5e-4, 5e-4))


def test_a_second_process_starts_without_compiling(tmp_path):
    code = (
        "from devices import device; from devices.kernels.evaluate import evaluate_many;"
        "device('vteam').current(1.0);"
        "s = evaluate_many.stats; print(sum(s.cache_hits.values()), sum(s.cache_misses.values()))"
    )
    environment = {**os.environ, "MEMDUCTANCE_CACHE_DIR": str(tmp_path)}
    run = {"capture_output": True, "text": True, "check": True, "env": environment}
    first = subprocess.run([sys.executable, "-c", code], **run)
    stamps = {f.name: f.stat().st_mtime_ns for f in (tmp_path / "kernels").iterdir()}
    second = subprocess.run([sys.executable, "-c", code], **run)
    assert first.stdout.split() == ["0", "1"]
    assert second.stdout.split() == ["1", "0"]
    texts = [name for name in stamps if name.startswith("vteam")]
    assert len(texts) == 2, "the law, and what of it hangs on parameters alone"
    assert len(stamps) >= 5, "these texts, their machine code, and that of the loop around them"
    assert stamps == {f.name: f.stat().st_mtime_ns for f in (tmp_path / "kernels").iterdir()}, "compiled again"


def test_an_unwritable_cache_does_not_stop_work(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    code = "from devices import device; print(float(device('vteam').current(0.01)))"
    environment = {**os.environ, "MEMDUCTANCE_CACHE_DIR": str(blocked)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert float(done.stdout) == pytest.approx(0.01 / 50)
