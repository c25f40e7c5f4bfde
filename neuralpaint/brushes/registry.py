"""The brushes by name."""

from __future__ import annotations

import dataclasses

# The list of the built-in brushes, a line a file, which registers what is in it.
import neuralpaint.brushes.marker
import neuralpaint.brushes.oil
import neuralpaint.brushes.ribbon
import neuralpaint.brushes.round
import neuralpaint.brushes.tape
import neuralpaint.brushes.watercolor  # noqa: F401
from neuralpaint.brushes.base import ALIASES, BRUSHES, Brush
from neuralpaint.brushes.engine import engine_brush
from neuralpaint.utils.validation import unknown_name


def brushes() -> dict[str, Brush]:
    """All built-in brushes by name."""
    return dict(sorted(BRUSHES.items(), key=lambda item: item[1].kind))


def brush_kinds() -> dict[str, Brush]:
    """One built-in brush of each kind: the kernels draw the others alike, with other textures or limits."""
    first: dict[int, Brush] = {}
    for brush in BRUSHES.values():
        first.setdefault(brush.kind, brush)
    return {brush.name: brush for _, brush in sorted(first.items())}


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
    name = ALIASES.get(brush.lower(), brush.lower())
    if name not in BRUSHES:
        raise ValueError(unknown_name("brush", brush, [*brushes(), *ALIASES], listed=[*brushes()]))
    return BRUSHES[name]


def brush_of(name: str, kind: int, parameters: tuple[str, ...], held: tuple[tuple[int, float], ...]) -> Brush:
    """The brush that a file describes by these numbers and names.

    Raises:
        ValueError: if there is no such kind of brush.
    """
    known = sorted(BRUSHES.values(), key=lambda brush: brush.name != name)  # several share a kind: that name's first
    for brush in known:
        if brush.kind == kind:
            return dataclasses.replace(brush, name=name, parameters=parameters, held=held, description="")
    return engine_brush(name, kind, parameters, held)
