"""Weights of the data in a fit: from known standard deviations, or updated with the residuals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import finite_array
from devices.fitting.least_squares import LeastSquares
from devices.fitting.measured import Measured

__all__ = ["Weights"]

#: Residuals below this share of the data are rounding, not noise.
_ROUNDING_SHARE = 1e-7


class Weights:
    """Inverse standard deviations of the points, up to a factor where `sigma` is not known.

    Parameters
    ----------
    records : sequence of Measured
        Data.
    sigma : array_like or None
        Known standard deviation, for each record where there are several.
    weighting : {"absolute", "relative"}
        Noise of one size over a record, or in proportion to the value, where sigma is not known.
    floor : float
        Smallest value that counts under relative weighting, as a share of the record's peak.
    """

    def __init__(self, records: Sequence[Measured], sigma: Any, weighting: str, floor: float) -> None:
        self.records, self.weighting, self.floor, self.sigma_known = records, weighting, floor, sigma is not None
        if sigma is None:
            return
        several = isinstance(sigma, list | tuple) or np.ndim(sigma)
        each = [sigma] if len(records) == 1 else list(sigma) if several else []
        if len(each) != len(records):
            raise InputError("sigma", "one value", f"one entry for each of {len(records)} records")
        parts = []
        for record, values in zip(records, each, strict=True):
            array = finite_array("sigma", values, unit=record.unit, minimum=0.0)
            if array.shape not in ((), (len(record),)) or (array == 0).any():
                given = f"shape {array.shape}" if (array > 0).all() else "0"
                raise InputError("sigma", given, f"one value > 0, or {len(record)} of them [{record.unit}]")
            parts.append(np.broadcast_to(1 / array, len(record)))
        self._known = np.concatenate(parts)

    @property
    def depend_on_fit(self) -> bool:
        """Whether the weights depend on the fitted values."""
        return not self.sigma_known and (self.weighting == "relative" or len(self.records) > 1)

    def initial(self) -> Array:
        """Return the weights from the measured values, shape ``(points,)``."""
        return self._for_values(np.concatenate([r.observed for r in self.records]))

    def updated(self, problem: LeastSquares, unit: Array) -> Array:
        """Return the weights if the fitted values were true and each record had the noise of its residuals.

        The noise of a record is that of its residuals, corrected for the leverages of its points. A record that is
        fitted to rounding, or has no points left after this, has a thousandth of the mean noise.
        """
        if not self.depend_on_fit:
            return problem.weights
        fitted = problem.predictions(unit[None])[0]
        weights = self._for_values(fitted)
        if len(self.records) == 1:
            return weights
        squares = (weights * (fitted - problem.observed)) ** 2
        basis, singular, _ = np.linalg.svd(problem.jacobian(unit), full_matrices=False)
        free = 1 - np.sum(basis[:, singular > 1e-9 * singular[0]] ** 2, axis=1)
        mean = float(squares.sum() / free.sum())
        if mean > _ROUNDING_SHARE**2:
            ends = np.cumsum([0, *(len(r) for r in self.records)])
            for part in (slice(a, b) for a, b in pairwise(ends)):
                noise = squares[part].sum() / max(free[part].sum(), 1e-9)
                weights[part] /= np.sqrt(np.clip(noise / mean, 1e-6, 1e6))
        return weights

    def _for_values(self, values: Array) -> Array:
        if self.sigma_known:
            return self._known
        parts, first = [], 0
        for record in self.records:
            own = values[first : first + len(record)]
            first += len(record)
            if self.weighting == "relative":
                parts.append(1 / np.hypot(own, self.floor * float(np.abs(record.observed).max())))
            else:
                parts.append(np.full(len(record), 1 / float(np.sqrt(np.mean(record.observed**2)))))
        return np.concatenate(parts)
