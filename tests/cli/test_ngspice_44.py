"""The script that unpacks ngspice 44: what it says where it cannot, and that it tries twice."""

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "tools" / "ngspice-44.sh"


def run(tmp_path, programs):
    """Run the script with replacements for some programs, and with the others that it needs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("mkdir", "mktemp", "rm", "tail", "cat", "dirname", "grep"):
        (folder / name).symlink_to(next(p for p in (Path("/usr/bin") / name, Path("/bin") / name) if p.exists()))
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", SCRIPT, tmp_path / "target"], capture_output=True, text=True, check=False,
        env={"PATH": str(folder), "LOG": str(tmp_path / "log"), "TMPDIR": str(tmp_path)},
    )  # fmt: skip


def test_a_system_without_apt_is_named(tmp_path):
    done = run(tmp_path, {})
    assert done.returncode == 1
    assert done.stderr == "ngspice 44 is not unpacked: no apt-get on this system\n"


def test_packages_that_cannot_be_fetched_are_tried_twice_and_told(tmp_path):
    programs = dict.fromkeys(("dpkg", "dpkg-deb", "sleep"), "exit 0")
    done = run(tmp_path, {**programs, "apt-get": 'echo "$*" >> "$LOG"; echo "no route to host" >&2; exit 100'})
    assert done.returncode == 1
    assert "its packages cannot be fetched from deb.debian.org:\nno route to host\n" in done.stderr
    assert (tmp_path / "log").read_text().splitlines() == ["update -qq", "update -qq"]
    assert not list(tmp_path.glob("tmp.*")), "the working folder is removed"


def test_what_works_is_left_as_it_is(tmp_path):
    place = tmp_path / "target" / "bin"
    place.mkdir(parents=True)
    (place / "ngspice").write_text("#!/bin/sh\necho '** ngspice-44.2 : Circuit level simulation program'\n")
    (place / "ngspice").chmod(0o755)
    done = run(tmp_path, {"apt-get": "exit 1"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
