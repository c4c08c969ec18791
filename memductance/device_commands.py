"""``memductance devices``: every model, or one with its equations, parameters and sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from memductance._commands import Json, Out, Result, Seed, command

if TYPE_CHECKING:
    from devices import DeviceModel

__all__ = ["devices"]


def devices(
    name: Annotated[str | None, typer.Argument(help="Registered model; all models where not given.")] = None,
    set_: Annotated[str | None, typer.Option("--set", help="Parameter set whose loop is drawn (needs --out).")] = None,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """List the device models, or show one: equations, parameters with units, sources, and its loop (--out)."""
    with command(out, as_json) as result:
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
        found.to_frame().to_csv(path, index=False)


def _show(result: Result, name: str, chosen: str | None) -> None:
    from devices import device

    cell = device(name, chosen)
    result.figures = _as_data(cell.model)
    if not result.as_json:
        _print_model(result.console, cell.model)
    if result.out is not None:
        from memductance.device_pages import loop_figure

        result.save_figure(f"{name}.png", loop_figure(cell))


def _equations(model: DeviceModel) -> dict[str, Any]:
    """Each law by the quantity that it gives."""
    current, rates, residual = model.written
    laws = {"i": current}
    laws |= {f"d{s.name}/dt": law for s, law in zip(model.states, rates, strict=True)}
    laws |= {str(part.letter): part.law for part in model.parts}
    return laws if residual is None else {**laws, "0": residual}


def _as_data(model: DeviceModel) -> dict[str, Any]:
    from memductance.device_pages import bounds_text

    inner = () if model.unknown is None else (model.unknown,)
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
        "unknowns": [{"name": u.name, "unit": u.unit, "meaning": u.meaning} for u in inner],
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
    from memductance.device_pages import bounds_text

    def say(text: str, style: str = "") -> None:
        console.print(Text(text, style=style))

    say(f"{model.name}: {model.title}", "bold")
    for left, law in _equations(model).items():
        say("")
        console.print(Text(_formula(left, law, console.width)), soft_wrap=True)
    say("")
    say("i: current [A]; v: voltage from the top to the bottom electrode [V]", "dim")
    table = Table()
    sets = model.parameter_sets
    for head in ("name", "unit", "bounds", "meaning"):
        table.add_column(head, overflow="fold", no_wrap=head == "name")
    for given in sets:
        table.add_column(f"{given.name}\n({given.status})", justify="right", overflow="fold")
    for kind, quantities in ((" (state; start at right)", model.states), ("", model.parameters)):
        for q in quantities:
            values = [f"{ {**s.values, **s.initial}[q.name]:.6g}" for s in sets]
            cells = (q.name, "" if q.unit == "1" else q.unit, bounds_text(q), q.meaning + kind, *values)
            table.add_row(*map(Text, cells))
    for quantity in (*model.controls, *(() if model.unknown is None else (model.unknown,))):
        table.add_row(*map(Text, (quantity.name, getattr(quantity, "unit", "V"), "", quantity.meaning)))
    console.print(table)
    for given in sets:
        say(f"set {given.name} ({given.status}): {given.source}. {given.note}".rstrip())
    say(f"validity: {model.validity}")
    for text in model.references:
        say(f"reference: {text}")


def _formula(left: str, law: Any, width: int) -> str:
    """Set a law on several lines as on paper where it fits, else on one line as code."""
    import sympy
    from sympy.printing.pretty.pretty import PrettyPrinter
    from sympy.printing.pretty.stringpict import prettyForm

    class Plain(PrettyPrinter):
        """Symbols by the names that the table has."""

        def _print_Symbol(self, symbol: sympy.Symbol, bold_name: bool = False) -> Any:
            return prettyForm(symbol.name)

    equation = sympy.Eq(sympy.Symbol(left), law, evaluate=False)
    lines = str(Plain({"use_unicode": True, "wrap_line": False}).doprint(equation)).splitlines()
    if max(map(len, lines)) <= width - 2:
        return "\n".join(f"  {line}".rstrip() for line in lines)
    return f"  {left} = {law}"
