"""SVG files as `VectorImage`. Nothing is fetched, and entities are refused."""

from __future__ import annotations

import io
import math
import os
from typing import Any

import torch

from neuralpaint.images.io import parse_color
from neuralpaint.ops.path_layout import CAPS, FILL_RULES, JOINS, PathLayout
from neuralpaint.ops.render_paths import MOST_MITER_LIMIT
from neuralpaint.utils.loading import BadFile, check_length, reading
from neuralpaint.vector.image import MAX_SIDE, VectorImage
from neuralpaint.vector.svg_features import MAX_ELEMENTS, count_elements, unsupported_features

MAX_BYTES = 64 * 2**20
_MITER_LIMIT = 4.0  # SVG's default
_NEEDS = "SVG files need svgelements and defusedxml: pip install 'neuralpaint[svg]'"


class UnsupportedSVG(BadFile):
    """The file uses features that are not drawn. The message names them."""


def read_svg(
    path: str | os.PathLike, *, skip_unsupported: bool = False, background: str | tuple[float, float, float] = "white"
) -> VectorImage:
    """Reads an SVG file: its shapes and paths with solid fills and strokes.

    Shapes, `<use>`, `<style>`, transforms, units and the viewBox are followed; circles and arcs become cubic curves.
    Gradients, patterns, text, pictures, clipping, masks, filters, dashes, markers, animation, the opacity of
    groups and more than one miter limit are not drawn.

    Args:
        path: the file, of at most 64 MiB.
        skip_unsupported: leave out what is not drawn (what is filled with a gradient is not filled) instead of
            refusing the file.
        background: colour under the paths, as accepted by `parse_color`.

    Raises:
        BadFile: the file is missing, damaged, too large, or refers to entities.
        UnsupportedSVG: it uses features that are not drawn, and `skip_unsupported` is False.
        ImportError: the extra `svg` is not installed.
    """
    try:
        import svgelements
        from defusedxml import ElementTree
    except ImportError as error:
        raise ImportError(f"{_NEEDS} ({error})") from error
    color = parse_color(background)
    with reading(path, "is not an SVG file that can be read"):
        with open(path, "rb") as file:
            check_length(os.fstat(file.fileno()).st_size, MAX_BYTES)
            data = file.read(MAX_BYTES + 1)
        check_length(len(data), MAX_BYTES)
        root = ElementTree.fromstring(data, forbid_entities=True, forbid_external=True)
        if root.tag.rpartition("}")[2] != "svg":
            raise ValueError(f"its root is <{root.tag.rpartition('}')[2]}>")
        if count_elements(root) > MAX_ELEMENTS:
            raise ValueError(f"it has more than {MAX_ELEMENTS} elements")
        features = unsupported_features(root)
        if features and not skip_unsupported:
            raise UnsupportedSVG(
                f"{path} has features that are not drawn: {', '.join(features)}. Leave them out with skip_unsupported"
            )
        parsed = svgelements.SVG.parse(io.BytesIO(data), reify=True, ppi=96.0)
        width, height = _side(parsed.width, "width"), _side(parsed.height, "height")
        collector = _Collector()
        for element in parsed.elements(conditional=lambda e: isinstance(e, svgelements.Shape)):
            collector.add(element, svgelements)
        if len(collector.miter_limits) > 1 and not skip_unsupported:
            raise UnsupportedSVG(
                f"{path} has strokes of several miter limits. skip_unsupported draws all with the largest"
            )
        return collector.image(width, height, color)


def _side(value: Any, name: str) -> float:
    side = float(value)
    if not 0 < side <= MAX_SIDE:
        raise ValueError(f"its {name} is {side:g}, but must be above 0 and at most {MAX_SIDE}")
    return side


class _Collector:
    """Gathers the paths of a file."""

    def __init__(self) -> None:
        self.points: list[list[tuple[float, float]]] = []  # segments
        self.lengths: list[int] = []  # of contours
        self.closed: list[bool] = []
        self.contours: list[int] = []  # of paths
        self.fill: list[list[float]] = []
        self.stroke: list[list[float]] = []
        self.width: list[float] = []
        self.styles: list[tuple[str, str, str]] = []
        self.miter_limits: set[float] = set()  # of strokes with such joins

    def add(self, shape: Any, svgelements: Any) -> None:
        values = shape.values
        if values.get("visibility") in ("hidden", "collapse") or values.get("display") == "none":
            return
        opacity = _share(values.get("opacity", 1))
        fill, stroke = _rgba(shape.fill, opacity), _rgba(shape.stroke, opacity)
        width = 0.0 if stroke[3] == 0 or shape.stroke_width is None else float(shape.stroke_width)
        if not math.isfinite(width):
            raise ValueError("a stroke's width is not finite")
        path = svgelements.Path(shape)
        path.approximate_arcs_with_cubics()
        count = 0
        for part in path.as_subpaths():
            segments = [_cubic(segment, svgelements) for segment in part]
            kept = [segment for segment in segments if segment is not None]
            if len(kept) > 1 and isinstance(part[-1], svgelements.Close) and kept[-1][0] == kept[-1][3]:
                kept.pop()  # it ended where it began
            if not kept:
                continue
            if not all(math.isfinite(number) for segment in kept for point in segment for number in point):
                raise ValueError("a coordinate is not finite")
            self.points += kept
            self.lengths.append(len(kept))
            self.closed.append(any(isinstance(segment, svgelements.Close) for segment in part))
            count += 1
        if count == 0:
            return
        self.contours.append(count)
        self.fill.append(fill)
        self.stroke.append(stroke)
        self.width.append(max(width, 0.0))
        join = _one_of(values.get("stroke-linejoin"), JOINS)
        if width > 0 and join == "miter":
            self.miter_limits.add(_miter_limit(values.get("stroke-miterlimit", _MITER_LIMIT)))
        rule, cap = _one_of(values.get("fill-rule"), FILL_RULES), _one_of(values.get("stroke-linecap"), CAPS)
        self.styles.append((rule, cap, join))

    def image(self, width: float, height: float, background: tuple[float, float, float]) -> VectorImage:
        rules, caps, joins = zip(*self.styles, strict=True) if self.styles else ((), (), ())
        layout = PathLayout.of(
            self.lengths, contours=self.contours, closed=self.closed, fill_rule=rules, cap=caps, join=joins
        )
        stroked = any(size > 0 for size in self.width)
        return VectorImage(
            width,
            height,
            background,
            torch.tensor(self.points, dtype=torch.float32).reshape(-1, 4, 2),
            layout,
            torch.tensor(self.fill, dtype=torch.float32).reshape(-1, 4),
            torch.tensor(self.stroke, dtype=torch.float32) if stroked else None,
            torch.tensor(self.width, dtype=torch.float32) if stroked else None,
            max(self.miter_limits, default=_MITER_LIMIT),
        )


def _cubic(segment: Any, svgelements: Any) -> list[tuple[float, float]] | None:
    """The control points of a segment; None for one that only moves."""
    if isinstance(segment, svgelements.Move) or segment.start is None or segment.end is None:
        return None
    start, end = segment.start, segment.end
    if isinstance(segment, svgelements.CubicBezier):
        points = [start, segment.control1, segment.control2, end]
    elif isinstance(segment, svgelements.QuadraticBezier):
        control = segment.control
        points = [start, start + (control - start) * (2 / 3), end + (control - end) * (2 / 3), end]
    else:
        points = [start, start + (end - start) * (1 / 3), start + (end - start) * (2 / 3), end]
    return [(float(point.x), float(point.y)) for point in points]


def _rgba(color: Any, opacity: float) -> list[float]:
    if color is None or color.value is None:
        return [0.0, 0.0, 0.0, 0.0]
    return [color.red / 255, color.green / 255, color.blue / 255, opacity * color.alpha / 255]


def _share(value: Any) -> float:
    text = str(value).strip()
    number = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    return min(max(number, 0.0), 1.0)


def _miter_limit(value: Any) -> float:
    limit = float(value)
    if not limit >= 1:
        raise ValueError(f"a miter limit is {limit:g}, but must be at least 1")
    return min(limit, MOST_MITER_LIMIT)


def _one_of(value: Any, names: tuple[str, ...]) -> str:
    return value if value in names else names[0]
