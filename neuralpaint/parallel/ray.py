"""Workers on a Ray cluster (https://ray.io); needs the extra `ray`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from neuralpaint.parallel.base import Closing, WorkerError

_CONNECT_SECONDS = 20.0  # time limit for connecting to a cluster
_RETRIES = 5  # how often Ray retries a task whose worker or machine is lost
_AHEAD = 2  # submitted tasks per core of the cluster


class RayWorkers(Closing):
    """Runs tasks on a Ray cluster. A context manager.

    Every machine of the cluster needs this version of neuralpaint. Tasks include their pixels and strokes, so the
    machines need no shared disk. A task whose worker or machine dies is retried elsewhere.

    Args:
        address: host:port of the cluster's head, ray://host:port, or "auto": the cluster running on this machine, or a
            new local one.
        gpus: GPUs per task.

    Raises:
        ValueError: Ray is not installed, or the cluster does not answer within 20 seconds.
    """

    def __init__(self, address: str = "auto", gpus: float = 0) -> None:
        self._ray, self._ours = _connect(address)
        options = {"num_cpus": 1, "num_gpus": gpus, "max_retries": _RETRIES, "retry_exceptions": False}
        self._call = self._ray.remote(scheduling_strategy="SPREAD", **options)(_call)

    def close(self) -> None:
        """Disconnects from the cluster, unless the caller had already connected to it."""
        if self._ours:
            self._ray.shutdown()

    def share(self, value: Any) -> Any:
        return self._ray.put(value)

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[tuple[int, Any]]:
        waiting = enumerate(tasks)
        running: dict[Any, int] = {}
        try:
            while True:
                sizes = self._machines()
                found = list(islice(waiting, max(0, _AHEAD * sum(sizes) - len(running))))
                # With fewer tasks than cores, each task gets several threads. Ray still counts one CPU per task: for
                # tasks with different CPU counts it would start separate processes, which takes seconds each time.
                threads = max(1, min(min(sizes), sum(sizes) // max(1, len(running) + len(found))))
                for number, task in found:
                    running[self._call.remote(threads, function, *task)] = number
                if not running:
                    return
                done, _ = self._ray.wait(list(running), num_returns=1)
                yield running.pop(done[0]), self._result(done[0])
        finally:
            for reference in running:
                self._ray.cancel(reference, force=True)

    def _machines(self) -> list[int]:
        """The number of cores of each machine of the cluster."""
        nodes = (node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"])
        return [int(count) for count in nodes if count >= 1] or [1]

    def _result(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self._ray.exceptions.RayError as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            return WorkerError(f"its machine or process was lost {_RETRIES + 1} times ({lines[0]})")


def _call(threads: int, function: Callable[..., Any], *arguments: Any) -> Any:
    import torch

    torch.set_num_threads(threads)
    return function(*arguments)


def _connect(address: str) -> tuple[Any, bool]:
    """(the ray module, connected; whether this call connected it)."""
    try:
        import ray
    except ImportError as error:
        raise ValueError(f"--ray needs Ray: pip install 'neuralpaint[ray]' ({error})") from None
    if ray.is_initialized():
        return ray, False
    _check_answers(address)
    failure: list[BaseException] = []

    def connect() -> None:
        try:
            ray.init(
                address=None if address == "auto" else address,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except BaseException as error:
            failure.append(error)

    # In a thread, to allow a timeout. Not for "auto": a local cluster ends with the thread that started it.
    thread = threading.Thread(target=connect, daemon=True)
    if address == "auto":
        connect()
    else:
        thread.start()
        thread.join(_CONNECT_SECONDS)
    if thread.is_alive():
        raise ValueError(
            f"no Ray cluster answers at {address} within {_CONNECT_SECONDS:.0f} s: check the address (ray status) and, "
            "if the cluster needs a token, RAY_AUTH_TOKEN"
        )
    if failure:
        detail = " ".join(str(failure[0]).split())[:200]
        raise ValueError(f"no Ray cluster at {address}: {detail}") from failure[0]
    return ray, True


def _check_answers(address: str) -> None:
    """Raises ValueError if nothing listens at the address; Ray itself would take a minute to notice."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if address in ("auto", "local"):
        return
    if not colon or not port.isdigit():
        raise ValueError(f"--ray {address!r} is not an address: use host:port, ray://host:port or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS / 2).close()
    except OSError as error:
        raise ValueError(
            f"no Ray cluster answers at {address} ({error.strerror or error}): check the address"
        ) from None
