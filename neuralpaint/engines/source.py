"""`EngineSource`: training strokes drawn by an engine and cached."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from neuralpaint.engines.cache import Shard, StrokeCache
from neuralpaint.engines.pool import EnginePool
from neuralpaint.engines.spec import Engine
from neuralpaint.engines.worker import TIMEOUT, open_engine
from neuralpaint.parallel.base import Closing
from neuralpaint.training.renderers.metrics import BATCH
from neuralpaint.training.renderers.source import Batch, share
from neuralpaint.training.renderers.trainer import VALIDATION
from neuralpaint.utils.validation import check_whole

SHARD = 256  # strokes per file, at zoom 1
_IN_MEMORY = 6  # shards cached in memory
_TRAINING, _VALIDATION, _HELD_OUT, _ORDER = 0xE17A1, 0xE0A11, 0xE0E7A, 0xE04DE


class EngineSource(Closing):
    """Random strokes of a brush engine: a `neuralpaint.training.StrokeSource`.

    Training cycles through a fixed number of strokes, in a different order each epoch. They are drawn when first
    needed, or all at once by `fill`, and cached on disk. Close it, or use it as a context manager, to stop its
    processes.

    Args:
        engine: an `Engine` or its address `package.module:function`.
        size: image size S, in pixels.
        seed: of the training strokes; held-out strokes are always the same.
        device: device of the batches.
        zooms: as in `neuralpaint.training.BrushSource`.
        strokes: number of training strokes, rounded up to a multiple of 256.
        cache: folder of the cached strokes; by default `neuralpaint.engines.cache.default_cache()`.
        workers, timeout: as in `EnginePool`.

    Raises:
        EngineError: the engine fails while drawing; the message gives the engine and the parameters of the stroke.
    """

    def __init__(
        self,
        engine: Engine | str,
        size: int,
        seed: int = 0,
        device: torch.device | str = "cpu",
        zooms: Sequence[int] = (1,),
        *,
        strokes: int = 20_000,
        cache: str | os.PathLike | None = None,
        workers: int | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        check_whole("strokes", strokes, 1)
        self.engine = open_engine(engine, timeout) if isinstance(engine, str) else engine
        self.brush, self.size, self.seed = self.engine.spec.brush(), size, seed
        self.device, self.zooms = torch.device(device), tuple(zooms)
        self.shards = -(-strokes // SHARD)
        self.cache = StrokeCache(self.engine, cache)
        self.pool = EnginePool(self.engine, workers, timeout)
        self._memory: dict[tuple[str, int], Shard] = {}

    def close(self) -> None:
        self.pool.close()

    @property
    def identity(self) -> dict[str, Any]:
        """Settings that a training checkpoint must match, in addition to the brush."""
        return {"engine": self.engine.address, "spec": self.engine.spec.fingerprint, "pool": self.shards * SHARD}

    def fill(self, callback: Callable[[int, int], None] | None = None, held_out: int = 0) -> int:
        """Draws all strokes for training that are not cached yet. Can be interrupted and called again.

        Args:
            callback: called with (strokes done, total) after each file.
            held_out: number of held-out strokes to draw as well, for
                `neuralpaint.training.renderers.metrics.held_out_quality`.

        Returns:
            the number of strokes drawn.
        """
        jobs: list[tuple[str, int, int, tuple[int, ...]]] = [
            (*self._training(zoom, shard), (_TRAINING, self.seed, zoom, shard))
            for zoom in sorted(set(self.zooms))
            for shard in range(self.shards)
        ]
        jobs.append((f"validation-{VALIDATION}", self.size, VALIDATION, (_VALIDATION,)))
        for index, start in enumerate(range(0, held_out, BATCH)):
            jobs.append(self._held_out(index, min(BATCH, held_out - start)))
        jobs = [job for job in jobs if not self.cache.path(job[0], job[1]).exists()]
        done, count = 0, sum(job[2] for job in jobs)
        for job in jobs:
            self._shard(*job, keep=False)
            done += job[2]
            if callback is not None:
                callback(done, count)
        self.close()
        return count

    def batch(self, step: int, count: int, process: int = 0, processes: int = 1) -> Batch:
        zoom = self.zooms[step % len(self.zooms)]
        each_process = share(count, zoom, processes)
        turns = self.zooms.count(zoom) * (step // len(self.zooms)) + self.zooms[: step % len(self.zooms)].count(zoom)
        each = self._training(zoom, 0)[2]
        start, parts = (turns * processes + process) * each_process, []
        stop = start + each_process
        while start < stop:
            turn, first = divmod(start, each)
            last = min(each, first + stop - start)
            epoch, position = divmod(turn, self.shards)
            order = np.random.default_rng((_ORDER, self.seed, zoom, epoch))
            number = int(order.permutation(self.shards)[position])
            rows = np.random.default_rng((_ORDER, self.seed, zoom, epoch, position)).permutation(each)
            shard = self._shard(*self._training(zoom, number), (_TRAINING, self.seed, zoom, number))
            parts.append({key: array[rows[first:last]] for key, array in shard.items()})
            start += last - first
        return self._batch({key: np.concatenate([part[key] for part in parts]) for key in parts[0]})

    def validation(self, count: int) -> Batch:
        return self._batch(self._shard(f"validation-{count}", self.size, count, (_VALIDATION,)))

    def held_out(self, index: int, count: int) -> Batch:
        return self._batch(self._shard(*self._held_out(index, count)))

    def _held_out(self, index: int, count: int) -> tuple[str, int, int, tuple[int, ...]]:
        return f"held-out-{index:05d}-{count}", self.size, count, (_HELD_OUT, index)

    def _training(self, zoom: int, shard: int) -> tuple[str, int, int]:
        """(name, image size, number of strokes) of a training shard."""
        return f"training-{self.seed}-{shard:05d}", self.size * zoom, max(8, SHARD // zoom**2)

    def _shard(self, name: str, size: int, count: int, key: tuple[int, ...], keep: bool = True) -> Shard:
        shard = self._memory.get((name, size)) or self.cache.read(name, size, count)
        if shard is None:
            strokes = self.engine.spec.sample(count, np.random.default_rng(key))
            foreground, alpha = self.pool.draw(strokes, size)
            shard = {"strokes": strokes, "foreground": _bytes(foreground), "alpha": _bytes(alpha)}
            self.cache.write(name, size, shard)
        if keep:
            self._memory.pop((name, size), None)
            self._memory[name, size] = shard
            while len(self._memory) > _IN_MEMORY:
                del self._memory[next(iter(self._memory))]  # least recently used
        return shard

    def _batch(self, shard: Shard) -> Batch:
        strokes, foreground, alpha = (torch.from_numpy(shard[key]) for key in ("strokes", "foreground", "alpha"))
        pictures = (part.to(self.device).float().mul_(1 / 255) for part in (foreground, alpha))
        return Batch(strokes.to(self.device), *pictures)


def _bytes(picture: np.ndarray) -> np.ndarray:
    return (picture * 255 + 0.5).astype(np.uint8)
