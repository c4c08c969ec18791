"""Gate lines with waveforms: 1T1R cells that are opened and closed during a pulse, against two simulators."""

import numpy as np
import pytest

from crossbar import Bias, Crossbar, Wires
from devices import InputError, Pulses, Series, Sine, device
from netlists import crosscheck

CELLS = Series(device("vteam", x=[[1e-9, 2e-9], [0.5e-9, 1e-9]]), device("ekv_transistor"))
WIRES = Wires(5.0, 5.0, driver=50.0, word_line_capacitance=1e-15, bit_line_capacitance=1e-15)
BIAS = Bias(word_left=[Pulses(1.2, width=6e-7, period=1e-6, edge=2e-8), 0.2], bit_bottom=0.0)
GATE = [Pulses(2.0, width=3e-7, period=1e-6, edge=5e-8), 1.0]


@pytest.mark.parametrize("gates", ["rows", "columns"])
@pytest.mark.parametrize("engine", ["ngspice", "vacask"])
def test_pulses_on_gates(gates, engine):
    array = Crossbar(CELLS, WIRES, gates=gates)
    assert crosscheck(array, BIAS, gate=GATE, engine=engine).worst < 1e-5


def test_a_sine_on_all_gates():
    assert crosscheck(Crossbar(CELLS, WIRES), BIAS, gate=Sine(1.0, 1e6, offset=1.0)).worst < 1e-5


def test_steps_end_at_the_corners_of_gates_and_errors_follow_the_tolerance():
    array = Crossbar(CELLS, WIRES)
    reference = array.simulate(BIAS, gate=GATE, tolerance=1e-8)
    assert {5e-8, 3.5e-7} <= set(np.round(reference.time, 12))
    sides = [s for s, i in reference.terminal_current.items() if np.abs(i).max() > 0.0]
    for tolerance in (1e-4, 1e-6):
        trace = array.simulate(BIAS, gate=GATE, tolerance=tolerance)
        for side in sides:
            peak = np.abs(reference.terminal_current[side]).max()
            error = np.abs(trace.terminal_current[side] - reference.terminal_current[side]).max()
            assert error < 10 * tolerance * peak


def test_gates_that_do_not_fit():
    array = Crossbar(CELLS, WIRES)
    with pytest.raises(
        InputError, match="gate: got 3 entries; allowed: a number or a waveform for each of 2 gate lines"
    ):
        array.simulate(BIAS, gate=[*GATE, 0.0])
    with pytest.raises(InputError, match="gate: got potentials of gate lines; allowed: none"):
        Crossbar([[1e-5]]).simulate(Bias(word_left=[Sine(1.0, 1e3)], bit_bottom=0.0), gate=Sine(1.0, 1e3))
