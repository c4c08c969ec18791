"""What least squares can say about its parameters at an optimum: covariance, intervals, what stays open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.fitting.profile import Profile
from devices.fitting.search import Problem, Try
from devices.fitting.search_space import WALL, walled

__all__ = ["Inference", "Statement", "infer", "state"]

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
#: Share of the parabola that the misfit has at least, and at most its inverse, where the linearised model is believed.
_BENT = 0.7
#: An optimum is within this share of a standard error (the relative offset of Bates and Watts).
_OFFSET = 0.05
#: Another optimum is another answer from this share of the bounds on; nearer ones belong to one interval.
_APART = 0.1


@dataclass(frozen=True, eq=False)
class Inference:
    """Linearised inference in the unit cube.

    Attributes
    ----------
    covariance : numpy.ndarray
        Covariance of the coordinates, infinite on the diagonal where the data say nothing.
    open : dict of int to str
        Parameters that the data leave open, and why.
    silent : set of int
        Those of them that have no effect at the optimum; beyond, they may have.
    vague : set of int
        Parameters of a direction that the error of the Jacobian hides.
    stationary : bool
        Whether the residuals are orthogonal to every column of the Jacobian, as at an optimum.
    dof : int
        Points minus what they determine.
    told : int
        How many parameters they determine, or combinations of them.
    variance : float
        Of a weighted residual.
    known : bool
        Whether that was given.
    """

    covariance: NDArray[np.float64]
    open: dict[int, str]
    silent: set[int]
    vague: set[int]
    stationary: bool
    dof: int
    told: int
    variance: float
    known: bool

    def factor(self, confidence: float) -> float:
        """Return the half width of an interval in standard errors: of Student's t, or normal where sigma is known."""
        from scipy.stats import norm, t

        quantile = 0.5 + confidence / 2
        return float(norm.ppf(quantile) if self.known else t.ppf(quantile, self.dof))

    def joint(self, confidence: float, more: int = 0) -> float:
        """Return the same of the joint region of what is told, and `more`: from chi2, or Fisher's F (Scheffe)."""
        from scipy.stats import chi2, f

        told = max(self.told + more, 1)
        square = chi2.ppf(confidence, told) if self.known else told * f.ppf(confidence, told, self.dof)
        return float(np.sqrt(square))


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
) -> Inference:
    """Return the covariance at an optimum, and what stays open.

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

    Returns
    -------
    Inference
        The result.
    """
    points, count = jacobian.shape
    slope, curvature = (f((residuals / scale) ** 2) for f in _RHO[loss])
    pull = slope * residuals
    length = np.linalg.norm(jacobian, axis=0)
    loud = length > np.maximum(_SILENT * signal, np.linalg.norm(doubt, axis=0))
    silent = set(np.flatnonzero(~loud).tolist())
    left = dict.fromkeys(sorted(silent), "it has no effect on these data")
    scaled = jacobian[:, loud] / length[loud]
    _, singular, turned = np.linalg.svd(scaled, full_matrices=False)
    error = np.linalg.norm(doubt[:, loud] / length[loud], 2) if loud.any() else 0.0
    kept = singular > _PARALLEL
    where = np.flatnonzero(loud)

    def moved(row: NDArray[np.float64]) -> list[int]:
        return [int(k) for k in where[np.abs(row) > 0.1 * np.abs(row).max()]]

    vague = {k for row in turned[kept & (singular < 3 * error)] for k in moved(row)}
    for row in turned[~kept]:
        tied = moved(row)
        for k in tied:
            others = ", ".join(names[j] for j in tied if j != k)
            left[k] = f"only a combination of it with {others} shows in these data"
    dof = max(points - int(kept.sum()), 1)

    variance = 1.0 if known else float(residuals @ residuals) / dof
    inverse = turned[kept].T @ np.diag(singular[kept] ** -2.0) @ turned[kept]
    if loss == "linear":
        spread = inverse * variance
    else:
        bent = np.maximum(slope + 2 * curvature * (residuals / scale) ** 2, 0.0)
        inverse = np.linalg.pinv(scaled.T @ (bent[:, None] * scaled), rcond=_PARALLEL**2, hermitian=True)
        spread = inverse @ (scaled.T @ (pull[:, None] ** 2 * scaled)) @ inverse * points / dof
    covariance = np.zeros((count, count))
    covariance[np.ix_(where, where)] = spread / np.outer(length[loud], length[loud])
    for k in left:
        covariance[k, :] = covariance[:, k] = 0.0
        covariance[k, k] = np.inf
    downhill = -(jacobian[:, loud].T @ pull) / (length[loud] * max(float(np.linalg.norm(pull)), 1e-300))
    held = walled(unit[loud]) & (downhill * (unit[loud] - 0.5) > 0)
    exact = np.linalg.norm(residuals) < 1e-7 * signal
    stationary = bool(exact or np.abs(np.where(held, 0.0, downhill)).max(initial=0.0) < _OFFSET / np.sqrt(dof))
    told = int(kept.sum())
    return Inference(covariance, left, silent, vague - left.keys(), stationary, dof, told, variance, known)


@dataclass(frozen=True, eq=False)
class Statement:
    """Intervals of all parameters in the unit cube, each by itself and all at once.

    Attributes
    ----------
    ends, together : numpy.ndarray
        Lower and upper ends, shape ``(parameters, 2)``.
    open : dict of int to str
        Parameters that the data leave open, and why.
    profiled : list of int
        Those whose ends come from the misfit itself.
    joint : float
        Half width of the joint region, in standard errors.
    lower : numpy.ndarray or None
        A better place than the optimum, where one was met.
    """

    ends: NDArray[np.float64]
    together: NDArray[np.float64]
    open: dict[int, str]
    profiled: list[int]
    joint: float
    lower: NDArray[np.float64] | None


def state(
    problem: Problem,
    tries: Sequence[Try],
    found: Inference,
    confidence: float,
    linear: bool,
    rng: np.random.Generator,
) -> Statement:
    """Return the intervals: of the linearised model, or from the misfit where that does not follow it.

    Parameters
    ----------
    problem : Problem
        Residuals over the unit cube.
    tries : sequence of Try
        Optima, the best first.
    found : Inference
        What the linearised model says at the best.
    confidence : float
        Of each interval, and of the joint region, whose shadows are the intervals of all at once (Scheffe).
    linear : bool
        Whether the loss is the square, which the misfit has to be for the latter.
    rng : numpy.random.Generator
        Of the walk through the joint region, for the latter.

    Returns
    -------
    Statement
        The intervals.
    """
    best, count = tries[0], tries[0].unit.size
    left = dict(found.open)
    floor = (1e-8 * problem.signal) ** 2 / problem.observed.size
    variance, noisy = max(found.variance, floor), found.variance > floor
    error = np.sqrt(np.where(np.isfinite(np.diag(found.covariance)), np.diag(found.covariance), 1.0))
    single, joint = found.factor(confidence), found.joint(confidence)
    near = [t for t in tries[1:] if t.status > 0 and 2 * (t.cost - best.cost) <= single**2 * variance]
    apart = [_APART if k in left else max(3 * single * error[k], _APART) for k in range(count)]
    rivals = {k: [t.unit[k] for t in near if abs(t.unit[k] - best.unit[k]) > apart[k]] for k in range(count)}
    profiled: list[int] = []
    profile = None
    if linear and noisy:
        doubted = {*_bent(problem, best, found, (single, joint), error), *found.vague, *found.silent}
        doubted |= {k for k in range(count) if any(abs(t.unit[k] - best.unit[k]) > single * error[k] for t in near)}
        profiled = sorted(k for k in doubted if k not in left or k in found.silent)
    if profiled:
        profile = Profile(problem, best.unit, [t.unit for t in near], found.covariance, variance, found.silent)
        silent = [k for k in profiled if k in found.silent]
        limited = [k for k in silent if not _whole([profile.end(k, side, single) for side in (-1, 1)])]
        joint = found.joint(confidence, len(limited))
        profile.search(profiled, (single, joint), rng)
        for k in profiled:
            rivals[k] = [at for at in rivals[k] if not profile.joined(k, at, joint)]
        for k in limited:
            del left[k]
    ends, together = (
        best.unit[:, None] + factor * error[:, None] * np.array([-1.0, 1.0]) for factor in (single, joint)
    )
    for k in profiled:
        assert profile is not None
        for of, factor in ((ends, single), (together, joint)):
            of[k] = [profile.end(k, side, factor) for side in (-1, 1)]
    for k in set(range(count)) - left.keys():
        if rivals[k]:
            left[k] = "another optimum fits as well with another value"
        elif _whole(ends[k]):
            left[k] = "its interval is as wide as its bounds"
    lower = None if profile is None else profile.lower
    return Statement(ends, together, left, [k for k in profiled if k not in left], joint, lower)


def _whole(ends: Sequence[float] | NDArray[np.float64]) -> bool:
    """Whether an interval says no more than the bounds of the search."""
    return bool((ends[0] < WALL and ends[1] > 1 - WALL) or ends[1] - ends[0] > 1)


def _bent(
    problem: Problem, best: Try, found: Inference, factors: tuple[float, float], error: NDArray[np.float64]
) -> list[int]:
    """Parameters for which the misfit on the way to the ends of the intervals is not that of the parabola.

    Along the ridge on which all others follow, the sum of squares grows by ``(step / error)^2`` variances, and where
    they stay by as much or more. Noise of the Jacobian, kinks between samples and strong curvature show here.
    """
    sure = [k for k in range(best.unit.size) if k not in found.open]
    if not sure:
        return []
    single, joint = factors
    steps = np.array([-joint, -single, -0.5 * single, 0.5 * single, single, joint])

    def shares(ways: list[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Growth as a share of the parabola's, and whether a point is within the bounds, for each way and step."""
        points = best.unit + steps[None, :, None] * np.array(ways)[:, None, :]
        costs = problem.costs(points.reshape(-1, best.unit.size).clip(0.0, 1.0)).reshape(points.shape[:2])
        bounded: NDArray[np.bool_] = np.all((points >= 0) & (points <= 1), axis=2)
        return 2 * (costs - best.cost) / found.variance / steps**2, bounded

    ridge, inside = shares([found.covariance[:, k] / error[k] for k in sure])
    straight, _ = shares([error[k] * np.eye(best.unit.size)[k] for k in sure])
    held = inside & (ridge > _BENT) & (ridge < 1 / _BENT) & (straight > _BENT)
    return [k for k, one in zip(sure, held, strict=True) if not one.all()]
