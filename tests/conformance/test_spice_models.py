"""Every registered model compared with ngspice; new models are included automatically."""

import numpy as np
import pytest

from crossbar import Crossbar
from devices import Pulses, Sine, Triangle, device, models, parameter_sets
from netlists import crosscheck

pytestmark = pytest.mark.spice

CASES = [(name, s) for name in models() if models()[name].states for s in parameter_sets(name)]
STILL = [(name, s) for name in models() if not models()[name].states for s in parameter_sets(name)]


@pytest.fixture(params=CASES, ids="-".join)
def cell(request):
    return device(*request.param)


@pytest.mark.parametrize("case", STILL, ids="-".join)
def test_a_model_without_states(evidence, case):
    """Driven by a sine; models with further terminals at operating points, as cells of an array with gate lines."""
    cell = device(*case)
    if cell.model.controls:
        name = cell.model.parameters[0].name
        many = device(*case, **{name: np.full((4, 5), float(cell.parameters[name]))})
        array = Crossbar(many, gates="columns")
        found = crosscheck(array, [-1.5, -0.1, 0.05, 1.5], gate=[-0.5, 0.2, 0.5, 1.0, 1.5], bulk=-0.1)
        evidence.agreement(cell, "operating points", found, relative=1e-12)
    else:
        evidence.agreement(cell, "loop", crosscheck(cell, Sine(1.0, 1e3)), relative=1e-8)


def test_a_loop_inside_the_bounds(evidence, cell):
    loop = cell.loop()
    agreement = crosscheck(cell, Sine(loop.amplitude, 4.0 * loop.frequency, phase=0.5))
    state = agreement.quantities[f"state {cell.model.states[0].name}"]
    assert np.ptp(state.ours) > 0.02, "the drive must move the state for this test to mean much"
    evidence.agreement(cell, "loop", agreement, relative=5e-6)


def test_pulses(evidence, cell):
    loop = cell.loop()
    # Away from the lower bound, so that pulses of both signs move every state.
    lower, upper = (float(b[0]) for b in cell.bounds())
    start = {cell.model.states[0].name: lower + 0.4 * (upper - lower)}
    cell = device(cell.model.name, cell.parameter_set.name, **start)
    length = 0.05 / loop.frequency
    moved = 0.0
    for sign in (1.0, -1.0):
        agreement = crosscheck(cell, Pulses(sign * loop.amplitude, width=length, period=1.5 * length, count=2))
        evidence.agreement(cell, f"pulses of {sign * loop.amplitude:g} V", agreement, relative=2e-5)
        moved = max(moved, float(np.ptp(agreement[f"state {cell.model.states[0].name}"].ours)))
    assert moved > 0.01


def test_a_slow_sweep_that_ends_at_the_bounds(cell):
    """Most sets reach their bounds; where a state approaches a bound exponentially, its return depends on rounding."""
    loop = cell.loop()
    agreement = crosscheck(cell, Triangle(loop.amplitude, 0.3 * loop.frequency))
    state = agreement[f"state {cell.model.states[0].name}"]
    assert (state.theirs > -1e-9).all()
    assert (state.theirs < 1 + 1e-9).all()
    quarter = agreement.axis <= 0.25 * agreement.axis[-1]
    worst = state.difference[quarter].max()
    assert worst < 2e-5
