"""Oil: a bristle-textured rectangle, opaque, whose colour runs across it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuralpaint.brushes.base import TWO_COLORS, register
from neuralpaint.brushes.box import RECTANGLE, BoxBrush

if TYPE_CHECKING:
    from neuralpaint.brushes.svg import Shapes, Writer

OIL_PARAMETERS = (*RECTANGLE, *TWO_COLORS, "a")
OIL_HELD = ((len(OIL_PARAMETERS) - 1, 1.0),)


class OilBrush(BoxBrush):
    """A picture of a dab of paint that is moved, turned and stretched; large strokes have another than small ones."""

    share = 0.5
    bristles = True
    uneven = True
    split = 0.1
    operations = (120, 520)

    def svg(self, writer: Writer) -> Shapes:
        from neuralpaint.brushes.svg.bristle import BristleDabs

        texels = self.texels()
        assert texels is not None
        return BristleDabs(writer, texels, self.share, self.split)


OIL = register(
    OilBrush(
        "oil",
        0,
        OIL_PARAMETERS,
        held=OIL_HELD,
        description="bristle-textured rectangle, opaque, colour running across it",
    ),
    "oilpaintbrush",
)
