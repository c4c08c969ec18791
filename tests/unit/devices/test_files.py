"""Files that are written whole or not at all, and a cache that nobody else can write."""

import os
import stat

import pytest

from devices import InputError
from devices.common import cache
from devices.common.files import whole_file, write_whole


def test_a_file_is_written_whole_with_its_folder(tmp_path):
    target = write_whole(tmp_path / "new" / "o[/x].txt", "text \u00b5")
    assert target.read_text(encoding="utf-8") == "text \u00b5"
    assert write_whole(target, b"\x00\x01").read_bytes() == b"\x00\x01"
    assert os.listdir(target.parent) == [target.name]


def test_an_error_leaves_the_file_as_it_was_and_nothing_else(tmp_path):
    target = write_whole(tmp_path / "table.csv", "before")

    def break_off():
        with whole_file(target) as unfinished:
            unfinished.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert target.read_text() == "before"
    with pytest.raises(InputError, match="UTF-8"):
        write_whole(target, "\ud800")
    assert os.listdir(tmp_path) == ["table.csv"]


def test_unfinished_files_have_names_that_nobody_can_guess(tmp_path):
    """A link that was planted under the usual names is not followed."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    target = tmp_path / "out" / "table.csv"
    target.parent.mkdir()
    for name in (f".table.csv.{os.getpid()}", ".table.csv.tmp", "table.csv.tmp"):
        (target.parent / name).symlink_to(victim)
    names = set()
    for _ in range(3):
        with whole_file(target) as unfinished:
            names.add(unfinished.name)
            unfinished.write_text("new")
    assert len(names) == 3
    assert victim.read_text() == "precious"
    target.unlink()
    target.symlink_to(victim)  # the link itself is replaced, not what it leads to
    write_whole(target, "newer")
    assert (victim.read_text(), target.is_symlink()) == ("precious", False)


def test_a_folder_in_the_way_or_a_full_place_is_named(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError, match=r"--out: got .*taken.*a file that can be written"):
        write_whole(tmp_path / "taken", "text", "--out")
    assert os.listdir(tmp_path) == ["taken"]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"path: got .*file/below"):
        write_whole(tmp_path / "file" / "below", "text")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the cache, not made yet."""
    monkeypatch.setenv("MEMDUCTANCE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernels"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="a system without owners of files")
def test_the_cache_is_made_for_its_user_alone(folder):
    assert cache.cache_folder() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    cache.write_cached("kernel", "key", b"content")
    assert cache.read_cached("kernel", "key") == b"content"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="a system without owners of files")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_cache_that_others_can_write_is_not_used(folder, mode):
    folder.mkdir(parents=True)
    folder.chmod(mode)
    with pytest.warns(RuntimeWarning, match=r"is not used: others can write it.*MEMDUCTANCE_CACHE_DIR"):
        used = cache.cache_folder()
    assert used != folder
    cache.write_cached("kernel", "key", b"content")
    assert os.listdir(folder) == []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="a system without owners of files")
def test_a_cache_of_another_user_is_not_used(folder, monkeypatch):
    folder.mkdir(parents=True)
    own = folder.stat().st_uid
    monkeypatch.setattr(os, "getuid", lambda: own + 1)
    if own == 0:  # what root has made may be trusted
        assert cache.cache_folder() == folder
        os.chown(folder, 12345, -1)
        cache._usable_folder.cache_clear()
    with pytest.warns(RuntimeWarning, match=r"user \d+ owns it"):
        assert cache.cache_folder() != folder
