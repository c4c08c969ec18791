"""What least squares can say about its parameters at an optimum: covariance, intervals, what stays open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Inference", "infer"]

#: Slope and curvature of each loss over the squared scaled residual.
_RHO: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "linear": (np.ones_like, np.zeros_like),
    "soft_l1": (lambda z: (1 + z) ** -0.5, lambda z: -0.5 * (1 + z) ** -1.5),
    "huber": (lambda z: np.maximum(z, 1) ** -0.5, lambda z: np.where(z > 1, -0.5 * np.maximum(z, 1) ** -1.5, 0.0)),
    "cauchy": (lambda z: 1 / (1 + z), lambda z: -1 / (1 + z) ** 2),
    "arctan": (lambda z: 1 / (1 + z**2), lambda z: -2 * z / (1 + z**2) ** 2),
}
#: Below this share of the signal a parameter moves nothing; below this singular value columns are parallel.
_SILENT, _PARALLEL = 1e-7, 1e-5


@dataclass(frozen=True, eq=False)
class Inference:
    """Linearised inference in the unit cube.

    Attributes
    ----------
    covariance : numpy.ndarray
        Covariance of the coordinates, infinite on the diagonal where the data say nothing.
    half : numpy.ndarray
        Half widths of the intervals.
    factor : float
        What `half` is in standard errors: the quantile of Student's t, or of the normal where sigma is known.
    open : dict of int to str
        Parameters that the data leave open, and why.
    stationary : bool
        Whether the residuals are orthogonal to every column of the Jacobian, as at an optimum.
    dof : int
        Points minus what they determine.
    """

    covariance: NDArray[np.float64]
    half: NDArray[np.float64]
    factor: float
    open: dict[int, str]
    stationary: bool
    dof: int


def infer(
    residuals: NDArray[np.float64],
    jacobian: NDArray[np.float64],
    doubt: NDArray[np.float64],
    signal: float,
    unit: NDArray[np.float64],
    names: Sequence[str],
    *,
    known: bool,
    loss: str,
    scale: float,
    confidence: float,
) -> Inference:
    """Return the covariance and intervals at an optimum.

    Parameters
    ----------
    residuals : numpy.ndarray
        Weighted, shape ``(points,)``.
    jacobian : numpy.ndarray
        Their derivatives by the coordinates, shape ``(points, parameters)``.
    doubt : numpy.ndarray
        Numerical error of the Jacobian; what shows only within it does not show.
    signal : float
        Norm of the weighted data.
    unit : numpy.ndarray
        The optimum, coordinates in the unit cube.
    names : sequence of str
        Names of the parameters.
    known : bool
        The weights are 1/sigma, not only in proportion to it.
    loss : str
        Loss function.
    scale : float
        Residual from which on it departs from the square.
    confidence : float
        Of the intervals.

    Returns
    -------
    Inference
        The result.
    """
    from scipy.stats import norm, t

    points, count = jacobian.shape
    slope, curvature = (f((residuals / scale) ** 2) for f in _RHO[loss])
    pull = slope * residuals
    length = np.linalg.norm(jacobian, axis=0)
    loud = length > np.maximum(_SILENT * signal, np.linalg.norm(doubt, axis=0))
    left = dict.fromkeys(np.flatnonzero(~loud).tolist(), "it has no effect on these data")
    scaled = jacobian[:, loud] / length[loud]
    _, singular, turned = np.linalg.svd(scaled, full_matrices=False)
    error = np.linalg.norm(doubt[:, loud] / length[loud], 2) if loud.any() else 0.0
    kept = singular > max(_PARALLEL, error)
    where = np.flatnonzero(loud)
    for row in turned[~kept]:
        tied = where[np.abs(row) > 0.1 * np.abs(row).max()].tolist()
        for k in tied:
            others = ", ".join(names[j] for j in tied if j != k)
            left[k] = f"only a combination of it with {others} shows in these data"
    dof = max(points - int(kept.sum()), 1)

    inverse = turned[kept].T @ np.diag(singular[kept] ** -2.0) @ turned[kept]
    if loss == "linear":
        spread = inverse * (1.0 if known else float(residuals @ residuals) / dof)
    else:
        bent = np.maximum(slope + 2 * curvature * (residuals / scale) ** 2, 0.0)
        inverse = np.linalg.pinv(scaled.T @ (bent[:, None] * scaled), rcond=max(_PARALLEL, error) ** 2, hermitian=True)
        spread = inverse @ (scaled.T @ (pull[:, None] ** 2 * scaled)) @ inverse * points / dof
    covariance = np.zeros((count, count))
    covariance[np.ix_(where, where)] = spread / np.outer(length[loud], length[loud])
    for k in left:
        covariance[k, :] = covariance[:, k] = 0.0
        covariance[k, k] = np.inf
    quantile = 0.5 + confidence / 2
    factor = float(norm.ppf(quantile) if known else t.ppf(quantile, dof))
    half = factor * np.sqrt(np.diag(covariance))
    for k in range(count):
        if k not in left and ((unit[k] - half[k] <= 0 and unit[k] + half[k] >= 1) or half[k] > 0.5):
            left[k] = "its interval is as wide as its bounds"

    downhill = -(jacobian[:, loud].T @ pull) / (length[loud] * max(float(np.linalg.norm(pull)), 1e-300))
    walled = ((unit[loud] < 1e-6) & (downhill < 0)) | ((unit[loud] > 1 - 1e-6) & (downhill > 0))
    exact = np.linalg.norm(residuals) < 1e-7 * signal
    stationary = bool(exact or np.abs(np.where(walled, 0.0, downhill)).max(initial=0.0) < 1e-3)
    return Inference(covariance, half, factor, left, stationary, dof)
