"""The report of a campaign: verdicts, worst differences, distributions, and each failure with its explanation."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memductance.pages.report import Report, Section

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from netlists import Campaign

__all__ = ["write_campaign_report"]

_COLOURS = {"current": "C0", "voltage": "C1", "state": "C2"}
_STYLES = ("-", "--", ":")
_FLOOR = 1e-17  # smaller relative differences are drawn at this value
_NEAREST = 15  # cases in the table of those nearest to their tolerances


def write_campaign_report(campaign: Campaign, explanations: Mapping[str, str], path: Path) -> Path:
    """Write the report of a campaign as one HTML file, and return its path."""
    summary, spec = campaign.summary(), campaign.spec
    report = Report(spec.title)
    report.summary = [
        (str(summary["circuits"]), f"circuits, of {spec.circuits}, on {', '.join(spec.engines)}"),
        (str(summary["agrees"]), f"of {summary['runs']} runs agree"),
        (str(summary["differs"]), "differ by more than their tolerances"),
        (str(summary["failed"]), "have no figures, because a side failed"),
    ]
    table = campaign.table()
    report.sections = [
        _differences(campaign),
        _failures(campaign, explanations),
        _nearest(campaign),
        _options(campaign, table),
        _models(table),
    ]
    return report.write(path)


def _differences(campaign: Campaign) -> Section:
    spec = campaign.spec
    section = Section(
        "Worst differences",
        "Each circuit is drawn from its own seed, and solved here and in the simulator from the same netlist. A "
        "difference is the largest over all points of a quantity, relative to its largest value (states: to the "
        "span between their bounds). It agrees within its tolerance, or below the resolution of doubles: "
        f"{spec.floors['current']:g} A or {spec.roundings:g} roundings of the largest potential across the smallest "
        f"resistance, {spec.floors['voltage']:g} V.",
    )
    worst = campaign.worst_by_quantity()
    head = ["analysis", "quantity", "engine", "runs", "median", "worst", "allowed", "case of the worst", "limited by"]
    rows = [
        [
            r.analysis,
            r.quantity,
            r.engine,
            r.runs,
            f"{r.median:.1e}",
            f"{r.worst:.1e}",
            f"{r.allowed:.0e}",
            r.case,
            r.limit,
        ]
        for r in worst.itertuples()
    ]
    section.add_table("Relative differences, those below the floors counted as parts of the tolerance", head, rows)
    caption = "Cumulative share of runs over the worst difference; dotted: the tolerance"
    section.add_figure(distributions(campaign), caption)
    return section


def distributions(campaign: Campaign) -> Figure:
    """Draw the distribution of worst differences, for each analysis, family of quantities and engine."""
    import numpy as np
    from matplotlib.figure import Figure

    spec = campaign.spec
    table = campaign.differences()
    analyses = [a for a in spec.analyses if (table["analysis"] == a).any()] or list(spec.analyses[:1])
    figure = Figure(figsize=(4.2 * min(2, len(analyses)), 3.2 * ((len(analyses) + 1) // 2)), layout="constrained")
    axes = figure.subplots((len(analyses) + 1) // 2, min(2, len(analyses)), squeeze=False)
    for ax in axes.flat[len(analyses) :]:
        ax.set_axis_off()
    for ax, analysis in zip(axes.flat, analyses, strict=False):
        for (quantity, engine), group in table[table["analysis"] == analysis].groupby(["quantity", "engine"]):
            x = np.sort(np.maximum(group["relative"], _FLOOR))
            style = _STYLES[spec.engines.index(engine)]
            share = np.arange(1, x.size + 1) / x.size
            ax.step(x, 100 * share, where="post", color=_COLOURS[quantity], ls=style, label=f"{quantity}, {engine}")
            ax.axvline(spec.tolerances[analysis][quantity], color=_COLOURS[quantity], ls=":", lw=0.8)
        ax.set_xscale("log")
        ax.set(xlabel="Worst relative difference", ylabel="Runs [%]", ylim=(0, 102))
        ax.set_title(analysis, fontsize="medium")
    curves = {label: line for ax in axes.flat for line, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    if curves:
        names = sorted(curves)
        rows = len(spec.engines)
        figure.legend([curves[n] for n in names], names, loc="outside lower center", frameon=False, fontsize="small",
                      ncols=-(-len(names) // rows))  # fmt: skip
    return figure


def _failures(campaign: Campaign, explanations: Mapping[str, str]) -> Section:
    from netlists.campaign.explanations import explanation_of
    from netlists.campaign.task import REASONS

    section = Section(
        "Failures and differences, one by one",
        "Netlists are in kept/CASE-ENGINE. Where the last column has sizes, reduced/CASE-ENGINE has the "
        "smallest circuit found that fails in the same way, and replay with --reduced runs it.",
    )
    rows = []
    for row in campaign.failures():
        options = ", ".join(v for n, v in row["options"].items() if v and n != "analysis")
        shrunk = row.get("reduced")
        message = row["error"] or _largest(campaign, row)
        reduced = f"{shrunk['of']} to {shrunk['elements']} elements" if shrunk else ""
        fault = row["reason"] or "differs"
        rows.append([row["case"], row["engine"], row["options"].get("analysis", ""), options, fault, message, reduced])
        why = explanation_of(row, dict(explanations)) or "not explained yet"
        section.notes.append(f"{row['case']} on {row['engine']}: {why}")
    head = ["case", "engine", "analysis", "options", "fault", "message", "shrunk"]
    if rows:
        section.add_table(f"{len(rows)} of {len(campaign.rows)} runs", head, rows)
        section.notes += [f"{name}: {meaning}" for name, meaning in REASONS.items() if name in {r[4] for r in rows}]
    else:
        section.text = "Nothing failed, and nothing differs."
    return section


def _largest(campaign: Campaign, row: Mapping[str, Any]) -> str:
    excess = campaign.spec.excess(row)
    name = max(excess, key=excess.__getitem__)
    q = row["agreement"]["quantities"][name]
    return f"{name} by {q['worst_relative']:.1e} of {q['scale']:.3g} {q['unit']} at {q['where']}"


def _nearest(campaign: Campaign) -> Section:
    section = Section(
        "The cases nearest to their tolerances",
        "The command writes the netlists of the case, runs both sides again, prints their agreement and draws it.",
    )
    rows = []
    for row in campaign.worst(_NEAREST):
        options, folder = row["options"], shlex.quote(str(campaign.folder))
        cells = " ".join(filter(None, (options["cells"], options["model"])))
        command = f"memductance crosscheck replay {folder} {row['case']} --engine {row['engine']}"
        share = f"{campaign.excess(row):.2g}"
        rows.append([row["case"], row["engine"], options["analysis"], cells, _largest(campaign, row), share, command])
    head = ["case", "engine", "analysis", "cells", "largest", "of its tolerance", "replay"]
    section.add_table("The worst first", head, rows)
    return section


def _options(campaign: Campaign, table: pd.DataFrame) -> Section:
    from netlists.campaign.spec import AXES

    section = Section(
        "By option", "How often each option was drawn, and the largest difference as a part of its tolerance."
    )
    rows = []
    for axis in ("analysis", "cells", *AXES):
        if axis in table:
            rows += [[axis, option, *_counts(group)] for option, group in table.groupby(axis, sort=True)]
    section.add_table("Options", ["axis", "option", "runs", "agree", "differ", "failed", "of its tolerance"], rows)
    return section


def _models(table: pd.DataFrame) -> Section:
    section = Section("By model and parameter set", "Alone and in series with a selector, a transistor or a resistor.")
    if "model" not in table:
        return section
    named = table.assign(model=table["model"].replace("", "ohmic"))
    rows = [[model, *_counts(group)] for model, group in named.groupby("model", sort=True)]
    section.add_table("Models", ["model/set", "runs", "agree", "differ", "failed", "of its tolerance"], rows)
    return section


def _counts(group: pd.DataFrame) -> list[str]:
    """Return the number of runs, of each verdict, and the largest part of a tolerance."""
    verdicts = group.drop_duplicates(["case", "engine"])["verdict"]
    counts = [str(int((verdicts == v).sum())) for v in ("agrees", "differs", "failed")]
    largest = group["of_tolerance"].max() if "of_tolerance" in group else float("nan")
    return [str(len(verdicts)), *counts, "" if largest != largest else f"{largest:.2g}"]
