"""What every test needs: a drawing backend without a screen, hypothesis profiles, and a way to note evidence."""

import os

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


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    from matplotlib import pyplot as plt

    plt.close("all")
