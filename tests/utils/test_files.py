"""Atomic file writes, and their one-line errors."""

import errno
import io
import os
import shutil
import subprocess
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from neuralpaint.images.io import save_image
from neuralpaint.utils.files import WriteError, atomic_path, atomic_write, check_writable, make_folder


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


def test_a_link_is_replaced_on_request(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    for number, goal in enumerate([tmp_path / "real", tmp_path / "nowhere", os.devnull]):
        link = tmp_path / f"link{number}"
        link.symlink_to(goal)
        with atomic_write(link, follow=False) as file:
            file.write(b"new")
        assert not link.is_symlink() and link.read_bytes() == b"new"
    assert (tmp_path / "real").read_bytes() == b"old" and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o444])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, mode):
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(mode)
    with atomic_write(tmp_path / "file") as file:
        (made,) = set(os.listdir(tmp_path)) - {"file"}
        assert not (tmp_path / made).stat().st_mode & 0o777 & ~mode  # nobody else reads it meanwhile
        file.write(b"1")
    with atomic_path(tmp_path / "file") as path:
        path.write_bytes(b"2")
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode and (tmp_path / "file").read_bytes() == b"2"


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


@pytest.fixture
def small_files():
    """Files may have at most 8 KiB."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


NOISE = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)


def written_by_torch(path):
    with atomic_write(path) as file:
        torch.save({"noise": torch.from_numpy(NOISE)}, file)


def written_by_numpy(path):
    with atomic_write(path) as file:
        np.save(file, NOISE)


def written_as_zip(path):
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("noise", NOISE.tobytes())


def written_as_tar(path):
    with atomic_write(path) as file, tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("noise")
        member.size = NOISE.nbytes
        archive.addfile(member, io.BytesIO(NOISE.tobytes()))


WRITERS = {
    suffix: lambda path: save_image(Image.fromarray(NOISE), path)
    for suffix in (".png", ".jpg", ".webp", ".tif", ".tiff")
}
WRITERS |= {".pt": written_by_torch, ".npy": written_by_numpy, ".npz": written_as_zip, ".tar": written_as_tar}


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_writer_says_that_the_disk_is_full(tmp_path, full_disk, suffix):
    target = full_disk / f"file{suffix}"
    target.write_bytes(bytes(45_000))
    with pytest.raises(WriteError, match=r"^cannot write .*: no space left on the disk \(.*\)$") as error:
        WRITERS[suffix](target)
    assert error.value.errno == errno.ENOSPC
    assert os.listdir(full_disk) == [target.name] and target.read_bytes() == bytes(45_000)


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_writer_says_that_a_file_is_too_large(tmp_path, small_files, suffix):
    target = tmp_path / f"file{suffix}"
    with pytest.raises(WriteError, match="^cannot write .*: the file would be larger than .*$") as error:
        WRITERS[suffix](target)
    assert error.value.errno == errno.EFBIG and os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("suffix", WRITERS)
def test_every_writer_says_that_a_device_is_full(tmp_path, suffix):
    target = tmp_path / f"file{suffix}"
    target.symlink_to("/dev/full")
    with pytest.raises(WriteError, match="^cannot write .*: no space left on the disk.*$") as error:
        WRITERS[suffix](target)
    assert error.value.errno == errno.ENOSPC


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
