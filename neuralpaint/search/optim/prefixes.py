"""The loss of unfinished paintings, so that a painting looks like the photo on the way and not only at the end."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from neuralpaint.search.problem import Problem

SHARES = (0.1, 0.25, 0.5, 0.75)  # of the strokes: the unfinished paintings that are looked at
_COARSER = 4  # they are rough, so that a sixteenth of the pixels will do
_EVERY = 3  # steps for one look


def prefix_counts(num_strokes: int) -> tuple[int, ...]:
    """How many strokes the unfinished paintings have, of a painting of `num_strokes`."""
    return tuple(round(share * num_strokes) for share in SHARES)


class PrefixLoss:
    """The loss of a problem for the first strokes alone, at a quarter of the resolution.

    Late strokes hide early ones, about which the finished picture then says nothing: their colours and places would
    drift. Every third step looks at one unfinished painting, at each of them in turn.

    Attributes:
        factor: how much the loss counts, in the steps that look at it.

    Args:
        target: `[3, H, W]`, what the strokes should show, `size` pixels along the canvas's shorter side.
        counts: numbers of strokes of the unfinished paintings.
    """

    def __init__(self, problem: Problem, target: Tensor, size: int, counts: Sequence[int]) -> None:
        coarser = min(_COARSER, *target.shape[1:])
        self._problem, self._size, self._counts = problem, size / coarser, counts
        # What is left over at the far borders is left out, so that every pixel is exactly as wide.
        self._target = F.avg_pool2d(target, coarser)
        self._canvas = problem.blank(*self._target.shape[1:])
        self._detail = problem.weight(*self._target.shape[1:])
        self.factor = problem.preset.prefix * coarser**2 * _EVERY

    def count(self, step: int) -> int:
        """How many strokes a step looks at, besides all; 0 if it looks at none."""
        look, rest = divmod(step, _EVERY)
        return 0 if rest else self._counts[look % len(self._counts)]

    def gradient(self, strokes: Tensor, count: int, softness: float | Tensor) -> Tensor:
        """`[count, P]`, for the first `count` > 0 of `strokes` `[N, P]`; it counts `factor` times."""
        return self._problem.loss(strokes[:count], self._target, self._canvas, self._size, softness, self._detail)[1]
