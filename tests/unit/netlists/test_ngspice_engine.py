"""The ngspice process: what happens when it is missing, refuses, crashes or hangs, and what stays behind."""

import os
import pickle
import stat
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from devices import (
    InputError,
    SimulatorConvergenceError,
    SimulatorError,
    SimulatorNotFoundError,
    SimulatorTimeoutError,
    SimulatorVersionError,
)
from netlists import Waves, ngspice_version, run_ngspice
from netlists.engines.raw_files import read_raw

DIVIDER = "* divider\nV1 a 0 3\nR1 a b 1k\nR2 b 0 2k\n.op\n.end\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A temporary folder of our own, which must be empty in the end."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []
    assert not children() & {"ngspice", "sh", "sleep"}


def children():
    """Names of the processes that this one has started and that are still there."""
    return {process.name() for process in psutil.Process().children()}


@pytest.fixture
def stub(tmp_path, monkeypatch):
    """Put an ngspice on PATH that runs the given shell lines after it has told its version."""

    def install(body):
        program = tmp_path / "ngspice"
        program.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo "** ngspice-99"; exit 0; fi\n{body}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")

    return install


def gone(pid):
    """Whether a process ends within ten seconds; a zombie that nobody has reaped yet counts as ended."""
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.spice
def test_a_run_returns_full_doubles():
    waves = run_ngspice(DIVIDER)
    assert waves["v(b)"][0] == pytest.approx(2.0, rel=1e-15)
    assert waves["I(V1)"][0] == pytest.approx(-1e-3, rel=1e-14)
    assert waves.engine == f"ngspice {ngspice_version()}"
    assert set(waves) == {"v(a)", "v(b)", "i(v1)"}
    assert "3 vectors of 1 points" in repr(waves)
    with pytest.raises(InputError, match=r"name: got 'v\(c\)'"):
        waves["v(c)"]


@pytest.mark.spice
def test_keep_leaves_the_files(tmp_path):
    run_ngspice(DIVIDER, keep=tmp_path / "kept" / "here")
    assert (tmp_path / "kept/here/circuit.cir").read_text() == DIVIDER
    assert "v(b)" in read_raw(tmp_path / "kept/here/circuit.raw")
    with pytest.raises(InputError, match=r"keep: got .*circuit\.cir.*allowed: a folder"):
        run_ngspice(DIVIDER, keep=tmp_path / "kept/here/circuit.cir")


@pytest.mark.spice
def test_the_users_start_files_and_settings_are_ignored(tmp_path, monkeypatch):
    (tmp_path / ".spiceinit").write_text("set filetype=ascii\nquit\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SPICE_ASCIIRAWFILE", "1")
    assert run_ngspice(DIVIDER)["v(a)"][0] == 3.0


@pytest.mark.spice
@pytest.mark.parametrize(
    ("netlist", "words"),
    [
        ("* t\nQ1 foo\n.op\n.end\n", "could not find a valid modelname"),
        ("* t\nV1 a 0 1\nX1 a 0 nothere\n.op\n.end\n", "unknown subckt: x1 a 0 nothere"),
        ("* t\nV1 a 0 1\nB1 a 0 I=foo(v(a))\n.op\n.end\n", "no such function 'foo'"),
        ("* t\nV1 a 0 1\nV2 a 0 2\n.op\n.end\n", "singular matrix"),
        ("* t\nV1 a 0 1\nR1 a 0 1\n.end\n", "ngspice"),
        ("", "ngspice"),
    ],
)
def test_a_bad_netlist_raises_with_ngspices_own_words(netlist, words):
    with pytest.raises(SimulatorError, match=r"^ngspice") as caught:
        run_ngspice(netlist)
    assert words in str(caught.value)
    assert isinstance(caught.value, SimulatorConvergenceError) == (words == "singular matrix")
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, SimulatorNotFoundError)


@pytest.mark.spice
def test_a_run_without_end_is_stopped():
    endless = "* t\nV1 a 0 SIN(0 1 1k)\nR1 a 0 1k\n.save v(a)\n.tran 1n 1000 0 1n\n.end\n"
    started = time.perf_counter()
    with pytest.raises(SimulatorError, match=r"no result within 0\.5 s; try a larger timeout"):
        run_ngspice(endless, timeout=0.5)
    assert time.perf_counter() - started < 60


def test_a_missing_ngspice_names_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (ngspice_version, lambda: run_ngspice(DIVIDER)):
        with pytest.raises(SimulatorNotFoundError, match="sudo apt-get install ngspice libngspice0") as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_timeout_kills_the_children_too(stub, tmp_path):
    stub(f'sleep 600 &\necho $! > "{tmp_path}/child"\necho $$ > "{tmp_path}/parent"\nwait')
    with pytest.raises(SimulatorTimeoutError, match="no result within"):
        run_ngspice(DIVIDER, timeout=1.0)
    assert gone(int((tmp_path / "child").read_text()))
    assert gone(int((tmp_path / "parent").read_text()))


def test_an_interrupt_kills_the_process_and_goes_on(stub, tmp_path, monkeypatch):
    stub(f'echo $$ > "{tmp_path}/parent"\nexec sleep 600')
    original = subprocess.Popen.communicate
    calls = []

    def interrupted(self, *args, **options):
        calls.append(self.pid)
        if len(calls) == 2:  # the first call asks for the version
            raise KeyboardInterrupt
        return original(self, *args, **options)

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_ngspice(DIVIDER)
    assert len(calls) == 3
    assert gone(calls[1])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("kill -SEGV $$", r"killed by signal 11"),
        ("kill -9 $$", r"killed by signal 9"),
        ("echo 'Error: out of luck' >&2; exit 3", r"exit 3\): Error: out of luck"),
        ("exit 0", "wrote no result: no message"),
        ("echo garbage > circuit.raw", "cannot be read"),
        ("printf 'Flags: real\\nNo. Variables: 1\\nNo. Points: 9\\nBinary:\\n' > circuit.raw", "cannot be read"),
    ],
)
def test_a_crash_or_nonsense_is_a_simulator_error(stub, body, words):
    stub(body)
    with pytest.raises(SimulatorError, match=words):
        run_ngspice(DIVIDER)


def test_a_program_that_is_no_ngspice(tmp_path, monkeypatch):
    program = tmp_path / "ngspice"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin")
    with pytest.raises(SimulatorError, match="no version in its answer"):
        ngspice_version()
    program.write_bytes(b"\x7fELF nonsense")
    with pytest.raises(SimulatorError, match="does not start"):
        ngspice_version()


def test_a_version_that_is_too_old(tmp_path, monkeypatch):
    program = tmp_path / "ngspice"
    program.write_text('#!/bin/sh\necho "** ngspice-26 : Circuit level simulation program"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    with pytest.raises(SimulatorVersionError, match="got version 26; allowed: 30 or newer; to install: sudo apt-get"):
        run_ngspice(DIVIDER)


def test_the_netlist_of_a_failure_is_kept_and_named_and_the_last_20_stay(stub, tmp_path, monkeypatch):
    monkeypatch.setattr("netlists.engines.folders.failed_folder", lambda: tmp_path / "failed")
    stub("echo 'Error: out of luck'; exit 3")
    kept = []
    for k in range(22):
        with pytest.raises(SimulatorError, match=r"out of luck; netlist: .*/failed/ngspice-\d+-\d+-\w+\.cir") as caught:
            run_ngspice(f"* number {k}\n.op\n.end\n")
        kept.append(caught.value.netlist)
        os.utime(kept[-1], (k, k))
    assert kept[-1].read_text() == "* number 21\n.op\n.end\n"
    assert set((tmp_path / "failed").iterdir()) == set(kept[2:])
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.netlist) == (str(caught.value), kept[-1])
    with pytest.raises(SimulatorError, match=r"netlist: .*/mine/circuit\.cir"):
        run_ngspice(DIVIDER, keep=tmp_path / "mine")


def test_an_iteration_that_overflows_is_no_convergence(stub):
    stub("echo 'Error: 908.83 out of range for sinh' >&2; exit 1")
    with pytest.raises(SimulatorConvergenceError, match="out of range for sinh"):
        run_ngspice(DIVIDER)


def test_where_nothing_can_be_kept_the_message_still_comes(stub, monkeypatch):
    monkeypatch.setattr("netlists.engines.folders.failed_folder", lambda: Path("/proc/nowhere"))
    stub("echo 'Error: out of luck'; exit 3")
    with pytest.raises(SimulatorError, match=r"out of luck$"):
        run_ngspice(DIVIDER)


def test_no_room_to_run_in(stub, folder, tmp_path, monkeypatch):
    stub("exit 0")
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
        with pytest.raises(SimulatorError, match=r"cannot write into .*nowhere \(No such file.*TMPDIR name another"):
            run_ngspice(DIVIDER)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(SimulatorError, match=r"wrote no result \(the disk of .* is full\)"):
        run_ngspice(DIVIDER)


@pytest.mark.spice
def test_runs_at_once_from_threads_and_processes():
    texts = [DIVIDER.replace("3\n", f"{k}\n", 1) for k in range(1, 7)]
    with ThreadPoolExecutor(4) as threads:
        assert [w["v(a)"][0] for w in threads.map(run_ngspice, texts)] == [1, 2, 3, 4, 5, 6]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        found = list(processes.map(run_ngspice, texts[:4]))
    assert [w["v(a)"][0] for w in found] == [1, 2, 3, 4]


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), "soon"])
def test_a_bad_timeout_is_refused(timeout):
    with pytest.raises(InputError, match="timeout"):
        run_ngspice(DIVIDER, timeout=timeout)


def test_waves_refuse_what_is_not_finite():
    with pytest.raises(SimulatorError, match=r"returned nan in v\(a\) at point 1"):
        Waves({"v(a)": np.array([1.0, np.nan])}, "test", 0.0)
    with pytest.raises(SimulatorError, match="no vectors"):
        Waves({}, "test", 0.0)


def test_thinned_waves_keep_crowded_and_sparse_times():
    time = np.append(np.geomspace(1e-6, 1e-3, 1000), np.linspace(2e-3, 1.0, 500))
    kept = Waves({"time": time, "v(a)": 2 * time}, "test", 0.0).thinned(100)
    assert kept["time"].size <= 100
    assert kept["time"][[0, -1]].tolist() == [time[0], time[-1]]
    assert (kept["v(a)"] == 2 * kept["time"]).all()
    assert (kept["time"] <= 1e-3).sum() >= 30
    assert np.diff(kept["time"]).max() < 0.03
    assert Waves({"time": time}, "test", 0.0).thinned(1500)["time"].size == 1500


@pytest.mark.spice
def test_our_reader_and_spicelib_agree_bit_for_bit(tmp_path):
    from spicelib import RawRead

    text = "* t\nV1 a 0 SIN(0 1 1k)\nR1 a b 1k\nC1 b 0 1u\n.tran 1u 1m\n.end\n"
    run_ngspice(text, keep=tmp_path)
    ours = read_raw(tmp_path / "circuit.raw")
    theirs = RawRead(str(tmp_path / "circuit.raw"), dialect="ngspice", verbose=False)
    assert sorted(ours) == sorted(n.lower() for n in theirs.get_trace_names())
    for name in theirs.get_trace_names():
        np.testing.assert_array_equal(ours[name.lower()], theirs.get_wave(name))
