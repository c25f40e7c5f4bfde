"""Sources of training strokes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from neuralpaint import ops
from neuralpaint.brushes import Brush, get_brush
from neuralpaint.data.dataset import StrokeDataset
from neuralpaint.data.parameters import RandomParameters
from neuralpaint.data.parameters import StrokeBatch as Batch
from neuralpaint.utils.random import generator_of

__all__ = ["HELD_OUT", "Batch", "BrushSource", "StrokeSource", "generator_of", "share"]

HELD_OUT = 3200  # strokes in the evaluation
_HELD_OUT_KEY, _VALIDATION_KEY = 0x0E7A1, 0x0A11D
_STREAM = 0x7EA18  # random stream of the training strokes, distinct from that of StrokeDataset
_STEP = 2**32  # maximum number of strokes per step


class StrokeSource(Protocol):
    """Draws random strokes of a brush, as training data.

    A batch depends only on its arguments and the seed of the source, so resumed training sees the same strokes. The
    batches of several processes together equal the batch of one. `held_out` batches share no strokes with the others,
    whatever the seed.
    """

    brush: Brush
    size: int
    zooms: tuple[int, ...]

    def batch(self, step: int, count: int, process: int = 0, processes: int = 1) -> Batch:
        """The `share` of a process of the `count` strokes of a step (fewer if the images of this step are larger than
        `size`)."""
        ...

    def validation(self, count: int) -> Batch:
        """Validation strokes, distinct from those for training and for the final evaluation."""
        ...

    def held_out(self, index: int, count: int) -> Batch:
        """`count` strokes of the fixed held-out sequence, which is never trained on."""
        ...


class BrushSource:
    """Strokes of a built-in brush, uniform in its parameters, drawn by `neuralpaint.ops.rasterize` on the device.

    Args:
        brush: a `Brush` or its name.
        size: image size S, in pixels.
        seed: of the training strokes; held-out strokes are always the same.
        device: where they are drawn.
        zooms: sizes of the training images as multiples of `size`, cycled through; larger images come in smaller
            batches with the same number of pixels.
    """

    def __init__(
        self,
        brush: Brush | str,
        size: int,
        seed: int = 0,
        device: torch.device | str = "cpu",
        zooms: Sequence[int] = (1,),
    ) -> None:
        self.brush, self.size, self.seed = get_brush(brush), size, seed
        self.device, self.zooms = torch.device(device), tuple(zooms)
        numbered = RandomParameters(self.brush, None, seed, _STREAM)
        self._strokes = {
            zoom: StrokeDataset.of(numbered, size=size * zoom, device=self.device) for zoom in set(self.zooms)
        }

    def batch(self, step: int, count: int, process: int = 0, processes: int = 1) -> Batch:
        zoom = self.zooms[step % len(self.zooms)]
        each = share(count, zoom, processes)
        first = step * _STEP + process * each
        return self._strokes[zoom].draw(torch.arange(first, first + each))

    def validation(self, count: int) -> Batch:
        """Validation strokes, distinct from those for training and for the final evaluation."""
        return self._fixed((_VALIDATION_KEY,), count)

    def held_out(self, index: int, count: int) -> Batch:
        return self._fixed((_HELD_OUT_KEY, index), count)

    def _fixed(self, key: tuple[int, ...], count: int) -> Batch:
        strokes = self.brush.sample(count, generator_of(*key)).to(self.device)
        return Batch(strokes, *ops.rasterize(strokes, self.brush, self.size, self.size))


def share(count: int, zoom: int = 1, processes: int = 1) -> int:
    """Strokes per process in a step of `count`: the same number of pixels for every zoom, but at least two strokes.

    The total is the same for any number of processes that divides count / zoom² and leaves at least two each.
    """
    return max(2, -(-max(2, count // zoom**2) // processes))
