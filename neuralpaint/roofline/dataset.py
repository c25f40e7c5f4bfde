"""Measures the throughput of a stroke dataset, compared with the kernel alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from neuralpaint import ops
from neuralpaint.brushes import Brush
from neuralpaint.data.dataset import StrokeDataset
from neuralpaint.data.parameters import RandomParameters
from neuralpaint.data.writer import WritingProgress

BATCH = 256  # the fastest power of two on both machines we tested; 32 MiB as uint8
_SLICE, _BARE_SLICE = 2.0, 0.7  # seconds; dataset and kernel are timed alternately, under the same conditions
_BARE = 4096  # number of distinct strokes for timing the kernel alone


@dataclass(frozen=True)
class Measurement:
    """Strokes drawn, seconds, and the rate of the kernel alone, in strokes per second."""

    count: int
    seconds: float
    bare: float
    what: str

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def __str__(self) -> str:
        return (
            f"{self.count:,} {self.what}: {self.seconds:.1f} s, {self.rate:,.0f} strokes/s; "
            f"the kernel alone {self.bare:,.0f} strokes/s ({self.rate / self.bare:.0%})"
        )


def measure(
    brush: Brush,
    count: int,
    size: int,
    *,
    seed: int = 0,
    batch_size: int | None = None,
    dtype: torch.dtype = torch.uint8,
    device: torch.device | str = "cpu",
    callback: Callable[[WritingProgress], None] | None = None,
) -> Measurement:
    """Streams `count` strokes from a dataset in this process, alternating with the kernel alone on precomputed strokes
    in batches of the same size."""
    batch_size = BATCH if batch_size is None else batch_size
    dataset = StrokeDataset(brush, count, seed=seed, size=size, dtype=dtype, device=device)
    ready = RandomParameters(brush, _BARE, seed).take(torch.arange(_BARE, device=dataset.device)).split(batch_size)

    def clock() -> float:
        if dataset.device.type == "cuda":
            torch.cuda.synchronize(dataset.device)
        return time.perf_counter()

    done, spent, drawn, bare_spent = 0, 0.0, 0, 0.0
    threads = torch.get_num_threads()
    ahead = threads if dataset.device.type == "cpu" and threads > 1 else 0
    batches = iter(dataset.stream(batch_size, rank=0, world_size=1, threads=ahead))
    ops.rasterize(ready[0], brush, size, size, dtype=dtype)  # warm up textures, threads, memory
    while done < count:
        began = clock()
        for batch in batches:
            done += len(batch.strokes)
            if time.perf_counter() - began > _SLICE:
                break
        spent += clock() - began
        began, k = clock(), 0
        while time.perf_counter() - began < min(_BARE_SLICE, spent):
            maps = ops.rasterize(ready[k % len(ready)], brush, size, size, dtype=dtype)
            drawn, k = drawn + len(maps[0]), k + 1
        bare_spent += clock() - began
        if callback is not None:
            callback(WritingProgress(done, count, 0, spent))
    where = dataset.device.type if dataset.device.type != "cpu" else f"{threads} thread{'s' if threads > 1 else ''}"
    what = f"{brush.name} strokes, {size}x{size} {str(dtype).removeprefix('torch.')}, batches of {batch_size}, {where}"
    return Measurement(count, spent, drawn / bare_spent, what)
