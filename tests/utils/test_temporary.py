"""Temporary files of killed processes are removed by the next run, and no others."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from neuralpaint.utils import temporary
from neuralpaint.utils.files import atomic_path, atomic_write, check_writable
from neuralpaint.utils.locks import folder_lock
from neuralpaint.utils.temporary import clean_up, temporary_name

KEPT = [
    ".file.0123abcd.tmp",
    ".file.neuralpaint.tmp",
    "file.0123abcd-99-5-0123abcd.neuralpaint.tmp",
    ".file.0123abcd-99-5-0123abcd.tmp",
    ".file.0123abcd-x-5-0123abcd.neuralpaint.tmp",
    "photo.png",
]
WRITER = """
import sys, time
from neuralpaint.utils.files import {function}
with {function}(sys.argv[1]) as file:
    print("writing", flush=True)
    time.sleep(60)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(autouse=True)
def not_yet_cleaned():
    clean_up.cache_clear()


def writer(target, function="atomic_write"):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER.format(function=function), target],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout.readline() == b"writing\n"
    return process


def of_an_earlier_process(target):
    """A name made by a process that had this one's number earlier."""
    name, begun, unique = temporary_name(target).name.rsplit("-", 2)
    assert int(begun) > 1
    return target.with_name(f"{name}-1-{unique}")


def write(folder):
    with atomic_write(folder / "other") as file:
        file.write(b"x")
    (folder / "other").unlink()


def write_path(folder):
    with atomic_path(folder / "other") as path:
        path.write_bytes(b"x")
    (folder / "other").unlink()


def lock(folder):
    with folder_lock(folder):
        pass


@pytest.mark.parametrize("next_run", [write, write_path, lock, lambda folder: check_writable(folder / "x")])
def test_those_of_killed_writers_go_and_those_of_living_ones_stay(tmp_path, next_run):
    killed, living = writer(tmp_path / "a.png"), writer(tmp_path / "b.png", "atomic_path")
    try:
        assert len(os.listdir(tmp_path)) == 2
        killed.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)  # a zombie has ended, too
        next_run(tmp_path)
        (left,) = os.listdir(tmp_path)
        assert left.startswith(".b.png.") and f"-{living.pid}-" in left
    finally:
        for process in (killed, living):
            process.kill()
            process.wait()
            process.stdout.close()
    clean_up.cache_clear()
    next_run(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_number_that_another_process_has_now(tmp_path):
    mine, earlier = temporary_name(tmp_path / "file"), of_an_earlier_process(tmp_path / "file")
    for path in (mine, earlier):
        path.touch()
    clean_up(str(tmp_path))
    assert mine.exists() and not earlier.exists()


def test_other_machines_have_a_day(tmp_path, monkeypatch):
    monkeypatch.setattr(temporary, "_machine", lambda: "0123abcd")
    fresh, old = (temporary_name(tmp_path / name) for name in ("fresh", "old"))
    monkeypatch.undo()
    for path in (fresh, old):
        path.touch()
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    clean_up(str(tmp_path))
    assert fresh.exists() and not old.exists()


def test_nothing_else_is_touched(tmp_path):
    dead = of_an_earlier_process(tmp_path / "file").name
    (tmp_path / "target").touch()
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / dead).symlink_to(tmp_path / "target")
    (tmp_path / "folders" / dead).mkdir(parents=True)
    for name in KEPT:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    before = sorted(tmp_path.rglob("*"))
    for folder in (tmp_path, tmp_path / "links", tmp_path / "folders", tmp_path / "nowhere"):
        clean_up(str(folder))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_is_looked_through_once(tmp_path, monkeypatch):
    looked = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: looked.append(folder) or scan(folder))
    for name in "abc":
        with atomic_write(tmp_path / name) as file:
            file.write(b"x")
    assert looked == [str(tmp_path)]


@pytest.mark.parametrize(
    "name", ["x" * 250, "ü" * 120, "画" * 80, "a\nb", b"\xff\xfe.png".decode("utf-8", "surrogateescape")]
)
def test_any_name_that_fits_can_be_written(tmp_path, name):
    with atomic_write(tmp_path / name) as file:
        (made,) = os.listdir(tmp_path)
        assert len(os.fsencode(made)) <= 255 and temporary._NAME.fullmatch(made)
        file.write(b"x")
    assert os.listdir(tmp_path) == [name]
