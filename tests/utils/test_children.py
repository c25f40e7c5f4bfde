"""Processes that we start end with their parent."""

import os
import signal
import subprocess
import sys
import time

import pytest

from neuralpaint.utils.children import starting

POSIX = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no signal masks")


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


@POSIX
def test_ctrl_c_waits_until_a_process_is_started():
    done = False
    with pytest.raises(KeyboardInterrupt), starting():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        done = True
    assert done and signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@POSIX
def test_ctrl_c_does_not_reach_a_process_that_is_starting():
    code = """
import time
print("started", flush=True)
time.sleep(0.2)
from neuralpaint.utils.children import follow_parent
follow_parent(False)
print("done")
"""
    with starting():
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    assert child.stdout.readline() == "started\n"
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=60) == ("done\n", "")
