"""Independent work shared out over the cores, for compiled kernels that release the interpreter's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

__all__ = ["cores", "in_threads"]


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_threads(work: Callable[[slice], None], count: int, *, threads: int, pieces: int = 1) -> None:
    """Run `work` over all of ``range(count)``, cut into slices.

    Parameters
    ----------
    work : callable
        Takes a slice; each item's result is its own, so that it does not depend on the cut.
    count : int
        Number of items.
    threads : int
        How many threads at once; with one or none, `work` runs here and takes all items.
    pieces : int, optional
        Slices for each thread: more than one where items differ in cost.
    """
    if threads <= 1:
        work(slice(0, count))
        return
    edges = np.linspace(0, count, pieces * threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [slice(a, b) for a, b in pairwise(edges) if b > a]))
