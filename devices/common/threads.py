"""Threads for independent items of work, in compiled kernels that release the interpreter's lock (GIL)."""

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

__all__ = ["cores", "in_threads", "limit_threads", "run_chunked"]

#: Approximate time of one chunk, and longest time until Ctrl-C is noticed [s].
_CHUNK_SECONDS = 0.1

_limit: ContextVar[int | None] = ContextVar("limit", default=None)


@contextmanager
def limit_threads(count: int) -> Iterator[None]:
    """Limit the threads of compiled kernels to `count` within a ``with`` block.

    Without it they use all cores; a worker of a process pool uses one. Dense matrix products, as in the transfer
    matrix, follow the settings of the BLAS library; see the package threadpoolctl.

    Parameters
    ----------
    count : int
        Largest number of threads, at least 1.

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
    """Return how many threads may be used: the limit that is set, one in a worker of a process pool, else all cores."""
    limit = _limit.get()
    if limit is not None:
        return limit
    if multiprocessing.parent_process() is not None:
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(work: Callable[[slice], None], count: int, *, threads: int) -> None:
    """Run `work` over all of ``range(count)``, in one equal slice for each thread.

    Parameters
    ----------
    work : callable
        Takes a slice; the result of an item must not depend on the slice that it is in.
    count : int
        Number of items.
    threads : int
        Number of threads; with one or none, `work` takes all items in the calling thread.
    """
    if threads <= 1:
        work(slice(0, count))
        return
    edges = np.linspace(0, count, threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [slice(a, b) for a, b in pairwise(edges) if b > a]))


def run_chunked(work: Callable[[slice], None], count: int, *, threads: int) -> None:
    """Run `work` over all of ``range(count)``, in chunks of about a tenth of a second.

    For items that differ in cost, or take long together: each thread takes the next chunk when it is free. Ctrl-C ends
    each thread after its current chunk.

    Parameters
    ----------
    work : callable
        Takes a slice; the result of an item must not depend on the slice that it is in.
    count : int
        Number of items.
    threads : int
        Number of threads; with one or none, `work` runs in the calling thread.
    """
    lock = Lock()
    next_item = 0

    def take_chunks() -> None:
        nonlocal next_item
        size = 1
        while True:
            with lock:
                rows = slice(next_item, min(count, next_item + size))
                next_item = rows.stop
            if rows.start >= rows.stop:
                return
            start = time.perf_counter()
            work(rows)
            size = max(1, int(size * min(4.0, _CHUNK_SECONDS / (time.perf_counter() - start))))

    if threads <= 1:
        take_chunks()
        return
    with ThreadPoolExecutor(threads) as pool:
        try:
            running = {pool.submit(take_chunks) for _ in range(threads)}
            while running:
                done, running = wait(running, timeout=_CHUNK_SECONDS, return_when=FIRST_COMPLETED)
                for one in done:
                    one.result()
        finally:
            with lock:
                next_item = count
