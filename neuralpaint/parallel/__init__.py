"""Who does a search's or a folder's work: this process, several, or a Ray cluster. The results are the same."""

from neuralpaint.parallel.base import SerialWorkers, WorkerError, Workers

__all__ = ["SerialWorkers", "WorkerError", "Workers"]
