"""Marker: a curve of a square felt tip that turns with it, translucent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from neuralpaint.brushes.base import ONE_COLOR, register
from neuralpaint.brushes.curve import CURVE, CurveBrush
from neuralpaint.brushes.outlines import curve_points, swept_squares

if TYPE_CHECKING:
    import torch

    from neuralpaint.brushes.geometry import Geometry
    from neuralpaint.brushes.svg import Shapes, Writer


class MarkerBrush(CurveBrush):
    """A curve swept by a square of half-side radius0 / 4; radius2 is not used."""

    view = 0.8  # its pixels cost more than any other's: fewer of them keep a preset's time
    operations = (95, 120)  # a pixel well inside

    @property
    def geometry(self) -> Geometry:
        from neuralpaint.brushes.geometry import SquarePath

        return SquarePath()

    def _line(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = curve_points(strokes)
        return points, np.repeat(strokes[:, 6:7] / 2, points.shape[1], axis=1)

    def _outline(self, strokes: np.ndarray) -> np.ndarray:
        return swept_squares(curve_points(strokes), strokes[:, 6] / 4)

    def _overhang(self, strokes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return strokes[:, 6:7] / 4, strokes[:, 6:7] / 4

    def _reach(self, lengths: torch.Tensor) -> torch.Tensor:
        return lengths[..., 0] / 4 * math.sqrt(2.0)

    def svg(self, writer: Writer) -> Shapes:
        from neuralpaint.brushes.svg.square import SquareSweeps

        return SquareSweeps(writer)


MARKER = register(
    MarkerBrush("marker", 2, (*CURVE, *ONE_COLOR, "a"), description="curve of a square felt tip, translucent"),
    "markerpen",
)
