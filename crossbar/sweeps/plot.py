"""Pictures of a sweep: curves with their confidence, maps over two axes, and tolerances."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from crossbar.sweeps.statistics import confidence_interval, interval, is_paired, output, select_point
from crossbar.sweeps.tolerance import Tolerance, tolerance
from devices.common.errors import InputError
from devices.common.plotting import axes_or_new
from devices.common.validation import choice

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_map", "plot_sweep", "plot_tolerance"]

_MOST_NUMBERS = 150  # cells of a map that are labelled
_TITLE_WIDTH = 60  # letters on a line
_MOST_TRIALS = 30  # trials that are drawn one by one


def plot_sweep(
    dataset: xr.Dataset,
    ax: Axes | None = None,
    *,
    x: str | None = None,
    lines: str | None = None,
    name: str | None = None,
    select: Mapping[str, Any] | None = None,
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> Axes:
    """Draw an output over an axis: its mean with the confidence interval, and each trial where there is one curve.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `sweep`.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure where not given.
    x : str, optional
        The axis to the right; the first one where not given. A parameter of a design is drawn as points.
    lines : str, optional
        An axis with a curve for each value.
    name : str, optional
        The output; the first one where not given.
    select : mapping of str to value, optional
        Values of further axes. The output is averaged over axes that are neither drawn nor selected; the title says so.
    reference : mapping of str to value, optional
        Draw differences from the point with these values of some axes, trial by trial; see `confidence_interval`.
    level : float, optional
        Confidence of the interval.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    data, title = _reduced(dataset, name, select, reference, level)
    dims = [str(d) for d in data.dims if d != "trial"]
    x = dims[0] if x is None else choice("x", x, _drawable(data))
    along = str(data[x].dims[0])
    if lines is not None:
        choice("lines", lines, [d for d in dims if d != along])
    data, title = _averaged(data, [d for d in dims if d not in (along, lines)], title)
    ax = axes_or_new(ax, figsize=(5.5, 3.8))
    if data[x].dtype.kind in "iuf":
        data = data.sortby(x)
    places, ticks = _places(data, x)
    curves = [data] if lines is None else [data.isel({lines: k}) for k in range(data.sizes[lines])]
    if lines is not None and data[lines].dtype.kind in "iuf":
        curves.sort(key=lambda curve: float(curve[lines]))
    for k, curve in enumerate(curves):
        color = f"C{k % 10}" if len(curves) <= 10 else _shade(k / (len(curves) - 1))
        found = interval(curve, level=level)
        text = None if lines is None else f"{_text(curve[lines].values[()])} {_unit(curve[lines])}".strip()
        if len(curves) == 1 and 1 < curve.sizes["trial"] <= _MOST_TRIALS and x == along:
            ax.plot(places, curve.transpose(along, "trial"), color=color, linewidth=0.5, alpha=0.35)
        if x == along:
            ax.plot(places, found["mean"], "o-", color=color, markersize=4, label=text)
            ax.fill_between(places, found["lower"], found["upper"], color=color, alpha=0.2, linewidth=0)
        else:
            half = (found["upper"] - found["mean"]).fillna(0.0)
            ax.errorbar(places, found["mean"], half, fmt="o", color=color, markersize=4, label=text)
    _label_axis(ax.xaxis, data, x, places, ticks)
    if ticks is not None:
        ax.margins(x=0.1)
    elif _is_logarithmic(places):
        ax.set_xscale("log")
    ax.set_ylabel(_label(data))
    _set_title(ax, title)
    if lines is not None:
        ax.legend(title=_label(data[lines]), fontsize="small", title_fontsize="small")
    return ax


def plot_map(
    dataset: xr.Dataset,
    ax: Axes | None = None,
    *,
    name: str | None = None,
    x: str | None = None,
    y: str | None = None,
    select: Mapping[str, Any] | None = None,
    reference: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> Axes:
    """Draw an output over two axes as a map: mean over trials, with half the width of its confidence interval below.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `sweep`; one axis alone becomes a map of one row.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure where not given.
    name : str, optional
        The output; the first one where not given.
    x, y : str, optional
        The axes to the right and upward; of those that are left, the second and the first where not given.
    select : mapping of str to value, optional
        Values of further axes. The output is averaged over axes that are neither drawn nor selected; the title says so.
    reference : mapping of str to value, optional
        Draw differences from the point with these values of some axes, trial by trial; see `confidence_interval`.
    level : float, optional
        Confidence of the interval.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    data, title = _reduced(dataset, name, select, reference, level)
    dims = [str(d) for d in data.dims if d != "trial"]
    free = [d for d in dims if d not in (x, y)]
    if y is None and len(dims) > 1:
        y = free.pop(0)
    if x is None:
        x = free.pop(0)
    for axis, given in (("x", x), ("y", y)):
        if given is not None:
            choice(axis, given, dims)
    if x == y:
        raise InputError("y", repr(y), "another axis than x")
    data, title = _averaged(data, [d for d in dims if d not in (x, y)], title)
    for axis in (a for a in (x, y) if a is not None):
        if data[axis].dtype.kind in "iuf":
            data = data.sortby(axis)
    if y is None:
        y = ""
        data = data.expand_dims({y: [""]})
    ax = axes_or_new(ax, figsize=(5.5, 3.8))
    found = interval(data.transpose(y, x, "trial"), level=level)
    mean, half = found["mean"].values, (found["upper"] - found["mean"]).values
    difference = reference is not None and np.isfinite(mean).any()
    most = float(np.nanmax(np.abs(mean))) if difference else 0.0
    image = ax.imshow(mean, origin="lower", aspect="auto", cmap="RdBu" if difference else "viridis")
    if difference:
        image.set_clim(-most, most)
    low, high = map(float, image.get_clim())
    if mean.size <= _MOST_NUMBERS:
        digits = _digits(mean, half)
        for (k, m), value in np.ndenumerate(mean):
            share = 0.5 if high == low else (value - low) / (high - low)
            dark = (share < 0.2 or share > 0.8) if difference else share < 0.6
            text = "failed" if np.isnan(value) else f"{value:.{digits}f}"
            text += f"\n± {half[k, m]:.{digits}f}" if np.isfinite(half[k, m]) else ""
            color = "black" if np.isnan(value) or not dark else "white"
            ax.text(m, k, text, ha="center", va="center", fontsize="small", color=color)
    for side, dimension in ((ax.yaxis, y), (ax.xaxis, x)):
        ticks = [_text(v) for v in data[dimension].values]
        _label_axis(side, data, dimension, np.arange(len(ticks)), ticks)
    ax.figure.colorbar(image, ax=ax, label=_label(data))
    _set_title(ax, title)
    return ax


def plot_tolerance(
    dataset: xr.Dataset,
    axis: str,
    target: float,
    ax: Axes | None = None,
    *,
    lines: str | None = None,
    name: str | None = None,
    select: Mapping[str, Any] | None = None,
    **options: Any,
) -> Axes:
    """Draw an output over an axis, and where it crosses a target, with the confidence of both.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `sweep`.
    axis : str
        An axis of numbers.
    target : float
        Value of the output that must be kept.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure where not given.
    lines : str, optional
        An axis with a curve for each value.
    name, select : optional
        As for `plot_sweep`.
    **options
        Further arguments of `tolerance`: level, direction, scale.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    level = options.get("level", 0.95)
    ax = plot_sweep(dataset, ax, x=axis, lines=lines, name=name, select=select, level=level)
    data, _ = _reduced(dataset, name, select, None, level)
    data, _ = _averaged(data, [str(d) for d in data.dims if d not in (axis, lines, "trial")], [])
    reduced = data.to_dataset(name=str(data.name))
    reduced["status"] = (data.dims, np.ones(data.shape, dtype=np.int8))
    reduced.attrs = dataset.attrs
    found: Tolerance = tolerance(reduced, axis, target, name=str(data.name), **options)
    result = found.result.sortby(lines) if lines and found.result[lines].dtype.kind in "iuf" else found.result
    ax.axhline(target, color="0.4", linewidth=0.8, linestyle="--")
    rows = [result] if lines is None else [result.isel({lines: k}) for k in range(result.sizes[lines])]
    left, right = ax.get_xlim()
    for k, row in enumerate(rows):
        value, lower, upper = (float(row[n]) for n in ("value", "lower", "upper"))
        color = f"C{k % 10}" if len(rows) <= 10 else _shade(k / (len(rows) - 1))
        if np.isfinite(value):
            ax.axvspan(max(lower, left), min(upper, right), color=color, alpha=0.12, linewidth=0)
            ax.axvline(value, color=color, linewidth=1.2)
    ax.set_xlim(left, right)
    shown = found.sentences()[:1] if lines is None else []
    _set_title(ax, shown + [t for t in [ax.get_title(loc="left")] if t])
    return ax


def _reduced(
    dataset: xr.Dataset,
    name: str | None,
    select: Mapping[str, Any] | None,
    reference: Mapping[str, Any] | None,
    level: float,
) -> tuple[xr.DataArray, list[str]]:
    """Return the trials of an output at selected values, and the parts of a title that say so."""
    data = output(dataset, name)
    confidence_interval(dataset.isel(trial=slice(0, 1)), name, level=level)  # checks the level
    title = []
    if reference is not None:
        if not is_paired(dataset):
            raise InputError("reference", repr(dict(reference)), "none for trials that are not paired", "paired=True")
        attributes = data.attrs
        data = (data - select_point(data, reference).drop_vars(reference)).rename(data.name)
        data.attrs = {**attributes, "long_name": f"difference in {attributes.get('long_name', data.name)}"}
        title.append("Difference from " + _point(dataset, reference))
    if select:
        data = select_point(data, select)
        title.append(_point(dataset, select))
    return data, title


def _point(dataset: xr.Dataset, point: Mapping[str, Any]) -> str:
    return ", ".join(f"{axis} = {_text(value)} {_unit(dataset[axis])}".strip() for axis, value in point.items())


def _averaged(data: xr.DataArray, rest: list[str], title: list[str]) -> tuple[xr.DataArray, list[str]]:
    """Return the mean over the axes that are not drawn, and the title with their names."""
    if not rest:
        return data, title
    attributes, name = data.attrs, data.name
    data = data.mean(rest, skipna=False).rename(name)  # a mean over what did not fail would not compare
    data.attrs = attributes
    return data, [*title, "Average over " + ", ".join(rest)]


def _drawable(data: xr.DataArray) -> list[str]:
    return [str(c) for c in data.coords if data[c].dims and data[c].dims != ("trial",)]


def _places(data: xr.DataArray, x: str) -> tuple[np.ndarray[Any, Any], list[str] | None]:
    """Return where the values of an axis are drawn, and their labels if they are no numbers."""
    values = data[x].values
    if values.dtype.kind in "iuf":
        return values.astype(float), None
    return np.arange(len(values), dtype=float), [_text(v) for v in values]


def _is_logarithmic(places: np.ndarray[Any, Any]) -> bool:
    wide = len(places) > 2 and places.min() > 0.0 and places.max() >= 20.0 * places.min()
    return bool(wide and np.median(places) < 0.35 * places.max())


def _label_axis(
    axis: Any, data: xr.DataArray, name: str, places: np.ndarray[Any, Any], ticks: list[str] | None
) -> None:
    if ticks is not None:
        axis.set_ticks(places, ticks)
        if axis.axis_name == "x" and max(map(len, ticks)) * len(ticks) > 60:
            for text in axis.get_ticklabels():
                text.set(rotation=30, ha="right", rotation_mode="anchor")
    axis.set_label_text(_label(data[name]) if name else "")


def _label(data: xr.DataArray) -> str:
    """Return the name of a quantity, capitalised, with its unit."""
    text = str(data.attrs.get("long_name") or data.name)
    unit = _unit(data)
    return text[:1].upper() + text[1:] + (f" [{unit}]" if unit else "")


def _unit(data: xr.DataArray) -> str:
    unit = str(data.attrs.get("units", ""))
    return "" if unit == "1" else unit


def _text(value: Any) -> str:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return str(value)
    return f"{float(value):.4g}"


def _digits(mean: np.ndarray[Any, Any], half: np.ndarray[Any, Any]) -> int:
    """Return the decimals that show two digits of the usual interval, or four of the values without intervals."""
    known = half[np.isfinite(half) & (half > 1e-9 * np.nanmax(np.abs(mean), initial=0.0))]
    sizes = np.abs(mean[np.isfinite(mean) & (mean != 0.0)])
    if known.size:
        return int(np.clip(1 - np.floor(np.log10(np.median(known))), 0, 6))
    return int(np.clip(3 - np.floor(np.log10(sizes.max())), 0, 6)) if sizes.size else 0


def _shade(share: float) -> Any:
    import matplotlib as mpl

    return mpl.colormaps["viridis"](0.9 * share)


def _set_title(ax: Axes, parts: list[str]) -> None:
    if parts:
        lines = (line for part in parts for line in part.split("\n"))
        wrapped = (short for line in lines for short in wrap(line, _TITLE_WIDTH))
        ax.set_title("\n".join(wrapped), fontsize="small", loc="left")
