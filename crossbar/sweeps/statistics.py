"""Statistics over the trials of a sweep: confidence intervals, differences from a reference, axes without effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from crossbar.sweeps.results import DONE, FAILED
from devices.common.errors import InputError, MemductanceError
from devices.common.randomness import stream
from devices.common.validation import choice, number

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "SweepSummary",
    "confidence_interval",
    "expansion",
    "interval",
    "is_paired",
    "output",
    "select_point",
    "summarize_sweep",
]

_RESAMPLES = 2000


def output(dataset: xr.Dataset, name: str | None = None) -> xr.DataArray:
    """Return one number for each trial: the output `name`, the only or the first one where not given.

    Raises
    ------
    InputError
        If there is no such output, or it has several numbers for each trial.
    """
    axes = set(dataset["status"].dims)
    names = [str(n) for n in dataset.data_vars if n not in ("status", "error")]
    single = [n for n in names if set(dataset[n].dims) == axes]
    if name is not None and name in names and name not in single:
        extra = [str(d) for d in dataset[name].dims if d not in axes]
        raise InputError("name", repr(name), "an output that is one number", f"dataset.isel({extra[0]}=0)")
    if name is None and single:
        name = single[0]
    return dataset[choice("name", name, single)]


def is_paired(dataset: xr.Dataset) -> bool:
    """Return whether each trial had the same random numbers at every point."""
    return str(dataset.attrs.get("pairing", "")).startswith("the same")


def select_point(data: xr.DataArray, select: Mapping[str, Any]) -> xr.DataArray:
    """Return the part of an output at values, or labels, of some axes.

    Raises
    ------
    InputError
        If an axis is not there, or has no such value.
    """
    for axis, value in select.items():
        choice("axis", axis, [str(d) for d in data.dims if d != "trial"])
        known = data[axis].values
        texts = known.dtype.kind not in "biuf"
        wanted = str(value) if texts else value
        hits = np.flatnonzero(known == wanted) if texts else np.flatnonzero(np.isclose(known, value, rtol=1e-9, atol=0))
        if not hits.size:
            raise InputError(axis, repr(value), "one of " + ", ".join(str(v) for v in known))
        data = data.isel({axis: int(hits[0])})
    return data


def confidence_interval(
    dataset: xr.Dataset,
    name: str | None = None,
    *,
    level: float = 0.95,
    method: Literal["t", "bootstrap"] = "t",
    reference: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    r"""Return the mean over trials and its confidence interval at each point.

    With Student's t for :math:`n` trials of deviation :math:`s`, the interval is

    .. math:: \bar x \pm t_{n-1} \, s / \sqrt n

    The bootstrap takes quantiles of means over resampled trials, with their deviations expanded for few trials as
    Student's t asks for: T. Hesterberg, Am. Stat. 69, 371 (2015), doi 10.1080/00031305.2015.1089789.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `sweep`.
    name : str, optional
        The output; the first one where not given.
    level : float, optional
        Confidence, between 0 and 1.
    method : {"t", "bootstrap"}, optional
        How the interval is found.
    reference : mapping of str to value, optional
        Values of some axes. Then the result is the difference from the point with these values, trial by trial, which
        needs paired trials.

    Returns
    -------
    xarray.Dataset
        ``mean``, ``lower``, ``upper`` and ``trials``, the number of trials that did not fail. The ends are NaN for
        fewer than two trials.

    Raises
    ------
    InputError
        If the output or the reference is not there, or trials are not paired and a reference is given.
    """
    level = number("level", level, minimum=0.0, maximum=1.0, open_minimum=True)
    choice("method", method, ("t", "bootstrap"))
    data = output(dataset, name)
    if reference is not None:
        if not is_paired(dataset):
            raise InputError("reference", repr(dict(reference)), "none for trials that are not paired", "paired=True")
        data = data - select_point(data, reference).drop_vars(reference)
        data.attrs = output(dataset, name).attrs
    return interval(data, level=level, method=method)


def interval(data: xr.DataArray, *, level: float = 0.95, method: str = "t") -> xr.Dataset:
    """Return ``mean``, ``lower``, ``upper`` and ``trials`` of numbers over the dimension ``trial``."""
    import xarray as xr

    count = data.notnull().sum("trial")
    mean = data.mean("trial")
    if method == "t":
        from scipy.special import stdtrit

        with np.errstate(invalid="ignore", divide="ignore"):
            error = data.std("trial", ddof=1).where(count > 1) / np.sqrt(count)
            half = error * stdtrit(np.maximum(count - 1, 1), 0.5 * (1.0 + level))
        lower, upper = mean - half, mean + half
    else:
        size = data.sizes["trial"]
        draws = stream(0, "bootstrap").integers(size, size=(_RESAMPLES, size))
        values = data.transpose("trial", ...).values
        means = np.stack([_mean(values[draw]) for draw in draws])
        ends = np.quantile(means, [0.5 * (1.0 - level), 0.5 * (1.0 + level)], axis=0)
        wider = expansion(size, level)
        lower, upper = ((mean + wider * (mean.copy(data=end) - mean)).where(count > 1) for end in ends)
    found = xr.Dataset({"mean": mean, "lower": lower, "upper": upper, "trials": count})
    for variable in ("mean", "lower", "upper"):
        found[variable].attrs = dict(data.attrs)
    found.attrs = {"level": level, "method": method}
    return found


def expansion(trials: int, level: float) -> float:
    """Return the factor that expands deviations of resampled means, so that their quantiles suit few trials."""
    from scipy.special import ndtri, stdtrit

    quantile = 0.5 * (1.0 + level)
    return (
        float(stdtrit(trials - 1, quantile) / ndtri(quantile) * np.sqrt(trials / (trials - 1))) if trials > 1 else 1.0
    )


def _mean(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return means over the first axis without NaN; NaN where there is nothing else."""
    valid = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(valid, values, 0.0).sum(axis=0) / valid.sum(axis=0))


@dataclass(frozen=True)
class SweepSummary:
    """The state of a sweep in words.

    Attributes
    ----------
    done, failed, missing : int
        Numbers of trials.
    ranges : tuple of str
        Smallest and largest mean of each output.
    errors : tuple of str
        Each error with the number of trials that it ended, and the first point with it.
    unmoved : dict of str to str
        Axes that moved no output beyond the noise of the trials, each with the reason as far as it is known.
    """

    done: int
    failed: int
    missing: int
    ranges: tuple[str, ...]
    errors: tuple[str, ...]
    unmoved: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{self.done} trials done, {self.failed} failed, {self.missing} missing", *self.ranges]
        lines += [f"failed: {text}" for text in self.errors]
        return "\n".join(lines + [f"warning: {axis} moved nothing: {reason}" for axis, reason in self.unmoved.items()])

    __repr__ = __str__

    def raise_errors(self) -> None:
        """Raise `MemductanceError` if a trial failed."""
        if self.failed:
            total = self.done + self.failed + self.missing
            raise MemductanceError(f"{self.failed} of {total} trials failed: {self.errors[0]}")


def summarize_sweep(dataset: xr.Dataset, *, level: float = 0.95) -> SweepSummary:
    """Return how many trials are done and failed, with which errors, and which axes had no effect.

    An axis moved nothing where an analysis of variance tells its values from noise neither on the average over the
    other axes nor at any of their points; the level is shared by all these tests (Bonferroni).

    Parameters
    ----------
    dataset : xarray.Dataset
        From `sweep` or `load_sweep`.
    level : float, optional
        Confidence with which an effect is told from noise.

    Returns
    -------
    SweepSummary
        Prints as text.
    """
    status = dataset["status"]
    axes = [str(d) for d in status.dims if d != "trial"]
    names = [str(n) for n in dataset.data_vars if n not in ("status", "error")]
    ranges = []
    for name in names:
        mean = dataset[name].mean("trial")
        if mean.notnull().any():
            unit = dataset[name].attrs.get("units", "")
            ranges.append(f"{name}: {float(mean.min()):.4g} to {float(mean.max()):.4g} {unit}".rstrip())
    errors = []
    texts = dataset["error"].values
    for text in dict.fromkeys(texts[status.values == FAILED].tolist()):
        where = np.argwhere(texts == text)
        point = ", ".join(f"{axis} = {dataset[axis].values[k]}" for axis, k in zip(axes, where[0], strict=False))
        errors.append(f"{text} ({len(where)} trials, first at {point})")
    unmoved = {}
    unread = str(dataset.attrs.get("unread", "")).split()
    for axis in axes:
        reasons = [_why_unmoved(dataset[name], axis, level, is_paired(dataset)) for name in names]
        if reasons and all(reasons):
            parameters = [str(c) for c in dataset.coords if dataset[c].dims == (axis,)]
            idle = [p for p in parameters if p in unread]
            unmoved[axis] = f"evaluate does not read its argument {idle[0]}" if idle else str(reasons[0])
    return SweepSummary(
        int((status == DONE).sum()),
        int((status == FAILED).sum()),
        int(status.size - (status == DONE).sum() - (status == FAILED).sum()),
        tuple(ranges),
        tuple(errors),
        unmoved,
    )


def _why_unmoved(data: xr.DataArray, axis: str, level: float, paired: bool) -> str:
    """Return why an axis is said to have moved nothing; empty where it moved something or nothing can be said."""
    if data.sizes[axis] < 2 or not data.notnull().any():
        return ""
    first = data.isel({axis: 0}, drop=True)
    difference = (data - first).isel({axis: slice(1, None)})
    if not difference.notnull().any():
        return ""
    if float(np.abs(difference).max()) == 0.0:
        return "every trial gives the same number at all of its values; it has no part in this result"
    others = [d for d in data.dims if d not in (axis, "trial")]
    average = data.mean(others, skipna=False) if others else data
    tables = [average.transpose(axis, "trial").values[None]]
    if others:
        tables.append(data.transpose(*others, axis, "trial").values.reshape(-1, data.sizes[axis], data.sizes["trial"]))
    chances = [_chance(table, paired) for found in tables for table in found]
    known = [p for p in chances if not np.isnan(p)]
    if not known or min(known) < (1.0 - level) / len(known):
        return ""
    found = interval(average - average.isel({axis: 0}, drop=True), level=level)
    mean, upper = found["mean"].values, found["upper"].values
    where = int(np.nan_to_num(np.abs(mean)).argmax())
    effect = f"{mean[where]:+.2g} ± {upper[where] - mean[where]:.2g}"
    return f"its largest effect, {effect}, is within the noise of {int(found['trials'].max())} trials"


def _chance(table: np.ndarray[Any, Any], paired: bool) -> float:
    """Return the probability of differences as large as these between rows where none are; NaN if it is not known.

    F test of a two-way analysis of variance with trials as blocks where they are paired, else of a one-way one.
    """
    from scipy.special import fdtrc

    table = table[:, ~np.isnan(table).any(axis=0)]
    rows, trials = table.shape
    if trials < 2 or rows < 2:
        return np.nan
    means = table.mean(axis=1, keepdims=True)
    fitted = means + (table.mean(axis=0, keepdims=True) - table.mean() if paired else 0.0)
    freedom = (rows - 1) * (trials - 1) if paired else rows * (trials - 1)
    between = trials * float(((means - table.mean()) ** 2).sum()) / (rows - 1)
    within = float(((table - fitted) ** 2).sum()) / freedom
    if between <= 1e-24 * float((table**2).sum()):
        return 1.0
    return 0.0 if within <= 1e-24 * between else float(fdtrc(rows - 1, freedom, between / within))
