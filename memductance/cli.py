"""The command line: ``memductance devices | fit | iv | solve | sweep | crosscheck | netlist | demo | doctor``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from devices.common.files import write_whole
from memductance.commands import campaign, crosscheck
from memductance.commands._shared import Json, Out, Seed, command
from memductance.commands.arrays import solve
from memductance.commands.devices import devices, iv
from memductance.commands.fit import fit
from memductance.commands.netlists import netlist_app
from memductance.commands.sweep import sweep

__all__ = ["app", "main"]

app = typer.Typer(
    name="memductance",
    help="Circuit-level modelling of memristor crossbars: devices, exact arrays, SPICE cross-checks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # the default reads units such as [ohm] as styles, and drops them
)
crosscheck_app = typer.Typer(help="Solve the same circuit here and in SPICE, and compare.", no_args_is_help=True)
app.command()(devices)
app.command()(fit)
app.command()(iv)
app.command()(solve)
app.command()(sweep)
app.add_typer(crosscheck_app, name="crosscheck")
crosscheck_app.command("device")(crosscheck.crosscheck_device)
crosscheck_app.command("array")(crosscheck.crosscheck_array)
app.add_typer(netlist_app, name="netlist")
crosscheck_app.command()(campaign.campaign)
crosscheck_app.command()(campaign.replay)


@app.command()
def demo(
    trials: Annotated[int, typer.Option(help="Random arrays for each point of the accuracy map.", min=1)] = 5,
    size: Annotated[int, typer.Option(help="Rows and columns of the array that is read.", min=2, max=64)] = 64,
    seed: Seed = 0,
    out: Out = Path("memductance-report"),
    as_json: Json = False,
) -> None:
    """Run the demo: devices, a read, digits on arrays and on a chip; ends with a report."""
    with command(out, as_json) as result:
        from memductance.demo import run_demo

        assert result.out is not None
        figures, report = run_demo(result.out, trials=trials, size=size, seed=seed, console=result.console)
        result.figures = {**figures, "report": str(report)}
        if not as_json:
            result.console.print(str(report), highlight=False, soft_wrap=True)


@app.command()
def doctor(seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """List each component, found or missing, with the command that installs it."""
    with command(out, as_json) as result:
        from memductance.doctor import examine

        found = examine()
        result.figures = found.to_dict()
        if not as_json:
            table = Table()
            for name in ("component", "", "version, place", "to install"):
                table.add_column(name, overflow="fold")
            for c in found.components:
                mark = "[green]found[/]" if c.found else "[red]missing[/]" if c.required else "[yellow]missing[/]"
                table.add_row(c.name, mark, c.detail, c.install)
            result.console.print(table)
        path = result.path("doctor.json")
        if path is not None:
            write_whole(path, json.dumps(found.to_dict(), indent=2) + "\n", "--out")
    if not found.healthy:
        raise typer.Exit(1)


def main() -> None:
    """Entry point of the ``memductance`` command."""
    app()
