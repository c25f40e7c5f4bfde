"""Named spans of time, for torch.profiler and for Nsight.

A span is seen by whoever is listening: `torch.profiler` (as a `record_function` range) and, in a process that uses a
GPU, Nsight Systems (as an NVTX range, which costs well under a microsecond while nobody records). With no listener a
span is a few look-ups: about 0.3 µs around a function, 0.7 µs as a `with` block; `record_function` alone takes
several microseconds (`python -m neuralpaint.utils.profiling` measures it here).

While `torch.compile` traces, a span is nothing at all, so that it neither breaks a graph nor is baked into one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch.autograd import profiler as _autograd_profiler

PREFIX = "neuralpaint."
"""What the names of all spans begin with in a trace, the operators themselves are `neuralpaint::`."""

_P = ParamSpec("_P")
_R = TypeVar("_R")


class span:
    """Names what happens inside, as a context manager or as a decorator.

        with span("reseed"):
            ...

        @span("composite")
        def composite(...): ...

    The name must be ASCII: a trace leaves out events with other names. One object may be entered again once it has
    been left, and a decorated function may call itself.
    """

    __slots__ = ("_name", "_nvtx", "_record")

    def __init__(self, name: str) -> None:
        self._name = PREFIX + name
        self._record: torch.profiler.record_function | None = None
        self._nvtx = False

    def __enter__(self) -> span:
        if torch.compiler.is_compiling():
            return self
        # torch's own flags, read directly: the functions that ask for them cost as much as all the rest of a span.
        if torch.cuda._initialized:
            torch.cuda.nvtx.range_push(self._name)
            self._nvtx = True
        if _autograd_profiler._is_profiler_enabled:
            self._record = torch.profiler.record_function(self._name)
            self._record.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._record is not None:
            record, self._record = self._record, None
            record.__exit__(None, None, None)
        if self._nvtx:
            self._nvtx = False
            torch.cuda.nvtx.range_pop()

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        name = self._name.removeprefix(PREFIX)

        @functools.wraps(function)
        def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            # Asked here as well, so that the usual call makes no span.
            if torch.compiler.is_compiling() or not (
                _autograd_profiler._is_profiler_enabled or torch.cuda._initialized
            ):
                return function(*args, **kwargs)
            with span(name):
                return function(*args, **kwargs)

        return run


def _main() -> None:
    """Prints what a span costs while nobody listens."""
    import timeit

    @span("nothing")
    def spanned() -> None:
        pass

    def plain() -> None:
        pass

    def block() -> None:
        with span("nothing"):
            pass

    def record() -> None:
        with torch.profiler.record_function("nothing"):
            pass

    def nanoseconds(function: Callable[[], None], number: int) -> float:
        return min(timeit.repeat(function, number=number, repeat=5)) / number * 1e9

    base = nanoseconds(plain, 100_000)
    for name, function, number in (
        ("span around a function", spanned, 100_000),
        ("span as a with block", block, 100_000),
        ("torch.profiler.record_function", record, 10_000),
    ):
        print(f"{name}: {nanoseconds(function, number) - base:,.0f} ns")


if __name__ == "__main__":
    _main()
