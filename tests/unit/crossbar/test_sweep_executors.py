"""Executors of sweeps: the same bits everywhere, tasks of the right size, and executors that break down."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from crossbar import SweepInterrupt, load_sweep, sweep
from crossbar.sweeps.workers import Workers
from devices import InputError
from devices.common.errors import MemductanceError
from tests.unit.crossbar import sweep_program

WHOLE = sweep_program.run()


class Jobs:
    """An executor whose futures only answer when asked, as jobs of a batch system do."""

    class Job:
        def __init__(self, result):
            self.end, self.value = time.monotonic() + 0.01, result

        def done(self):
            return time.monotonic() > self.end

        def result(self):
            return self.value

        def cancel(self):
            return False

    def __init__(self):
        self.sizes = []

    def submit(self, function, *arguments):
        self.sizes.append(len(arguments[-1]))
        return Jobs.Job(function(*arguments))


def test_worker_processes():
    assert sweep_program.run(executor=2).identical(WHOLE)


def test_workers_that_are_there_are_used_again():
    with Workers(1, limit=None, name="test") as workers:
        for _ in range(2):
            assert sweep_program.run(executor=workers).identical(WHOLE)


def test_executors_of_concurrent_futures():
    with ThreadPoolExecutor(3) as threads:
        assert sweep_program.run(executor=threads).identical(WHOLE)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        assert sweep_program.run(executor=processes).identical(WHOLE)


def test_jobs_that_do_not_report_their_end():
    assert sweep_program.run(executor=Jobs()).identical(WHOLE)


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


def test_a_dask_cluster(client):
    assert sweep_program.run(executor=client).identical(WHOLE)


def test_a_large_function_is_sent_to_a_dask_cluster_once(client):
    table = np.arange(100_000.0)
    found = sweep(lambda rng, a: table[a], {"a": (1, 99_999)}, executor=client, stamp="1")
    assert found.accuracy.values.ravel().tolist() == [1.0, 99_999.0]


def test_a_worker_of_a_dask_cluster_is_killed(client, tmp_path):
    def set_variable(name, value):
        os.environ[name] = value

    client.run(set_variable, "MARK", str(tmp_path / "mark"))
    assert sweep_program.run(executor=client).identical(WHOLE)
    assert (tmp_path / "mark").exists()


def test_a_worker_process_is_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    assert sweep_program.run(tmp_path / "s.zarr", executor=2).identical(WHOLE)
    assert (tmp_path / "mark").exists()
    assert load_sweep(tmp_path / "s.zarr").identical(WHOLE)


def _dies(rng, a):
    if a == 2:
        os._exit(7)
    return a


def test_a_point_that_kills_its_worker_fails_alone():
    found = sweep(_dies, {"a": (1, 2, 3)}, executor=1, task_seconds=10.0)
    assert found.status.values.ravel().tolist() == [1, 2, 1]
    assert str(found.error.values[1, 0]) == "ChildProcessError: the worker died, twice (exit 7)"


def test_an_executor_that_breaks_down_loses_nothing(tmp_path):
    class Breaking(ThreadPoolExecutor):
        def submit(self, *arguments):
            if self._work_queue.qsize() == 0 and self.count == 4:
                self.shutdown()
            self.count += 1
            return super().submit(*arguments)

        count = 0

    with Breaking(1) as executor, pytest.raises(MemductanceError, match=r"executor: it broke down .RuntimeError"):
        sweep_program.run(tmp_path / "s.zarr", executor=executor)
    assert 0 < int((load_sweep(tmp_path / "s.zarr").status > 0).sum()) < WHOLE.status.size
    assert sweep_program.run(tmp_path / "s.zarr").identical(WHOLE)


def test_an_interrupt_keeps_the_results_of_workers(monkeypatch):
    class Interrupting(ThreadPoolExecutor):
        count = 0

        def submit(self, *arguments):
            self.count += 1
            if self.count == 4:
                raise KeyboardInterrupt
            return super().submit(*arguments)

    with Interrupting(1) as executor, pytest.raises(SweepInterrupt) as caught:
        sweep_program.run(executor=executor)
    assert 3 <= int((caught.value.dataset.status > 0).sum()) < WHOLE.status.size


def test_tasks_take_about_the_time_asked_for():
    jobs = Jobs()
    sweep(lambda rng, a: time.sleep(0.002) or a, {"a": range(400)}, executor=jobs, task_seconds=0.02, stamp="1")
    assert sum(jobs.sizes) == 400
    assert 4 <= max(jobs.sizes) <= 10


def test_functions_that_cannot_be_sent():
    lock = threading.Lock()
    with pytest.raises(InputError, match="evaluate: got TypeError: cannot pickle"):
        sweep(lambda rng, a: lock.locked(), {"a": (1,)}, executor=Jobs())


def test_a_function_that_a_worker_cannot_import(tmp_path, monkeypatch):
    (tmp_path / "elsewhere_only.py").write_text("def evaluate(rng, a):\n    return a\n")
    monkeypatch.syspath_prepend(tmp_path)
    from elsewhere_only import evaluate

    class Elsewhere:
        def submit(self, function, *arguments):
            code = (
                "import pickle, sys; f, a = pickle.load(sys.stdin.buffer)\ntry: f(*a)\nexcept Exception as e: print(e)"
            )
            import pickle

            done = subprocess.run(
                [sys.executable, "-c", code], input=pickle.dumps((function, arguments)), capture_output=True
            )
            future = Future()
            future.set_exception(InputError("evaluate", done.stdout.decode().strip(), "it"))
            return future

    with pytest.raises(InputError, match="No module named 'elsewhere_only' in a worker"):
        sweep(evaluate, {"a": (1,)}, executor=Elsewhere())


def test_a_script_without_a_main_guard_is_told_what_to_do(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from crossbar import sweep\nsweep(lambda rng, a: a, {'a': (1, 2)}, executor=1)\n")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "if __name__ == '__main__'" in done.stderr


RELEASE = threading.Event()


def _waits(rng, a):
    if a == 0:
        RELEASE.wait(10.0)
    return a


def test_an_interrupt_keeps_results_that_came_before_the_first_trial(tmp_path):
    class Interrupting(ThreadPoolExecutor):
        count = 0

        def submit(self, *arguments):
            self.count += 1
            if self.count == 7:
                raise KeyboardInterrupt
            return super().submit(*arguments)

    with Interrupting(2) as executor:
        options = {"executor": executor, "task_seconds": 0.0, "store": tmp_path / "s.zarr", "stamp": "1"}
        with pytest.raises(SweepInterrupt) as caught:
            sweep(_waits, {"a": range(20)}, **options)
        RELEASE.set()
    kept = caught.value.dataset
    assert kept.status.values[0, 0] == 0
    done = kept.status.values.ravel() == 1
    assert done.sum() >= 3
    np.testing.assert_array_equal(kept.accuracy.values.ravel()[done], kept.a.values[done])
    assert load_sweep(tmp_path / "s.zarr").status.equals(kept.status)


def test_an_asynchronous_client_is_refused():
    class Client(Jobs):
        asynchronous = True

    with pytest.raises(InputError, match="executor: got an asynchronous client"):
        sweep_program.run(executor=Client())
