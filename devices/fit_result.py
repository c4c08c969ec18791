"""`Fit`: the result of a fit, which says how far to believe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from devices._free import Free
from devices._intervals import Inference, infer
from devices._predictions import assemble
from devices.errors import InputError
from devices.instance import Device
from devices.measurements import Measured
from devices.model import DeviceModel
from devices.parameters import ParameterSet
from devices.retention_laws import RetentionLaw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devices.fitting import Problem, Try

__all__ = ["Fit", "conclude"]


@dataclass(frozen=True, eq=False)
class Fit:
    """Parameters estimated by `fit`.

    Attributes
    ----------
    model : DeviceModel or RetentionLaw
        What was fitted.
    measured : tuple of Measured
        To which records.
    values : mapping of str to float
        Estimates in SI units, in the order asked for.
    intervals : mapping of str to (float, float)
        Their confidence intervals; the bounds where a parameter is undetermined.
    bounds : mapping of str to (float, float)
        The bounds of the search.
    confidence : float
        Of the intervals.
    correlation : numpy.ndarray
        Correlation of the estimates, shape ``(parameters, parameters)``; NaN where undetermined.
    residual_rms : tuple of float
        Root mean square of measured minus fitted for each record [A or S].
    relative_rms : float
        The weighted residuals as a share of the weighted data.
    reduced_chi2 : float or None
        Mean square residual in units of sigma for each degree of freedom; None where sigma was not given.
    converged : bool
        The search ended at an optimum.
    undetermined : mapping of str to str
        Parameters that the data leave open, and why. Do not use their values.
    at_bound : tuple of str
        Parameters that ended at a bound of the search.
    doubtful : tuple of str
        Parameters whose interval is not to be trusted: where it ends, the misfit is not what the linearised model says.
    message : str
        All of this in words; starts with ``"converged"`` or ``"not converged"``.
    fitted : tuple of numpy.ndarray
        What the model says for each record.
    everything : mapping of str to float
        Value of every parameter and start of every state, free or not.
    parameter_set : ParameterSet or None
        The set that those not free came from.
    """

    model: DeviceModel | RetentionLaw
    measured: tuple[Measured, ...]
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    bounds: Mapping[str, tuple[float, float]]
    confidence: float
    correlation: NDArray[np.float64]
    residual_rms: tuple[float, ...]
    relative_rms: float
    reduced_chi2: float | None
    converged: bool
    undetermined: Mapping[str, str]
    at_bound: tuple[str, ...]
    doubtful: tuple[str, ...]
    message: str
    fitted: tuple[NDArray[np.float64], ...]
    everything: Mapping[str, float]
    parameter_set: ParameterSet | None
    _free: Free
    _covariance: NDArray[np.float64]
    _dof: int

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                object.__setattr__(self, field.name, MappingProxyType(value))

    def __reduce__(self) -> tuple[Any, ...]:
        values = (getattr(self, field.name) for field in fields(self))
        return type(self), tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values)

    def contains(self, **values: float) -> bool:
        """Whether values lie together in the joint confidence region, an ellipsoid on the scale of the search.

        Parameters
        ----------
        **values : float
            One for each free parameter [SI].

        Returns
        -------
        bool
            Whether they do; undetermined parameters do not count.
        """
        from scipy.stats import chi2, f

        if sorted(values) != sorted(self.values):
            raise InputError("values", sorted(values), f"a value for each of {sorted(self.values)}")
        sure = np.isfinite(np.diag(self._covariance))
        away = (self._free.unit(values) - self._free.unit(self.values))[sure]
        distance = float(away @ np.linalg.solve(self._covariance[np.ix_(sure, sure)], away))
        n = int(sure.sum())
        limit = (
            chi2.ppf(self.confidence, n) if self.reduced_chi2 is not None else n * f.ppf(self.confidence, n, self._dof)
        )
        return bool(distance <= limit)

    def device(self) -> Device:
        """Return the device with the fitted values."""
        given = self.to_set("fit")
        return assemble(self._device_model(), {**given.values, **given.initial}, given)

    def _device_model(self) -> DeviceModel:
        if isinstance(self.model, RetentionLaw):
            raise InputError("fit", f"one of {self.model.name}", "a fit of a device model", "fit(model, ...)")
        return self.model

    def to_set(self, name: str, source: str = "", note: str = "") -> ParameterSet:
        """Return the fitted values as a parameter set, to be saved, shared and registered.

        Parameters
        ----------
        name : str
            Name of the set.
        source : str, optional
            Where the data come from; the records' labels where not given.
        note : str, optional
            What to know about them. What the fit says of itself is added.

        Returns
        -------
        ParameterSet
            With status ``"ours"``.
        """
        model = self._device_model()
        assert self.parameter_set is not None
        ranges = ", ".join(f"{n} {low:.4g} to {high:.4g}" for n, (low, high) in self.intervals.items())
        held = [n for n in self.everything if n not in self.values]
        about = [
            note,
            f"Fitted ({100 * self.confidence:g} % intervals): {ranges}.",
            f"Kept from {self.parameter_set.name!r} or given: {', '.join(held)}." if held else "",
            self.message + ".",
        ]
        return ParameterSet(
            name,
            {p.name: self.everything[p.name] for p in model.parameters},
            {s.name: self.everything[s.name] for s in model.states},
            source or "fit to " + ", ".join(r.label for r in self.measured),
            "ours",
            " ".join(a for a in about if a),
        )

    def plot(self, axes: Sequence[Axes] | None = None) -> NDArray[Any]:
        """Draw measured and fitted values, residuals below; see `devices.fit_plot.plot_fit`."""
        from devices.fit_plot import plot_fit

        return plot_fit(self, axes)

    def _rows(self) -> list[tuple[str, ...]]:
        units = _units(self.model)
        return [
            (
                name,
                f"{value:.6g}",
                "undetermined" if name in self.undetermined else "{:.4g} to {:.4g}".format(*self.intervals[name]),
                units[name],
            )
            for name, value in self.values.items()
        ]

    def __str__(self) -> str:
        header = ("parameter", "value", f"{100 * self.confidence:g} % interval", "unit")
        rows = [header, *self._rows()]
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        rms = ", ".join(f"{r:.3g} {m.unit}" for r, m in zip(self.residual_rms, self.measured, strict=True))
        chi2 = "" if self.reduced_chi2 is None else f", reduced chi2 {self.reduced_chi2:.3g}"
        ends = f"residual rms {rms} ({100 * self.relative_rms:.2g} % of the signal){chi2}"
        return "\n".join([f"Fit of {self.model.name}", *lines, ends, self.message])

    def __repr__(self) -> str:
        values = ", ".join(f"{n}={v:.4g}" for n, v in self.values.items())
        return f"Fit({self.model.name!r}, {values}; {self.message})"

    def _repr_markdown_(self) -> str:
        table = ["| parameter | value | interval | unit |", "|---|---|---|---|"]
        table += ["| " + " | ".join(row) + " |" for row in self._rows()]
        return f"**Fit of {self.model.title}**\n\n" + "\n".join(table) + f"\n\n{self.message}\n"


def _units(model: DeviceModel | RetentionLaw) -> dict[str, str]:
    quantities = [*model.parameters, *(model.states if isinstance(model, DeviceModel) else ())]
    return {q.name: "" if q.unit == "1" else q.unit for q in quantities}


def conclude(
    model: DeviceModel | RetentionLaw,
    records: tuple[Measured, ...],
    start: Mapping[str, float],
    given: ParameterSet | None,
    problem: Problem,
    tries: Sequence[Try],
    known: bool,
    loss: str,
    scale: float,
    confidence: float,
) -> Fit:
    """Return the result for the best of `tries`, with what there is to say against it."""
    best, free, names = tries[0], problem.free, problem.free.names
    prediction = problem.predictions(best.unit[None])[0]
    residuals = (prediction - problem.observed) * problem.weights
    signal = float(np.linalg.norm(problem.observed * problem.weights))
    found = infer(
        residuals, *problem.fine_jacobian(best.unit), signal, best.unit, names,
        known=known, loss=loss, scale=scale, confidence=confidence,
    )  # fmt: skip
    left = {**found.open, **_elsewhere(tries, found, residuals, signal, known)}
    values = dict(zip(names, free.values(best.unit).tolist(), strict=True))
    ends = [free.values(best.unit + side * np.where(np.isfinite(found.half), found.half, 1.0)) for side in (-1, 1)]
    intervals = {n: (float(ends[0][k]), float(ends[1][k])) for k, n in enumerate(names)}
    bounds = {n: (float(free.lower[k]), float(free.upper[k])) for k, n in enumerate(names)}
    intervals |= {names[k]: bounds[names[k]] for k in left}
    at_bound = tuple(n for n, u in zip(names, best.unit, strict=True) if min(u, 1 - u) < 1e-6)
    splits = np.cumsum([len(r) for r in records])[:-1]
    fitted = tuple(np.split(prediction, splits))
    rms = tuple(float(np.sqrt(np.mean((f - r.observed) ** 2))) for f, r in zip(fitted, records, strict=True))
    relative = float(np.linalg.norm(residuals)) / signal
    chi2 = float(residuals @ residuals) / found.dof if known else None
    converged = best.status > 0 and found.stationary
    undetermined = {names[k]: left[k] for k in sorted(left)}
    error = np.sqrt(np.diag(found.covariance))
    with np.errstate(invalid="ignore"):
        correlation = found.covariance / np.outer(error, error)
    correlation[list(found.open)] = correlation[:, list(found.open)] = np.nan
    bent = tuple(names[k] for k in _bent(problem, best.unit, found, residuals, known) if k not in left)
    doubtful = bent if loss == "linear" else ()
    words = _words(converged, best, undetermined, at_bound, doubtful, relative, chi2, residuals)
    return Fit(
        model, records, values, intervals, bounds, confidence,
        correlation, rms, relative, chi2, converged, undetermined, at_bound, doubtful, words, fitted,
        {**start, **values}, given, free, found.covariance, found.dof,
    )  # fmt: skip


def _bent(
    problem: Problem, unit: NDArray[np.float64], found: Inference, residuals: NDArray[np.float64], known: bool
) -> list[int]:
    """Parameters for which the misfit half-way to the ends of the interval is not that of the parabola, by far.

    Along the ridge on which all others follow, the sum of squares grows by ``(half/2 / error)^2`` variances. Noise of
    the Jacobian, kinks between samples and strong curvature show here.
    """
    sure = [k for k in range(unit.size) if k not in found.open]
    ridge = [found.covariance[:, k] / found.covariance[k, k] * found.half[k] / 2 for k in sure]
    points = [unit + side * r for r in ridge for side in (-1, 1)]
    inside = [((p >= 0) & (p <= 1)).all() for p in points]
    if not any(inside):
        return []
    floor = 1e-7 * float(np.linalg.norm(problem.observed * problem.weights))
    variance = 1.0 if known else float(residuals @ residuals) / found.dof
    if variance * residuals.size < floor**2:
        return []
    moved = (problem.predictions(np.array(points).clip(0.0, 1.0)) - problem.observed) * problem.weights
    grown = (np.sum(moved**2, axis=1) - float(residuals @ residuals)) / (variance * found.factor**2 / 4)
    wrong = np.array(inside) & ~((grown > 0.4) & (grown < 2.5))
    return [k for j, k in enumerate(sure) if wrong[2 * j : 2 * j + 2].any()]


def _elsewhere(
    tries: Sequence[Try], found: Inference, residuals: NDArray[np.float64], signal: float, known: bool
) -> dict[int, str]:
    """Parameters that differ between optima which the data cannot tell apart."""
    variance = 1.0 if known else max(float(residuals @ residuals) / found.dof, (1e-8 * signal) ** 2 / residuals.size)
    left = {}
    for other in tries[1:]:
        if other.status > 0 and 2 * (other.cost - tries[0].cost) <= found.factor**2 * variance:
            away = np.abs(other.unit - tries[0].unit)
            for k in np.flatnonzero(away > np.maximum(3 * found.half, 1e-2)).tolist():
                left[k] = "another optimum fits as well with another value"
    return left


def _words(
    converged: bool,
    best: Try,
    undetermined: Mapping[str, str],
    at_bound: Sequence[str],
    doubtful: Sequence[str],
    relative: float,
    chi2: float | None,
    residuals: NDArray[np.float64],
) -> str:
    parts = [
        "converged" if converged else f"not converged ({best.message.strip(' .`')}); try more starts or other bounds"
    ]
    parts += [f"{name} undetermined: {why}" for name, why in undetermined.items()]
    parts += [f"{name} is at a bound of the search" for name in at_bound if name not in undetermined]
    if doubtful:
        parts.append(f"interval of {', '.join(doubtful)} doubtful: the misfit around it is not that of a linear model")
    if relative > 0.1:
        parts.append(f"the model leaves {100 * relative:.0f} % of the signal unexplained")
    if chi2 is not None and chi2 > 1 + 5 * np.sqrt(2 / residuals.size):
        parts.append(f"reduced chi2 is {chi2:.3g}: sigma is too small, or the model does not describe the data")
    power = float(residuals @ residuals)
    lag = float(residuals[1:] @ residuals[:-1]) / power if power else 0.0
    if relative > 1e-6 and lag > 5 / np.sqrt(residuals.size):
        parts.append(f"residuals follow each other (correlation {lag:.2f}): intervals are too narrow")
    return "; ".join(parts)
