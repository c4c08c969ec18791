"""Ends of intervals from the misfit itself, for parameters around which it is no parabola: profile likelihood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from devices.fitting.search import ROUGH, Problem
from devices.fitting.search_space import walled

__all__ = ["Profile"]

#: How many points are spent on one end.
_MOST = 12
#: Standard error, as a share of the bounds, with which to begin to look for the ends of what is silent at the optimum.
_BLIND = 0.05
#: In how many steps the way to another optimum is gone.
_BETWEEN = 8
#: How many walkers go through the region, and how often each tries a step.
_WALKERS, _STEPS = 40, 25


class Profile:
    r"""Least misfit for each value of one parameter, all others following.

    .. math:: z(u_k) = \sqrt{\left[\min_{u_{j \ne k}} S(u) - S(\hat u)\right] / s^2}

    An interval is where ``z`` stays below the quantile that it has in standard errors (D. M. Bates and D. G. Watts,
    Nonlinear Regression Analysis and Its Applications, Wiley 1988, chapter 6). Where several optima are in reach, the
    interval spans them.

    Parameters
    ----------
    problem : Problem
        Residuals over the unit cube.
    best : numpy.ndarray
        The optimum.
    seen : iterable of numpy.ndarray
        Other points that may be as good.
    covariance : numpy.ndarray
        Where to look first.
    variance : float
        ``s^2`` of a weighted residual.
    silent : set of int
        Parameters without effect at the optimum.
    """

    def __init__(
        self,
        problem: Problem,
        best: NDArray[np.float64],
        seen: Iterable[NDArray[np.float64]],
        covariance: NDArray[np.float64],
        variance: float,
        silent: set[int],
    ) -> None:
        self.problem, self.variance, self._best = problem, variance, best
        self._inner = np.flatnonzero(np.isfinite(np.diag(covariance)))
        self.covariance = covariance.copy()
        self.covariance[[*silent], [*silent]] = _BLIND**2
        points = np.array([best, *seen])
        costs = problem.costs(points, ROUGH)
        self._least = float(costs[0])
        self._lowest = (self._least, best)
        self._known = [self._found(point, float(cost)) for point, cost in zip(points, costs, strict=True)]

    @property
    def lower(self) -> NDArray[np.float64] | None:
        """The lowest point met, where its misfit is below that of the optimum by a tenth of the variance or more."""
        cost, point = self._lowest
        return point if 2 * (self._least - cost) > 0.1 * self.variance else None

    def _found(self, point: NDArray[np.float64], cost: float) -> tuple[NDArray[np.float64], float]:
        """Return a point with its z."""
        if cost < self._lowest[0]:
            self._lowest = (cost, point)
        return point, float(np.sqrt(max(2 * (cost - self._least), 0.0) / self.variance))

    def search(self, parameters: Sequence[int], factors: Sequence[float], rng: np.random.Generator) -> None:
        """Meet points of the region all over it, so that its ends are found by `end`."""
        for k in parameters:
            for side in (-1, 1):
                for factor in factors:
                    self.end(k, side, factor)
        self._walk(max(factors), rng)

    def _walk(self, factor: float, rng: np.random.Generator) -> None:
        """Walk through the region in which z is at most `factor`, from the points of it that were met.

        A descent finds the end of an interval along a smooth valley. Where kinks cut it up, points inside the region
        lead on to others: each walker tries steps between two others, of any size, and stays where one leaves the
        region or the bounds (a random walk by differences, as in C. J. F. ter Braak, Stat. Comput. 16, 239 (2006), doi
        10.1007/s11222-006-8769-1).
        """
        inside = np.array([point for point, z in self._known if z <= factor])
        walkers = inside[rng.integers(len(inside), size=_WALKERS)]
        width = np.sqrt(np.where(np.isfinite(np.diag(self.covariance)), np.diag(self.covariance), 0.0))
        for _ in range(_STEPS):
            one, other = walkers[rng.integers(_WALKERS, size=(2, _WALKERS))]
            size = 10.0 ** rng.uniform(-1.5, 0.3, (_WALKERS, 1))
            tried = walkers + size * (one - other) + 0.1 * size * width * rng.standard_normal(walkers.shape)
            bounded = ((tried >= 0.0) & (tried <= 1.0)).all(axis=1)
            tried = np.where(bounded[:, None], tried, walkers)
            costs = self.problem.costs(tried, ROUGH)
            found = [self._found(point, float(cost)) for point, cost in zip(tried, costs, strict=True)]
            inside = np.array([z for _, z in found]) <= factor
            self._known += [one for one, there in zip(found, inside & bounded, strict=True) if there]
            walkers = np.where(inside[:, None], tried, walkers)

    def joined(self, k: int, at: float, factor: float) -> bool:
        """Whether z stays within `factor` all the way from the optimum to a value of parameter `k`: one region."""
        point = self._best
        for value in np.linspace(point[k], at, _BETWEEN + 1)[1:]:
            point, z = self._least_at(k, float(value), point)
            if z > factor:
                return False
        return True

    def end(self, k: int, side: int, factor: float) -> float:
        """Return how far parameter `k` reaches to one side (1 or -1) while z stays within `factor`.

        The wall of the cube where it stays within all the way, or where another parameter meets its own wall first.
        """

        def place(known: tuple[NDArray[np.float64], float]) -> float:
            return side * float(known[0][k])

        inside = max((known for known in self._known if known[1] <= factor), key=place)
        # Walkers outside are not kept: those beyond are least misfits, which an end may be interpolated to.
        beyond = [known for known in self._known if known[1] > factor and place(known) > place(inside)]
        outside = min(beyond, key=place, default=None)
        width, wall = float(np.sqrt(self.covariance[k, k])), (1 + side) / 2
        for further in range(_MOST):
            (point, z), at = inside, float(inside[0][k])
            if outside is None:
                if at == wall:
                    break
                at += side * 1.1 * max(factor - z, 0.2 * factor) * width * 2.0**further
                at = min(max(at, 0.0), 1.0)
            else:
                gap = float(outside[0][k]) - at
                if outside[1] - z < 0.3 * factor or abs(gap) < 0.02 * width * factor:
                    break
                at += gap * min(max((factor - z) / (outside[1] - z), 0.1), 0.9)
            here = self._least_at(k, at, point)
            self._known.append(here)
            inside, outside = (here, outside) if here[1] <= factor else (inside, here)
        others = np.delete(self._inner, self._inner == k)
        if (walled(inside[0]) & ~walled(self._best))[others].any():
            return wall  # the bounds of another parameter end it, not the data
        if outside is None or not np.isfinite(outside[1]):
            return float(inside[0][k])
        share = (factor - inside[1]) / (outside[1] - inside[1])
        return float(inside[0][k] + share * (outside[0][k] - inside[0][k]))

    def _least_at(self, k: int, at: float, near: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Return the best point with coordinate `k` at a value: from one beside `near`, or from along its ridge."""
        from scipy.optimize import least_squares

        ridge = near + self.covariance[:, k] / self.covariance[k, k] * (at - near[k])
        starts = np.clip(np.stack([near, ridge]), 1e-9, 1 - 1e-9)
        starts[:, k] = at
        costs = self.problem.costs(starts, ROUGH)
        point, others = starts[np.argmin(costs)], np.delete(np.arange(near.size), k)
        if not others.size or not np.isfinite(costs.min()):
            return self._found(point, float(costs.min()))

        def whole(part: NDArray[np.float64]) -> NDArray[np.float64]:
            moved = point.copy()
            moved[others] = part
            return moved

        end = least_squares(
            lambda part: self.problem.residuals(whole(part), ROUGH), point[others],
            lambda part: self.problem.slope(whole(part))[:, others],
            bounds=(0.0, 1.0), x_scale="jac", max_nfev=25, ftol=1e-6, xtol=1e-7,
        )  # fmt: skip
        return self._found(whole(end.x), float(end.cost))
