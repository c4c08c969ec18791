"""``memductance fit``: parameters of a model from measured files, with picture and parameter set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table
from rich.text import Text

from devices.common.errors import InputError
from memductance.commands._options import assignments, pairs
from memductance.commands._shared import Json, Out, Result, Seed, command

if TYPE_CHECKING:
    from devices import Fit

__all__ = ["fit"]

_Texts = list[str] | None
Kind = Literal["trace", "pulses", "retention"]
Loss = Literal["linear", "soft_l1", "huber", "cauchy", "arctan"]


def fit(
    data: Annotated[list[Path], typer.Argument(help="CSV file with a header line; several are fitted together.")],
    model: Annotated[str, typer.Option(help="Registered model, e.g. vteam, or a retention law, e.g. power_law.")],
    set_: Annotated[str | None, typer.Option("--set", help="Parameter set to start from.")] = None,
    free: Annotated[
        _Texts, typer.Option(help="NAME or NAME=LOWER:UPPER in SI units; may be repeated. All where not given.")
    ] = None,
    fix: Annotated[_Texts, typer.Option(help="NAME=VALUE in SI units, held fixed; may be repeated.")] = None,
    column: Annotated[
        _Texts, typer.Option(help="QUANTITY=HEADER, e.g. current=Id; may be repeated. Headers like 'I (uA)' need none.")
    ] = None,
    unit: Annotated[_Texts, typer.Option(help="QUANTITY=UNIT in place of that of the header; may be repeated.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Kind of record; derived from the columns where not given.")] = None,
    read_voltage: Annotated[float | None, typer.Option(help="Voltage at which conductances were read [V].")] = None,
    relative: Annotated[bool, typer.Option("--relative", help="Take the noise as proportional to the value.")] = False,
    loss: Annotated[Loss, typer.Option(help="Loss function; all but linear give outliers less weight.")] = "linear",
    confidence: Annotated[float, typer.Option(help="Confidence level of the intervals.")] = 0.95,
    starts: Annotated[int, typer.Option(help="Number of starts of the search.", min=1)] = 8,
    name: Annotated[str, typer.Option(help="Name of the parameter set that is saved with --out.")] = "fit",
    source: Annotated[str, typer.Option(help="Source of the data, for that set.")] = "",
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Fit a model to measured I-V loops, pulse trains or retention data; exit code 1 where it does not converge."""
    with command(out, as_json) as result:
        from devices import Measured
        from devices import fit as estimate

        if Path(name).name != name or name.startswith("."):
            raise InputError("--name", repr(name), "a name for files, without a folder", "--name fit, and --out folder")
        options = {} if read_voltage is None else {"read_voltage": read_voltage}
        columns, units = pairs("--column", column), pairs("--unit", unit)
        records = [Measured.read(file, columns=columns, units=units, kind=kind, **options) for file in data]
        found = estimate(
            model, records, _bounds(free), set=set_, fixed=assignments("--fix", fix), starts=starts, seed=seed,
            weighting="relative" if relative else "absolute", loss=loss, confidence=confidence, progress=not as_json,
        )  # fmt: skip
        result.figures = _as_data(found)
        if not as_json:
            _show(result, found)
        if out is not None:
            _save(result, found, name, source)
    if not found.converged:
        raise typer.Exit(1)


def _bounds(free: list[str] | None) -> dict[str, tuple[float, float] | None] | None:
    """Return NAME and NAME=LOWER:UPPER in the form that `devices.fit` takes."""
    if not free:
        return None
    bounds: dict[str, tuple[float, float] | None] = {}
    for text in free:
        name, given, span = (part.strip() for part in text.partition("="))
        try:
            lower, upper = map(float, span.split(":")) if given else (0.0, 0.0)
        except ValueError:
            raise InputError("--free", repr(text), "NAME or NAME=LOWER:UPPER", "--free r_off=1e3:1e5") from None
        bounds[name] = (lower, upper) if given else None
    return bounds


def _as_data(found: Fit) -> dict[str, Any]:
    return {
        "model": found.model.name,
        "values": dict(found.values),
        "intervals": dict(found.intervals),
        "simultaneous": dict(found.simultaneous),
        "confidence": found.confidence,
        "bounds": dict(found.bounds),
        "converged": found.converged,
        "adequate": found.adequate,
        "undetermined": dict(found.undetermined),
        "at_bound": found.at_bound,
        "profiled": found.profiled,
        "message": found.message,
        "residual_rms": dict(zip(_labels(found), found.residual_rms, strict=True)),
        "relative_rms": found.relative_rms,
    }


def _labels(found: Fit) -> list[str]:
    """Return the labels of the records; equal ones are numbered."""
    labels = [r.label for r in found.measured]
    return [n if labels.count(n) == 1 else f"{n} ({k})" for k, n in enumerate(labels)]


def _show(result: Result, found: Fit) -> None:
    table = Table(title=found.model.title)
    for head in ("parameter", "value", "unit", f"{100 * found.confidence:g} % interval", "simultaneous"):
        table.add_column(head)
    for name, value in found.values.items():
        spans = [f"{s[name][0]:.4g} to {s[name][1]:.4g}" for s in (found.intervals, found.simultaneous)]
        shown = ("undetermined", "") if name in found.undetermined else spans
        table.add_row(*map(Text, (name, f"{value:.6g}", found.units[name], *shown)))
    result.console.print(table)
    for label, record, rms in zip(_labels(found), found.measured, found.residual_rms, strict=True):
        result.console.print(Text(f"{label}: {len(record)} points, residual rms {rms:.3g} {record.unit}"))
    fine = found.converged and found.adequate and not found.undetermined
    result.console.print(Text(found.message, style="green" if fine else "yellow"))


def _save(result: Result, found: Fit, name: str, source: str) -> None:
    """Write the picture, and the parameter set of a device model."""
    from matplotlib.figure import Figure

    from devices import DeviceModel, save_set

    if isinstance(found.model, DeviceModel):
        path = result.path(f"{name}.toml")
        assert path is not None
        save_set(found.to_set(name, source), found.model, path)
    count = len(found.measured)
    picture = Figure(figsize=(4.8 * count, 4.8), layout="constrained")
    found.plot(picture.subplots(2, count, height_ratios=(3, 1), squeeze=False).ravel().tolist())
    picture.suptitle(f"{found.model.name}: residual {100 * found.relative_rms:.2g} % of the signal", fontsize="medium")
    result.save_figure(f"{name}.png", picture)
