"""Configuration of all tests: a drawing backend without a screen, hypothesis profiles, and the fixture `evidence`."""

import os
import signal

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["evidence"]
mpl.use("Agg")
settings.register_profile(
    "default",
    deadline=None,
    max_examples=25,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True, scope="session")
def _failed_netlists(tmp_path_factory):
    """Store netlists of failed runs in a temporary folder, not in the user's cache."""
    place = tmp_path_factory.mktemp("failed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netlists.engines.folders.failed_folder", lambda: place)
        yield


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


@pytest.fixture
def interrupts():
    """Handle interrupts in Python, also in a background process, where the shell sets them to be ignored."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)
