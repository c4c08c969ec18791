"""``memductance solve``: the read of an array with its wires."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from devices.common.errors import InputError
from memductance.commands._options import End, Segment
from memductance.commands._shared import Json, Out, Result, Seed, command

__all__ = ["solve"]


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
    """Return the numbers of a CSV or NPY file."""
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
