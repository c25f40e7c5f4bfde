"""Strokes for painting robots: paths in millimetres, in an order that needs few changes of paint.

`robot.schema.json` beside this file is the JSON Schema of the format.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from neuralpaint.images.palette import hex_of
from neuralpaint.painting.exporters.inks import palette_of, stroke_colors
from neuralpaint.painting.exporters.robot_order import overlaps, painting_order
from neuralpaint.painting.exporters.settings import RobotSettings
from neuralpaint.utils.files import atomic_write

if TYPE_CHECKING:
    from neuralpaint.images.palette import Palette
    from neuralpaint.painting.painting import Painting

FORMAT = "neuralpaint.robot"
VERSION = 1
MAX_STROKES = 20_000


def write_robot(painting: Painting, path: str | os.PathLike, settings: RobotSettings | None = None) -> int:
    """Writes the strokes of a painting as JSON for a robot. The output is deterministic.

    Every stroke is a path with the stroke's width along it and one colour of the palette, the nearest in OKLab: that of
    the painting, or of a painting without one the 6 colours that its strokes come nearest to. Strokes are grouped by
    colour as far as that changes nothing: two that may overlap stay in their order.

    Args:
        painting: of any brush whose geometry is known.
        path: .json.
        settings: by default a canvas of 200 mm along the shorter side.

    Returns:
        The number of layers: how often the robot takes up a paint.

    Raises:
        ValueError: the brush has no geometry, or more than 20,000 strokes.
        WriteError: the file cannot be written; an existing file is left unchanged.
    """
    settings = settings or RobotSettings()
    if len(painting) > MAX_STROKES:
        raise ValueError(f"a robot's file has at most {MAX_STROKES:,} strokes, got {len(painting):,}")
    palette = palette_of(painting)
    strokes, layers = _strokes(painting, palette, settings.size_mm)
    height, width = (_rounded(side * settings.size_mm) for side in painting.aspect)
    head: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "canvas": {"width": width, "height": height},
        "background": hex_of(painting.background),
        "brush": painting.brush.name,
        "palette": palette.to_json(),
    }
    with atomic_write(path) as file:
        for text in _lines(head, strokes):
            file.write(text.encode("utf-8"))
    return layers


def _lines(head: dict[str, Any], strokes: list[dict[str, Any]]) -> Iterator[str]:
    """JSON, with a line for each stroke."""
    yield json.dumps(head, indent=1)[:-2] + ',\n "strokes": ['
    for number, stroke in enumerate(strokes):
        yield f"{',' if number else ''}\n  {json.dumps(stroke)}"
    yield "\n ]\n}\n"


def _strokes(painting: Painting, palette: Palette, unit: float) -> tuple[list[dict[str, Any]], int]:
    """The strokes by their order, and the number of layers."""
    if len(painting) == 0:
        return [], 0
    brush, strokes = painting.brush, painting.strokes
    points, widths = (part * unit for part in brush.centre_line(strokes))
    colors = palette.nearest(stroke_colors(painting))
    opacity = strokes[:, brush.opacity].tolist()
    order, layers = painting_order(colors, overlaps(brush.outline(strokes)))
    paths = np.concatenate([points, widths[..., None]], -1).round(3).tolist()
    listed = [
        {
            "index": index,
            "layer": layer,
            "color": int(colors[index]),
            "opacity": _rounded(min(1.0, max(0.0, opacity[index]))),
            "width": _rounded(float(widths[index].max())),
            "path": paths[index],
        }
        for index, layer in zip(order.tolist(), layers.tolist(), strict=True)
    ]
    return listed, int(layers[-1]) + 1


def _rounded(value: float) -> float:
    """To a micrometre."""
    return round(value, 3)
