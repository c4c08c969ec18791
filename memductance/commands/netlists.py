"""``memductance netlist``: a device or an array as files that a simulator runs unchanged."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from devices.common.errors import InputError
from devices.common.files import write_whole
from memductance.commands._options import Amplitude, Cycles, End, Frequency, Param, Segment, Set, assignments, loop
from memductance.commands._shared import Json, Out, Result, Seed, command

if TYPE_CHECKING:
    from netlists import Circuit

__all__ = ["netlist_app"]

netlist_app = typer.Typer(help="Write a circuit as files for a simulator, ready to run.", no_args_is_help=True)

DialectName = Annotated[str, typer.Option("--dialect", help="Simulator; `memductance netlist dialects` lists them.")]


@netlist_app.command("device")
def netlist_device(
    model: Annotated[str, typer.Argument(help="Registered model, e.g. vteam.")],
    set_: Set = None,
    param: Param = None,
    amplitude: Amplitude = 1.0,
    frequency: Frequency = 0.0,
    cycles: Cycles = 1.0,
    dialect: DialectName = "ngspice",
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Write a device under a sine: a transient that reports its largest and smallest current."""
    with command(out, as_json) as result:
        from netlists import device_circuit

        cell, wave = loop(model, set_, dict(assignments("--param", param)), amplitude, frequency, cycles)
        _write(result, replace(device_circuit(cell, wave), measured=("Vin",)), dialect)


@netlist_app.command("array")
def netlist_array(
    model: Annotated[
        str | None,
        typer.Option(help="Model of the cells, with random states; resistors of 10-100 kohm where not given."),
    ] = None,
    set_: Set = None,
    rows: Annotated[int, typer.Option(help="Word lines.", min=1)] = 16,
    columns: Annotated[int, typer.Option(help="Bit lines.", min=1)] = 16,
    word_line: Segment = 1.0,
    bit_line: Segment = 1.0,
    driver: End = 0.0,
    sense: End = 0.0,
    flat: Annotated[
        bool, typer.Option("--flat/--hierarchical", help="All elements at one level, or the array as a subcircuit.")
    ] = True,
    dialect: DialectName = "ngspice",
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Write the read of a random array (0-0.5 V): an operating point that reports the current of each bit line."""
    with command(out, as_json) as result:
        import numpy as np

        from crossbar import Crossbar, Wires
        from netlists import crossbar_circuit

        rng = np.random.default_rng(seed)
        cells: Any = (
            rng.uniform(1e-5, 1e-4, (rows, columns))
            if model is None
            else _random_cells(model, set_, rows, columns, rng)
        )
        wires = Wires(word_line=word_line, bit_line=bit_line, driver=driver, sense=sense)
        circuit = crossbar_circuit(Crossbar(cells, wires), rng.uniform(0.0, 0.5, rows))
        circuit = replace(circuit, measured=tuple(f"Vs{j}" for j in range(columns)))
        _write(result, circuit if flat else circuit.enclosed(), dialect)


@netlist_app.command("dialects")
def netlist_dialects(seed: Seed = 0, out: Out = None, as_json: Json = False) -> None:
    """List the simulators that netlists are written for, and how each was checked."""
    with command(out, as_json) as result:
        from netlists import DIALECTS

        columns = ("name", "title", "command", "measures", "checked")
        rows = [
            (d.name, d.title, d.command.format(file=f"circuit{d.suffix}"), d.measures, d.checked)
            for d in DIALECTS.values()
        ]
        result.figures = {"dialects": [dict(zip(columns, row, strict=True)) for row in rows]}
        if not as_json:
            table = Table()
            for name in columns:
                table.add_column(name, overflow="fold")
            for row in rows:
                table.add_row(*map(Text, row))
            result.console.print(table)


def _random_cells(model: str, set_: str | None, rows: int, columns: int, rng: Any) -> Any:
    """Return devices with random states between their bounds; devices without states are all equal."""
    import numpy as np

    from devices import device

    cell = device(model, set_)
    lower, upper = cell.bounds()
    states = {
        state.name: low + (high - low) * rng.uniform(0.0, 1.0, (rows, columns))
        for state, low, high in zip(cell.model.states, lower, upper, strict=True)
    }
    first = next(iter(cell.parameters))
    return device(model, set_, **(states or {first: np.full((rows, columns), cell.parameters[first])}))


def _write(result: Result, circuit: Circuit, dialect: str) -> None:
    """Write the files, and print the command that runs them."""
    from netlists import DIALECTS, write_netlist

    if result.out is None:
        raise InputError("--out", "nothing", "a folder for the files", "--out netlist")
    files = write_netlist(circuit, dialect)
    for name, text in files.items():
        path = result.path(name)
        assert path is not None
        write_whole(path, text, "--out")
    chosen = DIALECTS[dialect]
    run = f"cd {shlex.quote(str(result.out))} && {chosen.command.format(file=next(iter(files)))}"
    result.figures = {
        "dialect": chosen.name,
        "elements": len(circuit.elements) + sum(len(block.elements) for block in circuit.blocks),
        "checked": chosen.checked,
        "measures": chosen.measures,
        "command": run,
    }
    if not result.as_json:
        result.console.print(f"{chosen.title} ({chosen.checked}); currents: {chosen.measures}", highlight=False)
        result.console.print(run, highlight=False, soft_wrap=True, markup=False)
