"""Folders that one writer locks."""

import os
import signal
import threading
import time

import pytest

from neuralpaint.utils import locks
from neuralpaint.utils.files import WriteError
from neuralpaint.utils.locks import FolderInUse, folder_lock

pytestmark = pytest.mark.skipif(locks.fcntl is None, reason="needs fcntl")


def test_the_second_is_told_in_one_line_and_nothing_is_left(tmp_path):
    folder = tmp_path / "new" / "folder"
    for _ in range(2):
        with folder_lock(folder):
            for _ in range(2):
                with (
                    pytest.raises(FolderInUse, match=f"^another run is writing to {folder}: [^\n]+$"),
                    folder_lock(folder),
                ):
                    pytest.fail("locked twice")
        assert not list(folder.iterdir())


def test_errors_give_it_back(tmp_path):
    with pytest.raises(ZeroDivisionError), folder_lock(tmp_path):
        raise ZeroDivisionError
    with folder_lock(tmp_path):
        pass


def test_a_process_that_is_killed_gives_it_back(tmp_path, fork_server):
    code = "import pathlib, sys, time\nfrom neuralpaint.utils.locks import folder_lock\n"
    code += "with folder_lock(sys.argv[1]):\n    pathlib.Path(sys.argv[1], 'locked').touch()\n    time.sleep(60)\n"
    process = fork_server.start(code, tmp_path)
    until = time.monotonic() + 60
    while not (tmp_path / "locked").exists():
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.01)
    (tmp_path / "locked").unlink()
    with pytest.raises(FolderInUse), folder_lock(tmp_path):
        pytest.fail("locked twice")
    process.kill(signal.SIGKILL)
    process.wait()
    assert os.listdir(tmp_path) == [locks.LOCK]
    with folder_lock(tmp_path):
        pass
    assert not os.listdir(tmp_path)


def test_forked_children_do_not_keep_it(tmp_path):
    reading, writing = os.pipe()
    with folder_lock(tmp_path):
        child = os.fork()
        if not child:
            os.read(reading, 1)
            os._exit(0)
    with folder_lock(tmp_path):
        pass
    os.write(writing, b"x")
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)


def test_many_threads_hold_it_one_at_a_time(tmp_path):
    inside, most, turns = [], [], []

    def work():
        done = 0
        while done < 30:
            try:
                with folder_lock(tmp_path):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
                    done += 1
            except FolderInUse:
                pass
        turns.append(done)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert turns == [30] * 4 and max(most) == 1


def test_without_locks_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    with folder_lock(tmp_path), folder_lock(tmp_path):
        assert not os.listdir(tmp_path)


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(95, "not supported")

    monkeypatch.setattr(locks.fcntl, "flock", refuse)
    with folder_lock(tmp_path), folder_lock(tmp_path):
        pass


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError), folder_lock(tmp_path / "file"):
        pytest.fail("locked a file")
