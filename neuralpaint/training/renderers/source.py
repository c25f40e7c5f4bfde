"""Where the strokes of a training come from."""

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

HELD_OUT = 3200  # strokes that the evaluation draws
_HELD_OUT_KEY, _VALIDATION_KEY = 0x0E7A1, 0x0A11D
_STREAM = 0x7EA18  # of the training's strokes, so that none is one of a StrokeDataset
_STEP = 2**32  # strokes that a step might have


class StrokeSource(Protocol):
    """A brush that can be watched: it draws random strokes.

    A batch depends only on its arguments and the source's seed, so that a training that was stopped goes on with the
    strokes that it would have seen; that of several processes is, put together, that of one. `held_out` batches share
    no stroke with the others, whatever the seed.
    """

    brush: Brush
    size: int
    zooms: tuple[int, ...]

    def batch(self, step: int, count: int, process: int = 0, processes: int = 1) -> Batch:
        """A process's `share` of the `count` strokes of a step (fewer, if this step's picture is larger than
        `size`)."""
        ...

    def validation(self, count: int) -> Batch:
        """Strokes to watch a training by: neither trained on nor those of the evaluation."""
        ...

    def held_out(self, index: int, count: int) -> Batch:
        """`count` strokes of a fixed sequence that training never sees."""
        ...


class BrushSource:
    """Strokes of a built-in brush, uniform in its parameters, drawn by `neuralpaint.ops.rasterize` on the device.

    Args:
        brush: a `Brush` or its name.
        size: pixels of the pictures, S.
        seed: of the training's strokes; those held out are always the same.
        device: where they are drawn.
        zooms: training pictures take these sizes in turns, in units of `size`; larger ones come in smaller batches,
            so that each has as many pixels.
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
        """Strokes to watch a training by: neither trained on nor those of the evaluation."""
        return self._fixed((_VALIDATION_KEY,), count)

    def held_out(self, index: int, count: int) -> Batch:
        return self._fixed((_HELD_OUT_KEY, index), count)

    def _fixed(self, key: tuple[int, ...], count: int) -> Batch:
        strokes = self.brush.sample(count, generator_of(*key)).to(self.device)
        return Batch(strokes, *ops.rasterize(strokes, self.brush, self.size, self.size))


def share(count: int, zoom: int = 1, processes: int = 1) -> int:
    """Strokes that each process gets of a step of `count`: as many pixels whatever the zoom, but at least two.

    All processes together get the same for any number of them, as long as it divides count / zoom² and leaves two.
    """
    return max(2, -(-max(2, count // zoom**2) // processes))
