"""Flat and mop: curved strokes of a bristle brush, opaque, whose colour runs across them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from neuralpaint.brushes.base import TWO_COLORS, register
from neuralpaint.brushes.curve import CURVE, CurveBrush
from neuralpaint.brushes.outlines import curve_points, swept_bars
from neuralpaint.brushes.turning import Turning

if TYPE_CHECKING:
    import torch

    from neuralpaint.brushes.geometry import Geometry
    from neuralpaint.brushes.starts import Between, Spots
    from neuralpaint.brushes.svg import Shapes, Writer

RIBBON = (*CURVE[:6], "radius")


class RibbonBrush(CurveBrush):
    """The picture of a stroke of paint, laid along a quadratic Bézier with radius / 4 of it to either side.

    Along a straight line it is what oil paints in a box of that length and width, its streaks along the line.
    """

    placement = RIBBON
    length_names = ("radius",)
    uneven = True
    split = 0.1
    operations = (290, 840)
    examples_between = {
        "x0": (0.1, 0.25),
        "y0": (0.2, 0.8),
        "x1": (0.0, 1.0),
        "y1": (0.0, 1.0),
        "x2": (0.75, 0.9),
        "y2": (0.2, 0.8),
        "radius": (0.3, 0.6),
        "a": (0.85, 1.0),
    }

    @property
    def geometry(self) -> Geometry:
        from neuralpaint.brushes.geometry import BarPath

        return BarPath()

    def _overhang(self, strokes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        none = strokes.new_zeros(len(strokes), 1)
        return none, none

    def _reach(self, lengths: torch.Tensor) -> torch.Tensor:
        return lengths[..., 0] / 4

    def _line(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = curve_points(strokes)
        return points, np.repeat(strokes[:, 6:7] / 2, points.shape[1], axis=1)

    def _outline(self, strokes: np.ndarray) -> np.ndarray:
        return swept_bars(curve_points(strokes), strokes[:, 6] / 4)

    @property
    def turning(self) -> Turning:
        return Turning(0, 4, 6, 1, 0.5)

    def _lay(self, strokes: torch.Tensor, at: Spots, between: Between) -> None:
        import torch

        half = 0.45 * at.block * between(0.7, 1.3)
        # To either side, or all strokes would begin on the left, and dry up on the right.
        half = torch.where(between(0, 1) < 0.5, half, -half)
        dx, dy = torch.cos(at.angle) * half, -torch.sin(at.angle) * half
        strokes[:, 0], strokes[:, 1], strokes[:, 4], strokes[:, 5] = at.x - dx, at.y - dy, at.x + dx, at.y + dy
        strokes[:, 2], strokes[:, 3] = between(0.4, 0.6), between(0.4, 0.6)
        strokes[:, 6] = 0.5 * at.block * between(0.7, 1.3)

    def _start(self, strokes: torch.Tensor, between: Between) -> None:
        # A stroke of no length would have no direction to turn.
        strokes[:, 4:5] += between(-0.05, 0.05)
        strokes[:, 5:6] += between(-0.05, 0.05)
        strokes[:, 2:4] = 0.5

    def svg(self, writer: Writer) -> Shapes:
        from neuralpaint.brushes.svg.ribbon import Ribbons

        texels = self.texels()
        assert texels is not None
        return Ribbons(writer, texels, self.split)


class FlatBrush(RibbonBrush):
    """Square ends, long streaks: a flat brush with long bristles."""

    touch = "long flat"
    digest: ClassVar[str] = "flat 1"


class MopBrush(RibbonBrush):
    """Rounded ends, soft streaks: a brush of soft hair."""

    touch = "mop"
    digest: ClassVar[str] = "mop 1"


_PARAMETERS = (*RIBBON, *TWO_COLORS, "a")
_HELD = ((len(_PARAMETERS) - 1, 1.0),)

FLAT = register(
    FlatBrush("flat", 5, _PARAMETERS, _HELD, "curved stroke of a flat bristle brush, opaque, colour running across it")
)
MOP = register(MopBrush("mop", 5, _PARAMETERS, _HELD, "as flat, with rounded ends and softer streaks"))
