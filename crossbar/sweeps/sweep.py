"""Accuracy over nonidealities: an evaluation over labelled axes and trials.

The seed of a point depends on the point alone, so that neither the order nor the number of workers matters.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from crossbar.sweeps.point import Axis, point_seed
from devices.common.errors import InputError
from devices.common.validation import finite_array, integer

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["sweep"]


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
        The parameters that vary.
    trials : int, optional
        Evaluations at each point, each with a generator of its own.
    seed : int, optional
        Seed of the whole sweep.
    name : str, optional
        Name of the number.
    progress : bool, optional
        Show a progress bar on stderr.

    Returns
    -------
    xarray.Dataset
        Variable `name` with one dimension for each axis and ``trial``; its attributes are units, names, the seed, and
        the versions of memductance, numpy and scipy.

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
