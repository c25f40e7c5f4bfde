"""Worker processes of the server: each runs one task at a time, tells how it goes, and can be stopped at once."""

from __future__ import annotations

import asyncio
import multiprocessing as mp
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from neuralpaint.utils.children import in_main_thread

_START = 300.0  # seconds in which a process has to be ready

Listener = Callable[[str, Any], None]


class TaskFailed(Exception):
    """A task could not be done; the message is one line for people.

    Attributes:
        misused: whether what it was given is at fault.
    """

    def __init__(self, message: str, misused: bool = False) -> None:
        super().__init__(message)
        self.misused = misused


class Worker:
    """A process that runs the tasks of `neuralpaint.serve.tasks`. It is started at once and, if it dies, again for the
    next task; it ends when the server does, however that ends.

    Args:
        threads: that torch may use in it.
        paints: what it is to be ready for: to paint, or else to read photos.
    """

    def __init__(self, threads: int, paints: bool = True) -> None:
        self._threads, self._paints = threads, paints
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._ready = asyncio.Event()
        self._task: asyncio.Future[Any] | None = None
        self._listener: Listener | None = None
        self._turn = asyncio.Lock()
        self.start()

    def start(self) -> None:
        """Starts the process, unless it is running."""
        if self._process is not None and self._process.is_alive():
            return
        from neuralpaint.serve.tasks import run_tasks

        self._ready = asyncio.Event()
        context = mp.get_context("spawn")  # fork is unsafe with threads
        self._connection, theirs = context.Pipe()
        arguments = (theirs, in_main_thread(), self._threads, self._paints)
        self._process = context.Process(target=run_tasks, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(self._connection, loop), name="worker's answers", daemon=True).start()

    async def run(
        self, task: str, arguments: dict[str, Any], listener: Listener | None = None, limit: float = 60
    ) -> Any:
        """Runs a task and returns its result.

        Args:
            listener: called with the name and the contents of each message that the task sends.
            limit: seconds after which it is given up.

        Raises:
            TaskFailed: it cannot be done, took too long, or its process died.
        """
        async with self._turn:
            self.start()
            assert self._connection is not None
            self._task, self._listener = asyncio.get_running_loop().create_future(), listener
            try:
                await asyncio.wait_for(self._ready.wait(), _START)  # no part of the task's time
                self._connection.send((task, arguments))
                return await asyncio.wait_for(self._task, limit)
            except (TimeoutError, asyncio.TimeoutError):  # one class from Python 3.11 on
                self.kill()
                raise TaskFailed(f"this took more than {limit:g} seconds and was given up", misused=True) from None
            except OSError as error:
                raise TaskFailed("its process died: try again") from error
            except asyncio.CancelledError:
                self.kill()
                raise
            finally:
                self._task = self._listener = None

    def tell(self, word: str) -> None:
        """Sends a word to the running task, which looks for it between steps."""
        if self._task is not None and self._connection is not None:
            try:
                self._connection.send(word)
            except OSError:
                pass  # it has died, which ends the task

    def kill(self) -> None:
        """Ends the process at once; the next task starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.join(5)
            self._process = None

    def _read(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: hands what the process sends to the event loop."""
        try:
            while True:
                message = connection.recv()
                loop.call_soon_threadsafe(self._take, connection, message)
        except (EOFError, OSError):
            pass
        except Exception:  # not what a task sends: the process is broken
            self.kill()
        try:
            loop.call_soon_threadsafe(self._take, connection, ("died", None))
        except RuntimeError:
            pass  # the server has ended

    def _take(self, connection: Connection, message: tuple[str, Any]) -> None:
        kind, content = message
        if connection is self._connection and kind in ("ready", "died"):
            self._ready.set()
        if kind == "ready":
            return  # no word of the task that has waited for it
        if connection is self._connection and kind == "died":
            self.kill()  # its end may take a moment yet, in which it would seem to be alive
        if connection is not self._connection or self._task is None or self._task.done():
            return
        if kind == "done":
            self._task.set_result(content)
        elif kind == "failed":
            self._task.set_exception(TaskFailed(*content))
        elif kind == "died":
            self._task.set_exception(TaskFailed("its process died, perhaps for lack of memory: try again"))
        elif self._listener is not None:
            self._listener(kind, content)
