"""Weights, biases and activation of classifiers of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from devices.common.arrays import Array
from devices.common.errors import InputError

__all__ = ["layers_of"]


def layers_of(model: Any) -> tuple[list[Array], list[Array], str]:
    """Return weights, biases and hidden activation of a fitted scikit-learn classifier."""
    if hasattr(model, "coefs_"):
        return list(model.coefs_), list(model.intercepts_), model.activation
    if hasattr(model, "coef_") and hasattr(model, "classes_"):
        return [np.asarray(model.coef_).T], [np.atleast_1d(model.intercept_)], "identity"
    raise InputError(
        "model", type(model).__name__, "a fitted MLPClassifier or linear classifier of scikit-learn", "model.fit(x, y)"
    )
