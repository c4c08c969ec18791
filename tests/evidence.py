"""The fixture `evidence` asserts a number and, with ``--evidence FILE``, also writes it to a JSON file.

``docs/make_evidence.py`` makes a page from it, so that each number is stated once, in its test.
A statistical test of correct code fails with the probability `FALSE_ALARM`; seeds are fixed.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from devices import Device

FALSE_ALARM = 1e-6
WORKED_OUT = "by hand"


class Evidence:
    """Assertions whose values become part of the report of a test."""

    def __init__(self, notes):
        self._notes = notes

    def _note(self, kind, of, **found):
        if isinstance(of, Device):
            subject = {"name": of.model.name, "set": of.parameter_set.name, "status": of.parameter_set.status}
        else:
            effect = of if isinstance(of, type) else type(of)
            subject = {"name": effect.__name__, "set": "", "status": getattr(effect, "status", "")}
        # Reports travel between processes of a parallel run as plain Python numbers.
        plain = {name: float(value) if isinstance(value, float) else value for name, value in found.items()}
        self._notes.append(("evidence", {"kind": kind, **subject, **plain}))

    def figure(self, of, what, reached, expected, *, rel=None, abs=None, unit="", source=WORKED_OUT, note=""):
        """Compare a number of a device or an effect with the one that `source` gives, within one tolerance."""
        reached, expected = float(np.squeeze(reached)), float(expected)
        assert (rel is None) != (abs is None), "one tolerance"
        deviation = np.abs(reached - expected) / (1.0 if rel is None else np.abs(expected))
        self._note(
            "figure", of, what=what, reached=reached, expected=expected, unit=unit, source=source, note=note,
            deviation=deviation, allowed=abs if rel is None else rel, relative=rel is not None,
        )  # fmt: skip
        assert deviation <= (abs if rel is None else rel), f"{what}: {reached!r}, expected {expected!r}"

    def agreement(self, cell, drive, found, relative):
        """Compare the result of a simulator with ours: no quantity may differ by more than `relative`."""
        states = [q for name, q in found.quantities.items() if name.startswith("state ")]
        [current] = [q for name, q in found.quantities.items() if name in ("current", "cell current")]
        worst = max(found.quantities.values(), key=lambda q: q.worst_relative)
        self._note(
            "agreement", cell, drive=drive, engine=found.engine, current=current.worst_relative,
            state=max((q.worst_relative for q in states), default=None), where=worst.where, allowed=relative,
            tolerances=[found.our_tolerance, found.engine_tolerance],
        )  # fmt: skip
        found.assert_within(relative=relative)

    def score(self, of, what, measured, expected, error):
        """z-test: a measured value whose standard error is known."""
        from scipy.stats import norm

        z = (measured - expected) / error
        self._note("chance", of, what=what, measured=measured, expected=expected, test="z", value=z)
        assert np.abs(z) < norm.isf(FALSE_ALARM / 2), f"{what}: {measured!r}, expected {expected!r}, z {z:.2f}"

    def moments(self, of, what, sample, mean, variance, kurtosis=None):
        """z-tests of mean and variance; the kurtosis (3 for a normal, else the sample's) sets the variance's error."""
        from scipy.stats import kurtosis as estimate

        if kurtosis is None:
            kurtosis = estimate(sample, axis=None, fisher=False)
        n = np.size(sample)
        self.score(of, f"{what}: mean", np.mean(sample), mean, np.sqrt(variance / n))
        self.score(of, f"{what}: variance", np.var(sample), variance, variance * np.sqrt((kurtosis - 1) / n))

    def follows(self, of, what, sample, law):
        """Kolmogorov-Smirnov test against a distribution function."""
        from scipy.stats import kstest

        found = kstest(np.ravel(sample), law)
        self._probability(of, f"{what}: distribution (KS distance)", found.statistic, 0.0, found.pvalue)

    def share(self, of, what, hits, share):
        """Exact binomial test of the share of `hits`."""
        from scipy.stats import binomtest

        p = binomtest(int(np.sum(hits)), np.size(hits), share).pvalue
        self._probability(of, f"{what}: share", np.mean(hits), share, p)

    def _probability(self, of, what, measured, expected, p):
        self._note("chance", of, what=what, measured=measured, expected=expected, test="p", value=p)
        assert p > FALSE_ALARM, f"{what}: {measured!r}, expected {expected!r}, p {p:.3g}"


@pytest.fixture
def evidence(request):
    return Evidence(request.node.user_properties)


class _Recorder:
    def __init__(self, path):
        self._path, self._found = path, []

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            notes = [value for name, value in report.user_properties if name == "evidence"]
            self._found += [{**note, "node": report.nodeid} for note in notes]

    def pytest_sessionfinish(self):
        self._path.write_text(json.dumps(self._found, indent=1), encoding="utf-8")


def pytest_addoption(parser):
    parser.addoption(
        "--evidence", metavar="FILE", help="run the tests with the fixture evidence, and write their numbers as JSON"
    )


def pytest_collection_modifyitems(config, items):
    """With ``--evidence``, run only the tests that use the fixture."""
    if config.getoption("--evidence"):
        chosen = [item for item in items if "evidence" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=list(set(items) - set(chosen)))
        items[:] = chosen


def pytest_configure(config):
    path = config.getoption("--evidence")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(Path(path)))
