"""How fast a dataset yields strokes, beside the kernel that draws them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from neuralpaint import ops
from neuralpaint.brushes import Brush
from neuralpaint.data.dataset import StrokeDataset
from neuralpaint.data.write import WritingProgress

BATCH = 128  # two of them, 16 MiB as uint8, fit the third-level cache of most processors
_SLICE = 0.5  # seconds; the two are timed in turns, so that both see the same machine
_BARE = 4096  # different strokes


@dataclass(frozen=True)
class Measurement:
    """Strokes drawn, seconds, and the kernel's rate alone, in strokes a second."""

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
    callback: Callable[[WritingProgress], None] | None = None,
) -> Measurement:
    """Streams `count` strokes through a dataset in this process and, in turns of half a second, draws strokes that are
    there already by the kernel alone, in batches of the same size."""
    batch_size = BATCH if batch_size is None else batch_size
    dataset = StrokeDataset(brush, count, seed=seed, size=size, dtype=dtype)
    ready = StrokeDataset(brush, _BARE, seed=seed).parameters.take(torch.arange(_BARE)).split(batch_size)
    done, spent, drawn, bare_spent = 0, 0.0, 0, 0.0
    batches = iter(dataset.stream(batch_size, rank=0, world_size=1))
    ops.rasterize(ready[0], brush, size, size, dtype=dtype)  # texture, threads, memory
    while done < count:
        began = time.perf_counter()
        for batch in batches:
            done += len(batch.strokes)
            if time.perf_counter() - began > _SLICE:
                break
        spent += time.perf_counter() - began
        began, k = time.perf_counter(), 0
        while time.perf_counter() - began < min(_SLICE, spent):
            maps = ops.rasterize(ready[k % len(ready)], brush, size, size, dtype=dtype)
            drawn, k = drawn + len(maps[0]), k + 1
        bare_spent += time.perf_counter() - began
        if callback is not None:
            callback(WritingProgress(done, count, 0, spent))
    what = (
        f"{brush.name} strokes, {size}x{size} {str(dtype).removeprefix('torch.')}, {batch_size} a batch, "
        f"{torch.get_num_threads()} thread{'s' if torch.get_num_threads() > 1 else ''}"
    )
    return Measurement(count, spent, drawn / bare_spent, what)
