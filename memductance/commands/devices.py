"""``memductance devices`` and ``iv``: the models with their equations and sources, and the loops of devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from devices.common.errors import InputError
from devices.common.files import write_whole
from memductance.commands._options import Amplitude, Cycles, Frequency, Param, Set, assignments, loop
from memductance.commands._shared import Json, Out, Result, Seed, command

if TYPE_CHECKING:
    from devices import DeviceModel

__all__ = ["devices", "iv"]


def devices(
    name: Annotated[str | None, typer.Argument(help="Registered model; all models where not given.")] = None,
    set_: Annotated[str | None, typer.Option("--set", help="Parameter set whose loop is drawn (needs --out).")] = None,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """List the device models, or show one: equations, parameters with units, sources, and its loop (--out)."""
    with command(out, as_json) as result:
        if name is None and set_ is not None:
            raise InputError("--set", repr(set_), "with the NAME of a model", "memductance devices vteam --set magic")
        if name is None:
            _list(result)
        else:
            _show(result, name, set_)


def _list(result: Result) -> None:
    from devices import models

    found = models()
    result.figures = {"models": [dict(zip(found.columns, row, strict=True)) for row in found.rows()]}
    for entry in result.figures["models"]:
        entry["states"] = [s.name for s in found[entry["name"]].states]
        entry["sets"] = {s.name: s.status for s in found[entry["name"]].parameter_sets}
    if not result.as_json:
        table = Table()
        for head in ("name", "title", "states", "sets", "year"):
            table.add_column(head, overflow="fold", no_wrap=head == "name")
        for row in found.rows():
            table.add_row(*map(Text, row[:5]))
        result.console.print(table)
        result.console.print("memductance devices NAME shows one of them", style="dim", highlight=False)
    path = result.path("devices.csv")
    if path is not None:
        write_whole(path, found.to_frame().to_csv(index=False), "--out")


def _show(result: Result, name: str, chosen: str | None) -> None:
    from devices import device

    cell = device(name, chosen)
    result.figures = _as_data(cell.model)
    if not result.as_json:
        _print_model(result.console, cell.model)
    if result.out is not None:
        from memductance.pages.devices import loop_figure

        result.save_figure(f"{name}.png", loop_figure(cell))


def _equations(model: DeviceModel) -> dict[str, Any]:
    """Return each law by the quantity that it gives."""
    current, rates, residual = model.written
    laws = {"i": current}
    laws |= {f"d{s.name}/dt": law for s, law in zip(model.states, rates, strict=True)}
    laws |= {str(part.letter): part.law for part in model.parts}
    return laws if residual is None else {**laws, "0": residual}


def _as_data(model: DeviceModel) -> dict[str, Any]:
    from memductance.pages.devices import bounds_text

    unknowns = () if model.unknown is None else (model.unknown,)
    return {
        "name": model.name,
        "title": model.title,
        "terminals": [*model.terminals, *(c.name for c in model.controls)],
        "equations": {left: str(law) for left, law in _equations(model).items()},
        "latex": model.latex(),
        "states": [
            {"name": s.name, "unit": s.unit, "bounds": bounds_text(s), "meaning": s.meaning} for s in model.states
        ],
        "parameters": [
            {"name": p.name, "unit": p.unit, "bounds": bounds_text(p), "meaning": p.meaning} for p in model.parameters
        ],
        "unknowns": [{"name": u.name, "unit": u.unit, "meaning": u.meaning} for u in unknowns],
        "sets": {
            s.name: {
                "status": s.status,
                "source": s.source,
                "note": s.note,
                "values": dict(s.values),
                "initial": dict(s.initial),
            }
            for s in model.parameter_sets
        },
        "validity": model.validity,
        "references": list(model.references),
    }


def _print_model(console: Console, model: DeviceModel) -> None:
    console.print(Text(f"{model.name}: {model.title}", style="bold"))
    for left, law in model.equations():
        console.print()
        console.print(Text(_formula(left, law, console.width)), soft_wrap=True)
    console.print()
    parts = "; u_1, u_2, ...: parts that a law repeats" if any(left == "u_1" for left, _ in model.equations()) else ""
    letters = f"i: current [A]; v: voltage from the top to the bottom electrode [V]{parts}"
    console.print(Text(letters, style="dim"))
    console.print(_quantities(model))
    if model.states:
        console.print(Text("above the line: states, with their values at the start", style="dim"))
    sets = [f"{given.name} ({given.status}): {given.source}. {given.note}".rstrip() for given in model.parameter_sets]
    for head, texts in (("sets", sets), ("validity", [model.validity]), ("references", model.references)):
        console.print(Text(f"\n{head}", style="bold"))
        for text in texts:
            console.print(Padding(Text(text), (0, 0, 0, 2), expand=False))


def _quantities(model: DeviceModel) -> Table:
    """Return the table of states, parameters and further quantities, with a column for each set."""
    from memductance.pages.devices import bounds_text

    table = Table()
    sets = model.parameter_sets
    for head in ("name", "unit", "bounds", "meaning"):
        table.add_column(head, overflow="fold", no_wrap=head == "name")
    for given in sets:
        table.add_column(f"{given.name}\n({given.status})", justify="right", overflow="fold")
    for quantities in (model.states, model.parameters):
        for q in quantities:
            values = [f"{ {**s.values, **s.initial}[q.name]:.6g}" for s in sets]
            table.add_row(*map(Text, (q.name, "" if q.unit == "1" else q.unit, bounds_text(q), q.meaning, *values)))
        table.add_section()
    for quantity in (*model.controls, *(() if model.unknown is None else (model.unknown,))):
        table.add_row(*map(Text, (quantity.name, getattr(quantity, "unit", "V"), "", quantity.meaning)))
    return table


def _formula(left: str, law: Any, width: int) -> str:
    """Typeset a law: on one line, or a line for each term of a sum; as code where even a term is too wide."""
    import sympy
    from sympy.printing.pretty.pretty import PrettyPrinter
    from sympy.printing.pretty.stringpict import prettyForm

    from devices.formulas import PositiveFirst

    class Plain(PositiveFirst, PrettyPrinter):
        """Symbols are printed by their names, as in the table of parameters."""

        def _print_Symbol(self, symbol: sympy.Symbol, bold_name: bool = False) -> Any:
            return prettyForm(symbol.name)

    printer = Plain({"use_unicode": True, "wrap_line": False})
    whole = printer._print(law)
    forms = [prettyForm(*whole.left(f"{left} = "))]
    if forms[0].width() > width - 2 and law.is_Add:
        forms = [prettyForm(f"{left} =")]
        for term in printer._as_ordered_terms(law):
            negative = term.could_extract_minus_sign()
            sign = "- " if negative else "+ " if len(forms) > 1 else "  "
            forms.append(prettyForm(*printer._print(-term if negative else term).left(f"  {sign}")))
    if max(form.width() for form in forms) > width - 2:
        return f"  {left} = {law}"
    return "\n".join(f"  {line}".rstrip() for form in forms for line in form.s.splitlines())


def iv(
    model: Annotated[str, typer.Argument(help="Registered model, e.g. vteam.")],
    set_: Set = None,
    param: Param = None,
    amplitude: Amplitude = 1.0,
    frequency: Frequency = 0.0,
    cycles: Cycles = 2.0,
    spread: Annotated[
        list[str] | None, typer.Option(help="PARAMETER=SIGMA: lognormal device-to-device spread; may be repeated.")
    ] = None,
    cells: Annotated[int, typer.Option(help="Number of cells where a spread is given.", min=1)] = 20,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Simulate the current-voltage loop of a device, or of an ensemble with spread."""
    with command(out, as_json) as result:
        import numpy as np

        from devices import Lognormal, plot_loop, simulate
        from devices.registry import get_model

        values: dict[str, Any] = dict(assignments("--param", param))
        spreads = assignments("--spread", spread)
        rng = np.random.default_rng(seed)
        for name, sigma in spreads.items():
            centre = {**get_model(model).parameter_set(set_).values, **values}
            if name not in centre:
                from devices.common.validation import choice

                choice("--spread", name, centre)
            values[name] = Lognormal(sigma).apply(np.full(cells, centre[name]), rng)
        cell, wave = loop(model, set_, values, amplitude, frequency, cycles)
        trace = simulate(cell, wave)
        given = cell.parameter_set
        result.figures = {
            "model": model,
            "set": given.name,
            "source": given.source,
            "status": given.status,
            "frequency_hz": wave.frequency,
            "amplitude_v": amplitude,
            "cells": int(np.prod(cell.shape)),
            "peak_current_a": float(np.abs(trace.current).max()),
            "state_lowest": trace.state.min(axis=tuple(range(trace.state.ndim - 1))),
            "state_highest": trace.state.max(axis=tuple(range(trace.state.ndim - 1))),
        }
        table = Table(title=cell.model.title, show_header=False)
        table.add_row("set", f"{given.name} ({given.status}): {given.source}")
        table.add_row("drive", f"{amplitude:g} V sine at {wave.frequency:.4g} Hz, {cycles:g} periods")
        table.add_row("peak current", f"{result.figures['peak_current_a']:.6g} A")
        for k, state in enumerate(cell.model.states):
            low, high = trace.state[..., k].min(), trace.state[..., k].max()
            table.add_row(f"state {state.name}", f"{low:.6g} ... {high:.6g} {'' if state.unit == '1' else state.unit}")
        if not as_json:
            result.console.print(table)
        if out is not None:
            from matplotlib.figure import Figure

            picture = Figure(figsize=(9, 4), layout="constrained")
            linear, logarithmic = picture.subplots(1, 2)
            style: dict[str, Any] = {"alpha": 0.5, "lw": 0.8} if cell.shape else {}
            plot_loop(trace, linear, color="C0", **style)
            plot_loop(trace, logarithmic, log=True, color="C0", **style)
            picture.suptitle(cell.model.title)
            result.save_figure(f"{model}.png", picture)
            currents = trace.current.reshape(-1, trace.time.size)
            header = ",".join(["time_s", "voltage_v", *(f"current_{k}_a" for k in range(len(currents)))])
            columns = np.column_stack([trace.time, trace.voltage, *currents])
            np.savetxt(result.path(f"{model}.csv") or "", columns, delimiter=",", header=header, comments="")
