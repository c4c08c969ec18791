"""The least-squares problem of a fit: weighted residuals and their Jacobian over the unit cube."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from devices.common.arrays import Array
from devices.fitting.search_space import SearchSpace

__all__ = ["SEARCH_TOL", "LeastSquares"]

#: Step of finite differences in the unit cube.
_STEP = 1e-5
#: Tolerance of `simulate` that suffices on the way to an optimum.
SEARCH_TOL = 1e-8


class LeastSquares:
    """Weighted residuals and their Jacobian over the unit cube.

    Parameters
    ----------
    space : SearchSpace
        Free parameters and their bounds.
    predict : callable
        ``predict(names, values, tolerance)`` gives predictions ``(rows, points)`` for values ``(rows, parameters)``.
    observed : numpy.ndarray
        Data, shape ``(points,)``.
    weights : numpy.ndarray
        Inverse standard deviations of the data, up to a factor, shape ``(points,)``.
    tolerance : float
        Tolerance of `simulate` in the fit.
    """

    def __init__(
        self,
        space: SearchSpace,
        predict: Callable[[Sequence[str], Array, float], Array],
        observed: Array,
        weights: Array,
        tolerance: float,
    ) -> None:
        self.space, self.predict, self.observed, self.weights = space, predict, observed, weights
        self.tolerance = tolerance

    def predictions(self, units: Array, tolerance: float | None = None) -> Array:
        """Return predictions for rows of the unit cube, NaN where there are none.

        The first row, which the others are compared with, is repeated at the fit's own tolerance where it fails at a
        larger one.
        """
        values = self.space.values(units)
        found = self.predict(self.space.names, values, tolerance or self.tolerance)
        if np.isnan(found[0]).any() and tolerance not in (None, self.tolerance):
            found[:1] = self.predict(self.space.names, values[:1], self.tolerance)
        return found

    def residuals(self, unit: Array, tolerance: float | None = None) -> Array:
        """Return the weighted residuals at a point, shape ``(points,)``."""
        return (self.predictions(unit[None], tolerance)[0] - self.observed) * self.weights

    def costs(self, units: Array, tolerance: float | None = None) -> Array:
        """Return half the sum of squares for rows of the unit cube, infinite where there is no prediction."""
        found = 0.5 * np.sum(((self.predictions(units, tolerance) - self.observed) * self.weights) ** 2, axis=1)
        return np.where(np.isfinite(found), found, np.inf)

    def jacobian(self, unit: Array, step: float = _STEP, tolerance: float | None = None) -> Array:
        """Return the Jacobian, shape ``(points, parameters)``: central differences, one-sided at the bounds."""
        n = unit.size
        unit = np.clip(unit, 0.0, 1.0)
        shifted = np.concatenate([np.clip(unit + side * step * np.eye(n), 0.0, 1.0) for side in (1, -1)])
        found = self.predictions(np.concatenate([shifted, unit[None]]), tolerance)
        centre = found[-1]
        columns = []
        for k in range(n):
            ends = [(found[r], shifted[r, k]) if np.isfinite(found[r]).all() else (centre, unit[k]) for r in (k, n + k)]
            (above, u_above), (below, u_below) = ends
            width = u_above - u_below
            columns.append((above - below) / width if width > 0 else np.zeros_like(centre))
        return np.stack(columns, axis=1) * self.weights[:, None]

    def fast_jacobian(self, unit: Array) -> Array:
        """Return a cheaper Jacobian for the search: one-sided differences, at a larger tolerance."""
        step = np.where(unit < 0.5, _STEP, -_STEP)
        found = self.predictions(np.concatenate([unit + np.diag(step), unit[None]]), SEARCH_TOL)
        columns = (found[:-1] - found[-1]).T / step
        return np.where(np.isfinite(columns).all(axis=0), columns, 0.0) * self.weights[:, None]

    def accurate_jacobian(self, unit: Array) -> tuple[Array, Array]:
        """Return the Jacobian extrapolated from two steps, and its difference between them as an error estimate.

        Of three sizes of step, the one with the smallest relative difference is taken: sharp thresholds need small
        steps, stiff transients large ones.
        """
        tolerance = max(self.tolerance * 1e-1, 1e-14)
        found = []
        for step in (_STEP, 10 * _STEP, 100 * _STEP):
            coarse, fine = (self.jacobian(unit, h, tolerance) for h in (step, step / 2))
            length = np.linalg.norm(fine, axis=0)
            error = np.linalg.norm((fine - coarse) / np.where(length > 0, length, 1.0))
            found.append((error, (4 * fine - coarse) / 3, fine - coarse))
            if error < 1e-5:
                break
        return min(found, key=lambda f: f[0])[1:]

    def residual_scale(self, unit: Array) -> float:
        """Return the typical size of the residuals from their median, which outliers do not change."""
        return max(1.4826 * float(np.median(np.abs(self.residuals(unit)))), 1e-12)

    @property
    def signal(self) -> float:
        """Norm of the weighted data."""
        return float(np.linalg.norm(self.observed * self.weights))
