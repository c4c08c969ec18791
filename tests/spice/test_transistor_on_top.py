"""A transistor above a memristor: its source is the node between them."""

import numpy as np
import pytest

from crossbar import Bias, Crossbar, Wires
from devices import Pulses, Series, device
from netlists import crosscheck

WIRES = Wires(5.0, 5.0, driver=50.0, word_line_capacitance=1e-15, bit_line_capacitance=1e-15)


@pytest.fixture(scope="module")
def array():
    cells = Series(device("ekv_transistor"), device("vteam", x=[[1e-9, 2e-9], [0.5e-9, 1e-9]]))
    return Crossbar(cells, WIRES, gates="rows")


@pytest.mark.parametrize("point", [(0.7, 1.5), (-0.4, 1.2), (0.05, 0.3), (1.2, 2.0), (-1.0, 0.1)])
def test_derivatives_are_those_of_differences(point):
    cell = Series(device("ekv_transistor"), device("vteam", x=1e-9))
    v, gate = point
    place = np.array([v, 1e-9, gate, 0.1])
    steps = np.array([1e-6, 1e-15, 1e-6, 1e-6])

    def law(at):
        return cell.evaluate(at[0], [at[1]], at[2:])[:, 0]

    found = cell.evaluate(v, [1e-9], [gate, 0.1])
    for k, step in enumerate(steps):
        up, down = place.copy(), place.copy()
        up[k] += step
        down[k] -= step
        difference = (law(up) - law(down)) / (2 * step)
        scale = np.abs(found[:, 1 + k]).max()
        np.testing.assert_allclose(found[:, 1 + k], difference, atol=1e-6 * scale + 1e-30)


@pytest.mark.parametrize("engine", ["ngspice", "vacask"])
def test_against_simulators(array, engine):
    for bias in (Bias(word_left=[0.8, 0.2], bit_bottom=0.0), Bias(word_left=0.0, bit_bottom=[0.8, 0.4])):
        assert crosscheck(array, bias, gate=[1.6, 1.0], engine=engine).worst < 1e-9
    pulses = Bias(word_left=[Pulses(1.2, width=6e-7, period=1e-6, edge=2e-8), 0.2], bit_bottom=0.0)
    gate = [Pulses(2.0, width=3e-7, period=1e-6, edge=5e-8), 1.0]
    assert crosscheck(array, pulses, gate=gate, engine=engine).worst < 1e-5
