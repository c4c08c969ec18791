"""Pictures of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devices.common.plotting import axes_or_new

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["plot_map"]


def plot_map(dataset: xr.Dataset, ax: Axes | None = None, *, name: str = "accuracy") -> Axes:
    """Draw a sweep over two axes as a map: mean over trials, with the standard deviation below it.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `sweep`, with two axes; the first runs upward, the second to the right.
    ax : matplotlib.axes.Axes, optional
        Axes to draw on; a new figure where not given.
    name : str, optional
        Variable of the dataset.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    ax = axes_or_new(ax, figsize=(5.5, 3.8))
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
