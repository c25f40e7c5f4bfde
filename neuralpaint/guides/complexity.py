"""How many strokes a photo needs."""

from __future__ import annotations

import heapq

import numpy as np
from torch import Tensor

from neuralpaint.guides.guide import NO_GUIDE, Guide
from neuralpaint.guides.views import small_view

_SIZE = 192  # pixels along the shorter side that are looked at
_ERROR = 7e-3  # mean squared error of flat squares at which there are enough of them
_PER_SQUARE = 0.7  # strokes for one
_FEWEST, _MOST = 100, 5000


def strokes_needed(photo: Tensor, guide: Guide = NO_GUIDE) -> int:
    """How many strokes paint a photo `[3, H, W]` well: 100 to 5000, two digits.

    Squares of one colour stand for strokes: the square with the largest squared error, weighted by the guide's detail,
    is split in four until the mean error is small. A calm photo needs few, foliage many.
    """
    small = small_view(photo, _SIZE)
    height, width = small.shape[1:]
    side = 1 << (max(height, width) - 1).bit_length()
    weight = guide.weight(height, width)
    weights = np.zeros((side, side))
    weights[:height, :width] = 1.0 if weight is None else weight[0, 0].numpy()
    colors = np.zeros((side, side, 3))
    colors[:height, :width] = small.permute(1, 2, 0).numpy()
    sums = _pyramid([weights, weights[..., None] * colors, weights * (colors**2).sum(-1)])

    def error(level: int, y: int, x: int) -> float:
        count, color, square = (part[level][y, x] for part in sums)
        return float(square - (color**2).sum() / count) if count > 0 else 0.0

    top = len(sums[0]) - 1
    total, squares = error(top, 0, 0), 1
    heap = [(-total, top, 0, 0)]
    enough = _ERROR * 3 * float(weights.sum())
    while total > enough and heap:
        worst, level, y, x = heapq.heappop(heap)
        total += worst
        squares -= 1
        for part in ((2 * y + dy, 2 * x + dx) for dy in (0, 1) for dx in (0, 1)):
            if sums[0][level - 1][part] <= 0:
                continue
            own = error(level - 1, *part)
            total, squares = total + own, squares + 1
            if level > 1:
                heapq.heappush(heap, (-own, level - 1, *part))
    return _rounded(min(_MOST, max(_FEWEST, _PER_SQUARE * squares)))


def _pyramid(maps: list[np.ndarray]) -> list[list[np.ndarray]]:
    """Of each map, its sums over squares of 1, 2, 4 … pixels."""
    found = []
    for part in maps:
        levels = [part]
        while len(levels[-1]) > 1:
            last = levels[-1]
            levels.append(last[::2, ::2] + last[1::2, ::2] + last[::2, 1::2] + last[1::2, 1::2])
        found.append(levels)
    return found


def _rounded(number: float) -> int:
    digits = 10 ** (len(str(int(number))) - 2)
    return int(round(number / digits) * digits)
