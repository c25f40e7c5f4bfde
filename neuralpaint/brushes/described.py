"""Brushes as files describe them: by kind, parameters and what is held."""

from __future__ import annotations

from typing import Any

from neuralpaint.brushes.base import BRUSHES, ONE_COLOR, TWO_COLORS, Brush
from neuralpaint.brushes.registry import brush_of
from neuralpaint.utils import schema

_MOST = 256  # parameters
_HELD = schema.listed(schema.number(0, _MOST), 2, 2)
_CHECK = schema.fields(
    {
        "kind": schema.whole(0, 1000),
        "parameters": schema.listed(schema.text(200), 1, _MOST),
        "held": schema.listed(_HELD, 0, _MOST),
    }
)


def described_brush(name: str, description: Any) -> Brush:
    """The brush of a description from JSON: an object with `kind`, `parameters` and `held`.

    Raises:
        ValueError: a field is missing or has the wrong type, or there can be no such brush.
    """
    _CHECK(description, "the brush")
    names = tuple(description["parameters"])
    held = []
    for index, value in description["held"]:
        if not isinstance(index, int) or not index < len(names) or not value <= 1:
            raise ValueError(f"the brush cannot hold parameter {index} at {value}")
        held.append((index, float(value)))
    brush = brush_of(name, description["kind"], names, tuple(held))
    own = next((known.parameters for known in BRUSHES.values() if known.kind == brush.kind), names)
    if names != own:
        raise ValueError(f"parameters of brush {name!r} must be {' '.join(own)}")
    first = brush.placement
    if names[: len(first)] != first or len(set(names)) < len(names):
        raise ValueError(f"parameters of brush {name!r} must be distinct and begin with {' '.join(first)}")
    colors = next((c for c in (TWO_COLORS, ONE_COLOR) if names[-len(c) - 1 :] == (*c, "a")), None)
    if colors is None or len(names) == len(colors) + 1:
        raise ValueError(f"parameters of brush {name!r} must end with r g b a or r0 g0 b0 r2 g2 b2 a, after a shape")
    return brush
