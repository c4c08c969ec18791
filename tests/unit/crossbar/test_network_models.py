"""Models of scikit-learn and plain layers as networks of arrays: reproduced, or refused by name."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from crossbar import AnalogNetwork, Recipe
from devices import InputError

LIMITS = (1e-6, 1e-5)
_INPUTS = np.random.default_rng(0).uniform(size=(120, 5))
_TWO = (_INPUTS @ np.arange(5.0) > 5.0).astype(int)
_THREE = np.digitize(_INPUTS @ np.arange(5.0), [4.0, 6.0])
_MANY = (_INPUTS[:, :3] > 0.5).astype(int)
_VALUE = _INPUTS @ np.array([1.0, -2.0, 0.5, 3.0, 0.0]) + 0.3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("model", "labels"),
    [
        (LogisticRegression(), _TWO),
        (LogisticRegression(fit_intercept=False), _THREE),
        (LogisticRegression(l1_ratio=1.0, solver="saga", max_iter=5000), np.array(["a", "b", "c"])[_THREE]),
        (SGDClassifier(random_state=0), _THREE),
        (RidgeClassifier(), _MANY),
        (SVC(kernel="linear"), _TWO),
        (OneVsRestClassifier(LogisticRegression()), _THREE),
        (OneVsRestClassifier(LogisticRegression()), _MANY),
        (MLPClassifier((6,), activation="tanh", max_iter=50), _TWO),
        (MLPClassifier((6,), activation="logistic", max_iter=50), _MANY),
        (MLPRegressor(hidden_layer_sizes=(6,), max_iter=50), np.column_stack([_VALUE, -_VALUE])),
        (LinearRegression(), _VALUE),
        (Ridge(), np.column_stack([_VALUE, _VALUE**2])),
        (make_pipeline(StandardScaler(), LinearSVC()), _THREE),
        (GridSearchCV(make_pipeline(StandardScaler(), PCA(4), Ridge()), {"ridge__alpha": [0.1, 1.0]}), _VALUE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_models_of_scikit_learn_are_reproduced(model, labels):
    model.fit(_INPUTS, labels)
    if hasattr(model, "sparsify"):
        model.sparsify()
    network = AnalogNetwork.from_sklearn(model, Recipe(conductance_limits=LIMITS), calibration=_INPUTS)
    new = np.random.default_rng(1).uniform(-0.5, 1.5, size=(300, 5))
    wanted, found = model.predict(new), network.predict(new)
    assert found.shape == wanted.shape
    if network.classes is None:
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
    else:
        np.testing.assert_array_equal(found, wanted)
    assert network.score(new, wanted) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("model", "labels", "message"),
    [
        (SVC(kernel="linear"), _THREE, r"model: got SVC, one against one; .*OneVsRestClassifier"),
        (OneVsOneClassifier(LogisticRegression()), _THREE, r"model: got OneVsOneClassifier; allowed"),
        (SVC(), _TWO, r"model: got SVC; allowed: a fitted MLP, linear classifier"),
        (PoissonRegressor(), np.exp(_VALUE), r"model: got PoissonRegressor, whose predictions are not those"),
        (DecisionTreeClassifier(), _TWO, r"model: got DecisionTreeClassifier; allowed"),
        (LogisticRegression(), None, r"model: got LogisticRegression; .*model\.fit\(x, y\)"),
    ],
)
def test_models_that_matrices_do_not_stand_for(model, labels, message):
    if labels is not None:
        model.fit(_INPUTS, labels)
    with pytest.raises(InputError, match=message):
        AnalogNetwork.from_sklearn(model, Recipe(conductance_limits=LIMITS), calibration=_INPUTS)


def test_labels_that_do_not_fit():
    model = LogisticRegression().fit(_INPUTS, _THREE)
    network = AnalogNetwork.from_sklearn(model, Recipe(conductance_limits=LIMITS), calibration=_INPUTS)
    for labels, message in (
        (_THREE[:, None], r"labels: got shape \(120, 1\); allowed: shape \(120,\).*labels\.ravel\(\)"),
        (_THREE[:100], r"labels: got shape \(100,\)"),
        (_THREE.astype(str), r"labels: got such as '.'; allowed: labels such as"),
    ):
        with pytest.raises(InputError, match=message):
            network.score(_INPUTS, labels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"weights": [np.ones((3, 2)), np.ones((4, 2))]},
            r"weights\[1\]: got shape \(4, 2\) after 2 outputs of layer 0",
        ),
        ({"weights": [np.ones((3, 2)), [[np.nan, 1], [1, 1]]]}, r"weights\[1\]: got nan at index \(0, 0\)"),
        ({"weights": []}, r"weights: got no layer"),
        ({"biases": [None]}, r"biases: got 1; allowed: one for each of 2 layers"),
        ({"activations": "softplus"}, r"activations\[0\]: got 'softplus'"),
        ({"classes": ["a"]}, r"classes: got shape \(1,\); allowed: a label for each of 2 classes"),
        ({"calibration": np.empty((0, 3))}, r"calibration: got shape \(0, 3\)"),
    ],
)
def test_layers_that_do_not_fit(changes, message):
    usual = {"weights": [np.ones((3, 2)), np.ones((2, 2))], "biases": None, "calibration": np.ones((1, 3))}
    given = {**usual, **changes}
    with pytest.raises(InputError, match=message):
        AnalogNetwork.from_layers(given.pop("weights"), given.pop("biases"), Recipe(conductance_limits=LIMITS), **given)


def test_plain_layers():
    rng = np.random.default_rng(0)
    weights, biases = [rng.normal(size=(4, 3)), rng.normal(size=(3, 2))], [rng.normal(size=3), None]
    x = rng.normal(size=(10, 4))
    recipe = Recipe(conductance_limits=LIMITS)
    network = AnalogNetwork.from_layers(weights, biases, recipe, activations="tanh", calibration=x, classes=["a", "b"])
    wanted = np.tanh(x @ weights[0] + biases[0]) @ weights[1]
    np.testing.assert_allclose(network.decision(x), wanted, rtol=1e-11, atol=1e-12)
    assert set(network.predict(x)) <= {"a", "b"}
