"""Processes that start with torch, or more, imported: forked from one that has imported it and never used it, so that
seconds of imports are spent once and not for each of them."""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
import types
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Child:
    fork_server: ForkServer
    pid: int
    folder: Path

    def poll(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self.fork_server._ask({"poll": self.pid})

    def wait(self, timeout: float = 120) -> Child:
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                self.kill(9)
                raise TimeoutError(f"not done in {timeout} s: {self.err}")
            time.sleep(0.01)
        return self

    def kill(self, signal: int) -> None:
        os.kill(self.pid, signal)

    @property
    def out(self) -> str:
        return self._text("out")

    @property
    def err(self) -> str:
        return self._text("err")

    def _text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""  # killed before it had opened it


class ForkServer:
    def __init__(self, modules: tuple[str, ...] = ("torch",)) -> None:
        # A worker of pytest-xdist says so in its environment; what is started here is none.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
        self._process = subprocess.Popen(
            [sys.executable, __file__, *modules],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._folder = tempfile.TemporaryDirectory()
        self._count = 0

    def _ask(self, question: dict) -> int | None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(self, code: str, *arguments: object, cwd: Path = ROOT, env: dict[str, str] | None = None) -> Child:
        """A process that runs this code, as `python -c` would."""
        self._count += 1
        folder = Path(self._folder.name, str(self._count))
        folder.mkdir()
        question = {"code": code, "folder": str(folder), "cwd": str(cwd), "env": env or {}}
        pid = self._ask(question | {"arguments": [str(a) for a in arguments]})
        assert pid is not None
        return Child(self, pid, folder)

    def run(self, code: str, *arguments: object, cwd: Path = ROOT, env: dict[str, str] | None = None) -> Child:
        return self.start(code, *arguments, cwd=cwd, env=env).wait()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()


@functools.cache
def shared_fork_server() -> ForkServer:
    """The one of this process: of a session, or of a worker of pytest-xdist."""
    fork_server = ForkServer()
    atexit.register(fork_server.close)
    return fork_server


# ---- the process itself ----------------------------------------------------------------------------------------------


def _live(question: dict) -> None:
    """The whole life of a child."""
    status = 1
    try:
        for number, name in ((0, None), (1, "out"), (2, "err")):
            path = Path(question["folder"], name) if name else os.devnull
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.chdir(question["cwd"])
        os.environ.update(question["env"])
        sys.argv = ["-c", *question["arguments"]]
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(question["code"], "<child>", "exec"), vars(sys.modules["__main__"]))
        status = 0
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _main() -> None:
    import importlib
    import signal

    for name in sys.argv[1:]:
        importlib.import_module(name)

    ended: dict[int, int] = {}
    for line in iter(sys.stdin.readline, ""):
        question = json.loads(line)
        if "poll" in question:
            if question["poll"] not in ended:
                pid, status = os.waitpid(question["poll"], os.WNOHANG)
                if pid:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            answer = ended.get(question["poll"])
        else:
            answer = os.fork()
            if answer == 0:
                signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
                _live(question)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _main()
