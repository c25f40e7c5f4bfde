"""A process that imports an engine and calls it. The main process learns plain data only: numbers and lines of text."""

from __future__ import annotations

import contextlib
import json
import multiprocessing as mp
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import numpy as np

from neuralpaint.engines.spec import Engine, EngineError, EngineSpec, load_engine, said
from neuralpaint.utils.children import follow_parent, in_main_thread, starting

TIMEOUT = 60.0  # seconds per call
_IMPORT = 30.0  # seconds for a process to start and import its engine, at least
_MOST = 1 << 20  # bytes of a spec or a line of text
_LOOK = 0.5  # seconds between looks at the process
_SPEC, _FAILED, _DRAWN = b"s", b"f", b"d"


@dataclass(frozen=True)
class Job:
    """The strokes that a call draws: their first index, and the one after the last."""

    start: int
    stop: int


class Lost(Exception):
    """The process has ended without an answer; the message says how."""


class Worker:
    """A process of an engine, and its current job.

    It leads a session of its own: signals that the engine sends to its group reach no other process, and processes that
    it starts end with it. What it prints is discarded.

    Attributes:
        job: what it draws now.
        spec: of the engine, once it is imported.
        deadline: when its answer is due, on the monotonic clock.
    """

    def __init__(self, address: str, timeout: float) -> None:
        self.address, self.limit = address, max(timeout, _IMPORT)
        context = mp.get_context("spawn")  # fork is unsafe with torch's threads
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs, address, in_main_thread()), daemon=True)
        with starting():
            self.process.start()
        theirs.close()
        self.job: Job | None = None
        self.spec: EngineSpec | None = None
        self.deadline = time.monotonic() + self.limit
        self._size = 0

    @property
    def busy(self) -> bool:
        return self.job is not None or self.spec is None

    @property
    def ended(self) -> bool:
        """Whether the process has ended, though processes that it started may keep its connection open."""
        with contextlib.suppress(OSError):
            found = os.waitid(os.P_PID, self.process.pid or 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return found is not None
        return not self.process.is_alive()

    def draw(self, job: Job, strokes: np.ndarray, size: int, timeout: float) -> None:
        """Begins to draw some of the strokes `[N, P]`."""
        self.job, self._size, self.deadline = job, size, time.monotonic() + timeout
        with contextlib.suppress(OSError):  # it has ended, which its answer will tell
            self.connection.send((strokes[job.start : job.stop], size))

    def answer(self) -> tuple[np.ndarray, np.ndarray] | None:
        """What it has drawn, `[n, 3, S, S]` and `[n, 1, S, S]`; None if it has imported the engine. Waits for it.

        Raises:
            EngineError: the engine cannot be imported, raises, or returns what is not valid.
            Lost: the process has ended.
        """
        count = 0 if self.job is None else (self.job.stop - self.job.start) * self._size**2
        try:
            data = self.connection.recv_bytes(max(_MOST, 1 + 16 * count))
        except (EOFError, OSError):
            until = time.monotonic() + _LOOK
            while not self.ended and time.monotonic() < until:
                time.sleep(0.01)  # its connection is closed before it has ended
            raise Lost(self.kill()) from None
        kind, data = data[:1], data[1:]
        if kind == _FAILED:
            raise EngineError(data.decode(errors="replace"))
        if self.spec is None and kind == _SPEC:
            self.spec = _spec(self.address, data)
            return None
        if self.job is None or kind != _DRAWN or len(data) != 16 * count:
            raise Lost(self.kill())
        shape = (self.job.stop - self.job.start, -1, self._size, self._size)
        self.job = None
        values = np.frombuffer(data, np.float32)
        return values[: 3 * count].reshape(shape), values[3 * count :].reshape(shape)

    def kill(self) -> str:
        """Ends the process and those that it has started. Returns how it ended: a signal or an exit code."""
        already = self.ended
        for kill in (os.killpg, os.kill) if hasattr(os, "killpg") else (os.kill,):
            with contextlib.suppress(OSError):
                kill(self.process.pid or -1, signal.SIGKILL)  # before it is waited for: the number is still its own
        self.process.join()
        code = self.process.exitcode
        if not already:
            return "it left its connection"
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"

    def stop(self) -> None:
        self.connection.close()
        self.kill()


def open_engine(address: str, timeout: float = TIMEOUT) -> Engine:
    """The engine at `package.module:function`, imported in another process, in which alone `EnginePool` draws with it.

    Args:
        timeout: seconds allowed for its import, but at least 30.

    Raises:
        EngineError: as `load_engine`; or the import takes too long or ends its process.
    """
    check_timeout(timeout)
    worker = Worker(address, timeout)
    try:
        while not worker.connection.poll(_LOOK):
            if worker.ended and not worker.connection.poll():
                raise Lost(worker.kill())
            if time.monotonic() > worker.deadline:
                raise EngineError(f"engine {address} cannot be imported: it did not end within {worker.limit:g} s")
        worker.answer()
    except Lost as how:
        raise EngineError(f"engine {address} cannot be imported: it ended its process ({how})") from None
    finally:
        worker.stop()
    assert worker.spec is not None

    def elsewhere(strokes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        raise ValueError("it is not imported in this process: use EnginePool, or load_engine")

    return Engine(address, elsewhere, worker.spec)


def check_timeout(timeout: float) -> None:
    """Raises ValueError unless the seconds are above 0."""
    if not timeout > 0:
        raise ValueError(f"timeout must be above 0 seconds, got {timeout}")


def _spec(address: str, data: bytes) -> EngineSpec:
    try:
        return EngineSpec(**json.loads(data))
    except (TypeError, ValueError) as error:
        raise EngineError(f"engine {address} has an invalid spec: {said(error)}") from None


def _work(connection: Connection, address: str, main: bool) -> None:
    """The process. It ends when the connection closes or the parent does, even during a call that hangs."""
    follow_parent(main)
    with contextlib.suppress(OSError, AttributeError):
        os.setsid()
    _silence(connection.fileno())
    try:
        engine = load_engine(address)
        connection.send_bytes(_SPEC + json.dumps(asdict(engine.spec)).encode())
        while True:
            strokes, size = connection.recv()
            drawn = engine(strokes, size)
            connection.send_bytes(_DRAWN + b"".join(part.tobytes() for part in drawn))
    except EngineError as error:
        text = str(error)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except BaseException as error:  # such as KeyboardInterrupt, which only the engine can have raised here
        text = f"engine {address} raised {said(error)}"
    with contextlib.suppress(OSError):
        connection.send_bytes(_FAILED + text.encode(errors="replace")[: _MOST - 1])


def _silence(kept: int) -> None:
    """Discards what the engine prints, also from C, and gives it nothing to read."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in {0, 1, 2} - {kept}:
        os.dup2(nothing, descriptor)
    if nothing > 2:
        os.close(nothing)
    sys.stdin, sys.stdout, sys.stderr = (open(os.devnull, mode) for mode in ("r", "w", "w"))  # noqa: SIM115
