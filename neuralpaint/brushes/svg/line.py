"""Straight strokes whose paint differs from place to place, as stamps traced from the brush's own coverage."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neuralpaint.brushes.svg.curve import normal
from neuralpaint.brushes.svg.stamps import Stamp, Stamps
from neuralpaint.brushes.svg.text import Writer

Painter = Callable[[np.ndarray, float, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(stroke `[P]` of colour ½, pixels in a unit, x, y `[K]`) to coverage and relief `[K]`, as `Stamp` has them."""

_LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
_PER_DOUBLING = 4  # stamps for lines of twice the length: lengths are off by a twelfth at most
_THINNEST, _THICKEST = 1, 7  # log₂ of the radius in pixels; streaks fade in small strokes
_ACROSS = (12, 56)  # samples of a stamp, at least and at most
_ALONG = (12, 160)


class LineDabs(Stamps):
    """Strokes x0 y0 x2 y2 ρ r g b a: a line with a disc of radius reach·ρ/4 around it.

    There are stamps for ratios of length to radius and for radii on logarithmic scales; a stroke has the nearest.
    """

    colors = (slice(5, 8), slice(5, 8))

    def __init__(self, writer: Writer, paint: Painter, reach: float) -> None:
        super().__init__(writer)
        self.paint, self.reach = paint, reach

    def keys(self, strokes: np.ndarray) -> list[tuple[int, ...]]:
        radius = np.maximum(strokes[:, 4] / 4, 1e-9)
        length = np.linalg.norm(strokes[:, 2:4] - strokes[:, 0:2], axis=1)
        longer = np.rint(_PER_DOUBLING * np.log2(length / radius + 2)).clip(_PER_DOUBLING, 12 * _PER_DOUBLING)
        thicker = np.rint(np.log2(radius * self.writer.scale)).clip(_THINNEST, _THICKEST)
        return list(zip(longer.astype(int).tolist(), thicker.astype(int).tolist(), strict=True))

    def stamp(self, key: tuple[int, ...]) -> Stamp:
        radius = 2.0 ** key[1]
        length = (2.0 ** (key[0] / _PER_DOUBLING) - 2) * radius
        wide, high = length + 2 * self.reach * radius, 2 * self.reach * radius
        columns, rows = int(np.clip(wide, *_ALONG)), int(np.clip(high, *_ACROSS))
        stroke = np.array([0, 0, length, 0, 4 * radius, 0.5, 0.5, 0.5, 1.0])
        x = ((np.arange(columns) + 0.5) / columns) * wide - self.reach * radius
        y = ((np.arange(rows) + 0.5) / rows - 0.5) * high
        coverage, relief = self.paint(stroke, 1.0, np.tile(x, rows), np.repeat(y, columns))
        return Stamp(coverage.reshape(rows, columns), relief.reshape(rows, columns), _LEVELS)

    def axes(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        chord = strokes[:, 2:4] - strokes[:, 0:2]
        length = np.linalg.norm(chord, axis=1, keepdims=True)
        tangent = np.where(length > 0, chord / np.where(length > 0, length, 1.0), [1.0, 0.0])
        radius = self.reach * strokes[:, 4:5] / 4
        corner = strokes[:, 0:2] - radius * (tangent + normal(tangent))
        across = np.ones(len(strokes), dtype=bool)
        return corner, tangent * (length + 2 * radius), normal(tangent) * 2 * radius, across
