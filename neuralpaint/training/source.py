"""Where the strokes of a training come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from neuralpaint import ops
from neuralpaint.brushes import Brush, get_brush

HELD_OUT = 3200  # strokes that the evaluation draws
_HELD_OUT_KEY, _TRAINING_KEY, _VALIDATION_KEY = 0x0E7A1, 0x7EA18, 0x0A11D


class Batch(NamedTuple):
    """Strokes `[N, P]` and what the brush makes of them: foreground `[N, 3, S, S]`, alpha `[N, 1, S, S]`, float32."""

    strokes: Tensor
    foreground: Tensor
    alpha: Tensor


class StrokeSource(Protocol):
    """A brush that can be watched: it draws random strokes.

    A batch depends only on its arguments and the source's seed, so that a training that was stopped goes on with the
    strokes that it would have seen, and no process sees those of another. `held_out` batches share no stroke with the
    others, whatever the seed.
    """

    brush: Brush
    size: int
    zooms: tuple[int, ...]

    def batch(self, step: int, count: int, process: int = 0) -> Batch:
        """`count` strokes for one step of one process (fewer, if this step's picture is larger than `size`)."""
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

    def batch(self, step: int, count: int, process: int = 0) -> Batch:
        zoom = self.zooms[step % len(self.zooms)]
        return self._draw((_TRAINING_KEY, self.seed, process, step), max(2, count // zoom**2), zoom)

    def validation(self, count: int) -> Batch:
        """Strokes to watch a training by: neither trained on nor those of the evaluation."""
        return self._draw((_VALIDATION_KEY,), count)

    def held_out(self, index: int, count: int) -> Batch:
        return self._draw((_HELD_OUT_KEY, index), count)

    def _draw(self, key: tuple[int, ...], count: int, zoom: int = 1) -> Batch:
        strokes = self.brush.sample(count, generator_of(*key)).to(self.device)
        foreground, alpha = ops.rasterize(strokes, self.brush, self.size * zoom, self.size * zoom)
        return Batch(strokes, foreground, alpha)


def generator_of(*key: int) -> torch.Generator:
    """A generator whose numbers have nothing to do with those of any other key."""
    words = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0] >> np.uint64(1)))
