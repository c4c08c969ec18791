"""`Campaign`: the results of a campaign as tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices import InputError
from devices.common.files import write_whole
from devices.common.validation import integer, readable_file
from netlists.campaign.case import Case
from netlists.campaign.draw import draw
from netlists.campaign.spec import CampaignSpec, family
from netlists.campaign.store import folder_name, read_store

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Campaign"]

_KEY = ("case", "engine", "quantity")


@dataclass(frozen=True, eq=False)
class Campaign:
    """The results of a campaign: a row for each case on each engine.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the campaign.
    spec : CampaignSpec
        Circuits, simulators and tolerances: other tolerances give other verdicts of the same figures.
    rows : tuple of mapping
        ``case``, ``engine``, ``options`` (as drawn), ``agreement`` (as `Agreement.to_dict` gives it), or ``reason`` and
        ``error`` where there is none.
    limits : mapping
        By case and engine, for the worst of each quantity: `Limit` of each quantity, as a mapping.
    """

    folder: Path
    spec: CampaignSpec
    rows: tuple[Mapping[str, Any], ...]
    limits: Mapping[tuple[int, str], Mapping[str, Any]]

    @classmethod
    def load(cls, out: str | os.PathLike[str]) -> Campaign:
        """Return the campaign in a folder, finished or not.

        Raises
        ------
        InputError
            If there is none.
        """
        folder = Path(out)
        given, rows, limits = read_store(folder)
        try:
            spec = CampaignSpec(**given)
        except TypeError as error:
            given_out = f"{str(folder)!r}, of another version ({error})"
            raise InputError("out", given_out, "a campaign of this version", "run it again in another folder") from None
        run = tuple(row for row in rows if row["case"] < spec.circuits and row["engine"] in spec.engines)
        return cls(folder, spec, run, limits)

    def verdict(self, row: Mapping[str, Any]) -> str:
        """Return "agrees", "differs" or "failed"."""
        if row["agreement"] is None:
            return "failed"
        return "agrees" if self.excess(row) <= 1.0 else "differs"

    def table(self) -> pd.DataFrame:
        """Return the long table: a line for each quantity of each row, and one for each row that failed."""
        import pandas as pd

        return pd.DataFrame(list(self._lines()))

    def _lines(self) -> Iterator[dict[str, Any]]:
        for row in self.rows:
            key = {"case": row["case"], "engine": row["engine"], "verdict": self.verdict(row), **row["options"]}
            agreement = row["agreement"]
            if agreement is None:
                yield {**key, "reason": row["reason"], "error": row["error"]}
                continue
            seconds = {name: agreement[name] for name in ("our_seconds", "engine_seconds")}
            excess = self.spec.excess(row)
            for name, q in agreement["quantities"].items():
                figures = {n: q[n] for n in ("worst_relative", "worst_absolute", "scale", "unit", "where", "points")}
                yield {
                    **key,
                    "quantity": name,
                    **figures,
                    "of_tolerance": excess[name],
                    **seconds,
                    "version": agreement["engine"],
                }

    def dataset(self) -> xr.Dataset:
        """Return the worst differences by case, engine and quantity, `nan` where there are none; options by case."""
        import xarray as xr

        table = self.table()
        figures = ["worst_relative", "worst_absolute"]
        compared = table.reindex(columns=[*_KEY, *figures]).dropna(subset=["quantity"])
        data = xr.Dataset.from_dataframe(compared.set_index(list(_KEY))[figures])
        data["worst_relative"].attrs = {"units": "1", "long_name": "worst difference relative to the scale"}
        data["worst_absolute"].attrs = {"long_name": "worst difference, in the unit of the quantity"}
        options = table.groupby("case").first()
        for name in ("analysis", "cells", "model"):
            data.coords[name] = ("case", options[name].reindex(data["case"].values).fillna("").astype(str).values)
        return data.assign_attrs(seed=self.spec.seed, title=self.spec.title)

    def summary(self) -> dict[str, Any]:
        """Return the numbers of circuits, of runs, and of runs with each verdict."""
        verdicts = [self.verdict(row) for row in self.rows]
        counts = {verdict: verdicts.count(verdict) for verdict in ("agrees", "differs", "failed")}
        circuits = len({row["case"] for row in self.rows})
        return {"circuits": circuits, "runs": len(self.rows), **counts}

    def differences(self) -> pd.DataFrame:
        """Return the worst relative difference of each family of quantities in each run that was compared.

        Columns ``analysis``, ``quantity``, ``engine``, ``case``, ``relative``, ``allowed`` (the tolerance) and ``name``
        of the quantity. A difference below a floor counts as the same fraction of the tolerance.
        """
        import pandas as pd

        lines = []
        for row in self.rows:
            if row["agreement"] is not None:
                analysis = row["options"]["analysis"]
                for name, excess in self.spec.excess(row).items():
                    kind = family(name)
                    allowed = self.spec.tolerances[analysis][kind]
                    relative = min(row["agreement"]["quantities"][name]["worst_relative"], excess * allowed)
                    lines.append((analysis, kind, row["engine"], row["case"], relative, allowed, name))
        keys = ["analysis", "quantity", "engine", "case"]
        table = pd.DataFrame(lines, columns=[*keys, "relative", "allowed", "name"])
        return table.loc[table.groupby(keys, sort=False)["relative"].idxmax()].reset_index(drop=True)

    def worst_by_quantity(self) -> pd.DataFrame:
        """Return runs, median, worst, its case and its limit, by analysis, family of quantities and engine."""
        table = self.differences()
        grouped = table.groupby(["analysis", "quantity", "engine"], sort=False)
        found = grouped.agg(
            runs=("case", "size"),
            median=("relative", "median"),
            worst=("relative", "max"),
            allowed=("allowed", "first"),
        )
        worst = table.loc[grouped["relative"].idxmax()]
        keys = zip(worst["case"], worst["engine"], worst["name"], strict=True)
        found["case"] = worst["case"].to_numpy()
        found["limit"] = [self.limits.get((case, e), {}).get(name, {}).get("side", "") for case, e, name in keys]
        return found.reset_index()

    def without_limits(self) -> list[tuple[int, str]]:
        """Return the cases and engines that are the worst of a quantity, and for which no limits are known yet."""
        worst = self.worst_by_quantity() if self.spec.limits else None
        keys = [] if worst is None else list(zip(worst["case"].tolist(), worst["engine"], strict=True))
        return [key for key in dict.fromkeys(keys) if key not in self.limits]

    #: The former name of `without_limits`.
    unlimited = without_limits

    def failures(self) -> list[Mapping[str, Any]]:
        """Return the rows that failed or differ."""
        return [row for row in self.rows if self.verdict(row) != "agrees"]

    #: The former name of `failures`.
    troubles = failures

    def worst(self, count: int = 10) -> list[Mapping[str, Any]]:
        """Return the rows with the largest differences relative to their tolerances, the worst first."""
        compared = [row for row in self.rows if row["agreement"] is not None]
        return sorted(compared, key=self.excess, reverse=True)[: integer("count", count, minimum=0)]

    def excess(self, row: Mapping[str, Any]) -> float:
        """Return the largest difference of a row relative to the largest one that agrees; above 1 the row differs."""
        return max(self.spec.excess(row).values())

    def case(self, number: int) -> Case:
        """Return a case of the campaign, drawn anew."""
        return draw(self.spec, integer("case", number, minimum=0, maximum=self.spec.circuits - 1))

    def reduced(self, number: int, engine: str) -> Case:
        """Return the smallest circuit found that fails as this case does on this engine.

        Raises
        ------
        InputError
            If the case was not shrunk.
        """
        file = self.folder / "reduced" / folder_name(number, engine) / "case.json"
        return Case.from_json(readable_file("reduced", file).read_text(encoding="utf-8"))

    def save(self) -> Path:
        """Write the long table to ``table.csv`` in the folder, whole or not at all, and return its path."""
        return write_whole(self.folder / "table.csv", self.table().to_csv(index=False))

    def __str__(self) -> str:
        found = self.summary()
        counts = ", ".join(f"{found[v]} {v}" for v in ("agrees", "differs", "failed"))
        return f"{self.spec.title}: {found['runs']} of {self.spec.circuits * len(self.spec.engines)} runs; {counts}"
