"""Atomic file writes, and their one-line errors."""

import errno
import os
import shutil
import subprocess

import pytest

from neuralpaint.utils.files import WriteError, atomic_write, check_writable, make_folder


@pytest.fixture
def full_disk(tmp_path):
    """A file system of 64 KiB; skipped if mounting is not permitted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small file system is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_writes(tmp_path):
    with atomic_write(tmp_path / "file") as file:
        file.write(b"new")
        assert not (tmp_path / "file").exists()
    assert (tmp_path / "file").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_permissions_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        with atomic_write(tmp_path / "file") as file:
            file.write(b"x")
    finally:
        os.umask(old)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_file(tmp_path, error):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(type(error)), atomic_write(tmp_path / "file") as file:
        file.write(b"half of the new")
        raise error
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


def test_a_device_is_written_directly():
    with atomic_write("/dev/null") as file:
        file.write(b"gone")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_no_space_on_a_device():
    with pytest.raises(WriteError, match="cannot write /dev/full: no space left on the disk") as error:
        with atomic_write("/dev/full") as file:
            file.write(b"x")
    assert error.value.errno == errno.ENOSPC


def test_no_space_on_a_disk(full_disk):
    (full_disk / "file").write_bytes(b"old")
    with pytest.raises(WriteError, match=r"no space left on the disk \(0\.\d MiB free in .*disk\)"):
        with atomic_write(full_disk / "file") as file:
            file.write(bytes(200_000))
    assert (full_disk / "file").read_bytes() == b"old"
    assert os.listdir(full_disk) == ["file"]


def test_no_space_reported_by_the_system(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match="no space left"), atomic_write(tmp_path / "file") as file:
        file.write(b"x")
    assert os.listdir(tmp_path) == []


def bad_targets(tmp_path):
    (tmp_path / "a_file").write_text("x")
    (tmp_path / "a_folder").mkdir()
    return [
        (tmp_path / "a_file" / "out.png", "a part of its folder's path is a file"),
        (tmp_path / "a_folder", "it is a folder"),
        (tmp_path / "nowhere" / "out.png", "its folder does not exist"),
        (tmp_path / ("x" * 300), "the name is too long"),
    ]


@pytest.mark.parametrize("case", range(4))
def test_unwritable(tmp_path, case):
    target, message = bad_targets(tmp_path)[case]
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(WriteError, match=message) as error:
        check_writable(target)
    assert "\n" not in str(error.value) and str(target) in str(error.value)
    with pytest.raises(WriteError, match=message), atomic_write(target) as file:
        file.write(b"x")
    assert sorted(os.listdir(tmp_path)) == before


def test_check_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("old")
    check_writable(tmp_path / "file")
    check_writable(tmp_path / "new")
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "old"


def test_make_folder(tmp_path):
    assert make_folder(tmp_path / "a" / "b").is_dir()
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(WriteError, match="file"):
            make_folder(path)
