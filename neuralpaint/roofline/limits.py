"""Measures the limits of the machine with torch operations.

Four rates bound all our ops: writing memory (`fill_`), copying memory (`copy_`), exponentials (`torch.exp` on a buffer
in cache) and fused multiply-adds (`torch.mm` of matrices in cache). Bandwidth is measured for the same number of bytes
that an op moves, in buffers reused between calls, because buffers that fit in a cache are several times faster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from neuralpaint.roofline.timing import Timing, time_call

MEMORY_BYTES = 256 << 20  # much larger than last-level caches
_CACHED_BYTES = 256 << 10  # per thread: fits in the L2 cache of most processors
_EXP_NUMBERS = 32 << 10  # per thread: input and output together have that size; also torch's minimum per thread
_EXP_CALLS = 10
_MM_SIZES = {"cpu": (192, 320, 512), "cuda": (2048, 4096)}


@dataclass
class Limits:
    """The limits of `device`; each is measured on first use, for about `seconds`."""

    device: torch.device
    seconds: float = 0.1
    timings: dict[tuple[str, str | int], Timing] = field(default_factory=dict)

    def fill(self, count: int) -> float:
        """Seconds to write `count` bytes."""

        def prepare() -> Timing:
            buffer = torch.empty(max(1, count // 4), dtype=torch.float32, device=self.device)
            return time_call(lambda: buffer.fill_(0.5), self.device, self.seconds)

        return self._once("fill", count, prepare)

    def copy(self, count: int) -> float:
        """Seconds to move `count` bytes: half of them read, half written."""

        def prepare() -> Timing:
            source = torch.ones(max(1, count // 8), dtype=torch.float32, device=self.device)
            target = torch.ones_like(source)
            return time_call(lambda: target.copy_(source), self.device, self.seconds)

        return self._once("copy", count, prepare)

    def exps(self, dtype: torch.dtype = torch.float32) -> float:
        """Exponentials per second, over all threads."""
        count = self._units() * _EXP_NUMBERS

        def prepare() -> Timing:
            source = torch.linspace(-8, 0, count, dtype=dtype, device=self.device)
            target = torch.empty_like(source)

            def run() -> None:
                for _ in range(_EXP_CALLS):
                    torch.exp(source, out=target)

            return time_call(run, self.device, self.seconds)

        return count * _EXP_CALLS / self._once("exp", str(dtype), prepare)

    def flops(self, dtype: torch.dtype = torch.float32) -> float:
        """Floating-point operations per second (2 per fused multiply-add): the best of several matrix products."""
        best = 0.0
        for size in _MM_SIZES[self.device.type]:

            def prepare(size: int = size) -> Timing:
                a, b, c = (torch.full((size, size), 0.5, dtype=dtype, device=self.device) for _ in range(3))
                return time_call(lambda: torch.mm(a, b, out=c), self.device, self.seconds)

            best = max(best, 2 * size**3 / self._once(f"mm {size}", str(dtype), prepare))
        return best

    def table(self) -> dict[str, dict[str, float | str]]:
        """The limits for display: {name: {"value", "unit", "what"}}; "what" says how it was measured."""
        cached = self._units() * _CACHED_BYTES
        rows: dict[str, dict[str, float | str]] = {}

        def add(name: str, value: float, unit: str, what: str) -> None:
            rows[name] = {"value": value, "unit": unit, "what": what}

        for name, time in (("fill", self.fill), ("copy", self.copy)):
            add(f"{name}, memory", MEMORY_BYTES / time(MEMORY_BYTES) / 1e9, "GB/s", f"{MEMORY_BYTES >> 20} MiB")
            add(f"{name}, cached", cached / time(cached) / 1e9, "GB/s", f"{cached >> 10} KiB")
        for dtype in (torch.float32, torch.float64):
            name = str(dtype).removeprefix("torch.")
            add(f"exp, {name}", self.exps(dtype) / 1e9, "10⁹/s", "torch.exp, in cache")
            add(f"FMA, {name}", self.flops(dtype) / 2e9, "10⁹/s", "torch.mm, in cache")
        return rows

    def _units(self) -> int:
        """Number of threads, or a number that keeps a GPU busy."""
        return torch.get_num_threads() if self.device.type == "cpu" else 64

    def _once(self, name: str, what: str | int, prepare: Callable[[], Timing]) -> float:
        if (name, what) not in self.timings:
            self.timings[name, what] = prepare()
        return self.timings[name, what].median
