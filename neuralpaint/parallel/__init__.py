"""Workers for a search or a folder of photos: this process, several processes, or a Ray cluster, with equal results."""

from neuralpaint.parallel.base import SerialWorkers, WorkerError, Workers

__all__ = ["SerialWorkers", "WorkerError", "Workers"]
