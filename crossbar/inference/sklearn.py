"""Dense layers of models of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.inference.outputs import ACTIVATIONS, predictions
from devices.common.arrays import Array
from devices.common.errors import InputError

__all__ = ["DenseLayers", "dense_layers"]

_ALLOWED = "a fitted MLP, linear classifier or linear regressor of scikit-learn, or a Pipeline that ends in one"
#: Most calibration inputs for which the model's predictions are compared with those of its matrices.
_COMPARED = 200


@dataclass(frozen=True, eq=False)
class DenseLayers:
    """The matrices of a model, and what its outputs mean; see `AnalogNetwork` for the fields.

    Activations name one for each layer; the last is that of a regressor's outputs, since a class is chosen by the sign
    or the largest of the outputs before it.
    """

    weights: list[Array]
    biases: list[Array]
    activations: list[str]
    classes: NDArray[Any] | None
    multilabel: bool = False
    prepare: Callable[[Array], Array] | None = None

    def prepared(self, inputs: Array) -> Array:
        """Return the inputs of the first layer."""
        return inputs if self.prepare is None else self.prepare(inputs)


def dense_layers(model: Any, calibration: ArrayLike) -> DenseLayers:
    """Return the layers of a fitted model, after comparing their predictions for some calibration inputs.

    Raises
    ------
    InputError
        If the model is of another kind, or not fitted.
    """
    model = getattr(model, "best_estimator_", model)
    final, prepare = model, None
    if hasattr(model, "steps") and hasattr(model, "named_steps"):
        final = model.steps[-1][1]
        if len(model.steps) > 1:
            prepare = _Transform(model[:-1])
    found = replace(_layers(final), prepare=prepare)
    inputs = np.asarray(calibration, dtype=float)[:_COMPARED]
    if inputs.ndim == 2 and inputs.size:
        try:
            wanted = np.asarray(model.predict(inputs))
        except Exception as error:
            given = f"{type(model).__name__}, whose predict() of the calibration inputs fails: {error}"
            raise InputError("model", given, _ALLOWED, "model.fit(x, y)") from None
        _compare(type(final).__name__, found, inputs, wanted)
    return found


@dataclass(frozen=True)
class _Transform:
    """The transformers of a pipeline as one function of inputs."""

    transformer: Any

    def __call__(self, inputs: Array) -> Array:
        found = self.transformer.transform(inputs)
        return np.asarray(found.toarray() if hasattr(found, "toarray") else found, dtype=float)


def _layers(model: Any) -> DenseLayers:
    name = type(model).__name__
    if hasattr(model, "coefs_"):
        hidden = [model.activation] * (len(model.coefs_) - 1)
        classes = getattr(model, "classes_", None)
        multilabel = classes is not None and model.out_activation_ == "logistic" and model.n_outputs_ > 1
        last = model.out_activation_ if classes is None else "identity"
        return DenseLayers(list(model.coefs_), list(model.intercepts_), [*hidden, last], classes, multilabel)
    if hasattr(model, "estimators_") and hasattr(model, "classes_") and "OneVsRest" in name:
        parts = [_layers(each) for each in model.estimators_]
        if any(len(p.weights) != 1 or p.weights[0].shape[1] != 1 for p in parts):
            raise InputError("model", f"{name} of {type(model.estimator).__name__}", _ALLOWED)
        weights, biases = (np.concatenate([getattr(p, f)[0] for p in parts], axis=-1) for f in ("weights", "biases"))
        return DenseLayers([weights], [biases], ["identity"], model.classes_, model.multilabel_)
    if not hasattr(model, "coef_"):
        raise InputError("model", name, _ALLOWED, "model.fit(x, y)")
    classes = getattr(model, "classes_", None)
    if "OneVsOne" in name or (hasattr(model, "dual_coef_") and classes is not None and len(classes) > 2):
        raise InputError("model", f"{name}, one against one", _ALLOWED, "OneVsRestClassifier(...) or LinearSVC()")
    coefficients = model.coef_.toarray() if hasattr(model.coef_, "toarray") else model.coef_
    weights = np.atleast_2d(np.asarray(coefficients, dtype=float)).T
    bias = np.zeros(weights.shape[1]) + np.asarray(getattr(model, "intercept_", 0.0), dtype=float)
    target = getattr(getattr(model, "_label_binarizer", None), "y_type_", "")
    return DenseLayers([weights], [bias], ["identity"], classes, target.startswith("multilabel"))


def _compare(name: str, found: DenseLayers, inputs: Array, wanted: NDArray[Any]) -> None:
    """Raise `InputError` where the matrices in software do not predict what the model does."""
    x = found.prepared(inputs)
    for w, b, activation in zip(found.weights, found.biases, found.activations, strict=True):
        x = ACTIVATIONS[activation](x @ w + b)
    predicted = predictions(x, found.classes, multilabel=found.multilabel)
    if predicted.shape == wanted.shape and predicted.dtype.kind in "biuf" and found.classes is None:
        same = bool(np.allclose(predicted, wanted, rtol=1e-6, atol=1e-9 * float(np.abs(wanted).max(initial=0.0))))
    else:
        same = predicted.shape == wanted.shape and bool((predicted == wanted).mean() > 1.0 - 1.0 / _COMPARED)
    if not same:
        given = f"{name}, whose predictions are not those of its matrices"
        raise InputError("model", given, _ALLOWED, "AnalogNetwork.from_layers(weights, biases, ...)")
