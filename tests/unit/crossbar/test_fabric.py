from dataclasses import replace

import numpy as np
import pytest

from crossbar import AnalogNetwork, Convolution, Crossbar, Dense, Recipe, Reshape, digits
from crossbar.fabric import Account, Chip, Event, Ledger, chip_preset, chip_presets
from devices import InputError, models

LIMITS = (0.25e-6, 8e-6)


@pytest.fixture(scope="module")
def task():
    return digits()


@pytest.fixture(scope="module")
def preset():
    return chip_preset("michigan_2019")


@pytest.fixture(scope="module")
def network(task, preset):
    return AnalogNetwork.from_sklearn(task.model, preset.recipe(LIMITS), calibration=task.train_inputs)


def test_every_preset_has_a_source_for_every_figure():
    assert chip_presets()
    for name in chip_presets():
        found = chip_preset(name)
        assert found.name == name
        assert found.device in models()
        assert found.references
        for figure in found.figures.values():
            assert figure.status in ("seen", "recalled", "ours")
            assert len(figure.source) > 5
            assert figure.unit


def test_unknown_preset():
    with pytest.raises(InputError, match=r"preset: got .michigan..*try: michigan_2019"):
        chip_preset("michigan")


def test_totals_are_the_sums_of_the_events():
    events = (Event("a", 3, 2, 1e-9, 1e-6, "here"), Event("b", 5, 0, 2e-9, 1e-6, "there"))
    ledger = Ledger(events, 2)
    assert ledger.energy == 3 * 1e-9 + 5 * 2e-9
    assert ledger.latency == 2 * 1e-6
    assert ledger.energy_per_image == ledger.energy / 2
    found = ledger.to_dict()
    assert found["energy_j"] == sum(e["total_energy_j"] for e in found["events"])
    assert found["latency_s"] == sum(e["total_latency_s"] for e in found["events"])
    assert "total" in str(ledger)


def test_a_convolution_charges_a_product_for_each_position(preset):
    rng = np.random.default_rng(0)
    images = rng.uniform(size=(3, 1, 5, 6))
    layers = [Convolution(rng.normal(size=(4, 1, 2, 2))), "relu", Reshape(), Dense(rng.normal(size=(80, 3)))]
    network = AnalogNetwork.program(layers, preset.recipe((1e-6, 1e-5)), calibration=images)
    placement = Chip(preset, grid=(3, 3)).place(network)
    done = placement.run(images)
    np.testing.assert_array_equal(done.predictions, network.predict(images))
    second = sum(core.layer == 1 for core in placement.cores)
    assert {e.count for e in done.ledger.events} == {3 * (4 * 5 + second)}


def test_a_run_equals_the_network_and_its_ledger_counts_every_product(task, preset, network):
    placement = Chip(preset, grid=(2, 2)).place(network)
    done = placement.run(task.test_inputs[:20])
    np.testing.assert_array_equal(done.predictions, network.predict(task.test_inputs[:20]))
    core, host = done.ledger.events
    assert core.count == host.count == 20 * 3, "two tiles of layer 0 and one of layer 1"
    assert core.serial == 20 * 2, "the tiles of a layer work at the same time"
    assert done.ledger.energy == pytest.approx(60 * preset["total_power"] * preset.vmm_time)
    assert done.ledger.latency_per_image == pytest.approx(2 * preset.vmm_time)
    memo = done.ledger.memo
    assert memo["ADC conversions"] == 20 * (100 + 100 + 20)
    heat = next(v for k, v in memo.items() if k.startswith("heat"))
    assert 0 < heat < host.total_energy


def test_pulses_are_counted_as_sent(task, preset, network):
    placement = Chip(preset, grid=(1, 3)).place(network)
    dark = placement.run(np.zeros((1, 64))).ledger.memo["input pulses"]
    hidden = np.count_nonzero(network.forward(np.zeros((1, 64)))[1][0])
    layer_0 = 1  # the bias row alone, which lies in the second tile
    assert dark <= layer_0 + hidden
    assert dark >= layer_0 + 1


def test_cores_lie_along_the_grid(preset, network):
    placement = Chip(preset, grid=(2, 2)).place(network)
    assert [c.position for c in placement.cores] == [(0, 0), (0, 1), (1, 0)]
    assert [c.layer for c in placement.cores] == [0, 0, 1]
    assert "core 2 at (1, 0): layer 1, 51 x 20" in str(placement)


def test_what_does_not_fit_is_said(task, preset, network):
    with pytest.raises(InputError, match=r"3 tiles \(2 in layer 0, 1 in layer 1\); allowed: one for each of 1 cores"):
        Chip(preset).place(network)
    big = AnalogNetwork.from_sklearn(task.model, preset.recipe(LIMITS, tile=(128, 128)), calibration=task.train_inputs)
    with pytest.raises(InputError, match=r"a tile of 65 x 100 in layer 0; allowed: at most 54 x 108"):
        Chip(preset, grid=(4, 4)).place(big)
    with pytest.raises(InputError, match=r"grid\[0\]: got 0"):
        Chip(preset, grid=(0, 1))


def test_a_network_without_pulse_widths_is_refused(task, preset):
    recipe = Recipe(conductance_limits=LIMITS, tile=preset.tile)
    network = AnalogNetwork.from_sklearn(task.model, recipe, calibration=task.train_inputs)
    with pytest.raises(InputError, match="encoding: got Amplitude"):
        Chip(preset, grid=(1, 3)).place(network).run(task.test_inputs[:2])


def test_the_cores_are_what_executes(task, preset, network):
    """Predictions come from the arrays of the cores: with all conductances at zero, one class is left."""
    inputs = task.test_inputs[:50]
    placement = Chip(preset, grid=(2, 2)).place(network)
    right = placement.run(inputs).predictions
    assert len(np.unique(right)) > 5
    zeroed = [c.program(np.zeros(c.tile.crossbar.shape)) for c in placement.cores]
    dead = replace(placement, cores=tuple(zeroed)).run(inputs)
    np.testing.assert_array_equal(dead.predictions, np.full(50, task.model.classes_[0]))
    heat = next(v for k, v in dead.ledger.memo.items() if k.startswith("heat"))
    assert heat == 0.0
    one = replace(placement, cores=(zeroed[0], *placement.cores[1:]))
    assert (one.run(inputs).predictions != right).any(), "one array of three"
    np.testing.assert_array_equal(network.predict(inputs), right, "the network's own tiles are as they were")


def test_a_core_charges_what_it_does_as_it_does_it(preset, network):
    account = Account()
    core = Chip(preset, grid=(2, 2)).place(network).cores[2].charged_to(account)
    share = np.full((4, core.rows.stop), 0.5)
    core.read(share, np.random.default_rng(0))
    first = account.ledger(1)
    assert {e.name: e.count for e in first.events} == {"VMM, mixed-signal core": 4, "VMM, host and array": 4}
    assert first.memo["ADC conversions"] == 4 * core.tile.crossbar.columns
    assert first.memo["input pulses"] == 4 * core.tile.crossbar.rows
    ready = replace(core, tile=core.tile.calibrated(np.ones((1, core.columns.stop)), backward=True))
    ready.read_backward(np.ones(core.columns.stop), np.random.default_rng(0))
    second = account.ledger(1)
    assert second.events[0].count == 5
    assert second.memo["ADC conversions"] == first.memo["ADC conversions"] + core.tile.crossbar.rows
    assert second.energy == pytest.approx(5 * preset["total_power"] * preset.vmm_time)
    core.program(core.tile.crossbar.conductance)
    assert account.ledger(1).memo["cells programmed"] == np.prod(core.tile.crossbar.shape)


def test_a_network_needs_all_its_tiles_on_cores(preset, network, task):
    placement = Chip(preset, grid=(2, 2)).place(network)
    for cores in (placement.cores[1:], (*placement.cores, placement.cores[0])):
        with pytest.raises(InputError, match=r"cores: got [13] for the 2 tiles of layer 0"):
            replace(placement, cores=cores).run(task.test_inputs[:1])


def test_a_core_without_a_preset_or_an_account_costs_nothing(network, preset):
    core = Chip(preset, grid=(2, 2)).place(network).cores[0]
    assert replace(core, preset=None).cost("read") == ()
    assert [c.energy for c in core.cost("read")] == [preset.core_energy, preset.host_energy]
    assert core.cost("program") == (), "no figure is published"
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(core.read(np.ones(65), rng), core.tile.read(np.ones(65), rng))


def test_a_core_reads_what_its_array_does(network, preset):
    core = Chip(preset, grid=(2, 2)).place(network).cores[0]
    other = core.program(np.full(core.tile.crossbar.shape, 1e-6))
    assert isinstance(other.tile.crossbar, Crossbar)
    rng = np.random.default_rng(0)
    wanted = core.tile.adc.convert(np.full(core.tile.crossbar.columns, 0.3 * 1e-6 * 54))
    np.testing.assert_allclose(other.read(np.ones(65), rng), wanted)
