"""Confidence intervals at an optimum of least squares: covariance, interval ends, undetermined parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.common.arrays import Array
from devices.fitting.least_squares import LeastSquares
from devices.fitting.profile import Profile
from devices.fitting.search import Descent
from devices.fitting.search_space import BOUND_TOL, at_bound

__all__ = ["ConfidenceIntervals", "Inference", "confidence_intervals", "infer"]

#: First and second derivative of each loss by the squared scaled residual.
_RHO: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "linear": (np.ones_like, np.zeros_like),
    "soft_l1": (lambda z: (1 + z) ** -0.5, lambda z: -0.5 * (1 + z) ** -1.5),
    "huber": (lambda z: np.maximum(z, 1) ** -0.5, lambda z: np.where(z > 1, -0.5 * np.maximum(z, 1) ** -1.5, 0.0)),
    "cauchy": (lambda z: 1 / (1 + z), lambda z: -1 / (1 + z) ** 2),
    "arctan": (lambda z: 1 / (1 + z**2), lambda z: -2 * z / (1 + z**2) ** 2),
}
#: A parameter whose effect is below this share of the signal is insensitive.
INSENSITIVE_SHARE = 1e-7
#: Columns of the scaled Jacobian are linearly dependent where a singular value is below this.
SINGULAR_TOL = 1e-5
#: The linearised model holds where the misfit is between this share of its parabola and the inverse.
PARABOLA_SHARE = 0.7
#: An optimum is within this share of a standard error (the relative offset of Bates and Watts).
RELATIVE_OFFSET = 0.05
#: Optima this share of the bounds apart are different answers; nearer ones belong to one interval.
SEPARATE_OPTIMA = 0.1


@dataclass(frozen=True, eq=False)
class Inference:
    """Linearised inference in the unit cube.

    Attributes
    ----------
    covariance : numpy.ndarray
        Covariance of the coordinates, infinite on the diagonal where the data do not determine them.
    undetermined : dict of int to str
        Parameters that the data do not determine, and why.
    insensitive : set of int
        Those of them without effect at the optimum; away from it they may have one.
    ill_determined : set of int
        Parameters of a direction whose singular value is within the error of the Jacobian.
    stationary : bool
        Whether the residuals are orthogonal to every column of the Jacobian, as at an optimum.
    dof : int
        Degrees of freedom: points minus the rank.
    rank : int
        Rank of the Jacobian: the number of parameters, or combinations of them, that the data determine.
    variance : float
        Variance of a weighted residual.
    sigma_known : bool
        Whether that variance was given.
    """

    covariance: Array
    undetermined: dict[int, str]
    insensitive: set[int]
    ill_determined: set[int]
    stationary: bool
    dof: int
    rank: int
    variance: float
    sigma_known: bool

    def factor(self, confidence: float) -> float:
        """Return the half width of one interval in standard errors: of Student's t, or normal where sigma is known."""
        from scipy.stats import norm, t

        quantile = 0.5 + confidence / 2
        return float(norm.ppf(quantile) if self.sigma_known else t.ppf(quantile, self.dof))

    def joint_factor(self, confidence: float, further: int = 0) -> float:
        """Return the half width of the joint region (Scheffe): from chi2, or Fisher's F, for rank + `further`."""
        from scipy.stats import chi2, f

        rank = max(self.rank + further, 1)
        square = chi2.ppf(confidence, rank) if self.sigma_known else rank * f.ppf(confidence, rank, self.dof)
        return float(np.sqrt(square))


def infer(
    residuals: Array,
    jacobian: Array,
    jacobian_error: Array,
    signal: float,
    unit: Array,
    names: Sequence[str],
    *,
    sigma_known: bool,
    loss: str,
    scale: float,
) -> Inference:
    """Return the covariance at an optimum, and the parameters that it leaves undetermined.

    Parameters
    ----------
    residuals : numpy.ndarray
        Weighted residuals, shape ``(points,)``.
    jacobian : numpy.ndarray
        Their derivatives by the coordinates, shape ``(points, parameters)``.
    jacobian_error : numpy.ndarray
        Numerical error of the Jacobian; effects within it do not count.
    signal : float
        Norm of the weighted data.
    unit : numpy.ndarray
        The optimum, coordinates in the unit cube.
    names : sequence of str
        Names of the parameters.
    sigma_known : bool
        Whether the weights are 1/sigma, not only in proportion to it.
    loss : str
        Loss function.
    scale : float
        Residual above which it departs from the square.

    Returns
    -------
    Inference
        The result.
    """
    points, count = jacobian.shape
    slope, curvature = (f((residuals / scale) ** 2) for f in _RHO[loss])
    influence = slope * residuals
    length = np.linalg.norm(jacobian, axis=0)
    sensitive = length > np.maximum(INSENSITIVE_SHARE * signal, np.linalg.norm(jacobian_error, axis=0))
    insensitive = set(np.flatnonzero(~sensitive).tolist())
    undetermined = dict.fromkeys(sorted(insensitive), "it has no effect on these data")
    scaled = jacobian[:, sensitive] / length[sensitive]
    _, singular, directions = np.linalg.svd(scaled, full_matrices=False)
    error = np.linalg.norm(jacobian_error[:, sensitive] / length[sensitive], 2) if sensitive.any() else 0.0
    kept = singular > SINGULAR_TOL
    where = np.flatnonzero(sensitive)

    def members(direction: Array) -> list[int]:
        return [int(k) for k in where[np.abs(direction) > 0.1 * np.abs(direction).max()]]

    ill_determined = {k for direction in directions[kept & (singular < 3 * error)] for k in members(direction)}
    for direction in directions[~kept]:
        dependent = members(direction)
        for k in dependent:
            others = ", ".join(names[j] for j in dependent if j != k)
            undetermined[k] = f"only a combination of it with {others} shows in these data"
    rank = int(kept.sum())
    dof = max(points - rank, 1)

    variance = 1.0 if sigma_known else float(residuals @ residuals) / dof
    inverse = directions[kept].T @ np.diag(singular[kept] ** -2.0) @ directions[kept]
    if loss == "linear":
        spread = inverse * variance
    else:
        weight = np.maximum(slope + 2 * curvature * (residuals / scale) ** 2, 0.0)
        inverse = np.linalg.pinv(scaled.T @ (weight[:, None] * scaled), rcond=SINGULAR_TOL**2, hermitian=True)
        spread = inverse @ (scaled.T @ (influence[:, None] ** 2 * scaled)) @ inverse * points / dof
    covariance = np.zeros((count, count))
    covariance[np.ix_(where, where)] = spread / np.outer(length[sensitive], length[sensitive])
    for k in undetermined:
        covariance[k, :] = covariance[:, k] = 0.0
        covariance[k, k] = np.inf
    descent = -(jacobian[:, sensitive].T @ influence)
    descent /= length[sensitive] * max(float(np.linalg.norm(influence)), 1e-300)
    held = at_bound(unit[sensitive]) & (descent * (unit[sensitive] - 0.5) > 0)
    exact = np.linalg.norm(residuals) < 1e-7 * signal
    stationary = bool(exact or np.abs(np.where(held, 0.0, descent)).max(initial=0.0) < RELATIVE_OFFSET / np.sqrt(dof))
    return Inference(
        covariance,
        undetermined,
        insensitive,
        ill_determined - undetermined.keys(),
        stationary,
        dof,
        rank,
        variance,
        sigma_known,
    )


@dataclass(frozen=True, eq=False)
class ConfidenceIntervals:
    """Confidence intervals of all parameters in the unit cube, individual and simultaneous.

    Attributes
    ----------
    individual, simultaneous : numpy.ndarray
        Lower and upper ends, shape ``(parameters, 2)``.
    undetermined : dict of int to str
        Parameters that the data do not determine, and why.
    profiled : list of int
        Parameters whose ends come from the profile of the misfit.
    joint_factor : float
        Half width of the joint region, in standard errors.
    lower_point : numpy.ndarray or None
        A point better than the optimum, where one was found.
    """

    individual: Array
    simultaneous: Array
    undetermined: dict[int, str]
    profiled: list[int]
    joint_factor: float
    lower_point: Array | None


def confidence_intervals(
    problem: LeastSquares,
    optima: Sequence[Descent],
    inference: Inference,
    confidence: float,
    linear: bool,
    rng: np.random.Generator,
) -> ConfidenceIntervals:
    """Return the intervals: of the linearised model, or from profiles of the misfit where it does not hold.

    Parameters
    ----------
    problem : LeastSquares
        Residuals over the unit cube.
    optima : sequence of Descent
        Optima, the best first.
    inference : Inference
        Linearised inference at the best.
    confidence : float
        Confidence of each interval, and of the joint region, which the simultaneous intervals are projections of.
    linear : bool
        Whether the loss is the square, as profiles require.
    rng : numpy.random.Generator
        Generator for the random walk through the joint region.

    Returns
    -------
    ConfidenceIntervals
        The intervals.
    """
    best, count = optima[0], optima[0].unit.size
    undetermined = dict(inference.undetermined)
    rounding = (1e-8 * problem.signal) ** 2 / problem.observed.size
    variance, noisy = max(inference.variance, rounding), inference.variance > rounding
    diagonal = np.diag(inference.covariance)
    error = np.sqrt(np.where(np.isfinite(diagonal), diagonal, 1.0))
    single, joint = inference.factor(confidence), inference.joint_factor(confidence)
    equal = [o for o in optima[1:] if o.status > 0 and 2 * (o.cost - best.cost) <= single**2 * variance]
    apart = [
        SEPARATE_OPTIMA if k in undetermined else max(3 * single * error[k], SEPARATE_OPTIMA) for k in range(count)
    ]
    rivals = {k: [o.unit[k] for o in equal if abs(o.unit[k] - best.unit[k]) > apart[k]] for k in range(count)}
    profiled: list[int] = []
    profile = None
    if linear and noisy:
        doubted = {*_off_parabola(problem, best, inference, (single, joint), error)}
        doubted |= {*inference.ill_determined, *inference.insensitive}
        doubted |= {k for k in range(count) if any(abs(o.unit[k] - best.unit[k]) > single * error[k] for o in equal)}
        profiled = sorted(k for k in doubted if k not in undetermined or k in inference.insensitive)
    if profiled:
        others = [o.unit for o in equal]
        profile = Profile(problem, best.unit, others, inference.covariance, variance, inference.insensitive)
        insensitive = [k for k in profiled if k in inference.insensitive]
        limited = [k for k in insensitive if not _spans_bounds([profile.end(k, side, single) for side in (-1, 1)])]
        joint = inference.joint_factor(confidence, len(limited))
        profile.search(profiled, (single, joint), rng)
        for k in profiled:
            rivals[k] = [value for value in rivals[k] if not profile.connected_to_optimum(k, value, joint)]
        for k in limited:
            del undetermined[k]
    individual, simultaneous = (
        best.unit[:, None] + factor * error[:, None] * np.array([-1.0, 1.0]) for factor in (single, joint)
    )
    for k in profiled:
        assert profile is not None
        for ends, factor in ((individual, single), (simultaneous, joint)):
            ends[k] = [profile.end(k, side, factor) for side in (-1, 1)]
    for k in set(range(count)) - undetermined.keys():
        if rivals[k]:
            undetermined[k] = "another optimum fits as well with another value"
        elif _spans_bounds(individual[k]):
            undetermined[k] = "its interval is as wide as its bounds"
    lower_point = None if profile is None else profile.lower_point
    profiled = [k for k in profiled if k not in undetermined]
    return ConfidenceIntervals(individual, simultaneous, undetermined, profiled, joint, lower_point)


def _spans_bounds(ends: Sequence[float] | Array) -> bool:
    """Return whether an interval is as wide as the bounds of the search."""
    return bool((ends[0] < BOUND_TOL and ends[1] > 1 - BOUND_TOL) or ends[1] - ends[0] > 1)


def _off_parabola(
    problem: LeastSquares, best: Descent, inference: Inference, factors: tuple[float, float], error: Array
) -> list[int]:
    """Return the parameters for which the misfit towards the ends of the intervals is not that of the parabola.

    Along the ridge, on which all other parameters follow, the sum of squares should grow by ``(step / error)^2``
    variances, and with the others fixed by as much or more. Noise of the Jacobian, kinks between samples and strong
    curvature show here.
    """
    determined = [k for k in range(best.unit.size) if k not in inference.undetermined]
    if not determined:
        return []
    single, joint = factors
    steps = np.array([-joint, -single, -0.5 * single, 0.5 * single, single, joint])

    def growth(directions: list[Array]) -> tuple[Array, NDArray[np.bool_]]:
        """Return the growth as a share of the parabola's, and whether each point is within the bounds."""
        points = best.unit + steps[None, :, None] * np.array(directions)[:, None, :]
        costs = problem.costs(points.reshape(-1, best.unit.size).clip(0.0, 1.0)).reshape(points.shape[:2])
        inside: NDArray[np.bool_] = np.all((points >= 0) & (points <= 1), axis=2)
        return 2 * (costs - best.cost) / inference.variance / steps**2, inside

    ridge, inside = growth([inference.covariance[:, k] / error[k] for k in determined])
    straight, _ = growth([error[k] * np.eye(best.unit.size)[k] for k in determined])
    holds = inside & (ridge > PARABOLA_SHARE) & (ridge < 1 / PARABOLA_SHARE) & (straight > PARABOLA_SHARE)
    return [k for k, row in zip(determined, holds, strict=True) if not row.all()]
