"""A circuit with an array as a block has the same currents in every engine as the flat circuit."""

import numpy as np
import pytest

from crossbar import Crossbar, Wires
from devices import device
from netlists import crossbar_circuit
from netlists.engines.catalogue import ENGINES
from netlists.engines.running import run_circuit
from tests.spice.random_blocks import random_netlist, worst_differences

pytestmark = [pytest.mark.spice, pytest.mark.vacask]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_block_gives_the_currents_of_its_elements(engine):
    array = Crossbar(device("wox_scaled_decay", w=[[0.2, 0.6], [0.4, 0.9]]), Wires(2.0, 3.0, 10.0, 20.0))
    flat = crossbar_circuit(array, [0.5, -0.3])
    plain, enclosed = (run_circuit(c, engine)[0] for c in (flat, flat.enclosed()))
    for source in ("i(vin0)", "i(vs1)"):
        np.testing.assert_allclose(enclosed[source], plain[source], rtol=1e-9)


@pytest.mark.parametrize("seed", [3, 14, 19])
def test_random_blocks_with_capacitance_agree_at_rest_and_over_time(seed):
    assert max(worst_differences(random_netlist(seed, over_time=False)).values()) < 1e-9
    assert max(worst_differences(random_netlist(seed, over_time=True)).values()) < 1e-4
