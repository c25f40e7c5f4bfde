"""What of each stroke can be seen, and the lines that fill it. By shapely (extra `plot`), in millimetres."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely

_GRID = 1e-3  # coordinates are rounded to a micrometre, which keeps the geometry robust
_INSET = 0.3  # how far lines stay within an outline, in pen widths: a little ink may run over
_NEAR = 1.7  # lines whose ends are this many spacings apart are joined
_SIMPLE = 0.01  # millimetres by which lines may be simplified


def visible_shapes(outlines: np.ndarray, width: float, height: float) -> np.ndarray:
    """The part of each stroke on a canvas of `width` × `height` that no later stroke hides.

    Args:
        outlines: `[N, L, M, 2]`, see `Brush.outline`.

    Returns:
        Geometries `[N]`, some of them empty.
    """
    pieces = shapely.convex_hull(shapely.multipoints(outlines))
    shapes = shapely.union_all(_areas(pieces), axis=1, grid_size=_GRID)
    shapes = _areas(shapely.intersection(shapes, shapely.box(0, 0, width, height), grid_size=_GRID))
    below, above = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    hiding = above > below
    order = np.argsort(below[hiding], kind="stable")
    below, above = below[hiding][order], above[hiding][order]
    cuts = np.searchsorted(below, np.arange(len(shapes) + 1))
    seen = shapes.copy()
    for index in range(len(shapes)):
        over = above[cuts[index] : cuts[index + 1]]
        if len(over):
            cover = shapely.union_all(shapes[over], grid_size=_GRID)
            seen[index] = shapely.difference(shapes[index], cover, grid_size=_GRID)
    return _areas(seen)


def _areas(shapes: np.ndarray) -> np.ndarray:
    """Geometries without the lines and points that are left of shapes thinner than the grid."""
    polygonal = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    areas = shapes.copy()
    for index in np.argwhere(~np.isin(shapely.get_type_id(shapes), polygonal)):
        parts = shapely.get_parts(shapes[tuple(index)])
        kept = parts[np.isin(shapely.get_type_id(parts), polygonal)]
        areas[tuple(index)] = shapely.union_all(kept) if len(kept) else shapely.Polygon()
    return areas


def filling_lines(
    shape: Any, line: np.ndarray, width: np.ndarray, pen: float, spacing: float, edges: bool
) -> list[np.ndarray]:
    """Lines `[K, 2]` that fill a shape along a stroke's centre line, joined at their ends where that stays inside.

    Args:
        line, width: `[K, 2]` and `[K]`, the centre line and the stroke's width there.
        pen: width of the pen.
        spacing: largest distance between lines.
        edges: whether to draw the shape's edge too.
    """
    inner = shapely.buffer(shape, -_INSET * pen)
    if shapely.is_empty(inner):
        return []
    reach = float(width.max()) / 2
    middle = shapely.linestrings(_longer(line, 1.5 * reach + pen))
    low, high = _reach(middle, inner)
    offsets = np.linspace(low, high, max(2, math.ceil((high - low) / spacing) + 1))
    if edges:
        offsets = offsets[1:-1]
    still = np.abs(offsets) < _GRID  # offset_curve fails for these
    rows = np.where(still, middle, shapely.offset_curve(middle, np.where(still, spacing, offsets), quad_segs=4))
    parts, row = shapely.get_parts(shapely.intersection(rows, inner), return_index=True)
    lines = _drawn(parts, row)
    if edges:
        rings = shapely.get_rings(shapely.get_parts(inner))
        lines += [shapely.get_coordinates(ring) for ring in shapely.simplify(rings, _SIMPLE)]
    return _joined(lines, shape, _NEAR * spacing)


def _reach(middle: Any, shape: Any) -> tuple[float, float]:
    """How far a shape reaches to the right and to the left of a line: from a negative to a positive distance."""
    corners = shapely.points(shapely.get_coordinates(shape))
    place = shapely.line_locate_point(middle, corners)
    near = shapely.get_coordinates(shapely.line_interpolate_point(middle, place))
    step = shapely.length(middle) * 1e-3
    before, after = (
        shapely.get_coordinates(shapely.line_interpolate_point(middle, np.maximum(place + by, 0.0)))
        for by in (-step, step)
    )
    way, away = after - before, shapely.get_coordinates(corners) - near
    side = np.sign(way[:, 0] * away[:, 1] - way[:, 1] * away[:, 0]) * np.linalg.norm(away, axis=1)
    return float(side.min()), float(side.max())


def centre_lines(shape: Any, line: np.ndarray) -> list[np.ndarray]:
    """The parts of a centre line `[K, 2]` within a shape."""
    if len(np.unique(line, axis=0)) < 2:
        return []
    parts = shapely.get_parts(shapely.line_merge(shapely.intersection(shapely.linestrings(line), shape)))
    return _drawn(parts, np.zeros(len(parts), dtype=np.int64))


def _longer(line: np.ndarray, by: float) -> np.ndarray:
    """A line with straight ends added; a dot becomes a line along x."""
    keep = np.concatenate([[True], np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-6])
    line = line[keep]
    if len(line) < 2:
        return line[:1] + np.array([[-by, 0.0], [by, 0.0]])
    first, last = line[0] - line[1], line[-1] - line[-2]
    start = line[0] + first * (by / np.linalg.norm(first))
    return np.concatenate([start[None], line, (line[-1] + last * (by / np.linalg.norm(last)))[None]])


def _drawn(parts: np.ndarray, row: np.ndarray) -> list[np.ndarray]:
    """Coordinates of the lines among geometries, every second row backwards."""
    lines = []
    for part, number in zip(shapely.simplify(parts, _SIMPLE), row.tolist(), strict=True):
        if shapely.get_type_id(part) == shapely.GeometryType.LINESTRING and shapely.length(part) > 10 * _GRID:
            points = shapely.get_coordinates(part)
            lines.append(points[::-1] if number % 2 else points)
    return lines


def _joined(lines: list[np.ndarray], shape: Any, near: float) -> list[np.ndarray]:
    """Lines with a short way to the next one drawn too, where it lies in the shape: fewer times to lift the pen."""
    if len(lines) < 2:
        return lines
    room = shapely.buffer(shape, 10 * _GRID)
    ends = np.array([[line[0], line[-1]] for line in lines])
    left = list(range(1, len(lines)))
    chains, chain = [], [lines[0]]
    while left:
        at = chain[-1][-1]
        distance = np.linalg.norm(ends[left] - at, axis=-1)
        chosen, side = np.unravel_index(distance.argmin(), distance.shape)
        index = left[chosen]
        way = shapely.linestrings([at, ends[index, side]])
        if distance[chosen, side] <= near and shapely.covers(room, way):
            chain.append(lines[index] if side == 0 else lines[index][::-1])
            del left[chosen]
        else:
            chains.append(np.concatenate(chain))
            chain = [lines[left.pop(0)]]
    return [*chains, np.concatenate(chain)]
