"""The Verilog-A of every registered model, compiled by OpenVAF and run in VACASK; new models are included."""

import numpy as np
import pytest
import sympy

from crossbar import Crossbar
from devices import DeviceModel, Parameter, ParameterSet, Pulses, Sine, Triangle, device, models, parameter_sets
from devices.cells.device import Device
from devices.model import VOLTAGE
from devices.parameters import Unknown
from netlists import VacaskOptions, crosscheck, write_verilog_a

pytestmark = pytest.mark.vacask

CASES = [(name, s) for name in models() for s in parameter_sets(name)]
MOVING = [case for case in CASES if models()[case[0]].states and not models()[case[0]].controls]
STILL = [case for case in CASES if not models()[case[0]].states and not models()[case[0]].controls]
GATED = [case for case in CASES if models()[case[0]].controls]


def name_of(case):
    return "-".join(case)


@pytest.fixture(params=MOVING, ids=name_of)
def cell(request):
    return device(*request.param)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_the_text_is_reproducible_and_names_its_source(case):
    name, chosen = case
    model = models()[name]
    text = write_verilog_a(model, set=chosen)
    assert text == write_verilog_a(model, set=chosen) == write_verilog_a(device(name, chosen))
    given = model.parameter_set(chosen)
    head = text[: text.index("`include")]
    for words in (model.title, f"parameter set {given.name} ({given.status})", given.source, *model.references):
        assert words in head
    assert "dialect Verilog-A; written by memductance" in head
    assert all(line.startswith("// ") for line in head.splitlines())
    for parameter in model.parameters:
        assert f"parameter real {parameter.name} = {given.values[parameter.name]!r}" in text


@pytest.mark.parametrize("case", STILL, ids=name_of)
def test_a_model_without_states(evidence, case):
    agreement = crosscheck(device(*case), Sine(1.0, 1e3), engine="vacask")
    # VACASK's Newton iteration limits: it stops at a relative change of 1e-12, or at 1e-18 A.
    evidence.agreement(device(*case), "loop", agreement, relative=2e-12 + 2e-18 / agreement["current"].scale)


@pytest.mark.parametrize("case", GATED, ids=name_of)
def test_a_model_with_further_terminals(evidence, case):
    """Operating points, as cells of an array with gate lines."""
    cell = device(*case)
    assert not cell.model.states
    name = cell.model.parameters[0].name
    many = device(*case, **{name: np.full((4, 5), float(cell.parameters[name]))})
    array = Crossbar(many, gates="columns")
    gate = [-0.5, 0.2, 0.5, 1.0, 1.5]
    found = crosscheck(array, [-1.5, -0.1, 0.05, 1.5], gate=gate, bulk=-0.1, engine="vacask")
    evidence.agreement(cell, "operating points", found, relative=1e-12)


def threshold_moves(cell) -> bool:
    """Whether a law jumps at a threshold that depends on states; our steps end there, VACASK has no corner there."""
    states = {s.symbol for s in cell.model.states}
    return any(switch.free_symbols & states for switch in cell.model.switches)


def test_a_loop_inside_the_bounds(evidence, cell):
    loop = cell.loop()
    agreement = crosscheck(cell, Sine(loop.amplitude, 4.0 * loop.frequency, phase=0.5), engine="vacask")
    state = agreement[f"state {cell.model.states[0].name}"]
    assert np.ptp(state.ours) > 0.02, "the drive must move the state for this test to mean much"
    # VACASK's steps limit: where a law bends between two of them.
    evidence.agreement(cell, "loop", agreement, relative=1e-6 if threshold_moves(cell) else 1e-7)


def test_pulses(evidence, cell):
    loop = cell.loop()
    lower, upper = (float(b[0]) for b in cell.bounds())
    start = {cell.model.states[0].name: lower + 0.4 * (upper - lower)}
    cell = device(cell.model.name, cell.parameter_set.name, **start)
    length = 0.05 / loop.frequency
    moved = 0.0
    for sign in (1.0, -1.0):
        wave = Pulses(sign * loop.amplitude, width=length, period=1.5 * length, count=2)
        agreement = crosscheck(cell, wave, engine="vacask", options=VacaskOptions(corner=4e-4))
        # VACASK's first steps after a corner limit; their error falls with the square of `corner`.
        evidence.agreement(cell, f"pulses of {sign * loop.amplitude:g} V", agreement, relative=1e-6)
        moved = max(moved, float(np.ptp(agreement[f"state {cell.model.states[0].name}"].ours)))
    assert moved > 0.01


def test_a_slow_sweep_that_ends_at_the_bounds(cell):
    """Most sets reach their bounds; where a state approaches a bound exponentially, its return depends on rounding."""
    loop = cell.loop()
    agreement = crosscheck(cell, Triangle(loop.amplitude, 0.3 * loop.frequency), engine="vacask")
    state = agreement[f"state {cell.model.states[0].name}"]
    quarter = agreement.axis <= 0.25 * agreement.axis[-1]
    assert state.difference[quarter].max() < (1e-6 if threshold_moves(cell) else 2e-8)


def test_both_bounds_are_reached_and_left():
    agreement = crosscheck(device("vteam", "memtorch"), Sine(1.0, 2e6, cycles=2), engine="vacask")
    state = agreement["state x"]
    for side in (state.ours, state.theirs):
        assert side.min() == 0.0
        assert side.max() == 1.0
    agreement.assert_within(relative=1e-6)


def test_the_difference_follows_the_tolerance_of_vacask():
    cell, wave = device("linear_ion_drift"), Pulses(1.0, width=0.05, period=0.075, count=2)
    tight = crosscheck(cell, wave, engine="vacask")
    loose = crosscheck(cell, wave, engine="vacask", options=VacaskOptions(corner=1e-2))
    assert loose.worst > 100 * tight.worst
    with pytest.raises(AssertionError, match="worst relative difference"):
        loose.assert_within(relative=tight.worst)


def test_initial_states_and_parameters_of_an_instance_are_used():
    cell = device("vteam", "memtorch", x=1e-9, r_off=2e3, alpha_on=2.5)
    crosscheck(cell, Sine(1.0, 1e8, phase=0.5), engine="vacask").assert_within(relative=1e-7)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("peak", [0.05, 1.0, 5.0])
def test_an_internal_unknown(direction, peak):
    """A diode in series with a resistance; its inner node is an unknown whose residual falls or rises."""
    parameters = (Parameter("i_s", "A", "saturation"), Parameter("u_t", "V", "thermal"), Parameter("r", "ohm", "R"))
    i_s, u_t, r = (p.symbol for p in parameters)
    y = sympy.Symbol("y", real=True)
    given = ParameterSet("test", {"i_s": 1e-12, "u_t": 0.025, "r": 1e3}, {}, "made for this test", "ours")
    residual = direction * ((VOLTAGE - y) / r - i_s * (sympy.exp(y / u_t) - 1))
    model = DeviceModel(
        name="diode_r", title="diode behind a resistance", states=(), parameters=parameters, current=(VOLTAGE - y) / r,
        rates=(), parameter_sets=(given,), references=("this test",), validity="",
        unknown=Unknown("y", "V", "inner node", residual, (sympy.Integer(0), VOLTAGE)),
    )  # fmt: skip
    agreement = crosscheck(Device(model, dict(given.values), {}, given), Sine(peak, 1e3, phase=1.0), engine="vacask")
    # VACASK's tolerance of a node, 1e-12 V or 1e-12 of its peak, over the resistance.
    assert agreement["current"].worst_absolute < 2e-12 * max(1.0, peak) / 1e3
