"""The command line: ``memductance devices | fit | iv | solve | crosscheck | netlist | demo | doctor``."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from devices.common.errors import InputError
from memductance import campaign_commands, crosscheck_commands
from memductance._commands import Json, Out, Result, Seed, command
from memductance._options import Amplitude, Cycles, End, Frequency, Param, Segment, Set, assignments, loop
from memductance.device_commands import devices
from memductance.fit_commands import fit
from memductance.netlist_commands import netlist_app

__all__ = ["app", "main"]

app = typer.Typer(
    name="memductance",
    help="Circuit-level modelling of memristor crossbars: devices, exact arrays, SPICE cross-checks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # the default takes units such as [ohm] for styles, and drops them
)
crosscheck_app = typer.Typer(help="Run one circuit here and in SPICE, and compare.", no_args_is_help=True)
app.command()(devices)
app.command()(fit)
app.add_typer(crosscheck_app, name="crosscheck")
crosscheck_app.command("device")(crosscheck_commands.crosscheck_device)
crosscheck_app.command("array")(crosscheck_commands.crosscheck_array)
app.add_typer(netlist_app, name="netlist")
crosscheck_app.command()(campaign_commands.campaign)
crosscheck_app.command()(campaign_commands.replay)


@app.command()
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
    cells: Annotated[int, typer.Option(help="Cells drawn when a spread is given.", min=1)] = 20,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Simulate the current-voltage loop of a device, or of a spread of them."""
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


@app.command()
def solve(
    conductance: Annotated[Path, typer.Argument(help="Conductances [S], CSV or NPY, a line for each word line.")],
    voltage: Annotated[Path, typer.Argument(help="Voltages [V], CSV or NPY, a number for each word line (or rows).")],
    word_line: Segment = 0.0,
    bit_line: Segment = 0.0,
    driver: End = 0.0,
    sense: End = 0.0,
    spread: Annotated[float, typer.Option(help="Sigma of a lognormal spread on the conductances.", min=0.0)] = 0.0,
    picture: Annotated[
        bool, typer.Option("--picture", help="Draw the IR drop and the currents (needs --out).")
    ] = False,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Read a crossbar with its wires: conductances and voltages in, column currents out."""
    with command(out, as_json) as result:
        import numpy as np

        from crossbar import Crossbar, Wires
        from devices import Lognormal

        if picture and out is None:
            raise InputError("--picture", "no --out", "--picture with --out DIR", "--out results")
        matrix = np.atleast_2d(_load("conductance", conductance))
        volts = _load("voltage", voltage)
        if spread:
            matrix = Lognormal(spread).apply(matrix, seed)
        if volts.ndim == 2 and 1 in volts.shape and volts.size == matrix.shape[0]:
            volts = volts.reshape(-1)
        array = Crossbar(matrix, Wires(word_line=word_line, bit_line=bit_line, driver=driver, sense=sense))
        readout = array.read(volts, nodes=picture)
        ideal = volts @ array.conductance
        result.figures = {
            "rows": array.rows,
            "columns": array.columns,
            "current_a": readout.current,
            "ideal_current_a": ideal,
            "iterations": readout.iterations,
            "residual": readout.residual,
            "kcl_error_a": readout.kcl_error,
        }
        if not as_json:
            table = Table(title=f"{array.rows} x {array.columns} array")
            for name in ("vector", "column", "current [A]", "without wires [A]", "change"):
                table.add_column(name, justify="right")
            for shown, where in enumerate(np.ndindex(readout.current.shape)):
                if shown == 64:
                    table.add_row("", "...", f"{readout.current.size - shown} more (--out or --json has all)", "", "")
                    break
                with_wires, without = float(readout.current[where]), float(ideal[where])
                change = "" if without == 0 else f"{100 * (with_wires / without - 1):+.3f} %"
                vector = ", ".join(map(str, where[:-1]))
                table.add_row(vector, str(where[-1]), f"{with_wires:.9g}", f"{without:.9g}", change)
            result.console.print(table)
        path = result.path("current.csv")
        if path is not None:
            np.savetxt(path, np.atleast_2d(readout.current), delimiter=",", fmt="%.17g")
        if picture:
            _solve_pictures(result, array, readout)


def _solve_pictures(result: Result, array: Any, readout: Any) -> None:
    from matplotlib.figure import Figure

    from crossbar import plot_currents, plot_ir_drop

    figure = Figure(figsize=(13, 4), layout="constrained")
    word, bit, currents = figure.subplots(1, 3)
    plot_ir_drop(readout, word, line="word")
    plot_ir_drop(readout, bit, line="bit")
    plot_currents(readout, array, currents)
    result.save_figure("read.png", figure)


def _load(name: str, path: Path) -> Any:
    """Numbers from a CSV or NPY file."""
    import numpy as np

    from devices.common.validation import finite_array, readable_file

    file = readable_file(name, path)
    try:
        if file.suffix.lower() == ".npy":
            array = np.load(file, allow_pickle=False)
        else:
            with warnings.catch_warnings():  # numpy warns of an empty file, which is refused below
                warnings.simplefilter("ignore")
                array = np.genfromtxt(file, delimiter=",", invalid_raise=True, encoding="utf-8")
    except (ValueError, EOFError, OSError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise InputError(name, f"{str(path)!r}, not read: {reason}", "CSV of numbers with commas, or NPY") from None
    if np.size(array) == 0:
        raise InputError(name, f"{str(path)!r} without numbers", "CSV of numbers with commas, or NPY")
    return finite_array(name, array)


@app.command()
def demo(
    trials: Annotated[int, typer.Option(help="Random arrays for each point of the accuracy map.", min=1)] = 5,
    size: Annotated[int, typer.Option(help="Rows and columns of the array that is read.", min=2, max=64)] = 64,
    seed: Seed = 0,
    out: Out = Path("memductance-report"),
    as_json: Json = False,
) -> None:
    """Show everything once: devices, a read, digits on arrays and on a chip; ends with a report."""
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
            path.write_text(json.dumps(found.to_dict(), indent=2) + "\n", encoding="utf-8")
    if not found.healthy:
        raise typer.Exit(1)


def main() -> None:
    """Entry point of the ``memductance`` command."""
    app()
