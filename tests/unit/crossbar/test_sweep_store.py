"""Stores of sweeps: resumed, extended, refused, killed, full."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from crossbar import Axis, Design, SweepInterrupt, load_sweep, sweep
from crossbar.sweeps.store import Store
from devices import InputError
from devices.common.errors import MemductanceError
from tests.unit.crossbar import sweep_program

ROOT = Path(__file__).parents[3]


class Counted:
    """A function that counts its calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, rng, a, b):
        self.calls += 1
        return a + (b or 0) + rng.random()


AXES = (Axis("a", (1, 2, 3), "ohm"), Axis("b", (0.5, None)))


def run(store, function=None, axes=AXES, trials=2, **options):
    function = function or Counted()
    return sweep(
        function, axes, **{"trials": trials, "seed": 3, "store": store, "stamp": "1", **options}
    ), function.calls


def test_a_second_run_evaluates_nothing(tmp_path):
    whole = run(None)[0]
    first, calls = run(tmp_path / "s.zarr")
    again, none = run(tmp_path / "s.zarr")
    assert (calls, none) == (12, 0)
    assert first.drop_attrs().identical(whole.drop_attrs())
    assert again.identical(first)
    assert load_sweep(tmp_path / "s.zarr").equals(first)


def test_a_store_grows_by_values_and_by_trials(tmp_path):
    store = tmp_path / "s.zarr"
    run(store)
    axes = (Axis("a", (0, 2, 1, 3, 2.5), "ohm"), Axis("b", (None, 0.5, 0.25)))
    grown, calls = run(store, axes=axes, trials=3)
    assert calls == 5 * 3 * 3 - 12
    assert grown.equals(run(None, axes=axes, trials=3)[0])
    assert run(store, trials=1)[0].equals(run(None, trials=1)[0])
    loaded = load_sweep(store)
    assert loaded.a.values.tolist() == [0.0, 1.0, 2.0, 2.5, 3.0]
    assert dict(loaded.sizes) == {"a": 5, "b": 3, "trial": 3}
    assert loaded.sel(a=[0, 2, 1, 3, 2.5], b=["None", "0.5", "0.25"]).accuracy.equals(grown.accuracy)


def test_two_grown_axes_leave_holes(tmp_path):
    store = tmp_path / "s.zarr"
    run(store)
    run(store, axes=(Axis("a", (4,), "ohm"), Axis("b", (0.125,))))
    loaded = load_sweep(store)
    assert int((loaded.status == 0).sum()) == (4 * 3 - 6 - 1) * 2
    assert loaded.accuracy.isnull().equals(loaded.status == 0)


def test_a_longer_design_extends_a_store(tmp_path):
    store = tmp_path / "s.zarr"
    designs = [Design({"a": (0.0, 1.0), "b": (1.0, 9.0)}, n) for n in (4, 7)]
    assert run(store, axes=designs[:1])[1] == 8
    grown, calls = run(store, axes=designs[1:])
    assert calls == 6
    assert grown.equals(run(None, axes=designs[1:])[0])
    assert load_sweep(store).equals(grown)


def test_xarray_reads_a_store(tmp_path):
    found, _ = run(tmp_path / "s.zarr")
    with xr.open_zarr(tmp_path / "s.zarr", consolidated=False) as read:
        np.testing.assert_array_equal(read.accuracy, found.accuracy)
        assert read.accuracy.attrs["long_name"] == "accuracy"
        assert read.a.values.tolist() == [1, 2, 3]
        assert [str(v) for v in read.b.values] == ["0.5", "None"]


def test_a_point_is_one_chunk_of_each_variable(tmp_path):
    run(tmp_path / "s.zarr", trials=5)
    for name in ("accuracy", "status"):
        assert sum(f.is_file() for f in (tmp_path / "s.zarr" / name / "c").rglob("*")) == 6


def test_failed_points_are_tried_again(tmp_path):
    broken = [True]

    def evaluate(rng, a, b):
        if broken[0] and a == 2:
            raise ValueError("later")
        return a

    options = {"trials": 2, "store": tmp_path / "s.zarr", "stamp": "1"}
    first = sweep(evaluate, AXES, **options)
    assert int((first.status == 2).sum()) == 4
    assert load_sweep(tmp_path / "s.zarr").equals(first)
    broken[0] = False
    mended = sweep(evaluate, AXES, **options)
    assert (mended.status == 1).all()
    assert (mended.error == "").all()
    assert load_sweep(tmp_path / "s.zarr").error.equals(mended.error)


def _first(rng, a, b):
    return a


def _second(rng, a, b):
    return a


def _holding(value):
    def evaluate(rng, a, b):
        return a * value

    return evaluate


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (_second, {}, r"store: evaluate: got .*_second; allowed: .*_first"),
        (_first, {"seed": 1}, "store: seed: got 1; allowed: 0"),
        (_first, {"paired": False}, "store: paired: got False; allowed: True"),
        (_first, {"stamp": "2"}, "store: stamp: got 2; allowed: nothing"),
        (_first, {"axes": AXES[:1]}, "axes: got a"),
        (_first, {"axes": AXES[::-1]}, "store: axes: got b, a; allowed: a, b"),
    ],
)
def test_a_store_of_another_sweep_is_refused(tmp_path, function, options, message):
    sweep(_first, AXES, store=tmp_path / "s.zarr")
    before = sorted((f, f.read_bytes()) for f in (tmp_path / "s.zarr").rglob("*") if f.is_file())
    with pytest.raises(InputError, match=message):
        sweep(function, **{"axes": AXES, "store": tmp_path / "s.zarr", **options})
    assert sorted((f, f.read_bytes()) for f in (tmp_path / "s.zarr").rglob("*") if f.is_file()) == before


def test_what_a_function_holds_belongs_to_its_store(tmp_path):
    sweep(_holding(2), AXES, store=tmp_path / "s.zarr")
    sweep(_holding(2), AXES, store=tmp_path / "s.zarr")
    with pytest.raises(InputError, match="store: value of evaluate: got 3; allowed: 2"):
        sweep(_holding(3), AXES, store=tmp_path / "s.zarr")


def test_an_edited_function_is_refused(tmp_path):
    def edited(body):
        (tmp_path / "edited.py").write_text(f"def evaluate(rng, a, b):\n    {body}\n")
        spec = importlib.util.spec_from_file_location("edited", tmp_path / "edited.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.evaluate

    sweep(edited("return a"), AXES, store=tmp_path / "s.zarr")
    sweep(edited("return (a)   # the same"), AXES, store=tmp_path / "s.zarr")
    with pytest.raises(InputError, match=r"store: source of evaluate: got .*edited\.evaluate, changed since"):
        sweep(edited("return a + 1"), AXES, store=tmp_path / "s.zarr")


def test_a_store_of_another_version_is_refused(tmp_path):
    run(tmp_path / "s.zarr")
    file = tmp_path / "s.zarr" / "zarr.json"
    whole = json.loads(file.read_text())
    stamp = whole["attributes"]["memductance_sweep"]["stamp"]
    stamp["memductance"] = ["0.0.1", "0.0.1"]
    file.write_text(json.dumps(whole))
    with pytest.raises(InputError, match=r"store: memductance: got .*; allowed: 0\.0\.1, with which"):
        run(tmp_path / "s.zarr")
    whole["attributes"]["memductance_sweep"]["format"] = 99
    file.write_text(json.dumps(whole))
    for read in (lambda: run(tmp_path / "s.zarr"), lambda: load_sweep(tmp_path / "s.zarr")):
        with pytest.raises(InputError, match="store: got format 99"):
            read()


def test_places_that_are_no_store(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for place in ("full", "file"):
        with pytest.raises((InputError, MemductanceError), match=r"store|cannot be written"):
            run(tmp_path / place)
        with pytest.raises(InputError, match="store"):
            load_sweep(tmp_path / place)
    assert (tmp_path / "full" / "notes.txt").read_text() == "mine"
    assert (tmp_path / "file").read_text() == "mine"


def test_one_writer_at_a_time(tmp_path):
    other = Store(tmp_path / "s.zarr", {}, [a.dimension() for a in AXES], 2, {})
    with other, pytest.raises(InputError, match="in use"):
        run(tmp_path / "s.zarr")


def test_an_interrupt_loses_nothing(tmp_path):
    function = Counted()

    class Interrupted(Counted):
        def __call__(self, rng, a, b):
            if self.calls == 7:
                raise KeyboardInterrupt
            return super().__call__(rng, a, b)

    Interrupted.__qualname__ = function.__class__.__qualname__
    with pytest.raises(SweepInterrupt, match=r"7 of 12 trials are finished, and kept in"):
        run(tmp_path / "s.zarr", Interrupted())
    assert int((load_sweep(tmp_path / "s.zarr").status == 1).sum()) == 7
    found, calls = run(tmp_path / "s.zarr", function)
    assert calls == 5
    assert found.equals(run(None)[0])


def test_a_full_disk_leaves_what_is_there(tmp_path, monkeypatch):
    import zarr

    writes = iter(range(1000))
    usual = zarr.Array.__setitem__

    def limited(array, *arguments):
        if next(writes) == 8:
            raise OSError(28, os.strerror(28))
        usual(array, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(zarr.Array, "__setitem__", limited)
        with pytest.raises(MemductanceError, match=r"cannot be written .No space left on device."):
            run(tmp_path / "s.zarr")
    assert run(tmp_path / "s.zarr")[0].equals(run(None)[0])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_killed_at_any_moment_and_resumed(tmp_path, workers):
    whole = sweep_program.run()
    store = tmp_path / "s.zarr"
    done = [0]
    for pause in (0.0, 0.15, 0.4):
        environment = {**os.environ, "PAUSE": "0.02"}
        words = [sys.executable, "-m", sweep_program.__name__, str(store), workers]
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(words, cwd=ROOT, env=environment, **quiet) as process:
            process.stdout.readline()
            while pause and not (store / "accuracy" / "zarr.json").exists():
                assert process.poll() is None
                time.sleep(0.01)
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
        done.append(int((load_sweep(store).status > 0).sum()) if (store / "zarr.json").exists() else 0)
    assert done == sorted(done)
    assert sweep_program.run(store).identical(whole)
    assert load_sweep(store).identical(whole)
