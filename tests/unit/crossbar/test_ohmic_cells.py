"""`OhmicCells`: conductances as cells like any other."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from crossbar import Bias, Crossbar, Wires
from crossbar.circuit.cell_array import CellArray, state_bounds
from crossbar.circuit.operating import solve_bias
from crossbar.ohmic import OhmicCells
from devices import InputError, Series, device
from devices.cells.protocol import Cell

G = np.array([[1e-4, 2e-5, 3e-5], [5e-5, 0.0, 1e-5]])
WIRES = Wires(10.0, 20.0, 30.0, 40.0)


def test_every_kind_of_cell_follows_the_protocol():
    vteam = device("vteam", x=np.full((2, 3), 1e-9))
    for cells in (OhmicCells(G), vteam, Series(device("resistor", r=1e3), vteam)):
        assert isinstance(cells, Cell)
        states = len(cells.state_names)
        count, width = cells.parameter_rows((2, 3)).shape
        assert count in (1, 6)
        assert width > 0
        assert cells.start.shape == (2, 3, states)
        assert [b.shape for b in state_bounds(cells)] == [(6, states)] * 2
        assert_array_equal(cells.with_start(cells.start).start, cells.start)


def test_their_kernel_solves_the_array_as_the_linear_solver_does():
    bias = Bias(word_left=[0.3, -0.2], bit_bottom=[0.0, 0.1, 0.0])
    linear = Crossbar(G, WIRES).solve(bias)
    iterated = solve_bias(CellArray.of(OhmicCells(G)), WIRES, bias.resolve(2, 3), None, 1e-12)
    assert iterated.newton_steps > 0
    assert linear.newton_steps == 0
    assert_allclose(iterated.cell_current, linear.cell_current, rtol=1e-11, atol=1e-18)


def test_an_array_takes_them_as_it_takes_conductances():
    cells = OhmicCells(G)
    array, plain = Crossbar(cells, WIRES), Crossbar(G, WIRES)
    current, transfer = plain.read([0.1, 0.2]).current, Crossbar(G, WIRES).transfer()
    assert array.ohmic
    assert repr(array) == repr(plain) == f"Crossbar(2 x 3 cells of 0 to 0.0001 S, {WIRES!r})"
    assert_array_equal(array.conductance, G)
    for same in (array, pickle.loads(pickle.dumps(array)), copy.deepcopy(array)):
        assert_array_equal(same.read([0.1, 0.2]).current, current)
        assert_array_equal(same.transfer(), transfer)


def test_they_do_not_follow_their_input_and_have_no_state():
    given = G.copy()
    cells = OhmicCells(given)
    given[0, 0] = 1.0
    cells.parameter_rows((2, 3))[0, 0] = 2.0
    assert_array_equal(cells.conductance, G)
    with pytest.raises(ValueError, match="read-only"):
        cells.conductance[0, 0] = 1.0
    with pytest.raises(InputError, match=r"^state: "):
        cells.with_start(np.zeros((2, 3, 1)))
    with pytest.raises(InputError, match=r"^cells: got ohmic cells"):
        _ = Crossbar(cells).cells
