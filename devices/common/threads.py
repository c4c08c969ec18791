"""Independent work shared out over the cores, for compiled kernels that release the interpreter's lock."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from threading import Lock

import numpy as np

from devices.common.validation import integer

__all__ = ["cores", "in_threads", "in_turns", "limit_threads"]

_TURN = 0.1  # seconds

_limit: ContextVar[int | None] = ContextVar("limit", default=None)


@contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Let our compiled kernels use at most `count` threads within a ``with`` block.

    Without it they use the cores there are; a worker of a process pool uses one. Dense products, as in the transfer
    matrix, follow the settings of the BLAS library, see the package threadpoolctl.

    Examples
    --------
    >>> with limit_threads(1):
    ...     cores()
    1
    """
    token = _limit.set(integer("count", count, minimum=1))
    try:
        yield
    finally:
        _limit.reset(token)


def cores() -> int:
    """Return how many threads may be used: the limit that is set, one in a process pool's worker, else all cores."""
    limit = _limit.get()
    if limit is not None:
        return limit
    if multiprocessing.parent_process() is not None:
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(work: Callable[[slice], None], count: int, *, threads: int) -> None:
    """Run `work` over all of ``range(count)``, cut into slices.

    Parameters
    ----------
    work : callable
        Takes a slice; each item's result is its own, so that it does not depend on the cut.
    count : int
        Number of items.
    threads : int
        How many threads at once; with one or none, `work` runs here and takes all items.
    """
    if threads <= 1:
        work(slice(0, count))
        return
    edges = np.linspace(0, count, threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [slice(a, b) for a, b in pairwise(edges) if b > a]))


def in_turns(work: Callable[[slice], None], count: int, *, threads: int) -> None:
    """Run `work` over all of ``range(count)``, in slices of about `_TURN` seconds that threads take one after another.

    For items that differ in cost, or take long in all: between slices the interpreter can act on Ctrl-C, which ends
    all threads after the slices that they are at.

    Parameters
    ----------
    work : callable
        Takes a slice; each item's result is its own, so that it does not depend on the cut.
    count : int
        Number of items.
    threads : int
        How many threads at once; with one or none, `work` runs here.
    """
    lock = Lock()
    begun = 0

    def turns() -> None:
        nonlocal begun
        size = 1
        while True:
            with lock:
                rows = slice(begun, min(count, begun + size))
                begun = rows.stop
            if rows.start >= rows.stop:
                return
            start = time.perf_counter()
            work(rows)
            size = max(1, int(size * min(4.0, _TURN / (time.perf_counter() - start))))

    if threads <= 1:
        turns()
        return
    with ThreadPoolExecutor(threads) as pool:
        try:
            left = {pool.submit(turns) for _ in range(threads)}
            while left:
                done, left = wait(left, timeout=_TURN, return_when=FIRST_COMPLETED)
                for one in done:
                    one.result()
        finally:
            with lock:
                begun = count
