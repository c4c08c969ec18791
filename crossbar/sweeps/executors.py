"""Where trials are evaluated: here, in worker processes, in any executor of `concurrent.futures`, on a dask cluster."""

from __future__ import annotations

import math
import multiprocessing
import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossbar.sweeps.evaluation import Evaluation, Found, Trial, digest, error_text, evaluate_trials, one_thread
from crossbar.sweeps.workers import Workers
from devices.common.errors import InputError, MemductanceError
from devices.common.validation import integer

__all__ = ["evaluate_all", "open_pool"]

_INLINE = 1 << 18  # largest evaluation that is sent along with each task [bytes]
_SLOTS = 16  # tasks at once in an executor that does not tell its size
_SHORTEST = 0.15  # of the usual time of a task, at the end of a sweep, where tasks become short to end together
_POLL = 0.05  # time between two looks at jobs that do not report their end [s]
_GRACE = 2.0  # after an interrupt, longest wait for tasks that run, in their usual times


@dataclass
class Pool:
    """An executor, as the sweep uses it.

    Parameters
    ----------
    submit : callable
        ``submit(function, *arguments)`` returns a future.
    slots : int
        Tasks that it runs at once.
    content : object
        The evaluation, as tasks receive it: bytes, the path of a file with them, or a reference of the executor.
    name : str
        Digest of the evaluation.
    alive : callable
        Whether the executor can still return results.
    """

    submit: Callable[..., Any]
    slots: int
    content: Any
    name: str
    alive: Callable[[], bool] = field(default=lambda: True)


def check_executor(executor: Any) -> None:
    """Raise `InputError` for anything that cannot evaluate trials."""
    if getattr(executor, "asynchronous", False) is True:
        raise InputError("executor", "an asynchronous client", "a client that waits", "Client(address)")
    if executor is None or hasattr(executor, "submit"):
        return
    if isinstance(executor, int):
        integer("executor", executor, minimum=1)
        return
    allowed = "None, a number of processes, an executor of concurrent.futures, or a dask.distributed client"
    raise InputError("executor", repr(executor), allowed, "executor=2")


@contextmanager
def open_pool(executor: Any, evaluation: Evaluation) -> Iterator[Pool | None]:
    """Yield the executor ready for tasks, None for this process alone; worker processes end with the block.

    Raises
    ------
    InputError
        If the evaluation cannot be sent to another process.
    """
    if executor is None:
        yield None
        return
    if isinstance(executor, int):
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            given = "worker processes from a script that a worker imports"
            allowed = "a script that starts its sweep as the main program alone"
            raise InputError("executor", given, allowed, "if __name__ == '__main__': sweep(...)")
        with Workers(executor, limit=None, name="sweep", scan=False) as workers, open_pool(workers, evaluation) as pool:
            yield pool
        return
    import cloudpickle

    try:
        content = cloudpickle.dumps(evaluation)
    except Exception as error:
        allowed = "a function that can be pickled, with what it holds"
        raise InputError("evaluate", error_text(error), allowed, "executor=None, this process alone") from None
    name = digest(content)
    if isinstance(executor, Workers):
        file = executor.folder / name
        _write(file, content)
        yield Pool(executor.submit, executor.count, str(file), name)
    elif hasattr(executor, "get_executor"):  # a dask.distributed client
        try:
            slots = max(sum(executor.nthreads().values()), 1)
            sent = content if len(content) <= _INLINE else executor.scatter(content, broadcast=True, hash=False)
        except (OSError, TimeoutError, CancelledError) as error:
            raise _broken(error) from None
        submit = executor.get_executor(pure=False).submit
        yield Pool(submit, slots, sent, name, lambda: executor.status == "running")
    else:
        slots = getattr(executor, "_max_workers", None)
        yield Pool(executor.submit, slots if isinstance(slots, int) else _SLOTS, content, name)


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        given = f"{str(file.parent)!r} ({error.strerror})"
        raise InputError("TMPDIR", given, f"room for {len(content)} bytes of the evaluated function") from None


def evaluate_all(
    evaluation: Evaluation,
    pool: Pool | None,
    trials: Sequence[Trial],
    handle: Callable[[Found], None],
    task_seconds: float,
) -> None:
    """Evaluate trials, in tasks of about `task_seconds`, and hand each result to `handle` as it comes.

    A task whose worker died is cut into single trials; a trial alone in such a task gets the error.

    Raises
    ------
    MemductanceError
        If the executor breaks down; the results up to then were handled.
    """
    if pool is None:
        for k, trial in enumerate(trials):
            if k % 100 == 0:  # libraries that trials load meanwhile are told too
                one_thread()
            handle(evaluation.run(trial))
        return
    tasks = _Tasks(pool, trials, task_seconds)
    try:
        while tasks.fill() or tasks.found:
            tasks.collect(1.0)
            tasks.hand_over(handle)
    except KeyboardInterrupt:
        tasks.cancel()
        end = time.monotonic() + _GRACE * task_seconds
        with suppress(KeyboardInterrupt, MemductanceError):
            tasks.hand_over(handle)
            while tasks.running and time.monotonic() < end:
                tasks.collect(0.1)
                tasks.hand_over(handle)
        raise


class _Tasks:
    """The trials that wait, and the tasks that run."""

    def __init__(self, pool: Pool, trials: Sequence[Trial], seconds: float) -> None:
        self.pool, self.seconds = pool, seconds
        self.waiting = deque(trials)
        self.alone: deque[Trial] = deque()  # trials of tasks that broke
        self.found: deque[Found] = deque()
        self.running: dict[int, tuple[Any, list[Trial]]] = {}
        self.ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.polled: set[int] = set()
        self.numbers = iter(range(1 << 62))
        self.pace = math.inf  # usual time of a trial [s]

    def fill(self) -> bool:
        """Keep two tasks for each slot in the executor, and return whether anything is still to come."""
        while (self.waiting or self.alone) and len(self.running) < 2 * self.pool.slots:
            if self.alone:
                batch = [self.alone.popleft()]
            else:
                fair = math.ceil(len(self.waiting) / (2 * self.pool.slots))
                most = int(self.seconds / self.pace)
                size = max(1, min(max(fair, int(_SHORTEST * most)), most))
                batch = [self.waiting.popleft() for _ in range(min(size, len(self.waiting)))]
            self._start(batch)
        return bool(self.running)

    def _start(self, batch: list[Trial]) -> None:
        number = next(self.numbers)
        try:
            future = self.pool.submit(evaluate_trials, self.pool.name, self.pool.content, batch)
        except Exception as error:
            raise _broken(error) from None
        self.running[number] = future, batch
        if hasattr(future, "add_done_callback"):
            future.add_done_callback(lambda _: self.ended.put(number))
        else:
            self.polled.add(number)

    def hand_over(self, handle: Callable[[Found], None]) -> None:
        """Hand over the results, each one at least once, also where an interrupt comes between."""
        while self.found:
            handle(self.found[0])
            self.found.popleft()

    def collect(self, seconds: float) -> None:
        """Wait for a time until a task ends, and take the results of all that have."""
        for number in self._wait(seconds):
            future, batch = self.running.pop(number)
            try:
                results = future.result()
            except InputError:
                raise
            except (BrokenExecutor, CancelledError) as error:
                raise _broken(error) from None
            except Exception as error:
                if len(batch) > 1:
                    self.alone.extend(batch)
                else:
                    self.found.append(Found(batch[0], None, error_text(error), 0.0))
                continue
            recent = max(sum(found.seconds for found in results) / len(results), 1e-6)
            self.pace = recent if math.isinf(self.pace) else 0.5 * (self.pace + recent)
            self.found.extend(results)

    def _wait(self, seconds: float) -> list[int]:
        end = time.monotonic() + seconds
        while True:
            numbers = [n for n in self.polled if self.running[n][0].done()]
            self.polled -= set(numbers)
            rest = end - time.monotonic()
            with suppress(queue.Empty):
                numbers.append(self.ended.get(timeout=max(0.0, min(rest, _POLL) if self.polled or numbers else rest)))
                while not self.ended.empty():
                    numbers.append(self.ended.get_nowait())
            if numbers or rest <= 0.0:
                break
        if not numbers and not self.pool.alive():
            raise _broken(ConnectionError("no connection to the scheduler"))
        return numbers

    def cancel(self) -> None:
        """Take back the tasks that have not started."""
        self.waiting.clear()
        self.alone.clear()
        for number, (future, _) in list(self.running.items()):
            if future.cancel():
                del self.running[number]
                self.polled.discard(number)


def _broken(error: BaseException) -> MemductanceError:
    ended = "; if its workers ended at once: a script starts its sweep below `if __name__ == '__main__':`"
    hint = ended if isinstance(error, BrokenExecutor) else ""
    return MemductanceError(
        f"executor: it broke down ({error_text(error)}); finished trials are in the store, run again to go on{hint}"
    )
