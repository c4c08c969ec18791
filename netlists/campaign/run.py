"""`run_campaign`: every case here and in the simulators, in parallel, resumed where it was left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crossbar.sweeps.workers import Outcome, Workers
from devices.common.threads import cores
from devices.common.validation import integer
from netlists.campaign.draw import draw, strata
from netlists.campaign.results import Campaign
from netlists.campaign.spec import CampaignSpec
from netlists.campaign.store import Store
from netlists.campaign.task import case_row, failed_row, failure_reason, limits_row
from netlists.engines.catalogue import find_engine

__all__ = ["run_campaign"]

#: Reasons for which the next run tries a case again: a defect may be mended by then.
_AGAIN = ("machine", "defect")
#: A worker may take this many times the longest run of a simulator: three tolerances, our side, and shrinking.
_PATIENCE = 6.0
_START = 60.0  # and this many seconds to start and to compile [s]


def run_campaign(
    spec: CampaignSpec | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    workers: int | None = None,
    progress: bool = False,
) -> Campaign:
    """Draw random circuits, solve each here and in simulators, and keep the results.

    Each case is drawn from its own seed: the same specification gives the same cases with any number of workers, and
    any of them can be drawn again alone. Each row is on disk as soon as it is there; a second call computes only the
    rows that are missing, and those that failed because of the machine, not the circuit. Where a simulator fails, or a
    difference is beyond its tolerance, the netlists are kept and the circuit is shrunk to the smallest one found that
    fails in the same way.

    Parameters
    ----------
    spec : CampaignSpec or path
        Specification of the campaign, or the TOML file with it.
    out : path
        Folder: ``campaign.jsonl`` (the rows), ``kept/CASE-ENGINE`` (netlists of cases that failed or differ),
        ``reduced/CASE-ENGINE`` (the smallest circuit that fails in the same way); ``.campaign.lock`` keeps other
        campaigns out.
    workers : int, optional
        Processes of one thread each; the specification's, or as many as there are cores, where not given.
    progress : bool, optional
        Show a progress bar on stderr.

    Returns
    -------
    Campaign
        All rows so far. An interrupt raises `KeyboardInterrupt`, and loses the cases that are running.

    Raises
    ------
    InputError
        If the folder holds cases that were drawn otherwise, cannot be written, or is in use.
    SimulatorNotFoundError
        If a simulator is missing, before anything is run.
    MemductanceError
        If a row cannot be written.
    """
    if not isinstance(spec, CampaignSpec):
        spec = CampaignSpec.read(spec)
    if workers is not None:
        integer("workers", workers, minimum=1)
    folder = Path(out).absolute()
    strata(spec)  # refuses kinds of cells that no analysis has
    for engine in spec.engines:
        find_engine(engine).present()
    with Store(folder, spec) as store:
        found = Campaign.load(folder)
        wanted = [(number, engine) for number in range(spec.circuits) for engine in spec.engines]
        done = {(row["case"], row["engine"]) for row in found.rows if row["reason"] not in _AGAIN}
        missing = [key for key in wanted if key not in done]
        if missing or found.without_limits():
            count = min(workers or spec.workers or cores(), len(missing) or 1)
            pool = Workers(count, limit=_START + _PATIENCE * spec.timeout, name="campaign")
            with pool, _bar(len(wanted), len(done), progress) as bar:
                for outcome in pool.run(case_row, [(spec, *key, folder) for key in missing]):
                    store.append(_row(spec, outcome))
                    bar.update()
                bar.set_description("limits of the worst cases")
                worst = Campaign.load(folder).without_limits()
                for outcome in pool.run(limits_row, [(spec, *key) for key in worst]):
                    if outcome.error is None:
                        store.append(outcome.result)
                    elif not isinstance(outcome.error, OSError):  # of the machine: the next run tries again
                        raise outcome.error
    return Campaign.load(folder)


def _row(spec: CampaignSpec, outcome: Outcome) -> dict[str, Any]:
    """Return the row of a case, also where its worker died or took too long."""
    if outcome.error is None:
        return outcome.result
    _, number, engine, _ = outcome.task
    if isinstance(outcome.error, TimeoutError):
        reason, message = "timeout", "the worker took longer than the time limits of the simulator and of our solution"
    else:
        reason, message = failure_reason(outcome.error)
    return {**failed_row(number, engine, reason, message), "options": dict(draw(spec, number).options)}


@contextmanager
def _bar(total: int, done: int, progress: bool) -> Iterator[Any]:
    from tqdm import tqdm

    with tqdm(total=total, initial=done, disable=not progress, desc="circuits on engines", unit="run") as bar:
        yield bar
