"""A `VectorImage` as an SVG file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from torch import Tensor

from neuralpaint.brushes.svg.text import color, number, opacity
from neuralpaint.ops.path_groups import Step
from neuralpaint.ops.path_layout import CAPS, FILL_RULES, GRADIENTS, JOINS, SPREADS
from neuralpaint.utils.files import atomic_write
from neuralpaint.vector.image import VectorImage
from neuralpaint.vector.svg_gradients import inverse

_STRAIGHT = 2e-3  # units that control points may be off a line's thirds


def write_svg(image: VectorImage, path: str | os.PathLike, *, decimals: int = 2) -> None:
    """Writes a picture as SVG, a `<path>` element for each path. The output is deterministic.

    Args:
        decimals: digits of coordinates after the point.

    Raises:
        ValueError: a gradient's map has no direction or no inverse, which SVG cannot say.
        WriteError: the file cannot be written; an existing file is left unchanged.
    """
    lines = list(svg_lines(image, decimals))
    with atomic_write(path) as file:
        for line in lines:
            file.write(f"{line}\n".encode())


def svg_lines(image: VectorImage, decimals: int = 2) -> Iterator[str]:
    """The lines of the file."""
    width, height = number(image.width, 4), number(image.height, 4)
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">')
    yield f'<rect width="{width}" height="{height}" fill="{color(image.background)}"/>'
    if len(image.layout.gradients):
        yield "<defs>"
        yield from _gradients(image)
        yield "</defs>"
    paths = list(_paths(image, decimals))
    opacities = _numbers(image.group_opacity)
    for step in image.layout.steps or (Step("draw", paths=(0, len(paths))),):
        if step.kind == "open":
            yield f"<g{opacity(opacities[step.group], 'opacity')}>"
        elif step.kind == "close":
            yield "</g>"
        else:
            yield from paths[slice(*step.paths)]
    yield "</svg>"


def _numbers(tensor: Tensor | None) -> list:
    return [] if tensor is None else tensor.detach().double().cpu().tolist()


def _paths(image: VectorImage, decimals: int) -> Iterator[str]:
    points, fills, strokes = _numbers(image.points), _numbers(image.fill), _numbers(image.stroke)
    widths, limits = _numbers(image.stroke_width), image.layout.miter_limits.tolist()
    outlines: list[list[str]] = [[] for _ in range(image.layout.num_paths)]
    at = 0
    for path, count, closed in image.layout.contours.tolist():
        outlines[path].append(_contour(points[at : at + count], bool(closed), decimals))
        at += count
    for path, (rule, cap, join, filled, stroked) in enumerate(image.layout.styles.tolist()):
        attributes = _paint("fill", fills[path], filled)
        if FILL_RULES[rule] != "nonzero":
            attributes += f' fill-rule="{FILL_RULES[rule]}"'
        if strokes and strokes[path][3] > 0 and widths[path] > 0:
            attributes += _paint("stroke", strokes[path], stroked)
            attributes += f' stroke-width="{number(widths[path], decimals + 1)}"'
            attributes += f' stroke-linecap="{CAPS[cap]}" stroke-linejoin="{JOINS[join]}"'
            if JOINS[join] == "miter":
                attributes += f' stroke-miterlimit="{number(limits[path], 2)}"'
        yield f'<path d="{"".join(outlines[path])}"{attributes}/>'


def _gradients(image: VectorImage) -> Iterator[str]:
    stops, at = _numbers(image.stops), 0
    rows = zip(image.layout.gradients.tolist(), _numbers(image.gradient_maps), strict=True)
    for index, ((kind, spread, count), numbers) in enumerate(rows):
        name = f"{GRADIENTS[kind]}Gradient"
        shape = _line(numbers) if GRADIENTS[kind] == "linear" else _circle(numbers)
        beyond = "" if SPREADS[spread] == "pad" else f' spreadMethod="{SPREADS[spread]}"'
        yield f'<{name} id="g{index}" gradientUnits="userSpaceOnUse"{shape}{beyond}>'
        for offset, *rgb, alpha in stops[at : at + count]:
            yield f'<stop offset="{_digits(offset)}" stop-color="{color(rgb)}"{opacity(alpha, "stop-opacity")}/>'
        yield f"</{name}>"
        at += count


def _digits(value: float) -> str:
    return f"{value:.9g}"


def _line(numbers: Sequence[float]) -> str:
    """Attributes of a linear gradient, whose parameter is x a + y b + c."""
    a, b, c = numbers[:3]
    square = a * a + b * b
    if not square > 0:
        raise ValueError("gradient_maps must have a direction, but a linear gradient is the same everywhere")
    x, y = -c * a / square, -c * b / square
    ends = {"x1": x, "y1": y, "x2": x + a / square, "y2": y + b / square}
    return "".join(f' {key}="{_digits(value)}"' for key, value in ends.items())


def _circle(numbers: Sequence[float]) -> str:
    a, c, e, b, d, f, fx, fy = numbers
    back = inverse((a, b, c, d, e, f))
    if back is None:
        raise ValueError("gradient_maps must have an inverse, but a radial gradient's has none")
    circle = ' cx="0" cy="0" r="1"' + (f' fx="{_digits(fx)}" fy="{_digits(fy)}"' if fx or fy else "")
    return f'{circle} gradientTransform="matrix({" ".join(_digits(value) for value in back)})"'


def _contour(segments: Sequence[Sequence[Sequence[float]]], closed: bool, decimals: int) -> str:
    def place(point: Sequence[float]) -> str:
        return f"{number(point[0], decimals)} {number(point[1], decimals)}"

    parts = [f"M{place(segments[0][0])}"]
    last = segments[0][0]
    for segment in segments:
        if segment[0] != last:
            parts.append(f"L{place(segment[0])}")
        if _is_straight(segment):
            parts.append(f"L{place(segment[3])}")
        else:
            parts.append("C" + " ".join(place(point) for point in segment[1:]))
        last = segment[3]
    return "".join(parts) + ("Z" if closed else "")


def _is_straight(segment: Sequence[Sequence[float]]) -> bool:
    start, first, second, end = segment
    return all(
        abs(start[k] + (end[k] - start[k]) / 3 - first[k]) < _STRAIGHT
        and abs(start[k] + 2 * (end[k] - start[k]) / 3 - second[k]) < _STRAIGHT
        for k in (0, 1)
    )


def _paint(name: str, rgba: Sequence[float], gradient: int) -> str:
    if rgba[3] <= 0:
        return f' {name}="none"'
    aim = color(rgba[:3]) if gradient < 0 else f"url(#g{gradient})"
    return f' {name}="{aim}"{opacity(rgba[3], f"{name}-opacity")}'
