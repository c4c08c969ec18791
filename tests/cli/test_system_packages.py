"""The script that installs Debian packages: with packages missing, present, or without permission to install.

It runs with replacements for `apt-get`, `id` and `sudo` that record their calls, so that its errors are found even on a
machine that has ngspice.
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
    """A folder of programs as the only entry of PATH."""

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


def test_nothing_is_installed_if_nothing_is_missing(machine):
    folder, put = machine
    apt(put)
    done, log = run(folder, THERE)
    assert (done.returncode, log, done.stdout) == (0, [], "")


def test_root_installs_only_missing_packages(machine):
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


def test_without_permission_one_line_names_the_packages(machine):
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


def test_without_apt_one_line_names_the_packages(machine):
    folder, _ = machine
    done, _ = run(folder, MISSING)
    assert done.returncode == 1
    assert "memductance needs ngspice (Debian names)" in done.stderr


def test_a_failed_installation_is_reported(machine):
    folder, put = machine
    apt(put, code=1)
    put("id", "echo 0")
    done, _ = run(folder, MISSING)
    assert done.returncode == 1
    assert "could not install ngspice" in done.stderr


def test_the_makefile_and_doctor_check_the_same_programs():
    text = (SCRIPT.parents[1] / "Makefile").read_text()
    assert '"ngspice=command -v ngspice"' in text
    assert '"libngspice0=' in text
    assert os.access(SCRIPT, os.X_OK)
