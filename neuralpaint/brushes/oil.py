"""Oil: a textured rectangle, opaque, whose colour runs across it; and its relatives, which have other textures."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from neuralpaint.brushes.base import TWO_COLORS, register
from neuralpaint.brushes.box import RECTANGLE, BoxBrush

if TYPE_CHECKING:
    from neuralpaint.brushes.svg import Shapes, Writer

OIL_PARAMETERS = (*RECTANGLE, *TWO_COLORS, "a")
OIL_HELD = ((len(OIL_PARAMETERS) - 1, 1.0),)


class OilBrush(BoxBrush):
    """A picture of a dab of paint that is moved, turned and stretched; large strokes have another than small ones."""

    share = 0.5
    touch = "flat"
    uneven = True
    split = 0.1
    operations = (120, 520)

    def svg(self, writer: Writer) -> Shapes:
        from neuralpaint.brushes.svg.bristle import BristleDabs

        texels = self.texels()
        assert texels is not None
        return BristleDabs(writer, texels, self.share, self.split)


class FilbertBrush(OilBrush):
    """Oval, as the rounded tip of a filbert leaves it."""

    touch = "filbert"
    digest: ClassVar[str] = "filbert 1"


class DabBrush(OilBrush):
    """A blob, as the tip of a round brush leaves it."""

    touch = "dab"
    digest: ClassVar[str] = "dab 1"


class DryBrush(OilBrush):
    """Streaks with gaps: stiff bristles that hold little paint."""

    touch = "dry"
    digest: ClassVar[str] = "dry 1"


class KnifeBrush(OilBrush):
    """A smooth slab with a bead along its sides."""

    touch = "knife"
    digest: ClassVar[str] = "knife 1"


class CharcoalBrush(OilBrush):
    """Grains: a stick that only the tooth of rough paper takes."""

    touch = "charcoal"
    digest: ClassVar[str] = "charcoal 1"


class PastelBrush(OilBrush):
    """A soft stick that fills the paper but for a few hollows."""

    touch = "pastel"
    digest: ClassVar[str] = "pastel 1"


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
for _brush in (
    FilbertBrush("filbert", 0, OIL_PARAMETERS, OIL_HELD, "as oil, with a rounded tip"),
    DabBrush("dab", 0, OIL_PARAMETERS, OIL_HELD, "the tip of a round brush, pressed down: a blob of paint"),
    DryBrush("dry", 0, OIL_PARAMETERS, OIL_HELD, "as oil, with little paint: streaks with gaps"),
    KnifeBrush(
        "knife", 0, OIL_PARAMETERS, OIL_HELD, "palette knife: a smooth slab of paint with a bead along its sides"
    ),
    CharcoalBrush("charcoal", 0, OIL_PARAMETERS, OIL_HELD, "stick of charcoal drawn broadside over rough paper"),
    PastelBrush("pastel", 0, OIL_PARAMETERS, OIL_HELD, "stick of soft pastel"),
):
    register(_brush)
