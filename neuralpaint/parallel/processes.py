"""Workers as processes on this machine."""

from __future__ import annotations

import multiprocessing as mp
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from neuralpaint.parallel.base import Closing, WorkerError
from neuralpaint.utils.children import follow_parent, in_main_thread, starting
from neuralpaint.utils.machine import processors
from neuralpaint.utils.validation import check_whole

_GRACE = 3.0  # seconds for a process to terminate before it is killed
_TRIES = 3  # attempts per task


class _Worker:
    def __init__(self) -> None:
        context = mp.get_context("spawn")  # fork is unsafe with torch's threads
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs, in_main_thread()), daemon=True)
        with starting():
            self.process.start()
        theirs.close()
        self.task: tuple[int, bytes, int] | None = None  # number, pickled call, tries

    def give(self, number: int, call: bytes, tries: int, threads: int) -> None:
        self.task = (number, call, tries)
        try:
            self.connection.send_bytes(threads.to_bytes(4, "little"))
            self.connection.send_bytes(call)
        except OSError:
            pass  # the process has died, which `take` reports

    def take(self) -> tuple[bool, Any] | None:
        """(success, result or exception); None if the worker has died."""
        try:
            return pickle.loads(self.connection.recv_bytes())
        except (EOFError, OSError, pickle.UnpicklingError):
            return None

    def stop(self) -> None:
        """Waits briefly for a terminated process to clean up its files, then kills it."""
        self.connection.close()
        self.process.join(_GRACE)
        self.process.kill()
        self.process.join()


class ProcessWorkers(Closing):
    """Runs tasks in processes on this machine; processes that die are replaced. A context manager.

    Scripts that use it need the usual `if __name__ == "__main__":` guard of multiprocessing.

    Args:
        count: number of processes.
        threads: threads per process; by default the number of cores divided by the number of running tasks.
    """

    def __init__(self, count: int, threads: int | None = None) -> None:
        check_whole("count", count, 1)
        self.count = count
        self._threads = threads
        self._workers: list[_Worker] = []

    def close(self) -> None:
        """Stops the processes and discards their tasks; the next call starts new ones."""
        self._stop(list(self._workers))

    def _stop(self, workers: list[_Worker]) -> None:
        for worker in workers:
            worker.process.terminate()  # terminate all before waiting for any
        for worker in workers:
            worker.stop()
            self._workers.remove(worker)

    def share(self, value: Any) -> Any:
        return value

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[tuple[int, Any]]:
        waiting = enumerate(tasks)
        again: deque[tuple[int, bytes, int]] = deque()
        try:
            while True:
                self._feed(function, waiting, again)
                busy = {worker.connection: worker for worker in self._workers if worker.task is not None}
                if not busy:
                    return
                for connection in wait(list(busy)):
                    assert isinstance(connection, Connection)
                    worker = busy[connection]
                    answer, task = worker.take(), worker.task
                    worker.task = None
                    assert task is not None
                    number, call, tries = task
                    if answer is None:
                        self._stop([worker])
                        if tries < _TRIES:
                            again.append((number, call, tries + 1))
                        else:
                            yield number, WorkerError(f"its process died {tries} times: out of memory?")
                        continue
                    well, result = answer
                    if not well:
                        raise result
                    yield number, result
        finally:
            # Stops unfinished tasks when the caller abandons the iterator; there are none after the last result.
            self._stop([worker for worker in self._workers if worker.task is not None])

    def _feed(
        self,
        function: Callable[..., Any],
        waiting: Iterator[tuple[int, tuple]],
        again: deque[tuple[int, bytes, int]],
    ) -> None:
        """Gives a task to every free worker while there are any."""
        busy = sum(worker.task is not None for worker in self._workers)
        found = list(again)[: self.count - busy]
        for _ in found:
            again.popleft()
        # Not Connection.send, which would send tensors as shared-memory handles.
        found += [
            (number, pickle.dumps((function, task), protocol=5), 1)
            for number, task in islice(waiting, self.count - busy - len(found))
        ]
        threads = self._threads or max(1, processors() // max(1, busy + len(found)))
        free = deque(worker for worker in self._workers if worker.task is None)
        for task in found:
            worker = free.popleft() if free else _Worker()
            if worker not in self._workers:
                self._workers.append(worker)
            worker.give(*task, threads)


def _work(connection: Connection, main: bool) -> None:
    """Worker loop: runs calls until the connection is closed or the parent process dies."""
    follow_parent(main)
    signal.signal(signal.SIGTERM, _clean_up)
    try:
        _answer(connection)
    finally:  # an exception on the way out of the interpreter would be printed
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _clean_up(number: int, frame: FrameType | None) -> None:
    """Lets `finally` blocks run, once."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + number)


def _answer(connection: Connection) -> None:
    import torch

    while True:
        try:
            torch.set_num_threads(int.from_bytes(connection.recv_bytes(), "little"))
            function, arguments = pickle.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (False, error)
        try:
            data = pickle.dumps(answer, protocol=5)
        except Exception:  # a result or exception that cannot be pickled
            data = pickle.dumps((False, RuntimeError(f"{type(answer[1]).__name__}: {answer[1]}")), protocol=5)
        try:
            connection.send_bytes(data)
        except OSError:
            return
