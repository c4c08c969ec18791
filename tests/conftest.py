"""What every test needs: a drawing backend without a screen, hypothesis profiles, and a way to note evidence."""

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
    """Netlists of runs that fail on purpose do not go to the user's cache."""
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
    """Interrupts reach Python, in a process of the background too, which is started with a deaf ear for them."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)
