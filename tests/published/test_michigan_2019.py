"""The published figures of the Michigan chip are consistent (Cai 2019, Correll 2020)."""

import pytest

from crossbar.fabric import chip_preset


def test_throughput_and_power_give_the_published_efficiency():
    preset = chip_preset("michigan_2019")
    operations = 2 * 54 * 108
    assert operations / preset.vmm_time == pytest.approx(2.6e9)
    per_watt = operations / (preset.core_energy + preset.host_energy)
    assert per_watt == pytest.approx(8.5e9, rel=0.05)


def test_a_product_takes_a_whole_number_of_hundreds_of_cycles():
    preset = chip_preset("michigan_2019")
    assert preset.vmm_time * preset["clock"] == pytest.approx(664, abs=1)
    assert preset.core_energy == pytest.approx(64e-3 * 4.49e-6, rel=2e-3)
    assert preset.core_energy + preset.host_energy == pytest.approx(1.38e-6, rel=3e-3)
