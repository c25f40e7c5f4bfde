"""Workers of a Ray cluster (https://ray.io), in the extra `ray`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from neuralpaint.parallel.base import Closing, WorkerError

_PATIENCE = 20.0  # seconds in which a cluster must answer
_RETRIES = 5  # how often Ray does a task again whose worker or machine is lost
_AHEAD = 2  # tasks under way for each processor of the cluster


class RayWorkers(Closing):
    """Does the work as tasks of a Ray cluster. A context manager.

    Every machine of the cluster needs this version of neuralpaint. Tasks carry their pixels and strokes with them, so
    the machines need no common disk. A task whose worker or machine dies is done again elsewhere.

    Args:
        address: of the cluster: host:port of its head, ray://host:port, or "auto", a cluster that runs on this machine
            or else one of this machine alone.
        gpus: GPUs that a task takes.

    Raises:
        ValueError: if Ray is not installed, or the address answers nothing in 20 seconds.
    """

    def __init__(self, address: str = "auto", gpus: float = 0) -> None:
        self._ray, self._ours = _connect(address)
        options = {"num_cpus": 1, "num_gpus": gpus, "max_retries": _RETRIES, "retry_exceptions": False}
        self._call = self._ray.remote(scheduling_strategy="SPREAD", **options)(_call)

    def close(self) -> None:
        """Leaves the cluster, unless whoever calls us was in it before."""
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
                # Fewer tasks than processors get more threads. For Ray each is one processor all the same: of tasks of
                # several sizes it would start processes for each size, seconds every time.
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
        """The processors of each machine of the cluster."""
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
    """(the module ray, connected; whether it was us who connected)."""
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

    # In a thread, which can be waited for; but a cluster that starts with us ends with the thread that started it.
    thread = threading.Thread(target=connect, daemon=True)
    if address == "auto":
        connect()
    else:
        thread.start()
        thread.join(_PATIENCE)
    if thread.is_alive():
        raise ValueError(
            f"no Ray cluster answers at {address} within {_PATIENCE:.0f} s: check the address (ray status) and, if the "
            "cluster asks for a token, RAY_AUTH_TOKEN"
        )
    if failure:
        detail = " ".join(str(failure[0]).split())[:200]
        raise ValueError(f"no Ray cluster at {address}: {detail}") from failure[0]
    return ray, True


def _check_answers(address: str) -> None:
    """Raises ValueError if nothing listens there, which Ray would find out only after a minute."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if address in ("auto", "local"):
        return
    if not colon or not port.isdigit():
        raise ValueError(f"--ray {address!r} is no address: give host:port, ray://host:port or auto (or nothing, last)")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE / 2).close()
    except OSError as error:
        raise ValueError(
            f"no Ray cluster answers at {address} ({error.strerror or error}): check the address"
        ) from None
