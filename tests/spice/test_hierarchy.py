"""Blocks in ngspice: an array as a block, tiles with shared inputs, devices with inner nodes, measured currents."""

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from crossbar import AnalogMatrix, Bias, Crossbar, PulseWidth, Recipe, Short, Wires
from devices import InputError, Pulses, Series, StuckCells, device
from netlists import crossbar_circuit, crosscheck, run_ngspice, tiles_circuit, write_netlist

pytestmark = pytest.mark.spice


def reads(circuit):
    waves = run_ngspice(write_netlist(circuit)["circuit.cir"])
    return waves, {e.name: waves[f"i({e.name})"] for e in circuit.elements if e.name.startswith("V")}


def everything(rng):
    """An array with every kind of element, and its bias."""
    cells = Series(device("wox_scaled_decay", w=rng.uniform(0.0, 1.0, (3, 4))), device("ekv_transistor"))
    wires = Wires(
        rng.uniform(1.0, 9.0, (3, 5)), rng.uniform(1.0, 9.0, (4, 4)), driver=20.0, sense=30.0, far_sense=40.0,
        shorts=(Short("word", 0, 1, 50.0),),
    )  # fmt: skip
    wires = wires.with_open("bit", 2, 1, shape=(3, 4))
    return Crossbar(cells, wires), Bias(
        word_left=rng.uniform(-1.0, 1.0, 3), bit_bottom=0.0, bit_top=[0.0, 0.1, 0.0, 0.0]
    )


def test_an_array_has_the_same_currents_flat_and_as_a_block():
    array, bias = everything(np.random.default_rng(0))
    circuit = crossbar_circuit(array, bias, gate=[1.0, 1.5, 0.8], bulk=-0.1)
    _, plain = reads(circuit)
    waves, inside = reads(circuit.enclosed())
    _, flat = reads(circuit.enclosed("part").flat())
    assert {"Vgate0", "Vbulk"} < set(plain)
    for name, current in plain.items():
        np.testing.assert_allclose(inside[name], current, rtol=1e-10, atol=1e-18)
        np.testing.assert_allclose(flat[name], current, rtol=1e-10, atol=1e-18)
    assert "i(@b.xarray.xt0_0.bi[i])" in waves, "currents of cells in the block"


def test_a_transient_is_the_same_as_a_block():
    wires = Wires(5.0, 5.0, 100.0, 50.0, word_line_capacitance=1e-14)
    array = Crossbar(device("vteam", x=[[1e-9, 2e-9]]), wires)
    pulse = Pulses(1.0, width=4e-9, period=1e-8, edge=1e-9)
    circuit = crossbar_circuit(array, Bias(word_left=pulse, bit_bottom=0.0), step=1e-10)
    (one, plain), (two, inside) = reads(circuit), reads(circuit.enclosed())
    np.testing.assert_allclose(two["time"], one["time"], rtol=1e-12)
    np.testing.assert_allclose(inside["Vs1"], plain["Vs1"], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("encoding", [None, PulseWidth(read_voltage=0.2, bits=4)])
def test_tiles_that_share_inputs_give_the_products_of_the_matrix(encoding):
    rng = np.random.default_rng(1)
    recipe = Recipe(
        conductance_limits=(1e-6, 1e-4), tile=(4, 4), wires=Wires(2.0, 3.0, driver=20.0, sense=30.0),
        effects=(StuckCells(0.1, 0.1),), bias="analog", **({} if encoding is None else {"encoding": encoding}),
    )  # fmt: skip
    weights, inputs = rng.normal(size=(6, 3)), rng.normal(size=(5, 6))
    matrix = AnalogMatrix.program(weights, rng.normal(size=3), recipe, calibration=inputs)
    share = matrix.shares(inputs[0])
    circuit = tiles_circuit(matrix.tiles, share)
    assert len(circuit.blocks) == len(matrix.tiles) == 4
    assert sum(e.name.startswith("Vin") for e in circuit.elements) == 7, "one driver for each input and the bias"
    for made in (circuit, circuit.flat()):
        _, found = reads(made)
        for n, tile in enumerate(matrix.tiles):
            wanted = tile.current(share)
            theirs = [found[f"Vs{n}_{j}"][0] for j in range(tile.crossbar.columns)]
            np.testing.assert_allclose(theirs, wanted, rtol=1e-10, atol=1e-12 * np.abs(wanted).max())


def test_tiles_that_do_not_fit_are_refused():
    recipe = Recipe(conductance_limits=(1e-6, 1e-4), tile=(2, 2), bias="analog")
    matrix = AnalogMatrix.program([[0.5, 1.0]], [0.1, 0.2], recipe, calibration=[[1.0]])
    share = matrix.shares(np.array([0.2]))
    other = replace(matrix.tiles[1], encoding=PulseWidth(read_voltage=0.1))
    for tiles, given, message in (
        ([], share, r"tiles: got \[\]; allowed: a sequence of Tile"),
        (matrix.tiles, [0.1], r"share: got shape \(1,\); allowed: shape \(2,\)"),
        ((matrix.tiles[0], other), share, "tiles: got input 0 at .* V and .* V; allowed: one encoding"),
    ):
        with pytest.raises(InputError, match=message):
            tiles_circuit(tiles, given)


def test_cells_with_an_inner_node_in_an_array():
    """Each cell has its own nodes for its unknown and for common subexpressions of its laws."""
    array = Crossbar(device("simmons_tunnel_barrier", w=[[1.2e-9, 1.3e-9], [1.5e-9, 1.9e-9]]), Wires(5.0, 5.0, 10.0))
    crosscheck(array, [0.3, -0.2]).assert_within(relative=1e-9)


@pytest.mark.parametrize("block", [False, True])
def test_measured_currents_are_printed(tmp_path, block):
    array = Crossbar([[1e-3, 2e-4], [3e-5, 4e-4]], Wires(2.0, 3.0))
    circuit = replace(crossbar_circuit(array, [0.3, 0.2]), measured=("Vs0", "Vs1"))
    for name, text in write_netlist(circuit.enclosed() if block else circuit).items():
        (tmp_path / name).write_text(text)
    said = subprocess.run(["ngspice", "-b", "circuit.cir"], cwd=tmp_path, capture_output=True, text=True, check=True)
    found = [float(text) for text in re.findall(r"^i\(vs\d\) = (\S+)", said.stdout, re.MULTILINE)]
    np.testing.assert_allclose(found, array.read([0.3, 0.2]).current, rtol=1e-12)
    assert (tmp_path / "circuit.raw").exists()
