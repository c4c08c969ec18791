"""Accuracy over nonidealities: an evaluation over labelled axes and trials.

Stores, resuming and executors join here; the seed of a point already depends on the point alone, so that neither the
order nor the number of workers will matter.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from devices.common.errors import InputError
from devices.common.validation import finite_array, integer

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["Axis", "plot_map", "point_seed", "sweep"]


@dataclass(frozen=True)
class Axis:
    """A swept parameter.

    Parameters
    ----------
    name : str
        Argument of the evaluated function, and dimension of the result.
    values : sequence of float
        Its values.
    unit : str, optional
        Unit for labels.
    long_name : str, optional
        Words for labels; the name where not given.
    """

    name: str
    values: Sequence[float]
    unit: str = ""
    long_name: str = ""


def point_seed(seed: int, point: dict[str, float], trial: int) -> np.random.Generator:
    """Return the generator of one trial at one point: a function of the seed, the point's values and the trial only."""
    text = json.dumps([seed, sorted((k, float(v).hex()) for k, v in point.items()), trial])
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(np.random.SeedSequence(int.from_bytes(digest[:16], "big")))


def sweep(
    evaluate: Callable[..., float],
    axes: Sequence[Axis],
    *,
    trials: int = 1,
    seed: int = 0,
    name: str = "accuracy",
    progress: bool = False,
) -> xr.Dataset:
    """Evaluate a function over the product of axes, several times at each point.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(rng, **point)`` returns one number.
    axes : sequence of Axis
        What varies.
    trials : int, optional
        Evaluations at each point, each with a generator of its own.
    seed : int, optional
        Seed of the whole sweep.
    name : str, optional
        What the number is.
    progress : bool, optional
        Show a progress bar on stderr.

    Returns
    -------
    xarray.Dataset
        Variable `name` with one dimension for each axis and ``trial``; units and names as attributes, and what a reader
        needs to repeat it.

    Raises
    ------
    InputError
        If there is no axis, or an axis is empty, not finite or named twice.
    """
    import xarray as xr
    from tqdm.auto import tqdm

    integer("trials", trials, minimum=1)
    integer("seed", seed, minimum=0)
    names = [a.name for a in axes]
    if not names or len(set(names)) != len(names):
        raise InputError("axes", f"names {names}", "one or more axes with different names")
    values = [finite_array(a.name, a.values, unit=a.unit, shape=("values",)) for a in axes]
    result = np.empty((*(v.size for v in values), trials))
    points = list(itertools.product(*(enumerate(v) for v in values)))
    with tqdm(total=result.size, disable=not progress, desc=name, leave=False) as bar:
        for point in points:
            where = tuple(k for k, _ in point)
            at = {n: float(v) for n, (_, v) in zip(names, point, strict=True)}
            for trial in range(trials):
                result[(*where, trial)] = evaluate(point_seed(seed, at, trial), **at)
                bar.update()
    coordinates: dict[str, Any] = {
        a.name: (a.name, v, {"units": a.unit, "long_name": a.long_name or a.name})
        for a, v in zip(axes, values, strict=True)
    }
    coordinates["trial"] = ("trial", np.arange(trials), {"long_name": "trial"})
    provenance = {"seed": seed, **{f"{n}_version": version(n) for n in ("memductance", "numpy", "scipy")}}
    return xr.Dataset({name: ((*names, "trial"), result, {"long_name": name})}, coordinates, provenance)


def plot_map(dataset: xr.Dataset, ax: Axes | None = None, *, name: str = "accuracy") -> Axes:
    """Draw a sweep over two axes as a map: mean over trials, with the standard deviation below it.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `sweep`, with two axes; the first runs upward, the second to the right.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure where not given.
    name : str, optional
        Which variable.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    if ax is None:
        from matplotlib.pyplot import subplots

        ax = subplots(figsize=(5.5, 3.8), layout="constrained")[1]
    data = dataset[name]
    up, right = (d for d in data.dims if d != "trial")
    mean, deviation = 100 * data.mean("trial").values, 100 * data.std("trial").values
    image = ax.imshow(mean, origin="lower", aspect="auto", cmap="viridis")
    low, high = image.get_clim()
    for (k, m), value in np.ndenumerate(mean):
        dark = value < low + 0.6 * (high - low)
        text = f"{value:.1f}" + (f"\n± {deviation[k, m]:.1f}" if data.sizes["trial"] > 1 else "")
        ax.text(m, k, text, ha="center", va="center", fontsize="small", color="white" if dark else "black")
    for axis, dimension in ((ax.yaxis, up), (ax.xaxis, right)):
        attributes = dataset[dimension].attrs
        unit = f" [{attributes['units']}]" if attributes["units"] else ""
        axis.set_ticks(range(dataset.sizes[dimension]), [f"{v:g}" for v in dataset[dimension].values])
        axis.set_label_text(attributes["long_name"] + unit)
    ax.figure.colorbar(image, ax=ax, label=f"{data.attrs['long_name']} [%]")
    return ax
