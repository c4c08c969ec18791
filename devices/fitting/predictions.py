"""Predictions of a model for measured records, for many parameter values at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from devices.cells.device import Device, assemble
from devices.common.arrays import Array
from devices.common.errors import ConvergenceError
from devices.fitting.measured import Measured
from devices.fitting.retention_laws import RetentionLaw
from devices.model import DeviceModel
from devices.parameters import ParameterSet

__all__ = ["DevicePrediction", "LawPrediction", "predictor"]

#: Most predicted values in one batch, which limits memory to some hundred megabytes.
_MAX_BATCH = 4_000_000


class LawPrediction:
    """Predictions of a retention law at the times of the records.

    Parameters
    ----------
    law : RetentionLaw
        Retention law.
    records : sequence of Measured
        Retention records.
    start : mapping of str to float
        Value of every parameter.
    """

    def __init__(self, law: RetentionLaw, records: Sequence[Measured], start: Mapping[str, float]) -> None:
        self.law, self.start = law, dict(start)
        self.time = np.concatenate([r.time for r in records])

    def __call__(self, names: Sequence[str], values: Array, tolerance: float) -> Array:
        """Return conductances [S], shape ``(rows, points)``, for `values` of shape ``(rows, names)``."""
        columns = {n: np.full((len(values), 1), v) for n, v in self.start.items()}
        columns |= {n: values[:, k : k + 1] for k, n in enumerate(names)}
        with np.errstate(all="ignore"):
            found = np.asarray(self.law.conductance(self.time, **columns), dtype=float)
        return np.broadcast_to(found, (len(values), self.time.size))


class DevicePrediction:
    """Predictions of a device model under the waveforms of the records.

    Parameters
    ----------
    model : DeviceModel
        Device model.
    records : sequence of Measured
        Records of any kind.
    start : mapping of str to float
        Value of every parameter and start of every state.
    given : ParameterSet
        Parameter set that they come from.
    """

    def __init__(
        self, model: DeviceModel, records: Sequence[Measured], start: Mapping[str, float], given: ParameterSet
    ) -> None:
        self.model, self.records, self.start, self.given = model, records, dict(start), given

    def __call__(self, names: Sequence[str], values: Array, tolerance: float) -> Array:
        """Return currents [A] or conductances [S], shape ``(rows, points)``; NaN in rows that cannot be evaluated."""
        rows, points = len(values), sum(len(r) for r in self.records)
        out = np.full((rows, points), np.nan)
        size = max(1, _MAX_BATCH // max(points, 1))
        for first in range(0, rows, size):
            part = slice(first, min(first + size, rows))
            columns = {n: np.full(part.stop - first, v) for n, v in self.start.items()}
            columns |= {n: values[part, k].copy() for k, n in enumerate(names)}
            valid = self._valid_rows(columns)
            if valid.any():
                block = np.full((part.stop - first, points), np.nan)
                block[valid] = self._batch({n: c[valid] for n, c in columns.items()}, tolerance)
                out[part] = block
        return out

    def _valid_rows(self, columns: dict[str, Array]) -> NDArray[np.bool_]:
        """Return the rows whose state bounds are not empty, and clip the starts to them in place."""
        valid = np.ones(len(next(iter(columns.values()))), dtype=bool)
        for s in self.model.states:
            lower, upper = s.limits(columns)
            valid &= lower < upper
            columns[s.name] = np.clip(columns[s.name], lower, upper)
        return valid

    def _batch(self, columns: dict[str, Array], tolerance: float) -> Array:
        from devices.simulation.transient import simulate

        cells = assemble(self.model, columns, self.given)
        parts = []
        for record in self.records:
            count = len(record)
            try:
                trace = simulate(
                    cells, record.waveform, samples=record.time, tolerance=tolerance, max_steps=20_000 + 50 * count
                )
            except ConvergenceError as stopped:
                trace = stopped.partial
            found = trace.current if record.kind == "trace" else self._conductance(cells, record, trace.state)
            found = np.where(np.isfinite(found).all(axis=1, keepdims=True), found, np.nan)
            parts.append(found)
        return np.concatenate(parts, axis=1)

    def _conductance(self, cells: Device, record: Measured, state: Array) -> Array:
        from devices.kernels.evaluate import evaluate_many

        rows, count, n = state.shape
        out = np.empty((rows * count, (1 + n) * (2 + n)))
        evaluate_many(
            cells.kernel,
            np.full(rows * count, record.read_voltage),
            np.ascontiguousarray(state).reshape(rows * count, n),
            np.repeat(cells.parameter_rows((rows,)), count, axis=0),
            out,
        )
        return out[:, 0].reshape(rows, count) / record.read_voltage


def predictor(
    model: DeviceModel | RetentionLaw,
    records: Sequence[Measured],
    start: Mapping[str, float],
    given: ParameterSet | None,
) -> DevicePrediction | LawPrediction:
    """Return the predictions of `model` for the records, with the values in `start` for all that is not free."""
    if isinstance(model, RetentionLaw):
        return LawPrediction(model, records, start)
    assert given is not None
    return DevicePrediction(model, records, start, given)
