"""The worker protocol."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Protocol, TypeVar

_Self = TypeVar("_Self", bound="Closing")


class WorkerError(RuntimeError):
    """A task failed because its workers were lost repeatedly."""


class Workers(Protocol):
    """Runs a function on many arguments, possibly in parallel and on other machines."""

    def share(self, value: Any) -> Any:
        """A handle to pass as an argument in place of `value`, so that it is transferred only once."""

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[tuple[int, Any]]:
        """Yields (task number, `function(*task)`) in order of completion.

        Tasks are taken from the iterable as workers become free. Exceptions from the function are raised here. A worker
        that dies is replaced and its task retried; after repeated failures, the result is a `WorkerError`.
        """


class SerialWorkers:
    """Runs tasks in this process, one after another."""

    def share(self, value: Any) -> Any:
        return value

    def run(self, function: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[tuple[int, Any]]:
        for number, task in enumerate(tasks):
            yield number, function(*task)


class Closing(ABC):
    """A context manager that calls `close()` when its block ends."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Releases all resources."""
