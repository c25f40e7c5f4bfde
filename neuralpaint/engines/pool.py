"""Worker processes that call an engine, so that a hang or crash of the engine affects nothing else."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from multiprocessing.connection import wait

import numpy as np

from neuralpaint.engines.spec import Engine, EngineError
from neuralpaint.engines.worker import TIMEOUT, Job, Lost, Worker, check_timeout
from neuralpaint.parallel.base import Closing
from neuralpaint.utils.machine import processors
from neuralpaint.utils.validation import check_whole

_BATCH = 16  # strokes per call
_FAILURES = 20  # give up after losing this many workers
_LOOK = 0.5  # seconds between looks at the processes


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
        check_timeout(timeout)
        self.engine, self.timeout = engine, timeout
        self.count = workers or min(8, processors())
        self._workers: list[Worker] = []
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
        jobs = deque(Job(k, min(len(strokes), k + _BATCH)) for k in range(0, len(strokes), _BATCH))
        try:
            for job, drawn in self._run(jobs, strokes, size):
                foreground[job.start : job.stop], alpha[job.start : job.stop] = drawn
        except BaseException:
            self.close()  # discard unfinished work
            raise
        return foreground, alpha

    def _run(
        self, jobs: deque[Job], strokes: np.ndarray, size: int
    ) -> Iterator[tuple[Job, tuple[np.ndarray, np.ndarray]]]:
        while jobs or any(worker.job for worker in self._workers):
            while len(self._workers) < self.count and sum(not w.busy for w in self._workers) < len(jobs):
                if sum(w.spec is None for w in self._workers) >= len(jobs):
                    break
                self._workers.append(Worker(self.engine.address, self.timeout))
            for worker in self._workers:
                if jobs and not worker.busy:
                    worker.draw(jobs.popleft(), strokes, size, self.timeout)
            busy = [worker for worker in self._workers if worker.busy]
            left = min(worker.deadline for worker in busy) - time.monotonic()
            answered = wait([worker.connection for worker in busy], timeout=min(max(0.0, left), _LOOK))
            for worker in busy:
                job = worker.job
                try:
                    if worker.connection in answered or worker.ended and worker.connection.poll():
                        drawn = worker.answer()
                        if job is not None and drawn is not None:
                            yield job, drawn
                    elif worker.ended:
                        raise Lost(worker.kill())
                    elif time.monotonic() >= worker.deadline:
                        self._lose(worker, jobs, strokes, size, f"did not return within {self.timeout:g} s")
                except Lost as how:
                    self._lose(worker, jobs, strokes, size, f"crashed its process ({how})")

    def _lose(self, worker: Worker, jobs: deque[Job], strokes: np.ndarray, size: int, problem: str) -> None:
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
        jobs.extendleft(Job(k, k + 1) for k in reversed(range(job.start, job.stop)))
