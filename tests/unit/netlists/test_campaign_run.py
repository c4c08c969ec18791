"""Campaigns for real: resumed, on any number of workers, with engines and workers that die, hang or are wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from devices import InputError, SimulatorNotFoundError
from netlists import Campaign, CampaignSpec, run_campaign
from netlists.campaign.case import Case
from netlists.campaign.store import NAME, Store

pytestmark = pytest.mark.spice

#: Ohmic circuits at rest: our side has nothing to compile.
QUICK = {"cells": ("ohmic",), "analyses": ("read", "operating point"), "rest": (1, 4), "ohmic_share": 2}


def spec(circuits=3, **given):
    return CampaignSpec(
        **{"seed": 7, "circuits": circuits, "workers": 1, "timeout": 20.0, "limits": False, **QUICK, **given}
    )


def figures(campaign):
    """What was found, without times."""
    return [(r["case"], r["engine"], r["reason"], (r["agreement"] or {}).get("quantities")) for r in campaign.rows]


def store_lines(folder):
    return [json.loads(line) for line in (folder / NAME).read_text().splitlines()]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a program before ngspice: shell text that may look at circuit.cir, change it, or not return."""
    real = shutil.which("ngspice")

    def put(body):
        folder = tmp_path / "stand-in"
        folder.mkdir(exist_ok=True)
        program = folder / "ngspice"
        program.write_text(f'#!/bin/sh\nif [ "$1" != --version ]; then\n{body}\nfi\nexec {real} "$@"\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put


def once(tmp_path, times, body):
    """Shell text that does something in the first runs only."""
    count = tmp_path / "count"
    return f'echo run >> {count}\nif [ "$(wc -l < {count})" -le {times} ]; then {body}; fi'


def running_in(folder):
    """Processes whose working folder is below a folder."""
    places = {process.pid: process.info["cwd"] for process in psutil.process_iter(["cwd"])}
    return [pid for pid, place in places.items() if place and Path(place).is_relative_to(folder)]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A campaign of five circuits, run once for all tests that only need one."""
    return run_campaign(spec(5), tmp_path_factory.mktemp("done"))


def copied(campaign, folder):
    shutil.copytree(campaign.folder, folder)
    return folder


def test_the_same_with_any_number_of_workers_and_nothing_twice(done, tmp_path):
    first = done
    assert first.summary() == {"circuits": 5, "runs": 5, "agrees": 5, "differs": 0, "failed": 0}
    second = run_campaign(spec(5), tmp_path / "two", workers=2)
    assert figures(first) == figures(second)
    folder = copied(done, tmp_path / "one")
    before = (folder / NAME).read_bytes()
    again = run_campaign(spec(5), folder)
    assert (folder / NAME).read_bytes() == before
    assert figures(again) == figures(first)
    # More circuits and other tolerances are no other cases: what is there stays.
    strict = {"tolerances": {"read": {"current": 0.0}}, "floors": {"current": 0.0}, "roundings": 0.0}
    more = run_campaign(spec(6, **strict), folder)
    assert figures(more)[:5] == figures(first)
    assert more.summary()["runs"] == 6
    assert more.summary()["differs"] > 0
    table = more.table()
    assert set(table["case"]) == set(range(6))
    assert (table["of_tolerance"] > 1).any()
    data = more.dataset()
    assert dict(data.sizes) == {"case": 6, "engine": 1, "quantity": 4}
    one = first.rows[2]
    name, quantity = next(iter(one["agreement"]["quantities"].items()))
    assert float(data["worst_absolute"].sel(case=2, engine="ngspice", quantity=name)) == quantity["worst_absolute"]


def test_other_cases_do_not_mix(tmp_path):
    with Store(tmp_path, spec()), pytest.raises(InputError, match=r"out: got .* in use"):
        Store(tmp_path, spec())
    for changed, named in (
        ({"seed": 8}, r"spec.seed: got 8; allowed: 7,"),
        ({"rest": (1, 5)}, r"spec.rest: got \[1, 5\]"),
    ):
        with pytest.raises(InputError, match=named):
            run_campaign(spec(**changed), tmp_path)


def test_a_half_written_line_is_dropped(done, tmp_path):
    folder = copied(done, tmp_path / "cut")
    file = folder / NAME
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]) + lines[-1][:40])
    assert len(Campaign.load(folder).rows) == 4
    assert figures(run_campaign(spec(5), folder)) == figures(done)
    file.write_bytes(b"{nonsense}\n" + lines[0])
    with pytest.raises(InputError, match="damaged"):
        Campaign.load(folder)
    with pytest.raises(InputError, match="without a campaign"):
        Campaign.load(tmp_path / "nowhere")


def test_an_engine_is_killed_and_the_next_run_completes(tmp_path, stand_in):
    stand_in(once(tmp_path, 1, "kill -9 $$"))
    hurt = run_campaign(spec(3), tmp_path / "out")
    assert hurt.summary() == {"circuits": 3, "runs": 3, "agrees": 2, "differs": 0, "failed": 1}
    (row,) = hurt.failures()
    assert row["reason"] == "machine"
    assert "killed by signal 9" in row["error"]
    assert row["options"]["cells"] == "ohmic"
    healed = run_campaign(spec(3), tmp_path / "out")
    assert healed.summary()["agrees"] == 3
    assert len(store_lines(tmp_path / "out")) == 1 + 3 + 1, "only the killed one was run again"


def test_a_worker_is_killed(tmp_path, stand_in):
    """Its case is run again at once; where that kills the worker too, it is a row, and a job for the next run."""
    stand_in(once(tmp_path, 2, "kill -9 $PPID; sleep 30"))
    (row,) = run_campaign(spec(1), tmp_path / "out").rows
    assert (row["reason"], row["error"]) == ("machine", "the worker died, twice (exit -9)")
    assert row["options"]["cells"] == "ohmic"
    assert len((tmp_path / "count").read_text().split()) == 2


def test_an_engine_that_hangs_and_one_that_does_not_converge(tmp_path, stand_in):
    hangs = "grep -q '^Rshort' circuit.cir && sleep 60"
    # 1 + x^2 = 0 has no solution for ngspice to find.
    no_root = "grep -q '^Rb0_0' circuit.cir && sed -i '1a Bnone 0 none I = 1 + v(none)*v(none)' circuit.cir"
    stand_in(f"{hangs}\n{no_root}")
    found = run_campaign(
        spec(8, analyses=("operating point",), wires=("ideal", "uneven"), timeout=2.0, rest=(2, 3)), tmp_path
    )
    reasons = {row["case"]: row["reason"] for row in found.rows}
    assert set(reasons.values()) == {"timeout", "unsolved", ""}, "some hang, some do not converge, some agree"
    for row in found.failures():
        kept = tmp_path / "kept" / f"{row['case']:04d}-ngspice"
        assert Case.from_json((kept / "case.json").read_text()) == found.case(row["case"])
        assert (kept / "circuit.cir").exists()
        assert (kept / "circuit.sim").exists()
        if row["reason"] == "unsolved":
            small = found.reduced(row["case"], "ngspice")
            assert small.shape == (1, 1)
            assert {e.name for e in small.circuit().elements if e.name.startswith("R")} == {"R0_0", "Rb0_0"}
        else:
            assert "no result within 2 s" in row["error"]
    assert len(run_campaign(found.spec, tmp_path).rows) == 8, "they are rows: nothing is tried again"
    assert len(store_lines(tmp_path)) == 1 + 8


def test_a_wrong_engine_is_found_and_cut_down_to_the_element(tmp_path, stand_in):
    """A stand-in takes the resistance of a short 1 % too large."""
    wrong = "sed -i -E 's/^(Rshort[0-9]+ [^ ]+ [^ ]+) (.*)$/\\1 {1.01*\\2}/' circuit.cir"
    stand_in(wrong)
    found = run_campaign(spec(4, analyses=("operating point",), faults=("none", "short"), rest=(2, 5)), tmp_path)
    failures = found.failures()
    assert 1 <= len(failures) <= 3
    for row in found.rows:
        shorted = bool(found.case(row["case"]).wires.get("shorts"))
        assert found.verdict(row) == "agrees" or shorted
    smallest = found.reduced(failures[0]["case"], "ngspice")
    assert [short["resistance"] > 0 for short in smallest.wires["shorts"]] == [True]
    assert sorted(smallest.shape) in ([1, 2], [2, 2])
    assert failures[0]["reduced"]["elements"] == len(smallest.circuit().elements) < failures[0]["reduced"]["of"]
    folder = tmp_path / "reduced" / f"{failures[0]['case']:04d}-ngspice"
    assert "Rshort0" in (folder / "circuit.cir").read_text()
    assert "Rshort0" in (folder / "circuit.sim").read_text()
    assert "terminal current" in (folder / "found.txt").read_text()


def test_no_room_for_temporary_files(tmp_path, monkeypatch):
    place = tmp_path / "small"
    place.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(place)], capture_output=True, check=False
        ).returncode
    )
    monkeypatch.setattr("tempfile.tempdir", str(place))
    try:
        if mounted:
            (place / "filler").write_bytes(b"0" * 4096)
            hurt = run_campaign(spec(2), tmp_path / "out")
            assert [row["reason"] for row in hurt.rows] == ["machine"] * 2
            assert all("No space left" in row["error"] or "is full" in row["error"] for row in hurt.rows)
        else:
            place.rmdir()
            with pytest.raises(InputError, match=r"TMPDIR: got .*No such file"):
                run_campaign(spec(2), tmp_path / "out")
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=True)


def test_an_interrupt_leaves_nothing_behind(tmp_path, stand_in, monkeypatch, interrupts):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stand_in(f"touch {tmp_path}/started\n" + once(tmp_path, 9, "sleep 30"))
    main = threading.main_thread()

    def interrupt():
        while not (tmp_path / "started").exists():
            time.sleep(0.05)
        signal.pthread_kill(main.ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_campaign(spec(3), tmp_path / "out")
    thread.join()
    assert list(tmp_path.glob("memductance-*")) == []
    assert running_in(tmp_path) == []
    (tmp_path / "count").write_text("run\n" * 9)
    assert run_campaign(spec(3), tmp_path / "out").summary()["agrees"] == 3


def test_the_campaign_itself_is_killed(tmp_path, stand_in):
    """By kill -9, which it cannot answer: its workers end by themselves, and take simulators and files with them."""
    stand_in(f"touch {tmp_path}/started\nsleep 30")
    text = (Path(__file__).parents[2] / "cli" / "campaign.toml").read_text()
    (tmp_path / "spec.toml").write_text(text)
    command = [sys.executable, "-m", "memductance", "crosscheck", "campaign", str(tmp_path / "spec.toml"), "--json"]
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "out")],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
    ) as process:
        while not (tmp_path / "started").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    ends = time.monotonic() + 20
    while list(tmp_path.glob("memductance-*")) or running_in(tmp_path):
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert Campaign.load(tmp_path / "out").rows == (), "whole, and ready to go on"


def test_a_missing_engine_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SimulatorNotFoundError, match="ngspice"):
        run_campaign(spec(), tmp_path)
    assert not (tmp_path / NAME).exists()
