"""Processes that we start end with their parent."""

import signal
import sys
import time

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
def test_processes_end_when_their_parent_is_killed(kind, thread, tmp_path, fork_server):
    code = "import sys\nfrom tests.utils.orphans import main\nmain(*sys.argv[1:])"
    parent = fork_server.start(code, kind, tmp_path, thread)
    try:
        until = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) < 2:
            assert time.monotonic() < until and parent.poll() is None, parent.err
            time.sleep(0.05)
    finally:
        parent.kill(signal.SIGKILL)
        parent.wait()
    processes = [int(path.name) for path in tmp_path.iterdir()]
    until = time.monotonic() + 5
    while any(map(alive, processes)):
        assert time.monotonic() < until
        time.sleep(0.05)
