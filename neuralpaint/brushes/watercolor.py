"""Watercolor: a soft curve of changing width, translucent, whose colour runs along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuralpaint.brushes.base import TWO_COLORS, register
from neuralpaint.brushes.curve import CURVE, CurveBrush

if TYPE_CHECKING:
    from neuralpaint.brushes.svg import Shapes, Writer


class WatercolorBrush(CurveBrush):
    """A curve swept by a disc."""

    # Five samples of the curve that may be the nearest, two to three steps of Newton's method.
    operations = (230, 690)

    def svg(self, writer: Writer) -> Shapes:
        from neuralpaint.brushes.svg.disc import DiscSweeps

        return DiscSweeps(writer)


WATERCOLOR = register(
    WatercolorBrush(
        "watercolor",
        1,
        (*CURVE, *TWO_COLORS, "a"),
        description="soft curve of changing width, translucent, colour running along it",
    )
)
