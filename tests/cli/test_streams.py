"""The command as a process: Ctrl-C at any time, and streams that are closed or full."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "neuralpaint"]
# A module that is imported late, and takes its time there: what a slow disk does.
SLOW = "import sys, time\nsys.path.pop(0)\nprint('here', flush=True)\ntime.sleep(60)\n"


def environment(*folders):
    return os.environ | {"PYTHONPATH": os.pathsep.join([*map(str, folders), str(ROOT)])}


@pytest.mark.parametrize("module", ["typer", "PIL", "torch"])
def test_ctrl_c_while_it_imports(tmp_path, module):
    (tmp_path / f"{module}.py").write_text(SLOW)
    command = [*COMMAND, "paint", str(ROOT / "examples" / "photos" / "coffee.jpg"), "-o", str(tmp_path / "out.png")]
    process = subprocess.Popen(
        command, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors.splitlines()[0].startswith("neuralpaint: stopped")
    assert len(errors.splitlines()) == 1 and not (tmp_path / "out.png").exists()


def test_ctrl_c_is_ignored_where_the_shell_ignores_it(tmp_path):
    (tmp_path / "typer.py").write_text(SLOW.replace("60", "0.5") + "raise SystemExit(7)\n")
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *COMMAND], env=environment(tmp_path), stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"here\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 7


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("arguments", ["--help", "brushes"])
@pytest.mark.parametrize(
    ("redirection", "message"),
    [
        (">/dev/full", "neuralpaint: cannot write to standard output: no space left on the disk\n"),
        (">&-", "neuralpaint: cannot write to standard output: it is closed\n"),
        ("| head -c 0", ""),
    ],
)
def test_an_output_that_takes_nothing(arguments, redirection, message):
    script = f'set -o pipefail; "$@" {arguments} {redirection}'
    result = subprocess.run(["bash", "-c", script, "bash", *COMMAND], env=environment(), capture_output=True, text=True)
    assert result.stderr == message and result.stdout == ""
    if message:
        assert result.returncode == 1


def test_closed_streams_and_a_wrong_argument():
    script = '"$@" info /nowhere <&- >&-'
    result = subprocess.run(["bash", "-c", script, "bash", *COMMAND], env=environment(), capture_output=True, text=True)
    assert result.returncode == 2 and result.stderr == "neuralpaint: /nowhere does not exist: check the path\n"
    script = '"$@" info /nowhere <&- >&- 2>&-'
    assert subprocess.run(["bash", "-c", script, "bash", *COMMAND], env=environment()).returncode == 2
