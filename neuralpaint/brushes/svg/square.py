"""Marker strokes as filled outlines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neuralpaint.brushes.svg.curve import Curves, normal
from neuralpaint.brushes.svg.shapes import Shapes, batches
from neuralpaint.brushes.svg.sweep import swept_polygons
from neuralpaint.brushes.svg.text import color, opacity

_STRAIGHT = 2e-3  # radians: less bent than this is straight
_STEPS = 12


class SquareSweeps(Shapes):
    """Strokes x0 y0 x1 y1 x2 y2 ρ0 ρ2 r g b a: a square of half-side ρ0/4 that turns with the curve."""

    def elements(self, strokes: np.ndarray, first: int = 0) -> Iterator[str]:
        for _, batch in batches(strokes, first):
            for stroke, points in zip(batch, self._outlines(batch), strict=True):
                fill = f'fill="{color(stroke[8:11])}"{opacity(stroke[11])}'
                yield f'<path {fill} d="{self.writer.polygon(points)}"/>'

    def _outlines(self, strokes: np.ndarray) -> list[np.ndarray]:
        found: list[np.ndarray] = [np.empty((0, 2))] * len(strokes)
        straight = Curves(strokes, self.writer.scale).turn() < _STRAIGHT
        for chosen, steps in ((straight, 0), (~straight, _STEPS)):
            where = np.flatnonzero(chosen)
            if not len(where):
                continue
            part = strokes[where]
            curves = Curves(part, self.writer.scale)
            t = curves.knots(steps) if steps else np.broadcast_to([0.0, 1.0], (len(part), 2))
            outlines = swept_polygons(self._squares(curves, part, t), curves.direction(), self.writer.tolerance)
            for index, outline in zip(where.tolist(), outlines, strict=True):
                found[index] = outline
        return found

    def _squares(self, curves: Curves, strokes: np.ndarray, t: np.ndarray) -> np.ndarray:
        """`[N, M, 4, 2]`: corners of the tip at parameters t `[N, M]`."""
        radius = strokes[:, 6, None, None] * (self.writer.scale / 4)
        along = curves.tangent(t) * radius
        across = normal(curves.tangent(t)) * radius
        corners = np.stack([-along - across, along - across, along + across, -along + across], 2)
        return curves.point(t)[:, :, None] + corners
