"""The brushes by name."""

from __future__ import annotations

from neuralpaint.brushes.base import _CURVE, _ONE_COLOR, _RECTANGLE, _TWO_COLORS, MARKER, OIL, TAPE, WATERCOLOR, Brush
from neuralpaint.brushes.textured import _OIL_PARAMETERS
from neuralpaint.utils.validation import unknown_name

_BRUSHES = {
    brush.name: brush
    for brush in (
        Brush(
            "oil",
            OIL,
            _OIL_PARAMETERS,
            held=((11, 1.0),),
            description="bristle-textured rectangle, opaque, colour running across it",
        ),
        Brush(
            "watercolor",
            WATERCOLOR,
            (*_CURVE, *_TWO_COLORS, "a"),
            description="soft curve of changing width, translucent, colour running along it",
        ),
        Brush("marker", MARKER, (*_CURVE, *_ONE_COLOR, "a"), description="curve of a square felt tip, translucent"),
        Brush("tape", TAPE, (*_RECTANGLE, *_ONE_COLOR, "a"), description="flat rectangle, translucent"),
        Brush(
            "pixel",
            TAPE,
            (*_RECTANGLE, *_ONE_COLOR, "a"),
            held=((4, 0.0), (8, 1.0)),
            description="upright opaque rectangle: 8-bit art",
        ),
    )
}
_ALIASES = {"markerpen": "marker", "oilpaintbrush": "oil", "rectangle": "tape", "8bit": "pixel", "8-bit": "pixel"}


def brushes() -> dict[str, Brush]:
    """All built-in brushes by name."""
    return dict(_BRUSHES)


def get_brush(brush: str | Brush) -> Brush:
    """The brush of that name (or alias: markerpen, oilpaintbrush, rectangle, 8bit); a `Brush` is returned as it is.

    Raises:
        ValueError: if there is none of that name; the message holds the nearest names.
        TypeError: if it is neither a name nor a Brush.
    """
    if isinstance(brush, Brush):
        return brush
    if not isinstance(brush, str):
        raise TypeError(f"brush must be a name or a Brush, got {type(brush).__name__}")
    name = _ALIASES.get(brush.lower(), brush.lower())
    if name not in _BRUSHES:
        raise ValueError(unknown_name("brush", brush, [*_BRUSHES, *_ALIASES], listed=[*_BRUSHES]))
    return _BRUSHES[name]
