import numpy as np
import pytest

from crossbar import AnalogNetwork, Recipe, digits
from crossbar.fabric import Chip, Event, Ledger, chip_preset, chip_presets
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
