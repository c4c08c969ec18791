"""Threads: limits set by the caller, one thread in each worker of a pool, chunks and Ctrl-C."""

from __future__ import annotations

import _thread
import multiprocessing
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from devices import InputError, limit_threads
from devices.common.threads import cores, run_chunked


def test_a_limit_holds_within_its_block():
    usual = cores()
    with limit_threads(3):
        assert cores() == 3
        with limit_threads(1):
            assert cores() == 1
        assert cores() == 3
    assert cores() == usual


def test_a_limit_is_at_least_one():
    with pytest.raises(InputError, match="count"), limit_threads(0):
        pass


def test_a_worker_of_a_process_pool_uses_one_thread():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(cores).result() == 1


@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_cover_every_item_once(threads):
    seen = []
    run_chunked(lambda rows: seen.extend(range(rows.start, rows.stop)), 1000, threads=threads)
    assert sorted(seen) == list(range(1000))


@pytest.mark.parametrize("threads", [1, 2])
def test_long_work_can_be_interrupted(interrupts, threads):
    done = []

    def work(rows):
        time.sleep(0.01 * (rows.stop - rows.start))
        done.append(rows)

    threading.Timer(0.2, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        run_chunked(work, 1000, threads=threads)
    count = len(done)
    time.sleep(0.2)
    assert len(done) == count, "no thread goes on"
