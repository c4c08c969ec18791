"""``memductance sweep``: the accuracy of a network on arrays over fields of its recipe, from a TOML file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devices.common.errors import InputError
from devices.common.files import whole_file
from memductance.commands._shared import Json, Out, Result, command

if TYPE_CHECKING:
    import xarray as xr

    from memductance.commands.sweep_spec import SweepSpec

__all__ = ["sweep"]


def sweep(
    spec: Annotated[Path, typer.Argument(help="TOML file: trials, seed, [task], [recipe], [axes.NAME].")],
    workers: Annotated[
        int | None, typer.Option(help="Number of processes; that of the file if not given.", min=1)
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Trials in place of those of the file.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="Seed in place of that of the file.", min=0)] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a dask scheduler, such as tcp://host:8786, in place of processes.")
    ] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure accuracy over fields of a recipe; with --out, a second run goes on where the first was left.

    The folder holds the store sweep.zarr, tables (sweep.nc, sweep.csv) and pictures. Exit code 1 where a trial failed.
    """
    with command(out, as_json) as result:
        import crossbar
        from memductance.commands.sweep_spec import SweepSpec

        asked = SweepSpec.read(spec)
        number = asked.trials if trials is None else trials
        executor: Any = asked.workers if workers is None else workers
        store = None if out is None else out / "sweep.zarr"
        options: dict[str, Any] = {"trials": number, "seed": asked.seed if seed is None else seed, "store": store}
        options |= {"paired": asked.paired, "progress": not as_json}
        with _client(scheduler) as client:
            found = crossbar.sweep(asked.evaluate, asked.axes, executor=client or executor, **options)
        summary = crossbar.summarize_sweep(found)
        lines = [asked.title, _ideal(asked), *str(summary).splitlines()]
        tolerances = {}
        if asked.target is not None and number > 2:
            for axis in (a.name for a in asked.axes if found[a.name].dtype.kind in "iuf" and found.sizes[a.name] > 1):
                tolerances[axis] = crossbar.tolerance(found, axis, asked.target).sentences()
                lines += tolerances[axis]
        result.figures = {
            "done": summary.done,
            "failed": summary.failed,
            "errors": summary.errors,
            "unmoved": summary.unmoved,
            "tolerances": tolerances,
            "accuracy": found.accuracy.mean("trial"),
        }
        if not as_json:
            result.console.print("\n".join(lines), highlight=False, soft_wrap=True, markup=False)
        if out is not None:
            _save(result, asked, found)
        if summary.failed:
            result.finish()
            raise typer.Exit(1)


def _client(scheduler: str | None) -> Any:
    """Return a client of a dask scheduler; a context of None where none is asked for."""
    from contextlib import nullcontext

    if scheduler is None:
        return nullcontext()
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "--scheduler", scheduler, "the package distributed", "pip install 'memductance[distributed]'"
        ) from None
    try:
        return Client(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise InputError("--scheduler", f"{scheduler!r} ({error})", "a scheduler that runs", "dask scheduler") from None


def _ideal(spec: SweepSpec) -> str:
    """Return whether ideal arrays of the recipe's window equal the network in software."""
    from crossbar import AnalogNetwork, Recipe

    task = spec.evaluate.task
    first = {axis.name: axis.dimension().points[0][axis.name] for axis in spec.axes}
    recipe = spec.evaluate.at(**first)
    ideal = Recipe(conductance_limits=recipe.conductance_limits, tile=recipe.tile, mapping=recipe.mapping)
    network = AnalogNetwork.from_sklearn(task.model, ideal, calibration=task.train_inputs)
    differ = int((network.predict(task.test_inputs) != task.model.predict(task.test_inputs)).sum())
    accuracy = f"software accuracy {task.software_accuracy:.4f} on {len(task.test_labels)} {task.name}"
    return f"{accuracy}; " + ("ideal arrays equal it" if not differ else f"ideal arrays differ for {differ} of them")


def _save(result: Result, spec: SweepSpec, found: xr.Dataset) -> None:
    """Write the tables and the pictures of a sweep."""
    from itertools import combinations

    from matplotlib.figure import Figure

    from crossbar import plot_map, plot_sweep, plot_tolerance

    for name, write in (("sweep.nc", found.to_netcdf), ("sweep.csv", found.to_dataframe().to_csv)):
        path = result.path(name)
        assert path is not None
        with whole_file(path, "--out") as unfinished:
            write(unfinished)
    names = [axis.name for axis in spec.axes]
    for name in names:
        figure = Figure(figsize=(6.0, 4.2), layout="constrained")
        numbers = found[name].dtype.kind in "iuf" and found.sizes[name] > 1
        if spec.target is not None and numbers and found.sizes["trial"] > 2:
            plot_tolerance(found, name, spec.target, figure.subplots())
        else:
            plot_sweep(found, figure.subplots(), x=name)
        result.save_figure(f"{name}.png", figure)
    for first, second in combinations(names, 2):
        size = (2.5 + 0.9 * found.sizes[second], 1.6 + 0.7 * found.sizes[first])
        figure = Figure(figsize=(max(5.0, size[0]), max(3.2, size[1])), layout="constrained")
        plot_map(found, figure.subplots(), x=second, y=first)
        result.save_figure(f"{first}-{second}.png", figure)
