"""Rectangles of one colour: exactly what tape is."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from neuralpaint.brushes.svg.shapes import Shapes, batches
from neuralpaint.brushes.svg.text import Writer, color, opacity


class Rectangles(Shapes):
    """Strokes xc yc w h θ r g b a as filled rectangles of half-sides share·w and share·h."""

    def __init__(self, writer: Writer, share: float) -> None:
        super().__init__(writer)
        self.share = share

    def elements(self, strokes: np.ndarray, first: int = 0) -> Iterator[str]:
        for _, batch in batches(strokes, first):
            corners = box_corners(batch, self.share) * self.writer.scale
            for stroke, points in zip(batch, corners, strict=True):
                fill = f'fill="{color(stroke[5:8])}"{opacity(stroke[8])}'
                yield f'<path {fill} d="{self.writer.polygon(points)}"/>'


def box_axes(strokes: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """`[N, 2]` each, units: from a box's centre to the middle of the side that u points to, and that v points to."""
    turn = math.pi * strokes[:, 4]
    cos, sin = np.cos(turn), np.sin(turn)
    u = np.stack([cos, -sin], -1) * strokes[:, 2:3] * share
    v = np.stack([sin, cos], -1) * strokes[:, 3:4] * share
    return u, v


def box_corners(strokes: np.ndarray, share: float) -> np.ndarray:
    """`[N, 4, 2]`, units, in order around the box."""
    u, v = box_axes(strokes, share)
    return strokes[:, None, 0:2] + np.stack([-u - v, u - v, u + v, -u + v], 1)
