"""``memductance crosscheck device`` and ``array``: the same circuit here and in SPICE, and their agreement."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from devices.common.errors import InputError
from memductance.commands._options import Amplitude, Cycles, End, Frequency, Param, Segment, Set, assignments, loop
from memductance.commands._shared import Json, Out, Result, Seed, command

__all__ = ["crosscheck_array", "crosscheck_device"]

EngineName = Annotated[
    str, typer.Option(help="ngspice, pyspice (PySpice's shared library), vacask (with Verilog-A), or all of them.")
]
Limits = Annotated[
    bool, typer.Option("--limits", help="Solve again with tighter and looser tolerances, to find which side limits.")
]
Timeout = Annotated[float, typer.Option(help="Time limit of the simulator [s].")]


def crosscheck_device(
    model: Annotated[str, typer.Argument(help="Registered model, e.g. vteam.")],
    set_: Set = None,
    param: Param = None,
    amplitude: Amplitude = 1.0,
    frequency: Frequency = 0.0,
    cycles: Cycles = 1.0,
    engine: EngineName = "ngspice",
    within: Annotated[float, typer.Option(help="Largest relative difference that passes.", min=0.0)] = 1e-3,
    limits: Limits = False,
    timeout: Timeout = 120.0,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Compare a device's transient under a sine with SPICE."""
    with command(out, as_json) as result:
        cell, wave = loop(model, set_, dict(assignments("--param", param)), amplitude, frequency, cycles)
        _compare(result, cell, wave, within, engine=engine, limits=limits, timeout=timeout)


def crosscheck_array(
    rows: Annotated[int, typer.Option(help="Word lines.", min=1)] = 16,
    columns: Annotated[int, typer.Option(help="Bit lines.", min=1)] = 16,
    cells: Annotated[
        str | None, typer.Option(help="Model of the cells, with random states; ohmic cells where not given.")
    ] = None,
    set_: Set = None,
    word_line: Segment = 1.0,
    bit_line: Segment = 1.0,
    driver: End = 0.0,
    sense: End = 0.0,
    capacitance: Annotated[
        float, typer.Option(help="Capacitance of each line to ground, at each cell [F]; with --pulse.", min=0.0)
    ] = 0.0,
    pulse: Annotated[
        float, typer.Option(help="Width of a pulse on the first word line [s], for a transient; 0 for a read.", min=0.0)
    ] = 0.0,
    engine: EngineName = "ngspice",
    within: Annotated[float, typer.Option(help="Largest relative difference that passes.", min=0.0)] = 1e-6,
    limits: Limits = False,
    timeout: Timeout = 120.0,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Compare a random array with SPICE: a read (0-0.5 V), or a pulse over time."""
    with command(out, as_json) as result:
        import numpy as np

        from crossbar import Bias, Crossbar, Wires
        from devices import Pulses

        if capacitance and not pulse:
            raise InputError("--capacitance", f"{capacitance:g} F in a read", "with --pulse SECONDS", "--pulse 10e-9")
        rng = np.random.default_rng(seed)
        wires = Wires(
            word_line=word_line,
            bit_line=bit_line,
            driver=driver,
            sense=sense,
            word_line_capacitance=capacitance,
            bit_line_capacitance=capacitance,
        )
        array = Crossbar(_random_cells(cells, set_, rng, (rows, columns)), wires)
        voltage = rng.uniform(0.0, 0.5, rows)
        stimulus: Any = voltage
        if pulse:
            first = Pulses(float(voltage[0]), width=pulse, period=2.0 * pulse, edge=0.1 * pulse)
            stimulus = Bias(word_left=[first, *voltage[1:].tolist()], bit_bottom=0.0)
        _compare(result, array, stimulus, within, engine=engine, limits=limits, timeout=timeout, seed=seed)


def _random_cells(model: str | None, set_: str | None, rng: Any, shape: tuple[int, int]) -> Any:
    """Return random conductances (10 to 100 kohm), or devices with random states between their bounds."""
    if model is None:
        if set_ is not None:
            raise InputError("--set", repr(set_), "with --cells MODEL", "--cells vteam")
        return rng.uniform(1e-5, 1e-4, shape)
    from devices import device

    cell = device(model, set_)
    lower, upper = cell.bounds()
    starts = {
        state.name: low + (high - low) * rng.uniform(0.0, 1.0, shape)
        for state, low, high in zip(cell.model.states, lower, upper, strict=True)
    }
    if not starts:
        name = cell.model.parameters[0].name
        starts = {name: float(cell.parameters[name]) * rng.uniform(0.5, 1.0, shape)}
    return device(model, set_, **starts)


def _compare(result: Result, subject: Any, stimulus: Any, within: float, **options: Any) -> None:
    from netlists import Agreements, crosscheck

    agreement = crosscheck(subject, stimulus, **options)
    passed = agreement.worst <= within
    result.figures = {**agreement.to_dict(), "within": within, "passed": passed}
    if not result.as_json:
        result.console.print(str(agreement), highlight=False, soft_wrap=True)
        verdict = "[green]agrees[/]" if passed else "[red]differs[/]"
        result.console.print(f"{verdict}: worst relative difference {agreement.worst:.3g}, allowed {within:g}")
    path = result.path("agreement.json")
    if path is not None:
        agreement.save(path)
        axes = agreement.plot()[0] if isinstance(agreement, Agreements) else agreement.plot()
        result.save_figure("agreement.png", axes.figure)
    if not passed:
        result.finish()
        raise typer.Exit(1)
