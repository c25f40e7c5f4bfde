"""Timing contestants of one race in turns, so that what else the machine does slows them alike."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

Timer = Callable[[int], float]
"""`timer(calls)` makes that many calls in a row and returns seconds per call."""

_SAMPLE_SECONDS = 0.02  # a sample lasts at least this long, so that the clock and a single interrupt matter little
_PAUSE_SECONDS = 0.01  # OpenMP threads of the one before stop spinning


@dataclass
class Stats:
    """Seconds per call: each sample is the mean over some calls in a row."""

    samples: list[float] = field(default_factory=list)
    error: str | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def spread(self) -> float | None:
        """Interquartile range (of fewer than four samples: the whole range) as a share of the median; None for one."""
        if len(self.samples) < 2:
            return None
        if len(self.samples) < 4:
            return (max(self.samples) - min(self.samples)) / self.median
        lower, _, upper = statistics.quantiles(self.samples, n=4, method="inclusive")
        return (upper - lower) / self.median


@contextmanager
def cores(count: int) -> Iterator[None]:
    """Runs torch and our kernels on `count` threads, and this thread on the first `count` cores."""
    threads = torch.get_num_threads()
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    try:
        if allowed is not None:
            os.sched_setaffinity(0, sorted(allowed)[:count])
        torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(threads)
        if allowed is not None:
            os.sched_setaffinity(0, allowed)


def here(function: Callable[[], Any]) -> Timer:
    """A timer of calls in this process; waits for the GPU where there is one in use."""

    def timer(calls: int) -> float:
        synchronize()
        start = time.perf_counter()
        for _ in range(calls):
            function()
        synchronize()
        return (time.perf_counter() - start) / calls

    return timer


def synchronize() -> None:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


def race(contestants: dict[str, Timer], *, rounds: int = 7, budget: float = 8.0) -> dict[str, Stats]:
    """Times all contestants `rounds` times in turns, after one call each to warm up.

    A slow one, whose rounds would take more than `budget` seconds, takes fewer, but two at least, and the call that
    warms it up is one of them if it takes more than a third of the budget; if it takes more than the budget, it is the
    only one. One that raises an exception is out, with the reason in its `error`.
    """
    stats = {name: Stats() for name in contestants}
    calls, turns = {}, {}
    for name, timer in contestants.items():
        try:
            first = timer(1)
            estimate = first if first > 0.1 else timer(1)
        except Exception as error:  # anything another implementation may raise
            stats[name].error = reason(error)
            continue
        calls[name] = max(1, min(1000, round(_SAMPLE_SECONDS / max(estimate, 1e-9))))
        turns[name] = max(2, min(rounds, int(budget / (estimate * calls[name]))))
        if first > budget / 3:
            stats[name].samples.append(first)
            turns[name] -= 1 if first <= budget else turns[name]
    for turn in range(rounds):
        for name in calls:
            if turn >= turns[name] or stats[name].error:
                continue
            time.sleep(_PAUSE_SECONDS)
            try:
                stats[name].samples.append(contestants[name](calls[name]))
            except Exception as error:
                stats[name].error = reason(error)
    return stats


def reason(error: BaseException) -> str:
    """One line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
