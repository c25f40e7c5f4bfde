"""Brushes that only an engine of the user's can draw (neuralpaint.engines), by how their strokes lie."""

from __future__ import annotations

from neuralpaint.brushes.base import Brush
from neuralpaint.brushes.box import BoxBrush
from neuralpaint.brushes.curve import CurveBrush


class EngineBoxBrush(BoxBrush):
    """Its first parameters are xc yc w h theta."""

    engine = True
    uneven = True


class EngineCurveBrush(CurveBrush):
    """Its first parameters are x0 y0 x1 y1 x2 y2 radius0 radius2."""

    engine = True
    uneven = True


class EngineBrush(Brush):
    """Its parameters are the engine's own: nobody knows how a stroke moves."""

    engine = True


_KINDS: dict[int, type[Brush]] = {16: EngineBoxBrush, 17: EngineCurveBrush, 18: EngineBrush}
_GEOMETRIES = {"box": 16, "bezier": 17, "unknown": 18}


def engine_brush(
    name: str, kind: int | str, parameters: tuple[str, ...], held: tuple[tuple[int, float], ...] = ()
) -> Brush:
    """The brush of an engine's strokes.

    Args:
        kind: its number, as files keep it, or "box", "bezier" or "unknown".

    Raises:
        ValueError: if there is no such kind.
    """
    number = _GEOMETRIES.get(kind) if isinstance(kind, str) else kind
    if number not in _KINDS:
        raise ValueError(f"an engine's brush is of no kind {kind!r}")
    return _KINDS[number](name, number, parameters, held)
