"""`StrokeDataset`: indexed strokes and their images, drawn on demand."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info

from neuralpaint import ops
from neuralpaint.brushes import Brush
from neuralpaint.data.parameters import ENDLESS, Parameters, RandomParameters, StrokeBatch
from neuralpaint.data.shards import ShardParameters
from neuralpaint.data.stream import StrokeStream
from neuralpaint.ops.checks import check_side
from neuralpaint.utils.device import resolve_device
from neuralpaint.utils.validation import check_positive

_DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.uint8)


class StrokeDataset(Dataset[StrokeBatch]):
    """Random strokes 0, 1, 2, … of a brush, as a map-style dataset, drawn on demand.

        strokes, foreground, alpha = StrokeDataset("oil", 1_000_000)[42]

    The stroke at an index depends only on the brush and the seed, not on workers, ranks, devices or other strokes.
    `stream` is the iterable form; it draws in batches and is faster.

    Args:
        brush: a `Brush` or its name.
        count: number of strokes; None for an endless sequence, which has no `len`.
        seed: from 0 to 2⁶³ − 1.
        size: image size in pixels, one number or (height, width).
        dtype: of the images: float32, float16, bfloat16 or uint8.
        device: where strokes are drawn and returned. For a GPU, use num_workers=0.
        softness: edge width in pixels, as in `neuralpaint.ops.rasterize`.

    Raises:
        ValueError: an argument is out of range; the message names it.
    """

    def __init__(
        self,
        brush: Brush | str = "oil",
        count: int | None = None,
        *,
        seed: int = 0,
        size: int | tuple[int, int] = 128,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        softness: float = 1.0,
    ) -> None:
        self._prepare(RandomParameters(brush, count, seed), size, dtype, device, softness)

    @classmethod
    def from_folder(
        cls,
        folder: str | os.PathLike,
        *,
        size: int | tuple[int, int] | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        softness: float = 1.0,
    ) -> StrokeDataset:
        """A dataset from a folder of vector shards (`neuralpaint strokes`). Arguments as for the class; `size` defaults
        to that of the folder's index.

        Raises:
            ValueError: the folder has no complete set of vector shards. Damaged shards are reported on first use.
        """
        parameters = ShardParameters(folder)
        return cls.of(parameters, size=parameters.set.size if size is None else size, dtype=dtype, device=device,
                      softness=softness)  # fmt: skip

    @classmethod
    def of(
        cls,
        parameters: Parameters,
        *,
        size: int | tuple[int, int] = 128,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        softness: float = 1.0,
    ) -> StrokeDataset:
        """A dataset of custom strokes: an object with `brush`, `count`, `identity` and `take`."""
        dataset = cls.__new__(cls)
        dataset._prepare(parameters, size, dtype, device, softness)
        return dataset

    def _prepare(
        self,
        parameters: Parameters,
        size: int | tuple[int, int],
        dtype: torch.dtype,
        device: torch.device | str,
        softness: float,
    ) -> None:
        if dtype not in _DTYPES:
            raise ValueError(f"dtype must be float32, float16, bfloat16 or uint8, got {dtype}")
        if parameters.brush.engine:
            raise ValueError(f"brush {parameters.brush.name!r} is drawn by an engine: use neuralpaint.engines")
        self.parameters, self.dtype, self.device = parameters, dtype, resolve_device(device)
        self.softness = check_positive("softness", softness)
        sides = (size, size) if isinstance(size, int) else tuple(size)
        if len(sides) != 2:
            raise ValueError(f"size must be a number of pixels or (height, width), got {size!r}")
        self.height, self.width = (check_side("size", side) for side in sides)

    @property
    def brush(self) -> Brush:
        return self.parameters.brush

    @property
    def count(self) -> int | None:
        """Number of strokes; None if endless."""
        return None if self.parameters.count == ENDLESS else self.parameters.count

    def __len__(self) -> int:
        if self.count is None:
            raise TypeError("an endless StrokeDataset has no length: give it a count, or use stream()")
        return self.count

    def __getitem__(self, index: int) -> StrokeBatch:
        if not -self.parameters.count <= index < self.parameters.count:
            raise IndexError(f"stroke {index} of {self.parameters.count}")
        batch = self.draw(torch.tensor([index % self.parameters.count], device="cpu"))
        return StrokeBatch(*(part[0] for part in batch))

    def __getitems__(self, indices: Sequence[int]) -> _Samples:
        """Several strokes, drawn as one batch. DataLoader calls this, if it exists, instead of `[]`."""
        index = torch.as_tensor(indices, dtype=torch.int64, device="cpu")
        return _Samples(self.draw(torch.where(index < 0, index + self.parameters.count, index)))

    @staticmethod
    def collate(samples: Sequence[StrokeBatch]) -> StrokeBatch:
        """For `DataLoader(dataset, collate_fn=dataset.collate)`: like torch's default, but does not copy samples that
        are already a batch."""
        if isinstance(samples, _Samples):
            return samples.batch
        return StrokeBatch(*(torch.stack(parts) for parts in zip(*samples, strict=True)))

    @torch.no_grad()
    def draw(self, index: Tensor) -> StrokeBatch:
        """The strokes at these indices, int64 `[N]` in [0, count). TypeError or ValueError for invalid indices."""
        if not isinstance(index, Tensor) or index.dtype != torch.int64 or index.ndim != 1:
            raise TypeError(f"index must be an int64 tensor [N], got {index!r}")
        if len(index) and not 0 <= int(index.min()) <= int(index.max()) < self.parameters.count:
            raise ValueError(
                f"index must be in [0, {self.parameters.count}), got {int(index.min())} to {int(index.max())}"
            )
        return self.picture(self.parameters.take(index.to(self.device)))

    def picture(self, strokes: Tensor) -> StrokeBatch:
        """Draws these strokes, float32 `[N, P]` on the dataset's device."""
        if self.device.type != "cpu" and get_worker_info() is not None:
            raise RuntimeError(f"strokes on {self.device} must be drawn in the main process: use num_workers=0")
        maps = ops.rasterize(strokes, self.brush, self.height, self.width, softness=self.softness, dtype=self.dtype)
        return StrokeBatch(strokes, *maps)

    def stream(
        self,
        batch_size: int | None = 64,
        *,
        start: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        drop_last: bool = False,
        threads: int = 0,
    ) -> StrokeStream:
        """The same strokes in order, as an iterable dataset; see `StrokeStream`."""
        return StrokeStream(
            self, batch_size, start=start, rank=rank, world_size=world_size, drop_last=drop_last, threads=threads
        )


class _Samples(list[StrokeBatch]):
    """The samples of a batch, with a reference to the batch."""

    def __init__(self, batch: StrokeBatch) -> None:
        super().__init__(StrokeBatch(*parts) for parts in zip(*batch, strict=True))
        self.batch = batch
