"""Worker processes: results as they come, crashes, time limits, errors, and what stays behind."""

import math
import os
import tempfile
import time
from contextlib import suppress

import psutil
import pytest

from crossbar.sweeps.workers import Workers
from devices import InputError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A temporary folder of our own, which must be empty in the end."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


@pytest.fixture
def workers():
    with Workers(2, limit=60.0, name="test") as pool:
        yield pool


def test_every_task_has_its_result(workers):
    tasks = [(12, 18), (7, 5), (100, 75)]
    assert {o.task: o.result for o in workers.run(math.gcd, tasks)} == {(12, 18): 6, (7, 5): 1, (100, 75): 25}
    assert all(outcome.error is None for outcome in workers.run(math.sqrt, [(4.0,)]))
    assert list(workers.run(math.sqrt, [])) == []


def test_an_error_belongs_to_its_task_alone(workers):
    found = {outcome.task: outcome for outcome in workers.run(math.sqrt, [(-1.0,), (9.0,)])}
    assert isinstance(found[-1.0,].error, ValueError)
    assert found[9.0,].result == 3.0


def test_a_worker_that_dies_once_is_replaced_and_its_task_runs_again(workers, tmp_path):
    mark = tmp_path / "mark"
    code = f"import os, pathlib\nmark = pathlib.Path({str(mark)!r})\nif not mark.exists(): mark.touch(); os._exit(3)"
    (outcome,) = workers.run(exec, [(code,)])
    assert mark.exists()
    assert outcome.error is None


def test_a_worker_that_dies_twice_is_the_outcome(workers):
    found = [*workers.run(os._exit, [(3,)]), *workers.run(math.sqrt, [(4.0,)])]
    assert isinstance(found[0].error, ChildProcessError)
    assert "exit 3" in str(found[0].error)
    assert found[1].result == 2.0


def test_a_task_that_takes_too_long_is_stopped():
    with Workers(1, limit=1.0, name="test") as pool:
        began = time.monotonic()
        late, next_one = sorted(pool.run(time.sleep, [(60.0,), (0.0,)]), key=lambda outcome: -outcome.task[0])
        assert time.monotonic() - began < 30.0
    assert isinstance(late.error, TimeoutError)
    assert next_one.error is None


def test_each_task_has_one_thread_and_a_folder_that_goes_with_it(workers, folder):
    code = "(__import__('tempfile').mkdtemp(), __import__('os').environ['OMP_NUM_THREADS'])"
    found = [outcome.result for outcome in workers.run(eval, [(code,), (code,)])]
    places = {os.path.dirname(place) for place, _ in found}
    assert len(places) == 2
    assert all(place.startswith(str(folder)) and not os.path.exists(place) for place in places)
    assert [threads for _, threads in found] == ["1", "1"]


def test_processes_that_a_task_left_behind_are_killed(workers):
    start = "__import__('subprocess').Popen(['sleep', '60'], cwd=__import__('tempfile').gettempdir()).pid"
    (outcome,) = workers.run(eval, [(start,)])
    with suppress(psutil.NoSuchProcess):
        assert psutil.Process(outcome.result).status() == psutil.STATUS_ZOMBIE, "dead, and nobody has waited for it yet"


def test_the_settings_of_threads_come_back(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with Workers(1, limit=60.0, name="test"):
        assert os.environ["OMP_NUM_THREADS"] == os.environ["MKL_NUM_THREADS"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in os.environ


def test_no_folder_for_temporary_files(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    with pytest.raises(InputError, match=r"TMPDIR: got .*No such file"), Workers(1, limit=1.0, name="test"):
        pass
