"""Processes that we start end with their parent."""

import subprocess
import sys
import time
from pathlib import Path

import pytest


def alive(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("thread", ["main", "other"])
@pytest.mark.parametrize("kind", ["workers", "engine", "loader"])
def test_processes_end_when_their_parent_is_killed(kind, thread, tmp_path):
    command = [sys.executable, "-m", "tests.utils.orphans", kind, str(tmp_path), thread]
    parent = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    try:
        until = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) < 2:
            assert time.monotonic() < until and parent.poll() is None
            time.sleep(0.05)
    finally:
        parent.kill()
        parent.wait()
    processes = [int(path.name) for path in tmp_path.iterdir()]
    until = time.monotonic() + 5
    while any(map(alive, processes)):
        assert time.monotonic() < until
        time.sleep(0.05)
