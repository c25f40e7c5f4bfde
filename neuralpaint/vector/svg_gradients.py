"""Gradients of an SVG file: what they inherit from each other, and their maps to the picture for each shape."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from neuralpaint.ops.path_layout import SPREADS
from neuralpaint.vector.svg_features import local_name, properties, reference, style_rules

MAX_STOPS = 1000  # of a gradient: every pixel looks through them
MAX_FOCUS = 0.999  # of the radius: a focus outside of the circle is moved into it, as in SVG 1.1

Affine = tuple[float, float, float, float, float, float]  # x' = a x + c y + e, y' = b x + d y + f
Box = tuple[float, float, float, float]  # left, top, right, bottom

KINDS = {"linearGradient": "linear", "radialGradient": "radial"}
_SHARED = ("gradientUnits", "gradientTransform", "spreadMethod")
_OWN = {"linear": ("x1", "y1", "x2", "y2"), "radial": ("cx", "cy", "r", "fx", "fy", "fr")}
_UNITS = {
    "": 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "in": 96.0,
    "cm": 96 / 2.54,
    "mm": 96 / 25.4,
    "em": 16.0,
    "ex": 8.0,
}
_LENGTH = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(%|[a-z]{0,2})\s*")


@dataclass(frozen=True)
class Shade:
    """A gradient as a shape has it: `map` takes the picture's units, as of `render_paths`."""

    kind: str
    spread: str
    stops: tuple[tuple[float, ...], ...]  # offset, RGB, opacity
    map: tuple[float, ...]


@dataclass(frozen=True)
class _Source:
    kind: str
    values: Mapping[str, str]
    stops: tuple[tuple[float, ...], ...]


def compose(outer: Affine, inner: Affine) -> Affine:
    """The map that applies `inner` and then `outer`."""
    a, b, c, d, e, f = outer
    p, q, r, s, t, u = inner
    return (a * p + c * q, b * p + d * q, a * r + c * s, b * r + d * s, a * t + c * u + e, b * t + d * u + f)


def inverse(affine: Affine) -> Affine | None:
    """None if there is none."""
    a, b, c, d, e, f = affine
    determinant = a * d - b * c
    if not math.isfinite(determinant) or abs(determinant) < 1e-30:
        return None
    p, q, r, s = d / determinant, -b / determinant, -c / determinant, a / determinant
    return (p, q, r, s, -(p * e + r * f), -(q * e + s * f))


class Gradients:
    """The gradients of a file, each resolved when a shape first asks for it.

    Args:
        root: of the file.
        svgelements: the module.

    Attributes:
        viewport: width and height that percentages of gradients in user space refer to.
    """

    def __init__(self, root: Element, svgelements: Any) -> None:
        self._svg = svgelements
        self.viewport = (1.0, 1.0)
        self._by_id = {e.get("id"): e for e in root.iter() if local_name(e) in KINDS and e.get("id")}
        self._rules = style_rules(root)
        self._found: dict[str, _Source] = {}

    def paint(self, name: str, transform: Affine, box: Box | None) -> Shade | tuple[float, ...] | None:
        """What a shape is painted with.

        Args:
            name: id of the gradient.
            transform: from the shape's user space to the picture.
            box: bounding box of the shape in its user space, without the stroke.

        Returns:
            A gradient; or one colour, RGB and opacity; or None, which paints nothing.

        Raises:
            KeyError: there is no such gradient.
            ValueError: it refers to itself or to another file, or has more than `MAX_STOPS` stops.
        """
        source = self._source(name)
        if not source.stops:
            return None
        values, last = source.values, source.stops[-1][1:]
        if len(source.stops) == 1:
            return last
        boxed = values.get("gradientUnits", "objectBoundingBox") != "userSpaceOnUse"
        own = self._svg.Matrix(values.get("gradientTransform", ""))
        inner: Affine = (own.a, own.b, own.c, own.d, float(own.e), float(own.f))
        if boxed:
            if box is None or not (box[2] > box[0] and box[3] > box[1]):
                return None
            inner = compose((box[2] - box[0], 0.0, 0.0, box[3] - box[1], box[0], box[1]), inner)
        back = inverse(compose(transform, inner))
        if back is None or not all(math.isfinite(number) for number in back):
            return None
        extent = (1.0, 1.0) if boxed else self.viewport
        numbers = (_linear if source.kind == "linear" else _radial)(values, extent, back)
        if numbers is None:
            return last
        spread = values.get("spreadMethod", "pad")
        return Shade(source.kind, spread if spread in SPREADS else "pad", source.stops, numbers)

    def _source(self, name: str) -> _Source:
        if name in self._found:
            return self._found[name]
        element = self._by_id[name]
        kind = KINDS[local_name(element)]
        values: dict[str, str] = {}
        stops: tuple[tuple[float, ...], ...] = ()
        seen: list[str] = []
        while True:
            if name in seen:
                raise ValueError(f"the gradient {name[:40]!r} refers to itself")
            seen.append(name)
            same = KINDS[local_name(element)] == kind
            for key in (*_SHARED, *(_OWN[kind] if same else ())):
                if key in element.attrib:
                    values.setdefault(key, element.attrib[key].strip())
            stops = stops or self._stops(element)
            target = reference(element)
            if target and not target.startswith("#"):
                raise ValueError("it refers to another file")
            if target[1:] not in self._by_id:
                break
            name = target[1:]
            element = self._by_id[name]
        self._found[seen[0]] = _Source(kind, values, stops)
        return self._found[seen[0]]

    def _stops(self, gradient: Element) -> tuple[tuple[float, ...], ...]:
        children = [child for child in gradient if local_name(child) == "stop"]
        if len(children) > MAX_STOPS:
            raise ValueError(f"a gradient has {len(children)} stops, more than {MAX_STOPS}")
        found = []
        for child in children:
            values = properties(child, self._rules)
            text = values.get("stop-color", "black")
            if text.lower() == "currentcolor":
                text = values.get("color", properties(gradient, self._rules).get("color", "black"))
            color = self._svg.Color(text)
            rgb = (0, 0, 0) if color.value is None else (color.red, color.green, color.blue)
            alpha = 1.0 if color.value is None else color.alpha / 255
            opacity = alpha * share(values.get("stop-opacity"), 1.0)
            found.append((share(values.get("offset"), 0.0), *(part / 255 for part in rgb), opacity))
        return tuple(found)


def share(text: Any, default: float) -> float:
    """A number or percentage as a share in [0, 1]; `default` where there is none or it is not one."""
    found = None if text is None else _LENGTH.fullmatch(str(text))
    if found is None or found[2] not in ("", "%"):
        return default
    number = float(found[1]) / (100 if found[2] else 1)
    return min(max(number, 0.0), 1.0)


def _length(values: Mapping[str, str], key: str, default: str, extent: float) -> float:
    for text in (values.get(key, default), default):
        found = _LENGTH.fullmatch(text)
        if found is not None and (found[2] == "%" or found[2] in _UNITS):
            number = float(found[1])
            return number / 100 * extent if found[2] == "%" else number * _UNITS[found[2]]
    raise AssertionError(f"the default of {key} is no length")


def _linear(values: Mapping[str, str], extent: tuple[float, float], back: Affine) -> tuple[float, ...] | None:
    """The map; None if start and end are the same."""
    x1, x2 = (_length(values, key, default, extent[0]) for key, default in (("x1", "0%"), ("x2", "100%")))
    y1, y2 = (_length(values, key, "0%", extent[1]) for key in ("y1", "y2"))
    square = (x2 - x1) ** 2 + (y2 - y1) ** 2
    if not 1e-30 < square < math.inf:
        return None
    dx, dy = (x2 - x1) / square, (y2 - y1) / square
    a, b, c, d, e, f = back
    return (a * dx + b * dy, c * dx + d * dy, (e - x1) * dx + (f - y1) * dy, 0.0, 0.0, 0.0, 0.0, 0.0)


def _radial(values: Mapping[str, str], extent: tuple[float, float], back: Affine) -> tuple[float, ...] | None:
    """The map; None if the circle has no size."""
    cx, cy = _length(values, "cx", "50%", extent[0]), _length(values, "cy", "50%", extent[1])
    radius = _length(values, "r", "50%", math.hypot(*extent) / math.sqrt(2))
    if radius < 0:  # not valid, so that the default counts
        radius = _length({}, "r", "50%", math.hypot(*extent) / math.sqrt(2))
    if not 1e-15 < radius < math.inf:
        return None
    fx, fy = (
        (_length(values, key, "0", size) - center) / radius if key in values else 0.0
        for key, size, center in (("fx", extent[0], cx), ("fy", extent[1], cy))
    )
    out = math.hypot(fx, fy)
    if out > MAX_FOCUS:
        fx, fy = fx / out * MAX_FOCUS, fy / out * MAX_FOCUS
    a, b, c, d, e, f = (number / radius for number in back)
    return (a, c, e - cx / radius, b, d, f - cy / radius, fx, fy)
