"""`tolerance`: how large a nonideality may be for a given accuracy, with its confidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from crossbar.sweeps.statistics import expansion, is_paired, output
from devices.common.errors import InputError
from devices.common.randomness import stream
from devices.common.validation import choice, number

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Tolerance", "tolerance"]

_RESAMPLES = 1000
_FEWEST = 3


@dataclass(frozen=True, eq=False)
class Tolerance:
    """The value of an axis at which an output crosses a target.

    Attributes
    ----------
    axis, name : str
        The axis and the output.
    target : float
        Value of the output that must be kept.
    falling : bool
        Whether the output falls as the axis grows. Then the tolerance is the largest value that keeps the target, else
        the smallest.
    level : float
        Confidence of the interval.
    result : xarray.Dataset
        ``value``, ``lower`` and ``upper`` over the other axes, in the unit of the axis. Infinite where the crossing
        lies beyond the values of the axis: ``inf`` above the last, ``-inf`` below the first.
    ends : tuple of float
        First and last value of the axis.
    """

    axis: str
    name: str
    target: float
    falling: bool
    level: float
    result: xr.Dataset
    ends: tuple[float, float]

    def __str__(self) -> str:
        return "\n".join(self.sentences())

    __repr__ = __str__

    def sentences(self) -> list[str]:
        """Return the tolerance at each point of the other axes, in words."""
        found = self.result
        others = list(found["value"].dims)
        lines = []
        for where in np.ndindex(found["value"].shape):
            point = ", ".join(f"{d} = {found[d].values[k]}" for d, k in zip(others, where, strict=True))
            value, lower, upper = (float(found[n].values[where]) for n in ("value", "lower", "upper"))
            lines.append(
                f"{point}: {self._sentence(value, lower, upper)}" if point else self._sentence(value, lower, upper)
            )
        return lines

    def _sentence(self, value: float, lower: float, upper: float) -> str:
        unit = self.result["value"].attrs.get("units", "")
        goal = f"{self.name} of {self.target:g}"
        if np.isnan(value):
            return f"{goal}: not known"
        interval = f"({100 * self.level:g} %: {self._end(lower)} to {self._end(upper)})"
        if np.isinf(value):
            kept = (value > 0.0) == self.falling
            text = f"{goal} is kept at all values of" if kept else f"{goal} is reached at no value of"
            return f"{text} {self.axis}" + (f" {interval}" if lower != upper else "")
        need = "at most" if self.falling else "at least"
        return f"{goal} needs {self.axis} {need} {value:.3g} {unit}".rstrip() + f" {interval}"

    def _end(self, value: float) -> str:
        if np.isinf(value):
            return f"below {self.ends[0]:g}" if value < 0.0 else f"beyond {self.ends[1]:g}"
        return f"{value:.3g}"


def tolerance(
    dataset: xr.Dataset,
    axis: str,
    target: float,
    *,
    name: str | None = None,
    level: float = 0.95,
    direction: Literal["auto", "falling", "rising"] = "auto",
    scale: Literal["auto", "linear", "log"] = "auto",
) -> Tolerance:
    """Return the value of an axis up to which, or from which on, an output keeps a target.

    The means over trials are replaced by the nearest monotone sequence (isotonic regression), between whose points the
    crossing is interpolated; its interval comes from means over resampled trials (the bootstrap of
    `confidence_interval`). Paired trials are
    resampled together, others at each point by themselves.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `sweep`, with at least three trials.
    axis : str
        An axis of numbers, such as a spread or a wire resistance.
    target : float
        Value of the output that must be kept, or exceeded.
    name : str, optional
        The output; the first one where not given.
    level : float, optional
        Confidence of the interval, between 0 and 1.
    direction : {"auto", "falling", "rising"}, optional
        Whether the output falls or rises along the axis; "auto" takes the one that fits better.
    scale : {"auto", "linear", "log"}, optional
        Interpolation over the values of the axis or their logarithms; "auto" takes these for positive values that span
        a factor of 20 or more.

    Returns
    -------
    Tolerance
        For each point of the other axes; prints as sentences.

    Raises
    ------
    InputError
        If the axis has no numbers or fewer than two values, or there are too few trials.

    Examples
    --------
    >>> from crossbar import Axis, sweep
    >>> def accuracy(rng, sigma):
    ...     return 0.95 - sigma**2 + 0.01 * rng.normal()
    >>> print(tolerance(sweep(accuracy, [Axis("sigma", (0.0, 0.1, 0.2, 0.4))], trials=20), "sigma", 0.9))
    accuracy of 0.9 needs sigma at most 0.225 (95 %: 0.219 to 0.231)
    """
    data = output(dataset, name)
    choice("axis", axis, [str(d) for d in data.dims if d != "trial"])
    target = number("target", target)
    level = number("level", level, minimum=0.0, maximum=1.0, open_minimum=True)
    choice("direction", direction, ("auto", "falling", "rising"))
    choice("scale", scale, ("auto", "linear", "log"))
    if data[axis].dtype.kind not in "iuf" or data.sizes[axis] < 2:
        raise InputError("axis", repr(axis), "an axis with two or more numbers")
    if data.sizes["trial"] < _FEWEST:
        raise InputError("trials", data.sizes["trial"], f"{_FEWEST} or more trials", "sweep(..., trials=10)")
    data = data.sortby(axis)
    x = data[axis].values.astype(float)
    if scale == "log" and x[0] <= 0.0:
        raise InputError("scale", "'log'", f"'linear' for an axis that starts at {x[0]:g}")
    logarithmic = scale == "log" or (scale == "auto" and x[0] > 0.0 and x[-1] >= 20.0 * x[0])
    others = [d for d in data.dims if d not in (axis, "trial")]
    values = data.transpose(*others, axis, "trial").values
    means = _means(values)
    falling = _falls(means) if direction == "auto" else direction == "falling"
    u = np.log(x) if logarithmic else x
    found = {n: np.full(means.shape[:-1], np.nan) for n in ("value", "lower", "upper")}
    paired = is_paired(dataset)
    for where in np.ndindex(means.shape[:-1]):
        known = ~np.isnan(means[where])  # values of the axis at which every trial failed are left out
        if known.sum() < 2:
            continue
        ends = _bootstrap(values[where][known], u[known], target, falling, level, paired)
        crossings = (_crossing(means[where][known], u[known], target, falling), *ends)
        for n, crossing in zip(found, crossings, strict=True):
            finite = np.isfinite(crossing) and logarithmic
            found[n][where] = np.exp(crossing) if finite else crossing
    result = data.isel({axis: 0, "trial": 0}, drop=True).to_dataset(name="value").assign(
        {n: (others, v) for n, v in found.items()}
    )  # fmt: skip
    for n in found:
        result[n].attrs = dict(data[axis].attrs)
    return Tolerance(axis, str(data.name), target, falling, level, result, (float(x[0]), float(x[-1])))


def _means(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    valid = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(valid, values, 0.0).sum(axis=-1) / valid.sum(axis=-1))


def _falls(means: np.ndarray[Any, Any]) -> bool:
    """Return whether falling sequences fit the means better than rising ones."""
    rows = [row[~np.isnan(row)] for row in means.reshape(-1, means.shape[-1]) if not np.isnan(row).all()]
    misfit = [sum(((_monotone(row, falling) - row) ** 2).sum() for row in rows) for falling in (True, False)]
    return bool(misfit[0] <= misfit[1])


def _monotone(means: np.ndarray[Any, Any], falling: bool) -> np.ndarray[Any, Any]:
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(means, increasing=not falling).x)


def _crossing(means: np.ndarray[Any, Any], u: np.ndarray[Any, Any], target: float, falling: bool) -> float:
    """Return the outermost place that keeps the target; infinite where all or none do."""
    y = _monotone(means, falling)
    if not falling:
        return -_crossing(y[::-1], -u[::-1], target, True)
    kept = int((y >= target).sum())
    if kept == y.size:
        return np.inf
    if kept == 0:
        return -np.inf
    share = (y[kept - 1] - target) / (y[kept - 1] - y[kept])
    return float(u[kept - 1] + share * (u[kept] - u[kept - 1]))


def _bootstrap(
    values: np.ndarray[Any, Any], u: np.ndarray[Any, Any], target: float, falling: bool, level: float, paired: bool
) -> tuple[float, float]:
    """Return the ends of the interval of the crossing."""
    points, trials = values.shape
    rng = stream(0, "tolerance")
    centre, wider = _means(values), expansion(trials, level)
    crossings = []
    for _ in range(_RESAMPLES):
        draw = rng.integers(trials, size=(1 if paired else points, trials))
        means = _means(np.take_along_axis(values, np.broadcast_to(draw, values.shape), axis=1))
        if not np.isnan(means).any():
            crossings.append(_crossing(centre + wider * (means - centre), u, target, falling))
    shares = [0.5 * (1.0 - level), 0.5 * (1.0 + level)]
    low, high = np.quantile(crossings, shares, method="inverted_cdf") if crossings else (np.nan, np.nan)
    return float(low), float(high)
