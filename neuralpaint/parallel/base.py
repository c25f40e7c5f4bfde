"""What workers are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Protocol, TypeVar

_Self = TypeVar("_Self", bound="Closing")


class WorkerError(RuntimeError):
    """Workers were lost, again and again, while they did this."""


class Workers(Protocol):
    """Calls functions on many arguments, maybe elsewhere and at the same time."""

    def share(self, value: Any) -> Any:
        """What stands for `value` among the arguments of many calls, so that it travels once."""

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[tuple[int, Any]]:
        """Yields (number of the task, `function(*task)`), first come, first served.

        Tasks are taken from the iterable as workers become free. An exception of the function is raised here. A worker
        that dies is replaced, and its task done again; if that happens again and again, its result is a `WorkerError`.
        """


class SerialWorkers:
    """Does the work in this process, one task after another."""

    def share(self, value: Any) -> Any:
        return value

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[tuple[int, Any]]:
        for number, task in enumerate(tasks):
            yield number, function(*task)


class Closing(ABC):
    """A context manager whose `close()` is called when its block ends, however it ends."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Ends whatever it holds."""
