"""The step that installs Debian packages, on machines that lack them, have them, or may not install them.

A machine that already has ngspice must not hide a broken step, so the script runs here against stand-ins for
`apt-get`, `id` and `sudo` that record how they were called.
"""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "system-packages.sh"
MISSING = "ngspice=command -v no-such-program"
THERE = "libngspice0=true"


@pytest.fixture
def machine(tmp_path):
    """A machine with only the programs that the test puts there."""

    def put(name, body):
        file = tmp_path / name
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)

    put("sh", 'exec /bin/sh "$@"')
    put("grep", 'exec /bin/grep "$@"')
    return tmp_path, put


def run(folder, *pairs):
    environment = {"PATH": str(folder), "LOG": str(folder / "log")}
    done = subprocess.run(["/bin/sh", SCRIPT, *pairs], capture_output=True, text=True, env=environment, check=False)
    log = folder / "log"
    return done, log.read_text().splitlines() if log.exists() else []


def apt(put, code=0):
    put("apt-get", f'echo "apt-get $*" >> "$LOG"; exit {code}')


def test_nothing_is_done_where_all_is_there(machine):
    folder, put = machine
    apt(put)
    done, log = run(folder, THERE)
    assert (done.returncode, log, done.stdout) == (0, [], "")


def test_root_installs_what_is_missing_and_only_that(machine):
    folder, put = machine
    apt(put)
    put("id", "echo 0")
    done, log = run(folder, MISSING, THERE)
    assert done.returncode == 0
    assert log == ["apt-get update -qq", "apt-get install -y -qq ngspice"]


def test_passwordless_sudo_is_used(machine):
    folder, put = machine
    apt(put)
    put("id", "echo 1000")
    put("sudo", 'shift; [ "$1" = true ] || echo "sudo" >> "$LOG"; exec "$@"')
    put("true", "exit 0")
    done, log = run(folder, MISSING)
    assert done.returncode == 0
    assert log == ["sudo", "apt-get update -qq", "sudo", "apt-get install -y -qq ngspice"]


def test_without_permission_one_line_says_what_to_install(machine):
    folder, put = machine
    apt(put)
    put("id", "echo 1000")
    put("sudo", "exit 1")
    done, log = run(folder, MISSING, "other=false")
    assert done.returncode == 1
    assert log == []
    assert done.stderr == (
        "memductance needs ngspice other: run 'sudo apt-get install ngspice other', then run make again\n"
    )


def test_without_apt_one_line_says_what_to_install(machine):
    folder, _ = machine
    done, _ = run(folder, MISSING)
    assert done.returncode == 1
    assert "memductance needs ngspice (Debian names)" in done.stderr


def test_a_failing_install_is_said(machine):
    folder, put = machine
    apt(put, code=1)
    put("id", "echo 0")
    done, _ = run(folder, MISSING)
    assert done.returncode == 1
    assert "could not install ngspice" in done.stderr


def test_the_makefile_asks_for_what_doctor_looks_for():
    text = (SCRIPT.parents[1] / "Makefile").read_text()
    assert '"ngspice=command -v ngspice"' in text
    assert '"libngspice0=' in text
    assert os.access(SCRIPT, os.X_OK)
