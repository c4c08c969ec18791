"""Shrinking: from a drawn circuit to the smallest one with the property that fails."""

import pytest

from netlists import CampaignSpec
from netlists.campaign.draw import draw, is_solvable
from netlists.campaign.shrink import shrink
from netlists.circuit import Capacitor, Resistor


def drawn(**given):
    """The first case with the wanted options."""
    spec = CampaignSpec(
        seed=2, circuits=1, models=("vteam/memtorch",), ohmic_share=1, rest=(4, 6), moving=(3, 4), **given
    )
    return draw(spec, 0)


def test_a_short_is_found_between_two_lines():
    case = drawn(cells=("ohmic",), analyses=("operating point",), faults=("short",), wires=("uneven",))

    def fails(simpler):
        return is_solvable(simpler) and any(e.name.startswith("Rshort") for e in simpler.circuit().elements)

    smallest, tries = shrink(case, fails)
    assert sorted(smallest.shape) == [1, 2]
    assert set(smallest.wires) == {"shorts"}
    assert len(smallest.circuit().elements) <= 5, "two cells, their sources and the short"
    assert tries < 200
    again, tried = shrink(smallest, fails)
    assert again == smallest
    assert tried > 5, "nothing simpler fails"


def test_one_bad_cell_among_many():
    case = drawn(cells=("ohmic",), analyses=("read",), faults=("none",), wires=("partly zero",))
    bad = max(max(row) for row in case.conductance)

    def fails(simpler):
        limit = 1.0 / (0.4 * bad)
        cells = [e for e in simpler.circuit().elements if isinstance(e, Resistor) and e.name.startswith("R0_0")]
        return is_solvable(simpler) and any(e.resistance < limit for e in cells)

    def anywhere(simpler):
        return is_solvable(simpler) and any(g > 0.4 * bad for row in simpler.conductance for g in row)

    smallest, _ = shrink(case, anywhere)
    assert smallest.shape == (1, 1)
    assert smallest.wires == {}
    assert fails(smallest)
    assert smallest.conductance[0][0] == float(f"{smallest.conductance[0][0]:.1g}"), "rounded as far as it still fails"


def test_a_transient_keeps_what_it_needs():
    case = drawn(cells=("1R",), analyses=("array transient",), capacitance=("lines and crossings",), values=("spread",))
    assert len(case.parts) == 2

    def fails(simpler):
        if not (is_solvable(simpler) and simpler.transient):
            return False
        return any(isinstance(e, Capacitor) for e in simpler.circuit().elements)

    smallest, tries = shrink(case, fails)
    assert tries < 200
    assert smallest.shape == (1, 1)
    assert len(smallest.parts) == 1
    assert smallest.parts[0]["values"] == {}
    assert len(smallest.wires) == 1, "one capacitance is enough"


def test_tries_are_bounded():
    case = drawn(cells=("ohmic",), analyses=("read",))
    asked = []
    smallest, tries = shrink(case, lambda simpler: asked.append(simpler) or False, tries=7)
    assert tries == len(asked) == 7
    assert smallest == case


@pytest.mark.parametrize("analysis", ["device transient", "array transient", "operating point"])
def test_everything_simpler_is_a_circuit(analysis):
    """Whatever shrinking proposes can be built and written, or is refused as floating."""
    case = drawn(cells=("device",), analyses=(analysis,), values=("spread",), terminals=("mixed",))
    built = 0

    def fails(simpler):
        nonlocal built
        if is_solvable(simpler):
            assert simpler.circuit().elements
            built += 1
        return is_solvable(simpler) and built % 3 == 0

    shrink(case, fails, tries=60)
    assert built > 5
