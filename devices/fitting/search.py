"""The search of a fit: weighted residuals over the unit cube, and starts followed until they agree on the best."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.common.errors import InputError
from devices.fitting.search_space import WALL, Free

__all__ = ["ROUGH", "Problem", "Search", "Try", "noise_like", "polish"]

#: Step of the differences in the unit cube, and the tolerance of `simulate` that suffices on the way to an optimum.
_STEP, ROUGH = 1e-5, 1e-8
#: Candidates evaluated for each start that is then followed, and how roughly; places looked at near where one ends.
_CANDIDATES, _GLANCE, _NEAR = 32, 1e-5, 40
#: Starts that must end at the best place to end the search early; how far it goes while only one of them did.
_AGREED, _ROUNDS = 3, 4
#: How often a descent is taken up again at a lower place near its end.
_SHAKEN = 5
#: Residuals below this share of the signal are rounding, not noise.
_EXACT = 1e-5


class Problem:
    """Weighted residuals and their Jacobian over the unit cube."""

    def __init__(
        self,
        free: Free,
        predict: Callable[[Sequence[str], NDArray[np.float64], float], NDArray[np.float64]],
        observed: NDArray[np.float64],
        weights: NDArray[np.float64],
        tolerance: float,
    ) -> None:
        self.free, self.predict, self.observed, self.weights = free, predict, observed, weights
        self.tolerance = tolerance

    def predictions(self, units: NDArray[np.float64], tolerance: float | None = None) -> NDArray[np.float64]:
        """Return predictions for rows of the unit cube, NaN where there are none.

        The first row, which others are compared with, is tried at the fit's own tolerance where another was asked for
        and does not do.
        """
        values = self.free.values(units)
        found = self.predict(self.free.names, values, tolerance or self.tolerance)
        if np.isnan(found[0]).any() and tolerance not in (None, self.tolerance):
            found[:1] = self.predict(self.free.names, values[:1], self.tolerance)
        return found

    def residuals(self, unit: NDArray[np.float64], tolerance: float | None = None) -> NDArray[np.float64]:
        """Return weighted residuals at a point."""
        return (self.predictions(unit[None], tolerance)[0] - self.observed) * self.weights

    def costs(self, units: NDArray[np.float64], tolerance: float | None = None) -> NDArray[np.float64]:
        """Return half the sum of squares for rows of the unit cube, infinite where there is no prediction."""
        found = 0.5 * np.sum(((self.predictions(units, tolerance) - self.observed) * self.weights) ** 2, axis=1)
        return np.where(np.isfinite(found), found, np.inf)

    def jacobian(
        self, unit: NDArray[np.float64], step: float = _STEP, tolerance: float | None = None
    ) -> NDArray[np.float64]:
        """Return their derivatives, shape ``(points, parameters)``: central differences, one-sided at the walls."""
        n = unit.size
        unit = np.clip(unit, 0.0, 1.0)
        moved = np.concatenate([np.clip(unit + side * step * np.eye(n), 0.0, 1.0) for side in (1, -1)])
        found = self.predictions(np.concatenate([moved, unit[None]]), tolerance)
        centre = found[-1]
        columns = []
        for k in range(n):
            ends = [(found[r], moved[r, k]) if np.isfinite(found[r]).all() else (centre, unit[k]) for r in (k, n + k)]
            (above, u_above), (below, u_below) = ends
            width = u_above - u_below
            columns.append((above - below) / width if width > 0 else np.zeros_like(centre))
        return np.stack(columns, axis=1) * self.weights[:, None]

    def slope(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a cheap Jacobian for the way: differences to the side where there is room."""
        away = np.where(unit < 0.5, _STEP, -_STEP)
        found = self.predictions(np.concatenate([unit + np.diag(away), unit[None]]), ROUGH)
        columns = (found[:-1] - found[-1]).T / away
        return np.where(np.isfinite(columns).all(axis=0), columns, 0.0) * self.weights[:, None]

    def fine_jacobian(self, unit: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the Jacobian extrapolated from two steps, and what that changed.

        Of three sizes of step, the one changed least: sharp thresholds want small steps, stiff transients large ones.
        """
        exact = max(self.tolerance * 1e-1, 1e-14)
        found = []
        for step in (_STEP, 10 * _STEP, 100 * _STEP):
            coarse, fine = (self.jacobian(unit, h, exact) for h in (step, step / 2))
            length = np.linalg.norm(fine, axis=0)
            doubt = np.linalg.norm((fine - coarse) / np.where(length > 0, length, 1.0))
            found.append((doubt, (4 * fine - coarse) / 3, fine - coarse))
            if doubt < 1e-5:
                break
        return min(found, key=lambda f: f[0])[1:]

    def typical(self, unit: NDArray[np.float64]) -> float:
        """Return the size of residuals, whatever the outliers: from here on a point is one."""
        return max(1.4826 * float(np.median(np.abs(self.residuals(unit)))), 1e-12)

    @property
    def signal(self) -> float:
        """Norm of the weighted data."""
        return float(np.linalg.norm(self.observed * self.weights))


@dataclass(frozen=True, eq=False)
class Try:
    """Where one start led: a point of the unit cube, half the sum of the losses, and why it stopped."""

    unit: NDArray[np.float64]
    cost: float
    status: int
    message: str


def noise_like(residuals: NDArray[np.float64]) -> bool:
    """Whether residuals may be noise: neighbours independent, and none too large for the others (each at 2e-4).

    The correlation of neighbours, one minus half of von Neumann's ratio, has the standard error ``1/sqrt(points)`` for
    white noise; the largest residual over the spread of the others follows Student's t (Grubbs). A curve in the wrong
    place leaves residuals that follow each other, and one that switches at the wrong time a few large ones, whatever
    the size of the noise.
    """
    from scipy.stats import t

    points, power, largest = residuals.size, float(residuals @ residuals), float(np.abs(residuals).max())
    if not power or points < 4:
        return True
    lag = float(residuals[1:] @ residuals[:-1]) / power
    others = np.sqrt(max(power - largest**2, 0.0) / (points - 2))
    return lag < 3.5 / np.sqrt(points) and 2 * points * t.sf(largest / max(others, 1e-300), points - 2) > 2e-4


class Search:
    """Starts followed one after the other, until the best place has been reached by several of them.

    Parameters
    ----------
    problem : Problem
        What is searched.
    start : numpy.ndarray
        First start.
    starts : int
        How many are followed; fewer where three agree and what they leave looks like noise, up to four times as many
        while the best place was reached from one only.
    rng : numpy.random.Generator
        Of the others: the best of a Latin hypercube of 32 times as many, well apart.
    progress : bool
        Show a bar.

    Attributes
    ----------
    tries : list of Try
        Polished ends that lie apart, the best first.
    followed, reached : int
        How many starts were followed, and how many of them ended as low as the best, by what the data can tell.
    settled : bool
        No lower place was found near the best.
    """

    def __init__(
        self, problem: Problem, start: NDArray[np.float64], starts: int, rng: np.random.Generator, progress: bool
    ) -> None:
        self.problem, self.starts, self.rng = problem, starts, rng
        self._ends: list[Try] = []
        points: Any = self._points(start)
        if progress:
            from tqdm.auto import tqdm

            points = tqdm(points, desc="search", unit=" starts")
        with closing(points):
            for point in points:
                self._ends.append(self._follow(point))
                if self._enough():
                    break
        if not self._ends:
            raise InputError(
                "parameters", "bounds in which the model gives no finite numbers", "other bounds", "narrower"
            )
        ends = sorted(self._ends, key=lambda t: t.cost)
        worth = max(2 * ends[0].cost, 1e-6 * problem.signal**2)
        self.tries = [polish(problem, t) for t in _distinct(ends) if t.cost <= worth]
        self.settled = self._settle()

    @property
    def followed(self) -> int:
        """Number of starts that were followed to an end."""
        return len(self._ends)

    @property
    def reached(self) -> int:
        """Number of ends that are as good as the best one."""
        return self._as_low_as(self.tries[0].cost)

    def _as_low_as(self, cost: float) -> int:
        """Ends whose misfit is above `cost` by less than one variance of a point."""
        points = self.problem.observed.size
        margin = max(2 * cost / points, (_EXACT * self.problem.signal) ** 2)
        return sum(2 * (end.cost - cost) <= margin for end in self._ends)

    def _enough(self) -> bool:
        best = min(self._ends, key=lambda t: t.cost)
        agreed = self._as_low_as(best.cost)
        if self.followed >= self.starts:
            return agreed >= min(2, self.starts)
        return agreed >= _AGREED and noise_like(self.problem.residuals(best.unit, ROUGH))

    def _points(self, start: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
        """Points to start from: the given one, then the most promising of each round of candidates."""
        used: list[NDArray[np.float64]] = []
        n, count = start.size, _CANDIDATES * self.starts
        for _ in range(_ROUNDS):
            cells = self.rng.permuted(np.tile(np.arange(count), (n, 1)), axis=1).T
            candidates = (cells + self.rng.random((count, n))) / count
            if not used:
                candidates = np.concatenate([start.clip(0.0, 1.0)[None], candidates])
            costs = self.problem.costs(candidates, _GLANCE)
            order = np.argsort(costs).tolist()
            taken = 0
            for k in [0, *order] if not used else order:
                if not np.isfinite(costs[k]) or taken == self.starts:
                    continue
                point = np.clip(candidates[k], WALL, 1 - WALL)
                apart = all(np.linalg.norm(point - other) > 0.1 * np.sqrt(n) for other in used)
                if apart and np.isfinite(self.problem.residuals(point, ROUGH)).all():
                    used.append(point)
                    taken += 1
                    yield point

    def _follow(self, point: NDArray[np.float64]) -> Try:
        """Go down from a point, and on from lower places near where that ends: kinks of the misfit stop it early."""
        from scipy.optimize import least_squares

        best: Try | None = None
        for _ in range(_SHAKEN):
            end = least_squares(
                self.problem.residuals, point, lambda unit, _: self.problem.slope(unit), bounds=(0.0, 1.0),
                x_scale="jac", max_nfev=60, ftol=1e-5, xtol=1e-6, gtol=1e-12, args=(ROUGH,),
            )  # fmt: skip
            best = Try(end.x, float(end.cost), int(end.status), str(end.message))
            lower = self._lower_near(end.x, end.jac)
            if lower is None:
                break
            point = lower
        assert best is not None
        return best

    def _lower_near(self, best: NDArray[np.float64], jacobian: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return a lower place near the end of a descent, by a hundredth of the variance of a point, or None.

        Places are drawn around it, and along the valley that the Jacobian shows, out to thirty standard errors.
        """
        z = self.rng.standard_normal((_NEAR, best.size))
        cost = float(self.problem.costs(best[None], ROUGH)[0])
        _, singular, turned = np.linalg.svd(jacobian, full_matrices=False)
        spread = np.sqrt(2 * cost / self.problem.observed.size)
        width = np.minimum(spread / np.maximum(singular, 1e-6 * singular[0] + 1e-300), 1.0)
        along = 10.0 ** self.rng.uniform(-1, 1.5, (_NEAR // 2, 1)) * z[::2] @ (width[:, None] * turned)
        around = 10.0 ** self.rng.uniform(-4, -0.5, (_NEAR // 2, 1)) * z[1::2]
        points = np.clip(best + np.concatenate([along, around]), WALL, 1 - WALL)
        costs = self.problem.costs(points, ROUGH)
        lowest = int(np.argmin(costs))
        lower = 2 * costs[lowest] < 2 * cost - max(0.01 * spread**2, (_EXACT * self.problem.signal) ** 2)
        return points[lowest] if lower else None

    def _settle(self) -> bool:
        """Polish the best end, and go on from lower places near it; whether there are none in the end."""
        for _ in range(_SHAKEN):
            best = self.tries[0]
            lower = self._lower_near(best.unit, self.problem.slope(best.unit))
            if lower is None:
                return True
            after = polish(self.problem, Try(lower, np.inf, 0, ""))
            self.tries = sorted([after, *self.tries], key=lambda t: t.cost)
        return False


def _distinct(tries: Sequence[Try], count: int = 3) -> list[Try]:
    """Return the best few that ended apart."""
    kept: list[Try] = []
    for one in tries:
        if len(kept) < count and all(np.abs(one.unit - other.unit).max() > 1e-3 for other in kept):
            kept.append(one)
    return kept


def polish(problem: Problem, start: Try, loss: str = "linear", scale: float = 1.0) -> Try:
    """Follow one start to the end; residuals above `scale` are outliers to a loss that knows any."""
    from scipy.optimize import least_squares

    end = least_squares(
        problem.residuals, np.clip(start.unit, 1e-10, 1 - 1e-10), problem.jacobian, bounds=(0.0, 1.0), x_scale="jac",
        max_nfev=200, ftol=1e-10, xtol=1e-12, gtol=1e-14, loss=loss, f_scale=scale,
    )  # fmt: skip
    return Try(end.x, float(end.cost), int(end.status), str(end.message))
