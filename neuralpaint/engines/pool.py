"""Worker processes that call an engine, so that a hang or crash of the engine affects nothing else."""

from __future__ import annotations

import multiprocessing as mp
import signal
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import numpy as np

from neuralpaint.engines.spec import Engine, EngineError, load_engine
from neuralpaint.parallel.base import Closing
from neuralpaint.utils.children import follow_parent, in_main_thread
from neuralpaint.utils.machine import processors
from neuralpaint.utils.validation import check_whole

TIMEOUT = 60.0  # seconds per call
_START = 120.0  # seconds for a worker to start and import its engine
_BATCH = 16  # strokes per call
_FAILURES = 20  # give up after losing this many workers


@dataclass(frozen=True)
class _Job:
    start: int
    stop: int


class _Worker:
    """A process that calls the engine, and its current job."""

    def __init__(self, address: str) -> None:
        context = mp.get_context("spawn")  # fork is unsafe with torch's threads
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs, address, in_main_thread()), daemon=True)
        self.process.start()
        theirs.close()
        self.job: _Job | None = None
        self.ready = False
        self.deadline = time.monotonic() + _START

    @property
    def busy(self) -> bool:
        return self.job is not None or not self.ready

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.join()


class EnginePool(Closing):
    """Draws strokes with an engine in worker processes. A context manager; processes start at the first call.

    Scripts that use it need the usual `if __name__ == "__main__":` guard of multiprocessing.

    Args:
        engine: the engine.
        workers: number of processes; by default one per core, at most 8.
        timeout: seconds allowed per call of the engine, for up to 16 strokes.
    """

    def __init__(self, engine: Engine, workers: int | None = None, timeout: float = TIMEOUT) -> None:
        if workers is not None:
            check_whole("workers", workers, 1)
        if not timeout > 0:
            raise ValueError(f"timeout must be above 0 seconds, got {timeout}")
        self.engine, self.timeout = engine, timeout
        self.count = workers or min(8, processors())
        self._workers: list[_Worker] = []
        self._lost = 0

    def close(self) -> None:
        """Stops the processes; the next call starts new ones."""
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    def draw(self, strokes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Foreground `[N, 3, S, S]` and alpha `[N, 1, S, S]`, float32, of strokes `[N, P]`.

        A worker that dies or times out is replaced, and its strokes are retried one by one.

        Raises:
            EngineError: the engine raises, returns an invalid result, hangs or crashes; the message gives the engine
                and the parameters of the stroke.
        """
        strokes = np.ascontiguousarray(strokes, np.float32)
        foreground = np.empty((len(strokes), 3, size, size), np.float32)
        alpha = np.empty((len(strokes), 1, size, size), np.float32)
        jobs = deque(_Job(k, min(len(strokes), k + _BATCH)) for k in range(0, len(strokes), _BATCH))
        try:
            for job, drawn in self._run(jobs, strokes, size):
                foreground[job.start : job.stop], alpha[job.start : job.stop] = drawn
        except BaseException:
            self.close()  # discard unfinished work
            raise
        return foreground, alpha

    def _run(
        self, jobs: deque[_Job], strokes: np.ndarray, size: int
    ) -> Iterator[tuple[_Job, tuple[np.ndarray, np.ndarray]]]:
        while jobs or any(worker.job for worker in self._workers):
            while len(self._workers) < self.count and sum(not w.busy for w in self._workers) < len(jobs):
                if sum(not w.ready for w in self._workers) >= len(jobs):
                    break
                self._workers.append(_Worker(self.engine.address))
            for worker in self._workers:
                if jobs and not worker.busy:
                    worker.job = jobs.popleft()
                    worker.deadline = time.monotonic() + self.timeout
                    worker.connection.send((strokes[worker.job.start : worker.job.stop], size))
            busy = [worker for worker in self._workers if worker.busy]
            left = min(worker.deadline for worker in busy) - time.monotonic()
            answered = wait([worker.connection for worker in busy], timeout=max(0.0, left))
            for worker in busy:
                if worker.connection in answered:
                    try:
                        kind, answer = worker.connection.recv()
                    except (EOFError, OSError):
                        worker.process.join()
                        self._lose(worker, jobs, strokes, size, f"crashed its process ({_exit(worker.process)})")
                        continue
                    if kind == "failed":
                        raise EngineError(answer)
                    if kind == "ready":
                        worker.ready = True
                    elif worker.job is not None:
                        job, worker.job = worker.job, None
                        yield job, answer
                elif time.monotonic() >= worker.deadline:
                    self._lose(worker, jobs, strokes, size, f"did not return within {self.timeout:g} s")

    def _lose(self, worker: _Worker, jobs: deque[_Job], strokes: np.ndarray, size: int, problem: str) -> None:
        worker.stop()
        self._workers.remove(worker)
        self._lost += 1
        job, address = worker.job, self.engine.address
        if job is None:
            raise EngineError(f"engine {address} cannot be imported in a separate process: it hung or crashed")
        stroke = self.engine.spec.describe(strokes[job.start])
        if job.stop - job.start == 1:
            raise EngineError(f"engine {address} {problem}, at size {size}, {stroke}")
        if self._lost > _FAILURES:
            raise EngineError(
                f"engine {address} {problem}; {self._lost} processes were lost in total, the last at {stroke}"
            )
        jobs.extendleft(_Job(k, k + 1) for k in reversed(range(job.start, job.stop)))


def _exit(process: BaseProcess) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def _work(connection: Connection, address: str, main: bool) -> None:
    """Worker loop. Ends when the connection closes or the parent process dies, even during a call that hangs."""
    follow_parent(main)
    try:
        engine = load_engine(address)
        connection.send(("ready", None))
        while True:
            strokes, size = connection.recv()
            connection.send(("drawn", engine(strokes, size)))
    except EngineError as error:
        connection.send(("failed", str(error)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
