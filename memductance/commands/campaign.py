"""``memductance crosscheck campaign`` and ``replay``: cross-checks of many random circuits, and a rerun of one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from devices.common.validation import choice
from memductance.commands._shared import Json, Out, Seed, command

if TYPE_CHECKING:
    from netlists import Campaign

__all__ = ["campaign", "replay"]

Spec = Annotated[Path, typer.Argument(help="TOML file: seed, circuits, engines, [draw], [tolerances.*].")]
WorkerCount = Annotated[
    int | None,
    typer.Option(help="Number of processes; that of the file, or one for each core, where not given.", min=1),
]


def campaign(
    spec: Spec,
    out: Annotated[Path, typer.Option(help="Folder of the campaign; a second run continues an unfinished one.")],
    workers: WorkerCount = None,
    seed: Annotated[int | None, typer.Option(help="Seed in place of that of the file.", min=0)] = None,
    as_json: Json = False,
) -> None:
    """Cross-check many random circuits; saves a table, and a report with the worst cases.

    A file SPEC.explanations.toml next to SPEC.toml may explain failures and differences: [[explanation]] with cases =
    [17, "23-vacask"] and text = "...". Exit code 1 where a run failed or differs without an explanation.
    """
    with command(out, as_json) as result:
        from memductance.pages.campaign import write_campaign_report
        from netlists import CampaignSpec, run_campaign
        from netlists.campaign.explanations import explanation_of, read_explanations

        asked = CampaignSpec.read(spec)
        explanations = read_explanations(spec.with_suffix(".explanations.toml"))
        asked = asked if seed is None else replace(asked, seed=seed)
        found = run_campaign(asked, out, workers=workers, progress=not as_json)
        report = write_campaign_report(found, explanations, out / "report.html")
        result.files += [found.save(), report]
        unexplained = [row for row in found.failures() if not explanation_of(row, explanations)]
        result.figures = {**found.summary(), "unexplained": len(unexplained)}
        if not as_json:
            result.console.print(str(found), highlight=False, soft_wrap=True)
            _print_worst(result.console, found)
        if unexplained:
            result.finish()
            raise typer.Exit(1)


def _print_worst(console: Any, found: Campaign) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("analysis", "quantity", "engine"):
        table.add_column(name, no_wrap=True)
    for name in ("runs", "worst", "allowed", "case"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("limited by", no_wrap=True)
    for line in found.worst_by_quantity().itertuples():
        figures = (f"{line.runs}", f"{line.worst:.1e}", f"{line.allowed:.0e}", f"{line.case}")
        table.add_row(line.analysis, line.quantity, line.engine, *figures, line.limit)
    console.print(table)


def replay(
    folder: Annotated[Path, typer.Argument(help="Folder of a campaign.")],
    case: Annotated[int, typer.Argument(help="Number of the case.", min=0)],
    engine: Annotated[
        str | None, typer.Option(help="ngspice, pyspice or vacask; the first one of the campaign where not given.")
    ] = None,
    reduced: Annotated[
        bool, typer.Option("--reduced", help="The smallest circuit that fails in the same way.")
    ] = False,
    seed: Seed = 0,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Run one case of a campaign again: its netlists, both sides, the agreement and its picture.

    Files go to --out, or to FOLDER/replay/CASE-ENGINE.
    """
    with command(out, as_json) as result:
        from netlists import Campaign
        from netlists.campaign.store import folder_name
        from netlists.engines.catalogue import ENGINES

        found = Campaign.load(folder)
        chosen = found.spec.engines[0] if engine is None else choice("--engine", engine, ENGINES)
        drawn = found.reduced(case, chosen) if reduced else found.case(case)
        result.out = out or folder / "replay" / folder_name(case, chosen)
        drawn.write(result.out)
        result.files += sorted(result.out.glob("c*.*"))
        agreement = drawn.crosscheck(engine=chosen, timeout=found.spec.timeout)
        result.figures = {"case": case, "options": dict(drawn.options), **agreement.to_dict()}
        if not as_json:
            shown = ", ".join(f"{name} {value}" for name, value in drawn.options.items() if value)
            result.console.print(f"case {case}: {shown}", highlight=False, soft_wrap=True)
            result.console.print(str(agreement), highlight=False, soft_wrap=True)
        result.save_figure("agreement.png", agreement.plot().figure)
