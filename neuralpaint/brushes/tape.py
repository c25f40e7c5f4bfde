"""Tape: a flat rectangle, translucent; and pixel, the same upright and opaque."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuralpaint.brushes.base import ONE_COLOR, register
from neuralpaint.brushes.box import RECTANGLE, BoxBrush

if TYPE_CHECKING:
    from neuralpaint.brushes.svg import Shapes, Writer


class TapeBrush(BoxBrush):
    """A flat rectangle, its half-sides a quarter of w and h."""

    share = 0.25
    operations = (34, 60)  # a pixel well inside
    examples_between = BoxBrush.examples_between | {"w": (0.9, 1.6), "h": (0.4, 0.9)}

    def svg(self, writer: Writer) -> Shapes:
        from neuralpaint.brushes.svg.box import Rectangles

        return Rectangles(writer, self.share)


TAPE = register(
    TapeBrush("tape", 3, (*RECTANGLE, *ONE_COLOR, "a"), description="flat rectangle, translucent"), "rectangle"
)
PIXEL = register(
    TapeBrush(
        "pixel",
        3,
        (*RECTANGLE, *ONE_COLOR, "a"),
        held=((4, 0.0), (8, 1.0)),
        description="upright opaque rectangle: 8-bit art",
    ),
    "8bit",
    "8-bit",
)
