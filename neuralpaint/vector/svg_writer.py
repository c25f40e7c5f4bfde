"""A `VectorImage` as an SVG file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from neuralpaint.brushes.svg.text import color, number, opacity
from neuralpaint.ops.path_layout import CAPS, FILL_RULES, JOINS
from neuralpaint.utils.files import atomic_write
from neuralpaint.vector.image import VectorImage

_STRAIGHT = 2e-3  # units that control points may be off a line's thirds


def write_svg(image: VectorImage, path: str | os.PathLike, *, decimals: int = 2) -> None:
    """Writes a picture as SVG, a `<path>` element for each path. The output is deterministic.

    Args:
        decimals: digits of coordinates after the point.

    Raises:
        WriteError: the file cannot be written; an existing file is left unchanged.
    """
    with atomic_write(path) as file:
        for line in svg_lines(image, decimals):
            file.write(f"{line}\n".encode())


def svg_lines(image: VectorImage, decimals: int = 2) -> Iterator[str]:
    """The lines of the file."""
    width, height = number(image.width, 4), number(image.height, 4)
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">')
    yield f'<rect width="{width}" height="{height}" fill="{color(image.background)}"/>'
    points = image.points.detach().double().cpu().tolist()
    fills = image.fill.detach().double().cpu().tolist()
    strokes = None if image.stroke is None else image.stroke.detach().double().cpu().tolist()
    widths = [] if image.stroke_width is None else image.stroke_width.detach().double().cpu().tolist()
    outlines: list[list[str]] = [[] for _ in range(image.layout.num_paths)]
    at = 0
    for path, count, closed in image.layout.contours.tolist():
        outlines[path].append(_contour(points[at : at + count], bool(closed), decimals))
        at += count
    for path, (rule, cap, join) in enumerate(image.layout.styles[:, :3].tolist()):
        attributes = _paint("fill", fills[path])
        if FILL_RULES[rule] != "nonzero":
            attributes += f' fill-rule="{FILL_RULES[rule]}"'
        if strokes is not None and strokes[path][3] > 0 and widths[path] > 0:
            attributes += _paint("stroke", strokes[path]) + f' stroke-width="{number(widths[path], decimals + 1)}"'
            attributes += f' stroke-linecap="{CAPS[cap]}" stroke-linejoin="{JOINS[join]}"'
            attributes += f' stroke-miterlimit="{number(image.miter_limit, 2)}"'
        yield f'<path d="{"".join(outlines[path])}"{attributes}/>'
    yield "</svg>"


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


def _paint(name: str, rgba: Sequence[float]) -> str:
    if rgba[3] <= 0:
        return f' {name}="none"'
    return f' {name}="{color(rgba[:3])}"{opacity(rgba[3], f"{name}-opacity")}'
