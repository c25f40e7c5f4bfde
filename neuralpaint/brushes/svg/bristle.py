"""Oil strokes, and those with a texture of the user's own, as stamps."""

from __future__ import annotations

import numpy as np

from neuralpaint.brushes.svg.box import box_axes
from neuralpaint.brushes.svg.stamps import Stamp, Stamps
from neuralpaint.brushes.svg.text import Writer

_FINEST = 2  # along streaks, which are smooth, every fourth texel will do
_COARSEST = 3


class BristleDabs(Stamps):
    """Strokes xc yc w h θ r0 g0 b0 r2 g2 b2 a: a texture over the box, its streaks along the longer side.

    A stroke has the texture in the resolution in which it is drawn at the painting's size.
    """

    colors = (slice(5, 8), slice(8, 11))

    def __init__(self, writer: Writer, texels: tuple[np.ndarray, np.ndarray], share: float, split: float) -> None:
        super().__init__(writer)
        self.alpha = texels[0].astype(np.float64) / 255
        self.relief = texels[1].astype(np.float64) * (2 / 255) - 1
        self.share, self.split = share, split

    def keys(self, strokes: np.ndarray) -> list[tuple[int, ...]]:
        sides = strokes[:, 2:4] * (2 * self.share * self.writer.scale)
        height, width = self.alpha.shape[1:]
        small = (strokes[:, 2] * strokes[:, 3] <= self.split).astype(int)
        along = _level(width, sides.max(axis=1), min(_FINEST, _last(width)))
        across = _level(height, sides.min(axis=1), 0)
        return list(zip(small.tolist(), along.tolist(), across.tolist(), strict=True))

    def stamp(self, key: tuple[int, ...]) -> Stamp:
        plane, along, across = key
        height, width = self.alpha.shape[1:]
        cells = (height >> across, 1 << across, width >> along, 1 << along)
        alpha = self.alpha[plane].reshape(cells)
        coverage = alpha.mean(axis=(1, 3))
        relief = (alpha * self.relief[plane].reshape(cells)).mean(axis=(1, 3)) / np.maximum(coverage, 1e-6)
        return Stamp(coverage, relief, _coverage_levels(coverage))

    def axes(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        u, v = box_axes(strokes, self.share)
        tall = strokes[:, 3] > strokes[:, 2]
        along, across = np.where(tall[:, None], v, u), np.where(tall[:, None], u, v)
        return strokes[:, 0:2] - u - v, 2 * along, 2 * across, ~tall


def _last(texels: int) -> int:
    return texels.bit_length() - 1


def _level(texels: int, pixels: np.ndarray, finest: int) -> np.ndarray:
    """The level of the mip-map whose texels are nearest to a pixel wide, no coarser than is worth it."""
    level = np.rint(np.log2(texels / np.maximum(pixels, 1e-6))).astype(int)
    return level.clip(finest, max(finest, min(_last(texels), max(_COARSEST, _last(texels) - 5))))


def _coverage_levels(coverage: np.ndarray) -> tuple[float, ...]:
    """One level for a texture that is paint or no paint, more for one that is thin in places."""
    thin = ((coverage > 0.1) & (coverage < 0.9)).mean() / max(1e-6, float((coverage > 0.1).mean()))
    return (0.5,) if thin < 0.25 and coverage.max(initial=0) > 0.9 else (0.1, 0.3, 0.5, 0.7, 0.9)
