"""A circuit with an array as a block, in every engine: the same currents as flat."""

import numpy as np
import pytest

from crossbar import Crossbar, Wires
from devices import device
from netlists import crossbar_circuit
from netlists.engines.catalogue import ENGINES
from netlists.engines.running import run_circuit

pytestmark = [pytest.mark.spice, pytest.mark.vacask]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_block_runs_as_its_elements_do(engine):
    array = Crossbar(device("wox_scaled_decay", w=[[0.2, 0.6], [0.4, 0.9]]), Wires(2.0, 3.0, 10.0, 20.0))
    flat = crossbar_circuit(array, [0.5, -0.3])
    plain, enclosed = (run_circuit(c, engine)[0] for c in (flat, flat.enclosed()))
    for source in ("i(vin0)", "i(vs1)"):
        np.testing.assert_allclose(enclosed[source], plain[source], rtol=1e-9)
