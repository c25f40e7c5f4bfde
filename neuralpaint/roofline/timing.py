"""Times calls: median and spread over repeated rounds."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

_ROUND_SECONDS = 1e-3  # minimum duration of a round; short calls are repeated
_MIN_ROUNDS, _MAX_ROUNDS = 5, 200


@dataclass(frozen=True)
class Timing:
    """Seconds per call: median, quartiles and minimum over the rounds; and the number of rounds."""

    median: float
    low: float
    high: float
    shortest: float
    rounds: int

    @property
    def spread(self) -> float:
        """Interquartile range divided by the median."""
        return (self.high - self.low) / self.median


def time_call(
    function: Callable[[], Any], device: torch.device, seconds: float = 0.3, rounds: int = _MIN_ROUNDS
) -> Timing:
    """Times `function()` for about `seconds`, in at least `rounds` rounds.

    Untimed calls first warm up caches, allocators and GPU clocks. Calls must be independent of each other. On a GPU, a
    round ends when its kernels have finished.
    """
    wait = torch.cuda.synchronize if device.type == "cuda" else _nothing
    warm_until = time.perf_counter() + min(0.3 * seconds, 0.2)
    start = time.perf_counter()
    function()
    wait()
    once = time.perf_counter() - start
    while time.perf_counter() < warm_until:
        start = time.perf_counter()
        function()
        wait()
        once = min(once, time.perf_counter() - start)
    calls = max(1, round(_ROUND_SECONDS / max(once, 1e-9)))
    collecting = gc.isenabled()
    gc.disable()
    times: list[float] = []
    try:
        end = time.perf_counter() + seconds
        while len(times) < rounds or (time.perf_counter() < end and len(times) < _MAX_ROUNDS):
            wait()
            start = time.perf_counter()
            for _ in range(calls):
                function()
            wait()
            times.append((time.perf_counter() - start) / calls)
    finally:
        if collecting:
            gc.enable()
    if len(times) == 1:
        return Timing(times[0], times[0], times[0], times[0], 1)
    low, median, high = statistics.quantiles(times, n=4, method="inclusive")
    return Timing(median, low, high, min(times), len(times))


def _nothing() -> None:
    pass
