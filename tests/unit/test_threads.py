"""Callers control threads; workers of a pool use one each."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from devices import InputError, limit_threads
from devices.threads import cores


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
