"""Reference tasks: dense inversions for the transfer matrix, and one pass over memory for a large read."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from benchmarks.task import Task


def inversions(size: int) -> Task:
    """Dense Cholesky inversions (dpotrf, dpotri), as many as the array has lines."""
    from scipy.linalg.lapack import dpotrf, dpotri

    def work(lines: int) -> None:
        matrix = np.asfortranarray(np.eye(lines) + 1e-3)
        for _ in range(lines):
            dpotri(dpotrf(matrix)[0])

    return Task(lambda: work(size), warm=lambda: work(8), value=lambda answer: 0.0)


def copy(size: int) -> Task:
    """Copy three arrays of the crossbar's size (G, u, v) once, on all threads."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    source, target = np.ones((3, size, size)), np.zeros((3, size, size))
    edges = np.linspace(0, size, threads + 1).astype(int)
    parts = [np.s_[:, a:b] for a, b in pairwise(edges)]
    pool = ThreadPoolExecutor(threads)

    def work() -> None:
        list(pool.map(lambda part: np.copyto(target[part], source[part]), parts))

    return Task(work, warm=work, value=lambda answer: 0.0)
