"""`Workers`: a pool of processes that runs independent tasks and survives the crash of a worker."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from devices.common.errors import InputError

__all__ = ["Outcome", "Workers"]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_ATTEMPTS = 2  # of a task whose worker dies


class Outcome(NamedTuple):
    """The end of a task: what the function returned, or the error that took its place.

    Parameters
    ----------
    task : tuple
        Arguments of the function.
    result : object
        What the function returned; ``None`` after an error.
    error : Exception or None
        What the function raised; `TimeoutError` where it took longer than the limit; `ChildProcessError` where its
        worker died, twice.
    """

    task: tuple[Any, ...]
    result: Any = None
    error: Exception | None = None


class Workers:
    """A pool of processes of one thread each; a context manager.

    A task whose worker dies is run once more. Each task has a folder of its own for temporary files. When the task is
    over, the folder is removed and all processes that still work in it are killed; when the process that started the
    workers is gone, they end too.

    Parameters
    ----------
    count : int
        Number of processes.
    limit : float or None
        Longest time of a task [s]; then its worker is killed, and another one takes its place. None for no limit.
    name : str
        Part of the name of the folder for temporary files.
    scan : bool, optional
        Whether to look for processes that a task left behind at the end of each task, which takes some 10 ms, or only
        where a worker died and at the end of all.

    Raises
    ------
    InputError
        If no folder for temporary files can be made.

    Examples
    --------
    >>> import math
    >>> with Workers(1, limit=60.0, name="example") as workers:
    ...     [outcome.result for outcome in workers.run(math.gcd, [(12, 18)])]
    [6]
    """

    def __init__(self, count: int, *, limit: float | None, name: str, scan: bool = True) -> None:
        self.count, self.limit, self.name, self.scan = count, limit, name, scan
        self._numbers = itertools.count()

    def __enter__(self) -> Workers:
        from pebble import ProcessPool

        try:
            self.folder = Path(tempfile.mkdtemp(prefix=f"memductance-{self.name}-")).resolve()
        except OSError as error:
            given = f"{tempfile.gettempdir()!r} ({error.strerror})"
            raise InputError("TMPDIR", given, "a folder for temporary files that can be written") from None
        self._before = {name: os.environ.get(name) for name in _THREADS}
        os.environ.update(dict.fromkeys(_THREADS, "1"))
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPool(self.count, context=spawn, initializer=_end_with_parent, initargs=(self.folder,))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._pool.close()
        else:
            self._pool.stop()
        self._pool.join()
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _clear(self.folder)

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Outcome]:
        """Call `function` with the arguments of each task, and yield the outcomes as they come.

        Parameters
        ----------
        function : callable
            A function of a module, which workers import.
        tasks : iterable of tuple
            Arguments of each call; they and the results are pickled.
        """
        finished: queue.SimpleQueue[tuple[tuple[Any, ...], Future[Any]]] = queue.SimpleQueue()
        waiting = 0
        for task in tasks:
            self.submit(function, *task).add_done_callback(partial(_put, finished, task))
            waiting += 1
        for _ in range(waiting):
            task, future = finished.get()
            try:
                outcome = Outcome(task, future.result())
            except Exception as error:
                outcome = Outcome(task, error=error)
            yield outcome

    def submit(self, function: Callable[..., Any], /, *task: Any) -> Future[Any]:
        """Start one call of `function`, and return its future, as an executor of `concurrent.futures` does.

        Parameters
        ----------
        function : callable
            A function of a module, which workers import.
        *task : object
            Its arguments.
        """
        from pebble import ProcessExpired

        whole: Future[Any] = Future()
        whole.set_running_or_notify_cancel()  # so that nobody cancels it

        def start(attempt: int) -> None:
            folder = self.folder / str(next(self._numbers))
            running = self._pool.schedule(_call, args=(folder, function, task), timeout=self.limit)

            def end(done: Future[Any]) -> None:
                error = CancelledError() if done.cancelled() else done.exception()
                died = isinstance(error, ProcessExpired)
                if self.scan or died:
                    _clear(folder)
                else:
                    shutil.rmtree(folder, ignore_errors=True)
                if died and attempt < _ATTEMPTS and self._pool.active:
                    start(attempt + 1)
                elif isinstance(error, ProcessExpired):
                    whole.set_exception(ChildProcessError(f"the worker died, twice (exit {error.exitcode})"))
                elif error is None:
                    whole.set_result(done.result())
                else:
                    whole.set_exception(error)

            running.add_done_callback(end)

        start(1)
        return whole


def _put(ended: queue.SimpleQueue[Any], task: tuple[Any, ...], future: Future[Any]) -> None:
    ended.put((task, future))


def _call(folder: Path, function: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    """Run a task in a worker, with a folder of its own for temporary files."""
    folder.mkdir()
    tempfile.tempdir = str(folder)
    return function(*task)


def _end_with_parent(folder: Path) -> None:
    """Let a worker end and remove the temporary files when the process that started it is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)  # first: this process may end with the ones that it has started
        _clear(folder)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _clear(folder: Path) -> None:
    """Remove a folder, and kill the processes that still work in it because their worker was killed."""
    for _ in range(100):
        if not _kill_all_in(folder):
            break
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def _kill_all_in(folder: Path) -> bool:
    """Kill the processes whose working folder is `folder` or below it, and return whether there were any."""
    import psutil

    found = False
    for process in psutil.process_iter(["cwd"]):
        place = process.info["cwd"]
        if place and Path(place).is_relative_to(folder):
            with suppress(psutil.Error):
                process.kill()
                found = True
    return found
