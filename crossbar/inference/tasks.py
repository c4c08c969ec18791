"""Tasks with real data to measure accuracy on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Task", "digits"]


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
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    images, labels = load_digits(return_X_y=True)
    parts = train_test_split(images / 16.0, labels, test_size=0.25, stratify=labels, random_state=seed)
    train_inputs, test_inputs, train_labels, test_labels = parts
    model = MLPClassifier((hidden,), alpha=1e-3, learning_rate_init=3e-3, max_iter=1000, random_state=seed)
    model.fit(train_inputs, train_labels)
    source = "E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998), as in scikit-learn"
    return Task("digits", model, train_inputs, train_labels, test_inputs, test_labels, source)
