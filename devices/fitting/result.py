"""`Fit`: the result of a fit, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from devices.cells.device import Device, assemble
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.tables import columns_of_text
from devices.fitting.intervals import ConfidenceIntervals, Inference
from devices.fitting.measured import Measured
from devices.fitting.predictions import predictor
from devices.fitting.retention_laws import RetentionLaw
from devices.fitting.search import noise_like
from devices.fitting.search_space import at_bound
from devices.model import DeviceModel
from devices.parameters import ParameterSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devices.fitting.least_squares import LeastSquares
    from devices.fitting.search import Descent, Search

__all__ = ["Fit", "build_fit"]


@dataclass(frozen=True, eq=False)
class Fit:
    """Result of `fit`: estimated parameters, their confidence intervals, and how far to trust them.

    Attributes
    ----------
    model : DeviceModel or RetentionLaw
        Fitted model.
    measured : tuple of Measured
        Records that it was fitted to.
    values : mapping of str to float
        Estimates in SI units, in the given order.
    intervals : mapping of str to (float, float)
        Confidence intervals of the individual parameters; the bounds where a parameter is undetermined. Where the data
        give only a limit, one end is a bound of the search, as `message` says.
    simultaneous : mapping of str to (float, float)
        Wider intervals, which contain all parameters at once with that confidence or more: the projections of the joint
        region of `contains` (H. Scheffe, Biometrika 40, 87 (1953), doi 10.1093/biomet/40.1-2.87).
    bounds : mapping of str to (float, float)
        Bounds of the search.
    confidence : float
        Confidence of the intervals.
    correlation : numpy.ndarray
        Correlation of the estimates, shape ``(parameters, parameters)``; NaN where undetermined.
    residual_rms : tuple of float
        Root mean square of measured minus fitted for each record [A or S].
    relative_rms : float
        Norm of the weighted residuals as a share of that of the weighted data.
    reduced_chi2 : float or None
        Mean square residual in units of sigma for each degree of freedom; None where sigma was not given.
    converged : bool
        The search ended at an optimum, and more than one start led to it (where more than one was allowed).
    adequate : bool
        The residuals look like noise. Where neighbouring residuals are correlated, the model does not describe the data
        or the search missed the optimum, and the intervals are too narrow.
    undetermined : mapping of str to str
        Parameters that the data do not determine, and why. Do not use their values.
    at_bound : tuple of str
        Parameters that ended at a bound of the search.
    profiled : tuple of str
        Parameters around which the misfit is not a parabola: their intervals come from the profile likelihood.
    message : str
        All of this in words; starts with ``"converged"`` or ``"not converged"``.
    fitted : tuple of numpy.ndarray
        Prediction for each record [A or S].
    everything : mapping of str to float
        Value of every parameter and start of every state, free or not.
    parameter_set : ParameterSet or None
        Parameter set of the values that were not free.
    """

    model: DeviceModel | RetentionLaw
    measured: tuple[Measured, ...]
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    simultaneous: Mapping[str, tuple[float, float]]
    bounds: Mapping[str, tuple[float, float]]
    confidence: float
    correlation: Array
    residual_rms: tuple[float, ...]
    relative_rms: float
    reduced_chi2: float | None
    converged: bool
    adequate: bool
    undetermined: Mapping[str, str]
    at_bound: tuple[str, ...]
    profiled: tuple[str, ...]
    message: str
    fitted: tuple[Array, ...]
    everything: Mapping[str, float]
    parameter_set: ParameterSet | None
    _weights: Array
    _tolerance: float
    _limit: float

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                object.__setattr__(self, field.name, MappingProxyType(value))

    def __reduce__(self) -> tuple[Any, ...]:
        values = (getattr(self, field.name) for field in fields(self))
        return type(self), tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values)

    def contains(self, **values: float) -> bool:
        r"""Return whether values lie in the joint confidence region of all free parameters.

        .. math:: S(p) \le S(\hat p) + q\,s^2\,F_{q,\,n-q}

        with q parameters that the n data determine, for nonlinear models too (D. M. Bates and D. G. Watts, Nonlinear
        Regression Analysis and Its Applications, Wiley 1988, section 6.1). With a known sigma, chi2 replaces F.

        Parameters
        ----------
        **values : float
            One for each free parameter [SI].

        Returns
        -------
        bool
            Whether they lie within it.
        """
        if sorted(values) != sorted(self.values):
            raise InputError("values", sorted(values), f"a value for each of {sorted(self.values)}")
        predict = predictor(self.model, self.measured, self.everything, self.parameter_set)
        row = np.array([[values[n] for n in self.values]], dtype=float)
        observed = np.concatenate([r.observed for r in self.measured])
        misfit = ((predict(tuple(self.values), row, self._tolerance)[0] - observed) * self._weights) ** 2
        return bool(np.sum(misfit) <= self._limit)

    @property
    def units(self) -> dict[str, str]:
        """Unit of each free parameter; empty for a pure number."""
        quantities = [*self.model.parameters, *(self.model.states if isinstance(self.model, DeviceModel) else ())]
        return {q.name: "" if q.unit == "1" else q.unit for q in quantities if q.name in self.values}

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
            Source of the data; the records' labels where not given.
        note : str, optional
            Remarks; the message and intervals of the fit are added.

        Returns
        -------
        ParameterSet
            With status ``"ours"``.
        """
        model = self._device_model()
        assert self.parameter_set is not None
        ranges = ", ".join(f"{n} {low:.4g} to {high:.4g}" for n, (low, high) in self.intervals.items())
        kept = [n for n in self.everything if n not in self.values]
        remarks = [
            note,
            f"Fitted ({100 * self.confidence:g} % intervals): {ranges}.",
            f"Kept from {self.parameter_set.name!r} or given: {', '.join(kept)}." if kept else "",
            self.message + ".",
        ]
        return ParameterSet(
            name,
            {p.name: self.everything[p.name] for p in model.parameters},
            {s.name: self.everything[s.name] for s in model.states},
            source or "fit to " + ", ".join(r.label for r in self.measured),
            "ours",
            " ".join(r for r in remarks if r),
            loop_voltage=max(float(np.max(np.abs(r.waveform.at(r.time)))) for r in self.measured) or 1.0,
        )

    def plot(self, axes: Sequence[Axes] | None = None) -> NDArray[Any]:
        """Plot measured and fitted values, with the residuals below; see `devices.fitting.plot.plot_fit`."""
        from devices.fitting.plot import plot_fit

        return plot_fit(self, axes)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                name,
                f"{value:.6g}",
                "undetermined" if name in self.undetermined else "{:.4g} to {:.4g}".format(*self.intervals[name]),
                self.units[name],
            )
            for name, value in self.values.items()
        ]

    def __str__(self) -> str:
        header = ("parameter", "value", f"{100 * self.confidence:g} % interval", "unit")
        lines = columns_of_text([header, *self._rows()])
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


def build_fit(
    model: DeviceModel | RetentionLaw,
    records: tuple[Measured, ...],
    start: Mapping[str, float],
    given: ParameterSet | None,
    problem: LeastSquares,
    search: Search,
    best: Descent,
    inference: Inference,
    intervals: ConfidenceIntervals,
    confidence: float,
) -> Fit:
    """Return the result for the best optimum, with a message of all reservations."""
    space, names = problem.space, problem.space.names
    prediction = problem.predictions(best.unit[None])[0]
    residuals = (prediction - problem.observed) * problem.weights
    misfit = float(residuals @ residuals)
    values = dict(zip(names, space.values(best.unit).tolist(), strict=True))
    bounds = {n: (float(space.lower[k]), float(space.upper[k])) for k, n in enumerate(names)}
    undetermined = {names[k]: intervals.undetermined[k] for k in sorted(intervals.undetermined)}
    individual, simultaneous = (
        {n: bounds[n] if n in undetermined else (float(low[k]), float(high[k])) for k, n in enumerate(names)}
        for low, high in (space.values(ends.T) for ends in (intervals.individual, intervals.simultaneous))
    )
    bounded = tuple(n for n, there in zip(names, at_bound(best.unit), strict=True) if there)
    fitted = tuple(np.split(prediction, np.cumsum([len(r) for r in records])[:-1]))
    rms = tuple(float(np.sqrt(np.mean((f - r.observed) ** 2))) for f, r in zip(fitted, records, strict=True))
    relative = float(np.sqrt(misfit)) / problem.signal
    reduced = misfit / inference.dof if inference.sigma_known else None
    adequate = relative < 1e-6 or noise_like(residuals)
    failure = "" if best.status > 0 and (inference.stationary or search.stable) else best.message.strip(" .`")
    if not failure and intervals.lower_point is not None:
        failure = "a lower misfit was found again and again near the optimum"
    if not failure and search.agreeing < min(2, search.followed):
        failure = f"only one of {search.followed} starts led to the best optimum"
    error = np.sqrt(np.diag(inference.covariance))
    with np.errstate(invalid="ignore"):
        correlation = inference.covariance / np.outer(error, error)
    missing = list(inference.undetermined)
    correlation[missing] = correlation[:, missing] = np.nan
    profiled = tuple(names[k] for k in intervals.profiled)
    end_at_bound = np.any(at_bound(intervals.individual), axis=1).tolist()
    cut = [n for n, there in zip(names, end_at_bound, strict=True) if there and n not in (*undetermined, *bounded)]
    everything, moved = _starts_within_bounds(model, {**start, **values})
    limit = misfit + intervals.joint_factor**2 * inference.variance
    message = _message(failure, adequate, undetermined, bounded, cut, moved, profiled, relative, reduced, residuals)
    return Fit(
        model, records, values, individual, simultaneous, bounds, confidence,
        correlation, rms, relative, reduced, not failure, adequate, undetermined, bounded, profiled, message, fitted,
        everything, given, problem.weights, problem.tolerance, limit,
    )  # fmt: skip


def _starts_within_bounds(
    model: DeviceModel | RetentionLaw, everything: dict[str, float]
) -> tuple[dict[str, float], list[str]]:
    """Return the values with the starts of states clipped to their fitted bounds, and the states that were clipped."""
    moved = []
    for state in model.states if isinstance(model, DeviceModel) else ():
        inside = float(np.clip(everything[state.name], *state.limits(everything)))
        if inside != everything[state.name]:
            everything[state.name] = inside
            moved.append(state.name)
    return everything, moved


def _message(
    failure: str,
    adequate: bool,
    undetermined: Mapping[str, str],
    at_bound: Sequence[str],
    cut: Sequence[str],
    moved: Sequence[str],
    profiled: Sequence[str],
    relative: float,
    chi2: float | None,
    residuals: Array,
) -> str:
    """Return all reservations in one line."""
    parts = [f"not converged ({failure}); try more starts or other bounds" if failure else "converged"]
    parts += [f"{name} undetermined: {why}" for name, why in undetermined.items()]
    bound = [name for name in at_bound if name not in undetermined]
    parts += [f"{name} is at a bound of the search, and all intervals hold for it there only" for name in bound]
    parts += [f"interval of {name} is cut at a bound of the search" for name in cut]
    parts += [f"start of {name} moved into the fitted bounds" for name in moved]
    if profiled:
        parts.append(
            f"interval of {', '.join(profiled)} from the profile likelihood, as the misfit is not a parabola there"
        )
    if relative > 0.1:
        parts.append(f"the model leaves {100 * relative:.0f} % of the signal unexplained")
    if chi2 is not None and chi2 > 1 + 5 * np.sqrt(2 / residuals.size):
        parts.append(f"reduced chi2 is {chi2:.3g}: sigma is too small, or the model does not describe the data")
    if not adequate:
        lag = float(residuals[1:] @ residuals[:-1]) / float(residuals @ residuals)
        parts.append(
            f"residuals follow each other (correlation {lag:.2f}): the model does not describe the data or a better "
            "optimum was missed; intervals are too narrow"
        )
    return "; ".join(parts)
