"""`run_campaign`: both sides of every case, in parallel, resumed where it was left."""

from __future__ import annotations

import multiprocessing
import os
import queue
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from devices import InputError
from devices.common.threads import cores
from devices.common.validation import integer
from netlists.campaign.draw import draw, strata
from netlists.campaign.results import Campaign
from netlists.campaign.spec import CampaignSpec
from netlists.campaign.store import Store, name_of
from netlists.campaign.task import failed, find_limits, work
from netlists.engines.catalogue import find_engine

__all__ = ["run_campaign"]

#: Reasons that the next run does not take for an answer: a defect may be mended by then.
_AGAIN = ("machine", "defect")
#: A worker may take this many times the longest run of a simulator: three tolerances, our side, and shrinking.
_PATIENCE = 6.0
_START = 60.0  # and this many seconds to start and to compile [s]
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def run_campaign(
    spec: CampaignSpec | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    workers: int | None = None,
    progress: bool = False,
) -> Campaign:
    """Draw random circuits, run each here and in the simulators, and keep what was found.

    Each case is drawn from its own seed: the same specification gives the same cases with any number of workers, and
    any of them can be made again alone. Rows are on disk as they are found; a second call computes only what is
    missing, and what failed for the machine's sake. Where a simulator fails, or a difference is beyond its tolerance,
    the netlists are kept and the circuit is shrunk to the smallest one found that fails in the same way.

    Parameters
    ----------
    spec : CampaignSpec or path
        What to draw and run, or the TOML file with it.
    out : path
        Folder: ``campaign.jsonl`` (the rows), ``kept/CASE-ENGINE`` (netlists of what failed or differs),
        ``reduced/CASE-ENGINE`` (the smallest circuit that does so too).
    workers : int, optional
        Processes of one thread each; the specification's, or as many as there are cores, where not given.
    progress : bool, optional
        Show a progress bar on stderr.

    Returns
    -------
    Campaign
        All rows so far. An interrupt raises `KeyboardInterrupt`, and loses nothing but what is running.

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
        if missing or found.unlimited():
            count = min(workers or spec.workers or cores(), len(missing) or 1)
            with _Crew(spec, folder, count) as crew, _bar(len(wanted), len(done), progress) as bar:
                for row in crew.results(work, missing):
                    store.append(row)
                    bar.update()
                bar.set_description("what limits the worst cases")
                for row in crew.results(find_limits, Campaign.load(folder).unlimited()):
                    store.append(row)
    return Campaign.load(folder)


class _Crew:
    """A pool of processes of one thread each, and a folder for their temporary files, of which nothing is left."""

    def __init__(self, spec: CampaignSpec, out: Path, workers: int) -> None:
        self.spec, self.out, self.workers = spec, out, workers
        self.limit = _START + _PATIENCE * spec.timeout

    def __enter__(self) -> _Crew:
        from pebble import ProcessPool

        try:
            self.root = Path(tempfile.mkdtemp(prefix="memductance-campaign-"))
        except OSError as error:
            folder = f"{tempfile.gettempdir()!r} ({error.strerror})"
            raise InputError("TMPDIR", folder, "a folder for temporary files that can be written") from None
        self.before = {name: os.environ.get(name) for name in _THREADS}
        os.environ.update(dict.fromkeys(_THREADS, "1"))
        spawn = multiprocessing.get_context("spawn")
        self.pool = ProcessPool(self.workers, context=spawn, initializer=_end_with_parent, initargs=(self.root,))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is None:
            self.pool.close()
        else:
            self.pool.stop()
        self.pool.join()
        for name, value in self.before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _clear(self.root)

    def results(self, job: Callable[..., dict[str, Any]], keys: Sequence[tuple[int, str]]) -> Iterator[dict[str, Any]]:
        """Do a job for cases on engines and give the rows as they come; where a worker dies, the job is done again."""
        finished: queue.SimpleQueue[tuple[tuple[int, str], int, Future[dict[str, Any]]]] = queue.SimpleQueue()

        def ask(key: tuple[int, str], attempt: int) -> None:
            temporary = self.root / f"{job.__name__}-{name_of(*key)}-{attempt}"
            future = self.pool.schedule(job, args=(self.spec, *key, temporary, self.out), timeout=self.limit)
            future.add_done_callback(lambda done: finished.put((key, attempt, done)))

        for key in keys:
            ask(key, 1)
        waiting = len(keys)
        while waiting:
            key, attempt, future = finished.get()
            row, died = _row(self.spec, key, future)
            _clear(self.root / f"{job.__name__}-{name_of(*key)}-{attempt}")
            if died and attempt == 1:
                ask(key, 2)
                continue
            waiting -= 1
            yield row


def _row(spec: CampaignSpec, key: tuple[int, str], future: Future[dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Return the row of a finished task, and whether its worker died under it."""
    from pebble import ProcessExpired

    try:
        return future.result(), False
    except TimeoutError:
        reason, error, died = "timeout", "the worker took too long, the simulator's time limit and ours together", False
    except ProcessExpired as expired:
        reason, error, died = "machine", f"the worker died, twice (exit {expired.exitcode})", True
    return {**failed(*key, reason, error), "options": dict(draw(spec, key[0]).options)}, died


def _end_with_parent(root: Path) -> None:
    """Let a worker end, and clear up, when the process that started it is gone without having said so."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        shutil.rmtree(root, ignore_errors=True)  # first: without its simulator the worker may end before this thread
        _clear(root)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _clear(folder: Path) -> None:
    """Remove a folder, and kill the simulators that still run in it because their worker was killed."""
    for _ in range(100):
        if not _kill_all_in(folder):
            break
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def _kill_all_in(folder: Path) -> bool:
    """Kill the processes that work in a folder; whether there were any. Systems without /proc show none."""
    found = False
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if Path(os.readlink(process / "cwd")).is_relative_to(folder):
                os.kill(int(process.name), signal.SIGKILL)
                found = True
    return found


@contextmanager
def _bar(total: int, done: int, progress: bool) -> Iterator[Any]:
    from tqdm import tqdm

    with tqdm(total=total, initial=done, disable=not progress, desc="circuits on engines", unit="run") as bar:
        yield bar
