"""The shapes of a parsed SVG file, gathered into the tensors of a `VectorImage`."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from neuralpaint.ops.path_layout import CAPS, FILL_RULES, JOINS, MOST_MITER_LIMIT, PathLayout
from neuralpaint.vector.image import VectorImage
from neuralpaint.vector.svg_features import paint_reference
from neuralpaint.vector.svg_gradients import Affine, Box, Gradients, Shade, share

MAX_ALL_STOPS = 1_000_000  # of all shapes' gradients together
MAX_GROUPS = 10_000  # with an opacity: each costs two passes over the canvas

Segment = list[tuple[float, float]]


class Collector:
    """Gathers the paths of a file.

    Args:
        gradients: of the file.
        svgelements: the module.
    """

    def __init__(self, gradients: Gradients, svgelements: Any) -> None:
        self._gradients = gradients
        self._svg = svgelements
        self._points: list[Segment] = []
        self._lengths: list[int] = []  # of contours
        self._closed: list[bool] = []
        self._contours: list[int] = []  # of paths
        self._fill: list[list[float]] = []
        self._stroke: list[list[float]] = []
        self._width: list[float] = []
        self._styles: list[tuple[str, str, str, float, int, int]] = []
        self._shades: dict[Shade, int] = {}
        self._stops = 0
        self._groups: list[tuple[int, int]] = []
        self._opacity: list[float] = []  # of groups

    def add(self, element: Any) -> None:
        """Adds a shape, or what is in a group.

        Raises:
            ValueError: a number is not finite or out of range, or there are too many groups or stops.
        """
        own = element.values.get("attributes") or {}
        opacity = share(own.get("opacity"), 1.0)
        if opacity <= 0:
            return
        first = len(self._contours)
        if isinstance(element, self._svg.Shape):
            self._add_shape(element)
        elif isinstance(element, (self._svg.Group, self._svg.Use)):
            for child in element:
                if isinstance(child, (self._svg.Shape, self._svg.Group, self._svg.Use)):
                    self.add(child)
        if opacity < 1:
            self._fade(first, opacity)

    def _fade(self, first: int, opacity: float) -> None:
        """Gives the paths from `first` on an opacity together."""
        end = len(self._contours)
        if end == first:
            return
        if self._groups and self._groups[-1] == (first, end):
            self._opacity[-1] *= opacity
        elif end == first + 1 and 0 in (self._fill[first][3], self._stroke[first][3]):
            self._fill[first][3] *= opacity
            self._stroke[first][3] *= opacity
        else:
            self._groups.append((first, end))
            self._opacity.append(opacity)
        if len(self._groups) > MAX_GROUPS:
            raise ValueError(f"it has more than {MAX_GROUPS} groups with an opacity")

    def _add_shape(self, shape: Any) -> None:
        values = shape.values
        if values.get("visibility") in ("hidden", "collapse") or values.get("display") == "none":
            return
        contours = self._contours_of(shape)
        if not contours:
            return
        matrix = shape.transform
        transform: Affine = (matrix.a, matrix.b, matrix.c, matrix.d, float(matrix.e), float(matrix.f))
        segments = [segment for part, _ in contours for segment in part]
        box = _bounding_box(segments)
        fill, fill_shade = self._paint(values, "fill", transform, box)
        stroke, stroke_shade = self._paint(values, "stroke", transform, box)
        width = 0.0 if stroke[3] == 0 or shape.stroke_width is None else float(shape.implicit_stroke_width)
        if not math.isfinite(width):
            raise ValueError("a stroke's width is not finite")
        if width <= 0:
            stroke, stroke_shade = [0.0] * 4, -1
        moved = [[_moved(point, transform) for point in segment] for segment in segments]
        if not all(math.isfinite(number) for segment in moved for point in segment for number in point):
            raise ValueError("a coordinate is not finite")
        self._points += moved
        self._lengths += [len(part) for part, _ in contours]
        self._closed += [closed for _, closed in contours]
        self._contours.append(len(contours))
        self._fill.append(fill)
        self._stroke.append(stroke)
        self._width.append(max(width, 0.0))
        names = [_one_of(values.get(f"{key}"), choices) for key, choices in _STYLES.items()]
        limit = _miter_limit(values.get("stroke-miterlimit", 4.0))
        self._styles.append((names[0], names[1], names[2], limit, fill_shade, stroke_shade))

    def _contours_of(self, shape: Any) -> list[tuple[list[Segment], bool]]:
        """Contours before the shape's transform, and whether they are closed."""
        path = self._svg.Path(shape, transform=self._svg.Matrix())
        path.approximate_arcs_with_cubics()
        found = []
        for part in path.as_subpaths():
            segments = [_cubic(segment, self._svg) for segment in part]
            kept = [segment for segment in segments if segment is not None]
            if len(kept) > 1 and isinstance(part[-1], self._svg.Close) and kept[-1][0] == kept[-1][3]:
                kept.pop()  # it ended where it began
            if kept:
                found.append((kept, any(isinstance(segment, self._svg.Close) for segment in part)))
        return found

    def _paint(self, values: dict[str, Any], key: str, transform: Affine, box: Box) -> tuple[list[float], int]:
        """RGB and opacity, and the number of a gradient or -1."""
        text = str(values.get(key, "none"))
        opacity = share(values.get(f"{key}-opacity"), 1.0)
        aim = paint_reference(text)
        if aim is None:
            return self._solid(text, values, opacity), -1
        try:
            paint = self._gradients.paint(aim[0][1:], transform, box)
        except KeyError:
            return self._solid(aim[1] or "none", values, opacity), -1
        if paint is None:
            return [0.0] * 4, -1
        if not isinstance(paint, Shade):
            return [*paint[:3], opacity * paint[3]], -1
        if paint not in self._shades:
            self._stops += len(paint.stops)
            if self._stops > MAX_ALL_STOPS:
                raise ValueError(f"its shapes' gradients have more than {MAX_ALL_STOPS} stops together")
            self._shades[paint] = len(self._shades)
        return [0.0, 0.0, 0.0, opacity], self._shades[paint]

    def _solid(self, text: str, values: dict[str, Any], opacity: float) -> list[float]:
        if text.strip().lower() == "currentcolor":
            text = str(values.get("color", "black"))
        color = self._svg.Color(text)
        if color.value is None:
            return [0.0] * 4
        return [color.red / 255, color.green / 255, color.blue / 255, opacity * color.alpha / 255]

    def image(self, width: float, height: float, background: tuple[float, float, float]) -> VectorImage:
        """What was gathered."""
        columns = zip(*self._styles, strict=True) if self._styles else [()] * 6
        rules, caps, joins, limits, fills, strokes = columns
        layout = PathLayout.of(
            self._lengths, contours=self._contours, closed=self._closed, fill_rule=rules, cap=caps, join=joins,
            miter_limit=limits, gradients=[(shade.kind, shade.spread, len(shade.stops)) for shade in self._shades],
            fill_gradient=fills, stroke_gradient=strokes, groups=self._groups,
        )  # fmt: skip
        stroked = any(size > 0 for size in self._width)
        stops = [stop for shade in self._shades for stop in shade.stops]
        return VectorImage(
            width,
            height,
            background,
            _tensor(self._points).reshape(-1, 4, 2),
            layout,
            _tensor(self._fill).reshape(-1, 4),
            _tensor(self._stroke) if stroked else None,
            _tensor(self._width) if stroked else None,
            _tensor(stops) if stops else None,
            _tensor([shade.map for shade in self._shades]) if stops else None,
            _tensor(self._opacity) if self._groups else None,
        )


_STYLES = {"fill-rule": FILL_RULES, "stroke-linecap": CAPS, "stroke-linejoin": JOINS}


def _tensor(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)


def _moved(point: tuple[float, float], affine: Affine) -> tuple[float, float]:
    a, b, c, d, e, f = affine
    return a * point[0] + c * point[1] + e, b * point[0] + d * point[1] + f


def _cubic(segment: Any, svgelements: Any) -> Segment | None:
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


def _bounding_box(segments: list[Segment]) -> Box:
    """Of the curves, not of their control points."""
    ends = [
        _extent([value for segment in segments for value in _extremes([point[axis] for point in segment])])
        for axis in (0, 1)
    ]
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def _extent(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)


def _extremes(p: list[float]) -> list[float]:
    """Values among which the least and the largest of a cubic are."""
    found = [p[0], p[3]]
    if min(p[0], p[3]) <= min(p[1], p[2]) and max(p[1], p[2]) <= max(p[0], p[3]):
        return found
    a, b, c = p[3] - 3 * p[2] + 3 * p[1] - p[0], 2 * (p[2] - 2 * p[1] + p[0]), p[1] - p[0]
    square = b * b - 4 * a * c
    root = math.sqrt(square) if square > 0 else 0.0
    q = -0.5 * (b + math.copysign(root, b))
    for t in (q / a if a else 0.0, c / q if q else 0.0):  # of the derivative a t² + b t + c
        if 0 < t < 1:
            u = 1 - t
            found.append(u**3 * p[0] + 3 * u * u * t * p[1] + 3 * u * t * t * p[2] + t**3 * p[3])
    return found


def _miter_limit(value: Any) -> float:
    limit = float(value)
    if not limit >= 1:
        raise ValueError(f"a miter limit is {limit:g}, but must be at least 1")
    return min(limit, MOST_MITER_LIMIT)


def _one_of(value: Any, names: tuple[str, ...]) -> str:
    return value if value in names else names[0]
