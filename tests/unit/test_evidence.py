"""Evidence can fail, and its page is the same whatever the order of the tests."""

import random
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from evidence import Evidence

from devices import Lognormal, device
from netlists import Agreement, Quantity

CELL = device("resistor")


def agreement(difference):
    current = Quantity(
        name="current", unit="A", ours=np.zeros(2), theirs=np.array([0.0, difference]), scale=1.0,
        scale_meaning="peak", places=lambda k: f"t = {k} s",
    )  # fmt: skip
    return Agreement(
        title="test", quantities={"current": current}, engine="made up 1", our_tolerance="none",
        engine_tolerance="none", our_seconds=0.0, engine_seconds=0.0, axis=np.arange(2.0), axis_label="time [s]",
        versions={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (lambda e, x: e.figure(CELL, "r", x, 1.0, rel=0.02), 1.01, 1.03),
        (lambda e, x: e.figure(CELL, "r", x, 0.0, abs=1e-8), 1e-9, np.nan),
        (lambda e, x: e.agreement(CELL, "loop", agreement(x), 1e-8), 1e-9, 1e-7),
        (lambda e, x: e.score(Lognormal, "m", x, 1.0, 0.1), 1.4, 1.5),
        (lambda e, x: e.share(Lognormal, "s", np.arange(100) < x, 0.5), 50, 90),
        (lambda e, x: e.follows(Lognormal, "u", np.linspace(0, x, 99), "uniform"), 1.0, 0.5),
    ],
)
def test_what_is_asserted_is_noted_and_can_fail(check, right, wrong):
    notes = []
    check(Evidence(notes), right)
    assert len(notes) == 1
    assert notes[0][1]["name"] in ("resistor", "Lognormal")
    with pytest.raises(AssertionError):
        check(Evidence(notes), wrong)


def test_the_page_does_not_depend_on_the_order_of_the_tests():
    spec = spec_from_file_location("make_evidence", Path(__file__).parents[2] / "docs" / "make_evidence.py")
    make_evidence = module_from_spec(spec)
    spec.loader.exec_module(make_evidence)
    notes = []
    evidence = Evidence(notes)
    evidence.figure(CELL, "current", 1.0 + 1e-15, 1.0, rel=1e-12, unit="A", note="a | b")
    evidence.agreement(CELL, "loop", agreement(3e-8), 1e-6)
    evidence.moments(Lognormal, "z", np.array([-1.0, 1.0] * 50), 0.0, 1.0, kurtosis=3)
    notes = [note for _, note in notes]
    text = make_evidence.page(notes)
    assert "| [resistor](models/resistor.md) | `unit` | loop | 3e-08 |  | 1 s | 1e-06 |" in text
    assert r"| 1 A | 1 A | < 1e-09 | 1e-12 | by hand; a \| b |" in text
    assert "Models without a figure of their own: [ekv_transistor]" in text
    for seed in range(3):
        assert make_evidence.page(random.Random(seed).sample(notes, len(notes))) == text
    with pytest.raises(ValueError, match="evidence of the same name"):
        make_evidence.page([*notes, notes[0]])
