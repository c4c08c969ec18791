"""Profile likelihood: ends of confidence intervals for parameters around which the misfit is not a parabola."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from devices.common.arrays import Array
from devices.fitting.least_squares import SEARCH_TOL, LeastSquares
from devices.fitting.search_space import at_bound

__all__ = ["Profile"]

#: Most points in the search for one end.
MAX_POINTS_PER_END = 12
#: Standard error, as a share of the bounds, that is assumed at first for insensitive parameters.
INSENSITIVE_ERROR = 0.05
#: Steps on the path to another optimum.
PATH_STEPS = 8
#: Walkers of the random walk through the region, and trial steps of each.
WALKERS, WALK_STEPS = 40, 25


class Profile:
    r"""Least misfit over all other parameters, for each value of one.

    .. math:: z(u_k) = \sqrt{\left[\min_{u_{j \ne k}} S(u) - S(\hat u)\right] / s^2}

    An interval is where ``z`` stays below the quantile that it has in standard errors (D. M. Bates and D. G. Watts,
    Nonlinear Regression Analysis and Its Applications, Wiley 1988, chapter 6). Where several optima are within
    it, the interval spans them.

    Parameters
    ----------
    problem : LeastSquares
        Residuals over the unit cube.
    best : numpy.ndarray
        The optimum.
    others : iterable of numpy.ndarray
        Other points that may be as good.
    covariance : numpy.ndarray
        Covariance of the linearised model, which sets the first steps.
    variance : float
        Variance ``s^2`` of a weighted residual.
    insensitive : set of int
        Parameters without effect at the optimum.
    """

    def __init__(
        self,
        problem: LeastSquares,
        best: Array,
        others: Iterable[Array],
        covariance: Array,
        variance: float,
        insensitive: set[int],
    ) -> None:
        self.problem, self.variance, self._best = problem, variance, best
        self._determined = np.flatnonzero(np.isfinite(np.diag(covariance)))
        self.covariance = covariance.copy()
        self.covariance[[*insensitive], [*insensitive]] = INSENSITIVE_ERROR**2
        points = np.array([best, *others])
        costs = problem.costs(points, SEARCH_TOL)
        self._least = float(costs[0])
        self._lowest = (self._least, best)
        self._points = [self._with_z(point, float(cost)) for point, cost in zip(points, costs, strict=True)]

    @property
    def lower_point(self) -> Array | None:
        """The lowest point found, if its misfit is below that of the optimum by more than a tenth of the variance."""
        cost, point = self._lowest
        return point if 2 * (self._least - cost) > 0.1 * self.variance else None

    def _with_z(self, point: Array, cost: float) -> tuple[Array, float]:
        """Return a point with its z, and keep it if it is the lowest."""
        if cost < self._lowest[0]:
            self._lowest = (cost, point)
        return point, float(np.sqrt(max(2 * (cost - self._least), 0.0) / self.variance))

    def search(self, parameters: Sequence[int], factors: Sequence[float], rng: np.random.Generator) -> None:
        """Sample the whole region, so that `end` finds its ends."""
        for k in parameters:
            for side in (-1, 1):
                for factor in factors:
                    self.end(k, side, factor)
        self._walk(max(factors), rng)

    def _walk(self, factor: float, rng: np.random.Generator) -> None:
        """Walk at random through the region in which z is at most `factor`, from the known points of it.

        A descent finds the end of an interval along a smooth valley. Where kinks divide the valley, points inside the
        region lead to others: each walker tries steps along the difference of two others, of any size, and stays where
        a step leaves the region or the bounds (as in differential evolution Markov chains, C. J. F. ter Braak, Stat.
        Comput. 16, 239 (2006), doi 10.1007/s11222-006-8769-1).
        """
        inside = np.array([point for point, z in self._points if z <= factor])
        walkers = inside[rng.integers(len(inside), size=WALKERS)]
        width = np.sqrt(np.where(np.isfinite(np.diag(self.covariance)), np.diag(self.covariance), 0.0))
        for _ in range(WALK_STEPS):
            one, other = walkers[rng.integers(WALKERS, size=(2, WALKERS))]
            size = 10.0 ** rng.uniform(-1.5, 0.3, (WALKERS, 1))
            tried = walkers + size * (one - other) + 0.1 * size * width * rng.standard_normal(walkers.shape)
            bounded = ((tried >= 0.0) & (tried <= 1.0)).all(axis=1)
            tried = np.where(bounded[:, None], tried, walkers)
            costs = self.problem.costs(tried, SEARCH_TOL)
            found = [self._with_z(point, float(cost)) for point, cost in zip(tried, costs, strict=True)]
            inside = np.array([z for _, z in found]) <= factor
            self._points += [one for one, keep in zip(found, inside & bounded, strict=True) if keep]
            walkers = np.where(inside[:, None], tried, walkers)

    def connected_to_optimum(self, k: int, at: float, factor: float) -> bool:
        """Return whether z stays within `factor` on the path from the optimum to a value of parameter `k`."""
        point = self._best
        for value in np.linspace(point[k], at, PATH_STEPS + 1)[1:]:
            point, z = self._constrained_minimum(k, float(value), point)
            if z > factor:
                return False
        return True

    def end(self, k: int, side: int, factor: float) -> float:
        """Return the end of the interval of parameter `k` on one side (1 or -1): z stays within `factor` up to it.

        It is the bound of the search where z stays within all the way, or where another parameter meets its own bound
        first.
        """

        def position(known: tuple[Array, float]) -> float:
            return side * float(known[0][k])

        inside = max((known for known in self._points if known[1] <= factor), key=position)
        # Points outside that walkers tried are not kept: those here are minima, to which an end may be interpolated.
        beyond = [known for known in self._points if known[1] > factor and position(known) > position(inside)]
        outside = min(beyond, key=position, default=None)
        width, bound = float(np.sqrt(self.covariance[k, k])), (1 + side) / 2
        for attempt in range(MAX_POINTS_PER_END):
            (point, z), at = inside, float(inside[0][k])
            if outside is None:
                if at == bound:
                    break
                at += side * 1.1 * max(factor - z, 0.2 * factor) * width * 2.0**attempt
                at = min(max(at, 0.0), 1.0)
            else:
                gap = float(outside[0][k]) - at
                if outside[1] - z < 0.3 * factor or abs(gap) < 0.02 * width * factor:
                    break
                at += gap * min(max((factor - z) / (outside[1] - z), 0.1), 0.9)
            here = self._constrained_minimum(k, at, point)
            self._points.append(here)
            inside, outside = (here, outside) if here[1] <= factor else (inside, here)
        others = np.delete(self._determined, self._determined == k)
        if (at_bound(inside[0]) & ~at_bound(self._best))[others].any():
            return bound  # a bound of another parameter ends it, not the data
        if outside is None or not np.isfinite(outside[1]):
            return float(inside[0][k])
        share = (factor - inside[1]) / (outside[1] - inside[1])
        return float(inside[0][k] + share * (outside[0][k] - inside[0][k]))

    def _constrained_minimum(self, k: int, at: float, near: Array) -> tuple[Array, float]:
        """Return the best point with coordinate `k` at a value; the start is beside `near`, or along its ridge."""
        from scipy.optimize import least_squares

        ridge = near + self.covariance[:, k] / self.covariance[k, k] * (at - near[k])
        starts = np.clip(np.stack([near, ridge]), 1e-9, 1 - 1e-9)
        starts[:, k] = at
        costs = self.problem.costs(starts, SEARCH_TOL)
        point, others = starts[np.argmin(costs)], np.delete(np.arange(near.size), k)
        if not others.size or not np.isfinite(costs.min()):
            return self._with_z(point, float(costs.min()))

        def full(part: Array) -> Array:
            complete = point.copy()
            complete[others] = part
            return complete

        end = least_squares(
            lambda part: self.problem.residuals(full(part), SEARCH_TOL), point[others],
            lambda part: self.problem.fast_jacobian(full(part))[:, others],
            bounds=(0.0, 1.0), x_scale="jac", max_nfev=25, ftol=1e-6, xtol=1e-7,
        )  # fmt: skip
        return self._with_z(full(end.x), float(end.cost))
