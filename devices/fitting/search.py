"""The global search of a fit: descents from many starts, until several of them agree on the best optimum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import root_seed
from devices.fitting.least_squares import SEARCH_TOL, LeastSquares
from devices.fitting.search_space import BOUND_TOL

__all__ = ["Descent", "Search", "noise_like", "polish"]

#: Candidates that are screened for each start that is followed, and the tolerance of `simulate` for that.
CANDIDATES_PER_START, SCREENING_TOL = 32, 1e-5
#: Points sampled near the end of a descent, in search of a lower one.
LOCAL_SAMPLES = 40
#: Most restarts of a descent from lower points near its end.
MAX_RESTARTS = 5
#: Starts that must agree on the best optimum to end the search early.
AGREEING_STARTS = 3
#: Most rounds of starts, the further ones while only one start reached the best optimum.
MAX_ROUNDS = 4
#: Residuals below this share of the signal are rounding, not noise.
ROUNDING_SHARE = 1e-5


@dataclass(frozen=True, eq=False)
class Descent:
    """The end of a local optimisation: a point of the unit cube, its cost, and why it stopped.

    Attributes
    ----------
    unit : numpy.ndarray
        Point of the unit cube.
    cost : float
        Half the sum of squares, or of the loss.
    status : int
        Of `scipy.optimize.least_squares`: positive where it converged.
    message : str
        Reason why it stopped.
    """

    unit: Array
    cost: float
    status: int
    message: str


def noise_like(residuals: Array) -> bool:
    """Return whether residuals may be noise: neighbours uncorrelated, and no outlier (each tested at 2e-4).

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
    """A multistart search: descents from one start after the other, until several reach the best optimum.

    Parameters
    ----------
    problem : LeastSquares
        Least-squares problem.
    start : numpy.ndarray
        First start, in the unit cube.
    starts : int
        Number of starts; fewer where three agree and their residuals look like noise, up to four times as many while
        only one start reached the best optimum.
    rng : numpy.random.Generator
        Generator of the other starts: the best of a Latin hypercube of 32 times as many, well apart.
    progress : bool
        Whether to show a progress bar.

    Attributes
    ----------
    optima : list of Descent
        Different optima, polished, the best first.
    stable : bool
        Whether no lower point was found near the best optimum in the end.
    """

    def __init__(
        self, problem: LeastSquares, start: Array, starts: int, rng: np.random.Generator, progress: bool
    ) -> None:
        self.problem, self.starts, self.rng = problem, starts, rng
        self._ends: list[Descent] = []
        points: Any = self._starting_points(start)
        if progress:
            from tqdm.auto import tqdm

            points = tqdm(points, desc="search", unit=" starts")
        with closing(points):
            for point in points:
                self._ends.append(self._descend(point))
                if self._enough_starts():
                    break
        if not self._ends:
            raise InputError(
                "parameters", "bounds in which the model gives no finite numbers", "other bounds", "narrower"
            )
        ends = sorted(self._ends, key=lambda end: end.cost)
        highest = max(2 * ends[0].cost, 1e-6 * problem.signal**2)
        self.optima = [polish(problem, end.unit) for end in _distinct(ends) if end.cost <= highest]
        self.stable = self._refine_best()

    @property
    def followed(self) -> int:
        """Number of starts that were followed to an optimum."""
        return len(self._ends)

    @property
    def agreeing(self) -> int:
        """Number of starts that ended as low as the best optimum, within the noise of the data."""
        return self._count_as_low_as(self.optima[0].cost)

    def _count_as_low_as(self, cost: float) -> int:
        """Return the number of ends whose sum of squares exceeds that of `cost` by less than one point's variance."""
        points = self.problem.observed.size
        margin = max(2 * cost / points, (ROUNDING_SHARE * self.problem.signal) ** 2)
        return sum(2 * (end.cost - cost) <= margin for end in self._ends)

    def _enough_starts(self) -> bool:
        best = min(self._ends, key=lambda end: end.cost)
        agreeing = self._count_as_low_as(best.cost)
        if self.followed >= self.starts:
            return agreeing >= min(2, self.starts)
        return agreeing >= AGREEING_STARTS and noise_like(self.problem.residuals(best.unit, SEARCH_TOL))

    def _starting_points(self, start: Array) -> Iterator[Array]:
        """Yield points to start from: the given one, then the best candidates of each round, well apart."""
        from scipy.stats import qmc

        used: list[Array] = []
        hypercube = qmc.LatinHypercube(start.size, seed=root_seed(self.rng))
        for _ in range(MAX_ROUNDS):
            candidates = hypercube.random(CANDIDATES_PER_START * self.starts)
            if not used:
                candidates = np.concatenate([start.clip(0.0, 1.0)[None], candidates])
            costs = self.problem.costs(candidates, SCREENING_TOL)
            order = np.argsort(costs).tolist()
            taken = 0
            for k in [0, *order] if not used else order:
                if not np.isfinite(costs[k]) or taken == self.starts:
                    continue
                point = np.clip(candidates[k], BOUND_TOL, 1 - BOUND_TOL)
                apart = all(np.linalg.norm(point - other) > 0.1 * np.sqrt(start.size) for other in used)
                if apart and np.isfinite(self.problem.residuals(point, SEARCH_TOL)).all():
                    used.append(point)
                    taken += 1
                    yield point

    def _descend(self, point: Array) -> Descent:
        """Descend from a point, and again from lower points near the end, as kinks of the cost may stop it early."""
        from scipy.optimize import least_squares

        best: Descent | None = None
        for _ in range(MAX_RESTARTS):
            end = least_squares(
                self.problem.residuals, point, lambda unit, _: self.problem.fast_jacobian(unit), bounds=(0.0, 1.0),
                x_scale="jac", max_nfev=60, ftol=1e-5, xtol=1e-6, gtol=1e-12, args=(SEARCH_TOL,),
            )  # fmt: skip
            best = Descent(end.x, float(end.cost), int(end.status), str(end.message))
            lower = self._lower_point_near(end.x, end.jac)
            if lower is None:
                break
            point = lower
        assert best is not None
        return best

    def _lower_point_near(self, best: Array, jacobian: Array) -> Array | None:
        """Return a point near `best` that is lower by at least a hundredth of one point's variance, or None.

        Points are drawn around it, and along the directions that the Jacobian leaves flat, up to thirty standard errors
        away.
        """
        z = self.rng.standard_normal((LOCAL_SAMPLES, best.size))
        cost = float(self.problem.costs(best[None], SEARCH_TOL)[0])
        _, singular, directions = np.linalg.svd(jacobian, full_matrices=False)
        spread = np.sqrt(2 * cost / self.problem.observed.size)
        width = np.minimum(spread / np.maximum(singular, 1e-6 * singular[0] + 1e-300), 1.0)
        half = LOCAL_SAMPLES // 2
        along = 10.0 ** self.rng.uniform(-1, 1.5, (half, 1)) * z[::2] @ (width[:, None] * directions)
        around = 10.0 ** self.rng.uniform(-4, -0.5, (half, 1)) * z[1::2]
        points = np.clip(best + np.concatenate([along, around]), BOUND_TOL, 1 - BOUND_TOL)
        costs = self.problem.costs(points, SEARCH_TOL)
        lowest = int(np.argmin(costs))
        margin = max(0.01 * spread**2, (ROUNDING_SHARE * self.problem.signal) ** 2)
        return points[lowest] if 2 * costs[lowest] < 2 * cost - margin else None

    def _refine_best(self) -> bool:
        """Continue from lower points near the best optimum; return whether none is left in the end."""
        for _ in range(MAX_RESTARTS):
            best = self.optima[0]
            lower = self._lower_point_near(best.unit, self.problem.fast_jacobian(best.unit))
            if lower is None:
                return True
            self.optima = sorted([polish(self.problem, lower), *self.optima], key=lambda end: end.cost)
        return False


def _distinct(ends: Sequence[Descent], count: int = 3) -> list[Descent]:
    """Return the first few of the ends that lie apart."""
    kept: list[Descent] = []
    for end in ends:
        if len(kept) < count and all(np.abs(end.unit - other.unit).max() > 1e-3 for other in kept):
            kept.append(end)
    return kept


def polish(problem: LeastSquares, start: Array, loss: str = "linear", scale: float = 1.0) -> Descent:
    """Return the optimum from `start` to full accuracy; robust losses treat residuals above `scale` as outliers."""
    from scipy.optimize import least_squares

    end = least_squares(
        problem.residuals, np.clip(start, 1e-10, 1 - 1e-10), problem.jacobian, bounds=(0.0, 1.0), x_scale="jac",
        max_nfev=200, ftol=1e-10, xtol=1e-12, gtol=1e-14, loss=loss, f_scale=scale,
    )  # fmt: skip
    return Descent(end.x, float(end.cost), int(end.status), str(end.message))
