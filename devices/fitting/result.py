"""`Fit`: the result of a fit, which says how far to believe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from devices.cells.device import Device, assemble
from devices.common.errors import InputError
from devices.fitting.intervals import Inference, Statement
from devices.fitting.measured import Measured
from devices.fitting.predictions import predictor
from devices.fitting.retention_laws import RetentionLaw
from devices.fitting.search import noise_like
from devices.fitting.search_space import walled
from devices.model import DeviceModel
from devices.parameters import ParameterSet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devices.fitting.search import Problem, Search, Try

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
        Their confidence intervals, each by itself; the bounds where a parameter is undetermined. Where the data give
        only a limit, one end is a bound of the search, which `message` says.
    simultaneous : mapping of str to (float, float)
        Wider ones, which hold all parameters at once with that confidence or more: what the joint region of `contains`
        spans in each (H. Scheffe, Biometrika 40, 87 (1953), doi 10.1093/biomet/40.1-2.87).
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
        The search ended at an optimum, and more than one start led to it (where more than one was allowed).
    adequate : bool
        What is left over looks like noise. Where neighbouring residuals follow each other, the model does not describe
        the data or the search missed, and the intervals are too narrow.
    undetermined : mapping of str to str
        Parameters that the data leave open, and why. Do not use their values.
    at_bound : tuple of str
        Parameters that ended at a bound of the search.
    profiled : tuple of str
        Parameters around which the misfit is no parabola: their intervals come from the misfit itself.
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
    simultaneous: Mapping[str, tuple[float, float]]
    bounds: Mapping[str, tuple[float, float]]
    confidence: float
    correlation: NDArray[np.float64]
    residual_rms: tuple[float, ...]
    relative_rms: float
    reduced_chi2: float | None
    converged: bool
    adequate: bool
    undetermined: Mapping[str, str]
    at_bound: tuple[str, ...]
    profiled: tuple[str, ...]
    message: str
    fitted: tuple[NDArray[np.float64], ...]
    everything: Mapping[str, float]
    parameter_set: ParameterSet | None
    _weights: NDArray[np.float64]
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
        r"""Whether values lie together in the joint confidence region: those with hardly more misfit than the best.

        .. math:: S(p) \le S(\hat p) + q\,s^2\,F_{q,\,n-q}

        with q parameters that the n data determine. It needs no linear model (D. M. Bates and D. G. Watts,
        Nonlinear Regression Analysis and Its Applications, Wiley 1988, section 6.1). With a known sigma, chi2 takes
        the place of F.

        Parameters
        ----------
        **values : float
            One for each free parameter [SI].

        Returns
        -------
        bool
            Whether they do.
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
            loop_voltage=max(float(np.max(np.abs(r.waveform.at(r.time)))) for r in self.measured) or 1.0,
        )

    def plot(self, axes: Sequence[Axes] | None = None) -> NDArray[Any]:
        """Draw measured and fitted values, residuals below; see `devices.fitting.plot.plot_fit`."""
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


def conclude(
    model: DeviceModel | RetentionLaw,
    records: tuple[Measured, ...],
    start: Mapping[str, float],
    given: ParameterSet | None,
    problem: Problem,
    search: Search,
    best: Try,
    found: Inference,
    stated: Statement,
    confidence: float,
) -> Fit:
    """Return the result for the best of the optima, with what there is to say against it."""
    free, names = problem.free, problem.free.names
    prediction = problem.predictions(best.unit[None])[0]
    residuals = (prediction - problem.observed) * problem.weights
    misfit = float(residuals @ residuals)
    values = dict(zip(names, free.values(best.unit).tolist(), strict=True))
    bounds = {n: (float(free.lower[k]), float(free.upper[k])) for k, n in enumerate(names)}
    undetermined = {names[k]: stated.open[k] for k in sorted(stated.open)}
    intervals, simultaneous = (
        {n: bounds[n] if n in undetermined else (float(low[k]), float(high[k])) for k, n in enumerate(names)}
        for low, high in (free.values(ends.T) for ends in (stated.ends, stated.together))
    )
    at_bound = tuple(n for n, there in zip(names, walled(best.unit), strict=True) if there)
    fitted = tuple(np.split(prediction, np.cumsum([len(r) for r in records])[:-1]))
    rms = tuple(float(np.sqrt(np.mean((f - r.observed) ** 2))) for f, r in zip(fitted, records, strict=True))
    relative = float(np.sqrt(misfit)) / problem.signal
    reduced = misfit / found.dof if found.known else None
    adequate = relative < 1e-6 or noise_like(residuals)
    failed = "" if best.status > 0 and (found.stationary or search.settled) else best.message.strip(" .`")
    if not failed and stated.lower is not None:
        failed = "a lower misfit was met again and again near the optimum"
    if not failed and search.reached < min(2, search.followed):
        failed = f"only one of {search.followed} starts led to the best optimum"
    error = np.sqrt(np.diag(found.covariance))
    with np.errstate(invalid="ignore"):
        correlation = found.covariance / np.outer(error, error)
    correlation[list(found.open)] = correlation[:, list(found.open)] = np.nan
    profiled = tuple(names[k] for k in stated.profiled)
    short = np.any(walled(stated.ends), axis=1).tolist()
    cut = [n for n, there in zip(names, short, strict=True) if there and n not in undetermined and n not in at_bound]
    everything, moved = _within(model, {**start, **values})
    limit = misfit + stated.joint**2 * found.variance
    words = _words(failed, adequate, undetermined, at_bound, cut, moved, profiled, relative, reduced, residuals)
    return Fit(
        model, records, values, intervals, simultaneous, bounds, confidence,
        correlation, rms, relative, reduced, not failed, adequate, undetermined, at_bound, profiled, words, fitted,
        everything, given, problem.weights, problem.tolerance, limit,
    )  # fmt: skip


def _within(model: DeviceModel | RetentionLaw, everything: dict[str, float]) -> tuple[dict[str, float], list[str]]:
    """Return the values with starts within bounds that are parameters, and the states that had to move for it."""
    moved = []
    for state in model.states if isinstance(model, DeviceModel) else ():
        inside = float(np.clip(everything[state.name], *state.limits(everything)))
        if inside != everything[state.name]:
            everything[state.name] = inside
            moved.append(state.name)
    return everything, moved


def _words(
    failed: str,
    adequate: bool,
    undetermined: Mapping[str, str],
    at_bound: Sequence[str],
    cut: Sequence[str],
    moved: Sequence[str],
    profiled: Sequence[str],
    relative: float,
    chi2: float | None,
    residuals: NDArray[np.float64],
) -> str:
    parts = [f"not converged ({failed}); try more starts or other bounds" if failed else "converged"]
    parts += [f"{name} undetermined: {why}" for name, why in undetermined.items()]
    bound = [name for name in at_bound if name not in undetermined]
    parts += [f"{name} is at a bound of the search, and all intervals hold for it there only" for name in bound]
    parts += [f"interval of {name} is cut at a bound of the search" for name in cut]
    parts += [f"start of {name} moved into the fitted bounds" for name in moved]
    if profiled:
        parts.append(f"interval of {', '.join(profiled)} from the misfit itself, which is no parabola there")
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
