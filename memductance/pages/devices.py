"""Pages of device models in Markdown, their index, and pictures of loops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from devices.common.tables import markdown_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from devices import Device, DeviceModel
    from devices.parameters import Parameter, State

__all__ = ["STATUS_MEANING", "bounds_text", "index_page", "loop_figure", "model_page"]

#: Meaning of the status of a parameter set or an effect.
STATUS_MEANING = {
    "seen": "read in the named source",
    "recalled": "known to its authors from memory, not re-read",
    "code default": "a published program's default, no device fit",
    "ours": "chosen for this project",
}


def bounds_text(quantity: Parameter | State) -> str:
    """Return the bounds of a parameter or state as an interval, empty where it has none."""
    low, high = (b if isinstance(b, str) else f"{b:g}" for b in (quantity.lower, quantity.upper))
    if (low, high) == ("-inf", "inf"):
        return ""
    left = "(" if low == "-inf" or getattr(quantity, "open_lower", False) else "["
    excluded = " without 0" if getattr(quantity, "nonzero", False) else ""
    return f"{left}{low}, {high}{')' if high == 'inf' else ']'}{excluded}"


def loop_figure(cell: Device) -> Figure:
    """Simulate the typical loop of one device, or sweep one without states, and draw it on two current axes.

    Parameters
    ----------
    cell : Device
        One device.

    Returns
    -------
    matplotlib.figure.Figure
        Current against voltage, and the logarithm of its magnitude.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.0), layout="constrained")
    linear, logarithmic = figure.subplots(1, 2)
    wave = cell.loop()
    if cell.model.states and not cell.model.controls:
        from devices import plot_loop, simulate

        trace = simulate(cell, wave)
        plot_loop(trace, linear, color="C0")
        plot_loop(trace, logarithmic, log=True, color="C0")
        title = f"{wave.amplitude:g} V sine, {_quantity(wave.frequency, 'Hz')}"
    else:
        _draw_curves(cell, wave.amplitude, linear, logarithmic)
        title = "current-voltage curve"
    figure.suptitle(f"{cell.model.name}, set {cell.parameter_set.name}: {title}", fontsize="medium")
    return figure


def _quantity(value: float, unit: str) -> str:
    from devices.common.plotting import scaled

    factor, text = scaled(value, unit)
    return f"{factor * value:.3g} {text}"


def _draw_curves(cell: Device, peak: float, linear: Axes, logarithmic: Axes) -> None:
    """Draw the current-voltage curve at the start; for a device with a gate, one for each of three gate voltages."""
    import numpy as np

    from devices.common.plotting import scaled

    voltage = np.linspace(-peak, peak, 401)
    names = cell.control_names
    gates: list[Any] = [None]
    if names:
        gates = [peak * share * np.eye(len(names))[0] for share in (0.4, 0.7, 1.0)]
    curves = [cell.current(voltage, controls=c) for c in gates]
    factor, unit = scaled(curves, "A")
    for c, current in zip(gates, curves, strict=True):
        label = "" if c is None else f"{names[0]} {c[0]:g} V"
        linear.plot(voltage, factor * current, label=label)
        magnitude = np.where(current != 0.0, np.abs(current), np.nan)
        logarithmic.plot(voltage, factor * magnitude)
    if names:
        linear.legend(fontsize="small")
    logarithmic.set_yscale("log")
    linear.axhline(0, color="0.8", lw=0.8, zorder=0)
    linear.axvline(0, color="0.8", lw=0.8, zorder=0)
    for ax, label in ((linear, "current"), (logarithmic, "|current|")):
        ax.set_xlabel("voltage [V]")
        ax.set_ylabel(f"{label} [{unit}]")


def model_page(model: DeviceModel, picture: str) -> str:
    """Return the page of a model in Markdown, made from its declaration.

    Parameters
    ----------
    model : DeviceModel
        The declaration.
    picture : str
        Path of the picture of its loop, relative to the page.

    Returns
    -------
    str
        Text with formulas in the form that GitHub renders.
    """
    import sympy

    sets = model.parameter_sets
    unknowns = () if model.unknown is None else (model.unknown,)

    def symbol(quantity: Any) -> str:
        return f"${quantity.latex or sympy.latex(quantity.symbol)}$"

    def values(name: str) -> list[str]:
        return [f"{ {**s.values, **s.initial}[name]:.6g}" for s in sets]

    def unit(quantity: Any) -> str:
        return "" if quantity.unit == "1" else quantity.unit

    formulas = "\n\n".join(f"```math\n{line}\n```" for line in model.latex())
    others = [f"{symbol(c)} that of the {c.meaning}" for c in model.controls]
    others += [f"{symbol(u)} [{u.unit}] the {u.meaning}, which the equation of 0 gives" for u in unknowns]
    if len(model.equations()) > 1 + len(model.states) + len(unknowns):
        others.append(r"$u_1, u_2, \dots$ parts that a law repeats")
    names = [f"`{s.name}`" for s in sets]
    parts = [
        f"# {model.name}",
        model.title + ".",
        formulas,
        "$v$ is the voltage [V] from the top to the bottom electrode, $i$ the current [A]"
        + "".join(f", {text}" for text in others)
        + ".",
        f"![Loop of {model.name}]({picture})",
    ]
    if model.states:
        rows = [[s.name, symbol(s), unit(s), bounds_text(s), s.meaning, *values(s.name)] for s in model.states]
        starts = [f"start, {n}" for n in names]
        parts += ["## States", markdown_table(["name", "symbol", "unit", "bounds", "meaning", *starts], rows)]
    rows = [[p.name, symbol(p), unit(p), bounds_text(p), p.meaning, *values(p.name)] for p in model.parameters]
    parts += ["## Parameters", markdown_table(["name", "symbol", "unit", "bounds", "meaning", *names], rows)]
    rows = [[n, f"{s.status}: {STATUS_MEANING[s.status]}", s.source, s.note] for n, s in zip(names, sets, strict=True)]
    parts += ["## Sets", markdown_table(["set", "status", "source", "note"], rows)]
    parts += ["## Validity", model.validity, "## References", "\n".join(f"- {text}" for text in model.references)]
    parts += ["## Use", f"```python\n{_example(model)}\n```"]
    return "\n\n".join(parts) + "\n"


def _example(model: DeviceModel) -> str:
    if model.states and not model.controls:
        other = (
            f'  # or device("{model.name}", "{model.parameter_sets[-1].name}")' if len(model.parameter_sets) > 1 else ""
        )
        lines = [f'cell = device("{model.name}"){other}', "simulate(cell, cell.loop()).plot()"]
        return "\n".join(["from devices import device, simulate", "", *lines])
    gates = f", controls={[1.0] + [0.0] * (len(model.controls) - 1)}" if model.controls else ""
    return f'from devices import device\n\ndevice("{model.name}").current([0.1, 0.2]{gates})'


def index_page(found: Mapping[str, DeviceModel], pictures: str) -> str:
    """Return the index of all pages in Markdown.

    Parameters
    ----------
    found : mapping of str to DeviceModel
        The models.
    pictures : str
        Folder of the pictures, relative to the index.

    Returns
    -------
    str
        A table with a row for each model.
    """
    import sympy

    rows = [
        [
            f"[{name}]({name}.md)",
            model.title,
            ", ".join(s.name for s in model.states),
            ", ".join(f"{s.name} ({s.status})" for s in model.parameter_sets),
            f'<img src="{pictures}/{name}.png" width="300" alt="Loop of {name}">',
        ]
        for name, model in found.items()
    ]
    parts = [
        "# Device models",
        "One page for each model, made from its declaration by `python docs/make_models.py`; formulas by SymPy "
        f"{sympy.__version__}. In a terminal, `memductance devices` lists the models and `memductance devices NAME` "
        "shows one.",
        "Formulas leave out numerical safeguards: caps on exponents, series near removable singularities. "
        "$\\mathrm{step}$ is 0 below zero and 1 above.",
        "Status of a set: " + "; ".join(f"*{name}*, {text}" for name, text in STATUS_MEANING.items()) + ".",
        markdown_table(["model", "description", "states", "sets", "loop of the first set"], rows),
    ]
    return "\n\n".join(parts) + "\n"
